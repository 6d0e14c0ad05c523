"""What is asked of a face, over time: sound, words, emotion, style, cues, key frames, and what must not change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .acting.conditions import GROUPS
from .emotion import Emotion, EmotionMix, parse_emotion
from .face_motion import BASIS, CONTACTS, REGIONS, FaceMotion, check_channel, join, ramp, region_of
from .face_motion import RIGID as RIGID_COLUMNS
from .singing.song import Song
from .speech.accents import Accent
from .speech.effort import Habit
from .speech.encoder import Blocks
from .speech.phones import Segment

F64 = NDArray[np.float64]
HeadMotion = Literal["none", "subtle", "lively"]
Mode = Literal["add", "to", "least"]  # how a cue changes columns
# The lids of people who talk stand lower than on a neutral portrait: opening of the eye over its width 0.31 (0.29 to
# 0.33, 17 filmed people), of the built-in people with this and what `acting` makes of lids and cheeks 0.31
LIDS = 0.1
_CLOSURES = ("lidLeft", "lidRight")
GUIDED = (*GROUPS, "style")  # conditions that `Score.guidance` may strengthen or weaken


@dataclass(frozen=True)
class Word:
    """A word and when it is said, seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Style:
    """How somebody moves, by hand or measured on an example (`learn_style`).

    name: what people call it
    gains: the size of motion by region ("mouth", "jaw", "cheeks", "brows", "lids", "gaze", "head", "emotion"), 0..4,
        1 as the model would
    statistics: what was measured of an example's motion, by name; models that don't know them heed the gains alone
    poses: key poses of the example, each by names of coordinates: weights, and radians of the head
    strength: 0 as people usually are, 1 as the example, up to 2 beyond it

    Raises InputError for a region that there is not, or a number out of range.

    >>> import emosplat
    >>> calm = emosplat.Style("calm", {"head": 0.5, "brows": 0.5})
    """

    name: str
    gains: Mapping[str, float] = field(default_factory=dict)
    statistics: Mapping[str, float] = field(default_factory=dict)
    poses: tuple[Mapping[str, float], ...] = ()
    strength: float = 1.0

    def __post_init__(self) -> None:
        """Raises InputError for an unknown region, a gain outside 0..4 or a strength outside 0..2."""
        if not 0 <= self.strength <= 2:
            raise InputError(f"style {self.name!r}: strength: expected a number in 0..2, found {self.strength:g}")
        for region, gain in self.gains.items():
            if region not in REGIONS:
                raise InputError(f"style {self.name!r}: expected regions of {', '.join(REGIONS)}, found {region!r}")
            if not 0 <= gain <= 4:
                raise InputError(f"style {self.name!r}: {region}: expected a number in 0..4, found {gain:g}")

    def gain(self, region: str) -> float:
        """How much a region moves at this strength, 0..4.

        >>> import emosplat
        >>> emosplat.Style("calm", {"head": 0.5}, strength=0.5).gain("head")
        0.75
        """
        return min(max(1 + self.strength * (self.gains.get(region, 1.0) - 1), 0.0), 4.0)


@dataclass(frozen=True)
class Cue:
    """Columns of a face motion that are changed for a while, with smooth beginnings and ends.

    mode: whether `columns` are added ("add"), come to be ("to") or are the least there is ("least")

    >>> doubt = Cue(1.0, 2.5, {"browDownLeft": 0.4, "headRoll": 0.05})
    >>> calm = Cue(3.0, 4.0, {"browDownLeft": 0.0, "browDownRight": 0.0}, mode="to")
    """

    start: float  # seconds: the cue has begun to rise `attack` before
    end: float  # seconds: the cue is gone `release` after
    columns: Mapping[str, float]  # at full strength
    attack: float = 0.15  # seconds
    release: float = 0.3
    mode: Mode = "add"

    def __post_init__(self) -> None:
        """Raises InputError for an unknown column or times that are not in order."""
        _check_columns("cue", self.columns)
        _check_span("cue", self.start, self.end)

    def changed(self, piece: FaceMotion) -> FaceMotion:
        """A piece of motion as the cue wants it; itself where the cue has no say."""
        strength = self.strength(piece.times)
        if not strength.any():
            return piece
        columns: dict[str, F64] = {}
        for name, value in self.columns.items():
            own = piece.column(name)
            change = {"add": np.full(len(own), value), "to": value - own, "least": np.maximum(value - own, 0)}
            columns[name] = own + change[self.mode] * strength
        return piece.with_columns(columns)

    def strength(self, times: F64) -> F64:
        """0..1 at `times` [n]."""
        rising = np.clip((times - self.start) / max(self.attack, 1e-6) + 1, 0, 1)
        falling = np.clip((self.end - times) / max(self.release, 1e-6) + 1, 0, 1)
        return (0.5 - 0.5 * np.cos(np.pi * rising)) * (0.5 - 0.5 * np.cos(np.pi * falling))


@dataclass(frozen=True)
class Key:
    """What some columns of the face motion are at one time; the motion around is led there and back.

    >>> smile = Key(1.2, {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.5})
    """

    time: float  # seconds
    columns: Mapping[str, float]
    reach: float = 0.3  # seconds before and after within which the motion is changed

    def __post_init__(self) -> None:
        """Raises InputError for an unknown column or a negative time."""
        _check_columns("key", self.columns)
        _check_span("key", self.time, self.time + self.reach)


@dataclass(frozen=True, eq=False)
class Fixed:
    """A span that must be exactly this motion; what lies beside it is led to its first and from its last frame.

    `motion` counts its frames as the clip does (`FaceMotion.first`) and covers the span.
    """

    start: float  # seconds
    end: float
    motion: FaceMotion
    reach: float = 0.2  # seconds

    def __post_init__(self) -> None:
        """Raises InputError where the motion does not cover the span, or no frame lies in it."""
        _check_span("fixed span", self.start, self.end)
        begin, finish = self.motion.first / self.motion.fps, (self.motion.first + len(self.motion)) / self.motion.fps
        if self.start < begin - 1e-9 or self.end > finish + 1e-9:
            raise InputError(
                f"fixed span {self.start:g}-{self.end:g} s: expected a motion that covers it, found one of "
                f"{begin:g}-{finish:g} s"
            )
        first, last = span_frames(self.start, self.end, self.motion.fps)
        if first >= last:
            raise InputError(
                f"fixed span {self.start:g}-{self.end:g} s: expected at least one frame of {self.motion.fps:g}/s, "
                "found none"
            )


@dataclass(frozen=True, eq=False)
class Score:
    """Everything that is asked of a motion model for one clip.

    >>> score = Score(duration=2.0, emotion=parse_emotion("happy:0.5"), keys=(Key(1.0, {"browInnerUp": 0.4}),))
    >>> score.frames
    50
    """

    duration: float | None = None  # seconds; None: as long as the sound that is streamed
    fps: float = 25.0
    sound: Blocks | None = None  # opens the speech anew: mono 16 kHz arrays of any size, float32
    words: tuple[Word, ...] = ()  # what is said, when that is known
    phones: tuple[Segment, ...] = ()
    song: Song | None = None  # what is heard of it where the sound is sung
    emotion: Emotion = field(default_factory=lambda: parse_emotion("neutral"))
    intensity: float = 1.0  # 0..1, of the emotion
    # How wide the mouth opens, 0.5..2 of ordinary speech; None: as the voice tells, beside its `Habit` if that is known
    effort: float | Habit | None = None
    style: Style | None = None
    variety: float = 1.0  # 0..1: how far a performance may be from the most usual one; of generative models
    guidance: Mapping[str, float] = field(default_factory=dict)  # 0..4: how much each condition counts, 1 as learned
    accents: tuple[Accent, ...] | None = None  # moments that stand out; None: as the sound and the words tell
    cues: tuple[Cue, ...] = ()
    keys: tuple[Key, ...] = ()
    fixed: tuple[Fixed, ...] = ()
    seed: int = 0  # of blinks, gaze and all other natural variation
    blink: bool = True
    head_motion: HeadMotion = "subtle"

    def __post_init__(self) -> None:
        """Raises InputError for an intensity, an effort, a duration or a frame rate out of range."""
        if not 0 <= self.intensity <= 1:
            raise InputError(f"intensity: expected a number in 0..1, found {self.intensity:g}")
        if isinstance(self.effort, float | int) and not 0.5 <= self.effort <= 2:
            raise InputError(f"effort: expected a number in 0.5..2, found {self.effort:g}")
        if not 0 <= self.variety <= 1:
            raise InputError(f"variety: expected a number in 0..1, found {self.variety:g}")
        for name, amount in self.guidance.items():
            if name not in GUIDED:
                raise InputError(f"guidance: expected some of {', '.join(GUIDED)}, found {name!r}")
            if not 0 <= amount <= 4:
                raise InputError(f"guidance of {name}: expected a number in 0..4, found {amount:g}")
        if not 0 < self.fps <= 1000:
            raise InputError(f"fps: expected a number in 0..1000, found {self.fps:g}")
        if self.duration is not None and not 0 <= self.duration < math.inf:
            raise InputError(f"duration: expected seconds from 0 on, found {self.duration:g}")
        for span in self.fixed:
            if span.motion.fps != self.fps:
                raise InputError(f"fixed span: expected {self.fps:g} frames/s, found {span.motion.fps:g}")

    @property
    def asked_effort(self) -> float | None:
        """The effort, where it is told as a number."""
        return None if isinstance(self.effort, Habit) else self.effort

    @property
    def frames(self) -> int | None:
        """Number of frames: ceil(duration * fps)."""
        return None if self.duration is None else int(np.ceil(self.duration * self.fps - 1e-6))

    def with_emotion(self, emotion: Emotion | str) -> Score:
        """The same score with another emotion."""
        return replace(self, emotion=parse_emotion(emotion) if isinstance(emotion, str) else emotion)


def shaped(pieces: Iterable[FaceMotion], score: Score) -> Iterator[FaceMotion]:
    """A model's motion as the score's style, cues, keys and fixed spans want it, still piece by piece.

    Any model may end with this: a motion that nobody asks to be changed passes through as it is.
    """
    if not (score.style or score.cues or score.keys or score.fixed):
        yield from pieces
        return
    edits = _Edits(score)
    pending: FaceMotion | None = None
    for piece in pieces:
        styled = edits.styled(piece)
        edits.note(styled)
        pending = styled if pending is None else join([pending, styled])
        if (ready := len(pending) - edits.hold) > 0:
            yield edits.applied(pending[:ready])
            pending = pending[ready:]
    if pending is not None and len(pending):
        yield edits.applied(pending)


class _Edits:
    """The score's wishes, and the motion's own values where they meet it, as those become known."""

    def __init__(self, score: Score) -> None:
        self._score = score
        reach = max([0.0, *(2 * k.reach for k in score.keys)]) + max([0.0, *(f.reach for f in score.fixed)])
        # Frames that have to be known beyond those that leave: keys and fixed spans change what is before them
        self.hold = math.ceil(reach * score.fps) + 1 if score.keys or score.fixed else 0
        self._knots: dict[str, list[tuple[float, float, float]]] = {}  # column -> (time, change, reach) of keys
        self._edges: dict[tuple[int, int], FaceMotion] = {}  # (span, frame) -> the motion's own frame there
        self._spans = [span_frames(f.start, f.end, score.fps) for f in score.fixed]

    def styled(self, piece: FaceMotion) -> FaceMotion:
        """The style's gains, and cues on top."""
        columns: dict[str, F64] = {}
        if self._score.style:
            for name in piece.columns:
                gain = self._score.style.gain(region_of(name))
                if gain != 1 and name not in CONTACTS and not name.startswith(("speech.activity", "speech.speaking")):
                    rest = np.minimum(piece.column(name), LIDS) if name in _CLOSURES else 0.0  # eyes stay open
                    scaled = rest + gain * (piece.column(name) - rest)
                    signed = (name in RIGID_COLUMNS and name not in _CLOSURES) or name.startswith(BASIS)
                    columns[name] = scaled if signed else np.clip(scaled, 0, 1)
        piece = piece.with_columns(columns) if columns else piece
        for cue in self._score.cues:
            piece = cue.changed(piece)
        return piece

    def note(self, piece: FaceMotion) -> None:
        """Remember what the motion does at keys and at the edges of fixed spans."""
        for key in self._score.keys:
            frame = math.floor(key.time * piece.fps) - piece.first
            if 0 <= frame < len(piece):
                time = (piece.first + frame + 0.5) / piece.fps
                for name, value in key.columns.items():
                    change = value - float(piece.column(name)[frame])
                    self._knots.setdefault(name, []).append((time, change, key.reach))
        for s, (first, last) in enumerate(self._spans):
            for edge in (first, last - 1):
                if 0 <= edge - piece.first < len(piece):
                    self._edges[s, edge] = piece[edge - piece.first : edge - piece.first + 1]

    def applied(self, piece: FaceMotion) -> FaceMotion:
        """Keys met, then fixed spans put in."""
        piece = self._keyed(piece)
        for s, (span, (first, last)) in enumerate(zip(self._score.fixed, self._spans, strict=True)):
            piece = self._fixed(piece, s, span, first, last)
        return piece

    def _keyed(self, piece: FaceMotion) -> FaceMotion:
        changes = {n: piece.column(n) + _led(piece.times, sorted(knots)) for n, knots in self._knots.items()}
        return piece.with_columns(changes) if changes else piece

    def _fixed(self, piece: FaceMotion, s: int, span: Fixed, first: int, last: int) -> FaceMotion:
        frames = np.arange(piece.first, piece.first + len(piece))
        reach = round(span.reach * piece.fps)
        inside = (frames >= first) & (frames < last)
        fade = np.concatenate([ramp(reach), [1.0]])  # by distance to the span, far to near
        before, after = first - frames, frames - last + 1
        near = [(first, before, (before > 0) & (before <= reach)), (last - 1, after, (after > 0) & (after <= reach))]
        edges = {e: self._keyed(self._edges[s, e]) for e, _, here in near if (s, e) in self._edges and here.any()}
        columns: dict[str, F64] = {}
        for name in dict.fromkeys((*piece.columns, *span.motion.columns)):
            column, given = piece.column(name).copy(), span.motion.column(name)
            for edge, distance, here in near:
                if edge in edges:
                    change = given[edge - span.motion.first] - float(edges[edge].column(name)[0])
                    column[here] += change * fade[reach - distance[here]]
            column[inside] = given[frames[inside] - span.motion.first]
            columns[name] = column
        return piece.with_columns(columns)


def _led(times: F64, knots: list[tuple[float, float, float]]) -> F64:
    """Change [n] at `times`: what each key wants at its time, 0 beyond its reach, smooth in between."""
    points: list[tuple[float, float]] = []
    for i, (time, change, reach) in enumerate(knots):
        if i == 0 or time - reach > knots[i - 1][0] + knots[i - 1][2]:
            points.append((time - reach, 0.0))
        points.append((time, change))
        if i == len(knots) - 1 or time + reach < knots[i + 1][0] - knots[i + 1][2]:
            points.append((time + reach, 0.0))
    at, wanted = np.array(points).T
    cell = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(at) - 2)
    share = np.clip((times - at[cell]) / np.maximum(at[cell + 1] - at[cell], 1e-9), 0, 1)
    led = wanted[cell] + (0.5 - 0.5 * np.cos(np.pi * share)) * (wanted[cell + 1] - wanted[cell])
    led[(times < at[0]) | (times > at[-1])] = 0.0
    for time, change, _ in knots:
        led[times == time] = change  # also where the reach is 0 and several points lie at this time
    return led


def span_frames(start: float, end: float, fps: float) -> tuple[int, int]:
    """First frame of a span of seconds and the one after its last: those whose middle lies in it."""
    return math.ceil(start * fps - 0.5 - 1e-9), math.ceil(end * fps - 0.5 - 1e-9)


def _check_columns(what: str, columns: Mapping[str, float]) -> None:
    for name, value in columns.items():
        if name not in RIGID_COLUMNS:
            try:
                check_channel(name)
            except ValueError as error:
                raise InputError(f"{what}: {error}") from error
        if not math.isfinite(value):
            raise InputError(f"{what}: {name}: expected a finite number, found {value}")


def _check_span(what: str, start: float, end: float) -> None:
    if not (0 <= start <= end < math.inf):
        raise InputError(f"{what}: expected times from 0 on, in order, found {start:g} to {end:g} s")


__all__ = ["Cue", "EmotionMix", "Fixed", "HeadMotion", "Key", "Mode", "Score", "Style", "Word", "shaped", "span_frames"]
