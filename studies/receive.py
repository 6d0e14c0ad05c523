"""Messages to the study's server: how much is read of them, who may send how many, and what becomes of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..pipeline.web import json_body
from .answers import Conflict, Refusal
from .limits import RateLimit
from .messages import Message

MAX_BODY = 128 * 1024  # bytes; a page of 100 sliders takes about 10 kB, a trace of ten minutes 70 kB
AT_ONCE, PER_SECOND = 300, 30  # messages from one address: a laboratory of 30 people has one, too
Read = TypeVar("Read", bound=Message)
Result = TypeVar("Result")


async def ask(request: Request, limit: RateLimit, kind: type[Read], do: Callable[[Read], Result]) -> Result:
    """Check a message and do what it asks for; HTTPException with a 4xx or 503 otherwise."""
    check_limit(request, limit)
    return await answered(do, await read(request, kind))


def check_limit(request: Request, limit: RateLimit) -> None:
    """Raise HTTPException 429 for a source that asks too often; the page asks again later."""
    if not limit.allows(request.client.host if request.client else ""):
        raise HTTPException(429, "too many requests; wait a moment", {"Retry-After": "2"})


async def read(request: Request, kind: type[Read]) -> Read:
    """The body as a checked message; 4xx for anything else."""
    body = await json_body(request, most=MAX_BODY)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise HTTPException(400, f"{where}: {first['msg']}") from None


async def answered(do: Callable[[Read], Result], message: Read) -> Result:
    """Ask the answers in another thread, because they wait for the disk; what they refuse becomes a status."""
    try:
        return await run_in_threadpool(do, message)
    except Conflict as error:
        raise HTTPException(409, str(error)) from None
    except Refusal as error:
        raise HTTPException(400, str(error)) from None
    except OSError as error:  # a full disk: the page keeps the answer and sends it again
        raise HTTPException(503, f"could not be saved: {error.strerror}") from None
