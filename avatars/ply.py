"""3D Gaussian splatting PLY files: an avatar in world space for other viewers, or bound as in GaussianAvatars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.whole_files import whole_file
from ..renderer.gaussians import Gaussians
from .ply_table import read_ply_columns

F32 = NDArray[np.float32]

MAX_LOG_SCALE = 60.0  # larger ones are no logarithms, and overflow
MAX_TRIANGLES = 1 << 24  # integers that float32 holds exactly


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


def write_ply(path: Path, gaussians: Gaussians, *, binding: NDArray[np.int32] | None = None) -> None:
    """Write the layout of the original 3DGS (Kerbl et al. 2023): one binary `vertex` element of float32.

    Scales are natural logarithms, opacities logits, the higher harmonics channel by channel. With `binding` [N] the
    Gaussians are local to triangles, as in GaussianAvatars. The file appears whole or not at all.
    """
    n = len(gaussians)
    opacity = np.clip(gaussians.opacities.astype(np.float64), 1e-6, 1 - 1e-6)
    columns = {
        "xyz": gaussians.means,
        "normal": np.zeros((n, 3)),
        "f_dc": gaussians.sh[:, 0],
        "f_rest": gaussians.sh[:, 1:].transpose(0, 2, 1).reshape(n, 3 * gaussians.sh.shape[1] - 3),
        "opacity": np.log(opacity / (1 - opacity))[:, None],
        "scale": np.log(gaussians.scales),
        "rot": gaussians.quats,
    }
    names = ["x", "y", "z", "nx", "ny", "nz"]
    names += [f"{c}_{i}" for c in ("f_dc", "f_rest") for i in range(columns[c].shape[1])]
    names += ["opacity", *(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]
    if binding is not None:
        columns["binding"], names = binding[:, None], [*names, "binding_0"]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {n}"]
    header += [*(f"property float {name}" for name in names), "end_header", ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial, partial.open("wb") as stream:
        stream.write("\n".join(header).encode("ascii"))
        stream.write(np.concatenate(list(columns.values()), axis=1).astype("<f4").tobytes())


def read_ply(path: Path) -> tuple[Gaussians, NDArray[np.int32] | None]:
    """Gaussians of a 3DGS PLY of any SH degree 0..3, and the triangle [N] of each where the file binds them.

    Properties are found by name, whatever their order. Raises InputError that names the file and the property.
    """
    columns = read_ply_columns(path, kind="a PLY of 3D Gaussians")
    numbered: dict[str, list[str]] = {}
    for name in columns:
        stem, _, suffix = name.rpartition("_")
        if suffix.isdecimal():
            numbered.setdefault(stem, []).append(name)

    def group(stem: str, *counts: int) -> F32:
        names = sorted(numbered.get(stem, []), key=lambda name: int(name.rpartition("_")[2]))
        if len(names) not in counts:
            wanted = " or ".join(map(str, counts))
            raise InputError(f"{path}: {stem}_*: expected {wanted} properties, found {len(names)}")
        return _finite(path, stem, np.stack([columns[n] for n in names], axis=1) if names else None, len(columns["x"]))

    if missing := [n for n in ("x", "y", "z", "opacity") if n not in columns]:
        raise InputError(f"{path}: {missing[0]}: expected this property, found only {', '.join(columns)[:80]}")
    rest = group("f_rest", 0, 9, 24, 45)
    sh = [group("f_dc", 3)[:, None], rest.reshape(len(rest), 3, rest.shape[1] // 3).transpose(0, 2, 1)]
    quats, scales = group("rot", 4), group("scale", 3)
    if scales.size and np.abs(scales).max() > MAX_LOG_SCALE:
        raise InputError(f"{path}: scale_*: expected natural logarithms, found {np.abs(scales).max():g}")
    gaussians = Gaussians(
        means=_finite(path, "x, y, z", np.stack([columns[axis] for axis in "xyz"], axis=1), 0),
        quats=_unit(quats),
        scales=np.exp(scales),
        opacities=_sigmoid(_finite(path, "opacity", columns["opacity"], 0)),
        sh=np.ascontiguousarray(np.concatenate(sh, axis=1)),
    )
    bound = next((name for name in columns if name.startswith("binding")), None)
    if bound is None:
        return gaussians, None
    binding = _finite(path, bound, columns[bound], 0)
    if binding.size and not (binding.min() >= 0 and binding.max() < MAX_TRIANGLES):
        raise InputError(f"{path}: {bound}: expected triangles from 0 on, found {binding.min():g}..{binding.max():g}")
    return gaussians, binding.astype(np.int32)


def _unit(quats: F32) -> F32:
    length = np.linalg.norm(quats.astype(np.float64), axis=1, keepdims=True)
    return (quats / np.maximum(length, 1e-9)).astype(np.float32)


def _sigmoid(logits: F32) -> F32:
    return (1 / (1 + np.exp(-logits.astype(np.float64).clip(-80, 80)))).astype(np.float32)


def _finite(path: Path, name: str, values: F32 | None, count: int) -> F32:
    """The values, or an empty block of `count` rows; raises InputError for NaN or infinity."""
    if values is None:
        return np.zeros((count, 0), np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{path}: {name}: expected finite numbers, found NaN or infinity")
    return values
