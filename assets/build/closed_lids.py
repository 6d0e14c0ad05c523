"""How a closed upper lid shows: a crease, the fold above it, the ball of the eye and thin skin below, a dark edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .geometry import smoothstep

F64 = NDArray[np.float64]

MM = 1e-3
CREASE_HEIGHT = 9.8 * MM  # of the crease above the lid's edge, in the middle
CREASE = {0.75 * MM: 0.52, 2.3 * MM: 0.14}  # light that it takes, by width (standard deviation)
CREASE_CONTRAST = np.array([0.65, 0.9, 1.0])  # red light scatters farthest under the skin and fills creases
FOLD, FOLD_OFF, FOLD_WIDTH = 0.06, 3.0 * MM, 1.3 * MM  # light on the soft fold that hangs over the crease
BALL, BALL_HEIGHT, BALL_WIDTH = 0.09, 0.42, 0.20  # light on the ball of the eye, in units of the crease's height
HOOD, HOOD_HEIGHT = np.array([-0.04, 0.025, 0.035]), 11 * MM  # warmth of the skin that hangs from the brow
THIN_SKIN = np.array([0.015, 0.055, 0.055])  # taken by the blood under the lid's thin skin
EDGE, EDGE_WIDTH = np.array([0.24, 0.34, 0.34]), 0.6 * MM  # taken at the roots of the lashes
BELOW, BELOW_OFF, BELOW_WIDTH = 0.12, 1.3 * MM, 0.8 * MM  # shadow of the lashes on the lower lid


def closed_lids(edges: list[F64], points: F64, radius: ArrayLike = 0.0) -> F64:
    """Factors of light [n, 3] at points [n, 3] of skin around closed eyes with these `edges` [k, 3] of upper lids.

    `radius` [n]: standard deviation over which what lies at a point shows.
    """
    out = np.ones((len(points), 3))
    for edge in edges:
        along, ends = _place(edge, points)
        above, off = _above(edge, points), _off_crease(edge, points, along)
        up = above / np.maximum(above - off, 2 * MM)  # 0 at the edge, 1 at the crease
        lid = ends * smoothstep(-0.05, 0.10, up) * smoothstep(1.05, 0.8, up)
        light = FOLD * ends * _bump(off - FOLD_OFF, FOLD_WIDTH)
        light += BALL * lid * _bump(up - BALL_HEIGHT, BALL_WIDTH) * _bump(along - 0.5, 0.24)
        light -= BELOW * ends * _bump(above + BELOW_OFF, BELOW_WIDTH)
        hood = ends * smoothstep(-0.5 * MM, 2 * MM, off) * smoothstep(HOOD_HEIGHT, 0.4 * HOOD_HEIGHT, off)
        taken = lid[:, None] * THIN_SKIN + hood[:, None] * HOOD + (ends * _bump(above, EDGE_WIDTH))[:, None] * EDGE
        out *= (1 + light)[:, None] * (1 - taken)
    return out * (1 - CREASE_CONTRAST * lid_crease(edges, points, radius)[:, None])


def lid_crease(edges: list[F64], points: F64, radius: ArrayLike = 0.0) -> F64:
    """Share of light [n] that the creases of closed upper lids with these `edges` [k, 3] take from points [n, 3].

    A crease rises from above the inner corner, runs along the lid and comes down to the outer corner.
    """
    out = np.zeros(len(points))
    for edge in edges:
        along, ends = _place(edge, points)
        off, shade = _off_crease(edge, points, along), np.zeros(len(points))
        for width, amount in CREASE.items():
            wide = np.hypot(width, radius)  # the line as seen through what lies there
            shade += amount * width / wide * _bump(off, wide)
        out = np.maximum(out, ends * shade)
    return out


def _place(edge: F64, points: F64) -> tuple[F64, F64]:
    """Of points [n, 3]: place along the lid (0 inner .. 1 outer corner), and what share lies there and in front."""
    along = (points[:, 0] - edge[0, 0]) / (edge[-1, 0] - edge[0, 0])
    ends = smoothstep(-0.02, 0.22, along) * smoothstep(1.10, 0.86, along)
    return along, ends * (points[:, 2] > edge[:, 2].min() - CREASE_HEIGHT)


def _above(edge: F64, points: F64) -> F64:
    """Height [n] of points above a lid's edge, taken as a smooth curve."""
    x = points[:, 0].clip(edge[:, 0].min(), edge[:, 0].max())
    return points[:, 1] - np.polyval(np.polyfit(edge[:, 0] - edge[0, 0], edge[:, 1], 4), x - edge[0, 0])


def _off_crease(edge: F64, points: F64, along: F64) -> F64:
    """Height [n] of points above the crease: an arch over the line between the corners, from which the edge hangs."""
    corner_to_corner = edge[0, 1] + along * (edge[-1, 1] - edge[0, 1])
    hang = 0.5 * (edge[0, 1] + edge[-1, 1]) - edge[len(edge) // 2, 1]
    arch = np.sin(np.pi * np.clip(0.14 + 0.74 * along, 0, 1))
    return points[:, 1] - corner_to_corner - (CREASE_HEIGHT - hang) * arch


def _bump(off: F64, width: ArrayLike) -> F64:
    return np.exp(-0.5 * (off / np.asarray(width)) ** 2)
