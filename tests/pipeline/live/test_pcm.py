"""Samples from the wire: whatever the pieces, the same sound; resampled as libsoxr would, only sooner."""

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.pipeline.live.pcm import HEARD, PcmDecoder, PcmFormat, Resampler, as_s16le

FORMS = st.builds(PcmFormat, rate=st.just(HEARD), kind=st.sampled_from(["s16le", "f32le"]), channels=st.integers(1, 3))


@given(st.binary(max_size=200), FORMS, st.lists(st.integers(0, 30), max_size=12))
def test_pieces_of_any_length_are_the_same_sound(data: bytes, form: PcmFormat, cuts: list[int]) -> None:
    whole = PcmDecoder(form)(data)
    pieces, decoder = [], PcmDecoder(form)
    for cut in cuts:
        pieces.append(decoder(data[:cut]))
        data = data[cut:]
    pieces.append(decoder(data))
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert np.isfinite(whole).all()
    assert np.abs(whole).max(initial=0) <= 1


@given(st.lists(st.integers(-32768, 32767), max_size=40))
def test_16_bits_come_back(values: list[int]) -> None:
    samples = PcmDecoder(PcmFormat())(np.array(values, "<i2").tobytes())
    assert np.frombuffer(as_s16le(samples), "<i2").tolist() == values


def test_channels_are_averaged() -> None:
    stereo = np.array([[0.5, -0.5], [1.0, 0.0]], "<f4")
    assert PcmDecoder(PcmFormat(kind="f32le", channels=2))(stereo.tobytes()).tolist() == [0, 0.5]


@given(st.dictionaries(st.sampled_from(["rate", "pcm", "channels", "other"]), st.text(max_size=12), max_size=4))
def test_any_fields_are_a_format_or_one_error(fields: dict[str, str]) -> None:
    try:
        form = PcmFormat.parse(fields)
    except InputError:
        return
    assert 8000 <= form.rate <= 192_000
    assert form.channels in range(1, 9)


@pytest.mark.parametrize("rate", [8000, 11_025, 24_000, 44_100, 48_000])
def test_resampled_as_by_another_library(rate: int) -> None:
    times = np.arange(rate) / rate
    tones = np.mean([np.sin(2 * np.pi * f * times + f) for f in (90, 800, 2700)], axis=0).astype(np.float32)
    ours = Resampler(rate)(tones)
    theirs = soxr.resample(tones, rate, HEARD)
    middle = slice(400, len(ours) - 400)
    np.testing.assert_allclose(ours[middle], theirs[: len(ours)][middle], atol=1e-3)


@given(st.sampled_from([8000, 22_050, 48_000]), st.lists(st.integers(0, 700), max_size=10))
def test_resampling_does_not_depend_on_the_pieces(rate: int, sizes: list[int]) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, sum(sizes)).astype(np.float32)
    whole = Resampler(rate)(sound)
    stream = Resampler(rate)
    parts = [stream(part) for part in np.split(sound, np.cumsum(sizes)[:-1])] if sizes else []
    np.testing.assert_allclose(np.concatenate(parts) if parts else whole, whole, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 24_000, 44_100, 48_000])
def test_nothing_waits_longer_than_a_few_milliseconds(rate: int) -> None:
    stream, came, left = Resampler(rate), 0, 0
    for _ in range(100):
        left += len(stream(np.zeros(rate // 100, np.float32)))
        came += rate // 100
        assert came / rate - left / HEARD < 0.0025


def test_tones_above_the_band_are_gone() -> None:
    tone = np.sin(2 * np.pi * 12_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert np.abs(Resampler(48_000)(tone)[100:]).max() < 1e-3
