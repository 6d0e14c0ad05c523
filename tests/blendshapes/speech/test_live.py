"""Speech that arrives: the same frames whatever the blocks, no sound beyond the look-ahead, constant memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from emosplat.blendshapes.speech import encoder as whole
from emosplat.blendshapes.speech import live
from emosplat.blendshapes.speech.encoder import AXES, Articulation, SpeechEncoder, SpeechNetwork, with_less_ahead
from emosplat.blendshapes.speech.features import BANDS
from emosplat.blendshapes.speech.live import LiveEncoder
from emosplat.core.errors import InputError

F32 = NDArray[np.float32]
FRAME = 320  # samples
DEMO = Path(whole.__file__).parents[2] / "assets" / "demo" / "hello.flac"


@lru_cache
def encoder() -> LiveEncoder:
    return LiveEncoder.load()


@lru_cache
def demo() -> F32:
    wave, rate = soundfile.read(DEMO, dtype="float32")
    return soxr.resample(wave, rate, 16_000)


def built_in() -> tuple[dict[str, NDArray], dict[str, str]]:
    with safe_open(whole.BUILT_IN, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def cut(wave: F32, sizes: list[int]) -> Iterator[F32]:
    """The sound in blocks of these sizes, again and again; some may be empty."""
    start = 0
    while start < len(wave):
        for size in sizes:
            yield wave[start : start + size]
            start += size


def table(pieces: list[Articulation]) -> F32:
    """Everything that is told, [n, 11]."""
    return np.array([[*p.axes[0], p.speech[0], p.level[0], p.effort] for p in pieces])


@settings(max_examples=15)
@given(sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=5).filter(any), samples=st.integers(0, 12_000))
def test_the_sizes_of_the_blocks_do_not_matter(sizes: list[int], samples: int) -> None:
    """Bit for bit."""
    wave = demo()[8000 : 8000 + samples]
    pieces = list(encoder().follow(cut(wave, sizes)))
    assert [len(piece) for piece in pieces] == [1] * (1 + samples // FRAME)
    np.testing.assert_array_equal(table(pieces), table(list(encoder().articulate(lambda: [wave]))))


@settings(max_examples=15)
@given(frame=st.integers(0, 35), seed=st.integers(0, 2**32))
def test_what_sounds_later_than_the_look_ahead_changes_nothing(frame: int, seed: int) -> None:
    wave, other = demo()[6000:20_000], demo()[6000:20_000].copy()
    end = frame * FRAME + round(encoder().lookahead * 16_000)
    other[end:] = np.random.default_rng(seed).normal(0, 0.3, len(wave) - end)
    before, after = (table(list(encoder().follow([sound]))) for sound in (wave, other))
    np.testing.assert_array_equal(before[: frame + 1], after[: frame + 1])
    assert (before[frame + 1 :] != after[frame + 1 :]).any()


@settings(max_examples=15)
@given(size=st.integers(1, 700))
def test_a_frame_is_told_as_soon_as_its_look_ahead_has_sounded(size: int) -> None:
    taken = 0

    def microphone() -> Iterator[F32]:
        nonlocal taken
        for block in cut(demo()[:6400], [size]):
            taken += len(block)
            yield block

    ahead = round(encoder().lookahead * 16_000)
    for k, _ in enumerate(encoder().follow(microphone())):
        needed = min(k * FRAME + ahead, 6400)
        assert needed <= taken < needed + size


def test_the_look_ahead_is_that_of_its_taps_and_its_window() -> None:
    assert encoder().lookahead <= live.MOST_AHEAD
    for frames in range(1, 46):
        assert live.frames_within(live.lookahead_of(frames)) == frames
        assert SpeechNetwork(with_less_ahead(built_in()[0], frames)).context[1] <= frames
    assert live.frames_within(live.lookahead_of(1) - 1e-3) == 0


def test_taps_are_cut_off_and_nothing_else() -> None:
    tensors, _ = built_in()
    network = SpeechNetwork(tensors)
    before, after = network.context
    features = np.random.default_rng(0).normal(size=(2 * (3 + before + after) - 1, BANDS)).astype(np.float32)
    for frames, same in ((45, True), (44, False)):
        limited = SpeechNetwork(with_less_ahead(tensors, frames))
        assert sum(limited.context) == before + after
        shifted = limited(features)[0]
        assert np.array_equal(shifted, network(features)[0]) == same


def test_a_network_in_pieces_is_the_network() -> None:
    network = SpeechNetwork(built_in()[0])
    reach = sum(network.context)
    features = np.random.default_rng(1).normal(size=(2 * (30 + reach) - 1, BANDS)).astype(np.float32)
    past, start = whole.Past(), 2 * (10 + reach) - 1
    pieces = [network(features[:start], past), network(features[start : start + 14], past)]
    pieces.append(network(features[start + 14 :], past))
    for joined, expected in zip(map(np.concatenate, zip(*pieces, strict=True)), network(features), strict=True):
        np.testing.assert_allclose(joined, expected, atol=1e-5)


def test_speech_moves_the_mouth_and_gain_does_not_matter() -> None:
    said, quiet = (table(list(encoder().follow([gain * demo()]))) for gain in (np.float32(1), np.float32(0.03)))
    assert np.percentile(said[:, AXES.index("jaw")], 95) > 0.3
    assert said[:, AXES.index("close")].max() > 0.9
    assert np.abs(said - quiet)[50:, : len(AXES)].mean() < 0.02


@pytest.mark.parametrize("kind", ["zeros", "noise", "hum"])
def test_without_speech_the_mouth_is_closed(kind: str) -> None:
    time = np.arange(32_000) / 16_000
    rng = np.random.default_rng(0)
    sounds = {"zeros": 0 * time, "noise": 0.05 * rng.normal(size=len(time)), "hum": 0.3 * np.sin(314 * time)}
    axes = table(list(encoder().follow([sounds[kind].astype(np.float32)])))[:, : len(AXES)]
    assert axes.max() < 0.15


def test_memory_does_not_grow() -> None:
    def peak(seconds: int) -> int:
        second = demo()[:16_000]
        tracemalloc.start()
        assert sum(1 for _ in encoder().follow(second for _ in range(seconds))) == 1 + 50 * seconds
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(16) < 1.02 * peak(4)


def test_old_speech_is_forgotten_and_pauses_forget_nothing() -> None:
    rng = np.random.default_rng(0)
    speech = (20 + 5 * rng.normal(size=(200, BANDS))).astype(np.float32)
    silence = np.full((200, BANDS), -100, np.float32)
    heard = live.RunningNormaliser(np.zeros(BANDS))
    for _ in range(20):
        heard(speech)
    level = heard(speech)[1].mean()
    for _ in range(100):
        heard(silence)
    assert heard(speech)[1].mean() == pytest.approx(level, abs=0.1)
    louder = [heard(speech + 10)[1].mean() for _ in range(100)]
    assert louder[0] > level + 5
    assert louder[-1] == pytest.approx(level, abs=1)


def saved(folder: Path, **changes: NDArray | None) -> Path:
    tensors, metadata = built_in()
    tensors = {name: t for name, t in (with_less_ahead(tensors, 4) | changes).items() if t is not None}
    save_file({name: np.ascontiguousarray(t) for name, t in tensors.items()}, folder / "w.safetensors", metadata)
    return folder / "w.safetensors"


@pytest.mark.parametrize(
    "right", [[2, 0, 0, 0, 1, 0], [5, 0, 0, 0, 0, 0, 0], [-1, 0, 0, 0, 0, 0, 0]], ids=["few", "many taps", "negative"]
)
def test_a_right_context_that_is_none_is_refused(tmp_path: Path, right: list[int]) -> None:
    with pytest.raises(InputError, match=r"w\.safetensors: not usable as speech weights \(right: expected 7 numbers"):
        LiveEncoder.load(saved(tmp_path, right=np.array(right, np.int32)))


def test_weights_that_look_too_far_ahead_or_not_far_enough_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected speech weights that hear at most 0\.12 s ahead, found 0\.916"):
        LiveEncoder.load(whole.BUILT_IN)
    with pytest.raises(InputError, match=r"expected speech weights that hear as far ahead as back"):
        SpeechEncoder.load(saved(tmp_path))
    assert LiveEncoder.load(saved(tmp_path)).lookahead == pytest.approx(0.096)


def test_weights_tell_where_they_come_from() -> None:
    assert encoder().info["licence"] == "Apache-2.0"
    assert "Alpha Cephei" in encoder().info["notice"]
    assert "LibriSpeech" in encoder().info["trained_on"]
    assert live.BUILT_IN.stat().st_size < 4_000_000
