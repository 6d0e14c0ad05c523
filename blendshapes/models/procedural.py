"""Speech as the encoder hears it, emotion as it is asked for, and gestures by rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..emotion import expressions
from ..face_motion import FaceMotion
from ..score import Score, shaped
from ..speech.encoder import Articulation
from ..speech.excerpt import REACH, Articulated
from ..speech.moment import Speech
from ..speech.rules import corrected
from ..speech.voice_emotion import VoiceEmotion
from . import gestures
from .speaking import Encoder, SpokenModel, check_streamable, heard, point_at, presented_at, speaking_face, walk

if TYPE_CHECKING:
    from ..bundle import Bundle

F64 = NDArray[np.float64]

CHUNK = 32  # frames at a time where the whole sound is there
LIVE_CHUNK = 5  # frames at a time where it arrives
MAX_GAZE = np.radians(25.0)


class Procedural(SpokenModel):
    """A motion model: lips from the speech encoder, emotion as asked, blinks, gaze and head by rule.

    >>> from emosplat.blendshapes.models import find_model
    >>> score = Score(duration=1.0, sound=lambda: [np.zeros(16_000, np.float32)])
    >>> len(find_model("procedural").plan(score))
    25
    """

    name = "procedural"
    heeds = frozenset({"singing"})

    def __init__(self, encoder: Encoder, voice: VoiceEmotion | None = None) -> None:
        super().__init__(encoder, voice)
        self.lookahead = encoder.lookahead + REACH + 0.1

    def stream(self, score: Score, blocks: Iterable[NDArray[np.float32]]) -> Iterator[FaceMotion]:
        """The motion of sound that arrives: frames come `lookahead` seconds after what they show, at the latest.

        The speaker's level and timbre are those of the sound so far. Without a duration it goes on to the end of the
        blocks.
        """
        check_streamable(score)
        articulation = corrected(self._encoder.follow(blocks), score.phones)
        chunk = max(1, min(LIVE_CHUNK, round(0.1 * score.fps)))
        return shaped(self._gestured(heard(score, self._voice), articulation, chunk), score)

    def _pieces(self, score: Score, articulation: Iterator[Articulation]) -> Iterator[FaceMotion]:
        return self._gestured(score, articulation, CHUNK)

    def _gestured(self, score: Score, articulation: Iterator[Articulation], chunk: int) -> Iterator[FaceMotion]:
        speech = Articulated(articulation)
        for window, times, first in walk(score, speech, chunk):
            yield gesturing(speaking_face(score, window, times, first), score, window)


def create(bundle: Bundle) -> Procedural:
    """The model with the weights of `bundle`."""
    return Procedural(bundle.encoder(), bundle.voice())


def gesturing(face: FaceMotion, score: Score, speech: Speech) -> FaceMotion:
    """The face with blinks, gaze, brows and the motion of the head."""

    def emotion(at: F64) -> F64:
        return expressions(point_at(score, at))

    times = face.times
    weights = expressions(presented_at(score, speech, times))
    speaking = speech.at(times, speech.speaking)
    columns: dict[str, F64] = {}
    if score.blink:
        shut = gestures.blinks(times, seed=score.seed, emotion=emotion, pauses=speech.pauses)
        columns = {name: face.column(name) + (1 - face.column(name)) * shut for name in ("lidLeft", "lidRight")}
    neck, gaze = _head_and_gaze(times, score, weights, speaking, speech)
    if score.head_motion != "none":
        stress = speech.at(times, speech.stress) * speaking
        own = gestures.brows(times, seed=score.seed, speaking=speaking, stress=stress)
        own |= gestures.one_sided(times, seed=score.seed, speaking=speaking)
        columns |= {name: face.column(name) + weight for name, weight in own.items()}
    columns |= dict(zip(("headPitch", "headYaw", "headRoll"), neck.T, strict=True))
    for side in ("Left", "Right"):
        columns |= {f"gaze{side}Pitch": gaze[:, 0], f"gaze{side}Yaw": gaze[:, 1]}
    return face.with_columns(columns)


def _head_and_gaze(times: F64, score: Score, emotion: F64, speaking: F64, speech: Speech) -> tuple[F64, F64]:
    """Rotation of the head [n, 3], radians, and gaze [n, 2]: the eyes hold the camera while the head moves."""
    stress = speech.at(times + gestures.NOD_LEAD, speech.stress) * speaking
    neck = gestures.head_motion(
        times, seed=score.seed, style=score.head_motion, emotion=emotion, speaking=speaking, stress=stress
    )
    gaze = -neck
    if score.head_motion != "none":
        gaze[:, :2] += gestures.glances(times, seed=score.seed)
    return neck, np.clip(gaze, -MAX_GAZE, MAX_GAZE)[:, :2]
