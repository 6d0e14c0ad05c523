"""How a face moves while it speaks, as numbers that can be compared: people's beside ours.

A `Take` is one face that speaks, as curves of equal rate with NaN where it was not seen, and what was heard meanwhile.
`statistics` measures the takes of one person; every number is a `Statistic` of `STATISTICS`, with its formula.

Lengths are distances between the outer corners of the eyes. "Range" is the 5th to 95th percentile of the opening over
all takes, and 0 its lower end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ...core.maths import runs
from ..speech.phones import SILENCE, Segment
from .metrics import TREMBLE

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

# What a face is measured by, [T] each; a device measures some of them
OPENING, WIDTH, JAW, UPPER = (
    "opening",
    "width",
    "jaw",
    "upper",
)  # gap and width of the lips, chin, rise of the upper lip
CORNERS = "corners"  # left corner of the mouth above the right one
BROW = "brow"  # above the eyes
EYE_OPENING, LIDS = "eye_opening", "lids"  # height of the eye by its width; the same by its usual height
IRIS = "iris"  # to the person's left, eye widths
PITCH, YAW, ROLL = "pitch", "yaw", "roll"  # of the head from its middle, degrees
# Weights of ARKit shapes, 0..1, means of both sides
JAW_OPEN, SMILE, PUCKER, SQUINT = "jawOpen", "mouthSmile", "mouthPucker", "eyeSquint"
BROW_DOWN, BROW_UP = "browDown", "browUp"

TENTH, QUARTER, HALF = 0.1, 0.25, 0.5
FRAME = 1 / 25  # seconds: of the step
SWAY = 1.0  # Hz; slower is sway
EARLIEST = 0.6  # seconds before the first sound in which the mouth may begin to open
EARLY = 0.1
AROUND = 0.3  # seconds before and after a contact in which its peaks are looked for
NEAR = 0.03  # seconds around a phone
LONG_PAUSE, SHORT_PAUSE = 2.0, 0.2  # seconds of silence that are a pause within speech
LONGEST_BLINK = 0.5  # seconds
FEW = 2.5  # seconds; of a shorter take slow motion and blinks say nothing
SEVERAL = 4.0  # seconds; of a shorter take the share of sway says nothing
REACH = 0.3  # seconds of delay that are tried
SPEAKS = 0.5  # probability
BILABIAL, LABIODENTAL, ROUNDED = frozenset({"P", "B", "M"}), frozenset({"F", "V"}), frozenset({"W"})
OPEN_VOWELS = frozenset({"AA", "AE", "AO", "A1", "EH", "EY1"})


@dataclass(frozen=True, eq=False)
class Heard:
    """The sound of a take."""

    times: F64  # [m] seconds
    level: F64  # [m] dB
    speech: F64  # [m] probability that somebody speaks

    def level_at(self, times: F64) -> F64:
        """Loudness [n] at `times`, dB, under a window of 0.1 s; 40 dB below the loudest is as quiet as it gets."""
        taps = max(1, round(0.1 / max(float(np.median(np.diff(self.times))), 1e-6))) if len(self.times) > 1 else 1
        smooth = np.convolve(np.pad(self.level, taps, mode="edge"), np.hanning(taps + 2)[1:-1], mode="same")[taps:-taps]
        smooth = smooth / np.hanning(taps + 2).sum()
        return np.maximum(np.interp(times, self.times, smooth), smooth.max(initial=-np.inf) - 40)

    def speaks_at(self, times: F64) -> Mask:
        """Whether somebody speaks, [n]."""
        return np.interp(times, self.times, self.speech, left=0, right=0) > SPEAKS


@dataclass(frozen=True, eq=False)
class Take:
    """A face over time: frame i shows time start + (i + 0.5) / fps; NaN where it was not seen."""

    fps: float
    curves: Mapping[str, F64]  # name -> [T]
    heard: Heard | None = None
    phones: Sequence[Segment] = field(default=())
    start: float = 0.0  # seconds on the clock of `heard` and `phones`

    def __len__(self) -> int:
        return len(next(iter(self.curves.values()), ()))

    @cached_property
    def times(self) -> F64:
        """[T] seconds."""
        return self.start + (np.arange(len(self), dtype=np.float64) + 0.5) / self.fps

    @cached_property
    def speaking(self) -> Mask:
        """[T] Whether speech sounds in a frame, by phones or by ear; all frames where nobody knows."""
        if self.phones:
            sounding = [(self.times >= s.start) & (self.times < s.end) for s in self.phones if s.phone != SILENCE]
            return np.logical_or.reduce([np.zeros(len(self), bool), *sounding])
        return np.ones(len(self), bool) if self.heard is None else self.heard.speaks_at(self.times)

    def curve(self, name: str) -> F64:
        """One curve [T]; NaN where this device does not measure it."""
        return self.curves.get(name, np.full(len(self), np.nan))


@dataclass(frozen=True)
class Statistic:
    """One line of the table."""

    name: str
    unit: str
    section: str  # of the table
    formula: str
    measure: Callable[[Person], float]


class Person:
    """All takes of somebody, with what several statistics need."""

    def __init__(self, takes: Iterable[Take]) -> None:
        self.takes = tuple(takes)

    def pooled(self, name: str) -> F64:
        """A curve of all takes end to end, frames that were not seen left out."""
        whole = np.concatenate([t.curve(name) for t in self.takes]) if self.takes else np.zeros(0)
        return whole[np.isfinite(whole)]

    def percentile(self, name: str, share: float) -> float:
        """NaN where there is nothing."""
        return float(np.percentile(values, share)) if len(values := self.pooled(name)) else math.nan

    def range(self, name: str) -> float:
        """5th to 95th percentile."""
        return self.percentile(name, 95) - self.percentile(name, 5)

    @cached_property
    def openings(self) -> list[F64]:
        """The opening of each take in ranges."""
        low, size = self.percentile(OPENING, 5), self.range(OPENING)
        return [(t.curve(OPENING) - low) / size if size > 0 else np.full(len(t), np.nan) for t in self.takes]

    @cached_property
    def speeds(self) -> F64:
        """Velocities of the opening, ranges per second."""
        return _seen(np.diff(o) * t.fps for t, o in zip(self.takes, self.openings, strict=True))

    @cached_property
    def accelerations(self) -> F64:
        """Of the opening, ranges per second squared."""
        return _seen(np.diff(o, n=2) * t.fps**2 for t, o in zip(self.takes, self.openings, strict=True))

    @cached_property
    def contacts(self) -> list[tuple[Take, F64, int, int]]:
        """Runs of frames under a tenth while speech goes on: take, its opening, first frame, the one after the last."""
        found = []
        for take, opening in zip(self.takes, self.openings, strict=True):
            closed = (opening < TENTH) & _span(take.speaking)
            found += [(take, opening, a, b) for a, b in runs(closed) if take.speaking[a:b].mean() >= HALF]
        return found

    @cached_property
    def blinks(self) -> list[tuple[Take, float, float]]:
        """Take, time of the deepest closure, and seconds for which the eyes are less than half open."""
        return [(t, when, length) for t in self.takes for when, length in blinks(t.curve(LIDS), t.fps)]

    @property
    def watched(self) -> float:
        """Seconds in which the lids were seen, of takes that are long enough for blinks."""
        return sum(np.isfinite(t.curve(LIDS)).sum() / t.fps for t in self.takes)


def statistics(takes: Iterable[Take]) -> dict[str, float]:
    """Every statistic of the takes of one person, by name; NaN where they do not tell.

    >>> t = np.arange(250) / 25
    >>> wave = Take(25, {OPENING: 0.1 + 0.05 * np.sin(2 * np.pi * t)})
    >>> round(statistics([wave])["opening range"], 3)
    0.099
    """
    person = Person(takes)
    return {s.name: s.measure(person) for s in STATISTICS}


def blinks(lids: F64, fps: float) -> Iterator[tuple[float, float]]:
    """Time of each blink and how long the eyes are less than half open, seconds; `lids` [T] is 1 when usually open.

    Eyes that stay shut for longer than half a second do not blink.
    """
    for a, b in runs(lids < HALF):
        if a == 0 or b == len(lids) or not np.isfinite(lids[[a - 1, b]]).all():
            continue
        begin = a - (HALF - lids[a]) / max(lids[a - 1] - lids[a], 1e-9)
        end = b - 1 + (HALF - lids[b - 1]) / max(lids[b] - lids[b - 1], 1e-9)
        if (length := (end - begin) / fps) <= LONGEST_BLINK:
            yield (a + int(np.argmin(lids[a:b])) + 0.5) / fps, float(length)


def power_share(curve: F64, fps: float, *, above: float, least: float = 0.64) -> float:
    """Share of a curve's power above a frequency (Hz), its mean left out: periodogram with a Hann window.

    Frames that were not seen are bridged by lines. NaN for less than `least` seconds, where the rate cannot hold the
    frequency, and for a curve that does not move.
    """
    seen = np.isfinite(curve)
    if seen.sum() < max(16, least * fps) or fps <= 2 * above:
        return math.nan
    frames = np.arange(len(curve))
    whole = np.interp(frames, frames[seen], curve[seen])
    power = np.square(np.abs(np.fft.rfft((whole - whole.mean()) * np.hanning(len(whole)))))
    total = power.sum()
    return float(power[np.fft.rfftfreq(len(whole), 1 / fps) > above].sum() / total) if total > 1e-20 else math.nan


def best_delay(a: F64, b: F64, fps: float, *, reach: float = REACH) -> tuple[float, float]:
    """Highest correlation of `a` [T] with `b` [T] over delays within `reach` seconds, and the delay of `a`, seconds.

    NaN, NaN where one of them does not move. Frames that either lacks are left out.
    """
    scores = delays(a, b, fps, reach=reach)
    if not len(scores) or np.isnan(list(scores.values())).all():
        return math.nan, math.nan
    best = max(scores, key=lambda k: -2.0 if math.isnan(scores[k]) else scores[k])
    return scores[best], best / fps


def delays(a: F64, b: F64, fps: float, *, reach: float = REACH) -> dict[int, float]:
    """Correlation of `a` [T] with `b` [T] for each delay of `a` behind `b`, frames."""
    length = min(len(a), len(b))
    furthest = min(round(reach * fps), max(length // 2 - 1, 0))
    shifts = range(-furthest, furthest + 1)
    return {k: correlation(a[max(k, 0) : length + min(k, 0)], b[max(-k, 0) : length - max(k, 0)]) for k in shifts}


def correlation(a: F64, b: F64) -> float:
    """Pearson's over the frames that both have; NaN where one of the two does not move."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3:
        return math.nan
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    scale = math.sqrt(float((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 1e-12 else math.nan


def crossing(opening: F64, fps: float) -> float | None:
    """Seconds in which an opening that begins at a contact rises from 10 to 50 % of its next peak, if it has one."""
    part = opening[: round(AROUND * fps)]
    falls = np.flatnonzero(np.diff(part) < 0)
    peak = int(falls[0]) if len(falls) else len(part) - 1
    if peak < 0 or not part[peak] >= 2 * TENTH:
        return None
    rising = np.concatenate([[0.0], np.maximum.accumulate(part[: peak + 1])]) / part[peak]
    steps = np.arange(len(rising), dtype=np.float64)
    return float(np.interp(HALF, rising, steps) - np.interp(TENTH, rising, steps)) / fps


def within(times: F64, phone: Segment, margin: float) -> Mask:
    """Frames within `margin` seconds of a phone; at least the nearest one."""
    chosen = (times >= phone.start - margin) & (times <= phone.end + margin)
    chosen[np.abs(times - (phone.start + phone.end) / 2).argmin()] = True
    return chosen


def _span(mask: Mask) -> Mask:
    """From the first True to the last."""
    where = np.flatnonzero(mask)
    out = np.zeros(len(mask), bool)
    if len(where):
        out[where[0] : where[-1] + 1] = True
    return out


def _seen(parts: Iterable[F64]) -> F64:
    whole = np.concatenate([np.zeros(0), *parts])
    return whole[np.isfinite(whole)]


def _top(values: F64) -> float:
    return float(np.percentile(values, 99)) if len(values) else math.nan


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if not math.isnan(v)]
    return float(np.mean(known)) if known else math.nan


def _median(values: Sequence[float]) -> float:
    known = [v for v in values if not math.isnan(v)]
    return float(np.median(known)) if known else math.nan


def _fast_power(p: Person) -> float:
    pairs = [(power_share(np.diff(t.curve(OPENING)), t.fps, above=TREMBLE), len(t)) for t in p.takes]
    known = [(share, n) for share, n in pairs if not math.isnan(share)]
    return float(np.average([s for s, _ in known], weights=[n for _, n in known])) if known else math.nan


def _slow(p: Person, name: str, measure: Callable[[Take, F64], float]) -> float:
    """Median of something over the takes that are long enough."""
    return _median([measure(t, t.curve(name)) for t in p.takes if len(t) / t.fps >= FEW])


def _rise(p: Person) -> float:
    times = [crossing(o[b:], t.fps) for t, o, _, b in p.contacts]
    return 1000 * _median([t for t in times if t is not None])


def _bilabial(take: Take, a: int, b: int) -> bool:
    """Whether a /p b m/ sounds during the frames a..b, or nearly."""
    first, last = take.times[a] - HALF / take.fps, take.times[b - 1] + HALF / take.fps
    return any(s.start - NEAR <= last and s.end + NEAR >= first for s in take.phones if s.phone in BILABIAL)


def _held(p: Person) -> float:
    told = any(t.phones for t in p.takes)
    kept = [(t, o, a, b) for t, o, a, b in p.contacts if not told or _bilabial(t, a, b)]
    return 1000 * _median([_below(o, a, b) / t.fps for t, o, a, b in kept])


def _below(opening: F64, a: int, b: int) -> float:
    """Frames for which an opening is under a tenth around the run a..b, between frames by lines."""
    before = _share(opening, a, a - 1) if a > 0 else HALF
    after = _share(opening, b - 1, b) if b < len(opening) else HALF
    return b - 1 - a + before + after


def _share(opening: F64, inside: int, outside: int) -> float:
    """Of the way from a frame under a tenth to its neighbour, how far a tenth lies; half of it where nobody knows."""
    rise = opening[outside] - opening[inside]
    return float(min((TENTH - opening[inside]) / rise, 1.0)) if rise > 0 else HALF


def _sealed(p: Person) -> float:
    spoken = _seen(o[t.speaking] for t, o in zip(p.takes, p.openings, strict=True))
    return float((spoken < TENTH).mean()) if len(spoken) else math.nan


def _sealed_away(p: Person) -> float:
    away = []
    for take, opening in zip(p.takes, p.openings, strict=True):
        near = [within(take.times, s, 2 * NEAR) for s in take.phones if s.phone in BILABIAL]
        if take.phones:
            beside = np.logical_or.reduce([np.zeros(len(take), bool), *near])
            away.append(~beside[(opening < TENTH) & take.speaking])
    sealed = np.concatenate([np.zeros(0, bool), *away])
    return float(sealed.mean()) if len(sealed) else math.nan


def _onsets(p: Person) -> list[float]:
    """Seconds by which the mouth begins to open before the first sound, of takes that begin with a shut mouth."""
    found = []
    for take, opening in zip(p.takes, p.openings, strict=True):
        spoken = np.flatnonzero(take.speaking)
        if not len(spoken) or (take.heard is None and not take.phones):
            continue
        sounds = (s.start for s in take.phones if s.phone != SILENCE)
        first = next(sounds, take.times[spoken[0]] - HALF / take.fps)
        recent = (take.times > first - EARLIEST) & (take.times < first + EARLIEST)
        shut = recent & (take.times < first) & (opening < TENTH)
        if shut.any() and len(opens := np.flatnonzero(recent & (opening >= TENTH))):
            found.append(first - (take.times[opens[0]] - HALF / take.fps))
    return found


def _pauses(p: Person) -> float:
    parts = []
    for take, opening in zip(p.takes, p.openings, strict=True):
        if take.heard is None and not take.phones:
            continue
        inside = _span(take.speaking)
        for a, b in runs(~take.speaking & inside):
            if SHORT_PAUSE <= (b - a) / take.fps <= LONG_PAUSE:
                parts.append(opening[a:b])
    return float(np.median(seen)) if len(seen := _seen(parts)) else math.nan


def _least(p: Person, phones: frozenset[str]) -> Iterator[tuple[list[float], float]]:
    """Of every take the least opening of each of some phones, and the median of the open vowels' greatest."""
    for take, opening in zip(p.takes, p.openings, strict=True):
        vowels = [opening[within(take.times, s, NEAR)].max() for s in take.phones if s.phone in OPEN_VOWELS]
        least = [opening[within(take.times, s, NEAR)].min() for s in take.phones if s.phone in phones]
        yield least, _median(vowels)


def _narrowed(phones: frozenset[str]) -> Callable[[Person], float]:
    """Median of the least opening of some phones, as a share of the open vowels of their take."""
    return lambda p: _median([v / usual for least, usual in _least(p, phones) if usual > 0 for v in least])


def _shut(phones: frozenset[str]) -> Callable[[Person], float]:
    """Share of some phones whose least opening is under a quarter of the open vowels of their take."""

    def measure(p: Person) -> float:
        found = []
        for least, usual in _least(p, phones):
            limit = QUARTER * (1.0 if math.isnan(usual) else usual)
            found += [float(v < limit) for v in least if not math.isnan(v)]
        return _mean(found)

    return measure


def _upper_share(p: Person) -> float:
    """Slope of the upper lip's rise on the opening."""
    both = [(t.curve(OPENING), t.curve(UPPER)) for t in p.takes]
    centred = [(o - np.nanmean(o), u - np.nanmean(u)) for o, u in both if np.isfinite(o + u).sum() > 2]
    if not centred:
        return math.nan
    o, u = (np.concatenate(parts) for parts in zip(*centred, strict=True))
    seen = np.isfinite(o + u)
    spread = float(np.square(o[seen]).sum())
    return float((o[seen] * u[seen]).sum() / spread) if spread > 1e-12 else math.nan


def _std(name: str) -> Callable[[Person], float]:
    return lambda p: _slow(p, name, lambda _, c: float(np.nanstd(c)) if np.isfinite(c).any() else math.nan)


def _median_range(name: str) -> Callable[[Person], float]:
    def span(_: Take, curve: F64) -> float:
        seen = curve[np.isfinite(curve)]
        return float(np.subtract(*np.percentile(seen, [95, 5]))) if len(seen) else math.nan

    return lambda p: _slow(p, name, span)


def _head_speed(share: float) -> Callable[[Person], float]:
    def measure(p: Person) -> float:
        turned = [np.stack([t.curve(n) for n in (PITCH, YAW, ROLL)], axis=1) for t in p.takes]
        speeds = _seen(
            _smooth(np.linalg.norm(np.diff(c, axis=0), axis=1) * t.fps, t.fps)
            for t, c in zip(p.takes, turned, strict=True)
        )
        return float(np.percentile(speeds, share)) if len(speeds) else math.nan

    return measure


def _smooth(curve: F64, fps: float) -> F64:
    """Mean of about 0.12 s: what trackers tremble is no motion."""
    taps = max(1, round(0.12 * fps))
    return sliding_window_view(curve, taps).mean(axis=1) if len(curve) >= taps else curve[:0]


def _swift(name: str) -> Callable[[Person], float]:
    return lambda p: _slow(p, name, lambda t, c: power_share(c, t.fps, above=SWAY, least=SEVERAL))


def _with_level(name: str, *, delay: bool = False) -> Callable[[Person], float]:
    def measure(p: Person) -> float:
        found = []
        for take in p.takes:
            if take.heard is not None and len(take) / take.fps >= FEW:
                r, late = best_delay(take.curve(name), take.heard.level_at(take.times), take.fps)
                found.append(1000 * late if delay else r)
        return _median(found)

    return measure


def _blink_rate(p: Person) -> float:
    return 60 * len(p.blinks) / p.watched if p.watched >= FEW else math.nan


def _blink_spread(p: Person) -> float:
    times: dict[int, list[float]] = {}
    for take, when, _ in p.blinks:
        times.setdefault(id(take), []).append(when)
    gaps = np.concatenate([np.zeros(0), *(np.diff(sorted(t)) for t in times.values())])
    return float(gaps.std() / gaps.mean()) if len(gaps) > 2 else math.nan


LIPS, NARROWING, SIZE, REST = "lips in time", "narrowing", "size and shape", "head, brows, eyes"

STATISTICS: tuple[Statistic, ...] = (
    Statistic("step", "ranges", LIPS, "99th percentile of the change of the opening in 1/25 s",
              lambda p: FRAME * _top(np.abs(p.speeds))),
    Statistic("opening speed", "ranges/s", LIPS, "99th percentile of the velocities that open",
              lambda p: _top(p.speeds[p.speeds > 0])),
    Statistic("closing speed", "ranges/s", LIPS, "99th percentile of the velocities that close",
              lambda p: _top(-p.speeds[p.speeds < 0])),
    Statistic("acceleration", "ranges/s2", LIPS, "99th percentile of its size",
              lambda p: _top(np.abs(p.accelerations))),
    Statistic("fast power", "0..1", LIPS, "share of the opening's velocity power above 8 Hz", _fast_power),
    Statistic("rise", "ms", LIPS, "from 10 to 50 % of the next peak after a contact, median", _rise),
    Statistic("contact", "ms", LIPS, "how long lips stay under 10 %, at p b m where phones are known, median",
              _held),
    Statistic("sealed", "0..1", LIPS, "frames of speech under 10 %", _sealed),
    Statistic("sealed elsewhere", "0..1", LIPS, "of those, the ones away from p b m", _sealed_away),
    Statistic("opens before", "ms", LIPS, "how long before the first sound the shut mouth begins to open, median",
              lambda p: 1000 * _median(_onsets(p))),
    Statistic("opens early", "0..1", LIPS, "takes in which that is more than 100 ms",
              lambda p: _mean([float(t > EARLY) for t in _onsets(p)])),
    Statistic("open in pauses", "ranges", LIPS, "median opening in pauses of 0.2 to 2 s within speech", _pauses),
    Statistic("w", "of the vowel", NARROWING, "least opening of /w/ by the open vowels' greatest, median",
              _narrowed(ROUNDED)),
    Statistic("f v", "of the vowel", NARROWING, "the same of /f v/", _narrowed(LABIODENTAL)),
    Statistic("p b m closed", "0..1", NARROWING, "whose least opening is under a quarter of the open vowels'",
              _shut(BILABIAL)),
    Statistic("w closed", "0..1", NARROWING, "the same of /w/", _shut(ROUNDED)),
    Statistic("opening p95", "eyes", SIZE, "95th percentile", lambda p: p.percentile(OPENING, 95)),
    Statistic("opening median", "eyes", SIZE, "median", lambda p: p.percentile(OPENING, 50)),
    Statistic("opening range", "eyes", SIZE, "5th to 95th percentile", lambda p: p.range(OPENING)),
    Statistic("width range", "eyes", SIZE, "5th to 95th percentile of the mouth's width", lambda p: p.range(WIDTH)),
    Statistic("jawOpen p95", "0..1", SIZE, "95th percentile of the weight", lambda p: p.percentile(JAW_OPEN, 95)),
    Statistic("upper lip's share", "0..1", SIZE, "slope of its rise on the opening", _upper_share),
    Statistic("asymmetry", "eyes", SIZE, "std of one corner of the mouth above the other", _std(CORNERS)),
    Statistic("eye opening", "eye widths", SIZE, "height of the eye, median", lambda p: p.percentile(EYE_OPENING, 50)),
    Statistic("squint", "0..1", SIZE, "median of the weight", lambda p: p.percentile(SQUINT, 50)),
    Statistic("pitch", "degrees", REST, "std within a take, median over takes", _std(PITCH)),
    Statistic("yaw", "degrees", REST, "the same", _std(YAW)),
    Statistic("roll", "degrees", REST, "the same", _std(ROLL)),
    Statistic("head speed p50", "degrees/s", REST, "of the turn, mean of 0.12 s", _head_speed(50)),
    Statistic("head speed p90", "degrees/s", REST, "the same", _head_speed(90)),
    Statistic("head speed p99", "degrees/s", REST, "the same", _head_speed(99)),
    Statistic("pitch above 1 Hz", "0..1", REST, "share of the power", _swift(PITCH)),
    Statistic("yaw above 1 Hz", "0..1", REST, "the same", _swift(YAW)),
    Statistic("roll above 1 Hz", "0..1", REST, "the same", _swift(ROLL)),
    Statistic("pitch with loudness", "r", REST, "best correlation within 0.3 s", _with_level(PITCH)),
    Statistic("pitch after loudness", "ms", REST, "its delay", _with_level(PITCH, delay=True)),
    Statistic("brow height", "eyes", REST, "std within a take, median over takes (a nod shows in it)", _std(BROW)),
    Statistic("browDown", "0..1", REST, "5th to 95th percentile of the weight", _median_range(BROW_DOWN)),
    Statistic("browUp", "0..1", REST, "the same", _median_range(BROW_UP)),
    Statistic("brow with loudness", "r", REST, "best correlation within 0.3 s", _with_level(BROW_UP)),
    Statistic("blinks", "per minute", REST, "lids under half their usual height, 0.5 s at most", _blink_rate),
    Statistic("blink length", "ms", REST, "how long they are, median",
              lambda p: 1000 * _median([length for _, _, length in p.blinks])),
    Statistic("blink spread", "0..1", REST, "std of the intervals by their mean", _blink_spread),
    Statistic("iris", "eye widths", REST, "std to the sides within a take, median over takes", _std(IRIS)),
    Statistic("smile", "0..1", REST, "5th to 95th percentile of the weight", _median_range(SMILE)),
)  # fmt: skip


@dataclass(frozen=True)
class Norm:
    """What people do: a median, and quartiles over people where they are known."""

    value: float
    low: float = math.nan
    high: float = math.nan


# Medians [quartiles] over people who were filmed (149 clips, 45 people; face landmarks of MediaPipe) or wore sensors on
# their lips (3 people, 100 Hz: speeds, acceleration, fast power, rise, contact). None of the recordings is in emosplat.
PEOPLE: Mapping[str, Norm] = {
    "step": Norm(0.47),
    "opening speed": Norm(12.6),
    "closing speed": Norm(13.7),
    "acceleration": Norm(426),
    "fast power": Norm(0.12),
    "rise": Norm(65),
    "contact": Norm(55, 55, 80),
    "sealed": Norm(0.05, 0.045, 0.055),
    "sealed elsewhere": Norm(0.14),
    "opens before": Norm(225),
    "opens early": Norm(0.70),
    "w": Norm(0.17, 0.10, 0.24),
    "f v": Norm(0.24),
    "p b m closed": Norm(0.97),
    "w closed": Norm(0.92),
    "opening p95": Norm(0.165),
    "opening median": Norm(0.085),
    "width range": Norm(0.113),
    "jawOpen p95": Norm(0.26),
    "upper lip's share": Norm(0.36),
    "asymmetry": Norm(0.008),
    "eye opening": Norm(0.314, 0.292, 0.325),
    "squint": Norm(0.36, 0.27, 0.50),
    "pitch": Norm(1.6, 1.2, 3.6),
    "yaw": Norm(1.6, 0.7, 2.9),
    "roll": Norm(1.0, 0.6, 3.2),
    "head speed p50": Norm(7.2, 6.4, 11),
    "head speed p90": Norm(17.5, 16, 26),
    "head speed p99": Norm(41, 26, 68),
    "pitch above 1 Hz": Norm(0.14),
    "yaw above 1 Hz": Norm(0.18),
    "roll above 1 Hz": Norm(0.15),
    "pitch with loudness": Norm(0.28, 0.15, 0.36),
    "pitch after loudness": Norm(-120, -230, 80),
    "brow height": Norm(0.010, 0.007, 0.023),
    "browDown": Norm(0.18, 0.02, 0.22),
    "brow with loudness": Norm(0.19, 0.08, 0.42),
    "blinks": Norm(20, 10, 30),
    "blink length": Norm(135, 120, 177),
    "blink spread": Norm(0.9, 0.8, 1.0),
    "iris": Norm(0.022, 0.014, 0.027),
    "smile": Norm(0.23, 0.12, 0.47),
}
