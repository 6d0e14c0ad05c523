"""`render avatar ...`: look at the people."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from .console import HELP, Debug, Device, complaints, progress_bar

app = typer.Typer(no_args_is_help=True, context_settings=HELP, help="Look at the people: list, show, check, export.")
AvatarName = Annotated[str, typer.Argument(help="A built-in avatar's name, or the path of one.", metavar="NAME")]


@app.command("list")
def list_avatars(debug: Debug = False) -> None:
    """Name the built-in avatars."""
    with complaints(debug):
        from ..avatars.library import builtin_avatars, find_avatar

        for name in builtin_avatars():
            print(f"{name}  {find_avatar(name).stat().st_size / 1e6:.1f} MB")


@app.command("show")
def show_avatar(
    name: AvatarName,
    png: Annotated[
        Path | None, typer.Option(help="Where to write the contact sheet. [dim]the avatar's name with .png[/]")
    ] = None,
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Draw a contact sheet: views, emotions by intensity, visemes, mouth and eyes from near."""
    with complaints(debug):
        from ..avatars.library import open_avatar
        from ..pipeline.portraits import check_picture, contact_sheet, write_picture
        from ..renderer import open_rasterizer

        avatar = open_avatar(name)
        path = png or Path(f"{avatar.name}.png")
        check_picture(path)
        write_picture(path, contact_sheet(avatar, open_rasterizer(device)))
        print(path)


@app.command("check")
def check_avatar(
    name: AvatarName,
    poses: Annotated[int, typer.Option(min=1, help="How many poses to look at.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the poses and cameras.")] = 0,
    worst: Annotated[Path | None, typer.Option(help="Picture (.png) of the worst fault of each kind.")] = None,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Look for holes, specks, eyes through lids and teeth through lips in random poses and views.

    Exits with 1 when there is any fault.
    """
    with complaints(debug, stopped="stopped"):
        from ..avatars.library import open_avatar
        from ..pipeline.check_avatar import AvatarCheck, worst_faults
        from ..pipeline.clip import ClipProgress
        from ..pipeline.portraits import check_picture, write_picture
        from ..renderer import open_rasterizer

        if worst is not None:
            check_picture(worst)
        check = AvatarCheck(open_avatar(name), open_rasterizer(device), poses=poses, seed=seed)
        with progress_bar(hidden=as_json or not sys.stderr.isatty()) as bar:
            result = check.run(report=lambda done, total: bar(ClipProgress("checking", done, total, unit="poses")))
        if worst is not None and result.faults:
            write_picture(worst, worst_faults(check, result))
        print(json.dumps(result.record()) if as_json else "\n".join(result.lines()))
        raise typer.Exit(1 if result.faults else 0)


@app.command("export")
def export_avatar(
    name: AvatarName,
    out: Annotated[Path, typer.Argument(help="The .ply to write.", metavar="OUT.ply")],
    emotion: Annotated[str, typer.Option("-e", "--emotion", help="For instance happy, or angry:0.6.")] = "neutral",
    debug: Debug = False,
) -> None:
    """Write an ordinary 3D Gaussian splatting PLY of the person, in metres, for other viewers."""
    with complaints(debug):
        from ..avatars.library import open_avatar
        from ..pipeline.portraits import export_ply

        print(f"{out}: {export_ply(open_avatar(name), out, emotion=emotion)} Gaussians")
