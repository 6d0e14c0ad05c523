"""`render serve`: clips and live curves for programs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import InputError
from .console import Debug, Device, complaints
from .live import Token


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 for any.")] = 8100,
    token: Token = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where files are kept meanwhile. [dim]the system's place[/]")
    ] = None,
    megabytes: Annotated[float, typer.Option(min=0.1, help="Of one sound, at most.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="Of one sound, at most.")] = 120,
    waiting: Annotated[int, typer.Option(min=0, help="Jobs that may wait.")] = 20,
    at_once: Annotated[int, typer.Option(min=1, help="Jobs that are done at the same time.")] = 1,
    streams: Annotated[int, typer.Option(min=0, help="Live streams at the same time.")] = 4,
    minutes: Annotated[float, typer.Option(min=0.1, help="That files are kept after a job has ended.")] = 60,
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Make clips for programs elsewhere: sound in, video or curves out, over HTTP and WebSocket."""
    with complaints(debug, stopped="stopped; what was kept is gone"):
        try:
            from ..pipeline.service.jobs import Limits
            from ..pipeline.service.server import serve as serve_clips
        except ModuleNotFoundError as error:
            raise InputError(f"serve: {error}; pip install 'emosplat[live]'") from None

        serve_clips(
            folder=folder,
            limits=Limits(megabytes, seconds, waiting, at_once, minutes, streams),
            device=device,
            host=host,
            port=port,
            token=token,
            ready=lambda url: print(f"{url} (Ctrl-C ends)", flush=True),
        )
