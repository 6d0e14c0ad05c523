"""Statistics of moving faces against closed forms, and what must not change them."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.blendshapes.evaluation import naturalness as n
from emosplat.blendshapes.evaluation.naturalness import Heard, Take, statistics
from emosplat.blendshapes.speech.phones import Segment

F64 = NDArray[np.float64]
SINE_RANGE = 2 * math.sin(0.45 * math.pi)  # 5th to 95th percentile of a unit sine


def sine(hz: float, *, fps: float = 200.0, seconds: float = 20.0, size: float = 0.05, middle: float = 0.1) -> F64:
    return middle + size * np.sin(2 * np.pi * hz * np.arange(round(fps * seconds)) / fps)


def heard(level: F64, speech: F64, rate: float = 50.0) -> Heard:
    return Heard(np.arange(len(level)) / rate, level, speech)


@given(st.floats(0.5, 4.0), st.floats(0.01, 0.2))
def test_a_sine_has_the_speed_and_acceleration_of_its_derivatives(hz: float, size: float) -> None:
    found = statistics([Take(200.0, {n.OPENING: sine(hz, size=size)})])
    speed = 2 * math.pi * hz / SINE_RANGE
    assert found["opening range"] == pytest.approx(size * SINE_RANGE, rel=0.02)
    assert found["opening speed"] == pytest.approx(speed, rel=0.03)
    assert found["closing speed"] == pytest.approx(speed, rel=0.03)
    assert found["step"] == pytest.approx(speed / 25, rel=0.03)
    assert found["acceleration"] == pytest.approx(speed * 2 * math.pi * hz, rel=0.03)


@given(st.floats(0.01, 0.2), st.floats(0.01, 0.2))
def test_power_above_a_frequency_is_that_of_the_faster_of_two_sines(slow: float, fast: float) -> None:
    curve = sine(2, size=slow) + sine(12, size=fast)
    assert n.power_share(curve, 200, above=8) == pytest.approx(fast**2 / (slow**2 + fast**2), rel=0.02)
    moved = 12 * fast / 2 / slow  # of velocities, each sine by its own frequency
    found = statistics([Take(200.0, {n.OPENING: curve})])["fast power"]
    assert found == pytest.approx(moved**2 / (1 + moved**2), rel=0.02)


@given(st.floats(0.1, 10), st.floats(-1, 1))
def test_units_and_rest_do_not_matter_to_what_is_told_in_ranges(scale: float, shift: float) -> None:
    curve = sine(1.3) + sine(4.1, size=0.02, middle=0)
    told = [s.name for s in n.STATISTICS if s.unit in ("ranges", "ranges/s", "ranges/s2")] + ["sealed", "fast power"]
    one = statistics([Take(200.0, {n.OPENING: curve})])
    other = statistics([Take(200.0, {n.OPENING: scale * curve + shift})])
    assert [other[k] for k in told] == pytest.approx([one[k] for k in told], rel=1e-6, nan_ok=True)


def test_backwards_the_mouth_closes_as_it_opened() -> None:
    saw = (np.arange(4000) % 100) / 100 * 0.1  # opens slowly, closes at once
    one, other = (statistics([Take(100.0, {n.OPENING: c})]) for c in (saw, saw[::-1]))
    assert one["opening speed"] < one["closing speed"]
    assert one["opening speed"] == pytest.approx(other["closing speed"])
    assert one["closing speed"] == pytest.approx(other["opening speed"])


@given(st.permutations(range(4)))
def test_the_order_of_takes_does_not_matter(order: Sequence[int]) -> None:
    rng = np.random.default_rng(3)
    takes = [
        Take(
            25.0, {name: rng.normal(size=120).cumsum() for name in (n.OPENING, n.WIDTH, n.PITCH, n.YAW, n.ROLL, n.LIDS)}
        )
        for _ in range(4)
    ]
    found = statistics([takes[i] for i in order])
    assert list(found.values()) == pytest.approx(list(statistics(takes).values()), nan_ok=True)


@given(st.integers(-6, 6), st.floats(0.1, 5), st.floats(-3, 3))
def test_a_delay_is_found_whatever_the_scale(frames: int, scale: float, shift: float) -> None:
    curve = np.random.default_rng(1).normal(size=400).cumsum()
    late = np.roll(curve, frames)[20:-20] * scale + shift
    r, delay = n.best_delay(late, curve[20:-20], 25.0)
    assert (r, round(delay * 25)) == (pytest.approx(1), frames)


def test_frames_that_were_not_seen_are_no_motion() -> None:
    curve = sine(2.0, fps=50)
    gap = curve.copy()
    gap[300:400] = np.nan
    for name in ("step", "opening speed", "acceleration", "opening p95", "fast power"):
        whole, torn = (statistics([Take(50.0, {n.OPENING: c})])[name] for c in (curve, gap))
        assert torn == pytest.approx(whole, rel=0.1, abs=1e-4), name


def test_nothing_is_told_of_nothing() -> None:
    for take in (Take(25.0, {}), Take(25.0, {n.OPENING: np.full(50, np.nan)}), Take(25.0, {n.OPENING: np.ones(50)})):
        found = statistics([take])
        assert math.isnan(found["opening speed"])
        assert math.isnan(found["blinks"])
        assert math.isnan(found["pitch"])
    assert all(math.isnan(v) for v in statistics([]).values())


@given(st.integers(1, 12), st.floats(0.04, 0.16))
def test_blinks_are_counted_and_timed(count: int, half: float) -> None:
    """Triangles: under half of the height for half of their width."""
    fps = 100.0
    times = np.arange(round(fps * (count + 1) * 2)) / fps
    middles = 2.0 * np.arange(1, count + 1)
    closed = np.maximum(1 - np.abs(times[:, None] - middles) / (2 * half), 0).max(axis=1)
    lids = 1 - closed
    found = statistics([Take(fps, {n.LIDS: lids})])
    assert found["blinks"] == pytest.approx(60 * count / times[-1], rel=0.02)
    assert found["blink length"] == pytest.approx(2000 * half, rel=0.02)
    if count > 3:
        assert found["blink spread"] == pytest.approx(0, abs=0.02)


def test_eyes_that_stay_shut_or_are_cut_do_not_blink() -> None:
    lids = np.ones(400)
    lids[:5] = lids[100:200] = lids[-3:] = 0
    assert list(n.blinks(lids, 25.0)) == []


def trapezoids(fps: float, hold: float, rise: float) -> tuple[F64, list[Segment]]:
    """A mouth that shuts for `hold` seconds once a second, in `rise` seconds, for a /b/ each time."""
    times = np.arange(round(8 * fps)) / fps
    away = np.abs((times + 0.5) % 1 - 0.5)
    middles = np.arange(1.0, 8.0)
    phones = [Segment(m - hold / 2, m + hold / 2, "B") for m in middles]
    vowels = [Segment(m + 0.3, m + 0.7, "AA") for m in middles]
    return np.clip((away - hold / 2) / rise, 0, 1), sorted([*phones, *vowels])


@given(st.floats(0.05, 0.15), st.floats(0.05, 0.2))
def test_contacts_are_timed(hold: float, rise: float) -> None:
    curve, phones = trapezoids(200.0, hold, rise)
    found = statistics([Take(200.0, {n.OPENING: curve}, phones=phones)])
    assert found["contact"] == pytest.approx(1000 * (hold + 0.2 * rise), abs=6)
    assert found["rise"] == pytest.approx(400 * rise, abs=8)
    assert found["p b m closed"] == 1
    assert found["sealed elsewhere"] == 0


def test_lips_that_shut_at_other_sounds_are_sealed_elsewhere() -> None:
    curve, phones = trapezoids(100.0, 0.1, 0.1)
    renamed = [s._replace(phone="T") if s.phone == "B" else s for s in phones]
    found = statistics([Take(100.0, {n.OPENING: curve}, phones=renamed)])
    assert found["sealed elsewhere"] == 1
    assert math.isnan(found["p b m closed"])


@given(st.integers(-8, 8))
def test_the_mouth_opens_before_or_after_the_first_sound(frames: int) -> None:
    curve = np.repeat([0.0, 1.0], [50, 150])
    phones = [Segment(2.0 + frames / 25, 7.0, "AA")]
    found = statistics([Take(25.0, {n.OPENING: curve}, phones=phones)])
    assert found["opens before"] == pytest.approx(1000 * frames / 25, abs=1e-6)
    assert found["opens early"] == float(frames / 25 > 0.1)


def test_pauses_within_speech_are_told_from_its_ends() -> None:
    speech = np.repeat([0.0, 1.0, 0.0, 1.0, 0.0], 50)
    curve = np.repeat([0.5, 1.0, 0.2, 0.9, 0.0], 25) + 1e-3 * np.sin(np.arange(125))
    take = Take(25.0, {n.OPENING: curve}, heard(np.zeros(250), speech))
    low, size = np.percentile(curve, 5), np.subtract(*np.percentile(curve, [95, 5]))
    assert statistics([take])["open in pauses"] == pytest.approx((0.2 - low) / size, abs=0.01)


@given(st.floats(0.1, 0.6))
def test_the_upper_lip_has_its_share(share: float) -> None:
    curve = sine(1.7)
    assert statistics([Take(200.0, {n.OPENING: curve, n.UPPER: 3 + share * curve})])[
        "upper lip's share"
    ] == pytest.approx(share)


def test_a_nod_that_follows_loudness_by_a_tenth_of_a_second_is_found() -> None:
    level = np.convolve(np.random.default_rng(5).normal(size=1000), np.hanning(40), mode="same")
    sound = heard(level, np.ones(1000))
    take = Take(50.0, {}, sound)
    pitch = sound.level_at((np.arange(900) + 0.5) / 50 - 0.1)
    found = statistics([replace(take, curves={n.PITCH: pitch})])
    assert found["pitch with loudness"] > 0.98
    assert found["pitch after loudness"] == pytest.approx(100, abs=1)


def test_a_still_head_does_not_turn_and_a_steady_one_turns_at_its_speed() -> None:
    ramp: F64 = np.arange(200, dtype=np.float64) / 5
    found = statistics([Take(25.0, {n.PITCH: ramp, n.YAW: 0 * ramp, n.ROLL: 0 * ramp})])
    assert [found[f"head speed p{p}"] for p in (50, 90, 99)] == pytest.approx([5, 5, 5])
    assert found["yaw"] == 0


def test_people_are_told_of_statistics_that_there_are() -> None:
    names = [s.name for s in n.STATISTICS]
    assert len(set(names)) == len(names)
    assert set(n.PEOPLE) <= set(names)
    for norm in n.PEOPLE.values():
        assert not norm.low > norm.value
        assert not norm.high < norm.value
