"""Log-mel frames of average human voices, sampled from the acoustic model that comes with pocketsphinx.

The model (US English, triphone states with Gaussian mixtures over cepstra; Copyright Alpha Cephei Inc. 2015, BSD-2) was
trained on many people. We draw a mixture component per stretch of a state, leaning towards one random speaker, and
solve for the smoothest cepstra given means and variances of the cepstra and their differences: Tokuda et al.,
"Speech parameter generation algorithms for HMM-based speech synthesis" (2000). No audio comes out, only features.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..speech.features import BANDS, mel_centres
from ..speech.phones import DIPHTHONGS, SILENCE, Segment

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_CEPSTRA = 13
_STATES = 3
_STREAMS = 3  # cepstra, differences, second differences
_COMPONENTS = 128
_FILTERS, _LOW_HZ, _HIGH_HZ = 25, 130.0, 6800.0  # feat.params of the model
_LIFTER = 22
_LOG_BASE = 1.0001
_NEAREST = {"AX": "AH", "OW1": "OW", "OW2": "UH", "A1": "AA", "Y2": "IH", "EY1": "EY", "OY1": "AO"}
_NEAREST |= {"YY": "UW", "OE": "ER", "X": "HH"}
_JOINED = {(first, second): whole for whole, (first, second, _) in DIPHTHONGS.items()}
# The streams' windows over neighbouring frames (sphinx: difference over 2 frames, second difference over 1 of those).
_WINDOWS = ({0: 1.0}, {2: 1.0, -2: -1.0}, {3: 1.0, -1: -1.0, 1: -1.0, -3: 1.0})
_BANDWIDTH = 6


class AcousticModel:
    """The Gaussians of pocketsphinx's `en-us` model."""

    def __init__(self, folder: Path | None = None) -> None:
        """Reads the model inside the pocketsphinx package by default; raises ImportError when that is not installed."""
        folder = folder or _packaged_model()
        self._means = _read_gaussians(folder / "means")  # [context-independent phone, stream, component, 13]
        self._variances = _read_gaussians(folder / "variances")
        self._trained = np.all(self._variances > 1e-6, axis=3)  # a few components saw no data
        self._read_definition((folder / "mdef").read_bytes())
        senones = 1 + int(self._states.max())
        dump = np.frombuffer((folder / "sendump").read_bytes(), np.uint8)[-_STREAMS * _COMPONENTS * senones :]
        self._log_weights = dump.reshape(_STREAMS, _COMPONENTS, senones) * (-1024.0 * np.log(_LOG_BASE))

    def _read_definition(self, data: bytes) -> None:
        """Binary model definition: names, triphones and their states (pocketsphinx, bin_mdef.c)."""
        (note,) = struct.unpack_from("<i", data, 8)
        position = 12 + note
        counts = struct.unpack_from("<10i", data, position)
        phones, all_phones, states, _, _, _, sequences, _, tree_nodes, _ = counts
        position += 40
        names = data[position:].split(b"\0", phones)[:phones]
        self._phone = {name.decode(): index for index, name in enumerate(names)}
        length = sum(len(name) + 1 for name in names)
        position += (length + 3) // 4 * 4 + 8 * tree_nodes
        entry = np.dtype([("sequence", "<i4"), ("transitions", "<i4"), ("word_phone_left_right", "u1", 4)])
        entries = np.frombuffer(data, entry, all_phones, position)
        position += entry.itemsize * all_phones + 4
        self._states = np.frombuffer(data, "<u2", sequences * states, position).reshape(sequences, states)
        self._alone = entries["sequence"][:phones]
        keys = entries["word_phone_left_right"][phones:].tolist()
        self._triphones = dict(zip(map(tuple, keys), entries["sequence"][phones:].tolist(), strict=True))

    def sample(self, segments: Sequence[Segment], rng: np.random.Generator) -> F32:
        """Log-mel energies of one random speaker, [100 frames per second, 80] dB up to an unknown channel."""
        segments = _join_diphthongs(segments)
        frames = round(segments[-1].end * 100)
        mean, variance = np.zeros((frames, _STREAMS, _CEPSTRA)), np.ones((frames, _STREAMS, _CEPSTRA))
        speaker = rng.standard_normal(_CEPSTRA) * rng.uniform(0.3, 1.0)
        likeness = rng.uniform(0.3, 1.2)
        phones = [self._phone[_NEAREST.get(segment.phone, segment.phone)] for segment in segments]
        for segment, phone, states in zip(segments, phones, self._state_sequences(phones, rng), strict=True):
            cuts = np.linspace(segment.start * 100, segment.end * 100, _STATES + 1).round().astype(int)
            for state, first, last in zip(states, cuts[:-1], cuts[1:], strict=True):
                for start, end in _stretches(first, min(last, frames), rng):
                    mean[start:end], variance[start:end] = self._draw(phone, int(state), speaker, likeness, rng)
        cepstra = smoothest_cepstra(mean, variance)
        noise = rng.standard_normal((frames + 2, _CEPSTRA))
        noise = 0.25 * noise[:-2] + 0.5 * noise[1:-1] + 0.25 * noise[2:]
        cepstra += noise * np.sqrt(variance[:, 0]) * rng.uniform(0.1, 0.5)
        return _cepstra_to_mel(cepstra, stretch=float(np.exp(rng.uniform(-0.1, 0.1))))

    def _state_sequences(self, phones: Sequence[int], rng: np.random.Generator) -> list[NDArray[np.uint16]]:
        silence = self._phone[SILENCE]
        around = [silence, *phones, silence]
        sequences = []
        for left, phone, right in zip(around, phones, around[2:], strict=False):
            keys = [(word, phone, left, right) for word in rng.permutation(4).tolist()]
            known = [self._triphones[key] for key in keys if key in self._triphones and phone != silence]
            sequences.append(self._states[known[0] if known else self._alone[phone]])
        return sequences

    def _draw(self, phone: int, state: int, speaker: F64, likeness: float, rng: np.random.Generator) -> tuple[F32, F32]:
        """Mean and variance, each [3 streams, 13], of one component per stream."""
        chosen = []
        for stream in range(_STREAMS):
            weights = np.exp(self._log_weights[stream, :, state]) * self._trained[phone, stream]
            weights /= weights.sum()
            if stream == 0:
                weights = self._like_speaker(weights, self._means[phone, 0], speaker, likeness)
            chosen.append(rng.choice(_COMPONENTS, p=weights))
        streams = np.arange(_STREAMS)
        return self._means[phone, streams, chosen], self._variances[phone, streams, chosen]

    @staticmethod
    def _like_speaker(weights: F64, means: F32, speaker: F64, likeness: float) -> F64:
        centre = weights @ means
        spread = np.sqrt(weights @ (means - centre) ** 2 + 1e-6)
        distance = (((means - centre) / spread - speaker) ** 2).mean(axis=1)
        weights = weights * np.exp(-0.5 * likeness * distance)
        return weights / weights.sum()


def smoothest_cepstra(mean: F64, variance: F64) -> F64:
    """The most likely cepstra [T, D] under Gaussians [T, 3, D] of cepstra, differences and second differences."""
    from scipy.linalg import solveh_banded

    frames = np.arange(len(mean))
    result = np.empty((len(mean), mean.shape[2]))
    for d in range(mean.shape[2]):
        matrix = np.zeros((_BANDWIDTH + 1, len(mean)))  # lower banded form
        right = np.zeros(len(mean))
        for stream, window in enumerate(_WINDOWS):
            precision = 1 / variance[:, stream, d]
            for a, weight_a in window.items():
                row = np.clip(frames + a, 0, len(mean) - 1)
                np.add.at(right, row, weight_a * precision * mean[:, stream, d])
                for b, weight_b in window.items():
                    column = np.clip(frames + b, 0, len(mean) - 1)
                    lower = row >= column
                    index = ((row - column)[lower], column[lower])
                    np.add.at(matrix, index, weight_a * weight_b * precision[lower])
        matrix[0] += 1e-3
        result[:, d] = solveh_banded(matrix, right, lower=True)
    return result


def model_notice() -> str:
    """Copyright notice and licence (BSD-2) of the model."""
    return (_packaged_model() / "README").read_text(encoding="utf-8")


def _packaged_model() -> Path:
    from pocketsphinx import get_model_path

    folder = Path(get_model_path()) / "en-us"
    return folder / "en-us" if (folder / "en-us").is_dir() else folder


def _read_gaussians(path: Path) -> F32:
    """A sphinx-3 parameter file: text header, byte-order mark, sizes, float32."""
    data = path.read_bytes()
    position = data.index(b"endhdr") + len("endhdr\n")
    (mark, sets, streams, components) = struct.unpack_from("<4I", data, position)
    if mark != 0x11223344:
        raise ValueError(f"{path}: expected a little-endian sphinx parameter file")
    lengths = struct.unpack_from(f"<{streams}I", data, position + 16)
    values = np.frombuffer(data, "<f4", offset=position + 16 + 4 * streams + 4)
    return values[: sets * components * sum(lengths)].reshape(sets, streams, components, lengths[0])


def _join_diphthongs(segments: Sequence[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for segment in segments:
        whole = _JOINED.get((joined[-1].phone, segment.phone)) if joined else None
        if whole:
            joined[-1] = Segment(joined[-1].start, segment.end, whole)
        else:
            joined.append(segment)
    return joined


def _stretches(first: int, last: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Cut a long state into stretches of 6 to 19 frames, so that it does not stand still."""
    stretches = []
    while first < last:
        end = min(last, first + int(rng.integers(6, 20)))
        stretches.append((first, end))
        first = end
    return stretches


def _mel(hz: F64) -> F64:
    return 2595 * np.log10(1 + hz / 700)


def _cepstra_to_mel(cepstra: F64, *, stretch: float) -> F32:
    """Cepstra over the model's 25 filters to our 80 bands; `stretch` scales the frequency axis."""
    low, high = _mel(np.array([_LOW_HZ, _HIGH_HZ]))
    centres = 700 * (10 ** (np.linspace(low, high, _FILTERS + 2)[1:-1] / 2595) - 1)
    order = np.arange(_CEPSTRA)
    basis = np.sqrt(2 / _FILTERS) * np.cos(np.pi * order[:, None] * (np.arange(_FILTERS) + 0.5) / _FILTERS)
    basis[0] /= np.sqrt(2)
    lifter = 1 + _LIFTER / 2 * np.sin(order * np.pi / _LIFTER)
    energies = 10 / np.log(10) * (cepstra / lifter) @ basis
    return (energies @ _interpolation(np.log(centres * stretch), np.log(np.maximum(mel_centres(), 1)))).astype(
        np.float32
    )


def _interpolation(known: F64, wanted: F64) -> F64:
    """Matrix [known, wanted] of linear interpolation with constant ends."""
    columns = [np.interp(wanted, known, row) for row in np.eye(len(known))]
    return np.array(columns).reshape(len(known), BANDS)
