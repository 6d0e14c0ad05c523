"""The motion of one clip, from speech or from a motion file, with its length and sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from hashlib import sha256
from math import isinf
from pathlib import Path
from typing import Any

from ...avatars.avatar import Avatar
from ...avatars.motion import Motion
from ...avatars.motion_files import MOST_FPS, load_motion, motion_rate
from ...blendshapes.bundle import find_bundle
from ...blendshapes.face_motion import FaceMotion, join
from ...blendshapes.face_motion_files import FACE_SUFFIXES, load_face_motion
from ...blendshapes.models import unheeded
from ...blendshapes.models.speaking import heard
from ...blendshapes.score import Score, Style, shaped
from ...blendshapes.solve.solver import Solver
from ...core.errors import InputError
from ..emotion import listens
from ..media.audio import AudioClip, has_sound, open_audio
from ..media.outputs import FaceFormat, output_format
from ..media.video import frame_count
from ..settings import DEFAULTS, ClipSettings, option
from ..style.library import OWN_VOICE, style_file
from ..words import words_of
from .loaded import LoadedModels
from .request import ClipRequest
from .sidecar import file_sha256, own_record, sidecar_path

DEFAULT_FPS = Fraction(25)
CHUNK = 25  # frames
MOTIONS = (".npz", *FACE_SUFFIXES)  # of files that hold a motion rather than speech
# What the settings ask of acting: where a motion is played nobody acts (a seed may be a batch's)
OF_ACTING = (
    *("emotion", "intensity", "effort", "style_strength", "variety", "guidance", "emotion_track", "model"),
    *("blink", "head_motion"),
)
SOLVED = 32  # frames of face motion at a time, as a motion model gives them


@dataclass(frozen=True, eq=False)
class ClipSource:
    """A motion about to be played."""

    motion: Iterable[Motion]  # chunks, in order
    frames: int
    fps: Fraction
    audio: AudioClip | None
    score: Score  # an emotion left to the voice is filled in
    origin: dict[str, Any]  # its share of the provenance
    warnings: list[str] = field(default_factory=list)
    faces: list[FaceMotion] | None = None  # the same without a head, as `motion` is consumed; None: nobody wants it


def open_source(
    request: ClipRequest, loaded: LoadedModels, *, tracked: Callable[[int], None] = lambda _: None
) -> ClipSource:
    """Open the request's audio, motion or film; raises InputError.

    `tracked` is told how many pictures of a film have been looked at.
    """
    if request.driven:
        return _from_film(request, loaded, tracked)
    suffix = request.source.suffix.lower()
    if suffix == ".npz":
        return _from_motion(request, loaded)
    if suffix in FACE_SUFFIXES:
        return _from_face(request, loaded)
    return _from_speech(request, loaded)


def _from_speech(request: ClipRequest, loaded: LoadedModels) -> ClipSource:
    settings = request.settings
    if request.sound is not None:
        raise InputError("--audio belongs to a motion file; the speech is the first argument")
    audio = open_audio(request.source, start=settings.start, duration=settings.duration, track=settings.track)
    fps = settings.fps or DEFAULT_FPS
    bundle = find_bundle(settings.weights)
    words = words_of(audio, settings, bundle.encoder)
    warnings = list(audio.warnings)
    wanted = settings.score(style_of(audio, settings, loaded, warnings), note=warnings.append)
    score = heard(
        replace(
            varied(wanted, audio) if request.varied else wanted,
            sound=audio.blocks,
            duration=audio.duration,
            fps=float(fps),
            phones=words.phones,
            song=words.song,
        ),
        bundle.voice(),
    )
    faces: list[FaceMotion] | None = [] if wants_face(request) else None
    actor = loaded.talking_head(settings)
    motion = actor.perform(score, faces=faces)
    origin: dict[str, Any] = {
        "audio": str(request.source),
        "audio_sha256": audio.sha256,
        "weights_sha256": loaded.weights_sha256(bundle),
    }
    if (example := style_file(settings.style)) is not None:
        origin["style_sha256"] = file_sha256(example)
    if passed_by := unheeded(actor.model, score):
        warnings.append(f"the motion model {settings.model} does not know {', '.join(map(option, passed_by))}")
    if words.text is not None:
        origin["transcript" if settings.lyrics is None else "lyrics"] = words.text
    if words.song is not None:
        origin["sung"] = round(float(words.song.sung.mean()), 3)
    warnings += words.warnings
    return ClipSource(motion, frame_count(audio.exact_duration, fps), fps, audio, score, origin, warnings, faces)


def style_of(audio: AudioClip, settings: ClipSettings, loaded: LoadedModels, notes: list[str]) -> Style | None:
    """What the setting `style` means for this sound; raises InputError for an unknown one.

    `auto`: how somebody with this voice moves; where there is too little voice to tell, as people usually do.
    """
    if settings.style != OWN_VOICE:
        return loaded.style(settings)
    try:
        style = find_bundle(settings.weights).acted().voice_style(audio.blocks(), OWN_VOICE)
    except InputError as error:
        notes.append(f"--style auto: {error}; as people usually move")
        return None
    return replace(style, strength=settings.style_strength)


def varied(score: Score, audio: AudioClip) -> Score:
    """The score with a seed of its own sound: clips of one seed differ, equal sounds do not."""
    digest = sha256(f"{score.seed}:{audio.fingerprint}".encode()).digest()
    return replace(score, seed=int.from_bytes(digest[:8]) >> 1)


def _from_motion(request: ClipRequest, loaded: LoadedModels) -> ClipSource:
    settings = request.settings
    notes = _refuse_what_needs_speech(request, "motion")
    if settings.subtitles is not None:
        raise InputError(f"--subtitles: expected speech or a face motion to change, found {request.source}")
    score = settings.score(note=notes.append)
    motion = open_motion(request.source, loaded.avatar(settings.avatar), name=settings.avatar, note=notes.append)
    own_fps = Fraction(motion.fps).limit_denominator(1001)
    if settings.fps is not None and settings.fps != own_fps:
        motion = motion.resampled(float(settings.fps))
    faces = [loaded.talking_head(settings).solver.face_motion(motion)] if wants_face(request) else None
    return _played(request, motion, score, notes, fps=settings.fps or own_fps, faces=faces)


def _from_face(request: ClipRequest, loaded: LoadedModels) -> ClipSource:
    notes = _refuse_what_needs_speech(request, "motion")
    return face_source(request, loaded, load_face_motion(request.source, note=notes.append), notes)


def _from_film(request: ClipRequest, loaded: LoadedModels, tracked: Callable[[int], None]) -> ClipSource:
    from ..tracking.drive import followed_face

    notes = _refuse_what_needs_speech(request, "film")
    settings = request.settings
    face, told = followed_face(request.source, start=settings.start, duration=settings.duration, report=tracked)
    if request.sound is None and has_sound(request.source):
        request = replace(request, sound=request.source)
    return face_source(request, loaded, face, [*notes, *told])


def face_source(request: ClipRequest, loaded: LoadedModels, face: FaceMotion, notes: list[str]) -> ClipSource:
    """A face motion that came from the request's source, about to be played; raises InputError."""
    settings = request.settings
    if settings.fps is not None and float(settings.fps) != face.fps:
        face = face.resampled(float(settings.fps))
    elif not 1 <= face.fps <= 240:
        raise InputError(f"{request.source}: expected 1..240 frames/s, found {face.fps:g}; give --fps")
    fps = settings.fps or Fraction(face.fps).limit_denominator(1001)
    told: list[str] = []
    score = settings.model_copy(update={"start": 0.0}).score(note=told.append)  # on the clock of the whole motion
    if score.cues and len(face):
        face = join(shaped([face], replace(score, fps=face.fps)))
    motion = solved(face, loaded.talking_head(settings).solver)
    faces = [face] if wants_face(request) else None
    return _played(request, motion, score, [*told, *notes], fps=fps, faces=faces)


def solved(face: FaceMotion, solver: Solver) -> Motion:
    """The motion of a whole face motion on the solver's head."""
    return Motion.concatenate(solver.stream(face.chunks(SOLVED))) if len(face) else solver(face)


def motion_of_file(path: Path, loaded: LoadedModels, avatar: str) -> Motion:
    """The motion of a file of any kind (`MOTIONS`) on an avatar's head; raises InputError."""
    if path.suffix.lower() in FACE_SUFFIXES:
        return solved(load_face_motion(path), Solver(loaded.avatar(avatar).head))
    return open_motion(path, loaded.avatar(avatar), name=avatar)


def wants_face(request: ClipRequest) -> bool:
    """Whether the motion of the face is what is to be written, so that a source has to keep it."""
    return isinstance(output_format(request.out), FaceFormat)


def _played(
    request: ClipRequest,
    motion: Motion,
    score: Score,
    notes: list[str],
    *,
    fps: Fraction,
    faces: list[FaceMotion] | None,
) -> ClipSource:
    """The stretch of a motion that is asked for, with its sound."""
    settings = request.settings
    first = round(settings.start * fps)
    duration = settings.duration
    last = len(motion) if duration is None or isinf(duration) else first + round(duration * fps)
    motion = motion[first:last]
    if not len(motion):
        raise InputError(f"{request.source}: --start {settings.start:g} lies past the end of the motion")
    audio = None
    if request.sound is not None:
        audio = open_audio(request.sound, start=settings.start, duration=settings.duration, track=settings.track)
    origin: dict[str, Any] = {"motion": str(request.source), "motion_sha256": file_sha256(request.source)}
    if audio is not None:
        origin |= {"audio": str(request.sound), "audio_sha256": audio.sha256}
    warnings = [*length_warnings(len(motion) / fps, audio), *notes]
    kept = None if faces is None else [face[first:last] for face in faces]
    score = heard(replace(score, duration=float(len(motion) / fps)))
    return ClipSource(motion.chunks(CHUNK), len(motion), fps, audio, score, origin, warnings, kept)


def _refuse_what_needs_speech(request: ClipRequest, what: str) -> list[str]:
    """Notes of chosen settings that change nothing where nobody acts; raises InputError for those that need speech."""
    settings = request.settings
    asked = {
        "--emotion auto": (listens(settings.emotion), "to listen to"),
        "--weights": (settings.weights is not None, "to move the face by"),
        "--transcript": (settings.transcript is not None, "to align it with"),
        "--lyrics": (settings.lyrics is not None, "to align them with"),
        "--singing yes": (settings.singing == "yes", "to be sung"),
        "--style": (settings.style is not None, "to be said in it"),
        "--accents": (settings.accents is not None, "in which they stand out"),
    }
    for name, (given, purpose) in asked.items():
        if given:
            raise InputError(f"{name}: expected speech {purpose}, found the {what} {request.source}")
    idle = [option(name) for name in OF_ACTING if getattr(settings, name) != getattr(DEFAULTS, name)]
    return [f"the {what} is shown as it is, without {', '.join(idle)}"] if idle else []


def open_motion(path: Path, avatar: Avatar, *, name: str, note: Callable[[str], None] = lambda _: None) -> Motion:
    """Read a motion file for the avatar called `name`, at its own frame rate; raises InputError.

    `note` is told what had to be mended, and where the frame rate is a guess.
    """
    told = told_fps(path)
    check_head(path, avatar.head.version, avatar=name)
    fps = float(told or DEFAULT_FPS)
    motion = load_motion(path, expressions=avatar.head.expressions, fps=fps, neutral=avatar.neutral, note=note)
    if told is None:
        note(f"{path} tells no frame rate; taken as {DEFAULT_FPS}")
    return motion


def check_head(motion: Path, version: str, *, avatar: str) -> None:
    """Raise InputError where the JSON beside a motion says that it was made for another head; without one, go on."""
    made_for = (own_record(motion) or {}).get("head")
    if isinstance(made_for, str) and made_for != version:
        raise InputError(
            f"{motion}: made for head {made_for!r}, but {avatar} has head {version!r}; convert it with: "
            f"render avatar convert {motion} OUT.npz --from AVATAR --to {avatar}"
        )


def recorded_fps(motion: Path) -> Fraction:
    """Frame rate of a motion file (see `told_fps`); where nothing tells it, GaussianAvatars' 25."""
    return told_fps(motion) or DEFAULT_FPS


def told_fps(motion: Path) -> Fraction | None:
    """Frame rate by the record beside a motion, else by the motion itself; None where neither tells."""
    record = own_record(motion)
    if record is not None:
        fps = record["result"]["fps"]
        if not isinstance(fps, int | float) or not 1 <= fps <= MOST_FPS:
            raise InputError(f"{sidecar_path(motion)}: result.fps: expected a number in 1..{MOST_FPS}, found {fps!r}")
        return Fraction(fps).limit_denominator(1001)
    told = motion_rate(motion)
    return None if told is None else Fraction(told).limit_denominator(1001)


def length_warnings(seconds: Fraction | float, audio: AudioClip | None) -> list[str]:
    """A line where a motion and its sound do not last equally long."""
    if audio is None or abs(float(seconds) - audio.duration) < 0.1:
        return []
    return [f"the motion lasts {float(seconds):.2f} s, its audio {audio.duration:.2f} s"]
