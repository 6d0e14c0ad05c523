"""The command line: what the person typed, and what they see. Everything else is imported when it is needed."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from . import __version__
from .errors import InputError

if TYPE_CHECKING:
    from .pipeline.batch.display import LiveBoard, LogBoard
    from .pipeline.batch.plan import BatchRequest
    from .pipeline.clip import ClipProgress, ClipRequest


class DefaultCommandGroup(TyperGroup):
    """Runs `clip` when the first word is none of the group's own commands: `render a.wav` is `render clip a.wav`."""

    DEFAULT = "clip"
    _showing_help = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in self._own_options(ctx):
            self._refuse_misspelt_command(ctx, args[0])
            args = [self.DEFAULT, *args]
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        params = super().get_params(ctx)
        if self._showing_help:  # the help of the group shows the default command's options too
            default = self.commands[self.DEFAULT]
            params = [p for p in default.get_params(ctx) if p.name != "help"] + params
        return params

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["AUDIO -o OUT [OPTIONS]", "|", "COMMAND [ARGS]..."]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._showing_help = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._showing_help = False

    def _own_options(self, ctx: Any) -> set[str]:
        return {o for p in super().get_params(ctx) for o in (*p.opts, *p.secondary_opts)}

    def _refuse_misspelt_command(self, ctx: Any, word: str) -> None:
        looks_like_a_command = not word.startswith("-") and not Path(word).suffix and not Path(word).exists()
        if looks_like_a_command and (near := get_close_matches(word, self.commands)):
            ctx.fail(f"No such command or audio file {word!r}. Did you mean {near[0]!r}?")


app = typer.Typer(
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn speech and an emotion into video of a talking 3D Gaussian-splat head.",
)

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to rasterize.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    pass


@app.command("clip", hidden=True)
def clip(
    audio: Annotated[
        str,
        typer.Argument(
            help="Speech: any audio or video file, [bold]-[/] for stdin, or a motion .npz.", metavar="AUDIO"
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="What to write: .mp4 .webm .mov .mkv, a folder of frames, or motion .npz .csv."
        ),
    ],
    avatar: Annotated[
        str, typer.Option("-a", "--avatar", help="A built-in avatar's name, or the path of one.")
    ] = "person1",
    emotion: Annotated[
        str, typer.Option("-e", "--emotion", help="For instance angry, or angry:0.6,sad:0.2.")
    ] = "neutral",
    intensity: Annotated[float, typer.Option(help="How strong the emotion is, 0..1.")] = 1.0,
    emotion_track: Annotated[
        Path | None, typer.Option(help="CSV with the columns time_s and one per emotion; replaces --emotion.")
    ] = None,
    sound: Annotated[Path | None, typer.Option("--audio", help="The sound that goes with a motion file.")] = None,
    fps: Annotated[
        str | None,
        typer.Option(help="Frames per second, for instance 30 or 30000/1001. [dim]25, or the motion's own[/]"),
    ] = None,
    size: Annotated[str, typer.Option(help="Width x height in pixels.")] = "512x512",
    camera: Annotated[str, typer.Option(metavar="front|three-quarter|profile", help="Point of view.")] = "front",
    background: Annotated[str, typer.Option(help="white, #rrggbb, the path of a picture, or transparent.")] = "white",
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Seed of blinks, gaze and all other natural variation.")] = 0,
    blink: Annotated[bool, typer.Option("--blink/--no-blink", help="Blink now and then.")] = True,
    head_motion: Annotated[str, typer.Option(metavar="none|subtle|lively", help="How much the head moves.")] = "subtle",
    start: Annotated[float, typer.Option(help="Begin this many seconds into the audio.")] = 0.0,
    duration: Annotated[float | None, typer.Option(help="Use only this many seconds.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Render one clip (the default command: `render AUDIO` is `render clip AUDIO`)."""
    with _complaints(debug):
        from .pipeline.clip import render_clip
        from .pipeline.request import ClipRequest, parse_direction, parse_size
        from .pipeline.sidecar import sidecar_path
        from .pipeline.video import frame_rate

        width, height = parse_size(size)
        direction = parse_direction(
            emotion=emotion,
            intensity=intensity,
            emotion_track=emotion_track,
            seed=seed,
            blink=blink,
            head_motion=head_motion,
        )
        with _source(audio) as source, _progress_bar(hidden=quiet or as_json or not sys.stderr.isatty()) as report:
            request = ClipRequest(
                source=source,
                out=out,
                direction=direction,
                sound=sound,
                avatar=avatar,
                fps=None if fps is None else frame_rate(fps),
                width=width,
                height=height,
                camera=camera,
                background=background,
                device=device,
                start=start,
                duration=duration,
                overwrite=overwrite,
            )
            record = render_clip(request, report=report)
    if as_json:
        print(sidecar_path(out).read_text(), end="")
    elif not quiet:
        _print_result(request, record)


@app.command()
def batch(
    source: Annotated[
        str, typer.Argument(help="A folder of recordings, a manifest (.csv .jsonl .parquet), or a data set's root.")
    ],
    out: Annotated[str, typer.Option("-o", "--out", help="Folder or URL (s3://...) for the videos and results.")],
    dataset: Annotated[
        str | None,
        typer.Option(metavar="ravdess|cremad|mead|vocaset|biwi|hdtf|ljspeech|audiofolder", help="What SOURCE holds."),
    ] = None,
    glob: Annotated[str, typer.Option(help="Which files of a folder; * crosses sub-folders.")] = "**/*",
    grid: Annotated[
        str,
        typer.Option(help="Conditions for every clip: 'avatar=person1,person2 emotion=angry,happy intensity=.5,1'."),
    ] = "",
    name: Annotated[str | None, typer.Option(help="Output names, for instance '{id}_{avatar}_{emotion}'.")] = None,
    format: Annotated[str, typer.Option(metavar="mp4|webm|mov|mkv", help="Kind of video.")] = "mp4",
    avatar: Annotated[str, typer.Option("-a", "--avatar", help="For clips that name none.")] = "person1",
    emotion: Annotated[str, typer.Option("-e", "--emotion", help="For clips that tell none.")] = "neutral",
    intensity: Annotated[float, typer.Option(help="For clips that tell none, 0..1.")] = 1.0,
    fps: Annotated[str, typer.Option(help="Frames per second, for instance 30 or 30000/1001.")] = "25",
    size: Annotated[str, typer.Option(help="Width x height in pixels.")] = "512x512",
    camera: Annotated[str, typer.Option(metavar="front|three-quarter|profile", help="Point of view.")] = "front",
    background: Annotated[str, typer.Option(help="white, #rrggbb, the path of a picture, or transparent.")] = "white",
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Master seed; each clip gets its own from this and its id.")] = 0,
    blink: Annotated[bool, typer.Option("--blink/--no-blink", help="Blink now and then.")] = True,
    head_motion: Annotated[str, typer.Option(metavar="none|subtle|lively", help="How much the head moves.")] = "subtle",
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
    with _complaints(debug, stopped="stopped; what is finished stays, start again to go on"):
        from .pipeline.batch.plan import BatchRequest

        request = BatchRequest(
            source=source,
            out=out,
            dataset=dataset,
            glob=glob,
            grid=grid,
            name=name,
            format=format,
            avatar=avatar,
            emotion=emotion,
            intensity=intensity,
            seed=seed,
            fps=fps,
            size=size,
            camera=camera,
            background=background,
            device=device,
            blink=blink,
            head_motion=head_motion,
            max_duration=max_duration,
            shard=shard,
            retry_failed=retry_failed,
            command=_command_line(),
        )
        if dry_run:
            _print_plan(request, workers)
        elif engine == "slurm":
            _submit(request, shards=shards, parameters=slurm, workers=workers)
        else:
            _run_batch(request, engine=engine, workers=workers, address=address, quiet=quiet, as_json=as_json)


def _print_plan(request: BatchRequest, workers: int | None) -> None:
    from .pipeline.batch.display import plan_lines
    from .pipeline.batch.engines.local import local_engine
    from .pipeline.batch.estimate import estimate
    from .pipeline.batch.plan import make_plan
    from .pipeline.batch.run import unfinished

    plan = make_plan(request)
    left = unfinished(plan, request.out)
    cost = estimate(left, plan.settings)
    count = local_engine(request.device, workers).workers
    for line in plan_lines(plan, left=left, estimated=cost, workers=count):
        print(line)


def _submit(request: BatchRequest, *, shards: int, parameters: str, workers: int | None) -> None:
    from .pipeline.batch.engines.slurm import submit_shards
    from .pipeline.batch.plan import make_plan

    make_plan(request)  # what is wrong is said here, not in a log on some node
    jobs = submit_shards(request, shards=shards, parameters=parameters, workers=workers)
    print(f"submitted {len(jobs)} jobs: {', '.join(job.job_id for job in jobs)}")


def _run_batch(
    request: BatchRequest, *, engine: str, workers: int | None, address: str | None, quiet: bool, as_json: bool
) -> NoReturn:
    from dataclasses import asdict

    from .pipeline.batch.display import result_lines, skipped_lines
    from .pipeline.batch.engines import open_engine
    from .pipeline.batch.plan import make_plan
    from .pipeline.batch.run import run_batch

    plan = make_plan(request)
    crew = open_engine(engine, device=request.device, workers=workers, address=address)
    if quiet or as_json:
        result = run_batch(request, crew, plan=plan)
    else:
        with _board(len(plan.mine)) as board:
            result = run_batch(request, crew, plan=plan, watch=board.watch)
    if as_json:
        print(json.dumps({**asdict(result.whole), "rendered": result.rendered, "seconds": round(result.seconds, 3)}))
    elif not quiet:
        for line in (*skipped_lines(plan), *result_lines(result, request.out)):
            print(line)
    raise typer.Exit(result.exit_code)


avatars = typer.Typer(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
app.add_typer(avatars, name="avatar", help="Look at the people: list, show, check, export.")
AvatarName = Annotated[str, typer.Argument(help="A built-in avatar's name, or the path of one.", metavar="NAME")]


@avatars.command("list")
def list_avatars(debug: Debug = False) -> None:
    """Name the built-in avatars."""
    with _complaints(debug):
        from .avatars.library import builtin_avatars, find_avatar

        for name in builtin_avatars():
            print(f"{name}  {find_avatar(name).stat().st_size / 1e6:.1f} MB")


@avatars.command("show")
def show_avatar(
    name: AvatarName,
    png: Annotated[
        Path | None, typer.Option(help="Where to write the contact sheet. [dim]the avatar's name with .png[/]")
    ] = None,
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Draw a contact sheet: views, emotions by intensity, visemes, mouth and eyes from near."""
    with _complaints(debug):
        from .avatars.library import open_avatar
        from .pipeline.portraits import check_picture, contact_sheet, write_picture
        from .renderer import open_rasterizer

        avatar = open_avatar(name)
        path = png or Path(f"{avatar.name}.png")
        check_picture(path)
        write_picture(path, contact_sheet(avatar, open_rasterizer(device)))
        print(path)


@avatars.command("check")
def check_avatar(
    name: AvatarName,
    poses: Annotated[int, typer.Option(min=1, help="How many poses to look at.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the poses and cameras.")] = 0,
    worst: Annotated[Path | None, typer.Option(help="Picture (.png) of the worst fault of each kind.")] = None,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Look for holes, specks, eyes through lids and teeth through lips in random poses and views.

    Exits with 1 when there is any fault.
    """
    with _complaints(debug, stopped="stopped"):
        from .avatars.library import open_avatar
        from .pipeline.check_avatar import AvatarCheck, worst_faults
        from .pipeline.clip import ClipProgress
        from .pipeline.portraits import check_picture, write_picture
        from .renderer import open_rasterizer

        if worst is not None:
            check_picture(worst)
        check = AvatarCheck(open_avatar(name), open_rasterizer(device), poses=poses, seed=seed)
        with _progress_bar(hidden=as_json or not sys.stderr.isatty()) as bar:
            result = check.run(report=lambda done, total: bar(ClipProgress("checking", done, total, unit="poses")))
        if worst is not None and result.faults:
            write_picture(worst, worst_faults(check, result))
        print(json.dumps(result.record()) if as_json else "\n".join(result.lines()))
        raise typer.Exit(1 if result.faults else 0)


@avatars.command("export")
def export_avatar(
    name: AvatarName,
    out: Annotated[Path, typer.Argument(help="The .ply to write.", metavar="OUT.ply")],
    emotion: Annotated[str, typer.Option("-e", "--emotion", help="For instance happy, or angry:0.6.")] = "neutral",
    debug: Debug = False,
) -> None:
    """Write an ordinary 3D Gaussian splatting PLY of the person, in metres, for other viewers."""
    with _complaints(debug):
        from .avatars.library import open_avatar
        from .pipeline.portraits import export_ply

        print(f"{out}: {export_ply(open_avatar(name), out, emotion=emotion)} Gaussians")


def _board(total: int) -> LiveBoard | LogBoard:
    """The display of a running batch: live on a terminal, a line now and then in a log."""
    from rich.console import Console

    from .pipeline.batch.display import LiveBoard, LogBoard

    if sys.stderr.isatty():
        return LiveBoard(total, Console(stderr=True))
    return LogBoard(total, lambda line: print(line, file=sys.stderr, flush=True))


@app.command()
def doctor(debug: Debug = False) -> None:
    """Show what is installed, which rasterizer will be used and why, and how to mend what is broken."""
    with _complaints(debug):
        from .pipeline.doctor import examine

        findings = examine()
        from rich.console import Console
        from rich.table import Table

        table = Table("", "what", "found", "what to do", box=None, pad_edge=False)
        for finding in findings:
            mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
            table.add_row(mark, finding.what, finding.found, finding.fix)
        Console().print(table)
        raise typer.Exit(0 if all(f.ok for f in findings) else 1)


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A motion .npz, or a rendered video with its .json beside it.")],
    png: Annotated[Path | None, typer.Option(help="Where to draw the curves and the contact sheet.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Where to write the curves, one row per frame.")] = None,
    audio: Annotated[Path | None, typer.Option(help="The sound that goes with a motion file.")] = None,
    avatar: Annotated[str, typer.Option(help="Who shows a motion file's contact sheet.")] = "person1",
    debug: Debug = False,
) -> None:
    """Draw the motion curves over the waveform with a contact sheet, and write them as CSV."""
    with _complaints(debug):
        from .pipeline.inspect import inspect_file

        for line in inspect_file(file, png=png, csv=csv, audio=audio, avatar=avatar):
            print(line)


@contextlib.contextmanager
def _source(name: str) -> Iterator[Path]:
    """The path `name`; stdin (`-`) is copied to a temporary file first, because audio is read twice."""
    from .pipeline.audio import spool

    if name == "-":
        with spool(sys.stdin.buffer) as path:
            yield path
    else:
        yield Path(name)


@contextlib.contextmanager
def _complaints(debug: bool, *, stopped: str = "stopped; nothing was written") -> Iterator[None]:
    """Errors become one line on stderr; exit code 2 for wrong input, 1 for anything unexpected."""
    try:
        yield
    except InputError as error:
        if debug:
            raise
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail(stopped, 130)
    except (typer.Exit, typer.Abort):
        raise
    except OSError as error:  # a full disk, a folder that lost its permission
        if debug:
            raise
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 2)
    except Exception as error:
        if debug:
            raise
        _fail(f"unexpected {type(error).__name__}: {error} (--debug shows where)", 1)


def _command_line() -> str:
    """What the person typed."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(code)


@contextlib.contextmanager
def _progress_bar(*, hidden: bool) -> Iterator[Any]:
    """A bar with frames, frames per second, speed against real time and the time left."""
    if hidden:
        yield lambda _progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} {task.fields[unit]}  {task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, speed="", unit="frames")

        def report(progress: ClipProgress) -> None:
            speed = f"{progress.fps:.0f} frames/s, {progress.realtime:.1f}x real time" if progress.fps else ""
            bar.update(
                task,
                description=progress.stage,
                completed=progress.done,
                total=progress.total,
                unit=progress.unit,
                speed=speed,
            )

        yield report


def _print_result(request: ClipRequest, record: dict[str, Any]) -> None:
    result = record["result"]
    print(
        f"{request.out}: {result['frames']} frames, {result['duration_s']:.2f} s, "
        f"rendered in {result['seconds']:.1f} s ({result['realtime']:.1f}x real time, {record['device']})"
    )
    for warning in record["warnings"]:
        print(f"note: {warning}")


def main() -> None:
    """Entry point of the scripts `render` and `emosplat`."""
    # our own threads share the cores; idle threads of a linear-algebra library would only spin
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    app()
