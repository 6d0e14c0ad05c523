"""What both rasterizers ask of their arguments: shapes, finite numbers, one size; InputError names the argument."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError
from .camera import Camera
from .gaussians import Gaussians, Shading

F32 = NDArray[np.float32]


def check_gaussians(gaussians: Gaussians, parents: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """The parents of Gaussians that can be drawn, [N] int32; raises InputError otherwise."""
    if gaussians.means.ndim != 2:
        raise InputError(f"Gaussians: expected one set [N, 3] to load, found means of shape {gaussians.means.shape}")
    for field in ("means", "quats", "scales", "opacities", "sh"):
        values = getattr(gaussians, field)
        finite = np.isfinite(values)
        if not finite.all():
            bad = ~finite.all(axis=tuple(range(1, values.ndim)))
            raise InputError(f"Gaussians.{field}: expected finite numbers, found NaN or infinity in row {bad.argmax()}")
    outside = (gaussians.opacities < 0) | (gaussians.opacities > 1)
    if outside.any():
        value = gaussians.opacities[outside][0]
        raise InputError(f"Gaussians.opacities: expected 0..1 (after the sigmoid), found {value:g}")
    if not gaussians.quats.any(axis=1).all():
        raise InputError("Gaussians.quats: expected rotations, found a quaternion of length 0")
    if parents is None:
        return np.zeros(len(gaussians), np.int32)
    if parents.shape != (len(gaussians),) or (parents < 0).any():
        raise InputError(f"parents: expected {len(gaussians)} indices from 0, found shape {parents.shape}")
    return parents.astype(np.int32)


def check_transforms(transforms: F32 | None, parents: int) -> F32:
    """Transforms [T, P, 3, 4] for `parents` parents; identity for None; raises InputError otherwise."""
    if transforms is None:
        return np.broadcast_to(np.eye(3, 4, dtype=np.float32), (1, max(parents, 1), 3, 4)).copy()
    if transforms.ndim != 4 or transforms.shape[2:] != (3, 4) or transforms.shape[1] < parents:
        raise InputError(f"transforms: expected [T, {parents} or more, 3, 4], found {list(transforms.shape)}")
    _check_finite("transforms", transforms)
    return np.require(transforms, np.float32, ["C", "W"])


def check_cameras(camera: Camera | Sequence[Camera], poses: F32) -> tuple[list[Camera], F32]:
    """One camera for each pose [T, P, 3, 4]; a single pose is repeated for several cameras; raises InputError."""
    if isinstance(camera, Camera):
        return [camera] * len(poses), poses
    if len(poses) == 1:
        poses = np.repeat(poses, len(camera), axis=0)
    if len(camera) != len(poses):
        raise InputError(f"camera: expected one, or one for each of {len(poses)} poses, found {len(camera)}")
    sizes = {(one.width, one.height) for one in camera}
    if len(sizes) > 1:
        raise InputError(f"camera: expected pictures of one size in one call, found {sorted(sizes)}")
    return list(camera), poses


def check_shading(shading: Shading | None, count: int) -> None:
    """Raises InputError when the shading names other than `count` Gaussians or holds a value that is not finite."""
    if shading is None:
        return
    if len(shading.index) and shading.index[-1] >= count:
        raise InputError(f"Shading.index: expected indices below {count}, found {shading.index[-1]}")
    _check_finite("Shading.delta", shading.delta)


def check_shading_weights(weights: F32 | None, frames: int, modes: int) -> F32:
    """Shading weights [T, M] for T frames; None means M zeros each; raises InputError otherwise."""
    if weights is None:
        return np.zeros((frames, modes), np.float32)
    if weights.shape != (frames, modes):
        raise InputError(f"shading_weights: expected shape [{frames}, {modes}], found {list(weights.shape)}")
    _check_finite("shading_weights", weights)
    return np.require(weights, np.float32, ["C", "W"])


def check_background(background: ArrayLike) -> F32:
    """The background colour [3]; raises InputError when it is not three finite numbers."""
    colour = np.require(background, np.float32, ["C", "W"])
    if colour.shape != (3,) or not np.isfinite(colour).all():
        raise InputError(f"background: expected three numbers 0..1 (red, green, blue), found {background!r}")
    return colour


def _check_finite(name: str, values: F32) -> None:
    if not np.isfinite(values).all():
        raise InputError(f"{name}: expected finite numbers, found NaN or infinity")
