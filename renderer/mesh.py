"""What a camera sees of a triangle mesh: the nearest triangle and its depth in every pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.compiled import compiled
from .camera import Camera

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class MeshView:
    """The nearest surface at each pixel centre."""

    triangle: I32  # [H, W] index of the triangle, -1 where there is none
    depth: F32  # [H, W] distance along the camera's axis, metres; infinity where there is none


def view_mesh(vertices: F32, triangles: I32, camera: Camera) -> MeshView:
    """Draw vertices [V, 3] (metres, world) and triangles [F, 3]; those that reach behind the camera are left out."""
    pixels, z = camera.project(vertices)
    triangle = np.full((camera.height, camera.width), -1, np.int32)
    nearness = np.zeros((camera.height, camera.width))
    pixels, z = np.ascontiguousarray(pixels), np.ascontiguousarray(z)
    _draw(pixels, z, np.ascontiguousarray(triangles, np.int32), triangle, nearness)
    with np.errstate(divide="ignore"):
        return MeshView(triangle, (1 / nearness).astype(np.float32))


@compiled("void(float64[:, ::1], float64[::1], int32[:, ::1], int32[:, ::1], float64[:, ::1])")
def _draw(pixels: F64, z: F64, triangles: I32, triangle: I32, nearness: F64) -> None:
    """Z-buffer by 1/z, which is linear in the picture."""
    height, width = nearness.shape
    for f in range(len(triangles)):
        a, b, c = triangles[f]
        if min(z[a], z[b], z[c]) <= 0:
            continue
        ax, ay, bx, by, cx, cy = pixels[a, 0], pixels[a, 1], pixels[b, 0], pixels[b, 1], pixels[c, 0], pixels[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        left, right = max(math.ceil(min(ax, bx, cx) - 0.5), 0), min(math.floor(max(ax, bx, cx) - 0.5), width - 1)
        top, bottom = max(math.ceil(min(ay, by, cy) - 0.5), 0), min(math.floor(max(ay, by, cy) - 0.5), height - 1)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                x, y = column + 0.5, row + 0.5
                u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                if u < 0 or v < 0 or u + v > 1:
                    continue
                near = u / z[a] + v / z[b] + (1 - u - v) / z[c]
                if near > nearness[row, column]:
                    nearness[row, column] = near
                    triangle[row, column] = f
