"""The sounds of a study: one length, one loudness, measured; and the speech that drives the faces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..pipeline.batch.items import item_seed
from ..pipeline.media.audio import open_audio
from .conditions import OTHER, SILENT, Look
from .degraded_sound import in_noise, moved, onset, others, speech_spectrum, vocoded
from .design import Clip, Study
from .stimuli import Showing

F32 = NDArray[np.float32]

RATE = 48_000  # Hz
SOFT = 0.01  # seconds over which a cut recording sets in and ends
FAINT = 2e-4  # full scale; noise that no one hears, because a silent recording is taken for a mistake
OVERSAMPLING = 4  # of the true-peak measurement, BS.1770-4 annex 2


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound as it is heard: mono at `RATE`, padded, at the study's loudness."""

    samples: F32  # [n], full scale 1
    speech: float  # seconds of the clip itself, without what was put before and after
    lufs: float  # integrated loudness; -inf of silence
    true_peak: float  # dBTP
    gain_db: float  # applied to the recording, or to what was made of it
    of: str | None = None  # the clip whose voice it is; None of silence
    later: float = 0.0  # seconds by which that voice comes later than in its own clip

    def driving(self, manner_shift_ms: int = 0) -> F32:
        """What drives the face so that the sound comes this much after the picture: the speech, that much earlier."""
        return moved(self.samples, -round(manner_shift_ms * RATE / 1000))

    def frozen(self) -> F32:
        """What drives a face that does not speak."""
        return np.random.default_rng(0).normal(0, FAINT, len(self.samples)).astype(np.float32)


def prepare_sounds(study: Study, folder: Path) -> dict[str, Sound]:
    """All sounds of a study by name (see `heard_as`), at one length and loudness; raises InputError.

    A clip's own recording is there by the clip's id. The loudness is the design's, by gain alone, unless that would
    drive a true peak beyond the design's limit: then all sounds are equally loud at what the most delicate one allows.
    """
    recordings = {clip.id: _read(clip, folder) for clip in study.clips}
    look = study.stimuli
    length = padded_length(study, max(len(samples) for samples in recordings.values()) / RATE)
    made = _Maker(study, recordings, length)
    heard = {name: made.own(name) for name in recordings}
    for clip in study.clips:
        for condition in study.conditions:
            name = heard_as(study, Showing(clip.id, condition))
            if name not in heard:
                heard[name] = made.changed(clip.id, condition)
    voiced = {name: sound for name, sound in heard.items() if sound.of is not None}
    measured = {name: (_loudness(sound.samples, name), _true_peak(sound.samples)) for name, sound in voiced.items()}
    target = _common_loudness(measured, look)
    return {name: _at(target, sound, *measured[name]) if name in voiced else sound for name, sound in heard.items()}


def heard_as(study: Study, showing: Showing) -> str:
    """The name of the sound of a showing: its clip's id, or what its condition makes of that."""
    condition = study.conditions[showing.condition]
    if condition.sound == SILENT:
        return f"{SILENT}."  # no clip has such an id
    sound, channels, snr = condition.heard
    told = [showing.clip, f"sound-{sound}" if sound not in {None, showing.clip} else ""]
    told += [f"snr{snr:+g}" if snr is not None else "", f"vocoded{channels}" if channels else ""]
    return ".".join(part for part in told if part)


class _Maker:
    """Makes sounds of recordings, padded, before their loudness is set."""

    def __init__(self, study: Study, recordings: Mapping[str, F32], length: int) -> None:
        self._study = study
        self._recordings = recordings
        self._length = length
        self._others: dict[str, str] = {}
        for practice in (False, True):
            group = [clip.id for clip in study.clips if clip.practice == practice]
            if len(group) == 1:  # has none of its kind
                group = list(recordings)
            self._others |= {
                name: other
                for name, other in others({name: len(recordings[name]) / RATE for name in group}).items()
                if name not in self._others
            }

    @cached_property
    def _spectrum(self) -> NDArray[np.float64]:
        return speech_spectrum(list(self._recordings.values()), RATE)

    def own(self, clip: str) -> Sound:
        """A clip's own recording."""
        recording = self._recordings[clip]
        samples = _padded(recording, self._study.stimuli, self._length)
        return Sound(samples, len(recording) / RATE, -math.inf, -math.inf, 0.0, clip)

    def changed(self, clip: str, condition: str) -> Sound:
        """What is heard of a clip in a condition that does something to its sound. Raises InputError."""
        how, own = self._study.conditions[condition], self.own(clip)
        if how.sound == SILENT:
            return replace(own, samples=np.zeros_like(own.samples), of=None)
        voice = clip if how.sound is None else self._others[clip] if how.sound == OTHER else how.sound
        later = self._later(voice, clip, condition)
        samples = moved(self.own(voice).samples, round(later * RATE))
        seed = item_seed(self._study.seed, f"{clip}/noise")  # the same noise in every condition of a clip
        if how.snr is not None:
            first = round((self._study.stimuli.lead + later) * RATE)
            speech = slice(first, first + len(self._recordings[voice]))
            samples = in_noise(samples, how.snr, speech=speech, spectrum=self._spectrum, rate=RATE, seed=seed)
        if how.vocoded is not None:
            samples = vocoded(samples, how.vocoded, rate=RATE, seed=seed + 1)
        return replace(own, samples=samples, of=voice, later=later)

    def _later(self, voice: str, clip: str, condition: str) -> float:
        """Seconds by which a voice has to come later, so that it sets in where the clip's own voice would."""
        if voice == clip:
            return 0.0
        later = onset(self._recordings[clip], RATE) - onset(self._recordings[voice], RATE)
        silent_end = onset(self._recordings[voice][::-1], RATE)
        ends = self._study.stimuli.lead + later + len(self._recordings[voice]) / RATE - silent_end
        if ends > self._length / RATE:
            raise InputError(
                f"conditions.{condition}.sound: {voice} has to come {later:+.2f} s later, so that it begins to speak "
                f"when {clip} does, and does not end with the stimulus; expected a longer tail in stimuli"
            )
        return later


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


def _at(target: float, sound: Sound, lufs: float, true_peak: float) -> Sound:
    gain = target - lufs
    louder = (sound.samples * 10 ** (gain / 20)).astype(np.float32)
    return replace(
        sound,
        samples=louder,
        lufs=round(_loudness(louder, ""), 2),
        true_peak=round(true_peak + gain, 2),
        gain_db=round(gain, 2),
    )


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
