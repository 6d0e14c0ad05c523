"""`render inspect`: curves and pictures of a motion or a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import Debug, complaints


def inspect(
    file: Annotated[
        Path, typer.Argument(help="A motion (.npz .csv .json), or a rendered video with its .json beside it.")
    ],
    png: Annotated[Path | None, typer.Option(help="Where to draw the curves, the voice and the contact sheet.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Where to write the curves, pitch and loudness, one row per frame.")
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="The sound that goes with a motion file.")] = None,
    avatar: Annotated[str, typer.Option(help="Who shows a motion file's contact sheet.")] = "person1",
    debug: Debug = False,
) -> None:
    """Draw the motion curves over the waveform, the voice and a contact sheet, and write them as CSV."""
    with complaints(debug):
        from ..pipeline.inspect import inspect_file

        for line in inspect_file(file, png=png, csv=csv, audio=audio, avatar=avatar):
            print(line)
