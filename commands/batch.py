"""`render batch`: many clips."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ..pipeline.batch.names import suffixes
from ..pipeline.settings import read_settings
from .console import Debug, command_line, complaints, takes_settings

if TYPE_CHECKING:
    from ..pipeline.batch.display import LiveBoard, LogBoard
    from ..pipeline.batch.plan import BatchRequest


TOLD = {
    "avatar": "For clips that name none.",
    "emotion": "For clips that tell none.",
    "intensity": "For clips that tell none, 0..1.",
    "emotion_track": "For clips that tell none: CSV with the columns time_s and one per emotion.",
    "transcript": "For clips that tell none: a text or file, with fields in braces: '{id}.txt' or '{text}'.",
    "seed": "Master seed; each clip gets its own from this and its id.",
}


@takes_settings(without=("start", "duration"), told=TOLD)
def batch(
    source: Annotated[
        str, typer.Argument(help="A folder of recordings, a manifest (.csv .jsonl .parquet), or a data set's root.")
    ],
    out: Annotated[str, typer.Option("-o", "--out", help="Folder or URL (s3://...) for the videos and results.")],
    *,
    dataset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What SOURCE holds, for instance ravdess (docs/datasets.md lists all)."),
    ] = None,
    glob: Annotated[str, typer.Option(help="Which files of a folder; * crosses sub-folders.")] = "**/*",
    grid: Annotated[
        str,
        typer.Option(help="Conditions for every clip: 'avatar=person1,person2 emotion=angry,happy intensity=.5,1'."),
    ] = "",
    name: Annotated[str | None, typer.Option(help="Output names, for instance '{id}_{avatar}_{emotion}'.")] = None,
    format: Annotated[str, typer.Option(metavar="|".join(s[1:] for s in suffixes()), help="Kind of video.")] = "mp4",
    settings: dict[str, Any],
    max_duration: Annotated[float, typer.Option(help="Refuse recordings longer than this many seconds.")] = 900.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with an estimate; render nothing.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try clips again that were found bad.")] = False,
    engine: Annotated[str, typer.Option(metavar="local|ray|slurm", help="What runs the workers.")] = "local",
    workers: Annotated[int | None, typer.Option(help="How many. [dim]one per GPU, or per core[/]")] = None,
    address: Annotated[str | None, typer.Option(help="Ray cluster to join. [dim]start Ray here[/]")] = None,
    shard: Annotated[str | None, typer.Option(metavar="I/N", help="Render only this part, 1/N to N/N.")] = None,
    shards: Annotated[int, typer.Option(help="Jobs of a Slurm array.")] = 1,
    slurm: Annotated[str, typer.Option(help="For Slurm: 'slurm_partition=gpu timeout_min=120 gpus_per_node=1'.")] = "",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Render many clips: a folder, a list or a data set. Start it again after any interruption, and it goes on."""
    with complaints(debug, stopped="stopped; what is finished stays, start again to go on"):
        from ..pipeline.batch.plan import BatchRequest

        request = BatchRequest(
            source=source,
            out=out,
            dataset=dataset,
            glob=glob,
            grid=grid,
            name=name,
            format=format,
            settings=read_settings(settings),
            max_duration=max_duration,
            shard=shard,
            retry_failed=retry_failed,
            command=command_line(),
        )
        if dry_run:
            _print_plan(request, workers)
        elif engine == "slurm":
            _submit(request, shards=shards, parameters=slurm, workers=workers)
        else:
            _run_batch(request, engine=engine, workers=workers, address=address, quiet=quiet, as_json=as_json)


def _print_plan(request: BatchRequest, workers: int | None) -> None:
    from ..pipeline.batch.display import plan_lines
    from ..pipeline.batch.engines.local import local_engine
    from ..pipeline.batch.estimate import estimate
    from ..pipeline.batch.kept_plan import load_plan
    from ..pipeline.batch.progress import unfinished

    plan = load_plan(request)
    left = unfinished(plan, request.out)
    cost = estimate(left, plan.rules)
    count = local_engine(request.settings.device, workers).workers
    for line in plan_lines(plan, left=left, estimated=cost, workers=count):
        print(line)


def _submit(request: BatchRequest, *, shards: int, parameters: str, workers: int | None) -> None:
    from ..pipeline.batch.engines.slurm import submit_shards
    from ..pipeline.batch.kept_plan import keep_plan, load_plan
    from ..pipeline.batch.places import open_place

    plan = load_plan(request)  # what is wrong is said here, not in a log on some node
    keep_plan(plan, request, open_place(request.out))  # so that not every shard makes it
    jobs = submit_shards(request, shards=shards, parameters=parameters, workers=workers)
    print(f"submitted {len(jobs)} jobs: {', '.join(job.job_id for job in jobs)}")


def _run_batch(
    request: BatchRequest, *, engine: str, workers: int | None, address: str | None, quiet: bool, as_json: bool
) -> NoReturn:
    from dataclasses import asdict

    from ..pipeline.batch.display import result_lines, skipped_lines
    from ..pipeline.batch.engines import open_engine
    from ..pipeline.batch.kept_plan import load_plan
    from ..pipeline.batch.run import run_batch

    plan = load_plan(request)
    crew = open_engine(engine, device=request.settings.device, workers=workers, address=address)
    if quiet or as_json:
        result = run_batch(request, crew, plan=plan)
    else:
        with _board(len(plan.mine)) as board:
            result = run_batch(request, crew, plan=plan, begin=board.begin, watch=board.watch)
    if as_json:
        whole = {} if result.whole is None else asdict(result.whole)
        print(json.dumps({**whole, "rendered": result.rendered, "seconds": round(result.seconds, 3)}))
    elif not quiet:
        for line in (*skipped_lines(plan), *result_lines(result, request.out)):
            print(line)
    raise typer.Exit(result.exit_code)


def _board(total: int) -> LiveBoard | LogBoard:
    """The display of a running batch: live on a terminal, a line now and then in a log."""
    from rich.console import Console

    from ..pipeline.batch.display import LiveBoard, LogBoard

    if sys.stderr.isatty():
        return LiveBoard(total, Console(stderr=True))
    return LogBoard(total, lambda line: print(line, file=sys.stderr, flush=True))
