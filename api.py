"""The Python front door: what `import emosplat` offers, over the same clips that the command line renders.

Names of avatars, cameras and emotions are those of the command line; in their place objects may be handed in. Times are
seconds, sizes pixels (width, height); lengths are metres and angles radians, in FLAME's space (docs/conventions.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .avatars.avatar import Avatar
from .avatars.library import builtin_avatars, open_avatar, open_person, own_avatars
from .avatars.motion import Motion
from .blendshapes.emotion import LABELS, Emotion
from .blendshapes.face_motion import FaceMotion
from .blendshapes.score import Style
from .blendshapes.subtitles.webvtt import Subtitle, subtitle  # noqa: F401  (for `emosplat.subtitle`)
from .core.arrays import plain
from .core.errors import InputError
from .pipeline.camera.path import open_camera
from .pipeline.clip.handle import Clip
from .pipeline.clip.loaded import LoadedModels
from .pipeline.clip.objects import Objects, arguments_named
from .pipeline.clip.render import ClipProgress
from .pipeline.clip.request import ClipRequest
from .pipeline.clip.source import MOTIONS, open_motion
from .pipeline.media.film import has_film
from .pipeline.settings import DEFAULTS, CameraLock, ClipSettings, Device, Encoder, HeadMotion, Singing, read_settings
from .renderer import Camera

if TYPE_CHECKING:
    from .pipeline.live.stream import LiveFace

NOWHERE = Path("clip.mp4")  # until it is saved
PathOrName = str | PathLike[str]
Samples = tuple[ArrayLike, int]  # float [N] or [N, C], full scale 1, and their rate in Hz
Size = tuple[int, int] | str
Background = PathOrName | NDArray[np.uint8]
Progress = Callable[[ClipProgress], None]


def speak(
    sound: PathOrName | Samples,
    *,
    avatar: PathOrName | Avatar = DEFAULTS.avatar,
    emotion: PathOrName | Mapping[str, float] | Emotion = DEFAULTS.emotion,
    intensity: float = DEFAULTS.intensity,
    effort: float | PathOrName | None = DEFAULTS.effort,
    style: PathOrName | Style | None = None,
    style_strength: float = DEFAULTS.style_strength,
    variety: float = DEFAULTS.variety,
    guidance: str | Mapping[str, float] | None = None,
    accents: PathOrName | Mapping[str, Sequence[Any]] | None = None,
    subtitles: PathOrName | Sequence[Subtitle] | None = None,
    emotion_track: PathOrName | Mapping[str, Sequence[float]] | None = None,
    transcript: PathOrName | None = None,
    language: str = DEFAULTS.language,
    singing: Singing = DEFAULTS.singing,
    lyrics: PathOrName | None = None,
    weights: PathOrName | None = None,
    model: str = DEFAULTS.model,
    fps: float | str | Fraction | None = None,
    size: Size = DEFAULTS.size,
    camera: PathOrName | Camera = DEFAULTS.camera,
    camera_lock: CameraLock = DEFAULTS.camera_lock,
    background: Background = DEFAULTS.background,
    seed: int = DEFAULTS.seed,
    blink: bool = DEFAULTS.blink,
    head_motion: HeadMotion = DEFAULTS.head_motion,
    track: int | None = None,
    start: float = DEFAULTS.start,
    duration: float | None = None,
    device: Device = DEFAULTS.device,
    encoder: Encoder = DEFAULTS.encoder,
    progress: Progress | None = None,
) -> Clip:
    """Let an avatar say a sound with an emotion.

    sound: the path of any audio or video file, or (samples, rate): float `[N]` or `[N, C]` with full scale 1, and Hz
    avatar: a name (`list_avatars`), the path of an avatar file, or an `Avatar`
    emotion: "angry", "angry:0.6,sad:0.2", {"angry": 0.6, "sad": 0.2} (see `emotions`), "auto" (from the voice), words
        ("a little nervous but smiling"), the path of an example (a film, a voice, a face motion), or a sum of these
        with weights: "auto:0.5 + a little nervous:0.5"
    intensity: how strong the emotion is, 0..1
    effort: how wide the mouth opens, 0.5..2 of ordinary speech; None: as the voice tells; or the path of a recording of
        the same voice's ordinary speech, beside which its effort is heard
    style: how the person moves: the name of a style, a style file, an example (film, face motion, or voice), or a
        `Style` (see `learn_style`)
    style_strength: 0 as people usually move, 1 as the style, up to 2 beyond it
    variety: how far the performance may be from the most usual one, 0..1
    guidance: how much "sound", "accents", "emotion" and "style" count, each 0..4, 1 as learned: {"style": 1.5}
    accents: the moments that stand out: a CSV file, or columns of equal length by name,
        {"time_s": [0.4], "kind": ["stress"], "strength": [1]}; None: as the sound tells
    subtitles: what parts of the face do, and when: a file of motion subtitles (.vtt), or cues (`subtitle`)
    emotion_track: an emotion that changes and replaces `emotion`: a CSV file, or columns of equal length by name,
        {"time_s": [0, 2], "angry": [0, 1]}, linear between the rows
    transcript: what is said, or a text file; lips then close for every p, b and m (extra: transcript)
    language: of the transcript or the lyrics, such as "de"; all but English need the program espeak-ng
    singing: whether the sound is sung: "yes", "no", or "auto", as is heard (docs/singing.md)
    lyrics: what is sung, a text, a file with times (.lrc), or a score in step with the sound (.musicxml, .ust, .lab)
    weights: a folder that `render train` wrote
    model: the motion model: "acting" generates (docs/acting.md), "procedural" follows rules, "live" hears
        a tenth of a second ahead; packages may bring others
    fps: frames per second, 1..240, 25 unless given; fractions such as "30000/1001" are kept exactly
    size: width and height in pixels, 16..4096
    camera: "front", "three-quarter", "profile", the path of a camera file, or a `Camera`
    camera_lock: what the camera is fixed to
    background: "white", "#rrggbb", "transparent", the path of a picture, or a picture, uint8 `[H, W, 3]` RGB
    seed: of blinks, gaze and all other natural variation, together with the sound; equal arguments give equal frames
    blink: whether to blink now and then
    head_motion: how much the head moves: "none", "subtle" or "lively"
    track: which audio track of a file that has several, 1 for its first; else the one that players play
    start, duration: the stretch of the sound to use, seconds
    device: where to draw
    encoder: what compresses `.mp4` when the clip is saved: "x264" makes equal files of equal frames, "auto" takes
        hardware that works, if any
    progress: called with a `ClipProgress` for every frame that is made

    Raises InputError, one line that names the argument or file, what was expected and what was found. Nothing is drawn
    before the clip is asked for frames or is saved.

    >>> import emosplat
    >>> clip = emosplat.speak(emosplat.example_speech(), emotion={"happy": 0.7}, size=(64, 64), duration=0.4)
    >>> next(clip.frames()).shape
    (64, 64, 3)

    Sounds in memory are float samples:

    >>> import numpy as np
    >>> hum = 0.1 * np.sin(2 * np.pi * 120 * np.arange(8000) / 16000)
    >>> emosplat.speak((hum, 16000), avatar="person2").duration
    0.52
    """
    objects = Objects()
    with arguments_named():
        settings = _settings(
            objects,
            avatar=avatar,
            emotion=emotion,
            intensity=intensity,
            effort=effort,
            style=style,
            style_strength=style_strength,
            variety=variety,
            guidance=guidance,
            accents=accents,
            subtitles=subtitles,
            emotion_track=emotion_track,
            transcript=transcript,
            language=language,
            singing=singing,
            lyrics=lyrics,
            weights=weights,
            model=model,
            fps=fps,
            size=size,
            camera=camera,
            camera_lock=camera_lock,
            background=background,
            device=device,
            encoder=encoder,
            seed=seed,
            blink=blink,
            head_motion=head_motion,
            track=track,
            start=start,
            duration=duration,
        )
        request = ClipRequest(objects.sound(sound), NOWHERE, settings, varied=True)
        if request.source.suffix.lower() in MOTIONS:
            raise InputError(f"sound: expected speech, found the motion {request.source}; use emosplat.play")
        return Clip(request, LoadedModels(settings.device), objects, progress, call="emosplat.speak")


def play(
    motion: PathOrName | Motion | FaceMotion,
    *,
    avatar: PathOrName | Avatar = DEFAULTS.avatar,
    sound: PathOrName | Samples | None = None,
    fps: float | str | Fraction | None = None,
    size: Size = DEFAULTS.size,
    camera: PathOrName | Camera = DEFAULTS.camera,
    camera_lock: CameraLock = DEFAULTS.camera_lock,
    background: Background = DEFAULTS.background,
    track: int | None = None,
    start: float = DEFAULTS.start,
    duration: float | None = None,
    device: Device = DEFAULTS.device,
    encoder: Encoder = DEFAULTS.encoder,
    progress: Progress | None = None,
) -> Clip:
    """Let an avatar move as a motion says.

    motion: the path of a motion (.npz, face motion .json, Live Link or Audio2Face .csv), a `Motion` of the avatar's
        head (`Clip.motion`, `load_motion`), or a `FaceMotion` of any (`Clip.face`, `load_face`, `edit`); or the path
        of a film, whose largest face is followed (extra: track)
    sound: what is heard, as in `speak`; of a film its own unless given
    fps: frames per second, 1..240; the motion's own unless given

    All else is as in `speak`. Raises InputError, also for a motion that was made for another head, and for a film that
    shows no face.

    >>> import emosplat
    >>> spoken = emosplat.speak(emosplat.example_speech(), duration=0.4)
    >>> other = emosplat.play(spoken.motion, avatar="person3", size=(64, 64), background="transparent")
    >>> next(other.frames()).shape
    (64, 64, 4)
    """
    objects = Objects()
    with arguments_named():
        settings = _settings(
            objects,
            avatar=avatar,
            fps=fps,
            size=size,
            camera=camera,
            camera_lock=camera_lock,
            background=background,
            device=device,
            encoder=encoder,
            track=track,
            start=start,
            duration=duration,
        )
        loaded = LoadedModels(settings.device)
        if isinstance(motion, FaceMotion):
            source = objects.face(motion)
        else:
            held = isinstance(motion, Motion)
            source = objects.motion(motion, loaded.avatar(settings.avatar)) if held else Path(motion)
        driven = source.suffix.lower() not in MOTIONS
        if driven and not has_film(source):
            raise InputError(f"motion: expected a motion {', '.join(MOTIONS)}, a Motion or a film, found {source}")
        request = ClipRequest(
            source, NOWHERE, settings, sound=None if sound is None else objects.sound(sound), driven=driven
        )
        return Clip(request, loaded, objects, progress, call="emosplat.play")


def live(
    source: PathOrName | Iterable[ArrayLike] | AsyncIterable[ArrayLike],
    *,
    rate: int = 16_000,
    avatar: PathOrName | Avatar = DEFAULTS.avatar,
    emotion: str | Mapping[str, float] | Emotion = DEFAULTS.emotion,
    intensity: float = DEFAULTS.intensity,
    effort: float | None = None,
    style: PathOrName | Style | None = None,
    weights: PathOrName | None = None,
    model: str = "live",
    fps: float | str | Fraction = 30,
    size: Size = DEFAULTS.size,
    camera: PathOrName | Camera = DEFAULTS.camera,
    background: Background = DEFAULTS.background,
    seed: int = DEFAULTS.seed,
    blink: bool = DEFAULTS.blink,
    head_motion: HeadMotion = DEFAULTS.head_motion,
    device: Device = DEFAULTS.device,
) -> LiveFace:
    """Let an avatar speak while the sound arrives: an asynchronous iterator over frames.

    source: blocks of float samples `[N]`, full scale 1, of any size, from an iterator or an asynchronous one; "mic",
        "mic:NAME" or "mic:NUMBER" (extra: live); or the path of a sound or film, at real speed
    rate: Hz of the blocks
    emotion: labels, weights or words, until `LiveFace.change` asks for another
    model: "live" hears a tenth of a second ahead; others wait longer

    All else is as in `speak`. A frame (`LiveFrame`) has `time` (seconds since the sound began), `arkit` (weights by
    name), `head` and `gaze` (radians), `face`, `motion`, and `picture()`, which draws it. Blocks are taken as fast as
    frames are; of a microphone or a file, frames that are not taken in time are left out.

    Raises InputError, for what the source gives when that is begun.

    >>> import asyncio, emosplat, numpy as np
    >>> async def speak(blocks):
    ...     async for frame in emosplat.live(blocks, emotion={"happy": 0.5}, fps=25):
    ...         if frame.index == 9:
    ...             return round(frame.time, 2), sorted(frame.arkit)[:2]
    >>> asyncio.run(speak(np.zeros((100, 160), np.float32)))
    (0.38, ['browDownLeft', 'browDownRight'])
    """
    from .pipeline.live.stream import LiveFace

    objects = Objects()
    with arguments_named():
        settings = _settings(
            objects,
            avatar=avatar,
            emotion=emotion,
            intensity=intensity,
            effort=effort,
            style=style,
            weights=weights,
            model=model,
            fps=fps,
            size=size,
            camera=camera,
            background=background,
            seed=seed,
            blink=blink,
            head_motion=head_motion,
            device=device,
        )
        return LiveFace(source, settings, rate=rate, objects=objects)


def learn_style(*examples: PathOrName, name: str = "style") -> Style:
    """How somebody moves, measured on films (extra: track), face motions, or recordings of the voice alone.

    examples: files of one person who talks, two seconds or longer; the longer ones count more
    name: what the style is called

    Hand it to `speak`, or keep it with `save_style`. Raises InputError.

    >>> import emosplat
    >>> record = emosplat.speak(emosplat.example_speech(), avatar="person2").save("face.json")
    >>> style = emosplat.learn_style("face.json", name="person2")
    >>> clip = emosplat.speak(emosplat.example_speech(), style=style, style_strength=1.5)
    """
    from .pipeline.style.learn import learn_style

    with arguments_named():
        return learn_style([Path(example) for example in examples], name, LoadedModels()).style


def save_style(path: PathOrName, style: Style) -> None:
    """Write a style to `path`, small JSON that `speak` and `--style` read, whole or not at all.

    Raises InputError for a place that cannot be written or a name that does not end in .style.json.

    >>> import emosplat
    >>> emosplat.save_style("still.style.json", emosplat.Style("still", {"head": 0.3, "brows": 0.3}))
    >>> clip = emosplat.speak(emosplat.example_speech(), style="still.style.json")
    """
    from .blendshapes.acting.style_files import LearnedStyle, check_name, save_style

    check_name(Path(path))
    save_style(Path(path), LearnedStyle(style))


def edit(
    face: PathOrName | FaceMotion,
    *,
    keys: Mapping[float, Mapping[str, float] | str] | None = None,
    reach: float = 0.3,
    replace: Sequence[tuple[float, float]] = (),
    between: Sequence[tuple[float, float]] = (),
    retime: PathOrName | Samples | None = None,
    regions: Sequence[str] | None = None,
    keep: Sequence[str] = (),
    sound: PathOrName | Samples | None = None,
    emotion: str | Mapping[str, float] | Emotion | None = None,
    intensity: float | None = None,
    effort: float | PathOrName | None = None,
    transcript: PathOrName | None = None,
    language: str | None = None,
    singing: Singing | None = None,
    lyrics: PathOrName | None = None,
    weights: PathOrName | None = None,
    model: str | None = None,
    seed: int = DEFAULTS.seed,
    blink: bool | None = None,
    head_motion: HeadMotion | None = None,
    avatar: PathOrName | Avatar = DEFAULTS.avatar,
    tracker: PathOrName | None = None,
) -> FaceMotion:
    """Change parts of a face motion; what no edit reaches stays as it is, bit for bit. Times are seconds from its
    beginning.

    face: the path of a face motion (.json, .csv), or a `FaceMotion` (`Clip.face`, `load_face`)
    keys: the face at some times: {1.2: {"smile": 0.6, "turn": 10}}, or a moment of another, {1.2: "other.json@3.4"},
        of a film or a picture (extra: track); weights are 0..1, head and gaze in degrees (docs/editing.md)
    reach: seconds before and after a key in which the face is led there and back
    replace: spans to be acted anew from the sound: [(3.0, 4.5)]
    between: spans to be led smoothly from what is before to what is after
    retime: another recording of the same words to carry the motion over to, as in `speak`
    regions, keep: the only regions that spans and poses may change, or those that they may not: "mouth", "jaw",
        "cheeks", "brows", "lids", "gaze", "head", "emotion"
    sound: what is said in the motion, for `replace` and `retime`
    emotion, intensity, effort, singing, model, blink, head_motion: of replaced spans, as in `speak`; None: as the
        record beside the file says the motion was made, else as it looks
    seed: of replaced spans; another seed is another performance
    transcript, language, lyrics: what is said or sung, as in `speak`; None: as the record says
    weights: as in `speak`
    avatar: on whose head a pose is met
    tracker: MediaPipe's face_landmarker.task, for films and pictures

    Raises InputError, one line that names the argument or file.

    >>> import emosplat
    >>> face = emosplat.speak(emosplat.example_speech(), duration=2.0).face
    >>> smiling = emosplat.edit(face, keys={1.0: {"smile": 0.6, "turn": 10}})
    >>> float(smiling.column("mouthSmileLeft")[25])
    0.6
    >>> other = emosplat.edit(smiling, replace=[(0.2, 0.6)], seed=7, sound=emosplat.example_speech(), keep=["mouth"])
    """
    from .blendshapes.editing.keys import Wish, columns_of, parse_pose
    from .blendshapes.editing.regions import known_regions
    from .blendshapes.editing.spans import Span
    from .blendshapes.face_motion import REGIONS
    from .pipeline.clip.sidecar import own_record
    from .pipeline.edit import Edits, Studio, edited, load_for_editing
    from .pipeline.tracking.tracker import open_tracker

    objects = Objects()
    chosen = {
        "emotion": objects.emotion(emotion),
        "intensity": intensity,
        "effort": effort,
        "language": language,
        "singing": singing,
        "weights": weights,
        "model": model,
        "seed": seed,
        "blink": blink,
        "head_motion": head_motion,
        "avatar": objects.avatar(avatar),
    }
    with arguments_named():
        chosen |= {"transcript": objects.transcript(transcript), "lyrics": objects.lyrics(lyrics)}
        free = REGIONS if regions is None else known_regions(regions, what="regions")
        kept = known_regions(keep, what="keep") if keep else ()
        asked = Edits(
            keys=[
                Wish(float(time), parse_pose(pose) if isinstance(pose, str) else columns_of(pose))
                for time, pose in (keys or {}).items()
            ],
            reach=reach,
            replace=[Span(*span) for span in replace],
            between=[Span(*span) for span in between],
            retime=None if retime is None else objects.sound(retime),
            regions=tuple(name for name in free if name not in kept),
        )
        held = isinstance(face, FaceMotion)
        studio = Studio(LoadedModels(), lambda: open_tracker(None if tracker is None else Path(tracker)))
        return edited(
            face if held else load_for_editing(Path(face), studio.notes.append),
            asked,
            {name: value for name, value in chosen.items() if value is not None},
            studio,
            sound=None if sound is None else objects.sound(sound),
            record=None if held else own_record(Path(face)),
        )


def list_avatars() -> list[str]:
    """Names of the avatars that can be used: the built-in ones, then your own.

    >>> import emosplat
    >>> emosplat.list_avatars()[0]
    'person1'
    """
    return [*builtin_avatars(), *own_avatars()]


def load_avatar(avatar: PathOrName) -> Avatar:
    """The avatar of a name or file: its head and the N Gaussians that are bound to the head's triangles.

    Raises InputError for an unknown name or a damaged file.

    >>> import emosplat
    >>> person = emosplat.load_avatar("person1-light")
    >>> person.gaussians.means.shape == (len(person.gaussians), 3)  # in units of the triangles
    True
    """
    with arguments_named():
        return open_avatar(str(avatar))


def load_motion(path: PathOrName, *, avatar: PathOrName = "person1") -> Motion:
    """Read the motion npz at `path` for the head of an avatar, at the frames per second that it or the JSON beside it
    tells, or 25.

    Raises InputError for a damaged file or one that was made for another head.

    >>> import emosplat
    >>> emosplat.save_motion("still.npz", emosplat.Motion.rest(50, expressions=76, fps=25.0))
    >>> emosplat.load_motion("still.npz").jaw.shape  # axis-angle, radians
    (50, 3)
    """
    with arguments_named():
        return open_motion(Path(path), open_avatar(str(avatar)), name=str(avatar))


def save_motion(path: PathOrName, motion: Motion, *, avatar: PathOrName = "person1") -> None:
    """Write the motion of an avatar's head to `path`, the npz that GaussianAvatars' viewer plays, whole or not at all.

    The JSON beside it tells the frame rate and the head. Raises InputError for a place that cannot be written or a name
    that does not end in .npz.

    >>> import emosplat
    >>> nod = emosplat.Motion.rest(25, expressions=76, fps=25.0)
    >>> nod.neck[:, 0] = 0.1  # radians, chin down
    >>> emosplat.save_motion("nod.npz", nod)
    """
    from .pipeline.clip.objects import write_motion

    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise InputError(f"path: expected a name that ends in .npz, found {path}")
    write_motion(path, motion, open_avatar(str(avatar)))


def load_face(path: PathOrName) -> FaceMotion:
    """Read the face motion at `path`: .json of ours, Live Link Face .csv, or the weights of Audio2Face (.json, .csv).

    Raises InputError for a damaged file, or one that holds something else.

    >>> import emosplat
    >>> emosplat.save_face("still.json", emosplat.FaceMotion.rest(50, fps=25))
    >>> len(emosplat.load_face("still.json"))  # frames
    50
    """
    from .blendshapes.face_motion_files import load_face_motion

    return load_face_motion(Path(path))


def save_face(path: PathOrName, face: FaceMotion) -> None:
    """Write a face motion to `path`, a .json that any avatar plays, whole or not at all; numbers to their last bit.

    Raises InputError for a place that cannot be written or a name that does not end in .json.

    >>> import emosplat
    >>> nod = emosplat.FaceMotion.rest(50, fps=25).with_column("headPitch", 0.1)  # radians, chin down
    >>> emosplat.save_face("nod.json", nod)
    """
    from .blendshapes.face_motion_files import save_face_motion
    from .core.whole_files import whole_file

    path = Path(path)
    if path.suffix.lower() != ".json":
        raise InputError(f"path: expected a name that ends in .json, found {path}")
    try:
        with whole_file(path) as partial:
            save_face_motion(partial, face)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def load_camera(camera: PathOrName, *, avatar: PathOrName = "person1", size: Size = (512, 512)) -> Camera:
    """The camera of a name or a camera file at time 0: world to camera `[4, 4]`, intrinsics `[3, 3]` in pixels.

    Named cameras look at the head of `avatar`. Seen from a camera, X points right, Y down, Z forward. Raises InputError
    for an unknown name or a damaged file.

    >>> import emosplat
    >>> camera = emosplat.load_camera("three-quarter", size=(256, 256))
    >>> camera.view.shape, camera.position.round(2).tolist()  # metres in the world
    ((4, 4), [0.6, 0.01, 0.86])
    """
    with arguments_named():
        settings = _settings(Objects(), size=size, avatar=avatar, camera=camera)
        head = open_person(settings.avatar)
        return open_camera(settings.camera, head, width=settings.width, height=settings.height).at(0.0)


def emotions() -> tuple[str, ...]:
    """Names of the emotions that may be mixed; other data sets' names for them are accepted, too.

    >>> import emosplat
    >>> emosplat.emotions()[:3]
    ('neutral', 'angry', 'disgusted')
    """
    return tuple(LABELS)


def example_speech() -> Path:
    """A short sentence that comes with emosplat, to try things with (mono FLAC, synthesised).

    >>> import emosplat
    >>> emosplat.example_speech().name
    'hello.flac'
    """
    from .avatars.library import ASSETS

    return ASSETS / "demo" / "hello.flac"


def _settings(objects: Objects, **arguments: Any) -> ClipSettings:
    """Arguments as settings, what is in memory as files; raises InputError."""
    in_words = {name: getattr(objects, name)(arguments[name]) for name in arguments if hasattr(objects, name)}
    return read_settings({name: plain(value) for name, value in (arguments | in_words).items()}, named=str)
