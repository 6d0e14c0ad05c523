"""`render view`: an avatar in the browser."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Any

import typer

from ..pipeline.settings import DEFAULTS, read_settings
from .console import Debug, complaints, takes_settings
from .data import TrackerFile


@takes_settings(
    only=(
        *("singing", "weights", "model", "fps", "seed", "blink", "head_motion", "device"),
        *("style", "style_strength", "variety", "guidance", "accents"),
    )
)
def view(
    avatar: Annotated[str, typer.Argument(help="An avatar's name, or the path of one.")] = DEFAULTS.avatar,
    *,
    motion: Annotated[Path | None, typer.Option(help="A motion .npz, or face motion .json .csv, to play.")] = None,
    audio: Annotated[
        Path | None, typer.Option(help="Speech to hear; without --motion the face speaks it, in the sliders' emotion.")
    ] = None,
    webcam: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Follow who sits before camera N of this machine (extra: track); 0 is the first."
        ),
    ] = None,
    tracker: TrackerFile = None,
    settings: dict[str, Any],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8080,
    debug: Debug = False,
) -> None:
    """Show an avatar in the browser: turn it, move its face, play a clip, save pictures and cameras."""
    with complaints(debug, stopped="stopped"):
        from ..pipeline.viewer.server import Viewer

        chosen = read_settings({"avatar": avatar, **settings})
        with Viewer(chosen, motion=motion, audio=audio, webcam=webcam, tracker=tracker, host=host, port=port) as viewer:
            print(f"{viewer.url} (Ctrl-C ends)", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                viewer.wait()
