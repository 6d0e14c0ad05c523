"""Cores and threads."""

from collections.abc import Iterator

import pytest
import torch

from emosplat.core.cores import one_thread


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_threads_come_back() -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_threads_come_back_after_an_error() -> None:
    @one_thread()
    def fails() -> None:
        raise ValueError(torch.get_num_threads())

    for _ in range(2):
        with pytest.raises(ValueError, match="1"):
            fails()
        assert torch.get_num_threads() == 3
