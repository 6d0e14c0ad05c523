"""Look at a clip: motion curves over the waveform, pitch and loudness, salient moments, a contact sheet, and a CSV."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..avatars.library import open_person
from ..avatars.motion import Motion
from ..blendshapes.bundle import Bundle
from ..blendshapes.face_motion_files import FACE_SUFFIXES, load_face_motion
from ..blendshapes.speech.accent_files import write_accents
from ..blendshapes.speech.accents import Accent
from ..blendshapes.speech.accents import accents as salient
from ..blendshapes.speech.encoder import joined
from ..blendshapes.speech.transcript import Aligner, Alignment, read_transcript
from ..blendshapes.speech.visemes import phones_at, phones_heard
from ..blendshapes.subtitles.vocabulary import REGIONS
from ..blendshapes.subtitles.webvtt import Subtitle, read_subtitles
from ..core.errors import InputError
from ..core.whole_files import write_whole
from .clip.curves import CurveReader, frame_times
from .clip.frame_table import emotion_columns, motion_columns, speech_columns, write_table
from .clip.loaded import LoadedModels
from .clip.sidecar import read_sidecar, sidecar_path
from .clip.source import MOTIONS, motion_of_file
from .clip.thumbnails import motion_thumbnails, video_thumbnails
from .media.audio import AudioClip, open_audio
from .media.voice import voice_curves
from .settings import DEFAULTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

RATE = 25.0  # rows per second of what is told of a sound
MARKS = {"begin": "tab:green", "stress": "tab:red", "end": "tab:blue"}  # salient moments
WAVE_RATE = 1000  # points per second of the drawn waveform
HEARD = 30.0  # seconds of sound that are analysed at a time


@dataclass(frozen=True, eq=False)
class Inspection:
    """What there is to see of one clip."""

    curves: dict[str, NDArray[np.floating]]  # by name, [T] each
    times: NDArray[np.float64]  # [T] seconds
    audio: AudioClip | None
    moments: Sequence[tuple[Accent, str]] = ()  # that stand out, each with the word there
    cues: Sequence[Subtitle] = ()  # motion subtitles


def inspect_file(
    file: Path,
    *,
    png: Path | None,
    csv: Path | None,
    audio: Path | None,
    avatar: str,
    accents: Path | None = None,
    transcript: str | None = None,
    language: str = DEFAULTS.language,
    subtitles: Path | None = None,
) -> Iterator[str]:
    """Read a motion (npz, face motion JSON, CSV of ARKit weights), a rendered video or a recording of speech, write
    what was asked for, and yield lines to print.

    Of a recording the salient moments are told, of the others where `accents` or `transcript` is given; `accents` is
    where to write them. `subtitles` are told and drawn. Raises InputError when the file is none of these, and where
    what is read would be written over.
    """
    if not file.exists():
        raise InputError(f"{file}: no such file")
    _check_apart([png, csv, accents], [file, audio, subtitles])
    loaded = LoadedModels()
    motion = motion_of_file(file, loaded, avatar) if file.suffix.lower() in MOTIONS else None
    face = load_face_motion(file) if file.suffix.lower() in FACE_SUFFIXES and csv is not None else None
    rendered = motion is None and (file.is_dir() or sidecar_path(file).exists())
    if motion is not None:
        inspection = _of_motion(motion, audio, avatar)
    else:
        inspection = _of_video(file) if rendered else _of_sound(file)
    yield from _summary(file, inspection)
    if subtitles is not None:
        inspection = replace(inspection, cues=read_subtitles(subtitles))
        yield from _cue_lines(inspection.cues)
    spoken = _spoken(file, inspection, transcript, language)
    if not (rendered or motion is not None) or accents is not None or transcript is not None:
        inspection = _with_moments(file, inspection, spoken)
        yield from _moment_lines(inspection)
        if accents is not None:
            write_accents(accents, [moment for moment, _ in inspection.moments])
            yield f"salient moments: {accents}"
    if inspection.audio is not None and (png is not None or csv is not None):
        voice = voice_curves(inspection.audio.blocks(seconds=HEARD), inspection.times)
        inspection = replace(inspection, curves=inspection.curves | voice)
    if csv is not None:
        everything = inspection.curves
        if motion is not None:
            everything = motion_columns(motion, CurveReader(open_person(avatar))) | everything
        emotions = {} if face is None else emotion_columns(face)
        write_table(csv, {"time_s": inspection.times} | _said(inspection, spoken) | everything | emotions)
        yield f"curves: {csv}"
    if png is not None:
        frames: Iterable[U8] = ()
        if motion is not None:
            frames = motion_thumbnails(motion, avatar, loaded)
        elif rendered:
            frames = video_thumbnails(file)
        _draw(png, inspection, list(frames))
        yield f"picture: {png}"


def _check_apart(written: Iterable[Path | None], read: Iterable[Path | None]) -> None:
    """Raise InputError where a file that is read would be written over."""
    there = [path for path in read if path is not None and path.exists()]
    for out in written:
        if out is not None and out.exists() and any(out.samefile(path) for path in there):
            raise InputError(f"{out}: expected another name for what is written than for what is read")


def _of_sound(file: Path) -> Inspection:
    audio = open_audio(file)
    return Inspection({}, frame_times(math.ceil(audio.duration * RATE), RATE), audio)


def _spoken(file: Path, inspection: Inspection, transcript: str | None, language: str) -> Alignment | None:
    """Where the words of a transcript are in the sound; None without one."""
    if transcript is None:
        return None
    return Aligner(language).align(_audio(file, inspection).blocks(), read_transcript(transcript))


def _audio(file: Path, inspection: Inspection) -> AudioClip:
    if inspection.audio is None:
        raise InputError(f"{file}: expected sound in which moments stand out, found none; --audio names it")
    return inspection.audio


def _with_moments(file: Path, inspection: Inspection, spoken: Alignment | None) -> Inspection:
    """The inspection with the salient moments of its sound, each with the word that is said nearest to it."""
    heard = Bundle().encoder().articulate(_audio(file, inspection).blocks)
    found = salient(heard, phones=spoken.phones if spoken else ())
    words = spoken.words if spoken else []
    return replace(inspection, moments=[(moment, _nearest(words, moment.time)) for moment in found])


def _said(inspection: Inspection, spoken: Alignment | None) -> dict[str, list[str]]:
    """Phone and viseme of each frame: of the transcript, else as they are heard; none without a sound."""
    if spoken is not None:
        return speech_columns(phones_at(inspection.times, spoken.phones))
    if inspection.audio is None:
        return {}
    heard = joined(Bundle().encoder().articulate(inspection.audio.blocks))
    return speech_columns(phones_heard(inspection.times, heard))


def _nearest(words: Sequence[tuple[float, float, str]], time: float) -> str:
    """The word that is said at a time, or nearest to it."""
    return min(words, key=lambda word: max(word[0] - time, time - word[1], 0.0), default=(0, 0, ""))[2]


def _moment_lines(inspection: Inspection) -> Iterator[str]:
    kinds = Counter(moment.kind for moment, _ in inspection.moments)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    yield f"salient moments: {len(inspection.moments)}{f' ({counted})' if counted else ''}"
    for moment, word in inspection.moments:
        yield f"{moment.time:9.2f} s  {moment.kind:6}  {moment.strength:.2f}  {word}".rstrip()


def _cue_lines(cues: Sequence[Subtitle]) -> Iterator[str]:
    for cue in cues:
        for wish in cue.wishes:
            yield f"{cue.start:9.2f} -{cue.end:7.2f} s  {wish.told}"


def _of_motion(motion: Motion, audio: Path | None, avatar: str) -> Inspection:
    sound = open_audio(audio) if audio else None
    curves = CurveReader(open_person(avatar)).read(motion)
    return Inspection({**curves}, frame_times(len(motion), motion.fps), sound)


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
    return Inspection({**arrays}, frame_times(length.pop(), result["fps"]), _sound_of(file))


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
    gap = inspection.curves.get("mouth_opening_mm")
    if gap is None:
        assert inspection.audio is not None
        yield f"{file}: {inspection.audio.duration:.2f} s of sound"
        return
    seconds = len(gap) and inspection.times[-1] + inspection.times[0]
    yield f"{file}: {len(gap)} frames, {seconds:.2f} s"
    yield f"mouth opening: {gap.min():.1f} to {gap.max():.1f} mm, closed in {np.mean(gap < 0.5):.0%} of the frames"


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
    if inspection.cues:
        panels.append(("", ()))
    figure = Figure(figsize=(14, 3 + 2 * len(panels)), layout="constrained")
    sheets = [1.6] if thumbnails else []
    axes = figure.subplots(len(sheets) + len(panels), 1, height_ratios=[*sheets, *(1 for _ in panels)], squeeze=False)
    axes = list(axes[:, 0])
    if thumbnails:
        sheet = axes.pop(0)
        sheet.imshow(_sheet(thumbnails))
        sheet.set_axis_off()
    for axis, (unit, names) in zip(axes, panels, strict=True):
        if inspection.audio is not None:
            _draw_waveform(axis, inspection.audio)
        for name in names:
            if name in inspection.curves:
                axis.plot(inspection.times, inspection.curves[name], label=name, linewidth=1)
        for moment, _ in inspection.moments:
            axis.axvline(moment.time, color=MARKS[moment.kind], alpha=max(0.2, moment.strength), linewidth=1)
        axis.set_ylabel(unit)
        axis.set_xlim(0, inspection.times[-1] + inspection.times[0])
        if names:
            axis.legend(loc="upper right", fontsize="small", ncols=3)
    axes[-1].set_xlabel("seconds")
    if inspection.cues:
        _draw_cues(axes[-1], inspection)
    kind = path.suffix[1:].lower() or "png"
    if kind not in figure.canvas.get_supported_filetypes():
        raise InputError(f"--png {path}: expected a kind of picture such as .png, .svg or .pdf, found {path.suffix!r}")
    drawn = io.BytesIO()
    figure.savefig(drawn, format=kind)
    write_whole(path, drawn.getvalue())


def _draw_cues(axis: Axes, inspection: Inspection) -> None:
    """Motion subtitles over the waveform, a line per region."""
    wishes = [(cue, wish) for cue in inspection.cues for wish in cue.wishes]
    regions = [region for region in REGIONS if any(wish.region == region for _, wish in wishes)]
    for cue, wish in wishes:
        line = len(regions) - 1 - regions.index(wish.region)
        axis.barh(
            line, cue.end - cue.start, left=cue.start, height=0.7, color="tab:orange", alpha=0.2 + 0.6 * wish.intensity
        )
        axis.text(
            cue.start, line, f" {wish.action} {wish.side}".rstrip(), va="center", fontsize="x-small", clip_on=True
        )
    axis.set_yticks(range(len(regions)), regions[::-1])
    axis.set_ylabel("subtitles")


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
