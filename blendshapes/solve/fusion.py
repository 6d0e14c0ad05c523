"""Disentangled blendshapes at run time: dV = B_A w_A(speech) + B_E w_E(emotion), in numpy.

w_A comes from the speech encoder, which sees the displacement map of the neutral speaking face; w_E mixes the codes of
emotions, which the expression encoder found for people at the apex of each. What the encoders said about the other
domain is dropped: that is the part of a smile that would part closed lips (Mao et al., arXiv 2510.25234).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.tensors import TensorFile, read_tensors
from ..emotion import EMOTIONS
from .displacement_map import DisplacementMap

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

FORMAT = "emosplat-fusion-1"
BUILT_IN = Path(__file__).parents[2] / "assets" / "weights" / "fusion.safetensors"
MAX_BYTES = 256 << 20
MOST_LAYERS = 16


class MapEncoder:
    """Convolutions over displacement maps whose kernels are as large as their strides; rectified, without bias.

    `weights`: one matrix [patch * patch * channels in, channels out] per convolution, then [everything, K].
    """

    def __init__(self, weights: Sequence[F32], size: int) -> None:
        """Raises ValueError when the matrices do not fit maps [size, size, 3]."""
        if len(weights) < 2 or any(weight.ndim != 2 for weight in weights):
            raise ValueError(f"expected at least two matrices, found {len(weights)}")
        self._layers: list[tuple[int, F32]] = []
        channels, side = 3, size
        for weight in weights[:-1]:
            patch = round(np.sqrt(len(weight) / channels))
            if patch < 1 or patch * patch * channels != len(weight) or side % patch:
                raise ValueError(f"expected a convolution of {channels} channels, found {list(weight.shape)}")
            self._layers.append((patch, weight))
            channels, side = weight.shape[1], side // patch
        self._head = weights[-1]
        if len(self._head) != side * side * channels:
            raise ValueError(f"expected a matrix of {side * side * channels} rows, found {len(self._head)}")

    @property
    def shapes(self) -> int:
        """Number K of coefficients."""
        return self._head.shape[1]

    def __call__(self, maps: F32) -> F32:
        """Coefficients [n, K] of displacement maps [n, S, S, 3], metres."""
        patch, weight = self._layers[0]
        return self._deeper(np.matmul(_patches(maps, patch), weight, dtype=np.float32))

    def of(self, pictures: F32) -> Callable[[F32], F32]:
        """The encoder of maps that are sums of `pictures` [F, S, S, 3]: features [n, F] to coefficients [n, K].

        The first convolution is linear in the pictures, so it is done beforehand.
        """
        patch, weight = self._layers[0]
        first = _patches(pictures, patch) @ weight
        matrix = np.ascontiguousarray(first.reshape(len(pictures), -1))
        return lambda features: self._deeper(np.matmul(features, matrix).reshape(-1, *first.shape[1:]))

    def _deeper(self, hidden: F32) -> F32:
        """What follows the first convolution."""
        for patch, weight in self._layers[1:]:
            hidden = np.matmul(_patches(np.maximum(hidden, 0), patch), weight, dtype=np.float32)
        return np.maximum(hidden, 0).reshape(len(hidden), -1) @ self._head


def _patches(maps: F32, patch: int) -> F32:
    """[n, S, S, C] -> [n, S / patch, S / patch, patch * patch * C]."""
    n, side, _, channels = maps.shape
    cut = maps.reshape(n, side // patch, patch, side // patch, patch, channels).transpose(0, 1, 3, 2, 4, 5)
    return cut.reshape(n, side // patch, side // patch, -1)


@dataclass(frozen=True, eq=False)
class FusionModel:
    """Trained deformation fusion for one head topology; N vertices of the frontal face."""

    head: str  # version of the heads it is for
    vertices: I32  # [N]
    speech_basis: F32  # [N, 3, K_A] B_A, metres per unit
    expression_basis: F32  # [N, 3, K_E] B_E
    speech_encoder: MapEncoder
    expression_encoder: MapEncoder
    table: DisplacementMap
    labels: tuple[str, ...]  # [M] canonical emotions, several variants each
    codes: F32  # [M, K_E] w_E of each at full strength
    sha256: str

    @staticmethod
    @cache
    def built_in() -> FusionModel:
        """The weights that come with emosplat."""
        return FusionModel.load()

    @staticmethod
    def load(path: Path = BUILT_IN) -> FusionModel:
        """Read a file that `training.fusion` wrote; raises InputError that names what is wrong."""
        file = read_tensors(path, format=FORMAT, what="fusion weights", max_bytes=MAX_BYTES)
        try:
            return _model(file)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise InputError(
                f"{path}: expected the tensors of docs/formats.md, found something else: {error}"
            ) from error

    @property
    def bases(self) -> F32:
        """[B_A B_E], [N, 3, K_A + K_E]."""
        return np.concatenate([self.speech_basis, self.expression_basis], axis=2)

    def pictures(self, columns: NDArray[np.floating]) -> F32:
        """Displacement maps [C, S, S, 3] of displacements [3 N, C] of the model's vertices."""
        rows = np.full(max(self.table.index.max(), self.vertices.max()) + 1, len(self.vertices))  # a row of zeros
        rows[self.vertices] = np.arange(len(self.vertices))
        known = np.zeros((len(self.vertices) + 1, 3, columns.shape[1]), np.float32)
        known[:-1] = columns.reshape(len(self.vertices), 3, -1)
        table = DisplacementMap(rows[self.table.index], self.table.weight)
        return np.moveaxis(table.mixed(known), -1, 0)  # whole rows are read: a sixth of the time of single numbers


def _model(file: TensorFile) -> FusionModel:
    tensors, info = file.tensors, file.info
    vertices = tensors["vertices"].astype(np.int32)
    index, weight = tensors["map.index"].astype(np.int32), _finite(tensors, "map.weight")
    size = len(index)
    if index.shape != (size, size, 3) or weight.shape != index.shape or not vertices.ndim == 1:
        raise ValueError(f"map: expected [S, S, 3], found {index.shape} and {weight.shape}")
    if min(vertices.min(), index.min()) < 0:
        raise ValueError("vertices and map.index: expected indices from 0 on")
    encoders, bases = [], []
    for name in ("speech", "expression"):
        layers = [f"{name}.{i}" for i in range(MOST_LAYERS) if f"{name}.{i}" in tensors]
        encoders.append(MapEncoder([_finite(tensors, layer) for layer in layers], size))
        bases.append(_finite(tensors, f"{name}.basis"))
        if bases[-1].shape != (len(vertices), 3, encoders[-1].shapes):
            raise ValueError(
                f"{name}.basis: expected {(len(vertices), 3, encoders[-1].shapes)}, found {bases[-1].shape}"
            )
    labels = info["labels"]
    labels = tuple(json.loads(labels) if isinstance(labels, str) else labels)  # text in the first files
    codes = _finite(tensors, "codes")
    if codes.shape != (len(labels), encoders[1].shapes) or not set(labels) <= set(EMOTIONS):
        raise ValueError(f"codes: expected one of {encoders[1].shapes} numbers for every emotion, found {codes.shape}")
    table = DisplacementMap(index, weight)
    return FusionModel(
        head=str(info["head"]),
        vertices=vertices,
        speech_basis=bases[0],
        expression_basis=bases[1],
        speech_encoder=encoders[0],
        expression_encoder=encoders[1],
        table=table,
        labels=labels,
        codes=codes,
        sha256=file.sha256,
    )


def _finite(tensors: Mapping[str, NDArray[Any]], name: str) -> F32:
    values = np.ascontiguousarray(tensors[name], np.float32)
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite numbers")
    return values
