"""`render train ...`: learn the weights of the two stages, of acting, and of the emotion that a voice tells."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from . import HELP
from .console import Debug, complaints
from .data import Head, open_head

app = typer.Typer(
    no_args_is_help=True,
    context_settings=HELP,
    help="Learn weights: stage 1 speech, stage 2 fusion, acting, the voice's emotion.",
)
Out = Annotated[
    Path, typer.Option("-o", "--out", help="Folder for weights, curves and checkpoint; the same one goes on.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")]
STOPPED = "stopped; the same command goes on from the last checkpoint"


@app.command()
def speech(
    data: Annotated[
        list[Path],
        typer.Option(help="A corpus made by `render data generate`, or recordings (docs/datasets.md); repeatable."),
    ],
    out: Out,
    steps: Annotated[int, typer.Option(help="Batches of 12 windows of 4 s.")] = 24000,
    seed: Seed = 0,
    context: Annotated[
        float, typer.Option(min=0, help="Weigh frames of coarticulation: sharpness of the phonetic-context loss.")
    ] = 0.0,
    backbone: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a wav2vec 2.0 or HuBERT model to learn on top of. [dim]our small network, from nothing[/]"
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(help="Weights to go on from, such as OTHER/speech.safetensors. [dim]from nothing[/]"),
    ] = None,
    keep: Annotated[
        float,
        typer.Option(min=0, help="Share of the weights of --start in the new ones, which forget less of other voices."),
    ] = 0.0,
    channels: Annotated[
        int,
        typer.Option(
            min=0, help="Width of our small network; weights to go on from are widened. [dim]128, or as these are[/]"
        ),
    ] = 0,
    lookahead: Annotated[
        float,
        typer.Option(
            min=0,
            help="Seconds of sound that lips may wait for, for --model live: learns, from 0.04 on, what the weights of "
            "--start, by default the built-in ones, make of the whole clip. [dim]no limit[/]",
        ),
    ] = 0.0,
    debug: Debug = False,
) -> None:
    """Stage 1: speech to articulation. Writes OUT/speech.safetensors (`--weights OUT`); with --lookahead
    OUT/speech-live.safetensors."""
    with complaints(debug, stopped=STOPPED):
        from ..blendshapes.training.recipe import SpeechConfig, train_speech

        config = SpeechConfig(
            steps=steps,
            seed=seed,
            context=context,
            backbone=str(backbone or ""),
            start=str(start or ""),
            keep=keep,
            channels=channels,
            lookahead=lookahead,
        )
        path, held_out = train_speech(config, data=data, out=out)
        if held_out is None:
            print(path)
            return
        shares = {"/p b m/ closed": held_out.hit, "other stops": held_out.false, "area under the curve": held_out.auc}
        told = (f"{what} {'(none heard)' if math.isnan(share) else f'{share:.2f}'}" for what, share in shares.items())
        print(f"{path}: held-out voices: {', '.join(told)}")


@app.command()
def fusion(
    data: Annotated[list[str], typer.Option(help="KIND=FOLDER (docs/datasets.md), or a generated corpus; repeatable.")],
    out: Out,
    head: Head = None,
    steps: Annotated[int, typer.Option(help="Batches of 96 frames of either domain.")] = 3000,
    seed: Seed = 0,
    debug: Debug = False,
) -> None:
    """Stage 2: blendshapes of speech and expression, learned jointly. Writes OUT/fusion.safetensors (`--weights OUT`).

    Sequences that rise from neutral to an apex and fall back are the expressions, all others the speech.
    """
    with complaints(debug, stopped=STOPPED):
        from ..blendshapes.data import domains, open_datasets
        from ..blendshapes.training.fusion import FusionConfig, train_fusion
        from ..blendshapes.training.journal import contents

        model = open_head(head)
        spoken, shown = domains(open_datasets(data, head=model))
        config = FusionConfig(steps=steps, seed=seed)
        source = {"data": " ".join(data)}
        made_of = contents(data, out=out)
        print(
            train_fusion(config, speech=spoken, expressions=shown, head=model, out=out, provenance=source, data=made_of)
        )


@app.command()
def acting(
    data: Annotated[
        list[str],
        typer.Option(
            help="Motion of people: KIND=FOLDER (docs/datasets.md), films measured by `render data track`, or a folder "
            "of face motions beside sounds (Live Link Face); or recordings, which invented people act; repeatable."
        ),
    ],
    out: Out,
    steps: Annotated[int, typer.Option(help="Batches of 16 windows of 10 s.")] = 4500,
    actors: Annotated[int, typer.Option(help="Invented people who act every clip of recordings.")] = 3,
    head: Head = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder with the speech weights to go with. [dim]the built-in ones[/]")
    ] = None,
    seed: Seed = 0,
    debug: Debug = False,
) -> None:
    """How faces act besides speaking (`--model acting`). Writes OUT/acting.safetensors (`--weights OUT`).

    `render data check KIND=FOLDER` says what a data set tells of faces.
    """
    with complaints(debug, stopped=STOPPED):
        from ..blendshapes.training.acting import ActingConfig, train_acting

        config = ActingConfig(steps=steps, seed=seed, actors=actors)
        print(train_acting(config, data=data, out=out, head=open_head(head), weights=weights))


@app.command()
def emotion(
    data: Annotated[
        list[Path], typer.Option(help="Recordings whose manifest tells an emotion (docs/datasets.md); repeatable.")
    ],
    out: Out,
    debug: Debug = False,
) -> None:
    """The emotion in a voice, for `--emotion auto`. Writes OUT/emotion.safetensors (`--weights OUT`).

    Takes as long as listening does, a hundredth of the recordings' time; told at the end is how often it is right about
    speakers it did not learn from.
    """
    with complaints(debug):
        from ..blendshapes.training.voice_emotion import train_voice_emotion

        path, told = train_voice_emotion(data, out, report=print)
        print(f"{path}: right of people left out {told.right:.2f}, mean recall {told.recall:.2f}")
        for label, row in zip(told.labels, told.confusion, strict=True):
            heard = ", ".join(f"{name} {share:.2f}" for name, share in zip(told.labels, row, strict=True) if share)
            print(f"  {label} heard as {heard}")
