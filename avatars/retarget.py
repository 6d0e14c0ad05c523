"""One head's motion on another: carry the displacements over, then find expression and jaw that show them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core.rotation import rotation_matrices
from .head import JAW, ExpressionTable, HeadModel
from .motion import Motion
from .pose import Poser
from .registration import Carrier, Registration, seen_eye_area, skin_surface

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

CHUNK = 64  # frames at a time
ROUNDS = 8  # Gauss-Newton steps of the jaw
STEP = 1e-3  # radians, for the derivative by the jaw
JAW_RANGE = -0.1, 0.7  # radians
PRIOR = 0.00002  # metres: a coefficient of 1 costs as much as this error all over the face
JAW_PRIOR = 0.0005  # metres: so does a jaw that differs from the first guess by one radian
BLINKS = np.linspace(1.0, 1.8, 9)  # strengths of a blink that are tried
SHUT = 0.03  # share of the open eye that may still be seen
HINGED = [4, 5, 7, 8]  # elements of a rotation matrix that a turn about X changes
LIPS = 0.15  # weight of the few vertices where the lips meet, relative to all others
DETAIL, DETAIL_REACH = 8.0, 0.015  # weight of lips and lids above the rest of the face, metres around them


class ExpressionSolver:
    """Finds expression and jaw angle of a head whose skin is to be in given places.

    For a given jaw the best expression is a linear function of the vertices taken back through the skinning (ridge
    regression); the jaw is found by Gauss-Newton on what then remains (variable projection, Golub and Pereyra 1973).
    """

    def __init__(self, head: HeadModel, trust: NDArray[np.floating]) -> None:
        """`trust` [V] 0..1 weighs the vertices; those of weight 0 may be anywhere."""
        from scipy.linalg import cho_factor

        weight = trust * importance(head)
        self._rows = np.flatnonzero(weight > 1e-9)
        weight = weight[self._rows] / weight.sum()
        self._head = head
        self._weight = np.sqrt(weight)  # [n]
        self._skin = head.weights[self._rows, JAW].astype(np.float64)
        joint_modes = np.zeros((3, head.expressions)) if head.joint_exprdirs is None else head.joint_exprdirs[JAW]
        self._joint_modes = joint_modes.astype(np.float64)
        # weighted, in planes: all x, all y, all z
        self._template = self._planes(head.v_template)
        corrective = head.posedirs[:, :, 9 * (JAW - 1) : 9 * JAW][..., HINGED]
        self._corrective = self._planes(corrective).reshape(-1, len(HINGED)).T  # [4, 3n]
        basis = self._planes(head.exprdirs).reshape(-1, head.expressions)
        self._basis = basis
        self._square = cho_factor(basis.T @ basis + PRIOR**2 * np.eye(head.expressions))

    def _planes(self, field: NDArray[np.floating]) -> F64:
        """A field [V, 3, ...] of the head at the vertices that count, times their weights, [3, n, ...]."""
        of_ours = field[self._rows].astype(np.float64)
        return np.ascontiguousarray(np.moveaxis((of_ours.T * self._weight).T, 1, 0))

    def __call__(self, vertices: F64, jaw: F64, *, fixed_jaw: bool = False) -> tuple[F64, F64]:
        """Expression [T, E] and jaw angle [T] for wanted vertices [T, V, 3], from a first guess of the jaw [T]."""
        wanted, first = np.ascontiguousarray(np.moveaxis(vertices[:, self._rows], 2, 0)), jaw
        wanted *= self._weight
        expr = np.zeros((len(jaw), self._head.expressions))
        fixed_jaw = fixed_jaw or not self._skin.any()  # a jaw that is part of the expressions cannot be told from them
        for _ in range(0 if fixed_jaw else ROUNDS):
            residual = self._unposed(wanted, jaw, expr)
            expr = self._best(residual @ self._basis)
            slope = self._unposed(wanted, jaw + STEP, expr) - residual
            slope /= STEP
            # products with what no expression explains
            shown = slope @ self._basis
            rest = _dot(slope, residual) - _dot(shown, expr)
            free = _dot(slope, slope) - _dot(shown, self._best(shown))
            pull = JAW_PRIOR**2
            jaw = np.clip(jaw - (rest + pull * (jaw - first)) / (free + pull), *JAW_RANGE)
        for _ in range(2):  # the joint follows the expression a little
            expr = self._best(self._unposed(wanted, jaw, expr) @ self._basis)
        return expr, jaw

    def _best(self, shown: F64) -> F64:
        """Expressions [T, E] by ridge regression, from the products [T, E] of what they shall show with the basis."""
        from scipy.linalg import cho_solve

        return cho_solve(self._square, shown.T).T

    def _unposed(self, wanted: F64, jaw: F64, expr: F64) -> F64:
        """What an expression must add to the neutral face [T, 3n], weighted: the skinning by the jaw is undone.

        wanted: [3, T, n], weighted
        """
        zero = np.zeros_like(jaw)
        turn = rotation_matrices(np.stack([jaw, zero, zero], axis=1).astype(np.float32)).astype(np.float64) - np.eye(3)
        joint = self._head.joints[JAW] + expr @ self._joint_modes.T
        shift = (turn @ joint[..., None])[:, :, 0]
        follows = self._weight * self._skin
        # skinned rotations about X are scaled rotations of y and z, which are easily undone
        along = 1 + self._skin * (np.cos(jaw) - 1)[:, None]
        across = self._skin * np.sin(jaw)[:, None]
        y, z = (wanted[axis] + follows * shift[:, axis, None] for axis in (1, 2))
        size = along * along + across * across
        out = (turn.reshape(-1, 9)[:, HINGED] @ -self._corrective).reshape(len(jaw), 3, -1)
        out -= self._template
        out[:, 0] += wanted[0]
        out[:, 1] += (along * y + across * z) / size
        out[:, 2] += (along * z - across * y) / size
        return out.reshape(len(jaw), -1)


def _dot(a: F64, b: F64) -> F64:
    """Row by row, [T]."""
    return np.einsum("tn,tn->t", a, b)


def importance(head: HeadModel) -> F64:
    """How much each vertex' place matters, [V]: by the area around it, more at lips and lids."""
    from scipy.spatial import KDTree

    skin = skin_surface(head)
    a, b, c = skin.vertices[skin.faces.T]
    area = np.zeros(len(skin.vertices))
    np.add.at(area, skin.faces, (np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6)[:, None])
    eyes = [head.joints[3:5] + np.array([0, 0, 0.012])]
    fine = np.concatenate([head.v_template[head.lip_pairs.ravel()], head.v_template[head.mouth_corners], *eyes])
    distance = KDTree(fine).query(skin.vertices)[0]
    weight = area * (1 + DETAIL * np.exp(-((distance / DETAIL_REACH) ** 2)))
    lips = np.unique(head.lip_pairs)
    weight[lips] += LIPS * weight.sum() / len(lips)
    return weight


class Retargeter:
    """Turns expressions and jaw of one head into those of another that show the same motion of the face."""

    def __init__(self, source: HeadModel, target: HeadModel, carrier: Carrier) -> None:
        """`carrier` carries displacements from `source` to `target`."""
        self._poser = Poser(source)
        self._carrier = carrier
        self._target = target
        self._solver = ExpressionSolver(target, carrier.trust)

    def motion(self, motion: Motion) -> Motion:
        """The motion on the target head; head and eyes move as before."""
        parts = [self._solved(chunk) for chunk in motion.chunks(CHUNK)]
        return Motion.concatenate(parts)

    def table(self, table: ExpressionTable) -> ExpressionTable:
        """Named expressions on the target head; the jaw stays where it is closed."""
        rest = Motion.rest(len(table.names), table.expr.shape[1], 25.0)
        jaw = np.stack([table.jaw, 0 * table.jaw, 0 * table.jaw], axis=1)
        closed = table.jaw == 0
        free = self.motion(replace(rest, expr=table.expr, jaw=jaw))
        still = self._expression(replace(rest, expr=table.expr, jaw=jaw), fixed_jaw=True)[0]
        expr = np.where(closed[:, None], still, free.expr).astype(np.float32)
        return ExpressionTable(table.names, expr, np.where(closed, 0, free.jaw[:, 0]).astype(np.float32))

    def _solved(self, motion: Motion) -> Motion:
        expr, angle = self._expression(motion, fixed_jaw=False)
        jaw = motion.jaw.copy()
        jaw[:, 0] = angle
        return replace(motion, expr=expr.astype(np.float32), jaw=jaw)

    def _expression(self, motion: Motion, *, fixed_jaw: bool) -> tuple[F64, F64]:
        face = Motion.rest(len(motion), motion.expr.shape[1], motion.fps)
        hinge = motion.jaw * np.array([1, 0, 0], np.float32)  # what turns the jaw aside stays as it is
        posed = self._poser.vertices(replace(face, expr=motion.expr, jaw=hinge))
        carried = self._carrier(posed - self._poser.head.v_template)
        return self._solver(self._target.v_template + carried, hinge[:, 0].astype(np.float64), fixed_jaw=fixed_jaw)


def with_expressions(target: HeadModel, source: HeadModel, registration: Registration) -> HeadModel:
    """The target head with the source's ARKit shapes, emotions, visemes and regions, carried over."""
    retarget = Retargeter(source, target, registration.forward)
    count = len(source.v_template)
    carried = {
        name: np.flatnonzero(registration.forward.marks(vertices, count)).astype(np.int32)
        for name, vertices in source.regions.items()
    }
    return replace(
        target,
        arkit=_closing_lids(target, retarget.table(source.arkit)),
        emotions=retarget.table(source.emotions),
        visemes=retarget.table(source.visemes),
        regions={name: rows for name, rows in carried.items() if len(rows)} | target.regions,
    )


def _closing_lids(head: HeadModel, arkit: ExpressionTable) -> ExpressionTable:
    """The table with blinks strong enough to close the eyes of this head, whose lids may be farther apart."""
    expr = arkit.expr.copy()
    for eye, shape in (("left_eye", "eyeBlinkLeft"), ("right_eye", "eyeBlinkRight")):
        for row in arkit.rows(shape):
            blink = (head.exprdirs @ arkit.expr[row]).astype(np.float32)
            open_area = seen_eye_area(head, eye)
            for strength in BLINKS:
                expr[row] = strength * arkit.expr[row]
                lids = replace(head, v_template=head.v_template + np.float32(strength) * blink)
                if seen_eye_area(lids, eye) <= SHUT * open_area:
                    break
    return replace(arkit, expr=expr)
