"""The head's mesh: which faces of MakeHuman's body it keeps, what is added, and named sets of its vertices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from . import teeth
from .eyes import eyeball
from .geometry import fit_sphere, quad_triangles
from .makehuman import MakeHuman
from .people import Person

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

EYES = ("helper-l-eye", "helper-r-eye")
EYE_HEIGHT = np.array([0, 0.035, 0.055])  # between the eyes, in FLAME space
EYE_SETBACK = np.array([0, 0, -0.0006])  # of the eyeballs behind MakeHuman's
EYE_SIZE = 0.985  # of MakeHuman's eyeballs
CUT_BELOW, CUT_BESIDE = 0.235, 0.205  # metres from the eyes; bounds head, neck and upper chest


@dataclass(frozen=True, eq=False)
class Head:
    """One person's neutral head in FLAME space (metres, Y up, face to +Z)."""

    source: F64  # [MakeHuman's vertices, 3] the whole body, moved to FLAME space
    vertices: F64  # [V, 3]
    eyes: F64  # [2, 3] centres of the eyeballs, left then right
    eye_radius: F64  # [2]


class Topology:
    """Vertex list and triangles shared by all people; decided once on a reference person."""

    def __init__(self, makehuman: MakeHuman, reference: F64) -> None:
        self.makehuman = makehuman
        kept = _head_quads(makehuman, reference)
        quads = makehuman.quads[kept]
        self.skin_ids = np.unique(quads)
        self.skin_quads = np.searchsorted(self.skin_ids, quads)  # [Q, 4]
        self.skin_uv = makehuman.quad_uv[kept]  # [Q, 4, 2]
        self.tongue_ids = makehuman.groups["helper-tongue"]
        self.inner_lips = _inner_lips(makehuman, reference, self.skin_ids)
        self.parts, self.faces = self._assemble(reference)

    @property
    def vertex_count(self) -> int:
        """V."""
        return self.parts["right_eye"].stop

    @property
    def skin_count(self) -> int:
        """The skin's vertices come first."""
        return len(self.skin_ids)

    def head(self, body: F64) -> Head:
        """Place a MakeHuman body [n, 3] in FLAME space and add teeth and eyeballs."""
        groups = self.makehuman.groups
        between = np.concatenate([body[groups[g]] for g in EYES]).mean(0)
        body = body + EYE_HEIGHT - between
        spheres = [fit_sphere(body[groups[g]]) for g in EYES]
        eyes = np.array([centre + EYE_SETBACK for centre, _ in spheres])
        radius = np.array([r * EYE_SIZE for _, r in spheres])
        pieces = [body[self.skin_ids], body[self.tongue_ids]]
        pieces += [v for v, _ in self._teeth(body)]
        pieces += [eyeball()[0] * r + c for c, r in zip(eyes, radius, strict=True)]
        return Head(body, np.concatenate(pieces), eyes, radius)

    def _teeth(self, body: F64) -> list[tuple[F64, I64]]:
        lip_y = float(body[list(self.inner_lips.midline), 1].mean())
        groups = self.makehuman.groups
        strips = (body[groups["helper-upper-teeth"]], body[groups["helper-lower-teeth"]])
        return [teeth.row(a, s, lip_y) for a, s in zip((teeth.UPPER, teeth.LOWER), strips, strict=True)]

    def _assemble(self, reference: F64) -> tuple[dict[str, slice], I64]:
        tongue = self.makehuman.quads[self.makehuman.quad_group == "helper-tongue"]
        upper, lower = self._teeth(reference)
        ball = eyeball()[1]
        pieces = {
            "skin": _skin_triangles(self.skin_quads, self.makehuman.vertices[self.skin_ids]),
            "tongue": quad_triangles(np.searchsorted(self.tongue_ids, tongue)),
            "teeth_upper": upper[1],
            "teeth_lower": lower[1],
            "left_eye": ball,
            "right_eye": ball,
        }
        parts, faces, start = {}, [], 0
        for name, triangles in pieces.items():
            stop = start + int(triangles.max()) + 1
            parts[name] = slice(start, stop)
            faces.append(triangles + start)
            start = stop
        return parts, np.concatenate(faces)

    def triangles_of(self, part: str) -> I64:
        """Indices of the triangles of a part."""
        inside = (self.faces >= self.parts[part].start) & (self.faces < self.parts[part].stop)
        return np.flatnonzero(inside.all(1))

    def local(self, ids: I64) -> I64:
        """Skin vertices of MakeHuman vertex ids."""
        return np.searchsorted(self.skin_ids, ids)

    @cached_property
    def mirror(self) -> I64:
        """For each skin vertex the one that lies opposite, [S]."""
        skin = self.makehuman.vertices[self.skin_ids]
        return np.asarray(KDTree(skin).query(skin * [-1, 1, 1])[1], np.int64)

    @cached_property
    def mouth_corners(self) -> I64:
        """Left and right corner of the mouth, [2] vertices."""
        return self.local(np.array([self.inner_lips.upper[-1], self.inner_lips.upper[0]]))

    @cached_property
    def lip_pairs(self) -> I64:
        """Facing upper and lower vertices [7, 2] of the inner lips, from the right corner to the left."""
        x = self.makehuman.vertices[:, 0]
        upper, lower = self.inner_lips.upper, self.inner_lips.lower
        middle = len(lower) // 2
        chosen = lower[middle - 3 : middle + 4]
        partner = upper[np.abs(x[upper][None] - x[chosen][:, None]).argmin(1)]
        return self.local(np.stack([partner, chosen], 1))

    def regions(self, jaw_weight: F64, root_weight: F64) -> dict[str, I64]:
        """Named vertex sets; the weights [V] are those of the skinning."""
        inside = self._masked("inside-mouth")
        lips = np.flatnonzero(self._masked("lips") & ~inside)
        low = jaw_weight[lips] >= 0.35
        skin = np.arange(self.skin_count)
        regions = {
            "skin": skin,
            "lips": lips,
            "upper_lip": lips[~low],
            "lower_lip": lips[low],
            "mouth_bag": self.mouth_bag,
            "left_lid": self._moved_by("eyeBlinkLeft", by=0.5e-3),
            "right_lid": self._moved_by("eyeBlinkRight", by=0.5e-3),
            "brows": self._moved_by("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", by=4e-3),
            "jaw": skin[jaw_weight[skin] > 0.5],
            "neck": skin[root_weight[skin] > 0.3],
        }
        return regions | {n: np.arange(s.start, s.stop) for n, s in self.parts.items() if n != "skin"}

    @cached_property
    def mouth_bag(self) -> I64:
        """Vertices of the lining of the mouth."""
        return np.flatnonzero(self._masked("inside-mouth"))

    def _masked(self, mask: str) -> NDArray[np.bool_]:
        """Skin vertices [S] in a texture mask."""
        uv = np.zeros((self.skin_count, 2))
        uv[self.skin_quads.ravel()] = self.skin_uv.reshape(-1, 2)
        return self.makehuman.mask(mask, uv) > 0.4

    def _moved_by(self, *units: str, by: float) -> I64:
        motion = sum(np.linalg.norm(self.makehuman.face_units[u][self.skin_ids], axis=1) for u in units)
        return np.flatnonzero(motion > by)


@dataclass(frozen=True, eq=False)
class InnerLips:
    """The closed loop of edges where the lips meet, as MakeHuman vertex ids."""

    upper: I64  # right corner .. midline .. left corner
    lower: I64  # the same way, without the corners
    midline: tuple[int, int]  # upper, lower


def _skin_triangles(quads: I64, rest: F64) -> I64:
    """Two triangles per quad, cut alike on both sides of the face.

    Each triangle starts at the quad's side that runs most nearly across the face: this edge carries the frame
    of its Gaussians, which then turn with a brow or lip that is raised at one end.
    """
    corners = rest[quads]
    diagonal = [np.linalg.norm(corners[:, k] - corners[:, k + 2], axis=1) for k in (0, 1)]
    turned = np.where((diagonal[1] < diagonal[0] - 1e-6)[:, None], np.roll(quads, -1, axis=1), quads)
    # the quad's sides are edges 0 and 1 of the first triangle, 1 and 2 of the second
    triangles = quad_triangles(turned)
    sides = np.repeat([[0, 1], [1, 2]], len(quads), axis=0)
    edges = rest[np.roll(triangles, -1, axis=1)] - rest[triangles]
    across = np.abs(edges[..., 0]) / np.linalg.norm(edges, axis=2)
    better = np.take_along_axis(across, sides, axis=1).argmax(1)
    first = np.take_along_axis(sides, better[:, None], axis=1)
    return np.take_along_axis(triangles, (first + np.arange(3)) % 3, axis=1)


def _head_quads(makehuman: MakeHuman, body: F64) -> I64:
    """Body quads of head, neck and upper chest, without loose islands."""
    eye_y = np.concatenate([body[makehuman.groups[g]] for g in EYES])[:, 1].mean()
    centre = body[makehuman.quads].mean(1)
    near = (centre[:, 1] > eye_y - CUT_BELOW) & (np.abs(centre[:, 0]) < CUT_BESIDE)
    kept = np.flatnonzero((makehuman.quad_group == "body") & near)
    quads = makehuman.quads[kept]
    links = (np.ones(quads.size), (quads.ravel(), np.roll(quads, -1, 1).ravel()))
    graph = sparse.coo_matrix(links, shape=(len(body), len(body)))
    piece = csgraph.connected_components(graph, directed=False)[1][quads[:, 0]]
    return kept[np.bincount(piece)[piece] > 40]


def _inner_lips(makehuman: MakeHuman, body: F64, skin_ids: I64) -> InnerLips:
    """Start where jawOpen parts the lips on the midline, then follow the edge loop around the mouth."""
    eye_y = np.concatenate([body[makehuman.groups[g]] for g in EYES])[:, 1].mean()
    drop = eye_y - body[skin_ids, 1]
    middle = skin_ids[(np.abs(body[skin_ids, 0]) < 1e-4) & (drop > 0.04) & (drop < 0.11)]
    middle = middle[body[middle, 2] > body[middle, 2].max() - 0.035]
    opening = np.linalg.norm(makehuman.face_units["jawOpen"][middle], axis=1)
    still, moved = middle[opening < 0.012], middle[opening > 0.02]
    top, bottom = still[body[still, 1].argmin()], moved[body[moved, 1].argmax()]
    loop = _edge_loop(makehuman.quads[makehuman.quad_group == "body"], int(top), body)
    x = makehuman.vertices[loop, 0]
    loop = np.roll(loop, -int(x.argmin()))
    left = int(makehuman.vertices[loop, 0].argmax())
    upper, lower = loop[: left + 1], loop[:left:-1]
    if top not in upper:
        upper, lower = np.r_[loop[0], lower, loop[left]], upper[1:-1]
    return InnerLips(upper, lower, (int(top), int(bottom)))


def _edge_loop(quads: I64, start: int, body: F64) -> I64:
    """The closed loop of edges through `start` that leaves towards +x and goes straight on at every vertex."""

    def around(vertex: int) -> tuple[set[int], set[int]]:
        faces = set(np.flatnonzero((quads == vertex).any(1)).tolist())
        edges = {int(q[k - s]) for q in quads[list(faces)] for k in [int(np.argmax(q == vertex))] for s in (1, 3)}
        return faces, edges

    faces, edges = around(start)
    loop = [start, max(edges, key=lambda v: body[v, 0])]
    while True:
        here, edges = around(loop[-1])
        beside = set(quads[list(faces & here)].ravel().tolist())
        (ahead,) = edges - beside
        if ahead == start:
            return np.array(loop)
        loop.append(ahead)
        faces = here


def resting_body(makehuman: MakeHuman, person: Person) -> F64:
    """The person's MakeHuman body with the resting expression."""
    body = makehuman.person(person.shape)
    return body + sum(w * makehuman.face_units[n] for n, w in person.resting.items())
