"""The clock of the time line, on a clock of the test's own."""

import pytest

from emosplat.pipeline.viewer import player as module
from emosplat.pipeline.viewer.player import Player


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_it_plays_pauses_and_goes_on(clock: Clock) -> None:
    player = Player(10.0)
    clock.now += 5
    assert player.position == 0
    player.play()
    clock.now += 3
    assert player.position == pytest.approx(3)
    player.pause()
    clock.now += 50
    assert player.position == pytest.approx(3)
    player.play()
    clock.now += 2
    assert player.position == pytest.approx(5)


def test_it_stops_at_the_end_and_begins_anew(clock: Clock) -> None:
    player = Player(2.0)
    player.play()
    clock.now += 60
    assert player.position == 2.0
    assert not player.playing
    player.play()
    assert player.position == 0.0


def test_seeking_while_it_plays_goes_on_from_there(clock: Clock) -> None:
    player = Player(10.0)
    player.play()
    clock.now += 1
    player.seek(7.5)
    clock.now += 1
    assert player.position == pytest.approx(8.5)
    player.seek(-3)
    assert player.position == 0
    player.seek(99)
    assert player.position == 10
