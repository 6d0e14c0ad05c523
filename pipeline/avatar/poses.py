"""Poses that a talking head really strikes: babble of random phones under a changing emotion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...blendshapes.emotion import EMOTION_AXES, EMOTIONS, EmotionTrack, expressions
from ...blendshapes.face_motion import ACTIVITY
from ...blendshapes.models import gestures
from ...blendshapes.models.procedural import Procedural
from ...blendshapes.score import Score
from ...blendshapes.solve.fusion import FusionModel
from ...blendshapes.solve.solver import Solver
from ...blendshapes.speech.encoder import RATE, Articulation, Blocks
from ...blendshapes.speech.phones import PHONES, SILENCE, Segment
from ...blendshapes.speech.rules import articulate

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

FPS = 50.0  # a blink keeps the lids closed for 35 ms, so that every blink has a frame of it
SECONDS_PER_POSE, SHORTEST = 0.75, 30.0  # of the clip that the poses are taken from
SPECIAL = 6  # one pose in six shows a blink at its deepest, one in six a closure of the lips
PHONE = 0.05, 0.16  # seconds
PAUSE, PAUSES = 0.6, 0.04  # seconds; share of the phones
HOLD = 0.4, 2.0  # seconds that a mix of emotions takes to become the next


@dataclass(frozen=True, eq=False)
class Poses:
    """N independent frames, and what is certain about them."""

    motion: Motion
    shut: Mask  # [N] a blink has closed the lids
    sealed: Mask  # [N] /p/, /b/ or /m/ has closed the lips


def plausible_poses(head: HeadModel, count: int, *, seed: int = 0) -> Poses:
    """`count` poses of emotion, speech, gaze, blink and neck together, the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    duration = max(count * SECONDS_PER_POSE, SHORTEST)
    babble = _Babble(_phones(rng, duration), duration)
    emotion = _emotions(rng, duration)
    score = Score(duration, FPS, sound=lambda: [], emotion=emotion, seed=seed, head_motion="lively")
    face = Procedural(babble).plan(score)
    clip = Solver(head, FusionModel.built_in())(face)
    times = (np.arange(len(clip), dtype=np.float64) + 0.5) / FPS
    lids = gestures.blinks(times, seed=seed, emotion=lambda at: expressions(emotion.at(at)), pauses=np.zeros(0))
    shut = lids > 0.999
    sealed = (face.column("speech.close") > 0.999) & (face.column(ACTIVITY) > 0.999)
    inside = (times > 1) & (times < duration - 1)  # the emotion fades in and out at the ends
    share = count // SPECIAL
    chosen = [_some(rng, shut & inside, share), _some(rng, sealed & inside, share)]
    chosen.append(_some(rng, inside, count - sum(map(len, chosen))))
    index = np.concatenate(chosen)
    frames = {n: getattr(clip, n)[index] for n in ("expr", "jaw", "neck", "eyes", "rotation", "translation")}
    return Poses(Motion(**frames, fps=FPS), shut[index], sealed[index])


def _some(rng: np.random.Generator, mask: Mask, count: int) -> NDArray[np.int64]:
    candidates = np.flatnonzero(mask)
    return rng.choice(candidates, min(count, len(candidates)), replace=False)


def _phones(rng: np.random.Generator, duration: float) -> list[Segment]:
    """Random phones, one after the other, with a pause now and then."""
    spoken = [p for p in PHONES if p != SILENCE]
    segments: list[Segment] = []
    start = 0.0
    while start < duration:
        pause = rng.random() < PAUSES
        length = PAUSE if pause else rng.uniform(*PHONE)
        segments.append(Segment(start, start + length, SILENCE if pause else str(rng.choice(spoken))))
        start += length
    return segments


def _emotions(rng: np.random.Generator, duration: float) -> EmotionTrack:
    """One emotion at full strength, or two of random weights whose sum is at most 1, and on to the next."""
    times = np.cumsum(rng.uniform(*HOLD, int(duration / HOLD[0]) + 1))
    points = np.zeros((len(times), len(EMOTION_AXES)))
    for row in points:
        first, second = rng.choice(len(EMOTIONS), 2, replace=False)
        row[first], row[second] = (1, 0) if rng.random() < 0.5 else rng.dirichlet([1, 1]) * rng.uniform(0.4, 1)
    return EmotionTrack(times, points)


class _Babble:
    """An encoder that hears phones which nobody spoke."""

    def __init__(self, segments: list[Segment], duration: float) -> None:
        frames = round(duration * RATE) + 1
        self._axes = articulate(segments, frames)
        times = np.arange(frames) / RATE
        self._speech = np.ones(frames, np.float32)
        for start, end, phone in segments:
            if phone == SILENCE:
                self._speech[(times >= start) & (times < end)] = 0

    lookahead = 0.0

    def follow(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[Articulation]:
        """As `articulate`."""
        return self.articulate(lambda: blocks)

    def articulate(self, blocks: Blocks) -> Iterator[Articulation]:
        """The whole clip at once, whatever the sound."""
        del blocks
        level = np.where(self._speech > 0, 0.0, -40.0).astype(np.float32)
        yield Articulation(self._axes, self._speech, level)
