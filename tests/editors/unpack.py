"""Editors newer than the system's: Debian packages of a later suite, with all they need, unpacked into a folder and installed nowhere.

    python tests/editors/unpack.py [FOLDER]

Their programs are run by their own dynamic linker: `BIN` has a script for each.  Needs apt-get and dpkg-deb, and no rights.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SUITE = "sid"
PACKAGES = ("neovim", "hx", "emacs-nox")
FOLDER = Path.home() / ".cache" / "rea-lint-editors" / "debian"
LIBRARIES = "usr/lib/x86_64-linux-gnu"


def main(folder: Path = FOLDER) -> None:
    """Unpack, unless it has been done.  Raises CalledProcessError where Debian cannot be reached."""
    programs = folder / "bin"
    if programs.exists():
        return
    root = folder / "root"
    for path in (root, *(folder / "apt" / name for name in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"))):
        path.mkdir(parents=True, exist_ok=True)
    apt = folder / "apt"
    (apt / "status").touch()
    (apt / "sources.list").write_text(
        f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian {SUITE} main\n"
    )
    options = {
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc": apt / "etc",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "1",
        "Acquire::http::Timeout": "20",
        "Acquire::Retries": "0",
    }
    get = ["apt-get", "--quiet", "--quiet", *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]
    for command in (["update"], ["--yes", "--download-only", "install", *PACKAGES]):
        subprocess.run([*get, *command], check=True, stdout=subprocess.DEVNULL)
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
    programs.mkdir()
    for name, (program, setting, arguments) in _programs(root).items():
        exports = "".join(f"export {key}='{value}'\n" for key, value in setting.items())
        linker = f"{root}/{LIBRARIES}/ld-linux-x86-64.so.2 --library-path {root}/{LIBRARIES}"
        script = programs / name
        script.write_text(f'#!/bin/sh\n{exports}exec {linker} {program} {arguments} "$@"\n')
        script.chmod(0o755)


def _programs(root: Path) -> dict[str, tuple[Path, dict[str, str], str]]:
    """For each program its file, its environment and its first arguments."""
    (lisp,) = root.glob("usr/share/emacs/*/lisp")
    (image,) = root.glob("usr/libexec/emacs/*/*/*.pdmp")
    emacs = {
        "EMACSLOADPATH": ":".join(map(str, [lisp, *sorted(path for path in lisp.rglob("*") if path.is_dir())])),
        "EMACSDATA": f"{lisp.parent}/etc",
        "EMACSDOC": f"{lisp.parent}/etc",
        "EMACSPATH": str(image.parent),
    }
    return {
        "nvim": (root / "usr/bin/nvim", {"VIMRUNTIME": f"{root}/usr/share/nvim/runtime"}, ""),
        "hx": (root / "usr/lib/hx/hx", {"HELIX_RUNTIME": f"{root}/usr/lib/hx/runtime"}, ""),
        "emacs": (root / "usr/bin/emacs-nox", emacs, f"--dump-file {image}"),
    }


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
