import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.avatars import Motion


def ramp(frames: int, fps: float = 25.0) -> Motion:
    """A motion whose every curve is its own time in seconds."""
    motion = Motion.rest(frames, 4, fps)
    times = ((np.arange(frames) + 0.5) / fps).astype(np.float32)[:, None]
    for name in ("expr", "jaw", "neck", "eyes", "rotation", "translation"):
        getattr(motion, name)[:] = times
    return motion


def test_wrong_shape_is_refused() -> None:
    rest = Motion.rest(3, 4, 25.0)
    with pytest.raises(ValueError, match=r"Motion.jaw: expected \(3, 3\)"):
        Motion(rest.expr, rest.jaw[:2], rest.neck, rest.eyes, rest.rotation, rest.translation, 25.0)


@given(frames=st.integers(1, 60), size=st.integers(1, 70))
def test_chunks_concatenate_to_the_whole(frames: int, size: int) -> None:
    motion = ramp(frames)
    whole = Motion.concatenate(motion.chunks(size))
    assert len(whole) == frames
    np.testing.assert_array_equal(whole.jaw, motion.jaw)


@settings(max_examples=30)
@given(frames=st.integers(2, 80), fps=st.sampled_from([12.5, 24.0, 25.0, 30.0, 60.0]))
def test_resampling_keeps_time(frames: int, fps: float) -> None:
    motion = ramp(frames).resampled(fps)
    times = (np.arange(len(motion)) + 0.5) / fps
    inside = (times >= 0.5 / 25) & (times <= (frames - 0.5) / 25)
    np.testing.assert_allclose(motion.expr[inside, 0], times[inside], atol=1e-5)
    assert -1e-6 < len(motion) / fps - frames / 25 < 1 / fps
