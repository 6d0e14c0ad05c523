"""What participants wrote, as cells that a spreadsheet takes for no formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.tables import csv_text
from emosplat.studies.spreadsheets import as_text, as_written

STARTS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
WORDS = st.tuples(st.text("'" + STARTS, max_size=4), st.text(max_size=10)).map("".join)


@given(WORDS)
def test_words_come_back_as_they_were(words: str) -> None:
    text = csv_text(["response"], [[as_text(words)]])
    [_, [cell]] = csv.reader(io.StringIO(text, newline=""))
    assert as_written(cell) == words


@given(WORDS)
def test_no_cell_begins_a_formula_unless_it_is_a_number(words: str) -> None:
    cell = as_text(words)
    assert cell[:1] not in STARTS or set(cell) <= set("+-0123456789., %")
    assert cell in (words, f"'{words}")


@pytest.mark.parametrize("words", ["", "calm", "'calm'", "-5", "+5,25", "-5 %", "-", "well-known", "a=b", " =1"])
def test_other_words_stay_as_they_are(words: str) -> None:
    assert as_text(words) == as_written(words) == words


@pytest.mark.parametrize(
    "words", ["=1+1", "-nothing", "+1-1", "@home", "-1+1", "\t=1", '=HYPERLINK("http://x.example")']
)
def test_formulas_are_text(words: str) -> None:
    assert as_text(words) == f"'{words}"
