"""The acting model's network: where a motion should move next on its way from chance to a performance. numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.tensors import checked
from ..speech.encoder import convolve, silu
from .conditions import GROUPS, TOLD
from .space import COORDINATES, INDEX
from .style import POSED, POSES, STATISTICS

F32 = NDArray[np.float32]

TAPS = 5
MOST_BLOCKS, WIDEST = 32, 64
ROWS = 3 * len(COORDINATES) + len(TOLD) + len(GROUPS)  # motion, what is known of it, where; told; which groups are
MANNER = len(STATISTICS) + POSES * len(POSED) + 1  # of a style; whether there is one
PHASES = 16  # sines and cosines of the way done
_POSED = [INDEX[name] for name in POSED]
# Of motion hidden channels are below 25; what is unlike all that was learned may grow from block to block without end
MOST_HIDDEN = 40.0


class ActingNetwork:
    """Residual dilated convolutions over time, each told the style and how far the way has gone.

    Tensors by name (C channels, L blocks, M numbers of a manner): `dilations` [L]; `stem.weight` [ROWS, C],
    `stem.bias` [C]; `manner.0.weight` [MANNER, H], `.bias`; `manner.1.weight` [H, M], `.bias`; for each block l
    `blocks.l.weight` [5, C, C], `.bias` [C], `.film` [M + 2 * PHASES, 2 C], `.film_bias` [2 C], `.mix` [C, C],
    `.mix_bias` [C]; `out.weight` [C, D + POSES], `out.bias` [D + POSES]: a direction, and how much each key pose of the
    style takes part in it.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Raises KeyError or ValueError when a tensor is missing or has the wrong shape."""
        self._dilations = [int(d) for d in tensors["dilations"]]
        if not 1 <= len(self._dilations) <= MOST_BLOCKS or not all(1 <= d <= WIDEST for d in self._dilations):
            raise ValueError(f"dilations: expected 1 to {MOST_BLOCKS} numbers from 1 to {WIDEST}")
        (hidden, manner), channels = tensors["manner.1.weight"].shape, tensors["stem.weight"].shape[-1]
        shapes = _shapes(len(self._dilations), channels, hidden, manner)
        self._weights = {name: checked(tensors, name, shape) for name, shape in shapes.items()}

    @cached_property
    def context(self) -> int:
        """Frames on either side that one frame depends on."""
        return sum(self._dilations) * (TAPS // 2)

    def manner(self, style: F32) -> F32:
        """What the network makes of a style [MANNER], [M]."""
        w = self._weights
        hidden = silu((style @ w["manner.0.weight"] + w["manner.0.bias"]).astype(np.float32, copy=False))
        return np.tanh(hidden @ w["manner.1.weight"] + w["manner.1.bias"], dtype=np.float32)

    def __call__(self, rows: F32, style: F32, way: float) -> F32:
        """Direction [n, D] of rows [n + 2 context, ROWS]; `way` 0..1: how much of the way from chance is done."""
        w = self._weights
        state = np.concatenate([self.manner(style), phases(np.float32(way))])
        hidden = rows @ w["stem.weight"] + w["stem.bias"]
        for block, dilation in enumerate(self._dilations):
            size, shift = np.split(state @ w[f"blocks.{block}.film"] + w[f"blocks.{block}.film_bias"], 2)
            inner = convolve(hidden, w[f"blocks.{block}.weight"], dilation=dilation) + w[f"blocks.{block}.bias"]
            inner = (
                silu(np.add(inner * (1 + size), shift, dtype=np.float32)) @ w[f"blocks.{block}.mix"]
                + w[f"blocks.{block}.mix_bias"]
            )
            cut = dilation * (TAPS // 2)
            hidden = np.clip(hidden[cut : len(hidden) - cut] + inner, -MOST_HIDDEN, MOST_HIDDEN)
        out = silu(hidden) @ w["out.weight"] + w["out.bias"]
        direction = out[:, : len(COORDINATES)]
        poses = style[len(STATISTICS) : -1].reshape(POSES, len(POSED))
        direction[:, _POSED] += out[:, len(COORDINATES) :] @ poses
        return direction


def phases(way: F32 | np.float32) -> F32:
    """Sines and cosines of how much of the way is done, [..., 2 PHASES]."""
    angles = np.float32(np.pi) * np.asarray(way)[..., None] * np.arange(1, PHASES + 1, dtype=np.float32) / 2
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1).astype(np.float32)


def _shapes(blocks: int, channels: int, hidden: int, manner: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "stem.weight": (ROWS, channels),
        "stem.bias": (channels,),
        "manner.0.weight": (MANNER, hidden),
        "manner.0.bias": (hidden,),
        "manner.1.weight": (hidden, manner),
        "manner.1.bias": (manner,),
        "out.weight": (channels, len(COORDINATES) + POSES),
        "out.bias": (len(COORDINATES) + POSES,),
    }
    for block in range(blocks):
        shapes |= {
            f"blocks.{block}.weight": (TAPS, channels, channels),
            f"blocks.{block}.bias": (channels,),
            f"blocks.{block}.film": (manner + 2 * PHASES, 2 * channels),
            f"blocks.{block}.film_bias": (2 * channels,),
            f"blocks.{block}.mix": (channels, channels),
            f"blocks.{block}.mix_bias": (channels,),
        }
    return shapes
