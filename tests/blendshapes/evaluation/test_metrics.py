"""Measures of facial motion, against closed forms and torchmetrics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.evaluation import metrics
from emosplat.blendshapes.evaluation.metrics import Comparison, VertexSets, score
from emosplat.core.errors import InputError

FPS = 60.0
RNG = np.random.default_rng(0)
LIPS = np.array([0, 2, 5])
UPPER = np.array([1, 3])
PAIRS = np.array([[0, 2], [5, 1]])
SETS = VertexSets(LIPS, UPPER, PAIRS)


def faces(frames: int, seed: int = 0) -> np.ndarray:
    return (0.01 * np.random.default_rng(seed).standard_normal((frames, 8, 3))).astype(np.float32)


@pytest.mark.parametrize(("predicted", "truth"), [(20, 20), (20, 17), (1, 5)])
def test_lve_equals_torchmetrics(predicted, truth):
    torchmetrics = pytest.importorskip("torchmetrics.multimodal.lve", reason="torchmetrics is not installed")
    torch = pytest.importorskip("torch")
    a, b = faces(predicted), faces(truth, 1)
    oracle = torchmetrics.LipVertexError(mouth_map=LIPS.tolist())(torch.from_numpy(a), torch.from_numpy(b))
    assert metrics.lip_vertex_error(a, b, LIPS) == pytest.approx(float(oracle), rel=1e-5)


def test_one_vertex_out_of_place():
    truth = faces(10)
    predicted = truth.copy()
    predicted[:, 2, 1] += 0.003
    assert metrics.lip_vertex_error(predicted, truth, LIPS) == pytest.approx(9e-6, rel=1e-4)
    assert metrics.lip_vertex_error_mm(predicted, truth, LIPS) == pytest.approx(3, rel=1e-4)
    assert metrics.mean_vertex_error(predicted, truth) == pytest.approx(0.003 / 8, rel=1e-4)
    assert metrics.lip_vertex_error(predicted, truth, UPPER) == 0


def test_fdd_is_the_difference_of_the_dynamics():
    neutral = faces(1)[0]
    swing = np.sin(np.arange(50))[:, None, None] * np.array([0.002, 0, 0], np.float32)
    truth = (neutral + swing).astype(np.float32)
    expected = np.std(np.square(0.002 * np.sin(np.arange(50))))
    still = np.repeat(neutral[None], 50, axis=0)
    fdd = metrics.upper_face_dynamics_deviation
    assert fdd(still, truth, neutral, UPPER) == pytest.approx(expected, rel=1e-3)
    assert fdd(truth, still, neutral, UPPER) == pytest.approx(-expected, rel=1e-3)
    assert fdd(truth, truth, neutral, UPPER) == 0


def test_lip_closure_counts_only_frames_with_closed_lips():
    truth = np.zeros((3, 8, 3), np.float32)
    truth[2, [0, 5], 1] = 0.01  # open
    predicted = truth.copy()
    predicted[0, [0, 5], 1] = 0.004
    predicted[2, [0, 5], 1] = 0.05
    assert metrics.lip_gap(predicted, PAIRS) == pytest.approx([0.004, 0, 0.05])
    assert metrics.lip_closure_error(predicted, truth, PAIRS) == pytest.approx(0.002)
    assert np.isnan(metrics.lip_closure_error(predicted[2:], truth[2:], PAIRS))


def test_diversity():
    samples = [np.full((4, 8, 3), x, np.float32) for x in (0.0, 1.0, 3.0)]
    assert metrics.diversity(samples) == pytest.approx(np.sqrt(3) * (1 + 3 + 2) / 3)
    assert metrics.diversity(samples[:1] * 2) == 0
    assert np.isnan(metrics.diversity(samples[:1]))


def oscillation(hertz: float, seconds: float = 4.0) -> np.ndarray:
    times = np.arange(int(seconds * FPS)) / FPS
    return (0.01 * np.sin(2 * np.pi * hertz * times)[:, None, None] * np.ones((1, 8, 3)) / np.sqrt(3)).astype(
        np.float32
    )


def test_acceleration_of_an_oscillation():
    expected = 0.01 * (2 * np.pi * 2) ** 2 * 2 / np.pi  # mean of |a sin|
    assert metrics.mean_acceleration(oscillation(2), FPS) == pytest.approx(expected, rel=0.01)
    assert metrics.mean_acceleration(faces(1).repeat(5, axis=0), FPS) == 0
    assert np.isnan(metrics.mean_acceleration(faces(2), FPS))


def test_high_frequency_share():
    assert metrics.high_frequency_share(oscillation(3), FPS) < 1e-3
    assert metrics.high_frequency_share(oscillation(15), FPS) > 0.999
    sum_of_both = (oscillation(3) + oscillation(15) / 5).astype(np.float32)
    both = metrics.high_frequency_share(sum_of_both, FPS)
    low, high = (np.sinc(hertz / FPS) ** 2 for hertz in (3, 15))  # equal velocities, seen through finite differences
    assert both == pytest.approx(high / (low + high), abs=0.005)
    assert metrics.high_frequency_share(np.zeros((60, 8, 3), np.float32), FPS) == 0
    assert np.isnan(metrics.high_frequency_share(oscillation(3), 15.0))
    assert np.isnan(metrics.high_frequency_share(faces(10), FPS))


@settings(max_examples=30)
@given(st.floats(-200, 200), st.sampled_from([25.0, 30.0, 60.0]), st.integers(0, 5))
def test_sync_offset_finds_a_known_delay(delay, fps, seed):
    rng = np.random.default_rng(seed)
    phases, times = rng.uniform(0, 6.3, 12), np.arange(int(6 * fps)) / fps

    def curve(t: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * (0.5 + 0.37 * np.arange(12)) * t[:, None] + phases).sum(axis=1)

    found = metrics.sync_offset(curve(times - delay / 1000), 3 * curve(times) + 1, fps)
    assert found == pytest.approx(delay, abs=5)


def test_sync_offset_of_constant_or_empty_curves_is_unknown():
    assert np.isnan(metrics.sync_offset(np.ones(50), np.arange(50.0), 25))
    assert np.isnan(metrics.sync_offset(np.zeros(0), np.zeros(0), 25))


def test_score_pools_frames_and_averages_fdd():
    neutral = faces(1)[0]
    pairs = [(faces(10), faces(12, 1)), (faces(30, 2), faces(30, 3))]
    total = score((Comparison(p, t, neutral, FPS) for p, t in pairs), SETS)
    errors = np.concatenate([metrics.lip_errors(p, t, LIPS) for p, t in pairs])
    assert total.lve == pytest.approx(np.square(errors).mean())
    assert total.lve_mm == pytest.approx(1000 * errors.mean())
    fdd = [metrics.upper_face_dynamics_deviation(p, t, neutral, UPPER) for p, t in pairs]
    assert total.fdd == pytest.approx(np.mean(fdd))
    assert total.fdd_absolute == pytest.approx(np.mean(np.abs(fdd)))
    assert (total.frames, total.sequences) == (40, 2)
    with pytest.raises(ValueError, match="at least one sequence"):
        score([], SETS)


def test_different_meshes_are_refused():
    with pytest.raises(ValueError, match="same mesh"):
        metrics.mean_vertex_error(faces(3), faces(3)[:, :5])
    with pytest.raises(ValueError, match="at least one frame"):
        metrics.mean_vertex_error(faces(0), faces(3))


def test_vertex_sets_of_the_built_in_head():
    head = builtin_head()
    sets = VertexSets.of(head)
    assert set(sets.lips) == set(head.regions["lips"])
    assert not set(sets.lips) & set(sets.upper_face)
    lips, upper = head.v_template[sets.lips], head.v_template[sets.upper_face]
    assert upper[:, 1].min() > lips[:, 1].max()


def test_a_head_without_regions_is_refused():
    from dataclasses import replace

    head = replace(builtin_head(), regions={"neck": np.arange(3, dtype=np.int32)})
    with pytest.raises(InputError, match="expected the regions lips and one of forehead"):
        VertexSets.of(head)
