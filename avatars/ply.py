"""An avatar as an ordinary 3D Gaussian splatting PLY in world space, for other viewers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..renderer.gaussians import Gaussians

F32 = NDArray[np.float32]


def posed_gaussians(gaussians: Gaussians, binding: NDArray[np.int32], transforms: F32) -> Gaussians:
    """Gaussians in the frames of triangles carried to world space by transforms [F, 3, 4] of one pose.

    Spherical harmonics stay as they are: the renderer evaluates them with the world view direction.
    """
    from scipy.spatial.transform import Rotation

    carried = transforms[binding].astype(np.float64)
    scale = np.linalg.norm(carried[:, :, 0], axis=1)
    turn = Rotation.from_matrix(carried[:, :, :3] / scale[:, None, None])
    own = Rotation.from_quat(gaussians.quats[:, [1, 2, 3, 0]])  # scipy's order is xyzw
    return Gaussians(
        means=(np.einsum("nij,nj->ni", carried[:, :, :3], gaussians.means) + carried[:, :, 3]).astype(np.float32),
        quats=(turn * own).as_quat()[:, [3, 0, 1, 2]].astype(np.float32),
        scales=(scale[:, None] * gaussians.scales).astype(np.float32),
        opacities=gaussians.opacities,
        sh=gaussians.sh,
    )


def write_ply(path: Path, gaussians: Gaussians) -> None:
    """Write the layout of the original 3DGS (Kerbl et al. 2023): one binary `vertex` element of float32.

    Scales are natural logarithms, opacities logits, the higher harmonics channel by channel.
    """
    n = len(gaussians)
    opacity = np.clip(gaussians.opacities.astype(np.float64), 1e-6, 1 - 1e-6)
    columns = {
        "xyz": gaussians.means,
        "normal": np.zeros((n, 3)),
        "f_dc": gaussians.sh[:, 0],
        "f_rest": gaussians.sh[:, 1:].transpose(0, 2, 1).reshape(n, -1),
        "opacity": np.log(opacity / (1 - opacity))[:, None],
        "scale": np.log(gaussians.scales),
        "rot": gaussians.quats,
    }
    names = ["x", "y", "z", "nx", "ny", "nz"]
    names += [f"{c}_{i}" for c in ("f_dc", "f_rest") for i in range(columns[c].shape[1])]
    names += ["opacity", *(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {n}"]
    header += [*(f"property float {name}" for name in names), "end_header", ""]
    partial = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("wb") as stream:
            stream.write("\n".join(header).encode("ascii"))
            stream.write(np.concatenate(list(columns.values()), axis=1).astype("<f4").tobytes())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
