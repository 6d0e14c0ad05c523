"""The emotion of an example: a measured face, or a voice that is heard, as points of emotion space.

A face's actions (`ACTIONS`) are read off its ARKit shapes by what they hold three quarters of the time, because
as far as possible by the expressions of the built-in head; what is left stays an action. Long examples tell several
points, one for each stretch of `STAGE` seconds, so that an emotion may change in them.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..avatars.arkit import ARKIT_52, ArkitSolver
from ..avatars.library import builtin_head
from ..avatars.motion import Motion
from .emotion import ACTIONS, EMOTION_AXES, EMOTIONS, EmotionArc, EmotionMix, within
from .face_motion import EMOTION, REGIONS, FaceMotion, region_of
from .speech.voice_emotion import Mood

F64 = NDArray[np.float64]

HELD = 0.25  # share of the frames in which a face may do less than it is taken to do: what speech adds comes and goes
STAGE = 6.0  # seconds of an example that tell one point
MOST_STAGES = 200
LEAST = 0.15  # of an emotion, or of an action that no emotion explains, that is believed


def face_emotion(motion: FaceMotion) -> EmotionMix | EmotionArc:
    """What a face shows, whatever it says.

    >>> smiling = {f"{shape}{side}": 0.5 for shape in ("mouthSmile", "cheekSquint") for side in ("Left", "Right")}
    >>> found = face_emotion(FaceMotion.rest(50, fps=25).with_columns(smiling))
    >>> EMOTIONS[int(np.argmax(found.at(np.zeros(1))[0, : len(EMOTIONS)]))]
    'happy'
    """
    told = motion.table([EMOTION + label for label in EMOTIONS])
    acted = np.stack([_action(motion, name) for name in ACTIONS], axis=1)
    known = _known(motion)
    stages = _stages(np.concatenate([told, acted], axis=1), motion.duration)
    points = np.stack([_explained(np.quantile(stage, HELD, axis=0), known) for stage in stages])
    return _over_time(points)


def voice_emotion(mood: Mood) -> EmotionMix | EmotionArc:
    """What is surely heard in a voice."""
    track = mood.track()
    stages = _stages(track.points, float(track.times[-1] + track.times[0]))
    return _over_time(np.stack([stage.mean(axis=0) for stage in stages]))


def shows_nothing(emotion: EmotionMix | EmotionArc) -> bool:
    """Whether an example told no emotion at all."""
    return not np.any(emotion.point if isinstance(emotion, EmotionMix) else emotion.points)


def _over_time(points: F64) -> EmotionMix | EmotionArc:
    points = within(np.where(points < LEAST, 0, np.round(points, 3)))
    return EmotionMix(tuple(points[0].tolist())) if len(points) == 1 else EmotionArc(points)


def _stages(rows: F64, seconds: float) -> list[F64]:
    """Rows [T, n] in stretches of about `STAGE` seconds; at least one row."""
    rows = rows if len(rows) else np.zeros((1, rows.shape[1]))
    count = int(np.clip(seconds // STAGE, 1, min(MOST_STAGES, len(rows))))
    return np.array_split(rows, count)


def _sides(name: str) -> list[str]:
    """The ARKit shapes of an action's shape."""
    return [shape for shape in (name, f"{name}Left", f"{name}Right") if shape in ARKIT_52]


def _action(motion: FaceMotion, name: str) -> F64:
    """An action [T] of a face: what both sides do; of the one-sided pull of a corner what the left does beyond."""
    left, right = (motion.column(f"mouthSmile{side}") for side in ("Left", "Right"))
    if name == "corner_pull_left":
        return np.maximum(left - right, 0)
    if name == "corner_pull":
        return np.minimum(left, right)
    return np.mean([motion.column(shape) for part in ACTIONS[name] for shape in _sides(part)], axis=0)


def _known(motion: FaceMotion) -> NDArray[np.bool_]:
    """Which actions were measured: all, unless a tracker gave only parts of the face."""
    if motion.given.all():
        return np.ones(len(ACTIONS), bool)
    seen = {region for k, region in enumerate(REGIONS) if motion.given[:, k].any()}
    told = {name for name in motion.channels if region_of(name) in seen}
    return np.array([any(s in told for p in parts for s in _sides(p)) for parts in ACTIONS.values()])


def _explained(found: F64, known: NDArray[np.bool_]) -> F64:
    """The point [D] of told emotions and measured actions, of which only the `known` count."""
    from scipy.optimize import nnls

    told, acted = found[: len(EMOTIONS)].clip(0, 1), np.where(known, found[len(EMOTIONS) :], 0).clip(0, 1)
    if told.any():
        return np.concatenate([told, acted])
    recipes = _recipes()
    weights = nnls(recipes[:, known].T, acted[known])[0]
    weights /= max(1.0, weights.sum())
    weights[weights < LEAST] = 0
    return np.concatenate([weights, np.maximum(acted - weights @ recipes, 0)])


@cache
def _recipes() -> F64:
    """The actions [8, A] that the built-in head's expressions are made of."""
    head = builtin_head()
    motion = Motion.rest(len(EMOTIONS), head.expressions, 25.0)
    for row, label in enumerate(EMOTIONS):
        if variants := head.emotions.rows(label):
            motion.expr[row] = head.emotions.expr[variants].mean(axis=0)
    shapes = dict(zip(ARKIT_52, ArkitSolver(head).weights(motion).T.astype(np.float64), strict=True))
    face = FaceMotion.rest(len(EMOTIONS), fps=25.0)
    face = face.with_columns({name: shapes[name] for parts in ACTIONS.values() for p in parts for name in _sides(p)})
    recipes = np.stack([_action(face, name) for name in ACTIONS], axis=1)
    assert recipes.shape == (len(EMOTIONS), len(EMOTION_AXES) - len(EMOTIONS))
    return recipes
