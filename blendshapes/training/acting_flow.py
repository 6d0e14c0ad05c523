"""The acting model's training loop: flow matching over windows of performances, with every condition left out at times.

The way from chance x0 to a performance x1 is a straight line; the network learns its direction x1 - x0 from any point
of it (Lipman et al., "Flow matching for generative modeling", 2023; Liu et al., "Flow straight and fast", 2023).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ...core.cores import one_thread
from ..acting.conditions import COLUMNS, GROUPS
from ..acting.network import MANNER
from ..acting.prior import chance
from ..acting.space import COORDINATES, REGION
from .acting_network import ActingNet
from .journal import Journal
from .scenes import Performance
from .train import averaged

F32 = NDArray[np.float32]
Rng = np.random.Generator

WINDOW, BATCH = 256, 16  # frames that count, windows
PEAK, LAST, WARM_UP = 1.2e-3, 2e-5, 300  # learning rates, steps
LEFT_OUT, NO_STYLE = 0.10, 0.12  # chance that a group of conditions is left out, and the style
BANK = 400_000  # frames of chance, drawn from at random
REPORT = 250
FARTHEST = 8.0  # units of a coordinate that are learned: rare quick turns would drown all else
_REGIONS = sorted(set(REGION.values()))
_OF_REGION = {r: [k for k, name in enumerate(COORDINATES) if REGION[name] == r] for r in _REGIONS}


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows; R frames of context on either side."""

    rows: Tensor  # [B, ROWS, T + 2 R]
    style: Tensor  # [B, MANNER]
    way: Tensor  # [B]
    direction: Tensor  # [B, D, T]
    counts: Tensor  # [B, D, T] 1 where the direction is to be learned

    def to(self, device: torch.device) -> Batch:
        """On another device."""
        return Batch(*(getattr(self, name).to(device) for name in Batch.__dataclass_fields__))


@one_thread()
def learn(
    learned: Sequence[tuple[Performance, F32]],
    tested: Sequence[tuple[Performance, F32]],
    *,
    steps: int,
    seed: int,
    journal: Journal,
) -> ActingNet:
    """The network after `steps` batches of performances, each with its standardised style [MANNER].

    An interrupted training goes on where it was; chance depends on seed and step only, so that it ends the same. The
    loss on `tested` is told and never learned from. Returned are the weights of the last steps, averaged.
    """
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = ActingNet().train().to(device)
    average = AveragedModel(net, avg_fn=averaged)
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK, weight_decay=0.01)
    bank = chance(np.arange(BANK), 1).astype(np.float32)
    lengths = np.array([len(p.values) for p, _ in learned], np.float64)
    probe = [batch(tested, bank, np.random.default_rng([seed, 7, k]), net.context).to(device) for k in range(4)]
    first = journal.resume(nn.ModuleList([net, average]), optimiser)
    recent: list[float] = []
    started = time.process_time()
    for step in range(first, steps):
        rng = np.random.default_rng([seed, step])
        for group in optimiser.param_groups:
            group["lr"] = _learning_rate(step, steps)
        chosen = rng.choice(len(learned), BATCH, p=lengths / lengths.sum())
        found = loss(net, batch([learned[i] for i in chosen], bank, rng, net.context).to(device))
        optimiser.zero_grad()
        found.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update_parameters(net)
        recent.append(found.item())
        if (step + 1) % REPORT == 0 or step + 1 == steps:
            mean = cast(ActingNet, average.module)
            with torch.no_grad():
                told = {
                    "loss": float(np.mean(recent)),
                    "held_out": float(np.mean([loss(mean, p).item() for p in probe])),
                }
            spent = time.process_time() - started
            print(
                f"step {step + 1}/{steps}: {told['loss']:.4f}, held out {told['held_out']:.4f}, {spent:.0f} s",
                flush=True,
            )
            journal.checkpoint(step + 1, nn.ModuleList([net, average]), optimiser, **told)
            recent.clear()
    return cast(ActingNet, average.module).cpu().eval()


def loss(net: ActingNet, shown: Batch) -> Tensor:
    """Mean squared error of the directions that count."""
    error = (net(shown.rows, shown.style, shown.way) - shown.direction) ** 2
    return (error * shown.counts).sum() / shown.counts.sum().clamp(min=1)


def batch(examples: Sequence[tuple[Performance, F32]], bank: F32, rng: Rng, reach: int) -> Batch:
    """Windows of examples, at random places on the way; frames outside a clip are zeros."""
    count = min(len(examples), BATCH)
    examples = examples if count == len(examples) else [examples[i] for i in rng.choice(len(examples), BATCH, False)]
    parts = [_window(p, style, bank, rng, reach) for p, style in examples]
    rows, styles, ways, directions, counts = zip(*parts, strict=True)
    return Batch(
        torch.from_numpy(np.stack(rows)),
        torch.from_numpy(np.stack(styles)),
        torch.tensor(ways, dtype=torch.float32),
        torch.from_numpy(np.stack(directions)),
        torch.from_numpy(np.stack(counts)),
    )


def _window(p: Performance, style: F32, bank: F32, rng: Rng, reach: int) -> tuple[F32, F32, float, F32, F32]:
    start = int(rng.integers(-reach // 2, max(1, len(p.values) - WINDOW + reach // 2)))
    frames = np.arange(start - reach, start + WINDOW + reach)
    inside = (frames >= 0) & (frames < len(p.values))
    at = np.clip(frames, 0, len(p.values) - 1)
    goal = np.clip(p.values[at], -FARTHEST, FARTHEST)
    offset = int(rng.integers(len(bank) - len(frames)))
    begin = bank[offset : offset + len(frames)]
    way = float(rng.random())
    measured = p.measured[at]
    known = known_part(len(frames), rng) * measured
    told = p.told[at].copy()
    flags = np.ones(len(GROUPS), np.float32)
    for g, columns in enumerate(COLUMNS.values()):
        if rng.random() < LEFT_OUT:
            told[:, columns], flags[g] = 0, 0
    here = (begin + way * np.where(measured, goal - begin, 0)) * inside[:, None]  # of what nobody measured, chance
    shown = [here, goal * known, known, told, np.tile(flags, (len(frames), 1))]
    rows = np.concatenate(shown, axis=1).astype(np.float32) * inside[:, None]
    inner = slice(reach, reach + WINDOW)
    counts = ((1 - known) * measured * inside[:, None])[inner]
    if rng.random() < NO_STYLE:
        style = np.zeros(MANNER, np.float32)
    return (
        np.ascontiguousarray(rows.T),
        style,
        way,
        np.ascontiguousarray((goal - begin)[inner].T),
        np.ascontiguousarray(counts.T.astype(np.float32)),
    )


def known_part(frames: int, rng: Rng) -> F32:
    """What is known already of a window [frames, D]: nothing, all but a span, a span, a few frames, or some regions."""
    known = np.zeros((frames, len(COORDINATES)), np.float32)
    kind = rng.random()
    if kind < 0.55:
        return known
    first = int(rng.integers(frames))
    stop = first + int(rng.integers(12, 120))
    if kind < 0.70:
        known[:] = 1
        known[first:stop] = 0
    elif kind < 0.80:
        known[first:stop] = 1
    elif kind < 0.90:
        for frame in rng.integers(frames, size=int(rng.integers(1, 5))):
            known[frame, _OF_REGION[_REGIONS[rng.integers(len(_REGIONS))]]] = 1
    else:
        for region in rng.permutation(_REGIONS)[: int(rng.integers(1, len(_REGIONS)))]:
            known[:, _OF_REGION[region]] = 1
    return known


def _learning_rate(step: int, steps: int) -> float:
    return LAST + PEAK * min(1.0, (step + 1) / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
