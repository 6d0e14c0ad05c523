"""Speech to articulation: a small convolutional network, run in numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.maths import softmax, widened
from ...core.tensors import TensorFile, checked, read_tensors
from .features import BANDS, SILENCE, ClipStatistics, Normaliser, log_mel_stream, loudness, normaliser_of, overlapping
from .phones import INDEX
from .phones import SILENCE as SILENT

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Blocks = Callable[[], Iterable[F32]]

AXES = ("jaw", "close", "round", "wide", "upper_lip", "lower_lip", "tuck", "tongue")
RATE = 50  # frames per second; frame k is at k / 50 s
BUILT_IN = Path(__file__).parents[2] / "assets" / "weights" / "speech.safetensors"
FORMAT = "emosplat-speech-1"
WAV2VEC_FORMAT = "emosplat-wav2vec-1"  # of the other encoder: told apart here without importing torch
QUIET = -60.0  # dB, the least `Articulation.level`
TILT_OF_EFFORT = 0.6  # dB of tilt per dB of loudness
# dB in these terms, of which half are believed; of fewer less (neutral speech of eight corpora has -3 to 12)
USUAL_EFFORT = 12.0

NARROWED = 0.43  # of a contact: at W the lips nearly meet
# Probability from which W narrows in full: the axes learn it too rarely, and its lack is seen more than too much of it
_SURE_OF_W = 0.1
_JAW, _CLOSE = AXES.index("jaw"), AXES.index("close")
CONTACTS = (AXES.index("close"), AXES.index("tuck"))  # trained as probabilities, never low-passed
_STEM_TAPS, _TAPS = 5, 5
_MOST_BLOCKS, _WIDEST = 32, 64
_STRIDE = 2  # feature frames per output frame
_CHUNK = 600  # output frames
_LIVE_CHUNK = 5  # output frames at a time where the sound arrives
_LIVE_FRAMES = 20  # feature frames between two measures of the speaker's level there
_GATE_BEFORE, _GATE_AFTER = 14, 6  # output frames kept around speech: the mouth opens first, closures are silent, too
_GATE_LOW, _GATE_HIGH = 0.6, 0.75  # probability of speech: hum has at times more than a half


@dataclass(frozen=True, eq=False)
class Articulation:
    """What the mouth does in n consecutive frames; frame k of a clip is at k / 50 s."""

    axes: F32  # [n, 8] targets of `AXES`, 0..1; `close` and `tuck` are probabilities of contact
    speech: F32  # [n] probability that someone speaks
    level: F32  # [n] loudness relative to the clip's speech, dB
    effort: float = 0.0  # dB by which the clip's voice is louder than it would be in ordinary speech
    sounds: F32 | None = None  # [n, P] probabilities of `PHONES`, where the encoder tells them

    def __len__(self) -> int:
        return len(self.axes)


def joined(pieces: Iterable[Articulation]) -> Articulation:
    """Consecutive pieces of one clip in one; raises ValueError for none."""
    parts = list(pieces)
    arrays = (np.concatenate([getattr(part, name) for part in parts]) for name in ("axes", "speech", "level"))
    sounds = [part.sounds for part in parts if part.sounds is not None]
    return Articulation(*arrays, effort=parts[-1].effort, sounds=np.concatenate(sounds) if sounds else None)


def low_pass_kernel(cutoff: float, *, reach: int) -> F32:
    """Low-pass filter, [2 * reach + 1] taps of sum 1: windowed sinc, `cutoff` in Hz, at 50 frames/s."""
    taps = np.sinc(2 * cutoff / RATE * np.arange(-reach, reach + 1)) * np.hamming(2 * reach + 1)
    return (taps / taps.sum()).astype(np.float32)


def _articulator(cutoff: float, *, larger: float) -> F32:
    """Low-pass filter for an articulator that is at most so quick, `cutoff` in Hz; syllables become so much `larger`.

    A network that is unsure says the mean of what may be, and the mean moves less: at the tempo of syllables its axes
    have 0.8 of the size of lips that were filmed.
    """
    slower, slow, quick = (low_pass_kernel(hertz, reach=_SMOOTH_REACH) for hertz in (*_SYLLABLES, cutoff))
    return (quick + larger * (slow - slower)).astype(np.float32)


_SMOOTH_REACH = 8  # frames
_SYLLABLES = 3.5, 8.5  # Hz
# The jaw is heavier than the lips. How much larger was chosen on those sentences of GRID that the rules were fitted to,
# and so that no more lips close falsely than may (`benchmarks/lips.py`, `motion.py`)
_SMOOTH, _SMOOTH_JAW = _articulator(9.0, larger=1.0), _articulator(7.5, larger=0.5)
_GATE_FADE = (np.hanning(9)[1:-1] / np.hanning(9).sum()).astype(np.float32)
FILTER_REACH = max(_SMOOTH_REACH, _GATE_BEFORE + len(_GATE_FADE) // 2)


class SpeechNetwork:
    """Residual dilated convolutions over time: features at 100 Hz in, axes and phone probabilities at 50 Hz out.

    Tensors by name (C channels, L blocks): `stem.weight` [5, 80, C], `stem.bias` [C], `dilations` [L]; `right` [L], how
    many of a block's 5 taps lie after the frame (2 where there is no such tensor: as many as before it);
    for each block l `blocks.l.weight` [5, C, C], `.bias` [C], `.mix` [C, C], `.mix_bias` [C];
    `axes.weight` [C, 8], `axes.bias` [8], `phones.weight` [C, P], `phones.bias` [P] with silence as phone 0.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Raises KeyError or ValueError when a tensor is missing or has the wrong shape."""
        self._dilations = [int(d) for d in tensors["dilations"]]
        if not 1 <= len(self._dilations) <= _MOST_BLOCKS or not all(1 <= d <= _WIDEST for d in self._dilations):
            raise ValueError(f"dilations: expected 1 to {_MOST_BLOCKS} numbers from 1 to {_WIDEST}")
        self._right = right_taps(tensors)
        if len(self._right) != len(self._dilations) or not all(0 <= r < _TAPS for r in self._right):
            raise ValueError(f"right: expected {len(self._dilations)} numbers from 0 to {_TAPS - 1}")
        channels, phones = tensors["phones.weight"].shape
        self._weights = {name: checked(tensors, name, s) for name, s in self._shapes(channels, phones).items()}

    def _shapes(self, channels: int, phones: int) -> dict[str, tuple[int, ...]]:
        shapes = {
            "stem.weight": (_STEM_TAPS, BANDS, channels),
            "stem.bias": (channels,),
            "axes.weight": (channels, len(AXES)),
            "axes.bias": (len(AXES),),
            "phones.weight": (channels, phones),
            "phones.bias": (phones,),
        }
        for block in range(len(self._dilations)):
            shapes[f"blocks.{block}.weight"] = (_TAPS, channels, channels)
            shapes[f"blocks.{block}.bias"] = (channels,)
            shapes[f"blocks.{block}.mix"] = (channels, channels)
            shapes[f"blocks.{block}.mix_bias"] = (channels,)
        return shapes

    @cached_property
    def context(self) -> tuple[int, int]:
        """Output frames of context that one output frame needs before and after it."""
        after = sum(r * d for r, d in zip(self._right, self._dilations, strict=True))
        return sum(self._dilations) * (_TAPS - 1) - after + 1, after + 1

    def __call__(self, features: F32, past: Past | None = None) -> tuple[F32, F32]:
        """Axes [n, 8] (0..1) and phone probabilities [n, P] of features [2 (n + before + after) - 1, 80].

        With a `past`, which is kept from call to call, the features are those that follow: 2 n of them after the first.
        """
        w, past = self._weights, Past() if past is None else past
        features = past.followed(0, features, keep=_STEM_TAPS - _STRIDE)
        hidden = silu(convolve(features, w["stem.weight"], stride=_STRIDE) + w["stem.bias"])
        for block, (dilation, right) in enumerate(zip(self._dilations, self._right, strict=True)):
            hidden = past.followed(block + 1, hidden, keep=dilation * (_TAPS - 1))
            inner = convolve(hidden, w[f"blocks.{block}.weight"], dilation=dilation) + w[f"blocks.{block}.bias"]
            mixed = silu(inner) @ w[f"blocks.{block}.mix"] + w[f"blocks.{block}.mix_bias"]
            first = dilation * (_TAPS - 1 - right)
            hidden = np.add(hidden[first : first + len(mixed)], mixed, dtype=np.float32)
        return self._axes(hidden), softmax(hidden @ w["phones.weight"] + w["phones.bias"])

    def _axes(self, hidden: F32) -> F32:
        axes = hidden @ self._weights["axes.weight"] + self._weights["axes.bias"]
        axes[:, CONTACTS] = _sigmoid(axes[:, CONTACTS])
        return np.clip(axes, 0, 1)


class Past:
    """What the layers of a network have heard and will need again, where its input comes in pieces."""

    def __init__(self) -> None:
        self._rows: dict[int, F32] = {}

    def followed(self, layer: int, rows: F32, *, keep: int) -> F32:
        """The rows that `layer` kept, if any, and the new ones; the last `keep` of them are kept for the next time."""
        if layer in self._rows:
            rows = np.concatenate([self._rows[layer], rows])
        self._rows[layer] = rows[len(rows) - keep :]
        return rows


def right_taps(tensors: Mapping[str, NDArray[Any]]) -> list[int]:
    """How many taps of each block's convolution lie after the frame, [L]."""
    if "right" not in tensors:
        return [_TAPS // 2] * len(tensors["dilations"])
    return [int(r) for r in tensors["right"]]


def with_less_ahead(tensors: Mapping[str, NDArray[Any]], frames: int) -> dict[str, NDArray[Any]]:
    """The tensors of a network that hears at most `frames` (1 or more) output frames after each one.

    Taps beyond are cut off, the early blocks' last; in their places there are new ones before the frame, of weight 0.
    """
    left, right, limited = frames - 1, [], dict(tensors)
    for block, (dilation, has) in enumerate(zip(tensors["dilations"], right_taps(tensors), strict=True)):
        kept = min(has, left // int(dilation))
        weight = tensors[f"blocks.{block}.weight"]
        limited[f"blocks.{block}.weight"] = np.concatenate(
            [np.zeros_like(weight[: has - kept]), weight[: _TAPS - has + kept]]
        )
        left -= kept * int(dilation)
        right.append(kept)
    return limited | {"right": np.array(right, np.int32)}


def convolve(rows: F32, weight: F32, *, stride: int = 1, dilation: int = 1) -> F32:
    """Convolution over time without padding: rows [n, I], weight [taps, I, O] -> [m, O]."""
    taps = len(weight)
    count = (len(rows) - (taps - 1) * dilation - 1) // stride + 1
    last = (count - 1) * stride + 1
    out = rows[:last:stride] @ weight[0]
    for tap in range(1, taps):
        start = tap * dilation
        out += rows[start : start + last : stride] @ weight[tap]
    return out


def _sigmoid(x: F32) -> F32:
    return np.reciprocal(1 + np.exp(-np.clip(x, -60, 60)), dtype=np.float32)


def silu(x: F32) -> F32:
    """x times its logistic function."""
    return x * _sigmoid(x)


def read_network(path: Path) -> tuple[SpeechNetwork, F32, TensorFile]:
    """The network of a weights file, the mean spectrum of speech [80], and the file; raises InputError."""
    file = read_tensors(path, format=FORMAT, what="speech weights")
    try:
        network, prior = SpeechNetwork(file.tensors), file.tensors["prior"]
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: not usable as speech weights ({error}); train them again") from error
    if prior.shape != (BANDS,):
        raise InputError(f"{path}: tensor prior: expected shape {(BANDS,)}, found {prior.shape}; train again")
    return network, prior.astype(np.float32), file


class NetworkEncoder:
    """What the encoders with a network of ours have in common."""

    def __init__(self, network: SpeechNetwork, prior: F32, *, info: Mapping[str, Any], sha256: str) -> None:
        """`prior` [80]: mean spectrum of speech (`ClipStatistics`); `info`: what is known about the weights."""
        self._network = network
        self._prior = prior
        self.info = info
        self.sha256 = sha256

    @property
    def version(self) -> str:
        """Name of the weights."""
        return str(self.info["version"])


class SpeechEncoder(NetworkEncoder):
    """Speech of any length to articulation axes, in constant memory, without torch."""

    @staticmethod
    def load(path: Path | None = None) -> SpeechEncoder:
        """Read a weights file (the built-in one by default); raises InputError when it is none of ours."""
        path = path or BUILT_IN
        network, prior, file = read_network(path)
        before, after = network.context
        if before != after:
            raise InputError(
                f"{path}: expected speech weights that hear as far ahead as back, found ones for --model live"
            )
        return SpeechEncoder(network, prior, info=file.info, sha256=file.sha256)

    def articulate(self, blocks: Blocks, *, voice: F64 | None = None) -> Iterator[Articulation]:
        """Consecutive pieces (12 s, the last one shorter) of the articulation of one clip.

        `blocks()` opens the clip anew and yields consecutive float32 mono 16 kHz arrays of any size; it is called
        twice: once for the clip's level and mean spectrum, once for the articulation itself. A clip of N samples
        gives 1 + N // 320 frames. `voice` [1 + N // 320] is the least probability that somebody speaks, where that is
        known from elsewhere.
        """
        reach = self._reach
        normaliser = normaliser_of(log_mel_stream(blocks()), self._prior)
        rows = _padded(_rows(log_mel_stream(blocks()), normaliser), frames=_STRIDE * reach)
        size = _STRIDE * (_CHUNK - 1 + 2 * reach) + 1
        windows = overlapping(rows, size=size, step=_STRIDE * _CHUNK, least=_STRIDE * 2 * reach + 1)
        for piece, window in enumerate(windows):
            yield self._articulate(window, reach, first=piece * _CHUNK, voice=voice)

    @property
    def lookahead(self) -> float:
        """Seconds of sound after a frame that `follow` waits for."""
        return (self._reach + _LIVE_CHUNK) / RATE + _LIVE_FRAMES / 100

    def follow(self, blocks: Iterable[F32]) -> Iterator[Articulation]:
        """As `articulate`, of sound that is heard once, as it arrives: its level and mean spectrum so far are used."""
        reach = self._reach
        rows = _padded(_live_rows(blocks, self._prior), frames=_STRIDE * reach)
        size = _STRIDE * (_LIVE_CHUNK - 1 + 2 * reach) + 1
        for window in overlapping(rows, size=size, step=_STRIDE * _LIVE_CHUNK, least=_STRIDE * 2 * reach + 1):
            yield self._articulate(window, reach)

    def articulation_of(self, mel: F32) -> Articulation:
        """`articulate` of a whole clip whose log-mel energies [n, 80] are known already: (n + 1) // 2 frames."""
        rows = _padded(_rows([mel], normaliser_of([mel], self._prior)), frames=_STRIDE * self._reach)
        return self._articulate(np.concatenate(list(rows)), self._reach)

    @property
    def _reach(self) -> int:
        """Output frames of context that a frame needs on either side, filters included."""
        return max(self._network.context) + FILTER_REACH

    def _articulate(self, window: F32, reach: int, *, first: int = 0, voice: F64 | None = None) -> Articulation:
        axes, phones = self._network(window[:, :BANDS])
        level, effort = window[_STRIDE * reach : len(window) - _STRIDE * reach : _STRIDE, BANDS:].T
        return articulation(axes, phones, level, effort=float(effort[-1]), voice=around(voice, first, len(axes)))


def _rows(mels: Iterable[F32], normaliser: Normaliser) -> Iterator[F32]:
    """Features, relative loudness and effort side by side, [n, 82]."""
    for mel in mels:
        yield _row(mel, normaliser)


def _row(mel: F32, normaliser: Normaliser) -> F32:
    level = np.maximum(loudness(mel) - normaliser.level, QUIET)
    effort = np.full(len(mel), vocal_effort(normaliser.tilt))
    return np.column_stack([normaliser(mel), level, effort]).astype(np.float32)


def _live_rows(blocks: Iterable[F32], prior: F32) -> Iterator[F32]:
    """`_rows` of sound that arrives; pieces of `_LIVE_FRAMES`, so that the sizes of the blocks do not matter."""
    statistics = ClipStatistics(prior.astype(np.float64))
    mels = log_mel_stream(blocks, frames=_LIVE_FRAMES)
    for mel in overlapping(mels, size=_LIVE_FRAMES, step=_LIVE_FRAMES, least=1):
        statistics.add(mel)
        yield _row(mel, statistics.normaliser())


def _padded(rows: Iterable[F32], *, frames: int) -> Iterator[F32]:
    """The clip inside digital silence."""
    silence = np.full((frames, BANDS + 2), SILENCE, np.float32)
    silence[:, BANDS:] = QUIET, 0
    return chain([silence], rows, [silence])


def vocal_effort(tilt: float) -> float:
    """Vocal effort, dB above ordinary speech, of a voice with this `Normaliser.tilt`; a recording's gain is no cue.

    Louder voices have stronger overtones (Nordenberg & Sundberg, "Effect on LTAS of vocal loudness variation", 2004),
    but so have some voices and microphones: small differences count little.
    """
    decibels = tilt / TILT_OF_EFFORT
    return decibels**3 / (decibels**2 + USUAL_EFFORT**2)


def around(voice: F64 | None, first: int, count: int) -> F64 | None:
    """What is known of the voice in the frames that `articulation` needs for those from `first` on, [count]."""
    if voice is None:
        return None
    padded = np.pad(voice, (FILTER_REACH, max(first + count - FILTER_REACH - len(voice), 0)))
    return padded[first : first + count]


def articulation(axes: F32, phones: F32, level: F32, *, effort: float = 0.0, voice: F64 | None = None) -> Articulation:
    """Raw axes [n + 2 reach, 8] and probabilities of the phones [n + 2 reach, P] without jitter, closed in pauses.

    `reach` is `FILTER_REACH`; `level` [n] and `effort` dB; `voice` [n + 2 reach]: the least probability of speech.
    """
    speech = 1 - phones[:, INDEX[SILENT]]
    if voice is not None:
        speech = np.maximum(speech, voice).astype(np.float32)
    axes = axes.copy()
    axes[:, _CLOSE] = np.maximum(axes[:, _CLOSE], NARROWED * np.minimum(phones[:, INDEX["W"]] / _SURE_OF_W, 1))
    inner = slice(FILTER_REACH, len(axes) - FILTER_REACH)
    moved = _smoothed(axes)[inner] * _gate(speech)[inner, None]
    return Articulation(moved, speech[inner], level, effort, phones[inner])


def _smoothed(axes: F32) -> F32:
    """Axes without jitter and as large as lips move; not the closures, which are quick. Ends are inexact, [n, 8]."""
    kernels = [_SMOOTH_JAW if i == _JAW else _SMOOTH for i in range(len(AXES))]
    smooth = np.stack([np.convolve(axis, kernel, mode="same") for axis, kernel in zip(axes.T, kernels, strict=True)], 1)
    smooth[:, CONTACTS] = axes[:, CONTACTS]
    return np.clip(smooth, 0, 1)


def _gate(speech: F32) -> F32:
    """1 while someone speaks, 0 in pauses, [n]; short silences inside words stay open. Ends are inexact."""
    opened = np.clip((widened(speech, _GATE_BEFORE, _GATE_AFTER) - _GATE_LOW) / (_GATE_HIGH - _GATE_LOW), 0, 1)
    return np.convolve(opened, _GATE_FADE, mode="same")
