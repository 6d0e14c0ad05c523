"""The restricted reader of pickles: what data sets hold is read as Python reads it, everything else is refused."""

import functools
import io
import os
import pickle
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emosplat.avatars.pickles import read_pickle, read_pickled_npy
from emosplat.core.errors import InputError

from .python2 import python2_pickle

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=5)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=20,
)
ARRAYS = hnp.arrays(
    st.sampled_from(["f4", "f8", ">f4", "i2", "<i8", "u1", "?"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements={"allow_nan": False},
)
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def reading(tmp_path: Path, data: bytes):
    path = tmp_path / "data.pkl"
    path.write_bytes(data)
    return read_pickle(path)


@same_folder
@given(PLAIN, st.integers(0, 5))
def test_plain_data_is_read_as_python_reads_it(tmp_path, value, protocol):
    assert reading(tmp_path, pickle.dumps(value, protocol)) == value


@same_folder
@given(ARRAYS, st.integers(0, 5), st.booleans())
def test_arrays_are_read_as_python_reads_them(tmp_path, array, protocol, fortran):
    array = np.asfortranarray(array) if fortran else array
    found = reading(tmp_path, pickle.dumps({"a": array, "again": array}, protocol))
    assert found["a"].dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found["a"], array)
    assert found["a"] is found["again"]


@same_folder
@given(st.dictionaries(st.text(st.characters(max_codepoint=255), max_size=5), ARRAYS, max_size=3))
def test_pickles_of_python_2_are_read_as_python_reads_them(tmp_path, arrays):
    data = python2_pickle(arrays)
    expected = pickle.loads(data, encoding="latin1")
    found = reading(tmp_path, data)
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_numbers_become_numbers(tmp_path, protocol):
    assert reading(tmp_path, pickle.dumps([np.float32(0.5), np.int64(-3)], protocol)) == [0.5, -3]


def test_text_of_protocol_0_keeps_its_bytes(tmp_path):
    assert reading(tmp_path, b"S'caf\\xe9\\n\"'\np0\n.") == 'caf\xe9\n"'


def test_a_dict_saved_with_numpy_is_read(tmp_path):
    path = tmp_path / "fit.npy"
    np.save(path, {"pose": np.ones((2, 15))}, allow_pickle=True)  # pyright: ignore[reportArgumentType]
    assert read_pickled_npy(path)["pose"].shape == (2, 15)


def test_a_plain_npy_is_read_and_a_false_header_refused(tmp_path):
    path = tmp_path / "fit.npy"
    np.save(path, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(read_pickled_npy(path), np.arange(6.0).reshape(2, 3))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="expected float64"):
        read_pickled_npy(path)


class Reduce:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments, state=None):
        self.result = (function, arguments, state)

    def __reduce__(self):
        return self.result


class Custom:
    pass


def many_arrays_of_one_text() -> bytes:
    """A remembered text of a megabyte, and a thousand arrays filled with it."""
    size = 1 << 20
    text = b"T" + struct.pack("<i", size) + bytes(size) + b"q\x01"
    one = b"cnumpy.core.multiarray\n_reconstruct\n)R((I1\n(I%d\ntcnumpy\ndtype\n(S'u1'\ntRI00\nh\x01tb" % size
    return text + one.replace(b"((I1", b"(I1") * 1000 + b"."


TOUCH = "touch emosplat-was-here"
# pickles that do harm, or use up memory, when Python reads them, and damaged ones
ATTACKS = {
    "os.system": pickle.dumps(Reduce(os.system, TOUCH)),
    "protocol 0": pickle.dumps(Reduce(os.system, TOUCH), 0),
    "by hand": b"cos\nsystem\n(S'" + TOUCH.encode() + b"'\ntR.",
    "eval": pickle.dumps(Reduce(eval, "1")),
    "exec": pickle.dumps(Reduce(exec, "1")),
    "import": pickle.dumps(Reduce(__import__, "os")),
    "getattr": pickle.dumps(Reduce(getattr, Reduce(__import__, "os"), "system")),
    "partial": pickle.dumps(functools.partial(os.system, TOUCH)),
    "nested in a list": pickle.dumps([{"a": (1, Reduce(os.system, TOUCH))}]),
    "nested in an array": pickle.dumps(np.array([Reduce(os.system, TOUCH)], object)),
    "array of objects": pickle.dumps(np.array([1, "a"], object)),
    "structured array": pickle.dumps(np.zeros(2, [("a", "f4")])),
    "own class": pickle.dumps(Custom()),
    "state of a list": b"]}S'a'\nI1\nsb.",
    "state of a function": pickle.dumps(Reduce(np.dtype, "f4", state={"__class__": 1})),
    "numpy's loader": b"cnumpy\nload\n(S'a.npy'\ntR.",
    "numpy's runstring": b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.",
    "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__class__\x93.",
    "dotted module": b"\x80\x04\x8c\x0enumpy ndarray \x8c\x00\x93.",
    "second content": python2_pickle(np.zeros(4))[:-1] + b"Nb.",
    "name of numbers": b"\x80\x04K\x01K\x02\x93.",
    "call of ndarray": b"cnumpy\nndarray\n(I1000000000\ntR.",
    "call of a text": b"S'os'\n)R.",
    "INST": b"(S'touch x'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'touch x'\no.",
    "NEWOBJ": b"\x80\x02cos\nsystem\n)\x81.",
    "extension": b"\x80\x02\x82\x01.",
    "persistent id": b"Pfile\n.",
    "text bomb": b"T\xff\xff\xff\x7fa.",
    "negative text": b"T\xff\xff\xff\xffa.",
    "bytes bomb": b"\x8e" + struct.pack("<Q", 1 << 62) + b"a.",
    "bytearray bomb": b"\x96" + struct.pack("<Q", 1 << 40) + b"a.",
    "frame bomb": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b".",
    "number bomb": b"L" + b"9" * 100_000 + b"L\n.",
    "array bomb": python2_pickle(np.zeros(4)).replace(b"K\x04", b"J\xff\xff\xff\x7f"),
    "array of negative size": python2_pickle(np.zeros(4)).replace(b"K\x04", b"J\xff\xff\xff\xff"),
    "key bomb": b"}" + b")" + b"\x85" * 200_000 + b"Ns.",
    "many arrays of one text": many_arrays_of_one_text(),
    "no stop": b"]",
    "empty stack": b".",
    "no mark": b"t.",
    "odd dict": b"(I1\nd.",
    "unknown memo": b"h\x05.",
    "no value to append to": b"I1\na.",
    "unquoted text": b"Sabc\n.",
    "no opcode": b"\xff\xfe\xfd",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_everything_else_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"data\.pkl: expected a pickle of numpy arrays") as refused:
        reading(tmp_path, ATTACKS[name])
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)
    assert os.listdir(tmp_path) == ["data.pkl"]


def test_a_large_memo_number_takes_no_memory(tmp_path):
    assert reading(tmp_path, b"]r\xff\xff\xff\x7f.") == []


def test_the_refused_name_is_in_the_message(tmp_path):
    with pytest.raises(InputError, match=r"'posix\.system'|'nt\.system'"):
        reading(tmp_path, ATTACKS["os.system"])


def test_opcodes_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("emosplat.avatars.pickles.MAX_STEPS", 100)
    with pytest.raises(InputError, match="more than 100 opcodes"):
        reading(tmp_path, b"]" * 200 + b".")


def test_files_that_are_missing_empty_or_too_large_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="expected a readable file"):
        read_pickle(tmp_path / "none.pkl")
    with pytest.raises(InputError, match="expected 1 to"):
        reading(tmp_path, b"")
    monkeypatch.setattr("emosplat.avatars.pickles.MAX_BYTES", 10)
    with pytest.raises(InputError, match="expected 1 to 10 bytes"):
        reading(tmp_path, pickle.dumps(list(range(100))))


@same_folder
@given(st.data())
def test_truncated_and_altered_pickles_never_do_more_than_fail(tmp_path, data):
    whole = python2_pickle({"a": np.arange(6.0), "b": [1, "x"]})
    cut = data.draw(st.integers(1, len(whole)))
    altered = bytearray(whole[:cut])
    for _ in range(data.draw(st.integers(0, 3))):
        altered[data.draw(st.integers(0, cut - 1))] = data.draw(st.integers(0, 255))
    with suppress(InputError):
        reading(tmp_path, bytes(altered))


@same_folder
@given(st.lists(st.sampled_from([bytes([c]) for c in range(256)]) | st.binary(min_size=1, max_size=4), min_size=1))
def test_arbitrary_bytes_never_do_more_than_fail(tmp_path, pieces):
    with suppress(InputError):
        reading(tmp_path, b"".join(pieces))


@same_folder
@given(st.data())
def test_altered_npy_files_never_do_more_than_fail(tmp_path, data):
    path = tmp_path / "fit.npy"
    np.save(path, {"pose": np.ones((2, 3))}, allow_pickle=True)  # pyright: ignore[reportArgumentType]
    altered = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(altered[: data.draw(st.integers(0, len(altered)))])
    with suppress(InputError):
        read_pickled_npy(path)


def test_a_pickle_is_not_read_beyond_its_end(tmp_path):
    stream = io.BytesIO()
    pickle.dump([1], stream)
    stream.write(b"cos\nsystem\n")
    assert reading(tmp_path, stream.getvalue()) == [1]
