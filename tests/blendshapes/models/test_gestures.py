"""Blinks, glances, head motion: natural statistics, and the same in pieces as at once."""

import numpy as np
import pytest

from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.models import gestures
from emosplat.blendshapes.noise import draws, slow_noise

FPS = 100.0
TIMES = np.arange(0.5, 60_000, dtype=np.float64) / FPS  # ten minutes
NO_PAUSES = np.zeros(0)


def mix(label: str, amount: float = 1.0):
    def at(times: np.ndarray) -> np.ndarray:
        weights = np.zeros((len(times), len(EMOTIONS)))
        weights[:, EMOTIONS.index(label)] = amount
        return weights

    return at


def onsets(lids: np.ndarray) -> np.ndarray:
    return TIMES[1:][(lids[1:] > 0.5) & (lids[:-1] <= 0.5)]


def motion(style: gestures.HeadMotion, seed: int = 0, times: np.ndarray = TIMES, stress: float = 0.0) -> np.ndarray:
    n = len(times)
    return gestures.head_motion(
        times, seed=seed, style=style, emotion=np.zeros((n, 8)), speaking=np.ones(n), stress=np.full(n, stress)
    )


def test_draws_depend_on_seed_stream_and_index_only() -> None:
    index = np.arange(-200, 200)
    table = draws(1, 2, index, 3)
    np.testing.assert_array_equal(draws(1, 2, index[::-7], 3), table[::-7])
    assert len(np.unique(table)) == table.size
    assert not np.array_equal(table, draws(2, 2, index, 3))
    assert not np.array_equal(table, draws(1, 3, index, 3))
    assert 0.4 < table.mean() < 0.6


def test_slow_noise_is_smooth_standard_and_the_same_in_pieces() -> None:
    noise = slow_noise(TIMES, seed=5, stream=1, period=1.5, width=4)
    np.testing.assert_allclose(noise.mean(), 0, atol=0.1)
    np.testing.assert_allclose(noise.std(), 1, atol=0.1)
    assert np.abs(np.diff(noise, axis=0)).max() < 0.06
    pieces = [slow_noise(t, seed=5, stream=1, period=1.5, width=4) for t in np.array_split(TIMES, 37)]
    np.testing.assert_array_equal(np.concatenate(pieces), noise)


@pytest.mark.slow
def test_blinks_have_natural_statistics() -> None:
    rates = []
    for seed in range(8):
        lids = gestures.blinks(TIMES, seed=seed, emotion=mix("neutral"), pauses=NO_PAUSES)
        gaps = np.diff(onsets(lids))
        rates.append(len(gaps) / 10)
        assert gaps.min() > gestures.REFRACTORY - 0.02
        assert 0.65 < gaps.std() / gaps.mean() < 1.1  # people's have no beat: 0.8 to 1
        assert (lids.min(), lids.max()) == (0, 1)
        shut = (lids > 0).mean() * 600 / len(gaps)
        assert 0.15 <= shut <= 0.2
        first = np.flatnonzero(lids > 0)[0]
        down, up = first + np.argmax(lids[first:] == 1), first + np.argmax(lids[first:] == 0)
        assert down - first < up - down  # lids fall faster than they rise
    assert 12 < np.median(rates) < 30
    assert max(rates) > 1.3 * min(rates)  # every seed is another person


def test_every_blink_shuts_the_eyes_at_25_fps() -> None:
    coarse = TIMES[1::4]
    lids = gestures.blinks(coarse, seed=0, emotion=mix("neutral"), pauses=NO_PAUSES)
    starts = np.flatnonzero((lids[1:] > 0) & (lids[:-1] == 0)) + 1
    assert min(lids[s : s + 6].max() for s in starts if s + 6 < len(lids)) > 0.9


@pytest.mark.slow
def test_some_emotions_and_pauses_blink_more() -> None:
    calm = len(onsets(gestures.blinks(TIMES, seed=0, emotion=mix("neutral"), pauses=NO_PAUSES)))
    afraid = len(onsets(gestures.blinks(TIMES, seed=0, emotion=mix("fearful"), pauses=NO_PAUSES)))
    pauses = np.arange(1.0, 600, 4.1)
    paused = onsets(gestures.blinks(TIMES, seed=0, emotion=mix("neutral"), pauses=pauses))
    assert afraid > 1.3 * calm
    assert len(paused) > 1.03 * calm
    assert np.diff(paused).min() > gestures.REFRACTORY - 0.02


def test_blinks_are_the_same_in_pieces() -> None:
    times = TIMES[::4]
    pauses = np.arange(1.0, 600, 4.1)
    whole = gestures.blinks(times, seed=9, emotion=mix("sad", 0.7), pauses=pauses)
    pieces = []
    for t in np.array_split(times, 211):
        near = pauses[(pauses > t[0] - gestures.REACH) & (pauses <= t[-1] + 0.02)]
        pieces.append(gestures.blinks(t, seed=9, emotion=mix("sad", 0.7), pauses=near))
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-12)
    assert not len(gestures.blinks(times[:0], seed=9, emotion=mix("sad"), pauses=pauses))


def test_glances_return_to_the_camera_and_are_the_same_in_pieces() -> None:
    gaze = gestures.glances(TIMES, seed=1)
    assert np.abs(gaze).max() < np.radians(12)
    away = np.abs(gaze).max(axis=1) > np.radians(1.2)
    assert 0.1 < away.mean() < 0.4
    np.testing.assert_array_equal(
        np.concatenate([gestures.glances(t, seed=1) for t in np.array_split(TIMES, 53)]), gaze
    )
    still = np.abs(np.diff(gaze, axis=0)).max(axis=1) < 1e-9
    assert still.mean() > 0.8  # fixations, and quick jumps between them


def test_heads_move_as_people_s_do() -> None:
    """Medians over seeds against those over people, degrees (docs/model.md)."""
    n = len(TIMES)
    stress = np.tanh(slow_noise(TIMES, seed=0, stream=99, period=0.35)[:, 0])
    rest = {"style": "subtle", "emotion": np.zeros((n, 8)), "speaking": np.ones(n), "stress": stress}
    turns = [np.degrees(gestures.head_motion(TIMES, seed=seed, **rest)) for seed in range(24)]
    spread = np.median([turn.std(axis=0) for turn in turns], axis=0)
    np.testing.assert_allclose(spread, [1.6, 1.6, 1.0], rtol=0.3)
    speeds = np.concatenate([np.linalg.norm(np.diff(turn[::4], axis=0), axis=1) * FPS / 4 for turn in turns])
    np.testing.assert_allclose(np.percentile(speeds, [50, 90]), [7.2, 17.5], rtol=0.35)
    each = np.array([turn.std() for turn in turns])
    assert 1.5 < np.subtract(*np.log(np.percentile(each, [90, 10]))) / np.log(2) + 1 < 4


def test_a_lively_head_moves_twice_as_much_and_never_wildly() -> None:
    subtle, lively = motion("subtle"), motion("lively")
    np.testing.assert_allclose(lively, 2 * subtle)
    assert np.abs(np.degrees(lively)).max() < 30
    power = np.square(np.abs(np.fft.rfft(subtle - subtle.mean(axis=0), axis=0)))
    below = power[: round(6 * len(TIMES) / FPS)].sum(axis=0)
    assert (below > 0.98 * power.sum(axis=0)).all()  # nothing trembles


def test_head_motion_follows_style_seed_and_stress() -> None:
    assert not motion("none", stress=1).any()
    assert np.abs(motion("subtle", seed=1) - motion("subtle", seed=2)).max() > 0.01
    nod = motion("subtle", stress=1) - motion("subtle")
    assert (nod[:, 0] > 0).all()
    np.testing.assert_allclose(nod[:, 1:], 0)
    pieces = [motion("lively", times=t) for t in np.array_split(TIMES, 41)]
    np.testing.assert_array_equal(np.concatenate(pieces), motion("lively"))


def test_brows_drift_rise_with_stress_and_rest_between_0_and_1() -> None:
    def brows(seed: int, stress: float = 0.0, times: np.ndarray = TIMES) -> dict[str, np.ndarray]:
        n = len(times)
        return gestures.brows(times, seed=seed, speaking=np.ones(n), stress=np.full(n, stress))

    for seed in range(4):
        calm, stressed = brows(seed), brows(seed, 1.0)
        for curve in (*calm.values(), *stressed.values()):
            assert curve.min() == 0
            assert curve.max() < 1
        assert calm["browInnerUp"].std() > 0.03
        assert stressed["browInnerUp"].mean() > calm["browInnerUp"].mean() + 0.05
        assert not np.array_equal(calm["browDownLeft"], brows(seed + 1)["browDownLeft"])
        pieces = [brows(seed, times=t)["browInnerUp"] for t in np.array_split(TIMES, 17)]
        np.testing.assert_array_equal(np.concatenate(pieces), calm["browInnerUp"])


def test_mouths_are_higher_on_one_side_while_they_speak() -> None:
    n = len(TIMES)
    sides = [gestures.one_sided(TIMES, seed=seed, speaking=np.ones(n)) for seed in range(12)]
    means = [float(np.mean(s["mouthSmileLeft"] - s["mouthSmileRight"])) for s in sides]
    assert min(means) < 0 < max(means)
    for side in sides:
        assert not (side["mouthSmileLeft"] * side["mouthSmileRight"]).any()
        assert max(curve.max() for curve in side.values()) < 0.4
    assert not gestures.one_sided(TIMES, seed=0, speaking=np.zeros(n))["mouthSmileLeft"].any()
