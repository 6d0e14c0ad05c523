"""Phone labels: what is written comes back, in every way to write it; words are told apart."""

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.singing.phone_labels import is_phone_labels, read_phone_labels
from emosplat.blendshapes.singing.score_files import SongScore, is_score, read_score
from emosplat.blendshapes.speech.phones import DIPHTHONGS, TARGETS, Segment
from emosplat.core.errors import InputError


def words(text: str) -> list[str]:
    return text.split()


JAPANESE = words("a i u e o k s sh t ch ts n h f m y r w g z j d b p v ky gy ny hy my ry by py N I U pau sil br")
ARPABET = words("aa ae ah ao aw ay eh er ey ih iy ow oy uh uw AH0 EY1 b ch d dh f g hh jh k l m n ng p r s sh t th")
HTK = """0 1000000 pau
1000000 1500000 k
1500000 4000000 a
4000000 4500000 cl
4500000 5000000 t
5000000 9000000 o
9000000 9600000 ry
9600000 12000000 U
12000000 13000000 N
"""
EXPECTED = [
    ("SIL", 0.1), ("K", 0.15), ("AA", 0.4), ("T", 0.45), ("T", 0.5), ("OW1", 0.9), ("D", 0.93), ("Y", 0.96),
    ("UW", 1.2), ("N", 1.3),
]  # fmt: skip


def ends(segments: list[Segment]) -> list[tuple[str, float]]:
    return [(segment.phone, round(segment.end, 6)) for segment in segments]


def test_hand_written_japanese() -> None:
    assert ends(read_phone_labels(HTK, source="a.lab")) == EXPECTED
    seconds = "\n".join(
        f"{int(a) / 1e7:.4f}\t{int(b) / 1e7:.4f}\t{phone} 0.9" for a, b, phone in map(str.split, HTK.splitlines())
    )
    assert ends(read_phone_labels(seconds, source="a.lab")) == EXPECTED
    full = "\n".join(
        f"{a} {b} p@xx^xx-{phone}+a=b_xx%xx^00_00~00-1!1[xx$xx]xx/A:xx"
        for a, b, phone in map(str.split, HTK.splitlines())
    )
    assert ends(read_phone_labels(full, source="a.lab")) == EXPECTED


def test_labels_of_a_score_are_timed_as_notes() -> None:
    """k and a have the note's times, as Sinsy writes them: the vowel comes on the beat."""
    text = "0 10000000 pau\n10000000 20000000 k\n10000000 20000000 a\n20000000 30000000 N\n30000000 40000000 p\n"
    text += "30000000 40000000 a\n30000000 40000000 cl\n40000000 50000000 pau\n50000000 60000000 t\n50000000 60000000 o"
    assert ends(read_phone_labels(text, source="a.lab")) == [
        ("SIL", 0.93), ("K", 1.0), ("AA", 2.0), ("M", 2.93), ("P", 3.0), ("AA", 3.93), ("T", 4.0), ("SIL", 4.93),
        ("T", 5.0), ("OW1", 6.0),
    ]  # fmt: skip


def test_arpabet_with_a_gap_and_a_late_begin() -> None:
    text = "0.5 0.6 HH\n0.6 1.0 AH0\n1.2 1.3 l\n1.3 2.3 OW1\n"
    found = ends(read_phone_labels(text, source="a.lab"))
    assert found == [
        ("SIL", 0.5), ("HH", 0.6), ("AH", 1.0), ("SIL", 1.2), ("L", 1.3), ("OW1", 1.8), ("OW2", 2.3),
    ]  # fmt: skip


@given(
    st.sampled_from([JAPANESE, ARPABET]).flatmap(
        lambda phones: st.lists(st.tuples(st.sampled_from(phones), st.integers(1, 90), st.integers(0, 9)), min_size=1)
    )
)
def test_phones_fill_the_time(labels: list[tuple[str, int, int]]) -> None:
    at, lines = 0, []
    for name, length, gap in labels:
        at += gap
        lines.append(f"{at * 100000} {(at + length) * 100000} {name}")
        at += length
    text = "\n".join(lines)
    assert is_phone_labels(text)
    found = read_phone_labels(text, source="a.lab")
    assert found[0].start == 0
    assert found[-1].end == pytest.approx(at / 100)
    assert all(a.end == b.start for a, b in pairwise(found))
    assert all(segment.end > segment.start and segment.phone in TARGETS for segment in found)
    assert not any(a.phone == b.phone == "SIL" for a, b in pairwise(found))
    assert not DIPHTHONGS.keys() & {segment.phone for segment in found}


@pytest.mark.parametrize(
    "text", ["0 9000000 hello\n9000000 19000000 there", "plain words", "", "0 1 a b\nx", "0 1 no\n1 2 I\n2 3 can"]
)
def test_words_are_no_score(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.lab").write_text(text)
    assert not is_score(tmp_path / "a.lab")


def test_a_damaged_line_does_not_make_words_of_phones(tmp_path: Path) -> None:
    path = tmp_path / "a.lab"
    path.write_text(HTK.rstrip() + "\nx y z\n")
    assert is_score(path)
    with pytest.raises(InputError, match=r"a\.lab: line \d+: expected start, end and phone, found 'x y z'"):
        read_score(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 1000000 k\n1000000 2000000 hello", "line 2: expected a phone"),
        ("0 1000000 k\n0 2000000 a", "line 2: expected times in order"),
        ("2000000 1000000 k", "line 1: expected times in order"),
        ("\n\nk", "line 3: expected start, end and phone, found 'k'"),
        ("0 99999999999 a", "line 1: expected at most 60 minutes"),
        ("0 1 a", "expected phones, found none that lasts"),
        ("", "expected lines of start, end and phone, found none"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(InputError, match=f"^a.lab: {said}"):
        read_phone_labels(text, source="a.lab")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.lab"
    path.write_bytes(HTK.replace("\n", "\r\n").encode("utf-8-sig"))
    assert is_score(path)
    assert read_score(path) == SongScore((), tuple(read_phone_labels(HTK, source="a.lab")))
    with pytest.raises(InputError, match="only one"):
        read_score(path, voice="1")


@given(st.text(st.sampled_from("01 9.\nakNshpau^-+=@"), max_size=80) | st.text(max_size=30))
def test_any_text(text: str) -> None:
    with suppress(InputError):
        found = read_phone_labels(text, source="a.lab")
        assert all(a.end == b.start for a, b in pairwise(found))
    assert is_phone_labels(text) in (True, False)
