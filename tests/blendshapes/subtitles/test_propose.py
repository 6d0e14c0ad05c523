"""What is proposed for a recording."""

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
