"""The example design that `render study init` writes."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..avatars.library import ASSETS
from ..core.errors import InputError

TEMPLATE = Path(__file__).with_name("example.yaml")
SPEECH = "hello.flac"


def write_example(folder: Path) -> Path:
    """Write `study.yaml` and the recording that it uses into `folder`; raises InputError rather than overwrite."""
    design = folder / "study.yaml"
    if design.exists():
        raise InputError(f"{design}: already exists; choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ASSETS / "demo" / SPEECH, folder / SPEECH)
        shutil.copyfile(TEMPLATE, design)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None
    return design
