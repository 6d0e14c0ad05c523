"""Arguments that are objects, handed to the clip's path as the files it reads: what is in memory has a hash, too."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...avatars.avatar import Avatar, save_avatar
from ...avatars.head import load_head
from ...avatars.library import head_of_version
from ...avatars.motion import Motion
from ...avatars.motion_files import save_motion
from ...blendshapes.acting.style_files import SUFFIX, LearnedStyle, save_style
from ...blendshapes.face_motion import FaceMotion
from ...blendshapes.face_motion_files import save_face_motion
from ...blendshapes.score import Style
from ...blendshapes.subtitles.webvtt import Subtitle, write_subtitles
from ...core.arrays import as_array
from ...core.errors import InputError
from ...core.whole_files import whole_file
from ...renderer import Camera
from ..camera.path import save_camera
from ..settings import ClipSettings, option
from .sidecar import write_sidecar

IN_MEMORY = "in memory"
PREFIX = "emosplat-"  # of folders
# options of the command line that have another name in Python
ARGUMENTS = {"audio": "sound", "overwrite": "overwrite=True", "key": "keys"}
EDITS = ("replace", "between", "retime", "regions", "keep", "reach", "tracker")
_WORDS = sorted([*ARGUMENTS, *EDITS, *(option(name)[2:] for name in ClipSettings.model_fields)], key=len, reverse=True)
_LAST = 64  # more channels than any sound has
OPTION = re.compile(rf"--({'|'.join(_WORDS)})\b")


@contextmanager
def arguments_named() -> Iterator[None]:
    """Errors name Python's arguments where they would name the options of the command line, or files of objects."""
    try:
        yield
    except InputError as error:
        raise InputError(_of_object().sub(r"\1", OPTION.sub(_argument, str(error)))) from None


def _of_object() -> re.Pattern[str]:
    """The path of an object's file; the group is what the object is."""
    return re.compile(rf"{re.escape(tempfile.gettempdir())}[/\\]{PREFIX}\w+[/\\](\w+)(?:\.\w+)+")


def _argument(option: re.Match[str]) -> str:
    return ARGUMENTS.get(option[1], option[1].replace("-", "_"))


class Objects:
    """Files of one clip's objects, in a folder that goes when the clip does."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def sound(self, sound: Any) -> Path:
        """A path as it is, or (samples, rate) as a WAV file of 32-bit floats; raises InputError."""
        if isinstance(sound, str | PathLike):
            return Path(sound)
        import soundfile

        try:
            samples, rate = sound
            samples, rate = as_array(samples), int(rate)
        except (TypeError, ValueError):
            raise InputError(f"sound: expected a path or (samples, rate), found {type(sound).__name__}") from None
        if samples.dtype.kind != "f" or samples.ndim not in (1, 2) or not samples.size:
            raise InputError(
                f"sound: expected float samples [N] or [N, C], found {samples.dtype} {list(samples.shape)}"
            )
        if samples.ndim == 2 and samples.shape[1] > _LAST >= samples.shape[0]:  # as torchaudio has them
            raise InputError(
                f"sound: expected samples [N, C], found {list(samples.shape)}; channels come last: samples.T"
            )
        path = self._path("sound.wav")
        try:
            soundfile.write(path, samples.astype(np.float32), rate, subtype="FLOAT")
        except (soundfile.SoundFileError, ValueError, OverflowError) as error:
            raise InputError(
                f"sound: cannot be written with {rate} Hz and shape {list(samples.shape)}: {error}"
            ) from None
        return path

    def avatar(self, avatar: str | PathLike[str] | Avatar) -> str:
        """A name or path as it is, or an avatar as a file."""
        if not isinstance(avatar, Avatar):
            return str(avatar)
        path = self._path("avatar.npz")
        head = load_head(head_of_version(avatar.head.version, wanted_by="avatar"))
        save_avatar(path, avatar, head=head)
        return str(path)

    def lyrics(self, said: Any) -> Any:
        """A text or the name of a file as it is; raises InputError for a path without a file."""
        if isinstance(said, PathLike) and not Path(said).is_file():
            raise InputError(f"{said}: no such file")
        return said

    transcript = lyrics

    def motion(self, motion: Motion, avatar: Avatar) -> Path:
        """A motion of the avatar's head as a file."""
        path = self._path("motion.npz")
        write_motion(path, motion, avatar)
        return path

    def face(self, face: FaceMotion) -> Path:
        """A face motion as a file."""
        path = self._path("face.json")
        save_face_motion(path, face)
        return path

    def camera(self, camera: str | PathLike[str] | Camera) -> str:
        """A name or path as it is, or a camera as a file."""
        if not isinstance(camera, Camera):
            return str(camera)
        path = self._path("camera.json")
        save_camera(path, camera)
        return str(path)

    def background(self, background: Any) -> str:
        """A colour, word or path as it is, or a picture, uint8 [H, W, 3], as a file; raises InputError."""
        if isinstance(background, str | PathLike):
            return str(background)
        from PIL import Image

        background = as_array(background)
        if background.dtype != np.uint8 or background.ndim != 3 or background.shape[2] != 3 or not background.size:
            found = f"{background.dtype} {list(background.shape)}"
            raise InputError(f"background: expected a picture, uint8 [H, W, 3], found {found}")
        path = self._path("background.png")
        Image.fromarray(background).save(path)
        return str(path)

    def emotion(self, emotion: Any) -> Any:
        """The words for a mix of labels, the name of a file; all else as it is."""
        if isinstance(emotion, Mapping):
            return ",".join(f"{label}:{weight}" for label, weight in emotion.items())
        return str(emotion) if isinstance(emotion, PathLike) else emotion

    def emotion_track(self, track: str | PathLike[str] | Mapping[str, Sequence[float]] | None) -> Path | None:
        """A path as it is, or columns as a CSV file; raises InputError for columns of different lengths."""
        if track is None or isinstance(track, str | PathLike):
            return None if track is None else Path(track)
        return self._table("emotion_track", {name: list(np.asarray(c, np.float64)) for name, c in track.items()})

    def accents(self, accents: str | PathLike[str] | Mapping[str, Sequence[Any]] | None) -> Path | None:
        """A path as it is, or columns as a CSV file; raises InputError for columns of different lengths."""
        if accents is None or isinstance(accents, str | PathLike):
            return None if accents is None else Path(accents)
        return self._table("accents", {name: list(column) for name, column in accents.items()})

    def subtitles(self, subtitles: str | PathLike[str] | Sequence[Subtitle] | None) -> Path | None:
        """A path as it is, or cues as a file."""
        if subtitles is None or isinstance(subtitles, str | PathLike):
            return None if subtitles is None else Path(subtitles)
        path = self._path("subtitles.vtt")
        write_subtitles(path, subtitles)
        return path

    def style(self, style: str | PathLike[str] | Style | None) -> str | None:
        """A name or path as it is, or a style as a file."""
        if not isinstance(style, Style):
            return None if style is None else str(style)
        path = self._path(f"style{SUFFIX}")
        save_style(path, LearnedStyle(style))
        return str(path)

    def guidance(self, guidance: Any) -> Any:
        """The words for amounts by name; all else as it is."""
        if isinstance(guidance, Mapping):
            return ",".join(f"{name}:{amount}" for name, amount in guidance.items())
        return guidance

    def _table(self, name: str, columns: Mapping[str, Sequence[Any]]) -> Path:
        """Columns as a CSV file called `name`."""
        lengths = {len(column) for column in columns.values()}
        if len(lengths) != 1:
            raise InputError(f"{name}: expected columns of one length, found {sorted(lengths)}")
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        path = self._path(f"{name}.csv")
        path.write_text(text.getvalue(), encoding="utf-8")
        return path

    def hidden(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record, where the files of objects are said to be in memory."""
        if self._folder is None:
            return record
        text = json.dumps(self._folder.name)[1:-1]

        def clean(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: clean(part) for name, part in value.items()}
            return IN_MEMORY if isinstance(value, str) and text in value else value

        return clean(record)

    def _path(self, name: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix=PREFIX)
        return Path(self._folder.name) / name


def write_motion(path: Path, motion: Motion, avatar: Avatar) -> None:
    """Write the motion of an avatar's head, and beside it the JSON with frame rate and head; raises InputError."""
    if motion.expr.shape[1] != avatar.head.expressions:
        found = motion.expr.shape[1]
        raise InputError(f"motion: expected {avatar.head.expressions} expression coefficients, found {found}")
    try:
        with whole_file(path, keep_suffix=True) as partial:
            save_motion(partial, motion, vertices=len(avatar.head.v_template), neutral=avatar.neutral)
        write_sidecar(path, {"head": avatar.head.version, "result": {"fps": motion.fps, "frames": len(motion)}})
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
