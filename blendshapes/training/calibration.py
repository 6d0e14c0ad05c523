"""How much of a manner's size arrives in what the network makes, so that the rest can be added."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..acting.flow import Flow, rows
from ..acting.network import ActingNetwork
from ..acting.prior import chance
from ..acting.space import COORDINATES, LID, MOUTH, SCALE
from ..acting.style import FARTHEST, STATISTICS
from .scenes import Performance, statistics_of, whole

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

CLIPS = 96
SIZED = [k for k, name in enumerate(COORDINATES) if name not in (*MOUTH, LID)]
_SIZES = [STATISTICS.index(f"{COORDINATES[k]}.size") for k in SIZED]


def missing_size(
    network: ActingNetwork,
    found: Sequence[Performance],
    manner: Callable[[Performance], F32],
    standard: Callable[[F64], F64],
    *,
    guidance: dict[str, float],
    seed: int,
) -> F64:
    """By how much the logarithm of each coordinate's size falls short, per standard deviation that is told, [D]; 0
    where nobody measured it.

    `manner` tells a style to the network, `standard` gives statistics [S] in standard deviations. People's own
    performances follow their style with a slope below 1, as an example tells only so much; so should the network's.
    """
    chosen = [found[i] for i in np.random.default_rng(seed).permutation(len(found))[:CLIPS]]
    told = np.array([manner(p)[_SIZES] for p in chosen], np.float64)
    known = np.array([p.measured.any(axis=0)[SIZED] for p in chosen])
    own = np.array([standard(_statistics(p.values, p))[_SIZES] for p in chosen])
    made = np.array([standard(_statistics(_acted(network, p, manner(p), guidance), p))[_SIZES] for p in chosen])
    short = np.zeros(len(COORDINATES))
    short[SIZED] = np.maximum(_slopes(told, own, known) - _slopes(told, made, known), 0)
    return short


def _acted(network: ActingNetwork, p: Performance, style: F32, guidance: dict[str, float]) -> F32:
    nothing = np.zeros_like(p.values)
    begun = rows(chance(np.arange(len(p.values)), p.who).astype(np.float32), p.told, nothing, nothing)
    return np.concatenate(list(Flow(network, style, guidance).perform([begun])))


def _statistics(values: F32, p: Performance) -> F64:
    return statistics_of(whole(values.astype(np.float64) * SCALE, p.told), p.told)


def _slopes(told: F64, found: F64, known: Mask) -> F64:
    """Of every column of `found` [n, K] on that of `told`, by the rows that are known of it."""
    count = np.maximum(known.sum(axis=0), 1)
    told, found = np.where(known, told, 0), np.where(known, np.clip(found, -FARTHEST, FARTHEST), 0)
    told = np.where(known, told - told.sum(axis=0) / count, 0)
    return (told * (found - found.sum(axis=0) / count)).sum(axis=0) / np.maximum(np.square(told).sum(axis=0), 1e-9)
