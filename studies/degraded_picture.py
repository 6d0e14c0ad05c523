"""What studies do to a face's picture: blurred, upside down, only its mouth or eyes, dots of light in place of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .conditions import Condition
from .face_points import FacePoints

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

DOT = 0.012  # radius of a dot of light, of the face's width
AROUND = {"mouth": 0.10, "eyes": 0.03}  # how far a part reaches beyond its landmarks, of the face's width
SOFT = 0.015  # standard deviation of a mask's edge, of the face's width
SUBPIXEL = 4  # bits of OpenCV's fixed-point coordinates


def dots_of_light(points: FacePoints, frames: int, size: tuple[int, int], *, face: float) -> Iterator[U8]:
    """Pictures [H, W, 3] of white dots on black, one per frame; the last is held.

    size: width and height; face: pixels of its width
    """
    import cv2

    width, height = size
    radius = round(max(0.75, DOT * face) * 2**SUBPIXEL)
    for t in range(frames):
        row = min(t, len(points.dots) - 1)
        picture = np.zeros((height, width, 3), np.uint8)
        for x, y in points.dots[row][points.seen[row]]:
            centre = (round((float(x) - 0.5) * 2**SUBPIXEL), round((float(y) - 0.5) * 2**SUBPIXEL))
            cv2.circle(picture, centre, radius, (255, 255, 255), cv2.FILLED, cv2.LINE_AA, SUBPIXEL)
        yield picture


def degraded(
    pictures: Iterator[U8], condition: Condition, *, face: float, points: FacePoints | None, blank: U8
) -> Iterator[U8]:
    """Pictures [H, W, 3] as a condition shows them: blurred, then masked, then turned.

    face: pixels of its width; points: of our faces; blank [H, W, 3]: what is seen around a part
    """
    import cv2

    fixed = None if condition.box is None else _box(condition.box, blank.shape, SOFT * face)
    for t, picture in enumerate(pictures):
        seen = picture
        if condition.blur is not None:
            seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), condition.blur * face), np.uint8)
        if condition.only is not None:
            share = fixed if points is None else _mask(points, condition.only, t, blank.shape, face)
            assert share is not None  # the design says where it is in others' videos
            seen = np.rint(blank + share * (seen.astype(np.float32) - blank)).astype(np.uint8)
        yield np.ascontiguousarray(seen[::-1, ::-1]) if condition.inverted else seen


def _mask(points: FacePoints, part: str, frame: int, shape: tuple[int, ...], face: float) -> F32:
    """How much of the picture is seen [H, W, 1], 0..1: the convex hull of a part's landmarks, widened."""
    import cv2

    marks = (points.mouth if part == "mouth" else points.eyes)[min(frame, len(points.mouth) - 1)]
    hull = cv2.convexHull(np.rint((marks - 0.5) * 2**SUBPIXEL).astype(np.int32))
    mask = np.zeros(shape[:2], np.float32)
    cv2.fillConvexPoly(mask, hull, 1.0, cv2.LINE_8, SUBPIXEL)
    reach = max(1, round(AROUND[part] * face))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return _softened(np.asarray(cv2.dilate(mask, disc), np.float32), SOFT * face)


def _box(box: tuple[int, int, int, int], shape: tuple[int, ...], soft: float) -> F32:
    left, top, width, height = box
    mask = np.zeros(shape[:2], np.float32)
    mask[top : top + height, left : left + width] = 1
    return _softened(mask, soft)


def _softened(mask: F32, sigma: float) -> F32:
    import cv2

    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(sigma, 0.3)), np.float32)[..., None]
