"""The emotion that a voice tells, over time: a linear model of how it sounds (`prosody`), learned from actors.

The shares are calibrated: of what is heard with a share of 0.6, some 0.6 is so. What is unsure shows little: a face
that stays calm is wrong less than one that is angry at somebody glad.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.maths import smoothstep, softmax
from ...core.tensors import read_tensors
from ..emotion import EMOTION_AXES, EMOTIONS, EmotionTrack
from .features import RATE
from .prosody import BIN, FEATURES, HOP, binned, features

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

BUILT_IN = Path(__file__).parents[2] / "assets" / "weights" / "emotion.safetensors"
FORMAT = "emosplat-voice-emotion-1"
MAX_BYTES = 1 << 20

STEP = BIN * HOP / RATE  # seconds between what is told
MOOD = 6.0  # seconds: width of the window in which the voice is heard
WHOLE = 1.0  # weight of the whole clip beside a full window: moods change slowly
LEAST = 0.3  # seconds of voice in a clip that tell something
UNSURE, SURE = 0.3, 0.65  # share of an emotion that shows nothing, and that shows all of itself
FARTHEST = 4.0  # standard deviations of what was learned from: beyond, a feature says no more


@dataclass(frozen=True, eq=False)
class Mood:
    """What was heard, one row per half second."""

    times: F64  # [K] seconds, middles of the bins
    shares: F64  # [K, 8] of `EMOTIONS`, sum 1

    def track(self) -> EmotionTrack:
        """The emotion to show: what is sure at full strength, what is unsure not at all."""
        shown = self.shares * smoothstep((self.shares - UNSURE) / (SURE - UNSURE))
        shown[:, EMOTIONS.index("neutral")] = 0
        points = np.zeros((len(self.times), len(EMOTION_AXES)))
        points[:, : len(EMOTIONS)] = shown
        return EmotionTrack(self.times, np.round(points, 3))


@dataclass(frozen=True, eq=False)
class VoiceEmotion:
    """softmax(weight . (features - mean) / scale + bias), with the labels of the rows of `weight`.

    >>> mood = VoiceEmotion.built_in().listen([np.zeros(16_000, np.float32)])
    >>> mood.shares[:, 0]
    array([1., 1., 1.])
    """

    labels: tuple[str, ...]  # [L] some of `EMOTIONS`, neutral among them
    mean: F64  # [F] of the features of what was learned from
    scale: F64  # [F] their standard deviations
    weight: F64  # [L, F]
    bias: F64  # [L]
    sha256: str = ""

    @staticmethod
    @cache
    def built_in() -> VoiceEmotion:
        """The weights that come with emosplat."""
        return VoiceEmotion.load()

    @staticmethod
    def load(path: Path = BUILT_IN) -> VoiceEmotion:
        """Read a file that `training.voice_emotion` wrote; raises InputError that names what is wrong."""
        file = read_tensors(path, format=FORMAT, what="weights of the voice's emotion", max_bytes=MAX_BYTES)
        try:
            return VoiceEmotion.of(file.tensors, file.info, sha256=file.sha256)
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(f"{path}: not usable as weights of the voice's emotion ({error}); train again") from error

    @staticmethod
    def of(tensors: dict[str, NDArray[Any]], info: dict[str, Any], *, sha256: str = "") -> VoiceEmotion:
        """The model of a file's tensors; raises KeyError, ValueError or TypeError where they do not fit."""
        labels = tuple(info["labels"])
        if "neutral" not in labels or not set(labels) <= set(EMOTIONS) or len(set(labels)) < len(labels):
            raise ValueError(f"labels: expected neutral and others of {', '.join(EMOTIONS)}, each once")
        if tuple(info["features"]) != FEATURES:
            raise ValueError("made for other features of the voice")
        each, kinds = len(FEATURES), len(labels)
        shapes = {"mean": (each,), "scale": (each,), "weight": (kinds, each), "bias": (kinds,)}
        for name, shape in shapes.items():
            if tensors[name].shape != shape or not np.isfinite(tensors[name]).all():
                raise ValueError(f"{name}: expected finite numbers of shape {shape}")
        if not (tensors["scale"] > 0).all():
            raise ValueError("scale: expected numbers above 0")
        return VoiceEmotion(labels, **{name: tensors[name].astype(np.float64) for name in shapes}, sha256=sha256)

    def shares(self, found: F64) -> F64:
        """Shares [n, L] of features [n, F]."""
        scaled = np.clip((found - self.mean) / self.scale, -FARTHEST, FARTHEST)
        return softmax(scaled @ self.weight.T + self.bias)

    def listen(self, blocks: Iterable[F32]) -> Mood:
        """The mood of one clip of consecutive mono 16 kHz arrays of any size; a hundred numbers per second are kept."""
        sums = binned(blocks)
        times = np.arange(0.5, max(1, len(sums)), dtype=np.float64) * STEP
        shares = np.zeros((len(times), len(EMOTIONS)))
        whole = sums.sum(axis=0)
        if whole[-1] < LEAST:
            shares[:, EMOTIONS.index("neutral")] = 1
            return Mood(times, shares)
        window = np.hanning(round(MOOD / STEP) + 2)[1:-1]
        near = np.stack([np.convolve(column, window, mode="full") for column in sums.T], axis=1)
        near = near[len(window) // 2 :][: len(sums)]
        around = near + WHOLE * near[:, 0].max() / whole[0] * whole
        shares[:, [EMOTIONS.index(label) for label in self.labels]] = self.shares(features(around, whole))
        return Mood(times, shares)
