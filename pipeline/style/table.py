"""A style in words: how much somebody moves what, beside how people usually do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...blendshapes.acting.bands import BESIDE_SOUND
from ...blendshapes.acting.space import HEAD, INDEX, SCALE
from ...blendshapes.acting.style import STATISTICS
from ...blendshapes.acting.style_files import LearnedStyle
from ...blendshapes.acting.weights import ActingWeights

BROWS = ("brow_left", "brow_right", "brow_inner")
SMILES = ("smile_left", "smile_right")
GAZE = ("gaze_pitch", "gaze_yaw")
ARTICULATED = {"jaw.slow": "opens the mouth", "round.slow": "rounds the lips", "wide.slow": "spreads the lips"}
RATIOS = ((0.5, "much less"), (0.8, "less"), (1.25, "as usual"), (2.0, "more"), (math.inf, "much more"))
LEANS = ((-1.5, "much less"), (-0.5, "less"), (0.5, "as usual"), (1.5, "more"), (math.inf, "much more"))

LARGEST = 20.0  # a logarithm beyond which numbers that somebody wrote say nothing


@dataclass(frozen=True)
class Trait:
    """One line of the table."""

    name: str
    value: float
    usual: float
    unit: str
    words: str


def usual_statistics(weights: ActingWeights) -> dict[str, float]:
    """`STATISTICS` and `BESIDE_SOUND` of people on the whole, as the acting model learned them."""
    beside = dict(zip(BESIDE_SOUND, weights.articulation.ravel().tolist(), strict=True))
    return dict(zip(STATISTICS, weights.usual.tolist(), strict=True)) | beside


def traits(statistics: Mapping[str, float], usual: Mapping[str, float]) -> list[Trait]:
    """What statistics of a style (`acting.style.STATISTICS`) say; `usual` are those of people on the whole.

    Numbers that a style lacks are usual; without any there is nothing to say.
    """
    if not statistics:
        return []
    theirs, ours = dict(usual) | dict(statistics), dict(usual)
    rows = [
        _sized("head turns and nods", "degrees", HEAD, theirs, ours, factor=math.degrees(1)),
        _sized("brows move", "of their reach", BROWS, theirs, ours),
        _held("brows are raised", "of their reach", BROWS, theirs, ours),
        _sized("smile comes and goes", "of its reach", SMILES, theirs, ours),
        _held("smiles", "of its reach", SMILES, theirs, ours),
        _sized("articulates with the jaw", "of speech", ("jaw",), theirs, ours),
        _sized("looks around", "degrees", GAZE, theirs, ours, factor=math.degrees(1)),
    ]
    rows += [
        Trait(said, theirs[name], ours[name], "times the sound", _worded(theirs[name] / ours[name], RATIOS))
        for name, said in ARTICULATED.items()
        if name in statistics
    ]
    own, common = (math.expm1(min(found["lid.blinks"], LARGEST)) for found in (theirs, ours))
    rows.append(Trait("blinks", own, common, "per minute", _worded((1 + own) / (1 + common), RATIOS)))
    return rows


def table(learned: LearnedStyle, usual: Mapping[str, float]) -> Iterator[str]:
    """A style as lines of text, beside what is usual (`usual_statistics`)."""
    style = learned.style
    yield f"style {style.name}"
    for example in learned.examples:
        yield f"  measured on {example.name} ({example.kind}, {example.seconds:.1f} s)"
    rows = traits(style.statistics, usual)
    if rows:
        yield f"  {'':26}{'here':>8}{'usual':>8}"
    for row in rows:
        yield f"  {row.name:26}{row.value:8.2f}{row.usual:8.2f}  {row.unit:15} {row.words}"
    for region, gain in style.gains.items():
        yield f"  {region + ' moves':26}{gain:8.2f}{1:8.2f}  times           {_worded(gain, RATIOS)}"
    if style.poses:
        yield f"  {len(style.poses)} key poses"


def _sized(
    name: str,
    unit: str,
    coordinates: Sequence[str],
    theirs: Mapping[str, float],
    usual: Mapping[str, float],
    *,
    factor: float = 1.0,
) -> Trait:
    """How far some coordinates move: the standard deviation, of several the root of their mean square."""

    def size(found: Mapping[str, float]) -> float:
        sizes = [math.exp(min(found[f"{c}.size"], LARGEST)) * SCALE[INDEX[c]] for c in coordinates]
        return factor * float(np.sqrt(np.mean(np.square(sizes))))

    ours, own = size(usual), size(theirs)
    return Trait(name, own, ours, unit, _worded(own / ours, RATIOS))


def _held(
    name: str, unit: str, coordinates: Sequence[str], theirs: Mapping[str, float], usual: Mapping[str, float]
) -> Trait:
    """Where some coordinates are on the whole."""

    def mean(found: Mapping[str, float]) -> float:
        return float(np.mean([found[f"{c}.mean"] * SCALE[INDEX[c]] for c in coordinates]))

    ours, own = mean(usual), mean(theirs)
    scale = float(np.mean([SCALE[INDEX[c]] for c in coordinates]))
    return Trait(name, own, ours, unit, _worded((own - ours) / scale, LEANS))


def _worded(value: float, words: Sequence[tuple[float, str]]) -> str:
    return next(word for most, word in words if value < most)
