"""`render avatar fit`: train an avatar from pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .console import Debug, Device, complaints, progress_bar


def fit_avatar(
    dataset: Annotated[Path, typer.Argument(help="A data set of VHAP or GaussianAvatars (transforms_train.json).")],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help="Folder for avatar.npz, curve, samples and checkpoint; the same one goes on."),
    ],
    head: Annotated[
        str | None, typer.Option(help="The head that it was tracked with. [dim]the only imported one[/]")
    ] = None,
    preset: Annotated[
        str, typer.Option(metavar="fast|quality", help="30,000 pictures; or 600,000 as GaussianAvatars publishes.")
    ] = "fast",
    iterations: Annotated[int | None, typer.Option(help="Train on so many pictures instead.")] = None,
    sh_degree: Annotated[
        int | None,
        typer.Option(help="How colours vary with the view, 0 (not at all) to 3. [dim]3, or 0 for a single camera[/]"),
    ] = None,
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Train an avatar on tracked pictures of a person; without a CUDA device only at small scale."""
    with complaints(debug, stopped="stopped; the same command goes on from the last checkpoint"):
        from ..avatars.fitting.train import FitProgress
        from ..pipeline.avatar.fit import AVATAR, FitRequest
        from ..pipeline.avatar.fit import fit_avatar as fit
        from ..pipeline.clip.render import ClipProgress

        request = FitRequest(
            dataset, out, head=head, preset=preset, iterations=iterations, sh_degree=sh_degree, device=device
        )
        with progress_bar(hidden=not sys.stderr.isatty()) as bar:

            def report(progress: FitProgress) -> None:
                bar(ClipProgress("training", progress.step, progress.steps, unit="pictures"))

            found = fit(request, say=lambda line: print(line, flush=True), report=report)
        for split in ("train", "val", "test"):
            if split in found:
                scores = found[split]
                lpips = "" if scores["lpips"] is None else f", LPIPS {scores['lpips']:.3f}"
                print(
                    f"{split}: PSNR {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.3f}{lpips} "
                    f"({scores['pictures']} pictures)"
                )
        print(f"{out / AVATAR}: {found['gaussians']} Gaussians on head {found['head']}")
