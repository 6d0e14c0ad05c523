"""When each phone of known lyrics is sung: the likeliest path of their phones through what our own network hears.

Aligners made for speech lose vowels that are held; here a vowel may last as long as it likes. Explicit durations in a
hidden Markov model: Yu, "Hidden semi-Markov models" (2010).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..speech.encoder import RATE
from ..speech.languages import ENGLISH, canonical_language, pronounced
from ..speech.phones import DIPHTHONGS, INDEX, SILENCE, VOWELS, Segment, from_arpabet, from_ipa
from ..speech.transcript import Aligner, Alignment
from ..speech.transcript_files import Cue
from .song import VOICED

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

SLACK = 0.3  # seconds by which a line may begin before its time and end after it
OUTSIDE = 20.0  # what a frame outside its line's time costs
KIN = 0.4  # share of the probability of a phone's class that counts for the phone: singers colour vowels
TRUSTED = 0.99  # probability that there is no silence where a voice is voiced: held vowels are heard as tones
UNLIKE = 2.0  # what a vowel costs where no voice is voiced, and a voiceless consonant where one is
FLOOR = 1e-3  # probability of anything
PRIOR = 0.2  # power of the mean probability by which a phone's is divided
LONGEST, LONGEST_VOICED, LONGEST_GLIDE = 0.35, 0.6, 0.5  # seconds of consonants, those that can be held, glides
TYPICAL, LENGTH_WEIGHT = 0.08, 1.0  # seconds of a consonant, and what another length costs: by its logarithm's square
SHORTEST_VOWEL = 3  # frames
MOST_CELLS = 100_000_000  # frames times phones; ten bytes each
HURRIED = 0.4  # share of the phones that may be as short as can be; else the words are others

_SONORANTS = frozenset({"M", "N", "NG", "L", "R", "W", "Y"})
_VOICELESS = frozenset({"P", "T", "K", "F", "TH", "S", "SH", "CH", "HH"})
_SECOND = frozenset(second for _, second, _ in DIPHTHONGS.values())
_CLASSES = (
    VOWELS,
    frozenset({"M", "N", "NG"}),
    frozenset({"L", "R", "W", "Y"}),
    frozenset({"P", "T", "K", "B", "D", "G"}),
    frozenset({"F", "TH", "S", "SH", "CH", "HH", "X", "V", "DH", "Z", "ZH", "JH"}),
)


@dataclass(frozen=True)
class LyricWord:
    """A word of a song: how it is said, and between which seconds it is sung, where that is known."""

    text: str
    phones: tuple[str, ...]  # of `PHONES`
    start: float = 0.0
    end: float = inf


def lyric_words(lines: Iterable[Cue], language: str = ENGLISH) -> tuple[list[LyricWord], dict[str, str]]:
    """The words of lines with the lines' times, and which are not in the dictionary, with what is assumed for them.

    English needs pocketsphinx's dictionary, other languages espeak-ng. Raises InputError without them, and where there
    is no word.
    """
    language = canonical_language(language)
    guessed: dict[str, str] = {}
    aligner = Aligner() if language == ENGLISH else None
    words: list[LyricWord] = []
    try:
        for line in lines:
            if any(map(str.isalnum, line.text)):
                said = _english(line.text, aligner, guessed) if aligner else _foreign(line.text, language)
                words += [LyricWord(text, phones, line.start, line.end) for text, phones in said if phones]
    except InputError as error:
        raise InputError(re.sub("^transcript: ", "lyrics: ", str(error))) from error
    if not words:
        raise InputError("lyrics: expected at least one word, found none")
    return words, guessed


def _english(text: str, aligner: Aligner, guessed: dict[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Words and their phones; those that are not in the dictionary are noted in `guessed`."""
    for word, said, is_guess in aligner.english(text):
        if is_guess:
            guessed[word] = said
        phones = from_arpabet((k, k + 1.0, name) for k, name in enumerate(said.split()))
        yield word, tuple(segment.phone for segment in phones)


def _foreign(text: str, language: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Words in IPA and their phones."""
    for sounds in pronounced(text, language):
        ipa = [sound.ipa for sound in sounds]
        phones = from_ipa((k, k + 1.0, name) for k, name in enumerate(ipa))
        yield "".join(ipa), tuple(segment.phone for segment in phones if segment.phone != SILENCE)


def align_lyrics(
    probabilities: F32, voice: NDArray[np.floating], words: Sequence[LyricWord], guessed: dict[str, str] | None = None
) -> Alignment:
    """The phones and words where they are sung, with silences between words where there are any.

    probabilities: [n, P] of `PHONES`, frame k at k / 50 s, as `Articulation.sounds`
    voice: [n] how sure it is that a voice has a pitch there, 0..1, as `Song.voice`: held vowels are heard as silence

    Raises InputError where the words cannot be what is sung.
    """
    states = _states(words)
    if len(states) * len(probabilities) > MOST_CELLS:
        raise InputError(
            f"lyrics: expected less than {len(states)} phones in {len(probabilities) / RATE:.0f} s; cut song and lyrics"
        )
    starts = _path(_scores(probabilities, voice > VOICED, states, words), states)
    if starts is None:
        raise InputError(
            f"lyrics: {len(words)} words do not fit {len(probabilities) / RATE:.1f} s; expected exactly what is sung"
        )
    ends = np.append(starts[1:], len(probabilities))
    phones: list[Segment] = []
    said: list[tuple[float, float, str]] = []
    hurried = 0
    for state, first, after in zip(states, starts.tolist(), ends.tolist(), strict=True):
        if after <= first:
            continue
        segment = Segment(max(0.0, (first - 0.5) / RATE), (after - 0.5) / RATE, state.phone)
        phones.append(segment)
        if state.phone == SILENCE:
            continue
        hurried += after - first <= state.least
        if state.first:
            said.append((segment.start, segment.end, words[state.word].text))
        else:
            said[-1] = (said[-1][0], segment.end, said[-1][2])
    if hurried > HURRIED * sum(len(word.phones) for word in words) + 3:
        raise InputError(
            f"lyrics: {len(words)} words do not fit the song ({hurried} phones would be as short as can be); expected "
            "exactly what is sung"
        )
    return Alignment(phones, guessed or {}, said)


@dataclass(frozen=True)
class _State:
    """A phone of the lyrics, or a silence that may be."""

    phone: str
    word: int  # that it belongs to, -1 of silences
    first: bool  # whether it begins the word

    @property
    def least(self) -> int:
        """Frames."""
        return SHORTEST_VOWEL if self.phone in VOWELS and self.phone not in _SECOND else 1

    @property
    def most(self) -> float:
        """Frames."""
        if self.phone == SILENCE or (self.phone in VOWELS and self.phone not in _SECOND):
            return inf
        if self.phone in VOWELS:
            return LONGEST_GLIDE * RATE
        return (LONGEST_VOICED if self.phone in _SONORANTS else LONGEST) * RATE


def _states(words: Sequence[LyricWord]) -> list[_State]:
    """The phones in order, with a silence before each word and at the end."""

    def each() -> Iterator[_State]:
        for k, word in enumerate(words):
            yield _State(SILENCE, -1, False)
            for number, phone in enumerate(word.phones):
                yield _State(phone, k, not number)
        yield _State(SILENCE, -1, False)

    return list(each())


def _scores(probabilities: F32, voiced: NDArray[np.bool_], states: Sequence[_State], words: Sequence[LyricWord]) -> F32:
    """How well each frame fits each state, [n, S]: logarithms, low outside of the time of a line."""
    known = probabilities.astype(np.float64)
    known[:, INDEX[SILENCE]] *= 1 - TRUSTED * voiced
    known /= known.sum(axis=1, keepdims=True)
    kin = np.zeros_like(known)
    for names in _CLASSES:
        columns = [INDEX[name] for name in names]
        kin[:, columns] = known[:, columns].sum(axis=1, keepdims=True)
    mixed = (1 - KIN) * known + KIN * kin
    prior = np.maximum(mixed.mean(axis=0), 1e-3) ** PRIOR
    scores = np.log(mixed + FLOOR) - np.log(prior)
    of_states = scores[:, [INDEX[state.phone] for state in states]].astype(np.float32)
    vowels = np.array([state.phone in VOWELS for state in states])
    voiceless = np.array([state.phone in _VOICELESS for state in states])
    of_states -= UNLIKE * (voiced[:, None] * voiceless + ~voiced[:, None] * vowels).astype(np.float32)
    times = np.arange(len(known)) / RATE
    for column, state in enumerate(states):
        if state.word >= 0:
            word = words[state.word]
            outside = (times < word.start - SLACK) | (times > word.end + SLACK)
            of_states[outside, column] -= OUTSIDE
    return of_states


def _path(scores: F32, states: Sequence[_State]) -> I64 | None:
    """The frame in which each state begins, [S], on the best path through all frames; of skipped silences that of the
    next state. None where there is no path."""
    count, width = scores.shape
    silent = np.array([state.phone == SILENCE for state in states])
    least = np.array([state.least for state in states])
    most = np.array([state.most for state in states])
    free, bound = np.flatnonzero(np.isinf(most)), np.flatnonzero(np.isfinite(most))
    reach = int(max(most[bound].max(initial=1), least.max()))
    lags = np.arange(1, reach + 1)
    odds = -LENGTH_WEIGHT * np.square(np.log(lags / (TYPICAL * RATE)))[:, None]
    odds = np.where((lags[:, None] >= least[bound]) & (lags[:, None] <= most[bound]), odds, -np.inf)
    # Of the best path that enters each state 1 to `reach` frames ago its score, less that of all frames until then in
    # this state: so that every length of the state costs one difference
    entered = np.full((reach, width), -np.inf)
    total = np.zeros(width)
    best, since = np.full(len(free), -np.inf), np.zeros(len(free), np.int32)
    begun = np.zeros((count + 1, width), np.int32)
    skipped = np.zeros((count + 1, width), bool)  # whether the best way into a state leaves out the silence before it
    left = np.full(width, -np.inf)
    for t in range(count + 1):
        if t:
            total += scores[t - 1]
            come = entered[least[free] - 1, free]
            better = come > best
            best, since = np.where(better, come, best), np.where(better, t - least[free], since)
            left[free], begun[t, free] = best + total[free], since
            lengths = entered[:, bound] + odds
            chosen = lengths.argmax(axis=0)
            left[bound] = lengths[chosen, np.arange(len(bound))] + total[bound]
            begun[t, bound] = t - 1 - chosen
        before = np.append(0.0 if t == 0 else -np.inf, left[:-1])
        around = np.append([-np.inf, 0.0 if t == 0 else -np.inf], left[:-2])
        skipped[t] = np.append(False, silent[:-1]) & (around > before)
        entered = np.roll(entered, 1, axis=0)
        entered[0] = np.where(skipped[t], around, before) - total
    ends_silent = left[-1] >= left[-2]
    if not np.isfinite(left[-1 if ends_silent else -2]):
        return None
    starts = np.full(width, count, np.int64)
    t, state = count, width - 1 if ends_silent else width - 2
    while state >= 0:
        starts[state] = t = int(begun[t, state])
        if skipped[t, state]:
            starts[state - 1] = t
            state -= 1
        state -= 1
    return starts
