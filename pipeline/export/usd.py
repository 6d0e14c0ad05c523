"""OpenUSD, by way of usd-core: Gaussians as ParticleField3DGaussianSplat, and the mesh with blend shapes and joints.

Both move: Gaussians frame by frame, the mesh by a UsdSkel animation. Metres, Y up, one time code per frame.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.head import JOINTS, PARENTS, HeadModel
from ...avatars.motion import Motion
from ...core.errors import InputError
from ...core.whole_files import whole_file
from ...renderer import Gaussians
from .head_shapes import LEAST, acted_shapes, named_shapes, skin_weights, vertex_colors, vertex_normals

FRAME_BYTES, BAND_BYTES = 26, 6  # of each Gaussian: place, rotation and scale; a band
ROOT = "/person"


def splat_usd(out: Path, name: str, frames: Iterable[Gaussians], fps: float | None = None) -> None:
    """Write Gaussians, of one pose or, with `fps`, of every frame; raises InputError where usd-core is missing.

    Positions are float32, everything else half as long.
    """
    pxr = _pxr()
    stage = _stage(pxr, fps)
    field = pxr.UsdVol.ParticleField3DGaussianSplat.Define(stage, ROOT)
    field.GetPrim().SetDisplayName(name)
    field.CreateProjectionModeHintAttr("perspective")
    field.CreateSortingModeHintAttr("cameraDistance")
    types = pxr.Vt
    last = 0
    for frame, g in enumerate(frames):
        time = pxr.Usd.TimeCode.Default() if fps is None else pxr.Usd.TimeCode(frame)
        quats = g.quats / np.linalg.norm(g.quats, axis=1, keepdims=True)
        sh = g.sh.reshape(-1, 3).astype(np.float16)
        field.CreatePositionsAttr().Set(types.Vec3fArray.FromNumpy(g.means), time)
        field.CreateOrientationshAttr().Set(types.QuathArray.FromNumpy(_imaginary_first(quats, np.float16)), time)
        field.CreateScaleshAttr().Set(types.Vec3hArray.FromNumpy(g.scales.astype(np.float16)), time)
        field.CreateOpacitieshAttr().Set(types.HalfArray.FromNumpy(g.opacities.astype(np.float16)), time)
        field.CreateRadianceSphericalHarmonicsCoefficientshAttr().Set(types.Vec3hArray.FromNumpy(sh), time)
        extent = np.stack([g.means.min(axis=0), g.means.max(axis=0)])
        field.CreateExtentAttr().Set(types.Vec3fArray.FromNumpy(extent), time)
        if frame == 0:
            field.CreateRadianceSphericalHarmonicsDegreeAttr(g.sh_degree)
        last = frame
    _save(pxr, stage, out, last if fps else None)


def splat_usd_size(gaussians: Gaussians, frames: int) -> int:
    """About how many bytes a binary file of so many frames takes."""
    return len(gaussians) * frames * (FRAME_BYTES + BAND_BYTES * gaussians.sh.shape[1])


def mesh_usd(out: Path, avatar: Avatar, motion: Motion | None = None) -> None:
    """Write the mesh with its named shapes and joints, and `motion`, if any; raises InputError without usd-core."""
    pxr = _pxr()
    head, types = avatar.head, pxr.Vt
    shapes = named_shapes(head)
    if motion is not None:
        shapes = acted_shapes(head, shapes, motion)
    stage = _stage(pxr, None if motion is None else motion.fps)
    pxr.UsdSkel.Root.Define(stage, ROOT).GetPrim().SetDisplayName(avatar.name)
    skeleton = pxr.UsdSkel.Skeleton.Define(stage, f"{ROOT}/skeleton")
    paths = _joint_paths()
    skeleton.CreateJointsAttr(paths)
    skeleton.CreateBindTransformsAttr(_placed(pxr, head.joints))
    skeleton.CreateRestTransformsAttr(_placed(pxr, _beside_parents(head)))

    mesh = pxr.UsdGeom.Mesh.Define(stage, f"{ROOT}/mesh")
    mesh.CreatePointsAttr(types.Vec3fArray.FromNumpy(head.v_template))
    mesh.CreateFaceVertexCountsAttr(types.IntArray(len(head.faces), 3))
    mesh.CreateFaceVertexIndicesAttr(types.IntArray.FromNumpy(head.faces.reshape(-1).astype(np.int32)))
    mesh.CreateSubdivisionSchemeAttr("none")
    mesh.CreateDoubleSidedAttr(True)
    mesh.CreateNormalsAttr(types.Vec3fArray.FromNumpy(vertex_normals(head)))
    mesh.SetNormalsInterpolation("vertex")
    mesh.CreateExtentAttr(types.Vec3fArray.FromNumpy(np.stack([head.v_template.min(0), head.v_template.max(0)])))
    color = mesh.CreateDisplayColorPrimvar("vertex")
    color.Set(types.Vec3fArray.FromNumpy(vertex_colors(avatar).astype(np.float32)))

    binding = pxr.UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    joints, share = skin_weights(head)
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    indices = binding.CreateJointIndicesPrimvar(False, joints.shape[1])
    indices.Set(types.IntArray.FromNumpy(joints.reshape(-1).astype(np.int32)))
    binding.CreateJointWeightsPrimvar(False, joints.shape[1]).Set(types.FloatArray.FromNumpy(share.reshape(-1)))
    binding.CreateBlendShapesAttr(shapes.names)
    targets = []
    for name, move in zip(shapes.names, shapes.moves, strict=True):
        shape = pxr.UsdSkel.BlendShape.Define(stage, f"{ROOT}/mesh/{name}")
        rows = np.flatnonzero(np.linalg.norm(move, axis=1) > LEAST)
        rows = rows if len(rows) else np.zeros(1, np.int64)  # Blender warns of a shape without vertices
        shape.CreateOffsetsAttr(types.Vec3fArray.FromNumpy(move[rows]))
        shape.CreatePointIndicesAttr(types.IntArray.FromNumpy(rows.astype(np.int32)))
        targets.append(shape.GetPath())
    binding.CreateBlendShapeTargetsRel().SetTargets(targets)
    _animate(pxr, stage, skeleton, head, shapes.names, shapes.weights, motion)
    _save(pxr, stage, out, None if motion is None else len(motion) - 1)


def _animate(
    pxr: Any, stage: Any, skeleton: Any, head: HeadModel, names: list[str], weights: NDArray[Any], motion: Motion | None
) -> None:
    """Weights of the shapes and turns of the joints over time; at rest without a motion."""
    from scipy.spatial.transform import Rotation

    animation = pxr.UsdSkel.Animation.Define(stage, f"{ROOT}/motion")
    pxr.UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    animation.CreateJointsAttr(_joint_paths())
    animation.CreateBlendShapesAttr(names)
    places = _beside_parents(head).astype(np.float32)
    animation.CreateScalesAttr(pxr.Vt.Vec3hArray.FromNumpy(np.ones((len(JOINTS), 3), np.float16)))
    animation.CreateTranslationsAttr(pxr.Vt.Vec3fArray.FromNumpy(places))
    if motion is None:
        still = np.tile(np.array([0, 0, 0, 1], np.float32), (len(JOINTS), 1))
        animation.CreateRotationsAttr(pxr.Vt.QuatfArray.FromNumpy(still))
        animation.CreateBlendShapeWeightsAttr(pxr.Vt.FloatArray(len(names), 0.0))
        return
    turns = np.stack([motion.rotation, motion.neck, motion.jaw, motion.eyes[:, :3], motion.eyes[:, 3:]], axis=1)
    for frame in range(len(motion)):
        quats = Rotation.from_rotvec(turns[frame]).as_quat().astype(np.float32)  # xyzw, as USD's arrays lie in memory
        animation.CreateRotationsAttr().Set(pxr.Vt.QuatfArray.FromNumpy(quats), frame)
        animation.CreateBlendShapeWeightsAttr().Set(pxr.Vt.FloatArray.FromNumpy(weights[frame]), frame)
        if motion.translation.any():
            moved = places.copy()
            moved[0] += motion.translation[frame]
            animation.CreateTranslationsAttr().Set(pxr.Vt.Vec3fArray.FromNumpy(moved), frame)


def _beside_parents(head: HeadModel) -> NDArray[np.floating]:
    """Where each joint is from its parent [J, 3], metres."""
    return head.joints - np.array([head.joints[p] if p >= 0 else np.zeros(3) for p in PARENTS])


def _joint_paths() -> list[str]:
    """Joints by the path from the root, as UsdSkel names them."""
    paths: list[str] = []
    for name, parent in zip(JOINTS, PARENTS, strict=True):
        paths.append(name if parent < 0 else f"{paths[parent]}/{name}")
    return paths


def _placed(pxr: Any, places: NDArray[np.floating]) -> Any:
    return [pxr.Gf.Matrix4d(1).SetTranslate(pxr.Gf.Vec3d(*map(float, place))) for place in places]


def _imaginary_first(quats: NDArray[np.floating], kind: type) -> NDArray[Any]:
    """From w x y z to how USD's arrays lie in memory."""
    return np.ascontiguousarray(quats[:, [1, 2, 3, 0]].astype(kind))


def _stage(pxr: Any, fps: float | None) -> Any:
    stage = pxr.Usd.Stage.CreateInMemory()
    pxr.UsdGeom.SetStageUpAxis(stage, "Y")
    pxr.UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    if fps is not None:
        stage.SetTimeCodesPerSecond(fps)
        stage.SetFramesPerSecond(fps)
    return stage


def _save(pxr: Any, stage: Any, out: Path, last: int | None) -> None:
    """Write the stage by the suffix of `out`; `last` is the last time code. The file appears whole or not at all."""
    stage.SetDefaultPrim(stage.GetPrimAtPath(ROOT))
    if last is not None:
        stage.SetStartTimeCode(0)
        stage.SetEndTimeCode(last)
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out, keep_suffix=True) as partial, tempfile.TemporaryDirectory() as folder:
        plain = partial if out.suffix.lower() != ".usdz" else Path(folder) / "person.usdc"
        stage.GetRootLayer().Export(str(plain))
        if plain != partial:
            pxr.UsdUtils.CreateNewUsdzPackage(str(plain), str(partial))


def _pxr() -> Any:
    """The package, with the modules that are used here."""
    try:
        for name in ("Gf", "Usd", "UsdGeom", "UsdSkel", "UsdUtils", "UsdVol", "Vt"):
            import_module(f"pxr.{name}")
    except ImportError as error:
        raise InputError(f".usd: expected the package usd-core ({error}); pip install 'emosplat[usd]'") from None
    pxr = import_module("pxr")
    if not hasattr(pxr.UsdVol, "ParticleField3DGaussianSplat"):
        found = ".".join(map(str, pxr.Usd.GetVersion()))
        raise InputError(f".usd: expected usd-core 26.3 or newer, which knows Gaussians, found {found}")
    return pxr
