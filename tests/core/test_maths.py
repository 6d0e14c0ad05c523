from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.maths import runs


@given(st.lists(st.booleans(), max_size=60))
def test_runs_are_where_the_mask_is(mask: list[bool]) -> None:
    again = np.zeros(len(mask), bool)
    found = list(runs(np.array(mask, bool)))
    for a, b in found:
        assert a < b
        again[a:b] = True
    assert again.tolist() == mask
    assert all(b < c for (_, b), (c, _) in pairwise(found))
