"""How strongly each colour change of an avatar shows: wrinkles, folds and shadows that follow the face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..renderer.gaussians import Gaussians
from .avatar import SH0, Avatar
from .motion import Motion

F32 = NDArray[np.float32]

MOST = 1.2  # weight beyond which a colour change grows no further


class Shader:
    """Drives the colour changes of one avatar by its motion, frame by frame."""

    def __init__(self, avatar: Avatar) -> None:
        self._shading = avatar.shading

    def weights(self, motion: Motion) -> F32:
        """Weights [T, M] in 0..1.2 of the avatar's M colour changes; M = 0 for an avatar without any.

        Linear in expression and jaw, less a threshold below which nothing shows.
        """
        if self._shading is None:
            return np.zeros((len(motion), 0), np.float32)
        # each frame by itself: its weights must not depend on how many frames there are
        driven = (self._shading.expr @ motion.expr[:, :, None])[:, :, 0] + self._shading.jaw * motion.jaw[:, :1]
        return np.clip(driven - self._shading.threshold, 0, MOST).astype(np.float32)


def shaded_gaussians(avatar: Avatar, still: Motion) -> Gaussians:
    """The avatar's Gaussians with the colour changes of one frame added to their constant harmonic."""
    if avatar.shading is None:
        return avatar.gaussians
    weights, colours = Shader(avatar).weights(still)[0], avatar.shading.colours
    sh = avatar.gaussians.sh.copy()
    sh[colours.index, 0] += np.tensordot(weights, colours.delta, 1) / np.float32(SH0)
    return replace(avatar.gaussians, sh=sh)
