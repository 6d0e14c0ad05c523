"""The shipped weights: people by seed, styles, voices, and files that are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from emosplat.blendshapes.acting.bands import BESIDE_SOUND
from emosplat.blendshapes.acting.network import MANNER
from emosplat.blendshapes.acting.space import COORDINATES, MOUTH
from emosplat.blendshapes.acting.style import POSED, POSES, STATISTICS
from emosplat.blendshapes.acting.weights import BUILT_IN, FORMAT, ActingWeights
from emosplat.blendshapes.score import Style
from emosplat.core.errors import InputError
from emosplat.core.tensors import write_tensors


@pytest.fixture(scope="module")
def weights() -> ActingWeights:
    return ActingWeights.load()


def test_they_are_small_and_say_what_they_learned_from(weights: ActingWeights) -> None:
    assert BUILT_IN.stat().st_size < 10e6
    parameters = sum(t.size for t in load_file(BUILT_IN).values())
    assert 1e6 < parameters < 5e6
    assert "invented" in weights.info["trained_on"]


def test_every_seed_is_somebody_and_always_the_same(weights: ActingWeights) -> None:
    people = np.array([weights.manner(None, seed=s) for s in range(40)])
    assert people.shape == (40, MANNER)
    np.testing.assert_array_equal(people[7], weights.manner(None, seed=7))
    assert len(np.unique(people, axis=0)) > 20


def test_without_variety_everybody_is_the_usual_one(weights: ActingWeights) -> None:
    calm = [weights.manner(None, seed=s, variety=0) for s in (1, 2)]
    np.testing.assert_array_equal(calm[0], calm[1])
    np.testing.assert_array_equal(calm[0][: len(STATISTICS)], 0)


def test_strength_goes_from_the_usual_to_the_example_and_beyond(weights: ActingWeights) -> None:
    def style(strength: float) -> Style:
        return Style("x", statistics={"head_yaw.size": 1.0}, poses=({"head_yaw": 0.1},), strength=strength)

    none, whole, double = (weights.manner(style(s), seed=0) for s in (0.0, 1.0, 2.0))
    np.testing.assert_array_equal(none, weights.manner(None, seed=3, variety=0))
    np.testing.assert_allclose(double - none, 2 * (whole - none), atol=1e-5)


def test_a_manner_of_large_and_quick_motion_adds_size(weights: ActingWeights) -> None:
    usual = weights.manner(None, seed=0, variety=0)
    large = usual.copy()
    large[[STATISTICS.index(f"{c}.{m}") for c in ("brow_left", "head_pitch") for m in ("size", "speed")]] = 2
    plain, sized = weights.sizes(usual), weights.sizes(large)
    for name in ("brow_left", "head_pitch"):
        k = COORDINATES.index(name)
        assert sized.slow[k] > 1.05 * plain.slow[k]
        assert sized.quick[k] > 1.05 * plain.quick[k]
    np.testing.assert_array_equal(sized.slow[: len(MOUTH)], 1)
    np.testing.assert_array_equal(sized.articulation, 0)


def test_a_mouth_beside_the_sound_is_made_not_told_to_the_network(weights: ActingWeights) -> None:
    wide = dict(zip(BESIDE_SOUND, weights.articulation.ravel(), strict=True)) | {"wide.slow": 1.5, "wide.quick": 0.4}
    told = {"wide.mean": 3.0, "wide.size": 1.0, "head_yaw.size": 1.0}
    style = Style("x", statistics=told | wide)
    manner, alone = (weights.manner(Style("x", statistics=s), seed=0) for s in (told | wide, told))
    of_mouth = [k for k, name in enumerate(STATISTICS) if name.split(".")[0] in MOUTH]
    np.testing.assert_array_equal(manner[of_mouth], 0)
    assert np.abs(alone[of_mouth]).max() > 0.1
    assert manner[STATISTICS.index("head_yaw.size")] == alone[STATISTICS.index("head_yaw.size")] != 0
    k = MOUTH.index("wide")
    found, usual = weights.sizes(manner, style), weights.articulation[k]
    assert found.slow[k] * usual[0] == pytest.approx(1.5)
    assert found.slow[k] * usual[1] + found.articulation[k] == pytest.approx(0.4)
    np.testing.assert_allclose(np.delete(found.slow[: len(MOUTH)], k), 1, atol=1e-6)
    none = weights.sizes(manner, replace(style, strength=0.0))
    np.testing.assert_allclose(none.slow[: len(MOUTH)], 1, atol=1e-6)
    np.testing.assert_allclose(none.articulation, 0, atol=1e-6)


def test_what_a_style_lacks_is_usual(weights: ActingWeights) -> None:
    """Of a phone that leaves out the head the head moves as people's usually does."""
    found = weights.manner(Style("phone", statistics={"brow_left.size": 1.0}), seed=0)
    still = weights.manner(Style("statue", statistics={"brow_left.size": 1.0, "head_yaw.size": -6.9}), seed=0)
    head = STATISTICS.index("head_yaw.size")
    assert found[head] == 0 > still[head]


def test_a_voice_calls_up_a_style(weights: ActingWeights) -> None:
    style = weights.voice_style([voice(110, lively=0.2)], "low")
    other = weights.voice_style([voice(230, lively=3.0)], "high")
    assert set(style.statistics) == set(STATISTICS)
    assert len(style.poses) == POSES
    assert set(style.poses[0]) == set(POSED)
    assert style.statistics != other.statistics
    assert weights.voice_style([voice(110, lively=0.2)], "low") == style


def test_a_silent_voice_is_refused(weights: ActingWeights) -> None:
    with pytest.raises(InputError, match=r"style 'nobody': expected at least .* of voice"):
        weights.voice_style([np.zeros(48_000, np.float32)], "nobody")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"usual": np.zeros(3, np.float32)}, "usual: expected finite numbers of shape"),
        ({"keys": None}, "'keys'"),
        ({"felt": None}, "'felt'"),
        ({"short": np.zeros(18, np.float32)}, "short: expected finite numbers of shape"),
        ({"articulation": np.full((5, 2), np.nan, np.float32)}, "articulation: expected finite"),
        ({"stem.weight": np.zeros((4, 144), np.float32)}, "stem.weight: expected shape"),
        ({"dilations": np.array([500], np.int32)}, "dilations: expected"),
        ({"people": np.full((2, MANNER - 1), np.nan, np.float32)}, "people: expected finite"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: dict, problem: str) -> None:
    tensors = {n: t for n, t in (load_file(BUILT_IN) | change).items() if t is not None}
    path = tmp_path / "acting.safetensors"
    write_tensors(path, tensors, {"format": FORMAT})
    with pytest.raises(InputError, match=problem):
        ActingWeights.load(path)


def voice(pitch: float, *, lively: float) -> np.ndarray:
    """Five seconds of a buzz whose pitch moves (synthetic)."""
    times = np.arange(5 * 16_000) / 16_000
    phase = np.cumsum(pitch * 2 ** (lively / 12 * np.sin(2 * np.pi * 0.7 * times))) / 16_000
    buzz = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 20))
    return (0.1 * buzz * (np.sin(2 * np.pi * 3 * times) > -0.6)).astype(np.float32)
