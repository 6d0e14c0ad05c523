"""Another face's moment as a key: the columns that say it, and what is then still missing on the head it is seen on."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ...avatars.geometry import distance_to, motion_form
from ...avatars.head import HeadModel
from ...core.maths import smoothstep
from ..face_motion import BASIS, JAW_OPEN, REGIONS, FaceMotion, region_of
from ..score import Key
from ..solve.solver import Solver
from .keys import REACH, frame_at

F64 = NDArray[np.float64]

# regions that lie somewhere on the face -> the head's lists of their vertices; cheeks and emotion are all the rest
PLACES = {"mouth": ("lips",), "jaw": ("jaw",), "brows": ("brows",), "lids": ("left_lid", "right_lid")}
FULL, NONE = 0.008, 0.025  # metres from a region's vertices that count as its own, and that do not
INSIDE = 100.0  # how much more it matters to meet a region than to leave what is around
ROUNDS = 3  # lips in contact answer a change of the expression with another


def pose_key(
    time: float,
    moment: FaceMotion,
    face: FaceMotion,
    solver: Solver,
    *,
    regions: Collection[str] = REGIONS,
    reach: float = REACH,
) -> Key:
    """The key at which some regions of `face` look as `moment` (one frame) does on the solver's head.

    Columns are taken over; what one seed's drift, the rest of the emotion or the other jaw leave different is made up
    in the head's own basis, which other heads leave out. Regions that are not known of the moment stay as they are.
    Raises InputError for a time beyond the motion.
    """
    frame = frame_at(face, time, what="key")
    here = face[frame : frame + 1]
    known = [region for r, region in enumerate(REGIONS) if moment.given[0, r] and region in regions]
    names = dict.fromkeys((*face.columns, *moment.columns))
    columns = {name: float(moment.column(name)[0]) for name in names if region_of(name) in known}
    target, head = solver(moment), solver.head
    near = near_regions(head, known)
    basis = [f"{BASIS}{head.version}:{k}" for k in range(head.expressions)]
    to_region = _to_region(head, near)
    opens = JAW_OPEN if not (row := head.arkit.rows("jawOpen")) else float(head.arkit.jaw[row[0]])
    for _ in range(ROUNDS if near.any() else 0):
        now = solver(here.with_columns(columns))
        missing = to_region @ (target.expr[0] - now.expr[0]).astype(np.float64)
        columns |= {
            name: columns.get(name, float(here.column(name)[0])) + value
            for name, value in zip(basis, missing.tolist(), strict=True)
        }
        if "jaw" in known or "mouth" in known:
            jaw = columns.get("jawPitch", float(here.column("jawPitch")[0]))
            columns["jawPitch"] = jaw + float(target.jaw[0, 0] - now.jaw[0, 0]) * JAW_OPEN / opens
    return Key((frame + 0.5) / face.fps, columns, reach)


def near_regions(head: HeadModel, regions: Collection[str]) -> F64:
    """How far each vertex [V] belongs to some regions, 0..1; the expression of an emotion is all but what is kept."""
    if not set(regions) & {"cheeks", "emotion"}:
        return _near(head, [place for region in regions for place in PLACES.get(region, ())])
    return 1 - _near(head, [place for region, places in PLACES.items() if region not in regions for place in places])


def _near(head: HeadModel, places: Collection[str]) -> F64:
    lists = [head.regions[place] for place in places if place in head.regions]
    if not lists:
        return np.zeros(len(head.v_template))
    return smoothstep((NONE - distance_to(head, np.concatenate(lists), within=NONE)) / (NONE - FULL))


def _to_region(head: HeadModel, near: F64) -> F64:
    """Matrix [E, E]: the change of the expression that does in a region what another does everywhere."""
    inside, outside = motion_form(head, INSIDE * near), motion_form(head, 1 - near)
    ridge = 1e-6 * np.trace(inside + outside) / head.expressions * np.eye(head.expressions)
    return np.linalg.solve(inside + outside + ridge, inside)
