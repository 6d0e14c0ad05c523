"""Songs made of a voice of pulses: what is sung is what the notes and phones say."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from emosplat.blendshapes.speech.features import RATE
from emosplat.blendshapes.speech.phones import PHONES, SILENCE, VOWELS, Segment
from emosplat.blendshapes.training import sung
from emosplat.blendshapes.training.corpus import Utterance
from emosplat.blendshapes.training.recordings import read_recordings
from emosplat.blendshapes.training.sung import CONSONANT, LONGEST_NOTE, MADE, SHORTEST_NOTE, Sung, read_songs, sing
from emosplat.core.errors import InputError

SPOKEN = 120.0  # Hz
SAID = [
    *(("SIL", 0.0, 0.2), ("M", 0.2, 0.28), ("AY", 0.28, 0.5), ("S", 0.5, 0.6), ("IY", 0.6, 0.75), ("SIL", 0.75, 0.95)),
    *(
        ("L", 0.95, 1.02),
        ("AA", 1.02, 1.2),
        ("P", 1.2, 1.28),
        ("AH", 1.28, 1.45),
        ("M", 1.45, 1.55),
        ("SIL", 1.55, 1.8),
    ),
]


def voice() -> NDArray[np.float32]:
    """1.8 s of somebody who says `SAID` in a way: harmonics where it is voiced, noise in S."""
    times = np.arange(round(1.8 * RATE)) / RATE
    wave = 1e-4 * np.random.default_rng(0).standard_normal(len(times))
    for phone, start, end in SAID:
        here = (times >= start) & (times < end)
        if phone == "S":
            wave[here] += 0.05 * np.random.default_rng(1).standard_normal(int(here.sum()))
        elif phone not in ("SIL", "P"):
            loud = 0.3 if phone in ("M", "L") else 1.0
            wave[here] += loud * sum(np.sin(2 * np.pi * k * SPOKEN * times[here]) / k for k in range(1, 25))
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    folder = tmp_path / "spoken"
    (folder / "audio").mkdir(parents=True)
    (folder / "LICENCE").write_text("CC0 1.0\n")
    rows, phones = [], []
    for name in ("a", "b"):
        soundfile.write(folder / "audio" / f"{name}.flac", voice(), RATE)
        rows.append({"id": name, "file": f"audio/{name}.flac", "text": "my sea lapum", "speaker": name})
        phones.append({"id": name, "phones": SAID})
    for file, lines in (("manifest.jsonl", rows), ("phones.jsonl", phones)):
        (folder / file).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_without_the_vocoder_it_says_what_to_install(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyworld", None)
    with pytest.raises(InputError, match=r"render data sing needs pyworld: pip install 'emosplat\[songs\]'"):
        sung.sing_corpus(recorded, recorded.parent / "songs")
    assert not (recorded.parent / "songs").exists()


@pytest.fixture
def song(recorded: Path) -> Sung:
    pytest.importorskip("pyworld")
    said = read_recordings(recorded).train[0]
    return sing(said, np.random.default_rng(3))


def test_vowels_are_held_on_the_notes(song: Sung) -> None:
    phones = song.said.segments
    assert [s.phone for s in phones if s.phone != SILENCE] == [
        *("M", "A1", "Y2", "S", "IY", "L", "AA", "P", "AH", "M"),
    ]
    assert all(a.end == pytest.approx(b.start) for a, b in pairwise(phones))
    assert phones[-1].end == pytest.approx(len(song.said.wave) / RATE, abs=0.01)
    onsets = [s.start for s in phones if s.phone in VOWELS and s.phone != "Y2"]
    starts = {note.start for note in song.notes}
    assert starts >= set(onsets)  # the others are notes on the vowel of the one before
    assert all(SHORTEST_NOTE / 2 - 1e-6 <= note.length <= LONGEST_NOTE + 4 * CONSONANT for note in song.notes)
    assert all(note.pitch == round(note.pitch) for note in song.notes)
    consonants = [(s.end - s.start) for s in phones if s.phone in "SLP"]
    assert consonants == pytest.approx([0.1, 0.07, 0.08], abs=1e-6)


def test_the_melody_is_heard(song: Sung) -> None:
    errors = []
    for note in song.notes:
        inside = song.said.wave[round((note.start + 0.06) * RATE) : round((note.start + 0.16) * RATE)]
        spectrum = np.fft.irfft(np.abs(np.fft.rfft(inside * np.hanning(len(inside)), 8192)) ** 2)
        lags = np.arange(round(RATE / 400), round(RATE / 70))
        errors.append(69 + 12 * np.log2(RATE / lags[spectrum[lags].argmax()] / 440) - note.pitch)
    assert np.median(np.abs(errors)) < 0.6


def test_a_corpus_can_be_learned_from(recorded: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyworld")
    made = [sung.sing_corpus(recorded, tmp_path / name, seed=5, music_db=20) for name in ("one", "two")]
    assert made[0]["songs"] == 2
    assert made[0]["refused"] == {}
    for file in ("manifest.jsonl", "phones.jsonl", "notes.jsonl", "audio/000000.flac"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    found = read_recordings(tmp_path / "one")
    assert found.licence == f"CC0 1.0; {MADE}"
    assert found.refused == {}
    assert len(found.train) + len(found.held_out) == 2
    songs = list(read_songs(tmp_path / "one"))
    for read in songs:
        assert max(s.end - s.start for s in read.said.segments if s.phone in VOWELS) > 0.2
        assert all(0 <= note.start < note.end <= len(read.said.wave) / RATE for note in read.notes)
    with pytest.raises(InputError, match="expected a folder that does not exist yet"):
        sung.sing_corpus(recorded, tmp_path / "one")


def test_more_hours_are_sung_again_and_less_are_left(recorded: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyworld")
    one = sung.sing_corpus(recorded, tmp_path / "less", hours=1e-6)
    assert one["songs"] == 1
    more = sung.sing_corpus(recorded, tmp_path / "more", hours=2.5 * one["hours"])
    ids = [json.loads(line)["id"] for line in (tmp_path / "more" / "manifest.jsonl").read_text().splitlines()]
    assert more["songs"] == len(set(ids)) > 2
    assert more["hours"] >= 2.5 * one["hours"]


def test_noise_does_not_sing(recorded: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyworld")
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    for name in ("a", "b"):
        soundfile.write(recorded / "audio" / f"{name}.flac", noise, RATE)
    with pytest.raises(InputError, match="expected recordings that can be sung, found 2 with hardly any voice"):
        sung.sing_corpus(recorded, tmp_path / "songs")
    assert not (tmp_path / "songs").exists()


def test_every_phone_is_written_and_read_again(tmp_path: Path) -> None:
    whole = [p for p in PHONES if p not in ("A1", "Y2", "OW1", "OW2", "EY1", "OY1")]  # which come in pairs
    pairs = [("A1", "Y2"), ("A1", "OW2"), ("EY1", "Y2"), ("OW1", "OW2"), ("OY1", "Y2")]
    names = [*whole[1:], *(half for pair in pairs for half in pair)]
    segments = [Segment(0.2 * k, 0.2 * (k + 1), name) for k, name in enumerate(names)]
    (tmp_path / "audio").mkdir()
    said = Utterance(np.full(round(0.2 * len(names) * RATE), 0.1, np.float32), segments, "x y", "")
    sung._write(tmp_path, {"id": "a", "speaker": None}, Sung(said, ()), 0)
    (tmp_path / "LICENCE").write_text("CC0")
    (read,) = read_songs(tmp_path)
    assert [s.phone for s in read.said.segments] == names
    np.testing.assert_allclose([s.start for s in read.said.segments], [s.start for s in segments], atol=1e-3)
