"""From landmarks of MediaPipe's face mesh to the curves that faces are measured by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ...blendshapes.evaluation import naturalness as n
from ...core.rotation import axis_angles, nearest_rotation

F64 = NDArray[np.float64]

# Points of the face mesh; left and right are the person's
UPPER, LOWER, MOUTH_LEFT, MOUTH_RIGHT, CHIN, BRIDGE = 13, 14, 291, 61, 152, 168
OUTER_LEFT, INNER_LEFT, OUTER_RIGHT, INNER_RIGHT = 263, 362, 33, 133
LIDS_LEFT, LIDS_RIGHT = ((386, 374), (385, 380)), ((159, 145), (158, 153))  # upper and lower
IRIS_LEFT, IRIS_RIGHT = 473, 468
BROWS = (70, 63, 105, 66, 107, 300, 293, 334, 296, 336)
RIGID = (OUTER_LEFT, INNER_LEFT, OUTER_RIGHT, INNER_RIGHT, 1, 4, 6, BRIDGE)  # hardly moved by the face's muscles
POINTS = tuple(
    sorted({
        *RIGID, *BROWS, UPPER, LOWER, MOUTH_LEFT, MOUTH_RIGHT, CHIN, IRIS_LEFT, IRIS_RIGHT,
        *(p for pair in (*LIDS_LEFT, *LIDS_RIGHT) for p in pair),
    })
)  # fmt: skip
NEARING = 1.0  # seconds within which a face comes no nearer to the camera
OPEN = 75  # percentile of the height of the eyes that is usual for open ones


def curves(points: F64, index: Mapping[int, int], *, fps: float, poses: F64 | None = None) -> dict[str, F64]:
    """Curves [T] by the names of `naturalness`, NaN where a face was not seen.

    points: [T, P, 3] pixels to the right, down, and away; NaN where no face was seen
    index: number of a point of the mesh -> its place among the P
    poses: rotations [T, 3, 3] of the head; without them they are found from the points that no muscle moves
    """

    def at(point: int) -> F64:
        return points[:, index[point], :2] * [1, -1]

    distance = np.linalg.norm(at(OUTER_LEFT) - at(OUTER_RIGHT), axis=1)
    unit = _steady(distance, fps)
    turned = poses if poses is not None else rigid_poses(points[:, [index[p] for p in RIGID]])
    height = _heights(points, index, turned)

    def apart(a: int, b: int) -> F64:
        return np.linalg.norm(at(a) - at(b), axis=1)

    eyes = _eye_opening(apart)
    turn = head_angles(turned)
    return {
        n.OPENING: apart(UPPER, LOWER) / unit,
        n.WIDTH: apart(MOUTH_LEFT, MOUTH_RIGHT) / unit,
        n.JAW: apart(CHIN, BRIDGE) / unit,
        n.UPPER: height(UPPER) / unit,
        n.CORNERS: (height(MOUTH_LEFT) - height(MOUTH_RIGHT)) / unit,
        n.BROW: np.mean([height(p) for p in BROWS], axis=0) / unit,
        n.EYE_OPENING: eyes,
        n.LIDS: eyes / _usual(eyes),
        n.IRIS: (_iris(at, INNER_LEFT, OUTER_LEFT, IRIS_LEFT) + _iris(at, OUTER_RIGHT, INNER_RIGHT, IRIS_RIGHT)) / 2,
        n.PITCH: turn[:, 0],
        n.YAW: turn[:, 1],
        n.ROLL: turn[:, 2],
    }


def _heights(points: F64, index: Mapping[int, int], poses: F64) -> Callable[[int], F64]:
    """Height of a point of the mesh above the line through the eyes [T], pixels, as if the head did not turn."""
    still = np.einsum("tji,tpj->tpi", poses, points * [1, -1, -1])

    def at(point: int) -> F64:
        return still[:, index[point], :2]

    across = at(OUTER_LEFT) - at(OUTER_RIGHT)
    up = np.stack([-across[:, 1], across[:, 0]], axis=1) / np.linalg.norm(across, axis=1)[:, None]
    middle = (at(OUTER_LEFT) + at(OUTER_RIGHT)) / 2
    return lambda point: ((at(point) - middle) * up).sum(axis=1)


def head_angles(poses: F64) -> F64:
    """Pitch (+ down), yaw (+ to the person's left) and roll [T, 3], degrees, from the middle of rotations [T, 3, 3]."""
    return np.degrees(rotation_vectors(from_middle(poses)))


def from_middle(poses: F64) -> F64:
    """Rotations [T, 3, 3] relative to their mean."""
    seen = np.isfinite(poses).all(axis=(1, 2))
    if not seen.any():
        return poses
    return nearest_rotation(poses[seen].mean(axis=0)).T @ poses


def rigid_poses(points: F64) -> F64:
    """Rotations [T, 3, 3] that carry the mean of points [T, P, 3] (right, down, away) into every frame."""
    upright = points * [1, -1, -1]
    centred = upright - upright.mean(axis=1, keepdims=True)
    seen = np.isfinite(centred).all(axis=(1, 2))
    poses = np.full((len(points), 3, 3), np.nan)
    if seen.any():
        left, _, right = np.linalg.svd(np.einsum("tpi,pj->tij", centred[seen], centred[seen].mean(axis=0)))
        sign = np.linalg.det(left @ right)
        left[:, :, 2] *= sign[:, None]
        poses[seen] = left @ right
    return poses


def rotation_vectors(matrices: F64) -> F64:
    """Axis-angle vectors [T, 3] of rotations [T, 3, 3], NaN where they are."""
    vectors = np.full((len(matrices), 3), np.nan)
    seen = np.isfinite(matrices).all(axis=(1, 2))
    if seen.any():
        vectors[seen] = axis_angles(matrices[seen])
    return vectors


def _eye_opening(apart: Callable[[int, int], F64]) -> F64:
    """Height of the eyes by their width, mean of both."""
    left = np.mean([apart(*pair) for pair in LIDS_LEFT], axis=0) / apart(OUTER_LEFT, INNER_LEFT)
    right = np.mean([apart(*pair) for pair in LIDS_RIGHT], axis=0) / apart(OUTER_RIGHT, INNER_RIGHT)
    return (left + right) / 2


def _iris(at: Callable[[int], F64], from_point: int, to_point: int, iris: int) -> F64:
    """Where an iris is between two corners of its eye, from their middle, eye widths."""
    across = at(to_point) - at(from_point)
    offset = at(iris) - (at(to_point) + at(from_point)) / 2
    return (offset * across).sum(axis=1) / np.square(across).sum(axis=1)


def _steady(distance: F64, fps: float) -> F64:
    """A distance [T] that changes as slowly as a face comes nearer: its median within a second."""
    reach = round(NEARING * fps / 2)
    padded = np.pad(distance, reach, mode="edge") if len(distance) else distance
    windows = sliding_window_view(padded, 2 * reach + 1) if len(distance) else np.zeros((0, 1))
    steady = np.full(len(distance), np.nan)
    known = np.isfinite(windows).any(axis=1)
    steady[known] = np.nanmedian(windows[known], axis=1)
    return steady


def _usual(eyes: F64) -> float:
    seen = eyes[np.isfinite(eyes)]
    return float(np.percentile(seen, OPEN)) if len(seen) else np.nan
