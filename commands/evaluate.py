"""`render evaluate`: how far predicted speech is from recorded speech, and our faces from filmed ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from .console import Debug, Weights, complaints, progress_bar, takes_settings
from .data import Head, TrackerFile, open_head

if TYPE_CHECKING:
    from collections.abc import Callable


@takes_settings(
    only=("avatar", "head_motion", "seed", "device"),
    told={
        "avatar": "Who speaks beside a film.",
        "head_motion": "How much that head moves.",
        "seed": "Of what that face does of itself.",
        "device": "Where that face is drawn.",
    },
)
def evaluate(
    data: Annotated[
        list[str] | None, typer.Option(help="KIND=FOLDER (docs/datasets.md), or a generated corpus; repeatable.")
    ] = None,
    video: Annotated[
        list[Path] | None, typer.Option(help="A film of somebody who talks (docs/measure.md); repeatable.")
    ] = None,
    part: Annotated[str, typer.Option(metavar="train|val|test|all", help="Part of the data set's split.")] = "test",
    limit: Annotated[int | None, typer.Option(min=1, help="Only this many sequences, spread evenly.")] = None,
    head: Head = None,
    weights: Weights = None,
    emotions: Annotated[
        bool, typer.Option("--emotions", help="Also read our emotions off the face, saying the first film's words.")
    ] = False,
    tracker: TrackerFile = None,
    out: Annotated[Path | None, typer.Option(help="Folder for tables (.md, .csv, .json) and plots (.png).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a report that lies in OUT.")] = False,
    debug: Debug = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Measure our motion: against a data set (--data), or beside films of people who talk (--video).

    --data predicts the set's sequences and prints the field's measures: LVE, FDD, MVE, closure, sync, speed. --video
    makes our motion of each film's sound and prints how they agree, and how naturally both move.
    """
    with complaints(debug, stopped="stopped"):
        if bool(data) == bool(video):
            raise InputError(f"expected --data or --video, found {'both' if data else 'neither'}")
        if data:
            from ..blendshapes.evaluation.report import FILES

            _check_report(out, FILES, overwrite)
            _against_data(data, part, limit, head, weights, out)
        else:
            from ..pipeline.tracking.report import FILES

            _check_report(out, FILES, overwrite)
            refused = _against_films(video or [], tracker, settings | {"weights": weights}, emotions, out)
            if refused:
                raise typer.Exit(1)


def _check_report(out: Path | None, names: Sequence[str], overwrite: bool) -> None:
    """Raise InputError where an earlier report would be lost; before hours of measuring."""
    from ..core.whole_files import check_free

    if out is not None:
        for name in names:
            check_free(out / name, overwrite=overwrite)


def _against_data(
    data: list[str], part: str, limit: int | None, head: Path | None, weights: Path | None, out: Path | None
) -> None:
    from ..blendshapes import TalkingHead
    from ..blendshapes.bundle import find_bundle
    from ..blendshapes.data import open_datasets, some_of
    from ..blendshapes.evaluation.evaluate import evaluate as measure
    from ..blendshapes.evaluation.report import markdown, write_report

    model = open_head(head)
    chosen = some_of(open_datasets(data, head=model), part=part, limit=limit)
    actor = TalkingHead.of(model, find_bundle(weights))
    with _progress("sequences") as bar:
        result = measure(chosen, model, actor, report=lambda done, total: bar("evaluating", done, total))
    print(markdown(result), end="")
    for path in write_report(result, model, out) if out is not None else []:
        print(path)


def _against_films(
    films: list[Path], tracker: Path | None, asked: dict[str, Any], emotions: bool, out: Path | None
) -> int:
    """Returns how many films could not be used; raises InputError where none could."""
    from ..pipeline.clip.loaded import LoadedModels
    from ..pipeline.settings import read_settings
    from ..pipeline.tracking.compare import compare, emotions_seen
    from ..pipeline.tracking.report import markdown, write_report
    from ..pipeline.tracking.tracker import open_tracker

    settings = read_settings(asked)
    loaded = LoadedModels(settings.device)
    found, refused, shown = [], [], None
    with open_tracker(tracker) as faces, _progress("frames") as bar:
        for film in films:
            try:
                found.append(compare(film, faces, settings, loaded=loaded, report=_staged(bar, film)))
            except InputError as error:
                refused.append(str(error))
        if not found:
            raise InputError("; ".join(refused))
        if emotions:
            shown = dict(emotions_seen(found[0].film.path, faces, settings, loaded=loaded))
    print(markdown(found, shown), end="")
    for reason in refused:
        print(f"skipped: {reason}", file=sys.stderr)
    for path in write_report(found, shown, out) if out is not None else []:
        print(path)
    return len(refused)


def _staged(bar: Callable[..., None], film: Path) -> Callable[[str, int], None]:
    return lambda stage, done: bar(f"{film.name}: {stage}", done, None)


@contextmanager
def _progress(unit: str) -> Iterator[Callable[..., None]]:
    from ..pipeline.clip.render import ClipProgress

    with progress_bar(hidden=not sys.stderr.isatty()) as bar:
        yield lambda stage, done, total: bar(ClipProgress(stage, done, total, unit=unit))
