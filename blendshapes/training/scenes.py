"""What the acting model learns from: clips of somebody's speech with motion, invented (`actors.py`) or people's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..acting.bands import beside_sound
from ..acting.conditions import TOLD, told
from ..acting.space import MOUTH, RATE, SCALE
from ..acting.style import PAUSED, TOUCHING, key_poses, measured
from ..acting.voiceprint import voiceprint
from ..emotion import EMOTIONS
from ..speech.accents import accents_in
from ..speech.encoder import SpeechEncoder
from ..speech.excerpt import Articulated
from ..speech.features import RATE as SAMPLES
from .actors import Actor, Scene, perform
from .corpus import Utterance

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]
Rng = np.random.Generator

LONG = 26.0  # seconds of a clip that is made of several recordings of a speaker
PAUSES = 0.35, 1.1  # seconds between them
CALM = 0.45  # share of the clips in which nobody is moved
_EMOTION = [TOLD.index(f"emotion.{name}") for name in EMOTIONS]
_ACTIVITY = TOLD.index("sound.activity")
_BETWEEN = TOLD.index("sound.between")
_AXES, _TOUCH = ([TOLD.index(f"sound.{name}") for name in names] for names in (MOUTH, ("close", "tuck")))


@dataclass(frozen=True, eq=False)
class Clip:
    """Somebody's speech, a neutral scene of it, and how the voice sounds."""

    speaker: str
    scene: Scene
    voice: F64  # [V] `voiceprint`


@dataclass(frozen=True, eq=False)
class Performance:
    """A clip acted by somebody, and the style measured on another performance of theirs."""

    told: F32  # [T, C]
    values: F32  # [T, D] in units of `SCALE`, the mouth as it differs from the sound's
    style: F64  # [S] `STATISTICS`, NaN where nobody measured them
    poses: F64  # [K, P] key poses, in the units of columns
    voice: F64  # [V]
    who: int  # the actor
    measured: Mask  # [T, D] which of the values are known; the others are 0 and teach nothing
    calm: bool = True  # nobody was moved in it, nor in the other one


def clips(said: Sequence[Utterance], encoder: SpeechEncoder, *, seed: int) -> Iterator[Clip]:
    """Utterances as clips of about `LONG` seconds, each of one speaker."""
    rng = np.random.default_rng(seed)
    by_speaker: dict[str, list[Utterance]] = {}
    for number, utterance in enumerate(said):
        unknown = utterance.voice.endswith(" None")
        by_speaker.setdefault(f"{utterance.voice} {number}" if unknown else utterance.voice, []).append(utterance)
    for speaker, utterances in by_speaker.items():
        for wave in _joined([utterances[i].wave for i in rng.permutation(len(utterances))], rng):
            try:
                voice = voiceprint([wave], what=speaker)
            except InputError:  # hardly any voice in it
                continue
            yield Clip(speaker, scene_of(wave, encoder), voice)


def _joined(waves: Sequence[F32], rng: Rng) -> Iterator[F32]:
    """Waves end to end with pauses, until each whole is `LONG`."""
    parts: list[F32] = []
    for wave in waves:
        parts += [np.zeros(round(SAMPLES * rng.uniform(*PAUSES)), np.float32), wave]
        if sum(map(len, parts)) >= LONG * SAMPLES:
            yield np.concatenate(parts)
            parts = []
    if parts:
        yield np.concatenate(parts)


def scene_of(wave: F32, encoder: SpeechEncoder) -> Scene:
    """What there is to hear in a sound, without an emotion."""
    duration = len(wave) / SAMPLES
    speech = Articulated(iter(encoder.articulate(lambda: [wave]))).around(0.0, duration)
    times = np.arange(int(duration * RATE)) / RATE
    moments = [a for a in accents_in(speech) if a.time < duration]
    return Scene(told(speech, times, np.zeros((len(times), len(EMOTIONS))), moments=moments), moments)


def moved(scene: Scene, rng: Rng) -> Scene:
    """The scene with an emotion, or several one after the other, or none."""
    if rng.random() < CALM:
        return scene
    count = int(rng.choice([1, 1, 2, 3]))
    times = np.sort(rng.uniform(0, len(scene) / RATE, count))
    points = np.zeros((count, len(EMOTIONS)))
    points[np.arange(count), rng.integers(1, len(EMOTIONS), count)] = rng.uniform(0.3, 1.0, count)
    heard = scene.told.copy()
    heard[:, _EMOTION] = np.stack([np.interp(scene.times, times, p) for p in points.T], axis=1)
    return replace(scene, told=heard)


def performances(found: Sequence[Clip], *, actors: int, seed: int) -> Iterator[Performance]:
    """Every clip, acted by `actors` people who go with its voice; their style is that of another clip of the speaker,
    where there is one."""
    rng = np.random.default_rng(seed)
    of_speaker: dict[str, list[int]] = {}
    for k, clip in enumerate(found):
        of_speaker.setdefault(clip.speaker, []).append(k)
    for k, clip in enumerate(found):
        others = [i for i in of_speaker[clip.speaker] if i != k] or [k]
        for number in range(actors):
            other = int(rng.choice(others))
            actor = Actor.drawn(rng, (clip.voice + found[other].voice) / 2)
            scene, example = moved(clip.scene, rng), moved(found[other].scene, rng)
            shown = whole(perform(actor, example, rng), example.told)
            style, poses = statistics_of(shown, example.told), key_poses(shown)
            values = perform(actor, scene, rng) / SCALE
            everything = np.broadcast_to(np.True_, values.shape)
            yield Performance(scene.told.astype(np.float32), values.astype(np.float32), style, poses,
                              found[other].voice, actors * k + number, everything,
                              calm=not (felt(scene.told) or felt(example.told)))  # fmt: skip


def felt(told: Floats) -> bool:
    """Whether anybody is moved in what is told [T, C]."""
    return bool(told[:, _EMOTION[1:]].any())


def whole(values: F64, told: Floats) -> F64:
    """Coordinates [T, D] with the whole mouth in place of what differs from the sound's, of what is told [T, C]."""
    out = values.copy()
    out[:, : len(MOUTH)] += told[:, _AXES]
    return out


def statistics_of(values: F64, told: Floats) -> F64:
    """`STATISTICS` [S] of whole coordinates [T, D]."""
    return measured(values, told[:, _ACTIVITY] > 0.5)


def beside_told(values: F64, told: Floats) -> F64 | None:
    """`bands.beside_sound` of whole coordinates [T, D]."""
    free = (told[:, _ACTIVITY] > 0.5) & (told[:, _BETWEEN] < PAUSED) & (told[:, _TOUCH].max(axis=1) < TOUCHING)
    return beside_sound(values[:, : len(MOUTH)], told[:, _AXES].astype(np.float64), free)
