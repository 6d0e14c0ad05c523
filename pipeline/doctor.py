"""Is everything in place? What is installed, which rasterizer will draw, and how to mend what is not."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
import time
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
TRIAL_AVATAR, TRIAL_SIZE, TRIAL_SECONDS = "person1-light", (64, 64), 0.4


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    what: str
    found: str
    ok: bool = True
    fix: str = ""


def examine() -> list[Finding]:
    """Check every part that rendering needs, and render a short clip; nothing is installed or left behind."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _encoder,
        _transcripts,
        _microphone,
        _rasterizer,
        _assets,
        _trial,
        _compiled_code,
        _own_people,
        _space,
    )
    return [finding for check in checks for finding in _checked(check)]


def _checked(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a check finds; where it breaks down itself, that is what it found."""
    try:
        yield from check()
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        yield Finding(check.__name__.strip("_").replace("_", " "), reason[:300], ok=False, fix=REINSTALL)


def _python() -> Iterator[Finding]:
    from ..core.cores import usable_cores

    system = f"{platform.system()} {platform.machine()}, {usable_cores()} cores"
    yield Finding("python", f"{platform.python_version()} on {system}, files' names in {sys.getfilesystemencoding()}")


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


def _transcripts() -> Iterator[Finding]:
    """What `--transcript` needs; everything else does without."""
    from ..blendshapes.speech.languages import INSTALL, PROGRAM

    try:
        found = f"pocketsphinx {version('pocketsphinx')}"
    except PackageNotFoundError:
        yield Finding("transcripts", "not aligned", fix="pip install 'emosplat[transcript]'")
        return
    if shutil.which(PROGRAM):
        yield Finding("transcripts", f"{found}, languages by {PROGRAM}")
    else:
        yield Finding("transcripts", f"{found}, English only", fix=INSTALL)


def _microphone() -> Iterator[Finding]:
    """What `render live` needs to hear; everything else does without."""
    try:
        import sounddevice

        yield Finding("microphone", str(sounddevice.query_devices(kind="input")["name"]))
    except ImportError:
        yield Finding("microphone", "not heard", fix="pip install 'emosplat[live]'")
    except OSError as error:
        yield Finding("microphone", f"not heard: {error}", fix="apt-get install libportaudio2")
    except Exception as error:  # PortAudio's own, where the machine has no microphone
        yield Finding("microphone", f"none: {' '.join(str(error).split())[:100]}")


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


def _trial() -> Iterator[Finding]:
    """Speech in, frames drawn and encoded, the finished file decoded: what a clip needs, done once."""
    from fractions import Fraction

    from ..avatars.library import ASSETS
    from .batch.check import check_finished
    from .clip.render import render_clip
    from .clip.request import ClipRequest
    from .settings import ClipSettings

    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="emosplat-") as folder:
        request = ClipRequest(
            ASSETS / "demo" / "hello.flac",
            Path(folder, "trial.mp4"),
            ClipSettings(emotion="happy", avatar=TRIAL_AVATAR, size=TRIAL_SIZE, duration=TRIAL_SECONDS),
        )
        record = render_clip(request)
        frames = record["result"]["frames"]
        check_finished(request.out, frames=frames, fps=Fraction(25), sound=TRIAL_SECONDS)
    seconds = time.perf_counter() - began
    yield Finding("a clip", f"{frames} frames drawn, encoded and decoded again in {seconds:.1f} s, {record['device']}")


def _compiled_code() -> Iterator[Finding]:
    from ..core.compiled import kept_in
    from ..renderer import kernels

    folder = kept_in(Path(kernels.__file__).parent)
    if folder is None:
        fix = "set NUMBA_CACHE_DIR to a folder that can be written"
        yield Finding("compiled code", "kept nowhere: every process compiles anew, 3 to 15 s", fix=fix)
    else:
        yield Finding("compiled code", f"kept in {folder}")


def _own_people() -> Iterator[Finding]:
    from ..avatars.library import HOME, home, own_avatars, own_heads
    from ..core.errors import InputError

    try:
        folder = home()
    except InputError:
        yield Finding("your own avatars", "no home folder to keep them in", fix=f"set {HOME} to a folder")
        return
    there = next(place for place in (folder, *folder.parents) if place.exists())
    kept = f"{len(own_avatars())} avatars and {len(own_heads())} heads in {folder}"
    fix = "" if os.access(there, os.W_OK) else f"set {HOME} to a folder that can be written, to import one"
    yield Finding("your own avatars", kept if not fix else f"{kept}, which cannot be written", fix=fix)


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
