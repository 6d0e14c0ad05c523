"""What all commands share: common options, errors in one line, a progress bar."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..pipeline.clip.render import ClipProgress

HELP = {"help_option_names": ["-h", "--help"]}
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Weights = Annotated[
    Path | None, typer.Option(help="A folder that `render train` wrote into. [dim]the built-in weights[/]")
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to rasterize.")]


@contextlib.contextmanager
def complaints(debug: bool, *, stopped: str = "stopped; nothing was written") -> Iterator[None]:
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
    except BrokenPipeError:  # whoever reads has seen enough, as in `render ... --json | head`: click ends in silence
        raise
    except OSError as error:  # a full disk, a folder that lost its permission
        if debug:
            raise
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 2)
    except Exception as error:
        if debug:
            raise
        _fail(f"unexpected {type(error).__name__}: {error} (--debug shows where)", 1)


def flush_output() -> None:
    """Write out what was printed; where nobody reads any more, let go of it without a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def command_line() -> str:
    """What the person typed."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(code)


@contextlib.contextmanager
def progress_bar(*, hidden: bool) -> Iterator[Any]:
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
