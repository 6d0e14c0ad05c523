"""What our faces do in a study: the motion of every showing, made once, for its picture and its table alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..avatars.avatar import Avatar
from ..avatars.motion import Motion
from ..blendshapes.face_motion import FaceMotion, join
from ..core.errors import InputError
from ..core.whole_files import is_file
from ..pipeline.batch.items import item_seed
from ..pipeline.clip.curves import CurveReader
from ..pipeline.clip.handle import FACE
from ..pipeline.clip.loaded import LoadedModels
from ..pipeline.clip.objects import write_motion
from ..pipeline.clip.request import ClipRequest
from ..pipeline.clip.source import open_source
from ..pipeline.media.audio import open_audio
from ..pipeline.settings import ClipSettings, read_settings
from .conditions import Condition
from .design import Clip, Study
from .face_points import face_points
from .lowpass import smeared
from .sounds import RATE, Sound
from .stimuli import FROZEN, Showing


@dataclass(frozen=True, eq=False)
class Acted:
    """A showing of ours, before it is drawn."""

    showing: Showing
    settings: ClipSettings
    avatar: Avatar
    motion: Motion
    reader: CurveReader  # of the avatar's head
    face: FaceMotion  # what the motion was made from; with speech that is not smeared


def act(
    study: Study, showings: Iterable[Showing], sounds: Mapping[str, Sound], work: Path, folder: Path
) -> Iterator[Acted]:
    """Make the motion of each showing and write it into `work`, with the landmarks that its condition needs.

    Paths in the study are relative to `folder`. Raises InputError.
    """
    work.mkdir(parents=True, exist_ok=True)
    loaded = LoadedModels("cpu")  # for motion alone
    for showing in showings:
        try:
            acted = _acted(study, showing, sounds[showing.clip], work, folder, loaded)
        except InputError as error:
            raise InputError(f"{showing.clip} in {showing.condition}: {error}") from None
        write_motion(work / motion_file(showing), acted.motion, acted.avatar)
        if follows_face(study.conditions[showing.condition]):
            face_points(acted.motion, acted.avatar.head, acted.settings).save(work / points_file(showing))
        yield acted


def follows_face(condition: Condition) -> bool:
    """Whether a condition needs the landmarks of our faces."""
    return condition.point_light or (condition.only is not None and condition.videos is None)


def motion_file(showing: Showing) -> str:
    """Name of a showing's motion in the working folder."""
    return f"{showing.clip}.{showing.condition}.{showing.manner}.npz"


def points_file(showing: Showing) -> str:
    """Name of its landmarks there."""
    return f"{showing.clip}.{showing.condition}.{showing.manner}.points.npz"


def _acted(study: Study, showing: Showing, sound: Sound, work: Path, folder: Path, loaded: LoadedModels) -> Acted:
    clip = next(clip for clip in study.clips if clip.id == showing.clip)
    # one seed per clip: all conditions blink at the same times
    values = {"seed": item_seed(study.seed, showing.clip), "language": clip.language}
    if showing.manner != FROZEN:
        values["transcript"] = transcript_of(clip, folder)
    settings = read_settings(values, base=study.settings(showing.condition, folder))
    driving = write_driving(showing, sound, work)
    source = open_source(ClipRequest(driving, FACE, settings), loaded)
    motion = Motion.concatenate(source.motion)
    if showing.cutoff is not None:
        actor, speech = loaded.talking_head(settings), open_audio(driving)
        motion = smeared(actor, speech, source.score, fps=study.stimuli.fps, cutoff=showing.cutoff)
    avatar, reader = loaded.avatar(settings.avatar), loaded.curve_reader(settings.avatar)
    return Acted(showing, settings, avatar, motion, reader, join(source.faces or []))


def transcript_of(clip: Clip, folder: Path) -> str | None:
    """What a clip says: text, or a file's path where one lies beside the design file in `folder`; None: unknown."""
    if clip.transcript is not None and is_file(str(folder / clip.transcript)):
        return str(folder / clip.transcript)
    return clip.transcript


def write_driving(showing: Showing, sound: Sound, work: Path) -> Path:
    """The sound that drives the face of a showing, as a file."""
    import soundfile

    path = work / f"{showing.clip}.{showing.manner}.wav"
    samples = sound.frozen() if showing.manner == FROZEN else sound.driving(showing.shift_ms)
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path
