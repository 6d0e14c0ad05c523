"""The training loop: random windows of the examples, four losses, one CPU core."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..features import BANDS, SILENCE
from ..speech import AXES
from .examples import WINDOW, Example
from .net import Net

F32 = NDArray[np.float32]
Rng = np.random.Generator

BATCH = 12
_PEAK_RATES, _LAST_RATE, _WARM_UP = (2e-3, 1.2e-3), 1e-5, 100
_CONTACTS = (AXES.index("close"), AXES.index("tuck"))
_VALUE_WEIGHTS = (2.0, 0.3, 1.5, 0.8, 0.7, 0.7, 0.3, 0.6)  # contacts are learned as probabilities instead
_SPEED_WEIGHTS = (2.0, 1.5, 1.5, 0.8, 0.7, 0.7, 1.2, 0.6)
_CEPSTRA = (13, 15, 18, 22, 28, 36)
_SMOOTHED_SHARE = 0.4
_REPORT = 500


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows of examples."""

    features: Tensor  # [B, 80, 2 T]
    axes: Tensor  # [B, 8, T]
    phones: Tensor  # [B, T]


def train(sources: Sequence[tuple[float, Sequence[Example]]], *, steps: int, seed: int = 0) -> Net:
    """A network trained for `steps` batches of 12 windows of 4 s.

    `sources`: pairs of the share of windows that come from these examples, and the examples.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # more threads only wait for each other at this size
    rng = np.random.default_rng(seed)
    examples = [example for _, source in sources for example in source]
    chances = np.concatenate([share * _durations(source) / _durations(source).sum() for share, source in sources])
    net = Net().train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=_PEAK_RATES[0], weight_decay=0.02)
    recent: list[float] = []
    started = time.process_time()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _learning_rate(step, steps)
        chosen = rng.choice(len(examples), BATCH, p=chances / chances.sum())
        loss = _loss(net, _batch([examples[i] for i in chosen], rng))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        recent.append(loss.item())
        if (step + 1) % _REPORT == 0:
            seconds = time.process_time() - started
            print(f"step {step + 1}/{steps}: loss {np.mean(recent[-_REPORT:]):.4f}, {seconds:.0f} s CPU", flush=True)
    return net.eval()


def _durations(examples: Sequence[Example]) -> NDArray[np.float64]:
    return np.array([len(example.axes) for example in examples], np.float64)


def _learning_rate(step: int, steps: int) -> float:
    """Cosine decay with a warm restart half-way: SGDR (Loshchilov & Hutter, 2017)."""
    length = -(-steps // len(_PEAK_RATES))
    cycle, position = divmod(step, length)
    decay = 0.5 + 0.5 * np.cos(np.pi * position / length)
    return _PEAK_RATES[cycle] * min(1.0, (position + 1) / _WARM_UP) * decay + _LAST_RATE


def _loss(net: Net, batch: Batch) -> Tensor:
    """Values, contacts as probabilities, speeds, and the phones as an auxiliary task."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        axes, phones = (output.float() for output in net(batch.features))
    contacts = axes[:, _CONTACTS]
    axes = axes.clone()
    axes[:, _CONTACTS] = torch.sigmoid(contacts)
    value_weights = torch.tensor(_VALUE_WEIGHTS)[:, None]
    speed_weights = torch.tensor(_SPEED_WEIGHTS)[:, None]
    values = (value_weights * F.smooth_l1_loss(axes, batch.axes, beta=0.2, reduction="none")).mean()
    speeds = (speed_weights * (axes.diff(dim=2) - batch.axes.diff(dim=2)) ** 2).mean()
    touching = F.binary_cross_entropy_with_logits(contacts, batch.axes[:, _CONTACTS])
    return 5 * values + 3 * speeds + 0.5 * touching + 0.15 * F.cross_entropy(phones, batch.phones, label_smoothing=0.05)


def _batch(examples: Sequence[Example], rng: Rng) -> Batch:
    half = WINDOW // 2
    starts = [int(rng.integers(0, len(example.axes) - half + 1)) for example in examples]
    pairs = list(zip(examples, starts, strict=True))
    features = np.stack([_disturb(e.features[2 * s : 2 * (s + half)].astype(np.float32), rng) for e, s in pairs])
    axes = np.stack([e.axes[s : s + half].astype(np.float32) for e, s in pairs])
    phones = np.stack([e.phones[s : s + half].astype(np.int64) for e, s in pairs])
    return Batch(
        torch.from_numpy(features).transpose(1, 2),
        torch.from_numpy(axes).transpose(1, 2),
        torch.from_numpy(phones),
    )


def _smoothers() -> list[F32]:
    """Projections [80, 80] onto the first cepstra: they take the pitch out of a spectrum."""
    order, band = np.arange(BANDS)[:, None], np.arange(BANDS)
    cosines = np.sqrt(2 / BANDS) * np.cos(np.pi * order * (band + 0.5) / BANDS)
    cosines[0] /= np.sqrt(2)
    return [(cosines[:count].T @ cosines[:count]).astype(np.float32) for count in _CEPSTRA]


_SMOOTHERS = _smoothers()


def _disturb(features: F32, rng: Rng) -> F32:
    """SpecAugment (Park et al., 2019), a random offset and tilt, and sometimes a smoothed spectrum."""
    for _ in range(2):
        width = int(rng.integers(0, 14))
        band = int(rng.integers(0, BANDS - width))
        features[:, band : band + width] = 0
    length = int(rng.integers(0, 12))
    if length < 8:
        start = int(rng.integers(0, len(features) - length))
        features[start : start + length] = rng.choice([0.0, SILENCE])
    features += rng.uniform(-0.3, 0.3) + rng.uniform(-0.3, 0.3) * np.linspace(-1, 1, BANDS, dtype=np.float32)
    if rng.random() < _SMOOTHED_SHARE:
        features = features @ _SMOOTHERS[rng.integers(len(_SMOOTHERS))]
    return features
