"""What a network leaves out of a manner is found, so that adding it gives the performances' own sizes and speeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from emosplat.blendshapes.acting.bands import slow
from emosplat.blendshapes.acting.conditions import TOLD
from emosplat.blendshapes.acting.network import MANNER, ActingNetwork
from emosplat.blendshapes.acting.space import COORDINATES, MOUTH, RATE, SCALE
from emosplat.blendshapes.acting.style import POSED, POSES, STATISTICS
from emosplat.blendshapes.acting.weights import ActingWeights
from emosplat.blendshapes.noise import slow_noise
from emosplat.blendshapes.training import calibration
from emosplat.blendshapes.training.calibration import calibrated
from emosplat.blendshapes.training.scenes import Performance

TIMES = np.arange(600) / RATE
AXES = [TOLD.index(f"sound.{name}") for name in MOUTH]
SQUINT = COORDINATES.index("squint")
SIZE, SPEED = (STATISTICS.index(f"squint.{m}") for m in ("size", "speed"))
LIVELIER = 0.4  # logarithm of how much more somebody angry moves
FAINT, TREMBLES = 0.5, 0.04  # what the made-up network makes of everything, and the chance that it leaves behind


def motion(seed: int) -> np.ndarray:
    return slow_noise(TIMES, seed=seed, stream=0, period=2.0, width=len(COORDINATES))


def performance(k: int, *, calm: bool = True, anger: float = 0.0) -> Performance:
    """Somebody who moves by a size of their own, told as a style in standard deviations of a factor of e, and angry."""
    size = np.random.default_rng(k).standard_normal()
    told = np.zeros((len(TIMES), len(TOLD)), np.float32)
    told[:, TOLD.index("sound.activity")] = 1
    told[:, TOLD.index("emotion.angry")] = anger
    told[:, AXES] = np.clip(0.35 + 0.15 * slow_noise(TIMES, seed=k, stream=3, period=0.3, width=5), 0, None)
    style = np.zeros(len(STATISTICS))
    style[[SIZE, SPEED]] = size
    values = (motion(k) * np.exp(size + LIVELIER * anger)).astype(np.float32)
    everything = np.ones(values.shape, bool)
    return Performance(told, values, style, np.zeros((POSES, len(POSED))), np.zeros(6), k, everything, calm)


def manner(p: Performance) -> np.ndarray:
    return np.concatenate([p.style, np.zeros(MANNER - len(STATISTICS))]).astype(np.float32)


class Faint:
    """A flow that passes half of a style over, moves half as far, and trembles."""

    def __init__(self, network: object, style: np.ndarray, guidance: dict[str, float]) -> None:
        self._size = np.exp(0.5 * style[SIZE])
        np.testing.assert_array_equal(style[[k for k, n in enumerate(STATISTICS) if n.split(".")[0] in MOUTH]], 0)

    def perform(self, rows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        (whole,) = rows
        seed = int(abs(whole[0, 0]) * 1e4)
        made = FAINT * self._size * motion(seed) + TREMBLES * slow_noise(TIMES, seed=seed, stream=1, period=0.1)
        made[:, : len(MOUTH)] = -0.2 * whole[:, 5 * len(COORDINATES) :][:, AXES] / SCALE[: len(MOUTH)]
        yield made.astype(np.float32)


@pytest.fixture(autouse=True)
def _faint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "Flow", Faint)


def found(performances: list[Performance]) -> dict[str, np.ndarray]:
    network = ActingWeights.load().network
    assert isinstance(network, ActingNetwork)
    return calibrated(network, performances, manner, guidance={}, seed=0)


def test_what_is_missing_of_a_manner_is_added() -> None:
    people = [performance(k) for k in range(60)]
    short = found(people)["short"]
    assert short[0, SQUINT] == pytest.approx([np.log(1 / FAINT), 0.5], abs=0.2)
    apart = []
    for p in people:
        gains = np.exp(short[:, SQUINT, 0] + short[:, SQUINT, 1] * p.style[SIZE])
        begun = calibration.chance(np.arange(len(TIMES)), p.who).astype(np.float32)
        rows = calibration.rows(begun, p.told, 0 * p.values, 0 * p.values)
        (made,) = Faint(None, manner(p), {}).perform([rows])
        held = slow(made)
        sized = (gains[0] * held + gains[1] * (made - held))[:, SQUINT]
        apart.append([np.log(f(sized) / f(p.values[:, SQUINT])) for f in (np.std, lambda x: np.diff(x).std())])
    np.testing.assert_allclose(np.mean(apart, axis=0), 0, atol=0.15)
    assert abs(np.polyfit([p.style[SIZE] for p in people], np.array(apart)[:, 0], 1)[0]) < 0.1
    assert not short[:, : len(MOUTH)].any()


def test_the_usual_mouth_is_what_the_network_makes_of_the_sound() -> None:
    np.testing.assert_allclose(found([performance(k) for k in range(8)])["articulation"], 0.8, atol=0.03)


def test_what_is_missing_under_an_emotion_is_added_to_it() -> None:
    calm = [performance(k) for k in range(60)]
    angry = [performance(100 + k, calm=False, anger=0.3 + 0.7 * (k % 8) / 7) for k in range(60)]
    measured = found([*calm, *angry])
    slow_head = measured["felt"][0, COORDINATES.index("head_yaw")]
    assert slow_head == pytest.approx(LIVELIER, abs=0.12)
    assert not measured["felt"][:, : len(MOUTH)].any()
    assert not found(calm)["felt"].any()


def test_people_who_are_moved_tell_nothing_where_there_are_calm_ones() -> None:
    calm = [performance(k) for k in range(12)]
    moved = [performance(100 + k, calm=False) for k in range(50)]
    alone, all_of = found(calm)["short"], found([*calm, *moved])["short"]
    assert alone.any()
    np.testing.assert_allclose(np.sort(all_of.ravel()), np.sort(alone.ravel()), atol=1e-9)
