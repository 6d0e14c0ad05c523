"""From a corpus to weights: resumable, deterministic, and refused with one line where something is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from safetensors.numpy import load_file

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.bundle import find_bundle
from emosplat.blendshapes.data import domains, open_datasets
from emosplat.blendshapes.speech.encoder import BUILT_IN, SpeechEncoder
from emosplat.blendshapes.speech.features import RATE
from emosplat.blendshapes.speech.phones import from_arpabet
from emosplat.blendshapes.training import corpus, generate
from emosplat.blendshapes.training.corpus import Utterance
from emosplat.blendshapes.training.generate import generate_corpus
from emosplat.core.errors import InputError

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (pip install emosplat[train])")

PROGRAMS = ("espeak-ng", "flite", "festival")
missing = [program for program in PROGRAMS if not shutil.which(program)]


def utterance(seed: int) -> Utterance:
    """Noise that says "ama"."""
    rng = np.random.default_rng(seed)
    labels = [(0, 0.3, "SIL"), (0.3, 0.6, "AA"), (0.6, 0.7, "M"), (0.7, 1.0, "AA"), (1.0, 1.2, "T"), (1.2, 1.5, "SIL")]
    wave = 0.1 * rng.standard_normal(int(1.5 * RATE)).astype(np.float32)
    return Utterance(wave, from_arpabet(labels), "nobody", "ama")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of five utterances, as far as training speech needs it."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "sound").mkdir()
    for name, seeds in (("espeak", range(4)), ("held_out", (10,))):
        corpus.save(folder / "sound" / f"{name}.npz", [utterance(seed) for seed in seeds])
    (folder / "corpus.json").write_text(json.dumps({"engines": ["espeak"], "made_with": {"espeak-ng": "0"}}))
    return folder


def trained(data: Path, out: Path, *, steps: int = 4) -> Path:
    from emosplat.blendshapes.training.recipe import SpeechConfig, train_speech

    path, _ = train_speech(SpeechConfig(steps=steps), data=[data], out=out, say=lambda _: None)
    return path


def test_an_interrupted_training_ends_with_the_same_weights(
    spoken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emosplat.blendshapes.training import train

    monkeypatch.setattr(train, "BATCH", 2)
    whole = trained(spoken, tmp_path / "whole")
    assert "espeak-ng" in SpeechEncoder.load(whole).info["made_with"]

    calls = iter(range(100))
    real = train._loss

    def interrupted(*args):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(train, "_REPORT", 2)
    monkeypatch.setattr(train, "_loss", interrupted)
    shutil.copytree(tmp_path / "whole" / "speech" / "examples", tmp_path / "cut" / "speech" / "examples")
    with pytest.raises(KeyboardInterrupt):
        trained(spoken, tmp_path / "cut")
    assert not (tmp_path / "cut" / "speech.safetensors").exists()
    resumed = trained(spoken, tmp_path / "cut")
    assert next(calls) == 7  # steps 2 and 3 were done and what is held out was looked at, nothing else
    assert (tmp_path / "cut" / "speech" / "curves.csv").read_text().count("\n") == 3
    a, b = load_file(whole), load_file(resumed)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def recordings(folder: Path) -> Path:
    """Two people who say "ama" twice each."""
    folder.mkdir()
    (folder / "LICENCE").write_text("CC0 1.0\n")
    manifest, phones = [], []
    for seed, speaker in enumerate(["anna", "anna", "otto", "otto"]):
        said = utterance(seed)
        soundfile.write(folder / f"{seed}.wav", said.wave, RATE)
        manifest.append({"id": str(seed), "file": f"{seed}.wav", "speaker": speaker})
        phones.append({"id": str(seed), "phones": [[s.phone, s.start, s.end] for s in said.segments]})
    for name, rows in (("manifest", manifest), ("phones", phones)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_recordings_of_single_words_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shorter than a second is heard, though nothing is sampled in its phones' times."""
    from emosplat.blendshapes.training import train
    from emosplat.blendshapes.training.recipe import SpeechConfig, train_speech

    monkeypatch.setattr(train, "BATCH", 2)
    folder = recordings(tmp_path / "words")
    for path in folder.glob("*.wav"):
        soundfile.write(path, soundfile.read(path)[0][: round(0.8 * RATE)], RATE)
    phones = [json.loads(line) for line in (folder / "phones.jsonl").read_text().splitlines()]
    cut = [row | {"phones": [phone for phone in row["phones"] if phone[2] <= 0.8]} for row in phones]
    (folder / "phones.jsonl").write_text("".join(json.dumps(row) + "\n" for row in cut))
    said: list[str] = []
    path, _ = train_speech(SpeechConfig(steps=1), data=[folder], out=tmp_path / "out", say=said.append)
    assert SpeechEncoder.load(path).info["trained_on"].startswith("0.00 h of recordings, words")
    assert [line.split(":")[0] for line in said[1:]] == ["recordings", "no_speech"]


def test_training_goes_on_from_weights_with_recordings(
    spoken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emosplat.blendshapes.training import train
    from emosplat.blendshapes.training.recipe import SpeechConfig, train_speech

    monkeypatch.setattr(train, "BATCH", 2)
    voices = recordings(tmp_path / "voices")
    config = SpeechConfig(steps=2, start=str(BUILT_IN))
    path, held_out = train_speech(config, data=[spoken, voices], out=tmp_path / "out", say=lambda _: None)
    assert held_out is not None
    assert len(held_out.bilabial) == 3  # one of the generated voice, two of the person who is kept for testing
    trained, built_in = SpeechEncoder.load(path), SpeechEncoder.load()
    assert "h of recordings, voices, CC0 1.0" in trained.info["trained_on"]
    assert built_in.version in trained.info["trained_on"]
    assert "held_out" in (tmp_path / "out" / "speech" / "curves.csv").read_text()
    before, after = load_file(BUILT_IN), load_file(path)
    np.testing.assert_array_equal(after["prior"], before["prior"])
    # two steps with small rates: still nearly the weights that it began from
    assert np.corrcoef(before["axes.weight"].ravel(), after["axes.weight"].ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": str(BUILT_IN), "channels": 16}, "--channels 16: expected at least the "),
        ({"start": "no.safetensors"}, r"no\.safetensors"),
    ],
)
def test_a_beginning_that_does_not_fit_leaves_no_run(tmp_path: Path, settings: dict, message: str) -> None:
    from emosplat.blendshapes.training.recipe import SpeechConfig, train_speech

    voices = recordings(tmp_path / "voices")
    with pytest.raises(InputError, match=message):
        train_speech(SpeechConfig(**settings), data=[voices], out=tmp_path / "out", say=lambda _: None)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="--channels, --backbone: expected one of them, found both"):
        SpeechConfig(channels=16, backbone="x")
    with pytest.raises(InputError, match="--channels 7: expected 8 to 1024"):
        SpeechConfig(channels=7)
    with pytest.raises(InputError, match="--keep 1: expected a share from 0 to below 1"):
        SpeechConfig(keep=1.0, start=str(BUILT_IN))
    with pytest.raises(InputError, match="--keep: expected --start"):
        SpeechConfig(keep=0.5)


def test_recordings_alone_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emosplat.blendshapes.training import train
    from emosplat.blendshapes.training.recipe import SpeechConfig, train_speech

    monkeypatch.setattr(train, "BATCH", 2)
    voices = recordings(tmp_path / "voices")
    said: list[str] = []
    train_speech(SpeechConfig(steps=1), data=[voices], out=tmp_path / "out", say=said.append)
    assert said[0].startswith("voices: 0.00 h to learn from, 2 recordings held out")


def test_a_folder_with_another_run_is_refused(spoken: Path, tmp_path: Path) -> None:
    from emosplat.blendshapes.training.journal import Journal, contents
    from emosplat.blendshapes.training.recipe import SpeechConfig

    for _ in range(2):
        Journal(tmp_path / "speech", SpeechConfig(steps=1), data=contents([spoken], out=tmp_path))
    with pytest.raises(InputError, match="another steps; use an empty folder"):
        trained(spoken, tmp_path, steps=2)


def test_a_pretrained_model_is_learned_on_top_of(spoken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a tiny random wav2vec 2.0 in place of a pretrained one."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    from emosplat.blendshapes.speech.wav2vec import Wav2VecEncoder
    from emosplat.blendshapes.training import train
    from emosplat.blendshapes.training.recipe import SpeechConfig, train_speech

    monkeypatch.setattr(train, "BATCH", 1)
    monkeypatch.setattr(train, "WINDOW", 20)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    positions = {"conv_dim": (8,) * 7, "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2}
    transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**sizes, **positions)).save_pretrained(tmp_path / "small")
    config = SpeechConfig(steps=1, backbone=str(tmp_path / "small"))
    train_speech(config, data=[spoken], out=tmp_path / "out", say=lambda _: None)
    encoder = find_bundle(tmp_path / "out").encoder()
    assert isinstance(encoder, Wav2VecEncoder)
    assert "pretrained model small" in encoder.info["trained_on"]


def test_what_is_no_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a corpus with corpus.json; make one: render data generate OUT"):
        trained(tmp_path, tmp_path / "out")
    (tmp_path / "corpus.json").write_text("[]")
    with pytest.raises(InputError, match="engines"):
        trained(tmp_path, tmp_path / "out")


def test_a_missing_synthesiser_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate.shutil, "which", lambda _: None)
    with pytest.raises(InputError, match=r"espeak-ng is not installed.*apt install espeak-ng"):
        generate_corpus(tmp_path / "out", builtin_head(), hours=1, seed=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hours": 0}, "--hours 0"),
        ({"hours": float("nan")}, "--hours nan"),
        ({"hours": 1000}, "--hours 1000"),
        ({"engines": ["flite"]}, "--engines: expected espeak among them"),
        ({"engines": ["espeak", "hal"]}, "--engines: expected some of espeak, flite, festival, found 'hal'"),
    ],
)
def test_impossible_corpora(tmp_path: Path, change: dict, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate.shutil, "which", lambda name: name)
    options: dict[str, Any] = {"hours": 1, "seed": 0} | change
    with pytest.raises(InputError, match=message):
        generate_corpus(tmp_path / "out", builtin_head(), **options)


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a folder that does not exist yet"):
        generate_corpus(tmp_path, builtin_head(), hours=1, seed=0)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest corpus, made by the command: espeak-ng's library can be opened only once per process."""
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    out = tmp_path_factory.mktemp("generated") / "corpus"
    command = [sys.executable, "-m", "emosplat", "data", "generate", str(out), "--hours", "0.004", "--seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "h of speech" in done.stdout
    return out


def test_a_generated_corpus_is_read_back(generated: Path) -> None:
    head = builtin_head()
    spoken, shown = domains(open_datasets([str(generated)], head=head))
    assert {s.part for s in spoken} == {s.part for s in shown} == {"train", "val", "test"}
    assert {s.label.emotion for s in shown if s.label} >= {"happy", "angry", "neutral"}
    for sequence in spoken:
        assert sequence.audio is not None
        seconds = len(sequence.displacements()) / sequence.fps
        assert len(sequence.audio()) / RATE == pytest.approx(seconds, abs=0.5)
    assert all(s.audio is None for s in shown)
    happy = next(s for s in shown if s.label and (s.label.emotion, s.label.level) == ("happy", 1)).displacements()
    assert np.abs(happy[0]).max() < 0.001  # from neutral
    assert np.abs(happy).max() > 0.003


def test_speech_trains_on_a_generated_corpus_and_is_evaluated(
    generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emosplat.blendshapes import TalkingHead
    from emosplat.blendshapes.bundle import find_bundle
    from emosplat.blendshapes.data.sequence import some_of
    from emosplat.blendshapes.evaluation.evaluate import evaluate
    from emosplat.blendshapes.training import train

    monkeypatch.setattr(train, "BATCH", 2)
    weights = trained(generated, tmp_path, steps=2)
    head = builtin_head()
    data = some_of(open_datasets([str(generated)], head=head), part="test", limit=1)
    result = evaluate(data, head, TalkingHead.of(head, find_bundle(weights.parent)))
    assert 0 < result.scores.lve_mm < 50
