"""A folder as GaussianAvatars writes it: random Gaussians, or a plain doll, on a FLAME-like head with teeth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emosplat.avatars.head import HeadModel
from emosplat.avatars.ply import write_ply
from emosplat.renderer import Gaussians

FRAMES = 4


def parameters(head: HeadModel, *, seed: int = 0, frames: int = FRAMES) -> dict[str, np.ndarray]:
    """The arrays of a `flame_param.npz` of random, small content."""
    rng = np.random.default_rng(seed)

    def normal(size: float, *shape: int) -> np.ndarray:
        return rng.normal(0, size, shape).astype(np.float32)

    arrays = {
        "shape": normal(0.3, 300),
        "expr": normal(0.3, frames, head.expressions) + normal(0.2, head.expressions),
        "rotation": normal(0.05, frames, 3),
        "neck_pose": normal(0.05, frames, 3),
        "jaw_pose": np.abs(normal(0.05, frames, 3)) * np.array([1, 0, 0], np.float32),
        "eyes_pose": normal(0.05, frames, 6),
        "translation": normal(0.005, frames, 3),
        "static_offset": normal(0.0002, 1, len(head.v_template), 3),
        "dynamic_offset": np.zeros((frames, len(head.v_template), 3), np.float32),
    }
    return arrays


def doll(head: HeadModel, *, per_face: int = 4, seed: int = 0) -> tuple[Gaussians, np.ndarray]:
    """Flat shaded discs on every triangle, teeth and eyes lighter, in units of the triangle's scale."""
    rng = np.random.default_rng(seed)
    binding = np.repeat(np.arange(len(head.faces)), per_face).astype(np.int32)
    n = len(binding)
    means = np.column_stack([rng.uniform(-0.4, 0.4, n), np.zeros(n), rng.uniform(-0.3, 0.3, n)])
    a, b, c = head.v_template[head.faces.T]
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    grey = (0.2 + 0.6 * np.clip(normal @ np.array([0.35, 0.5, 0.8]), 0, 1))[binding]
    light = [head.regions[r] for r in ("teeth_upper", "teeth_lower", "left_eye", "right_eye") if r in head.regions]
    pale = np.all(np.isin(head.faces, np.concatenate(light)), axis=1)
    grey = np.where(pale[binding], 0.95, grey)
    colour = (np.stack([grey, 0.85 * grey, 0.75 * grey], axis=1) - 0.5) / 0.28209479177387814
    return Gaussians(
        means=means.astype(np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        scales=np.tile(np.array([0.35, 0.05, 0.35], np.float32), (n, 1)),
        opacities=np.full(n, 0.95, np.float32),
        sh=colour[:, None].astype(np.float32),
    ), binding


def write_folder(folder: Path, head: HeadModel, *, iteration: int = 30, seed: int = 0, per_face: int = 4) -> Path:
    """Write the folder and return its PLY."""
    gaussians, binding = doll(head, seed=seed, per_face=per_face)
    ply = folder / "point_cloud" / f"iteration_{iteration}" / "point_cloud.ply"
    write_ply(ply, gaussians, binding=binding)
    np.savez(ply.with_name("flame_param.npz"), **parameters(head, seed=seed))  # pyright: ignore[reportArgumentType]
    return ply
