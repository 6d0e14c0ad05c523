"""Speech with phone times from espeak-ng, through its C library, with voices of our own making.

espeak-ng (GPL-3) is a tool of the build: nothing of it is shipped.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..speech.phones import SILENCE, Segment, from_ipa

F32 = NDArray[np.float32]

OWN_VOICE = "own"

_RETRIEVAL = 1  # audio goes to the callback, playback mode "retrieval"
_PHONEME_EVENTS, _PHONEME_IPA = 1, 2
_EVENT_END, _EVENT_PHONEME = 0, 7
_RATE, _PITCH, _RANGE, _WORD_GAP = 1, 3, 4, 7  # espeak_PARAMETER
_UTF8, _PHONEMES_IN_BRACKETS, _END_PAUSE = 1, 0x100, 0x1000
_VOICELESS = frozenset({"P", "T", "K", "CH"})
_DIGITAL_SILENCE = 0.003
_LONGEST_CLOSURE = 0.09  # seconds, after a pause
_STEP = 0.002  # seconds


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The synthesiser. Open it once per process: the library keeps its state in globals and hangs the second time."""

    def __init__(self, data: Path | None = None) -> None:
        """`data`: folder that holds `espeak-ng-data` (see `link_data`); raises OSError when not installed."""
        self._library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
        self._library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        self._library.espeak_Synth.argtypes = [
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
        ]
        folder = str(data).encode() if data else None
        self.rate: int = self._library.espeak_Initialize(_RETRIEVAL, 500, folder, _PHONEME_EVENTS | _PHONEME_IPA)
        if self.rate <= 0:
            raise OSError("espeak-ng: initialisation failed; is its data folder installed?")
        self._audio: list[NDArray[np.int16]] = []
        self._phonemes: list[tuple[float, str]] = []
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def version(self) -> str:
        """Version of the library."""
        self._library.espeak_Info.restype = ctypes.c_char_p
        return self._library.espeak_Info(None).decode()

    def say(
        self, text: str, voice: str, *, speed: int = 170, pitch: int = 50, variation: int = 50, gap: int = 0
    ) -> tuple[F32, list[Segment]]:
        """Waveform at `self.rate` and its phones; `voice` such as `en-us+f3`, `speed` in words per minute.

        Text in `[[...]]` is read as espeak phoneme names. Raises ValueError for an unknown voice.
        """
        self._audio, self._phonemes = [], []
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng: no voice {voice}")
        for parameter, value in ((_RATE, speed), (_PITCH, pitch), (_RANGE, variation), (_WORD_GAP, gap)):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        flags = _UTF8 | _PHONEMES_IN_BRACKETS | _END_PAUSE
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, flags, None, None)
        self._library.espeak_Synchronize()
        wave = (np.concatenate([np.zeros(0, np.int16), *self._audio]) / 32768).astype(np.float32)
        ends = [start for start, _ in self._phonemes[1:]] + [len(wave) / self.rate]
        labels = (
            [(start, end, ipa) for (start, ipa), end in zip(self._phonemes, ends, strict=True)] if len(wave) else []
        )
        return wave, closures_to_stops(from_ipa(labels), wave, self.rate)

    def _receive(self, samples, count, events) -> int:  # type: ignore[no-untyped-def]
        if count > 0 and samples:
            self._audio.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_END:
            event = events[index]
            if event.type == _EVENT_PHONEME:
                self._phonemes.append((event.audio_position / 1000, event.id.string.decode("utf-8", "replace")))
            index += 1
        return 0


def closures_to_stops(segments: Sequence[Segment], wave: F32, rate: int) -> list[Segment]:
    """Move the closure before a voiceless stop from the previous phone to the stop.

    espeak-ng reports P T K CH at the burst; the digital silence before it belongs to the closure of the stop.
    """
    hop = int(_STEP * rate)
    count = len(wave) // hop
    peaks = np.abs(wave[: count * hop]).reshape(count, hop).max(axis=1, initial=0)
    moved = list(segments)
    for i in range(1, len(moved)):
        previous, stop = moved[i - 1], moved[i]
        if stop.phone not in _VOICELESS:
            continue
        start = _silence_start(peaks, earliest=previous.start, until=stop.start)
        if previous.phone == SILENCE:
            start = max(start, stop.start - _LONGEST_CLOSURE)
        if start < stop.start - 2 * _STEP:
            moved[i - 1] = previous._replace(end=start)
            moved[i] = stop._replace(start=start)
    return [segment for segment in moved if segment.end > segment.start]


def _silence_start(peaks: F32, *, earliest: float, until: float) -> float:
    step = min(int(until / _STEP) - 1, len(peaks) - 1)
    while step > 0 and step * _STEP > earliest and peaks[step] < _DIGITAL_SILENCE:
        step -= 1
    return (step + 1) * _STEP


def link_data(folder: Path, system_data: Path) -> None:
    """Make `folder/espeak-ng-data`: espeak-ng's own data by links, with room for `write_random_voice`."""
    data = folder / "espeak-ng-data"
    (data / "voices" / "!v").mkdir(parents=True, exist_ok=True)
    _link_all(system_data, data, leave="voices")
    _link_all(system_data / "voices", data / "voices", leave="!v")
    _link_all(system_data / "voices" / "!v", data / "voices" / "!v", leave=OWN_VOICE)
    (data / "voices" / "!v" / OWN_VOICE).write_text("language variant\n", encoding="utf-8")


def write_random_voice(folder: Path, rng: random.Random) -> None:
    """Give the variant `OWN_VOICE` another random speaker: pitch, formants, spectral tilt, breath and roughness.

    The network hears more speakers so than espeak-ng comes with (espeak-ng, docs/voices.md).
    """
    (folder / "espeak-ng-data" / "voices" / "!v" / OWN_VOICE).write_text(
        _random_variant(OWN_VOICE, rng), encoding="utf-8"
    )


def _link_all(source: Path, target: Path, *, leave: str) -> None:
    for entry in source.iterdir():
        link = target / entry.name
        if entry.name != leave and not link.exists():
            link.symlink_to(entry)


def _random_variant(name: str, rng: random.Random) -> str:
    low = round(rng.uniform(70, 230))
    tract = rng.uniform(0.87, 1.22)  # vocal-tract length: all formants together
    lines = ["language variant", f"name {name}", f"pitch {low} {round(low * rng.uniform(1.2, 1.7))}"]
    for formant in range(9):
        frequency = round(100 * tract * rng.uniform(0.94, 1.06))
        lines.append(f"formant {formant} {frequency} {round(rng.uniform(60, 130))} {round(rng.uniform(70, 180))}")
    tones = [f"{hz} {round(rng.uniform(40, 255))}" for hz in (150, 600, 1200, 2200, 3500)]
    lines.append("tone " + " ".join(tones[: rng.randint(2, 5)]))
    lines.append(f"consonants {round(rng.uniform(50, 130))} {round(rng.uniform(50, 130))}")
    lines += [f"flutter {rng.randint(0, 6)}", f"roughness {rng.randint(0, 3)}", f"voicing {rng.randint(60, 120)}"]
    if rng.random() < 0.4:
        lines.append("breath " + " ".join(str(rng.randint(0, 9)) for _ in range(8)))
        lines.append("breathw 150 150 200 200 400 400")
    if rng.random() < 0.25:
        lines.append(f"klatt {rng.randint(1, 5)}")
    return "\n".join(lines) + "\n"
