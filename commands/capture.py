"""`render avatar capture`: an avatar from one film of a head."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..pipeline.capture.request import LICENCE, SIZE
from .console import Debug, Device, complaints, progress_bar
from .data import TrackerFile


def capture_avatar(
    source: Annotated[Path, typer.Argument(help="A film of one head that turns and speaks, or a photo.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder for avatar.npz, motion.npz, report.png; the same one goes on.")
    ],
    masks: Annotated[
        Path | None,
        typer.Option(help="Where the person is, by another program: a film, or a folder with a picture per frame."),
    ] = None,
    prior: Annotated[
        str, typer.Option(metavar="auto|person1|...", help="Built-in person that unseen parts are taken from.")
    ] = "auto",
    licence: Annotated[str, typer.Option(help="Who may use the avatar, to be kept in it.")] = LICENCE,
    iterations: Annotated[int | None, typer.Option(help="Train on so many pictures. [dim]1200, a photo 300[/]")] = None,
    size: Annotated[int, typer.Option(help="Pixels of the longer side of what is learned from.")] = SIZE,
    keep_frames: Annotated[
        bool, typer.Option("--keep-frames", help="Keep the film's pictures without background in OUT/work.")
    ] = False,
    focal: Annotated[
        float | None,
        typer.Option(help="Of the lens, millimetres as on 35 mm film, if you know it. [dim]from the film[/]"),
    ] = None,
    tracker: TrackerFile = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an avatar that lies in OUT.")] = False,
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Make an avatar of the person in a film or photo, on this machine alone. Only with that person's consent."""
    with complaints(debug, stopped="stopped; the same command goes on where it was"):
        from ..pipeline.capture.capture import capture
        from ..pipeline.capture.request import CaptureRequest
        from ..pipeline.clip.render import ClipProgress

        request = CaptureRequest(
            source, out, masks=masks, prior=prior, licence=licence, iterations=iterations, size=size,
            keep_frames=keep_frames, focal=focal, tracker=tracker, device=device, overwrite=overwrite,
        )  # fmt: skip
        with progress_bar(hidden=not sys.stderr.isatty()) as bar:
            found = capture(
                request,
                say=lambda line: print(line, flush=True),
                report=lambda stage, done, total: bar(ClipProgress(stage, done, total, unit="pictures")),
            )
        for split in ("train", "held_out"):
            if split in found:
                scores = found[split]
                print(
                    f"{split.replace('_', ' ')}: PSNR {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.3f} "
                    f"({scores['pictures']} pictures)"
                )
        print(f"look at {out / 'report.png'} before you use it")
        print(f"{out / 'avatar.npz'}: {found['gaussians']} Gaussians; {licence}")
