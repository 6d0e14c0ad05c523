"""`render edit MOTION -o OUT`: change parts of a face motion, and leave the rest as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from ..pipeline.settings import read_settings
from .clip import print_result
from .console import Debug, complaints, progress_bar, takes_settings
from .data import TrackerFile

if TYPE_CHECKING:
    from ..pipeline.edit import Edits


@takes_settings(
    without=("start", "duration", "emotion_track"),
    told={
        "emotion": "Of a replaced span. [dim]as the motion has it[/]",
        "fps": "Frames per second of OUT. [dim]the motion's own[/]",
        "seed": "Of a replaced span: another seed is another performance.",
        "transcript": "What is said, for --replace and --retime.",
    },
)
def edit(
    context: typer.Context,
    motion: Annotated[
        Path,
        typer.Argument(metavar="MOTION", help="A face motion, .json or .csv, as `render speech.wav -o face.json`."),
    ],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help="What to write: a face motion (.json), or what else `render` writes."),
    ],
    *,
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TIME=POSE",
            help="The face at one time: 1.2=smile:0.6,turn:10 (also ARKit's names), 1.2=OTHER.json@3.4, or of a "
            "film@TIME or a picture (extra: track). Repeatable.",
        ),
    ] = None,
    reach: Annotated[
        float, typer.Option(help="Seconds before and after a key in which the face is led there and back.")
    ] = 0.3,
    replace: Annotated[
        list[str] | None, typer.Option(metavar="START-END", help="Act this span anew from --audio. Repeatable.")
    ] = None,
    between: Annotated[
        list[str] | None,
        typer.Option(metavar="START-END", help="Lead the face smoothly from before this span to after it. Repeatable."),
    ] = None,
    retime: Annotated[
        Path | None, typer.Option(metavar="SOUND", help="Carry the motion over to this recording of the same words.")
    ] = None,
    regions: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Change nothing but: mouth, jaw, cheeks, brows, lids, gaze, head, emotion."),
    ] = None,
    keep: Annotated[str | None, typer.Option(metavar="A,B", help="Change everything but these regions.")] = None,
    sound: Annotated[Path | None, typer.Option("--audio", help="The sound that goes with MOTION.")] = None,
    tracker: TrackerFile = None,
    settings: dict[str, Any],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Edit a face motion: key frames, spans acted anew or bridged, a new recording of the same words.

    What no edit reaches stays as it is, bit for bit (docs/editing.md).
    """
    with complaints(debug):
        from ..pipeline.clip.loaded import LoadedModels
        from ..pipeline.clip.request import ClipRequest
        from ..pipeline.clip.sidecar import sidecar_path
        from ..pipeline.edit import Studio, render_edit
        from ..pipeline.tracking.tracker import open_tracker

        chosen = read_settings(settings)
        given = {name: value for name, value in settings.items() if _is_given(context, name)}
        edits = _edits(key or (), reach, replace or (), between or (), retime, regions, keep)
        words = [f"--key {k}" for k in key or ()] + [f"--replace {s}" for s in replace or ()]
        words += [f"--between {s}" for s in between or ()] + ([f"--retime {retime}"] if retime else [])
        request = ClipRequest(motion, out, chosen, sound=sound, overwrite=overwrite)
        studio = Studio(LoadedModels(chosen.device), lambda: open_tracker(tracker))
        with progress_bar(hidden=quiet or as_json) as report:
            record = render_edit(request, edits, given, studio, report=report, words=words)
    if as_json:
        print(sidecar_path(out).read_text(encoding="utf-8"), end="")
    elif not quiet:
        print_result(record)


def _is_given(context: typer.Context, setting: str) -> bool:
    """Whether somebody wrote the option: what stays at its default may be as the motion was made."""
    source = context.get_parameter_source(setting)
    return source is not None and source.name != "DEFAULT"


def _edits(
    keys: Sequence[str],
    reach: float,
    replace: Sequence[str],
    between: Sequence[str],
    retime: Path | None,
    regions: str | None,
    keep: str | None,
) -> Edits:
    """Words as edits; raises InputError."""
    from ..blendshapes.editing.keys import parse_key
    from ..blendshapes.editing.regions import known_regions
    from ..blendshapes.editing.spans import parse_span
    from ..blendshapes.face_motion import REGIONS
    from ..pipeline.edit import Edits

    if regions is not None and keep is not None:
        raise InputError("--regions: expected it or --keep, found both")
    if not 0 <= reach < float("inf"):
        raise InputError(f"--reach: expected seconds from 0 on, found {reach:g}")
    free = REGIONS if regions is None else known_regions(regions.split(","), what="--regions")
    kept = () if keep is None else known_regions(keep.split(","), what="--keep")
    return Edits(
        keys=[parse_key(text) for text in keys],
        reach=reach,
        replace=[parse_span(text, what="--replace") for text in replace],
        between=[parse_span(text, what="--between") for text in between],
        retime=retime,
        regions=tuple(name for name in free if name not in kept),
    )
