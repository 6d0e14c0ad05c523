"""`render subtitles AUDIO -o FILE.vtt`: what a face could do to a recording, as subtitles to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..pipeline.settings import DEFAULTS, read_settings
from .console import Debug, complaints


def subtitles(
    audio: Annotated[Path, typer.Argument(help="Speech: any audio or video file.", metavar="AUDIO")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The motion subtitles to write (.vtt).")],
    transcript: Annotated[
        str | None, typer.Option(help="What is said, text or file: words ask for more.", metavar="TEXT|FILE")
    ] = None,
    lyrics: Annotated[
        str | None,
        typer.Option(help="What is sung: text, .lrc or a score (.musicxml, .ust, .lab).", metavar="TEXT|FILE"),
    ] = None,
    singing: Annotated[str, typer.Option(metavar="auto|yes|no", help="Whether it is sung.")] = DEFAULTS.singing,
    language: Annotated[
        str, typer.Option(help="Of the transcript or the lyrics.", metavar="de|fr|...")
    ] = DEFAULTS.language,
    planner: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Ask a language model at this OpenAI-compatible address, with the words and their times, never the "
            "sound; its key: EMOSPLAT_PLANNER_KEY. [dim]by rule, offline[/]",
        ),
    ] = None,
    planner_model: Annotated[str, typer.Option(metavar="NAME", help="The model's name there.")] = "default",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    debug: Debug = False,
) -> None:
    """Propose motion subtitles: what brows, eyes and head do at the moments that stand out, to be edited by hand.

    `render AUDIO --subtitles OUT` obeys them.
    """
    with complaints(debug):
        from ..pipeline.planner import Planner
        from ..pipeline.subtitles import propose_subtitles

        notes: list[str] = []
        cues = propose_subtitles(
            audio,
            out,
            read_settings({"transcript": transcript, "lyrics": lyrics, "singing": singing, "language": language}),
            overwrite=overwrite,
            planner=None if planner is None else Planner(planner, planner_model),
            note=notes.append,
        )
        print(f"{out}: {len(cues)} cues")
        for note in notes:
            print(f"note: {note}")
