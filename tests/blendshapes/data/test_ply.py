"""PLY vertices."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emosplat.blendshapes.data.ply import read_ply_vertices
from emosplat.core.errors import InputError

from .miniatures import write_ply

POINTS = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_positions_are_read_in_order(tmp_path, kind):
    write_ply(tmp_path / "a.ply", POINTS, kind=kind)
    np.testing.assert_array_equal(read_ply_vertices(tmp_path / "a.ply"), POINTS)


def test_windows_line_ends_and_doubles(tmp_path):
    header = (
        "ply\r\nformat ascii 1.0\r\nelement vertex 1\r\nproperty double z\r\nproperty double y\r\nproperty double x\r\n"
    )
    (tmp_path / "a.ply").write_bytes((header + "end_header\r\n3 2 1\r\n").encode())
    assert read_ply_vertices(tmp_path / "a.ply").tolist() == [[1, 2, 3]]


BAD = {
    "no header": b"solid stl",
    "endless header": b"ply\nformat ascii 1.0\n" + b"comment\n" * 20_000,
    "unknown format": b"ply\nformat text 1.0\nelement vertex 0\nend_header\n",
    "faces first": b"ply\nformat ascii 1.0\nelement face 0\nend_header\n",
    "no z": b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nend_header\n1 2\n",
    "list": b"ply\nformat ascii 1.0\nelement vertex 1\nproperty list uchar int x\nend_header\n1 2\n",
    "too few": b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n"
    b"end_header\n1 2 3\n",
    "too many": b"ply\nformat binary_little_endian 1.0\nelement vertex 99999999999999999999\nproperty float x\n"
    b"property float y\nproperty float z\nend_header\n",
    "negative": b"ply\nformat binary_little_endian 1.0\nelement vertex -1\nproperty float x\nproperty float y\n"
    b"property float z\nend_header\nabcdefghijkl",
    "no numbers": b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
    b"end_header\na b c\n",
}


@pytest.mark.parametrize("name", BAD)
def test_other_files_are_refused(tmp_path, name):
    (tmp_path / "bad.ply").write_bytes(BAD[name])
    with pytest.raises(InputError, match=r"bad\.ply: expected a PLY mesh"):
        read_ply_vertices(tmp_path / "bad.ply")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.ply: expected a readable PLY file"):
        read_ply_vertices(tmp_path / "none.ply")


@same_folder
@given(st.data())
def test_altered_files_never_do_more_than_fail(tmp_path, data):
    kind = data.draw(st.sampled_from(["ascii", "binary_little_endian"]))
    write_ply(tmp_path / "a.ply", POINTS, kind=kind)
    altered = bytearray((tmp_path / "a.ply").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.ply").write_bytes(altered[: data.draw(st.integers(0, len(altered)))])
    with suppress(InputError):
        assert read_ply_vertices(tmp_path / "a.ply").shape[1] == 3
