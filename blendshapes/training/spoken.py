"""Recordings that a neural synthesiser makes: many voices, several languages, phones by alignment as for people's.

The folder is one of `recordings`; its `LICENCE` says that nobody spoke. Voices are the speakers, so that some are held
out from training.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import InputError
from ...core.whole_files import whole_folder
from ..speech.features import RATE
from ..speech.languages import canonical_language
from ..speech.transcript import Aligner
from . import kokoro
from .corpus import Utterance
from .foreign_sentences import LANGUAGES, foreign_sentence
from .kokoro import Kokoro
from .recordings import PEAK
from .sentences import sentence
from .written import add, add_licence

MADE = "Apache-2.0; generated: spoken by the voices of Kokoro-82M, nobody spoke"
MOST_HOURS = 100.0
MOST_IN_VAIN = 100
AMERICAN = "en-us"
ENGLISH_SHARE = 0.7  # of what voices of other languages say: they have an accent then
SPEEDS = 0.75, 1.35
TWO = 0.4  # how often there are two sentences


@dataclass(frozen=True)
class _Line:
    text: str
    voice: str
    language: str  # espeak-ng's
    speed: float


def speak_corpus(
    synthesiser: Path,
    out: Path,
    *,
    hours: float,
    seed: int = 0,
    report: Callable[[float], None] = lambda seconds: None,
) -> dict[str, Any]:
    """Write sentences spoken by all voices in turns into the folder `out`, and say what is in it.

    synthesiser: folder of `kokoro.Kokoro`
    report: is told the seconds that there are

    The same seed, model and versions give the same corpus. It appears whole or not at all; what cannot be aligned is
    left out and counted. Raises InputError without pocketsphinx or espeak-ng, and for what is no synthesiser.
    """
    if not 0 < hours <= MOST_HOURS:
        raise InputError(f"--hours {hours:g}: expected more than 0 and at most {MOST_HOURS:g}")
    refused: Counter[str] = Counter()
    count, seconds = 0, 0.0
    with whole_folder(out) as staged:
        engine = Kokoro(synthesiser)
        add_licence(staged, MADE)
        for line, said in _said(engine, _lines(engine.voices, seed), refused):
            known = {"id": f"{count:06d}", "speaker": line.voice, "lang": canonical_language(line.language)}
            add(staged, count, said, known)
            count, seconds = count + 1, seconds + len(said.wave) / RATE
            report(seconds)
            if seconds >= 3600 * hours:
                break
    return {"recordings": count, "hours": seconds / 3600, "voices": len(engine.voices), "refused": dict(refused)}


def _lines(voices: Sequence[str], seed: int) -> Iterator[_Line]:
    """What is said, without end: every voice once, in another order each time."""
    rng = random.Random(seed)
    while True:
        for voice in rng.sample(voices, len(voices)):
            language = kokoro.LANGUAGES.get(voice[0], AMERICAN)
            if language.split("-")[0] in LANGUAGES and rng.random() < ENGLISH_SHARE:
                language = AMERICAN
            text = " ".join(_sentence(rng, language) for _ in range(1 + (rng.random() < TWO)))
            yield _Line(text, voice, language, rng.uniform(*SPEEDS))


def _sentence(rng: random.Random, language: str) -> str:
    spelt = language.split("-", maxsplit=1)[0]
    return foreign_sentence(rng, spelt) if spelt in LANGUAGES else sentence(rng)


def _said(engine: Kokoro, lines: Iterator[_Line], refused: Counter[str]) -> Iterator[tuple[_Line, Utterance]]:
    """Lines and their sound; raises InputError where none of the first hundred can be aligned."""
    import soxr

    aligners: dict[str, Aligner] = {}
    found = 0
    for number, line in enumerate(lines):
        language = canonical_language(line.language)
        if language not in aligners:
            aligners[language] = Aligner(language)
        wave = engine.say(line.text, line.voice, language=line.language, speed=line.speed)
        wave = soxr.resample(wave, kokoro.RATE, RATE).astype(np.float32)
        wave *= np.float32(PEAK / max(1e-3, float(np.abs(wave).max())))
        try:
            phones = aligners[language].align([wave], line.text).phones
        except InputError:
            refused["text that does not fit the sound"] += 1
        else:
            found += 1
            yield line, Utterance(wave, phones, line.voice, line.text)
        if not found and number == MOST_IN_VAIN:
            raise InputError(
                f"{engine.model}: expected speech that can be aligned, found none in {MOST_IN_VAIN} sentences"
            )
