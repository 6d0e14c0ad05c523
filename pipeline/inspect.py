"""Look at a clip: its motion curves over the waveform, the voice's pitch and loudness, a contact sheet, and a CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..avatars.library import open_avatar
from ..avatars.motion import Motion
from ..blendshapes.face_motion_files import FACE_SUFFIXES, load_face_motion
from ..blendshapes.solve.solver import Solver
from ..core.errors import InputError
from .clip.curves import CurveReader, frame_times
from .clip.sidecar import read_sidecar
from .clip.source import MOTIONS, open_motion, solved
from .media.audio import AudioClip, open_audio
from .media.voice import voice_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

SHEET_FRAMES = 12
THUMBNAIL = 192  # pixels
WAVE_RATE = 1000  # points per second of the drawn waveform
HEARD = 30.0  # seconds of sound that are analysed at a time


@dataclass(frozen=True, eq=False)
class Inspection:
    """What there is to see of one clip."""

    curves: dict[str, F32]  # by name, [T] each
    times: NDArray[np.float64]  # [T] seconds
    audio: AudioClip | None


def inspect_file(file: Path, *, png: Path | None, csv: Path | None, audio: Path | None, avatar: str) -> Iterator[str]:
    """Read a motion (npz, face motion JSON, CSV of ARKit weights) or a rendered video, write what was
    asked for, and yield lines to print.

    Raises InputError when the file is neither, or a video has no sidecar.
    """
    if not file.exists():
        raise InputError(f"{file}: no such file")
    motion = _motion_of(file, avatar) if file.suffix.lower() in MOTIONS else None
    inspection = _of_video(file) if motion is None else _of_motion(motion, audio, avatar)
    yield from _summary(file, inspection)
    if inspection.audio is not None and (png is not None or csv is not None):
        voice = voice_curves(inspection.audio.blocks(seconds=HEARD), inspection.times)
        inspection = replace(inspection, curves=inspection.curves | voice)
    if csv is not None:
        _write_csv(csv, inspection)
        yield f"curves: {csv}"
    if png is not None:
        frames = _frames_of_video(file) if motion is None else _frames_of_motion(motion, avatar)
        _draw(png, inspection, list(frames))
        yield f"picture: {png}"


def _motion_of(file: Path, avatar: str) -> Motion:
    if file.suffix.lower() in FACE_SUFFIXES:
        return solved(load_face_motion(file), Solver(open_avatar(avatar).head))
    return open_motion(file, open_avatar(avatar), name=avatar)


def _of_motion(motion: Motion, audio: Path | None, avatar: str) -> Inspection:
    sound = open_audio(audio) if audio else None
    curves = CurveReader(open_avatar(avatar).head).read(motion)
    return Inspection(curves, frame_times(len(motion), motion.fps), sound)


def _of_video(file: Path) -> Inspection:
    record = read_sidecar(file)
    curves = record.get("curves")
    result = record.get("result")
    if not (isinstance(curves, dict) and curves and isinstance(result, dict) and _is_fps(result.get("fps"))):
        raise InputError(f"{file}.json: expected curves and result.fps, as `render` writes them")
    arrays = {str(name): _curve(file, str(name), values) for name, values in curves.items()}
    length = {len(a) for a in arrays.values()}
    if len(length) != 1:
        raise InputError(f"{file}.json: curves: expected lists of one length, found {sorted(length)}")
    return Inspection(arrays, frame_times(length.pop(), result["fps"]), _sound_of(file))


def _is_fps(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _curve(file: Path, name: str, values: Any) -> F32:
    try:
        return np.asarray(values, np.float32).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{file}.json: curves.{name}: expected a list of numbers") from error


def _sound_of(file: Path) -> AudioClip | None:
    try:
        return open_audio(file / "audio.wav" if file.is_dir() else file)
    except InputError:
        return None  # a silent video


def _summary(file: Path, inspection: Inspection) -> Iterator[str]:
    gap = inspection.curves["mouth_opening_mm"]
    seconds = len(gap) and inspection.times[-1] + inspection.times[0]
    yield f"{file}: {len(gap)} frames, {seconds:.2f} s"
    yield f"mouth opening: {gap.min():.1f} to {gap.max():.1f} mm, closed in {np.mean(gap < 0.5):.0%} of the frames"


def _write_csv(path: Path, inspection: Inspection) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["time_s", *inspection.curves])
        for i, time in enumerate(inspection.times):
            values = [curve[i] for curve in inspection.curves.values()]
            writer.writerow([f"{time:.4f}", *("" if np.isnan(v) else f"{v:.3f}" for v in values)])


def _frames_of_video(file: Path) -> Iterator[U8]:
    """Thumbnails of evenly spaced frames of a video, or of a folder of pictures."""
    import av
    import cv2
    from av.error import FFmpegError

    if file.is_dir():
        pictures = sorted(file.glob("*.png"))
        for i in _spread(len(pictures)):
            if (picture := cv2.imread(str(pictures[i]))) is not None:
                yield _thumbnail(picture[..., ::-1])
        return
    count = len(next(iter(read_sidecar(file)["curves"].values())))
    wanted = set(_spread(count))
    try:
        with av.open(f"file:{file.absolute()}") as container:
            for i, frame in enumerate(container.decode(video=0)):
                if i in wanted:
                    yield _thumbnail(frame.to_ndarray(format="rgb24"))
    except (FFmpegError, IndexError, OSError) as error:
        raise InputError(
            f"{file}: expected a video whose pictures can be drawn, found something else ({error})"
        ) from error


def _frames_of_motion(motion: Motion, avatar: str) -> Iterator[U8]:
    """Thumbnails of evenly spaced frames of a motion, drawn with an avatar."""
    from .camera.views import named_camera
    from .clip.loaded import LoadedModels
    from .clip.timing import StageClock
    from .media.background import Background

    stage = LoadedModels().frame_maker(avatar)
    camera = named_camera("front", stage.avatar.head, width=THUMBNAIL, height=THUMBNAIL)
    shown = ((motion[i : i + 1], [camera]) for i in _spread(len(motion)))
    white = Background(color=(1, 1, 1))
    for picture in stage.pictures(shown, white, pixels="rgb24", clock=StageClock()):
        yield picture.copy()


def _spread(count: int) -> list[int]:
    return sorted({round(i) for i in np.linspace(0, count - 1, min(SHEET_FRAMES, count))})


def _thumbnail(picture: NDArray[Any]) -> U8:
    import cv2

    scale = THUMBNAIL / picture.shape[0]
    size = (max(1, round(picture.shape[1] * scale)), THUMBNAIL)
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA), np.uint8)


def _draw(path: Path, inspection: Inspection, thumbnails: list[U8]) -> None:
    from matplotlib.figure import Figure

    panels = [
        ("mm", ("mouth_opening_mm",)),
        ("degrees", ("jaw_open_deg", "head_pitch_deg", "head_yaw_deg", "head_roll_deg")),
        ("weight", ("blink_left", "blink_right", "brow_raise", "brow_lower", "smile", "pucker")),
        ("Hz", ("pitch_hz",)),
        ("dB", ("loudness_db",)),
    ]
    panels = [(unit, names) for unit, names in panels if not inspection.curves.keys().isdisjoint(names)]
    figure = Figure(figsize=(14, 3 + 2 * len(panels)), layout="constrained")
    sheet, *axes = figure.subplots(1 + len(panels), 1, height_ratios=[1.6, *(1 for _ in panels)])
    sheet.imshow(_sheet(thumbnails))
    sheet.set_axis_off()
    for axis, (unit, names) in zip(axes, panels, strict=True):
        if inspection.audio is not None:
            _draw_waveform(axis, inspection.audio)
        for name in names:
            if name in inspection.curves:
                axis.plot(inspection.times, inspection.curves[name], label=name, linewidth=1)
        axis.set_ylabel(unit)
        axis.set_xlim(0, inspection.times[-1] + inspection.times[0])
        axis.legend(loc="upper right", fontsize="small", ncols=3)
    axes[-1].set_xlabel("seconds")
    figure.savefig(path)


def _sheet(thumbnails: list[U8]) -> U8:
    half = (len(thumbnails) + 1) // 2
    blank = np.full_like(thumbnails[0], 255)
    rows = [thumbnails[:half], thumbnails[half:] + [blank] * (2 * half - len(thumbnails))]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows if row], axis=0)


def _draw_waveform(axis: Axes, audio: AudioClip) -> None:
    """The loudest and lowest sample of every millisecond, behind the curves."""
    step = 16  # samples of the 16 kHz signal
    envelope = [block[: len(block) // step * step].reshape(-1, step) for block in audio.blocks()]
    peak = np.concatenate([np.abs(e).max(axis=1) for e in envelope])
    behind = axis.twinx()
    behind.fill_between(np.arange(len(peak)) / WAVE_RATE, -peak, peak, color="0.85", linewidth=0)
    behind.set_ylim(-1, 1)
    behind.set_yticks([])
    axis.set_zorder(behind.get_zorder() + 1)
    axis.patch.set_visible(False)
