"""Examples: an emotion in a file of a face or a voice, or in an emotion track; how somebody speaks ordinarily."""

from __future__ import annotations

from functools import lru_cache
from os.path import exists
from pathlib import Path

from ..blendshapes.emotion import MAX_TRACK_BYTES, Emotion, EmotionArc, EmotionMix, read_emotion_track
from ..blendshapes.emotion_example import face_emotion, shows_nothing, voice_emotion
from ..blendshapes.face_motion_files import FACE_SUFFIXES, load_face_motion
from ..blendshapes.speech.effort import Habit
from ..core.errors import InputError

HELD = 8  # examples whose reading is kept, for the clips of a batch
LEAST_SPEECH = 0.2  # seconds in the recording that an effort names
TRACK = "time_s"  # begins the header of an emotion track

Notes = tuple[str, ...]


def read_example(path: Path, weights: Path | None = None) -> tuple[Emotion, Notes]:
    """The emotion of a file, and what a person should know of it; raises InputError.

    An emotion track (.csv with `time_s`) is taken as it is. A face motion (.json, .csv) and the face of a film tell
    the expression that they show; a recording without pictures tells what is heard in the voice, by the weights in the
    folder `weights`.
    """
    state = path.stat()
    return _read(path.absolute(), state.st_mtime_ns, state.st_size, weights)


def read_habit(path: Path) -> tuple[Habit, Notes]:
    """How loud and bright the voice of a recording is, and what a person should know of it; raises InputError."""
    if not exists(path):  # also where the name is too long
        raise InputError(f"effort: {path}: no such file")
    state = path.stat()
    return _heard(path.absolute(), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=HELD)
def _heard(path: Path, _modified: int, _size: int) -> tuple[Habit, Notes]:
    from ..blendshapes.bundle import find_bundle
    from ..blendshapes.speech.encoder import RATE, joined
    from .media.audio import open_audio

    audio = open_audio(path)
    if audio.silent:
        raise InputError(f"effort: {path}: expected the voice's ordinary speech, found silence")
    speaks = joined(find_bundle(None).encoder().articulate(audio.blocks)).speech > 0.5
    if speaks.sum() < LEAST_SPEECH * RATE:
        raise InputError(f"effort: {path}: expected the voice's ordinary speech, found a sound without any")
    return Habit.of(audio.blocks), tuple(f"{path}: {warning}" for warning in audio.warnings)


@lru_cache(maxsize=HELD)
def _read(path: Path, _modified: int, _size: int, weights: Path | None) -> tuple[Emotion, Notes]:
    if _is_track(path):
        return read_emotion_track(path), ()
    notes: list[str] = []
    emotion = _measured(path, weights, notes)
    if shows_nothing(emotion):
        notes.append(f"{path}: no emotion is sure in this example; the face stays calm")
    return emotion, tuple(notes)


def _measured(path: Path, weights: Path | None, notes: list[str]) -> EmotionMix | EmotionArc:
    if path.suffix.lower() in FACE_SUFFIXES:
        return face_emotion(load_face_motion(path, note=notes.append))
    from .media.film import has_film

    if has_film(path):
        from .tracking.drive import followed_face

        face, told = followed_face(path)
        notes += told
        return face_emotion(face)
    from ..blendshapes.bundle import find_bundle
    from .media.audio import open_audio

    audio = open_audio(path)
    notes += [f"{path}: {warning}" for warning in audio.warnings]
    return voice_emotion(find_bundle(weights).voice().listen(audio.blocks()))


def _is_track(path: Path) -> bool:
    if path.suffix.lower() != ".csv":
        return False
    try:
        with path.open("rb") as file:
            head = file.read(min(MAX_TRACK_BYTES, 64))
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror or error}") from error
    return head.removeprefix(b"\xef\xbb\xbf").strip().lower().startswith(TRACK.encode())
