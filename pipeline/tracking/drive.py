"""A film whose face is followed: what it does, as a face motion."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from ...blendshapes.face_motion import FaceMotion
from .film import track_film
from .motion import whole_motion
from .tracker import open_tracker

BESIDE = 0.5  # seconds around what is wanted, by which the middle of the head's turns is known better


def followed_face(
    path: Path,
    *,
    tracker: Path | None = None,
    start: float = -math.inf,
    duration: float | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> tuple[FaceMotion, list[str]]:
    """The motion of the largest face of a film from its first picture on, and what a person should know.

    Only the pictures from `start` on, for `duration` seconds, are looked at; the frames before them are not `given`.
    `tracker` is as for `open_tracker`; `report` is told how many are done. Raises InputError without a tracker, a film,
    or a face in it.
    """
    end = math.inf if duration is None else start + duration + BESIDE
    with open_tracker(tracker) as finder:
        film = track_film(path, finder, start=start - BESIDE, end=end, report=report)
    return whole_motion(film), [f"{path}: {warning}" for warning in film.warnings]
