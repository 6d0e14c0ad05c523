"""Speech to articulation on real recordings: `python benchmarks/speech.py DATA_FOLDER`.

Closures against phones with times (given, or aligned with pocketsphinx where there is only a transcript), the jaw
against a jaw solved from video, and the speed of one core. The recordings are never trained on.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from emosplat.blendshapes.speech.encoder import AXES, RATE, SpeechEncoder
from emosplat.blendshapes.speech.features import RATE as SAMPLE_RATE
from emosplat.blendshapes.speech.live import LiveEncoder
from emosplat.blendshapes.speech.phones import BILABIALS, LABIODENTALS, Segment, from_arpabet
from emosplat.blendshapes.speech.rules import articulate, opening
from emosplat.blendshapes.speech.transcript import Aligner
from emosplat.blendshapes.training.metrics import CONTRASTS, Closures, area_under_curve, best_lag, closures, during
from emosplat.core.errors import InputError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_JAW_COLUMN = 74  # mouth_stretch_c
_VIDEO_RATE = 30.0
_FAINT = -30.0  # dB
_OTHERS = CONTRASTS | {"S", "Z", "TH", "DH", "L", "HH", "Y"}  # consonants without the lips
_ROUNDED = {"UW", "UH", "AO", "OW1", "OW2", "OY1", "W"}
_SPREAD = {"IY", "IH", "EH", "AE", "AA", "AH", "AX", "EY1", "A1", "Y2"}
# Axis: phones in which it is high, phones in which it is low, what counts during a phone
SIGNALS = {
    "close": (BILABIALS, CONTRASTS, np.max),
    "tuck": (LABIODENTALS, _OTHERS, np.max),
    "round": (_ROUNDED, _SPREAD, np.mean),
}
_JFK = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording with its phones."""

    name: str
    group: str
    wave: F32
    segments: list[Segment]


def read(path: Path) -> F32:
    """Mono 16 kHz samples of an audio file."""
    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(wave.mean(axis=1), rate, SAMPLE_RATE).astype(np.float32)


def timed_clips(data: Path) -> Iterator[Clip]:
    """Clips whose phone times come with them."""
    for path in sorted((data / "pocketsphinx" / "librivox").glob("*.phone.json")):
        words = json.loads(path.read_text())["w"]
        labels = [(p["b"], p["b"] + p["d"], p["t"]) for word in words for p in word["w"]]
        wave = read(path.with_name(path.name.replace(".phone.json", ".wav")))
        yield Clip(path.name.split(".")[0][-4:], "librivox", wave, from_arpabet(labels))


def transcribed_clips(data: Path) -> Iterator[Clip]:
    """Clips with a transcript, aligned with pocketsphinx; those that it cannot align are left out."""
    aligner = Aligner()
    for path, group, text in _transcripts(data):
        wave = read(path)
        try:
            yield Clip(path.stem, group, wave, aligner.align([wave], text).phones)
        except InputError as error:
            print(f"{path.name}: {error}")


def _transcripts(data: Path) -> Iterator[tuple[Path, str, str]]:
    cards = data / "pocketsphinx" / "cards"
    for line in (cards / "cards.transcription").read_text().splitlines():
        found = re.match(r"<s>(.*)</s> \((\d+)\)", line)
        if found:
            yield cards / f"{found[2]}.wav", "cards", found[1]
    with (data / "ljspeech" / "metadata.csv").open() as file:
        for name, _, text in csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE):
            if (data / "ljspeech" / f"{name}.wav").exists():
                yield data / "ljspeech" / f"{name}.wav", "ljspeech", text
    yield data / "misc" / "jfk.flac", "jfk", _JFK


def axes_of(encoder: SpeechEncoder | LiveEncoder, wave: F32) -> F32:
    """Articulation of a whole clip, [n, 8]."""
    return np.concatenate([piece.axes for piece in encoder.articulate(lambda: [wave])])


def level_of(encoder: SpeechEncoder | LiveEncoder, wave: F32) -> F32:
    """Loudness of a whole clip, [n] dB."""
    return np.concatenate([piece.level for piece in encoder.articulate(lambda: [wave])])


def report_closures(encoder: SpeechEncoder | LiveEncoder, clips: list[Clip]) -> None:
    """Hit and false rate, AUC and lag against the teacher run on the true phones."""
    print(f"{'clips':12}{'P B M':>7}{'hit':>7}{'false':>7}{'AUC':>7}{'r':>7}{'lag ms':>8}")
    results: dict[str, list[tuple[Closures, float, float]]] = {}
    ideal = []
    for clip in clips:
        axes = axes_of(encoder, clip.wave)
        taught = articulate(clip.segments, len(axes))
        ideal.append(closures(taught, clip.segments))
        wanted = opening(taught)
        r, lag = best_lag(opening(axes).astype(float), wanted.astype(float), rate=RATE)
        results.setdefault(clip.group, []).append((closures(axes, clip.segments), r, lag))
    groups = [*results.items(), ("all", [result for group in results.values() for result in group])]
    for name, group in groups:
        pooled = Closures.pool(c for c, _, _ in group)
        r, lag = np.mean([r for _, r, _ in group]), 1000 * np.median([lag for _, _, lag in group])
        print(
            f"{name:12}{len(pooled.bilabial):7}{pooled.hit:7.2f}{pooled.false:7.2f}{pooled.auc:7.2f}{r:7.2f}{lag:8.0f}"
        )
    taught = Closures.pool(ideal)
    print(f"{'teacher':12}{len(taught.bilabial):7}{taught.hit:7.2f}{taught.false:7.2f}{taught.auc:7.2f}")


def report_signals(encoder: SpeechEncoder | LiveEncoder, clips: list[Clip]) -> None:
    """How well each signal alone tells its phones from others: area under the curve, chance 0.5."""
    print(f"{'signal':12}{'phones':>7}{'others':>7}{'AUC':>7}")
    heard = [(axes_of(encoder, clip.wave), clip.segments) for clip in clips]
    for name, (phones, others, least) in SIGNALS.items():
        found, rest = (
            [
                float(least(during(axes[:, AXES.index(name)], s)))
                for axes, segments in heard
                for s in segments
                if s.phone in kind
            ]
            for kind in (phones, others)
        )
        print(f"{name:12}{len(found):7}{len(rest):7}{area_under_curve(found, rest):7.2f}")


def report_jaw(encoder: SpeechEncoder | LiveEncoder, folder: Path) -> None:
    """Correlation with a jaw solved from video, at the best shift; positive: the prediction is late."""
    for path in sorted(folder.glob("1114_*.wav")):
        measured = np.load(folder / f"bs_value_{path.stem}.npy", allow_pickle=False)[:, _JAW_COLUMN]
        wave = read(path)
        axes = axes_of(encoder, wave)
        times = (np.arange(len(measured)) + 0.5) / _VIDEO_RATE
        level = level_of(encoder, wave)
        curves = {"jaw": axes[:, AXES.index("jaw")], "opening": opening(axes), "loudness": np.maximum(level, _FAINT)}
        for name, curve in curves.items():
            predicted = np.interp(times, np.arange(len(curve)) / RATE, curve)
            r, lag = best_lag(predicted, measured, rate=_VIDEO_RATE)
            direct = np.corrcoef(predicted, measured)[0, 1]
            print(f"{path.stem} {name:8} r {direct:.2f}, best r {r:.2f} at {1000 * lag:+.0f} ms")


def report_speed(encoder: SpeechEncoder | LiveEncoder) -> None:
    """Seconds of audio per second of CPU time of this thread."""
    rng = np.random.default_rng(0)
    loudness = np.interp(np.arange(60 * SAMPLE_RATE), np.arange(600) * 1600, rng.random(600))
    wave = (0.1 * loudness * rng.standard_normal(60 * SAMPLE_RATE)).astype(np.float32)
    started = time.process_time()
    axes_of(encoder, wave)
    print(f"speed: {60 / (time.process_time() - started):.0f} times real time (process CPU time, features and network)")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with pocketsphinx/, ljspeech/, misc/ and facegood/")
    parser.add_argument("--weights", type=Path, help="other weights than the built-in ones")
    parser.add_argument("--live", action="store_true", help="the encoder of the model `live`")
    options = parser.parse_args()
    encoder = (LiveEncoder if options.live else SpeechEncoder).load(options.weights)
    print(f"weights: {encoder.version}, sha256 {encoder.sha256[:12]}, look-ahead {encoder.lookahead:.3f} s")
    report_speed(encoder)
    if not (options.data / "pocketsphinx").is_dir():
        print(f"{options.data}: no such recordings; only the speed was measured")
        return
    clips = list(timed_clips(options.data))
    try:
        clips += list(transcribed_clips(options.data))
    except InputError as error:
        print(f"only clips that come with phone times are measured: {error}")
    report_closures(encoder, clips)
    report_signals(encoder, clips)
    report_jaw(encoder, options.data / "facegood")


if __name__ == "__main__":
    main()
