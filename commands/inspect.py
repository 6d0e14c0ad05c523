"""`render inspect`: curves and pictures of a motion or a video, and the moments of speech that stand out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..pipeline.settings import DEFAULTS
from .console import Debug, complaints


def inspect(
    file: Annotated[
        Path,
        typer.Argument(help="A motion (.npz .csv .json), a rendered video with its .json beside it, or speech."),
    ],
    png: Annotated[Path | None, typer.Option(help="Where to draw the curves, the voice and the contact sheet.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Where to write the curves, pitch and loudness, one row per frame.")
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="The sound that goes with a motion file.")] = None,
    avatar: Annotated[str, typer.Option(help="Who shows a motion file's contact sheet.")] = "person1",
    accents: Annotated[
        Path | None, typer.Option(help="Where to write the moments that stand out, as --accents of a clip reads them.")
    ] = None,
    transcript: Annotated[
        str | None, typer.Option(help="What is said, text or file: tells the word at each moment.", metavar="TEXT|FILE")
    ] = None,
    language: Annotated[str, typer.Option(help="The transcript's language.", metavar="de|fr|...")] = DEFAULTS.language,
    debug: Debug = False,
) -> None:
    """Draw the motion curves over the waveform, the voice and a contact sheet, and write them as CSV.

    Of speech: the moments that faces react to, where phrases begin and end and where a syllable is stressed.
    """
    with complaints(debug):
        from ..pipeline.inspect import inspect_file

        for line in inspect_file(
            file,
            png=png,
            csv=csv,
            audio=audio,
            avatar=avatar,
            accents=accents,
            transcript=transcript,
            language=language,
        ):
            print(line)
