"""Which emotion a face shows: linear discriminants, learned from expressions without speech.

A measure, not a part of the model: it says whether the intended emotion can still be read off a face that speaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..data import DataSet, apex
from ..data import Sequence as Recording
from ..emotion import EMOTIONS

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Indices = NDArray[np.integer]

FAINTEST = 0.3  # level from which an expression is an example
AROUND = 2  # frames on either side of the apex, which are examples too
COMPONENTS = 40  # principal displacements
SHRINKAGE = 0.1  # of the covariance within emotions towards a multiple of the identity


@dataclass(frozen=True, eq=False)
class EmotionReader:
    """Gaussians of one covariance over principal displacements (linear discriminant analysis, equal priors)."""

    vertices: Indices  # [N] of the mesh
    mean: F64  # [3 N]
    components: F64  # [3 N, C]
    weights: F64  # [C, 8]
    bias: F64  # [8]; -inf for emotions without examples

    @staticmethod
    def learn(expressions: DataSet, vertices: Indices) -> EmotionReader:
        """Learn from the apexes of expressions, and from faces at rest. Raises InputError without examples."""
        examples = [(row, label) for s in expressions for row, label in _examples(s, vertices)]
        if len({label for _, label in examples}) < 2:
            raise InputError(f"{expressions.kind}: expected clear expressions of at least two emotions, found fewer")
        rows = np.stack([row for row, _ in examples]).astype(np.float64)
        labels = np.array([label for _, label in examples])
        mean = rows.mean(axis=0)
        components = np.linalg.svd(rows - mean, full_matrices=False)[2][:COMPONENTS].T
        return EmotionReader(vertices, mean, components, *_discriminants((rows - mean) @ components, labels))

    def frames(self, displacements: F32) -> F64:
        """Log-probability of each of `EMOTIONS` in every frame of displacements [T,V,3]: [T, 8]."""
        rows = displacements[:, self.vertices].reshape(len(displacements), -1)
        scores = (rows - self.mean) @ self.components @ self.weights + self.bias
        scores -= scores.max(axis=1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))

    def read(self, displacements: F32) -> str:
        """The emotion of a whole clip: most probable on average over its frames."""
        chances = np.exp(self.frames(displacements)).mean(axis=0)
        return EMOTIONS[int(chances.argmax())]


def _examples(sequence: Recording, vertices: Indices) -> Iterator[tuple[F32, int]]:
    label = sequence.label
    if label is None or label.emotion is None or label.held or label.level < FAINTEST:
        return
    displacements = sequence.displacements()[:, vertices]
    strongest = apex(displacements)
    for frame in displacements[max(0, strongest - AROUND) : strongest + AROUND + 1]:
        yield frame.reshape(-1), EMOTIONS.index(label.emotion)
    yield displacements[0].reshape(-1), EMOTIONS.index("neutral")


def _discriminants(rows: F64, labels: NDArray[np.integer]) -> tuple[F64, F64]:
    """Weights [C, 8] and bias [8] of linear discriminant analysis of `rows` [n, C]."""
    known = np.unique(labels)
    centres = np.zeros((len(EMOTIONS), rows.shape[1]))
    centres[known] = [rows[labels == label].mean(axis=0) for label in known]
    inside = rows - centres[labels]
    covariance = inside.T @ inside / len(rows)
    even = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    weights = np.linalg.solve((1 - SHRINKAGE) * covariance + SHRINKAGE * even, centres.T)
    bias = np.full(len(EMOTIONS), -np.inf)
    bias[known] = -0.5 * np.einsum("mc,cm->m", centres, weights)[known]
    return weights, bias


def confusion(pairs: Sequence[tuple[str, str]]) -> F64:
    """Share [8, 8] of clips of each intended emotion (rows) that are read as each emotion (columns)."""
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    for intended, found in pairs:
        counts[EMOTIONS.index(intended), EMOTIONS.index(found)] += 1
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
