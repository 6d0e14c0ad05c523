"""`render subtitles`: motion subtitles that a recording asks for, to be edited by people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..blendshapes.bundle import Bundle
from ..blendshapes.speech.accents import accents
from ..blendshapes.subtitles.propose import proposed
from ..blendshapes.subtitles.webvtt import Subtitle, write_subtitles
from ..core.errors import InputError
from ..core.whole_files import check_free
from .media.audio import open_audio
from .planner import Planner
from .settings import ClipSettings
from .words import words_of

NOTE = "regions, actions and how strong: docs/subtitles.md; lines without a region are captions"


def propose_subtitles(
    sound: Path,
    out: Path,
    settings: ClipSettings,
    *,
    overwrite: bool,
    planner: Planner | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> tuple[Subtitle, ...]:
    """Write what the salient moments of a recording, its words where they are told, and its notes ask of a face.

    Of `settings` the words count: transcript or lyrics, language, and whether it is sung. By rule, or as a `planner`
    answers; `note` is told what a person should know, and what was left out of an answer. Raises InputError where the
    recording cannot be read, the planner does not answer, or the file cannot be written.
    """
    if out.suffix.lower() != ".vtt":
        raise InputError(f"{out}: expected the name of a .vtt")
    check_free(out, overwrite=overwrite)
    audio = open_audio(sound)
    encoder = Bundle().encoder()
    said = words_of(audio, settings, lambda: encoder)
    for warning in (*audio.warnings, *said.warnings):
        note(warning)
    moments = accents(encoder.articulate(audio.blocks), phones=said.phones)
    if planner is None:
        cues = tuple(proposed(moments, said.words, said.song))
    else:
        cues = tuple(planner.plan(moments, said.words, said.song, duration=audio.duration, note=note))
    write_subtitles(out, cues, notes=(NOTE,))
    return cues
