"""What is written is what the reader of data sets reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from emosplat.avatars.fitting.dataset import read_dataset
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import CURVES, Motion
from emosplat.pipeline.capture.dataset import write_tracking
from emosplat.pipeline.capture.solve import Solution
from emosplat.renderer import Camera


def test_a_solved_film_is_a_data_set(tmp_path: Path) -> None:
    head, rng = builtin_head(), np.random.default_rng(0)
    identity, offset = rng.normal(size=40), rng.normal(0, 1e-3, head.v_template.shape)
    template = (head.v_template + head.shapedirs @ identity + offset).astype(np.float32)
    motion = Motion.rest(6, head.expressions, 25.0)
    motion = replace(motion, **{n: rng.normal(0, 0.1, getattr(motion, n).shape).astype(np.float32) for n in CURVES})
    view = np.diag([1.0, -1.0, -1.0, 1.0])
    view[:3, 3] = 0.1, -0.2, 0.7
    camera = Camera(view, np.array([[300.0, 0, 31], [0, 300, 24], [0, 0, 1]]), 64, 48)
    person = replace(head, v_template=template)
    seen = np.ones(6, bool)
    solution = Solution(camera, person, identity, offset, motion, seen, seen, np.ones(6), np.arange(2), {})
    (tmp_path / "images").mkdir()
    for frame in (0, 2, 5):
        Image.new("RGBA", (64, 48)).save(tmp_path / f"images/{frame:05d}.png")
    write_tracking(tmp_path, solution, [0, 2, 5], held_out=[5])

    data = read_dataset(tmp_path, head)
    assert len(data.train) == 2
    assert len(data.test) == 1
    assert np.abs(data.head.v_template - template).max() < 1e-6
    for view_, frame in zip((*data.train, *data.test), (0, 2, 5), strict=True):
        assert np.allclose(view_.camera.view, camera.view)
        assert np.allclose(view_.camera.K, camera.K)
        for curve in CURVES:
            assert np.array_equal(getattr(data.motion, curve)[view_.timestep], getattr(motion, curve)[frame])
