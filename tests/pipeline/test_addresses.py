"""Where servers listen, and what a browser is told."""

import pytest

from emosplat.core.errors import InputError
from emosplat.pipeline.addresses import listener, url_of


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("lab.example", "http://lab.example:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://127.0.0.1:80"),
        ("fe80::1", "http://[fe80::1]:80"),
    ],
)
def test_what_a_browser_here_is_told(host: str, url: str) -> None:
    assert url_of(host, 80) == url


def test_an_address_that_is_taken() -> None:
    with listener("127.0.0.1", 0) as taken, pytest.raises(InputError, match="choose another"):
        listener("127.0.0.1", taken.getsockname()[1])
