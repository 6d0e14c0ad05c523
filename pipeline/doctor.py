"""Is everything in place? What is installed, which rasterizer will draw, and how to mend what is not."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

REINSTALL = "pip install --force-reinstall emosplat"
NEEDED = {
    "numpy": "numpy",
    "numba": "numba",
    "scipy": "scipy",
    "av": "av",
    "imageio-ffmpeg": "imageio_ffmpeg",
    "opencv-python-headless": "cv2",
    "soxr": "soxr",
    "safetensors": "safetensors",
}
FREE_SPACE = 1 << 30  # bytes


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    what: str
    found: str
    ok: bool = True
    fix: str = ""


def examine() -> list[Finding]:
    """Check every part that rendering needs; nothing is installed or changed."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (_python, _packages, _encoder, _rasterizer, _assets, _space)
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0))
    yield Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {cores} cores")


def _packages() -> Iterator[Finding]:
    for package, module in NEEDED.items():
        try:
            importlib.import_module(module)
            yield Finding(package, version(package))
        except (ImportError, OSError, PackageNotFoundError) as error:
            yield Finding(package, str(error), ok=False, fix=f"pip install --force-reinstall {package}")


def _encoder() -> Iterator[Finding]:
    try:
        import imageio_ffmpeg

        yield Finding("ffmpeg", f"{imageio_ffmpeg.get_ffmpeg_version()} (bundled)")
    except (ImportError, RuntimeError, OSError) as error:
        yield Finding("ffmpeg", str(error), ok=False, fix="pip install --force-reinstall imageio-ffmpeg")


def _rasterizer() -> Iterator[Finding]:
    from ..renderer import open_rasterizer

    try:
        rasterizer = open_rasterizer("auto")
    except Exception as error:
        yield Finding("rasterizer", str(error), ok=False, fix=REINSTALL)
        return
    yield Finding("rasterizer", f"{rasterizer.name}: {rasterizer.reason}")


def _assets() -> Iterator[Finding]:
    from ..avatars.library import builtin_avatars, open_avatar
    from ..blendshapes.speech.encoder import SpeechEncoder
    from ..core.errors import InputError

    try:
        names = builtin_avatars()
        count = len(open_avatar("person1").gaussians)
        yield Finding("avatars", f"{', '.join(names)} (person1: {count} Gaussians)")
        yield Finding("speech model", SpeechEncoder.load().sha256[:12])
    except (InputError, OSError) as error:
        yield Finding("assets", str(error), ok=False, fix=REINSTALL)


def _space() -> Iterator[Finding]:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    enough = free >= FREE_SPACE
    fix = "" if enough else f"free some space in {tempfile.gettempdir()}"
    yield Finding("temporary space", f"{free / (1 << 30):.1f} GiB", ok=enough, fix=fix)
    writable = os.access(Path.cwd(), os.W_OK)
    yield Finding(
        "this folder", "writable" if writable else "read-only", ok=True, fix="" if writable else "use -o elsewhere"
    )
    if sys.prefix == sys.base_prefix:
        yield Finding("environment", "no virtual environment", fix="python3 -m venv .venv")
