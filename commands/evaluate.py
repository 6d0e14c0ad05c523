"""`render evaluate`: how far predicted speech is from recorded speech."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .console import Debug, Weights, complaints, progress_bar
from .data import Head, open_head


def evaluate(
    data: Annotated[list[str], typer.Option(help="KIND=FOLDER (docs/datasets.md), or a generated corpus; repeatable.")],
    part: Annotated[str, typer.Option(metavar="train|val|test|all", help="Part of the data set's split.")] = "test",
    limit: Annotated[int | None, typer.Option(min=1, help="Only this many sequences, spread evenly.")] = None,
    head: Head = None,
    weights: Weights = None,
    out: Annotated[Path | None, typer.Option(help="Folder for tables (.md, .csv) and plots (.png).")] = None,
    debug: Debug = False,
) -> None:
    """Predict the sequences of a data set and print the field's measures: LVE, FDD, MVE, closure, sync, speed."""
    with complaints(debug, stopped="stopped"):
        from ..blendshapes import TalkingHead
        from ..blendshapes.bundle import find_bundle
        from ..blendshapes.data import open_datasets, some_of
        from ..blendshapes.evaluation.evaluate import evaluate as measure
        from ..blendshapes.evaluation.report import markdown, write_report
        from ..pipeline.clip.render import ClipProgress

        model = open_head(head)
        chosen = some_of(open_datasets(data, head=model), part=part, limit=limit)
        actor = TalkingHead.of(model, find_bundle(weights))
        with progress_bar(hidden=not sys.stderr.isatty()) as bar:
            result = measure(
                chosen,
                model,
                actor,
                report=lambda done, total: bar(ClipProgress("evaluating", done, total, unit="sequences")),
            )
        print(markdown(result), end="")
        for path in write_report(result, model, out) if out is not None else []:
            print(path)
