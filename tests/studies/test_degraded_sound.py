"""Degraded sounds: envelopes survive the vocoder, noise has the speech's spectrum and level, voices set in together."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import welch

from emosplat.core.errors import InputError
from emosplat.studies.degraded_sound import (
    channel_edges,
    in_noise,
    moved,
    onset,
    others,
    speech_spectrum,
    vocoded,
)
from emosplat.studies.design import load_study
from emosplat.studies.sounds import RATE, heard_as, prepare_sounds
from emosplat.studies.stimuli import Showing

from .conftest import DESIGN, write_design

HEARD = """
  mute: {sound: silent}
  swapped: {sound: other}
  hers: {sound: hello}
  coarse: {vocoded: 4}
  noisy: {snr: 0}
  twinface:"""


def speech_like(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    """Low-passed noise that comes and goes four times a second."""
    rng = np.random.default_rng(seed)
    noise = np.convolve(rng.normal(size=round(seconds * RATE)), np.ones(24) / 24, "same")
    return (noise * np.square(np.sin(4 * np.pi * np.arange(len(noise)) / RATE))).astype(np.float32)


def test_channels_are_even_on_the_basilar_membrane() -> None:
    """Greenwood's function by its inverse: place of each edge, mm of 35."""
    edges = np.array(channel_edges(8))
    assert edges[[0, -1]] == pytest.approx([100, 8000])
    places = np.log10(edges / 165.4 + 0.88) / 0.06
    np.testing.assert_allclose(np.diff(places), np.diff(places)[0])


@pytest.mark.parametrize("channels", [1, 8])
def test_a_vocoder_keeps_envelope_and_energy_and_drops_the_rest(channels: int) -> None:
    speech = speech_like()
    made = vocoded(speech, channels, rate=RATE, seed=1)
    loud = [np.sqrt(np.square(x.reshape(100, -1), dtype=float).mean(axis=1)) for x in (speech, made)]
    assert np.corrcoef(loud[0], loud[1])[0, 1] > 0.85
    assert abs(np.corrcoef(speech, made)[0, 1]) < 0.2
    np.testing.assert_array_equal(made, vocoded(speech, channels, rate=RATE, seed=1))
    assert np.abs(made - vocoded(speech, channels, rate=RATE, seed=2)).max() > 0.01


@pytest.mark.parametrize("snr", [-6.0, 0.0, 12.0])
def test_noise_is_as_loud_as_told_and_shaped_like_speech(snr: float) -> None:
    speech = speech_like(2.0)
    spectrum = speech_spectrum([speech], RATE)
    noise = in_noise(speech, snr, speech=slice(None), spectrum=spectrum, rate=RATE, seed=3) - speech
    inner = noise[round(0.05 * RATE) : -round(0.05 * RATE)]
    assert 20 * np.log10(np.std(speech) / np.std(inner)) == pytest.approx(snr, abs=0.5)
    density = [welch(x, RATE, nperseg=1024)[1] for x in (speech, inner)]
    told = density[0] > density[0].max() * 1e-3
    levels = [10 * np.log10(d[told]) for d in density]
    assert np.corrcoef(levels[0], levels[1])[0, 1] > 0.9


@settings(max_examples=30)
@given(lead=st.floats(0, 0.5), hiss=st.floats(0, 0.01), seed=st.integers(0, 9))
def test_onsets_are_found(lead: float, hiss: float, seed: int) -> None:
    silence = np.random.default_rng(seed).normal(0, hiss * 0.1, round(lead * RATE))
    voice = np.random.default_rng(seed).normal(0, 0.3, RATE // 2)
    assert onset(np.concatenate([silence, voice]).astype(np.float32), RATE) == pytest.approx(lead, abs=0.02)


@given(st.lists(st.floats(0.2, 20), min_size=2, max_size=9))
def test_everybody_hears_another(durations: list[float]) -> None:
    pairs = others({f"c{k}": seconds for k, seconds in enumerate(durations)})
    assert sorted(pairs.values()) == sorted(pairs)
    assert all(a != b for a, b in pairs.items())


@given(st.integers(-8, 8))
def test_moving_there_and_back_loses_the_ends_only(by: int) -> None:
    samples = np.arange(1, 9, dtype=np.float32)
    back = moved(moved(samples, by), -by)
    kept = back != 0
    np.testing.assert_array_equal(back[kept], samples[kept])
    assert kept.sum() == 8 - abs(by)


def test_sounds_of_conditions(tmp_path: Path) -> None:
    """All are as long and as loud; another's voice sets in where the clip's own would."""
    study = load_study(write_design(tmp_path, DESIGN.replace("\n  twinface:", HEARD)))
    sounds = prepare_sounds(study, tmp_path)
    of = {c: sounds[heard_as(study, Showing("welcome", c))] for c in study.conditions}
    assert of["plainface"] is of["gladface"] is sounds["welcome"]
    assert not of["mute"].samples.any()
    assert (of["mute"].of, of["hers"].of, of["swapped"].of, of["coarse"].of) == (None, "hello", "hello", "welcome")
    assert len({len(sound.samples) for sound in sounds.values()}) == 1
    assert {sound.lufs for sound in sounds.values() if sound.of} == {sounds["hello"].lufs}
    assert heard_as(study, Showing("hello", "hers")) == "hello"
    lead = round(0.2 * RATE)
    begins = [onset(sound.samples[lead // 2 :], RATE) for sound in (of["hers"], sounds["welcome"])]
    assert begins[0] == pytest.approx(begins[1], abs=0.02)
    shift = round(of["hers"].later * RATE)
    inner = slice(2 * lead, 3 * lead)
    both = moved(of["hers"].samples, -shift)[inner], sounds["hello"].samples[inner]
    assert np.corrcoef(*both)[0, 1] > 0.9999


def test_a_voice_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    clips = "  - {id: late, audio: late.wav}\n  - {id: name,"
    text = DESIGN.replace("  - {id: name,", clips).replace("\n  twinface:", HEARD)
    path = write_design(tmp_path, text)
    import soundfile

    soundfile.write(tmp_path / "late.wav", np.concatenate([np.zeros(RATE), speech_like(0.4)]), RATE)
    with pytest.raises(InputError, match=r"conditions\.(swapped|hers)\.sound: .* expected a longer tail in stimuli"):
        prepare_sounds(load_study(path), tmp_path)
