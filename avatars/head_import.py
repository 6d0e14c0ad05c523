"""Import a FLAME download into the user's library: read, check against smplx, register, keep."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from .flame import VERTICES, FlameArrays
from .flame_head import bare_flame_head, flame_head
from .flame_import import read_flame
from .head import PARENTS, save_head
from .library import builtin_head, new_entry, write_record
from .motion import Motion
from .pose import Poser, local_rotations
from .registration import registration_arrays

POSES = 8  # random ones, compared with smplx
AGREED = 1e-4  # metres


@dataclass(frozen=True)
class ImportedHead:
    """What an import found."""

    path: Path
    version: str
    licence: str
    registration_mm: float  # median distance of the registered faces
    smplx_mm: float | None  # largest difference of a vertex; None: smplx is not installed


def import_head(path: Path, name: str, *, overwrite: bool = False) -> ImportedHead:
    """Make a FLAME download one of the user's heads; raises InputError. Nothing is kept of what fails."""
    entry = new_entry("head", name, overwrite=overwrite)
    model, source = read_flame(path), builtin_head()
    difference = smplx_difference(model.arrays)
    head, registration = flame_head(model, source)
    result = ImportedHead(
        path=entry,
        version=head.version,
        licence=model.licence,
        registration_mm=1000 * registration.distance,
        smplx_mm=None if difference is None else 1000 * difference,
    )
    save_head(entry, head, extra=registration_arrays(registration, source.version))
    write_record(
        entry,
        {
            "head": head.version,
            "licence": model.licence,
            "source": path.name,
            "source_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "imported": datetime.now(UTC).isoformat(timespec="seconds"),
            "registered_from": source.version,
            "registration_mm": round(result.registration_mm, 4),
            "smplx_mm": result.smplx_mm,
        },
    )
    return result


def smplx_difference(flame: FlameArrays, *, seed: int = 0) -> float | None:
    """Largest distance in metres between our vertices and smplx' in random poses; None where smplx is missing."""
    try:
        import torch
        from smplx.lbs import lbs
    except ImportError:
        return None
    rng = np.random.default_rng(seed)
    modes = flame.exprdirs.shape[2]
    still = Motion.rest(POSES, modes, 25.0)
    motion = replace(
        still,
        expr=rng.normal(0, 1, (POSES, modes)).astype(np.float32),
        **{
            n: rng.normal(0, 0.2, getattr(still, n).shape).astype(np.float32)
            for n in ("jaw", "neck", "eyes", "rotation")
        },
    )

    def tensor(array: np.ndarray) -> Any:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32))

    theirs, _ = lbs(
        tensor(motion.expr),
        tensor(local_rotations(motion).reshape(POSES, -1)),
        tensor(flame.v_template[None]),
        tensor(flame.exprdirs),
        tensor(flame.posedirs.reshape(-1, 36).T),
        tensor(flame.J_regressor),
        tensor(np.array(PARENTS)).long(),
        tensor(flame.weights),
    )
    ours = Poser(bare_flame_head(flame, "imported")).vertices(motion)[:, :VERTICES]
    return float(np.linalg.norm(ours - theirs.numpy(), axis=2).max())
