"""The command line: what the person typed, and what they see. Everything else is imported when it is needed."""

from __future__ import annotations

import contextlib
import json
import os
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
        print(json.dumps(record))
    elif not quiet:
        _print_result(request, record)


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
def _complaints(debug: bool) -> Iterator[None]:
    """Errors become one line on stderr; exit code 2 for wrong input, 1 for anything unexpected."""
    try:
        yield
    except InputError as error:
        if debug:
            raise
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail("stopped; nothing was written", 130)
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if debug:
            raise
        _fail(f"unexpected {type(error).__name__}: {error} (--debug shows where)", 1)


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
        TextColumn("{task.completed}/{task.total} frames  {task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, speed="")

        def report(progress: ClipProgress) -> None:
            speed = f"{progress.fps:.0f} frames/s, {progress.realtime:.1f}x real time" if progress.done else ""
            bar.update(task, description=progress.stage, completed=progress.done, total=progress.total, speed=speed)

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
