"""Face motion on a head's own mesh, there and back, measured in millimetres."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from emosplat.avatars.head import ExpressionTable, HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import CURVES, Motion
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.face_motion import (
    ACTIVITY,
    BASIS,
    JAW_OPEN,
    LIP_CONTACT,
    SHAPES,
    SPEAKING,
    SPEECH,
    FaceMotion,
)
from emosplat.blendshapes.solve.articulation import DEEPEST, LipGap
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.solve.solver import Solver

MM = 1e3
FRAMES = 40


@lru_cache
def builtin() -> HeadModel:
    return builtin_head()


@lru_cache
def solver() -> Solver:
    return Solver(builtin(), FusionModel.built_in())


@lru_cache
def turned_solver() -> Solver:
    return Solver(turned_head())


@lru_cache
def turned_head() -> HeadModel:
    """The same person in other expression coordinates, under another name: what is read by number goes wrong there."""
    head = builtin()
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(head.expressions, head.expressions)))[0]

    def turned(table: ExpressionTable) -> ExpressionTable:
        return replace(table, expr=(table.expr @ turn).astype(np.float32))

    tables = {name: turned(getattr(head, name)) for name in ("arkit", "emotions", "visemes")}
    return replace(head, version="turned", exprdirs=(head.exprdirs @ turn).astype(np.float32), **tables)


def drawn(names: tuple[str, ...], *, most: float = 1.0, seed: int = 0) -> dict[str, np.ndarray]:
    """A few of these columns at a time, 0..most."""
    rng = np.random.default_rng(seed)
    return {n: most * (rng.random(FRAMES) < 0.15) * rng.random(FRAMES) for n in names}


def face(columns: Mapping[str, np.ndarray | float]) -> FaceMotion:
    return FaceMotion.rest(FRAMES, fps=25).with_columns(columns)


def spoken(emotion: str, *, seed: int = 1) -> FaceMotion:
    rng = np.random.default_rng(seed)
    axes = {name: rng.random(FRAMES) for name in SPEECH}
    return face({**axes, ACTIVITY: 1.0, SPEAKING: 1.0, f"emotion.{emotion}": 0.8})


def shaped(*, most: float = 1.0, seed: int = 0) -> FaceMotion:
    columns = drawn(tuple(n for n in SHAPES if n in builtin().arkit.names), most=most, seed=seed)
    return face({**columns, "jawPitch": JAW_OPEN * np.random.default_rng(seed).random(FRAMES)})


def apart(a: Motion, b: Motion, *, other: HeadModel | None = None) -> np.ndarray:
    """Distance of the vertices [T, V] in millimetres; `b` is a motion of the head `other`."""
    head = builtin()
    return MM * np.linalg.norm(Poser(head).vertices(a) - Poser(other or head).vertices(b), axis=2)


def gaps(motion: Motion) -> np.ndarray:
    """Gap of the lip pairs [T, P] in millimetres; negative: overlap."""
    return MM * LipGap(builtin())(motion.expr.astype(np.float64), motion.jaw[:, 0].astype(np.float64))


# there and back


@pytest.mark.parametrize("label", EMOTIONS)
def test_a_heads_own_motion_comes_back(label: str) -> None:
    """Measured: 0.0015 mm on average; at most 0.03 mm, and 0.3 mm at lips that sadness pulls through each other."""
    rng = np.random.default_rng(2)
    lids = {"lidLeft": rng.random(FRAMES), "lidRight": rng.random(FRAMES)}
    pose = {"headYaw": 0.2, "headPitch": rng.normal(size=FRAMES) / 9, "headX": 0.01, "gazeLeftYaw": 0.1, "jawYaw": 0.02}
    motion = solver()(spoken(label).with_columns(lids | pose))
    again = solver()(solver().face_motion(motion))
    assert apart(motion, again).mean() < 0.005
    assert apart(motion, again).max() < 0.5
    for name in ("jaw", "eyes"):
        np.testing.assert_allclose(getattr(again, name), getattr(motion, name), atol=1e-6)
    assert np.linalg.norm(Poser(builtin()).vertices(motion), axis=2).std() > 0  # something moved


def test_shut_lids_give_back_the_rest_of_the_face() -> None:
    """What lies under a blink cannot be known; everything else can. Measured: 0.02 mm at most."""
    motion = solver()(spoken("happy").with_columns({"lidLeft": 1.0, "lidRight": 1.0}))
    assert apart(motion, solver()(solver().face_motion(motion))).max() < 0.2


def test_shapes_come_back_as_a_face() -> None:
    """Measured: 0.0005 mm on average; up to 0.14 mm at lips that would be through each other."""
    motion = solver()(shaped())
    again = apart(motion, solver()(solver().face_motion(motion)))
    assert again.mean() < 0.01
    assert again.max() < 0.5


def test_a_turned_root_is_the_same_skull() -> None:
    """The neck takes over; vertices far above it lie where they lay."""
    head = builtin()
    rng = np.random.default_rng(4)
    motion = Motion.rest(10, head.expressions, 25.0)
    motion.rotation[:] = 0.3 * rng.normal(size=(10, 3))
    motion.neck[:] = 0.3 * rng.normal(size=(10, 3))
    motion.translation[:] = 0.05 * rng.normal(size=(10, 3))
    again = solver()(solver().face_motion(motion))
    assert not again.rotation.any()
    skull = np.flatnonzero(head.weights[:, 2:].sum(axis=1) > 0.99)  # jaw and eyes, which hang from the skull
    assert len(skull) > 100
    assert apart(motion, again)[:, skull].max() < 0.01


# another head


def test_the_same_columns_are_the_same_face_on_another_head() -> None:
    """Nothing of ours depends on how a head counts its coefficients. Measured: 3e-5 mm."""
    plain, other = Solver(builtin()), turned_solver()
    for motion in (shaped(), spoken("angry"), shaped().with_columns({"lidLeft": 0.7, LIP_CONTACT: 0.5})):
        assert apart(plain(motion), other(motion), other=turned_head()).max() < 0.001


@pytest.mark.parametrize("label", EMOTIONS)
def test_a_motion_is_carried_to_another_head(label: str) -> None:
    """By ARKit shapes alone, for the basis is the first head's. Measured: 0.06 to 0.25 mm on average of 1.0 to 1.5."""
    other = turned_solver()
    motion = solver()(spoken(label))
    carried = solver().face_motion(motion)
    error = apart(motion, other(carried), other=turned_head())
    size = apart(motion, Motion.rest(FRAMES, builtin().expressions, 25.0))
    assert error.mean() < 0.25 * size.mean()
    without = [n for n in carried.channels if not n.startswith(BASIS)]
    bare = replace(carried, channels=tuple(without), values=carried.table(without))
    for name in CURVES:
        np.testing.assert_array_equal(getattr(other(bare), name), getattr(other(carried), name))


def test_shapes_arrive_on_another_head() -> None:
    """Measured: 0.002 mm on average."""
    motion = solver()(shaped(most=0.6))
    error = apart(motion, turned_solver()(solver().face_motion(motion)), other=turned_head())
    assert error.mean() < 0.01


def test_shapes_that_a_head_lacks_are_left_out() -> None:
    head = builtin()
    keep = [i for i, name in enumerate(head.arkit.names) if name != "cheekPuff"]
    names = tuple(head.arkit.names[i] for i in keep)
    poor = Solver(replace(head, arkit=ExpressionTable(names, head.arkit.expr[keep], head.arkit.jaw[keep])))
    puffed, still = (poor(face({"cheekPuff": puff, "mouthPucker": 0.3})) for puff in (1.0, 0.0))
    np.testing.assert_array_equal(puffed.expr, still.expr)
    assert "cheekPuff" not in poor.face_motion(puffed).channels


# jaw


@pytest.mark.parametrize("share", [0.5, 1.0, 1.7])
def test_the_jaw_opens_as_far_as_the_heads_own_jaw_open_does(share: float) -> None:
    head = builtin()
    other = Solver(replace(head, arkit=replace(head.arkit, jaw=share * head.arkit.jaw)))
    own = head.arkit.jaw[head.arkit.rows("jawOpen")[0]]
    motion = other(face({"jawPitch": JAW_OPEN * np.linspace(0, 1, FRAMES), "jawYaw": 0.05}))
    np.testing.assert_allclose(motion.jaw[:, 0], share * own * np.linspace(0, 1, FRAMES), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(motion.jaw[:, 1], 0.05, rtol=1e-6)
    np.testing.assert_allclose(other.face_motion(motion).jaw[-1], [JAW_OPEN, 0.05, 0], rtol=1e-5)


# lids


@pytest.mark.parametrize(("side", "other"), [("Left", "Right"), ("Right", "Left")])
def test_one_lid_closes_alone(side: str, other: str) -> None:
    head = builtin()
    blink = head.arkit.expr[head.arkit.rows(f"eyeBlink{side}")[0]]
    winking = solver()(spoken("surprised").with_column(f"lid{side}", 1.0))
    awake = solver()(spoken("surprised"))
    change = head.exprdirs @ (winking.expr - awake.expr).T  # [V, 3, T]
    lid, open_lid = head.regions[f"{side.lower()}_lid"], head.regions[f"{other.lower()}_lid"]
    # left and right are not wholly apart in the head's own shapes, at a few vertices of the lids' corners
    own = head.exprdirs[open_lid] @ blink
    assert MM * np.median(np.abs(change[open_lid]).max(axis=(1, 2))) < 0.2
    assert np.abs(change[open_lid]).max() < np.abs(own).max() + 0.001
    assert MM * np.abs(change[head.regions["lips"]]).max() < 0.1
    shut = head.exprdirs[lid] @ blink
    assert np.abs(head.exprdirs[lid] @ winking.expr.T - shut[..., None]).max() < 0.25 * np.abs(shut).max()


def test_lids_shut_no_farther_than_shut() -> None:
    shut = solver()(face({"lidLeft": 1.0, "lidRight": 1.0}))
    np.testing.assert_array_equal(solver()(face({"lidLeft": 1.7, "lidRight": 1.2})).expr, shut.expr)
    np.testing.assert_array_equal(solver()(face({"lidLeft": -0.5, "lidRight": 0.0})).expr, 0)


# lips


@pytest.mark.parametrize("jaw", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    "shape", ["mouthPucker", "mouthSmileLeft", "mouthLowerDownLeft", "mouthUpperUpRight", "jawOpen"]
)
def test_lip_contact_closes_the_lips(jaw: float, shape: str) -> None:
    columns = {shape: np.linspace(0, 0.6, FRAMES)} if shape in SHAPES else {}
    open_face = face({**columns, "jawPitch": jaw * JAW_OPEN})
    closed = gaps(solver()(open_face.with_column(LIP_CONTACT, 1.0)))
    assert closed.max() < 0.1
    assert closed.min() > -MM * DEEPEST
    if jaw:
        assert gaps(solver()(open_face)).max(axis=1).min() > 4


def test_lips_close_the_more_the_more_they_are_pressed() -> None:
    steps = np.linspace(0, 1, FRAMES)
    middle = gaps(solver()(face({"jawPitch": 0.4 * JAW_OPEN, LIP_CONTACT: steps})))[:, 3]
    assert (np.diff(middle) < 0).all()


@pytest.mark.parametrize("pressed", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_lips_never_go_through_each_other(pressed: float, seed: int) -> None:
    """Whatever is asked: of an overlap, what is allowed stays and at most 3 % of the rest (the solver's softness)."""
    asked = shaped(seed=seed)
    asked = asked.with_column("jawPitch", 0.2 * asked.column("jawPitch"))
    names = [n for n in SHAPES if n in asked.channels]
    head = builtin()
    rows = np.stack([head.arkit.expr[head.arkit.rows(n)[0]] for n in names]).astype(np.float64)
    raw = MM * LipGap(head)(asked.table(names) @ rows, asked.jaw[:, 0])
    assert raw.min() < -3
    left = gaps(solver()(asked.with_column(LIP_CONTACT, pressed)))
    assert left.min() > -MM * DEEPEST + 0.03 * raw.min()


# piece by piece


def test_pieces_and_frames_do_not_depend_on_each_other() -> None:
    whole = solver()(spoken("happy").with_columns(drawn(("browInnerUp", "mouthSmileLeft"))))
    chunks = spoken("happy").with_columns(drawn(("browInnerUp", "mouthSmileLeft"))).chunks(7)
    pieces = Motion.concatenate(solver().stream(chunks))
    for name in CURVES:
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), atol=1e-5)


def test_no_frames_are_no_motion() -> None:
    for motion in (FaceMotion.rest(0, fps=25), spoken("happy")[:0], shaped()[:0]):
        assert len(solver()(motion)) == 0
    nothing = solver().face_motion(Motion.rest(0, builtin().expressions, 25.0))
    assert len(nothing) == 0
