"""A closed upper lid is no blank patch: a crease, thin skin over the ball of the eye, a dark edge."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("embreex", reason="the people are rebuilt with the extra 'build'")

from emosplat.assets.build.closed_lids import CREASE, CREASE_HEIGHT, closed_lids, lid_crease

MM = 1e-3


def test_a_crease_lies_above_the_edge_of_each_lid() -> None:
    x = np.linspace(15, 43, 60) * MM
    edges = [np.column_stack([s * x, np.zeros(60), np.full(60, 70 * MM)]) for s in (1, -1)]
    heights = np.linspace(0, 20 * MM, 81)
    for side in (1, -1):
        lost = lid_crease(edges, np.column_stack([np.full(81, side * 28 * MM), heights, np.full(81, 69 * MM)]))
        assert abs(heights[lost.argmax()] - CREASE_HEIGHT) < 1 * MM
        assert lost.max() == pytest.approx(sum(CREASE.values()), rel=0.05)
        assert lost[0] < 0.01
        assert lost[-1] < 0.01
    behind = lid_crease(edges, np.array([[28 * MM, CREASE_HEIGHT, 0.0]]))
    assert behind == 0


def test_only_closed_lids_and_what_is_next_to_them_change() -> None:
    """The crease is dark, the ball of the eye light, lashes' roots red and dark; far off nothing changes."""
    x = np.linspace(15, 43, 60) * MM
    edge = np.column_stack([x, -4 * MM * np.sin(np.linspace(0, np.pi, 60)), np.full(60, 70 * MM)])

    def at(height: float, along: float = 29 * MM, depth: float = 70 * MM) -> NDArray[np.float64]:
        return closed_lids([edge], np.array([[along, height - 4 * MM, depth]]))[0]

    crease, ball, roots = at(CREASE_HEIGHT), at(0.42 * CREASE_HEIGHT), at(0.0)
    assert crease.max() < 0.8
    assert ball[0] > 1
    assert roots[1] < roots[0] < 0.85
    for untouched in (at(-10 * MM), at(30 * MM), at(CREASE_HEIGHT, along=60 * MM), at(CREASE_HEIGHT, depth=0.0)):
        np.testing.assert_allclose(untouched, 1, atol=1e-3)
