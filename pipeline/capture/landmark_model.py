"""Where the points of MediaPipe's face mesh lie on a head, how they move with it, and what the tracker makes of them.

A tracker does not report where points of the skin are: it shrinks noses, brows and cheeks towards those that it has
learned from, and turned faces towards frontal ones. How much was measured on pictures of our own people
(`python -m emosplat.assets.build.landmarks`): the table holds each point's place on the head, a linear response to the
pose, the identity and the expression, and the modes and sizes of what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...core.errors import InputError
from ...core.npz import NpzFields

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FORMAT = "emosplat-landmarks-1"
TABLE = Path(__file__).parents[2] / "assets" / "heads" / "open-landmarks.npz"
NECK, JAW, LEFT_EYE, RIGHT_EYE = 1, 2, 3, 4
CARRIERS = (NECK, JAW, LEFT_EYE, RIGHT_EYE)  # joints that carry the points; the root carries none
ANGLES = ((JAW, 0), (JAW, 1), (LEFT_EYE, 0), (LEFT_EYE, 1), (RIGHT_EYE, 0), (RIGHT_EYE, 1))  # joint, axis
EARLY = 12  # modes of identity and of expression, the largest, whose response changes with the pose
CENTRE = np.array([0.0, 0.0, 0.06])  # metres in the head's frame: where its distance from the camera is measured
POWERS = tuple((i, j, 0) for i in range(4) for j in range(4 - i)) + tuple(
    (i, j, 1) for i in range(3) for j in range(3 - i)
)
USUAL_NEARNESS = 0.16
STEP = 1e-5  # radians, of the derivative of a rotation


@dataclass(frozen=True, eq=False)
class LandmarkTable:
    """L points of MediaPipe's mesh on the surface of one head, and how the tracker answers."""

    head: str  # version of the head
    points: I64  # [L] number in the mesh
    faces: I64  # [L] triangle of the head
    weights: F64  # [L, 3] barycentric
    response: F64  # [R, L, 2] metres right and down in the picture of an upright head, by the rows of `response_terms`
    modes: F64  # [K, L, 2] metres: errors that points share, of unit variance
    noise: F64  # [L] metres: standard deviation of what is left


def load_table(path: Path = TABLE) -> LandmarkTable:
    """Read a table; raises InputError naming the file and field."""
    fields = NpzFields(path)
    if (found := fields.text("format")) != FORMAT:
        raise fields.error("format", repr(FORMAT), repr(found))
    faces = fields.indices("faces", ("L",), 1 << 20)
    noise = fields.floats("noise", ("L",)).astype(np.float64)
    if noise.min(initial=1) <= 0:
        raise fields.error("noise", "positive numbers", f"{noise.min():g}")
    return LandmarkTable(
        head=fields.text("head"),
        points=fields.indices("points", ("L",), 478).astype(np.int64),
        faces=faces.astype(np.int64),
        weights=fields.floats("weights", ("L", 3)).astype(np.float64),
        response=fields.floats("response", ("R", "L", 2)).astype(np.float64),
        modes=fields.floats("modes", ("K", "L", 2)).astype(np.float64),
        noise=noise,
    )


@dataclass(frozen=True, eq=False)
class Placed:
    """Points in the head's own frame, and how they change."""

    points: F64  # [T, L, 3]
    by_shape: F64 | None  # [T, L, 3, S]
    by_expr: F64  # [T, L, 3, E]
    by_angle: F64  # [T, L, 3, 6] by `ANGLES`


class LandmarkModel:
    """The points of a table on a head: FLAME's equations (Li et al. 2017), restricted to them, and their derivatives.

    The head stands still: neck and root are at rest. Shape is identity, then `extra` directions.
    """

    def __init__(self, head: HeadModel, table: LandmarkTable, extra: F64 | None = None) -> None:
        """extra: [V, 3, G] further directions of the neutral face. Raises InputError for a head of another layout."""
        if table.faces.max(initial=0) >= len(head.faces) or table.head != head.version:
            raise InputError(f"head: expected {table.head!r}, whose landmarks are known, found {head.version!r}")
        self.table = table
        self.extra = np.zeros((len(head.v_template), 3, 0)) if extra is None else extra
        self.identities, self.expressions = head.shapedirs.shape[2], head.expressions
        corners = head.faces[table.faces]  # [L, 3]
        shape = np.concatenate([head.shapedirs.astype(np.float64), self.extra], axis=2)
        bound = head.weights[corners].astype(np.float64)  # [L, 3, 5]
        bound[..., NECK] += bound[..., 0]  # at rest root and neck are the same
        self.shapes = shape.shape[2]
        self._carriers = [_Carrier.of(head, shape, corners, table.weights * bound[..., j], j) for j in CARRIERS]
        self.joints = head.joints.astype(np.float64)
        self._joint_shapes = np.einsum("jv,vas->jas", head.J_regressor.astype(np.float64), shape)
        follow = head.joint_exprdirs
        self._joint_exprs = np.zeros((5, 3, self.expressions)) if follow is None else follow.astype(np.float64)
        a, b, c = (head.v_template[corners[:, k]].astype(np.float64) for k in range(3))
        normals = np.cross(b - a, c - a)
        self.normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)

    def place(self, shape: F64, expr: F64, angles: F64, *, with_shape: bool = False) -> Placed:
        """Points of T faces: `shape` [S], `expr` [T, E], `angles` [T, 6] by `ANGLES`, radians."""
        frames, count = len(expr), len(self.table.points)
        turns, slopes = _turns(angles)
        features = (turns[:, 1:] - np.eye(3)).reshape(frames, -1)  # jaw, eyes
        joints = self.joints + self._joint_shapes @ shape + np.einsum("jae,te->tja", self._joint_exprs, expr)
        points = np.zeros((frames, count, 3))
        by_expr = np.zeros((frames, count, 3, self.expressions))
        by_angle = np.zeros((frames, count, 3, len(ANGLES)))
        by_shape = np.zeros((frames, count, 3, self.shapes)) if with_shape else None
        for i, carrier in enumerate(self._carriers):
            rows, turn, joint = carrier.rows, turns[:, i], joints[:, CARRIERS[i]]
            still = carrier.rest + carrier.shapes @ shape + np.einsum("lae,te->tla", carrier.exprs, expr, optimize=True)
            still = still + np.einsum("laf,tf->tla", carrier.correctives, features, optimize=True)
            arm = still - carrier.total[:, None] * joint[:, None]
            points[:, rows] += np.einsum("tab,tlb->tla", turn, arm) + carrier.total[:, None] * joint[:, None]
            # what turns is the displacement less its joint's
            moved = carrier.total[:, None, None]
            if i == 0:
                by_expr[:, rows] += carrier.exprs
                if by_shape is not None:
                    by_shape[:, rows] += carrier.shapes
            else:
                for out, dirs, own in (
                    (by_expr, carrier.exprs, self._joint_exprs[CARRIERS[i]]),
                    (by_shape, carrier.shapes, self._joint_shapes[CARRIERS[i]]),
                ):
                    if out is not None:
                        lever = dirs - moved * own
                        out[:, rows] += np.einsum("tab,lbe->tlae", turn, lever, optimize=True) + moved * own
            for a, (j, _) in enumerate(ANGLES):
                block = 9 * (j - JAW)
                change = np.einsum(
                    "laf,tf->tla", carrier.correctives[..., block : block + 9], slopes[:, a].reshape(-1, 9)
                )
                by_angle[..., a][:, rows] += np.einsum("tab,tlb->tla", turn, change)
                if j == CARRIERS[i]:
                    by_angle[..., a][:, rows] += np.einsum("tab,tlb->tla", slopes[:, a], arm)
        return Placed(points, by_shape, by_expr, by_angle)

    def answer(self, sight: F64, shape: F64, expr: F64, angles: F64) -> Answer:
        """What the tracker adds to T faces; `sight` [T, 3] as `line_of_sight` says, the others as in `place`."""
        rows = split_terms(self.table.response, self.identities, self.shapes, self.expressions)
        turning, early = len(rows["yaw identity"]), len(rows["yaw expression"])
        jaw = angles[:, 0]
        by_id = [rows[f"{way} identity"] for way in ("yaw", "pitch")]
        by_early = [rows[f"{way} expression"] for way in ("yaw", "pitch")]
        by_jaw, gaze_yaw, gaze_pitch, *turned_jaw = rows["angles"]
        identity = np.tile(rows["shape"], (len(sight), 1, 1, 1))
        expression = np.tile(rows["expression"], (len(sight), 1, 1, 1))
        turned = np.zeros((len(sight), len(ANGLES), *self.table.response.shape[1:]))
        turned[:, 0] = by_jaw
        turned[:, [3, 5]], turned[:, [2, 4]] = gaze_yaw / 2, gaze_pitch / 2
        for way in (0, 1):
            amount = sight[:, way, None, None, None]
            identity[:, :turning] += amount * by_id[way]
            expression[:, :early] += amount * by_early[way]
            turned[:, 0] += amount[:, 0] * turned_jaw[way]
        terms, slopes = sight_terms(sight)
        added = (
            np.einsum("tr,rla->tla", terms, rows["sight"])
            + np.einsum("tsla,s->tla", identity, shape, optimize=True)
            + np.einsum("tela,te->tla", expression, expr, optimize=True)
            + np.einsum("tkla,tk->tla", turned, angles)
        )
        by_sight = np.einsum("tkr,rla->tkla", slopes, rows["sight"])
        for way in (0, 1):
            by_sight[:, way] += np.tensordot(shape[:turning], by_id[way], 1)
            by_sight[:, way] += np.tensordot(expr[:, :early], by_early[way], 1) + jaw[:, None, None] * turned_jaw[way]
        return Answer(added, *(np.moveaxis(part, 1, -1) for part in (identity, expression, turned, by_sight)))


@dataclass(frozen=True, eq=False)
class Answer:
    """What a tracker adds to where points are, metres right and down in the picture of an upright head."""

    added: F64  # [T, L, 2]
    by_shape: F64  # [T, L, 2, S]
    by_expr: F64  # [T, L, 2, E]
    by_angle: F64  # [T, L, 2, 6]
    by_sight: F64  # [T, L, 2, 3]


def response_terms(sight: F64, shape: F64, identities: int, expr: F64, angles: F64) -> F64:
    """Rows [T, R] that the response is linear in; `sight` [T, 3], `shape` [T, S], `expr` [T, E], `angles` [T, 6]."""
    yaw, pitch = sight[:, :1], sight[:, 1:2]
    identity, early, jaw = shape[:, : min(EARLY, identities)], expr[:, :EARLY], angles[:, :1]
    gaze = np.stack([(angles[:, 3] + angles[:, 5]) / 2, (angles[:, 2] + angles[:, 4]) / 2], axis=1)
    parts = [sight_terms(sight)[0], shape, yaw * identity, pitch * identity, expr, yaw * early, pitch * early]
    return np.concatenate([*parts, jaw, gaze, yaw * jaw, pitch * jaw], axis=1)


def split_terms(response: F64, identities: int, shapes: int, expressions: int) -> dict[str, F64]:
    """A response [R, ...] by what its rows, those of `response_terms`, belong to."""
    early = min(EARLY, expressions)
    sizes = {
        "sight": len(POWERS),
        "shape": shapes,
        "yaw identity": min(EARLY, identities),
        "pitch identity": min(EARLY, identities),
        "expression": expressions,
        "yaw expression": early,
        "pitch expression": early,
        "angles": 5,
    }
    ends = np.cumsum(list(sizes.values()))
    if ends[-1] != len(response):
        raise InputError(f"landmarks: response: expected {ends[-1]} rows for this head, found {len(response)}")
    return dict(zip(sizes, np.split(response, ends[:-1]), strict=True))


def sight_terms(sight: F64) -> tuple[F64, F64]:
    """Products of yaw, pitch and nearness [T, 3] by `POWERS`, [T, 16], and their derivatives [T, 3, 16]."""
    centred = sight - [0, 0, USUAL_NEARNESS]
    powers = np.array(POWERS)

    def products(exponents: NDArray[np.integer]) -> F64:
        return np.prod(centred[:, None] ** np.maximum(exponents, 0), axis=2)

    slopes = [powers[:, k] * products(powers - np.eye(3, dtype=int)[k]) for k in range(3)]
    return products(powers), np.stack(slopes, axis=1)


def line_of_sight(turn: F64, place: F64) -> tuple[F64, F64]:
    """Yaw and pitch (radians) of a head against the line of sight, and a tenth of a metre by its distance, [T, 3];
    and its roll [T], radians.

    turn: [T, 3, 3] from the head to the camera (OpenCV's axes); place: [T, 3] of `CENTRE` before the camera
    """
    z = place / np.linalg.norm(place, axis=1, keepdims=True)
    x = np.cross(np.array([0.0, 1.0, 0.0]), z)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    look = np.stack([x, np.cross(z, x), z], axis=1)  # the camera, turned towards the head
    seen = np.array([1.0, -1.0, -1.0])[:, None] * (look @ turn)
    yaw = np.arctan2(seen[:, 0, 2], seen[:, 2, 2])
    pitch = -np.arcsin(np.clip(seen[:, 1, 2], -1, 1))
    return np.stack([yaw, pitch, 0.1 / place[:, 2]], axis=1), np.arctan2(seen[:, 1, 0], seen[:, 1, 1])


def sight_slopes(turn: F64, place: F64) -> F64:
    """How `line_of_sight` [T, 3] changes with a turn in the camera's axes and with the place, [T, 3, 6]."""
    columns = []
    for axis in np.eye(3) * STEP:
        turned = [line_of_sight(exponential(sign * axis) @ turn, place)[0] for sign in (1, -1)]
        columns.append((turned[0] - turned[1]) / (2 * STEP))
    for axis in np.eye(3) * STEP:
        moved = [line_of_sight(turn, place + sign * axis)[0] for sign in (1, -1)]
        columns.append((moved[0] - moved[1]) / (2 * STEP))
    return np.stack(columns, axis=-1)


@dataclass(frozen=True, eq=False)
class _Carrier:
    """What one joint carries of the points: sums over the corners, weighed by barycentric times skinning weight."""

    rows: I64  # [n] points
    total: F64  # [n] share of the joint
    rest: F64  # [n, 3]
    shapes: F64  # [n, 3, S]
    exprs: F64  # [n, 3, E]
    correctives: F64  # [n, 3, 27] of jaw and eyes

    @staticmethod
    def of(head: HeadModel, shape: F64, corners: NDArray[np.integer], share: F64, joint: int) -> _Carrier:
        rows = np.flatnonzero(share.max(axis=1) > 1e-6)
        at, w = corners[rows], share[rows]

        def gathered(array: NDArray[np.floating]) -> F64:
            return np.einsum("nk,nk...->n...", w, array[at].astype(np.float64))

        correctives = gathered(head.posedirs[..., 9:])
        return _Carrier(
            rows, w.sum(axis=1), gathered(head.v_template), gathered(shape), gathered(head.exprdirs), correctives
        )


def _turns(angles: F64) -> tuple[F64, F64]:
    """Rotations [T, 4, 3, 3] of `CARRIERS` and their derivatives by `ANGLES` [T, 6, 3, 3]."""
    frames = len(angles)
    vectors = np.zeros((frames, len(CARRIERS), 3))
    for a, (j, axis) in enumerate(ANGLES):
        vectors[:, CARRIERS.index(j), axis] = angles[:, a]
    slopes = np.empty((frames, len(ANGLES), 3, 3))
    for a, (j, axis) in enumerate(ANGLES):
        step = STEP * np.eye(3)[axis]
        own = vectors[:, CARRIERS.index(j)]
        slopes[:, a] = (exponential(own + step) - exponential(own - step)) / (2 * STEP)
    return exponential(vectors), slopes


def exponential(vectors: F64) -> F64:
    """Rotation matrices [..., 3, 3] of axis-angle vectors [..., 3], in double precision."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*vectors.shape[:-1], 3, 3)
    half = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.eye(3) + np.sinc(angle / np.pi) * cross + half * (cross @ cross)
