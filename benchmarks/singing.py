"""Do mouths sing? `python benchmarks/singing.py SONG... [--speech SPEECH...]`

SONG is a folder that `render data sing` made (phones and notes are known), or a sound file, or a folder of those. Beside
a file may lie what was annotated: NAME_f0.csv (seconds, Hz; 0 where unvoiced) and NAME_notesA1.csv (seconds, Hz,
duration), as vocadito has them (Bittner et al. 2021). SPEECH is the same without notes: nobody sings there.

Every group has a row as if it were speech (`no`) and one as a song (`yes`). Measured on the mesh at 25 frames per second,
blinks and head motion off. The vowel opening is the median of the widest inner-lip gap in open vowels, or, where no
phones are known, the 90th percentile of the gap:

- open: share of the voiced frames of notes above 0.4 s with a gap over a quarter of the vowel opening (in vowels, where
  phones are known);
- sealed: share of the loudest third of the frames with a gap under a tenth of it;
- pbm, false: /p b m/, and /t d n k g ng/, whose least gap (+-30 ms) is under a quarter; long: vowels of 0.1 s or more
  whose widest gap is;
- detected: share of the files that are taken for songs (`auto`);
- pitch, recall, alarm: share of the truly voiced frames with a pitch within 50 cents, of those that are heard as voiced,
  and of the unvoiced ones that are (raw pitch accuracy, voicing recall and false alarm of mir_eval);
- onset, p90, near: error of vowel onsets with the lyrics given, median and 90th percentile, ms, and the share within
  100 ms; lost: songs that could not be aligned. `--aligners` compares them with pocketsphinx's.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # idle BLAS threads spin, which would count as processor time

import numpy as np
from numpy.typing import NDArray

from emosplat.avatars.library import open_avatar
from emosplat.blendshapes import Score, TalkingHead
from emosplat.blendshapes.evaluation.naturalness import BILABIAL, NEAR, OPEN_VOWELS, QUARTER, TENTH, within
from emosplat.blendshapes.singing.notes import Note
from emosplat.blendshapes.speech.features import RATE, log_mel_stream, loudness
from emosplat.blendshapes.speech.phones import VOWELS, Segment
from emosplat.blendshapes.training.sung import NOTES, read_songs
from emosplat.core.media_formats import FILM, SOUND
from emosplat.pipeline.clip.curves import CurveReader, frame_times
from emosplat.pipeline.media.audio import open_audio

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FPS = 25.0
OTHER_STOPS = frozenset({"T", "D", "N", "K", "G", "NG"})
LONG_NOTE, LONG = 0.4, 0.1  # seconds
CENTS = 0.5  # semitones
COLUMNS = ("open", "sealed", "pbm", "false", "long")


@dataclass(frozen=True, eq=False)
class Heard:
    """A file with what is known of it."""

    group: str
    wave: F32
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
    reader = CurveReader(actor.head)
    print(f"{'':24}{'singing':>8}" + "".join(f"{name:>8}" for name in COLUMNS))
    for path in [*options.songs, *options.speech]:
        found = list(files_of(path, options.limit))
        for group in dict.fromkeys(file.group for file in found):
            files = [file for file in found if file.group == group]
            for singing in ("no", "yes") if "singing" in {f.name for f in fields(Score)} else ("no",):
                rows = [measure(file, actor, reader, singing) for file in files]
                print(f"{group[:24]:24}{singing:>8}" + summary(rows), flush=True)


def files_of(path: Path, limit: int | None) -> Iterator[Heard]:
    """Songs of a made folder, or sound files with what lies beside them."""
    if (path / NOTES).is_file():
        for number, song in enumerate(read_songs(path)):
            if number == limit:
                return
            yield Heard(path.name, song.said.wave, song.said.text, song.said.segments, song.notes)
        return
    paths = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix.lower() in SOUND | FILM)
    for file in paths[:limit]:
        wave = np.concatenate(list(open_audio(file).blocks()))
        yield Heard(
            file.stem if path.is_file() else path.name, wave, notes=notes_beside(file), pitch=pitch_beside(file)
        )


def notes_beside(path: Path) -> list[Note]:
    """What was annotated in NAME_notesA1.csv."""
    file = path.with_name(f"{path.stem}_notesA1.csv")
    return [
        Note(start, start + duration, 69 + 12 * np.log2(hertz / 440)) for start, hertz, duration in numbers_in(file)
    ]


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


def measure(file: Heard, actor: TalkingHead, reader: CurveReader, singing: str) -> dict[str, list[float]]:
    """Everything measured on one file's motion, by name."""
    more = {} if singing == "no" else {"singing": singing}
    score = Score(len(file.wave) / RATE, FPS, lambda: [file.wave], blink=False, head_motion="none", **more)
    gap = reader.read(actor.motion(score))["mouth_opening_mm"]
    times = frame_times(len(gap), FPS)
    vowels = [gap[within(times, s, 0.02)].max() for s in file.phones if s.phone in OPEN_VOWELS]
    opening = float(np.median(vowels) if vowels else np.percentile(gap, 90))
    held = gap[held_frames(file, times)]
    loud = level_at(file.wave, times)
    loudest = gap[loud >= np.quantile(loud, 2 / 3)]
    shut = {
        name: [float(gap[within(times, s, NEAR)].min() < QUARTER * opening) for s in file.phones if s.phone in phones]
        for name, phones in (("pbm", BILABIAL), ("false", OTHER_STOPS))
    }
    long = [gap[within(times, s, -0.02)].max() for s in file.phones if s.phone in VOWELS and s.end - s.start >= LONG]
    return {
        **shut,
        "open": list((held > QUARTER * opening).astype(float)),
        "sealed": list((loudest < TENTH * opening).astype(float)),
        "long": [float(widest < QUARTER * opening) for widest in long],
    }


def held_frames(file: Heard, times: F64) -> NDArray[np.bool_]:
    """Voiced frames of long notes, of those with phones the vowels, [n]."""
    spans = [(n.start, n.end) for n in file.notes if n.length > LONG_NOTE]
    inside = among(times, spans)
    if file.phones:
        return inside & among(times, [(s.start, s.end) for s in file.phones if s.phone in VOWELS])
    if file.pitch:
        inside &= file.pitch[1][np.abs(np.subtract.outer(times, file.pitch[0])).argmin(axis=1)] > 0
    return inside


def among(times: F64, spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Which times [n] lie in one of the spans."""
    return np.any([(times >= start) & (times < end) for start, end in spans] or [np.zeros(len(times), bool)], axis=0)


def level_at(wave: F32, times: F64) -> F64:
    """Loudness at `times` [n], dB."""
    level = np.concatenate([loudness(mel) for mel in log_mel_stream([wave])])
    return np.interp(times, np.arange(len(level)) / 100, level)


def summary(rows: list[dict[str, list[float]]]) -> str:
    pooled = {name: [v for row in rows for v in row[name]] for name in COLUMNS}
    return "".join(f"{np.mean(values):8.2f}" if values else f"{'-':>8}" for values in pooled.values())


if __name__ == "__main__":
    main()
