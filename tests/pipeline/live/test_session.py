"""A session tells every frame in order, when it is due, and catches up where it was held up."""

import threading
import time

import numpy as np
import pytest

from emosplat.pipeline.live.frame import LiveFrame
from emosplat.pipeline.live.latency import Delays, Latency
from emosplat.pipeline.live.pcm import HEARD
from emosplat.pipeline.live.session import SoundClock

from .pretend import LOOKAHEAD, GivenSource, session


class Kept:
    """A sink that remembers; `block` seconds of the first frame nothing else is sent."""

    def __init__(self, block: float = 0.0) -> None:
        self.frames: list[LiveFrame] = []
        self.times: list[float] = []
        self._block = block

    def send(self, frame: LiveFrame) -> None:
        self.frames.append(frame)
        self.times.append(time.monotonic())
        if self._block and len(self.frames) == 1:
            time.sleep(self._block)


@pytest.mark.parametrize("together", [1, 4])
def test_every_frame_comes_once_in_order(together: int) -> None:
    live, kept = session(GivenSource(np.linspace(0, 1, HEARD // 2), real_time=True), together=together), Kept()
    every: list[int] = []
    live.sinks.append(kept)
    live.keepers.append(lambda frame: every.append(frame.index))
    live.start()
    assert live.wait(10)
    assert live.error is None
    assert every == list(range(12))
    assert [frame.index for frame in kept.frames] == every
    opening = [frame.arkit["jawOpen"] for frame in kept.frames]
    assert opening == sorted(opening)
    assert opening[-1] > opening[0] + 0.5
    assert min(np.diff(kept.times)) > 0.01  # one after the other, however many come together


def test_no_frame_comes_before_its_sound_is_known() -> None:
    live, kept = session(GivenSource(np.zeros(HEARD // 2), real_time=True)), Kept()
    live.sinks.append(kept)
    live.start()
    live.wait(10)
    early = [sent - frame.heard - LOOKAHEAD for frame, sent in zip(kept.frames, kept.times, strict=True)]
    assert min(early) > -1e-3


def test_the_oldest_frames_are_left_out_where_too_many_wait() -> None:
    live, kept = session(GivenSource(np.zeros(2 * HEARD), real_time=True)), Kept(block=1.0)
    every: list[int] = []
    live.sinks.append(kept)
    live.keepers.append(lambda frame: every.append(frame.index))
    live.start()
    live.wait(20)
    told = [frame.index for frame in kept.frames]
    assert every == list(range(50))
    assert told == sorted(set(told))
    assert told[-1] == 49
    left_out = live.latency.report()["frames left out"]
    assert left_out == 50 - len(told) > 5


def test_sound_is_never_left_out() -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, HEARD // 3).astype(np.float32)
    live = session(GivenSource(sound))
    heard: list[tuple[float, np.ndarray]] = []
    live.listeners.append(lambda time, samples: heard.append((time, samples)))
    live.start()
    live.wait(10)
    np.testing.assert_array_equal(np.concatenate([samples for _, samples in heard]), sound)
    assert [round(time * HEARD) for time, _ in heard] == list(range(0, len(sound), 160))


def test_stopping_ends_it_at_once() -> None:
    live = session(GivenSource(np.zeros(600 * HEARD), real_time=True))
    live.start()
    threading.Timer(0.2, live.stop).start()
    assert live.wait(5)


def test_what_goes_wrong_is_told() -> None:
    class Broken(GivenSource):
        def blocks(self):
            raise OSError("the cable is out")
            yield

    live = session(Broken(np.zeros(1)))
    live.start()
    assert live.wait(5)
    assert isinstance(live.error, OSError)


def test_the_clock_knows_when_each_moment_was_heard() -> None:
    clock = SoundClock()
    clock.add(0.1, at=10.0)
    clock.add(0.1, at=10.5)  # late
    assert clock.heard(0.05) == pytest.approx(9.95)
    assert clock.heard(0.15) == pytest.approx(10.45)
    assert clock.heard(0.3) == pytest.approx(10.6)


def test_percentiles_are_those_of_all_delays() -> None:
    rng = np.random.default_rng(0)
    delays, seconds = Delays(), rng.gamma(2, 0.05, 999)
    for value in seconds:
        delays.add(value)
    expected = np.percentile(np.rint(1000 * seconds), (50, 95, 99), method="inverted_cdf")
    assert delays.percentiles() == expected.astype(int).tolist()
    assert Delays().percentiles() == []


def test_latency_is_told_to_people_and_programs() -> None:
    latency = Latency(0.116, fps=30)
    latency.add("curves", 0.12)
    latency.count("frames left out")
    assert latency.report()["delays_ms"] == {"curves": {"p50": 120, "p95": 120, "p99": 120, "count": 1}}
    assert any("sound to curves: p50 120 ms" in line for line in latency.lines())
