"""Compiled functions compute the same whatever becomes of the folder that they are kept in."""

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.compiled import Compiled, Source, compiled, kept_in

HERE = Path(__file__)


def total(values: Any, start: float, cells: Any, out: Any) -> Any:
    """[n, m] of numbers; the cells (row, column) go to `out`."""
    out[0] = start
    for i in range(values.shape[0]):
        for k in range(values.shape[1]):
            out[0] += values[i, k]
    out[1] = values[cells[0], cells[1]]
    return values.shape[0], values.shape[1], values.size


SIGNATURE = "UniTuple(int64, 3)(float32[:, ::1], float64, UniTuple(int64, 2), float64[::1])"


def made(made_of: Path = HERE) -> Compiled:
    return Compiled("total", lambda: Source(total, SIGNATURE), made_of=[made_of])


TOTAL = made()


def check(function: Compiled) -> None:
    out = np.zeros(2)
    assert function(np.arange(6, dtype=np.float32).reshape(2, 3), 0.5, (1, 2), out) == (2, 3, 6)
    assert out.tolist() == [15.5, 5]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_it_is_kept_where_a_folder_can_be_written_and_loaded_from_there(folder: Path) -> None:
    assert not made().is_ready
    check(made())
    (kept,) = folder.iterdir()

    def never() -> Source:
        raise AssertionError("compiled again")

    again = Compiled("total", never, made_of=[HERE])
    assert again.is_ready
    check(again)
    assert list(folder.iterdir()) == [kept]


def test_other_sources_are_compiled_anew(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text("one")
    check(made(source))
    source.write_text("another")
    assert not made(source).is_ready


def test_without_any_folder_it_is_compiled_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert kept_in(HERE.parent) is None
    check(made())


def test_without_a_home_no_folder_called_tilde_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("os.access", lambda *_: False)

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.home", homeless)
    assert kept_in(HERE.parent) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_fails_costs_nothing_but_time(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_: Any) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(Path, "write_bytes", fail)
    check(made())
    assert not list(folder.iterdir())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_files_that_were_cut_off_or_changed_are_made_anew(folder: Path, share: float) -> None:
    check(made())
    (kept,) = folder.iterdir()
    data = kept.read_bytes()
    place = int(share * len(data))
    for damaged in (data[:place], data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]):
        kept.write_bytes(damaged)
        assert not made().is_ready
        check(made())
        assert made().is_ready


@given(rows=st.integers(0, 5), columns=st.integers(0, 5), start=st.floats(-1e6, 1e6))
def test_what_it_is_told_arrives(rows: int, columns: int, start: float) -> None:
    values = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    room, out = np.pad(values, ((0, 1), (0, 1)), constant_values=0), np.zeros(2)
    found = TOTAL(np.ascontiguousarray(room), np.float64(start), (rows, columns), out)
    assert found == (rows + 1, columns + 1, (rows + 1) * (columns + 1))
    assert out[0] == pytest.approx(start + values.sum())


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 3)), np.zeros(6, np.float32), np.zeros((3, 2), np.float32).T, np.zeros((2, 6), np.float32)[:, ::2]],
)
def test_arrays_of_another_kind_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected a C-ordered array of float32 of 2 dimensions"):
        made()(wrong, 0.0, (0, 0), np.zeros(2))
    with pytest.raises(TypeError, match="expected 2 numbers"):
        made()(np.zeros((1, 1), np.float32), 0.0, (0, 0, 0), np.zeros(2))


def test_what_needs_numba_when_it_runs_is_refused(folder: Path) -> None:
    @compiled("void(float64[:, ::1])")
    def flat(values: Any) -> None:
        values.reshape(-1)[0] = 1

    with pytest.raises(RuntimeError, match="when it runs"):
        flat(np.zeros((1, 1)))


def test_kept_code_runs_without_numba(folder: Path) -> None:
    """A process that draws imports no compiler."""
    program = (
        "import sys; from emosplat.avatars.library import open_avatar; from emosplat.avatars.scene import load_scene;"
        "from emosplat.avatars.pose import Poser; from emosplat.avatars.motion import Motion;"
        "from emosplat.renderer import open_rasterizer, Camera;"
        "r = open_rasterizer('cpu'); a = open_avatar('person1-light');"
        "t = Poser(a.head).transforms(Motion.rest(1, a.head.expressions, 25));"
        "s = load_scene(a, r); c = Camera.look_at((0, 0, 1), (0, 0, 0), fov_y=0.3, width=32, height=32);"
        "import numpy; w = numpy.zeros((1, s._modes), 'f4'); print(s.render(c, t, shading_weights=w)[0].rgb.mean());"
        "print('numba' in sys.modules)"
    )
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True) for _ in "12"]
    first, second = (run.stdout.split() for run in runs)
    assert first == [second[0], "True"]
    assert second[1] == "False"
