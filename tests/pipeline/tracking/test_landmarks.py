"""Curves of landmarks: what is measured, and what must not matter to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.blendshapes.evaluation import naturalness as n
from emosplat.pipeline.tracking.landmarks import POINTS, curves, from_middle, rigid_poses, rotation_vectors

from .pretend import points, seen

F64 = NDArray[np.float64]
INDEX = {point: i for i, point in enumerate(POINTS)}
SMALL = st.floats(-0.3, 0.3)


def measured(faces: list, *, told: bool = True) -> dict[str, F64]:
    stack = np.array([face.points[list(POINTS)] for face in faces], np.float64)
    return curves(stack, INDEX, fps=25.0, poses=np.array([f.pose for f in faces], np.float64) if told else None)


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=8), st.floats(20, 400), st.floats(-500, 500))
def test_what_is_put_in_is_measured_however_large_and_wherever(
    openings: list[float], scale: float, move: float
) -> None:
    found = measured([seen(points(o, iris=0.1, brow=0.25), scale=scale, move=(move, -move, 0)) for o in openings])
    assert found[n.OPENING] == pytest.approx(openings, abs=1e-4)
    assert found[n.WIDTH] == pytest.approx([0.6] * len(openings), abs=1e-4)
    assert found[n.UPPER] == pytest.approx([-0.7 + 0.3 * o for o in openings], abs=1e-4)
    assert found[n.BROW] == pytest.approx([0.25] * len(openings), abs=1e-4)
    assert found[n.IRIS] == pytest.approx([0.1] * len(openings), abs=1e-4)
    assert found[n.EYE_OPENING] == pytest.approx([0.1 / 0.31] * len(openings), abs=1e-4)


@given(st.lists(st.tuples(SMALL, SMALL, SMALL), min_size=2, max_size=12), st.booleans())
def test_turns_are_told_and_do_not_move_brows_and_lips(turns: list[tuple[float, float, float]], told: bool) -> None:
    found = measured([seen(points(0.1), turn=turn) for turn in turns], told=told)
    if told:  # the unit, the distance between the eyes, is seen shorter from aside
        assert found[n.BROW] / found[n.UPPER] == pytest.approx(np.full(len(turns), 0.2 / -0.67), abs=1e-3)
        assert found[n.CORNERS] == pytest.approx(np.zeros(len(turns)), abs=1e-3)
    angles = np.radians(np.stack([found[name] for name in (n.PITCH, n.YAW, n.ROLL)], axis=1))
    poses = np.array([seen(points(), turn=turn).pose for turn in turns], np.float64)
    assert angles == pytest.approx(rotation_vectors(from_middle(poses)), abs=1e-3 if told else 0.15)


def test_axes_are_flames() -> None:
    """Down, to the person's left, and the right ear to the shoulder are positive, as in docs/conventions.md."""
    for axis, name in enumerate((n.PITCH, n.YAW, n.ROLL)):
        turn = np.zeros(3)
        turn[axis] = 0.2
        found = measured([seen(points(), turn=-turn), seen(points(), turn=turn)], told=False)
        assert np.degrees(0.4) == pytest.approx(np.diff(found[name])[0], abs=0.1)
    nose = seen(points(), turn=(0.2, 0, 0)).points[1] - seen(points()).points[1]
    assert nose[1] > 0  # pixels go down


def test_frames_without_a_face_stay_unknown_and_disturb_no_other() -> None:
    faces = [seen(points(0.1 + 0.01 * i)) for i in range(60)]
    stack = np.array([face.points[list(POINTS)] for face in faces], np.float64)
    stack[20:35] = np.nan
    found = curves(stack, INDEX, fps=25.0)
    whole = measured(faces, told=False)
    for name, curve in found.items():
        assert np.isnan(curve[20:35]).all(), name
        kept = np.r_[0:20, 35:60]
        assert curve[kept] == pytest.approx(whole[name][kept], abs=1e-4), name


def test_nothing_at_all_is_measured_without_complaint() -> None:
    nobody = np.full((5, len(POINTS), 3), np.nan)
    assert all(np.isnan(curve).all() for curve in curves(nobody, INDEX, fps=25.0).values())
    assert all(len(curve) == 0 for curve in curves(nobody[:0], INDEX, fps=25.0).values())
    assert np.isnan(rigid_poses(nobody)).all()
