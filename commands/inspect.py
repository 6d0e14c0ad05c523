"""`render inspect`: curves and pictures of a motion or a video, the moments of speech that stand out, and what an
emotion is taken to mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import InputError
from ..pipeline.settings import DEFAULTS
from .console import Debug, complaints


def inspect(
    file: Annotated[
        Path | None,
        typer.Argument(help="A motion (.npz .csv .json), a rendered video with its .json beside it, or speech."),
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Where to draw the curves, the voice and the contact sheet.")] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            help="Where to write one row per frame: phone, viseme, curves, pitch and loudness; of a motion ARKit "
            "weights and FACS action units, too. A name in .parquet is written as that."
        ),
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
    subtitles: Annotated[
        Path | None, typer.Option(help="Motion subtitles to tell and to draw under the waveform.", metavar="FILE.vtt")
    ] = None,
    emotion: Annotated[
        str | None,
        typer.Option("-e", "--emotion", help="In place of a file: an emotion, to see what it is taken for."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files to write if they exist.")] = False,
    debug: Debug = False,
) -> None:
    """Draw the motion curves over the waveform, the voice and a contact sheet, and write them as CSV.

    Of speech: the moments that faces react to, where phrases begin and end and where a syllable is stressed.
    """
    with complaints(debug):
        if file is not None and emotion is None:
            from ..core.whole_files import check_free
            from ..pipeline.inspect import inspect_file

            for written in (png, csv, accents):
                if written is not None:
                    check_free(written, overwrite=overwrite)
            lines = inspect_file(
                file,
                png=png,
                csv=csv,
                audio=audio,
                avatar=avatar,
                accents=accents,
                transcript=transcript,
                language=language,
                subtitles=subtitles,
            )
        elif emotion is not None and file is None:
            from ..pipeline.emotion import explained

            lines = explained(emotion)
        else:
            raise InputError(f"expected a file or --emotion, found {'both' if file else 'neither'}")
        for line in lines:
            print(line)
