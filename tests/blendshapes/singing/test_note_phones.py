"""Sung syllables in time: nothing is left out, nothing lies over another, vowels begin on the beat."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.singing.note_phones import _LENGTHS, SHARE, SungSyllable, phones_in_time
from emosplat.blendshapes.singing.syllables import NUCLEI, parted, spread, syllables
from emosplat.blendshapes.speech.phones import DIPHTHONGS, SILENCE, TARGETS, VOWELS

CONSONANTS = sorted(TARGETS.keys() - VOWELS - {SILENCE})
CLUSTERS = st.lists(st.sampled_from(CONSONANTS), max_size=3)
SYLLABLES = st.tuples(CLUSTERS, st.sampled_from(sorted(NUCLEI)), CLUSTERS).map(lambda s: (*s[0], s[1], *s[2]))
LENGTHS = st.lists(st.floats(0.01, 5.0), min_size=1, max_size=4)
RESTS = st.just(0.0) | st.floats(0.01, 3.0)


@st.composite
def songs(draw: st.DrawFn) -> list[SungSyllable]:
    at, sung = 0.0, []
    for _ in range(draw(st.integers(1, 8))):
        spans = []
        for length in draw(LENGTHS):
            at += draw(RESTS)
            spans.append((at, at + length))
            at += length
        sung.append(SungSyllable(draw(SYLLABLES | CLUSTERS.filter(bool).map(tuple)), tuple(spans)))
    return sung


def test_every_consonant_has_a_length() -> None:
    assert sorted(_LENGTHS) == CONSONANTS
    assert VOWELS | DIPHTHONGS.keys() == NUCLEI


@given(songs())
def test_phones_fill_the_song(sung: list[SungSyllable]) -> None:
    found = phones_in_time(sung)
    assert found[0].start == 0.0
    assert found[-1].end == pytest.approx(sung[-1].spans[-1][1])
    assert all(segment.end > segment.start and segment.phone in TARGETS for segment in found)
    assert all(a.end == b.start for a, b in pairwise(found))
    said = [half for s in sung for phone in s.phones for half in DIPHTHONGS.get(phone, (phone,))[:2]]
    heard = [segment.phone for segment in found if segment.phone != SILENCE]
    assert [phone for i, phone in enumerate(heard) if i == 0 or phone != heard[i - 1]] == [
        phone for i, phone in enumerate(said) if i == 0 or phone != said[i - 1]
    ]


@given(songs())
def test_vowels_begin_on_the_beat_and_consonants_leave_them_room(sung: list[SungSyllable]) -> None:
    found = phones_in_time(sung)
    for syllable in sung[1:]:
        (_, body, _), start = parted(syllable.phones), syllable.spans[0][0]
        beat = min(found, key=lambda segment: abs(segment.start - start))
        assert beat.start == pytest.approx(start)
        assert beat.phone == DIPHTHONGS.get(body[0], body)[0]
    for syllable in sung:
        for start, end in syllable.spans:
            held = [s for s in found if s.phone in VOWELS and s.end > start and s.start < end]
            if any(phone in NUCLEI for phone in syllable.phones):
                assert sum(min(s.end, end) - max(s.start, start) for s in held) > (1 - SHARE) * (end - start) - 1e-5


@given(songs())
def test_rests_are_silent_but_for_consonants(sung: list[SungSyllable]) -> None:
    spans = [span for syllable in sung for span in syllable.spans]
    for (_, rest), (beat, _) in pairwise([(0.0, 0.0), *spans]):
        for segment in phones_in_time(sung):
            if segment.start > rest - 1e-9 and segment.end < beat + 1e-9 and segment.end - segment.start > 0.1:
                assert segment.phone == SILENCE


def test_hand_computed() -> None:
    sung = [
        SungSyllable(("S", "T", "AA", "R"), ((1.0, 2.0), (2.0, 2.5))),  # over two notes
        SungSyllable(("B", "R", "AY", "T"), ((2.5, 3.5),)),
        SungSyllable(("M", "IY"), ((3.5, 3.6),)),  # a note too short for what follows
        SungSyllable(("S", "T", "OW1"), ((3.6, 4.6),)),
    ]
    scale = 0.4 * 0.1 / (0.09 + 0.07)
    ends = {
        **{"SIL": 0.84, "S": 0.93, "T": 1.0, "AA": 2.31, "R": 2.37, "B": 2.44, "R2": 2.5, "A1": 3.24, "Y2": 3.36},
        **{"T2": 3.43, "M": 3.5, "IY": 3.6 - 0.16 * scale, "S2": 3.6 - 0.07 * scale, "T3": 3.6, "OW1": 4.6},
    }
    found = phones_in_time(sung)
    assert [segment.phone for segment in found] == [name.rstrip("23") if name != "Y2" else name for name in ends]
    assert [segment.end for segment in found] == pytest.approx(list(ends.values()))


def test_a_song_that_begins_at_once_begins_with_its_consonants() -> None:
    found = phones_in_time([SungSyllable(("S", "AA"), ((0.0, 1.0),))])
    assert [segment.phone for segment in found] == ["S", "AA"]
    assert found[0].end == pytest.approx(0.09)
    assert phones_in_time([]) == []


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("HH AH L OW", "HH AH.L OW"),
        ("T W IH NG K AH L", "T W IH NG.K AH L"),
        ("S IH NG IH NG", "S IH NG.IH NG"),
        ("B Y UW T IH F AH L", "B Y UW.T IH.F AH L"),
        ("M IH S T R IY", "M IH.S T R IY"),
        ("AE T L AH S", "AE T.L AH S"),
        ("F AY ER", "F AY.ER"),
        ("HH M", "HH M"),
    ],
)
def test_syllables_of_words(word: str, parts: str) -> None:
    assert ".".join(map(" ".join, syllables(word.split()))) == parts


@given(st.lists(st.sampled_from([*CONSONANTS, *sorted(NUCLEI)]), min_size=1, max_size=30))
def test_syllables_keep_every_sound_and_have_one_vowel(phones: list[str]) -> None:
    found = syllables(phones)
    assert [phone for syllable in found for phone in syllable] == phones
    vowels = [sum(phone in NUCLEI for phone in syllable) for syllable in found]
    assert vowels == [1] * sum(phone in NUCLEI for phone in phones) or vowels == [0]
    onset, body, coda = parted(phones)
    assert onset + body + coda == phones
    assert body


@given(st.lists(st.text("abceioé", max_size=5), min_size=1, max_size=6), st.integers(1, 20))
def test_every_syllable_is_sung_somewhere(texts: list[str], sung: int) -> None:
    counts = spread(texts, sung)
    assert sum(counts) == sung
    assert len(counts) == len(texts)
    assert min(counts) >= 0
    assert counts[0] >= 1
    if sung >= len(texts):
        assert min(counts) >= 1
