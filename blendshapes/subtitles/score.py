"""What motion subtitles ask of a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..score import Cue
from .actions import conflicts, cues_of
from .webvtt import Subtitle


def subtitle_cues(subtitles: Sequence[Subtitle], *, start: float = 0.0) -> tuple[Cue, ...]:
    """The cues of a score whose sound begins at `start` seconds of the subtitles' time, in the order of their times.

    What is over by then is left out; where cues disagree, the later one has its way.
    """
    cues = [cue for s in _in_order(subtitles) for wish in s.wishes for cue in cues_of(wish, s.start, s.end)]
    shifted = (_shifted(cue, start) for cue in cues)
    return tuple(cue for cue in shifted if cue is not None)


def subtitle_notes(subtitles: Sequence[Subtitle]) -> list[str]:
    """What a person should know: where cues disagree, and what words were taken for."""
    wishes = [(s.start, s.end, wish) for s in _in_order(subtitles) for wish in s.wishes]
    return [f"line {w.line}: {w.told}" for _, _, w in wishes if w.columns is not None] + conflicts(wishes)


def _in_order(subtitles: Sequence[Subtitle]) -> list[Subtitle]:
    return sorted(subtitles, key=lambda s: s.start)


def _shifted(cue: Cue, start: float) -> Cue | None:
    """A cue on the clock of a sound that begins at `start`; None where it is over by then."""
    if not start:
        return cue
    if cue.end + cue.release <= start:
        return None
    begins, ends = cue.start - start, max(cue.end - start, 0.0)
    attack = cue.attack if begins >= 0 else 0.0
    release = cue.release if cue.end >= start else cue.end + cue.release - start
    return replace(cue, start=max(begins, 0.0), end=ends, attack=attack, release=release)
