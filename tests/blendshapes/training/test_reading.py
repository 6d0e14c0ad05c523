"""Emotions read off faces, on expressions made from the built-in head's own table."""

from functools import lru_cache

import numpy as np
import pytest

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.data import DataSet, Label, Sequence
from emosplat.blendshapes.data.sequence import constant
from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.training.reading import EmotionReader, confusion
from emosplat.core.errors import InputError

VERTICES = np.arange(300)


@lru_cache
def apexes() -> dict[str, np.ndarray]:
    """Displacement [300, 3] of some vertices by the first variant of every emotion."""
    head = builtin_head()
    rows = {e: head.emotions.rows(e)[0] for e in EMOTIONS}
    return {e: (head.exprdirs[::20][:300] @ head.emotions.expr[row]).astype(np.float32) for e, row in rows.items()}


def expression(emotion: str, rng: np.random.Generator, *, level: float = 1.0) -> Sequence:
    curve = np.sin(np.linspace(0, np.pi, 21)).astype(np.float32)[:, None, None]
    frames = level * curve * apexes()[emotion]
    frames += 2e-4 * rng.standard_normal(frames.shape).astype(np.float32)
    label = Label(emotion, emotion, level=level, held=False)
    still = constant(np.zeros((300, 3), np.float32))
    return Sequence("a", "a", emotion, "train", label, 30.0, constant(frames), still, None)


def learned() -> EmotionReader:
    rng = np.random.default_rng(0)
    sequences = tuple(expression(e, rng) for e in EMOTIONS for _ in range(3))
    return EmotionReader.learn(DataSet("made", "head", sequences), VERTICES)


def test_every_emotion_is_read_and_chances_are_probabilities() -> None:
    reader, rng = learned(), np.random.default_rng(1)
    for emotion in EMOTIONS:
        shown = apexes()[emotion] + 2e-4 * rng.standard_normal((4, 300, 3)).astype(np.float32)
        assert reader.read(shown) == emotion
        np.testing.assert_allclose(np.exp(reader.frames(shown)).sum(axis=1), 1)


def test_a_face_at_rest_is_neutral() -> None:
    assert learned().read(np.zeros((3, 300, 3), np.float32)) == "neutral"


def test_faint_expressions_are_no_examples() -> None:
    rng = np.random.default_rng(0)
    faint = tuple(expression(e, rng, level=0.2) for e in EMOTIONS)
    with pytest.raises(InputError, match="expected clear expressions of at least two emotions"):
        EmotionReader.learn(DataSet("made", "head", faint), VERTICES)


def test_confusion_has_shares_of_rows() -> None:
    matrix = confusion([("sad", "sad"), ("sad", "neutral"), ("happy", "happy")])
    assert matrix[EMOTIONS.index("sad"), EMOTIONS.index("neutral")] == 0.5
    assert matrix[EMOTIONS.index("happy"), EMOTIONS.index("happy")] == 1
    assert matrix.sum() == 2
