"""`render AUDIO -o OUT`: one clip."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..pipeline.media.outputs import described
from .console import Debug, Device, Weights, complaints, progress_bar

if TYPE_CHECKING:
    from ..pipeline.clip.render import ClipRequest


def clip(
    audio: Annotated[
        str,
        typer.Argument(
            help="Speech: any audio or video file, [bold]-[/] for stdin, or a motion .npz.", metavar="AUDIO"
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help=f"What to write: {described()}."),
    ],
    avatar: Annotated[
        str, typer.Option("-a", "--avatar", help="A built-in avatar's name, or the path of one.")
    ] = "person1",
    emotion: Annotated[
        str, typer.Option("-e", "--emotion", help="For instance angry, or angry:0.6,sad:0.2, or auto (from the voice).")
    ] = "neutral",
    intensity: Annotated[float, typer.Option(help="How strong the emotion is, 0..1.")] = 1.0,
    emotion_track: Annotated[
        Path | None, typer.Option(help="CSV with the columns time_s and one per emotion; replaces --emotion.")
    ] = None,
    transcript: Annotated[
        str | None,
        typer.Option(metavar="TEXT|FILE", help="What is said, in English: every /p b m/ then closes the lips."),
    ] = None,
    weights: Weights = None,
    sound: Annotated[Path | None, typer.Option("--audio", help="The sound that goes with a motion file.")] = None,
    fps: Annotated[
        str | None,
        typer.Option(help="Frames per second, for instance 30 or 30000/1001. [dim]25, or the motion's own[/]"),
    ] = None,
    size: Annotated[str, typer.Option(help="Width x height in pixels.")] = "512x512",
    camera: Annotated[
        str,
        typer.Option(metavar="front|three-quarter|profile|FILE", help="Point of view, or a camera file (.json)."),
    ] = "front",
    camera_lock: Annotated[str, typer.Option(metavar="world|face", help="What the camera is fixed to.")] = "world",
    background: Annotated[str, typer.Option(help="white, #rrggbb, the path of a picture, or transparent.")] = "white",
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Seed of blinks, gaze and all other natural variation.")] = 0,
    blink: Annotated[bool, typer.Option("--blink/--no-blink", help="Blink now and then.")] = True,
    head_motion: Annotated[str, typer.Option(metavar="none|subtle|lively", help="How much the head moves.")] = "subtle",
    start: Annotated[float, typer.Option(help="Begin this many seconds into the audio.")] = 0.0,
    duration: Annotated[float | None, typer.Option(help="Use only this many seconds.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Render one clip (the default command: `render AUDIO` is `render clip AUDIO`)."""
    with complaints(debug):
        from ..blendshapes.speech.transcript import read_transcript
        from ..pipeline.clip.render import render_clip
        from ..pipeline.clip.request import ClipRequest, parse_camera_lock, parse_direction, parse_size
        from ..pipeline.clip.sidecar import sidecar_path
        from ..pipeline.media.video import frame_rate

        width, height = parse_size(size)
        direction = parse_direction(
            emotion=emotion,
            intensity=intensity,
            emotion_track=emotion_track,
            seed=seed,
            blink=blink,
            head_motion=head_motion,
        )
        with _source(audio) as source, progress_bar(hidden=quiet or as_json or not sys.stderr.isatty()) as report:
            request = ClipRequest(
                source=source,
                out=out,
                direction=direction,
                sound=sound,
                avatar=avatar,
                weights=weights,
                fps=None if fps is None else frame_rate(fps),
                width=width,
                height=height,
                camera=camera,
                camera_lock=parse_camera_lock(camera_lock),
                background=background,
                device=device,
                start=start,
                duration=duration,
                transcript=None if transcript is None else read_transcript(transcript),
                overwrite=overwrite,
            )
            record = render_clip(request, report=report)
    if as_json:
        print(sidecar_path(out).read_text(), end="")
    elif not quiet:
        _print_result(request, record)


@contextlib.contextmanager
def _source(name: str) -> Iterator[Path]:
    """The path `name`; stdin (`-`) is copied to a temporary file first, because audio is read twice."""
    from ..pipeline.media.audio import spool

    if name == "-":
        with spool(sys.stdin.buffer) as path:
            yield path
    else:
        yield Path(name)


def _print_result(request: ClipRequest, record: dict[str, Any]) -> None:
    result = record["result"]
    print(
        f"{request.out}: {result['frames']} frames, {result['duration_s']:.2f} s, "
        f"rendered in {result['seconds']:.1f} s ({result['realtime']:.1f}x real time, {record['device']})"
    )
    for warning in record["warnings"]:
        print(f"note: {warning}")
