"""The acting model's network in torch, to learn; `acting.network` runs what `export` gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ..acting.network import MANNER, MOST_HIDDEN, PHASES, ROWS, TAPS
from ..acting.space import COORDINATES, INDEX
from ..acting.style import POSED, POSES, STATISTICS

CHANNELS, HIDDEN, STYLE = 144, 96, 32
DILATIONS = (1, 2, 4, 8, 1, 2, 4, 8)
_POSED = [INDEX[name] for name in POSED]


class ActingNet(nn.Module):
    """As `acting.network.ActingNetwork`, for batches."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.stem = nn.Conv1d(ROWS, channels, 1)
        self.manner = nn.Sequential(nn.Linear(MANNER, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, STYLE))
        self.blocks = nn.ModuleList([_Block(channels, dilation) for dilation in DILATIONS])
        self.out = nn.Conv1d(channels, len(COORDINATES) + POSES, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(_there(self.out.bias))

    @property
    def context(self) -> int:
        """Frames on either side that one frame depends on."""
        return sum(DILATIONS) * (TAPS // 2)

    def forward(self, rows: Tensor, style: Tensor, way: Tensor) -> Tensor:
        """Directions [B, D, T] of rows [B, ROWS, T + 2 context], styles [B, MANNER] and ways [B]."""
        manner = torch.tanh(self.manner(style))
        angles = math.pi / 2 * way[:, None] * torch.arange(1, PHASES + 1, device=way.device)
        state = torch.cat([manner, torch.sin(angles), torch.cos(angles)], dim=1)
        hidden = self.stem(rows)
        for block in self.blocks:
            hidden = block(hidden, state)
        out = self.out(F.silu(hidden))
        direction, shares = out[:, : len(COORDINATES)], out[:, len(COORDINATES) :]
        poses = style[:, len(STATISTICS) : -1].reshape(-1, POSES, len(POSED))
        posed = torch.zeros_like(direction)
        posed[:, _POSED] = torch.einsum("bkt,bkp->bpt", shares, poses)
        return direction + posed

    def export(self) -> dict[str, NDArray[Any]]:
        """Tensors as `ActingNetwork` names them."""
        tensors: dict[str, NDArray[Any]] = {"dilations": np.array(DILATIONS, np.int32)}
        tensors |= _pointwise("stem", self.stem) | _pointwise("out", self.out)
        for k, layer in enumerate(layer for layer in self.manner if isinstance(layer, nn.Linear)):
            tensors[f"manner.{k}.weight"] = _array(layer.weight).T
            tensors[f"manner.{k}.bias"] = _array(layer.bias)
        for k, block in enumerate(self.blocks):
            assert isinstance(block, _Block)
            tensors[f"blocks.{k}.weight"] = _array(block.conv.weight).transpose(2, 1, 0)
            tensors[f"blocks.{k}.bias"] = _array(_there(block.conv.bias))
            tensors[f"blocks.{k}.film"] = _array(block.film.weight).T
            tensors[f"blocks.{k}.film_bias"] = _array(block.film.bias)
            tensors[f"blocks.{k}.mix"] = _array(block.mix.weight)[:, :, 0].T
            tensors[f"blocks.{k}.mix_bias"] = _array(_there(block.mix.bias))
        return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


class _Block(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, TAPS, dilation=dilation)
        self.film = nn.Linear(STYLE + 2 * PHASES, 2 * channels)
        self.mix = nn.Conv1d(channels, channels, 1)
        self._cut = dilation * (TAPS // 2)
        nn.init.normal_(self.film.weight, std=0.02)
        nn.init.zeros_(self.film.bias)
        nn.init.normal_(self.mix.weight, std=0.3 / math.sqrt(channels))

    def forward(self, hidden: Tensor, state: Tensor) -> Tensor:
        size, shift = self.film(state)[:, :, None].chunk(2, dim=1)
        inner = self.mix(F.silu(self.conv(hidden) * (1 + size) + shift))
        passed = hidden[:, :, self._cut : hidden.shape[2] - self._cut]
        return torch.clamp(passed + inner, -MOST_HIDDEN, MOST_HIDDEN)


def _pointwise(name: str, layer: nn.Conv1d) -> dict[str, NDArray[np.float32]]:
    return {f"{name}.weight": _array(layer.weight)[:, :, 0].T, f"{name}.bias": _array(_there(layer.bias))}


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy()


def _there(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor
