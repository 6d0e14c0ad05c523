"""What a clip is made from and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
