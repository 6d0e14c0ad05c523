"""Learning to hear emotion: an optimum, honest about speakers it does not know, and refusals."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from emosplat.blendshapes.bundle import find_bundle
from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.speech.prosody import FEATURES
from emosplat.blendshapes.training.voice_emotion import RIDGE, Heard, balanced, calm, fitted, folded, learned
from emosplat.cli import app

LABELS = [EMOTIONS.index(e) for e in ("neutral", "angry", "sad")]


def made(seed: int = 0, *, each: int = 12, speakers: int = 5, apart: float = 3.0) -> Heard:
    """Recordings of three emotions that differ in the first features, by speakers who differ in the last."""
    rng = np.random.default_rng(seed)
    rows, labels, names = [], [], []
    for who in range(speakers):
        own = np.zeros(len(FEATURES))
        own[-3:] = rng.standard_normal(3)
        for k, label in enumerate(LABELS):
            middle = own.copy()
            middle[k] += apart
            rows.append(middle + rng.standard_normal((each, len(FEATURES))))
            labels += [label] * each
            names += [f"speaker {who}"] * each
    return Heard(np.concatenate(rows), np.array(labels), np.array(names))


def test_the_fit_is_where_the_loss_is_flat() -> None:
    heard = made()
    model = fitted(heard)
    columns = np.searchsorted(np.unique(heard.labels), heard.labels)
    weights = balanced(columns, heard.speakers)

    def loss(weight: np.ndarray, bias: np.ndarray) -> float:
        scaled = np.clip((heard.features - model.mean) / model.scale, -4, 4)
        logits = scaled @ weight.T + bias
        logits -= logits.max(axis=1, keepdims=True)
        surprise = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(columns)), columns]
        return float(weights @ surprise + RIDGE / 2 * np.square(weight).sum())

    best = loss(model.weight, model.bias)
    rng = np.random.default_rng(1)
    for size in (1e-2, 1e-1):
        moved = model.weight + size * rng.standard_normal(model.weight.shape)
        assert loss(moved, model.bias + size * rng.standard_normal(3)) > best


def test_emotions_that_sound_different_are_told_apart_in_people_it_does_not_know() -> None:
    _, told = learned(made(apart=6.0))
    assert told.labels == ("neutral", "angry", "sad")
    assert told.right > 0.95
    np.testing.assert_allclose(told.confusion.sum(axis=1), 1)


def test_emotions_that_sound_alike_are_not_told_apart_and_it_knows() -> None:
    model, told = learned(made(apart=0.0))
    assert told.right < 0.6
    assert model.shares(made(seed=7, apart=0.0).features).max() < 0.6


@given(st.lists(st.sampled_from("abcdefghijklmnop"), min_size=2, max_size=60))
def test_a_speaker_is_in_one_fold(names: list[str]) -> None:
    folds = folded(np.array(names))
    for name in set(names):
        assert len(set(folds[np.array(names) == name])) == 1
    assert folds.min() == 0
    assert set(folds) == set(range(folds.max() + 1))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((6000, 3))
    chances = np.exp(logits / temperature)
    chances /= chances.sum(axis=1, keepdims=True)
    labels = (rng.random((6000, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    assert calm(logits, labels, np.full(6000, "anna")) == pytest.approx(temperature, rel=0.12)


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), min_size=1, max_size=50))
def test_every_label_counts_alike_and_every_speaker_within_it(pairs: list[tuple[int, str]]) -> None:
    labels, speakers = np.array([k for k, _ in pairs]), np.array([who for _, who in pairs])
    weights = balanced(labels, speakers)
    for k in set(labels.tolist()):
        assert weights[labels == k].sum() == pytest.approx(1 / len(set(labels.tolist())))
        sums = [weights[(labels == k) & (speakers == who)].sum() for who in set(speakers[labels == k].tolist())]
        np.testing.assert_allclose(sums, sums[0])


def folder(path: Path, rows: list[dict[str, object]]) -> Path:
    """Recordings of a hum, half a second and more each, whose pitch tells the emotion."""
    path.mkdir()
    (path / "LICENCE").write_text("CC0 1.0\n")
    lines = []
    for number, row in enumerate(rows):
        hertz = 220 if row.get("emotion") == "joy" else 110
        phase = 2 * np.pi * hertz * np.arange(12_000) / 16_000
        wave = 0.1 * np.sum([np.sin(k * phase) / k for k in range(1, 12)], axis=0)
        soundfile.write(path / f"{number}.wav", wave, 16_000)
        lines.append(json.dumps({"id": str(number), "file": f"{number}.wav", **row}))
    (path / "manifest.jsonl").write_text("\n".join(lines))
    return path


def run(*data: Path, out: Path) -> tuple[int, str]:
    arguments = [word for path in data for word in ("--data", str(path))]
    result = CliRunner().invoke(app, ["train", "emotion", *arguments, "-o", str(out)])
    return result.exit_code, result.output


def test_a_folder_becomes_weights_that_hear(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"speaker": who, "emotion": emotion} for who in ("anna", "bert", "cleo") for emotion in ("joy", "neutral")
    ]
    voices = folder(tmp_path / "voices", [*rows, {"speaker": "anna", "emotion": "boredom"}, {"speaker": "anna"}])
    code, said = run(voices, out=tmp_path / "mine")
    assert code == 0, said
    assert "6 recordings" in said
    model = find_bundle(tmp_path / "mine").voice()
    assert model.labels == ("neutral", "happy")
    assert b"0.00 h, CC0 1.0" in (tmp_path / "mine" / "emotion.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"speaker": "anna"}], "expected recordings with an emotion"),
        ([{"speaker": "anna", "emotion": "joy"}, {"speaker": "anna", "emotion": "neutral"}], "at least two speakers"),
        ([{"speaker": "anna", "emotion": "joy"}, {"speaker": "bert", "emotion": "joy"}], "expected neutral and other"),
    ],
)
def test_recordings_that_teach_nothing_are_refused(tmp_path: Path, rows: list[dict[str, object]], message: str) -> None:
    code, said = run(folder(tmp_path / "voices", rows), out=tmp_path / "mine")
    assert code == 2
    assert message in " ".join(said.split())
    assert not (tmp_path / "mine" / "emotion.safetensors").exists()
