"""The training loop: random windows of the examples, four losses, one CPU core."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from ...core.cores import one_thread
from ..speech.encoder import AXES
from ..speech.features import BANDS, LOUDEST, SILENCE, mel_centres
from ..speech.torch_network import SpeechNet
from .examples import WINDOW, Example
from .journal import Journal

N = TypeVar("N", bound=SpeechNet)
F32 = NDArray[np.float32]
Rng = np.random.Generator

BATCH = 12
MEL_ROWS = 2  # log-mel frames per output frame
_LAST_RATE, _WARM_UP = 1e-5, 100
_CONTACTS = (AXES.index("close"), AXES.index("tuck"))
_VALUE_WEIGHTS = (2.0, 0.3, 1.5, 0.8, 0.7, 0.7, 0.3, 0.6)  # contacts are learned as probabilities instead
_SPEED_WEIGHTS = (2.0, 1.5, 1.5, 0.8, 0.7, 0.7, 1.2, 0.6)
_CEPSTRA = (13, 15, 18, 22, 28, 36)
_SMOOTHED_SHARE, _STRETCHED_SHARE, _NOISY_SHARE = 0.4, 0.3, 0.2  # of the windows
_STRETCHES = np.exp(np.linspace(-0.12, 0.12, 9))
_CONTEXT = 5  # frames
_BANDS = np.arange(BANDS)
_NEPER = np.float32(10 / np.log(10) / 12)  # e-fold of power, in features of 12 dB
_REPORT = 500
_MEMORY, _FORGOTTEN = 0.998, 20  # of the average of the weights per step: about the last 500; fewer in the beginning


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows of examples."""

    features: Tensor  # [B, 80, 2 T]
    axes: Tensor  # [B, 8, T]
    phones: Tensor  # [B, T]

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(self.features.to(device), self.axes.to(device), self.phones.to(device))


@one_thread()
def train(
    make: Callable[[], N],
    sources: Sequence[tuple[float, Sequence[Example]]],
    *,
    steps: int,
    seed: int = 0,
    context: float = 0.0,
    journal: Journal | None = None,
    held_out: Sequence[Example] = (),
) -> N:
    """A network trained for `steps` batches of 12 windows of 4 s.

    `make()`: the network before training (`net.Net`, `wav2vec.SpeechTransformer`); `sources`: pairs of the share of
    windows that come from these examples, and the examples; `context`: sharpness of `context_weights`. With a `journal`
    an interrupted training goes on where it was; chance depends on seed and step only, so that it ends the same. The
    loss on `held_out` is told, too, and never learned from. Returned are the weights of the last steps, averaged.
    """
    torch.manual_seed(seed)
    examples, chances = _drawn_from(sources)
    net = make().train()
    device = torch.device("cuda" if net.on_gpu and torch.cuda.is_available() else "cpu")
    net.to(device)
    average = AveragedModel(net, avg_fn=averaged, use_buffers=True)
    mean = cast(N, average.module)
    optimiser = torch.optim.AdamW(net.parameters(), lr=net.peak_rates[0], weight_decay=0.02)
    tested = _batch(held_out, np.random.default_rng(seed), rows=net.rows, disturbed=False) if held_out else None
    recent: list[float] = []
    started = time.process_time()
    first = journal.resume(nn.ModuleList([net, average]), optimiser) if journal else 0
    for step in range(first, steps):
        rng = np.random.default_rng([seed, step])
        torch.manual_seed((seed << 32) + step)
        for group in optimiser.param_groups:
            group["lr"] = _learning_rate(step, steps, net.peak_rates)
        chosen = rng.choice(len(examples), BATCH, p=chances)
        loss = _loss(net, _batch([examples[i] for i in chosen], rng, rows=net.rows).to(device), context)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update_parameters(net)
        recent.append(loss.item())
        if (step + 1) % _REPORT == 0 or step + 1 == steps:
            seconds = time.process_time() - started
            losses = {"loss": float(np.mean(recent))}
            if tested:
                losses["held_out"] = _tested(mean, tested.to(device), context)
            told = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
            print(f"step {step + 1}/{steps}: {told}, {seconds:.0f} s CPU", flush=True)
            if journal:
                journal.checkpoint(step + 1, nn.ModuleList([net, average]), optimiser, **losses)
            recent.clear()
    return mean.cpu().eval()


def heard(sources: Sequence[tuple[float, Sequence[Example]]], *, seed: int, batches: int = 4) -> Tensor:
    """Features [B, 80, 2 T] such as `train` shows a network of `rows` 2, for what has to be known before it begins."""
    examples, chances = _drawn_from(sources)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(examples), batches * BATCH, p=chances)
    return _batch([examples[i] for i in chosen], rng, rows=MEL_ROWS).features


def _drawn_from(sources: Sequence[tuple[float, Sequence[Example]]]) -> tuple[list[Example], NDArray[np.float64]]:
    """All examples, and the chance of each."""
    examples = [example for _, source in sources for example in source]
    chances = np.concatenate([share * _durations(source) / _durations(source).sum() for share, source in sources])
    return examples, chances / chances.sum()


def _tested(net: SpeechNet, batch: Batch, context: float) -> float:
    """The loss on what is not learned from."""
    net.eval()
    with torch.no_grad():
        loss = _loss(net, batch, context).item()
    net.train()
    return loss


def averaged(average: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
    """The running mean of the weights (Polyak & Juditsky, 1992) after `count` of them, which forgets old ones."""
    return average + (1 - min(_MEMORY, float(count) / (float(count) + _FORGOTTEN))) * (new - average)


def _durations(examples: Sequence[Example]) -> NDArray[np.float64]:
    return np.array([len(example.axes) for example in examples], np.float64)


def _learning_rate(step: int, steps: int, peaks: tuple[float, ...]) -> float:
    """Cosine decay with warm restarts: SGDR (Loshchilov & Hutter, 2017)."""
    length = -(-steps // len(peaks))
    cycle, position = divmod(step, length)
    decay = 0.5 + 0.5 * np.cos(np.pi * position / length)
    return peaks[cycle] * min(1.0, (position + 1) / _WARM_UP) * float(decay) + _LAST_RATE


def _loss(net: nn.Module, batch: Batch, context: float) -> Tensor:
    """Values, contacts as probabilities, speeds, and the phones as an auxiliary task."""
    device = batch.features.device.type  # processors without bfloat16 arithmetic would take ten times as long
    with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
        axes, phones = (output.float() for output in net(batch.features))
    contacts = axes[:, _CONTACTS]
    axes = axes.clone()
    axes[:, _CONTACTS] = torch.sigmoid(contacts)
    weights = context_weights(batch.axes, context)[:, None]
    value_weights = weights * batch.axes.new_tensor(_VALUE_WEIGHTS)[:, None]
    speed_weights = batch.axes.new_tensor(_SPEED_WEIGHTS)[:, None]
    values = (value_weights * F.smooth_l1_loss(axes, batch.axes, beta=0.2, reduction="none")).mean()
    speeds = (speed_weights * (axes.diff(dim=2) - batch.axes.diff(dim=2)) ** 2).mean()
    touching = (
        weights * F.binary_cross_entropy_with_logits(contacts, batch.axes[:, _CONTACTS], reduction="none")
    ).mean()
    return 5 * values + 3 * speeds + 0.8 * touching + 0.2 * F.cross_entropy(phones, batch.phones, label_smoothing=0.05)


def context_weights(axes: Tensor, sharpness: float) -> Tensor:
    """Weight of every frame of the targets [B, 8, T], mean 1, [B, T]: w_t = T softmax_t(sharpness * a_t).

    a_t is the mean over 5 frames of the motion |v_t - v_{t-1}|: frames of coarticulation weigh more than held ones
    (Kim & Kim, phonetic context-aware loss, Interspeech 2025). Axes move by up to about 0.5 a frame; 0 weighs all
    alike.
    """
    motion = F.pad(axes.diff(dim=2).norm(dim=1), (1, 0))
    average = F.avg_pool1d(F.pad(motion[:, None], (_CONTEXT // 2, _CONTEXT // 2), mode="replicate"), _CONTEXT, 1)[:, 0]
    return average.shape[1] * torch.softmax(sharpness * average, dim=1)


def _batch(examples: Sequence[Example], rng: Rng, *, rows: int, disturbed: bool = True) -> Batch:
    """Random windows; log-mel features (two rows a frame) are disturbed if wanted, samples never."""
    half = WINDOW // 2
    starts = [int(rng.integers(0, len(example.axes) - half + 1)) for example in examples]
    pairs = list(zip(examples, starts, strict=True))
    windows = [e.features[rows * s : rows * (s + half)].astype(np.float32) for e, s in pairs]
    if disturbed and rows == MEL_ROWS:
        windows = [_disturb(window, rng) for window in windows]
    features = np.stack(windows)
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


def _stretchers() -> list[F32]:
    """Interpolations [80, 80] that scale the frequency axis: vocal tracts of other lengths."""
    centres = mel_centres()
    bands = np.arange(BANDS)
    matrices = []
    for scale in _STRETCHES:
        position = np.interp(centres * scale, centres, bands)
        matrices.append(np.maximum(0, 1 - np.abs(bands[:, None] - position)).astype(np.float32))
    return matrices


_TREMBLE = 0.15 * np.random.default_rng(0).standard_normal((8 * WINDOW, BANDS), np.float32)
_SMOOTHERS, _STRETCHERS = _smoothers(), _stretchers()


def _disturb(features: F32, rng: Rng) -> F32:
    """Another vocal tract, microphone and noise at times, a smoothed spectrum, and SpecAugment (Park et al., 2019)."""
    if rng.random() < _STRETCHED_SHARE:
        features = features @ _STRETCHERS[rng.integers(len(_STRETCHERS))]
    features = features + np.interp(_BANDS, np.linspace(0, BANDS, 6), rng.normal(0, 0.25, 6)).astype(np.float32)
    if rng.random() < _NOISY_SHARE:
        noise = _noise_floor(len(features), rng)
        features = _NEPER * np.log(np.exp(features / _NEPER) + np.exp(noise / _NEPER))
    for _ in range(2):
        width = int(rng.integers(0, 14))
        band = int(rng.integers(0, BANDS - width))
        features[:, band : band + width] = 0
    length = int(rng.integers(0, 12))
    if length < 8:
        start = int(rng.integers(0, len(features) - length))
        features[start : start + length] = rng.choice([0.0, SILENCE])
    features += np.float32(rng.uniform(-0.3, 0.3))
    if rng.random() < _SMOOTHED_SHARE:
        features = features @ _SMOOTHERS[rng.integers(len(_SMOOTHERS))]
    return np.clip(features, SILENCE, LOUDEST)


def _noise_floor(frames: int, rng: Rng) -> F32:
    """Log power of a steady coloured noise that trembles as noise does, [frames, 80]."""
    colour = np.interp(_BANDS, np.linspace(0, BANDS, 4), rng.normal(0, 0.5, 4)) + rng.uniform(-4, -0.8)
    start = int(rng.integers(0, len(_TREMBLE) - frames + 1))
    return (colour + _TREMBLE[start : start + frames]).astype(np.float32)
