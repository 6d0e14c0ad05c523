"""Motion on disk: GaussianAvatars' motion npz, and Live Link Face CSV by ARKit name."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.npz import NpzFields
from .arkit import ARKIT_52, ArkitSolver
from .head import HeadModel
from .motion import Motion

F32 = NDArray[np.float32]

# our field -> GaussianAvatars' key; its viewer drops every array that is not float32
KEYS = {
    "expr": "expr",
    "jaw": "jaw_pose",
    "neck": "neck_pose",
    "eyes": "eyes_pose",
    "rotation": "rotation",
    "translation": "translation",
}
# what others call them; DECA's and EMOCA's `pose` [T, 6] is rotation and jaw
ALIASES = {
    "expr": ("expression", "expressions", "exp"),
    "jaw": ("jaw",),
    "neck": ("neck",),
    "eyes": ("eyes",),
    "translation": ("transl",),
}
POSE = "pose"
MOST_JAW, MOST_TURN = np.pi / 2, 2 * np.pi  # radians; what turns further is told in degrees
OPTIONAL = ("neck", "eyes", "rotation", "translation")  # a file without them means that these are at rest
# a number of frames per second, as we, AMASS, SMPL-X (BEAT2) and others call it
RATES = ("fps", "mocap_frame_rate", "mocap_framerate", "frame_rate", "framerate")
PERIODS = ("frame_time", "frametime", "dt", "delta_t")  # seconds from one frame to the next
MOST_FPS = 240
ANGLES = tuple(f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll"))


def save_motion(path: Path, motion: Motion, vertices: int, *, neutral: F32 | None = None) -> None:
    """Write the npz that GaussianAvatars' viewer plays; `dynamic_offset` is all zeros for `vertices` vertices.

    `neutral` [E] is the expression that the avatar's neutral face shows already (`Avatar.neutral`); it is added. `fps`
    is in it as float64, which the viewer drops.
    """
    arrays = {key: getattr(motion, field).astype(np.float32) for field, key in KEYS.items()}
    if neutral is not None:
        arrays["expr"] = arrays["expr"] + neutral
    # the viewer indexes this key; a broadcast zero takes no memory and compresses to almost nothing
    arrays["dynamic_offset"] = np.broadcast_to(np.float32(0), (len(motion), vertices, 3))
    with path.open("wb") as stream:  # given a name, numpy would add a suffix to those that it does not know
        np.savez_compressed(stream, **arrays, fps=np.float64(motion.fps))  # pyright: ignore[reportArgumentType]


def load_motion(
    path: Path,
    *,
    expressions: int,
    fps: float,
    neutral: F32 | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Motion:
    """Read a GaussianAvatars motion npz for a head with `expressions` modes.

    Arrays go by our names or by those of other trackers (`ALIASES`), and may stand in a list of one.
    Zero columns beyond the head's modes are dropped and missing ones are zeros, as are neck, eyes, rotation and
    translation where the file has none; `neutral` [E] is taken off (see `save_motion`). Frames that a tracker
    lost (NaN) are filled in from those about them, and `note` is told. Raises InputError naming the file and field.
    """
    fields = NpzFields(path)
    names = {
        field: next((n for n in (key, *ALIASES.get(field, ())) if n in fields), key) for field, key in KEYS.items()
    }
    found = _rows(fields, names["expr"], ("T", "E"), note)
    expr = as_wide(fields, found, expressions)
    if neutral is not None:
        expr -= neutral
    frames = len(expr)
    if frames == 0:
        raise fields.error("expr", "at least one frame", "none")
    widths = {"jaw": 3, "neck": 3, "eyes": 6, "rotation": 3, "translation": 3}
    curves: dict[str, F32] = {}
    if names["jaw"] not in fields and fields.shape(POSE)[-1:] == (6,):
        both = _curve(fields, POSE, frames, 6, note)
        curves = {"rotation": both[:, :3], "jaw": both[:, 3:]}
    for field, width in widths.items():
        if field in OPTIONAL and names[field] not in fields:
            curves.setdefault(field, np.zeros((frames, width), np.float32))
        elif field not in curves:
            curves[field] = _curve(fields, names[field], frames, width, note)
    for field, most in {"jaw": MOST_JAW, "neck": MOST_TURN, "eyes": MOST_TURN, "rotation": MOST_TURN}.items():
        if (turn := float(np.abs(curves[field]).max())) > most:
            note(f"{path}: {names[field]}: turns by up to {turn:.3g}, expected radians; are these degrees?")
    return Motion(expr=expr, **curves, fps=fps)


def _curve(fields: NpzFields, name: str, frames: int, width: int, note: Callable[[str], None]) -> F32:
    """A curve [T, width]; one row stands for all frames, as trackers write what does not move."""
    found = fields.shape(name)
    if found not in ((width,), (1, width)):
        return _rows(fields, name, (frames, width), note)
    return np.tile(fields.floats(name, found).reshape(1, width), (frames, 1))


def _rows(fields: NpzFields, name: str, shape: tuple[int | str, ...], note: Callable[[str], None]) -> F32:
    """A table of this shape, also where it stands in a list of one, as networks give it."""
    if fields.dimensions(name) == 1 + len(shape) and fields.shape(name)[0] == 1:
        return fields.floats(name, (1, *shape))[0]
    return fields.rows(name, shape, note=note)


def as_wide(fields: NpzFields, expr: F32, modes: int) -> F32:
    """Expression [T, modes] of files that hold fewer coefficients, or more that are 0; raises InputError for others."""
    if expr[:, modes:].any():
        raise fields.error("expr", f"at most {modes} expression modes, as the head has", f"{expr.shape[1]}")
    wide = np.zeros((len(expr), modes), np.float32)
    wide[:, : expr.shape[1]] = expr[:, :modes]
    return wide


def motion_rate(path: Path) -> float | None:
    """Frames per second that a motion npz tells of itself (see `RATES`, `PERIODS`), None where it tells nothing.

    Raises InputError where what it tells is no frame rate.
    """
    fields = NpzFields(path)
    for name in sorted(fields.names(""), key=str.lower):
        if name.lower() not in (*RATES, *PERIODS):
            continue
        try:
            value = float(np.asarray(fields.single(name), np.float64))
        except (ValueError, InputError):
            continue  # no number, as None is none: the file tells nothing
        if name.lower() in PERIODS:
            value = 1 / value if value else float("inf")
        if not 1 <= value <= MOST_FPS:
            raise fields.error(name, f"frames per second in 1..{MOST_FPS}", f"{value:g}")
        return value
    return None


def write_live_link(stream: TextIO, motion: Motion, head: HeadModel) -> None:
    """Write Live Link Face CSV: 52 ARKit weights in 0..1 by name, then head and eye angles in radians."""
    weights = ArkitSolver(head).weights(motion)
    columns = [name[0].upper() + name[1:] for name in ARKIT_52]
    writer = csv.writer(stream, lineterminator="\n")  # as the app writes; some importers keep a carriage return
    writer.writerow(["Timecode", "BlendShapeCount", *columns, *ANGLES])
    angles = _live_link_angles(motion)
    for i, row in enumerate(np.concatenate([weights, angles], axis=1)):
        count = len(columns) + len(ANGLES)
        writer.writerow([_timecode(i, motion.fps), count, *(f"{value:.10f}" for value in row)])


def _live_link_angles(motion: Motion) -> F32:
    head = motion.rotation + motion.neck  # small angles: the two joints add up
    turn = [1, 0, 2]  # yaw about Y, pitch about X, roll about Z
    return np.concatenate([head[:, turn], motion.eyes[:, :3][:, turn], motion.eyes[:, 3:][:, turn]], axis=1)


def _timecode(frame: int, fps: float) -> str:
    rate = max(1, round(fps))
    seconds, in_second = divmod(frame, rate)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{in_second:02d}.000"
