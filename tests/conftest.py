"""Small sounds that stand in for speech; clips are rendered tiny to keep the suite fast."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from emosplat.blendshapes.bundle import SPEECH
from emosplat.blendshapes.speech.encoder import BUILT_IN

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


@pytest.fixture(scope="session")
def bent_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built-in speech weights and another output bias: a mouth that hangs open."""
    folder = tmp_path_factory.mktemp("bent")
    with safe_open(BUILT_IN, "np") as file:
        metadata = file.metadata()
    tensors = load_file(BUILT_IN)
    save_file(tensors | {"axes.bias": tensors["axes.bias"] + np.float16(0.3)}, folder / SPEECH, metadata)
    return folder
