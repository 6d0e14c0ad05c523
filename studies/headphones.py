"""Sounds that only people with headphones tell apart, made from sines and noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .procedure import Headphones

F64 = NDArray[np.float64]
RATE = 44_100  # Hz
PART, PAUSE, SOFT = 0.9, 0.45, 0.03  # seconds: each of the three parts, between them, of a part's rise and fall
LEVEL = 0.1  # root mean square, full scale 1
PITCH, BAND = 600.0, 0.06  # Hz; width to either side as a share: where the two ears' noises differ in phase
TONE = 200.0  # Hz
QUIETER = 10 ** (-6 / 20)  # the tone that headphones play quieter


def write_headphone_sounds(check: Headphones, folder: Path, seed: int) -> list[dict[str, str]]:
    """Write the sounds of a check as FLAC, which keeps phases; each one's file and right answer, "1" to "3"."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x5EED,)))
    rights = np.resize(rng.permutation(3), check.trials)
    made: list[dict[str, str]] = []
    for number, right in enumerate(rng.permutation(rights), start=1):
        sound = huggins(int(right), rng) if check.kind == "huggins" else antiphase(int(right), rng)
        name = f"sound_{number}.flac"
        soundfile.write(folder / name, sound, RATE, subtype="PCM_16")
        made.append({"file": f"{folder.name}/{name}", "right": str(int(right) + 1)})
    return made


def huggins(right: int, rng: np.random.Generator) -> F64:
    """Three noises [n, 2]; in the one of index `right` two ears hear a faint tone that neither hears alone.

    Both channels of that one are the same noise, but for the phase of one of them, which turns once through a circle in
    a narrow band around 600 Hz (Cramer and Huggins, 1958). Beside loudspeakers the tone all but vanishes.
    """
    parts = [_noise(rng, turned=part == right) for part in range(3)]
    return _in_turn(parts)


def antiphase(right: int, rng: np.random.Generator) -> F64:
    """Three tones [n, 2] of 200 Hz. The one of index `right` is 6 dB quieter, and one of the others has opposite
    channels, which loudspeakers cancel in the air: it is taken for the quietest (Woods et al., 2017).
    """
    time = np.arange(round(PART * RATE)) / RATE
    tone = np.sin(2 * np.pi * TONE * time) * LEVEL * np.sqrt(2)
    opposite = int(rng.choice([part for part in range(3) if part != right]))
    parts = [
        np.column_stack([tone, -tone if part == opposite else tone]) * (QUIETER if part == right else 1.0)
        for part in range(3)
    ]
    return _in_turn(parts)


def _noise(rng: np.random.Generator, *, turned: bool) -> F64:
    count = round(PART * RATE)
    left = rng.normal(size=count)
    spectrum = np.fft.rfft(left)
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    low, high = PITCH * (1 - BAND), PITCH * (1 + BAND)
    turn = np.clip((frequency - low) / (high - low), 0, 1) * 2 * np.pi
    right = np.fft.irfft(spectrum * np.exp(1j * turn), count) if turned else left
    return np.column_stack([left, right]) * LEVEL


def _in_turn(parts: list[F64]) -> F64:
    ramp = np.sin(np.linspace(0, np.pi / 2, round(SOFT * RATE))) ** 2
    pause = np.zeros((round(PAUSE * RATE), 2))
    whole: list[F64] = []
    for part in parts:
        shaped = part.copy()
        shaped[: len(ramp)] *= ramp[:, None]
        shaped[-len(ramp) :] *= ramp[::-1, None]
        whole += [shaped, pause]
    return np.clip(np.concatenate(whole[:-1]), -1, 1)


def headphone_settings(check: Headphones | None, public: Path, seed: int) -> dict[str, Any] | None:
    """What the page must know about a check, whose sounds are written into `public`."""
    if check is None:
        return None
    sounds = write_headphone_sounds(check, public / "headphones", seed)
    return {"kind": check.kind, "pass": check.pass_, "fail": check.fail, "sounds": sounds}
