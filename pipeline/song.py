"""Whether a recording is sung, and what is heard of the song."""

from __future__ import annotations

import numpy as np

from ..blendshapes.models.speaking import Encoder
from ..blendshapes.singing.song import Song
from ..blendshapes.speech.encoder import joined
from .media.audio import AudioClip
from .settings import Singing

VOICES = 0.7  # mean probability of speech on the notes of a voice; most instruments have less


def song_of(audio: AudioClip, singing: Singing, encoder: Encoder) -> Song | None:
    """The song in a recording: all of it where `singing` is "yes", what surely is sung where it is "auto".

    None where nobody sings. Instruments hold notes, too, but the encoder does not hear them speak.
    """
    if singing == "no":
        return None
    song = Song.listen(audio.blocks)
    if singing == "yes":
        return song.throughout()
    return song if song.anywhere and _voiced(song, audio, encoder) else None


def _voiced(song: Song, audio: AudioClip, encoder: Encoder) -> bool:
    """Whether a voice sings it rather than an instrument plays it."""
    speech = joined(encoder.articulate(audio.blocks)).speech
    on_notes = np.zeros(len(speech), bool)
    for note in song.notes:
        on_notes[song.frames(note.start, note.end)] = True
    on_notes[: len(song.sung)] &= song.sung[: len(speech)] > 0.5
    return bool(on_notes.any()) and float(speech[on_notes].mean()) > VOICES
