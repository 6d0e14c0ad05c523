"""One pose of a person: their expression, and their Gaussians in world space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.ply import posed_gaussians
from ...avatars.pose import Poser
from ...avatars.shading import shaded_gaussians
from ...blendshapes.emotion import EMOTIONS, EmotionMix, EmotionPoses, actions, expressions
from ...core.errors import InputError
from ...renderer import Gaussians
from ..emotion import read_emotion

F32 = NDArray[np.float32]
FPS = 25.0  # of a single frame, which has none


def emotion_face(head: HeadModel, mix: EmotionMix) -> tuple[F32, float]:
    """Expression [E] and jaw angle (radians) of a mix of emotions, by the first variant of each that the head has."""
    expr, jaw = np.zeros(head.expressions, np.float32), 0.0
    at = mix.at(np.zeros(1))
    for label, weight in zip(EMOTIONS, expressions(at)[0].tolist(), strict=True):
        for row in head.emotions.rows(label)[:1]:
            expr += np.float32(weight) * head.emotions.expr[row]
            jaw += weight * float(head.emotions.jaw[row])
    for shape, weight in actions(at).items():
        for row in head.arkit.rows(shape)[:1]:
            expr += np.float32(weight[0]) * head.arkit.expr[row]
    return expr, jaw


def emotion_still(head: HeadModel, emotion: str) -> Motion:
    """One frame that shows an emotion such as "angry:0.6" or "a wide smile"; raises InputError for one that the head
    lacks or that is none of a single pose.
    """
    mix = read_emotion(emotion)
    if not isinstance(mix, EmotionMix):
        raise InputError(f"emotion: expected one of a single pose, found {emotion[:80]!r}")
    EmotionPoses(head).check(mix)
    still = Motion.rest(1, head.expressions, FPS)
    expr, jaw = emotion_face(head, mix)
    return replace(still, expr=expr[None], jaw=np.array([[jaw, 0, 0]], np.float32))


def world_gaussians(avatar: Avatar, motion: Motion) -> Iterator[Gaussians]:
    """The person's Gaussians in world space, frame by frame, with the colours that the face changes."""
    poser = Poser(avatar.head)
    for frame in motion.chunks(1):
        yield posed_gaussians(shaded_gaussians(avatar, frame), avatar.binding, poser.transforms(frame)[0])
