"""What all commands share: common options, errors in one line, a progress bar."""

from __future__ import annotations

import contextlib
import functools
import inspect
import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, get_args, get_origin

import typer

from ..core.errors import InputError
from ..pipeline.settings import ClipSettings, option, use_of

if TYPE_CHECKING:
    from ..pipeline.clip.render import ClipProgress

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
_FIELDS = ClipSettings.model_fields
Weights = Annotated[Path | None, typer.Option(help=_FIELDS["weights"].description)]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help=_FIELDS["device"].description)]


def takes_settings(
    *, without: Collection[str] = (), only: Collection[str] | None = None, told: Mapping[str, str] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose parameter `settings` becomes one option per clip setting; it gets their values by name.

    `without`, `only`: which settings; `told`: help that differs from the setting's own.
    """
    names = [name for name in only or ClipSettings.model_fields if name not in without]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(command, eval_str=True).parameters.values()
        options = [_setting_option(name, (told or {}).get(name)) for name in names]
        shown = [part for p in parameters for part in (options if p.name == "settings" else [p])]

        @functools.wraps(command)
        def run(**values: Any) -> None:
            command(settings={name: values.pop(name) for name in names}, **values)

        run.__signature__ = inspect.Signature(shown)  # pyright: ignore[reportAttributeAccessIssue]
        run.__annotations__ = {p.name: p.annotation for p in shown}
        return run

    return decorate


def _setting_option(name: str, told: str | None) -> inspect.Parameter:
    """The option of a setting as a parameter that typer reads."""
    field, use = ClipSettings.model_fields[name], use_of(name)
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    spelled = f"{option(name)}/--no-{name}" if field.annotation is bool else option(name)
    told_as = typer.Option(
        *([use.short] if use.short else []),
        spelled,
        help=told or field.description,
        metavar=use.metavar or "|".join(choices) or None,
    )
    default = "x".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
    annotation = Annotated[_typed(field.annotation, default), told_as]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _typed(annotation: Any, default: Any) -> Any:
    """What typer makes of the words: numbers, paths and switches; all else stays text, for the setting to read."""
    if default is not None:
        return type(default)
    choices = [get_args(part)[0] if get_origin(part) is Annotated else part for part in get_args(annotation)]
    first, *others = (choice for choice in choices if choice is not type(None))
    return first | None if first in (Path, float) and not others else str | None


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


def command_line() -> str:
    """What the person typed."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(code)


def _announced(told: set[str]) -> Callable[[ClipProgress], None]:
    """Says once when something takes long that most clips do not need."""

    def report(progress: ClipProgress) -> None:
        if progress.stage.startswith("compiling") and progress.stage not in told:
            told.add(progress.stage)
            print(progress.stage, file=sys.stderr, flush=True)

    return report


@contextlib.contextmanager
def progress_bar(*, hidden: bool) -> Iterator[Any]:
    """A bar with frames, frames per second, speed against real time and the time left; without a terminal a line where
    kernels have to be compiled."""
    if hidden:
        yield lambda _progress: None
        return
    if not sys.stderr.isatty():
        yield _announced(set())
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
