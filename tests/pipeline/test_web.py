"""Who reaches a server of ours, and who has to know a token."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("starlette", reason="starlette is not installed (pip install emosplat[live])")

from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from emosplat.core.errors import InputError
from emosplat.pipeline.addresses import is_public
from emosplat.pipeline.web import HEADERS, Gate, SafeHeaders, check_token

TOKEN = "a-token-of-sixteen"


def app(*, host: str = "127.0.0.1", token: str | None = None) -> ASGIApp:
    return SafeHeaders(Gate(PlainTextResponse("in"), host=host, token=token, free={"/free"}), HEADERS)


def client(**options: str | None) -> TestClient:
    return TestClient(app(**options), base_url="http://127.0.0.1:8000")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "8.8.8.8"])
def test_others_reach_us_only_with_a_token(host: str) -> None:
    assert is_public(host)
    with pytest.raises(InputError, match="--token"):
        check_token(None, host)
    check_token(TOKEN, host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"])
def test_this_machine_needs_none(host: str) -> None:
    assert not is_public(host)
    check_token(None, host)


@pytest.mark.parametrize("token", ["", "short", "x" * 15, "ä" * 20, "with\nnewline-in-it"])
def test_weak_tokens_are_refused(token: str) -> None:
    with pytest.raises(InputError, match="--token"):
        check_token(token, "127.0.0.1")


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30))
def test_only_the_token_opens(told: str) -> None:
    gate = client(token=TOKEN)
    header: Any = {"Authorization": f"Bearer {told}".encode("latin-1")}
    assert gate.get("/", headers=header).status_code == (200 if told.strip() == TOKEN else 401)
    assert gate.get("/", params={"token": told}).status_code == (200 if told.strip() == TOKEN else 401)


def test_the_token_opens_and_free_paths_need_none() -> None:
    gate = client(token=TOKEN)
    assert gate.get("/", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200
    assert gate.get("/free").status_code == 200
    refused = gate.get("/free/other")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_no_other_name_and_no_other_page() -> None:
    gate = client()
    assert gate.get("/").status_code == 200
    assert gate.get("/", headers={"Host": "localhost:8000"}).status_code == 200
    assert gate.get("/", headers={"Host": "rebound.example:8000"}).status_code == 403
    assert gate.get("/", headers={"Origin": "http://127.0.0.1:8000"}).status_code == 200
    assert gate.get("/", headers={"Origin": "http://127.0.0.1:9000"}).status_code == 403
    assert gate.get("/", headers={"Origin": "null"}).status_code == 403
    public = client(host="0.0.0.0", token=TOKEN)
    there = {"Host": "studio.example", "Authorization": f"Bearer {TOKEN}"}
    assert public.get("/", headers=there).status_code == 200
