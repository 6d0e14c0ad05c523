"""Speech to articulation with hardly a look ahead: what the lips do is told a tenth of a second after it sounds.

The network is that of `encoder`, with few taps after the frame. It has learned what the encoder makes of the whole
clip, its filters and the swing of the contacts included (`training/live.py`), so that nothing is left to be done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.maths import smoothstep
from .encoder import BUILT_IN as WHOLE
from .encoder import CONTACTS, QUIET, RATE, Articulation, Blocks, NetworkEncoder, Past, read_network, vocal_effort
from .excerpt import EFFORT_WINDOW
from .features import BANDS, HOP, N_FFT, SILENCE, ClipStatistics, log_mel_stream, loudness
from .features import RATE as SAMPLE_RATE
from .phones import INDEX
from .phones import SILENCE as SILENT

F32 = NDArray[np.float32]

BUILT_IN = WHOLE.with_name("speech-live.safetensors")
MOST_AHEAD = 0.12  # seconds
WINDOW = N_FFT // 2 / SAMPLE_RATE  # seconds of sound after the middle of a feature frame that it hears
ROWS = 2  # feature frames per output frame
# Expectation of a contact from which it is made in full; less is made in part, little hardly. Set on the people and
# voices held out of the training: lips are sealed as often as the teacher's, and closures told apart as well as without
_SURE = 0.95
_ACTIVE = 16.0  # dB below the speaker's level: as loud as that is speech, or as good as it
_MEMORY = 6000.0  # feature frames of speech (60 s) after which an e-th of it still counts
_FORGETS = 50  # feature frames of speech between two times of forgetting


def lookahead_of(frames: int) -> float:
    """Seconds of sound after a frame that a network with so many output frames of context after it needs.

    >>> lookahead_of(4)
    0.096
    """
    return round(frames / RATE + WINDOW, 6)


def frames_within(seconds: float) -> int:
    """The most output frames of context that need no more than so many seconds of sound; less than 1: none.

    >>> frames_within(0.1)
    4
    """
    return int((seconds - WINDOW) * RATE + 1e-6)


class RunningNormaliser:
    """Level and mean spectrum of the speaker so far, and features by them; with speech, old speech is forgotten."""

    def __init__(self, prior: NDArray[np.floating]) -> None:
        """`prior` [80]: mean spectrum of speech (`ClipStatistics`)."""
        self._statistics = ClipStatistics(prior.astype(np.float64))
        self._spoken = 0

    def __call__(self, mel: F32) -> tuple[F32, F32, float]:
        """Of the next log-mel energies [n, 80]: features [n, 80], loudness relative to the speaker's [n] and the
        effort of the voice, dB."""
        self._statistics.add(mel)
        normaliser = self._statistics.normaliser()
        level = (loudness(mel) - normaliser.level).astype(np.float32)
        self._spoken += int(np.count_nonzero(level > -_ACTIVE))
        if self._spoken >= _FORGETS:
            self._statistics.forget(1 - np.exp(-self._spoken / _MEMORY))
            self._spoken = 0
        return normaliser(mel), np.maximum(level, np.float32(QUIET)), vocal_effort(normaliser.tilt)


class LiveEncoder(NetworkEncoder):
    """Speech that arrives to articulation, frame by frame, in constant memory.

    The axes are ready to be shown: low-passed, closed in pauses, contacts as the lips make them, not probabilities.
    """

    @property
    def lookahead(self) -> float:
        """Seconds of sound after a frame that are needed to tell it."""
        return lookahead_of(self._network.context[1])

    @staticmethod
    def load(path: Path | None = None) -> LiveEncoder:
        """Read a weights file (the built-in one by default); raises InputError for one that looks too far ahead."""
        path = path or BUILT_IN
        network, prior, file = read_network(path)
        encoder = LiveEncoder(network, prior, info=file.info, sha256=file.sha256)
        if encoder.lookahead > MOST_AHEAD:
            raise InputError(
                f"{path}: expected speech weights that hear at most {MOST_AHEAD:g} s ahead, found "
                f"{encoder.lookahead:g}; train such: render train speech --lookahead 0.1"
            )
        return encoder

    def articulate(self, blocks: Blocks) -> Iterator[Articulation]:
        """`follow` of a clip that is there as a whole."""
        return self.follow(blocks())

    def follow(self, blocks: Iterable[F32]) -> Iterator[Articulation]:
        """One frame after the other: frame k, at k / 50 s, once `lookahead` more of the sound has come.

        `blocks` are float32 mono 16 kHz arrays of any size. A clip of N samples gives 1 + N // 320 frames. Every step
        is of the same size, so that the frames are the same bit for bit, whatever the sizes of the blocks.
        """
        before, after = self._network.context
        past, levels = Past(), _Levels(after)
        self._network(np.full((ROWS * (before + after) + 1, BANDS), SILENCE, np.float32), past)
        for k, (features, level, effort) in enumerate(_steps(blocks, self._prior, after), start=-after):
            axes, phones = self._network(features, past)
            levels.add(level)
            if k >= 0:
                axes[:, CONTACTS] = smoothstep(axes[:, CONTACTS] / _SURE)
                yield Articulation(axes, 1 - phones[:, INDEX[SILENT]], levels.averaged(), effort)


class _Levels:
    """Loudness under a moving window as `Excerpt.effort` wants it, of frames that are followed by `after` others."""

    def __init__(self, after: int) -> None:
        half = min(after, round(EFFORT_WINDOW * RATE / 2))
        self._levels = deque([QUIET] * (half + after + 1), maxlen=half + after + 1)
        window = np.sin(np.pi * np.arange(1.0, 2 * half + 2) / (2 * half + 2)) ** 2
        self._window = window / window.sum()

    def add(self, level: float) -> None:
        """The level of one more frame, dB."""
        self._levels.append(level)

    def averaged(self) -> F32:
        """That of the frame which so many others follow, [1] dB."""
        return np.array([self._window @ list(self._levels)[: len(self._window)]], np.float32)


def _steps(blocks: Iterable[F32], prior: F32, after: int) -> Iterator[tuple[F32, float, float]]:
    """Features [2, 80], the later one's level and the effort so far, from the two feature frames that end with frame 0
    of the output on; after the sound silence, until `after` frames of the output have passed."""
    samples = 0

    def counted() -> Iterator[F32]:
        nonlocal samples
        for block in blocks:
            samples += len(block)
            yield block

    normalised = RunningNormaliser(prior)
    steps, effort = 0, 0.0
    lead = np.zeros(HOP, np.float32)  # so that the first two feature frames are the one before the sound and its first
    for mel in log_mel_stream(chain([lead], counted()), frames=ROWS):
        features, level, effort = normalised(mel)
        whole = np.pad(features, ((0, ROWS - len(mel)), (0, 0)), constant_values=SILENCE)
        yield whole, float(level[-1]) if len(mel) == ROWS else QUIET, effort
        steps += 1
    silence = np.full((ROWS, BANDS), SILENCE, np.float32)
    yield from repeat((silence, QUIET, effort), samples // (ROWS * HOP) + after + 1 - steps)
