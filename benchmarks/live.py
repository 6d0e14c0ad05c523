"""How late a live face is, where it is received: `python benchmarks/live.py [--seconds 180] [--size 512x512]`.

A minute or more of speech goes through `render live` in real time. Another process receives what any program would:
curves over UDP as Live Link Face, over WebSocket by 20 clients at once, and the page's pictures. Late is what comes
late there, after the middle of the sound that a frame shows; both processes read one monotonic clock. Half way, busy
processes take all cores for five seconds. Memory is the session's, in megabytes, from a quarter of the time on.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import soundfile

BURST = 5.0  # seconds
CALM = 0.05  # seconds more than before at which a burst counts as over
FPS = 30
Face = tuple[float, float, float]  # by which one frame is told from another: pitch, yaw and roll of the head


def main() -> None:
    """Print how late frames came by each way, and what a burst of load did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--size", default="512x512")
    parser.add_argument("--avatar", default="person1")
    parser.add_argument("--model", default="live")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--no-burst", action="store_true")
    parser.add_argument("--no-pictures", action="store_true")
    asked = parser.parse_args()

    from emosplat.pipeline.live.studio import Studio
    from emosplat.pipeline.settings import read_settings

    settings = {"avatar": asked.avatar, "size": asked.size, "model": asked.model, "fps": FPS, "device": "cpu"}
    with tempfile.TemporaryDirectory() as folder, receivers(asked.clients, not asked.no_pictures) as (far, udp):
        sound = Path(folder) / "speech.wav"
        write_speech(sound, asked.seconds)
        heard: dict[int, float] = {}
        address = f"127.0.0.1:{udp}"
        studio = Studio(str(sound), read_settings(settings), live_link=[address], pictures=not asked.no_pictures)
        studio.session.keepers.append(lambda frame: heard.__setitem__(frame.index, frame.heard))
        with studio:
            far.send(studio.url.replace("http", "ws"))
            far.recv()  # all are there
            begun, cpu = time.monotonic(), time.process_time()
            burst, memory = watched(asked.seconds, burst=not asked.no_burst)
            studio.session.wait()
            spent = (time.process_time() - cpu) / (time.monotonic() - begun)
        far.send("end")
        arrivals: dict[str, list[tuple[float, float]]] = far.recv()
        print(*studio.session.latency.lines(), sep="\n")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {spent:.2f} cores' time spent by the session")
    print(f"memory {memory[0]:.0f} to {memory[-1]:.0f} MB")
    for way, came in arrivals.items():
        told(way, came, heard, begun, burst)


def told(way: str, came: list[tuple[float, float]], heard: dict[int, float], begun: float, burst: float | None) -> None:
    """Print how late what came was: (time of the frame in the sound, when it came)."""
    rows = [(at, at - heard[n]) for time, at in came if (n := round(time * FPS - 0.5)) in heard and at > begun + 2]
    if not rows:
        print(f"{way}: nothing came")
        return
    at, late = np.array(rows).T
    calm = np.ones(len(at), bool) if burst is None else (at < burst) | (at > burst + BURST + 2)
    p50, p95, p99 = np.percentile(1000 * late[calm], (50, 95, 99))
    print(f"{way}: p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f}, most {1000 * late[calm].max():.0f} ms ({calm.sum()})")
    if burst is not None:
        usual = np.percentile(late[at < burst], 95) + CALM
        most = 1000 * late[(at > burst) & (at < burst + BURST)].max(initial=0)
        over = burst + BURST
        after = [t for t in np.arange(over, over + 10, 0.1) if np.median(late[(at >= t) & (at < t + 0.5)]) < usual]
        calmed = min(after, default=np.inf) - over
        print(f"{way}: in the burst at most {most:.0f} ms, as before {calmed:.1f} s after it")


def watched(seconds: float, *, burst: bool) -> tuple[float | None, list[float]]:
    """Let half of the time pass, load the machine, and measure memory; when the burst began."""
    begun, memory, at = time.monotonic(), [], None
    while (now := time.monotonic() - begun) < seconds - 1:
        if now > seconds / 4:
            memory.append(resident())
        if burst and at is None and now > seconds / 2:
            at = time.monotonic()
            busy = [multiprocessing.Process(target=work, args=(at + BURST,)) for _ in range(os.cpu_count() or 1)]
            for process in busy:
                process.start()
        time.sleep(1)
    return at, memory or [resident()]


def work(until: float) -> None:
    """Keep one core busy."""
    while time.monotonic() < until:
        sum(range(10_000))


def resident() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def write_speech(path: Path, seconds: float) -> None:
    """The example sentence, said again and again."""
    import emosplat

    samples, rate = soundfile.read(emosplat.example_speech(), dtype="float32")
    samples = np.concatenate([samples, np.zeros(rate // 2, np.float32)])
    soundfile.write(path, np.resize(samples, round(seconds * rate)), rate)


@contextmanager
def receivers(clients: int, pictures: bool) -> Iterator[tuple[Connection, int]]:
    """Another process that receives; a connection to it, and its UDP port."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=receive, args=(there, clients, pictures))
    process.start()
    try:
        yield here, here.recv()
    finally:
        process.terminate()
        process.join()


def receive(far: Connection, clients: int, pictures: bool) -> None:
    """Receive by every way until told to end; then send what came, and when."""
    asyncio.run(_receive(far, clients, pictures))


async def _receive(far: Connection, clients: int, pictures: bool) -> None:
    import json

    from websockets.asyncio.client import connect

    arrivals: dict[str, list[tuple[float, float]]] = {"curves, UDP": [], "curves, WebSocket": [], "pictures": []}

    class Udp(asyncio.DatagramProtocol):
        """Remembers when which face came."""

        def datagram_received(self, data: bytes, addr: object) -> None:
            yaw, pitch, roll = struct.unpack(">9f", data[-36:])[:3]  # of the head
            packets.append(((round(pitch, 4), round(yaw, 4), round(roll, 4)), time.monotonic()))

    packets: list[tuple[Face, float]] = []
    frames: dict[Face, float] = {}
    loop = asyncio.get_running_loop()
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))
    await loop.create_datagram_endpoint(Udp, sock=listening)
    far.send(listening.getsockname()[1])
    url = await loop.run_in_executor(None, far.recv)

    async def curves() -> None:
        async with connect(f"{url}/curves") as client:
            async for message in client:
                at, frame = time.monotonic(), json.loads(message)
                arrivals["curves, WebSocket"].append((frame["time"], at))
                frames[tuple(frame["head"])] = frame["time"]

    async def watch() -> None:
        async with connect(f"{url}/watch") as client:
            async for message in client:
                if isinstance(message, bytes) and message[0] == 1:
                    arrivals["pictures"].append((struct.unpack_from("<d", message, 8)[0], time.monotonic()))

    tasks = [asyncio.create_task(curves()) for _ in range(clients)] + [asyncio.create_task(watch())] * pictures
    await asyncio.sleep(0.5)
    far.send("ready")
    await loop.run_in_executor(None, far.recv)
    for task in tasks:
        task.cancel()
    arrivals["curves, UDP"] = by_face(packets, frames)
    far.send({way: came for way, came in arrivals.items() if came})


def by_face(packets: list[tuple[Face, float]], frames: dict[Face, float]) -> list[tuple[float, float]]:
    """Packets, which carry no time of the sound, with that of the JSON of the same head: no two are alike."""
    return [(frames[face], at) for face, at in packets if face in frames]


if __name__ == "__main__":
    main()
