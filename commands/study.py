"""`render study ...`: perceptual studies, from a design file to the analysis."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .console import HELP, Debug, Device, complaints, progress_bar

app = typer.Typer(no_args_is_help=True, context_settings=HELP, help="Build, run and analyse perceptual studies.")
Built = Annotated[Path, typer.Argument(help="The folder of a built study.", metavar="DIR")]


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write study.yaml and the speech it uses.")] = Path("study"),
    debug: Debug = False,
) -> None:
    """Write a commented example design that builds as it is."""
    with complaints(debug):
        from ..pipeline.study.example import write_example

        design = write_example(folder)
        print(f"{design}: edit it, then `render study build {design} -o {folder}/built`")


@app.command()
def build(
    design: Annotated[Path, typer.Argument(help="The design file.", metavar="STUDY.yaml")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the study.")],
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Render the stimuli, draw up the lists and write the pages. Start it again after any interruption."""
    with complaints(debug, stopped="stopped; start again to go on"):
        from ..pipeline.clip import ClipProgress
        from ..pipeline.study.build import build_study

        with progress_bar(hidden=not sys.stderr.isatty()) as bar:
            built = build_study(
                design,
                out,
                device=device,
                progress=lambda what, done, total: bar(ClipProgress(what, done, total, "stimuli")),
            )
        for count in built.balance:
            print(count.line())
        print(
            f"{built.folder}: {built.stimuli} stimuli at {built.loudness:.1f} LUFS, "
            f"{built.participants} lists of {built.trials} trials; key/ tells what is what: keep it to yourself"
        )
        print(f"try it: render study serve {built.folder}")


@app.command()
def serve(
    folder: Built,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is everybody's network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8765,
    debug: Debug = False,
) -> None:
    """Run the study's page and collect answers in DIR/responses/responses.jsonl, until Ctrl-C."""
    with complaints(debug, stopped="stopped; answers are safe, start again to go on"):
        from ..pipeline.study.server import serve as serve_study

        print(f"http://{host}:{port}/   add ?participant=NAME or ?list=0 to choose; Ctrl-C stops", flush=True)
        serve_study(folder, host=host, port=port)
