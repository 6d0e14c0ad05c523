"""Registration and retargeting on heads whose truth is known: FLAME-like, and the built-in head with fewer vertices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import KDTree

from emosplat.avatars import registration
from emosplat.avatars.flame_head import bare_flame_head
from emosplat.avatars.head import HeadModel, load_head, save_head
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.avatars.registration import (
    Registration,
    eye_opening,
    load_registration,
    register,
    registration_arrays,
    seen_eye_area,
)
from emosplat.avatars.retarget import ExpressionSolver, Retargeter, with_expressions
from emosplat.blendshapes.solve.articulation import LipGap
from emosplat.core.errors import InputError
from emosplat.pipeline.avatar.poses import plausible_poses

from ..pipeline.avatar.test_second_topology import decimated
from .flame_like import flame_like

pytestmark = pytest.mark.slow

MOUTH = 0.02  # metres around the lips
HEAD = builtin_head()


def mouth_region() -> NDArray[np.integer]:
    """Outer skin of the built-in head around the lips."""
    outside = np.setdiff1d(HEAD.regions["skin"], HEAD.regions["mouth_bag"])
    near = KDTree(HEAD.v_template[HEAD.regions["lips"]]).query(HEAD.v_template[outside])[0] < MOUTH
    return outside[near]


def face_only(motion: Motion) -> Motion:
    still = {n: np.zeros_like(getattr(motion, n)) for n in ("neck", "eyes", "rotation", "translation")}
    return replace(motion, **still)


def opening(head: HeadModel, motion: Motion) -> NDArray[np.float64]:
    """Gap between the lips on the midline [T], metres."""
    gap = LipGap(head)(motion.expr.astype(np.float64), motion.jaw[:, 0].astype(np.float64))
    return gap[:, len(head.lip_pairs) // 2]


@dataclass(frozen=True, eq=False)
class Pair:
    """The built-in head registered to another one."""

    bare: HeadModel
    target: HeadModel
    registration: Registration


@pytest.fixture(scope="module")
def flame() -> Pair:
    bare = bare_flame_head(flame_like().arrays, "flame-like")
    registration = register(HEAD, bare)
    return Pair(bare, with_expressions(bare, HEAD, registration), registration)


@pytest.fixture(scope="module")
def motion() -> Motion:
    return face_only(plausible_poses(HEAD, 30).motion)


def test_registration_finds_the_true_places(flame: Pair) -> None:
    like, forward = flame_like(), flame.registration.forward
    found = np.einsum("vka,vk->va", HEAD.v_template[forward.index], forward.weight)[:5023]
    error = np.linalg.norm(found - like.origin @ HEAD.v_template, axis=1)
    for region, median in (("lips", 0.0015), ("left_lid", 0.0025), ("jaw", 0.003)):
        there = np.flatnonzero(like.origin[:, HEAD.regions[region]].sum(axis=1) > 0.9)
        assert (forward.trust[there] > 0.5).mean() > 0.95, region
        assert np.median(error[there]) < median, region


def test_teeth_and_eyes_have_no_counterpart(flame: Pair) -> None:
    trust = flame.registration.forward.trust
    assert not trust[5023:].any()
    assert not trust[flame.bare.regions["left_eye"]].any()


def test_another_thing_than_a_face_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for schedule in ("STIFFNESS", "REACH"):  # a few rounds are enough to see it
        monkeypatch.setattr(f"emosplat.avatars.registration.{schedule}", getattr(registration, schedule)[::6])
    rng = np.random.default_rng(0)
    noise = (HEAD.v_template + rng.normal(0, 0.03, HEAD.v_template.shape)).astype(np.float32)
    with pytest.raises(InputError, match=r"v_template: expected a face"):
        register(HEAD, replace(HEAD, version="noise", v_template=noise))


def test_the_solver_finds_what_the_head_can_show(flame: Pair) -> None:
    rng = np.random.default_rng(0)
    head = flame.target
    jaw = rng.uniform(0, 0.35, 12)
    shown = Motion.rest(12, head.expressions, 25.0)
    shown = replace(shown, expr=rng.normal(0, 0.5, shown.expr.shape).astype(np.float32))
    shown.jaw[:, 0] = jaw
    wanted = Poser(head).vertices(shown).astype(np.float64)
    trust = (np.arange(len(head.v_template)) < 5023).astype(float)
    expr, found = ExpressionSolver(head, trust)(wanted, np.full(12, 0.1))
    again = replace(shown, expr=expr.astype(np.float32))
    again.jaw[:, 0] = found
    error = np.linalg.norm(Poser(head).vertices(again) - wanted, axis=2)[:, :5023]
    assert np.sqrt((error**2).mean()) < 2e-4
    assert np.abs(found - jaw).max() < 0.05
    assert np.abs(expr).max() < 4


def test_the_jaw_stays_within_its_range(flame: Pair) -> None:
    head = flame.target
    wide = np.tile(head.v_template.astype(np.float64), (1, 1, 1))
    wide[:, head.regions["jaw"], 1] -= 0.2
    _, jaw = ExpressionSolver(head, np.ones(len(head.v_template)))(wide, np.zeros(1))
    assert -0.11 < jaw[0] < 0.71


@pytest.mark.parametrize("name", ["flame", "coarse"])
def test_there_and_back(flame: Pair, motion: Motion, name: str) -> None:
    """Tenths of a millimetre around a mouth that moves by 2 mm on average, and the jaw opens as wide."""
    if name == "flame":
        target, registration = flame.target, flame.registration
    else:
        target = decimated(HEAD)
        registration = register(HEAD, target)
    there = Retargeter(HEAD, target, registration.forward).motion(motion)
    back = Retargeter(target, HEAD, registration.backward).motion(there)
    before, after = Poser(HEAD).vertices(motion), Poser(HEAD).vertices(back)
    face = mouth_region()
    error = 1000 * np.linalg.norm(before - after, axis=2)[:, face]
    moved = 1000 * np.linalg.norm(before - HEAD.v_template, axis=2)[:, face]
    assert moved.mean() > 1.5
    assert error.mean() < 0.3
    assert np.percentile(error, 95) < 0.8
    assert abs(np.polyfit(opening(HEAD, motion), opening(HEAD, back), 1)[0] - 1) < 0.05


def test_the_other_face_does_the_same(flame: Pair, motion: Motion) -> None:
    """The same millimetres at the same places, and the lips open as far."""
    there = Retargeter(HEAD, flame.target, flame.registration.forward).motion(motion)
    like = flame_like()
    face = np.flatnonzero(like.origin[:, mouth_region()].sum(axis=1) > 0.9)
    moved = Poser(HEAD).vertices(motion) - HEAD.v_template
    truth = np.stack([like.origin @ frame for frame in moved])
    shown = Poser(flame.target).vertices(there) - flame.target.v_template
    assert 1000 * np.linalg.norm(shown[:, face] - truth[:, face], axis=2).mean() < 0.5
    upper, lower = flame.target.lip_pairs[len(flame.target.lip_pairs) // 2]
    wanted = truth[:, upper, 1] - truth[:, lower, 1]
    assert abs(np.polyfit(wanted, opening(flame.target, there), 1)[0] - 1) < 0.05


def test_lips_close_in_speech_on_the_other_face(flame: Pair) -> None:
    poses = plausible_poses(flame.target, 40)
    assert poses.sealed.sum() > 5
    sealed = poses.motion.expr[poses.sealed].astype(float), poses.motion.jaw[poses.sealed, 0].astype(float)
    assert LipGap(flame.target)(*sealed).max() < 0.0005


def test_the_lip_gap_is_that_of_the_skinned_mesh(flame: Pair) -> None:
    """Also where the jaw's joint follows the expression."""
    head = flame.target
    rng = np.random.default_rng(0)
    some = Motion.rest(5, head.expressions, 25.0)
    some = replace(some, expr=rng.normal(0, 0.5, some.expr.shape).astype(np.float32))
    some.jaw[:, 0] = np.linspace(0, 0.4, 5)
    posed = Poser(head).vertices(some)
    expected = posed[:, head.lip_pairs[:, 0], 1] - posed[:, head.lip_pairs[:, 1], 1]
    found = LipGap(head)(some.expr.astype(float), some.jaw[:, 0].astype(float))
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_named_expressions_are_complete_and_plausible(flame: Pair) -> None:
    head = flame.target
    assert head.arkit.names == HEAD.arkit.names
    assert head.emotions.names == HEAD.emotions.names
    assert head.visemes.names == HEAD.visemes.names
    for table in (head.arkit, head.emotions, head.visemes):
        assert np.abs(table.expr).max() < 6
    for name in ("lips", "left_lid", "right_lid", "brows", "jaw"):
        assert len(head.regions[name]) > 20, name
    assert np.abs(head.arkit.expr[head.arkit.rows("eyeLookUpLeft")]).max() < 1e-4  # the eye joints do that


@pytest.mark.parametrize(("eye", "side"), [("left_eye", "Left"), ("right_eye", "Right")])
def test_eyes_open_and_blinks_close_them(flame: Pair, eye: str, side: str) -> None:
    head = flame.target
    assert eye_opening(head, eye) is not None
    blink = head.exprdirs @ head.arkit.expr[head.arkit.rows(f"eyeBlink{side}")[0]]
    shut = replace(head, v_template=head.v_template + blink)
    assert seen_eye_area(shut, eye) < 0.05 * seen_eye_area(head, eye)


def test_the_registration_survives_the_heads_file(flame: Pair, tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    save_head(path, flame.target, extra=registration_arrays(flame.registration, HEAD.version))
    head = load_head(path)
    back = load_registration(path, HEAD, head)
    field = np.random.default_rng(0).normal(size=(2, len(HEAD.v_template), 3))
    np.testing.assert_allclose(back.forward(field), flame.registration.forward(field), atol=1e-6)
    with pytest.raises(InputError, match="import it again"):
        load_registration(path, replace(HEAD, version="open-9"), head)
