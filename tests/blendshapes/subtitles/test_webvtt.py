"""Motion subtitles as files: read, written back, and refused with the line."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.speech.transcript_files import subtitles as stock_cues
from emosplat.blendshapes.subtitles.vocabulary import VOCABULARY
from emosplat.blendshapes.subtitles.webvtt import (
    parse_subtitles,
    read_subtitles,
    subtitle,
    subtitles_text,
    write_subtitles,
)
from emosplat.core.errors import InputError

FILE = """WEBVTT - a scene

NOTE
nobody sees --> this

STYLE
::cue { color: white }

first
00:01.000 --> 00:02.500 align:left
brows: raise 0.8
<i>head: nod slightly</i>; lips: smile left 40%
Good morning: everybody

1:00:00.000 --> 1:00:01.250
face: a little sad attack 0.5 release 1
"""


def test_a_file_is_read_by_line_and_region() -> None:
    first, second = parse_subtitles(FILE)
    assert (first.start, first.end, first.name, first.layout, first.line) == (1.0, 2.5, "first", "align:left", 10)
    told = [(w.region, w.action, w.intensity, w.side, w.line) for w in first.wishes]
    assert told == [("brows", "raise", 0.8, "", 11), ("head", "nod", 0.25, "", 12), ("lips", "smile", 0.4, "left", 12)]
    assert (second.start, second.wishes[0].attack, second.wishes[0].release) == (3600.0, 0.5, 1.0)


@pytest.mark.parametrize(
    "change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t, lambda t: t.rstrip("\n")]
)
def test_files_of_other_editors_are_the_same(change) -> None:
    assert parse_subtitles(change(FILE)) == parse_subtitles(FILE)


def test_what_is_read_is_written_back(tmp_path: Path) -> None:
    cues = parse_subtitles(FILE)
    write_subtitles(tmp_path / "again.vtt", cues, notes=("for people --> to read",))
    assert read_subtitles(tmp_path / "again.vtt") == cues


times = st.integers(0, 10_000_000).map(lambda ms: ms / 1000)
lines = st.sampled_from([f"{r}: {a} 0.5" for r, actions in VOCABULARY.items() for a in actions])


@given(st.lists(st.tuples(times, times, st.lists(lines, min_size=1, max_size=3)), max_size=5))
def test_any_cues_survive_a_file_and_a_stock_reader(drawn: list[tuple[float, float, list[str]]]) -> None:
    cues = tuple(subtitle(min(a, b), max(a, b), *said) for a, b, said in drawn)
    text = subtitles_text(cues)
    assert parse_subtitles(text) == cues
    stock = list(stock_cues(text))
    assert [c.start for c in stock] == pytest.approx([c.start for c in cues])
    assert [c.end for c in stock] == pytest.approx([c.end for c in cues])


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, "WEBVTT\n\n" + text, "WEBVTT\n\n00:01.000 --> 00:02.000\n" + text):
        with suppress(InputError):
            parse_subtitles(whole)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("00:01.000 -> 00:02.000\nbrows: raise", "line 3: expected times"),
        ("00:02.000 --> 00:01.000\nbrows: raise", "line 3: expected an end after the beginning"),
        ("00:01.000 --> 00:99.000\nbrows: raise", "line 3: expected times"),
        ("00:01.000 --> 00:02.000\nbrow s: raise", "line 4: expected a region"),
        ("00:01.000 --> 00:02.000\nbrows: somersault", "line 4: brows: expected one of raise, "),
        ("00:01.000 --> 00:02.000\nbrows: raise 1.5", "line 4: expected an intensity in 0..1"),
        ("00:01.000 --> 00:02.000\nbrows: raise 0.5 0.6", "line 4: expected one intensity"),
        ("00:01.000 --> 00:02.000\nbrows: raise attack 99", "line 4: attack: expected seconds"),
        ("00:01.000 --> 00:02.000\nbrows:", "line 4: expected an action"),
        ("00:01.000 --> 00:02.000\ncheeks: scared", "line 4: cheeks: 'scared' is not shown there"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(body: str, told: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_subtitles("WEBVTT\n\n" + body, source="x.vtt")
    assert f"x.vtt: {told}" in str(refused.value)


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="line 1: expected WEBVTT, found '1'"):
        parse_subtitles("1\n00:00:01,000 --> 00:00:02,000\nbrows: raise\n", source="x.srt")
