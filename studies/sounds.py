"""The sound of a study: one length, one loudness, measured; and the speech that drives the faces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..pipeline.media.audio import open_audio
from .design import Clip, Look, Study

F32 = NDArray[np.float32]

RATE = 48_000  # Hz
SOFT = 0.01  # seconds over which a cut recording sets in and ends
FAINT = 2e-4  # full scale; noise that no one hears, because a silent recording is taken for a mistake
OVERSAMPLING = 4  # of the true-peak measurement, BS.1770-4 annex 2


@dataclass(frozen=True, eq=False)
class Sound:
    """The prepared sound of one clip: mono at `RATE`, padded, at the study's loudness."""

    samples: F32  # [n], full scale 1
    speech: float  # seconds of the clip itself, without what was put before and after
    lufs: float  # integrated loudness
    true_peak: float  # dBTP
    gain_db: float  # applied to the recording

    def driving(self, manner_shift_ms: int = 0) -> F32:
        """What drives the face so that the sound comes this much after the picture: the speech, that much earlier."""
        by = round(manner_shift_ms * RATE / 1000)
        out = np.zeros_like(self.samples)
        if by >= 0:
            out[: len(out) - by] = self.samples[by:]
        else:
            out[-by:] = self.samples[:by]
        return out

    def frozen(self) -> F32:
        """What drives a face that does not speak."""
        return np.random.default_rng(0).normal(0, FAINT, len(self.samples)).astype(np.float32)


def prepare_sounds(study: Study, folder: Path) -> dict[str, Sound]:
    """All clips at one length and loudness; raises InputError.

    The loudness is the design's, by gain alone, unless that would drive a true peak beyond the design's limit: then all
    clips are equally loud at what the most delicate one allows.
    """
    recordings = {clip.id: _read(clip, folder) for clip in study.clips}
    look = study.stimuli
    length = padded_length(study, max(len(samples) for samples in recordings.values()) / RATE)
    padded = {name: _padded(samples, look, length) for name, samples in recordings.items()}
    measured = {name: (_loudness(samples, name), _true_peak(samples)) for name, samples in padded.items()}
    target = _common_loudness(measured, look)
    return {
        name: _at(target, samples, *measured[name], speech=len(recordings[name]) / RATE)
        for name, samples in padded.items()
    }


def padded_length(study: Study, longest: float) -> int:
    """Samples of every stimulus: lead, the longest clip, tail, filled up to a whole frame."""
    look = study.stimuli
    fps = Fraction(look.fps).limit_denominator(1001)
    frames = math.ceil((look.lead + longest + look.tail) * fps - Fraction(1, 10**6))
    return round(frames / fps * RATE)


def _read(clip: Clip, folder: Path) -> F32:
    audio = open_audio(folder / clip.audio, start=clip.start, duration=clip.duration)
    if audio.silent:
        raise InputError(f"{folder / clip.audio}: expected speech, found silence")
    samples = np.concatenate(list(audio.blocks(rate=RATE)))
    soft = min(round(SOFT * RATE), len(samples) // 2)
    ramp = np.linspace(0, 1, soft, dtype=np.float32)
    samples[:soft] *= ramp
    samples[len(samples) - soft :] *= ramp[::-1]
    return samples


def _padded(samples: F32, look: Look, length: int) -> F32:
    out = np.zeros(length, np.float32)
    first = round(look.lead * RATE)
    out[first : first + len(samples)] = samples
    return out


def _common_loudness(measured: Mapping[str, tuple[float, float]], look: Look) -> float:
    highest = min(lufs + look.true_peak - peak for lufs, peak in measured.values())
    return min(look.loudness, highest)


def _at(target: float, samples: F32, lufs: float, true_peak: float, *, speech: float) -> Sound:
    gain = target - lufs
    louder = (samples * 10 ** (gain / 20)).astype(np.float32)
    return Sound(louder, speech, round(_loudness(louder, ""), 2), round(true_peak + gain, 2), round(gain, 2))


def _loudness(samples: F32, name: str) -> float:
    """Integrated loudness in LUFS, BS.1770-4."""
    import pyloudnorm

    lufs = float(pyloudnorm.Meter(RATE).integrated_loudness(samples.astype(np.float64)))
    if not np.isfinite(lufs):
        raise InputError(f"clip {name}: expected speech, found a recording too quiet to measure its loudness")
    return lufs


def _true_peak(samples: F32) -> float:
    """Largest magnitude between and at the samples, dB relative to full scale."""
    import soxr

    fine = soxr.resample(samples, RATE, OVERSAMPLING * RATE)
    return 20 * math.log10(max(float(np.abs(fine).max()), 1e-9))
