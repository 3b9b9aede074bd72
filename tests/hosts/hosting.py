"""The tools that rea-lint works in, each in an environment of its own, and rea-lint itself as it is published: a wheel, a repository."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("REA_LINT_HOSTS_FOLDER", Path.home() / ".cache" / "rea-lint-hosts"))
ENVIRONMENTS: Mapping[str, tuple[str, ...]] = {  # folder -> what is installed in it; `rea-lint` is the wheel
    "tools": ("uv", "pipx", "pre-commit", "prek", "check-jsonschema", "zizmor"),
    "validate-pyproject": ("validate-pyproject[all]", "rea-lint"),
    "flake8": ("flake8", "rea-lint"),
    "pylsp": ("python-lsp-server", "rea-lint"),
}
PACKAGES = ("@taplo/cli",)  # from npm

APP = """import time

import restate

shop = restate.Service("shop")


@shop.handler()
async def buy(ctx: restate.Context, item: str) -> str:
    if time.time() > 0:
        await ctx.run_typed("pay", len, args=(item,))
    return item
"""
"""A program with one finding: REA101 in row 10, column 8."""


def run(*command: str | Path, cwd: Path | None = None, text: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program, with more in its environment; ours, which would find this checkout, is not handed on."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV", "PRE_COMMIT_HOME"}}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, input=text, capture_output=True, text=True, env=kept | environment, check=False
    )


def done(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What a program that has to succeed prints."""
    ran = run(*command, cwd=cwd, **environment)
    assert ran.returncode == 0, f"{command}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def tool(environment: str, name: str) -> Path:
    """A program of an environment, which is made if it is not there."""
    return _made(environment) / "bin" / name


@cache
def _made(environment: str) -> Path:
    folder = FOLDER / environment
    python = folder / "bin" / "python"
    if not python.exists():
        done(sys.executable, "-m", "venv", folder)
    wanted = ENVIRONMENTS[environment]
    others = [name for name in wanted if name != "rea-lint"]
    mark = folder / "installed"
    if not mark.exists() or mark.read_text() != repr(others):
        done(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *others)
        mark.write_text(repr(others))
    if "rea-lint" in wanted:
        done(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel())
        done(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--force-reinstall", "--no-deps", wheel())
    return folder


@cache
def npm(name: str) -> Path:
    """A program from npm."""
    if not (FOLDER / "npm" / "node_modules" / ".bin" / name).exists():
        done("npm", "install", "--silent", "--prefix", FOLDER / "npm", *PACKAGES)
    return FOLDER / "npm" / "node_modules" / ".bin" / name


@cache
def wheel() -> Path:
    """This checkout, built."""
    folder = FOLDER / "dist"
    for old in folder.glob("*.whl"):
        old.unlink()
    done(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--wheel-dir", folder, REPOSITORY)
    (built,) = folder.glob("*.whl")
    return built


def published(folder: Path) -> Path:
    """This checkout as a repository of its own, with all that is in it committed."""
    names = done("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY).split("\0")
    for name in names:
        source = REPOSITORY / name
        if name and source.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(source.read_bytes())
    return committed(folder)


def committed(folder: Path) -> Path:
    """A folder, made a repository with all its files in it."""
    if not (folder / ".git").exists():
        done("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    done("git", "add", "--all", cwd=folder)
    done("git", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "--message", "all", "--no-verify", cwd=folder)
    return folder
