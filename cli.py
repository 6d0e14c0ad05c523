"""The command line, assembled: `render AUDIO ...`, `render batch`, `render avatar show` ... (see commands/)."""

from __future__ import annotations

import functools
import gc
import io
import os
import signal
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from . import __version__
from .commands import HELP

# What a person may type first, and where it is: a module of commands/ with a command of the same name, or with a group
# `app`. Each is imported when it is asked for; their list needs only what stands here, the first lines of their help.
COMMANDS = {
    "clip": "Render one clip.",
    "edit": "Edit a face motion: key frames, spans acted anew or bridged, a new recording of the same words.",
    "subtitles": "Propose motion subtitles: what brows, eyes and head do at the moments that stand out, to be edited "
    "by hand.",
    "batch": "Render many clips: a folder, a list or a data set. Start it again after any interruption, and it goes "
    "on.",
    "inspect": "Draw the motion curves over the waveform, the voice and a contact sheet, and write them as CSV.",
    "view": "Show an avatar in the browser: turn it, move its face, play a clip, save pictures and cameras.",
    "live": "Let an avatar speak while the sound arrives: in the browser, and as curves in other programs.",
    "serve": "Make clips for programs elsewhere: sound in, video or curves out, over HTTP and WebSocket.",
    "evaluate": "Measure our motion: against a data set (--data), or beside films of people who talk (--video).",
    "doctor": "Show what is installed, which rasterizer will be used and why, and how to mend what is broken.",
    "avatar": "The people, built-in and your own: list, show, check, import, capture, export, convert, remove.",
    "head": "Face models: list, import your FLAME or GNM download.",
    "style": "How somebody moves, learned of films, face motions or voices: learn, show, list (docs/style.md).",
    "study": "Build, run and analyse perceptual studies.",
    "data": "Make a corpus to learn from; look at data sets.",
    "train": "Learn weights: stage 1 speech, stage 2 fusion, acting, the voice's emotion.",
    "robot": "Animatronic faces, simulated or real: show, babble, fit, drive (docs/robot.md).",
}


class DefaultCommandGroup(TyperGroup):
    """Runs `clip` when the first word is none of the group's own commands: `render a.wav` is `render clip a.wav`."""

    DEFAULT = "clip"
    _showing_help = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if self._showing_help and cmd_name in COMMANDS and cmd_name != self.DEFAULT:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name])
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = _imported(cmd_name)
        return self.commands.get(cmd_name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in COMMANDS and args[0] not in self._own_options(ctx):
            self._refuse_misspelt_command(ctx, args[0])
            args = [self.DEFAULT, *args]
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        params = super().get_params(ctx)
        if self._showing_help:  # the help of the group shows the default command's options too
            default = self.get_command(ctx, self.DEFAULT)
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
        if looks_like_a_command and (near := get_close_matches(word, COMMANDS)):
            ctx.fail(f"No such command or audio file {word!r}. Did you mean {near[0]!r}?")


class UnnamedContext(TyperCommand.context_class):
    """Calls itself as its group is called."""

    @property
    def command_path(self) -> str:
        return super().command_path if self.parent is None else self.parent.command_path


class UnnamedCommand(TyperCommand):
    """The default command, whose name nobody types: its messages speak of `render AUDIO -o OUT`."""

    context_class = UnnamedContext

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["AUDIO -o OUT [OPTIONS]"]


app = typer.Typer(
    cls=DefaultCommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings=HELP,
    help="Turn speech and an emotion into video of a talking 3D Gaussian-splat head.",
)


def _imported(name: str) -> Any:
    """A command or a group of commands."""
    module = import_module(f"{__package__}.commands.{name}")
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
    if isinstance(group := getattr(module, "app", None), typer.Typer):
        alone.add_typer(group, name=name)
        return typer.main.get_group(alone).commands[name]
    default = name == DefaultCommandGroup.DEFAULT
    alone.command(name, cls=UnnamedCommand if default else TyperCommand, hidden=default)(getattr(module, name))
    return typer.main.get_command(alone)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the scripts `render` and `emosplat`."""
    # our own threads share the cores; idle threads of a linear-algebra library would only spin
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # most of what is made at the start stays; looking it through for cycles took 0.1 s of a clip
    gc.set_threshold(100_000, 50, 50)
    _stop_as_ctrl_c_does()
    for stream in (sys.stdout, sys.stderr):  # no name of a file may end a command where a terminal cannot show it
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    finally:
        gc.freeze()  # what is left need not be looked through before the process ends
        _flush()


def _stop_as_ctrl_c_does() -> None:
    """SIGTERM, and SIGHUP of a terminal that closes, unwind the command as Ctrl-C does: nothing half-made stays."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # even where a shell made background jobs ignore Ctrl-C
    hang_up = getattr(signal, "SIGHUP", None)  # not on Windows
    if hang_up is not None and signal.getsignal(hang_up) == signal.SIG_DFL:  # nohup has it ignored
        terminals = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]
        signal.signal(hang_up, functools.partial(_hung_up, terminals))


def _hung_up(terminals: list[Any], *_: Any) -> None:
    """The terminal is gone: what is said on the way out would be an error in itself, and it is told more than once."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for stream in terminals:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    raise KeyboardInterrupt


def _flush() -> None:
    """Write out what was printed; where nobody reads any more, let go of it without a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
