"""The motion of one clip, from speech or from a motion file, with its length and sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...avatars.avatar import Avatar
from ...avatars.motion import Motion
from ...avatars.motion_files import load_motion
from ...blendshapes.bundle import find_bundle
from ...blendshapes.emotion import FromVoice
from ...blendshapes.face_motion import FaceMotion
from ...blendshapes.face_motion_files import FACE_SUFFIXES, load_face_motion
from ...blendshapes.models.procedural import heard
from ...blendshapes.score import Score
from ...blendshapes.speech.transcript import Aligner
from ...core.errors import InputError
from ..media.audio import AudioClip, open_audio
from ..media.outputs import FaceFormat, output_format
from ..media.video import frame_count
from .loaded import LoadedModels
from .request import ClipRequest
from .sidecar import file_sha256, read_sidecar, sidecar_path

DEFAULT_FPS = Fraction(25)
CHUNK = 25  # frames
SOLVED = 32  # frames of face motion at a time, as a motion model gives them


@dataclass(frozen=True, eq=False)
class ClipSource:
    """A motion about to be played."""

    motion: Iterable[Motion]  # chunks, in order
    frames: int
    fps: Fraction
    audio: AudioClip | None
    direction: Score  # an emotion left to the voice is filled in
    origin: dict[str, Any]  # its share of the provenance
    warnings: list[str] = field(default_factory=list)
    faces: list[FaceMotion] | None = None  # the same without a head, as `motion` is consumed; None: nobody wants it


def open_source(request: ClipRequest, loaded: LoadedModels) -> ClipSource:
    """Open the request's audio or motion file; raises InputError."""
    if request.source.suffix == ".npz":
        return _from_motion(request, loaded)
    if request.source.suffix in FACE_SUFFIXES:
        return _from_face(request, loaded)
    return _from_speech(request, loaded)


def _from_speech(request: ClipRequest, loaded: LoadedModels) -> ClipSource:
    if request.sound is not None:
        raise InputError("--audio belongs to a motion file; the speech is the first argument")
    audio = open_audio(request.source, start=request.start, duration=request.duration)
    fps = request.fps or DEFAULT_FPS
    spoken = None if request.transcript is None else Aligner().align(audio.blocks(), request.transcript)
    weights = find_bundle(request.weights)
    direction = heard(
        replace(
            request.direction,
            sound=audio.blocks,
            duration=audio.duration,
            fps=float(fps),
            phones=tuple(spoken.phones) if spoken else (),
        )
    )
    faces: list[FaceMotion] | None = [] if _wants_face(request) else None
    motion = loaded.talking_head(request.avatar, weights).perform(direction, faces=faces)
    origin: dict[str, Any] = {
        "audio": str(request.source),
        "audio_sha256": audio.sha256,
        "weights_sha256": loaded.weights_sha256(weights),
    }
    warnings = list(audio.warnings)
    if spoken:
        origin["transcript"] = request.transcript
        warnings += spoken.warnings
    return ClipSource(motion, frame_count(audio.exact_duration, fps), fps, audio, direction, origin, warnings, faces)


def _from_motion(request: ClipRequest, loaded: LoadedModels) -> ClipSource:
    own_fps = recorded_fps(request.source)
    motion = open_motion(request.source, loaded.avatar(request.avatar), name=request.avatar)
    if request.fps is not None and request.fps != own_fps:
        motion = motion.resampled(float(request.fps))
    faces = [loaded.talking_head(request.avatar).solver.face_motion(motion)] if _wants_face(request) else None
    return _played(request, motion, fps=request.fps or own_fps, faces=faces)


def _from_face(request: ClipRequest, loaded: LoadedModels) -> ClipSource:
    face = load_face_motion(request.source)
    if request.fps is not None and float(request.fps) != face.fps:
        face = face.resampled(float(request.fps))
    fps = request.fps or Fraction(face.fps).limit_denominator(1001)
    solver = loaded.talking_head(request.avatar).solver
    motion = Motion.concatenate(solver.stream(face.chunks(SOLVED))) if len(face) else solver(face)
    return _played(request, motion, fps=fps, faces=[face] if _wants_face(request) else None)


def _wants_face(request: ClipRequest) -> bool:
    return isinstance(output_format(request.out), FaceFormat)


def _played(request: ClipRequest, motion: Motion, *, fps: Fraction, faces: list[FaceMotion] | None) -> ClipSource:
    """The stretch of a motion that is asked for, with its sound."""
    _refuse_what_needs_speech(request)
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
    warnings = _length_warnings(len(motion) / fps, audio)
    kept = None if faces is None else [face[first:last] for face in faces]
    return ClipSource(motion.chunks(CHUNK), len(motion), fps, audio, request.direction, origin, warnings, kept)


def _refuse_what_needs_speech(request: ClipRequest) -> None:
    if isinstance(request.direction.emotion, FromVoice):
        raise InputError(f"--emotion auto: expected speech to listen to, found the motion {request.source}")
    if request.weights is not None:
        raise InputError(f"--weights: expected speech to move the face by, found the motion {request.source}")
    if request.transcript is not None:
        raise InputError(f"--transcript: expected speech to align it with, found the motion {request.source}")


def open_motion(path: Path, avatar: Avatar, *, name: str) -> Motion:
    """Read a motion file for the avatar called `name`, at its own frame rate; raises InputError."""
    fps = recorded_fps(path)
    check_head(path, avatar.head.version, avatar=name)
    return load_motion(path, expressions=avatar.head.expressions, fps=float(fps), neutral=avatar.neutral)


def check_head(motion: Path, version: str, *, avatar: str) -> None:
    """Raise InputError where the JSON beside a motion says that it was made for another head; without one, go on."""
    made_for = read_sidecar(motion).get("head") if sidecar_path(motion).exists() else None
    if isinstance(made_for, str) and made_for != version:
        raise InputError(
            f"{motion}: made for head {made_for!r}, but {avatar} has head {version!r}; convert it with: "
            f"render avatar convert {motion} OUT.npz --from AVATAR --to {avatar}"
        )


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
