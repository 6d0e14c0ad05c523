"""What an avatar can be written as, chosen by the name of the output or asked for."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...avatars.avatar import Avatar
from ...avatars.library import open_avatar
from ...avatars.motion import Motion
from ...avatars.ply import ply_bytes, write_ply
from ...core.errors import InputError
from ...core.whole_files import write_whole
from ...renderer import Gaussians
from ..avatar.own import export_folder
from ..clip.source import open_motion
from .head_glb import head_glb
from .splat import SPZ_VERSION, splat_bytes, spz_bytes, turned_over
from .still import emotion_still, world_gaussians

NUMBERED = re.compile(r"[^%]*%0?\d{0,2}d[^%]*\.ply", re.IGNORECASE)
DEFAULT_PATTERN = "%06d.ply"
AXES = ("y-up", "y-down")  # ours and GaussianAvatars', and those that most viewers of splats expect
STILLS = ("ply", "splat", "spz")
FORMATS = (*STILLS, "glb", "ply-sequence", "ga")


@dataclass(frozen=True)
class ExportRequest:
    """Which person, how, and to where."""

    avatar: str
    out: Path
    format: str | None = None  # one of FORMATS; None: by the name of `out`
    emotion: str = "neutral"  # of a still
    motion: Path | None = None  # of a glb or a sequence
    axes: str = "y-up"  # one of AXES, of splats whose format fixes none
    spz_version: int = SPZ_VERSION


def export(request: ExportRequest, *, say: Callable[[str], None] = lambda _: None) -> str:
    """Write an avatar for other programs and say in one line what was written; raises InputError.

    `say` hears of what takes much space before it is written.
    """
    kind = _format(request)
    if request.motion is not None and kind not in ("glb", "ply-sequence"):
        raise InputError(f"--motion: expected a .glb or a sequence such as frames/%06d.ply, found {request.out}")
    if request.emotion != "neutral" and kind not in STILLS:
        raise InputError(f"--emotion: expected a still .ply, .splat or .spz, found {request.out}")
    if request.axes not in AXES:
        raise InputError(f"--axes {request.axes!r}: expected {' or '.join(AXES)}")
    if request.axes != "y-up" and kind not in ("ply", "splat", "ply-sequence"):
        raise InputError(
            f"--axes: expected a .ply, .splat or sequence, whose axes no format fixes, found {request.out}"
        )
    if kind == "ga":
        return str(export_folder(request.avatar, request.out))
    avatar = open_avatar(request.avatar)
    motion = None if request.motion is None else open_motion(request.motion, avatar, name=request.avatar)
    if kind == "glb":
        return _write_glb(request.out, avatar, motion)
    if kind == "ply-sequence":
        if motion is None:
            raise InputError("--motion: expected the motion .npz that the sequence shows, found none")
        return _write_sequence(request.out, avatar, motion, say, axes=request.axes)
    return write_still(request.out, avatar, kind, request.emotion, axes=request.axes, spz_version=request.spz_version)


def _format(request: ExportRequest) -> str:
    """The format that is asked for or that the output's name means."""
    suffix = request.out.suffix.lower().removeprefix(".")
    named = suffix or "ga"
    if suffix == "ply" and NUMBERED.fullmatch(request.out.name):
        named = "ply-sequence"
    chosen = request.format or named
    if chosen not in FORMATS:
        what = f"--format {chosen!r}" if request.format else f"{request.out}: unknown suffix '.{suffix}'"
        raise InputError(f"{what}: expected one of {', '.join(FORMATS)}")
    fits = {"ga": not suffix, "ply-sequence": not suffix or named == "ply-sequence"}
    if not fits.get(chosen, named == chosen):
        raise InputError(f"{request.out}: expected {_wanted_name(chosen)} for --format {chosen}")
    return chosen


def _wanted_name(kind: str) -> str:
    names = {"ga": "the name of a folder", "ply-sequence": "a folder or a pattern such as frames/%06d.ply"}
    return names.get(kind, f"a name that ends in .{kind}")


def write_still(
    out: Path, avatar: Avatar, kind: str, emotion: str, *, axes: str = "y-up", spz_version: int = SPZ_VERSION
) -> str:
    """Write the Gaussians of one pose as "ply", "splat" or "spz"; raises InputError."""
    (gaussians,) = world_gaussians(avatar, emotion_still(avatar.head, emotion))
    gaussians = _with_axes(gaussians, axes)
    try:
        if kind == "ply":
            write_ply(out, gaussians, comments=_comments(axes))
        else:
            write_whole(out, splat_bytes(gaussians) if kind == "splat" else spz_bytes(gaussians, version=spz_version))
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error
    return f"{out}: {len(gaussians)} Gaussians"


def _with_axes(gaussians: Gaussians, axes: str) -> Gaussians:
    return gaussians if axes == "y-up" else turned_over(gaussians)


def _comments(axes: str) -> list[str]:
    """What a reader of a PLY must know and the format has no place for."""
    way = "Y up, face towards +Z" if axes == "y-up" else "Y down, face towards -Z"
    return [
        f"emosplat: world space, metres, {way}",
        "emosplat: rasterized without antialiasing, as 3D Gaussian splatting",
    ]


def _write_glb(out: Path, avatar: Avatar, motion: Motion | None) -> str:
    data = head_glb(avatar, motion)
    write_whole(out, data)
    played = "no motion" if motion is None else f"{len(motion)} frames of motion"
    return f"{out}: {len(avatar.head.v_template)} vertices, {played}, {len(data) / 1e6:.1f} MB"


def _write_sequence(out: Path, avatar: Avatar, motion: Motion, say: Callable[[str], None], *, axes: str) -> str:
    """One PLY per frame, numbered from 0, in a folder that appears when it is complete."""
    folder, pattern = (out.parent, out.name) if out.suffix else (out, DEFAULT_PATTERN)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: expected a new or empty folder for the frames; choose another one")
    size = len(motion) * len(avatar.gaussians) * ply_bytes(avatar.gaussians)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder.absolute().parent).free
        if size > free:
            raise InputError(f"{folder}: expected {size / 1e9:.1f} GB of space for the frames, found {free / 1e9:.1f}")
        say(f"{len(motion)} frames of {size / len(motion) / 1e6:.1f} MB: {size / 1e9:.2f} GB")
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.absolute().parent) as staged:
            frames = Path(staged) / "frames"
            frames.mkdir()
            for number, gaussians in enumerate(world_gaussians(avatar, motion)):
                write_ply(frames / (pattern % number), _with_axes(gaussians, axes), comments=_comments(axes))
            frames.replace(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from error
    return f"{folder}: {len(motion)} frames at {motion.fps:g} frames/s, {len(avatar.gaussians)} Gaussians each"
