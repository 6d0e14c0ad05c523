"""`render study ...`: perceptual studies, from a design file to the analysis."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from ..core.errors import InputError
from . import HELP
from .console import Debug, Device, complaints, progress_bar

app = typer.Typer(no_args_is_help=True, context_settings=HELP, help="Build, run and analyse perceptual studies.")
Built = Annotated[Path, typer.Argument(help="The folder of a built study.", metavar="DIR")]


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write study.yaml and the speech it uses.")] = Path("study"),
    example: Annotated[
        str,
        typer.Option(
            metavar="tasks|emotions",
            help="tasks: every kind of task, commented. emotions: a whole study, 4 emotions x 2 intensities x 2 people "
            "and a stand-in for films, in 3 sentences.",
        ),
    ] = "tasks",
    debug: Debug = False,
) -> None:
    """Write an example design that builds as it is."""
    with complaints(debug):
        from ..pipeline.clip.render import ClipProgress
        from ..studies.example import write_example

        with progress_bar(hidden=not sys.stderr.isatty()) as bar:
            design = write_example(
                folder,
                example,
                progress=lambda done, total: bar(ClipProgress("rendering stand-ins", done, total, "videos")),
            )
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
        from ..pipeline.clip.render import ClipProgress
        from ..studies.build import build_study

        with progress_bar(hidden=not sys.stderr.isatty()) as bar:
            built = build_study(
                design,
                out,
                device=device,
                progress=lambda what, done, total: bar(ClipProgress(what, done, total, "stimuli")),
            )
        for count in built.balance:
            print(count.line())
        print(built.blinding.line())
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
    token: Annotated[
        str | None, typer.Option(help="Key of the experimenter's page; drawn if none.", envvar="EMOSPLAT_TOKEN")
    ] = None,
    debug: Debug = False,
) -> None:
    """Run the study's page and collect answers in DIR/responses/responses.jsonl, until Ctrl-C."""
    with complaints(debug, stopped="stopped; answers are safe, start again to go on"):
        try:
            from ..pipeline.addresses import url_of
            from ..pipeline.web import check_token
            from ..studies.server import serve as serve_study
        except ModuleNotFoundError as error:
            raise InputError(f"serve: {error}; pip install 'emosplat[study]'") from None

        key = token or secrets.token_urlsafe(24)
        check_token(key, host)
        told = f"{url_of(host, port)}/   add ?participant=NAME or ?list=0 to choose; Ctrl-C stops"
        told += f"\n{url_of(host, port)}/experimenter?key={quote(key)}   how it is doing; for you alone"
        serve_study(folder, host=host, port=port, key=key, ready=lambda: print(told, flush=True))


@app.command()
def delete(
    folder: Built,
    participant: Annotated[str, typer.Option(help="The participant's code.")],
    debug: Debug = False,
) -> None:
    """Delete everything that a participant answered; their list is given to somebody else.

    While the study is served, the experimenter's page does it.
    """
    with complaints(debug):
        from ..studies.delete import delete_participant

        deleted = delete_participant(folder, participant)
        print(f"{participant}: {deleted.answers} answers deleted")
        for path in deleted.elsewhere:
            print(f"{path}: has this participant, too; make it again, or delete it")


@app.command()
def analyse(
    folder: Built,
    responses: Annotated[
        list[Path] | None,
        typer.Argument(help="Answers as CSV or JSON lines; those in DIR/responses if none.", metavar="[RESPONSES...]"),
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder for the report; DIR/report if none.")] = None,
    debug: Debug = False,
) -> None:
    """Check the answers, leave out whom the design leaves out, test, and write the report."""
    with complaints(debug):
        from ..studies.analysis.report import analyse_study

        report = analyse_study(folder, responses or [], out=out)
        if report.simulated:
            print(f"SIMULATED: {report.simulated} participants")
        for reason, count in report.left_out.items():
            print(f"left out: {count} {reason}")
        for note in report.notes:
            print(note)
        for task, found in report.results.items():
            for line in found.lines():
                print(f"{task:16}  {line}")
        print(f"{report.page}: {report.participants} participants analysed")


@app.command()
def preregister(
    design: Annotated[Path, typer.Argument(help="The design file.", metavar="STUDY.yaml")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="File to write; none: it is printed.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of that name.")] = False,
    debug: Debug = False,
) -> None:
    """Write a preregistration from the design; what only you know is asked for in square brackets."""
    with complaints(debug):
        from ..core.whole_files import check_free, write_whole
        from ..studies.analysis.preregistration import preregistration

        text = preregistration(design)
        if out is None:
            print(text, end="")
            return
        check_free(out, overwrite=overwrite)
        write_whole(out, text.encode())
        print(f"{out}: fill in what stands in [square brackets], and register it before the study runs")


PeopleSd = Annotated[float, typer.Option(help="How far participants differ, in units of the effects.", min=0, max=10)]
ClipSd = Annotated[float, typer.Option(help="How far clips differ.", min=0, max=10)]
EFFECT = "What is true, for instance happy=0.8, fits:happy=0.8 or sync:centre=60; repeat it."


@app.command()
def simulate(
    folder: Built,
    out: Annotated[Path, typer.Option("-o", "--out", help="CSV file for the answers.")],
    effect: Annotated[list[str] | None, typer.Option(help=EFFECT)] = None,
    participant_sd: PeopleSd = 0.5,
    clip_sd: ClipSd = 0.3,
    lapse: Annotated[float, typer.Option(help="Share of answers at random.", min=0, max=1)] = 0.02,
    careless: Annotated[float, typer.Option(help="Share of participants who answer at random.", min=0, max=1)] = 0.0,
    seed: Annotated[int, typer.Option(help="Same seed, same answers.", min=0)] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    debug: Debug = False,
) -> None:
    """Answer a built study by simulated participants with known effects."""
    with complaints(debug):
        from ..core.whole_files import check_free
        from ..studies.simulate import Effects, simulate_study

        check_free(out, overwrite=overwrite)
        options = Effects(participant_sd=participant_sd, clip_sd=clip_sd, lapse=lapse, careless=careless)
        count = simulate_study(folder, out, effect or [], seed=seed, options=options)
        print(f"{out}: {count} SIMULATED answers; try `render study analyse {folder} {out}`")


@app.command()
def power(
    design: Annotated[Path, typer.Argument(help="The design file.", metavar="STUDY.yaml")],
    task: Annotated[str, typer.Option(help="Id of the task.")],
    effect: Annotated[list[str], typer.Option(help=EFFECT)],
    test: Annotated[str | None, typer.Option(help="The test that counts; if none, all with something to find.")] = None,
    target: Annotated[float, typer.Option(help="Power to reach.", min=0.05, max=0.99)] = 0.8,
    studies: Annotated[int, typer.Option(help="Simulated studies per number of participants.", min=10)] = 200,
    participant_sd: PeopleSd = 0.5,
    clip_sd: ClipSd = 0.3,
    seed: Annotated[int, typer.Option(help="Same seed, same result.", min=0)] = 0,
    debug: Debug = False,
) -> None:
    """How many participants a study needs, by simulation of its own lists and analysis."""
    with complaints(debug):
        from ..pipeline.clip.render import ClipProgress
        from ..studies.power import plan_participants
        from ..studies.simulate import Effects

        options = Effects(participant_sd=participant_sd, clip_sd=clip_sd)
        with progress_bar(hidden=not sys.stderr.isatty()) as bar:
            plan = plan_participants(
                design,
                task,
                effect,
                test=test,
                target=target,
                studies=studies,
                options=options,
                seed=seed,
                progress=lambda people, done, total: bar(
                    ClipProgress(f"{people} participants", done, total, "studies")
                ),
            )
        for one in plan.powers:
            print(one.line())
        print(plan.line(target))
