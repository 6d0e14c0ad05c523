"""Writing an avatar for other programs: whatever `table` lists."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ...avatars.avatar import Avatar
from ...avatars.library import builtin_avatars, open_avatar
from ...avatars.motion import Motion
from ...avatars.ply import ply_bytes, ply_file, write_ply
from ...core.errors import InputError
from ...core.whole_files import check_free, write_whole
from ...renderer import Gaussians
from ..avatar.own import export_folder
from ..clip.source import open_motion
from .compressed_ply import compressed_ply_bytes
from .head_glb import head_glb
from .sog import sog_bytes
from .splat import splat_bytes, turned_over
from .splat_glb import MOST_BYTES, splat_glb, splat_glb_size
from .spz import spz_bytes
from .still import emotion_still, world_gaussians
from .table import AXES, SPZ_VERSION, USD_SUFFIXES, Content, ExportFormat, find_format, suffixes
from .usd import mesh_usd, splat_usd, splat_usd_size
from .vrm import vrm

DEFAULT_PATTERN = "%06d.ply"


@dataclass(frozen=True)
class ExportRequest:
    """Which person, how, and to where."""

    avatar: str
    out: Path
    format: str | None = None  # a name of `TABLE`; None: by the name of `out`
    emotion: str = "neutral"  # of a pose
    motion: Path | None = None  # of formats that move
    axes: str | None = None  # one of AXES, where the format fixes none; None: those that its readers expect
    spz_version: int = SPZ_VERSION
    overwrite: bool = False  # a file; folders have to be new

    @property
    def chosen(self) -> ExportFormat:
        """The format; raises InputError."""
        return find_format(self.out, self.format)

    @property
    def turned(self) -> bool:
        """Whether Y and Z point the other way than in our world."""
        return (self.axes or self.chosen.axes) != "y-up"


# of a pose, with comments on it where the format has comments
POSES: dict[str, Callable[[Gaussians, list[str], ExportRequest], bytes]] = {
    "ply": lambda gaussians, comments, _: ply_file(gaussians, comments=comments),
    "compressed.ply": lambda gaussians, comments, _: compressed_ply_bytes(gaussians, comments=comments),
    "splat": lambda gaussians, *_: splat_bytes(gaussians),
    "sog": lambda gaussians, *_: sog_bytes(gaussians),
    "spz": lambda gaussians, _, request: spz_bytes(gaussians, version=request.spz_version),
}
# of one pose, or of all frames with their rate: the person's name comes with them; and the size, in bytes
FRAMES: dict[str, tuple[Callable[[Path, str, Iterable[Gaussians], float | None], None], Callable[..., int]]] = {
    "splat.glb": (lambda out, name, g, fps: write_whole(out, splat_glb(name, g, fps=fps)), splat_glb_size),
    **{f"splat.{usd}": (splat_usd, splat_usd_size) for usd in USD_SUFFIXES},
}
MESHES: dict[str, Callable[[Path, Avatar, Motion | None, ExportRequest], None]] = {
    "glb": lambda out, avatar, motion, _: write_whole(out, head_glb(avatar, motion)),
    "vrm": lambda out, avatar, _, request: write_whole(out, vrm(avatar, free=request.avatar in builtin_avatars())),
    **{usd: lambda out, avatar, motion, _: mesh_usd(out, avatar, motion) for usd in USD_SUFFIXES},
}


def export(request: ExportRequest, *, say: Callable[[str], None] = lambda _: None) -> str:
    """Write an avatar for other programs and say in one line what was written; raises InputError.

    `say` hears of what takes much space before it is written.
    """
    chosen = request.chosen
    _check(request, chosen)
    if chosen.content is Content.FOLDER:
        return str(export_folder(request.avatar, request.out))
    if chosen.content is not Content.SEQUENCE:
        check_free(request.out, overwrite=request.overwrite)
    avatar = open_avatar(request.avatar)
    motion = None if request.motion is None else open_motion(request.motion, avatar, name=request.avatar)
    try:
        if chosen.content is Content.SEQUENCE:
            return _write_sequence(request, avatar, motion, say)
        if chosen.name in MESHES:
            return _write_mesh(request, avatar, motion)
        if motion is not None:
            return _write_frames(request, avatar, motion, say)
        return write_still(request, avatar)
    except OSError as error:
        raise InputError(f"{request.out}: cannot be written ({error.strerror})") from error


def _check(request: ExportRequest, chosen: ExportFormat) -> None:
    """Whether what is asked for goes together; raises InputError."""
    if request.motion is not None and not chosen.takes_motion:
        moving = suffixes(lambda known: known.takes_motion)
        raise InputError(
            f"--motion: expected a sequence such as frames/%06d.ply, or one of {moving}, found {request.out}"
        )
    if request.emotion != "neutral" and not (chosen.takes_emotion and request.motion is None):
        poses = suffixes(lambda known: known.takes_emotion)
        raise InputError(f"--emotion: expected a still, one of {poses}, found {request.out}")
    if request.axes is not None and request.axes not in AXES:
        raise InputError(f"--axes {request.axes!r}: expected {' or '.join(AXES)}")
    if chosen.fixed and request.axes not in {None, chosen.axes}:
        free = suffixes(lambda known: not known.fixed)
        raise InputError(f"--axes: expected a sequence or one of {free}, whose axes are free, found {request.out}")


def write_still(request: ExportRequest, avatar: Avatar) -> str:
    """Write the Gaussians of one pose of `avatar`, whom the request need not name; raises InputError and OSError."""
    (gaussians,) = world_gaussians(avatar, emotion_still(avatar.head, request.emotion))
    gaussians = turned_over(gaussians) if request.turned else gaussians
    name = request.chosen.name
    if name in POSES:
        write_whole(request.out, POSES[name](gaussians, _comments(gaussians, request), request))
    else:
        FRAMES[name][0](request.out, avatar.name, [gaussians], None)
    return f"{request.out}: {len(gaussians)} Gaussians"


def _comments(gaussians: Gaussians, request: ExportRequest) -> list[str]:
    """What a reader of a PLY must know and the format has no place for."""
    way = "Y down, face towards -Z" if request.turned else "Y up, face towards +Z"
    degree = round(gaussians.sh.shape[1] ** 0.5) - 1
    return [
        f"emosplat: world space, metres, {way}",
        f"emosplat: spherical harmonics of degree {degree}, colours in sRGB",
        "emosplat: rasterized without antialiasing, as 3D Gaussian splatting",
        "SplatRenderMode: default",  # the same as Brush says it, which splat-transform reads
        "antialiased 0",  # and as Postshot does
    ]


def _write_mesh(request: ExportRequest, avatar: Avatar, motion: Motion | None) -> str:
    out = request.out
    MESHES[request.chosen.name](out, avatar, motion, request)
    played = "no motion" if motion is None else f"{len(motion)} frames of motion"
    return f"{out}: {len(avatar.head.v_template)} vertices, {played}, {out.stat().st_size / 1e6:.1f} MB"


def _write_frames(request: ExportRequest, avatar: Avatar, motion: Motion, say: Callable[[str], None]) -> str:
    """All frames in one file."""
    out, (write, size_of) = request.out, FRAMES[request.chosen.name]
    size = size_of(avatar.gaussians, len(motion))
    if request.chosen.name == "splat.glb" and size > MOST_BYTES:
        fit = len(motion) * MOST_BYTES // size
        raise InputError(f"{out}: expected a motion of at most {fit} frames, found {len(motion)}")
    _check_space(out.absolute().parent, size, len(motion), say)
    write(out, avatar.name, world_gaussians(avatar, motion), motion.fps)
    return f"{out}: {_frames(motion, avatar)}"


def _frames(motion: Motion, avatar: Avatar) -> str:
    return f"{len(motion)} frames at {motion.fps:g} frames/s, {len(avatar.gaussians)} Gaussians each"


def _check_space(folder: Path, size: int, frames: int, say: Callable[[str], None]) -> None:
    """Say what will be written; raises InputError where the disk has no room for it."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputError(f"{folder}: expected {size / 1e9:.1f} GB of space for the frames, found {free / 1e9:.1f}")
    say(f"{frames} frames of {size / frames / 1e6:.1f} MB: {size / 1e9:.2f} GB")


def _write_sequence(request: ExportRequest, avatar: Avatar, motion: Motion | None, say: Callable[[str], None]) -> str:
    """One PLY per frame, numbered from 0, in a folder that appears when it is complete."""
    if motion is None:
        raise InputError("--motion: expected the motion .npz that the sequence shows, found none")
    out = request.out
    folder, pattern = (out.parent, out.name) if out.suffix else (out, DEFAULT_PATTERN)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: expected a new or empty folder for the frames; choose another one")
    size = len(motion) * len(avatar.gaussians) * ply_bytes(avatar.gaussians)
    _check_space(folder.absolute().parent, size, len(motion), say)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.absolute().parent) as staged:
        frames = Path(staged) / "frames"
        frames.mkdir()
        for number, gaussians in enumerate(world_gaussians(avatar, motion)):
            turned = turned_over(gaussians) if request.turned else gaussians
            write_ply(frames / (pattern % number), turned, comments=_comments(turned, request))
        frames.replace(folder)
    return f"{folder}: {_frames(motion, avatar)}"
