"""`render style ...`: how somebody moves, learned of examples."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import InputError
from ..pipeline.settings import DEFAULTS
from . import HELP
from .console import Debug, Weights, complaints, progress_bar
from .data import TrackerFile

app = typer.Typer(
    no_args_is_help=True,
    context_settings=HELP,
    help="How somebody moves, learned of films, face motions or voices: learn, show, list (docs/style.md).",
)
StyleName = Annotated[str, typer.Argument(help="A style's name, its file, or an example.", metavar="NAME|FILE")]


@app.command("list")
def list_styles(debug: Debug = False) -> None:
    """Name the built-in styles and your own."""
    with complaints(debug):
        from ..pipeline.style.library import builtin_styles, find_style, own_styles

        for name in (*builtin_styles(), *own_styles()):
            print(f"{name}  {'built in' if name in builtin_styles() else find_style(name)}")


@app.command("show")
def show_style(
    name: StyleName,
    avatar: Annotated[str, typer.Option(help="Whose head a motion npz moves.")] = DEFAULTS.avatar,
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Tell in words how much somebody moves head, brows and mouth, and how often they blink, beside what is usual."""
    with complaints(debug):
        from ..blendshapes.acting.style_files import load_style
        from ..blendshapes.bundle import find_bundle
        from ..pipeline.clip.loaded import LoadedModels
        from ..pipeline.settings import read_settings
        from ..pipeline.style.learn import kind_of, learn_style
        from ..pipeline.style.library import find_style, style_name
        from ..pipeline.style.table import table, usual_statistics

        path = find_style(name)
        if kind_of(path) == "style":
            found = load_style(path)
        else:
            settings = read_settings({"avatar": avatar, "weights": weights})
            found = learn_style([path], style_name(name), LoadedModels(), settings)
        for line in table(found, usual_statistics(find_bundle(weights).acted())):
            print(line)


@app.command("learn")
def learn(
    examples: Annotated[
        list[Path],
        typer.Argument(help="Films (extra: track), face motions, motion npz, or sound alone.", metavar="CLIP..."),
    ],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The style file to write, NAME.style.json.", metavar="FILE")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Keep it among your own styles, by this name.")] = None,
    avatar: Annotated[str, typer.Option(help="Whose head a motion npz moves.")] = DEFAULTS.avatar,
    weights: Weights = None,
    tracker: TrackerFile = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the style of this name.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    debug: Debug = False,
) -> None:
    """Measure how somebody moves, and keep it for --style.

    Several examples of one person make one style. Films are tracked; of sound alone the style is guessed by the voice.
    """
    with complaints(debug):
        from ..blendshapes.acting.style_files import check_name, save_style
        from ..blendshapes.bundle import find_bundle
        from ..core.whole_files import check_free
        from ..pipeline.clip.loaded import LoadedModels
        from ..pipeline.clip.render import ClipProgress
        from ..pipeline.settings import read_settings
        from ..pipeline.style.learn import learn_style
        from ..pipeline.style.library import new_style, style_name
        from ..pipeline.style.table import table, usual_statistics

        if (out is None) == (name is None):
            raise InputError(f"expected --out or --name, found {'neither' if out is None else 'both'}")
        if name is not None:
            path = new_style(name, overwrite=overwrite)
        else:
            assert out is not None
            path, name = out, style_name(str(out))
            check_name(out)
            check_free(out, overwrite=overwrite)
        settings = read_settings({"avatar": avatar, "weights": weights})
        with progress_bar(hidden=quiet or not sys.stderr.isatty()) as bar:

            def report(film: Path, done: int) -> None:
                bar(ClipProgress(f"tracking {film.name}", done))

            found = learn_style(examples, name, LoadedModels(), settings, tracker=tracker, report=report)
        save_style(path, found)
        if not quiet:
            print(path)
            for line in table(found, usual_statistics(find_bundle(weights).acted())):
                print(line)
