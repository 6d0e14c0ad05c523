"""Faces to learn deformation fusion from, generated: people who speak, and people who make expressions.

Both domains leak into each other, as in scans of real people ("secondary deformation"): speakers smile a little and
raise their brows, and the mouth of an expression moves as if it spoke. What is whose is known here, for evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...core.errors import InputError
from ...core.maths import smoothstep
from ..data.flame_fits import with_identity
from ..data.generated import ClipSource, Person, save_person
from ..data.sequence import Part
from ..emotion import EMOTIONS
from ..noise import slow_noise
from ..solve.articulation import Articulator, LipContact, LipGap, seal
from ..speech.closures import FLANKS, swings
from ..speech.encoder import AXES, CONTACTS, RATE
from ..speech.phones import SILENCE, Segment
from ..speech.rules import articulate

F64 = NDArray[np.float64]
Rng = np.random.Generator

PEOPLE: dict[Part, int] = {"train": 40, "val": 6, "test": 10}
SENTENCES = 10  # per person
LEVELS = (1 / 3, 2 / 3, 1.0)
EXPRESSION_FPS = 30.0
EXPRESSION_SECONDS = 1.6, 2.4

IDENTITY = 0.7  # standard deviation of the identity coefficients
STYLE = 0.10  # of one person's own use of every shape, as ARKit weights, where the emotion is at its apex
VIGOUR = 0.12  # of the logarithm of how strongly one person shows emotions

# Secondary deformation, as shares of a full emotion or articulation
SMILE = 0.30  # at most, of a random emotion on a speaking face, all along
FLASH = 0.35  # at most, of the brows while speaking, coming and going
BROWS = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")
MUMBLE = (0.30, 0.05, 0.30, 0.30, 0.30, 0.30, 0.20, 0.0)  # at most, of each axis of articulation, in an expression

SPEECH, EXPRESSIONS = "speech", "expressions"  # folders


@dataclass(frozen=True, eq=False)
class _Actor:
    """One invented person."""

    head: HeadModel
    identity: NDArray[np.float32]
    articulator: Articulator
    contact: LipContact
    gap: LipGap
    apexes: F64  # [M, E] this person's version of the head's emotion table
    jaws: F64  # [M]


def generate(
    folder: Path,
    head: HeadModel,
    sentences: Sequence[Sequence[Segment]],
    *,
    seed: int = 0,
    people: dict[Part, int] = PEOPLE,
    spoken: int = SENTENCES,
) -> tuple[Path, Path]:
    """Write the folders `speech` and `expressions` (kind `generated`), one file per person; returns their paths.

    `sentences` are phones with times; everyone says `spoken` of them that nobody else says. The same seed gives the
    same files. Raises InputError when there are too few sentences or the head lacks emotions.
    """
    total = sum(people.values())
    if len(sentences) < total * spoken:
        raise InputError(f"sentences: expected at least {total * spoken} for {total} people, found {len(sentences)}")
    missing = [label for label in EMOTIONS if not head.emotions.rows(label)]
    if missing:
        raise InputError(f"head {head.version!r}: expected all emotions, found no {', '.join(missing)}")
    folders = folder / SPEECH, folder / EXPRESSIONS
    for path in folders:
        path.mkdir(parents=True, exist_ok=True)
    parts: list[Part] = [part for part, count in people.items() for _ in range(count)]
    for number, part in enumerate(parts):
        rng = np.random.default_rng([seed, number])
        actor = _actor(head, rng)
        person = Person(f"{part}{number:03d}", part, actor.identity, RATE, True, ())
        said = sentences[number * spoken : (number + 1) * spoken]
        speech = [_speak(actor, segments, f"sentence{i:02d}", rng) for i, segments in enumerate(said)]
        save_person(folders[0], replace(person, takes=speech), head)
        shown = replace(person, fps=EXPRESSION_FPS, held=False, takes=list(_express(actor, rng)))
        save_person(folders[1], shown, head)
    return folders


def _actor(head: HeadModel, rng: Rng) -> _Actor:
    identity = (IDENTITY * rng.standard_normal(head.shapedirs.shape[2])).astype(np.float32)
    own = with_identity(head, identity)
    gap = LipGap(own)
    shapes = _expressive(head)
    table = head.emotions
    quirks = STYLE * rng.standard_normal((len(EMOTIONS), len(shapes))) @ shapes
    quirks[0] = 0  # at rest everyone is at rest
    vigour = np.exp(VIGOUR * rng.standard_normal(len(EMOTIONS)))
    label = np.array([EMOTIONS.index(name) for name in table.names])
    return _Actor(
        own,
        identity,
        Articulator(own, gap),
        LipContact(own, gap),
        gap,
        apexes=vigour[label, None] * table.expr + quirks[label],
        jaws=vigour[label] * table.jaw.astype(np.float64),
    )


def _expressive(head: HeadModel) -> F64:
    """Expression [n, E] of the ARKit shapes in which people's expressions differ."""
    prefixes = ("brow", "cheekSquint", "noseSneer", "eyeSquint", "mouthSmile", "mouthFrown", "mouthDimple")
    rows = [i for i, name in enumerate(head.arkit.names) if name.startswith(prefixes)]
    return head.arkit.expr[rows].astype(np.float64)


def _speak(actor: _Actor, segments: Sequence[Segment], name: str, rng: Rng) -> ClipSource:
    """A sentence, with a little of some emotion and of the brows besides."""
    frames = int((segments[-1].end + 0.2) * RATE)
    times = np.arange(frames) / RATE
    axes = articulate(segments, frames).astype(np.float64)
    axes[:, CONTACTS] = swings(times, axes[:, CONTACTS], times, flanks=FLANKS)
    activity = smoothstep(_speaking(segments, times) * 1.5)
    clean = actor.articulator(axes * activity[:, None])
    sealed, resting = seal(axes) * activity, 1 - activity
    mood = actor.apexes[rng.integers(len(actor.apexes))] * rng.uniform(0, SMILE)
    brows = actor.head.arkit.expr[[actor.head.arkit.names.index(n) for n in BROWS if n in actor.head.arkit.names]]
    flash = rng.uniform(0, FLASH) * _pulses(times, rng) * activity
    secondary = _swell(times, rng)[:, None] * mood + flash[:, None] * brows.sum(axis=0)
    speech = actor.gap(*clean)
    expr, jaw = actor.contact(clean[0] + secondary, clean[1], seal=sealed, rest=resting, speech=speech)
    own_expr, own_jaw = actor.contact(*clean, seal=sealed, rest=resting, speech=speech)
    return _take(name, "neutral", 0.0, (expr, jaw), (own_expr, own_jaw))


def _express(actor: _Actor, rng: Rng) -> Iterator[ClipSource]:
    """Every apex variant at every level: neutral - apex - neutral, with a mouth that moves a little besides."""
    for row, emotion in enumerate(actor.head.emotions.names):
        for level in LEVELS if emotion != "neutral" else LEVELS[-1:]:
            frames = int(rng.uniform(*EXPRESSION_SECONDS) * EXPRESSION_FPS)
            times = np.arange(frames) / EXPRESSION_FPS
            strength = level * _rise_and_fall(frames, rng)
            own = strength[:, None] * actor.apexes[row], strength * actor.jaws[row]
            fade = smoothstep(4 * np.minimum(np.linspace(0, 1, frames), np.linspace(1, 0, frames)))
            axes = np.stack([_pulses(times, rng) for _ in AXES], axis=1) * MUMBLE * rng.uniform(0, 1, len(AXES))
            expr, jaw = actor.articulator(axes * fade[:, None])
            moving = actor.contact(
                own[0] + expr, own[1] + jaw, seal=np.zeros(frames), rest=np.zeros(frames), speech=actor.gap(expr, jaw)
            )
            variant = actor.head.emotions.rows(emotion).index(row)
            yield _take(f"{emotion}-{variant}/{level:.2f}", emotion, level, moving, own)


def _take(name: str, emotion: str, level: float, moving: tuple[F64, F64], own: tuple[F64, F64]) -> ClipSource:
    arrays = [array.astype(np.float32) for array in (*moving, *own)]
    return ClipSource(name, emotion, level, *arrays)


def _rise_and_fall(frames: int, rng: Rng) -> F64:
    """0 at both ends, 1 at an apex somewhere in the middle, [frames]."""
    apex = rng.uniform(0.4, 0.6) * (frames - 1)
    hold = rng.uniform(0.0, 0.1) * frames
    away = np.maximum(np.abs(np.arange(frames) - apex) - hold, 0)
    side = np.where(np.arange(frames) < apex, apex, frames - 1 - apex) - hold
    return smoothstep(1 - away / side)


def _speaking(segments: Sequence[Segment], times: F64) -> F64:
    """1 within phones, falling to 0 within 0.15 s of them, [n]."""
    curve = np.zeros(len(times))
    for start, end, phone in segments:
        if phone != SILENCE:
            away = np.maximum(np.maximum(start - times, times - end), 0)
            curve = np.maximum(curve, 1 - away / 0.15)
    return np.maximum(curve, 0)


def _pulses(times: F64, rng: Rng) -> F64:
    """Something that comes and goes, [n] 0..1."""
    noise = slow_noise(times, seed=int(rng.integers(2**31)), stream=0, period=rng.uniform(0.25, 0.6))[:, 0]
    return smoothstep(0.3 + 0.4 * noise)


def _swell(times: F64, rng: Rng) -> F64:
    """Something that stays but varies, [n] about 0.6..1."""
    noise = slow_noise(times, seed=int(rng.integers(2**31)), stream=1, period=1.2)[:, 0]
    return np.clip(0.8 + 0.15 * noise, 0, 1)
