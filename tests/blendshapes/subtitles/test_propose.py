"""What is proposed for a recording."""

import numpy as np

from emosplat.blendshapes.singing.notes import Note
from emosplat.blendshapes.singing.song import Song
from emosplat.blendshapes.speech.accents import Accent
from emosplat.blendshapes.subtitles.propose import SAID, proposed
from emosplat.blendshapes.subtitles.webvtt import parse_subtitles, subtitle, subtitles_text

MOMENTS = [
    Accent(0.5, "begin", 1.0), Accent(0.8, "stress", 0.9), Accent(1.0, "stress", 0.9), Accent(1.6, "stress", 0.2),
    Accent(2.0, "end", 1.0), Accent(3.0, "begin", 1.0), Accent(3.4, "stress", 0.6), Accent(4.0, "end", 1.0),
]  # fmt: skip


def regions(cues, region: str) -> list[float]:
    return [cue.start for cue in cues for wish in cue.wishes if wish.region == region]


def test_strong_syllables_are_marked_and_pauses_have_glances() -> None:
    cues = proposed(MOMENTS)
    assert [round(t, 2) for t in regions(cues, "brows")] == [0.68, 3.28]
    assert [round(t, 2) for t in regions(cues, "eyes")] == [2.05, 4.05]
    assert [round(t, 2) for t in regions(cues, "gaze")] == [2.2]
    assert [cue.start for cue in cues] == sorted(cue.start for cue in cues)


def test_words_ask_for_more() -> None:
    cues = proposed([], [(0.0, 0.2, "No,"), (0.3, 0.5, "furious"), (0.6, 0.7, "table")])
    assert [cue.lines for cue in cues] == [("head: shake 0.5",), ("face: furious 0.5",)]
    assert cues[0].end == 0.5


def test_what_is_proposed_can_be_read() -> None:
    for lines in SAID.values():
        assert subtitle(0, 1, *lines).wishes
    cues = proposed(MOMENTS, [(0.5, 0.9, "hello")])
    assert [c.lines for c in parse_subtitles(subtitles_text(cues))] == [c.lines for c in cues]


def song(sung: float = 1.0) -> Song:
    """A long low note, a longer high one, a short one; ten seconds."""
    notes = (Note(1.0, 2.0, 60), Note(2.0, 4.0, 67), Note(4.6, 4.8, 60))
    return Song(np.full(500, 60.0), np.ones(500), np.zeros(500), notes, np.full(500, sung))


def test_songs_have_their_long_notes_and_the_ends_of_phrases_marked() -> None:
    cues = proposed([], song=song())
    low, high = (cue for cue in cues if regions([cue], "brows"))
    assert (low.start, low.end, high.start) == (1.0, 2.0, 2.0)
    assert low.wishes[0].intensity < high.wishes[0].intensity
    assert regions(cues, "eyes") == [2.0]
    assert [round(t, 1) for t in regions(cues, "head")] == [3.8, 4.6]
    assert proposed([], song=song(0.0)) == []
    assert [c.lines for c in parse_subtitles(subtitles_text(cues))] == [c.lines for c in cues]
