"""Speech with phone times from the flite command; its voices were recorded from people.

flite (BSD-like licence of Carnegie Mellon University) is a tool of the build: nothing of it is shipped.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..speech.phones import Segment, from_arpabet

F32 = NDArray[np.float32]


def say(text: str, voice: str, *, stretch: float = 1.0, pitch: float | None = None) -> tuple[F32, int, list[Segment]]:
    """Waveform, its rate in Hz and its phones; `stretch` > 1 speaks slower, `pitch` in Hz.

    Raises FileNotFoundError when flite is not installed and CalledProcessError when it fails.
    """
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = ["flite", "-voice", voice, "-t", text, "-psdur", "--setf", f"duration_stretch={stretch:.2f}"]
        if pitch is not None:
            command += ["--setf", f"int_f0_target_mean={pitch:.0f}"]
        done = subprocess.run([*command, "-o", str(path)], capture_output=True, text=True, check=True)
        wave, rate = soundfile.read(path, dtype="float32")
    return np.asarray(wave, np.float32), rate, from_arpabet(_labels(done.stdout))


def version() -> str:
    """Version of the flite command."""
    text = subprocess.run(["flite", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"flite-(\d\S*)", text)
    return found[1] if found else "unknown"


def _labels(printed: str) -> list[tuple[float, float, str]]:
    """flite prints `phone:end` pairs, separated by blanks."""
    labels: list[tuple[float, float, str]] = []
    start = 0.0
    for pair in printed.split():
        phone, _, end = pair.rpartition(":")
        if not phone:
            continue
        labels.append((start, float(end), phone))
        start = float(end)
    return labels
