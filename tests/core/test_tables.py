"""Text and numbers from outside."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.core.tables import csv_lines, csv_text, number, read_text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_to_its_last_bit(value: float) -> None:
    assert number(f" {value!r} ", "here") == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("x", "a number"), ("", "a number"), ("0,5", "a number"), ("nan", "a finite number")),
        *(("inf", "a finite number"), ("1.01", r"a number in 0\.\.1"), ("-1e-9", r"a number in 0\.\.1")),
    ],
)
def test_anything_else_is_named(text: str, expected: str) -> None:
    with pytest.raises(InputError, match=f"^here: expected {expected}, found '{text}'$"):
        number(text, "here", low=0, high=1)


@given(st.text(max_size=60))
def test_any_text_is_lines_or_one_error(text: str) -> None:
    try:
        lines = csv_lines(text, source="s.csv")
    except InputError:
        return
    assert all(any(cell.strip() for cell in row) for _, row in lines)
    numbers = [line for line, _ in lines]
    assert numbers == sorted(numbers)


CELLS = st.lists(st.one_of(st.text(max_size=5), st.text('\r\n",', max_size=5)), min_size=2, max_size=4)


@given(st.lists(CELLS, max_size=4))
def test_cells_come_back_as_they_were_written(rows: list[list[str]]) -> None:
    text = csv_text(["a", "b"], rows)
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b"], *rows]


def test_lines_end_as_on_unix_and_none_is_empty() -> None:
    assert csv_text(["a", "b"], [(1, None), ("x\ry", "p\nq"), (0.5, 'r"s')]) == 'a,b\n1,\n"x\ry","p\nq"\n0.5,"r""s"\n'


def test_a_broken_line_is_named() -> None:
    assert csv_lines('a;b\n\n"1;2";3\n', source="s.csv", delimiter=";") == [(1, ["a", "b"]), (3, ["1;2", "3"])]
    with pytest.raises(InputError, match=r"^s.csv: line 2: expected CSV, found"):
        csv_lines("a,b\n" + 200_000 * "x", source="s.csv")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"12345", "at most 0 MiB, found more"),
        (b"\xff", "UTF-8 text, found byte 0xff"),
        (b"PK\x03\x04", "UTF-8 text, found a zip file such as of Excel"),
    ],
)
def test_files_that_are_no_text_are_named(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(InputError, match=rf"t.csv: expected {message}"):
        read_text(tmp_path / "t.csv", most=4)


def test_text_comes_without_its_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("\ufeffé\n".encode())
    assert read_text(tmp_path / "t.csv", most=8) == "é\n"
    with pytest.raises(InputError, match=r"none.csv: expected a readable file, found No such file"):
        read_text(tmp_path / "none.csv", most=8)
