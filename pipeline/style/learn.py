"""A style measured on examples of somebody who talks: films, motions of faces, or the voice alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...blendshapes.acting.style import SHORTEST, style_of
from ...blendshapes.acting.style_files import SUFFIX, Example, LearnedStyle, load_style
from ...blendshapes.bundle import find_bundle
from ...blendshapes.data.faces import sound_beside
from ...blendshapes.face_motion import FaceMotion
from ...blendshapes.face_motion_files import FACE_SUFFIXES, load_face_motion
from ...blendshapes.score import Style
from ...blendshapes.speech.excerpt import Articulated, Excerpt
from ...core.errors import InputError
from ..clip.sidecar import file_sha256
from ..clip.source import open_motion
from ..media.audio import has_sound, open_audio
from ..media.film import has_film
from ..settings import DEFAULTS, ClipSettings
from .library import style_name

if TYPE_CHECKING:
    from ..clip.loaded import LoadedModels

Kind = Literal["style", "face motion", "motion", "film", "voice"]
Report = Callable[[Path, int], None]


def kind_of(path: Path) -> Kind:
    """What a file tells a style by: by its name, and of recordings by whether they hold moving pictures.

    Raises InputError where it is none of these.
    """
    if path.name.endswith(SUFFIX):
        return "style"
    suffix = path.suffix.lower()
    if suffix in FACE_SUFFIXES:
        return "face motion"
    if suffix == ".npz":
        return "motion"
    return "film" if has_film(path) else "voice"


def open_style(path: Path, loaded: LoadedModels, settings: ClipSettings = DEFAULTS) -> Style:
    """The style of a file, or measured on the example that it is; raises InputError."""
    if kind_of(path) == "style":
        return load_style(path).style
    return learn_style([path], style_name(str(path)), loaded, settings).style


def learn_style(
    examples: Sequence[Path],
    name: str,
    loaded: LoadedModels,
    settings: ClipSettings = DEFAULTS,
    *,
    tracker: Path | None = None,
    report: Report = lambda _path, _frames: None,
) -> LearnedStyle:
    """One style of all examples, the longer ones counting more.

    `settings.avatar` is whose head a motion npz moves, `settings.weights` what hears a voice, `tracker` the model file
    that finds faces in films; `report` is told how many pictures of a film are done. Raises InputError.
    """
    measured: list[tuple[Style, Example]] = []
    for path in examples:
        kind = kind_of(path)
        if kind == "style":
            raise InputError(
                f"{path}: expected an example of somebody who talks, found a style that is learned already"
            )
        style, seconds = (
            _of_voice(path, name, settings)
            if kind == "voice"
            else _of_face(path, name, _face(path, kind, loaded, settings, tracker, report), _said(path, kind, settings))
        )
        told = path.name.encode(errors="backslashreplace").decode()[:100]
        measured.append((style, Example(kind, told, round(seconds, 3), file_sha256(path))))
    return LearnedStyle(mean_style(name, measured), tuple(example for _, example in measured))


def mean_style(name: str, measured: Sequence[tuple[Style, Example]]) -> Style:
    """The mean of what was measured, by the examples' lengths; key poses of all, as many as the richest has."""
    total = sum(example.seconds for _, example in measured)
    shares = [example.seconds / total for _, example in measured]
    richest = max(len(style.poses) for style, _ in measured)
    in_turn = zip_longest(*(style.poses for style, _ in sorted(measured, key=lambda pair: -pair[1].seconds)))
    poses = [pose for turn in in_turn for pose in turn if pose is not None]
    return Style(
        name,
        gains=_mean([style.gains for style, _ in measured], shares),
        statistics=_mean([style.statistics for style, _ in measured], shares),
        poses=tuple(poses[:richest]),
    )


def _mean(tables: Sequence[Mapping[str, float]], shares: Sequence[float]) -> dict[str, float]:
    """Means by name, over those that have it."""
    found: dict[str, float] = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        known = [(table[name], share) for table, share in zip(tables, shares, strict=True) if name in table]
        found[name] = sum(value * share for value, share in known) / sum(share for _, share in known)
    return found


def _of_face(path: Path, name: str, face: FaceMotion, speech: Excerpt | None) -> tuple[Style, float]:
    seconds = len(face) / face.fps
    _check_length(path, seconds)
    return style_of(face, name, speech), seconds


def _said(path: Path, kind: Kind, settings: ClipSettings) -> Excerpt | None:
    """What is said in a film, or in the sound that lies beside a motion."""
    source = path if kind == "film" else sound_beside(path)
    if source is None or not has_sound(source):
        return None
    audio = open_audio(source)
    heard = find_bundle(settings.weights).encoder().articulate(audio.blocks)
    return Articulated(heard).around(0.0, audio.duration)


def _of_voice(path: Path, name: str, settings: ClipSettings) -> tuple[Style, float]:
    audio = open_audio(path)
    _check_length(path, audio.duration)
    if audio.silent:
        raise InputError(f"{path}: expected somebody who talks, found silence")
    return find_bundle(settings.weights).acted().voice_style(audio.blocks(), name), audio.duration


def _face(
    path: Path, kind: Kind, loaded: LoadedModels, settings: ClipSettings, tracker: Path | None, report: Report
) -> FaceMotion:
    if kind == "face motion":
        return load_face_motion(path)
    if kind == "motion":
        motion = open_motion(path, loaded.avatar(settings.avatar), name=settings.avatar)
        return loaded.talking_head(settings).solver.face_motion(motion)
    from ..tracking.drive import followed_face

    try:
        return followed_face(path, tracker=tracker, report=lambda done: report(path, done))[0]
    except InputError as error:
        told = str(error)
        if told.startswith("tracker: "):
            told = f"{path}: a film's style is learned of its face: {told}; or give its sound alone, as a .wav"
        raise InputError(told) from None


def _check_length(path: Path, seconds: float) -> None:
    if seconds < SHORTEST:
        raise InputError(f"{path}: expected at least {SHORTEST:g} s to learn a style of, found {seconds:.2f} s")
