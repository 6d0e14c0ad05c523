"""From coordinates to a face: contacts are kept, blinks are whole, eyes jump."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from emosplat.blendshapes.acting.decode import (
    FIXATION,
    JITTER,
    SACCADE,
    acted,
    blinks,
    closed,
    fixated,
    resampled,
)
from emosplat.blendshapes.acting.space import COORDINATES, INDEX, MOUTH, RATE
from emosplat.blendshapes.evaluation import naturalness
from emosplat.blendshapes.face_motion import FaceMotion

GRID = np.arange(100) / RATE


def face(frames: int = 75, **columns: float | np.ndarray) -> FaceMotion:
    named = {name.replace("__", "."): value for name, value in columns.items()}
    return FaceMotion.rest(frames, fps=25).with_columns({"speech.activity": 1.0} | named)


def done(spoken: FaceMotion, values: np.ndarray, **kwargs) -> FaceMotion:
    options = {"emotion": np.zeros((len(spoken), 8)), "head_motion": "subtle", "blink": True, "seed": 0} | kwargs
    return acted(spoken, GRID, values, **options)


def noise(seed: int = 0) -> np.ndarray:
    return 0.2 * np.random.default_rng(seed).standard_normal((len(GRID), len(COORDINATES)))


def test_lips_that_touch_stay_where_the_sound_has_them() -> None:
    close = np.zeros(75)
    close[30:34] = 1
    spoken = face(speech__close=close, speech__jaw=0.4, speech__lower_lip=0.5)
    found = done(spoken, noise())
    for name in MOUTH:
        column, own = found.column(f"speech.{name}"), spoken.column(f"speech.{name}")
        assert_array_equal(column[30:34], own[30:34])
    assert np.abs(found.column("speech.jaw") - 0.4).max() > 0.05
    assert_array_equal(found.column("speech.close"), close)


def test_a_mouth_at_rest_stays_at_rest() -> None:
    found = done(face(speech__activity=0.0), noise())
    for name in MOUTH:
        assert_array_equal(found.column(f"speech.{name}"), 0)


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.5, 0.8])
def test_every_blink_is_whole_and_as_long_as_peoples(phase: float) -> None:
    deepest = 1.2 + phase / RATE
    lid = 0.75 * np.exp(-(((GRID - deepest) / 0.075) ** 2))
    assert_allclose(blinks(GRID, lid), [deepest], atol=0.01)
    times = np.arange(400) / 100
    shut = closed(times, np.array([deepest]))
    assert shut.max() == pytest.approx(1)
    [(when, length)] = naturalness.blinks(1 - shut, 100)
    assert when == pytest.approx(deepest, abs=0.02)
    assert 0.10 < length < 0.18


def test_eyes_that_would_drift_rest_and_jump() -> None:
    times = np.arange(0.5, 3.0, 0.005)
    drifting = np.stack([0.1 * GRID, -0.2 * GRID], axis=1)
    found = fixated(GRID, drifting, times, seed=3)
    moving = np.abs(np.diff(found[:, 1])) > 1e-9
    assert moving.mean() < 1.5 * SACCADE / FIXATION
    assert_allclose(found, np.stack([0.1 * times, -0.2 * times], axis=1), atol=0.2 * FIXATION * (1 + JITTER))
    assert_array_equal(fixated(GRID, drifting, times[200:], seed=3), found[200:])


def test_eyes_hold_the_camera_while_the_head_turns() -> None:
    values = np.zeros((len(GRID), len(COORDINATES)))
    values[:, INDEX["head_yaw"]] = 0.1 * np.sin(GRID)
    found = done(face(), values)
    assert_allclose(found.column("gazeLeftYaw"), -found.column("headYaw"), atol=1e-12)


def test_without_head_motion_only_the_mouth_and_the_lids_move() -> None:
    found = done(face(), np.abs(noise()), head_motion="none")
    for name in ("headPitch", "headYaw", "headRoll", "browOuterUpLeft", "browDownRight", "gazeLeftPitch"):
        assert_array_equal(found.column(name), 0)
    assert found.column("mouthSmileLeft").max() > 0


def test_without_blinks_lids_stay() -> None:
    values = noise()
    values[:, INDEX["lid"]] = 1.0
    values[::9, INDEX["lid"]] = 1.2
    assert_array_equal(done(face(), values, blink=False).lids, 0)


def test_resampling_meets_its_points_and_follows_a_line() -> None:
    values = noise()[:, :2]
    assert_allclose(resampled(GRID, values, GRID), values, atol=1e-12)
    line = np.outer(GRID, [1.0, -2.0])
    times = np.linspace(1, 2, 37)
    assert_allclose(resampled(GRID, line, times), np.outer(times, [1.0, -2.0]), atol=1e-12)
    assert_allclose(resampled(GRID, values, np.array([-1.0, 99.0])), values[[0, -1]], atol=1e-12)
