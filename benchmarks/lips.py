"""Do our lips move like a person's who was filmed? `python benchmarks/lips.py GRID`.

GRID holds sentences of one real speaker at 25 pictures per second: `landmarks.npz` (`points` [N, P, 3] in 1/64 pixels,
`index` the number of each point in MediaPipe's face mesh, `frames` and `ids` per sentence), `audio/ID.*`, and
`phones.jsonl` with lines `{"id": ..., "phones": [[name, start, end], ...]}`. Every second sentence is measured: the
constants of `blendshapes/speech/rules.py` come from the others. Nothing in emosplat was trained on these sounds.

Rows: the real lips; ours from the sound alone; ours from the sound with its phones given. Neutral, no head motion.
Opening is the inner-lip gap on the midline, `range` its 5th to 95th percentile over all sentences, its quarter counted
from the widest opening of the sentence's open vowels.

- opening, width, jaw: correlation with the real ones at lag 0, mean over sentences; lag: shift of best opening, ms;
- pbm: /p b m/ whose least opening (+-30 ms) is under a quarter; prec: contacts of ours that the real lips make, too;
- false: /t d n k g ng/ without /p b m w/ or a pause beside them, under a quarter; long: vowels of 0.1 s or more whose
  widest opening is under a quarter; w: the same of the least opening of /w/;
- shut: share of the frames of speech under a tenth of the range;
- close, part: milliseconds in which the opening goes from 50 to 10 % of the peak before a contact, and from 10 to 50 %
  of the peak after it; held: how long it stays under 10 %; medians;
- fast: 99th percentile of the speed of the opening, ranges per second;
- early: milliseconds by which the mouth begins to open before the first phone, median.

Then how naturally lips, head, brows and eyes move, with blinks and the head's motion: every statistic of
`blendshapes/evaluation/naturalness.py` of this speaker, of ours from the sound, and of people who were measured before
(the speeds of their lips with sensors, at 100 Hz: `--rate 100`).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # idle BLAS threads spin, which would count as processor time

import numpy as np
from numpy.typing import NDArray

from emosplat.avatars.library import open_avatar
from emosplat.blendshapes import Score, SpeechEncoder, TalkingHead
from emosplat.blendshapes.evaluation.naturalness import (
    BILABIAL,
    JAW,
    NEAR,
    OPEN_VOWELS,
    OPENING,
    PEOPLE,
    QUARTER,
    STATISTICS,
    TENTH,
    WIDTH,
    Take,
    correlation,
    crossing,
    statistics,
    within,
)
from emosplat.blendshapes.models.live import Live
from emosplat.blendshapes.models.procedural import Procedural
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.solve.solver import Solver
from emosplat.blendshapes.speech.live import LiveEncoder
from emosplat.blendshapes.speech.phones import SILENCE, VOWELS, Segment, from_arpabet
from emosplat.blendshapes.training.metrics import best_lag
from emosplat.core.maths import runs
from emosplat.pipeline.clip.curves import CurveReader, frame_times
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.tracking.landmarks import curves

F64 = NDArray[np.float64]

FPS = 25.0
STOPS = {"T", "D", "N", "K", "G", "NG"}
LONG = 0.1
EARLIEST = 0.6  # seconds before the first phone
TOUCHES_TOO = 0.06  # seconds by which the real contact may be earlier or later
IN_MS = ("lag", "close", "part", "held", "early")
COLUMNS = ("opening", "width", "jaw", "lag", "pbm", "prec", "false", "long", "w", "shut")
COLUMNS += ("close", "part", "held", "fast", "early")


@dataclass(frozen=True, eq=False)
class Sentence:
    """A filmed sentence."""

    name: str
    sound: Path
    phones: list[Segment]
    real: Take


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--avatar", default="person1")
    parser.add_argument("--weights", type=Path, help="other speech weights than the built-in ones")
    parser.add_argument("--live", action="store_true", help="the model `live`, which hears a tenth of a second ahead")
    parser.add_argument("--limit", type=int, default=60, help="sentences, spread over the recording; 0: all")
    parser.add_argument("--rate", type=float, default=FPS, help="our pictures per second in the last table")
    options = parser.parse_args()
    said = list(sentences(options.folder))[1::2]
    said = said[:: max(1, len(said) // options.limit)][: options.limit] if options.limit else said
    head = open_avatar(options.avatar).head
    model = Live(LiveEncoder.load(options.weights)) if options.live else Procedural(SpeechEncoder.load(options.weights))
    actor = TalkingHead(model, Solver(head, FusionModel.built_in()))
    reader = CurveReader(head)
    print(f"{len(said)} sentences, {sum(len(s.real) for s in said) / FPS:.0f} s, {options.avatar}")
    print(f"{'':7}" + "".join(f"{name:>8}" for name in COLUMNS))
    sound = [ours(actor, reader, s, ()) for s in said]
    report("real", said, [s.real for s in said])
    report("sound", said, sound)
    if not options.live:
        report("phones", said, [ours(actor, reader, s, s.phones) for s in said])
    if options.rate != FPS:
        sound = [ours(actor, reader, s, (), fps=options.rate) for s in said]
    compare([s.real for s in said], sound)


def sentences(folder: Path) -> Iterator[Sentence]:
    """The sentences in which the face was found in every picture and the phones are known."""
    lines = (folder / "phones.jsonl").read_text(encoding="utf-8").splitlines()
    phones = {row["id"]: row["phones"] for row in map(json.loads, lines)}
    with np.load(folder / "landmarks.npz", allow_pickle=False) as data:
        points = data["points"].astype(np.float64)
        number = {int(point): i for i, point in enumerate(data["index"])}
        clips = zip(data["ids"].tolist(), np.split(points, np.cumsum(data["frames"])[:-1]), strict=True)
    for name, seen in clips:
        if name in phones and len(seen) and (seen[:, :, 0] > 0).all():
            spoken = from_arpabet((start, end, label) for label, start, end in phones[name])
            path = next((folder / "audio").glob(f"{name}.*"))
            yield Sentence(name, path, spoken, Take(FPS, curves(seen, number, fps=FPS), phones=spoken))


def ours(
    actor: TalkingHead, reader: CurveReader, said: Sentence, phones: Sequence[Segment], *, fps: float = FPS
) -> Take:
    """Our face of a sentence, as long as was filmed."""
    clip = open_audio(said.sound)
    seed = int.from_bytes(said.name.encode())
    score = Score(clip.duration, fps, clip.blocks, phones=tuple(phones), seed=seed % 2**32)
    made = reader.measures(actor.motion(score))
    frames = np.minimum(np.arange(round(len(said.real) * fps / FPS)), len(made[OPENING]) - 1)
    return Take(fps, {name: curve[frames] for name, curve in made.items()}, phones=said.phones)


def compare(real: Sequence[Take], made: Sequence[Take]) -> None:
    """Every statistic of both, beside what people did who were measured before."""
    filmed, posed = statistics(real), statistics(made)
    print(f"\n{'':22}{'unit':14}{'real':>9}{'ours':>9}{'factor':>9}{'people':>9}")
    for s in STATISTICS:
        if not np.isnan(filmed[s.name]):
            factor = posed[s.name] / filmed[s.name] if filmed[s.name] else float("nan")
            people = PEOPLE[s.name].value if s.name in PEOPLE else float("nan")
            numbers = "".join(
                f"{'':>9}" if np.isnan(v) else f"{v:9.3g}" for v in (filmed[s.name], posed[s.name], factor, people)
            )
            print(f"{s.name:22}{s.unit:14}{numbers}")


def report(name: str, said: Sequence[Sentence], lips: Sequence[Take]) -> None:
    """One row of the table."""
    low, high = np.percentile(np.concatenate([one.curve(OPENING) for one in lips]), (5, 95))
    openings = [(one.curve(OPENING) - low) / (high - low) for one in lips]
    real_low, real_high = np.percentile(np.concatenate([s.real.curve(OPENING) for s in said]), (5, 95))
    rows = [
        measure(s, one, opening, (s.real.curve(OPENING) - real_low) / (real_high - real_low))
        for s, one, opening in zip(said, lips, openings, strict=True)
    ]
    pooled = {column: [v for row in rows for v in row[column]] for column in COLUMNS}
    found = {column: float(np.mean(values)) if values else float("nan") for column, values in pooled.items()}
    for column in IN_MS:
        found[column] = 1000 * float(np.median(pooled[column])) if pooled[column] else float("nan")
    found["fast"] = float(np.percentile(np.abs(np.concatenate([np.diff(o) for o in openings])), 99)) * FPS
    digits = {column: 0 if column in IN_MS else 2 for column in COLUMNS}
    print(f"{name:7}" + "".join(f"{found[column]:8.{digits[column]}f}" for column in COLUMNS))


def measure(said: Sentence, lips: Take, opening: F64, real: F64) -> dict[str, list[float]]:
    """Everything but `fast` of one sentence; `opening` and `real` [n] in ranges."""
    times = frame_times(len(opening), FPS)
    vowels = [opening[within(times, s, 0.02)].max() for s in said.phones if s.phone in OPEN_VOWELS]
    quarter = QUARTER * float(np.median(vowels)) if vowels else QUARTER
    speech = [s for s in said.phones if s.phone != SILENCE]
    talking = (times >= speech[0].start) & (times <= speech[-1].end)

    def least(phones: Collection[str]) -> list[float]:
        return [float(opening[within(times, s, NEAR)].min() < quarter) for s in speech if s.phone in phones]

    contacts = list(runs((opening < TENTH) & talking))
    reach = round(TOUCHES_TOO * FPS)
    touched = [float(real[max(0, a - reach) : b + reach].min() < TENTH) for a, b in contacts]
    long = [s for s in speech if s.phone in VOWELS and s.end - s.start >= LONG]
    lag = best_lag(lips.curve(OPENING), said.real.curve(OPENING), rate=FPS)[1] if opening.std() > 0 else 0.0
    return {
        "opening": [correlation(lips.curve(OPENING), said.real.curve(OPENING))],
        "width": [correlation(lips.curve(WIDTH), said.real.curve(WIDTH))],
        "jaw": [correlation(lips.curve(JAW), said.real.curve(JAW))],
        "lag": [lag],
        "pbm": least(BILABIAL),
        "prec": touched,
        "false": [float(opening[within(times, s, NEAR)].min() < quarter) for s in alone(said.phones)],
        "long": [float(opening[within(times, s, -0.02)].max() < quarter) for s in long],
        "w": least({"W"}),
        "shut": (opening[talking] < TENTH).astype(float).tolist(),
        "close": [t for a, b in contacts if (t := crossing(opening[:a][::-1], FPS)) is not None],
        "part": [t for a, b in contacts if (t := crossing(opening[b:], FPS)) is not None],
        "held": [(b - a) / FPS for a, b in contacts],
        "fast": [],
        "early": [speech[0].start - times[first] for first in began(opening, times, speech[0].start)],
    }


def alone(phones: Sequence[Segment]) -> Iterator[Segment]:
    """Stops of the tongue whose neighbours give no reason to close the lips."""
    for i, phone in enumerate(phones):
        beside = {s.phone for s in phones[max(0, i - 1) : i + 2]}
        if phone.phone in STOPS and not beside & {*BILABIAL, "W", SILENCE}:
            yield phone


def began(opening: F64, times: F64, start: float) -> Iterator[int]:
    """The first frame of the first opening around the first phone, where the mouth was at rest before."""
    shut = np.flatnonzero((opening < TENTH) & (times < start) & (times > start - EARLIEST))
    before = np.flatnonzero((opening >= TENTH) & (times > start - EARLIEST))
    if len(shut) and len(before):
        yield int(before[0])


if __name__ == "__main__":
    main()
