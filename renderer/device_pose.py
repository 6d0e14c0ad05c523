"""From the parents' transforms to what gsplat draws, on a PyTorch device, for whole chunks of frames at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .gaussians import Gaussians, Shading

Posed = tuple[Tensor, Tensor, Tensor]  # means [T, N, 3], covariances [T, N, 3, 3], colours [T, N, 3]


@dataclass(frozen=True, eq=False)
class LocalGaussians:
    """N Gaussians in their parents' frames: one plane per component, so that neighbours lie side by side."""

    means: Tensor  # [3, N]
    axes: Tensor  # [3, 3, N] principal axes times scales, in columns: covariance = axes axes^T
    opacities: Tensor  # [N]
    sh: Tensor  # [K, 3, N]
    parents: Tensor  # [N] int64
    shaded: Tensor  # [S] int64, the Gaussians whose colours change
    shades: Tensor  # [M, 3 S] change of colour per unit of a mode's weight

    @staticmethod
    def load(
        gaussians: Gaussians, parents: NDArray[np.int32], shading: Shading | None, device: torch.device
    ) -> LocalGaussians:
        """Copy to `device`."""
        index = np.zeros(0, np.int32) if shading is None else shading.index
        delta = np.zeros((0, 0, 3), np.float32) if shading is None else shading.delta
        planes = (
            gaussians.means.T,
            gaussians.axes().transpose(1, 2, 0),
            gaussians.opacities,
            gaussians.sh.transpose(1, 2, 0),
            parents.astype(np.int64),
            index.astype(np.int64),
            delta.transpose(0, 2, 1).reshape(len(delta), 3 * len(index)),
        )
        kept = (p if p.dtype == np.int64 else p.astype(np.float32) for p in planes)
        return LocalGaussians(*(torch.from_numpy(np.ascontiguousarray(p)).to(device) for p in kept))

    def pose(self, transforms: Tensor, eyes: Tensor, shading_weights: Tensor) -> Posed:
        """Carry the Gaussians into the world and colour them as seen from the eyes [T, 3].

        transforms: world from parent, [T, P, 3, 4]
        shading_weights: [T, M]
        """
        carriers = transforms.flatten(2).mT.index_select(2, self.parents).unflatten(1, (3, 4))
        linear, origin = carriers[:, :, :3], carriers[:, :, 3]  # [T, 3, 3, N], [T, 3, N]
        means = origin + _product(linear, self.means[:, None]).squeeze(2)
        axes = _product(linear, self.axes)
        covariances = _product(axes, axes.transpose(-3, -2))
        colours = self._colours(means - eyes[..., None])
        changes = (shading_weights @ self.shades).view(len(transforms), 3, len(self.shaded))
        colours = colours.index_add_(2, self.shaded, changes).clamp_min_(0)
        return means.mT, covariances.permute(0, 3, 1, 2), colours.mT

    def _colours(self, views: Tensor) -> Tensor:
        """0.5 + SH along the directions [T, 3, N] from the eye, not cut at 0; [T, 3, N]."""
        directions = views / torch.linalg.vector_norm(views, dim=1, keepdim=True)
        colours = (0.5 + SH0 * self.sh[0]).repeat(len(views), 1, 1)
        for basis, coefficients in zip(sh_bases(directions), self.sh[1:], strict=False):
            colours.addcmul_(basis[:, None], coefficients)
        return colours


SH0 = 0.28209479177387814


def sh_bases(directions: Tensor):
    """Real spherical harmonics of degrees 1 to 3 of unit vectors [T, 3, N], one [T, N] after the other."""
    x, y, z = directions.unbind(1)
    yield -0.4886025119029199 * y
    yield 0.4886025119029199 * z
    yield -0.4886025119029199 * x
    xx, yy, zz, xy = x * x, y * y, z * z, x * y
    yield 1.0925484305920792 * xy
    yield -1.0925484305920792 * y * z
    yield 0.9461746957575601 * zz - 0.31539156525252005
    yield -1.0925484305920792 * x * z
    yield 0.5462742152960396 * (xx - yy)
    yield -0.5900435899266435 * y * (3 * xx - yy)
    yield 2.890611442640554 * xy * z
    yield -0.4570457994644658 * y * (5 * zz - 1)
    yield 0.3731763325901154 * z * (5 * zz - 3)
    yield -0.4570457994644658 * x * (5 * zz - 1)
    yield 1.445305721320277 * z * (xx - yy)
    yield -0.5900435899266435 * x * (xx - 3 * yy)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product over dimensions -3 and -2, element by element along the last: [..., I, K, N] [..., K, J, N].

    As three passes over long planes: batched products of millions of 3x3 matrices are far slower on a GPU.
    """
    result = a[..., :, 0, None, :] * b[..., None, 0, :, :]
    for k in range(1, a.shape[-2]):
        result.addcmul_(a[..., :, k, None, :], b[..., None, k, :, :])
    return result
