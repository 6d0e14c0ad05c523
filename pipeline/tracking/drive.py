"""A film whose face an avatar follows: what it does as a face motion, for one clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isinf
from pathlib import Path

from ...avatars.library import builtin_head
from ...blendshapes.face_motion import FaceMotion
from ...core.errors import InputError
from ..media.film import Picture, pictures
from .film import tracked
from .motion import face_motion
from .tracker import open_tracker

BESIDE = 0.5  # seconds around what is wanted, by which the middle of the head's turns is known better


def followed_face(
    path: Path,
    *,
    start: float = 0.0,
    duration: float | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> tuple[FaceMotion, list[str]]:
    """The motion of the largest face of a film from its first picture on, and what a person should know.

    Only the pictures from `start` on, for `duration` seconds, are looked at; the frames before them are not `given`.
    `report` is told how many are done. Raises InputError without a tracker, a film, or a face in it.
    """
    end = None if duration is None or isinf(duration) else start + duration + BESIDE
    with open_tracker() as tracker:
        film = tracked(path, _between(pictures(path), start - BESIDE, end), tracker, report)
    if not film.seen.any():
        raise InputError(f"{path}: expected a face, found none in {len(film.times)} pictures")
    motion = face_motion(film, builtin_head(), seconds=float(film.times[-1]) + 1 / film.fps)
    return motion, [f"{path}: {warning}" for warning in film.warnings]


def _between(film: Iterator[Picture], start: float, end: float | None) -> Iterator[Picture]:
    for picture in film:
        if end is not None and picture.time >= end:
            return
        if picture.time >= start:
            yield picture
