"""Notes of a song: when, how high, and on which syllable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """One sung note.

    >>> Note(0.5, 1.25, 69.0, "la").length
    0.75
    """

    start: float  # seconds
    end: float
    pitch: float  # semitones as MIDI counts them: 69 is 440 Hz
    syllable: str = ""  # what is sung on it, "" where that is not known or goes on from the note before

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start
