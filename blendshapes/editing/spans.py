"""Parts of a face motion made anew: from another take of the same sound, or from what lies on both sides."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..emotion import EMOTION_AXES, EMOTIONS, EmotionTrack
from ..face_motion import EMOTION, REGIONS, FaceMotion, ramp, region_of
from ..score import Fixed, span_frames
from .regions import within_range

F64 = NDArray[np.float64]

EDGE = 0.3  # seconds beside a replaced span in which the old motion becomes the new one
# Both takes follow the same sound there, so that any mixture of them does; elsewhere two takes have little in common,
# and the mean of two nods is none: the new one is moved to where the old one is, and drifts to its own place
MIXED = ("mouth", "jaw", "emotion")
SETTLES = 0.3  # seconds in which the speed at an edge gives way
FASTEST = 99.0  # percentile of a column's own speed that counts as its greatest,
DRIFTING = 0.5  # of which a drift, on top of a motion, may have so much
ROOM = 0.25  # of the range of a column, that it may go on with the speed of an edge
GAZE = np.radians(25.0)  # that eyes turn, unless one of the takes turns them farther
_SPAN = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*-\s*(\d+(?:\.\d*)?|\.\d+)\s*", re.ASCII)


@dataclass(frozen=True)
class Span:
    """A stretch of time, seconds from the beginning of a face motion."""

    start: float
    end: float

    def __str__(self) -> str:
        return f"{self.start:g}-{self.end:g}"


def parse_span(text: str, *, what: str) -> Span:
    """Read `3.0-4.5`; raises InputError, which `what` begins.

    >>> parse_span("3-4.5", what="--replace")
    Span(start=3.0, end=4.5)
    """
    found = _SPAN.fullmatch(text)
    if not found:
        raise InputError(f"{what}: expected START-END in seconds, for instance 3.0-4.5, found {text[:40]!r}")
    return Span(float(found[1]), float(found[2]))


def frames_of(face: FaceMotion, span: Span, *, what: str) -> tuple[int, int]:
    """First frame of a span and the one after its last; raises InputError, which `what` begins, where it holds none."""
    rounded = 0.5 / face.fps  # a duration as it is printed may lie a little beyond the end
    if not 0 <= span.start < span.end <= face.duration + rounded:
        raise InputError(f"{what}: expected a span within 0-{face.duration:g} s, start before end, found {span}")
    first, last = span_frames(span.start, span.end, face.fps)
    if first >= min(last, len(face)):
        raise InputError(f"{what}: expected at least one frame of {face.fps:g}/s in {span} s, found none")
    return first, min(last, len(face))


def with_edges(face: FaceMotion, span: Span, *, what: str, edge: float = EDGE) -> tuple[int, int]:
    """The frames that a replaced span may change: its own and those of its edges, or up to an end that is near."""
    first, last = frames_of(face, span, what=what)
    reach = math.floor(edge * face.fps + 1e-9)
    return (first - reach if first > reach else 0), (last + reach if last + reach < len(face) else len(face))


def fixed_around(face: FaceMotion, span: Span, *, what: str, edge: float = EDGE) -> tuple[Fixed, ...]:
    """What a motion model is to keep when a span is made anew: all that lies beyond the edges, in seconds."""
    first, last = with_edges(face, span, what=what, edge=edge)
    start = replace(face, first=0)
    around = ((0.0, first / face.fps), (last / face.fps, face.duration))
    return tuple(Fixed(begin, end, start, reach=0.0) for begin, end in around if end - begin > 0.5 / face.fps)


def emotion_of(face: FaceMotion) -> EmotionTrack:
    """The emotions that a face motion shows, over its time from its beginning."""
    points = np.zeros((len(face), len(EMOTION_AXES)))
    points[:, : len(EMOTIONS)] = face.table([EMOTION + label for label in EMOTIONS])
    return EmotionTrack(replace(face, first=0).times, np.clip(points, 0, 1))


def replaced(
    face: FaceMotion, take: FaceMotion, span: Span, *, regions: Collection[str] = REGIONS, what: str = "replace"
) -> FaceMotion:
    """The motion with some regions of a span as in another take of as many frames; bit for bit itself beyond the edges.

    The way there is continuous in value and speed. Raises InputError for a span without frames.
    """
    if len(take) != len(face) or take.fps != face.fps:
        raise ValueError(f"replaced: expected {len(face)} frames, found {len(take)}")
    first, last = frames_of(face, span, what=what)
    begin, end = with_edges(face, span, what=what)
    share = np.zeros(len(face))
    share[begin:end] = np.concatenate([ramp(first - begin) if begin else np.ones(first), np.ones(last - first),
                                       ramp(end - last)[::-1] if end < len(face) else np.ones(end - last)])  # fmt: skip
    columns: dict[str, F64] = {}
    drift: dict[str, F64] = {}  # how far the head is from its place in the take
    for name in sorted({*face.columns, *take.columns}, key=lambda n: n.startswith("gaze")):  # gaze after the head
        if region_of(name) not in regions:
            continue
        old, new = face.column(name), take.column(name)
        if region_of(name) in MIXED:
            mixed = np.where(share == 1, new, np.where(share == 0, old, old + share * (new - old)))
            columns[name] = mixed
            continue
        if name.startswith("gaze"):
            farthest = max(GAZE, np.abs(old).max(), np.abs(new).max())
            new = new - drift.get(f"head{name.removeprefix('gazeLeft').removeprefix('gazeRight')}", 0.0)
            moved = np.clip(new + _drift(old, new, begin, end, fps=face.fps), -farthest, farthest)
        else:
            moved = new + _drift(old, new, begin, end, fps=face.fps)
        drift[name] = moved - new
        columns[name] = np.where(share > 0, within_range(name, moved, old), old)
    given = face.given.copy()
    given |= (share > 0)[:, None] & np.array([region in regions for region in REGIONS])
    return replace(face.with_columns(columns), given=given)


def turning(face: FaceMotion) -> float:
    """The greatest speed of the head about any axis, radians per second; 0 of a single frame."""
    return float(np.abs(np.diff(face.head[:, :3], axis=0)).max(initial=0.0)) * face.fps


def bridged(face: FaceMotion, span: Span, *, regions: Collection[str] = REGIONS, what: str = "between") -> FaceMotion:
    """The motion with some regions of a span led from what is before to what is after, continuous in value and speed.

    At an end of the clip the face stays as it is on the other side. Raises InputError for a span without frames, or one
    that leaves nothing beside it.

    >>> still = FaceMotion.rest(4, fps=25).with_column("headYaw", np.array([0, 5, 5, 1.0]))
    >>> bridged(still, Span(0.04, 0.12)).column("headYaw").round(2)
    array([0.  , 0.21, 0.79, 1.  ])
    """
    first, last = frames_of(face, span, what=what)
    if first == 0 and last == len(face):
        raise InputError(f"{what}: expected something of the clip beside the span {span}, found nothing")
    columns: dict[str, F64] = {}
    for name in face.columns:
        if region_of(name) in regions:
            old = face.column(name)
            settles = min(SETTLES * face.fps, last - first + 1)
            left = _End(old[first - 1], old[first - 1] - old[max(first - 2, 0)], settles) if first else None
            after = old[min(last + 1, len(old) - 1)]
            right = _End(old[last], after - old[last], settles) if last < len(old) else None
            way = _way(last - first + 2, left, right)[1:-1]
            columns[name] = old.copy()
            columns[name][first:last] = within_range(name, way, np.zeros(len(way)))
    return face.with_columns(columns)


@dataclass(frozen=True)
class _End:
    """Where a way begins or ends."""

    value: float
    speed: float  # per frame
    settles: float  # frames in which the speed gives way
    reach: float = 0.0  # frames that the way should take

    def after(self, steps: F64) -> F64:
        """The value so many frames on, were there no other end."""
        return self.value + self.speed * steps * (1 - _step(steps / max(self.settles, 1)))

    def left_at(self, steps: F64) -> F64:
        """The share, 1 to 0, that is left of this end so many frames from it, where the way takes its reach."""
        return 1 - _step(steps / max(math.ceil(max(self.reach, self.settles)) - 1, 1))

    def before(self, steps: F64) -> F64:
        """The same so many frames earlier."""
        return 2 * self.value - self.after(steps)


def _drift(old: F64, new: F64, begin: int, end: int, *, fps: float) -> F64:
    """What is added to a new column [T] so that it goes on from the old one at `begin` and into it at `end`.

    No faster, and with no more haste, than the two columns move of themselves, if the time between suffices. Up to an
    end of the clip there is no place that it must reach.
    """
    frames = end - begin
    own = new[begin:end]  # beyond it lies the old motion, and a jump between them that is none of either
    fastest, hastiest = (
        DRIFTING * float(np.percentile(np.abs(np.append(np.diff(old, n), np.diff(own, n))), FASTEST)) + 1e-9
        if len(old) > n
        else 1e-9
        for n in (1, 2)
    )

    room = ROOM * max(np.ptp(old), np.ptp(own))

    def way(at: int, beside: int) -> _End:
        gap, change = _difference(old, new, at, beside)
        # the greatest speed, and change of speed, of `_step`, and of a speed that gives way by it
        reach = max(1.9 * abs(gap) / fastest, math.sqrt(5.8 * abs(gap) / hastiest))
        settles = min(4.7 * abs(change) / hastiest, 2 * room / max(abs(change), 1e-9))  # it goes change * settles / 2
        return _End(gap, change, min(max(settles, SETTLES * fps), frames), max(reach, EDGE * fps))

    left = way(begin, begin + 1) if begin else None
    right = way(end - 1, end - 2) if end < len(old) else None
    drift = np.zeros(len(old))
    if left and right and left.reach + right.reach > frames:
        drift[begin:end] = _way(frames, left, right)
        return drift
    steps = np.arange(frames, dtype=np.float64)
    if left:
        drift[begin:end] += left.left_at(steps) * left.after(steps)
    if right:
        drift[begin:end] += (right.left_at(steps) * right.before(steps))[::-1]
    return drift


def _difference(old: F64, new: F64, at: int, beside: int) -> tuple[float, float]:
    """How far the old column is from the new one at a frame, and how that changes per frame, by the frame beside."""
    gap, beside = old - new, min(max(beside, 0), len(old) - 1)
    return float(gap[at]), float(gap[beside] - gap[at]) * (beside - at)


def _step(x: F64) -> F64:
    """0 below 0, 1 above 1, in between without a jump of speed or of its change (6x^5 - 15x^4 + 10x^3)."""
    x = np.clip(x, 0, 1)
    return x**3 * (x * (6 * x - 15) + 10)


def _way(frames: int, left: _End | None, right: _End | None) -> F64:
    """Smooth values [frames] from one end to the other, or those of the only end."""
    steps = np.arange(frames, dtype=np.float64)
    if left is None:
        return np.zeros(frames) if right is None else right.before(steps[::-1])
    if right is None:
        return left.after(steps)
    share = _step(steps / max(frames - 1, 1))
    return (1 - share) * left.after(steps) + share * right.before(steps[::-1])
