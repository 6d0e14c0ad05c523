"""What a request may ask for: settings that open no file of this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...avatars.library import builtin_avatars, own_avatars
from ...blendshapes.models import model_names
from ...core.errors import InputError
from ..camera.views import YAW
from ..emotion import names_files
from ..live.control import LONGEST, style_names
from ..media.background import NAMED
from ..settings import ClipSettings, read_settings
from ..style.library import USUAL

FORMATS = ("mp4", "webm", "mkv", "mov", "json", "npz")  # video, the motion of a face, that of the avatar's head
LARGEST = 1024  # pixels of a side
MOST_TEXT = 20_000  # characters of a transcript
_PLAIN = ("emotion", "intensity", "effort", "style_strength", "variety", "guidance", "fps", "size", "camera_lock")
_MORE = ("seed", "blink", "head_motion", "start", "duration", "language")
_CHECKED = ("avatar", "style", "camera", "background", "model")
FIELDS = ("format", "transcript", *_CHECKED, *_PLAIN, *_MORE)
_SWITCH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Asked:
    """What one job is to make."""

    settings: ClipSettings
    suffix: str
    transcript: str | None = None

    @staticmethod
    def parse(fields: Mapping[str, str]) -> Asked:
        """From the text of a request's fields. Raises InputError.

        >>> Asked.parse({"emotion": "happy:0.5", "format": "json"}).suffix
        '.json'
        """
        if unknown := [name for name in fields if name not in FIELDS]:
            raise InputError(f"{unknown[0][:40]!r}: there is no such field, expected one of {', '.join(FIELDS)}")
        form = _one_of("format", fields.get("format", "mp4"), FORMATS)
        transcript = fields.get("transcript")
        if transcript is not None and not (transcript.strip() and len(transcript) <= MOST_TEXT):
            raise InputError(f"transcript: expected 1 to {MOST_TEXT} characters, found {len(transcript)}")
        values: dict[str, Any] = {name: fields[name] for name in (*_PLAIN, *_MORE) if name in fields}
        if "emotion" in values:
            _check_emotion(values["emotion"])
        if "blink" in values:
            values["blink"] = _SWITCH[_one_of("blink", values["blink"].lower(), tuple(_SWITCH))]
        values |= _named(fields)
        settings = read_settings(values, named=str)
        if isinstance(settings.effort, str):
            raise InputError("effort: expected auto or a number from 0.5 to 2, and no file")
        if max(settings.size) > LARGEST:
            raise InputError(f"size: expected at most {LARGEST}x{LARGEST} pixels, found {fields['size'][:20]}")
        return Asked(settings, f".{form}", transcript)


def _named(fields: Mapping[str, str]) -> dict[str, Any]:
    """Settings that elsewhere may be files: here names alone."""
    known = {
        "avatar": (*builtin_avatars(), *own_avatars()),
        "style": tuple(style_names()),
        "camera": tuple(YAW),
        "model": tuple(model_names()),
    }
    values: dict[str, Any] = {name: _one_of(name, fields[name], known[name]) for name in known if name in fields}
    if values.get("style") == USUAL:
        del values["style"]
    if "background" in fields:
        told = fields["background"]
        if not (told in NAMED or told == "transparent" or re.fullmatch(r"#[0-9a-fA-F]{6}", told)):
            raise InputError(f"background: expected #rrggbb, transparent or one of {', '.join(NAMED)}")
        values["background"] = told
    return values


def _check_emotion(text: str) -> None:
    """Labels, words, `auto` and sums of them; raises InputError for whatever may be a file, there or not."""
    if len(text) > LONGEST or names_files(text):
        raise InputError(f"emotion: expected labels or words of at most {LONGEST} characters, and no file")


def _one_of(name: str, told: str, known: tuple[str, ...]) -> str:
    if told not in known:
        raise InputError(f"{name}: expected one of {', '.join(known)}, found {told[:60]!r}")
    return told


def scrubbed(message: str, folder: Path) -> str:
    """An error without the place of our files."""
    return message.replace(f"{folder.absolute()}/", "").replace(f"{folder}/", "")[:500]
