"""Sound from files, pipes and senders: all of it, in real time, with silence where nothing comes."""

import os
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from emosplat.core.errors import InputError
from emosplat.pipeline.live.pcm import HEARD, PcmFormat, as_s16le
from emosplat.pipeline.live.sources import Block, Feed, FileSource, Microphone, StreamSource, open_source
from emosplat.pipeline.media.audio import open_audio


@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100])
def test_a_file_is_heard_whole_and_in_step(tmp_path: Path, rate: int) -> None:
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, round(1.234567 * rate)).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", noise, rate)
    clip = open_audio(tmp_path / "noise.wav")
    blocks = list(FileSource(clip).blocks())
    np.testing.assert_array_equal(np.concatenate([b.heard for b in blocks]), np.concatenate(list(clip.blocks())))
    assert sum(len(b.sound) for b in blocks) == len(noise)
    apart = np.cumsum([len(b.heard) for b in blocks]) / HEARD - np.cumsum([len(b.sound) for b in blocks]) / rate
    assert np.abs(apart).max() < 0.01


def test_a_file_takes_its_time(babble: Path) -> None:
    source = FileSource(open_audio(babble, duration=0.3))
    started = time.monotonic()
    blocks = list(source.blocks())
    assert time.monotonic() - started >= 0.29
    assert blocks[-1].at - blocks[0].at == pytest.approx(0.29, abs=0.001)


def test_what_is_closed_ends(babble: Path) -> None:
    source = FileSource(open_audio(babble))
    blocks = source.blocks()
    next(blocks)
    source.close()
    assert list(blocks) == []


def test_a_pipe_is_heard_whole_and_ends() -> None:
    out, into = os.pipe()
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, 3001).astype(np.float32)
    with os.fdopen(out, "rb") as reader, os.fdopen(into, "wb") as writer:
        source = StreamSource(reader, PcmFormat())
        writer.write(as_s16le(sound))
        writer.close()
        blocks = list(source.blocks())
    np.testing.assert_allclose(np.concatenate([b.sound for b in blocks]), sound, atol=1e-4)


@pytest.mark.parametrize("together", [4096, 1])
def test_a_file_in_a_pipe_is_no_raw_samples(tmp_path: Path, together: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1600), 48_000)
    data = (tmp_path / "a.wav").read_bytes()
    out, into = os.pipe()
    with os.fdopen(out, "rb") as reader, os.fdopen(into, "wb", buffering=0) as writer:
        blocks = StreamSource(reader, PcmFormat(48_000)).blocks()
        for start in range(0, len(data), together):
            writer.write(data[start : start + together])
        writer.close()
        with pytest.raises(
            InputError, match=r"expected raw samples \(s16le, 48000 Hz, channels: 1\), found a WAV file"
        ):
            list(blocks)


def test_a_program_without_standard_input_is_told() -> None:
    with pytest.raises(InputError, match="-: expected raw samples on standard input, found it closed"):
        open_source("-", PcmFormat(), None)


def taken(feed: Feed, seconds: float) -> list[Block]:
    """What a feed gives in so many seconds of sound."""
    blocks, heard = [], 0
    for block in feed.blocks():
        blocks.append(block)
        heard += len(block.sound)
        if heard >= seconds * feed.rate:
            return blocks
    return blocks


def test_silence_where_nothing_comes_and_nothing_is_lost() -> None:
    feed = Feed()
    threading.Timer(0.2, feed.put, [np.full(1600, 0.5, np.float32)]).start()
    sound = np.concatenate([b.sound for b in taken(feed, 0.5)])
    spoken = np.flatnonzero(sound)
    assert len(spoken) == 1600
    assert spoken[-1] - spoken[0] == 1599  # in one piece
    assert spoken[0] > 1600


def test_what_comes_at_once_is_spoken_in_real_time() -> None:
    feed = Feed()
    feed.put(np.ones(HEARD // 2, np.float32))
    started = time.monotonic()
    blocks = taken(feed, 0.5)
    assert time.monotonic() - started > 0.45
    assert np.concatenate([b.sound for b in blocks]).all()


def test_what_waited_before_we_listened_is_caught_up() -> None:
    feed, spoken = Feed(), np.full(320, 0.5, np.float32)
    feed.put(np.full(HEARD, 0.5, np.float32))  # a second in a pipe
    sending = threading.Event()

    def send() -> None:  # in real time
        started = time.monotonic()
        for k in range(1, 1000):
            if sending.wait(max(0.0, started + 0.02 * k - time.monotonic())):
                return
            feed.put(spoken)

    threading.Thread(target=send, daemon=True).start()
    blocks = taken(feed, 3)
    sending.set()
    assert all(block.sound.all() for block in blocks)
    assert feed.waiting < 0.9  # a tenth of three seconds
    assert time.monotonic() - blocks[-1].at > 0.5  # and nobody is told that it were in time


def test_who_sends_too_much_has_to_wait() -> None:
    feed = Feed()
    assert feed.put(np.zeros(61 * HEARD, np.float32))
    assert not feed.put(np.zeros(1, np.float32), patience=0.01)
    feed.close()
    assert not feed.put(np.zeros(1, np.float32))
    assert list(feed.blocks()) == []


class PretendStream:
    """A microphone that hears ones."""

    def __init__(self, *, callback, blocksize: int, samplerate: int, **_: object) -> None:
        self.heard = lambda: callback(np.ones((blocksize, 1), np.float32), blocksize, None, None)

    def start(self) -> None:
        self.heard()

    def close(self) -> None:
        pass


class PretendError(Exception):
    pass


def sound_system(monkeypatch: pytest.MonkeyPatch, *devices: str | None) -> None:
    def check(device: str | int | None, **_: object) -> None:
        if device not in devices:
            raise ValueError(f"No input device matching {device!r}")

    def query(device: str | int | None, kind: str) -> dict[str, float]:
        check(device)
        return {"default_samplerate": 44_100.0}

    module = SimpleNamespace(
        PortAudioError=PretendError, check_input_settings=check, query_devices=query, InputStream=PretendStream
    )
    monkeypatch.setitem(sys.modules, "sounddevice", module)


def test_a_microphone_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    sound_system(monkeypatch, None)
    microphone = Microphone()
    blocks = microphone.blocks()
    block = next(blocks)
    assert len(block.sound) == 480
    assert block.heard[50:100] == pytest.approx(1, abs=0.01)
    microphone._heard(np.ones((480, 1), np.float32), 480, None, None)  # waits, but nobody listens any more
    microphone.close()
    assert list(blocks) == []


@pytest.mark.parametrize("device", ["", "9", "USB"])
def test_a_missing_microphone_is_one_line(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    sound_system(monkeypatch, "other")
    with pytest.raises(InputError, match="expected a microphone of this machine, found none") as caught:
        open_source(f"mic:{device}", PcmFormat(), sys.stdin.buffer)
    assert "\n" not in str(caught.value)


def test_a_missing_sound_system_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(InputError, match=r"pip install 'emosplat\[live\]'"):
        Microphone()


def test_a_missing_file_is_one_line() -> None:
    with pytest.raises(InputError, match="no such audio file"):
        open_source("nothing.wav", PcmFormat(), sys.stdin.buffer)
