"""What a recording says or sings: words and phones where they are known, and the song in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..blendshapes.models.speaking import PhoneticEncoder
from ..blendshapes.singing.song import LEAST, VOICED, Song
from ..blendshapes.speech.encoder import joined
from ..blendshapes.speech.phones import SILENCE, VOWELS, Segment
from ..core.errors import InputError
from .media.audio import AudioClip
from .settings import ClipSettings, Singing

if TYPE_CHECKING:
    from ..blendshapes.speech.transcript import Alignment
    from ..blendshapes.speech.transcript_files import Cue

VOICES = 0.7  # mean probability of speech on the notes of a voice; most instruments have less
HEARD_TO_BE_SUNG = "sung, by the sound of it (--singing no if it is spoken)"
IN_STEP = 0.5  # share of a score's vowels in which a voice must sound


@dataclass(frozen=True, eq=False)
class Words:
    """What is known of a recording's words, seconds."""

    phones: tuple[Segment, ...] = ()
    words: tuple[tuple[float, float, str], ...] = ()
    song: Song | None = None
    text: str | None = None  # as it was told, for the record
    warnings: tuple[str, ...] = ()


def words_of(audio: AudioClip, settings: ClipSettings, encoder: Callable[[], PhoneticEncoder]) -> Words:
    """What the settings tell of the words, where in the recording they are; and whether it is sung.

    `encoder` loads what hears phones, which only songs need.

    Raises InputError where words, lyrics or score do not fit the sound, or what aligns them is missing.
    """
    if settings.lyrics is not None:
        if settings.transcript is not None:
            raise InputError("--lyrics: expected them or --transcript, found both")
        if settings.singing == "no":
            raise InputError("--lyrics: expected --singing auto or yes, found no")
        return _sung(audio, settings, encoder())
    song = song_of(audio, settings.singing, encoder)
    notes = (HEARD_TO_BE_SUNG,) if song is not None and settings.singing == "auto" else ()
    if settings.transcript is None:
        return Words(song=song, warnings=notes)
    from ..blendshapes.speech.transcript import Aligner, read_transcript

    text = read_transcript(settings.transcript, start=settings.start, duration=audio.duration)
    spoken = Aligner(settings.language).align(audio.blocks(), text)
    return _aligned(spoken, song, text, notes)


def song_of(audio: AudioClip, singing: Singing, encoder: Callable[[], PhoneticEncoder]) -> Song | None:
    """The song in a recording: all of it where `singing` is "yes", what surely is sung where it is "auto".

    None where nobody sings. Instruments hold notes, too, but the encoder seldom hears them speak.
    """
    if singing == "no" or (singing == "auto" and audio.duration < LEAST):
        return None
    song = Song.listen(audio.blocks)
    if singing == "yes":
        return song.throughout()
    return song if song.anywhere and _voiced(song, audio, encoder()) else None


def _voiced(song: Song, audio: AudioClip, encoder: PhoneticEncoder) -> bool:
    """Whether a voice sings it rather than an instrument plays it."""
    speech = joined(encoder.articulate(audio.blocks)).speech
    on_notes = np.zeros(len(speech), bool)
    for note in song.notes:
        on_notes[song.frames(note.start, note.end)] = True
    on_notes[: len(song.sung)] &= song.sung[: len(speech)] > 0.5
    return bool(on_notes.any()) and float(speech[on_notes].mean()) > VOICES


def _sung(audio: AudioClip, settings: ClipSettings, encoder: PhoneticEncoder) -> Words:
    """The words of a song by a score in step with it, or by lyrics that are looked for in it."""
    from ..blendshapes.singing.alignment import align_lyrics, lyric_words
    from ..blendshapes.singing.score_files import is_score, read_score
    from ..blendshapes.speech.transcript import read_lines

    assert settings.lyrics is not None
    song = Song.listen(audio.blocks).throughout()
    if is_score(settings.lyrics):
        phones = read_score(Path(settings.lyrics), language=settings.language).phones
        phones = tuple(_cut(phones, settings.start, audio.duration))
        _check_in_step(phones, song, settings.lyrics)
        return Words(phones, song=song, text=settings.lyrics)
    lines = read_lines(settings.lyrics, start=settings.start, duration=audio.duration)
    words, guessed = lyric_words(lines, settings.language)
    sounds = joined(encoder.articulate(audio.blocks)).sounds
    assert sounds is not None
    found = align_lyrics(sounds, song.voice, words, guessed)
    return _aligned(found, song, _told(lines))


def _told(lines: Sequence[Cue]) -> str:
    """Lines as one text, with their times if all have some."""
    from ..blendshapes.speech.transcript_files import as_lyrics

    timed = all(line.start > 0 or line.end < inf for line in lines)
    return as_lyrics(lines) if timed else " ".join(line.text for line in lines)


def _aligned(found: Alignment, song: Song | None, text: str, notes: Sequence[str] = ()) -> Words:
    return Words(tuple(found.phones), tuple(found.words), song, text, (*notes, *found.warnings))


def _cut(phones: Sequence[Segment], start: float, duration: float) -> list[Segment]:
    """The phones of a stretch of a recording, on its clock."""
    end = start + duration if duration < inf else inf
    kept = (p for p in phones if p.start < end and p.end > start)
    return [Segment(max(p.start, start) - start, min(p.end, end) - start, p.phone) for p in kept]


def _check_in_step(phones: Sequence[Segment], song: Song, score: str) -> None:
    """Raise InputError where nobody sings in most of the vowels."""
    if all(phone.phone == SILENCE for phone in phones):
        raise InputError(f"{score}: expected words under the notes of the stretch that is sung, found none")
    vowels = [song.voice[song.frames(p.start, p.end)] for p in phones if p.phone in VOWELS]
    share = float((np.concatenate(vowels) > VOICED).mean()) if vowels else 1.0
    if share < IN_STEP:
        raise InputError(
            f"{score}: expected the score of this recording, in step; found a voice in {share:.0%} of its vowels"
        )
