"""What a clip is made from, where it goes, and whether its pictures can go there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import InputError
from ..media.background import Background, parse_background
from ..media.encoders import AUTO, X264
from ..media.outputs import OutputFormat, VideoFormat
from ..settings import DEFAULTS, ClipSettings


@dataclass(frozen=True)
class ClipRequest:
    """One clip; equal settings on equal files give equal frames."""

    source: Path  # speech (audio or video file), a motion, or the film whose face is followed
    out: Path
    settings: ClipSettings = DEFAULTS
    sound: Path | None = None  # the audio of a motion file or film; a film has its own
    driven: bool = False  # whether the source is a film whose face is followed
    overwrite: bool = False
    varied: bool = False  # whether the seed and the sound together drive blinks and the like, so that clips differ


def background_of(settings: ClipSettings) -> Background:
    """What stands behind the head in all pictures; raises InputError."""
    return parse_background(settings.background, width=settings.width, height=settings.height)


def check_encoder(target: OutputFormat, settings: ClipSettings) -> None:
    """Raise InputError where an encoder is asked for that does not make this format."""
    takes = isinstance(target, VideoFormat) and target.takes_encoder
    if settings.encoder not in (X264.name, AUTO) and not takes:
        raise InputError(f"--encoder {settings.encoder}: makes .mp4, found {target.suffix}")


def background_in(target: VideoFormat, settings: ClipSettings) -> Background:
    """The same where pictures go into a film; raises InputError also where its format cannot hold them, or the encoder
    makes another."""
    check_encoder(target, settings)
    background = background_of(settings)
    target.check(width=settings.width, height=settings.height, transparent=background.transparent)
    return background
