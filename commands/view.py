"""`render view`: an avatar in the browser."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from .console import Debug, Device, Weights, complaints


def view(
    avatar: Annotated[str, typer.Argument(help="An avatar's name, or the path of one.")] = "person1",
    motion: Annotated[Path | None, typer.Option(help="A motion .npz to play.")] = None,
    audio: Annotated[
        Path | None, typer.Option(help="Speech to hear; without --motion the face speaks it, in the sliders' emotion.")
    ] = None,
    weights: Weights = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8080,
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Show an avatar in the browser: turn it, move its face, play a clip, save pictures and cameras."""
    with complaints(debug, stopped="stopped"):
        from ..pipeline.viewer.server import Viewer

        with Viewer(avatar, motion=motion, audio=audio, weights=weights, port=port, device=device) as viewer:
            print(f"{viewer.url} (Ctrl-C ends)", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                viewer.wait()
