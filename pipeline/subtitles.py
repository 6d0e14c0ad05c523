"""`render subtitles`: motion subtitles that a recording asks for, to be edited by people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..blendshapes.bundle import Bundle
from ..blendshapes.speech.accents import accents
from ..blendshapes.speech.transcript import Aligner, read_transcript
from ..blendshapes.subtitles.propose import proposed
from ..blendshapes.subtitles.webvtt import Subtitle, write_subtitles
from ..core.errors import InputError
from ..core.whole_files import check_free
from .media.audio import open_audio
from .planner import Planner

NOTE = "regions, actions and how strong: docs/subtitles.md; lines without a region are captions"


def propose_subtitles(
    sound: Path,
    out: Path,
    *,
    transcript: str | None,
    language: str,
    overwrite: bool,
    planner: Planner | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> tuple[Subtitle, ...]:
    """Write what the salient moments of a recording, and its words where they are told, ask of a face.

    By rule, or as a `planner` answers, of whose answer `note` is told what was left out. Raises InputError where the
    recording cannot be read, the planner does not answer, or the file cannot be written.
    """
    if out.suffix.lower() != ".vtt":
        raise InputError(f"{out}: expected the name of a .vtt")
    check_free(out, overwrite=overwrite)
    audio = open_audio(sound)
    spoken = None if transcript is None else Aligner(language).align(audio.blocks(), read_transcript(transcript))
    moments = accents(Bundle().encoder().articulate(audio.blocks), phones=spoken.phones if spoken else ())
    words = spoken.words if spoken else ()
    if planner is None:
        cues = tuple(proposed(moments, words))
    else:
        cues = tuple(planner.plan(moments, words, duration=audio.duration, note=note))
    write_subtitles(out, cues, notes=(NOTE,))
    return cues
