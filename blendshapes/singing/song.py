"""Song by its sound: pitch, notes, and where somebody sings rather than speaks.

The pitch and the notes are those of SwiftF0, a small network that hears the voice in front of music (Nieradzik 2025).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..speech.encoder import RATE, Blocks
from ..speech.excerpt import averaged
from ..speech.features import HIGH_BAND, log_mel_stream, mel_centres
from ..speech.features import RATE as SAMPLE_RATE
from .notes import Note

if TYPE_CHECKING:
    from swift_f0 import SwiftF0

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

VOICED = 0.5  # confidence of the tracker from which a voice is taken to sound
MIDDLE = 60.0  # semitones, where nothing is sung
NEAR, SLIDE = 0.5, 4.0  # semitones within which a voice is on a note, on its way to or from it
# People who speak glide; people who sing stay on notes. Song is a window with so many notes held so long, ...
HELD, FEWEST, SPREAD = 0.3, 3, 2.5  # seconds, notes, semitones between the highest and the lowest of them
LEAST, SHARE = 1.2, 0.2  # seconds held in all, and of the voiced time
WINDOW, STEP = 8.0, 2.0  # seconds
FADE = 1.0  # seconds in which speech becomes song
BREATH = 0.35  # seconds of silence that part two phrases
PIECE = 8.0  # seconds that the tracker hears at a time: it hears the last 0.3 s of each once more


@dataclass(frozen=True, eq=False)
class Song:
    """What is heard of a song; frame k of the arrays is at k / 50 s."""

    pitch: F64  # [n] semitones as MIDI counts them, joined over what has none
    voice: F64  # [n] how sure the tracker is of the pitch, 0..1
    bright: F64  # [n] dB, energy between 1 and 5 kHz, which closed lips take away
    notes: tuple[Note, ...]
    sung: F64  # [n] 1 where somebody sings, 0 where not, eased

    @staticmethod
    def listen(blocks: Blocks) -> Song:
        """The song in a sound; `blocks()` opens it anew: mono 16 kHz arrays of any size, float32.

        >>> import numpy as np
        >>> tune = [440.0 * 2 ** (step / 12) for step in (0, 2, 4, 5)]
        >>> phase = 2 * np.pi * np.cumsum(np.repeat(tune, 8000)) / 16000
        >>> song = Song.listen(lambda: [np.sin(phase).astype(np.float32)])
        >>> [round(note.pitch) for note in song.notes]
        [69, 71, 73, 74]
        """
        bright = _brightness(blocks)
        pitch, voice, notes = _tracked(blocks, len(bright))
        return Song(pitch, voice, bright, notes, np.zeros(len(bright))).where_held()

    @cached_property
    def middle(self) -> float:
        """The pitch in the middle of the song, semitones."""
        pitched = self.pitch[self.voice > VOICED]
        return float(np.median(pitched)) if len(pitched) else MIDDLE

    @cached_property
    def phrases(self) -> list[tuple[float, float]]:
        """When each phrase begins and ends, seconds: notes with no time to breathe between them."""
        found: list[tuple[float, float]] = []
        for note in self.notes:
            if found and note.start - found[-1][1] < BREATH:
                found[-1] = (found[-1][0], max(note.end, found[-1][1]))
            else:
                found.append((note.start, note.end))
        return found

    @property
    def anywhere(self) -> bool:
        """Whether any of it is sung."""
        return bool(self.sung.any())

    def throughout(self) -> Song:
        """The same, all of it taken for song."""
        return replace(self, sung=np.ones(len(self.sung)))

    def where_held(self) -> Song:
        """The same, taken for song where notes are held."""
        sung = np.zeros(len(self.pitch))
        held = [(seconds, note) for note in self.notes if (seconds := self._held(note)) >= HELD]
        for start in np.arange(0.0, max(len(sung) / RATE - WINDOW, 0) + STEP, STEP):
            here = [(seconds, note) for seconds, note in held if start <= note.start < start + WINDOW]
            if self._is_song(here, start, start + WINDOW):
                sung[self.frames(here[0][1].start - FADE, here[-1][1].end + FADE)] = 1
        return replace(self, sung=smoothed(sung, FADE) if 0 < sung.mean() < 1 else sung)

    def frames(self, start: float, end: float) -> slice:
        """Of a stretch of seconds."""
        return slice(max(round(start * RATE), 0), min(round(end * RATE), len(self.pitch)))

    def _held(self, note: Note) -> float:
        """Seconds that a voice is on the note."""
        inside = self.frames(note.start, note.end)
        on = (np.abs(self.pitch[inside] - note.pitch) < NEAR) & (self.voice[inside] > VOICED)
        return float(on.sum()) / RATE

    def _is_song(self, held: Sequence[tuple[float, Note]], start: float, end: float) -> bool:
        """Whether notes that are held so many seconds make a song of a stretch."""
        voiced = float((self.voice[self.frames(start, end)] > VOICED).sum()) / RATE
        if len(held) < FEWEST or sum(seconds for seconds, _ in held) < max(LEAST, SHARE * voiced):
            return False
        pitches = [note.pitch for _, note in held]
        return max(pitches) - min(pitches) >= SPREAD


def smoothed(signal: F64, seconds: float) -> F64:
    """`averaged` of a whole clip [n], however short: its ends are taken to go on as they are."""
    reach = round(seconds * RATE / 2)
    return averaged(np.pad(signal, reach, mode="edge"), seconds)[reach : reach + len(signal)]


def _tracked(blocks: Blocks, frames: int) -> tuple[F64, F64, tuple[Note, ...]]:
    """Pitch [frames], confidence [frames] and notes."""
    detector = _detector()
    from swift_f0 import concat, segment_notes

    stream = detector.stream()
    found = concat([*(stream.push(piece, SAMPLE_RATE) for piece in _pieces(blocks())), stream.flush()])
    if not len(found.timestamps):
        return np.full(frames, MIDDLE), np.zeros(frames), ()
    notes = [Note(n.start, n.end, float(semitones(n.pitch_hz))) for n in segment_notes(found)]
    heard = semitones(found.pitch_hz)
    sure = np.zeros(len(heard), bool)
    for note in notes:
        inside = (found.timestamps >= note.start) & (found.timestamps < note.end)
        sure |= inside & (found.confidence > VOICED) & (np.abs(heard - note.pitch) < SLIDE)
    times = np.arange(frames) / RATE
    pitch = np.interp(times, found.timestamps[sure], heard[sure]) if sure.any() else np.full(frames, MIDDLE)
    return pitch, np.interp(times, found.timestamps, found.confidence, right=0), tuple(notes)


@cache
def _detector() -> SwiftF0:
    """One for all clips of a process: it costs as much as three seconds of sound, and may be used by many threads."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else onnxruntime tells its maker what runs here, and by whom
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)


def _pieces(blocks: Iterable[F32]) -> Iterator[F32]:
    """The same sound in pieces of at least PIECE seconds; the last one may be shorter, and none is empty."""
    waiting: list[F32] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) >= PIECE * SAMPLE_RATE:
            yield np.concatenate(waiting)
            waiting = []
    if any(map(len, waiting)):
        yield np.concatenate(waiting)


def semitones(hertz: F64 | float) -> F64:
    """Of frequencies, as MIDI counts them: 69 is 440 Hz."""
    return 69 + 12 * np.log2(np.asarray(hertz) / 440)


def _brightness(blocks: Blocks) -> F64:
    """Energy between 1 and 5 kHz, dB, [1 + N // 320]."""
    low, high = HIGH_BAND
    bands = (mel_centres() >= low) & (mel_centres() < high)

    def energies() -> Iterator[F64]:
        for mel in log_mel_stream(blocks()):
            yield (10.0 ** (mel[:, bands].astype(np.float64) / 10)).sum(axis=1)

    energy = np.concatenate([np.zeros(0), *energies()])
    return 10 * np.log10(_every_second(energy) + 1e-12)


def _every_second(energy: F64) -> F64:
    """Every second of [m] frames, together with half of each of its neighbours."""
    padded = np.pad(energy, 1, mode="edge")
    return (0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:])[::2]
