"""Lyrics found in what a network would hear, made up: every phone a run of frames in which it is likely."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.blendshapes.singing.alignment import LONGEST, LyricWord, align_lyrics, lyric_words
from emosplat.blendshapes.speech.phones import INDEX, PHONES, SILENCE, VOWELS
from emosplat.blendshapes.speech.transcript_files import Cue
from emosplat.core.errors import InputError

RATE = 50
F32 = NDArray[np.float32]
SONG = [(SILENCE, 10), ("L", 4), ("AA", 60), ("M", 6), ("IY", 30), (SILENCE, 20), ("S", 8), ("UW", 90), (SILENCE, 5)]
WORDS = [LyricWord("lami", ("L", "AA", "M", "IY")), LyricWord("soo", ("S", "UW"))]


def heard(song: list[tuple[str, int]], *, sure: float = 0.6) -> tuple[F32, F32]:
    """Probabilities [n, P] of phones and their numbers of frames, and the voice [n]."""
    phones = [phone for phone, frames in song for _ in range(frames)]
    probabilities = np.full((len(phones), len(PHONES)), (1 - sure) / (len(PHONES) - 1), np.float32)
    probabilities[np.arange(len(phones)), [INDEX[phone] for phone in phones]] = sure
    return probabilities, np.array([p in VOWELS or p in "LM" for p in phones], np.float32)


def starts_of(song: list[tuple[str, int]]) -> list[float]:
    return list(np.cumsum([0, *(frames for _, frames in song[:-1])]) / RATE)


def test_phones_are_found_where_they_are() -> None:
    found = align_lyrics(*heard(SONG), WORDS)
    assert [s.phone for s in found.phones] == [phone for phone, _ in SONG]
    np.testing.assert_allclose([s.start for s in found.phones], starts_of(SONG), atol=0.021)
    assert [text for _, _, text in found.words] == ["lami", "soo"]
    np.testing.assert_allclose([w[:2] for w in found.words], [(0.2, 2.2), (2.6, 4.56)], atol=0.021)


@given(st.integers(2, 40), st.integers(10, 150), st.integers(0, 30))
def test_vowels_may_last_and_silences_may_be_missing(consonant: int, vowel: int, pause: int) -> None:
    song = [("L", 4), ("AA", vowel), (SILENCE, pause), ("S", min(consonant, 15)), ("UW", vowel), ("M", 5)]
    song = [part for part in song if part[1]]
    words = [LyricWord("la", ("L", "AA")), LyricWord("soom", ("S", "UW", "M"))]
    found = align_lyrics(*heard(song), words)
    assert [s.phone for s in found.phones] == [phone for phone, _ in song]
    np.testing.assert_allclose([s.start for s in found.phones], starts_of(song), atol=0.021)
    assert all(a.end == b.start for a, b in zip(found.phones, found.phones[1:], strict=False))
    assert found.phones[-1].end == pytest.approx((sum(frames for _, frames in song) - 0.5) / RATE)


def test_held_vowels_are_not_silence() -> None:
    probabilities, voice = heard(SONG)
    lost = probabilities.copy()
    lost[14:74] = 0.1 * lost[14:74]
    lost[14:74, INDEX[SILENCE]] += 0.9
    found = align_lyrics(lost, voice, WORDS)
    np.testing.assert_allclose([s.start for s in found.phones], starts_of(SONG), atol=0.041)


def test_consonants_do_not_last() -> None:
    found = align_lyrics(*heard([("L", 4), ("AA", 30), ("S", 100), ("UW", 40)]), [WORDS[0], WORDS[1]])
    hiss = next(s for s in found.phones if s.phone == "S")
    assert hiss.end - hiss.start <= LONGEST + 1e-6


def test_lines_are_sung_in_their_time() -> None:
    once = [("L", 4), ("AA", 40), (SILENCE, 20)]
    probabilities, voice = heard([*once, *once])
    first, second = (
        align_lyrics(probabilities, voice, [LyricWord("la", ("L", "AA"), *span)]).words[0]
        for span in ((0, 1), (1.2, inf))
    )
    assert first[0] == pytest.approx(0, abs=0.03)
    assert second[0] == pytest.approx(64 / RATE, abs=0.03)


@pytest.mark.parametrize(
    ("words", "frames"),
    [([LyricWord("a", ("AA",))] * 30, 20), ([LyricWord("sista", ("S", "IH", "S", "T", "AA"))] * 30, 400)],
    ids=["longer than the sound", "other words"],
)
def test_words_that_do_not_fit_are_refused(words: list[LyricWord], frames: int) -> None:
    with pytest.raises(InputError, match=r"lyrics: 30 words do not fit .* expected exactly what is sung"):
        align_lyrics(*heard([("OW1", frames)]), words)


def test_lyrics_that_are_too_long_are_refused() -> None:
    with pytest.raises(InputError, match="cut song and lyrics"):
        align_lyrics(np.zeros((200_000, len(PHONES)), np.float32), np.zeros(200_000), WORDS * 100)


def test_words_know_how_they_are_said_and_when() -> None:
    pytest.importorskip("pocketsphinx")
    words, guessed = lyric_words([Cue("My boat, 2", 1.0, 3.5), Cue("..."), Cue("zzyzx", 4.0)])
    assert [(w.text, w.start, w.end) for w in words] == [
        *(("my", 1.0, 3.5), ("boat", 1.0, 3.5), ("two", 1.0, 3.5)),
        ("zzyzx", 4.0, inf),
    ]
    assert words[0].phones == ("M", "A1", "Y2")
    assert words[1].phones == ("B", "OW1", "OW2", "T")
    assert list(guessed) == ["zzyzx"]
    with pytest.raises(InputError, match="expected at least one word"):
        lyric_words([Cue("...")])
    with pytest.raises(InputError, match=r"lyrics: expected English words, found 'лодка' \(--language says"):
        lyric_words([Cue("my boat"), Cue("лодка")])
