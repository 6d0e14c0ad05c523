"""Salient moments on disk: what is written is read, what is wrong names its line."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.speech.accent_files import parse_accents, read_accents, write_accents
from emosplat.blendshapes.speech.accents import KINDS, Accent
from emosplat.core.errors import InputError

HEAD = "time_s,kind,strength\n"
MOMENTS = st.builds(
    lambda ms, kind, percent: Accent(ms / 1000, kind, percent / 100),
    *(st.integers(0, 10**7), st.sampled_from(KINDS), st.integers(0, 100)),
)


@given(st.lists(MOMENTS, max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, found: list[Accent]) -> None:
    path = tmp_path_factory.mktemp("moments") / "new" / "a.csv"
    ordered = sorted(found, key=lambda moment: moment.time)
    write_accents(path, ordered)
    assert list(read_accents(path)) == ordered


def test_people_write_it_their_way() -> None:
    assert parse_accents("\ufeff".strip("\ufeff") + " Time_S , KIND,Strength\n\n 1.5 , Stress ,.5\n") == (
        Accent(1.5, "stress", 0.5),
    )
    assert parse_accents(HEAD) == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"expected a header 'time_s,kind,strength', found ''"),
        ("time,kind,strength\n", "expected a header"),
        (HEAD + "1,stress\n", "line 2: expected 3 cells, found 2"),
        (HEAD + "1,stress,1\n-1,stress,1\n", "line 3: time_s: expected a number in 0"),
        (HEAD + "nan,stress,1\n", "line 2: time_s: expected a finite number"),
        (HEAD + "2,end,1\n1,begin,1\n", "line 3: time_s: expected times in order, found 1"),
        (HEAD + "1,loud,1\n", "line 2: kind: expected one of begin, stress, end, found 'loud'"),
        (HEAD + "1,stress,1.1\n", "line 2: strength: expected a number in 0..1"),
    ],
)
def test_what_is_wrong_names_its_line(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=f"mine: {problem}"):
        parse_accents(text, source="mine")


CELLS = st.sampled_from(["0", "1", "0.5", "-1", "nan", "1e400", "stress", "begin", "", '"', "\0"]) | st.text(max_size=5)


@given(st.lists(st.lists(CELLS, max_size=4), max_size=4))
def test_anything_is_read_or_refused_in_one_line(rows: list[list[str]]) -> None:
    text = HEAD + "\n".join(",".join(row) for row in rows)
    with suppress(InputError):
        assert all(0 <= moment.strength <= 1 for moment in parse_accents(text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv: expected a readable file"):
        read_accents(tmp_path / "gone.csv")
