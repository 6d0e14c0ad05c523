"""How long a clip takes, stage by stage: `python benchmarks/end_to_end.py [--audio FILE] [--seconds 10] [--hour]`.

Every clip is rendered by a fresh process, start-up included. `--hour` renders one hour at 64x64 pixels and compares its
peak memory with that of a ten-second clip.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

DEMO = Path(__file__).parent.parent / "assets" / "demo" / "hello.flac"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, default=DEMO)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--size", default="512x512")
    parser.add_argument("--hour", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = lengthened(options.audio, options.seconds, Path(folder) / "clip.wav")
        print(f"{options.seconds:g} s at {options.size}, 25 frames/s, {len(os.sched_getaffinity(0))} cores")
        for attempt in ("first", "second", "third"):
            describe(attempt, render(clip, Path(folder) / "clip.mp4", options.size))
        if options.hour:
            compare_memory(options.audio, Path(folder))


def lengthened(audio: Path, seconds: float, out: Path) -> Path:
    """The recording, repeated until it lasts `seconds`."""
    samples, rate = soundfile.read(audio, dtype="int16")
    soundfile.write(out, np.resize(samples, round(seconds * rate)), rate)
    return out


def render(clip: Path, out: Path, size: str) -> dict[str, float]:
    """Render in a fresh process; wall and processor seconds of the whole, of its stages and of the encoder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    command = [sys.executable, "-m", "emosplat", str(clip), "-o", str(out), "--size", size, "--overwrite", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    record = json.load(process.stdout)
    _, status, own = os.wait4(process.pid, 0)  # its children, the encoder, are counted apart
    assert status == 0
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    stages = record["result"]["stage_cpu_seconds"]
    return {
        "wall": wall,
        "cpu": total,
        "frames": record["result"]["frames"],
        "duration": record["result"]["duration_s"],
        "peak MB": own.ru_maxrss / 1024,
        **{f"stage {name}": seconds for name, seconds in stages.items()},
    }


def describe(name: str, found: dict[str, float]) -> None:
    realtime = found["duration"] / found["wall"]
    print(f"{name}: {found['wall']:.2f} s wall ({realtime:.2f}x real time), {found['cpu']:.2f} s of processor time")
    stages = {n.removeprefix("stage "): s for n, s in found.items() if n.startswith("stage ")}
    stages["start-up and encoder"] = found["cpu"] - sum(stages.values())
    for stage, seconds in stages.items():
        each = 1000 * seconds / found["frames"]
        print(f"  {stage:22} {seconds:6.2f} s  {seconds / found['cpu']:4.0%}  {each:6.2f} ms/frame")


def compare_memory(audio: Path, folder: Path) -> None:
    peaks = {}
    for seconds in (10, 3600):
        clip = lengthened(audio, seconds, folder / "long.wav")
        found = render(clip, folder / "long.mp4", "64x64")
        peaks[seconds] = found["peak MB"]
        print(f"{seconds} s at 64x64: {found['wall']:.1f} s wall, peak memory {found['peak MB']:.0f} MB")
    print(f"one hour takes {peaks[3600] - peaks[10]:+.0f} MB more than ten seconds")


if __name__ == "__main__":
    main()
