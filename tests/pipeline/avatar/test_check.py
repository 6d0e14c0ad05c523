"""The sweep must find each kind of planted fault, and nothing in a doll without faults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emosplat.avatars.avatar import Avatar
from emosplat.avatars.library import builtin_head
from emosplat.pipeline.avatar.check import KINDS, SIZE, AvatarCheck, CheckResult, worst_faults
from emosplat.pipeline.avatar.poses import plausible_poses
from emosplat.renderer import open_rasterizer

from .planted import doll, keep, moved, near, parts, with_specks, with_stray_dot

pytestmark = pytest.mark.slow

EYES, TEETH = ("left_eye", "right_eye"), ("teeth_upper", "teeth_lower")


@pytest.fixture(scope="module")
def clean() -> Avatar:
    return doll(builtin_head())


@pytest.fixture(scope="module")
def faulty(clean: Avatar) -> AvatarCheck:
    """A gap of 12 mm in a cheek, dots on the forehead, large eyeballs, teeth 12 mm in front, lips open."""
    head = clean.head
    avatar = keep(clean, ~near(clean, (0.035, -0.01, 0.075), 0.006))
    centres = head.v_template[head.faces].mean(axis=1)
    forehead = (centres[:, 2] > 0.05) & (centres[:, 1] > 0.06) & (np.array(parts(head)) == "skin")
    avatar = with_specks(avatar, np.random.default_rng(0).choice(np.flatnonzero(forehead), 8, replace=False))
    for region, joint in zip(EYES, head.joints[3:5], strict=True):
        avatar = moved(avatar, (region,), 0.2 * (head.v_template[head.regions[region]] - joint))
    avatar = moved(avatar, TEETH, np.array([0, 0, 0.012]))
    check = AvatarCheck(avatar, open_rasterizer("cpu"), poses=6)
    open_jaw = np.full_like(check.poses.motion.jaw, 0.1) * [1, 0, 0]
    motion = replace(check.poses.motion, jaw=open_jaw.astype(np.float32))
    check.poses = replace(check.poses, motion=motion)
    return check


@pytest.fixture(scope="module")
def faults(faulty: AvatarCheck) -> CheckResult:
    return faulty.run()


def test_a_clean_doll_has_no_faults(clean: Avatar) -> None:
    result = AvatarCheck(clean, open_rasterizer("cpu"), poses=6).run()
    assert result.closed_lids > 0
    assert result.closed_lips > 0
    # its skin is one splat per triangle, which parts a little where a mouth stretches
    assert [fault for fault in result.faults if fault.kind != "hole" or fault.amount > 8] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_fault_is_found(faults: CheckResult, kind: str) -> None:
    assert faults.count(kind)[1] > 0


def test_a_mole_is_no_fault_and_a_dot_that_strays_over_the_skin_is(clean: Avatar) -> None:
    head = clean.head
    centres = head.v_template[head.faces].mean(axis=1)
    skin = np.array(parts(head)) == "skin"
    forehead = np.flatnonzero(skin & (centres[:, 2] > 0.06) & (np.abs(centres[:, 1] - 0.075) < 0.012))
    moles = with_specks(clean, forehead[::40], grey=0.2)
    check = AvatarCheck(moles, open_rasterizer("cpu"), poses=6)
    assert len(check.view(0).specks(16.0)) > 0  # they are seen as dots
    assert check.run().count("speck") == (0, 0)
    above_the_brow = (
        0.035,
        0.072,
        float(
            centres[skin & (np.abs(centres[:, 0] - 0.035) < 0.004) & (np.abs(centres[:, 1] - 0.072) < 0.004)][
                :, 2
            ].max()
        )
        + 0.001,
    )
    stray = AvatarCheck(with_stray_dot(moles, above_the_brow), open_rasterizer("cpu"), poses=2)
    looking_down = np.radians(np.tile([10.0, 0, 0], (2, 2))).astype(np.float32)
    stray.poses = replace(stray.poses, motion=replace(stray.poses.motion, eyes=looking_down))
    assert stray.run().count("speck")[1] > 0


def test_faults_are_found_where_they_are(faults: CheckResult) -> None:
    """In the picture the forehead is above the eyes, they are above the cheek, and the mouth is below."""
    height = {kind: np.median([f.y for f in faults.faults if f.kind == kind]) / SIZE for kind in KINDS}
    assert height["speck"] < height["eye through lid"] < height["hole"] < height["teeth through lip"]


def test_the_lips_are_as_far_apart_as_they_were_opened(faults: CheckResult) -> None:
    assert faults.count("lips apart")[0] == faults.closed_lips
    assert 3 < faults.widest_closed_lips_mm < 15


def test_the_worst_faults_are_drawn_and_recorded(faulty: AvatarCheck, faults: CheckResult) -> None:
    assert worst_faults(faulty, faults).shape == (SIZE // 2 * len(KINDS), SIZE, 3)
    record = faults.record()["kinds"]
    assert {kind: (r["faults"], r["poses"]) for kind, r in record.items()} == {k: faults.count(k) for k in KINDS}
    assert len(list(faults.lines())) == len(KINDS) + 2


def test_poses_repeat_and_hold_what_they_promise() -> None:
    head = builtin_head()
    poses, again = plausible_poses(head, 60, seed=3), plausible_poses(head, 60, seed=3)
    np.testing.assert_array_equal(poses.motion.expr, again.motion.expr)
    assert len(poses.motion) == 60
    assert poses.shut.sum() >= 10
    assert poses.sealed.sum() >= 10
    assert np.degrees(np.abs(poses.motion.neck).max()) > 3
    assert not np.array_equal(poses.motion.expr, plausible_poses(head, 60, seed=4).motion.expr)
