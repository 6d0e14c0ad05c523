"""The built-in speech network: chunks, silence, gain, files; what it says of speech is in test_training.py."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from emosplat.blendshapes.speech import encoder as speech
from emosplat.blendshapes.speech.encoder import AXES, SpeechEncoder, SpeechNetwork
from emosplat.blendshapes.speech.phones import INDEX, PHONES, SILENCE
from emosplat.core.errors import InputError

F32 = NDArray[np.float32]
SAMPLES = 16_000
DEMO = Path(speech.__file__).parents[2] / "assets" / "demo" / "hello.flac"
RNG = np.random.default_rng(0)
TIME = np.arange(3 * SAMPLES) / SAMPLES
NO_SPEECH = {
    "zeros": np.zeros(3 * SAMPLES),
    "least bits": RNG.integers(-1, 2, 3 * SAMPLES) / 32768,
    "white noise": 0.1 * RNG.standard_normal(3 * SAMPLES),
    "quiet noise": 0.001 * RNG.standard_normal(3 * SAMPLES),
    "brown noise": 0.002 * np.cumsum(RNG.standard_normal(3 * SAMPLES)),
    "hum": sum(0.3 / k * np.sin(2 * np.pi * 50 * k * TIME) for k in (1, 2, 3, 5, 7)),
    "tone": 0.3 * np.sin(2 * np.pi * 440 * TIME),
}


@pytest.fixture(scope="module")
def encoder() -> SpeechEncoder:
    return SpeechEncoder.load()


@pytest.fixture(scope="module")
def demo() -> F32:
    wave, rate = soundfile.read(DEMO, dtype="float32")
    return soxr.resample(wave, rate, SAMPLES)


def axes_of(encoder: SpeechEncoder, wave: F32) -> F32:
    return np.concatenate([piece.axes for piece in encoder.articulate(lambda: [wave])])


def test_chunked_equals_whole(encoder: SpeechEncoder, demo: F32, monkeypatch: pytest.MonkeyPatch) -> None:
    long = np.concatenate([demo, demo, demo])
    monkeypatch.setattr(speech, "_CHUNK", 10**6)
    (whole,) = encoder.articulate(lambda: [long])
    monkeypatch.setattr(speech, "_CHUNK", 41)
    pieces = list(encoder.articulate(lambda: (long[i : i + 997] for i in range(0, len(long), 997))))
    assert len(pieces) > 10
    for field in ("axes", "speech", "level"):
        joined = np.concatenate([getattr(piece, field) for piece in pieces])
        np.testing.assert_allclose(joined, getattr(whole, field), atol=1e-5)


@pytest.mark.parametrize("samples", [0, 1, 319, 320, 3200, 16_001, 200_000])
def test_number_and_range_of_frames(encoder: SpeechEncoder, samples: int) -> None:
    wave = np.resize(NO_SPEECH["white noise"], samples).astype(np.float32)
    pieces = list(encoder.articulate(lambda: [wave]))
    assert sum(map(len, pieces)) == 1 + samples // 320
    for piece in pieces:
        assert piece.axes.shape == (len(piece), len(AXES))
        assert piece.axes.dtype == piece.speech.dtype == piece.level.dtype == np.float32
        assert np.all((piece.axes >= 0) & (piece.axes <= 1))
        assert np.all(piece.level >= speech.QUIET)


@pytest.mark.parametrize("name", NO_SPEECH)
@pytest.mark.parametrize("seconds", [0.2, 3])
def test_without_speech_the_mouth_is_closed_and_still(encoder: SpeechEncoder, name: str, seconds: float) -> None:
    wave = NO_SPEECH[name][: int(seconds * SAMPLES)].astype(np.float32)
    assert axes_of(encoder, wave).max() < 0.05


def test_pauses_are_closed_and_still(encoder: SpeechEncoder, demo: F32) -> None:
    hiss = 1e-4 * RNG.standard_normal(2 * SAMPLES)
    axes = axes_of(encoder, np.concatenate([demo, hiss, demo]).astype(np.float32))
    start = len(demo) // 320 + 30
    assert axes[start : start + 40].max() < 0.05


def test_the_mouth_is_free_before_speech_and_closed_in_pauses() -> None:
    reach, frames = speech.FILTER_REACH, 200
    phones = np.zeros((frames + 2 * reach, len(PHONES)), np.float32)
    phones[:, INDEX[SILENCE]] = 1
    phones[reach + 100 : reach + 150] = np.eye(len(PHONES))[INDEX["AA"]]
    axes = np.ones((len(phones), len(AXES)), np.float32)
    free = speech.articulation(axes, phones, np.zeros(frames, np.float32)).axes[:, AXES.index("jaw")]
    assert free[90:154].min() > 0.95  # 0.2 s before, and short of a closure after
    assert max(free[:80].max(), free[162:].max()) == 0


def test_a_probable_w_narrows_the_mouth_and_never_parts_lips_that_close() -> None:
    reach = speech.FILTER_REACH
    close, w = AXES.index("close"), INDEX["W"]
    phones = np.full((3 + 2 * reach, len(PHONES)), 1e-3, np.float32)
    axes = np.zeros((len(phones), len(AXES)), np.float32)
    phones[reach + 1 :, w], axes[reach + 2 :, close] = 0.2, 0.9
    closed = speech.articulation(axes, phones, np.zeros(3, np.float32)).axes[:, close]
    assert closed[0] < 0.01
    assert closed[1:] == pytest.approx([speech.NARROWED, 0.9])


def test_speech_moves_the_mouth(encoder: SpeechEncoder, demo: F32) -> None:
    axes = axes_of(encoder, demo)
    jaw, close = axes[:, AXES.index("jaw")], axes[:, AXES.index("close")]
    assert np.percentile(jaw, 95) > 0.35
    assert close.max() > 0.9


def test_gain_does_not_matter(encoder: SpeechEncoder, demo: F32) -> None:
    quiet = (demo * 10 ** (-30 / 20)).astype(np.float32)
    assert np.abs(axes_of(encoder, quiet) - axes_of(encoder, demo)).max() < 0.02


def test_low_pass_keeps_slow_motion_and_removes_jitter() -> None:
    kernel = speech.low_pass_kernel(9.0, reach=5)
    np.testing.assert_allclose(kernel, kernel[::-1])
    response = np.abs(np.fft.rfft(kernel, 500))  # 0.1 Hz per bin
    assert response[0] == pytest.approx(1, abs=1e-6)
    assert response[30] > 0.9  # 3 Hz
    assert response[160:].max() < 0.1  # 16 Hz and above


def test_weights_tell_where_they_come_from(encoder: SpeechEncoder) -> None:
    assert len(encoder.sha256) == 64
    assert encoder.version
    assert encoder.info["licence"] == "Apache-2.0"
    assert "Alpha Cephei" in encoder.info["notice"]
    assert speech.BUILT_IN.stat().st_size < 5_000_000


def built_in() -> tuple[dict[str, NDArray], dict[str, str]]:
    with safe_open(speech.BUILT_IN, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    tensors, metadata = built_in()
    cases = {
        "format": (tensors, {"emosplat": json.dumps({"format": "other"})}),
        "jaw": (tensors | {"axes.weight": tensors["axes.weight"][:, :3]}, metadata),
        "missing": ({name: t for name, t in tensors.items() if name != "stem.weight"}, metadata),
        "nan": (tensors | {"axes.bias": np.full(8, np.nan, np.float16)}, metadata),
        "dilations": (tensors | {"dilations": np.array([1, 10**6], np.int32)}, metadata),
        "prior": (tensors | {"prior": np.zeros(3, np.float32)}, metadata),
    }
    for name, (wrong, described) in cases.items():
        path = tmp_path / f"{name}.safetensors"
        save_file({key: np.ascontiguousarray(value) for key, value in wrong.items()}, path, metadata=described)
        with pytest.raises(InputError, match=name + r"\.safetensors"):
            SpeechEncoder.load(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.safetensors"
    text.write_bytes(b"not tensors at all")
    for path in (text, tmp_path / "missing.safetensors", tmp_path):
        with pytest.raises(InputError, match=path.name):
            SpeechEncoder.load(path)


def test_context_is_what_one_frame_needs() -> None:
    tensors, _ = built_in()
    network = SpeechNetwork(tensors)
    axes, phones = network(np.zeros((2 * sum(network.context) + 1, 80), np.float32))
    assert axes.shape == (1, len(AXES))
    assert phones.sum() == pytest.approx(1, abs=1e-4)


def test_memory_does_not_grow_with_the_clip(encoder: SpeechEncoder) -> None:
    def peak(seconds: int) -> int:
        second = NO_SPEECH["white noise"][:SAMPLES].astype(np.float32)
        tracemalloc.start()
        frames = sum(len(piece) for piece in encoder.articulate(lambda: [second] * seconds))
        assert frames == 1 + 50 * seconds
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(120) < 1.1 * peak(40)


def test_a_voice_with_stronger_overtones_makes_more_effort_whatever_the_gain(demo: F32) -> None:
    spectrum = np.fft.rfft(demo)
    hertz = np.fft.rfftfreq(len(demo), 1 / SAMPLES)
    efforts = []
    for decibels in (-6, 0, 6, 12):
        slope = np.clip(np.log2(np.maximum(hertz, 1) / 500) / 2, -0.5, 1)
        louder = np.fft.irfft(spectrum * 10 ** (decibels * slope / 20), len(demo)).astype(np.float32)
        pieces = [SpeechEncoder.load().articulate(lambda wave=gain * louder: [wave]) for gain in (0.1, 1.0)]
        quiet, loud = (next(piece).effort for piece in pieces)
        assert quiet == pytest.approx(loud, abs=0.3)
        efforts.append(loud)
    assert np.all(np.diff(efforts) > 0)
    assert abs(speech.vocal_effort(2.0)) < 1  # ordinary differences of voices and microphones count little
