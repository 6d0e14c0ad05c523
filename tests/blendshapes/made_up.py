"""Face motions that hypothesis makes up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from emosplat.blendshapes.face_motion import ARRAYS, BASIS, EMOTION, REGIONS, SHAPES, SPEECH, FaceMotion

CHANNELS = (*SHAPES, *SPEECH, EMOTION + "happy", EMOTION + "sad", BASIS + "some head:0", BASIS + "some head:17")
FRAMES = st.integers(0, 12)
RATES = st.sampled_from((12.0, 25.0, 29.97, 30.0, 60.0))
FIRSTS = st.integers(0, 100)
SEEDS = st.integers(0, 2**63 - 1)
NUMBERS = st.floats(-1, 1, allow_subnormal=False)


def face_motions(
    frames: st.SearchStrategy[int] = FRAMES,
) -> st.SearchStrategy[FaceMotion]:
    """Any face motion of that many frames: some channels, all rigid parts, any mask."""

    @st.composite
    def build(draw: st.DrawFn) -> FaceMotion:
        channels = tuple(draw(st.lists(st.sampled_from(CHANNELS), max_size=4, unique=True)))
        times = {"fps": draw(RATES), "first": draw(FIRSTS)}
        rest = FaceMotion.rest(draw(frames), channels=channels, seed=draw(SEEDS), **times)
        shapes = {name: getattr(rest, name).shape for name in ARRAYS if name != "given"}
        filled = {name: draw(arrays.arrays(np.float64, shape, elements=NUMBERS)) for name, shape in shapes.items()}
        return replace(rest, **filled, given=draw(arrays.arrays(np.bool_, (len(rest), len(REGIONS)))))

    return build()


def assert_same(a: FaceMotion, b: FaceMotion) -> None:
    """Equal bit for bit, whatever the order of the channels; one that is missing is 0."""
    assert (len(a), a.fps, a.first, a.seed) == (len(b), b.fps, b.first, b.seed)
    for name in {*a.columns, *b.columns}:
        np.testing.assert_array_equal(a.column(name), b.column(name), err_msg=name)
    np.testing.assert_array_equal(a.given, b.given)
