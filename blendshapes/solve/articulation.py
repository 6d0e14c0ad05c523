"""Articulation axes to expression and jaw on a given head, and lips that meet on its mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...avatars.geometry import distance_to, motion_form, vertex_areas
from ...avatars.head import JAW, HeadModel
from ...avatars.jaw import jaw_polynomial, jaw_terms
from ...core.errors import InputError
from ...core.maths import smoothstep
from ..speech.encoder import AXES

F64 = NDArray[np.float64]

JAW_AXIS, CLOSE_AXIS, TUCK_AXIS = AXES.index("jaw"), AXES.index("close"), AXES.index("tuck")

# What each axis at 1 does, as weights of ARKit shapes; names without a side stand for both sides. Rounding and width
# reach 1.6 times as far as those of the filmed speaker whom the axes are fitted to (`speech/rules.py`): the width of
# his mouth changes by 0.056 of the distance between the eyes (5th to 95th percentile), that of 45 others by 0.113.
SHAPES = {
    "close": {"mouthPress": 0.10, "mouthRollLower": 0.12, "mouthRollUpper": 0.15, "mouthPucker": 0.25},
    "round": {"mouthPucker": 1.40, "mouthFunnel": 0.45},
    "wide": {"mouthStretch": 1.00, "mouthSmile": 0.40},
    "upper_lip": {"mouthUpperUp": 0.85},
    "lower_lip": {"mouthLowerDown": 0.45},
    "tuck": {"mouthRollLower": 0.55, "mouthUpperUp": 0.40},
    "tongue": {},  # inside the mouth it is hidden, and tongueOut would show it outside
}
JAW_OPENING = 0.025  # metres between the inner lips where the jaw axis is 1; running speech rarely exceeds 0.6
JAW_CURVE = 1.1  # exponent of the jaw axis: consonants stay small beside open vowels

CERTAIN = 0.5  # lead of /f v/ over /p b m/ from which it counts in full
TUCKED = 0.4  # share of the opening that a full tuck (/f v/) takes away: the lower lip meets the teeth, not the lip

PRESS = 0.00015  # metres of overlap of closed lips beyond the neutral face's own
DEEPEST = 0.0005  # metres: lips never overlap more than this
PARTED_AT_REST = 0.0005  # metres: a neutral face whose lips are farther apart closes them in pauses
BRIDGED = 0.0075  # metres of jaw opening that closed lips span at most; a wider jaw rises
KEPT = 0.5  # share of the opening of neutral speech that no emotion may take away
LIP_REACH = 0.006, 0.030  # metres from the inner lips: moves freely nearer, is kept in place farther away
LIP_COST = 0.05  # cost of moving the lips, relative to the rest of the face
RIDGE = 0.02  # cost of an expression mode in itself, relative to the mean cost of its motion
SOFTNESS = 2e-3  # regularisation of the contact equations, relative to their mean diagonal


class LipGap:
    """Opening between the inner lips by exact skinning of just those vertices.

    The gap [n, P] of the head's lip pairs is the height of the upper above the lower vertex, metres in the head's own
    frame; negative values overlap. It is the polynomial of `avatars/jaw.py` with the gap at rest before it:
    gap = [1, c, s, cc, cs, ss] . constant + [1, c, s] . (slope @ expr).
    """

    def __init__(self, head: HeadModel) -> None:
        """Raises InputError for a head without lip pairs."""
        if not len(head.lip_pairs):
            raise InputError(f"head {head.version!r}: lip_pairs: expected pairs of inner-lip vertices, found none")
        upper, lower = (self._height(head, vertices) for vertices in head.lip_pairs.T)
        self.constant = upper[0] - lower[0]  # [6, P]
        self.slope = upper[1] - lower[1]  # [3, P, E]
        self.pairs = len(head.lip_pairs)
        self.rest = self.constant[0]  # [P] of the neutral face

    @staticmethod
    def _height(head: HeadModel, vertices: NDArray[np.int32]) -> tuple[F64, F64]:
        """Height of the skinned vertices as (constant [6, n], slope [3, n, E]), plus that of the jaw's joint."""
        y = 1
        moved = jaw_polynomial(head, vertices)
        at_rest = head.v_template[vertices, y].astype(np.float64) - head.joints[JAW, y]
        return np.concatenate([at_rest[None], moved.constant[..., y]]), moved.slope[:, :, y]

    def __call__(self, expr: F64, jaw: F64) -> F64:
        """Gap [n, P] for expressions [n, E] and jaw angles [n] (radians)."""
        first, second = _gap_terms(jaw)
        return second @ self.constant + np.einsum("nk,kpe,ne->np", first, self.slope, expr, optimize=True)

    def jaw_for(self, opening: float) -> float:
        """Jaw angle (radians, at most 30 degrees) that parts the neutral face's lips by `opening` metres."""
        angles = np.linspace(0, np.radians(30), 301)
        middle = (_gap_terms(angles)[1] @ self.constant)[:, self.pairs // 2]
        return float(np.interp(opening, np.maximum.accumulate(middle - middle[0]), angles))


def _gap_terms(jaw: F64) -> tuple[F64, F64]:
    """[1, c, s] of shape [n, 3] and [1, c, s, cc, cs, ss] of shape [n, 6]."""
    first, second = jaw_terms(jaw)
    return first, np.concatenate([first[:, :1], second], axis=1)


class LipContact:
    """Moves the lips until their gap is what the speaker makes of it, with the least motion of the rest of the face.

    min_d  d'M d  subject to  G(jaw) d = wanted - found   for the change d of the expression; M weighs the motion of
    every vertex by its area and its distance from the lips, G is the slope of the gap. Solved in closed form for all
    frames at once: d = M^-1 G' (G M^-1 G' + softness)^-1 (wanted - found).
    """

    def __init__(self, head: HeadModel, gap: LipGap) -> None:
        self.gap = gap
        self._inverse = np.linalg.inv(_cost_of_motion(head))  # [E, E]
        self._closed = np.clip(np.minimum(gap.rest, 0) - PRESS, -DEEPEST, 0)  # [P] of pressed lips
        self._resting = np.clip(gap.rest, -DEEPEST, PARTED_AT_REST)
        self._bridged = gap.jaw_for(BRIDGED)
        spread = gap.slope @ self._inverse  # [3, P, E]
        self._spread = spread
        self._coupling = np.einsum("jpe,kqe->jkpq", spread, gap.slope)  # [3, 3, P, P]

    def __call__(self, expr: F64, jaw: F64, *, seal: F64, rest: F64, speech: F64) -> tuple[F64, F64]:
        """Expression [n, E] and jaw [n] with the lips in contact as asked.

        `seal` [n] 0..1: lips pressed together; `rest` [n] 0..1: mouth closed as on the neutral face;
        `speech` [n, P]: gap in metres that the speaker would have without an emotion. Open lips keep a share of it;
        closing lips come back to it, so that no emotion leaves them parted.
        """
        jaw = jaw * (1 - rest)
        jaw = jaw + seal * (_saturated(jaw, self._bridged) - jaw)
        found = self.gap(expr, jaw)
        opened = np.maximum(found + _ramp(KEPT * speech - found), -DEEPEST)
        opened = opened + seal[:, None] * np.minimum(speech - opened, 0)
        wanted = opened + rest[:, None] * (self._resting - opened)
        wanted = wanted + seal[:, None] * (self._closed - wanted)
        return expr + self._change(jaw, wanted - found), jaw

    def match(self, expr: F64, jaw: F64, *, gap: F64, share: F64) -> F64:
        """Expression [n, E] whose gap has gone `share` [n] of the way to `gap` [n, P]; lips never overlap too much."""
        found = self.gap(expr, jaw)
        wanted = np.maximum(found + share[:, None] * (gap - found), -DEEPEST)
        return expr + self._change(jaw, wanted - found)

    def _change(self, jaw: F64, residual: F64) -> F64:
        """Change of the expression [n, E] that changes the gap by `residual` [n, P]."""
        first, _ = jaw_terms(jaw)
        system = np.einsum("nj,nk,jkpq->npq", first, first, self._coupling, optimize=True)
        diagonal = SOFTNESS * np.trace(self._coupling[0, 0]) / self.gap.pairs
        force = np.linalg.solve(system + diagonal * np.eye(self.gap.pairs), residual[..., None])[..., 0]
        return np.einsum("nk,kpe,np->ne", first, self._spread, force, optimize=True)


def _saturated(x: F64, most: float) -> F64:
    """x for small values, `most` for large ones, smooth in between."""
    return most * np.tanh(x / most)


def _ramp(x: F64, *, knee: float = 0.0005) -> F64:
    """0 below 0, about x above, with a smooth knee (metres)."""
    x = np.maximum(x, 0)
    return x * x / (x + knee)


def _cost_of_motion(head: HeadModel) -> F64:
    """Quadratic form [E, E]: what it costs to move the face by an expression."""
    near, far = LIP_REACH
    apart = smoothstep((distance_to(head, head.lip_pairs.reshape(-1), within=far) - near) / (far - near))
    cost = vertex_areas(head) * (LIP_COST + (1 - LIP_COST) * apart)
    form = motion_form(head, cost)
    return form + RIDGE * np.trace(form) / len(form) * np.eye(len(form))


class Articulator:
    """Articulation axes to the expression and jaw of neutral speech on one head.

    Shapes are found by their ARKit names; those that the head lacks are left out.
    """

    def __init__(self, head: HeadModel, gap: LipGap) -> None:
        self._jaw = gap.jaw_for(JAW_OPENING)
        self._shapes = np.zeros((len(AXES), head.expressions))
        for axis, recipe in SHAPES.items():
            for name, weight in recipe.items():
                rows = [i for side in ("", "Left", "Right") for i in head.arkit.rows(name + side)]
                self._shapes[AXES.index(axis)] += weight * head.arkit.expr[rows].sum(axis=0)

    def __call__(self, axes: F64) -> tuple[F64, F64]:
        """Expression [n, E] and jaw angle [n] (radians) of axes [n, 8]; lips are not yet in contact."""
        axes = np.clip(axes, 0, 1)
        return axes @ self._shapes, axes[:, JAW_AXIS] ** JAW_CURVE * self._jaw


def seal(axes: F64) -> F64:
    """How far the lips are closed [n], 0..1, by the axes [n, 8]: by /p b m/ in full, by /f v/ a little."""
    closed, tuck = np.clip(axes[:, CLOSE_AXIS], 0, 1), axes[:, TUCK_AXIS]
    tucked = smoothstep((tuck - closed) / CERTAIN)  # a lip between the teeth cannot meet the other lip
    return closed + tucked * (TUCKED - closed)
