"""`render data`, `render train` and `render evaluate`: what is wrong is said in one line, exit code 2."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from emosplat.cli import app


def run(*words: str):
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize("words", [("data", "-h"), ("train", "-h"), ("train", "fusion", "-h"), ("evaluate", "-h")])
def test_help(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "generate", "{new}", "--hours", "-1"], "--hours -1: expected more than 0"),
        (["data", "generate", "{empty}"], "expected a folder that does not exist yet"),
        (["data", "sing", "{empty}", "-o", "{new}"], "expected a file LICENCE"),
        (["data", "sing", "{empty}", "-o", "{empty}"], "expected a folder that does not exist yet"),
        (["data", "sing", "{empty}", "-o", "{new}", "--hours", "0"], "--hours 0: expected more than 0"),
        (["data", "speak", "{empty}", "-o", "{new}"], "expected the ONNX model of Kokoro-82M, found none"),
        (["data", "speak", "{empty}", "-o", "{empty}"], "expected a folder that does not exist yet"),
        (["data", "speak", "{empty}", "-o", "{new}", "--hours", "0"], "--hours 0: expected more than 0"),
        (["data", "check", "hdtf={empty}"], "data set: expected one of vocaset"),
        (["data", "check", "{new}"], "expected the folder of data set 'generated', found none"),
        (["data", "check", "{empty}"], "expected sequences of generated, found none"),
        (["train", "speech", "--data", "{empty}", "-o", "{new}"], "make one: render data generate"),
        (["train", "speech", "--data", "{empty}", "-o", "{new}", "--steps", "0"], "--steps 0: expected at least 1"),
        (["train", "fusion", "--data", "vocaset={empty}", "-o", "{new}"], "expected VOCASET"),
        (["train", "acting", "--data", "{empty}", "-o", "{new}"], "expected KIND=FOLDER with one of vocaset"),
        (["train", "acting", "--data", "beat={empty}", "-o", "{new}"], "expected sequences of beat, found none"),
        (["train", "acting", "--data", "flame={empty}", "-o", "{new}"], "expected a FLAME head (5023 vertices)"),
        (["data", "check", "faces="], "'faces=': expected KIND=FOLDER, found no folder"),
        (["train", "acting", "--data", "faces=", "-o", "{new}"], "faces=: expected KIND=FOLDER with one of vocaset"),
        (["data", "check", "faces={empty}"], "expected sequences of faces, found none"),
        (["evaluate", "--data", "florence4d={empty}"], "expected sequences of florence4d, found none"),
        (["evaluate", "--data", "{empty}", "--head", "{new}"], "no such file"),
    ],
)
def test_wrong_words(tmp_path: Path, words: list[str], message: str) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run(*(word.format(empty=empty, new=tmp_path / "new") for word in words))
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "new").exists()
