"""Exact skinning of the jaw's rotation about X as polynomials in its sine and cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .head import JAW, HeadModel

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class JawPolynomial:
    """Displacement of N vertices from the neutral face, metres in the head's own frame.

    With s = sin(jaw), c = cos(jaw) - 1 it is linear in the expression, so that solving for it needs no iteration:
    d = [c, s, cc, cs, ss] . constant + [1, c, s] . (slope @ expr).
    """

    constant: F64  # [5, N, 3]
    slope: F64  # [3, N, 3, E]


def jaw_polynomial(head: HeadModel, vertices: I32) -> JawPolynomial:
    """How `vertices` [N] of a head move with its jaw and its expression."""
    point = head.v_template[vertices].astype(np.float64) - head.joints[JAW]
    # columns of the jaw's R - I, row-major: (1, 1) and (2, 2) hold c, (1, 2) holds -s, (2, 1) holds s
    corrective = head.posedirs[vertices, :, 9 * (JAW - 1) : 9 * JAW].astype(np.float64)
    by_c, by_s = corrective[..., 4] + corrective[..., 8], corrective[..., 7] - corrective[..., 5]
    w = head.weights[vertices, JAW].astype(np.float64)[:, None]
    modes = head.exprdirs[vertices].astype(np.float64)
    joint = 0 if head.joint_exprdirs is None else head.joint_exprdirs[JAW].astype(np.float64)
    turned = modes - joint  # the jaw turns about its joint, wherever the expression puts that
    turn_c, turn_s = _turns()
    constant = [
        by_c + w * (point @ turn_c),
        by_s + w * (point @ turn_s),
        w * (by_c @ turn_c),
        w * (by_c @ turn_s + by_s @ turn_c),
        w * (by_s @ turn_s),
    ]
    slope = [modes, *(w[..., None] * np.einsum("nae,ab->nbe", turned, turn) for turn in (turn_c, turn_s))]
    return JawPolynomial(np.stack(constant), np.stack(slope))


def jaw_terms(jaw: F64) -> tuple[F64, F64]:
    """[1, c, s] of shape [n, 3] and [c, s, cc, cs, ss] of shape [n, 5] of jaw angles [n] (radians)."""
    c, s = np.cos(jaw) - 1, np.sin(jaw)
    return np.stack([np.ones_like(c), c, s], axis=1), np.stack([c, s, c * c, c * s, s * s], axis=1)


def _turns() -> tuple[F64, F64]:
    """What multiplies c and s in a rotation about X, for row vectors [3] @ matrix."""
    by_c, by_s = np.diag([0.0, 1.0, 1.0]), np.zeros((3, 3))
    by_s[1, 2], by_s[2, 1] = 1, -1  # y' = -s z, z' = s y
    return by_c, by_s
