"""People's own motion to learn acting from: films that `render data track` measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ...core.errors import InputError
from ..acting.conditions import TOLD
from ..acting.space import MOUTH, RATE, SCALE, coordinates
from ..acting.style import key_poses
from ..acting.voiceprint import voiceprint
from ..data.sequence import hashed_part
from ..data.tracked import FORMAT, KIND, MANIFEST, read_manifest
from ..face_motion_files import load_face_motion
from ..speech.encoder import SpeechEncoder
from ..speech.features import RATE as SAMPLES
from .scenes import Performance, scene_of, statistics_of

F64 = NDArray[np.float64]

FRAMES_PER_HOUR = RATE * 3600
SHORTEST = 6.0  # seconds of a film
_AXES = [TOLD.index(f"sound.{name}") for name in MOUTH]


def are_films(folder: Path) -> bool:
    """Whether `render data track` wrote the folder."""
    path = folder / MANIFEST
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return FORMAT.encode() in file.read(65536)


def performances(folder: Path, encoder: SpeechEncoder, *, seed: int) -> tuple[list[Performance], list[Performance]]:
    """Performances to learn from and those of people held out; the style is that of the film's other half.

    Raises InputError for a folder that holds no films.
    """
    learned: list[Performance] = []
    tested: list[Performance] = []
    for number, row in enumerate(read_manifest(folder)):
        who = str(row.get("speaker") or row["id"])
        kept = learned if hashed_part(f"{KIND}/{who}") == "train" else tested
        kept.extend(_halves(folder, row, encoder, who=seed + number))
    return learned, tested


def _halves(folder: Path, row: dict[str, Any], encoder: SpeechEncoder, *, who: int) -> Iterator[Performance]:
    face, wave = load_face_motion(folder / row["face"]), _sound(folder / row["file"])
    if min(face.duration, len(wave) / SAMPLES) < SHORTEST:
        return
    scene = scene_of(wave, encoder)
    face = face if face.fps == RATE else face.resampled(RATE)
    frames = min(len(face), len(scene))
    values = coordinates(face)[:frames]
    try:
        voice = voiceprint([wave], what=row["file"])
    except InputError:  # hardly any voice in it
        return
    halves = [slice(0, frames // 2), slice(frames // 2, frames)]
    styles = [(statistics_of(values[h], scene.told[h]), key_poses(values[h])) for h in halves]
    values[:, : len(MOUTH)] -= scene.told[:frames, _AXES]
    for half, (style, poses) in zip(halves, reversed(styles), strict=True):
        yield Performance(scene.told[half].astype(np.float32), (values[half] / SCALE).astype(np.float32), style, poses,
                          voice, who)  # fmt: skip


def _sound(path: Path) -> NDArray[np.float32]:
    try:
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path}: expected sound, found something else ({error})") from error
    if rate != SAMPLES:
        raise InputError(f"{path}: expected {SAMPLES} Hz as `render data track` writes, found {rate}")
    return np.ascontiguousarray(wave[:, 0], np.float32)
