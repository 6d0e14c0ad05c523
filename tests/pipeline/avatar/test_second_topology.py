"""Another head, made from the built-in one with fewer vertices: nothing may depend on V or F."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.avatars.avatar import Avatar
from emosplat.avatars.head import ExpressionTable, HeadModel
from emosplat.avatars.library import builtin_head, open_avatar
from emosplat.avatars.motion import Motion
from emosplat.avatars.motion_files import load_motion, save_motion
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.solve.articulation import LipGap
from emosplat.pipeline.avatar.check import AvatarCheck
from emosplat.pipeline.avatar.portraits import contact_sheet
from emosplat.pipeline.avatar.poses import plausible_poses
from emosplat.pipeline.camera.views import named_camera
from emosplat.pipeline.clip.curves import CurveReader
from emosplat.pipeline.export.formats import ExportRequest, write_still
from emosplat.renderer import open_rasterizer

from .planted import doll

pytestmark = pytest.mark.slow

CELL = 0.006  # metres: vertices of the same part in one cube of this size become one


def clusters(head: HeadModel) -> NDArray[np.int64]:
    """The new vertex of each old one; parts stay apart, and lips and lids keep their vertices."""
    part = np.zeros(len(head.v_template), np.int64)
    for number, name in enumerate(("left_eye", "right_eye", "teeth_upper", "teeth_lower", "tongue", "mouth_bag"), 1):
        part[head.regions[name]] = number
    cell = np.floor(head.v_template / CELL).astype(np.int64)
    keys = np.column_stack([part, cell, np.zeros_like(part)])
    detailed = np.concatenate([head.regions[n] for n in ("lips", "left_lid", "right_lid", "left_eye", "right_eye")])
    detailed = np.concatenate([detailed, head.lip_pairs.ravel(), head.mouth_corners])
    keys[detailed, -1] = detailed + 1
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


def decimated(head: HeadModel) -> HeadModel:
    """The head with its vertices merged by cluster and every array averaged."""
    new = clusters(head)
    count = new.max() + 1
    size = np.bincount(new).astype(np.float32)

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        total = np.zeros((count, *values.shape[1:]), np.float32)
        np.add.at(total, new, values)
        return total / size.reshape(-1, *[1] * (values.ndim - 1))

    faces = new[head.faces]
    proper = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    regressor = np.zeros((5, count), np.float32)
    np.add.at(regressor.T, new, head.J_regressor.T)
    return replace(
        head,
        version="coarse-1",
        v_template=mean(head.v_template),
        faces=faces[proper].astype(np.int32),
        shapedirs=mean(head.shapedirs),
        exprdirs=mean(head.exprdirs),
        posedirs=mean(head.posedirs),
        weights=mean(head.weights),
        J_regressor=regressor,
        regions={name: np.unique(new[rows]).astype(np.int32) for name, rows in head.regions.items()},
        lip_pairs=new[head.lip_pairs].astype(np.int32),
        mouth_corners=new[head.mouth_corners].astype(np.int32),
    )


def fewer_modes(head: HeadModel, count: int) -> HeadModel:
    """The head with only its first expression modes."""

    def cut(table: ExpressionTable) -> ExpressionTable:
        return replace(table, expr=table.expr[:, :count])

    tables = {name: cut(getattr(head, name)) for name in ("arkit", "emotions", "visemes")}
    return replace(head, exprdirs=head.exprdirs[:, :, :count], **tables)


@pytest.fixture(scope="module")
def coarse() -> HeadModel:
    return decimated(builtin_head())


@pytest.fixture(scope="module")
def person(coarse: HeadModel) -> Avatar:
    return doll(coarse)


def test_the_second_head_is_another_mesh(coarse: HeadModel) -> None:
    head = builtin_head()
    assert len(coarse.v_template) < 0.8 * len(head.v_template)
    assert len(coarse.faces) < 0.8 * len(head.faces)
    assert coarse.faces.max() == len(coarse.v_template) - 1


def test_posing_agrees_with_the_fine_head(coarse: HeadModel) -> None:
    """Lips and lids are the same vertices on both heads, and so they move alike."""
    head = builtin_head()
    poses = plausible_poses(head, 6).motion
    fine, few = Poser(head).vertices(poses), Poser(coarse).vertices(poses)
    lips = np.concatenate([head.lip_pairs, coarse.lip_pairs], axis=1)
    np.testing.assert_allclose(few[:, lips[:, 2:]], fine[:, lips[:, :2]], atol=1e-5)
    assert Poser(coarse).transforms(poses).shape == (6, len(coarse.faces), 3, 4)


def test_lips_close_in_speech(coarse: HeadModel) -> None:
    poses = plausible_poses(coarse, 40)
    motion = poses.motion
    assert poses.sealed.sum() > 5
    gaps = LipGap(coarse)(motion.expr[poses.sealed].astype(float), motion.jaw[poses.sealed, 0].astype(float))
    assert gaps.max() < 0.0005


@pytest.mark.parametrize("modes", [20, 50])
def test_heads_with_fewer_modes_perform(coarse: HeadModel, modes: int) -> None:
    head = fewer_modes(coarse, modes)
    assert plausible_poses(head, 4).motion.expr.shape == (4, modes)


def test_curves_read_the_mouth(coarse: HeadModel) -> None:
    head = builtin_head()
    motion = plausible_poses(head, 10).motion
    few, fine = CurveReader(coarse).read(motion), CurveReader(head).read(motion)
    np.testing.assert_allclose(few["mouth_opening_mm"], fine["mouth_opening_mm"], atol=0.01)
    np.testing.assert_allclose(few["lip_width_mm"], fine["lip_width_mm"], atol=0.01)


def test_it_is_drawn_checked_and_shown(person: Avatar) -> None:
    rasterizer = open_rasterizer("cpu")
    transforms = Poser(person.head).transforms(Motion.rest(1, person.head.expressions, 25.0))
    camera = named_camera("three-quarter", person.head, width=64, height=64)
    frame = rasterizer.load(person.gaussians, person.binding).render(camera, transforms)[0]
    assert frame.alpha[32, 32] == 255
    assert frame.alpha[2, 2] == 0
    assert AvatarCheck(person, rasterizer, poses=2).run().count("speck") == (0, 0)
    assert contact_sheet(person, rasterizer, tile=16).shape[1] == 8 * 16


def test_motion_and_ply_are_written(person: Avatar, tmp_path: Path) -> None:
    motion = plausible_poses(person.head, 3).motion
    save_motion(tmp_path / "m.npz", motion, vertices=len(person.head.v_template))
    back = load_motion(tmp_path / "m.npz", expressions=person.head.expressions, fps=25.0)
    np.testing.assert_array_equal(back.expr, motion.expr)
    said = write_still(ExportRequest("coarse", tmp_path / "p.ply", emotion="angry"), person)
    assert said.endswith(f"{len(person.gaussians)} Gaussians")


def test_an_avatar_of_another_head_is_refused(coarse: HeadModel) -> None:
    from emosplat.avatars.avatar import load_avatar
    from emosplat.avatars.library import find_avatar
    from emosplat.core.errors import InputError

    with pytest.raises(InputError, match="coarse-1"):
        load_avatar(find_avatar("person1"), coarse)
    assert len(open_avatar("person1").head.v_template) != len(coarse.v_template)
