"""`render live`: a face that speaks while the sound arrives."""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from ..pipeline.settings import read_settings
from .console import Debug, complaints, progress_bar, takes_settings

if TYPE_CHECKING:
    from ..pipeline.live.studio import Studio

Token = Annotated[
    str | None,
    typer.Option(
        envvar="EMOSPLAT_TOKEN", show_envvar=True, help="What who comes in has to know; 16 characters or more."
    ),
]


@takes_settings(
    only=(
        *("avatar", "emotion", "intensity", "effort", "style", "style_strength", "weights", "fps", "size"),
        *("camera", "camera_lock", "background", "device", "seed", "blink", "head_motion"),
    ),
    told={
        "emotion": "angry, or angry:0.6,sad:0.2, or words ('a little nervous'); until another is asked for.",
        "effort": "How wide the mouth opens, 1 as in ordinary speech; no file here. [dim]auto: as the voice tells[/]",
        "fps": "Frames per second. [dim]30[/]",
    },
)
def live(
    source: Annotated[
        str,
        typer.Argument(
            help="mic, mic:NAME or mic:NUMBER; a file, at real speed; - for raw samples on standard input; "
            "ws for a client that sends them.",
            metavar="[SOURCE]",
        ),
    ] = "mic",
    *,
    settings: dict[str, Any],
    model: Annotated[
        str, typer.Option(help="Motion model: live hears as little ahead as possible; others wait longer.")
    ] = "live",
    live_link: Annotated[
        list[str] | None, typer.Option(metavar="HOST[:PORT]", help="Send curves as Live Link Face; repeat it.")
    ] = None,
    vmc: Annotated[
        list[str] | None, typer.Option(metavar="HOST[:PORT]", help="Send curves as VMC (extra: live); repeat it.")
    ] = None,
    virtual_camera: Annotated[
        bool, typer.Option("--virtual-camera", help="Show the avatar as a camera of this machine (extra: camera).")
    ] = False,
    midi: Annotated[
        str | None,
        typer.Option(metavar="NAME|any", help="Steer by the knobs and pads of this MIDI controller (extra: midi)."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Keep it, too: .mp4, .json and all else that clips are written as."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier recording.")] = False,
    page: Annotated[bool, typer.Option(help="Draw pictures for the page; without, it only steers.")] = True,
    rate: Annotated[int, typer.Option(help="Hz of raw samples.")] = 16_000,
    pcm: Annotated[str, typer.Option(metavar="s16le|f32le", help="What raw samples are.")] = "s16le",
    channels: Annotated[int, typer.Option(help="Of raw samples.")] = 1,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 for any.")] = 8090,
    token: Token = None,
    debug: Debug = False,
) -> None:
    """Let an avatar speak while the sound arrives: in the browser, and as curves in other programs."""
    with complaints(debug, stopped="stopped"):
        try:
            from ..pipeline.live.pcm import PcmFormat
            from ..pipeline.live.record import FACE, SOUND
            from ..pipeline.live.studio import Studio
        except ModuleNotFoundError as error:
            raise InputError(f"live: {error}; pip install 'emosplat[live]'") from None

        studio = Studio(
            source,
            read_settings({**settings, "model": model}),
            form=PcmFormat(rate, pcm, channels),
            live_link=live_link or (),
            vmc=vmc or (),
            virtual_camera=virtual_camera,
            record=record,
            overwrite=overwrite,
            pictures=page,
            host=host,
            port=port,
            token=token,
            midi=midi,
        )
        try:
            with studio:
                print(f"{studio.url} (Ctrl-C ends)", flush=True)
                _until_the_end(studio, keys=source != "-")
                print(*studio.session.latency.lines(), sep="\n", file=sys.stderr)
                with progress_bar(hidden=record is None) as bar:
                    saved = studio.save(bar)
                if saved:
                    print(record)
                if studio.session.error is not None:  # what was recorded until then is kept
                    raise studio.session.error
                if record is not None and not saved:
                    raise InputError(f"{source}: expected sound to record, heard none; {record} was not written")
        finally:
            if studio.kept is not None:
                files = (f"render {studio.kept / FACE} --audio {studio.kept / SOUND}", f"-a {settings['avatar']}")
                print(f"not finished, but kept: {' '.join(files)} -o {record}", file=sys.stderr)


def _until_the_end(studio: Studio, *, keys: bool) -> None:
    """Wait until the sound ends, somebody presses q, or Ctrl-C."""
    from ..pipeline.live.keys import HELP, listening, pressed

    enough = threading.Event()

    def told(key: str) -> None:
        if key == "q":
            enough.set()
        elif key == "l":
            print(*studio.session.latency.lines(), sep="\n", file=sys.stderr)
        elif pressed(key, studio.control):
            print(studio.control.state(), file=sys.stderr)

    try:
        with listening(told) if keys else contextlib.nullcontext(False) as able:
            if able:
                print(HELP, file=sys.stderr)
            while not enough.is_set() and not studio.session.wait(0.2):
                pass
    except KeyboardInterrupt:
        pass
