"""A film of somebody who talks beside our motion of the same sound: sync, and naturalness of both."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52
from ...blendshapes.bundle import find_bundle
from ...blendshapes.emotion import EMOTIONS
from ...blendshapes.evaluation import naturalness as n
from ...blendshapes.speech.encoder import RATE
from ...core.errors import InputError
from ..clip.handle import Clip
from ..clip.loaded import LoadedModels
from ..clip.objects import Objects
from ..clip.request import ClipRequest
from ..media.audio import AudioClip, open_audio
from ..media.film import Picture
from ..settings import ClipSettings, read_settings
from .film import TrackedFilm, track_film, tracked
from .tracker import Tracker

F64 = NDArray[np.float64]

NOWHERE = Path("clip.mp4")
OFFSET_REACH = 0.6  # seconds by which picture and sound of a film may be apart
LEAST_R, LEAST_LEAD = 0.2, 0.05  # of the correlation that tells an offset, and above that of delays further off
BESIDE = 0.2  # seconds
COMPARED = (n.OPENING, n.WIDTH, n.JAW, n.PUCKER)
TOLD_BY = (2.0, 0.5, 1.0)  # weights of opening, width and jaw: the opening follows the sound best
SHOWN_SECONDS = 3.0  # of speech under every emotion
UNITS = (  # that people read emotions by
    "browDownLeft", "browInnerUp", "browOuterUpLeft", "eyeSquintLeft", "eyeWideLeft", "jawOpen", "mouthSmileLeft",
    "mouthSmileRight", "mouthFrownLeft", "mouthPressLeft", "mouthUpperUpLeft", "mouthStretchLeft",
)  # fmt: skip
Report = Callable[[str, int], None]


@dataclass(frozen=True)
class Offset:
    """How far picture and sound of a film are apart."""

    ms: float  # the picture is late by so much; 0 where the sound does not tell
    r: float  # correlation there
    told: bool


@dataclass(frozen=True)
class Sync:
    """How one curve of ours follows the film's, after its offset."""

    curve: str
    r: float  # at no delay
    best: float
    delay_ms: float  # of ours, there
    loudness: float  # best correlation of loudness alone


@dataclass(frozen=True, eq=False)
class Comparison:
    """One film and ours."""

    film: TrackedFilm
    offset: Offset
    sync: tuple[Sync, ...]
    takes: dict[str, n.Take]  # "real", "ours seen" (our picture, tracked like the film), "ours" (our mesh)
    warnings: tuple[str, ...]

    @cached_property
    def statistics(self) -> dict[str, dict[str, float]]:
        """Of each take, by name."""
        return {name: n.statistics([take]) for name, take in self.takes.items()}


def compare(
    path: Path,
    tracker: Tracker,
    settings: ClipSettings,
    *,
    loaded: LoadedModels | None = None,
    report: Report = lambda _stage, _done: None,
) -> Comparison:
    """Track a film, make our motion of its sound, draw and track that as well, and measure all three.

    `settings` say who speaks and how; the frame rate is the film's. Raises InputError where the film has no face or no
    sound.
    """
    loaded = loaded or LoadedModels(settings.device)
    audio = open_audio(path)
    film = track_film(path, tracker, report=lambda done: report("tracking the film", done))
    heard = listened(audio, settings)
    clip = performed(path, settings, loaded, fps=film.fps)
    mesh = mesh_take(clip, settings, loaded, heard)
    seen = seen_take(clip, tracker, heard, report=lambda done: report("drawing and tracking ours", done))
    early = film.take(heard)
    offset = find_offset(early, mesh)
    real = film.take(heard, delay=offset.ms / 1000)
    return Comparison(
        film,
        offset,
        tuple(sync(real, mesh, seen, name) for name in COMPARED),
        {"real": real, "ours seen": seen, "ours": mesh},
        (*film.warnings, *audio.warnings),
    )


def listened(audio: AudioClip, settings: ClipSettings) -> n.Heard:
    """Loudness and speech of a sound, as the speech encoder hears it."""
    pieces = list(find_bundle(settings.weights).encoder().articulate(audio.blocks))
    level, speech = (
        np.concatenate([getattr(p, name) for p in pieces]).astype(np.float64) for name in ("level", "speech")
    )
    return n.Heard(np.arange(len(level)) / RATE, level, speech)


def performed(source: Path, settings: ClipSettings, loaded: LoadedModels, *, fps: float) -> Clip:
    """Our clip of a sound at a frame rate."""
    rate = Fraction(fps).limit_denominator(1001)
    request = ClipRequest(source, NOWHERE, read_settings({"fps": rate}, base=settings), varied=True)
    return Clip(request, loaded, Objects(), None, call="render evaluate")


def mesh_take(clip: Clip, settings: ClipSettings, loaded: LoadedModels, heard: n.Heard) -> n.Take:
    """Our face as its mesh moves."""
    return n.Take(clip.fps, loaded.curve_reader(settings.avatar).measures(clip.motion), heard)


def seen_take(
    clip: Clip, tracker: Tracker, heard: n.Heard, *, report: Callable[[int], None] = lambda _: None
) -> n.Take:
    """Our face as the tracker sees it in our pictures; raises InputError where it sees none."""
    with closing(clip.frames()) as frames:
        take = pictures_take(frames, tracker, fps=clip.fps, heard=heard, report=report)
    if np.isnan(take.curve(n.OPENING)).all():
        raise InputError(f"avatar {clip!r}: expected a face that the tracker finds, found none")
    return take


def pictures_take(
    frames: Iterable[NDArray[np.uint8]],
    tracker: Tracker,
    *,
    fps: float,
    heard: n.Heard | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> n.Take:
    """The largest face in pictures [H, W, 3 or 4] at equal steps."""
    film = tracked(Path("pictures"), (Picture(i / fps, f[:, :, :3]) for i, f in enumerate(frames)), tracker, report)
    return film.take(heard)


def find_offset(film: n.Take, ours: n.Take) -> Offset:
    """How late the film's picture is: the delay at which opening, jaw and width follow our motion of its sound best.

    Our own timing is part of it (20 ms on a speaker in sync). Not told where the best delay correlates hardly or is
    hardly better than delays further off.
    """
    real, made = (film.curve(name) for name in COMPARED[:3]), (aligned(ours, film, name) for name in COMPARED[:3])
    found = [n.delays(a, b, film.fps, reach=OFFSET_REACH) for a, b in zip(real, made, strict=True)]
    shifts = sorted(set.intersection(*(set(f) for f in found)))
    table = np.array([[f[k] for k in shifts] for f in found])
    known = np.isfinite(table)
    if not shifts or not known.any(axis=0).all():
        return Offset(0.0, math.nan, told=False)
    shares = known * np.array(TOLD_BY)[:, None]
    score = (np.nan_to_num(table) * shares).sum(axis=0) / shares.sum(axis=0)
    best = int(score.argmax())
    elsewhere = score[np.abs(np.array(shifts) - shifts[best]) > BESIDE * film.fps]
    told = bool(
        score[best] >= LEAST_R
        and 0 < best < len(shifts) - 1
        and score[best] - elsewhere.max(initial=-1.0) >= LEAST_LEAD
    )
    if not told:
        return Offset(0.0, float(score[best]), told=False)
    before, at, after = score[best - 1 : best + 2]
    bend = before - 2 * at + after
    between = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return Offset(1000 * (shifts[best] + float(between)) / film.fps, float(at), told=True)


def aligned(take: n.Take, like: n.Take, name: str) -> F64:
    """A curve of one take at the times of another, NaN beyond its ends."""
    curve, times = take.curve(name), take.times
    seen = np.isfinite(curve)
    if not seen.any():
        return np.full(len(like), np.nan)
    half = 0.5 / take.fps
    values = np.interp(like.times, times[seen], curve[seen])
    return np.where((like.times < times[0] - half) | (like.times > times[-1] + half), np.nan, values)


def sync(real: n.Take, ours: n.Take, seen: n.Take, name: str) -> Sync:
    """How our curve follows the real one; what the mesh does not tell is taken from our picture."""
    made = aligned(ours if name in ours.curves else seen, real, name)
    truth = real.curve(name)
    best, delay = n.best_delay(made, truth, real.fps)
    level = real.heard.level_at(real.times) if real.heard is not None else np.full(len(real), np.nan)
    return Sync(name, n.correlation(made, truth), best, 1000 * delay, n.best_delay(level, truth, real.fps)[0])


def emotions_seen(
    source: Path, tracker: Tracker, settings: ClipSettings, *, loaded: LoadedModels | None = None
) -> Iterator[tuple[str, dict[str, float]]]:
    """Each emotion on the speaking face, as the tracker reads it: median weights over the middle of a few seconds."""
    loaded = loaded or LoadedModels(settings.device)
    for emotion in EMOTIONS:
        asked = read_settings({"emotion": emotion, "duration": SHOWN_SECONDS, "head_motion": "none"}, base=settings)
        clip = performed(source, asked, loaded, fps=5.0)
        weights = []
        with closing(clip.frames()) as frames:
            for frame in frames:
                found = tracker.find(frame[:, :, :3])
                weights += [found[0].weights] if found else []
        middle = np.median(weights[len(weights) // 4 :], axis=0) if weights else np.full(len(ARKIT_52), np.nan)
        yield emotion, {unit: float(middle[ARKIT_52.index(unit)]) for unit in UNITS}


def medians(comparisons: Sequence[Comparison]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Median and quartiles over films of every statistic, by whose it is."""
    tables = [c.statistics for c in comparisons]
    return {
        whose: {s.name: _quartiles([t[whose][s.name] for t in tables]) for s in n.STATISTICS}
        for whose in ("real", "ours seen", "ours")
    }


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    known = [v for v in values if not math.isnan(v)]
    if not known:
        return math.nan, math.nan, math.nan
    low, middle, high = np.percentile(known, [25, 50, 75])
    return float(middle), float(low), float(high)
