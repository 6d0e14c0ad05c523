"""Samples as they come over a wire: bytes of any length to mono float32, and on to the rate that models hear."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..media.audio import HEARD, MAX_RATE, MIN_RATE

F32 = NDArray[np.float32]

MOST_CHANNELS = 8
_KINDS = {"s16le": np.dtype("<i2"), "f32le": np.dtype("<f4")}
_ZEROS = 16  # zero crossings of the low-pass on either side, 1 ms: what waits for more delays the face
_KEPT = 0.9  # of the band below half of the lower rate


@dataclass(frozen=True)
class PcmFormat:
    """How samples are sent: interleaved channels, little-endian. Raises InputError.

    >>> PcmFormat(48_000).bytes_per_frame
    2
    """

    rate: int = HEARD  # Hz
    kind: str = "s16le"  # full scale 32768, or 1 for f32le
    channels: int = 1

    def __post_init__(self) -> None:
        if not MIN_RATE <= self.rate <= MAX_RATE:
            raise InputError(f"rate: expected {MIN_RATE} to {MAX_RATE} Hz, found {self.rate}")
        if self.kind not in _KINDS:
            raise InputError(f"pcm: expected one of {', '.join(_KINDS)}, found {self.kind[:20]!r}")
        if not 1 <= self.channels <= MOST_CHANNELS:
            raise InputError(f"channels: expected 1 to {MOST_CHANNELS}, found {self.channels}")

    @property
    def bytes_per_frame(self) -> int:
        """Of one moment, all channels."""
        return self.channels * _KINDS[self.kind].itemsize

    @staticmethod
    def parse(fields: dict[str, str]) -> PcmFormat:
        """From text, as of an address: rate, pcm, channels. Raises InputError also for other fields.

        >>> PcmFormat.parse({"rate": "48000", "pcm": "f32le"})
        PcmFormat(rate=48000, kind='f32le', channels=1)
        """
        if unknown := set(fields) - {"rate", "pcm", "channels"}:
            raise InputError(f"sound: expected rate, pcm and channels, found {sorted(unknown)[0][:40]!r}")
        return PcmFormat(
            _integer("rate", fields.get("rate", str(HEARD))),
            fields.get("pcm", "s16le"),
            _integer("channels", fields.get("channels", "1")),
        )


def _integer(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(f"{name}: expected a whole number, found {text[:20]!r}")
    return int(text)


class PcmDecoder:
    """Bytes in pieces of any length to mono samples; half a sample waits for its other half.

    >>> decoder = PcmDecoder(PcmFormat())
    >>> decoder(bytes([0])).tolist(), decoder(bytes([64])).tolist()
    ([], [0.5])
    """

    def __init__(self, form: PcmFormat) -> None:
        self.form = form
        self._waiting = b""

    def __call__(self, data: bytes) -> F32:
        """The samples [n] that are whole by now; what is no number is silent, what is too loud cut."""
        data = self._waiting + data
        whole = len(data) - len(data) % self.form.bytes_per_frame
        self._waiting = data[whole:]
        samples = np.frombuffer(data[:whole], _KINDS[self.form.kind]).reshape(-1, self.form.channels)
        if self.form.kind == "s16le":
            return samples.mean(axis=1, dtype=np.float32) / np.float32(32768)
        return np.clip(np.nan_to_num(samples, nan=0, posinf=0, neginf=0), -1, 1).mean(axis=1, dtype=np.float32)


def as_s16le(samples: F32) -> bytes:
    """Samples [n] as 16-bit ones; beyond full scale they are cut."""
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()


class Resampler:
    """Mono samples to another rate, as they come: each leaves 1 ms (at the lower rate, 16 samples) after it came in.

    A windowed sinc, one set of taps per phase. libsoxr's streams, which files go through, hold back 40 ms.

    >>> double = Resampler(8_000, 16_000)
    >>> len(double(np.zeros(160, np.float32)))
    288
    """

    def __init__(self, rate: int, target: int = HEARD) -> None:
        self._step, self._phases = rate // gcd(rate, target), target // gcd(rate, target)
        self._same = rate == target
        slower = min(1.0, target / rate)  # of the input's band, what the output can hold
        self._reach = ceil(_ZEROS / slower)
        offsets = np.arange(-self._reach + 1, self._reach + 1)
        away = offsets - np.arange(self._phases)[:, None] / self._phases  # input samples from the output's time
        window = np.cos(np.clip(away / self._reach, -1, 1) * (np.pi / 2)) ** 2
        taps = window * np.sinc(away * slower * _KEPT)
        self._taps = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
        self._kept = np.zeros(self._reach - 1, np.float32)  # input from sample `_at` - reach + 1 on
        self._at, self._phase = 0, 0  # where the next output lies: `_at` + `_phase` / phases, from the input kept

    def __call__(self, samples: F32) -> F32:
        """The output [m] that the samples [n] make known."""
        if self._same:
            return samples
        kept = np.concatenate([self._kept, samples])
        room = len(kept) - 2 * self._reach - self._at  # the last place where an output may lie
        count = max(0, (room * self._phases + self._phases - 1 - self._phase) // self._step + 1) if room >= 0 else 0
        places = self._phase + self._step * np.arange(count)
        first, phase = self._at + places // self._phases, places % self._phases
        around = first[:, None] + np.arange(2 * self._reach)
        out = np.einsum("nt,nt->n", kept[around], self._taps[phase]) if count else np.zeros(0, np.float32)
        end = self._phase + self._step * count
        self._at, self._phase = self._at + end // self._phases, end % self._phases
        drop = min(self._at, len(kept))
        self._kept, self._at = kept[drop:], self._at - drop
        return out.astype(np.float32)
