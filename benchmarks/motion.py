"""Do the lips close where the speech closes them, under every emotion? `python benchmarks/motion.py FOLDER`.

FOLDER holds recordings `NAME.wav` with phone times in `NAME.phone.json`, as pocketsphinx's aligner writes them. Nothing
in emosplat was trained on them. Measured on the mesh at 25 frames per second, blinks and head motion off:

- closed: /p b m/ whose inner-lip gap on the midline falls under a quarter of the clip's open-vowel gap (+-30 ms);
- false: the same for /t d n k g ng/ with no /p b m/ or pause beside them;
- vowel: median of the widest gap in open vowels, millimetres;
- pause: widest gap more than 0.25 s into a pause, as a share of the vowel gap;
- jitter: share of the jaw's velocity power above 8 Hz;
- speed: seconds of speech per second of processor time, audio to motion.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from emosplat.avatars import Motion
from emosplat.avatars.library import open_avatar
from emosplat.blendshapes import EMOTIONS, Direction, Performer, SpeechEncoder, parse_emotion
from emosplat.blendshapes.metrics import high_frequency_share
from emosplat.pipeline.audio import AudioClip, open_audio
from emosplat.pipeline.curves import CurveReader, frame_times

FPS = 25.0
BILABIAL = {"P", "B", "M"}
OTHER_STOPS = {"T", "D", "N", "K", "G", "NG"}
OPEN_VOWELS = {"AA", "AE", "AO", "AY", "AW"}
Phone = tuple[float, float, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--avatar", default="person1")
    options = parser.parse_args()
    clips = [(open_audio(p.with_name(p.name[:-11] + ".wav")), phones(p)) for p in options.folder.glob("*.phone.json")]
    head = open_avatar(options.avatar).head
    performer, reader = Performer(head, SpeechEncoder.load()), CurveReader(head)
    print(f"{len(clips)} recordings, {sum(c.duration for c, _ in clips):.0f} s, {options.avatar}")
    print(f"{'':10} {'closed':>7} {'false':>7} {'vowel':>7} {'pause':>7} {'jitter':>7} {'speed':>7}")
    for emotion in EMOTIONS:
        rows = [measure(clip, spoken, emotion, performer, reader) for clip, spoken in clips]
        print(f"{emotion:10} {summary(rows)}")


def phones(path: Path) -> list[Phone]:
    """Start, end (seconds) and name of each phone."""
    words = json.loads(path.read_text())["w"]
    return [(p["b"], p["b"] + p["d"], p["t"]) for word in words for p in word.get("w", [])]


def measure(
    clip: AudioClip, spoken: list[Phone], emotion: str, performer: Performer, reader: CurveReader
) -> dict[str, list[float]]:
    """Everything measured on one recording, by name."""
    started = time.process_time()
    direction = Direction(emotion=parse_emotion(emotion), blink=False, head_motion="none")
    motion = Motion.concatenate(performer.perform(clip.blocks, duration=clip.duration, fps=FPS, direction=direction))
    speed = clip.duration / (time.process_time() - started)
    gap = reader.read(motion)["mouth_opening_mm"]
    times = frame_times(len(gap), FPS)
    vowels = [gap[near(times, a, b, 0.02)].max() for a, b, p in spoken if p in OPEN_VOWELS]
    opening = float(np.median(vowels))
    closed = {
        names: [float(gap[near(times, a, b, 0.03)].min() < opening / 4) for a, b, p in wanted]
        for names, wanted in (("closed", at(spoken, BILABIAL)), ("false", alone(spoken)))
    }
    pauses = [gap[(times > a + 0.25) & (times < b - 0.1)] for a, b, p in spoken if p == "SIL" and b - a > 0.45]
    return {
        **closed,
        "vowel": [opening],
        "pause": [max(0.0, float(g.max()) / opening) for g in pauses if len(g)],
        "jitter": [high_frequency_share(motion.jaw[:, 0], FPS)],
        "speed": [speed],
    }


def near(times: np.ndarray, start: float, end: float, margin: float) -> np.ndarray:
    """Frames within `margin` seconds of a phone; at least the nearest one."""
    chosen = (times >= start - margin) & (times <= end + margin)
    chosen[np.abs(times - (start + end) / 2).argmin()] = True
    return chosen


def at(spoken: list[Phone], names: set[str]) -> list[Phone]:
    return [phone for phone in spoken if phone[2] in names]


def alone(spoken: list[Phone]) -> Iterator[Phone]:
    """Stops of the tongue whose neighbours give no reason to close the lips."""
    for i, phone in enumerate(spoken):
        beside = {p for _, _, p in spoken[max(0, i - 1) : i + 2]}
        if phone[2] in OTHER_STOPS and not beside & {*BILABIAL, "SIL"}:
            yield phone


def summary(rows: list[dict[str, list[float]]]) -> str:
    pooled = {name: [v for row in rows for v in row[name]] for name in rows[0]}
    pooled["pause"] = [max(pooled["pause"], default=float("nan"))]
    return " ".join(f"{np.mean(values) if values else float('nan'):7.2f}" for values in pooled.values())


if __name__ == "__main__":
    main()
