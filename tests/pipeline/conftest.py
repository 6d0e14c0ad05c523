"""Small sounds that stand in for speech; clips are rendered tiny to keep the suite fast."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 16_000


@pytest.fixture(scope="session")
def babble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.3 s that alternate a buzzing vowel-like sound and silence (synthetic)."""
    times = np.arange(int(1.3 * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 25))
    spoken = np.sin(2 * np.pi * 2.5 * times) > 0
    path = tmp_path_factory.mktemp("sound") / "babble.wav"
    soundfile.write(path, (0.1 * buzz * spoken).astype(np.float32), RATE)
    return path
