"""How large the shoulders are and how high they stand, by their outline: a face tells little of what it sits on.

Where the topmost thing in a column of a picture is the torso, its height is compared with that of the person cut out,
and size and height of the torso follow by least squares. The head, the face and how they move stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...renderer import Camera
from .flow import covered

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Bools = NDArray[np.bool_]

NECK = 1
SMALL, LOW = 0.75, -0.04  # of its size, metres higher: a torso that is surely inside the person's
CLOTH = 0.0053  # metres that shirts stand higher than the mesh; 4.5 to 6.4 on the built-in people
SPREAD = np.array([0.1, 0.02])  # of the logarithm of the size; metres of the height
STEP = np.array([0.03, 0.006])  # of these, to see what they change
EXACT = 0.0025  # metres to which an outline is known
# Metres beyond which a column loses weight, step by step: hair, a hand, another collar
WITHIN = (0.04, 0.025, 0.016, 0.01, *(0.008,) * 4)
BESIDE = 0.09  # metres from the neck, to its sides, from which on no hair is above the torso
ALONE = 40.0  # columns that tell as much as one would by itself, as neighbours err alike
FEWEST = 0.1  # of a picture's columns that must show the outline
LEAP = 1.0  # at most in one step, of `SPREAD`


def with_torso(head: HeadModel, log_size: float, rise: float) -> HeadModel:
    """The head on a torso exp(log_size) times as large, seen from the neck's joint, and `rise` metres higher."""
    share, places = head.weights[:, :1].astype(np.float64), head.v_template.astype(np.float64)
    moved = (np.exp(log_size) - 1) * (places - head.joints[NECK]) + [0, rise, 0]
    return replace(head, v_template=(places + share * moved).astype(np.float32))


def small_torso(head: HeadModel) -> HeadModel:
    """The head on a torso that is surely inside the person's outline."""
    return with_torso(head, float(np.log(SMALL)), LOW)


def fitted_torso(head: HeadModel, camera: Camera, motion: Motion, masks: Sequence[U8]) -> HeadModel:
    """The head on the torso that the outlines tell; as it is where they tell too little.

    masks: [H, W] of each moment of `motion`, how much of each pixel is the person, 0..255, in the camera's pixels
    """
    pixel = _depth(head, camera, motion) / float(camera.K[0, 0])
    outlines = [_top(mask > 127) for mask in masks]
    found = np.zeros(2)

    def lower(torso: F64) -> F64:
        return _lower(with_torso(head, *torso), camera, motion, outlines, pixel)

    for exact in WITHIN:
        off = lower(found)
        slopes = np.stack(
            [(lower(found + step) - lower(found - step)) / (2 * step.sum()) for step in np.diag(STEP)], axis=1
        )
        told = np.isfinite(off) & np.isfinite(slopes).all(axis=1)
        if told.sum() < FEWEST * len(off):
            return head
        off, slopes = off[told], slopes[told]
        weight = 1 / (1 + (off / exact) ** 2) ** 2
        weight *= ALONE / (weight.sum() * EXACT**2)
        A = (slopes * weight[:, None]).T @ slopes + np.diag(1 / SPREAD**2)
        change = np.linalg.solve(A, -slopes.T @ (weight * off) - found / SPREAD**2)
        found = found + np.clip(change, -LEAP * SPREAD, LEAP * SPREAD)
    return with_torso(head, *found)


def _depth(head: HeadModel, camera: Camera, motion: Motion) -> float:
    """Metres from the camera to the neck, on average."""
    places = motion.translation.astype(np.float64) + head.joints[NECK]
    return float((places @ camera.view[2, :3] + camera.view[2, 3]).mean())


def _lower(head: HeadModel, camera: Camera, motion: Motion, outlines: Sequence[tuple[F64, Bools]], pixel: float) -> F64:
    """Metres that the torso stands lower than the outline in each column [T * W]; NaN where that is not known."""
    is_torso = np.median(head.weights[head.faces, 0] > 0.5, axis=1) > 0
    neck, found = head.regions["neck"], []
    for vertices, (top, there) in zip(Poser(head).vertices(motion).astype(np.float64), outlines, strict=True):
        pixels, depth = camera.project(vertices)
        triangle, _, _ = covered(pixels, depth, head.faces, camera.height, camera.width)
        line, any_ = _top(triangle >= 0)
        first = triangle[line.astype(np.int64), np.arange(camera.width)]
        aside = np.abs(np.arange(camera.width) + 0.5 - pixels[neck, 0].mean()) * pixel > BESIDE
        inside = aside & any_ & there & is_torso[np.maximum(first, 0)] & (np.maximum(line, top) < camera.height - 2)
        found.append(np.where(inside, (line - top) * pixel - CLOTH, np.nan))
    return np.concatenate(found)


def _top(mask: Bools) -> tuple[F64, Bools]:
    """The first row [W] of each column that a mask [H, W] covers, and whether there is one."""
    return mask.argmax(axis=0).astype(np.float64), np.asarray(mask.any(axis=0))
