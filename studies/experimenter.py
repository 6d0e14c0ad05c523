"""The experimenter's page of a study that runs: how it is doing, its answers as tables, and deletion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..pipeline.web import knows
from .answers import Answers
from .around import Settings
from .limits import RateLimit
from .messages import Message, Participant
from .overview import Expected, answers_csv, overview, people_csv
from .receive import answered, check_limit, read

PAGE = Path(__file__).parent / "page" / "experimenter"
FILES = ("experimenter.js", "experimenter.css")


class Deletion(Message):
    """Somebody's answers are to be deleted."""

    participant: Participant


def experimenter_routes(
    answers: Answers, settings: Settings, expected: Expected, *, key: str, limit: RateLimit
) -> list[Route]:
    """What `/experimenter` serves to whoever knows the key, as `?key=` or `Authorization: Bearer`; 404 for others."""

    def admit(request: Request) -> None:
        if not knows(key, request.headers, request.query_params, name="key"):
            check_limit(request, limit)
            raise HTTPException(404)

    async def page(request: Request) -> Response:
        admit(request)
        return FileResponse(PAGE / "experimenter.html")

    async def part(request: Request) -> Response:
        if request.path_params["name"] not in FILES:
            raise HTTPException(404)
        return FileResponse(PAGE / request.path_params["name"])

    def state() -> Response:
        return JSONResponse(overview(answers, settings, expected))

    def all_answers() -> Response:
        return _table(answers_csv(answers.snapshot()[1]), "answers.csv")

    def all_people() -> Response:
        people, _, now = answers.snapshot()
        return _table(people_csv(people, settings, now), "participants.csv")

    def asked(make: Callable[[], Response]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:  # not asynchronous: starlette runs it in another thread
            admit(request)
            return make()

        return endpoint

    async def delete(request: Request) -> Response:
        admit(request)
        message = await read(request, Deletion)
        return JSONResponse({"deleted": await answered(lambda one: answers.delete(one.participant), message)})

    return [
        Route("/experimenter", page, methods=["GET"]),
        Route("/experimenter/state", asked(state), methods=["GET"]),
        Route("/experimenter/answers.csv", asked(all_answers), methods=["GET"]),
        Route("/experimenter/participants.csv", asked(all_people), methods=["GET"]),
        Route("/experimenter/delete", delete, methods=["POST"]),
        Route("/experimenter/{name}", part, methods=["GET"]),
    ]


def _table(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
