"""What a batch costs beyond its frames: `python benchmarks/batch.py [--clips 200] [--size 512x512] [--memory 1000]`.

Raw speed is that of the same workers, all at once, on one long clip each: frames and nothing else. The batch is timed
from when every worker has finished a clip (start-up excluded) to its last clip. Processor time, of workers and
encoders, is compared too: it depends less on what else the computer does. `--memory N` renders N tiny items and prints
how the workers' memory grows.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from emosplat.pipeline.batch.engines.local import LocalEngine
from emosplat.pipeline.batch.plan import BatchRequest, make_plan
from emosplat.pipeline.settings import read_settings

DEMO = Path(__file__).parent.parent / "assets" / "demo" / "hello.flac"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--size", default="512x512")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--long", type=float, default=60.0, help="seconds of the clip that tells the raw speed")
    parser.add_argument("--memory", type=int, default=0, metavar="ITEMS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.memory:
            watch_memory(folder, options.memory, options.workers)
        else:
            compare(folder, options)


@dataclass(frozen=True)
class Timing:
    """A batch without its start-up."""

    clips: int
    frames: int
    wall: float  # seconds
    cpu: float  # seconds of all workers and encoders

    @property
    def fps(self) -> float:
        """Frames per second of all workers together."""
        return self.frames / self.wall


def compare(folder: Path, options: argparse.Namespace) -> None:
    samples, rate = soundfile.read(DEMO, dtype="int16")
    rng = np.random.default_rng(0)
    for i in range(options.clips):
        cut(samples, rate, rng.uniform(2, 4), int(rng.integers(len(samples))), folder / "short" / f"clip{i:03d}.wav")
    for i in range(2 * options.workers):  # the first of each worker is its start-up
        cut(samples, rate, options.long if i >= options.workers else 2.0, 0, folder / "long" / f"clip{i:03d}.wav")
    print(f"{options.clips} clips of 2 to 4 s at {options.size}, {len(os.sched_getaffinity(0))} cores")
    timings = {}
    for workers in dict.fromkeys((1, options.workers)):
        raw = run(folder / "long", folder / f"raw{workers}", options.size, workers)
        batch = timings[workers] = run(folder / "short", folder / f"batch{workers}", options.size, workers)
        show(workers, raw, batch)
    if options.workers > 1:
        ratio = timings[options.workers].fps / timings[1].fps
        print(f"{options.workers} workers are {ratio:.2f} times as fast as 1")


def show(workers: int, raw: Timing, batch: Timing) -> None:
    cost, ideal = batch.wall * workers / batch.clips, batch.frames / batch.clips / (raw.fps / workers)
    cpu_cost, cpu_ideal = batch.cpu / batch.clips, raw.cpu / raw.frames * batch.frames / batch.clips
    print(f"{workers} workers: raw {raw.fps:.1f} frames/s, batch {batch.fps:.1f} frames/s = {batch.fps / raw.fps:.3f}")
    print(f"  beyond its frames a clip takes {1000 * (cost - ideal):.0f} ms of a worker ({cost / ideal - 1:+.1%})")
    print(f"  and {1000 * (cpu_cost - cpu_ideal):.0f} ms of processor time ({cpu_cost / cpu_ideal - 1:+.1%})")


def cut(samples: np.ndarray, rate: int, seconds: float, first: int, path: Path) -> None:
    """Write `seconds` of the recording, repeated as needed, from sample `first` on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.resize(np.roll(samples, -first), round(seconds * rate)), rate)


def run(source: Path, out: Path, size: str, workers: int) -> Timing:
    """Render all clips, timed from when each worker has finished one."""
    plan = make_plan(BatchRequest(str(source), str(out), settings=read_settings({"size": size})))
    clips, frames, began, end, cpu, last = 0, 0, 0.0, 0.0, 0.0, 0.0
    busy: set[int] = set()
    with closing(LocalEngine(workers).run(plan.rules, str(out), plan.mine)) as events:
        for number, event in enumerate(e for e in events if e.outcome is not None):
            assert event.outcome is not None
            assert event.outcome.status == "done", event.outcome.reason
            end = time.perf_counter()
            busy |= set(workers_of(os.getpid()))
            if number == workers - 1:
                began, cpu = end, cpu_of(busy)
            elif number >= workers:
                clips, frames = clips + 1, frames + event.outcome.frames
            last = cpu_of(busy)
    return Timing(clips, frames, end - began, last - cpu)


def workers_of(pid: int) -> list[int]:
    """The processes below ours that are workers."""
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


def cpu_of(pids: set[int]) -> float:
    """Processor seconds of processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            ticks += sum(map(int, stat.read_text(encoding="utf-8").rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def watch_memory(folder: Path, items: int, workers: int) -> None:
    samples, rate = soundfile.read(DEMO, dtype="int16")
    for i in range(items):
        cut(samples, rate, 0.4, 997 * i, folder / "in" / f"clip{i:04d}.wav")
    plan = make_plan(BatchRequest(str(folder / "in"), str(folder / "out"), settings=read_settings({"size": "64x64"})))
    done = 0
    with closing(LocalEngine(workers).run(plan.rules, str(folder / "out"), plan.mine)) as events:
        for event in events:
            done += event.outcome is not None
            if event.outcome is not None and done % (items // 10) == 0:
                peaks = [peak_memory(pid) for pid in workers_of(os.getpid())]
                print(f"{done} items: peak of each process {', '.join(f'{p:.0f} MB' for p in peaks if p > 50)}")


def peak_memory(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


if __name__ == "__main__":
    main()
