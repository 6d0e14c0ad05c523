"""A pose of another face is met on the head: the vertices of the regions that were asked for, and its turn."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.bundle import Bundle
from emosplat.blendshapes.editing.keys import columns_of, keyed, moment_of
from emosplat.blendshapes.editing.poses import pose_key
from emosplat.blendshapes.emotion import parse_emotion
from emosplat.blendshapes.face_motion import REGIONS, FaceMotion
from emosplat.blendshapes.models import find_model
from emosplat.blendshapes.score import Key, Score
from emosplat.blendshapes.solve.solver import Solver

FPS = 25.0
HEAD = builtin_head()
SOLVER = Solver(HEAD, Bundle().fusion_for(HEAD))
POSER = Poser(HEAD)
SECONDS = 2.0
LISTS = {"mouth": ("lips",), "brows": ("brows",), "lids": ("left_lid", "right_lid")}
PLACES = {r: np.concatenate([HEAD.regions[name] for name in names]) for r, names in LISTS.items()}


@cache
def takes() -> tuple[FaceMotion, FaceMotion]:
    """A neutral and an angry performance of the same buzz."""
    times = np.arange(int(SECONDS * 16_000)) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 25)) * (np.sin(2 * np.pi * 2.5 * times) > 0)
    sound = (0.1 * buzz).astype(np.float32)
    model = find_model()
    neutral, angry = (
        model.plan(Score(SECONDS, FPS, lambda: [sound], seed=seed, emotion=parse_emotion(emotion)))
        for seed, emotion in ((0, "neutral"), (5, "angry"))
    )
    return neutral, angry


def still(motion: Motion) -> np.ndarray:
    """Vertices [V, 3] of the only frame but for the turn of the head, millimetres."""
    upright = replace(motion, neck=0 * motion.neck, translation=0 * motion.translation)
    return 1000 * POSER.vertices(upright)[0]


def apart(a: Motion, b: Motion, region: str) -> float:
    """The greatest distance within a region, millimetres."""
    return float(np.linalg.norm(still(a) - still(b), axis=1)[PLACES[region]].max())


@settings(max_examples=15)
@given(st.floats(0.1, SECONDS - 0.1), st.floats(0.1, SECONDS - 0.1))
def test_a_whole_pose_is_met(time: float, moment: float) -> None:
    face, other = takes()
    there = moment_of(other, moment, what="other")
    frame = moment_of(keyed(face, [pose_key(time, there, face, SOLVER)]), time, what="face")
    now, target = SOLVER(frame), SOLVER(there)
    assert max(apart(now, target, region) for region in PLACES) < 0.2
    np.testing.assert_allclose(np.degrees(now.neck), np.degrees(target.neck), atol=0.01)
    np.testing.assert_allclose(np.degrees(now.eyes), np.degrees(target.eyes), atol=0.01)


@settings(max_examples=5)
@pytest.mark.parametrize("region", ["mouth", "brows"])
@given(st.floats(0.1, SECONDS - 0.1), st.floats(0.1, SECONDS - 0.1))
def test_a_region_of_a_pose_is_met_and_the_others_stay(region: str, time: float, moment: float) -> None:
    """Brows that an emotion lowers, on a face that does not show it; lips of another jaw."""
    face, other = takes()
    regions = ("mouth", "jaw") if region == "mouth" else (region,)
    there = moment_of(other, moment, what="other")
    after = keyed(face, [pose_key(time, there, face, SOLVER, regions=regions)])
    before, now, target = (SOLVER(f) for f in (moment_of(face, time, what=""), moment_of(after, time, what=""), there))
    assert apart(now, target, region) < 0.5
    for elsewhere in {"mouth", "brows"} - {region}:
        assert apart(now, before, elsewhere) < 1
    np.testing.assert_array_equal(now.neck, before.neck)


def test_what_is_not_known_of_a_moment_stays() -> None:
    face, other = takes()
    key = pose_key(1.0, other[30:31].with_given("head"), face, SOLVER)
    assert {name[:4] for name in key.columns} == {"head"}
    assert pose_key(1.0, other[30:31].with_given(*REGIONS), face, SOLVER, regions=("head",)).columns == key.columns


@settings(max_examples=10)
@given(st.floats(0, SECONDS), st.floats(0.1, 1), st.floats(-30, 30), st.floats(0.1, 1))
def test_a_named_key_is_met_on_the_head(time: float, brows: float, turn: float, smile: float) -> None:
    """The turn to the hundredth of a degree; shapes add what the head sculpts for them to what the face does."""
    face = takes()[0].with_columns({"lidLeft": 0.0, "lidRight": 0.0})  # a blink hides what is under it
    columns = columns_of({"brow_lower": brows, "turn": turn, "smile": smile})
    before = moment_of(face, time, what="").with_columns({n: 0.0 for n in columns})
    now = SOLVER(moment_of(keyed(face, [Key(time, columns)]), time, what=""))
    assert np.degrees(now.neck[0, 1]) == pytest.approx(turn, abs=0.01)
    added = sum(
        columns[name] * HEAD.arkit.expr[HEAD.arkit.rows(name)].sum(axis=0) for name in columns if "head" not in name
    )
    bare = SOLVER(before)
    wanted = replace(bare, expr=(bare.expr + added).astype(np.float32))
    assert apart(now, wanted, "brows") < 1
    corners = HEAD.mouth_corners
    assert np.linalg.norm(still(now) - still(wanted), axis=1)[corners].max() < 1
