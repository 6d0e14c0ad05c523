"""The synthetic speech to learn from: utterances with exact phone times, from espeak-ng and flite."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..speech.features import RATE
from ..speech.phones import INDEX, PHONES, SILENCE, Segment
from . import festival, flite
from .espeak import OWN_VOICE, Espeak, write_random_voice
from .sentences import babble, nonsense, sentence

F32 = NDArray[np.float32]

_ACCENTS = {"en-us": 5, "en-gb-x-rp": 2, "en": 2, "en-gb-scotland": 1, "en-029": 1, "en-us-nyc": 1}
_ACCENTS |= {"en-gb-x-gbclan": 1, "en-gb-x-gbcwmd": 1}
_LANGUAGES = ("de", "fr", "es", "it", "nl", "pl", "pt", "sv", "ru", "es-419", "pt-br")
_VARIANTS = """
adam Alex Alicia Andrea Andy Annie antonio aunty belinda benjamin boris caleb croak david Denis Diogo ed edward
f1 f2 f3 f5 Gene grandpa gustave Henrique Hugo iven iven2 Jacky john kaukovalta klatt klatt2 klatt3 klatt5 Lee m2 m3
m4 m5 m6 m8 marcelo Marco Mario max miguel norbert pablo paul pedro quincy rob robert sandro shelby steph steph2
Storm travis Tweaky victor whisper zac anika
"""
_HELD_OUT_VARIANTS = ("f4", "m7", "klatt4", "linda", "Michael", "edward2", "steph3", "Nguyen")
_OWN_SHARE, _FOREIGN_SHARE, _NONSENSE_SHARE = 0.5, 0.1, 0.15
_FLITE_VOICES = ("awb", "slt", "rms")
_HELD_OUT_FLITE_VOICE = "kal16"
_FESTIVAL_BATCH = 40  # utterances per process
_SHORTEST = 0.4  # seconds
_PEAK = 0.7


@dataclass(frozen=True, eq=False)
class Utterance:
    """Somebody says something."""

    wave: F32  # [samples] mono 16 kHz
    segments: list[Segment]
    voice: str
    text: str


def espeak_speech(espeak: Espeak, folder: Path, *, count: int, seed: int) -> Iterator[Utterance]:
    """Utterances of espeak-ng's accents, half of them in voices of our own; `folder` holds the library's data."""
    rng = random.Random(seed)
    for _ in range(count):
        variant = rng.choice(_VARIANTS.split())
        if rng.random() < _OWN_SHARE:
            variant = OWN_VOICE
            write_random_voice(folder, rng)
        yield from _espeak_utterance(espeak, variant, rng)


def held_out_espeak_speech(espeak: Espeak, *, count: int, seed: int) -> Iterator[Utterance]:
    """Utterances of espeak-ng variants that `espeak_speech` never uses."""
    rng = random.Random(seed)
    for _ in range(count):
        yield from _espeak_utterance(espeak, rng.choice(_HELD_OUT_VARIANTS), rng)


def flite_speech(*, count: int, seed: int) -> Iterator[Utterance]:
    """Utterances of flite's voices."""
    rng = random.Random(seed)
    for _ in range(count):
        yield _flite_utterance(rng.choice(_FLITE_VOICES), rng)


def held_out_flite_speech(*, count: int, seed: int) -> Iterator[Utterance]:
    """Utterances of a voice that `flite_speech` never uses."""
    rng = random.Random(seed)
    for _ in range(count):
        yield _flite_utterance(_HELD_OUT_FLITE_VOICE, rng)


def festival_speech(*, count: int, seed: int) -> Iterator[Utterance]:
    """Utterances of festival's voices: English sentences, and babble in other languages."""
    rng = random.Random(seed)
    for start in range(0, count, _FESTIVAL_BATCH):
        lines = [_festival_line(rng) for _ in range(start, min(start + _FESTIVAL_BATCH, count))]
        for line, (wave, rate, segments) in zip(lines, festival.say(lines), strict=True):
            yield Utterance(_prepared(wave, rate), segments, f"festival {line.voice}", line.text)


def _festival_line(rng: random.Random) -> festival.Line:
    voice = rng.choice(list(festival.VOICES))
    language = festival.VOICES[voice]
    text = _text(rng) if language == "english" else babble(rng, language)
    return festival.Line(text, voice, rng.uniform(0.7, 1.2))


def _espeak_utterance(espeak: Espeak, variant: str, rng: random.Random) -> Iterator[Utterance]:
    foreign = rng.random() < _FOREIGN_SHARE
    language = rng.choice(_LANGUAGES) if foreign else rng.choices(list(_ACCENTS), weights=list(_ACCENTS.values()))[0]
    text = nonsense(rng) if not foreign and rng.random() < _NONSENSE_SHARE else _text(rng)
    voice = f"{language}+{variant}"
    wave, segments = espeak.say(
        text,
        voice,
        speed=rng.randint(115, 260),
        pitch=rng.randint(15, 85),
        variation=rng.randint(25, 90),
        gap=rng.choice([0, 0, 0, 2, 5]),
    )
    if len(wave) >= _SHORTEST * espeak.rate and segments:
        yield Utterance(_prepared(wave, espeak.rate), segments, f"espeak {voice}", text)


def _flite_utterance(voice: str, rng: random.Random) -> Utterance:
    text = _text(rng)
    pitch = rng.uniform(80, 160) if voice.startswith("kal") else None
    wave, rate, segments = flite.say(text, voice, stretch=rng.uniform(0.75, 1.3), pitch=pitch)
    return Utterance(_prepared(wave, rate), segments, f"flite {voice}", text)


def _text(rng: random.Random) -> str:
    return " ".join(sentence(rng) for _ in range(rng.choice([1, 1, 2])))


def _prepared(wave: F32, rate: int) -> F32:
    import soxr

    wave = soxr.resample(wave, rate, RATE)
    return wave * np.float32(_PEAK / max(1e-3, float(np.abs(wave).max())))


def save(path: Path, utterances: Sequence[Utterance]) -> None:
    """Write utterances as one npz of flat arrays."""
    segments = [segment for utterance in utterances for segment in utterance.segments]
    np.savez(
        path,
        samples=np.concatenate([(u.wave * 32767).astype(np.int16) for u in utterances]),
        sample_counts=np.array([len(u.wave) for u in utterances]),
        times=np.array([(s.start, s.end) for s in segments]),
        phones=np.array([INDEX[s.phone] for s in segments], np.uint8),
        segment_counts=np.array([len(u.segments) for u in utterances]),
        voices=np.array([u.voice for u in utterances]),
        texts=np.array([u.text for u in utterances]),
    )


def load(path: Path) -> list[Utterance]:
    """Read what `save` wrote; raises InputError when the file is missing."""
    if not path.exists():
        raise InputError(f"{path}: no such file; expected a corpus: run the stage `speech` first")
    with np.load(path, allow_pickle=False) as data:
        arrays = dict(data)
    waves = np.split(arrays["samples"], np.cumsum(arrays["sample_counts"])[:-1])
    segments = [
        Segment(start, end, PHONES[phone])
        for (start, end), phone in zip(arrays["times"].tolist(), arrays["phones"], strict=True)
    ]
    ends = np.cumsum(arrays["segment_counts"])
    return [
        Utterance((wave / 32767).astype(np.float32), segments[end - count : end], str(voice), str(text))
        for wave, end, count, voice, text in zip(
            waves, ends, arrays["segment_counts"], arrays["voices"], arrays["texts"], strict=True
        )
    ]


def shifted(segments: Sequence[Segment], *, scale: float = 1.0, offset: float = 0.0) -> list[Segment]:
    """Segments in stretched and delayed time, with silence before the first one."""
    moved = [Segment(s.start * scale + offset, s.end * scale + offset, s.phone) for s in segments]
    return [Segment(0.0, moved[0].start, SILENCE), *moved] if moved and moved[0].start > 0 else moved
