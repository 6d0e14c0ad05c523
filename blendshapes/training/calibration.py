"""How much of a manner's size arrives in what the network makes, so that the rest can be added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..acting.bands import BANDS, slow
from ..acting.flow import Flow, rows, strength
from ..acting.network import ActingNetwork
from ..acting.prior import chance
from ..acting.space import COORDINATES, GAZE, INDEX, LID, MOUTH, SCALE
from ..acting.style import STATISTICS
from ..acting.weights import GAINS
from .scenes import Performance, beside_told, statistics_of, whole

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

CLIPS = 96
ROUNDS = 4  # of sizing what is made and measuring what is still missing
DOUBT = 4.0  # clips that would say that nothing is missing
LEAST_MOUTH, MOST_MOUTH = 0.2, 3.0  # beside the sound
QUICK = BANDS.index("quick")
SIZED = [k for k, name in enumerate(COORDINATES) if name not in (*MOUTH, LID)]
_COLUMNS = [[STATISTICS.index(f"{COORDINATES[k]}.{m}") for k in SIZED] for m in ("size", "speed")]  # by `BANDS`
_OF_MOUTH = [k for k, name in enumerate(STATISTICS) if name.split(".")[0] in MOUTH]


@dataclass(frozen=True, eq=False)
class _Clip:
    """A performance, and what the network makes of it in the same manner with the usual mouth."""

    performance: Performance
    manner: F32  # [MANNER]
    made: F64  # [T, D] units


def calibrated(
    network: ActingNetwork,
    found: Sequence[Performance],
    manner: Callable[[Performance], F32],
    *,
    guidance: dict[str, float],
    seed: int,
) -> dict[str, F64]:
    """`short`, `felt` and `articulation` of `acting.weights.ActingWeights`.

    `manner` tells a style to the network. People's own performances follow their style with a slope below 1, as an
    example tells only so much; so should the network's. Asked are performances in which, and in whose example, nobody
    was moved: feelings hide how somebody usually moves.
    """
    calm = [p for p in found if p.calm] or found
    moved = [p for p in found if _strength(p)]
    rng = np.random.default_rng(seed)
    clips, stirred = (
        [_made(network, some[i], manner(some[i]), guidance) for i in rng.permutation(len(some))[:CLIPS]]
        for some in (calm, moved)
    )
    short = _missing(clips)
    return {"short": short, "felt": _felt(stirred, short), "articulation": _usual_mouth(clips)}


def _strength(p: Performance) -> float:
    """How strongly somebody is moved in a performance on average, 0..1."""
    return float(strength(p.told).mean())


def _made(network: ActingNetwork, p: Performance, style: F32, guidance: dict[str, float]) -> _Clip:
    style = style.copy()
    style[_OF_MOUTH] = 0
    nothing = np.zeros_like(p.values)
    begun = rows(chance(np.arange(len(p.values)), p.who).astype(np.float32), p.told, nothing, nothing)
    made = np.concatenate(list(Flow(network, style, guidance).perform([begun])))
    return _Clip(p, style, made.astype(np.float64))


def _missing(clips: Sequence[_Clip]) -> F64:
    """By how much the logarithms of size and speed of each coordinate fall short, and what is added per standard
    deviation that is told, [2, D, 2]; 0 where nobody measured it."""
    told, known = _told(clips), _known(clips)
    own = _sizes([clip.performance.values for clip in clips], clips)
    short = np.zeros((len(BANDS), len(COORDINATES), 2))
    for _ in range(ROUNDS):
        made = [_sized(clip.made, np.exp(m)) for clip, m in zip(clips, _gains(short, told), strict=True)]
        short[:, SIZED] += _lines(told, own - _sizes(made, clips), known)
        short[QUICK, [INDEX[name] for name in GAZE]] = 0  # `acting.decode` lets the eyes jump
    return short


def _felt(clips: Sequence[_Clip], short: F64) -> F64:
    """By how much the logarithms of size and speed fall short beyond `short` where somebody is fully moved, [2, D]."""
    felt = np.zeros((len(BANDS), len(COORDINATES)))
    if not clips:
        return felt
    told, known = _told(clips), _known(clips)
    own = _sizes([clip.performance.values for clip in clips], clips)
    weight = known * np.array([_strength(clip.performance) for clip in clips])[:, None, None]
    for _ in range(ROUNDS):
        gains = np.clip(_gains(short, told) + weight * felt[:, SIZED], *np.log(GAINS))
        made = [_sized(clip.made, np.exp(m)) for clip, m in zip(clips, gains, strict=True)]
        missing = weight * (own - _sizes(made, clips))
        felt[:, SIZED] += missing.sum(axis=0) / (np.square(weight).sum(axis=0) + DOUBT)
        felt[QUICK, [INDEX[name] for name in GAZE]] = 0
    return felt


def _told(clips: Sequence[_Clip]) -> F64:
    """Size and speed that the manners of clips say, [n, 2, K] standard deviations."""
    return np.array([[clip.manner[columns] for columns in _COLUMNS] for clip in clips], np.float64)


def _known(clips: Sequence[_Clip]) -> Mask:
    """Which coordinates somebody measured, [n, 1, K]."""
    return np.array([clip.performance.measured.any(axis=0) for clip in clips])[:, None, SIZED]


def _gains(short: F64, told: F64) -> F64:
    """Logarithms of the gains of manners, [n, 2, K]."""
    return np.clip(short[:, SIZED, 0] + short[:, SIZED, 1] * told, *np.log(GAINS))


def _sized(values: F64, gains: F64) -> F64:
    """Coordinates [T, D] whose slow and quick motion is larger by `gains` [2, K]."""
    out = values.copy()
    held = slow(values[:, SIZED])
    out[:, SIZED] = gains[0] * held + gains[1] * (values[:, SIZED] - held)
    return out


def _sizes(values: Sequence[NDArray[np.floating]], clips: Sequence[_Clip]) -> F64:
    """Logarithms of size and speed [n, 2, K]."""
    found = []
    for one, clip in zip(values, clips, strict=True):
        told = clip.performance.told
        found.append(statistics_of(whole(one.astype(np.float64) * SCALE, told), told))
    return np.array(found)[:, _COLUMNS]


def _lines(told: F64, missing: F64, known: Mask) -> F64:
    """Lines through what is missing [n, 2, K] over what is told, by the clips that are known: [2, K, 2], its value
    where the usual is told and its slope."""
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, told, 0).sum(axis=0) / count
    level = np.where(known, missing, 0).sum(axis=0) / (count + DOUBT)
    apart = np.where(known, told - middle, 0)
    slope = (apart * missing).sum(axis=0) / (np.square(apart).sum(axis=0) + DOUBT)
    return np.stack([level - slope * middle, slope], axis=-1)


def _usual_mouth(clips: Sequence[_Clip]) -> F64:
    """How large the mouth's motion is beside the sound in what the network makes of the usual manner, [5, 2]."""
    made = [(whole(clip.made * SCALE, clip.performance.told), clip.performance.told) for clip in clips]
    found = [beside for values, told in made if (beside := beside_told(values, told)) is not None]
    return np.clip(np.mean(found, axis=0), LEAST_MOUTH, MOST_MOUTH) if found else np.ones((len(MOUTH), len(BANDS)))
