"""Non-rigid registration of one head's neutral face to another's, and the maps that carry displacements over.

The source is aligned by eyes and mouth, drawn to the target's lip line and eye openings, and then pulled onto the
target's surface while its displacement stays smooth (Amberg et al. 2007, with a Laplacian for the stiffness).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.npz import NpzFields
from .head import HeadModel
from .surface import Nearest, Surface

if TYPE_CHECKING:
    from scipy.sparse import csr_array

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

NOT_SKIN = ("left_eye", "right_eye", "teeth_upper", "teeth_lower", "tongue")
STIFFNESS = np.geomspace(300.0, 0.3, 18)  # of the displacement's Laplacian, from the first to the last round
REACH = np.geomspace(0.015, 0.004, len(STIFFNESS))  # metres to the nearest point of the target, at most
LANDMARK = 20.0  # weight of a landmark; a point of the surface has 1
SMOOTHING = 60  # averagings of the deformation over neighbours
LIP_MARKS, LID_MARKS = 15, 9  # points along a lip, along a lid
TRUSTED, DISTRUSTED = 0.0015, 0.005  # metres between the surfaces: the counterpart counts in full, not at all
WORST_FIT, LEAST_KNOWN = 0.004, 0.5  # metres between two faces (median); share of a face with a counterpart
EYE_ANGLES, EYE_RADII, EYE_REACH = 40, 45, 0.022  # rays through the opening of an eye; metres from its joint
LEAST_OPENING = 0.008  # metres between the corners of an open eye


@dataclass(frozen=True, eq=False)
class Carrier:
    """Carries displacements of one mesh to another: the same motion of the same place of the face."""

    index: I32  # [V, 3] vertices of the other mesh around each vertex' counterpart
    weight: F32  # [V, 3] barycentric
    turn: F32  # [V, 3, 3] how directions change on the way
    trust: F32  # [V] 0..1, how well the counterpart is known; 0 where there is none

    def __call__(self, field: NDArray[np.floating]) -> F64:
        """Displacements [..., V, 3] of this mesh from those of the other [..., V', 3], metres."""
        there = np.einsum("...vka,vk->...va", field[..., self.index, :], self.weight, optimize=True)
        return np.einsum("vab,...vb->...va", self.turn, there, optimize=True)

    def marks(self, vertices: NDArray[np.integer], count: int) -> NDArray[np.bool_]:
        """Which vertices [V] of this mesh lie in the part of the other (of `count` vertices) that `vertices` span."""
        inside = np.zeros(count, np.float32)
        inside[vertices] = 1
        return ((inside[self.index] * self.weight).sum(axis=1) > 0.5) & (self.trust > 0)


@dataclass(frozen=True, eq=False)
class Registration:
    """Two heads' neutral faces in correspondence."""

    forward: Carrier  # from the source to the target
    backward: Carrier
    distance: float  # metres, median over the face


CARRIER = ("index", "weight", "turn", "trust")


def registration_arrays(registration: Registration, source_version: str) -> dict[str, NDArray[Any]]:
    """The registration as arrays of the target's head npz."""
    arrays: dict[str, NDArray[Any]] = {
        "registered_from": np.array(source_version),
        "registered_distance": np.array(registration.distance),
    }
    for way, carrier in (("forward", registration.forward), ("backward", registration.backward)):
        arrays |= {f"registered_{way}_{name}": getattr(carrier, name) for name in CARRIER}
    return arrays


def load_registration(path: Path, source: HeadModel, target: HeadModel) -> Registration:
    """The registration that an imported head's npz holds; raises InputError where it is none of these two heads."""
    fields = NpzFields(path)
    if (found := fields.text("registered_from")) != source.version:
        raise InputError(f"{path}: registered_from: expected head {source.version!r}, found {found!r}; import it again")

    def carrier(way: str, onto: HeadModel, of: HeadModel) -> Carrier:
        vertices, name = len(onto.v_template), f"registered_{way}"
        return Carrier(
            index=fields.indices(f"{name}_index", (vertices, 3), len(of.v_template)),
            weight=fields.floats(f"{name}_weight", (vertices, 3)),
            turn=fields.floats(f"{name}_turn", (vertices, 3, 3)),
            trust=fields.floats(f"{name}_trust", (vertices,)),
        )

    return Registration(
        carrier("forward", target, source),
        carrier("backward", source, target),
        float(fields.floats("registered_distance", ())),
    )


def register(source: HeadModel, target: HeadModel) -> Registration:
    """Bring the source's neutral face onto the target's; raises InputError where they are too unlike.

    Both heads need `lip_pairs`, `mouth_corners` and joints; eyes, teeth and tongue are left out by their regions.
    """
    moving, still = skin_surface(source), skin_surface(target)
    start = Surface(_aligned(source, target), moving.faces)
    marks = _landmarks(source, target, start)
    registered = Surface(_drawn(start, still, marks), moving.faces)
    turns = _turns(moving, registered)
    forward = _carrier(still, registered, turns)
    back = _carrier(registered, still, None)
    turn = turns.transpose(0, 2, 1).astype(np.float32)
    distance = _checked_fit(source, target, registered, still, forward)
    return Registration(forward, Carrier(back.index, back.weight, turn, back.trust), distance)


def _checked_fit(source: HeadModel, target: HeadModel, registered: Surface, still: Surface, forward: Carrier) -> float:
    """Median distance of the surfaces over the front, metres; raises InputError where they do not fit."""
    used = np.unique(registered.faces)
    fit = still.nearest(registered.vertices[used], registered.normals[used])
    distance = float(np.median(fit.distance[registered.vertices[used, 2] > np.median(registered.vertices[used, 2])]))
    face = np.unique(still.faces)
    known = forward.trust[face][still.vertices[face, 2] > np.median(still.vertices[face, 2])].mean()
    if not (distance <= WORST_FIT and known >= LEAST_KNOWN):
        raise InputError(
            f"head {target.version!r}: v_template: expected a face like that of head {source.version!r}, "
            f"found one {1000 * distance:.1f} mm away after registration, with {known:.0%} of it recognised"
        )
    return distance


def skin_surface(head: HeadModel) -> Surface:
    """The neutral face without eyes, teeth and tongue."""
    hidden = [head.regions[name] for name in NOT_SKIN if name in head.regions]
    outside = ~np.isin(head.faces, np.concatenate([np.zeros(0, np.int32), *hidden])).any(axis=1)
    return Surface(head.v_template.astype(np.float64), head.faces[outside])


def _aligned(source: HeadModel, target: HeadModel) -> F64:
    """The source's neutral face [V, 3], scaled, turned and moved onto the target's eyes and mouth."""
    p, q = (
        np.concatenate([h.joints[3:5], h.v_template[h.mouth_corners], [h.v_template[h.lip_pairs].mean(axis=(0, 1))]])
        for h in (source, target)
    )
    scale, R, shift = similarity(p, q)
    return scale * source.v_template @ R.T + shift


def similarity(p: NDArray[np.floating], q: NDArray[np.floating]) -> tuple[float, F64, F64]:
    """Scale, rotation [3, 3] and shift [3]: scale R p + shift is nearest to q, points [n, 3] (Umeyama 1991)."""
    p0, q0 = p - p.mean(axis=0), q - q.mean(axis=0)
    U, S, Vt = np.linalg.svd(q0.T @ p0)
    sign = np.diag([1, 1, np.sign(np.linalg.det(U @ Vt))])
    R = U @ sign @ Vt
    scale = float((S * np.diag(sign)).sum() / np.square(p0).sum())
    return scale, R, q.mean(axis=0) - scale * R @ p.mean(axis=0)


@dataclass(frozen=True, eq=False)
class _Landmarks:
    rows: csr_array  # [L, V] each a point of the source surface
    points: F64  # [L, 3] where it belongs on the target


def _landmarks(source: HeadModel, target: HeadModel, start: Surface) -> _Landmarks:
    """Both lips from corner to corner, and both eye openings where they can be seen."""
    from scipy.sparse import csr_array, vstack

    vertices = len(source.v_template)
    rows: list[csr_array] = []
    points: list[F64] = []
    for side in (0, 1):
        index, weight = _along(_lip(source, side), source.v_template, LIP_MARKS)
        there, share = _along(_lip(target, side), target.v_template, LIP_MARKS)
        rows.append(_combination(index, weight, vertices))
        points.append((share[..., None] * target.v_template[there]).sum(axis=1))
    for eye in ("left_eye", "right_eye"):
        ours, theirs = eye_opening(source, eye), eye_opening(target, eye)
        if ours is None or theirs is None:
            continue
        on = skin_surface(source).nearest(ours)
        rows.append(_combination(start.faces[on.face], on.weight, vertices))
        points.append(theirs)
    return _Landmarks(csr_array(vstack(rows)), np.concatenate(points))


def _combination(index: NDArray[np.integer], weight: F64, vertices: int) -> csr_array:
    from scipy.sparse import csr_array

    count, width = index.shape
    line = np.repeat(np.arange(count), width)
    return csr_array((weight.ravel(), (line, index.ravel())), (count, vertices))


def _lip(head: HeadModel, side: int) -> NDArray[np.integer]:
    """Vertices of the upper (0) or lower (1) lip's inner edge, from the right to the left corner."""
    left, right = head.mouth_corners
    lip = head.lip_pairs[:, side]
    lip = lip[np.argsort(head.v_template[lip, 0])]
    return np.r_[right, lip, left]


def _along(line: NDArray[np.integer], vertices: F32, count: int) -> tuple[NDArray[np.integer], F64]:
    """`count` points evenly along a line of vertices, as pairs of vertices [count, 2] and their weights."""
    step = np.linalg.norm(np.diff(vertices[line], axis=0), axis=1)
    length = np.r_[0, np.cumsum(step)]
    at = np.interp(np.linspace(0, length[-1], count), length, np.arange(len(line)))
    first = np.minimum(at.astype(int), len(line) - 2)
    share = at - first
    return np.stack([line[first], line[first + 1]], axis=1), np.stack([1 - share, share], axis=1)


def eye_opening(head: HeadModel, eye: str) -> F64 | None:
    """The edges of the lids as seen from the front, [2 * LID_MARKS, 3] from the right to the left corner of the eye:
    first the upper, then the lower lid. None where the eye is not open or the head has no such eyeball."""
    if eye not in head.regions:
        return None
    place, covered = _seen_eye(head, eye)
    edge = covered.argmax(axis=0)
    if not covered.any(axis=0).all() or edge.min() < 1:
        return None
    outline = place[edge, np.arange(EYE_ANGLES)]
    if not np.isfinite(outline).all() or np.ptp(outline[:, 0]) < LEAST_OPENING:
        return None
    right, left = int(outline[:, 0].argmin()), int(outline[:, 0].argmax())
    lower, upper = _arc(outline, right, left), _arc(outline, left, right)[::-1]
    return np.concatenate([_evenly(upper), _evenly(lower)])


def seen_eye_area(head: HeadModel, eye: str) -> float:
    """Area of an eyeball that is seen from the front, square metres."""
    if eye not in head.regions:
        return 0.0
    _, covered = _seen_eye(head, eye)
    ring = np.linspace(0, EYE_REACH, EYE_RADII)[:, None] * (EYE_REACH / (EYE_RADII - 1)) * (2 * np.pi / EYE_ANGLES)
    return float((ring * ~covered).sum())


def _seen_eye(head: HeadModel, eye: str) -> tuple[F64, NDArray[np.bool_]]:
    """What is seen on rays around the middle of an eyeball: places [R, A, 3] and whether something covers the ball."""
    skin = skin_surface(head)
    ball = head.faces[np.isin(head.faces, head.regions[eye]).all(axis=1)]
    both = Surface(skin.vertices, np.concatenate([skin.faces, ball]))
    middle = head.v_template[head.regions[eye]].mean(axis=0)[:2].astype(np.float64)
    angle = np.linspace(-np.pi, np.pi, EYE_ANGLES, endpoint=False)
    radius = np.linspace(0, EYE_REACH, EYE_RADII)
    xy = middle + radius[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)  # [R, A, 2]
    face, depth = both.seen_from_front(xy.reshape(-1, 2))
    covered = (face < len(skin.faces)).reshape(EYE_RADII, EYE_ANGLES)
    return np.concatenate([xy, depth.reshape(*covered.shape, 1)], axis=2), covered


def _arc(outline: F64, first: int, last: int) -> F64:
    """Points of a closed line from `first` on to `last`."""
    return np.roll(outline, -first, axis=0)[: (last - first) % len(outline) + 1]


def _evenly(line: F64) -> F64:
    index, weight = _along(np.arange(len(line)), line.astype(np.float32), LID_MARKS)
    return (weight[..., None] * line[index]).sum(axis=1)


def _drawn(start: Surface, still: Surface, marks: _Landmarks) -> F64:
    """The vertices of `start` pulled onto `still`, [V, 3]."""
    from scipy.sparse import csc_array, diags_array, eye_array
    from scipy.sparse.linalg import splu

    used = np.zeros(len(start.vertices), bool)
    used[start.faces] = True
    laplacian = eye_array(len(used)) - start.neighbours()
    bending = laplacian.T @ laplacian
    pulled = LANDMARK * (marks.rows.T @ marks.rows)
    wanted = LANDMARK * (marks.rows.T @ (marks.points - marks.rows @ start.vertices))
    moved = np.zeros_like(start.vertices)
    for round_, (stiffness, reach) in enumerate(zip(STIFFNESS, REACH, strict=True)):
        now = Surface(start.vertices + moved, start.faces)
        near = still.nearest(now.vertices, now.normals)
        weight = np.where(used & (near.distance < reach) & ~_at_border(near, still), 1.0, 0.0)
        if round_ == 0:
            weight[:] = 0  # the landmarks come first
        system = stiffness * bending + diags_array(weight + 1e-6) + pulled
        force = weight[:, None] * (near.point - start.vertices) + wanted
        moved = splu(csc_array(system)).solve(force)
    return start.vertices + moved


def _at_border(near: Nearest, surface: Surface) -> NDArray[np.bool_]:
    """Whether the nearest point lies on the edge of the surface, where it says nothing about the counterpart."""
    return (near.weight * surface.border[surface.faces[near.face]]).sum(axis=1) > 0.99


def _turns(before: Surface, after: Surface) -> F64:
    """Rotations [V, 3, 3] of the surface around each vertex of a mesh that moved from `before` to `after`.

    The deformation is averaged over some centimetres and its stretch left out: faces differ in how thick their lips
    are, but a jaw opens as far.
    """
    per_face = _frames(after) @ np.linalg.inv(_frames(before))
    a, b, c = before.vertices[before.faces.T]
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    total = np.zeros((len(before.vertices), 3, 3))
    np.add.at(total, before.faces, (area[:, None, None] * per_face)[:, None])
    around = before.neighbours()
    for _ in range(SMOOTHING):
        total = (total + (around @ total.reshape(-1, 9)).reshape(-1, 3, 3)) / 2
    U, _, Vt = np.linalg.svd(total + 1e-12 * np.eye(3))
    return U @ Vt


def _frames(surface: Surface) -> F64:
    """Two edges and a normal as long as the triangle is wide, [F, 3, 3] columns."""
    a, b, c = surface.vertices[surface.faces.T]
    normal = np.cross(b - a, c - a)
    length = np.sqrt(np.maximum(np.linalg.norm(normal, axis=1), 1e-12))
    return np.stack([b - a, c - a, surface.face_normals * length[:, None]], axis=-1) + 1e-9 * np.eye(3)


def _carrier(onto: Surface, of: Surface, turns: F64 | None) -> Carrier:
    """The nearest place on `of` for every vertex of `onto`."""
    near = of.nearest(onto.vertices, onto.normals)
    used = np.zeros(len(onto.vertices), bool)
    used[onto.faces] = True
    closeness = np.clip((DISTRUSTED - near.distance) / (DISTRUSTED - TRUSTED), 0, 1)
    trust = np.where(used & ~_at_border(near, of), closeness, 0.0)
    index = of.faces[near.face]
    turn = np.tile(np.eye(3), (len(index), 1, 1))
    if turns is not None:
        turn = np.einsum("vk,vkab->vab", near.weight, turns[index])
    return Carrier(
        index.astype(np.int32), near.weight.astype(np.float32), turn.astype(np.float32), trust.astype(np.float32)
    )
