"""A tracked face as motion: the lips as far apart as measured, heads that turn alike, gaps that are not given."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.avatars.arkit import ARKIT_52
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.evaluation import naturalness as n
from emosplat.blendshapes.face_motion import REGIONS
from emosplat.blendshapes.face_motion_files import load_face_motion, save_face_motion
from emosplat.blendshapes.solve.solver import Solver
from emosplat.core.rotation import rotation_matrices
from emosplat.pipeline.clip.curves import CurveReader
from emosplat.pipeline.tracking.film import INDEX, TrackedFilm
from emosplat.pipeline.tracking.landmarks import MOUTH_LEFT, MOUTH_RIGHT, POINTS
from emosplat.pipeline.tracking.motion import LEVELS, LIPS_MEET, RESPONSES, bridged, face_motion

from .pretend import points, seen

F64 = NDArray[np.float64]
HEAD = builtin_head()
FPS = 25.0


def tracked(openings: F64, *, turns: F64 | None = None, weights: dict[str, F64] | None = None) -> TrackedFilm:
    """A film of a mouth, with turns [N, 3] of the head and weights by name."""
    frames = len(openings)
    turns = np.zeros((frames, 3)) if turns is None else turns
    faces = [seen(points(float(o)), turn=tuple(t)) for o, t in zip(openings, turns, strict=True)]
    table = np.zeros((frames, len(ARKIT_52)))
    for name, values in (weights or {}).items():
        table[:, ARKIT_52.index(name)] = values
    return TrackedFilm(
        Path("pretended.mp4"),
        np.arange(frames) / FPS,
        np.array([face.points[list(POINTS)] for face in faces], np.float64),
        table,
        np.array([face.pose for face in faces], np.float64),
        np.ones(frames, np.int64),
    )


def opening_of(film: TrackedFilm) -> F64:
    motion = face_motion(film, HEAD, seconds=len(film.times) / FPS)
    return CurveReader(HEAD).opening(Solver(HEAD)(motion))


def test_lips_are_as_far_apart_as_measured_whatever_else_the_mouth_does() -> None:
    openings = 0.12 - 0.1 * np.cos(np.arange(50) / 4)
    busy = {name: 0.3 + 0.2 * np.sin(np.arange(50) / 7) for name in ("mouthSmileLeft", "mouthPucker", "browInnerUp")}
    for weights in ({}, busy):
        gap = opening_of(tracked(openings, weights=weights))
        assert gap == pytest.approx(openings - LIPS_MEET, abs=0.005)


def test_lips_that_meet_touch() -> None:
    gap = opening_of(tracked(np.full(5, 0.004), weights={"mouthFunnel": np.full(5, 0.4)}))
    assert gap == pytest.approx(np.zeros(5), abs=0.003)


def test_the_head_turns_from_its_middle_and_stays_in_its_place() -> None:
    swing = 0.2 * np.sin(np.arange(50) / 5)
    turns = np.stack([swing, 0 * swing, 0 * swing], axis=1)
    leaning = rotation_matrices(np.array([0.1, 0.2, 0.0], np.float32)).astype(np.float64)
    film = tracked(np.full(50, 0.05), turns=turns)
    motion = face_motion(replace(film, poses=leaning @ film.poses), HEAD, seconds=2.0)
    assert motion.column("headPitch") == pytest.approx(swing - swing.mean(), abs=2e-3)
    assert np.abs(motion.head[:, 1:]).max() < 2e-3


def test_weights_come_back_as_our_pictures_show_them() -> None:
    held = 15  # frames, longer than what is smoothed
    by_width = "mouthStretch"
    names = [u if u in ARKIT_52 else f"{u}Left" for u in RESPONSES if u not in ("eyeBlink", by_width)]
    frames = np.arange(len(names) * len(LEVELS) * held).reshape(len(names), len(LEVELS), held)
    weights = {name: np.zeros(frames.size) for name in names}
    for row, name in zip(frames, names, strict=True):
        weights[name][row] = np.array(RESPONSES[name if name in RESPONSES else name.removesuffix("Left")])[:, None]
    motion = face_motion(tracked(np.full(frames.size, 0.05), weights=weights), HEAD, seconds=frames.size / FPS)
    for row, name in zip(frames, names, strict=True):
        assert motion.column(name)[row[1:, held // 2]] == pytest.approx(LEVELS[1:], abs=1e-3), name
        beside = range(row.min() - held // 2, row.max() + held // 2 + 1)  # where it is smoothed out to
        assert motion.column(name)[np.setdiff1d(frames, beside)].max() < 0.01, name


def test_responses_rise_with_the_shape() -> None:
    assert all(np.all(np.diff(row) >= 0) and row[-1] > row[0] for row in RESPONSES.values())


def test_eyes_look_where_the_film_looks() -> None:
    left = np.repeat([0.0, 0.6, 0.0], [30, 5, 30])
    down = np.repeat([0.0, 0.5, 0.0], [10, 5, 50])
    weights = {"eyeLookOutLeft": left, "eyeLookInRight": left, "eyeLookDownLeft": down, "eyeLookDownRight": down}
    motion = face_motion(tracked(np.full(65, 0.05), weights=weights), HEAD, seconds=2.6)
    assert motion.column("gazeLeftYaw")[32] == motion.column("gazeRightYaw")[32] > 0.1
    assert motion.column("gazeLeftPitch")[12] > 0.1
    assert motion.column("gazeLeftYaw")[5] == motion.column("gazeLeftPitch")[32] == 0


def test_gaps_go_straight_on_and_are_not_given() -> None:
    film = tracked(np.full(20, 0.1), weights={"browInnerUp": np.linspace(0.2, 0.7, 20)})
    film.points[5:9], film.weights[5:9], film.poses[5:9], film.faces[5:9] = np.nan, np.nan, np.nan, 0
    motion = face_motion(film, HEAD, seconds=0.8)
    known = motion.given[:, REGIONS.index("mouth")]
    assert np.flatnonzero(~known).tolist() == [5, 6, 7, 8]
    assert not motion.given[:, REGIONS.index("cheeks")].any()
    assert (np.diff(motion.column("browInnerUp")[4:10]) > 0).all()


def test_a_late_picture_is_put_back() -> None:
    openings = 0.12 - 0.1 * np.cos(np.arange(50) / 4)
    late = face_motion(tracked(openings), HEAD, seconds=1.6, delay=0.2)
    there = face_motion(tracked(openings), HEAD, seconds=2.0)
    assert late.column("jawPitch") == pytest.approx(there.column("jawPitch")[5:45], abs=1e-6)


def test_the_file_is_one_that_plays(tmp_path: Path) -> None:
    motion = face_motion(tracked(0.1 + 0.05 * np.sin(np.arange(10))), HEAD, seconds=0.4)
    save_face_motion(tmp_path / "face.json", motion)
    again = load_face_motion(tmp_path / "face.json")
    assert again.table(motion.columns) == pytest.approx(motion.table(motion.columns))
    assert np.isfinite(Solver(HEAD)(again).expr).all()


def test_bridges_are_lines() -> None:
    curve = np.array([np.nan, 1.0, np.nan, 3.0, np.nan])
    assert bridged(curve, np.isfinite(curve)).tolist() == [1, 1, 2, 3, 3]
    assert bridged(curve, np.zeros(5, bool)).tolist() == [0] * 5


def test_what_is_played_is_measured_alike() -> None:
    """The measures of the mesh are those of the tracker: opening, lids and the head's turn come back."""
    swing = 0.1 * np.sin(np.arange(40) / 5)
    film = tracked(0.1 + swing / 2, turns=np.stack([swing, swing / 2, -swing], axis=1))
    found = CurveReader(HEAD).measures(Solver(HEAD)(face_motion(film, HEAD, seconds=1.6)))
    wanted = film.take().curves
    for name, near in ((n.OPENING, 0.02), (n.PITCH, 0.3), (n.YAW, 0.3), (n.ROLL, 0.3)):
        assert found[name] == pytest.approx(wanted[name], abs=near), name


def test_what_trembles_is_smoothed_and_what_moves_stays() -> None:
    def smile(weights: F64) -> F64:
        film = tracked(np.full(100, 0.05), weights={"mouthSmileLeft": weights, "mouthSmileRight": weights})
        return face_motion(film, HEAD, seconds=4.0).column("mouthSmileLeft")

    slow = 0.3 + 0.2 * np.sin(np.arange(100) / 6)
    trembling = slow + np.random.default_rng(0).normal(0, 0.05, 100)
    as_read, true = (np.interp(weights, RESPONSES["mouthSmile"], LEVELS) for weights in (trembling, slow))
    assert np.diff(smile(trembling), 2).std() < 0.2 * np.diff(as_read, 2).std()
    assert np.abs(smile(trembling) - true).mean() < 0.8 * np.abs(as_read - true).mean()
    assert smile(slow) == pytest.approx(true, abs=0.03)


def test_the_mouth_is_as_wide_as_measured_whatever_the_weights_say() -> None:
    film = tracked(np.full(60, 0.03), weights={"mouthPucker": np.full(60, 0.9)})
    width = 0.6 + 0.05 * np.sin(np.arange(60) / 6)
    film.points[:, INDEX[MOUTH_LEFT], 0], film.points[:, INDEX[MOUTH_RIGHT], 0] = 50 * width, -50 * width
    found = CurveReader(HEAD).width(Solver(HEAD)(face_motion(film, HEAD, seconds=2.4)))
    usual = CurveReader(HEAD).width(Solver(HEAD)(face_motion(tracked(np.full(60, 0.03)), HEAD, seconds=2.4)))[0]
    assert found / usual == pytest.approx(width / np.median(width), abs=0.02)
