"""3D Gaussian splatting PLY files: an avatar in world space for other viewers, or bound as in GaussianAvatars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.whole_files import whole_file
from ..renderer.gaussians import Gaussians
from .ply_table import read_ply_columns

F32 = NDArray[np.float32]

MAX_LOG_SCALE = 60.0  # larger ones are no logarithms, and overflow
MIN_LOG_SCALE = -80.0  # smaller ones, -infinity among them, mean flat: float32 has no such numbers
UNUSABLE = 0.5  # a file with a greater share of unusable Gaussians is damaged
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


def ply_bytes(gaussians: Gaussians) -> int:
    """Bytes that each Gaussian takes in a PLY."""
    return 4 * (14 + 3 * gaussians.sh.shape[1])


def ply_file(gaussians: Gaussians, *, binding: NDArray[np.int32] | None = None, comments: Sequence[str] = ()) -> bytes:
    """The layout of the original 3DGS (Kerbl et al. 2023): one binary `vertex` element of float32.

    Scales are natural logarithms, opacities logits, the higher harmonics channel by channel. With `binding` [N] the
    Gaussians are local to triangles, as in GaussianAvatars.
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
    header = ["ply", "format binary_little_endian 1.0", *(f"comment {text}" for text in comments)]
    header.append(f"element vertex {n}")
    header += [*(f"property float {name}" for name in names), "end_header", ""]
    rows = np.concatenate(list(columns.values()), axis=1).astype("<f4")
    return "\n".join(header).encode("ascii") + rows.tobytes()


def write_ply(
    path: Path, gaussians: Gaussians, *, binding: NDArray[np.int32] | None = None, comments: Sequence[str] = ()
) -> None:
    """Write `ply_file`, and the folder where that is missing; the file appears whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_bytes(ply_file(gaussians, binding=binding, comments=comments))


def read_ply(path: Path, *, note: Callable[[str], None] = lambda _: None) -> tuple[Gaussians, NDArray[np.int32] | None]:
    """Gaussians of a 3DGS PLY of any SH degree 0..3, and the triangle [N] of each where the file binds them.

    Properties are found by name, whatever their order. Limits that mean something are kept: a scale of -infinity is a
    flat Gaussian, an opacity of +-infinity an opaque or transparent one. Gaussians with other infinite numbers or NaN,
    without any extent or orientation, are left out, and `note` is told how many. Raises InputError that names the file
    and the property.
    """
    columns = read_ply_columns(path, kind="a PLY of 3D Gaussians")
    if missing := [n for n in ("x", "y", "z", "opacity") if n not in columns]:
        raise InputError(f"{path}: {missing[0]}: expected this property, found only {', '.join(columns)[:80]}")
    rest = _group(path, columns, "f_rest", 0, 9, 24, 45)
    blocks = {
        "x, y, z": np.stack([columns[axis] for axis in "xyz"], axis=1),
        "f_dc": _group(path, columns, "f_dc", 3),
        "f_rest": rest,
        "rot": _group(path, columns, "rot", 4),
        "scale": _group(path, columns, "scale", 3),
        "opacity": columns["opacity"][:, None],
    }
    bound = next((name for name in columns if name.startswith("binding")), None)
    if bound is not None:
        blocks[bound] = columns[bound][:, None]
    kept = _usable(path, blocks, note)
    blocks = {name: block[kept] for name, block in blocks.items()}
    bands = blocks["f_rest"].reshape(kept.sum(), 3, rest.shape[1] // 3).transpose(0, 2, 1)
    gaussians = Gaussians(
        means=blocks["x, y, z"],
        quats=_unit(blocks["rot"]),
        scales=np.exp(np.maximum(blocks["scale"], MIN_LOG_SCALE)),
        opacities=_sigmoid(blocks["opacity"][:, 0]),
        sh=np.ascontiguousarray(np.concatenate([blocks["f_dc"][:, None], bands], axis=1)),
    )
    if bound is None:
        return gaussians, None
    binding = blocks[bound][:, 0]
    if binding.size and not (binding.min() >= 0 and binding.max() < MAX_TRIANGLES):
        raise InputError(f"{path}: {bound}: expected triangles from 0 on, found {binding.min():g}..{binding.max():g}")
    return gaussians, binding.astype(np.int32)


def _group(path: Path, columns: dict[str, F32], stem: str, *counts: int) -> F32:
    """The properties `stem_0`, `stem_1`, ... [V, n]."""
    names = [name for name in columns if name.rpartition("_")[0] == stem and name.rpartition("_")[2].isdecimal()]
    names.sort(key=lambda name: int(name.rpartition("_")[2]))
    if len(names) not in counts:
        wanted = " or ".join(map(str, counts))
        raise InputError(f"{path}: {stem}_*: expected {wanted} properties, found {len(names)}")
    empty = np.zeros((len(columns["x"]), 0), np.float32)
    return np.stack([columns[n] for n in names], axis=1) if names else empty


def _usable(path: Path, blocks: dict[str, F32], note: Callable[[str], None]) -> NDArray[np.bool_]:
    """Which Gaussians can be drawn [V]; raises InputError where so many cannot that the file is damaged."""
    scale = blocks["scale"]
    meant = {"scale": np.isneginf(scale), "opacity": np.isinf(blocks["opacity"])}
    wrong = {
        f"{name}: NaN or infinity": ~(np.isfinite(block) | meant.get(name, False)).all(axis=1)
        for name, block in blocks.items()
    }
    wrong |= {
        f"scale: no natural logarithms (above {MAX_LOG_SCALE:g})": (scale > MAX_LOG_SCALE).any(axis=1),
        "scale: no extent": np.isneginf(scale).all(axis=1),
        "rot: a quaternion of zeros": (blocks["rot"] == 0).all(axis=1),
    }
    bad = np.any(list(wrong.values()), axis=0)
    if not bad.any():
        return ~bad
    name, rows = max(wrong.items(), key=lambda item: item[1].sum())
    found = f"{bad.sum()} of {len(bad)} Gaussians cannot be drawn, the first is row {bad.argmax()} (mostly {name})"
    if bad.mean() > UNUSABLE:
        column, _, what = name.partition(": ")
        raise InputError(
            f"{path}: {column}: expected numbers that can be drawn, found {what} in {rows.sum()} of {len(bad)}"
        )
    note(f"{path}: {found}; they are left out")
    return ~bad


def _unit(quats: F32) -> F32:
    length = np.linalg.norm(quats.astype(np.float64), axis=1, keepdims=True)
    return (quats / np.maximum(length, 1e-9)).astype(np.float32)


def _sigmoid(logits: F32) -> F32:
    return (1 / (1 + np.exp(-logits.astype(np.float64).clip(-80, 80)))).astype(np.float32)
