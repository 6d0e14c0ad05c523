"""Motion subtitles for a recording, by rule: what people's faces do at the salient moments and words of their speech.

Brows and head mark stressed words, lids close and eyes wander where phrases end, heads shake at a denial (Flecha-Garcia
2010; McClave 2000; Graf et al. 2002). Of songs, the notes that stand out, and the ends of phrases, are marked. A
beginning for people to edit, not a claim about what must be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..emotion_text import knows
from ..singing.song import Song
from ..speech.accents import Accent
from .webvtt import Subtitle, subtitle

STRESSED = 0.5  # strength from which a stressed syllable is marked
APART = 0.6  # seconds that two marks are apart at least
PAUSE = 0.5  # seconds of silence in which eyes wander
ASKS = {  # what is asked -> by which words
    "head: shake 0.5": ("no", "not", "never", "nothing", "nobody"),
    "head: nod 0.5": ("yes", "yeah", "okay", "right", "exactly", "sure"),
    "head: tilt left 0.4; brows: raise inner 0.4": ("maybe", "perhaps", "possibly"),
    "head: tilt right 0.3; lips: press 0.4": ("guess", "suppose"),
    "brows: raise 0.5; eyes: widen 0.3": ("very", "really", "huge", "incredible", "enormous"),
    "brows: raise 0.4": ("what", "how", "who", "always"),
    "brows: lower 0.3; head: tilt left 0.3": ("why",),
    "lips: smile 0.5; head: nod 0.4": ("hello", "hi", "welcome", "thanks", "thank"),
    "brows: raise inner 0.6; head: down 0.3": ("sorry",),
    "head: forward 0.4": ("you",),
}
SAID = {word: tuple(asked.split("; ")) for asked, words in ASKS.items() for word in words}
LEAST = 0.5  # seconds that what a word asks for is seen
LONG = 0.7  # seconds of a note that is marked
LEAP = 5.0  # semitones above the song's middle at which brows are raised halfway
CLIMAX = 1.0  # seconds: the longest note of all closes the eyes


def proposed(
    moments: Sequence[Accent], words: Sequence[tuple[float, float, str]] = (), song: Song | None = None
) -> list[Subtitle]:
    """Cues in order of time, for moments in order of theirs, words, each with its start, end and text, and a song.

    >>> [cue.lines for cue in proposed([Accent(1.0, "stress", 0.8)])]
    [('brows: raise 0.42', 'head: nod 0.28')]
    """
    marks = _marks(moments) if song is None else _notes(song)
    cues = [*marks, *_pauses(moments), *_words(words)]
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def _marks(moments: Sequence[Accent]) -> Iterator[Subtitle]:
    last = -APART
    for moment in moments:
        if moment.kind == "stress" and moment.strength >= STRESSED and moment.time - last >= APART:
            last = moment.time
            raised, nodded = 0.1 + 0.4 * moment.strength, 0.35 * moment.strength
            yield subtitle(
                max(moment.time - 0.12, 0), moment.time + 0.25, f"brows: raise {raised:.2f}", f"head: nod {nodded:.2f}"
            )


def _notes(song: Song) -> Iterator[Subtitle]:
    """Brows up with long high notes, eyes closed on the longest, the head down where a phrase ends."""
    sung = [note for note in song.notes if song.sung[song.frames(note.start, note.end)].any()]
    long = [note for note in sung if note.length >= LONG]
    longest = max(long, key=lambda note: note.length, default=None)
    for note in long:
        raised = min(max(0.3 + 0.2 * (note.pitch - song.middle) / LEAP, 0.1), 0.7)
        asked = [f"brows: raise inner {raised:.2f} attack 0.3 release 0.5"]
        if note is longest and note.length >= CLIMAX:
            asked.append("eyes: close 0.7 attack 0.3 release 0.4")
        yield subtitle(note.start, note.end, *asked)
    for _, end in song.phrases:
        if any(note.end == end for note in sung):
            yield subtitle(max(end - 0.2, 0), end + 0.2, "head: down 0.3 attack 0.4 release 0.6")


def _pauses(moments: Sequence[Accent]) -> Iterator[Subtitle]:
    """A blink where a phrase ends, and a glance aside until just before the next begins."""
    edges = [m for m in moments if m.kind != "stress"]
    aside = 0
    for moment, after in pairwise([*edges, None]):
        if moment is None or moment.kind != "end":
            continue
        yield subtitle(moment.time + 0.05, moment.time + 0.15, "eyes: blink")
        if after is not None and after.kind == "begin" and after.time - moment.time >= PAUSE:
            way = ("down", "left", "right")[aside % 3]
            aside += 1
            yield subtitle(moment.time + 0.2, after.time - 0.1, f"gaze: {way} 0.5 attack 0.06 release 0.06")


def _words(words: Sequence[tuple[float, float, str]]) -> Iterator[Subtitle]:
    for start, end, text in words:
        word = text.lower().strip(".,;:!?\"'()")
        asked = SAID.get(word) or ((f"face: {word} 0.5",) if word and knows(word) else ())
        if asked:
            yield subtitle(start, max(end, start + LEAST), *asked)
