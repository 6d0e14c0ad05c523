"""The solver against faces whose points are known: what the model of the tracker reports comes back as what it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.core.errors import InputError
from emosplat.core.rotation import axis_angles
from emosplat.pipeline.capture.flow import Tracks, skin_points
from emosplat.pipeline.capture.landmark_model import (
    ANGLES,
    CENTRE,
    LandmarkModel,
    exponential,
    line_of_sight,
    load_table,
    sight_slopes,
)
from emosplat.pipeline.capture.solve import (
    FLIP,
    FilmSolver,
    Solution,
    median_turn,
    offset_modes,
    person_of,
    relations,
    solve_film,
    tridiagonal,
)
from emosplat.pipeline.capture.track import FaceFilm

F64 = NDArray[np.float64]

FOCAL, SIDE, FRAMES = 620.0, 512, 18
NECK = np.array([0.0, -0.036, -0.03])  # metres: about where the head's neck turns


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return builtin_head()


@pytest.fixture(scope="module")
def model(head: HeadModel) -> LandmarkModel:
    return LandmarkModel(head, load_table(), offset_modes(head))


def posed(count: int, seed: int) -> tuple[F64, F64, F64, F64]:
    """Expression, angles, turn to the camera and place of a head that turns and speaks."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, count)
    expr = 0.4 * rng.normal(size=(3, 76))
    expr = np.stack([np.interp(t, [0, 0.5, 1], column) for column in expr.T], axis=1)
    angles = np.zeros((count, len(ANGLES)))
    angles[:, 0] = 0.1 * (1 - np.cos(6 * np.pi * t))
    angles[:, [3, 5]] = 0.1 * np.sin(5 * t)[:, None]
    neck = np.stack([0.2 * np.sin(7 * t), 0.6 * np.sin(2 * np.pi * t), 0.03 * np.cos(9 * t)], axis=1)
    turn = FLIP @ exponential(neck)
    place = np.array([0.01, 0.02, 0.6]) + 0.01 * np.stack([np.sin(3 * t), np.cos(4 * t), np.sin(5 * t)], axis=1)
    return expr, angles, turn, place + turn @ (CENTRE - NECK)


def reported(model: LandmarkModel, shape: F64, pose: tuple[F64, F64, F64, F64]) -> F64:
    """What the tracker reports [T, 478, 2] of a face, by its model."""
    expr, angles, turn, place = pose
    x = np.einsum("tab,tlb->tla", turn, model.place(shape, expr, angles).points - CENTRE) + place[:, None]
    sight, roll = line_of_sight(turn, place)
    added = model.answer(sight, shape, expr, angles).added / (place[:, 2] / FOCAL)[:, None, None]
    c, s = np.cos(roll)[:, None], np.sin(roll)[:, None]
    added = np.stack([c * added[..., 0] + s * added[..., 1], c * added[..., 1] - s * added[..., 0]], axis=-1)
    pixels = np.full((len(expr), 478, 2), np.nan)
    pixels[:, model.table.points] = FOCAL * x[..., :2] / x[..., 2:] + SIDE / 2 + added
    return pixels


def filmed(points: F64, turn: F64) -> FaceFilm:
    count = len(points)
    return FaceFilm(
        path=Path("film.mp4"),
        width=SIDE,
        height=SIDE,
        times=np.arange(count) / 25,
        points=points,
        weights=np.zeros((count, 52)),
        poses=FLIP @ turn,
        faces=np.array([int(np.isfinite(p).all()) for p in points], np.int64),
        sharpness=np.ones(count),
    )


@pytest.fixture(scope="module")
def truth(model: LandmarkModel) -> tuple[F64, tuple[F64, F64, F64, F64]]:
    shape = np.zeros(model.shapes)
    shape[: model.identities] = np.random.default_rng(5).normal(size=model.identities) * 0.7
    return shape, posed(FRAMES, 3)


@pytest.fixture(scope="module")
def solved(head: HeadModel, model: LandmarkModel, truth: tuple[F64, tuple[F64, F64, F64, F64]]) -> Solution:
    """A film whose points are a quarter of a pixel off; in two of its pictures nobody is found."""
    shape, pose = truth
    points = reported(model, shape, pose) + np.random.default_rng(1).normal(0, 0.25, (FRAMES, 478, 2))
    points[[7, 8]] = np.nan
    return solve_film(filmed(points, pose[2]), head)


def test_the_person_comes_back(head: HeadModel, solved: Solution, truth: tuple[F64, tuple[F64, F64, F64, F64]]) -> None:
    person = head.v_template + head.shapedirs @ truth[0][: head.shapedirs.shape[2]]
    lips_and_lids = np.concatenate([head.regions[r] for r in ("lips", "left_lid", "right_lid", "brows")])
    ours, theirs = solved.head.v_template[lips_and_lids].astype(np.float64), person[lips_and_lids]
    ours, theirs = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    ours *= np.linalg.norm(theirs) / np.linalg.norm(ours)  # one camera cannot tell the size
    usual = head.v_template[lips_and_lids] - head.v_template[lips_and_lids].mean(axis=0)
    usual = usual * (np.linalg.norm(theirs) / np.linalg.norm(usual))
    assert np.linalg.norm(ours - theirs, axis=1).mean() < 0.001
    assert np.linalg.norm(ours - theirs, axis=1).mean() < 0.5 * np.linalg.norm(usual - theirs, axis=1).mean()
    assert abs(np.log(solved.numbers["focal_px"] / FOCAL)) < 0.12


def test_the_motion_comes_back(solved: Solution, truth: tuple[F64, tuple[F64, F64, F64, F64]]) -> None:
    _, angles, turn, _ = truth[1]
    seen = solved.seen
    assert seen.sum() == FRAMES - 2
    assert len(solved.motion) == FRAMES
    assert np.corrcoef(solved.motion.jaw[seen, 0], angles[seen, 0])[0, 1] > 0.97
    assert np.corrcoef(solved.motion.eyes[seen, 1], angles[seen, 3])[0, 1] > 0.97
    yaw = np.arctan2(turn[:, 0, 2], -turn[:, 2, 2])  # of the head in the camera
    assert np.corrcoef(solved.motion.neck[seen, 1], yaw[seen])[0, 1] > 0.999
    gone = solved.motion.neck[6:10, 1]
    assert np.allclose(np.diff(gone), np.diff(gone).mean(), atol=1e-5)  # nobody was found: straight on


def test_the_posed_head_projects_onto_the_true_one(
    solved: Solution, model: LandmarkModel, truth: tuple[F64, tuple[F64, F64, F64, F64]]
) -> None:
    """Camera and motion together, by the poser that draws avatars: the mesh lies where the true one did."""
    expr, angles, turn, place = truth[1]
    table, seen = model.table, solved.seen
    vertices = Poser(solved.head).vertices(solved.motion).astype(np.float64)
    x = vertices @ solved.camera.view[:3, :3].T + solved.camera.view[:3, 3]
    pixels = x[..., :2] / x[..., 2:] * solved.camera.K[0, 0] + solved.camera.K[:2, 2]
    ours = np.einsum("lk,tlka->tla", table.weights, pixels[:, solved.head.faces[table.faces]])
    x = np.einsum("tab,tlb->tla", turn, model.place(truth[0], expr, angles).points - CENTRE) + place[:, None]
    theirs = FOCAL * x[..., :2] / x[..., 2:] + SIDE / 2
    assert np.median(np.linalg.norm(ours - theirs, axis=2)[seen]) < 0.6


def test_shoulders_stay_when_the_head_turns(solved: Solution) -> None:
    shoulders = np.flatnonzero(solved.head.weights[:, 0] > 0.99)
    vertices = Poser(solved.head).vertices(solved.motion)
    assert np.ptp(vertices[:, shoulders], axis=0).max() < 0.035  # the place itself sways by 2 cm
    assert np.ptp(solved.motion.rotation, axis=0).max() == 0


def test_the_torso_looks_where_the_head_looks_most() -> None:
    rng = np.random.default_rng(4)
    vectors = 0.03 * rng.normal(size=(100, 3))
    vectors[:35, 1] += 0.7  # longer to one side than to the other, as films of turning heads are
    vectors[35:45, 1] -= 0.7
    ahead = exponential(np.array([[0.1, -0.2, 0.05]]))[0]
    turns = exponential(vectors) @ ahead
    median = median_turn(turns)

    def far(turn: F64) -> float:
        return float(np.linalg.norm(axis_angles(turns @ turn.T), axis=1).sum())

    assert np.linalg.norm(axis_angles(median @ ahead.T)) < 0.06  # the mean turn is 0.17 away
    nearby = exponential(0.02 * rng.normal(size=(20, 3))) @ median
    assert far(median) <= min(map(far, nearby)) + 1e-3
    assert np.allclose(median_turn(np.stack([ahead] * 3)), ahead, atol=1e-9)


def test_points_are_those_of_the_poser(head: HeadModel, model: LandmarkModel) -> None:
    expr, angles, _, _ = posed(3, 8)
    motion = Motion.rest(3, 76, 25.0)
    jaw = np.column_stack([angles[:, :2], np.zeros(3)])
    eyes = np.column_stack([angles[:, 2:4], np.zeros(3), angles[:, 4:6], np.zeros(3)])
    motion = replace(motion, expr=expr.astype(np.float32), jaw=jaw.astype(np.float32), eyes=eyes.astype(np.float32))
    vertices = Poser(head).vertices(motion)
    expected = np.einsum("lk,tlka->tla", model.table.weights, vertices[:, head.faces[model.table.faces]])
    assert np.abs(model.place(np.zeros(model.shapes), expr, angles).points - expected).max() < 2e-6


def test_derivatives_are_differences(model: LandmarkModel) -> None:
    expr, angles, turn, place = posed(2, 4)
    shape = 0.5 * np.random.default_rng(2).normal(size=model.shapes)
    rng = np.random.default_rng(6)
    by = rng.normal(size=model.shapes), rng.normal(size=expr.shape), rng.normal(size=angles.shape)
    step = 1e-5

    def at(sign: float) -> F64:
        return model.place(shape + sign * by[0], expr + sign * by[1], angles + sign * by[2]).points

    placed = model.place(shape, expr, angles, with_shape=True)
    assert placed.by_shape is not None
    slope = placed.by_shape @ by[0]
    slope += np.einsum("tlae,te->tla", placed.by_expr, by[1]) + np.einsum("tlak,tk->tla", placed.by_angle, by[2])
    assert np.abs((at(step) - at(-step)) / (2 * step) - slope).max() < 1e-7

    sight = line_of_sight(turn, place)[0]
    aside = rng.normal(size=sight.shape)

    def answered(sign: float) -> F64:
        return model.answer(
            sight + sign * aside, shape + sign * by[0], expr + sign * by[1], angles + sign * by[2]
        ).added

    answer = model.answer(sight, shape, expr, angles)
    slope = answer.by_shape @ by[0] + np.einsum("tlae,te->tla", answer.by_expr, by[1])
    slope += np.einsum("tlak,tk->tla", answer.by_angle, by[2]) + np.einsum("tlak,tk->tla", answer.by_sight, aside)
    assert np.abs((answered(step) - answered(-step)) / (2 * step) - slope).max() < 1e-6

    turned = line_of_sight(exponential(step * aside) @ turn, place + step * aside)[0] - sight
    slope = np.einsum("tkp,tp->tk", sight_slopes(turn, place), np.concatenate([aside, aside], axis=1))
    assert np.abs(turned / step - slope).max() < 1e-3


def test_block_tridiagonal_systems() -> None:
    rng = np.random.default_rng(0)
    frames, size = 6, 4
    side = -rng.uniform(0.1, 1, (frames - 1, size))
    A = rng.normal(size=(frames, size, size))
    A = A @ np.swapaxes(A, 1, 2) + 3 * np.eye(size)
    dense = np.zeros((frames * size, frames * size))
    for t in range(frames):
        rows = slice(t * size, (t + 1) * size)
        dense[rows, rows] = A[t]
        if t:
            before = slice((t - 1) * size, t * size)
            dense[rows, before] = dense[before, rows] = np.diag(side[t - 1])
    b = rng.normal(size=(frames, size))
    assert np.allclose(tridiagonal(A, side, b).ravel(), np.linalg.solve(dense, b.ravel()))


def test_points_of_the_skin_tell_the_focal_length_that_landmarks_hide(
    head: HeadModel, model: LandmarkModel, truth: tuple[F64, tuple[F64, F64, F64, F64]]
) -> None:
    """The tracker errs in its usual ways, alike in all pictures; the skin's points are seen in some pictures only."""
    shape, (expr, angles, turn, place) = truth
    rng = np.random.default_rng(7)
    points = reported(model, shape, truth[1])[:, model.table.points]
    usual = np.einsum("k,kla->la", rng.normal(size=len(model.table.modes)), model.table.modes)
    points = points + (usual + rng.normal(0, 0.0003, points.shape)) * FOCAL / place[:, None, 2:]

    faces, weights = skin_points(head, model.table)
    table = replace(model.table, faces=faces, weights=weights)
    skin = LandmarkModel(head, replace(table, points=np.arange(len(faces))), model.extra)
    x = np.einsum("tab,tlb->tla", turn, skin.place(shape, expr, angles).points - CENTRE) + place[:, None]
    pixels = FOCAL * x[..., :2] / x[..., 2:] + SIDE / 2 + rng.normal(0, 0.2, (*x.shape[:2], 2))
    pixels[rng.random(x.shape[:2]) < 0.5] = np.nan

    solver, every = FilmSolver(model, points, SIDE, SIDE), np.arange(FRAMES)
    alone = solver.settle(solver.start(FLIP @ turn), every)
    beside = solver.with_skin(head, Tracks(faces, weights, pixels), every).settle(alone, every)

    def off(found: F64) -> float:
        face = np.unique(head.faces[faces])
        a, b = (person_of(head, model, s).v_template[face].astype(np.float64) for s in (found, shape))
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
        return float(np.linalg.norm(a * (np.linalg.norm(b) / np.linalg.norm(a)) - b, axis=1).mean())

    assert abs(alone.log_focal - np.log(FOCAL)) > 0.08
    assert abs(beside.log_focal - np.log(FOCAL)) < 0.03
    assert off(beside.shape) < 0.5 * off(alone.shape)


def test_a_focal_length_that_is_told_stays_when_the_skin_is_asked(head: HeadModel, model: LandmarkModel) -> None:
    solver = FilmSolver(model, np.zeros((1, len(model.table.points), 2)), SIDE, SIDE, FOCAL)
    faces, weights = skin_points(head, model.table)
    skin = solver.with_skin(head, Tracks(faces, weights, np.zeros((1, len(faces), 2))), np.arange(1))
    assert (skin.focal, skin.focal_spread) == (solver.focal, solver.focal_spread)


def test_eyeballs_keep_their_form_beyond_the_modes(head: HeadModel) -> None:
    modes = offset_modes(head)
    for eye in ("left_eye", "right_eye"):
        assert np.ptp(modes[head.regions[eye]], axis=0).max() < 1e-12


def test_relations_leave_out_points_that_are_not_there() -> None:
    matrix, metres = relations(np.array([13, 14, 473]))
    assert matrix.tolist() == [[1, -1, 0]]
    assert metres.shape == (1, 2)


def test_too_little_film_and_unknown_heads(head: HeadModel, model: LandmarkModel) -> None:
    film = filmed(np.full((5, 478, 2), np.nan), np.tile(np.eye(3), (5, 1, 1)))
    with pytest.raises(InputError, match=r"film\.mp4: expected a face in at least two pictures, found 0"):
        solve_film(film, head)
    pose = posed(4, 1)
    film = filmed(reported(model, np.zeros(model.shapes), pose), pose[2])
    with pytest.raises(InputError, match="'open-1', whose landmarks are known, found 'other'"):
        solve_film(film, replace(head, version="other"))
