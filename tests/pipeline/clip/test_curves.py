"""Curves are those of the whole face, though few of its vertices are posed."""

from dataclasses import replace

import numpy as np
import pytest

from emosplat.avatars import Motion
from emosplat.avatars.library import open_avatar
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.evaluation import naturalness as n
from emosplat.pipeline.clip.curves import CurveReader


@pytest.mark.parametrize("name", ["person1", "person2"])
def test_mouth_and_brows_are_those_of_the_whole_face(name):
    head, rng = open_avatar(name).head, np.random.default_rng(0)
    rest = Motion.rest(6, head.expressions, 25.0)
    moved = {k: rng.normal(0, 0.2, getattr(rest, k).shape).astype(np.float32) for k in ("expr", "jaw", "neck", "eyes")}
    motion, reader = replace(rest, **moved), CurveReader(head)
    face = Poser(head).vertices(replace(motion, neck=rest.neck))
    upper, lower = head.lip_pairs[len(head.lip_pairs) // 2]
    left, right = head.mouth_corners
    curves, measures = reader.read(motion), reader.measures(motion)
    np.testing.assert_allclose(curves["mouth_opening_mm"], 1000 * (face[:, upper, 1] - face[:, lower, 1]), atol=1e-3)
    width = np.linalg.norm(face[:, left] - face[:, right], axis=1)
    np.testing.assert_allclose(curves["lip_width_mm"], 1000 * width, atol=1e-3)
    brows = face[:, head.regions["brows"], 1].mean(axis=1)
    np.testing.assert_allclose(measures[n.BROW] / measures[n.WIDTH] * width, brows, atol=1e-6)
