"""Recordings of a neural synthesiser; its model is too large for tests, so another program speaks here."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.blendshapes.training import kokoro, spoken
from emosplat.blendshapes.training.foreign_sentences import LANGUAGES
from emosplat.blendshapes.training.kokoro import Kokoro
from emosplat.blendshapes.training.recordings import read_recordings
from emosplat.core.errors import InputError

F32 = NDArray[np.float32]
VOICES = ("af_one", "bm_two", "ff_three")
SIGNS = " ,.?ˈˌAIOWYQabdefhijklmnopstuvwzæðŋɑɔəɛɜɡɪɹʃʊʌʒθʤʧː"
NAMES = st.from_regex(r"[abefipz][fm]_[a-z]{1,4}", fullmatch=True)
needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")


class Session:
    """In place of onnxruntime's: remembers what it was given, and tells the style."""

    given: list[dict[str, Any]]

    def __init__(self, *_: object, **__: object) -> None:
        Session.given = []

    def get_inputs(self) -> list[Any]:
        return [type("Input", (), {"name": name}) for name in ("tokens", "style", "speed")]

    def run(self, _: None, given: dict[str, Any]) -> list[F32]:
        self.given.append(given)
        return [np.full(240, given["style"][0, 0], np.float32)]


def vocabulary() -> dict[str, int]:
    return {sign: number for number, sign in enumerate(SIGNS, start=1)}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    folder = tmp_path / "model"
    (folder / "voices").mkdir(parents=True)
    (folder / "model.onnx").touch()
    (folder / "config.json").write_text(json.dumps({"vocab": vocabulary()}))
    for number, voice in enumerate(VOICES):
        styles = np.arange(100, dtype="<f4").repeat(256) + 1000 * number
        (folder / "voices" / f"{voice}.bin").write_bytes(styles.astype("<f4").tobytes())
    return folder


@needs_espeak
def test_text_becomes_the_models_signs(model: Path) -> None:
    engine = Kokoro(model)
    assert engine.voices == sorted(VOICES)
    assert (engine.say("Oh, my church!", "bm_two", language="en-us", speed=0.9) >= 1000).all()
    [given] = Session.given
    signs = {number: sign for sign, number in vocabulary().items()}
    assert given["tokens"][0, [0, -1]].tolist() == [0, 0]
    said = "".join(signs[number] for number in given["tokens"][0, 1:-1])
    assert said.replace("ˈ", "") == "O, mI ʧɜɹʧ"  # the exclamation mark is none of its signs
    assert given["style"][0, 0] == 1000 + len(said) - 1  # the style of texts as long
    assert given["speed"].tolist() == [pytest.approx(0.9)]
    with pytest.raises(InputError, match="expected 1 to 500 phones"):
        engine.say("too long " * 100, "bm_two", language="en-us")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", "[", "config.json: expected JSON"),
        ("config.json", "[]", "expected config.json or tokenizer.json with a `vocab`"),
        ("config.json", '{"vocab": {"a": "1"}}', "expected config.json or tokenizer.json with a `vocab`"),
        ("voices/af_one.bin", "odd", "af_one.bin: expected rows of 256 float32 numbers, found 3 bytes"),
        ("model.onnx", None, "expected the ONNX model of Kokoro-82M, found none"),
    ],
)
def test_what_is_no_synthesiser_is_refused(model: Path, file: str, content: str | None, message: str) -> None:
    (model / file).unlink()
    if content is not None:
        (model / file).write_text(content)
    with pytest.raises(InputError) as error:
        Kokoro(model)
    assert message in str(error.value)


@needs_espeak
def test_parts_that_do_not_fit_each_other_are_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said() -> str:
        with pytest.raises(InputError) as error:
            Kokoro(model).say("Oh.", "af_one", language="en-us")
        return str(error.value)

    def fails(*_: object) -> None:
        raise RuntimeError("index out of bounds")

    (model / "voices" / "af_one.bin").write_bytes(np.full(256, np.nan, "<f4").tobytes())
    assert said() == f"{model}/voices/af_one.bin: expected a voice, found one of NaN or infinity"
    monkeypatch.setattr(Session, "run", fails)
    assert said() == f"{model}/model.onnx: cannot say 'Oh.': index out of bounds"
    (model / "config.json").write_text('{"vocab": {"$": 1}}')
    assert said() == f"{model}: expected 1 to 500 phones that `vocab` has, found 0: 'Oh.'"


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_spoken(model: Path) -> None:
    out = model / "config.json" / "out"
    with pytest.raises(InputError, match=f"{out}: cannot be written"):
        spoken.speak_corpus(model, out, hours=1)


def test_the_vocabulary_of_the_edition_for_transformers(model: Path) -> None:
    (model / "config.json").write_text("{}")
    (model / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary()}}))
    (model / "onnx").mkdir()
    (model / "model.onnx").rename(model / "onnx" / "model.onnx")
    assert Kokoro(model).model == model / "onnx" / "model.onnx"


def test_what_onnxruntime_cannot_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "af_one.bin").write_bytes(bytes(1024))
    (tmp_path / "config.json").write_text('{"vocab": {"a": 1}}')
    (tmp_path / "model.onnx").write_text("no model")
    with pytest.raises(InputError, match=r"model\.onnx: expected an ONNX model"):
        Kokoro(tmp_path)


@given(st.integers(0, 2**32), st.lists(NAMES, min_size=1, max_size=9, unique=True))
def test_every_voice_speaks_in_turn_in_a_language_that_it_has_sentences_of(seed: int, voices: list[str]) -> None:
    lines = spoken._lines(voices, seed)
    for _ in range(3):
        turn = [next(lines) for _ in voices]
        assert sorted(line.voice for line in turn) == sorted(voices)
        for line in turn:
            assert line.language in ("en-us", "en-gb") or line.language.split("-")[0] in LANGUAGES
            assert line.text.endswith((".", "?", "!"))
            assert (line.language == "en-gb") == (line.voice[0] == "b")


@needs_espeak
def test_a_corpus_can_be_learned_from(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")

    def say(_: Kokoro, text: str, voice: str, *, language: str, speed: float) -> F32:
        command = ["espeak-ng", "-v", language, "-s", str(round(170 * speed)), "-w", str(tmp_path / "a.wav"), text]
        subprocess.run(command, check=True)
        wave, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
        times = np.arange(0, len(wave), rate / kokoro.RATE)
        return np.interp(times, np.arange(len(wave)), wave).astype(np.float32)

    monkeypatch.setattr(Kokoro, "say", say)
    made = [spoken.speak_corpus(model, tmp_path / name, hours=15 / 3600, seed=4) for name in ("one", "two")]
    assert made[0] == made[1]
    for file in ("manifest.jsonl", "phones.jsonl", "audio/000000.flac"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    found = read_recordings(tmp_path / "one")
    assert found.licence == spoken.MADE
    assert len(found.train) + len(found.held_out) + sum(found.refused.values()) == made[0]["recordings"]
    assert len({said.voice for said in found.held_out}) == 1
    with pytest.raises(InputError, match="expected a folder that does not exist yet"):
        spoken.speak_corpus(model, tmp_path / "one", hours=1)


@needs_espeak
def test_noise_is_no_speech(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    monkeypatch.setattr(spoken, "MOST_IN_VAIN", 2)
    monkeypatch.setattr(Kokoro, "say", lambda *_, **__: np.zeros(2400, np.float32))
    with pytest.raises(InputError, match="expected speech that can be aligned, found none in 2 sentences"):
        spoken.speak_corpus(model, tmp_path / "out", hours=1)
    assert not (tmp_path / "out").exists()
