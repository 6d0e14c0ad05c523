"""Edits of a face motion as people ask for them: key frames, spans made anew, spans bridged, a new recording."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from ..blendshapes.bundle import find_bundle
from ..blendshapes.editing.keys import REACH, PoseOf, Wish, keyed, moment_of
from ..blendshapes.editing.poses import pose_key
from ..blendshapes.editing.retime import by_phones, by_sound, retimed
from ..blendshapes.editing.retime import heard as compared
from ..blendshapes.editing.spans import Span, bridged, emotion_of, fixed_around, frames_of, replaced, turning
from ..blendshapes.emotion import EMOTION_AXES, Emotion, EmotionMix, EmotionTrack
from ..blendshapes.face_motion import REGIONS, FaceMotion, region_of
from ..blendshapes.face_motion_files import FACE_SUFFIXES, load_face_motion
from ..blendshapes.models.procedural import heard
from ..blendshapes.score import Key
from ..blendshapes.singing.score_files import is_score
from ..blendshapes.speech.transcript import read_transcript
from ..core.errors import InputError
from ..core.whole_files import is_file
from .clip.loaded import LoadedModels
from .clip.render import Report, make_clip
from .clip.request import ClipRequest
from .clip.sidecar import check_output, own_record, write_sidecar
from .clip.source import face_source, length_warnings, style_of, varied
from .media.audio import open_audio
from .media.film import Picture, pictures
from .media.video import frame_count
from .settings import DEFAULTS, ClipSettings, read_settings
from .tracking.film import tracked
from .tracking.landmarks import rotation_vectors
from .tracking.motion import face_motion
from .tracking.tracker import Tracker
from .words import words_of

OpenTracker = Callable[[], AbstractContextManager[Tracker]]

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
HURRIED = 1.5  # times the greatest speed of a motion's own head: a replaced span in which it is faster is acted again
AROUND = 2.0  # seconds of a film before and after a moment, from whose middle the head turns
# What the record beside a motion says of how it was made, which goes for a new take as well
AS_MADE = (
    *("intensity", "effort", "singing", "language", "model", "blink", "head_motion"),
    *("style", "style_strength", "variety", "guidance"),
)
SAID = ("transcript", "lyrics")
NOT_FOR_PLAYING = ("emotion", *SAID, "weights")


@dataclass(frozen=True)
class Edits:
    """What is to change; times are seconds of the motion that comes out, from its beginning."""

    keys: Sequence[Wish] = ()
    reach: float = REACH  # seconds before and after a key
    replace: Sequence[Span] = ()  # acted anew from the sound
    between: Sequence[Span] = ()  # led from what is before to what is after
    retime: Path | None = None  # another recording of the same words
    regions: Collection[str] = REGIONS  # that spans and poses of others may change

    def __post_init__(self) -> None:
        """Raises InputError where nothing is to change."""
        if not (self.keys or self.replace or self.between or self.retime):
            raise InputError("expected something to change: --key, --replace, --between or --retime; found nothing")


@dataclass(frozen=True, eq=False)
class Studio:
    """What edits need besides the motion; opened when it is needed."""

    loaded: LoadedModels
    tracker: OpenTracker
    notes: list[str] = field(default_factory=list)  # what a person should know, a line each


def load_for_editing(path: Path, note: Callable[[str], None]) -> FaceMotion:
    """The face motion of a file, with at least one frame; raises InputError for motions of one head and all else."""
    if path.suffix.lower() not in FACE_SUFFIXES:
        hint = f"; make it one first: render {path} -o face.json" if path.suffix.lower() == ".npz" else ""
        raise InputError(f"{path}: expected a face motion, {' or '.join(FACE_SUFFIXES)}{hint}")
    face = load_face_motion(path, note=note)
    if not len(face):
        raise InputError(f"{path}: expected a face motion with at least one frame, found none")
    return face


def render_edit(
    request: ClipRequest,
    edits: Edits,
    given: Mapping[str, Any],
    studio: Studio,
    *,
    report: Report = lambda _: None,
    words: Sequence[str] = (),
) -> dict[str, Any]:
    """Edit the request's face motion, write it as the request's `out` says, and return its record.

    `given`: the clip settings that somebody chose, by name; `words`: the edits as they were asked for, for the record.
    Raises InputError; the output appears whole or not at all.
    """
    started = time.perf_counter()
    check_output(request.out, overwrite=request.overwrite)
    face = load_for_editing(request.source, studio.notes.append)
    made = own_record(request.source)
    after = edited(face, edits, given, studio, sound=request.sound, record=made)
    playing = {name: getattr(DEFAULTS, name) for name in NOT_FOR_PLAYING}
    if edits.retime:
        playing["track"] = None  # of the old sound
    settings = request.settings.model_copy(update=playing)
    request = replace(request, settings=settings, sound=edits.retime or request.sound)
    source = face_source(request, studio.loaded, after, studio.notes)
    record = make_clip(request, source, studio.loaded, report=report, started=started)
    record |= {"edits": list(words), **_handed_on(record, made, retimed=edits.retime is not None)}
    write_sidecar(request.out, record)
    return record


def _handed_on(record: Mapping[str, Any], made: Mapping[str, Any] | None, *, retimed: bool) -> dict[str, Any]:
    """What the record of an edit says of how its motion was made, for the edits that follow: nothing of playing it.

    retimed: to another recording, to which the times of words and scores do not apply
    """
    told = _made_settings(made)
    names = ("emotion", "emotion_from_voice", "seed", "accents", *AS_MADE)
    settings = {name: value for name, value in record["settings"].items() if name not in names}
    settings |= {name: told[name] for name in names if name in told}
    said = {name: made[name] for name in SAID if made and told and isinstance(made.get(name), str)}
    if retimed:
        said = {name: words for name, text in said.items() if (words := _words_alone(text)) is not None}
    return {"settings": settings, **said}


def edited(
    face: FaceMotion,
    edits: Edits,
    given: Mapping[str, Any],
    studio: Studio,
    *,
    sound: Path | None = None,
    record: Mapping[str, Any] | None = None,
) -> FaceMotion:
    """The motion with all edits made: a new recording first, then spans acted anew, spans bridged, keys.

    sound: what the motion says; given: chosen clip settings by name; record: how the motion was made, where that is
    known. Raises InputError.
    """
    settings = read_settings(given, base=_told_otherwise(as_made(record), given))
    before = face
    if edits.retime is not None:
        said = {name: getattr(settings, name) for name in SAID if name in given}
        if said.get("lyrics") and is_score(said["lyrics"]):
            raise InputError(f"--retime: expected lyrics as text, to be found in both sounds, found {said['lyrics']}")
        alone = {name: _words_alone(text) for name, text in said.items()}
        new = settings.model_copy(update=dict.fromkeys(SAID) | alone)
        face = _retimed(face, edits.retime, sound, new, studio)
        recorded = {name: _words_alone(getattr(settings, name)) for name in SAID if name not in given}
        settings = settings.model_copy(update=recorded)
        sound = edits.retime
    if edits.replace:
        told = _recorded_emotion(_made_settings(record).get("emotion")) is not None
        known = told or "emotion" in given
        for span in edits.replace:
            frames_of(face, span, what="--replace")
        if sound is None:
            raise InputError("--replace: expected the sound that the motion says, --audio SOUND, found none")
        settings = settings if "style" in given else _with_style(settings, studio)
        settings = settings if "effort" in given else _with_effort(settings, studio)
        take = _Take(face, sound, settings, None if known else emotion_of(face), studio)
        for span in edits.replace:
            face = take.put_in(face, span, edits.regions)
    for span in edits.between:
        face = bridged(face, span, regions=edits.regions, what="--between")
    if edits.keys:
        face = keyed(face, [_key(wish, face, edits, settings, studio) for wish in edits.keys])
    if _same(face, before):
        studio.notes.append("nothing has changed")
    return face


def as_made(record: Mapping[str, Any] | None) -> ClipSettings:
    """The settings that a record tells, as far as a new take needs them; others by default."""
    told = _made_settings(record)
    values = {name: told[name] for name in AS_MADE if told.get(name) is not None}
    if isinstance(accents := told.get("accents"), str) and is_file(accents):
        values["accents"] = accents
    values |= {name: record[name] for name in SAID if record and told and isinstance(record.get(name), str)}
    emotion = _recorded_emotion(told.get("emotion"))
    try:
        return read_settings(values | ({"emotion": emotion} if emotion else {}))
    except InputError:
        return DEFAULTS  # a record that somebody has changed


def _told_otherwise(made: ClipSettings, given: Mapping[str, Any]) -> ClipSettings:
    """The settings without recorded words that what is given goes against."""
    changes: dict[str, Any] = {}
    if any(given.get(name) is not None for name in SAID):
        changes |= dict.fromkeys(SAID)
    if given.get("lyrics") is not None and made.singing == "no":
        changes["singing"] = "auto"
    if given.get("singing") == "no":
        changes["lyrics"] = None
    return made.model_copy(update=changes)


def _words_alone(said: str | None) -> str | None:
    """The words without their times; None of a score, which is in step with one recording only."""
    return None if said is None or is_score(said) else read_transcript(said)


def _with_style(made: ClipSettings, studio: Studio) -> ClipSettings:
    """The settings without a style that a record names and nobody has any more, which is noted."""
    try:
        studio.loaded.style(made)
    except InputError as error:
        studio.notes.append(f"{error}; as people usually move")
        return made.model_copy(update={"style": None})
    return made


def _with_effort(made: ClipSettings, studio: Studio) -> ClipSettings:
    """The same of a recording of the voice's ordinary speech that a record names."""
    try:
        made.effort_told()
    except InputError as error:
        studio.notes.append(f"{error}; effort as the voice tells")
        return made.model_copy(update={"effort": None})
    return made


def _made_settings(record: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a record tells of how a motion was made; that of a motion that was merely played tells nothing of it."""
    told = record.get("settings") if record and ("motion" not in record or "edits" in record) else None
    return told if isinstance(told, dict) else {}


def _recorded_emotion(told: Any) -> Emotion | None:
    """What `render` has written of an emotion, as one; None where it is something else."""
    if not isinstance(told, dict) or not set(told) <= {"time_s", *EMOTION_AXES}:
        return None
    try:
        times = np.asarray(told.get("time_s", [0.0]), np.float64)
        points = np.stack(
            [np.broadcast_to(np.asarray(told.get(a, 0.0), np.float64), times.shape) for a in EMOTION_AXES], 1
        )
    except (TypeError, ValueError, OverflowError):
        return None
    if times.ndim != 1 or not len(times) or not ((points >= 0) & (points <= 1)).all() or not (np.diff(times) > 0).all():
        return None
    return EmotionTrack(times, points) if "time_s" in told else EmotionMix(tuple(points[0].tolist()))


class _Take:
    """Another performance of the motion's sound."""

    def __init__(
        self, face: FaceMotion, sound: Path, settings: ClipSettings, shown: Emotion | None, studio: Studio
    ) -> None:
        """`shown`: the emotion of the motion, where nobody says which it was; the expression is then kept."""
        self._audio = open_audio(sound, track=settings.track)
        self._model = studio.loaded.talking_head(settings).model
        self._kept = {"emotion"} if shown is not None else set()
        wanted = settings.score(style_of(self._audio, settings, studio.loaded, studio.notes), note=studio.notes.append)
        bundle = find_bundle(settings.weights)
        words = words_of(self._audio, settings, bundle.encoder)
        whole = len(face) == frame_count(self._audio.exact_duration, face.fps)  # of the sound: ends with it, as made
        self._score = heard(
            replace(
                varied(wanted if shown is None else replace(wanted, emotion=shown), self._audio),
                sound=self._audio.blocks,
                duration=self._audio.duration if whole else face.duration,
                fps=face.fps,
                phones=words.phones,
                song=words.song,
            ),
            bundle.voice(),
        )
        studio.notes.extend([*self._audio.warnings, *words.warnings])

    def put_in(self, face: FaceMotion, span: Span, regions: Collection[str]) -> FaceMotion:
        """The motion with some regions of a span as this performance has them."""
        regions = set(regions) - self._kept
        after = self._acted(face, face, span, regions)
        if "head" not in regions or turning(after) <= HURRIED * turning(face):
            return after
        # A model may not know how to go on from a head that it would not have moved so: a filmed one, or turned away
        unknown = replace(face, given=np.zeros_like(face.given))
        return min(after, self._acted(face, unknown, span, regions), key=turning)

    def _acted(self, face: FaceMotion, known: FaceMotion, span: Span, regions: Collection[str]) -> FaceMotion:
        """The same by a model that is told to go on from what is `known` of the motion beside the span."""
        take = self._model.plan(replace(self._score, fixed=fixed_around(known, span, what="--replace")))
        return replaced(face, replace(take, first=face.first), span, regions=regions, what="--replace")


def _retimed(face: FaceMotion, new: Path, old: Path | None, settings: ClipSettings, studio: Studio) -> FaceMotion:
    if old is None:
        raise InputError("--retime: expected the sound that the motion says, --audio SOUND, found none")
    sounds = [open_audio(path, track=track) for path, track in ((old, settings.track), (new, None))]
    studio.notes.extend(warning for sound in sounds for warning in sound.warnings)
    studio.notes.extend(length_warnings(face.duration, sounds[0]))
    lasts = (sounds[0].duration, sounds[1].duration)
    bundle = find_bundle(settings.weights)
    if any(getattr(settings, name) is not None for name in SAID):
        told = [words_of(sound, settings, bundle.encoder) for sound in sounds]
        studio.notes.extend(told[1].warnings)
        course = by_phones(told[0].phones, told[1].phones, seconds=lasts)
    else:
        encoder = bundle.encoder()
        features = [
            compared(np.concatenate(list(sound.blocks())), list(encoder.articulate(sound.blocks))) for sound in sounds
        ]
        course = by_sound(*features)
    return retimed(face, course, seconds=lasts[1])


def _key(wish: Wish, face: FaceMotion, edits: Edits, settings: ClipSettings, studio: Studio) -> Key:
    if isinstance(wish.pose, PoseOf):
        moment, solver = _moment(wish.pose, studio), studio.loaded.talking_head(settings).solver
        return pose_key(wish.time, moment, face, solver, regions=edits.regions, reach=edits.reach)
    for name in wish.pose:
        if region_of(name) not in edits.regions:
            raise InputError(
                f"--key: {name} moves the region {region_of(name)}, expected one that may change: "
                f"{', '.join(edits.regions)}"
            )
    return Key(wish.time, dict(wish.pose), edits.reach)


def _moment(pose: PoseOf, studio: Studio) -> FaceMotion:
    """The frame of another face that a key asks for; raises InputError."""
    suffix = pose.path.suffix.lower()
    if suffix in FACE_SUFFIXES:
        if pose.time is None:
            raise InputError(f"--key: expected a moment of {pose.path}, {pose.path}@SECONDS")
        return moment_of(load_for_editing(pose.path, studio.notes.append), pose.time, what=f"--key {pose.path}")
    if suffix in PICTURES:
        return _of_picture(pose.path, studio)
    if pose.time is None:
        raise InputError(f"--key: expected a moment of {pose.path}, {pose.path}@SECONDS")
    return _of_film(pose.path, pose.time, studio)


def _of_picture(path: Path, studio: Studio) -> FaceMotion:
    """The face of a picture; its head turns from looking into the camera, its gaze is not known."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            pixels = np.ascontiguousarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: expected a picture, found something else ({error})") from None
    with studio.tracker() as tracker:
        film = tracked(path, [Picture(0.0, pixels)], tracker, lambda _: None)
    if not film.seen.any():
        raise InputError(f"{path}: expected a face, found none")
    moment = face_motion(film, studio.loaded.avatar("person1").head, seconds=1 / film.fps)
    turn = rotation_vectors(film.poses)[0]
    moment = moment.with_columns(dict(zip(("headPitch", "headYaw", "headRoll"), turn, strict=True)))
    return _given(moment, gaze=False)


def _of_film(path: Path, time: float, studio: Studio) -> FaceMotion:
    """The face of a film at one time, tracked with what is around it."""
    around = takewhile(lambda p: p.time <= time + AROUND, (p for p in pictures(path) if p.time >= time - AROUND))
    first = next(around, None)
    if first is None:
        raise InputError(f"--key {path}: expected a time within the film, found {time:g} s")
    with studio.tracker() as tracker:
        film = tracked(path, chain([first], around), tracker, lambda _: None)
    moment = max(math.floor(time * film.fps), 0)
    motion = face_motion(film, studio.loaded.avatar("person1").head, seconds=(moment + 1) / film.fps)
    frame = motion[moment : moment + 1]
    if not frame.given.any():
        raise InputError(f"--key {path}: expected a face at {time:g} s, found none")
    return _given(frame, gaze=True)


def _given(moment: FaceMotion, *, gaze: bool) -> FaceMotion:
    """A tracked moment, whose shapes hold the emotion as well."""
    known = [region != "cheeks" and (gaze or region != "gaze") for region in REGIONS]
    return replace(moment, given=np.array([known]))


def _same(a: FaceMotion, b: FaceMotion) -> bool:
    """Whether two motions are equal bit for bit, whatever the order of their columns."""
    names = {*a.columns, *b.columns}
    return len(a) == len(b) and all(np.array_equal(a.column(n), b.column(n)) for n in names)
