"""Films beside ours: the offset of their sound, the tables, and what is refused."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat import example_speech
from emosplat.blendshapes.evaluation import naturalness as n
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.settings import read_settings
from emosplat.pipeline.tracking.compare import Comparison, aligned, compare, find_offset, listened, mesh_take, performed
from emosplat.pipeline.tracking.report import markdown, write_report

from .pretend import RATE, PretendTracker, film

F64 = NDArray[np.float64]
SETTINGS = read_settings({"avatar": "person1-light", "size": "64x64"})


def wander(seed: int, frames: int = 300) -> F64:
    noise = np.random.default_rng(seed).normal(size=frames + 40)
    return np.convolve(noise, np.hanning(9), mode="same")[20:-20]


def take(delay: float = 0.0, *, noise: float = 0.0, fps: float = 25.0, seconds: float = 12.0) -> n.Take:
    """A mouth that is late by `delay` seconds and trembles."""
    times = (np.arange(round(fps * seconds)) + 0.5) / fps
    own = (np.arange(400) - 50 + 0.5) / 25
    curves = {
        name: np.interp(times - delay, own, wander(i, 400))
        + noise * np.random.default_rng(9 + i).normal(size=len(times))
        for i, name in enumerate((n.OPENING, n.WIDTH, n.JAW))
    }
    return n.Take(fps, curves)


@given(st.floats(-0.5, 0.5), st.sampled_from([24.0, 25.0, 30.0, 60.0]))
def test_the_offset_of_a_film_is_found_whatever_its_frame_rate(delay: float, fps: float) -> None:
    offset = find_offset(take(delay, fps=fps, noise=0.3), take())
    assert offset.told
    assert offset.ms == pytest.approx(1000 * delay, abs=12)


def test_an_offset_that_the_sound_does_not_tell_is_not_told() -> None:
    other = n.Take(25.0, {name: wander(20 + i) for i, name in enumerate((n.OPENING, n.WIDTH, n.JAW))})
    nobody = n.Take(25.0, {n.OPENING: np.full(300, np.nan)})
    for film_take in (other, nobody):
        offset = find_offset(film_take, take())
        assert (offset.told, offset.ms) == (False, 0.0)


def test_curves_are_compared_at_the_films_times() -> None:
    late = replace(take(), start=0.1)
    found = aligned(take(), late, n.OPENING)
    assert found[:298] == pytest.approx(np.interp(late.times, take().times, take().curve(n.OPENING))[:298])
    assert np.isnan(found[298:]).all()
    assert np.isnan(aligned(late, take(), n.OPENING)[:2]).all()


@pytest.fixture(scope="module")
def loaded() -> LoadedModels:
    return LoadedModels()


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory, loaded: LoadedModels) -> Path:
    """A film whose mouth does what ours does of its sound, three frames late."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(example_speech(), dtype="float32")
    sound = soxr.resample(samples, rate, RATE)[: round(4.2 * RATE)].astype(np.float32)
    folder = tmp_path_factory.mktemp("talking")
    soundfile.write(folder / "sound.wav", sound, RATE)
    from emosplat.pipeline.media.audio import open_audio

    heard = listened(open_audio(folder / "sound.wav"), SETTINGS)
    ours = mesh_take(performed(folder / "sound.wav", SETTINGS, loaded, fps=25.0), SETTINGS, loaded, heard)
    openings = np.roll(ours.curve(n.OPENING), 3)
    openings[:3] = 0
    return film(folder / "talking.mkv", openings.tolist(), sound=sound)


@pytest.fixture(scope="module")
def comparison(talking: Path, loaded: LoadedModels) -> Comparison:
    return compare(talking, PretendTracker(), SETTINGS, loaded=loaded)


def test_a_film_that_moves_as_we_do_agrees_with_us(comparison: Comparison) -> None:
    assert comparison.offset.told
    assert comparison.offset.ms == pytest.approx(120, abs=15)
    opening = next(s for s in comparison.sync if s.curve == n.OPENING)
    assert opening.r > 0.95
    assert opening.delay_ms == 0
    found = comparison.statistics
    assert found["real"]["opening p95"] == pytest.approx(found["ours"]["opening p95"], rel=0.05)
    assert comparison.film.seen.all()


def test_the_report_holds_every_number(comparison: Comparison, tmp_path: Path) -> None:
    emotions = {"happy": {"mouthSmileLeft": 0.8}}
    paths = write_report([comparison, comparison], emotions, tmp_path / "out")
    assert [p.name for p in paths] == ["report.md", "films.csv", "statistics.csv", "report.json"]
    assert paths[0].read_text() == markdown([comparison, comparison], emotions)
    told = json.loads(paths[3].read_text())
    rows = list(csv.DictReader(paths[2].open()))
    assert [r["whose"] for r in rows] == ["real", "ours seen", "ours"] * 2
    for row, stated in zip(rows, told["statistics"], strict=True):
        for s in n.STATISTICS:
            value = comparison.statistics[row["whose"]][s.name]
            assert stated[s.name] == (None if np.isnan(value) else value)
            assert row[s.name] == ("" if np.isnan(value) else str(value))
    assert set(told["formulas"]) == {s.name for s in n.STATISTICS}
    text = paths[0].read_text()
    assert "| talking.mkv | 4.2 | 25 | 100% | +1" in text
    assert "| happy | 0.80 |" in text


def test_films_without_a_face_or_a_sound_are_refused(tmp_path: Path) -> None:
    silent = film(tmp_path / "silent.mkv", [0.1] * 10)
    nobody = film(tmp_path / "nobody.mkv", [None] * 10, sound=np.full(RATE, 0.1, np.float32))
    for path, message in ((silent, "no audio track"), (nobody, "expected a face")):
        with pytest.raises(InputError, match=message):
            compare(path, PretendTracker(), SETTINGS)
