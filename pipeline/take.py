"""The motion of one clip, from speech or from a motion file, with its length and sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..avatars.head import HeadModel
from ..avatars.motion import Motion
from ..avatars.motion_files import load_motion
from ..errors import InputError
from .audio import AudioClip, open_audio
from .request import ClipRequest
from .sidecar import file_sha256, read_sidecar, sidecar_path
from .studio import Studio
from .video import frame_count

DEFAULT_FPS = Fraction(25)
CHUNK = 25  # frames


@dataclass(frozen=True, eq=False)
class Take:
    """A motion about to be played."""

    motion: Iterable[Motion]  # chunks, in order
    frames: int
    fps: Fraction
    audio: AudioClip | None
    origin: dict[str, Any]  # its share of the provenance
    warnings: list[str] = field(default_factory=list)


def open_take(request: ClipRequest, studio: Studio) -> Take:
    """Open the request's audio or motion file; raises InputError."""
    if request.source.suffix == ".npz":
        return _from_motion(request, studio.avatar(request.avatar).head)
    return _from_speech(request, studio)


def _from_speech(request: ClipRequest, studio: Studio) -> Take:
    if request.sound is not None:
        raise InputError("--audio belongs to a motion file; the speech is the first argument")
    audio = open_audio(request.source, start=request.start, duration=request.duration)
    fps = request.fps or DEFAULT_FPS
    motion = studio.performer(request.avatar).perform(
        audio.blocks, duration=audio.duration, fps=float(fps), direction=request.direction
    )
    origin = {
        "audio": str(request.source),
        "audio_sha256": audio.sha256,
        "weights_sha256": studio.encoder.sha256,
    }
    return Take(motion, frame_count(audio.exact_duration, fps), fps, audio, origin, list(audio.warnings))


def _from_motion(request: ClipRequest, head: HeadModel) -> Take:
    own_fps = recorded_fps(request.source)
    motion = load_motion(request.source, expressions=head.expressions, fps=float(own_fps))
    if request.fps is not None and request.fps != own_fps:
        motion = motion.resampled(float(request.fps))
    fps = request.fps or own_fps
    first = round(request.start * fps)
    last = len(motion) if request.duration is None else first + round(request.duration * fps)
    motion = motion[first:last]
    if not len(motion):
        raise InputError(f"{request.source}: --start {request.start:g} lies past the end of the motion")
    audio = None
    if request.sound is not None:
        audio = open_audio(request.sound, start=request.start, duration=request.duration)
    origin: dict[str, Any] = {"motion": str(request.source), "motion_sha256": file_sha256(request.source)}
    if audio is not None:
        origin |= {"audio": str(request.sound), "audio_sha256": audio.sha256}
    return Take(motion.chunks(CHUNK), len(motion), fps, audio, origin, _length_warnings(len(motion) / fps, audio))


def recorded_fps(motion: Path) -> Fraction:
    """Frame rate from the motion's sidecar; without one, GaussianAvatars' 25."""
    if not sidecar_path(motion).exists():
        return DEFAULT_FPS
    result = read_sidecar(motion).get("result")
    fps = result.get("fps") if isinstance(result, dict) else None
    if not isinstance(fps, int | float) or not 1 <= fps <= 240:
        raise InputError(f"{sidecar_path(motion)}: result.fps: expected a number in 1..240, found {fps!r}")
    return Fraction(fps).limit_denominator(1001)


def _length_warnings(seconds: Fraction | float, audio: AudioClip | None) -> list[str]:
    if audio is None or abs(float(seconds) - audio.duration) < 0.1:
        return []
    return [f"the motion lasts {float(seconds):.2f} s, its audio {audio.duration:.2f} s"]
