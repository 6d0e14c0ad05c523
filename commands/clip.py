"""`render AUDIO -o OUT`: one clip."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.errors import InputError
from ..pipeline.media.outputs import described
from ..pipeline.settings import DEFAULTS, read_settings
from .console import Debug, complaints, progress_bar, takes_settings


@takes_settings()
def clip(
    audio: Annotated[
        str | None,
        typer.Argument(
            help="Speech: any audio or video file, [bold]-[/] for stdin. Or a motion .npz, or face motion .json .csv.",
            metavar="AUDIO",
            show_default=False,
        ),
    ] = None,
    *,
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help=f"What to write: {described()}."),
    ],
    settings: dict[str, Any],
    drive: Annotated[
        Path | None,
        typer.Option(
            metavar="VIDEO",
            help="Follow the face of this film instead of speaking (extra: track); heard is AUDIO, or the film's own.",
        ),
    ] = None,
    sound: Annotated[Path | None, typer.Option("--audio", help="The sound that goes with a motion file.")] = None,
    takes: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="So many performances with seeds from --seed on, as OUT-take1 ..., and OUT-takes.png to choose by.",
        ),
    ] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Render one clip."""
    with complaints(debug):
        from ..pipeline.clip.render import render_clip
        from ..pipeline.clip.request import ClipRequest
        from ..pipeline.clip.sidecar import sidecar_path

        if settings["emotion_track"] is not None and settings["emotion"] != DEFAULTS.emotion:
            raise InputError("--emotion: expected it or --emotion-track, found both")
        if drive is not None and takes > 1:
            raise InputError("--takes: expected speech to act, found --drive, which leaves nothing to chance")
        if audio is None and drive is None:
            raise InputError("AUDIO: expected speech to say, or a film to follow (--drive VIDEO); found neither")
        if drive is not None and audio is not None and sound is not None:
            raise InputError(f"--audio: expected one sound for the film, found {audio} and {sound}")
        chosen = read_settings(settings)
        with _source(audio) as heard, progress_bar(hidden=quiet or as_json) as report:
            if drive is None:
                assert heard is not None
                request = ClipRequest(heard, out, chosen, sound=sound)
            else:
                request = ClipRequest(drive, out, chosen, sound=heard or sound, driven=True)
            request = replace(request, overwrite=overwrite, varied=True)
            if takes == 1:
                records = [render_clip(request, report=report)]
            else:
                from ..pipeline.clip.takes import render_takes

                records = render_takes(request, takes, report=report)
    if as_json:
        print("".join(sidecar_path(Path(r["result"]["out"])).read_text(encoding="utf-8") for r in records), end="")
    elif not quiet:
        for made in records:
            print_result(made)
        if takes > 1:
            from ..pipeline.clip.takes import sheet_path

            print(f"all takes: {sheet_path(out)}")


@contextlib.contextmanager
def _source(name: str | None) -> Iterator[Path | None]:
    """The path `name`, if any; stdin (`-`) is copied to a temporary file first, because audio is read twice."""
    from ..pipeline.media.audio import spool

    if name == "-":
        with spool(sys.stdin and sys.stdin.buffer) as path:
            yield path
    else:
        yield None if name is None else Path(name)


def print_result(record: dict[str, Any]) -> None:
    """Print where a clip lies, how fast it was made, and what a person should know."""
    result = record["result"]
    seed = f"seed {record['settings']['seed']}, " if "take" in record else ""
    print(
        f"{result['out']}: {seed}{result['frames']} frames, {result['duration_s']:.2f} s, "
        f"rendered in {result['seconds']:.1f} s ({result['realtime']:.1f}x real time, {record['device']})"
    )
    for warning in record["warnings"]:
        print(f"note: {warning}")
