"""OpenUSD, opened by usd-core: the mesh is skinned by UsdSkel itself, Gaussians are read by their schema."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emosplat.avatars.library import open_avatar
from emosplat.avatars.pose import Poser
from emosplat.core.errors import InputError
from emosplat.pipeline.avatar.poses import plausible_poses
from emosplat.pipeline.export.splat import turned_over
from emosplat.pipeline.export.usd import mesh_usd, splat_usd

from .clouds import between, cloud

pytest.importorskip("pxr", reason="usd-core")
Usd, UsdGeom, UsdSkel, UsdValidation, UsdVol = (
    importlib.import_module(f"pxr.{name}") for name in ("Usd", "UsdGeom", "UsdSkel", "UsdValidation", "UsdVol")
)

AVATAR = open_avatar("person1-light")


def opened(path: Path) -> Any:
    """The stage, which has metres and Y up, and of which no validator complains."""
    stage = Usd.Stage.Open(str(path))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 20
    assert not UsdValidation.ValidationContext(validators).Validate(stage)
    return stage


@pytest.mark.parametrize("suffix", ["usda", "usdc", "usdz"])
def test_gaussians_of_a_pose(tmp_path: Path, suffix: str) -> None:
    gaussians, path = cloud(40, 2), tmp_path / f"a.splat.{suffix}"
    splat_usd(path, "anna", [gaussians])
    stage = opened(path)
    assert not stage.HasAuthoredTimeCodeRange()
    field = UsdVol.ParticleField3DGaussianSplat(stage.GetDefaultPrim())
    np.testing.assert_array_equal(field.GetPositionsAttr().Get(), gaussians.means)
    quats = np.array([[q.GetReal(), *q.GetImaginary()] for q in field.GetOrientationshAttr().Get()])
    assert between(quats, gaussians.quats).max() < 0.2
    np.testing.assert_allclose(field.GetScaleshAttr().Get(), gaussians.scales, rtol=1e-3)
    np.testing.assert_allclose(field.GetOpacitieshAttr().Get(), gaussians.opacities, atol=1e-3)
    assert field.GetRadianceSphericalHarmonicsDegreeAttr().Get() == 2
    sh = np.array(field.GetRadianceSphericalHarmonicsCoefficientshAttr().Get()).reshape(40, 9, 3)
    np.testing.assert_allclose(sh, gaussians.sh, atol=1e-3)
    np.testing.assert_array_equal(field.GetExtentAttr().Get()[0], gaussians.means.min(axis=0))


def test_gaussians_move(tmp_path: Path) -> None:
    frames = [cloud(20, 1), turned_over(cloud(20, 1))]
    splat_usd(tmp_path / "a.splat.usdc", "anna", frames, fps=24)
    stage = opened(tmp_path / "a.splat.usdc")
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode(), stage.GetTimeCodesPerSecond()) == (0, 1, 24)
    positions = UsdVol.ParticleField3DGaussianSplat(stage.GetDefaultPrim()).GetPositionsAttr()
    for time, gaussians in enumerate(frames):
        np.testing.assert_array_equal(positions.Get(time), gaussians.means)


def skinned(stage: Any, time: float) -> np.ndarray:
    """Vertices at a time: blend shapes, then joints, as UsdSkel computes them."""
    mesh = stage.GetPrimAtPath("/person/mesh")
    root, cache = UsdSkel.Root(stage.GetPrimAtPath("/person")), UsdSkel.Cache()
    cache.Populate(root, Usd.TraverseInstanceProxies())
    (binding,) = cache.ComputeSkelBindings(root, Usd.TraverseInstanceProxies())
    skeleton = cache.GetSkelQuery(binding.GetSkeleton())
    (query,) = binding.GetSkinningTargets()
    assert query.GetPrim() == mesh
    shapes = UsdSkel.BlendShapeQuery(UsdSkel.BindingAPI(mesh))
    weights = query.GetBlendShapeMapper().Remap(skeleton.GetAnimQuery().ComputeBlendShapeWeights(time))
    parts = shapes.ComputeSubShapeWeights(weights)
    points = UsdGeom.Mesh(mesh).GetPointsAttr().Get()
    offsets, indices = shapes.ComputeSubShapePointOffsets(), shapes.ComputeBlendShapePointIndices()
    assert shapes.ComputeDeformedPoints(*parts, indices, offsets, points)
    assert query.ComputeSkinnedPoints(skeleton.ComputeSkinningTransforms(time), points, time)
    return np.array(points)


def test_the_mesh_shows_the_motion(tmp_path: Path) -> None:
    poses = plausible_poses(AVATAR.head, 5).motion
    shift = np.random.default_rng(0).normal(0, 0.02, (5, 3)).astype(np.float32)
    motion = replace(poses, rotation=5 * shift, translation=shift)
    mesh_usd(tmp_path / "a.usdc", AVATAR, motion)
    stage = opened(tmp_path / "a.usdc")
    assert (stage.GetEndTimeCode(), stage.GetTimeCodesPerSecond()) == (4, motion.fps)
    for time, vertices in enumerate(Poser(AVATAR.head).vertices(motion)):
        error = 1000 * np.linalg.norm(skinned(stage, time) - vertices, axis=1)
        assert error.mean() < 0.05  # millimetres
        assert error.max() < 1.5


@pytest.mark.parametrize("suffix", ["usda", "usdz"])
def test_the_mesh_can_be_animated_by_hand(tmp_path: Path, suffix: str) -> None:
    mesh_usd(tmp_path / f"a.{suffix}", AVATAR)
    stage = opened(tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(skinned(stage, 0), AVATAR.head.v_template, atol=1e-6)
    names = list(UsdSkel.BindingAPI(stage.GetPrimAtPath("/person/mesh")).GetBlendShapesAttr().Get())
    assert {"jawOpen", "viseme_PP", "mouthSmileLeft"} <= set(names)
    opening = UsdSkel.BlendShape(stage.GetPrimAtPath("/person/mesh/jawOpen"))
    assert np.array(opening.GetOffsetsAttr().Get())[:, 1].min() < -0.01


def test_an_old_usd_core_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(UsdVol, "ParticleField3DGaussianSplat")
    with pytest.raises(InputError, match=r"expected usd-core 26\.3 or newer"):
        splat_usd(tmp_path / "a.splat.usda", "anna", [cloud(2, 0)])
    assert not list(tmp_path.iterdir())
