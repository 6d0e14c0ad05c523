"""The frontal face as a square picture whose channels are displacements: fixed barycentric tables, both ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

HALF_SIDE = 1.25  # of the square, in distances between eyes and mouth
CENTRE = 0.55  # of the square, from the eyes (0) to the mouth (1)
LEFT_EYE, RIGHT_EYE = 3, 4  # joints
FINE = 128  # pixels of the picture that decides which vertices can be seen


@dataclass(frozen=True, eq=False)
class DisplacementMap:
    """D_ij = sum_k weight_ijk V[index_ijk]: what every pixel of an S x S picture takes from the mesh.

    The face is seen from the front (orthographic, row 0 on top, column 0 on the person's right).
    """

    index: I32  # [S, S, 3] vertices
    weight: F32  # [S, S, 3] barycentric; zeros beside the face

    @property
    def size(self) -> int:
        """Pixels S along a side."""
        return len(self.index)

    @staticmethod
    def of(head: HeadModel, size: int) -> DisplacementMap:
        """The table of a head at rest: for every pixel the triangle that is seen there."""
        points = _in_picture(head, size)
        index = np.zeros((size, size, 3), np.int32)
        weight = np.zeros((size, size, 3), np.float32)
        nearest = np.full((size, size), -np.inf)
        for triangle in _facing(points, head.faces, size):
            rows, columns, shares = _covered(points[triangle, :2], size)
            depth = shares @ points[triangle, 2]
            seen = depth > nearest[rows, columns]
            rows, columns = rows[seen], columns[seen]
            nearest[rows, columns] = depth[seen]
            index[rows, columns] = triangle
            weight[rows, columns] = shares[seen]
        return DisplacementMap(index, weight)

    def __call__(self, displacements: NDArray[np.floating]) -> NDArray[np.floating]:
        """Pictures [n, S, S, 3] of displacements [n, V, 3]."""
        corners = (displacements[:, self.index[..., k]] * self.weight[..., k, None] for k in range(3))
        return sum(corners, np.zeros((), displacements.dtype))

    def mixed(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """What pixels take [S, S, ...] from values [V, ...] of the vertices."""
        weight = self.weight.reshape(*self.weight.shape, *[1] * (values.ndim - 1))
        return sum((values[self.index[..., k]] * weight[:, :, k] for k in range(3)), np.zeros((), values.dtype))

    def seen(self) -> I32:
        """Vertices that some pixel takes a share of, increasing."""
        return np.unique(self.index[self.weight > 0]).astype(np.int32)


@dataclass(frozen=True, eq=False)
class VertexTable:
    """The way back: what every vertex takes from the four pixels around it (bilinear)."""

    vertices: I32  # [N]
    pixels: I32  # [N, 4] indices into the S * S pixels
    weight: F32  # [N, 4], of sum 1; zeros where no pixel around shows the face

    @staticmethod
    def of(head: HeadModel, table: DisplacementMap, vertices: I32) -> VertexTable:
        """The table of `vertices` of a head at rest; only pixels that show the face count."""
        size = table.size
        at = np.clip(_in_picture(head, size)[vertices, 1::-1] - 0.5, 0, size - 1)  # row, column
        first = np.minimum(at.astype(np.int32), size - 2)
        part = at - first
        shows = table.weight.sum(axis=2).reshape(-1) > 0
        pixels, weight = [], []
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            pixel = (first[:, 0] + row) * size + first[:, 1] + column
            share = np.abs(1 - row - part[:, 0]) * np.abs(1 - column - part[:, 1])
            pixels.append(pixel)
            weight.append(share * shows[pixel])
        weights = np.stack(weight, axis=1)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
        return VertexTable(vertices, np.stack(pixels, axis=1).astype(np.int32), weights.astype(np.float32))

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        """Displacements [n, N, 3] of `vertices` from pictures [n, S, S, 3]."""
        flat = maps.reshape(len(maps), -1, 3)
        return np.einsum("nvkc,vk->nvc", flat[:, self.pixels], self.weight, optimize=True)


def frontal_vertices(head: HeadModel) -> I32:
    """Vertices seen from the front, and the inner lips that closed lips hide, increasing, [N]."""
    lips = head.regions.get("lips", np.zeros(0, np.int32))
    return np.unique(np.concatenate([DisplacementMap.of(head, FINE).seen(), head.lip_pairs.reshape(-1), lips]))


def _in_picture(head: HeadModel, size: int) -> F64:
    """Vertices [V, 3] as (column, row, depth), pixels; depth grows towards the viewer."""
    points = head.v_template.astype(np.float64)
    eyes = head.joints[[LEFT_EYE, RIGHT_EYE]].astype(np.float64).mean(axis=0)
    mouth = points[head.mouth_corners].mean(axis=0)
    half = HALF_SIDE * (eyes[1] - mouth[1])
    middle = eyes + CENTRE * (mouth - eyes)
    scale = size / (2 * half)
    column = (points[:, 0] - middle[0] + half) * scale
    row = (middle[1] + half - points[:, 1]) * scale
    return np.stack([column, row, points[:, 2]], axis=1)


def _facing(points: F64, faces: I32, size: int) -> I32:
    """Triangles that face the viewer and touch the picture."""
    a, b, c = points[faces.T, :2]
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    corners = points[faces, :2]
    inside = (corners.max(axis=1) > 0).all(axis=1) & (corners.min(axis=1) < size).all(axis=1)
    return faces[(ux * vy - uy * vx < -1e-12) & inside]  # rows grow downwards: facing means clockwise


def _covered(triangle: F64, size: int) -> tuple[I32, I32, F64]:
    """Rows and columns of the pixel centres in a triangle [3, 2], and their barycentric shares [n, 3]."""
    low = np.maximum(np.ceil(triangle.min(axis=0) - 0.5), 0).astype(np.int32)
    high = np.minimum(np.floor(triangle.max(axis=0) - 0.5), size - 1).astype(np.int32)
    columns, rows = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    columns, rows = columns.ravel(), rows.ravel()
    edges = np.stack([triangle[1] - triangle[0], triangle[2] - triangle[0]], axis=1)
    offsets = np.stack([columns + 0.5, rows + 0.5], axis=1) - triangle[0]
    second, third = np.linalg.solve(edges, offsets.T) if len(columns) else np.zeros((2, 0))
    shares = np.stack([1 - second - third, second, third], axis=1)
    inside = (shares >= 0).all(axis=1)
    return rows[inside].astype(np.int32), columns[inside].astype(np.int32), shares[inside]
