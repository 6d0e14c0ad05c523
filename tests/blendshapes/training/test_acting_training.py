"""`render train acting`: from recordings and from films, resumable to the same weights, refused where it must be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.acting.space import COORDINATES
from emosplat.blendshapes.acting.weights import ActingWeights
from emosplat.blendshapes.bundle import find_bundle
from emosplat.blendshapes.data import DataSet, open_dataset
from emosplat.blendshapes.data.tracked import FORMAT, are_films
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import save_face_motion
from emosplat.blendshapes.speech.encoder import SpeechEncoder
from emosplat.blendshapes.training import acting_flow
from emosplat.blendshapes.training.acting import ActingConfig, kind_of, train_acting
from emosplat.blendshapes.training.acting_flow import known_part
from emosplat.blendshapes.training.people import People, read_people
from emosplat.blendshapes.training.voice_manner import learn_manners
from emosplat.core.errors import InputError
from emosplat.core.maths import softmax

RATE = 16_000
HEAD = builtin_head()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting_flow, "BANK", 2000)
    monkeypatch.setattr(acting_flow, "WINDOW", 48)
    monkeypatch.setattr(acting_flow, "BATCH", 2)
    monkeypatch.setattr(acting_flow, "REPORT", 1)


def speech(seconds: float, pitch: float) -> np.ndarray:
    """A buzz in syllables (synthetic)."""
    times = np.arange(round(seconds * RATE)) / RATE
    phase = np.cumsum(pitch * (1 + 0.1 * np.sin(2 * np.pi * 0.8 * times))) / RATE
    buzz = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 25))
    return (0.2 * buzz * np.clip(np.sin(2 * np.pi * 3.1 * times), 0, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices")
    (folder / "LICENCE").write_text("CC0 1.0\n")
    phones = [["AA" if k % 2 else "N", 0.2 * k, 0.2 * (k + 1)] for k in range(20)]
    with (folder / "manifest.jsonl").open("w") as manifest, (folder / "phones.jsonl").open("w") as labels:
        for k, who in enumerate(("anna", "ben", "cleo")):
            soundfile.write(folder / f"{who}.flac", speech(4.0, 110 + 40 * k), RATE)
            row: dict[str, Any] = {"id": who, "file": f"{who}.flac", "text": "", "speaker": who}
            manifest.write(json.dumps(row) + "\n")
            labels.write(json.dumps({"id": who, "phones": phones}) + "\n")
    return folder


def film(folder: Path, name: str, *, seconds: float = 14.0) -> None:
    frames = round(seconds * 30)
    rng = np.random.default_rng(len(name))
    columns = {c: 0.2 * np.abs(rng.standard_normal(frames)) for c in ("browOuterUpLeft", "mouthSmileLeft", "lidLeft")}
    face = FaceMotion.rest(frames, fps=30).with_columns(columns | {"headYaw": 0.1 * np.sin(np.arange(frames) / 20)})
    for part in ("faces", "audio"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    save_face_motion(folder / f"faces/{name}.json", face)
    soundfile.write(folder / f"audio/{name}.flac", speech(seconds, 140), RATE)
    row = {"format": FORMAT, "id": name, "file": f"audio/{name}.flac", "face": f"faces/{name}.json",
           "source": f"{name}.mp4", "fps": 30, "speaker": None}  # fmt: skip
    with (folder / "manifest.jsonl").open("a") as lines:
        lines.write(json.dumps(row) + "\n")


def read(data: DataSet, head: HeadModel = HEAD) -> People:
    encoder = find_bundle(None).encoder()
    assert isinstance(encoder, SpeechEncoder)
    return read_people(data, head, encoder, seed=0)


def trained(data: Path, out: Path, *, steps: int = 3) -> ActingWeights:
    train_acting(ActingConfig(steps=steps, actors=2), data=[data], out=out, say=lambda _: None)
    return find_bundle(out).acted()


def test_an_interrupted_training_ends_with_the_same_weights(
    voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(voices, tmp_path / "whole")
    assert "acted by invented people" in whole.info["trained_on"]
    done = acting_flow.loss
    calls = 0

    def interrupted(*args):
        nonlocal calls
        if (calls := calls + 1) > 10:
            raise KeyboardInterrupt
        return done(*args)

    monkeypatch.setattr(acting_flow, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(voices, tmp_path / "again")
    monkeypatch.setattr(acting_flow, "loss", done)
    again = trained(voices, tmp_path / "again")
    for name in ("out.weight", "stem.weight", "blocks.3.film"):
        np.testing.assert_array_equal(again.network._weights[name], whole.network._weights[name])
    assert (tmp_path / "again" / "acting" / "curves.csv").read_text().count("\n") == 4


def test_films_are_learned_from_with_the_style_of_their_other_half(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        film(tmp_path / "films", name)
    film(tmp_path / "films", "short", seconds=3.0)
    assert are_films(tmp_path / "films")
    people = read(open_dataset("tracked", tmp_path / "films", head=HEAD))
    assert people.persons == 3
    assert any("short: 3.0 s in all" in reason for reason in people.skipped)
    found = people.learned + people.tested
    assert len(found) == 6
    first, second = found[:2]
    assert first.who == second.who
    assert first.values.shape[1] == len(COORDINATES)
    assert not np.array_equal(first.style, second.style)
    assert "people's own motion" in trained(tmp_path / "films", tmp_path / "out").info["trained_on"]


def test_a_run_of_another_configuration_is_refused(voices: Path, tmp_path: Path) -> None:
    trained(voices, tmp_path, steps=1)
    with pytest.raises(InputError, match="holds a run with another steps"):
        trained(voices, tmp_path, steps=2)


@pytest.mark.parametrize("change", [{"steps": 0}, {"actors": 0}])
def test_impossible_sizes_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match="expected at least 1"):
        replace(ActingConfig(), **change)


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected KIND=FOLDER .*manifest\.jsonl.*found none of them"):
        trained(tmp_path, tmp_path / "out")


def test_texts_beside_face_motions_make_no_recordings_of_them(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    (tmp_path / "a.lab").write_text("what is said")
    assert kind_of(str(tmp_path)) == (None, tmp_path)
    (tmp_path / "a.csv").write_text("Timecode,BlendShapeCount,JawOpen\n")
    assert kind_of(str(tmp_path)) == ("faces", tmp_path)


def test_what_is_known_is_nothing_or_some_of_it() -> None:
    shares = [known_part(200, np.random.default_rng(s)).mean() for s in range(300)]
    assert 0.4 < np.mean(np.array(shares) == 0) < 0.7
    assert max(shares) > 0.7
    assert 0 < np.sort(shares)[-60] < 1


def test_a_memory_tells_the_manner_of_voices_it_never_heard() -> None:
    rng = np.random.default_rng(0)
    way = rng.standard_normal((6, 10))
    voices = rng.standard_normal((400, 6))
    memory = learn_manners(voices, np.tanh(voices @ way), seed=0)
    new = rng.standard_normal((100, 6))
    found = softmax((new - memory.voice_mean) / memory.voice_scale @ memory.keys) @ memory.manners
    wanted = np.tanh(new @ way)
    assert np.square(found - wanted).mean() < 0.5 * np.square(wanted - wanted.mean(axis=0)).mean()
