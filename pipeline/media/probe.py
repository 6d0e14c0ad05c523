"""What a finished media file holds, counted rather than believed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import InputError
from .audio import AudioClip, open_audio
from .video import SOUND_NAME

if TYPE_CHECKING:
    import av


@dataclass(frozen=True)
class PictureInfo:
    """One video track, or a folder of pictures."""

    codec: str
    pix_fmt: str
    width: int
    height: int
    alpha: bool
    frames: int  # counted
    fps: Fraction | None  # None for pictures

    @property
    def duration(self) -> float | None:
        """Seconds."""
        return None if self.fps is None else float(self.frames / self.fps)


@dataclass(frozen=True)
class MediaInfo:
    """The first picture and the first sound track of a file."""

    container: str
    picture: PictureInfo | None
    sound: AudioClip | None


def probe(path: str | Path) -> MediaInfo:
    """Open a media file, count its frames and decode its sound; a folder of pictures counts as one file.

    Raises InputError when it cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        return _probe_folder(path)
    container, picture, has_sound = _open(path)
    return MediaInfo(container, picture, open_audio(path) if has_sound else None)


def _probe_folder(folder: Path) -> MediaInfo:
    pictures = sorted(folder.glob("*.png"))
    if not pictures:
        raise InputError(f"{folder}: expected numbered PNG files, found none")
    _, first, _ = _open(pictures[0])
    assert first is not None
    sound = folder / SOUND_NAME
    picture = PictureInfo(first.codec, first.pix_fmt, first.width, first.height, first.alpha, len(pictures), None)
    return MediaInfo("image2", picture, open_audio(sound) if sound.exists() else None)


def _open(path: Path) -> tuple[str, PictureInfo | None, bool]:
    """Container, picture, and whether there is sound."""
    import av
    from av.error import FFmpegError

    try:
        with av.open(f"file:{path.absolute()}", metadata_errors="ignore") as container:
            video = container.streams.video[0] if container.streams.video else None
            picture = _describe(video, sum(p.size > 0 for p in container.demux(video))) if video else None
            return container.format.name, picture, bool(container.streams.audio)
    except (FFmpegError, OSError) as error:
        raise InputError(f"{path}: expected a media file, found something unreadable ({error.strerror})") from None


def _describe(stream: av.VideoStream, frames: int) -> PictureInfo:
    context = stream.codec_context
    # VP9 keeps alpha as a second stream inside the track, which only this tag announces.
    tags = {name.lower(): value for name, value in stream.metadata.items()}
    alpha = tags.get("alpha_mode") == "1" or bool(context.format and any(c.is_alpha for c in context.format.components))
    return PictureInfo(
        codec=context.name,
        pix_fmt=context.pix_fmt or "unknown",
        width=context.width,
        height=context.height,
        alpha=alpha,
        frames=frames,
        fps=stream.average_rate,
    )
