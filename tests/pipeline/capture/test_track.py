"""The face of a film in every picture, by a tracker that needs no model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emosplat.core.errors import InputError
from emosplat.pipeline.capture.track import faces_of, sharpness
from emosplat.pipeline.media.film import pictures
from emosplat.pipeline.tracking.tracker import Face

from ..tracking.pretend import PretendTracker, film


def test_the_largest_face_of_every_picture(tmp_path: Path) -> None:
    path = film(tmp_path / "f.mp4", [0.1, None, 0.4], crowd=True)
    found = faces_of(path, pictures(path), PretendTracker())
    assert found.seen.tolist() == [True, False, True]
    assert found.faces.tolist() == [2, 0, 2]
    assert np.isnan(found.points[1]).all()
    assert np.isfinite(found.points[[0, 2]]).all()
    assert np.allclose(np.diff(found.times), 0.04, atol=1e-3)
    assert found.points.shape == (3, 478, 2)
    assert (found.width, found.height) == (32, 32)


def test_a_film_without_pictures() -> None:
    with pytest.raises(InputError, match="no picture that can be decoded"):
        faces_of(Path("f.mp4"), [], PretendTracker())


def test_blur_is_less_sharp_at_any_size() -> None:
    import cv2

    rng = np.random.default_rng(0)
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = rng.uniform(40, 360, (478, 2))
    face = Face(points, np.zeros(52, np.float32), np.eye(3, dtype=np.float32))
    picture = np.repeat(np.repeat(rng.integers(0, 255, (100, 100, 3), np.uint8), 4, axis=0), 4, axis=1)
    blurred = cv2.GaussianBlur(picture, (0, 0), 6).astype(np.uint8)
    assert sharpness(blurred, face) < 0.3 * sharpness(picture, face)
    assert sharpness(picture, replace(face, points=points - 1000)) == 0
