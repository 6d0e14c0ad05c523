"""`render subtitles AUDIO -o FILE.vtt`: what a face could do to a recording, as subtitles to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..pipeline.settings import DEFAULTS
from .console import Debug, complaints


def subtitles(
    audio: Annotated[Path, typer.Argument(help="Speech: any audio or video file.", metavar="AUDIO")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The motion subtitles to write (.vtt).")],
    transcript: Annotated[
        str | None, typer.Option(help="What is said, text or file: words ask for more.", metavar="TEXT|FILE")
    ] = None,
    language: Annotated[str, typer.Option(help="The transcript's language.", metavar="de|fr|...")] = DEFAULTS.language,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    debug: Debug = False,
) -> None:
    """Propose motion subtitles: what brows, eyes and head do at the moments that stand out, to be edited by hand.

    `render AUDIO --subtitles OUT` obeys them.
    """
    with complaints(debug):
        from ..pipeline.subtitles import propose_subtitles

        cues = propose_subtitles(audio, out, transcript=transcript, language=language, overwrite=overwrite)
        print(f"{out}: {len(cues)} cues")
