"""Sounds: one length, one loudness by gain alone, shifted to the sample."""

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from emosplat.core.errors import InputError
from emosplat.studies.design import load_study
from emosplat.studies.sounds import RATE, Sound, prepare_sounds

from .conftest import DESIGN, write_design


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sound]:
    folder = tmp_path_factory.mktemp("sounds")
    return prepare_sounds(load_study(write_design(folder)), folder)


def test_all_are_equally_long_and_loud(sounds: dict[str, Sound]) -> None:
    assert len({len(s.samples) for s in sounds.values()}) == 1
    for sound in sounds.values():
        measured = pyloudnorm.Meter(RATE).integrated_loudness(sound.samples.astype(float))
        assert measured == pytest.approx(-23, abs=0.05)
        assert not sound.samples[: round(0.2 * RATE)].any()  # the lead is silent


def test_a_peak_too_high_lowers_all_alike(tmp_path: Path) -> None:
    design = write_design(tmp_path, DESIGN.replace("lead: 0.2", "loudness: -12, true_peak: -6, lead: 0.2"))
    sounds = prepare_sounds(load_study(design), tmp_path)
    assert max(s.true_peak for s in sounds.values()) == pytest.approx(-6, abs=0.05)
    assert len({s.lufs for s in sounds.values()}) == 1


def test_shifts_are_exact(sounds: dict[str, Sound]) -> None:
    sound = sounds["hello"]
    by = round(0.12 * RATE)
    np.testing.assert_array_equal(sound.driving(120)[:-by], sound.samples[by:])
    np.testing.assert_array_equal(sound.driving(-120)[by:], sound.samples[:-by])
    np.testing.assert_array_equal(sound.driving(0), sound.samples)


def test_silence_is_refused(tmp_path: Path) -> None:
    design = write_design(tmp_path)
    soundfile.write(tmp_path / "hello.flac", np.zeros(8 * RATE), RATE)
    with pytest.raises(InputError, match="found silence"):
        prepare_sounds(load_study(design), tmp_path)
