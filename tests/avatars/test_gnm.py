"""GNM heads: the documented layout is read and posed as documented, wrong files are refused, our motion arrives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from emosplat.avatars import gnm
from emosplat.avatars.flame_import import read_flame
from emosplat.avatars.gnm_head import bare_gnm_head, jaw_as_expression
from emosplat.avatars.head import HeadModel, load_head
from emosplat.avatars.head_import import ImportedHead, import_head
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.motion_files import load_motion, save_motion
from emosplat.avatars.pose import Poser
from emosplat.avatars.registration import Registration, load_registration
from emosplat.avatars.retarget import Retargeter
from emosplat.blendshapes.solve.articulation import LipGap
from emosplat.core.errors import InputError
from emosplat.pipeline.avatar.convert import convert_motion
from emosplat.pipeline.avatar.poses import plausible_poses

from .gnm_like import SCALE, gnm_like

MODES = 3


def random_gnm() -> dict[str, Any]:
    """GNM's fields with random content and few modes; a strip of triangles holds all vertices together."""
    rng = np.random.default_rng(0)
    V = gnm.VERTICES
    weights = rng.random((4, V)).astype(np.float32) ** 4
    strip = np.arange(V - 2)[:, None] + np.arange(3)
    return {
        "version": np.array("3.0"),
        "variant": np.array("head"),
        "template_vertex_positions": rng.uniform(-0.15, 0.15, (V, 3)).astype(np.float32),
        "template_joint_positions": rng.uniform(-0.1, 0.1, (4, 3)).astype(np.float32),
        "vertex_identity_basis": rng.normal(0, 0.003, (1, V, 3)).astype(np.float32),
        "joint_identity_basis": np.zeros((1, 4, 3), np.float32),
        "expression_basis": rng.normal(0, 0.003, (MODES, V, 3)).astype(np.float32),
        "joint_names": np.array(gnm.JOINTS),
        "joint_parent_indices": np.array([0, 0, 1, 1]),
        "skinning_weights": weights / weights.sum(axis=0),
        "triangles": strip.astype(np.int32),
        "joint_regressor": np.full((4, V), 1 / V, np.float32),
        "pose_correctives_regressor": np.r_[np.zeros((9, 3 * V)), rng.normal(0, 1e-3, (27, 3 * V))].astype(np.float32),
        "vertex_group_names": np.array(["other", *gnm.GROUPS]),
        "vertex_groups": rng.random((1 + len(gnm.GROUPS), V)).astype(np.float32),
    }


FIELDS = random_gnm()


def saved(path: Path, fields: dict[str, Any]) -> Path:
    np.savez(path, **fields)  # pyright: ignore[reportArgumentType]
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("gnm") / "gnm_head.npz", FIELDS)


def posed_by_the_book(fields: dict[str, Any], motion: Motion) -> NDArray[np.float64]:
    """GNM's equations, joint by joint: template and expression, correctives by R - I, linear blend skinning."""
    local = np.stack([motion.rotation, motion.neck, motion.eyes[:, :3], motion.eyes[:, 3:]], axis=1).astype(float)
    joints = fields["template_joint_positions"].astype(float)
    frames = []
    for expr, rotations, translation in zip(motion.expr, local, motion.translation, strict=True):
        R = Rotation.from_rotvec(rotations).as_matrix()
        features = (R - np.eye(3)).reshape(-1)
        rest = fields["template_vertex_positions"] + np.tensordot(expr, fields["expression_basis"], 1)
        rest = rest + (features @ fields["pose_correctives_regressor"]).reshape(-1, 3)
        world = [np.eye(4) for _ in range(4)]
        for j, parent in enumerate((None, 0, 1, 1)):
            step = np.eye(4)
            step[:3, :3] = R[j]
            step[:3, 3] = joints[j] + translation if parent is None else joints[j] - joints[parent]
            world[j] = step if parent is None else world[parent] @ step
        moved = np.zeros_like(rest)
        for j, weight in enumerate(fields["skinning_weights"]):
            moved += weight[:, None] * ((rest - joints[j]) @ world[j][:3, :3].T + world[j][:3, 3])
        frames.append(moved)
    return np.stack(frames)


def test_a_gnm_head_poses_as_gnm_does(small: Path) -> None:
    rng = np.random.default_rng(1)
    still = Motion.rest(3, MODES, 25.0)
    names = ("expr", "neck", "eyes", "rotation", "translation")
    motion = replace(still, **{n: rng.normal(0, 0.4, getattr(still, n).shape).astype(np.float32) for n in names})
    ours = Poser(bare_gnm_head(gnm.read_gnm(small))).vertices(motion)
    np.testing.assert_allclose(ours, posed_by_the_book(FIELDS, motion), atol=2e-6)


def test_parts_and_joints_come_under_our_names(small: Path) -> None:
    head = bare_gnm_head(gnm.read_gnm(small))
    teeth = np.flatnonzero(FIELDS["vertex_groups"][1 + gnm.GROUPS.index("lower_teeth_and_gums")] > 0.5)
    np.testing.assert_array_equal(head.regions["teeth_lower"], teeth)
    np.testing.assert_allclose(head.joints[[0, 1, 3, 4]], FIELDS["template_joint_positions"])
    assert head.expressions == MODES
    assert not head.weights[:, 2].any()


def test_models_are_told_apart_and_known_from_flame(tmp_path: Path, small: Path) -> None:
    other = FIELDS | {"template_vertex_positions": FIELDS["template_vertex_positions"] * np.float32(1.001)}
    versions = {gnm.read_gnm(path).version for path in (small, saved(tmp_path / "b.npz", other))}
    assert len(versions) == 2
    assert all(version.startswith("gnm-3.0-") for version in versions)
    assert gnm.is_gnm(small)
    with pytest.raises(InputError, match="v_template"):
        read_flame(small)


WRONG: dict[str, Callable[[Any], Any]] = {
    "version": lambda _: np.array("4.0"),
    "template_vertex_positions": lambda a: 1000 * a,
    "expression_basis": lambda a: a.transpose(1, 2, 0),
    "vertex_identity_basis": lambda a: a[:0],
    "joint_names": lambda a: a[::-1],
    "joint_parent_indices": lambda _: np.array([0, 0, 0, 0]),
    "skinning_weights": lambda a: 2 * a,
    "triangles": lambda a: a + gnm.VERTICES,
    "pose_correctives_regressor": lambda a: a + 1,
    "vertex_group_names": lambda a: np.where(a == "tongue", "tong", a),
    "vertex_groups": lambda a: a * np.nan,
    "joint_regressor": lambda a: a[:3],
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arrays_are_refused_by_name(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path / "gnm_head.npz", FIELDS | {name: WRONG[name](FIELDS[name])})
    with pytest.raises(InputError, match=rf"gnm_head\.npz: {name}: expected"):
        gnm.read_gnm(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.data())
def test_missing_and_strange_arrays_never_do_more_than_fail(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([n for n in FIELDS if n != "joint_identity_basis"]))
    strange = data.draw(
        st.sampled_from([None, np.zeros(()), np.array("x"), np.zeros((2, 2, 2)), np.array([{}], object), np.zeros(0)])
    )
    small_ones = {n: a for n, a in FIELDS.items() if n != name and a.size < 1e5}
    path = saved(tmp_path / "gnm_head.npz", small_ones if strange is None else small_ones | {name: strange})
    with pytest.raises(InputError, match=r"gnm_head\.npz: \w+: expected"):
        gnm.read_gnm(path)


def test_lips_in_two_pieces_are_refused(tmp_path: Path) -> None:
    faces = FIELDS["triangles"]
    apart = faces[(faces < 11000).all(axis=1) | (faces >= 11000).all(axis=1)]
    model = gnm.read_gnm(saved(tmp_path / "gnm_head.npz", FIELDS | {"triangles": apart}))
    with pytest.raises(InputError, match="lips of one piece"):
        bare_gnm_head(model)


@dataclass(frozen=True, eq=False)
class Imported:
    home: Path
    head: HeadModel
    registration: Registration
    made: ImportedHead


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """The stand-in, imported."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOSPLAT_HOME", str(home))
        made = import_head(saved(home / "gnm_head.npz", gnm_like().fields), "gnm")
    head = load_head(made.path)
    return Imported(home, head, load_registration(made.path, builtin_head(), head), made)


@pytest.fixture(scope="module")
def motion() -> Motion:
    face = plausible_poses(builtin_head(), 12).motion
    still = {n: np.zeros_like(getattr(face, n)) for n in ("neck", "eyes", "rotation", "translation")}
    return replace(face, **still)


@pytest.mark.slow
def test_our_motion_arrives_on_a_gnm_head(imported: Imported, motion: Motion) -> None:
    source, head = builtin_head(), imported.head
    there = Retargeter(source, head, imported.registration.forward).motion(motion)
    moved = Poser(source).vertices(motion) - source.v_template
    origin = gnm_like().origin
    truth = SCALE * np.stack([origin @ frame.astype(np.float64) for frame in moved])
    error = np.linalg.norm(Poser(head).vertices(there) - head.v_template - truth, axis=2)
    skin = np.setdiff1d(head.regions["skin"], head.regions["mouth_bag"])
    mouth = skin[KDTree(head.v_template[head.lip_pairs.ravel()]).query(head.v_template[skin])[0] < 0.02]
    assert error[:, mouth].mean() < 0.0004
    assert error[:, head.regions["teeth_upper"]].max() < 1e-5
    assert error[:, head.regions["teeth_lower"]].mean() < 0.0004
    found = re.fullmatch(r"a jaw turned by 20 degrees as expression: ([\d.]+) mm off", imported.made.checked)
    assert found is not None
    assert float(found[1]) < 1


@pytest.mark.slow
def test_lips_close_and_open_on_a_gnm_head(imported: Imported, motion: Motion) -> None:
    def middle(head: HeadModel, motion: Motion) -> NDArray[np.float64]:
        gaps = LipGap(head)(motion.expr.astype(np.float64), motion.jaw[:, 0].astype(np.float64))
        return gaps[:, len(head.lip_pairs) // 2]

    there = Retargeter(builtin_head(), imported.head, imported.registration.forward).motion(motion)
    ours, theirs = middle(builtin_head(), motion), middle(imported.head, there)
    np.testing.assert_allclose(theirs, SCALE * ours, atol=0.0015)


@pytest.mark.slow
def test_a_jaw_is_told_by_expressions_alone(imported: Imported) -> None:
    rng = np.random.default_rng(2)
    motion = Motion.rest(4, imported.head.expressions, 25.0)
    motion.jaw[:] = rng.normal(0, 0.2, motion.jaw.shape)
    motion.neck[:] = rng.normal(0, 0.2, motion.neck.shape)
    told = jaw_as_expression(imported.head, motion)
    assert not told.jaw.any()
    poser = Poser(imported.head)
    np.testing.assert_allclose(poser.vertices(told), poser.vertices(motion), atol=2e-6)
    assert np.ptp(poser.vertices(told)[:, imported.head.regions["teeth_lower"]], axis=0).max() > 0.005


def test_a_head_with_a_jaw_joint_keeps_its_motion() -> None:
    motion = Motion.rest(2, builtin_head().expressions, 25.0)
    motion.jaw[:, 0] = 0.2
    assert jaw_as_expression(builtin_head(), motion) is motion


@pytest.mark.slow
def test_eyes_shut_and_shapes_have_their_names(imported: Imported) -> None:
    assert imported.head.arkit.names == builtin_head().arkit.names
    assert imported.head.visemes.names == builtin_head().visemes.names
    blink = imported.head.arkit.rows("eyeBlinkLeft")[0]
    shift = imported.head.exprdirs @ imported.head.arkit.expr[blink]
    lids = imported.head.regions["left_lid"]
    assert np.linalg.norm(shift[lids], axis=1).max() > 0.004
    assert np.abs(imported.head.arkit.expr).max() < 6


@pytest.mark.slow
def test_a_motion_goes_to_a_gnm_head_in_gnms_parameters_and_back(
    imported: Imported, motion: Motion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOSPLAT_HOME", str(imported.home))
    monkeypatch.chdir(tmp_path)
    save_motion(Path("a.npz"), motion, vertices=len(builtin_head().v_template))
    convert_motion(Path("a.npz"), Path("gnm.npz"), source="open", target="gnm")
    with np.load("gnm.npz") as file:
        assert file["expr"].shape == (len(motion), 383)
        assert not file["jaw_pose"].any()
    convert_motion(Path("gnm.npz"), Path("back.npz"), source="gnm", target="person1")
    back = load_motion(Path("back.npz"), expressions=motion.expr.shape[1], fps=25)
    poser, skin = Poser(builtin_head()), builtin_head().regions["lips"]
    assert np.linalg.norm((poser.vertices(back) - poser.vertices(motion))[:, skin], axis=2).mean() < 0.0004
    assert imported.made.licence.startswith("Apache-2.0")
