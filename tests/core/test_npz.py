import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.core.npz import NpzFields


def saved(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]
    return path


def test_dimensions_must_agree(tmp_path: Path) -> None:
    fields = NpzFields(saved(tmp_path / "a.npz", x=np.zeros((3, 2)), y=np.zeros((4, 2))))
    fields.floats("x", ("N", 2))
    with pytest.raises(InputError, match=r"a.npz: y: expected number \[N=3, 2\], found float64 \[4, 2\]"):
        fields.floats("y", ("N", 2))


def test_missing_array_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="speed: expected an array of this name, found only x"):
        NpzFields(saved(tmp_path / "a.npz", x=np.zeros(1))).floats("speed", (1,))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_infinite_numbers_are_refused(tmp_path: Path, bad: float) -> None:
    with pytest.raises(InputError, match="finite"):
        NpzFields(saved(tmp_path / "a.npz", x=np.array([bad]))).floats("x", (1,))


def test_index_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"indices in 0..4, found 0..5"):
        NpzFields(saved(tmp_path / "a.npz", x=np.array([0, 5]))).indices("x", (2,), below=5)


def test_object_arrays_are_never_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    np.savez(tmp_path / "a.npz", x=np.array([Bomb()], dtype=object))
    np.savez(tmp_path / "b.npz", wanted=np.arange(3), x=np.array([Bomb()], dtype=object))
    with pytest.raises(InputError, match="x: expected a plain array"):
        NpzFields(tmp_path / "a.npz").floats("x", (1,))
    np.testing.assert_array_equal(NpzFields(tmp_path / "b.npz").floats("wanted", ("N",)), [0, 1, 2])
    assert not (tmp_path / "exploded").exists()


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    """A few bytes that claim to be 8 TB must not be allocated."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", stream.getvalue())
    with pytest.raises(InputError, match="x: expected a plain array"):
        NpzFields(tmp_path / "a.npz").get("x", ("N",), "f")


@given(bad=st.lists(st.integers(0, 8), min_size=1, unique=True), value=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_rows_that_are_no_numbers_are_counted(
    tmp_path_factory: pytest.TempPathFactory, bad: list[int], value: float
) -> None:
    table = np.zeros((9, 2))
    table[bad, 1] = value
    path = saved(tmp_path_factory.getbasetemp() / "rows.npz", x=table)
    with pytest.raises(InputError, match=rf"in {len(bad)} of 9 rows, the first is row {min(bad)}$"):
        NpzFields(path).floats("x", ("N", 2))


@given(bad=st.sets(st.integers(0, 7)), value=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_lost_rows_are_filled_in_and_told(
    tmp_path_factory: pytest.TempPathFactory, bad: set[int], value: float
) -> None:
    """On a straight line, rows between others come back as they were; those at the ends repeat their neighbour."""
    line = np.arange(8.0)[:, None] * [1.0, -2.0]
    table, told = line.copy(), []
    table[sorted(bad), 1] = value
    fields = NpzFields(saved(tmp_path_factory.getbasetemp() / "lost.npz", x=table))
    if len(bad) > 4:
        with pytest.raises(InputError, match=rf"in {len(bad)} of 8 rows"):
            fields.rows("x", ("N", 2), note=told.append)
        return
    found = fields.rows("x", ("N", 2), note=told.append)
    good = sorted({*range(8)} - bad)
    np.testing.assert_allclose(found, line.clip(line[good].min(axis=0), line[good].max(axis=0)), atol=1e-6)
    assert len(told) == bool(bad)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_give_one_clear_error(tmp_path: Path, data: st.DataObject) -> None:
    whole = saved(tmp_path / "a.npz", x=np.arange(6.0).reshape(3, 2), name="n").read_bytes()
    position = data.draw(st.integers(0, len(whole) - 1))
    damage = data.draw(st.binary(max_size=4))
    (tmp_path / "b.npz").write_bytes(whole[:position] + damage + whole[position + len(damage) :])
    try:
        fields = NpzFields(tmp_path / "b.npz")
        fields.floats("x", ("N", 2))
        fields.text("name")
    except InputError as error:
        message = str(error)
    else:
        message = "b.npz was still readable"
    assert "b.npz" in message
    assert "\n" not in message
