"""A thousand workers on an object store, simulated with service times that were measured here (docs/scale.md).

    pip install simpy
    python benchmarks/scale.py measure served.json               # 20 clips, one worker, a stand-in for S3 (moto)
    python benchmarks/scale.py simulate served.json
    python benchmarks/scale.py simulate served.json --workers 1000 --engine shards --spot 0.2

`measure` renders clips of 2 to 4 s from and to a bucket on this machine and writes down, for every clip, the processor
seconds of its stages, the size of its files and which requests were made; and how long planning, resuming and the
tables take per row. `simulate` draws from those. What no measurement here can tell is a parameter: latency and rates of
the store, how often machines vanish, prices (`--help` lists all with their defaults).

A worker has one core and two items in hand, as pipeline/batch/worker.py has. Of the engines, `ray` plans and gathers
once and hands items out one by one. Of `shards` (Slurm, --shard) whoever submits them plans, each reads that plan, and
the last one to end writes the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROWS = 20_000  # of the manifest by which planning and tables are timed
LANES = 2
PAGE = 1000  # names that one LIST tells
READ, WRITE = "read", "write"
KINDS = {"GET": READ, "HEAD": READ, "LIST": READ, "PUT": WRITE, "POST": WRITE, "DELETE": WRITE}
DEAR = ("LIST", "PUT", "POST")  # at the price of writing; deletion is free


class Bucket:
    """A bucket on an S3 server in a process of its own, which logs its requests."""

    def __init__(self, folder: Path) -> None:
        import fsspec

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._log = folder / "requests.log"
        with self._log.open("w") as log:
            command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
            self._server = subprocess.Popen(command, stdout=log, stderr=log)
        self._read = 0
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        os.environ |= {**keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        while "Running on" not in self._log.read_text(encoding="utf-8"):
            time.sleep(0.1)
        self.fs = fsspec.filesystem("s3")
        self.fs.mkdir("bucket")

    def requests(self) -> Counter[str]:
        """Requests since the last time, by method; LIST is told from GET."""
        text = self._log.read_text(encoding="utf-8")
        new, self._read = text[self._read :], len(text)
        found = re.findall(r'"(?:\x1b\[[\d;]*m)*([A-Z]+) (\S+) HTTP', new)  # some lines are coloured
        return Counter("LIST" if "list-type" in path else method for method, path in found)

    def close(self) -> None:
        self._server.terminate()
        self._server.wait()


def processor_seconds() -> float:
    """Of this process and of the encoders that it waited for."""
    return sum(os.times()[:4])


def measure(options: argparse.Namespace) -> None:
    """Write what a clip takes."""
    import numpy as np
    import soundfile
    from batch import DEMO, cut

    from emosplat.pipeline.batch.plan import BatchRequest, make_plan
    from emosplat.pipeline.batch.worker import Worker
    from emosplat.pipeline.settings import read_settings

    samples, rate = soundfile.read(DEMO, dtype="int16")
    rng, clips, url = np.random.default_rng(0), [], "s3://bucket"
    with tempfile.TemporaryDirectory() as folder, closing(Bucket(Path(folder))) as bucket:
        for i in range(options.clips + 1):
            sound = Path(folder) / "in" / f"clip{i:03d}.flac"
            cut(samples, rate, rng.uniform(2, 4), int(rng.integers(len(samples))), sound)
        bucket.fs.put(f"{folder}/in/", "bucket/in/", recursive=True)
        settings = read_settings({"size": options.size, "device": "cpu"})
        plan = make_plan(BatchRequest(f"{url}/in", f"{url}/out", settings=settings))
        worker = Worker(plan.rules, f"{url}/out")
        for item in plan.mine:
            bucket.requests()
            begin = processor_seconds()
            outcome = worker.run(item)
            assert outcome.status == "done", outcome.reason
            clips.append(
                {
                    "cpu_s": processor_seconds() - begin,
                    "requests": bucket.requests(),
                    "bytes": bucket.fs.size(f"bucket/out/{item.out}"),
                    "frames": outcome.frames,
                }
            )
        worker.close()
        sidecars = [bucket.fs.size(f"bucket/out/{item.out}.json") for item in plan.items]
    first, *others = clips  # the first one loads the models
    served = {
        "clips": others,
        "start_s": first["cpu_s"],
        "sidecar_bytes": sum(sidecars) / len(sidecars),
        **row_seconds(),
        "size": options.size,
    }
    options.file.write_text(json.dumps(served, indent=1), encoding="utf-8")
    print(json.dumps(summary(served), indent=1))


def row_seconds() -> dict[str, float]:
    """Processor seconds per row: to plan a manifest, to resume when all is finished, and for the tables."""
    from long_list import finish, plan, resume, tables, write_list

    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_list(folder, ROWS)
        for step in (plan, finish, resume, tables):
            begin = time.process_time()
            step(folder)
            found[step.__name__] = (time.process_time() - begin) / ROWS
    return {"plan_s": found["plan"], "load_s": found["resume"], "gather_s": found["tables"]}


def summary(served: dict[str, Any]) -> dict[str, Any]:
    """Means over the clips."""
    clips = served["clips"]
    requests: Counter[str] = Counter()
    for clip in clips:
        requests.update(clip["requests"])
    means = {name: round(sum(clip[name] for clip in clips) / len(clips), 3) for name in ("cpu_s", "bytes", "frames")}
    return means | {
        "requests": {name: round(count / len(clips), 2) for name, count in sorted(requests.items())},
        **{name: served[name] for name in ("start_s", "plan_s", "load_s", "gather_s", "sidecar_bytes")},
    }


class Store:
    """An object store: every request takes its latency, and so many per second of each kind are let through."""

    def __init__(self, env: Any, options: argparse.Namespace) -> None:
        self._env = env
        self._rates = {READ: options.reads, WRITE: options.writes}
        self._latency = options.latency / 1000
        self._free = dict.fromkeys(self._rates, 0.0)  # when the next request of a kind is let through
        self.counts: Counter[str] = Counter()

    def ask(self, requests: Mapping[str, float], size: float, speed: float) -> Any:
        """Wait for requests, one after the other, that move `size` bytes in all."""
        wait = size / speed
        for method, count in requests.items():
            kind = KINDS[method]
            self.counts[method] += count  # pyright: ignore[reportArgumentType]
            begin = max(self._env.now, self._free[kind])
            self._free[kind] = begin + count / self._rates[kind]
            wait += begin - self._env.now + count * self._latency
        return self._env.timeout(wait)


@dataclass
class Ledger:
    """What came of a simulated batch."""

    done: int = 0
    lost: int = 0  # clips that a vanished machine had in hand
    core_s: float = 0.0  # of processors at work
    last: float = 0.0


class Fleet:
    """Workers that take clips until there are none."""

    def __init__(self, env: Any, served: dict[str, Any], workers: int, clips: int, options: argparse.Namespace) -> None:
        import simpy  # pyright: ignore[reportMissingImports]

        self._simpy, self._env, self._served, self._options = simpy, env, served, options
        self._random = random.Random(options.seed)
        self._left = clips
        self._driver = simpy.Resource(env, 1)
        self.store, self.ledger = Store(env, options), Ledger()
        for _ in range(workers):
            env.process(self._machine())

    def _machine(self) -> Generator[Any]:
        """A machine that starts, works, and may vanish."""
        while self._left > 0:
            yield self._env.timeout(self._served["start_s"])
            core = self._simpy.Resource(self._env, 1)
            lanes = [self._env.process(self._lane(core)) for _ in range(LANES)]
            rate = self._options.spot / 3600
            life = self._env.timeout(self._random.expovariate(rate) if rate else 1e12)
            yield life | self._simpy.AllOf(self._env, lanes)
            if not life.triggered:
                return
            for lane in lanes:
                if lane.is_alive:
                    lane.interrupt()
            yield self._env.timeout(self._options.boot)

    def _lane(self, core: Any) -> Generator[Any]:
        while self._left > 0:
            self._left -= 1
            try:
                yield from self._clip(core, self._random.choice(self._served["clips"]))
            except self._simpy.Interrupt:
                self._left += 1
                self.ledger.lost += 1
                return
            self.ledger.done += 1
            self.ledger.last = self._env.now

    def _clip(self, core: Any, clip: dict[str, Any]) -> Generator[Any]:
        options = self._options
        if options.engine == "ray":
            with self._driver.request() as turn:
                yield turn
                yield self._env.timeout(options.dispatch / 1000)
        asked = clip["requests"]
        yield self.store.ask({m: n for m, n in asked.items() if KINDS[m] == READ}, 0, options.speed * 1e6)
        with core.request() as turn:
            yield turn
            yield self._env.timeout(clip["cpu_s"])
        self.ledger.core_s += clip["cpu_s"]
        writes = {m: n for m, n in asked.items() if KINDS[m] == WRITE}
        yield self.store.ask(writes, clip["bytes"], options.speed * 1e6)


def simulate(options: argparse.Namespace) -> None:
    """Print a row per number of workers."""
    import simpy  # pyright: ignore[reportMissingImports]

    served = json.loads(options.file.read_text(encoding="utf-8"))
    mean = summary(served)
    alone = 1 / mean["cpu_s"]  # clips per second of a core that never waits
    what = f"{mean['cpu_s']:.2f} core seconds a clip of {mean['frames']:.0f} frames"
    print(f"{what}; {options.clips:,} clips, {options.engine}")
    print("workers  clips/s  of ideal   hours: plan  draw  tables   lost   cost: cores  requests  storage per month")
    for workers in options.workers:
        env = simpy.Environment()
        sample = workers * options.each
        fleet = Fleet(env, served, workers, sample, options)
        env.run()
        ledger, counts = fleet.ledger, fleet.store.counts
        # the ends of the sample, when some workers have nothing to do, are no part of a long batch
        rate = ledger.done / (ledger.last - served["start_s"] - mean["cpu_s"])
        plan = served["plan_s"] * options.clips
        pages = 2 * options.clips / PAGE  # videos and records, listed before the tables
        tables = served["gather_s"] * options.clips + pages * options.latency / 1000
        draw = options.clips / rate
        share = options.clips / ledger.done
        reading = workers * served["load_s"] * options.clips if options.engine == "shards" else 0  # the plan, by each
        cores = workers * draw + plan + reading + tables
        dear = sum(counts[method] for method in DEAR) * share + pages
        cheap = (counts["GET"] + counts["HEAD"]) * share
        requests = cheap * options.price_reads + dear * options.price_writes
        stored = options.clips * (mean["bytes"] + served["sidecar_bytes"]) / 1e9 * options.price_storage
        plan += reading / workers
        print(
            f"{workers:7d} {rate:8.1f} {rate / (alone * workers):9.2f} {plan / 3600:13.2f} {draw / 3600:5.1f} "
            f"{tables / 3600:7.2f} {ledger.lost / ledger.done:6.1%} {cores / 3600 * options.price_core:11.0f} "
            f"{requests / 1000:9.0f} {stored:9.0f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    measuring = commands.add_parser("measure", help="render clips here and write down what each takes")
    measuring.add_argument("file", type=Path)
    measuring.add_argument("--clips", type=int, default=20)
    measuring.add_argument("--size", default="512x512")
    measuring.set_defaults(do=measure)
    simulating = commands.add_parser("simulate", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    simulating.add_argument("file", type=Path, help="what `measure` wrote")
    simulating.add_argument("--workers", type=int, nargs="*", default=[1, 10, 100, 300, 1000, 2000, 4000], help="cores")
    simulating.add_argument("--clips", type=int, default=1_000_000, help="of the whole batch")
    simulating.add_argument("--each", type=int, default=60, help="clips per worker that are simulated")
    simulating.add_argument("--engine", choices=("ray", "shards"), default="ray", help="who hands out the clips")
    simulating.add_argument("--dispatch", type=float, default=1.0, help="milliseconds of Ray's driver per clip")
    simulating.add_argument("--latency", type=float, default=30.0, help="milliseconds of a request")
    simulating.add_argument("--reads", type=float, default=5500.0, help="per second and prefix, listing included")
    simulating.add_argument("--writes", type=float, default=3500.0, help="per second and prefix, deletion included")
    simulating.add_argument("--speed", type=float, default=50.0, help="megabytes per second of a worker")
    simulating.add_argument("--spot", type=float, default=0.05, help="how often a machine vanishes, per hour")
    simulating.add_argument("--boot", type=float, default=120.0, help="seconds until there is another machine")
    simulating.add_argument("--price-core", type=float, default=0.02, help="dollars per core and hour")
    simulating.add_argument("--price-reads", type=float, default=0.0004, help="dollars per thousand, of GET and HEAD")
    simulating.add_argument("--price-writes", type=float, default=0.005, help="dollars per thousand, of PUT and LIST")
    simulating.add_argument("--price-storage", type=float, default=0.023, help="dollars per gigabyte and month")
    simulating.add_argument("--seed", type=int, default=0)
    simulating.set_defaults(do=simulate)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
