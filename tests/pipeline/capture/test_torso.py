"""Shoulders of another size and height are found by their outline; what is no shoulder is not taken for one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.pipeline.capture.masks import silhouettes
from emosplat.pipeline.capture.torso import CLOTH, fitted_torso, small_torso, with_torso
from emosplat.renderer import Camera

U8 = NDArray[np.uint8]
WIDTH, HEIGHT, DISTANCE = 288, 384, 0.5
CAMERA = Camera.look_at((0, 0.06, DISTANCE), (0, 0.055, 0), fov_y=0.9, width=WIDTH, height=HEIGHT)
SIZE, RISE = 0.12, -0.015


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return builtin_head()


@pytest.fixture(scope="module")
def turning(head: HeadModel) -> Motion:
    motion = Motion.rest(5, head.expressions, 25.0)
    neck = motion.neck.copy()
    neck[:, 1] = np.linspace(-0.6, 0.6, 5)
    return replace(motion, neck=neck)


def worn(head: HeadModel, motion: Motion) -> list[U8]:
    """Outlines of the head in clothes."""
    rows = round(CLOTH * CAMERA.K[0, 0] / DISTANCE)
    return [
        np.maximum.reduce([np.roll(mask, -k, axis=0) for k in range(rows + 1)])
        for mask in silhouettes(head, CAMERA, motion)
    ]


def off(head: HeadModel, other: HeadModel) -> float:
    """Metres between two torsos, on average."""
    torso = head.weights[:, 0] > 0.9
    return float(np.linalg.norm(head.v_template[torso] - other.v_template[torso], axis=1).mean())


def test_only_the_torso_changes(head: HeadModel) -> None:
    changed = with_torso(head, SIZE, RISE)
    still = head.weights[:, 0] == 0
    np.testing.assert_array_equal(changed.v_template[still], head.v_template[still])
    assert still[head.regions["lips"]].all()
    assert off(head, changed) > 0.01
    np.testing.assert_array_equal(changed.joints, head.joints)


def test_size_and_height_are_told_by_the_outline(head: HeadModel, turning: Motion) -> None:
    person = with_torso(head, SIZE, RISE)
    found = fitted_torso(head, CAMERA, turning, worn(person, turning))
    assert off(found, person) < 0.3 * off(head, person)
    still = head.weights[:, 0] == 0
    np.testing.assert_array_equal(found.v_template[still], head.v_template[still])


def test_hair_before_a_shoulder_is_not_taken_for_it(head: HeadModel, turning: Motion) -> None:
    person = with_torso(head, SIZE, RISE)
    masks = worn(person, turning)
    for mask in masks:
        mask[150:, 190:225] = 255
    assert off(fitted_torso(head, CAMERA, turning, masks), person) < 0.4 * off(head, person)


def test_without_an_outline_the_torso_stays(head: HeadModel, turning: Motion) -> None:
    nothing = [np.zeros((HEIGHT, WIDTH), np.uint8)] * len(turning)
    assert fitted_torso(head, CAMERA, turning, nothing) is head


def test_the_small_torso_lies_inside_the_outline(head: HeadModel, turning: Motion) -> None:
    (inside, *_), (outline, *_) = (list(silhouettes(h, CAMERA, turning)) for h in (small_torso(head), head))
    assert (inside > 0).sum() < 0.95 * (outline > 0).sum()
    assert ((inside > 0) & (outline == 0)).sum() < 0.01 * (outline > 0).sum()
