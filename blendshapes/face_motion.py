"""What a face does over time, whoever's face it is: what is edited, mixed, sent and carried between heads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..avatars.arkit import ARKIT_52
from .speech.encoder import AXES

F64 = NDArray[np.float64]
Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]

# What the rigid parts say better than a weight: jaw, lids and gaze are columns of their own (`RIGID`)
_BY_JOINTS = ("jawOpen", *(n for n in ARKIT_52 if n.startswith(("eyeLook", "eyeBlink"))))
JAW_OPEN = np.radians(25.0)  # pitch of the jaw at which ARKit's jawOpen is 1; each head opens its own angle there
LIP_CONTACT = "lipContact"  # 0..1: how far the lips are pressed together
TONGUE = ("tongueUp", "tongueForward")  # 0..1: tip at the teeth or palate; body forward
SHAPES = (*(n for n in ARKIT_52 if n not in _BY_JOINTS), LIP_CONTACT, *TONGUE)
SPEECH = tuple(f"speech.{axis}" for axis in AXES)  # 0..1: articulation, as the speech encoder tells it
ACTIVITY, SPEAKING = "speech.activity", "speech.speaking"  # 1 while someone speaks, 0 in pauses; the same, eased
EMOTION = "emotion."  # weights 0..1 of the expressions that heads have names for: "emotion.happy" ...
BASIS = "basis:"  # "basis:HEAD:K": coefficient K of the expression space of the head with that version, added
CONTACTS = frozenset({LIP_CONTACT, "speech.close", "speech.tuck"})  # short and final: resampled by their peak
SIDES = ("Left", "Right")  # how the names of shapes end that have one of each side

# name -> (array, index): columns that every face motion has
RIGID: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "jawPitch": ("jaw", (0,)),
    "jawYaw": ("jaw", (1,)),
    "jawRoll": ("jaw", (2,)),
    "lidLeft": ("lids", (0,)),
    "lidRight": ("lids", (1,)),
    "gazeLeftPitch": ("gaze", (0, 0)),
    "gazeLeftYaw": ("gaze", (0, 1)),
    "gazeRightPitch": ("gaze", (1, 0)),
    "gazeRightYaw": ("gaze", (1, 1)),
    "headPitch": ("head", (0,)),
    "headYaw": ("head", (1,)),
    "headRoll": ("head", (2,)),
    "headX": ("head", (3,)),
    "headY": ("head", (4,)),
    "headZ": ("head", (5,)),
}

REGIONS = ("mouth", "jaw", "cheeks", "brows", "lids", "gaze", "head", "emotion")
_BY_PREFIX = {
    "jaw": "jaw",
    "lid": "lids",
    "gaze": "gaze",
    "head": "head",
    "brow": "brows",
    "eyeSquint": "lids",
    "eyeWide": "lids",
    "cheek": "cheeks",
    "nose": "cheeks",
    EMOTION: "emotion",
    BASIS: "emotion",
}


def both(*shapes: str) -> dict[str, float]:
    """Columns of shapes that have a left and a right side, in full."""
    return {f"{shape}{side}": 1.0 for shape in shapes for side in SIDES}


def region_of(column: str) -> str:
    """The region of `REGIONS` that a column moves; everything without one of its own belongs to the mouth.

    >>> region_of("browInnerUp"), region_of("headYaw"), region_of("speech.close")
    ('brows', 'head', 'mouth')
    """
    return next((region for prefix, region in _BY_PREFIX.items() if column.startswith(prefix)), "mouth")


@dataclass(frozen=True, eq=False)
class FaceMotion:
    """What a face does in T frames; frame i shows time (first + i + 0.5) / fps.

    Columns by name: the ARKit shapes that move skin (`SHAPES`), articulation and emotion (`SPEECH`, `EMOTION`), a
    learned space with its name (`BASIS`), in any selection (one that is missing is 0), and the rigid parts (`RIGID`),
    which are always there. Angles are radians, axis-angle in FLAME space (+X pitch down, +Y yaw to the person's left),
    lengths metres, times seconds.

    `channels` names the columns of `values` [T, K]; `jaw` [T, 3], `head` [T, 6], `gaze` [T, 2, 2] and `lids` [T, 2] are
    the rigid parts, `given` [T, R] the regions that are known, `first` the number of the first frame and `seed` that of
    the natural variation. Raises ValueError for other shapes and for names that no face has.

    >>> import emosplat, numpy as np
    >>> smile = emosplat.FaceMotion.rest(50, fps=25).with_column("mouthSmileLeft", 0.6).with_columns({"headYaw": 0.1})
    >>> len(smile), smile.duration, float(smile.column("mouthSmileLeft")[7])
    (50, 2.0, 0.6)
    >>> smile.table(["headYaw", "jawPitch"]).shape, len(smile.resampled(30)), len(list(smile.chunks(20)))
    ((50, 2), 60, 3)
    >>> lips = smile.with_given("mouth").over(emosplat.FaceMotion.rest(50, fps=25))
    >>> slower = smile.sampled(smile.times / 2, np.arange(51) / 50)
    """

    fps: float
    channels: tuple[str, ...]  # K names of `values`
    values: F64  # [T, K]
    jaw: F64  # [T, 3] rotation of the jaw, added to what articulation and emotion open; + opens (see `JAW_OPEN`)
    head: F64  # [T, 6] rotation of the head about the neck, and how far the neck's joint has moved
    gaze: F64  # [T, 2, 2] left and right eye: pitch (+ down), yaw (+ to the person's left), relative to the head
    lids: F64  # [T, 2] closure of the left and right lids, 0 as the face has them, 1 shut
    first: int = 0  # index in its clip of the first frame
    seed: int = 0  # of the natural variation that a head adds to a held emotion
    given: Mask = field(default_factory=lambda: np.ones((0, len(REGIONS)), bool))  # [T, R] which regions are known

    def __post_init__(self) -> None:
        frames = len(self.values)
        if not len(self.given) and frames:
            object.__setattr__(self, "given", np.ones((frames, len(REGIONS)), bool))
        shapes = {
            "values": (frames, len(self.channels)),
            "jaw": (frames, 3),
            "head": (frames, 6),
            "gaze": (frames, 2, 2),
            "lids": (frames, 2),
            "given": (frames, len(REGIONS)),
        }
        for name, shape in shapes.items():
            if (found := getattr(self, name).shape) != shape:
                raise ValueError(f"FaceMotion.{name}: expected shape {shape}, found {found}")
        if not self.fps > 0 or not math.isfinite(self.fps):
            raise ValueError(f"FaceMotion.fps: expected a positive number, found {self.fps}")
        for name in self.channels:
            check_channel(name)
        if len(set(self.channels)) < len(self.channels):
            raise ValueError(f"FaceMotion.channels: expected each once, found {self.channels}")

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, frames: slice) -> FaceMotion:
        """The frames of a slice without a step; they keep their times."""
        start, _, step = frames.indices(len(self))
        if step != 1:
            raise ValueError(f"FaceMotion: expected a slice without a step, found {frames.step}; see `resampled`")
        return replace(self, **{n: getattr(self, n)[frames] for n in ARRAYS}, first=self.first + start)

    @staticmethod
    def rest(frames: int, *, fps: float, channels: Sequence[str] = (), first: int = 0, seed: int = 0) -> FaceMotion:
        """A still face at rest: every column is 0."""
        return FaceMotion(
            fps=fps,
            channels=tuple(channels),
            values=np.zeros((frames, len(channels))),
            jaw=np.zeros((frames, 3)),
            head=np.zeros((frames, 6)),
            gaze=np.zeros((frames, 2, 2)),
            lids=np.zeros((frames, 2)),
            first=first,
            seed=seed,
        )

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self) / self.fps

    @property
    def times(self) -> F64:
        """Time [T] of every frame in its clip, seconds: the middle of each."""
        return np.arange(self.first + 0.5, self.first + len(self), dtype=np.float64) / self.fps

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns: the channels, then the rigid parts."""
        return (*self.channels, *RIGID)

    def column(self, name: str) -> F64:
        """One column [T] by name; zeros where the motion lacks it. Raises ValueError for an unknown name."""
        if name in RIGID:
            array, index = RIGID[name]
            return getattr(self, array)[(slice(None), *index)]
        check_channel(name)
        if name not in self.channels:
            return np.zeros(len(self))
        return self.values[:, self.channels.index(name)]

    def table(self, names: Sequence[str]) -> F64:
        """Columns [T, n] by name, as `column`."""
        return np.stack([self.column(name) for name in names], axis=1) if names else np.zeros((len(self), 0))

    def with_column(self, name: str, values: float | F64) -> FaceMotion:
        """The same motion with one column replaced by `values` [T] or one number."""
        return self.with_columns({name: values})

    def with_columns(self, columns: Mapping[str, float | F64]) -> FaceMotion:
        """The same motion with some columns replaced, each by [T] values or one number."""
        rigid = {array: getattr(self, array).copy() for array, _ in (RIGID[n] for n in columns if n in RIGID)}
        names = (*self.channels, *(n for n in columns if n not in RIGID and n not in self.channels))
        values = np.concatenate([self.values, np.zeros((len(self), len(names) - len(self.channels)))], axis=1)
        for name, column in columns.items():
            if name in RIGID:
                array, index = RIGID[name]
                rigid[array][(slice(None), *index)] = column
            else:
                values[:, names.index(name)] = column
        return replace(self, channels=names, values=values, **rigid)

    def with_given(self, *regions: str) -> FaceMotion:
        """The same motion of which only these regions are known. Raises ValueError for a name not in `REGIONS`."""
        if unknown := set(regions) - set(REGIONS):
            raise ValueError(f"region: expected some of {', '.join(REGIONS)}, found {sorted(unknown)}")
        row = np.array([name in regions for name in REGIONS])
        return replace(self, given=np.tile(row, (len(self), 1)))

    def over(self, base: FaceMotion) -> FaceMotion:
        """This motion where it is given, `base` (as many frames) elsewhere.

        >>> lips = FaceMotion.rest(2, fps=25).with_column("mouthPucker", 1.0).with_given("mouth")
        >>> brows = FaceMotion.rest(2, fps=25).with_column("browInnerUp", 0.5)
        >>> float(lips.over(brows).column("browInnerUp")[0]), float(lips.over(brows).column("mouthPucker")[0])
        (0.5, 1.0)
        """
        _same_frames(self, base)
        columns = {}
        for name in dict.fromkeys((*self.columns, *base.columns)):
            known = self.given[:, REGIONS.index(region_of(name))]
            columns[name] = np.where(known, self.column(name), base.column(name))
        return replace(base.with_columns(columns), given=self.given | base.given)

    def resampled(self, fps: float) -> FaceMotion:
        """The same motion at another frame rate: linear, but contacts by their greatest value within the frame."""
        first = round(self.first / self.fps * fps)
        if not len(self):
            return replace(self, fps=fps, first=first)
        frames = max(1, math.ceil(len(self) / self.fps * fps - 1e-6))
        times = (first + np.arange(frames) + 0.5) / fps - self.first / self.fps
        ends = np.append(times - 0.5 / fps, times[-1] + 0.5 / fps)
        return replace(self.sampled(times, ends), fps=fps, first=first)

    def sampled(self, times: Floats, ends: Floats) -> FaceMotion:
        """As many frames as `times` [n] tells, seconds from the beginning of this motion: linear between its frames.

        Contacts are the greatest value between two of `ends` [n + 1], which lie beside the times and do not fall. The
        frame rate stays.
        """
        own = (np.arange(len(self)) + 0.5) / self.fps
        lower = np.clip(np.searchsorted(own, times) - 1, 0, max(len(self) - 2, 0))
        upper = np.minimum(lower + 1, len(self) - 1)
        share = np.clip((times - own[lower]) * self.fps, 0, 1)

        def at(array: F64) -> F64:
            s = share.reshape(-1, *[1] * (array.ndim - 1))
            return (1 - s) * array[lower] + s * array[upper]

        values = at(self.values)
        for k, name in enumerate(self.channels):
            if name in CONTACTS:
                values[:, k] = _peaks(own, self.values[:, k], ends)
        given = self.given[np.where(share < 0.5, lower, upper)]
        rigid = {name: at(getattr(self, name)) for name in ("jaw", "head", "gaze", "lids")}
        return replace(self, values=values, **rigid, given=given)

    def chunks(self, frames: int) -> Iterator[FaceMotion]:
        """Consecutive pieces of at most `frames` frames."""
        for start in range(0, len(self), frames):
            yield self[start : start + frames]


ARRAYS = ("values", "jaw", "head", "gaze", "lids", "given")
_BASIS_COLUMN = re.compile(rf"{BASIS}.+:(0|[1-9][0-9]{{0,3}})", re.DOTALL)


def check_channel(name: str) -> None:
    """Raise ValueError unless `name` is a channel that a solver knows."""
    known = name in SHAPES or name in SPEECH or name in (ACTIVITY, SPEAKING)
    named = name.startswith(EMOTION) and len(name) > len(EMOTION)
    if not (known or named or _BASIS_COLUMN.fullmatch(name)):
        raise ValueError(
            f"face motion: expected a channel such as mouthSmileLeft, lipContact, speech.jaw or emotion.happy, "
            f"found {name!r}"
        )


def with_channels(motion: FaceMotion, channels: Sequence[str]) -> FaceMotion:
    """The same motion with exactly these channels, in this order; missing ones are 0, no other may be lost."""
    if tuple(channels) == motion.channels:
        return motion
    if lost := [n for n in motion.channels if n not in channels and motion.column(n).any()]:
        raise ValueError(f"face motion: channels {lost} would be lost")
    return replace(motion, channels=tuple(channels), values=motion.table(channels))


def join(pieces: Iterable[FaceMotion]) -> FaceMotion:
    """Pieces one after the other as one motion, at the frame rate of the first; channels are brought together.

    Raises ValueError for none, or for frame rates that differ.
    """
    pieces = list(pieces)
    if not pieces:
        raise ValueError("join: expected at least one face motion, found none")
    if len(rates := {piece.fps for piece in pieces}) > 1:
        raise ValueError(f"join: expected one frame rate, found {sorted(rates)}; see `FaceMotion.resampled`")
    names = tuple(dict.fromkeys(name for piece in pieces for name in piece.channels))
    pieces = [with_channels(piece, names) for piece in pieces]
    return replace(pieces[0], **{n: np.concatenate([getattr(p, n) for p in pieces]) for n in ARRAYS})


def crossfade(before: FaceMotion, after: FaceMotion, *, seconds: float) -> FaceMotion:
    """`before`, and then `after`, whose beginnings and ends overlap by `seconds`, with a smooth change from one to the
    other.

    Raises ValueError where one is shorter than that, or their frame rates differ.
    """
    overlap = round(seconds * before.fps)
    if before.fps != after.fps:
        raise ValueError(f"crossfade: expected one frame rate, found {before.fps} and {after.fps}")
    if not 0 <= overlap <= min(len(before), len(after)):
        raise ValueError(f"crossfade: expected 0..{min(len(before), len(after))} frames, found {overlap}")
    kept = len(before) - overlap
    both = blend(before[kept:], after[:overlap], ramp(overlap))
    return join([before[:kept], both, after[overlap:]])


def blend(a: FaceMotion, b: FaceMotion, share: F64) -> FaceMotion:
    """Frame by frame, `share` [T] (0..1) of the way from `a` to `b`; where the share is 0 or 1, exactly one of them."""
    _same_frames(a, b)
    names = tuple(dict.fromkeys((*a.channels, *b.channels)))
    a, b = with_channels(a, names), with_channels(b, names)

    def mixed(name: str) -> F64:
        x, y = getattr(a, name), getattr(b, name)
        s = share.reshape(-1, *[1] * (x.ndim - 1))
        return np.where(s == 0, x, np.where(s == 1, y, x + s * (y - x)))

    rest = {name: mixed(name) for name in ("values", "jaw", "head", "gaze", "lids")}
    return replace(a, **rest, given=np.where((share < 0.5)[:, None], a.given, b.given))


def ramp(frames: int) -> F64:
    """Shares [frames] that rise from just above 0 to just below 1, smooth at both ends (raised cosine)."""
    return 0.5 - 0.5 * np.cos(np.pi * (np.arange(frames) + 1) / (frames + 1))


def _peaks(own: Floats, values: F64, ends: Floats) -> F64:
    """Greatest value between two of `ends` [n + 1] each of what is linear between `values` [T] at `own` [T]."""
    at_ends = np.interp(ends, own, values)
    peaks = np.maximum(at_ends[:-1], at_ends[1:])
    within = np.searchsorted(ends, own) - 1
    inside = (within >= 0) & (within < len(peaks))
    np.maximum.at(peaks, within[inside], values[inside])
    return peaks


def _same_frames(a: FaceMotion, b: FaceMotion) -> None:
    if len(a) != len(b) or a.fps != b.fps:
        raise ValueError(
            f"face motion: expected as many frames at one rate, found {len(a)} at {a.fps:g} and {len(b)} at {b.fps:g}"
        )
