"""The way from chance to a performance: pieces equal the whole, what is known arrives, torch and numpy agree."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from emosplat.blendshapes.acting.bands import slow
from emosplat.blendshapes.acting.conditions import GROUPS, TOLD
from emosplat.blendshapes.acting.flow import Flow, Sizes, rows, settled, shown
from emosplat.blendshapes.acting.network import MANNER, MOST_HIDDEN, ROWS, ActingNetwork
from emosplat.blendshapes.acting.prior import chance
from emosplat.blendshapes.acting.space import COORDINATES, MOUTH, SCALE
from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.training.acting_network import ActingNet

D = len(COORDINATES)


@lru_cache
def net() -> ActingNet:
    """A network of random weights, whose direction depends on everything."""
    torch.manual_seed(0)
    made = ActingNet(channels=24)
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.08)
    return made.eval()


@lru_cache
def network() -> ActingNetwork:
    return ActingNetwork(net().export())


def style() -> np.ndarray:
    return np.random.default_rng(1).standard_normal(MANNER).astype(np.float32)


def begun(frames: int, *, mask: np.ndarray | None = None) -> np.ndarray:
    rng = np.random.default_rng(frames)
    told = rng.standard_normal((frames, len(TOLD))).astype(np.float32)
    known = rng.standard_normal((frames, D)).astype(np.float32)
    mask = np.zeros((frames, D), np.float32) if mask is None else mask
    return rows(chance(np.arange(frames), 3).astype(np.float32), told, known, mask)


def performed(start: np.ndarray, *, pieces: int = 1, window: int = 512, **kwargs) -> np.ndarray:
    flow = Flow(network(), style(), **kwargs)
    return np.concatenate(list(flow.perform(np.array_split(start, pieces), window=window)))


def test_numpy_does_what_torch_does() -> None:
    rng = np.random.default_rng(0)
    seen = rng.standard_normal((2 * network().context + 9, ROWS)).astype(np.float32)
    with torch.no_grad():
        expected = net()(torch.from_numpy(seen.T[None].copy()), torch.from_numpy(style()[None]), torch.tensor([0.3]))
    assert_allclose(network()(seen, style(), 0.3), expected[0].numpy().T, atol=2e-5)


def test_what_is_unlike_all_that_was_learned_does_not_grow_without_end() -> None:
    rng = np.random.default_rng(0)
    seen = (1e3 * rng.standard_normal((2 * network().context + 9, ROWS))).astype(np.float32)
    weights = net().export()
    most = MOST_HIDDEN * np.abs(weights["out.weight"]).sum(axis=0).max() * (1 + np.abs(style()).sum()) + 1
    with torch.no_grad():
        expected = net()(torch.from_numpy(seen.T[None].copy()), torch.from_numpy(style()[None]), torch.tensor([0.3]))
    found = network()(seen, style(), 0.3)
    assert_allclose(found, expected[0].numpy().T, atol=1e-2)
    assert np.abs(found).max() < most


@pytest.mark.parametrize(("pieces", "window"), [(1, 64), (9, 512), (40, 17)])
def test_pieces_equal_the_whole(pieces: int, window: int) -> None:
    start = begun(300)
    whole = performed(start)
    assert len(whole) == 300
    assert_allclose(performed(start, pieces=pieces, window=window), whole, atol=1e-4)


def test_what_is_known_arrives_exactly_and_moves_the_rest() -> None:
    mask = np.zeros((200, D), np.float32)
    mask[80:120, 3] = 1
    start = begun(200, mask=mask)
    found, free = performed(start), performed(begun(200))
    assert_allclose(found[80:120, 3], start[80:120, 2 * D + 3], atol=1e-5)
    assert np.abs(found[75, :] - free[75, :]).max() > 1e-4


def test_a_frame_hears_nothing_beyond_what_eight_steps_reach() -> None:
    start = begun(1300)
    other = start.copy()
    other[0, : 2 * D] += 1
    reach = 8 * network().context
    changed = np.abs(performed(start) - performed(other)).max(axis=1)
    assert changed[: reach // 8].max() > 0
    assert_array_equal(changed[reach + 1 :], 0)


def test_guidance_is_one_where_nothing_is_guided() -> None:
    start = begun(120)
    assert_array_equal(performed(start, guidance={"style": 1.0, "sound": 1.0}), performed(start))


def test_guidance_of_nought_is_the_condition_left_out() -> None:
    start = begun(120)
    deaf = start.copy()
    flow = Flow(network(), style())
    for group in GROUPS:
        left = shown(deaf, without=[group])
        assert (left[:, 3 * D + len(TOLD) :].sum(axis=1) == len(GROUPS) - 1).all()
    nothing = np.concatenate(list(Flow(network(), np.zeros(MANNER, np.float32)).perform([start])))
    guided = np.concatenate(list(Flow(network(), flow.style, {"style": 0.0}).perform([start])))
    assert_allclose(guided, nothing, atol=1e-4)


def test_settled_rows_are_known() -> None:
    start = begun(20)
    values = np.ones((20, D), np.float32)
    again = performed(settled(start, values))
    assert_allclose(again, values, atol=1e-5)


def test_chance_is_a_function_of_the_frame() -> None:
    whole = chance(np.arange(400), 7)
    assert_allclose(chance(np.arange(130, 190), 7), whole[130:190], atol=1e-12)
    assert np.abs(chance(np.arange(60), 8) - whole[:60]).max() > 0.1


def test_chance_has_unit_variance() -> None:
    many = chance(np.arange(60_000), 1)
    assert_allclose(many.std(axis=0), 1, atol=0.1)
    assert_allclose(many.mean(axis=0), 0, atol=0.15)


def test_what_is_free_goes_on_from_what_is_known() -> None:
    mask = np.zeros((300, D), np.float32)
    mask[:100], mask[200:], mask[150, 4] = 1, 1, 1
    start = begun(300, mask=mask)
    smooth = np.cumsum(np.random.default_rng(0).standard_normal((300, D)) * 0.05, axis=0).astype(np.float32)
    start[:, 2 * D : 3 * D] = smooth * mask
    found = performed(start)
    np.testing.assert_allclose(found[mask > 0], smooth[mask > 0], atol=1e-5)
    inside = np.percentile(np.abs(np.diff(found[104:146], axis=0)), 99)
    for edge in (99, 199):
        assert np.abs(found[edge + 1] - found[edge]).max() < 2 * inside
    assert np.abs(np.diff(found[147:154, 4])).max() < 2 * inside


def sizes(**changed: np.ndarray) -> Sizes:
    ones = np.ones(D, np.float32)
    parts = {"place": 0 * ones, "slow": ones, "quick": ones, "articulation": 0 * ones[: len(MOUTH)]}
    parts |= {"felt": np.zeros((2, D), np.float32)} | changed
    return Sizes(**parts)


def test_motion_is_larger_about_a_place() -> None:
    start = begun(200)
    place, gain = np.full(D, 0.5, np.float32), np.linspace(1, 2, D, dtype=np.float32)
    place[: len(MOUTH)], gain[: len(MOUTH)] = 0, 1
    plain = performed(start)
    sized = performed(start, sizes=sizes(place=place, slow=gain, quick=gain))
    np.testing.assert_allclose(sized, place + gain * (plain - place), atol=1e-4)


def test_motion_is_larger_under_an_emotion_as_far_as_it_is_shown() -> None:
    start = begun(200)
    feelings = [5 * D + TOLD.index(f"emotion.{name}") for name in EMOTIONS]
    start[:, feelings] = 0
    start[100:, feelings[1]] = np.linspace(0, 1, 100)
    felt = np.log(np.linspace(1, 2, D))[None].repeat(2, axis=0).astype(np.float32)
    felt[:, : len(MOUTH)] = 0
    plain, sized = performed(start), performed(start, sizes=sizes(felt=felt))
    np.testing.assert_allclose(sized[:100], plain[:100], atol=1e-4)
    np.testing.assert_allclose(sized[-1], np.exp(felt[0]) * plain[-1], rtol=1e-3, atol=1e-4)


def test_what_is_known_stays_and_is_met_whatever_the_size() -> None:
    """In value and speed: a frame that goes straight on from what is known is met, and so is the one after it."""
    mask = np.zeros((200, D), np.float32)
    mask[:, 6], mask[90:110], mask[150, 9] = 1, 1, 1
    start = begun(200, mask=mask)
    course = (0.02 * np.arange(200)[:, None] * np.linspace(-1, 1, D)).astype(np.float32)
    start[:, 2 * D : 3 * D] = course * mask
    gain, still = np.full(D, 1.5, np.float32), np.full(D, 0.1, np.float32)
    for sized in (sizes(), sizes(slow=gain, quick=still)):
        found = performed(start, sizes=sized)
        np.testing.assert_allclose(found[mask > 0], course[mask > 0], atol=1e-5)
        steps = np.diff(found, axis=0)
        usual = np.percentile(np.abs(np.diff(steps, axis=0)), 99)
        for edge in (88, 89, 109, 110):
            assert np.abs(steps[edge] - steps[edge - 1]).max() < usual


def test_what_is_slow_and_what_is_quick_have_their_own_sizes() -> None:
    start, column = begun(200), COORDINATES.index("squint")
    gains = np.ones((2, D), np.float32)
    gains[:, column] = 1.5, 0.2
    plain, sized = performed(start), performed(start, sizes=sizes(slow=gains[0], quick=gains[1]))
    held = slow(plain)
    expected = 1.5 * held + 0.2 * (plain - held)
    np.testing.assert_allclose(sized[:, column], expected[:, column], atol=1e-4)
    others = np.arange(D) != column
    np.testing.assert_allclose(sized[:, others], plain[:, others], atol=1e-6)


def test_the_mouth_is_sized_as_a_whole_and_its_quick_articulation_by_itself() -> None:
    start = begun(200)
    heard = start[:, 5 * D :][:, [TOLD.index(f"sound.{name}") for name in MOUTH]] / SCALE[: len(MOUTH)]
    gain, added = np.ones(D, np.float32), np.linspace(-0.5, 0.5, len(MOUTH), dtype=np.float32)
    gain[: len(MOUTH)] = 1.3
    plain, sized = performed(start), performed(start, sizes=sizes(slow=gain, quick=gain, articulation=added))
    whole = plain[:, : len(MOUTH)] + heard
    expected = 1.3 * whole + added * (heard - slow(heard)) - heard
    np.testing.assert_allclose(sized[:, : len(MOUTH)], expected, atol=1e-4)


def test_pieces_are_sized_as_the_whole() -> None:
    rng, start = np.random.default_rng(2), begun(300)
    some = sizes(slow=rng.uniform(0.5, 2, D).astype(np.float32), quick=rng.uniform(0.2, 1, D).astype(np.float32))
    assert_allclose(performed(start, pieces=9, window=17, sizes=some), performed(start, sizes=some), atol=1e-4)


def test_what_moves_slowly_is_led_slowly_beside_a_stretch_of_what_is_known() -> None:
    """A network that stands still shows the lead alone: brows take a second after a stretch, not after a single key."""
    weights = net().export()
    still = ActingNetwork({name: 0 * value if name.startswith("out") else value for name, value in weights.items()})
    stretch, key = np.zeros((2, 120, D), np.float32)
    stretch[:60], key[60] = 1, 1
    for mask, slowly in ((stretch, 25), (key, 10)):
        start = begun(120, mask=mask)
        start[:, : 2 * D], start[:, 2 * D : 3 * D] = 0, mask
        led = np.concatenate(list(Flow(still, style()).perform([start])))
        for name, frames in (("brow_left", slowly), ("cheek", slowly), ("head_yaw", 10), ("jaw", 10)):
            after = led[int(mask[:, 0].nonzero()[0][-1]) + 1 :, COORDINATES.index(name)]
            assert (after[:frames] > 0).all(), name
            assert (after[frames:] == 0).all(), name
