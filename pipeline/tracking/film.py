"""A film's face over time: found in every picture, kept with the film's own times."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52
from ...blendshapes.evaluation import naturalness as n
from ...core.errors import InputError
from ...core.maths import runs
from ..clip.curves import WEIGHTS
from ..media.film import Picture, pictures, usual_rate
from .landmarks import POINTS, curves
from .tracker import Face, Tracker, largest

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

LONGEST_STEP = 3.5  # frames: frames that lie further apart have a gap between them
INDEX = {point: i for i, point in enumerate(POINTS)}


@dataclass(frozen=True, eq=False)
class TrackedFilm:
    """The largest face in every picture of a film; NaN where none was found."""

    path: Path
    times: F64  # [N] when each picture appears, seconds from the first sample of the sound
    points: F64  # [N, P, 3] of `POINTS`, pixels to the right, down, and away
    weights: F64  # [N, 52] in the order of `ARKIT_52`
    poses: F64  # [N, 3, 3] rotation of the head from looking into the camera, axes as FLAME's
    faces: I64  # [N] how many were found

    def __post_init__(self) -> None:
        if not len(self.times):
            raise InputError(f"{self.path}: expected a film, found no picture that can be decoded")

    @property
    def fps(self) -> float:
        """Frames per second, usually."""
        return usual_rate(self.times)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """[N] whether a face was found."""
        return self.faces > 0

    @property
    def warnings(self) -> list[str]:
        """What a person should know, one line each."""
        found: list[str] = []
        if (blind := int((~self.seen).sum())) > 0:
            gaps = list(runs(~self.seen))
            longest = max(b - a for a, b in gaps) / self.fps
            found.append(
                f"no face in {blind} of {len(self.times)} pictures ({len(gaps)} gaps, the longest of {longest:.2f} s)"
            )
        if (crowded := int((self.faces > 1).sum())) > 0:
            most = self.faces.max()
            found.append(f"up to {most} faces in {crowded} of {len(self.times)} pictures; the largest is followed")
        steps = np.diff(self.times)
        if len(steps) and steps.max() > 1.5 * np.median(steps):
            found.append("the frame rate varies; pictures keep their own times")
        return found

    def sampled(self, array: F64, times: F64) -> F64:
        """An array [N, ...] between pictures [len(times), ...], by lines; NaN where a neighbour was not seen.

        `times` count to the middle of what is shown, as those of a `Take` and a `FaceMotion` do.
        """
        own = self.times + 0.5 / self.fps
        upper = np.clip(np.searchsorted(own, times - 1e-4 / self.fps), 0, len(own) - 1)
        lower = np.clip(upper - (own[upper] > times + 1e-4 / self.fps), 0, len(own) - 1)
        span = np.maximum(own[upper] - own[lower], 1e-9)
        share = np.clip((times - own[lower]) / span, 0, 1).reshape(-1, *[1] * (array.ndim - 1))
        between = np.where(share == 0, array[lower], (1 - share) * array[lower] + share * array[upper])
        half = 0.5 / self.fps + 1e-6
        outside = (times < own[0] - half) | (times > own[-1] + half) | (span * self.fps > LONGEST_STEP)
        between[outside] = np.nan
        return between

    def take(self, heard: n.Heard | None = None, *, delay: float = 0.0) -> n.Take:
        """The curves of the face at equal steps. `delay`: seconds by which the picture is late behind the sound."""
        frames = round((self.times[-1] - self.times[0]) * self.fps) + 1
        times = self.times[0] + (np.arange(frames) + 0.5) / self.fps
        weights = self.sampled(self.weights, times)
        found = curves(self.sampled(self.points, times), INDEX, fps=self.fps, poses=self.sampled(self.poses, times))
        for name, units in WEIGHTS.items():
            found[name] = weights[:, [ARKIT_52.index(unit) for unit in units]].mean(axis=1)
        return n.Take(self.fps, found, heard, start=float(self.times[0]) - delay)


def track_film(
    path: Path,
    tracker: Tracker,
    *,
    start: float = -math.inf,
    end: float = math.inf,
    report: Callable[[int], None] = lambda _: None,
) -> TrackedFilm:
    """Find the largest face in every picture of a film, from `start` to before `end` seconds; `report` is told how many
    are done.

    Raises InputError where the file is no film, or no picture shows a face.
    """
    wanted = dropwhile(lambda picture: picture.time < start, pictures(path))
    film = tracked(path, takewhile(lambda picture: picture.time < end, wanted), tracker, report)
    if not film.seen.any():
        raise InputError(f"{path}: expected a face, found none in {len(film.times)} pictures")
    return film


def tracked(path: Path, film: Iterable[Picture], tracker: Tracker, report: Callable[[int], None]) -> TrackedFilm:
    """The largest face in each of some pictures."""

    def looked_at() -> Iterator[tuple[float, list[Face]]]:
        for number, picture in enumerate(film):
            report(number)
            yield picture.time, tracker.find(picture.pixels)

    return film_of(path, looked_at())


def film_of(path: Path, found: Iterable[tuple[float, list[Face]]]) -> TrackedFilm:
    """A film of the largest of the faces that were found in each picture, with the picture's time in seconds."""
    times, points, weights, poses, faces = [], [], [], [], []
    for time, people in found:
        face = largest(people)
        times.append(time)
        faces.append(len(people))
        points.append(face.points[list(POINTS)])
        weights.append(face.weights)
        poses.append(face.pose)
    return TrackedFilm(
        path,
        np.array(times, np.float64),
        np.array(points, np.float64).reshape(-1, len(POINTS), 3),
        np.array(weights, np.float64).reshape(-1, len(ARKIT_52)),
        np.array(poses, np.float64).reshape(-1, 3, 3),
        np.array(faces, np.int64),
    )
