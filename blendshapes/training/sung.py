"""Songs made of speech, for want of sung recordings with phone times: nobody sang them, and they say so.

Aligned speech is analysed by WORLD (Morise et al., "WORLD: a vocoder-based high-quality speech synthesis system", 2016)
and synthesised again on a melody: vowels begin on the beat and are held, consonants keep their length, people breathe
between phrases. All times are known, for they were chosen. Figures of singers after Sundberg, "The Science of the
Singing Voice" (1987), and Prame, "Measurements of the vibrato rate" (1994) and "Vibrato extent and intonation" (1997).

The folder is one of `recordings`, with `"sung": true` in every line of its manifest, and besides

    notes.jsonl      {"id": "a1", "notes": [[0.41, 0.97, 57.0], ...]}: start, end (s), pitch (69 is 440 Hz)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.whole_files import check_new, whole_folder
from ..singing.notes import Note
from ..singing.song import semitones
from ..speech.features import RATE
from ..speech.phones import SILENCE, VOWELS, Segment
from .augment import breath, music
from .corpus import Utterance
from .recordings import GLIDING, LONGEST, Refusals, json_rows, licence_of, rows_of, speaker_of, usable
from .written import add, add_licence, add_line

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Rng = np.random.Generator

NOTES = "notes.jsonl"
MADE = "generated: speech put on melodies by analysis and resynthesis, nobody sang"
MOST_HOURS = 24.0
STEP = 0.005  # seconds from frame to frame of the vocoder

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9))  # major, minor, pentatonic
LOWEST, HIGHEST = -3.0, 12.0  # semitones above the middle of the speaking voice
TEMPO = 60.0, 120.0  # beats per minute
BEATS, OFTEN = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0), (0.3, 0.08, 0.34, 0.12, 0.12, 0.04)  # lengths of notes, and how often
SHORTEST_NOTE, LONGEST_NOTE, LAST_NOTE = 0.2, 2.0, (0.7, 2.0)  # seconds; the last one of a phrase is held
STEPS, STEPS_OFTEN = (-4, -2, -1, 0, 1, 2, 4), (0.05, 0.12, 0.27, 0.12, 0.27, 0.12, 0.05)  # degrees of the scale
SEVERAL = 0.15  # share of the notes above `FOR_SEVERAL` seconds that become two on the same vowel
FOR_SEVERAL = 0.7
PORTAMENTO = 0.06, 0.10  # seconds from one pitch to the next
VIBRATO_RATE, VIBRATO_EXTENT = (5.0, 6.5), (0.3, 0.8)  # Hz; semitones to either side
VIBRATO_FROM, VIBRATO_GROWS, VIBRATO_NOTES = 0.3, 0.3, 0.5  # seconds into notes of at least the last
FALTERING = 0.08  # semitones by which the pitch wanders
RISE = 0.5  # dB per semitone: high notes are louder
LEVELLED = 0.6  # of the differences between spoken vowels
ARC, TAIL = 3.0, 8.0  # dB by which the middle of a phrase is louder, and the end of a phrase fades
FADE = 0.15  # seconds

PAUSE = 0.12  # seconds of a silence that parts phrases; shorter ones are part of consonants
BREATHS, BREATH_LEVEL = (0.3, 0.8), (18.0, 32.0)  # seconds; dB below the voice
AROUND = 0.25, 0.5  # seconds before and after the song
CONSONANT = 0.25  # seconds at most
SHORTEST_VOWEL = 0.09
GLIDE, GLIDE_SHARE = (0.08, 0.22), 0.4  # of a diphthong: seconds, at most so much of its length
EDGE = 0.04  # seconds at the ends of a vowel that are as they were
SWAY = 0.15  # seconds at least from one end of what is held to the other
UNSTEADY, UNSTEADY_RATE, UNSTEADY_BANDS = 3.0, 8.0, 8  # dB by which parts of the spectrum come and go, Hz, number
LEAST_VOICED = 0.2  # share of the frames of an utterance that can be sung

_VOICED = VOWELS | {"M", "N", "NG", "L", "R", "W", "Y"}


@dataclass(frozen=True, eq=False)
class Sung:
    """An utterance that is sung, and its notes."""

    said: Utterance
    notes: tuple[Note, ...]
    file: Path | None = None  # where it was read


@dataclass(frozen=True, eq=False)
class _Voice:
    """What WORLD finds in a sound: n frames, `STEP` apart."""

    pitch: F64  # [n] Hz, 0 where unvoiced
    envelope: F64  # [n, B] power
    noise: F64  # [n, B] share of it that is noise, 0..1

    @property
    def level(self) -> F64:
        """dB [n]."""
        return 10 * np.log10(self.envelope.mean(axis=1) + 1e-16)


@dataclass(frozen=True)
class _Piece:
    """A phone where it is said, and where it is sung."""

    said: Segment
    start: float
    end: float

    def heard_at(self, times: F64) -> F64:
        """When what is sung at `times` [n] was said. A held vowel begins and ends as fast as it did; between, the sound
        goes to and fro in the spoken one, as slowly as that changed: a sound that stands still is no voice."""
        said = self.said.end - self.said.start
        if self.end - self.start <= said or self.said.phone not in VOWELS:
            return np.interp(times, (self.start, self.end), (self.said.start, self.said.end))
        edge = min(EDGE, said / 3)
        middle, held = said - 2 * edge, self.end - self.start - 2 * edge
        ways = max(1, round(held / max(middle, SWAY) - 1) | 1)  # an odd number ends where it must
        to_and_fro = np.clip((times - self.start - edge) / held, 0, 1) * ways
        inside = np.abs((to_and_fro + 1) % 2 - 1) * middle
        before, after = times < self.start + edge, times >= self.end - edge
        inside = np.where(before, times - self.start - edge, np.where(after, middle + times - self.end + edge, inside))
        return self.said.start + edge + inside


def sing(said: Utterance, rng: Rng) -> Sung:
    """The utterance on a melody of its own. Raises InputError without pyworld, and where there is hardly any voice."""
    voice = _analysed(said.wave)
    voiced = voice.pitch > 0
    if voiced.mean() < LEAST_VOICED or not any(s.phone in VOWELS for s in said.segments):
        raise InputError(f"{said.voice}: expected a voice that can sing, found {voiced.mean():.0%} of it voiced")
    middle = float(np.median(semitones(voice.pitch[voiced])))
    pieces, phrases = _arranged(said.segments, _Melody(middle, rng), rng)
    notes = [note for phrase in phrases for note in phrase]
    count = int(pieces[-1].end / STEP) + 1
    times = np.arange(count, dtype=np.float64) * STEP
    heard, held, nothing = np.zeros(count), np.zeros(count, bool), np.zeros(count, bool)
    for piece in pieces:
        here = (times >= piece.start) & (times < piece.end)
        heard[here] = piece.heard_at(times[here])
        held[here] = piece.said.phone in _VOICED
        nothing[here] = piece.said.end <= piece.said.start
    rows = np.clip(heard / STEP, 0, len(voice.pitch) - 1)
    sounding = held | voiced[np.round(rows).astype(int)]
    melody = _intoned(notes, times, rng)
    wave = _synthesised(
        np.where(sounding, 440 * 2 ** ((melody - 69) / 12), 0.0),
        np.exp(_between(np.log(voice.envelope + 1e-16), rows)) * _unsteady(rows, voice, rng) * ~nothing[:, None]
        + 1e-16,
        np.where(sounding[:, None], _between(_noise_of_the_voice(voice), rows), _between(voice.noise, rows)),
    )
    wave *= 10 ** (_gain(phrases, pieces, voice, times, middle, rng) / 20).repeat(round(STEP * RATE))[: len(wave)]
    _breathe(wave, pieces, rng)
    wave *= np.abs(said.wave).max() / max(float(np.abs(wave).max()), 1e-6)
    segments = [Segment(piece.start, piece.end, piece.said.phone) for piece in pieces]
    return Sung(Utterance(wave.astype(np.float32), segments, said.voice, said.text), tuple(notes))


class _Melody:
    """A random walk on a scale, in the range of a voice and in a tempo."""

    def __init__(self, middle: float, rng: Rng) -> None:
        """`middle` of the speaking voice, semitones."""
        self._rng = rng
        self._beat = 60 / rng.uniform(*TEMPO)
        key, scale = int(rng.integers(12)), SCALES[int(rng.integers(len(SCALES)))]
        within = np.arange(np.ceil(middle + LOWEST), middle + HIGHEST + 1e-9)
        self._pitches = within[np.isin((within - key) % 12, scale)]
        self._degree = int(np.abs(self._pitches - middle - rng.uniform(0, 6)).argmin())

    def note(self, *, last: bool) -> tuple[float, float]:
        """Seconds and pitch of the next note; `last` of a phrase."""
        length = float(self._rng.uniform(*LAST_NOTE) if last else self._beat * self._rng.choice(BEATS, p=OFTEN))
        self._degree += int(self._rng.choice(STEPS, p=STEPS_OFTEN))
        most = len(self._pitches) - 1
        self._degree = min(max(-self._degree if self._degree < 0 else self._degree, 0), most)
        if self._degree == most:
            self._degree -= int(self._rng.integers(0, 3))
        return min(max(length, SHORTEST_NOTE), LONGEST_NOTE), float(self._pitches[max(0, self._degree)])


def _arranged(segments: Sequence[Segment], melody: _Melody, rng: Rng) -> tuple[list[_Piece], list[list[Note]]]:
    """Every phone where it is sung, without gaps, and the notes of each phrase."""
    time = float(rng.uniform(*AROUND))
    pieces = [_Piece(Segment(0.0, 0.0, SILENCE), 0.0, time)]
    phrases: list[list[Note]] = []
    for phrase in _phrases(segments):
        if phrase[0].phone == SILENCE:
            pause = float(rng.uniform(*BREATHS))
            pieces.append(_Piece(phrase[0], time, time := time + pause))
            continue
        sung = _sung(phrase, time, melody, rng)
        phrases.append(sung[1])
        pieces += sung[0]
        time = pieces[-1].end
    end = pieces[-1].said.end
    pieces.append(_Piece(Segment(end, end, SILENCE), time, time + float(rng.uniform(*AROUND))))
    return _silences_joined(pieces), [notes for notes in phrases if notes]


def _phrases(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Pauses, and what is said between them."""
    phrase: list[Segment] = []
    for segment in segments:
        if segment.phone == SILENCE and (not phrase or segment.end - segment.start >= PAUSE):
            if phrase:
                yield phrase
            yield [segment]
            phrase = []
        elif segment.end > segment.start:
            phrase.append(segment)
    if phrase:
        yield phrase


def _sung(phrase: Sequence[Segment], time: float, melody: _Melody, rng: Rng) -> tuple[list[_Piece], list[Note]]:
    """A phrase from `time` on: vowels on the beat, whatever follows them within their notes."""
    pieces: list[_Piece] = []
    notes: list[Note] = []
    nuclei = _nuclei(phrase)
    for segment in phrase[: nuclei[0][0] if nuclei else len(phrase)]:
        pieces.append(_Piece(segment, time, time := time + _consonant(segment)))
    for (first, after), (following, _) in pairwise([*nuclei, (len(phrase), 0)]):
        length, pitch = melody.note(last=following == len(phrase))
        consonants = phrase[after:following]
        vowel = max(length - sum(map(_consonant, consonants)), SHORTEST_VOWEL * (after - first))
        start = time
        pieces += _held(phrase[first:after], time, vowel)
        time = pieces[-1].end
        for segment in consonants:
            pieces.append(_Piece(segment, time, time := time + _consonant(segment)))
        if vowel > FOR_SEVERAL and rng.random() < SEVERAL:
            middle = start + vowel * float(rng.uniform(0.4, 0.6))
            notes += [Note(start, middle, pitch), Note(middle, time, melody.note(last=False)[1])]
        else:
            notes.append(Note(start, time, pitch))
    return pieces, notes


def _nuclei(phrase: Sequence[Segment]) -> list[tuple[int, int]]:
    """First phone of each vowel, and the one after it: a diphthong is one vowel."""
    found: list[tuple[int, int]] = []
    for k, segment in enumerate(phrase):
        if segment.phone not in VOWELS or (found and k < found[-1][1]):
            continue
        double = k + 1 < len(phrase) and (segment.phone, phrase[k + 1].phone) in GLIDING
        found.append((k, k + 2 if double else k + 1))
    return found


def _held(vowel: Sequence[Segment], time: float, length: float) -> Iterator[_Piece]:
    """A vowel; of a diphthong the first half is held."""
    first, *second = vowel
    glide = 0.0
    if second:
        glide = min(float(np.clip(second[0].end - second[0].start, *GLIDE)), GLIDE_SHARE * length)
    yield _Piece(first, time, time + length - glide)
    for segment in second:
        yield _Piece(segment, time + length - glide, time + length)


def _consonant(segment: Segment) -> float:
    """Seconds that it is sung."""
    return min(segment.end - segment.start, CONSONANT)


def _silences_joined(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Neighbouring silences become one, of which the longer is heard."""
    joined: list[_Piece] = []
    for piece in pieces:
        if joined and piece.said.phone == joined[-1].said.phone == SILENCE:
            longer = max(joined[-1].said, piece.said, key=lambda s: s.end - s.start)
            joined[-1] = _Piece(longer, joined[-1].start, piece.end)
        else:
            joined.append(piece)
    return joined


def _intoned(notes: Sequence[Note], times: F64, rng: Rng) -> F64:
    """Semitones at `times` [n]: the notes, the way from one to the next, vibrato, and what nobody holds exactly."""
    portamento = float(rng.uniform(*PORTAMENTO))
    changes = np.array([note.start for note in notes[1:]]) - portamento / 4
    pitch = np.array([note.pitch for note in notes])[np.searchsorted(changes, times, side="right")]
    pitch = _smoothed(pitch, portamento)
    wander = _smoothed(rng.standard_normal(len(times)), 0.15)
    pitch += FALTERING * wander / max(float(wander.std()), 1e-9)
    rate, extent = rng.uniform(*VIBRATO_RATE), rng.uniform(*VIBRATO_EXTENT)
    for note in notes:
        if note.length < VIBRATO_NOTES:
            continue
        here = (times >= note.start) & (times < note.end)
        into = times[here] - note.start
        depth = np.clip((into - VIBRATO_FROM) / VIBRATO_GROWS, 0, 1) * np.clip((note.length - into) / 0.05, 0, 1)
        faster = rate * rng.uniform(0.96, 1.04) * (1 + 0.15 * np.clip(into / note.length - 0.6, 0, 1))
        pitch[here] += extent * depth * np.sin(2 * np.pi * np.cumsum(faster) * STEP)
    return pitch


def _gain(phrases: Sequence[Sequence[Note]], pieces: Sequence[_Piece], voice: _Voice, times: F64, middle: float,
          rng: Rng) -> F64:  # fmt: skip
    """dB at `times` [n]: high notes are louder, vowels more alike than in speech, phrases swell and fade."""
    levels = voice.level
    said = {
        piece.start: float(levels[int(piece.said.start / STEP) : int(piece.said.end / STEP) + 1].mean())
        for piece in pieces
        if piece.said.phone in VOWELS and int(piece.said.start / STEP) < len(levels)
    }
    usual = float(np.median(list(said.values())))
    gain = np.zeros(len(times))
    for phrase in phrases:
        first, last = phrase[0].start, phrase[-1].end
        for note in phrase:
            here = (times >= note.start) & (times < note.end)
            louder = RISE * (note.pitch - middle) + LEVELLED * (usual - said.get(note.start, usual))
            swell = ARC * np.sin(np.pi * (times[here] - first) / (last - first))
            gain[here] = np.clip(louder, -9, 9) + swell + rng.uniform(-1, 1)
        gain[times >= last - FADE] -= TAIL * np.clip((times[times >= last - FADE] - last + FADE) / FADE, 0, 1)
        gain[times >= last] = 0
    return _smoothed(gain, 0.08)


def _unsteady(rows: F64, voice: _Voice, rng: Rng) -> F64:
    """Factors [n, B] of power by which a voice is never the same."""
    knots = int(len(rows) * STEP * UNSTEADY_RATE) + 2
    coarse = UNSTEADY * rng.standard_normal((knots, UNSTEADY_BANDS))
    bands = np.linspace(0, UNSTEADY_BANDS - 1, voice.envelope.shape[1])
    decibels = _between(_between(coarse, np.linspace(0, knots - 1, len(rows))).T, bands).T
    return 10 ** (decibels / 10)


def _smoothed(values: F64, seconds: float) -> F64:
    """Weighed with a Hann window of this length."""
    window = np.hanning(round(seconds / STEP) + 2)[1:-1]
    padded = np.pad(values, (len(window) // 2, len(window) - 1 - len(window) // 2), mode="edge")
    return np.asarray(np.convolve(padded, window / window.sum(), mode="valid"), np.float64)


def _between(rows: F64, at: F64) -> F64:
    """Rows [n, B] between which `at` [m] lies, mixed, [m, B]."""
    low = np.minimum(at.astype(int), len(rows) - 2)
    share = (at - low)[:, None]
    return (1 - share) * rows[low] + share * rows[low + 1]


def _noise_of_the_voice(voice: _Voice) -> F64:
    """The share of noise [n, B] as the voice has it, also where it was not heard: that of the next voiced frame."""
    voiced = np.flatnonzero(voice.pitch > 0)
    frames = np.arange(len(voice.pitch))
    after = voiced[np.minimum(np.searchsorted(voiced, frames), len(voiced) - 1)]
    before = voiced[np.maximum(np.searchsorted(voiced, frames, side="right") - 1, 0)]
    return voice.noise[np.where(np.abs(after - frames) < np.abs(frames - before), after, before)]


def _breathe(wave: F64, pieces: Sequence[_Piece], rng: Rng) -> None:
    """Add a breath at the end of every pause, before somebody sings on."""
    loud = np.sqrt(np.mean(wave**2))
    for piece in pieces[:-1]:
        if piece.said.phone == SILENCE and piece.end - piece.start >= BREATHS[0]:
            last = int((piece.end - 0.04) * RATE)
            taken = breath(int((piece.end - piece.start) * RATE * rng.uniform(0.5, 0.85)), rng)
            wave[last - len(taken) : last] += taken * loud * 10 ** (-rng.uniform(*BREATH_LEVEL) / 20) * 3


def _analysed(wave: F32) -> _Voice:
    world = _world()
    samples = wave.astype(np.float64)
    rough, times = world.harvest(samples, RATE, f0_floor=65.0, f0_ceil=500.0, frame_period=1000 * STEP)
    pitch = world.stonemask(samples, rough, times, RATE)
    return _Voice(pitch, world.cheaptrick(samples, pitch, times, RATE), world.d4c(samples, pitch, times, RATE))


def _synthesised(pitch: F64, envelope: F64, noise: F64) -> F64:
    """Samples of frames [n]."""
    rows = (np.ascontiguousarray(values) for values in (pitch, envelope, np.clip(noise, 0, 1)))
    return _world().synthesize(*rows, RATE, 1000 * STEP)


def _world() -> ModuleType:
    try:
        return import_module("pyworld")
    except ImportError as error:
        raise InputError("render data sing needs pyworld: pip install 'emosplat[songs]'") from error


def sing_corpus(
    recordings: Path,
    out: Path,
    *,
    seed: int = 0,
    hours: float | None = None,
    music_db: float | None = None,
    report: Callable[[int, int, float], None] = lambda done, total, seconds: None,
) -> dict[str, Any]:
    """Write songs of a folder of recordings into the folder `out`, and say what is in it.

    hours: how much, about; in random order, again on other melodies where the recordings are not enough; None: all once
    music_db: music under every song, so many dB below the voice; None: none
    report: is told how many songs of how many, and their seconds

    The same seed gives the same corpus. It appears whole or not at all; what cannot be sung is left out and counted.
    Raises InputError without pyworld, for a folder that `out` is already, and where nothing can be sung.
    """
    if hours is not None and not 0 < hours <= MOST_HOURS:
        raise InputError(f"--hours {hours:g}: expected more than 0 and at most {MOST_HOURS:g}")
    check_new(out)
    licence, rows = licence_of(recordings), rows_of(recordings)
    _world()
    refused = Refusals()
    count, seconds = 0, 0.0
    with whole_folder(out) as staged:
        add_licence(staged, f"{licence}; {MADE}")
        for row, alone in _songs(recordings, rows, refused, seed, again=hours is not None):
            rng = np.random.default_rng([seed, count])
            song = alone if music_db is None else _accompanied(alone, music_db, rng)
            _write(staged, row, song, count)
            count, seconds = count + 1, seconds + len(song.said.wave) / RATE
            report(count, len(rows), seconds)
            if hours is not None and seconds >= 3600 * hours:
                break
        if not count:
            raise InputError(f"{recordings}: expected recordings that can be sung, found {refused or 'none'}")
    return {"songs": count, "hours": seconds / 3600, "refused": dict(refused)}


def _songs(
    folder: Path, rows: Sequence[dict[str, Any]], refused: Refusals, seed: int, *, again: bool
) -> Iterator[tuple[dict[str, Any], Sung]]:
    """Lines of a manifest to write, and their songs; `again` and again, until a round gives none."""
    rng = np.random.default_rng(seed)
    found = True
    take = 0
    while found and (again or not take):
        found = False
        order = [rows[i] for i in rng.permutation(len(rows))]
        for number, (row, said) in enumerate(usable(folder, order, refused if not take else Refusals())):
            try:
                song = sing(said, np.random.default_rng([seed, take, number]))
            except InputError:
                refused["hardly any voice"] += not take
                continue
            if len(song.said.wave) > LONGEST * RATE:
                refused["more than a minute of song"] += not take
                continue
            found = True
            yield row | {"id": f"{row['id']}-{take}" if take else row["id"]}, song
        take += 1


def _accompanied(song: Sung, decibels: float, rng: Rng) -> Sung:
    """The song with music that many decibels below it."""
    wave = song.said.wave
    played = music(len(wave), rng) * float(np.sqrt(np.mean(wave**2))) * 10 ** (-decibels / 20)
    mixed = wave + played
    mixed *= np.abs(wave).max() / np.abs(mixed).max()
    return Sung(Utterance(mixed.astype(np.float32), song.said.segments, song.said.voice, song.said.text), song.notes)


def _write(folder: Path, row: dict[str, Any], song: Sung, number: int) -> None:
    known = {"id": row["id"], "speaker": speaker_of(row), "sung": True}
    if language := row.get("lang") or row.get("language"):
        known["lang"] = language
    add(folder, number, song.said, known)
    notes = [[round(note.start, 3), round(note.end, 3), note.pitch] for note in song.notes]
    add_line(folder / NOTES, {"id": row["id"], "notes": notes})


def read_songs(folder: Path) -> Iterator[Sung]:
    """What `sing_corpus` wrote, one by one; raises InputError as `read_recordings`, and for notes that are none."""
    path = folder / NOTES
    notes: dict[str, tuple[Note, ...]] = {}
    for row in json_rows(path, {"id": str, "notes": list}):
        try:
            notes[row["id"]] = tuple(Note(float(start), float(end), float(pitch)) for start, end, pitch in row["notes"])
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: {row['id']}: notes: expected [start, end, pitch], found {error}") from error
    for row, said in usable(folder, rows_of(folder), Refusals()):
        yield Sung(said, notes.get(row["id"], ()), folder / row["file"])
