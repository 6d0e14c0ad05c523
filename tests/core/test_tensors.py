"""One convention for weights on disk: what is written is read, anything else is one clear complaint."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from emosplat.core.errors import InputError
from emosplat.core.tensors import read_info, read_tensors, stated_format, write_tensors

FORMAT = "emosplat-test-1"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path, tensor = tmp_path / "new" / "w.safetensors", np.arange(12, dtype=np.float16).reshape(3, 4)
    write_tensors(path, {"turned": tensor.T}, {"format": FORMAT, "labels": ["a", "b"]})
    file = read_tensors(path, format=FORMAT, what="test weights")
    np.testing.assert_array_equal(file.tensors["turned"], tensor.T)
    assert file.info == {"format": FORMAT, "labels": ["a", "b"]}
    assert stated_format(path) == FORMAT
    assert len(file.sha256) == 64


def test_plain_keys_of_the_first_fusion_weights_are_read(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"x": np.zeros(1, np.float32)}, path, {"format": FORMAT, "head": "open-1"})
    assert read_info(path, format=FORMAT, what="test weights") == {"format": FORMAT, "head": "open-1"}


def test_another_format_and_a_file_too_large_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_tensors(path, {"x": np.zeros(1 << 19, np.float32)}, {"format": "other-1"})
    with pytest.raises(InputError, match="expected weights of format emosplat-test-1, found 'other-1'"):
        read_tensors(path, format=FORMAT, what="test weights")
    with pytest.raises(InputError, match="expected at most 1 MiB of test weights, found 2"):
        read_tensors(path, format="other-1", what="test weights", max_bytes=1 << 20)
    with pytest.raises(InputError, match="no such file; expected test weights"):
        read_tensors(tmp_path / "none.safetensors", format=FORMAT, what="test weights")


def test_a_tensor_larger_than_its_file_takes_no_memory(tmp_path: Path) -> None:
    header = json.dumps({"x": {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}}).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(InputError, match="found something else"):
        read_tensors(path, format=FORMAT, what="test weights")


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=64), st.sampled_from(["[]", "7", '"x"', "{", "[" * 3000, '{"format": []}', '{"format": 1}']))
def test_nonsense_is_one_clear_complaint(tmp_path_factory: pytest.TempPathFactory, tail: bytes, said: str) -> None:
    path = tmp_path_factory.mktemp("w") / "w.safetensors"
    header = json.dumps({"__metadata__": {"emosplat": said}}).encode()
    for data in (tail, struct.pack("<Q", len(header)) + header, struct.pack("<Q", len(header)) + header + tail):
        path.write_bytes(data)
        assert stated_format(path) is None
        with pytest.raises(InputError, match=r"w\.safetensors"):
            read_tensors(path, format=FORMAT, what="test weights")
