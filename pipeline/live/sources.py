"""Where sound comes from: a microphone, a file at real speed, or samples that somebody sends."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..media.audio import AudioClip, open_audio
from .pcm import HEARD, PcmDecoder, PcmFormat, Resampler

F32 = NDArray[np.float32]

MICROPHONE = "mic"
WEBSOCKET = "ws"
STDIN = "-"
BLOCK = 0.01  # seconds of sound at a time
_MIC_RATE = 48_000  # Hz, what every sound card has
_MIC_BLOCK = 0.01
_GRACE = 0.06  # seconds that sound may be late before silence takes its place
_HURRY = 1.001  # how fast sound is taken that waits: clocks differ, and nothing may wait longer and longer
# What has waited since before we listened, in a pipe say, makes a sender in real time late for ever: it is caught up
_LATE = 0.2  # seconds that wait from which on it is
_CATCH_UP = 1.1  # how fast
_STEADY = 0.15  # seconds within which a sender in real time sends more
_LONG = 3.0  # seconds that wait are no such delay but a sender that does not know of time
_MOST_WAITING = 60.0  # seconds of sound that may wait; who sends more has to wait
_READ = 1 << 14  # bytes
# How files begin that people send through a pipe in place of raw samples; as samples such a beginning is unheard of
_BEGINNINGS = {
    b"RIFF": "WAV",
    b"RF64": "WAV",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"\x1aE\xdf\xa3": "Matroska",
}
_BEGINNING = max(map(len, _BEGINNINGS))  # bytes


class Block(NamedTuple):
    """A little sound, mono."""

    heard: F32  # at `HEARD` Hz, for the model
    sound: F32  # at the source's rate, for people
    at: float  # when its last sample was to be heard, on the clock of `time.monotonic`


class Source(Protocol):
    """Sound in the order of time, without gaps."""

    rate: int  # Hz of `Block.sound`

    def blocks(self) -> Iterator[Block]:
        """What is heard, as it is heard, to its end or until `close`."""
        ...

    def close(self) -> None:
        """Hear no more; from any thread."""
        ...


class FileSource:
    """A file at real speed."""

    def __init__(self, clip: AudioClip) -> None:
        self.rate = min(clip.sample_rate, _MIC_RATE)
        self._clip = clip
        self._closed = threading.Event()

    def blocks(self) -> Iterator[Block]:
        """See `Source.blocks`."""
        started, position = time.monotonic(), 0
        for heard, sound in self._pieces():
            position += len(heard)
            due = started + position / HEARD
            if self._closed.wait(max(0.0, due - time.monotonic())):
                return
            yield Block(heard, sound, due)

    def _pieces(self) -> Iterator[tuple[F32, F32]]:
        """Pieces of the same time at both rates, whether or not that is a whole number of samples."""
        nothing = np.zeros(0, np.float32)
        seconds = (self._clip.blocks(rate=rate, seconds=1) for rate in (HEARD, self.rate))
        for heard, sound in zip_longest(*seconds, fillvalue=nothing):
            count = max(1, round(len(heard) / HEARD / BLOCK))
            yield from zip(np.array_split(heard, count), np.array_split(sound, count), strict=True)

    def close(self) -> None:
        """See `Source.close`."""
        self._closed.set()


class Feed:
    """Sound that somebody sends, at any pace; where nothing comes there is silence, so that the face lives on.

    What comes faster than real time waits its turn. Nothing that was sent is ever left out.
    """

    def __init__(self, rate: int = HEARD, *, endless: bool = True) -> None:
        """`rate`: Hz of the sound for people; `endless`: whether silence follows when a sender has ended."""
        self.rate = rate
        self._endless = endless
        self._waiting: deque[tuple[float, F32]] = deque()  # when it came, samples at `rate`
        self._count = 0  # samples that wait
        self._came = 0.0  # when the last ones came
        self._changed = threading.Condition()
        self._closed = False
        self._ended = False

    def put(self, samples: F32, *, patience: float | None = None) -> bool:
        """Add samples [n] at `rate`; waits while there is too much. False: nobody listens any more, or no room came."""
        with self._changed:
            room = self._changed.wait_for(
                lambda: self._closed or self._count < _MOST_WAITING * self.rate, timeout=patience
            )
            if self._closed or not room:
                return False
            self._came = time.monotonic()
            self._waiting.append((self._came, samples))
            self._count += len(samples)
            self._changed.notify_all()
        return True

    @property
    def waiting(self) -> float:
        """Seconds of sound that wait."""
        return self._count / self.rate

    def end(self) -> None:
        """No more will be put."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """See `Source.close`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def blocks(self) -> Iterator[Block]:
        """See `Source.blocks`."""
        resampled = Resampler(self.rate)
        size = max(1, round(BLOCK * self.rate))
        due = time.monotonic()  # when the next block may be heard at the earliest
        while (taken := self._take(size, due)) is not None:
            samples, came = taken
            due, late = max(due, came), self._late
            yield Block(resampled(samples), samples, came if late else due)
            due += len(samples) / self.rate / (_CATCH_UP if late else _HURRY if self._count else 1)

    @property
    def _late(self) -> bool:
        """Whether sound that is sent in real time waits."""
        return _LATE < self.waiting < _LONG and time.monotonic() - self._came < _STEADY and not self._ended

    def _take(self, size: int, due: float) -> tuple[F32, float] | None:
        """At most `size` samples, not before `due`, and when they came; silence for late ones; None: the end."""
        with self._changed:
            while not self._closed and (wait := due - time.monotonic()) > 0:
                self._changed.wait(wait)
            self._changed.wait_for(
                lambda: self._closed or self._ended or self._count > 0, timeout=due + _GRACE - time.monotonic()
            )
            if self._closed or (self._ended and not self._count and not self._endless):
                return None
            if not self._count:
                return np.zeros(size, np.float32), due
            parts: list[F32] = []
            came, missing = due, size
            while missing and self._waiting:
                came, samples = self._waiting.popleft()
                parts.append(samples[:missing])
                if len(samples) > missing:
                    self._waiting.appendleft((came, samples[missing:]))
                missing -= len(parts[-1])
            taken = np.concatenate(parts)
            self._count -= len(taken)
            self._changed.notify_all()
            return taken, came


class StreamSource(Feed):
    """Raw samples from a pipe, such as standard input."""

    def __init__(self, stream: IO[bytes], form: PcmFormat) -> None:
        super().__init__(form.rate, endless=False)
        self._form, self._decoder = form, PcmDecoder(form)
        self._stream = stream
        self._error: InputError | None = None

    def blocks(self) -> Iterator[Block]:
        """See `Source.blocks`; raises InputError where a file comes in place of raw samples."""
        threading.Thread(target=self._read, name="pipe", daemon=True).start()
        yield from super().blocks()
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            data = self._begun()
            while data and self.put(self._decoder(data)):
                data = os.read(self._stream.fileno(), _READ)  # what is there, rather than all that was asked for
        except OSError:
            pass  # the pipe has broken: its end
        except InputError as error:
            self._error = error
        finally:
            self.end()

    def _begun(self) -> bytes:
        """The first bytes; raises InputError where they are those of a file."""
        data = b""
        while len(data) < _BEGINNING and (more := os.read(self._stream.fileno(), _READ)):
            data += more
        for beginning, kind in _BEGINNINGS.items():
            if data.startswith(beginning):
                form = self._form
                raise InputError(
                    f"-: expected raw samples ({form.kind}, {form.rate} Hz, channels: {form.channels}), found a {kind} "
                    f"file; give its name, or unpack it: "
                    f"ffmpeg -i FILE -f {form.kind} -ar {form.rate} -ac {form.channels} - | render live - ..."
                )
        return data


class Microphone:
    """A microphone of this machine, by the name or number that the sound system gives it."""

    def __init__(self, device: str = "") -> None:
        """Raises InputError where there is none of this name, or no sound system."""
        sounddevice = _sounddevice()
        self._came: queue.SimpleQueue[tuple[float, F32] | None] = queue.SimpleQueue()
        self._closed = False
        wanted = int(device) if device.isascii() and device.isdigit() else device or None
        try:
            sounddevice.check_input_settings(device=wanted, channels=1, samplerate=_MIC_RATE)
            self.rate = _MIC_RATE
        except (sounddevice.PortAudioError, ValueError):
            try:
                self.rate = round(sounddevice.query_devices(wanted, "input")["default_samplerate"])
            except (sounddevice.PortAudioError, ValueError) as error:
                raise _no_microphone(device, error) from None
        try:
            self._stream = sounddevice.InputStream(
                device=wanted,
                samplerate=self.rate,
                channels=1,
                dtype="float32",
                blocksize=round(_MIC_BLOCK * self.rate),
                latency="low",
                callback=self._heard,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise _no_microphone(device, error) from None

    def _heard(self, samples: F32, frames: int, times: object, status: object) -> None:
        self._came.put((time.monotonic(), samples[:, 0].copy()))

    def blocks(self) -> Iterator[Block]:
        """See `Source.blocks`."""
        resampled = Resampler(self.rate)
        self._stream.start()
        while (came := self._came.get()) is not None and not self._closed:
            at, samples = came
            yield Block(resampled(samples), samples, at)

    def close(self) -> None:
        """See `Source.close`."""
        self._closed = True
        self._stream.close()
        self._came.put(None)


def is_microphone(name: str) -> bool:
    """Whether a source is `mic`, `mic:NAME` or `mic:NUMBER`."""
    return name.partition(":")[0] == MICROPHONE


def microphone(name: str) -> Microphone:
    """What `is_microphone`; raises InputError where there is none."""
    return Microphone(name.partition(":")[2])


def open_source(name: str, form: PcmFormat, stdin: IO[bytes] | None) -> Source:
    """`mic`, `mic:NAME`, `mic:NUMBER`, `-` for raw samples on standard input, `ws` for a client that sends them, or a
    file. `stdin`: None where a program has been started without. Raises InputError.
    """
    if is_microphone(name):
        return microphone(name)
    if name == STDIN:
        if stdin is None:
            raise InputError("-: expected raw samples on standard input, found it closed")
        return StreamSource(stdin, form)
    if name == WEBSOCKET:
        return Feed(form.rate)
    return FileSource(open_audio(Path(name)))


def _no_microphone(device: str, error: Exception) -> InputError:
    said = str(error).split(" [PaErrorCode")[0].partition("\n")[0]
    return InputError(f"mic{device and ':'}{device}: expected a microphone of this machine, found none ({said})")


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise InputError(f"mic: expected the package sounddevice ({error}); pip install 'emosplat[live]'") from None
    except OSError as error:  # of Linux: elsewhere the library comes with the package
        raise InputError(
            f"mic: {error}; install libportaudio2, or send samples: `arecord ... | render live -`"
        ) from None
    return sounddevice
