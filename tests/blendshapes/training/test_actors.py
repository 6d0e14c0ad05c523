"""Invented actors: they differ as they are told to, hear the sound, and go with a voice."""

from __future__ import annotations

import numpy as np
import pytest

from emosplat.blendshapes.acting.conditions import TOLD
from emosplat.blendshapes.acting.space import COORDINATES, INDEX, RATE
from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.speech.accents import Accent, felt
from emosplat.blendshapes.training.actors import (
    TRAIT,
    TRAITS,
    USUAL_VOICE,
    VOICES_DIFFER,
    Actor,
    Scene,
    perform,
)

FRAMES = 2500
STRESSES = np.arange(2.0, 96.0, 1.7)


def scene(emotion: str = "neutral") -> Scene:
    """100 s of steady talk with stresses, and a pause every ten seconds."""
    times = np.arange(FRAMES) / RATE
    moments = [Accent(float(t), "stress", 0.8) for t in STRESSES]
    moments += [Accent(0.5, "begin"), *(Accent(10.0 * k, "end") for k in range(1, 10))]
    told = np.zeros((FRAMES, len(TOLD)))
    told[:, TOLD.index("sound.activity")] = 1
    told[:, TOLD.index("sound.jaw")] = 0.3 + 0.2 * np.sin(2 * np.pi * 2 * times)
    told[:, TOLD.index(f"emotion.{emotion}")] = 1
    told[:, [TOLD.index(f"accents.{k}") for k in ("begin", "stress", "end")]] = felt(moments, times)
    return Scene(told, sorted(moments, key=lambda m: m.time))


def somebody(**traits: float) -> Actor:
    values = np.zeros(len(TRAITS))
    for name, value in traits.items():
        values[TRAIT[name]] = value
    return Actor(values)


def acted(actor: Actor, where: Scene | None = None, seed: int = 0) -> np.ndarray:
    return perform(actor, where or scene(), np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("trait", "coordinate"),
    [("turns", "head_yaw"), ("nods", "head_pitch"), ("brows", "brow_left"), ("gaze", "gaze_yaw")],
)
def test_a_trait_moves_what_it_is_called_after(trait: str, coordinate: str) -> None:
    little, much = (np.mean([acted(somebody(**{trait: value}), seed=s)[:, INDEX[coordinate]].std() for s in range(4)])
                    for value in (-1.5, 1.5))  # fmt: skip
    assert much > 1.3 * little


def test_a_wide_jaw_opens_wider() -> None:
    narrow, wide = (acted(somebody(jaw=value))[:, INDEX["jaw"]].mean() for value in (-2.0, 2.0))
    assert narrow < -0.02
    assert wide > 0.02


def test_takes_differ_and_are_the_same_with_the_same_chance() -> None:
    np.testing.assert_array_equal(acted(somebody()), acted(somebody()))
    assert np.abs(acted(somebody()) - acted(somebody(), seed=1)).max() > 0.1


def test_heads_nod_at_stresses_somewhat_before_them() -> None:
    pitch = np.mean([acted(somebody(nods=2.0), seed=s)[:, INDEX["head_pitch"]] for s in range(30)], axis=0)
    away = np.arange(-12, 13)
    around = np.mean([pitch[np.round(t * RATE).astype(int) + away] for t in STRESSES[:-1]], axis=0)
    assert -0.25 < away[around.argmax()] / RATE < 0.05


def test_sadness_slows_and_blinks_come_as_often_as_peoples() -> None:
    speeds = [np.abs(np.diff(acted(somebody(), scene(e))[:, INDEX["head_yaw"]])).mean() for e in ("sad", "neutral")]
    assert speeds[0] < 0.8 * speeds[1]
    lids = np.concatenate([acted(Actor.drawn(np.random.default_rng(s)), seed=s)[:, INDEX["lid"]] for s in range(12)])
    rate = ((lids[1:] > 0.5) & (lids[:-1] <= 0.5)).sum() / (len(lids) / RATE / 60)
    assert 10 < rate < 30


def test_lively_voices_go_with_lively_people() -> None:
    lively = USUAL_VOICE + 2 * VOICES_DIFFER * np.array([1, 1, 0, 0, 0, 0])
    rng = np.random.default_rng(0)
    turns = {name: np.mean([Actor.drawn(rng, v)["turns"] for _ in range(40)])
             for name, v in (("lively", lively), ("flat", 2 * USUAL_VOICE - lively))}  # fmt: skip
    assert turns["lively"] > turns["flat"] + 1
    traits = np.array([Actor.drawn(rng).traits for _ in range(500)])
    np.testing.assert_allclose(traits.std(axis=0), 1, atol=0.15)


def test_everything_is_finite_in_every_emotion() -> None:
    for label in EMOTIONS:
        found = acted(Actor.drawn(np.random.default_rng(1)), scene(label))
        assert found.shape == (FRAMES, len(COORDINATES))
        assert np.isfinite(found).all()
