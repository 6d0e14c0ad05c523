"""Somebody before a camera: the face follows, and what was seen is kept as a film."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.emotion import mix_of
from emosplat.blendshapes.solve.solver import Solver
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.curves import CurveReader
from emosplat.pipeline.media.film import Picture, pictures
from emosplat.pipeline.media.probe import probe
from emosplat.pipeline.tracking.motion import LIPS_MEET
from emosplat.pipeline.viewer.webcam import FILM_RATE, Mirror, webcam_pictures

from ..tracking.pretend import PretendTracker, film

HEAD = builtin_head()
CALM = mix_of({})
OPENINGS = [0.05, 0.1, 0.2, 0.3, None, 0.25]


def mirror(source: Iterator[Picture]) -> Mirror:
    return Mirror(Solver(HEAD), source, PretendTracker())


def seen(tmp_path: Path) -> Iterator[Picture]:
    return pictures(film(tmp_path / "me.mkv", OPENINGS))


def test_the_face_does_what_the_person_does_now(tmp_path: Path) -> None:
    watched = mirror(seen(tmp_path))
    gaps: list[float] = []
    watched.listen(lambda: gaps.append(CurveReader(HEAD).opening(watched.still(CALM))[0]))
    watched.start()
    watched.join()
    expected = [o - LIPS_MEET for o in OPENINGS if o is not None]  # without a face the last one stays
    assert gaps == pytest.approx(expected, abs=0.012)
    assert len(watched.face(CALM)) == 1


def test_who_has_left_is_told_no_more(tmp_path: Path) -> None:
    watched, told = mirror(seen(tmp_path)), []
    listener = lambda: told.append(1)  # noqa: E731
    watched.listen(listener)
    watched.leave(listener)
    watched.start()
    watched.join()
    assert not told


def test_a_film_is_kept_at_an_even_rate(tmp_path: Path) -> None:
    irregular = [Picture(t, np.full((33, 48, 3), 100, np.uint8)) for t in (0.0, 0.02, 0.3, 0.35, 1.0)]
    watched = mirror(iter(irregular))
    watched.film()
    assert watched.filming
    watched.start()
    watched.join()
    data = watched.cut()
    assert data is not None
    assert not watched.filming
    (tmp_path / "kept.mp4").write_bytes(data)
    found = probe(tmp_path / "kept.mp4").picture
    assert found is not None
    assert (found.width, found.height, found.frames, float(found.fps or 0)) == (48, 32, FILM_RATE + 1, FILM_RATE)


def test_without_a_film_there_is_nothing_to_cut(tmp_path: Path) -> None:
    watched = mirror(seen(tmp_path))
    assert watched.cut() is None
    watched.film()
    watched.start()
    watched.stop()  # an unfinished film is forgotten
    assert not watched.filming


def test_no_camera_is_one_line() -> None:
    with pytest.raises(InputError, match=r"^--webcam 97: expected a camera of this machine"):
        next(webcam_pictures(97))
    with pytest.raises(InputError, match="gives none"):
        mirror(iter(()))
