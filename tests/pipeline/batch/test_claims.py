"""Claims: one owner at a time, whatever dies and whoever competes."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from emosplat.pipeline.batch.claims import CLAIMS, Claims
from emosplat.pipeline.batch.places import LocalPlace


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def place(tmp_path: Path) -> LocalPlace:
    return LocalPlace(tmp_path)


def foreign_claim(place: LocalPlace, token: str, *, number: int = 0, beat: int = 0) -> None:
    """A claim as a process on another machine would write it."""
    text = json.dumps({"owner": "far", "beat": beat, "machine": "elsewhere", "boot": "", "pids": "", "pid": 1})
    place.write(f"{CLAIMS}/{token}.{number}", text.encode())


def test_an_item_has_one_owner(place: LocalPlace) -> None:
    mine, other = Claims(place), Claims(place)
    claim, dead = mine.take("a")
    assert claim is not None
    assert dead == []
    assert other.take("a") == (None, [])
    assert other.take("b")[0] is not None
    mine.release(claim)
    assert other.take("a")[0] is not None


def test_of_many_exactly_one_wins(place: LocalPlace) -> None:
    for round in range(20):
        won: list[object] = []
        start = threading.Barrier(8)

        def compete(token: str, start: threading.Barrier = start, won: list[object] = won) -> None:
            claims = Claims(place)
            start.wait()
            won.append(claims.take(token)[0])

        threads = [threading.Thread(target=compete, args=(f"item{round}",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(claim is not None for claim in won) == 1


def test_a_dead_process_is_followed_at_once(place: LocalPlace) -> None:
    script = f"""
import os
from pathlib import Path
from emosplat.pipeline.batch.claims import Claims
from emosplat.pipeline.batch.places import LocalPlace
Claims(LocalPlace(Path({str(place.root)!r}))).take("a")
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    claims = Claims(place)
    claim, dead = claims.take("a")
    assert claim is not None
    assert len(dead) == 1
    claims.release(claim)
    assert place.names(CLAIMS) == []


def test_a_silent_machine_is_followed_after_the_expiry(place: LocalPlace) -> None:
    clock = Clock()
    foreign_claim(place, "a")
    claims = Claims(place, expiry=60, clock=clock)
    assert claims.take("a")[0] is None
    clock.now = 59
    assert claims.take("a")[0] is None
    foreign_claim(place, "a", beat=1)  # it lives
    clock.now = 100
    assert claims.take("a")[0] is None
    clock.now = 161
    claim, dead = claims.take("a")
    assert claim is not None
    assert dead == ["far"]


def test_only_one_follows(place: LocalPlace) -> None:
    clock = Clock()
    foreign_claim(place, "a")
    first, second = (Claims(place, expiry=60, clock=clock) for _ in range(2))
    for claims in (first, second):
        claims.take("a")
    clock.now = 61
    assert first.take("a")[0] is not None
    assert second.take("a")[0] is None


def test_a_sleeper_notices_that_it_was_overtaken(place: LocalPlace) -> None:
    sleeper = Claims(place)
    claim, _ = sleeper.take("a")
    assert claim is not None
    assert sleeper.holds(claim)
    foreign_claim(place, "a", number=claim.number + 1)
    assert not sleeper.holds(claim)
    sleeper.release(claim)
    assert place.names(CLAIMS) == [f"a.{claim.number + 1}"]


def test_the_heart_beats(place: LocalPlace) -> None:
    claims = Claims(place, expiry=0.2)
    claim, _ = claims.take("a")
    assert claim is not None
    before = place.read(claim.file)
    for _ in range(50):
        threading.Event().wait(0.05)
        if place.read(claim.file) != before:
            break
    assert place.read(claim.file) != before
    claims.close()


def test_rubbish_in_a_claim_expires_like_a_foreign_one(place: LocalPlace) -> None:
    clock = Clock()
    place.write(f"{CLAIMS}/a.0", b"\xff{")
    claims = Claims(place, expiry=60, clock=clock)
    assert claims.take("a")[0] is None
    clock.now = 61
    assert claims.take("a")[0] is not None
    assert os.listdir(place.root / CLAIMS)
