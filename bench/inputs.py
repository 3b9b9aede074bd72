"""The repositories that are measured: real third-party Python, with durable programs in between.  Made once, kept in a folder.

What is downloaded is downloaded by pip: the source distributions that `requirements.txt` pins.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tarfile
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PINNED = Path(__file__).parent / "requirements.txt"
FILES = 5_002  # of the repository
SERVICES = 50
HELPERS = 200
LONGEST = 1_800  # lines of a third-party file in it: 730,000 lines in all
LINES = 1_000_000  # of the repository without handlers
VERSION = "1"  # of what is made: other inputs are another number


def make(folder: Path) -> dict[str, Path]:
    """The repositories by name, made if they are not there.  Raises CalledProcessError if pip cannot download."""
    kinds: dict[str, Callable[[Path, Path], None]] = {
        "repository": _repository,
        "handlers": lambda to, _: services(to, [5] * 200, 100),
        "half": lambda to, _: services(to, [5] * 100, 50),
        "dense": lambda to, _: services(to, [1, 1, 2] * 102, 29),
        "none": _without_handlers,
        "empty": lambda to, _: (to / "empty.py").touch(),
    }
    made = {name: folder / f"{name}-{VERSION}" for name in kinds}
    for name, path in made.items():
        if not path.exists():
            print(f"making {path}", file=sys.stderr)
            unfinished = folder / f"{name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            (unfinished / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "0"\n')
            kinds[name](unfinished, folder / "sdists")
            unfinished.rename(path)
    return made


def size(folder: Path) -> tuple[int, int]:
    """How many Python files and lines there are."""
    texts = [path.read_bytes() for path in folder.rglob("*.py")]
    return len(texts), sum(text.count(b"\n") for text in texts)


def _repository(folder: Path, sdists: Path) -> None:
    """Third-party files, package by package as they are; in between a package `shop` with services and helpers."""
    dice = random.Random(1)
    _items(folder / "shop", HELPERS, "shop", dice)
    for number in range(SERVICES):
        used = sorted({dice.randrange(HELPERS) for _ in range(3)})
        text = programs.service(f"service{number}", 3, used, "shop", dice)
        (folder / "shop" / f"service{number}.py").write_text(text)
    have = sum(1 for _ in folder.rglob("*.py"))
    for source, name in _third_party(sdists):
        if source.count(b"\n") > LONGEST:
            continue
        target = folder / "vendored" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source)
        have += 1
        if have == FILES:
            return
    raise SystemExit(f"{PINNED}: its distributions have too few files: {have}")


def services(folder: Path, handlers: Sequence[int], helpers: int) -> None:
    """A package of services with so many handlers each, and helpers; an app that serves them all."""
    dice = random.Random(2)
    _items(folder / "shop", helpers, "shop", dice)
    services = len(handlers)
    for number, own in enumerate(handlers):
        used = sorted({dice.randrange(helpers) for _ in range(3)})
        (folder / "shop" / f"service{number}.py").write_text(programs.service(f"service{number}", own, used, "shop", dice))
    names = [(number, name) for number in range(services) for name in (f"service{number}", f"service{number}_jobs")]
    imports = "".join(f"from shop.service{number} import {name}\n" for number, name in names)
    served = ", ".join(name for _, name in names)
    (folder / "app.py").write_text(f"import restate\n{imports}\napp = restate.app([{served}])\n")


def _items(folder: Path, count: int, package: str, dice: random.Random) -> None:
    folder.mkdir()
    (folder / "__init__.py").touch()
    for number in range(count):
        imported = sorted({dice.randrange(number) for _ in range(2)}) if number > 3 else []
        (folder / f"item{number}.py").write_text(programs.helper(number, imported, package))


def _without_handlers(folder: Path, sdists: Path) -> None:
    """A million lines of third-party files, again and again if need be."""
    lines = 0
    files = list(_third_party(sdists))
    for number, (source, name) in enumerate(cycle(files)):
        target = folder / f"copy{number // len(files)}" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source)
        lines += source.count(b"\n")
        if lines >= LINES:
            return


def _third_party(sdists: Path) -> Iterator[tuple[bytes, str]]:
    """Content and path of the Python files in the distributions; of those that Restate is mentioned in, none."""
    for archive in _downloaded(sdists):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and member.name.endswith(".py"):
                    file = tar.extractfile(member)
                    assert file is not None
                    source = file.read()
                    if b"restate" not in source:
                        yield source, member.name


def _downloaded(sdists: Path) -> list[Path]:
    """The distributions, in the order in which they are pinned."""
    pins = [line.split()[0] for line in PINNED.read_text("utf-8").splitlines() if line[:1].isalpha()]
    if not sdists.exists():
        unfinished = sdists.with_suffix(".unfinished")
        command = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(unfinished), "--requirement", str(PINNED)]
        subprocess.run([sys.executable, "-m", "pip", *command], check=True)
        unfinished.rename(sdists)
    by_name = {path.name.lower().replace("_", "-"): path for path in sdists.glob("*.tar.gz")}
    return [by_name[f"{pin.replace('==', '-').lower()}.tar.gz"] for pin in pins]
