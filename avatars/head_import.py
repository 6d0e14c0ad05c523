"""Import a FLAME or GNM download into the user's library: read, check, register, keep."""

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
from .gnm import LICENCE as GNM_LICENCE
from .gnm import is_gnm, read_gnm
from .gnm_head import OPEN, gnm_head
from .head import PARENTS, HeadModel, save_head
from .library import builtin_head, new_entry, write_record
from .motion import Motion
from .pose import Poser, local_rotations
from .registration import Registration, registration_arrays

POSES = 8  # random ones, compared with smplx


@dataclass(frozen=True)
class ImportedHead:
    """What an import found."""

    path: Path
    version: str
    licence: str
    registration_mm: float  # median distance of the registered faces
    checked: str  # what else was compared, in words


def import_head(path: Path, name: str, *, overwrite: bool = False) -> ImportedHead:
    """Make a FLAME or GNM download one of the user's heads; raises InputError. Nothing is kept of what fails."""
    entry = new_entry("head", name, overwrite=overwrite)
    source = builtin_head()
    head, registration, licence, checked = (_gnm if is_gnm(path) else _flame)(path, source)
    result = ImportedHead(entry, head.version, licence, 1000 * registration.distance, checked)
    save_head(entry, head, extra=registration_arrays(registration, source.version))
    write_record(
        entry,
        {
            "head": head.version,
            "licence": licence,
            "source": path.name,
            "source_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "imported": datetime.now(UTC).isoformat(timespec="seconds"),
            "registered_from": source.version,
            "registration_mm": round(result.registration_mm, 4),
            "checked": checked,
        },
    )
    return result


def _flame(path: Path, source: HeadModel) -> tuple[HeadModel, Registration, str, str]:
    model = read_flame(path)
    difference = smplx_difference(model.arrays)
    head, registration = flame_head(model, source)
    checked = "not compared with smplx, which is not installed"
    if difference is not None:
        checked = f"largest difference to smplx in random poses: {1000 * difference:.5f} mm"
    return head, registration, model.licence, checked


def _gnm(path: Path, source: HeadModel) -> tuple[HeadModel, Registration, str, str]:
    head, registration, missed = gnm_head(read_gnm(path), source)
    angle = np.degrees(OPEN)
    return (
        head,
        registration,
        GNM_LICENCE,
        f"a jaw turned by {angle:.0f} degrees as expression: {1000 * missed:.2f} mm off",
    )


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
