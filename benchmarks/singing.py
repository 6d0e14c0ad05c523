"""Do mouths sing? `python benchmarks/singing.py SONG... [--speech SPEECH...]`

SONG is a folder that `render data sing` made (phones and notes are known), or a sound file, or a folder of those.
Beside a file may lie what was annotated: NAME_f0.csv (seconds, Hz; 0 where unvoiced) and NAME_notesA1.csv (seconds, Hz,
duration), as vocadito has them (Bittner et al. 2021). In SPEECH, files and folders alike, nobody sings.

A row as if it were speech (`no`) and one as a song (`yes`). Measured on the mesh at 25 frames per second, blinks and
head motion off. The vowel opening is the median of the widest inner-lip gap in open vowels, or, where no phones are
known, the 90th percentile of the gap:

- open: share of the voiced frames of notes above 0.4 s with a gap over a quarter of the vowel opening (in vowels, where
  phones are known);
- sealed: share of the loudest third of the frames with a gap under a tenth of it;
- pbm, false: /p b m/, and /t d n k g ng/, whose least gap (+-30 ms) is under a quarter; long: vowels of 0.1 s or more
  whose widest gap is;
- song: share of the files that are taken for songs when nobody says (`--singing auto`);
- pitch, recall, alarm: share of the truly voiced frames with a pitch within 50 cents, of those that are heard as
  voiced, and of the unvoiced ones that are (raw pitch accuracy, voicing recall and false alarm of mir_eval);
- onset, p90, near: error of vowel onsets with the lyrics given, median and 90th percentile, ms, and the share within
  100 ms; lost: share of the songs that could not be aligned. `no` are pocketsphinx's, `yes` ours.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # idle BLAS threads spin, which would count as processor time

import numpy as np
from numpy.typing import NDArray

from emosplat.avatars.library import open_avatar
from emosplat.blendshapes import Score, SpeechEncoder, TalkingHead
from emosplat.blendshapes.evaluation.naturalness import BILABIAL, NEAR, OPEN_VOWELS, QUARTER, TENTH, within
from emosplat.blendshapes.singing.alignment import align_lyrics, lyric_words
from emosplat.blendshapes.singing.notes import Note
from emosplat.blendshapes.singing.song import VOICED, Song, semitones
from emosplat.blendshapes.speech.encoder import joined
from emosplat.blendshapes.speech.features import log_mel_stream, loudness
from emosplat.blendshapes.speech.phones import DIPHTHONGS, SILENCE, VOWELS, Segment
from emosplat.blendshapes.speech.transcript import Aligner
from emosplat.blendshapes.speech.transcript_files import Cue
from emosplat.blendshapes.training.sung import NOTES, read_songs
from emosplat.core.errors import InputError
from emosplat.core.media_formats import FILM, SOUND
from emosplat.pipeline.clip.curves import CurveReader, frame_times
from emosplat.pipeline.media.audio import AudioClip, open_audio
from emosplat.pipeline.words import song_of

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
Measured = dict[str, list[float]]

FPS = 25.0
OTHER_STOPS = frozenset({"T", "D", "N", "K", "G", "NG"})
LONG_NOTE, LONG = 0.4, 0.1  # seconds
CENTS = 0.5  # semitones
CLOSE = 0.1  # seconds
COLUMNS = ("open", "sealed", "pbm", "false", "long", "song", "pitch", "recall", "alarm", "onset", "p90", "near", "lost")
_SECONDS = {second: {f for f, s, _ in DIPHTHONGS.values() if s == second} for _, second, _ in DIPHTHONGS.values()}


@dataclass(frozen=True, eq=False)
class Heard:
    """A file with what is known of it."""

    sound: AudioClip
    text: str = ""
    phones: Sequence[Segment] = ()
    notes: Sequence[Note] = ()
    pitch: tuple[F64, F64] | None = None  # seconds, Hz


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, nargs="*")
    parser.add_argument("--speech", type=Path, nargs="*", default=[])
    parser.add_argument("--avatar", default="person1")
    parser.add_argument("--limit", type=int, help="files of each folder at most")
    options = parser.parse_args()
    actor = TalkingHead.of(open_avatar(options.avatar).head)
    reader, encoder, aligner = CurveReader(actor.head), SpeechEncoder.load(), Aligner()
    print(f"{'':20}{'files':>6}{'singing':>8}" + "".join(f"{name:>8}" for name in COLUMNS))
    for path in [*options.songs, *options.speech]:
        rows: dict[str, list[Measured]] = {"no": [], "yes": []}
        for file in files_of(path, options.limit):
            song = Song.listen(file.sound.blocks)
            known = {"song": [float(song_of(file.sound, "auto", lambda: encoder) is not None)]}
            if path in options.speech:
                rows["yes"].append(known)
                continue
            rows["no"].append(mouth(file, actor, reader, None) | aligned(file, by_pocketsphinx(file, aligner)))
            moved = mouth(file, actor, reader, song.throughout())
            found = aligned(file, by_voice(file, encoder, song))
            rows["yes"].append(known | moved | found | pitch_of(file, song))
        for singing, measured in rows.items():
            if measured:
                print(f"{path.stem[:20]:20}{len(measured):6}{singing:>8}{summary(measured)}", flush=True)


def files_of(path: Path, limit: int | None) -> Iterator[Heard]:
    """Songs of a made folder, or sound files with what lies beside them."""
    if (path / NOTES).is_file():
        for number, song in enumerate(read_songs(path)):
            if number == limit:
                return
            assert song.file is not None
            yield Heard(open_audio(song.file), song.said.text, song.said.segments, song.notes)
        return
    paths = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix.lower() in SOUND | FILM)
    for file in paths[:limit]:
        yield Heard(open_audio(file), notes=notes_beside(file), pitch=pitch_beside(file))


def notes_beside(path: Path) -> list[Note]:
    """What was annotated in NAME_notesA1.csv."""
    rows = numbers_in(path.with_name(f"{path.stem}_notesA1.csv"))
    return [Note(start, start + duration, float(semitones(hertz))) for start, hertz, duration in rows]


def pitch_beside(path: Path) -> tuple[F64, F64] | None:
    """What was annotated in NAME_f0.csv."""
    rows = np.array(numbers_in(path.with_name(f"{path.stem}_f0.csv")))
    return (rows[:, 0], rows[:, 1]) if len(rows) else None


def numbers_in(path: Path) -> list[list[float]]:
    """Rows of a table without a header; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        return [[float(cell) for cell in row] for row in csv.reader(lines)]


def mouth(file: Heard, actor: TalkingHead, reader: CurveReader, song: Song | None) -> Measured:
    """Everything measured on the mouth."""
    score = Score(file.sound.duration, FPS, file.sound.blocks, song=song, blink=False, head_motion="none")
    gap = reader.read(actor.motion(score))["mouth_opening_mm"]
    times = frame_times(len(gap), FPS)
    vowels = [gap[within(times, s, 0.02)].max() for s in file.phones if s.phone in OPEN_VOWELS]
    opening = float(np.median(vowels) if vowels else np.percentile(gap, 90))
    loud = level_at(file.sound, times)
    closed = {
        name: [float(gap[within(times, s, NEAR)].min() < QUARTER * opening) for s in file.phones if s.phone in phones]
        for name, phones in (("pbm", BILABIAL), ("false", OTHER_STOPS))
    }
    long = [gap[within(times, s, -0.02)].max() for s in file.phones if s.phone in VOWELS and s.end - s.start >= LONG]
    return {
        **closed,
        "open": list((gap[held_frames(file, times)] > QUARTER * opening).astype(float)),
        "sealed": list((gap[loud >= np.quantile(loud, 2 / 3)] < TENTH * opening).astype(float)),
        "long": [float(widest < QUARTER * opening) for widest in long],
    }


def held_frames(file: Heard, times: F64) -> Mask:
    """Voiced frames of long notes, of those with phones the vowels, [n]."""
    inside = among(times, [(n.start, n.end) for n in file.notes if n.length > LONG_NOTE])
    if file.phones:
        return inside & among(times, [(s.start, s.end) for s in file.phones if s.phone in VOWELS])
    if file.pitch:
        inside &= file.pitch[1][np.abs(np.subtract.outer(times, file.pitch[0])).argmin(axis=1)] > 0
    return inside


def among(times: F64, spans: Sequence[tuple[float, float]]) -> Mask:
    """Which times [n] lie in one of the spans."""
    return np.any([(times >= start) & (times < end) for start, end in spans] or [np.zeros(len(times), bool)], axis=0)


def level_at(sound: AudioClip, times: F64) -> F64:
    """Loudness at `times` [n], dB."""
    level = np.concatenate([loudness(mel) for mel in log_mel_stream(sound.blocks())])
    return np.interp(times, np.arange(len(level)) / 100, level)


def pitch_of(file: Heard, song: Song) -> Measured:
    """How good the tracker's pitch and voicing are, at the annotated times."""
    if file.pitch is None:
        return {}
    times, hertz = file.pitch
    frames = np.minimum(np.round(times * 50).astype(int), len(song.pitch) - 1)
    voiced, heard = hertz > 0, song.voice[frames] > VOICED
    near = np.abs(song.pitch[frames][voiced] - semitones(hertz[voiced])) < CENTS
    return {
        "pitch": list(near.astype(float)),
        "recall": list(heard[voiced].astype(float)),
        "alarm": list(heard[~voiced].astype(float)),
    }


def by_pocketsphinx(file: Heard, aligner: Aligner) -> Callable[[], Sequence[Segment]]:
    """Where an aligner of speech finds the phones."""
    return lambda: aligner.align(file.sound.blocks(), file.text).phones


def by_voice(file: Heard, encoder: SpeechEncoder, song: Song) -> Callable[[], Sequence[Segment]]:
    """Where ours finds them."""

    def found() -> Sequence[Segment]:
        sounds = joined(encoder.articulate(file.sound.blocks)).sounds
        assert sounds is not None
        return align_lyrics(sounds, song.voice, *lyric_words([Cue(file.text)])).phones

    return found


def aligned(file: Heard, find: Callable[[], Sequence[Segment]]) -> Measured:
    """Errors of vowel onsets, ms, of the vowels that dictionary and truth have in common."""
    if not (file.phones and re.search(r"\w", file.text)):
        return {}
    try:
        found = onsets(find())
    except InputError:
        return {"lost": [1.0]}
    truth = onsets(file.phones)
    matcher = SequenceMatcher(None, [s.phone for s in truth], [s.phone for s in found], autojunk=False)
    pairs = [(i + k, j + k) for i, j, count in matcher.get_matching_blocks() for k in range(count)]
    errors = [1000 * abs(found[j].start - truth[i].start) for i, j in pairs]
    return {"lost": [0.0], "onset": errors, "p90": errors, "near": [float(e < 1000 * CLOSE) for e in errors]}


def onsets(phones: Sequence[Segment]) -> list[Segment]:
    """Vowels; of diphthongs the first halves."""
    before = [SILENCE, *(s.phone for s in phones)]
    return [s for s, p in zip(phones, before, strict=False) if s.phone in VOWELS and p not in _SECONDS.get(s.phone, ())]


def summary(rows: list[Measured]) -> str:
    """Means over everything, of times medians and percentiles."""
    pooled = {name: [v for row in rows for v in row.get(name, [])] for name in COLUMNS}
    of = {"onset": np.median, "p90": lambda values: np.percentile(values, 90)}
    return "".join(
        f"{of.get(name, np.mean)(values):8.{0 if name in of else 2}f}" if values else f"{'-':>8}"
        for name, values in pooled.items()
    )


if __name__ == "__main__":
    main()
