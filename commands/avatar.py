"""`render avatar ...`: look at the people."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..pipeline.export.table import AXES, SPZ_VERSION, SPZ_VERSIONS, TABLE, suffixes
from . import HELP
from .capture import capture_avatar
from .console import Debug, Device, complaints, progress_bar
from .fit import fit_avatar

app = typer.Typer(
    no_args_is_help=True,
    context_settings=HELP,
    help="The people, built-in and your own: list, show, check, import, capture, export, convert, remove.",
)
app.command("fit")(fit_avatar)
app.command("capture")(capture_avatar)
AvatarName = Annotated[str, typer.Argument(help="An avatar's name, or the path of one.", metavar="NAME")]


@app.command("list")
def list_avatars(debug: Debug = False) -> None:
    """Name the built-in avatars and your own."""
    with complaints(debug):
        from ..avatars.library import builtin_avatars, find_avatar, own_avatars
        from ..pipeline.avatar.own import describe

        for name in (*builtin_avatars(), *own_avatars()):
            about = describe(find_avatar(name))
            whose = about.get("origin", "built in")
            print(
                f"{name}  {about['gaussians']} Gaussians  {about['megabytes']} MB  head {about['head_name']}  {whose}"
            )


@app.command("show")
def show_avatar(
    name: AvatarName,
    png: Annotated[
        Path | None, typer.Option(help="Where to write the contact sheet. [dim]the avatar's name with .png[/]")
    ] = None,
    info: Annotated[
        bool, typer.Option("--info", help="Print head, licence and provenance as JSON; draw nothing.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture if it exists.")] = False,
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Draw a contact sheet: views, emotions by intensity, visemes, mouth and eyes from near."""
    with complaints(debug):
        from ..avatars.library import find_avatar, open_avatar
        from ..core.whole_files import check_free
        from ..pipeline.avatar.own import describe
        from ..pipeline.avatar.portraits import check_picture, contact_sheet, write_picture
        from ..renderer import open_rasterizer

        if info:
            print(json.dumps(describe(find_avatar(name)), indent=1))
            return
        avatar = open_avatar(name)
        path = png or Path(f"{avatar.name}.png")
        check_picture(path)
        check_free(path, overwrite=overwrite)
        write_picture(path, contact_sheet(avatar, open_rasterizer(device)))
        print(path)


@app.command("check")
def check_avatar(
    name: AvatarName,
    poses: Annotated[int, typer.Option(min=1, help="How many poses to look at.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the poses and cameras.")] = 0,
    worst: Annotated[Path | None, typer.Option(help="Picture (.png) of the worst fault of each kind.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace WORST if it exists.")] = False,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Look for holes, specks, eyes through lids and teeth through lips in random poses and views.

    Exits with 1 when there is any fault.
    """
    with complaints(debug, stopped="stopped"):
        from ..avatars.library import open_avatar
        from ..core.whole_files import check_free
        from ..pipeline.avatar.check import AvatarCheck, worst_faults
        from ..pipeline.avatar.portraits import check_picture, write_picture
        from ..pipeline.clip.render import ClipProgress
        from ..renderer import open_rasterizer

        if worst is not None:
            check_picture(worst)
            check_free(worst, overwrite=overwrite)
        check = AvatarCheck(open_avatar(name), open_rasterizer(device), poses=poses, seed=seed)
        with progress_bar(hidden=as_json or not sys.stderr.isatty()) as bar:
            result = check.run(report=lambda done, total: bar(ClipProgress("checking", done, total, unit="poses")))
        if worst is not None and result.faults:
            write_picture(worst, worst_faults(check, result))
        print(json.dumps(result.record()) if as_json else "\n".join(result.lines()))
        raise typer.Exit(1 if result.faults else 0)


@app.command("import")
def import_avatar(
    source: Annotated[Path, typer.Argument(help="A folder trained by GaussianAvatars, or an avatar .npz.")],
    name: Annotated[str, typer.Option(help="What to call the person here.")],
    head: Annotated[
        str | None, typer.Option(help="The FLAME head it was trained with. [dim]the only imported one[/]")
    ] = None,
    licence: Annotated[str, typer.Option(help="What its licence is, to be kept with it.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the avatar of this name.")] = False,
    device: Device = "auto",
    debug: Debug = False,
) -> None:
    """Make a trained avatar one of your own, to be used by its name wherever an avatar is asked for."""
    with complaints(debug):
        from ..pipeline.avatar.own import describe, import_avatar
        from ..renderer import open_rasterizer

        path = import_avatar(
            source,
            name,
            open_rasterizer(device),
            head=head,
            licence=licence,
            overwrite=overwrite,
            note=lambda text: print(f"note: {text}"),
        )
        about = describe(path)
        print(f"{path}: {about['gaussians']} Gaussians on head {about['head_name']} ({about['head']})")
        print(f"preview: {path.with_suffix('.png')}")
        print(f"licence: {about['licence']}")


@app.command("remove")
def remove_avatar(name: Annotated[str, typer.Argument(help="One of your avatars.")], debug: Debug = False) -> None:
    """Delete one of your avatars from the library."""
    with complaints(debug):
        from ..avatars.library import remove_entry

        for path in remove_entry("avatar", name):
            print(f"removed {path}")


@app.command("convert")
def convert_motion(
    motion: Annotated[Path, typer.Argument(help="A motion .npz.")],
    out: Annotated[Path, typer.Argument(help="The motion .npz to write.")],
    source: Annotated[str, typer.Option("--from", help="The avatar (or head) that it was made for.")],
    target: Annotated[str, typer.Option("--to", help="The avatar (or head) that shall play it.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    debug: Debug = False,
) -> None:
    """Solve a motion made for one head into the expressions and jaw of another."""
    with complaints(debug):
        from ..pipeline.avatar.convert import convert_motion

        frames = convert_motion(motion, out, source=source, target=target, overwrite=overwrite)
        print(f"{out}: {frames} frames for {target}")


@app.command("export")
def export_avatar(
    name: AvatarName,
    out: Annotated[
        Path,
        typer.Argument(help=f"What to write: {suffixes()}, frames/%06d.ply, or a folder.", metavar="OUT"),
    ],
    format: Annotated[
        str | None,
        typer.Option(metavar="|".join(TABLE), help="ga: a folder for GaussianAvatars' viewer. [dim]by OUT's name[/]"),
    ] = None,
    emotion: Annotated[
        str, typer.Option("-e", "--emotion", help="Of a pose of the Gaussians: happy, angry:0.6, or words.")
    ] = "neutral",
    motion: Annotated[
        Path | None,
        typer.Option(
            help=f"Motion .npz that is played by {suffixes(lambda f: f.takes_motion)}, or a sequence of .ply."
        ),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(AXES),
            help=f"Of {suffixes(lambda f: not f.fixed)}: y-down as tools take scans, y-up as they are drawn here. "
            "[dim]y-down[/]",
        ),
    ] = None,
    spz_version: Annotated[
        int, typer.Option(metavar="|".join(map(str, SPZ_VERSIONS)), help="Of a .spz: 2 and 3 (gzip), 4 (zstd).")
    ] = SPZ_VERSION,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it is a file.")] = False,
    debug: Debug = False,
) -> None:
    """Write the person for other programs: splats in one pose or frame by frame, or an animated glTF mesh."""
    with complaints(debug):
        from ..pipeline.export.formats import ExportRequest, export

        request = ExportRequest(
            avatar=name, out=out, format=format, emotion=emotion, motion=motion, axes=axes, spz_version=spz_version,
            overwrite=overwrite,
        )  # fmt: skip
        print(export(request, say=lambda line: print(line, flush=True)))
