"""What the network sees: features, articulation and phones of every utterance, in long arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..speech.encoder import AXES, RATE
from ..speech.features import BANDS, SILENCE, log_mel, loudness, mel_filters, normalise, normaliser_of
from ..speech.features import RATE as SAMPLE_RATE
from ..speech.phones import Segment
from ..speech.rules import articulate, phone_labels
from .acoustic_model import AcousticModel
from .augment import augment, crop, no_speech, random_filters, wobble
from .corpus import Utterance

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

WINDOW = 400  # feature frames that the network learns from at a time
FRAME = SAMPLE_RATE // RATE  # samples per output frame
_PAD = 10  # output frames of digital silence around each example, as at run time
_ACTIVE = 16.0  # dB below the speech level


@dataclass(frozen=True, eq=False)
class Example:
    """One clip: what a network hears, and m frames of targets at 50 per second."""

    features: NDArray[np.floating]  # [2 m, 80] log-mel, 100 per second; or [m, 320] samples
    axes: F32  # [m, 8]
    phones: NDArray[np.uint8]  # [m] index in PHONES


class Lesson(Protocol):
    """What a network hears of a clip, and what it shall make of it."""

    @property
    def prior(self) -> F64:
        """`mean_spectrum` [80] of speech."""
        ...

    def __call__(self, mel: F32, ruled: F32) -> tuple[F32, F32]:
        """Features [2 m, 80] and axes [m, 8] of log-mel energies [2 m, 80] and of the axes by rule."""
        ...


@dataclass(frozen=True, eq=False)
class ByRule:
    """The whole clip is heard; what the rules make of its phones is learned."""

    prior: F64

    def __call__(self, mel: F32, ruled: F32) -> tuple[F32, F32]:
        return normalise(mel, self.prior), ruled


def mean_spectrum(utterances: Sequence[Utterance]) -> F64:
    """Mean log-mel energy of speech relative to its loudness, [80] dB: the prior of the normaliser."""
    spectra = []
    for utterance in utterances:
        mel = log_mel(utterance.wave)
        level = normaliser_of([mel], np.zeros(BANDS)).level
        spectra.append(mel[loudness(mel) > level - _ACTIVE].mean(axis=0) - level)
    return np.mean(spectra, axis=0)


def clean(utterances: Sequence[Utterance], lesson: Lesson) -> Iterator[Example]:
    """Examples of utterances as they are."""
    for utterance in utterances:
        yield _example(log_mel(utterance.wave, mel_filters()), utterance.segments, lesson, slice(None))


def augmented(utterances: Sequence[Utterance], lesson: Lesson, *, seed: int) -> Iterator[Example]:
    """Examples of utterances, each augmented at random."""
    rng = np.random.default_rng(seed)
    others = [utterance.wave for utterance in utterances[::7]]
    for utterance in utterances:
        wave, segments = augment(utterance.wave, utterance.segments, others, rng)
        mel = wobble(log_mel(wave, random_filters(rng)), rng)
        yield _example(mel, segments, lesson, crop(len(mel) // 2, rng))


def sounds(utterances: Sequence[Utterance], *, seed: int) -> Iterator[Example]:
    """Examples of utterances, each augmented at random, as samples for an encoder that hears sound (`wav2vec`)."""
    rng = np.random.default_rng(seed)
    others = [utterance.wave for utterance in utterances[::7]]
    for utterance in utterances:
        yield _sound_example(*augment(utterance.wave, utterance.segments, others, rng))


def sounds_without_speech(*, count: int, seed: int) -> Iterator[Example]:
    """Samples of a closed, still mouth."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _sound_example(no_speech(rng), [])


def _sound_example(wave: F32, segments: Sequence[Segment]) -> Example:
    frames = max(WINDOW // 2, -(-len(wave) // FRAME))
    samples = np.pad(wave, (0, frames * FRAME - len(wave))).reshape(frames, FRAME).astype(np.float16)
    return Example(samples, articulate(segments, frames), phone_labels(segments, frames))


def sampled(utterances: Sequence[Utterance], lesson: Lesson, *, seed: int) -> Iterator[Example]:
    """Examples whose features are sampled from the acoustic model, with the phone times of the utterances."""
    model = AcousticModel()
    rng = np.random.default_rng(seed)
    for utterance in utterances:
        scale = float(np.exp(rng.uniform(-0.25, 0.2)))
        segments = [
            Segment(s.start * scale, s.end * scale, s.phone) for s in utterance.segments if s.end - s.start > 0.004
        ]
        if segments[-1].end < 1:
            continue
        mel = model.sample(segments, rng)
        mel += rng.standard_normal(mel.shape) * rng.uniform(0, 2)
        mel += (lesson.prior - mel.mean(axis=0)).astype(np.float32)  # the model does not know its microphone
        yield _example(mel, segments, lesson, slice(None))


def without_speech(lesson: Lesson, *, count: int, seed: int) -> Iterator[Example]:
    """Examples of a closed, still mouth."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _example(log_mel(no_speech(rng)), [], lesson, slice(None))


def _example(mel: F32, segments: Sequence[Segment], lesson: Lesson, part: slice) -> Example:
    """`part`: the output frames of the clip that are kept; the level is measured on these alone."""
    frames = len(mel) // 2
    ruled, phones = articulate(segments, frames)[part], phone_labels(segments, frames)[part]
    kept = len(ruled)
    start = part.start or 0
    features, axes = lesson(mel[2 * start : 2 * (start + kept)], ruled)
    after = max(_PAD, WINDOW // 2 + 4 - kept - _PAD)
    return Example(
        np.pad(features, ((2 * _PAD, 2 * after), (0, 0)), constant_values=SILENCE),
        np.pad(axes, ((_PAD, after), (0, 0))),
        np.pad(phones, (_PAD, after)),
    )


def save(path: Path, parts: Sequence[Example]) -> float:
    """Write examples, at least one, as one npz of long float16 arrays; returns their duration in minutes."""
    np.savez(
        path,
        features=np.concatenate([part.features.astype(np.float16) for part in parts]),
        axes=np.concatenate([part.axes.astype(np.float16) for part in parts]),
        phones=np.concatenate([part.phones for part in parts]),
        frames=np.array([len(part.axes) for part in parts]),
    )
    return sum(len(part.axes) for part in parts) / 3000


def load(path: Path) -> list[Example]:
    """Read what `save` wrote (float16 arrays); raises InputError when the file is missing."""
    if not path.exists():
        raise InputError(f"{path}: no such file; expected training examples: run the stage `examples` first")
    with np.load(path, allow_pickle=False) as data:
        features, axes, phones, frames = (data[name] for name in ("features", "axes", "phones", "frames"))
    ends = np.cumsum(frames)
    if len(features) != 2 * ends[-1] or axes.shape != (ends[-1], len(AXES)):
        raise InputError(f"{path}: expected two feature frames per target frame; run the stage `examples` again")
    return [
        Example(features[2 * (end - count) : 2 * end], axes[end - count : end], phones[end - count : end])
        for end, count in zip(ends, frames, strict=True)
    ]
