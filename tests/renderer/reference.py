"""3D Gaussian splatting written down pixel by pixel in float64: slow, short, the oracle of the fast kernels.

Follows gsplat 1.5.3: pixel centres at +0.5, 0.3 px^2 added to the variance on screen, alpha capped at 0.999 (or as the
settings say), contributions below 1/255 skipped, a pixel stops before the splat that would leave it 1e-4 or less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emosplat.renderer import Camera, Gaussians, RasterSettings

F64 = NDArray[np.float64]
CLASSIC = RasterSettings()


@dataclass(frozen=True)
class Splats:
    """Gaussians on screen."""

    means: F64  # [N, 2] pixels
    covariances: F64  # [N, 2, 2] square pixels
    depths: F64  # [N] metres along the view axis
    colours: F64  # [N, 3]
    opacities: F64  # [N]
    drawn: NDArray[np.bool_] | None = None  # [N] not too near, far or small; None: by the default near plane


def rotations(quats: NDArray) -> F64:
    """Rotation matrices [N, 3, 3] of quaternions wxyz."""
    w, x, y, z = (quats / np.linalg.norm(quats, axis=-1, keepdims=True)).astype(np.float64).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.array(rows).transpose(2, 0, 1)


def sh_bases(directions: F64, degree: int) -> F64:
    """Real spherical harmonics [N, (degree + 1)^2] of unit vectors [N, 3], written out as polynomials."""
    x, y, z = directions.T
    one = np.ones_like(x)
    bases = [
        0.28209479177387814 * one,
        -0.4886025119029199 * y,
        0.4886025119029199 * z,
        -0.4886025119029199 * x,
        1.0925484305920792 * x * y,
        -1.0925484305920792 * y * z,
        0.31539156525252005 * (2 * z * z - x * x - y * y),
        -1.0925484305920792 * x * z,
        0.5462742152960396 * (x * x - y * y),
        -0.5900435899266435 * y * (3 * x * x - y * y),
        2.890611442640554 * x * y * z,
        -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
        0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
        -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
        1.445305721320277 * z * (x * x - y * y),
        -0.5900435899266435 * x * (x * x - 3 * y * y),
    ]
    return np.stack(bases[: (degree + 1) ** 2], -1)


def project(
    gaussians: Gaussians,
    camera: Camera,
    transforms: NDArray | None = None,
    parents: NDArray | None = None,
    *,
    settings: RasterSettings = CLASSIC,
) -> Splats:
    """Gaussians on screen, after the pose `transforms` [P, 3, 4]."""
    means = gaussians.means.astype(np.float64)
    axes = rotations(gaussians.quats) * gaussians.scales.astype(np.float64)[:, None, :]
    if transforms is not None:
        carriers = transforms.astype(np.float64)[np.zeros(len(means), int) if parents is None else parents]
        means = np.einsum("nij,nj->ni", carriers[..., :3], means) + carriers[..., 3]
        axes = carriers[..., :3] @ axes
    R, t = camera.view[:3, :3], camera.view[:3, 3]
    x, y, z = (means @ R.T + t).T
    (fx, _, cx), (_, fy, cy) = camera.K[:2]
    margin_x, margin_y = 0.15 * camera.width / fx, 0.15 * camera.height / fy
    u = np.clip(x / z, -cx / fx - margin_x, (camera.width - cx) / fx + margin_x)
    v = np.clip(y / z, -cy / fy - margin_y, (camera.height - cy) / fy + margin_y)
    zero = np.zeros_like(z)
    jacobian = np.array([[fx / z, zero, -fx * u / z], [zero, fy / z, -fy * v / z]]).transpose(2, 0, 1)
    screen_axes = jacobian @ R @ axes
    unfiltered = screen_axes @ screen_axes.transpose(0, 2, 1)
    covariances = unfiltered + settings.low_pass * np.eye(2)
    opacities = gaussians.opacities.astype(np.float64)
    if settings.antialiased:
        opacities *= np.sqrt(np.linalg.det(unfiltered).clip(0) / np.linalg.det(covariances))
    reach = np.sqrt(2 * np.log(np.maximum(255 * opacities, 1)))
    radii = np.ceil(reach[:, None] * np.sqrt(np.diagonal(covariances, axis1=1, axis2=2)))
    drawn = (z >= settings.near) & (z <= settings.far) & (radii > settings.radius_clip).any(1)
    directions = means - camera.position
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    bases = sh_bases(directions, gaussians.sh_degree)
    colours = np.maximum(0, 0.5 + np.einsum("nk,nkc->nc", bases, gaussians.sh.astype(np.float64)))
    screen = np.stack([fx * x / z + cx, fy * y / z + cy], -1)
    return Splats(screen, covariances, z, colours, opacities, drawn)


def composite(
    splats: Splats,
    width: int,
    height: int,
    *,
    order: NDArray | None = None,
    alpha_cap: float = 0.999,
    margins: F64 | None = None,
) -> tuple[F64, F64]:
    """Premultiplied colour [H, W, 3] and transmittance [H, W]; `order` replaces the order by depth.

    `margins` [H, W] is lowered to how near, as a ratio less one, any alpha or transmittance came to its threshold.
    """
    order = np.argsort(splats.depths, kind="stable") if order is None else order
    pixels = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1)
    colour, left = np.zeros((height, width, 3)), np.ones((height, width))
    going = np.ones((height, width), bool)
    drawn = splats.depths >= 0.01 if splats.drawn is None else splats.drawn
    for i in order[drawn[order]]:
        d = pixels - splats.means[i]
        power = 0.5 * np.einsum("hwi,ij,hwj->hw", d, np.linalg.inv(splats.covariances[i]), d)
        alpha = np.minimum(alpha_cap, splats.opacities[i] * np.exp(-power))
        if margins is not None:
            after = left * (1 - np.where(alpha < 0.99 / 255, 0, alpha))
            near = np.minimum(np.abs(255 * alpha - 1), np.abs(1e4 * after - 1))
            np.copyto(margins, np.minimum(margins, near), where=going)
        alpha[alpha < 1 / 255] = 0
        after = left * (1 - alpha)
        going &= after > 1e-4
        colour += (going * alpha * left)[..., None] * splats.colours[i]
        left = np.where(going, after, left)
    return colour, left


def render(
    gaussians: Gaussians,
    camera: Camera,
    transforms: NDArray | None = None,
    parents: NDArray | None = None,
    *,
    order: NDArray | None = None,
    settings: RasterSettings = CLASSIC,
) -> F64:
    """Premultiplied colour and coverage [H, W, 4] of one pose."""
    splats = project(gaussians, camera, transforms, parents, settings=settings)
    colour, left = composite(splats, camera.width, camera.height, order=order, alpha_cap=settings.alpha_cap)
    return np.concatenate([colour, 1 - left[..., None]], -1)
