"""Builds what the function runs: the code and every package it needs, without Docker.

The same inputs give the same bytes on every machine: packages are pinned with hashes and pure Python, and
whatever pip writes about the machine it ran on is dropped.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from pull_doctor.facts import permissions

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "lambda" / "requirements.txt"
DELIVERY_SERVICES = frozenset({"dynamodb", "events", "s3", "secretsmanager", "sns", "sts"})

_PYTHON = "3.13"
_BUILD = ROOT / "build"
_MACHINE_DEPENDENT = ("bin", "__pycache__", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
# The command line and what only it uses.
_NOT_SHIPPED = ("cli.py", "console.py", "operations", "terminal.py", "__pycache__")


class AssetError(Exception):
    """The asset cannot be built; the message says why."""


def services() -> frozenset[str]:
    """Return the AWS services that the function calls, by the name of botocore's model."""
    return DELIVERY_SERVICES | {action.partition(":")[0] for action in permissions.actions()}


def build(tree: Path) -> None:
    """Write the asset to the directory ``tree``, which must not exist yet.

    Raises:
        AssetError: pip fails, or botocore has no model of a service that a reader declares.
    """
    packages = _packages()
    shutil.copytree(packages, tree, ignore=_all_but(packages / "botocore" / "data", services()))
    code = ROOT / "lambda" / "pull_doctor"
    shutil.copytree(code, tree / code.name, ignore=shutil.ignore_patterns(*_NOT_SHIPPED))


def _packages() -> Path:
    """Install the pinned packages once for each state of the requirements file."""
    kept = _BUILD / f"packages-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]}"
    if kept.is_dir():
        return kept
    _BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_BUILD) as scratch:
        tree = Path(scratch) / "packages"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        pure = ["--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none"]
        pinned = [f"--python-version={_PYTHON}", "--require-hashes", "--no-deps", f"--requirement={REQUIREMENTS}"]
        done = subprocess.run(  # noqa: S603 - every argument is written here
            [*pip, *pure, *pinned, f"--target={tree}"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise AssetError(f"pip could not install {REQUIREMENTS.relative_to(ROOT)}:\n{done.stderr.strip()}")
        for path in [path for path in tree.rglob("*") if path.name in _MACHINE_DEPENDENT]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(tree / "boto3" / "examples")
        try:
            tree.rename(kept)
        except OSError:
            if not kept.is_dir():  # else another process has just put the same there
                raise
    return kept


def _all_but(data: Path, wanted: Collection[str]) -> Callable[[str, list[str]], list[str]]:
    """Make the ignore function of ``copytree`` that leaves botocore the newest model of the wanted services."""
    missing = sorted(name for name in wanted if not (data / name).is_dir())
    if missing:
        raise AssetError(f"botocore has no model named {', '.join(missing)}")

    def ignore(directory: str, names: list[str]) -> list[str]:
        here = Path(directory)
        if here == data:
            return [name for name in names if (here / name).is_dir() and name not in wanted]
        if here.parent == data:
            return sorted(name for name in names if (here / name).is_dir())[:-1]
        return []

    return ignore
