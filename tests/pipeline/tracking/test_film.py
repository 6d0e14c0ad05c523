"""Films that are tracked: times, gaps, several faces."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from emosplat.blendshapes.evaluation import naturalness as n
from emosplat.core.errors import InputError
from emosplat.pipeline.tracking.film import track_film

from .pretend import SIZE, WIDEST, PretendTracker, film

WAVE = [0.25 - 0.2 * np.cos(i / 3) for i in range(60)]


def test_the_mouth_of_the_film_is_the_curve(tmp_path: Path) -> None:
    done: list[int] = []
    tracked = track_film(film(tmp_path / "f.mkv", WAVE), PretendTracker(), report=done.append)
    take = tracked.take()
    assert tracked.fps == take.fps == 25
    assert done == list(range(60))
    assert take.curve(n.OPENING) == pytest.approx(WAVE, abs=WIDEST / 245)
    assert take.times == pytest.approx((np.arange(60) + 0.5) / 25)
    assert tracked.warnings == []


def test_pictures_without_a_face_are_gaps_and_told(tmp_path: Path) -> None:
    holes = [None if i in range(10, 16) or i == 30 else o for i, o in enumerate(WAVE)]
    tracked = track_film(film(tmp_path / "f.mkv", holes), PretendTracker())
    assert tracked.warnings == ["no face in 7 of 60 pictures (2 gaps, the longest of 0.24 s)"]
    missing = np.flatnonzero(np.isnan(tracked.take().curve(n.OPENING)))
    assert missing.tolist() == [*range(10, 16), 30]


def test_of_several_faces_the_largest_is_followed_and_told(tmp_path: Path) -> None:
    tracked = track_film(film(tmp_path / "f.mkv", WAVE, crowd=True), PretendTracker())
    assert tracked.take().curve(n.OPENING) == pytest.approx(WAVE, abs=WIDEST / 245)
    assert tracked.warnings == ["up to 2 faces in 60 of 60 pictures; the largest is followed"]


def varying(path: Path, times: list[float], openings: list[float]) -> Path:
    """A film whose pictures have times of their own (FFV1 in Matroska, whose clock counts milliseconds)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width = stream.height = SIZE
        stream.pix_fmt = "bgr0"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time, opening in zip(times, openings, strict=True):
            picture = np.full((SIZE, SIZE, 3), round(10 + 245 * opening / WIDEST), np.uint8)
            picture[0] = 0
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_pictures_keep_their_own_times_where_the_frame_rate_varies(tmp_path: Path) -> None:
    """Half of the pictures are dropped at random: what is left still shows the wave, when it was."""
    kept = np.sort(np.random.default_rng(0).choice(np.arange(1, 99), 70, replace=False))
    kept = np.r_[0, kept, 99]
    times = [i / 25 for i in kept]
    path = varying(tmp_path / "f.mkv", times, [0.25 - 0.2 * np.cos(2 * np.pi * 0.5 * t) for t in times])
    tracked = track_film(path, PretendTracker())
    take = tracked.take()
    assert tracked.times == pytest.approx(times, abs=1e-3)
    assert "the frame rate varies; pictures keep their own times" in tracked.warnings
    assert tracked.fps == 25
    assert len(take) == 100
    known = np.isfinite(take.curve(n.OPENING))
    assert known.mean() > 0.9
    wanted = 0.25 - 0.2 * np.cos(2 * np.pi * 0.5 * (take.times - 0.02))
    assert take.curve(n.OPENING)[known] == pytest.approx(wanted[known], abs=0.01)


def test_a_film_without_faces_and_what_is_no_film_are_refused(tmp_path: Path) -> None:
    nobody = film(tmp_path / "nobody.mkv", [None] * 5)
    text = tmp_path / "text.mp4"
    text.write_text("no film")
    for path, message in (
        (nobody, "expected a face, found none in 5 pictures"),
        (text, "expected an audio or video file"),
        (tmp_path / "missing.mp4", "no such film file"),
        (tmp_path, "expected a file of film, found a folder"),
    ):
        with pytest.raises(InputError, match=message):
            track_film(path, PretendTracker())
