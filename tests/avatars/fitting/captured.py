"""A tiny person, and pictures of it in VHAP's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emosplat.avatars.avatar import Avatar
from emosplat.avatars.fitting.synthetic import ring, write_dataset
from emosplat.avatars.head import HeadModel
from emosplat.avatars.motion import Motion
from emosplat.renderer import Gaussians, open_rasterizer

CAMERAS = ring(3, size=32)


def person(head: HeadModel) -> Avatar:
    rng = np.random.default_rng(3)
    n = len(head.faces)
    gaussians = Gaussians(
        means=np.zeros((n, 3), np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        scales=np.full((n, 3), 0.3, np.float32),
        opacities=np.full(n, 0.9, np.float32),
        sh=rng.normal(size=(n, 1, 3)).astype(np.float32),
    )
    return Avatar("someone", head, gaussians, np.arange(n, dtype=np.int32))


def motion(head: HeadModel, frames: int = 3) -> Motion:
    rng = np.random.default_rng(1)
    rest = Motion.rest(frames, head.expressions, 25.0)
    widths = {name: getattr(rest, name).shape for name in ("expr", "jaw", "neck", "eyes", "rotation", "translation")}
    return Motion(**{n: rng.normal(0, 0.05, s).astype(np.float32) for n, s in widths.items()}, fps=25.0)


def captured(folder: Path, head: HeadModel) -> Path:
    """The folder to train on: two cameras and one held out, two timesteps and one held out."""
    return write_dataset(folder, person(head), head, motion(head), CAMERAS, open_rasterizer("cpu"), held_out={2})
