"""`render head ...`: the face models that avatars stand on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import HELP
from .console import Debug, complaints

app = typer.Typer(
    no_args_is_help=True, context_settings=HELP, help="Face models: list, import your FLAME or GNM download."
)


@app.command("list")
def list_heads(debug: Debug = False) -> None:
    """Name the built-in head and your own, with the versions that avatars and motions are marked with."""
    with complaints(debug):
        from ..avatars.library import find_head, head_versions, read_record

        for name, version in head_versions().items():
            print(f"{name}  {version}  {read_record(find_head(name)).get('licence', 'built in')}")


@app.command("import")
def import_head(
    file: Annotated[
        Path,
        typer.Argument(help="FLAME's .pkl or .npz, or gnm_head.npz."),
    ],
    name: Annotated[str, typer.Option(help="What to call it here.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the head of this name.")] = False,
    debug: Debug = False,
) -> None:
    """Read a FLAME download (adding GaussianAvatars' teeth) or Google's GNM head, and carry our expressions over."""
    with complaints(debug):
        from ..avatars.head_import import import_head

        made = import_head(file, name, overwrite=overwrite)
        print(f"{made.path}: head {made.version}")
        print(f"registered to the built-in head: {made.registration_mm:.2f} mm between the faces (median)")
        print(made.checked)
        print(f"licence: {made.licence}")


@app.command("remove")
def remove_head(name: Annotated[str, typer.Argument(help="One of your heads.")], debug: Debug = False) -> None:
    """Delete one of your heads; avatars made for it then wait for its return."""
    with complaints(debug):
        from ..avatars.library import remove_entry

        for path in remove_entry("head", name):
            print(f"removed {path}")
