"""Styles: what is measured on motion is what was put into it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from emosplat.blendshapes.acting.bands import BESIDE_SOUND
from emosplat.blendshapes.acting.space import COORDINATES, INDEX, MOUTH, RATE, SCALE
from emosplat.blendshapes.acting.style import (
    POSED,
    POSES,
    STATISTICS,
    key_poses,
    measured,
    pose_table,
    standard,
    style_of,
)
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.noise import slow_noise
from emosplat.blendshapes.score import Style
from emosplat.blendshapes.speech.encoder import AXES
from emosplat.blendshapes.speech.excerpt import Excerpt
from emosplat.core.errors import InputError

FRAMES = 1500
TIMES = np.arange(FRAMES) / RATE


def moving(seed: int = 0, **sizes: float) -> np.ndarray:
    """Coordinates [T, D] that drift, each by its size."""
    noise = slow_noise(TIMES, seed=seed, stream=0, period=0.8, width=len(COORDINATES))
    return noise * SCALE * np.array([sizes.get(name, 0.5) for name in COORDINATES])


def told(values: np.ndarray) -> dict[str, float]:
    return dict(zip(STATISTICS, measured(values, np.ones(len(values), bool)).tolist(), strict=True))


def test_size_and_speed_grow_with_the_motion() -> None:
    small, large = told(moving()), told(moving(head_yaw=1.5))
    assert large["head_yaw.size"] - small["head_yaw.size"] == pytest.approx(math.log(3), abs=1e-9)
    assert large["head_yaw.speed"] - small["head_yaw.speed"] == pytest.approx(math.log(3), abs=1e-9)
    assert large["head_roll.size"] == small["head_roll.size"]


def test_a_habit_is_a_mean_and_going_with_the_jaw_is_told() -> None:
    values = moving()
    values[:, INDEX["smile_left"]] += 0.3
    values[:, INDEX["brow_left"]] = values[:, INDEX["jaw"]]
    found = told(values)
    assert found["smile_left.mean"] - told(moving())["smile_left.mean"] == pytest.approx(0.3 / 0.12)
    assert found["brow_left.with_jaw"] == pytest.approx(1)
    assert abs(found["head_roll.with_jaw"]) < 0.5


def test_the_mouth_counts_while_somebody_speaks() -> None:
    values = moving()
    speaking = TIMES < 30
    quiet = values.copy()
    quiet[~speaking, INDEX["jaw"]] = 0
    column = STATISTICS.index("jaw.size")
    assert measured(quiet, speaking)[column] == measured(values, speaking)[column]
    assert measured(quiet, speaking)[column] != measured(quiet, np.ones(FRAMES, bool))[column]


def test_blinks_are_counted() -> None:
    values = moving()
    values[:, INDEX["lid"]] = 0
    for when in range(100, 1400, 100):
        values[when : when + 3, INDEX["lid"]] = 1
    assert math.expm1(told(values)["lid.blinks"]) == pytest.approx(13)
    assert told(values)["lid.length"] == pytest.approx(1.2)


def test_key_poses_are_what_lasts() -> None:
    poses = np.random.default_rng(0).standard_normal((POSES, len(POSED))) * 0.3
    poses[0] = poses[1:].mean(axis=0) / 3  # the most usual one lies in the middle of the others
    values = np.zeros((FRAMES, len(COORDINATES)))
    shares = np.cumsum([0, 750, 300, 250, 200])
    for pose, first, stop in zip(poses, shares, shares[1:], strict=False):
        values[first:stop, [INDEX[n] for n in POSED]] = pose
    np.testing.assert_allclose(key_poses(values), poses, atol=0.06)


def test_a_style_is_told_in_standard_units_and_what_it_lacks_is_usual() -> None:
    usual, spread = np.arange(len(STATISTICS), dtype=float), np.full(len(STATISTICS), 2.0)
    style = Style("x", statistics={STATISTICS[3]: 5.0}, poses=({"head_yaw": SCALE[INDEX["head_yaw"]]},))
    numbers, poses = standard(style, usual, spread)
    assert numbers[3] == 1.0
    assert np.count_nonzero(numbers) == 1
    assert poses[0, POSED.index("head_yaw")] == pytest.approx(1)
    assert poses.sum() == pytest.approx(1)
    assert pose_table(()).shape == (POSES, len(POSED))


def test_the_frame_rate_hardly_matters() -> None:
    values = 0.2 * slow_noise(np.arange(3000) / 50, seed=1, stream=0, period=0.8)[:, 0]
    face = FaceMotion.rest(3000, fps=50).with_columns({"headYaw": values, "browOuterUpLeft": np.abs(values)})
    fast, slow = style_of(face, "a").statistics, style_of(face.resampled(25), "a").statistics
    assert {"head_yaw.speed", "brow_left.mean"} < set(fast) == set(slow)
    assert all(abs(fast[name] - slow[name]) < 0.02 for name in fast)


def test_what_an_example_does_not_tell_is_no_stillness() -> None:
    """A phone that leaves out the head, and whose eyes therefore look nobody knows where."""
    noise = 0.1 * np.abs(slow_noise(np.arange(500) / 60, seed=3, stream=0, period=0.4, width=4))
    names = ["browOuterUpLeft", "jawPitch", "gazeLeftYaw", "lidLeft"]
    phone = FaceMotion.rest(500, fps=60).with_columns(dict(zip(names, noise.T, strict=True)))
    found = style_of(phone, "x")
    told = {name.split(".")[0] for name in found.statistics}
    assert {"brow_left", "jaw", "lid"} < told
    assert not told & {"head_pitch", "head_yaw", "head_roll", "gaze_yaw", "gaze_pitch", "smile_left"}
    assert not any("head_yaw" in pose for pose in found.poses)
    measured_head = style_of(phone.with_columns({"headYaw": 0.02 * noise[:, 0], "headPitch": noise[:, 1]}), "x")
    assert {"head_yaw.size", "gaze_yaw.size", "gaze_yaw.with_jaw"} < set(measured_head.statistics)
    without_jaw = style_of(phone.with_columns({"jawPitch": np.zeros(500)}), "x")
    assert not [name for name in without_jaw.statistics if name.endswith("with_jaw")]
    assert not [name for name in style_of(phone.with_given("head"), "x").statistics if name.startswith("brow")]


def test_the_mouth_is_measured_beside_the_sound_where_that_is_known() -> None:
    """Whoever rounds the lips more does so whatever is said, and another's sound tells nothing."""
    times = np.arange(0, 30, 1 / 50)
    axes = np.zeros((len(times), len(AXES)))
    noise = 0.3 + 0.15 * slow_noise(times, seed=5, stream=0, period=0.25, width=len(MOUTH))
    axes[:, [AXES.index(name) for name in MOUTH]] = np.clip(noise, 0, None)
    speech = Excerpt(times, axes, np.ones(len(times)), np.full(len(times), -4.0), np.zeros(len(times)))
    face = FaceMotion.rest(700, fps=25)
    heard = speech.axes_at(face.times, 25, effort=None)
    own = {f"speech.{n}": heard[:, AXES.index(n)] * (1.5 if n == "round" else 0.8) for n in MOUTH}
    found = style_of(face.with_columns(own), "x", speech).statistics
    assert found["round.slow"] == pytest.approx(1.5, abs=0.03)
    assert found["wide.slow"] == pytest.approx(0.8, abs=0.03)
    assert set(BESIDE_SOUND) < set(found)
    assert not set(BESIDE_SOUND) & set(style_of(face.with_columns(own), "x").statistics)
    late = {name: np.roll(column, 300) for name, column in own.items()}
    assert not set(BESIDE_SOUND) & set(style_of(face.with_columns(late), "x", speech).statistics)


def test_a_short_example_is_refused() -> None:
    with pytest.raises(InputError, match=r"style 'x': expected at least 4 s of motion, found 2.00 s"):
        style_of(FaceMotion.rest(50, fps=25), "x")
