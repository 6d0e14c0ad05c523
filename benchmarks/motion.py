"""Do the lips close where the speech closes them, under every emotion? `python benchmarks/motion.py FOLDER`.

FOLDER holds recordings `NAME.wav` with phone times in `NAME.phone.json`, as pocketsphinx's aligner writes them, which
nothing in emosplat was trained on; or it is a folder of recordings (docs/datasets.md), of which the people are measured
that training holds out. Measured on the mesh at 25 frames per second, blinks and head motion off:

- closed: /p b m/ whose inner-lip gap on the midline falls under a quarter of the clip's open-vowel gap (+-30 ms);
  p: /p/ alone;
- false: the same for all of /t d n k g ng/; alone: for those with no /p b m/ or pause beside them;
- long: vowels of 0.1 s or more whose widest gap stays under that quarter;
- vowel: median of the widest gap in open vowels, millimetres;
- pause: widest gap more than 0.25 s into a pause, as a share of the vowel gap;
- jitter: share of the jaw's velocity power above 8 Hz;
- speed: seconds of speech per second of processor time, audio to motion.

The row `words` is neutral with the words given, which are aligned again.

`--facegood FOLDER`: recordings with mouth shapes solved from video. Every shape is read from the predicted expression
and jaw (or from loudness) by ridge regression over five frames, fitted on the other recordings (the ridge by
cross-validation inside them): mean correlation over the 12 most active shapes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # idle BLAS threads spin, which would count as processor time

import numpy as np

from emosplat.avatars import Motion
from emosplat.avatars.library import open_avatar
from emosplat.blendshapes import EMOTIONS, Score, SpeechEncoder, TalkingHead, parse_emotion
from emosplat.blendshapes.evaluation.metrics import high_frequency_share
from emosplat.blendshapes.evaluation.naturalness import BILABIAL, NEAR, within
from emosplat.blendshapes.models.live import Live
from emosplat.blendshapes.models.procedural import Procedural
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.solve.solver import Solver
from emosplat.blendshapes.speech import phones
from emosplat.blendshapes.speech.encoder import Blocks
from emosplat.blendshapes.speech.features import RATE, log_mel_stream, loudness
from emosplat.blendshapes.speech.live import LiveEncoder
from emosplat.blendshapes.speech.phones import Segment
from emosplat.blendshapes.speech.transcript import Aligner
from emosplat.blendshapes.training.recordings import are_recordings, read_recordings
from emosplat.pipeline.clip.curves import CurveReader, frame_times
from emosplat.pipeline.media.audio import AudioClip, open_audio

FPS = 25.0
QUIET = {"blink": False, "head_motion": "none"}
OTHER_STOPS = {"T", "D", "N", "K", "G", "NG"}
OPEN_VOWELS = {"AA", "AE", "AO", "AY", "AW", "A1"}
VOWELS = OPEN_VOWELS | phones.VOWELS | {"EY", "OW", "OY"}
LONG = 0.1  # seconds
FACEGOOD_FPS, MOST_ACTIVE, NEAR_FRAMES = 30.0, 12, 2
RIDGES, FOLDS = (1.0, 10.0, 100.0, 1000.0, 10000.0), 5
COLUMNS = ("closed", "p", "false", "alone", "long", "vowel", "pause", "jitter", "speed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--avatar", default="person1")
    parser.add_argument("--facegood", type=Path)
    parser.add_argument("--weights", type=Path, help="other speech weights than the built-in ones")
    parser.add_argument("--live", action="store_true", help="the model `live`, which hears a tenth of a second ahead")
    options = parser.parse_args()
    clips = list(aligned(options.folder)) or list(held_out(options.folder) if are_recordings(options.folder) else ())
    if not clips:
        parser.error(f"{options.folder}: no NAME.phone.json beside a NAME.wav, and no recordings with people held out")
    head = open_avatar(options.avatar).head
    model = Live(LiveEncoder.load(options.weights)) if options.live else Procedural(SpeechEncoder.load(options.weights))
    actor = TalkingHead(model, Solver(head, FusionModel.built_in()))
    reader = CurveReader(head)
    print(f"{len(clips)} recordings, {sum(clip.duration for clip in clips):.0f} s, {options.avatar}")
    print(f"{'':10}" + "".join(f"{name:>8}" for name in COLUMNS))
    for emotion in EMOTIONS:
        rows = [measure(clip, emotion, actor, reader) for clip in clips]
        print(f"{emotion:10}{summary(rows)}")
    if not options.live:
        rows = [measure(clip, "neutral", actor, reader, words=True) for clip in clips]
        print(f"{'words':10}{summary(rows)}")
    if options.facegood:
        report_readout(options.facegood, actor)


@dataclass(frozen=True, eq=False)
class Spoken:
    """A recording with its phones."""

    blocks: Blocks
    duration: float  # seconds
    text: str
    phones: list[Segment]  # by ARPABET name


def aligned(folder: Path) -> Iterator[Spoken]:
    """What pocketsphinx's aligner has written phones of."""
    for path in sorted(folder.glob("*.phone.json")):
        words = json.loads(path.read_text(encoding="utf-8"))["w"]
        said = [Segment(p["b"], p["b"] + p["d"], p["t"]) for word in words for p in word.get("w", [])]
        names = (re.sub(r"\(\d+\)$", "", word["t"]) for word in words)
        clip = open_audio(path.with_name(path.name[:-11] + ".wav"))
        yield Spoken(clip.blocks, clip.duration, " ".join(name for name in names if name[0] not in "<[+"), said)


def held_out(folder: Path) -> Iterator[Spoken]:
    """Recordings of people whom training does not hear."""
    for said in read_recordings(folder).held_out:
        yield Spoken(lambda wave=said.wave: [wave], len(said.wave) / RATE, said.text, said.segments)


def measure(
    clip: Spoken,
    emotion: str,
    actor: TalkingHead,
    reader: CurveReader,
    *,
    words: bool = False,
    opening: float | None = None,
) -> dict[str, list[float]]:
    """Everything measured on one recording, by name; `opening`: that of vowels, mm, where not its own counts."""
    started = time.process_time()
    spoken = clip.phones
    told = Aligner().align(clip.blocks(), clip.text).phones if words else ()
    motion = perform(actor, clip, emotion, fps=FPS, phones=told)
    speed = clip.duration / (time.process_time() - started)
    gap = reader.read(motion)["mouth_opening_mm"]
    times = frame_times(len(gap), FPS)
    vowels = [gap[within(times, s, 0.02)].max() for s in spoken if s.phone in OPEN_VOWELS]
    own = float(np.median(vowels))
    opening = own if opening is None else opening
    closed = {
        names: [float(gap[within(times, s, NEAR)].min() < opening / 4) for s in wanted]
        for names, wanted in (
            ("closed", at(spoken, BILABIAL)),
            ("p", at(spoken, {"P"})),
            ("false", at(spoken, OTHER_STOPS)),
            ("alone", alone(spoken)),
        )
    }
    long = [gap[within(times, s, -0.02)].max() for s in spoken if s.phone in VOWELS and s.end - s.start >= LONG]
    pauses = [gap[(times > a + 0.25) & (times < b - 0.1)] for a, b, p in spoken if p == "SIL" and b - a > 0.45]
    return {
        **closed,
        "long": [float(widest < opening / 4) for widest in long],
        "vowel": [own],
        "pause": [max(0.0, float(g.max()) / opening) for g in pauses if len(g)],
        "jitter": [high_frequency_share(motion.jaw[:, 0], FPS)],
        "speed": [speed],
    }


def perform(
    actor: TalkingHead, clip: Spoken | AudioClip, emotion: str, *, fps: float, phones: Sequence[Segment] = ()
) -> Motion:
    """The motion of a whole recording."""
    score = Score(clip.duration, fps, clip.blocks, phones=tuple(phones), emotion=parse_emotion(emotion), **QUIET)
    return actor.motion(score)


def report_readout(folder: Path, actor: TalkingHead) -> None:
    """Mouth shapes from motion against mouth shapes from loudness."""
    paths = sorted(folder.glob("1114_*.wav"))
    names = np.load(next(folder.glob("*_bs_name.npy")), allow_pickle=False)
    measured = [np.load(folder / f"bs_value_{path.stem}.npy", allow_pickle=False) for path in paths]
    mouth = np.flatnonzero([str(name).startswith("mouth_") for name in names])
    shapes = mouth[np.argsort(-np.concatenate(measured)[:, mouth].std(axis=0))[:MOST_ACTIVE]]
    truths = [values[:, shapes] for values in measured]
    motions, levels = [], []
    for path, truth in zip(paths, truths, strict=True):
        clip = open_audio(path)
        motion = perform(actor, clip, "neutral", fps=FACEGOOD_FPS)
        motions.append(np.column_stack([motion.expr, motion.jaw[:, 0]])[: len(truth)])
        levels.append(loudness_at(clip, len(truth)))
    for name, inputs in (("expression and jaw", motions), ("loudness", levels)):
        print(f"readout of {MOST_ACTIVE} mouth shapes from {name:20}", *(f"{r:.2f}" for r in readout(inputs, truths)))


def loudness_at(clip: AudioClip, frames: int) -> np.ndarray:
    """Loudness [frames, 1], dB above silence, at the video's frames."""
    level = np.concatenate([loudness(mel) for mel in log_mel_stream(clip.blocks())])
    level = np.maximum(level - level.max(), -40.0)
    return np.interp(frame_times(frames, FACEGOOD_FPS), np.arange(len(level)) / 100, level)[:, None]


def readout(inputs: list[np.ndarray], truths: list[np.ndarray]) -> Iterator[float]:
    """Mean correlation over shapes, of each recording when the regression is fitted on the others."""
    rows = [(beside(x[: len(y)]), y[: len(x)]) for x, y in zip(inputs, truths, strict=True)]
    for i, (x, y) in enumerate(rows):
        known_x, known_y = (np.concatenate(part) for part in zip(*(rows[:i] + rows[i + 1 :]), strict=True))
        folds = np.array_split(np.arange(len(known_x)), FOLDS)
        scores = [[_fold_score(known_x, known_y, fold, ridge) for fold in folds] for ridge in RIDGES]
        yield correlation(regression(known_x, known_y, RIDGES[int(np.mean(scores, axis=1).argmax())])(x), y)


def _fold_score(x: np.ndarray, y: np.ndarray, fold: np.ndarray, ridge: float) -> float:
    rest = np.setdiff1d(np.arange(len(x)), fold)
    return correlation(regression(x[rest], y[rest], ridge)(x[fold]), y[fold])


def regression(x: np.ndarray, y: np.ndarray, ridge: float) -> Callable[[np.ndarray], np.ndarray]:
    """Ridge regression of y [n, k] on x [n, d]; one scale for all of x, so that faint modes stay faint."""
    mean, scale, middle = x.mean(axis=0), x.std() + 1e-9, y.mean(axis=0)
    a = (x - mean) / scale
    weights = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ (y - middle))
    return lambda new: (new - mean) / scale @ weights + middle


def correlation(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Mean over columns of Pearson's correlation; a column that does not move counts as 0."""
    p, t = predicted - predicted.mean(axis=0), truth - truth.mean(axis=0)
    scale = np.sqrt((p**2).sum(axis=0) * (t**2).sum(axis=0))
    return float(np.where(scale > 1e-9, (p * t).sum(axis=0) / np.maximum(scale, 1e-9), 0).mean())


def beside(x: np.ndarray) -> np.ndarray:
    """Every row with the two before and after it, [n, 5 d]."""
    padded = np.pad(x, ((NEAR_FRAMES, NEAR_FRAMES), (0, 0)), mode="edge")
    return np.hstack([padded[i : i + len(x)] for i in range(2 * NEAR_FRAMES + 1)])


def at(spoken: list[Segment], names: Collection[str]) -> list[Segment]:
    return [phone for phone in spoken if phone.phone in names]


def alone(spoken: list[Segment]) -> Iterator[Segment]:
    """Stops of the tongue whose neighbours give no reason to close the lips."""
    for i, phone in enumerate(spoken):
        beside = {p for _, _, p in spoken[max(0, i - 1) : i + 2]}
        if phone.phone in OTHER_STOPS and not beside & {*BILABIAL, "SIL"}:
            yield phone


def summary(rows: list[dict[str, list[float]]]) -> str:
    pooled = {name: [v for row in rows for v in row[name]] for name in rows[0]}
    pooled["pause"] = [max(pooled["pause"], default=float("nan"))]
    return "".join(f"{np.mean(pooled[name]) if pooled[name] else float('nan'):8.2f}" for name in COLUMNS)


if __name__ == "__main__":
    main()
