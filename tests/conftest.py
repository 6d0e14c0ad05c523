"""Small sounds that stand in for speech; clips are rendered tiny to keep the suite fast."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import settings
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

RATE = 16_000

# some containers keep no compiled Python: then every process that a test starts would compile all sources anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# a clock says nothing about the code where other programs share the cores
settings.register_profile("emosplat", deadline=None)
settings.load_profile("emosplat")


def pytest_report_header() -> str:
    """Which emosplat is tested: an installed one may be another tree's."""
    spec = find_spec("emosplat")
    if spec is None or spec.origin is None:
        pytest.exit("emosplat is not installed: run `make test`, or `pip install -e '.[test]'` in this folder", 4)
    return f"emosplat: {Path(spec.origin).parent.resolve()}"


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
    from emosplat.blendshapes.bundle import SPEECH
    from emosplat.blendshapes.speech.encoder import BUILT_IN

    folder = tmp_path_factory.mktemp("bent")
    with safe_open(BUILT_IN, "np") as file:
        metadata = file.metadata()
    tensors = load_file(BUILT_IN)
    save_file(tensors | {"axes.bias": tensors["axes.bias"] + np.float16(0.3)}, folder / SPEECH, metadata)
    return folder
