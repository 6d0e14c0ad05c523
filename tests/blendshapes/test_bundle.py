"""Bundle of one's own: found by stage, checked against the head, of either kind of encoder."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.bundle import FUSION, SPEECH, Bundle, find_bundle
from emosplat.blendshapes.solve import fusion
from emosplat.blendshapes.speech import encoder as speech
from emosplat.blendshapes.speech.encoder import SpeechEncoder
from emosplat.core.errors import InputError


def test_without_a_folder_the_built_in_weights_speak() -> None:
    weights = find_bundle(None)
    assert weights == Bundle()
    assert weights.encoder().sha256 == SpeechEncoder.load().sha256 == weights.sha256["speech"]
    assert weights.fusion_for(builtin_head()).sha256 == weights.sha256["fusion"]


@pytest.mark.parametrize(
    ("names", "speech_file", "fusion_file"),
    [((SPEECH,), SPEECH, None), ((FUSION,), None, FUSION), ((SPEECH, FUSION), SPEECH, FUSION)],
)
def test_a_stage_that_the_folder_lacks_stays_built_in(
    tmp_path: Path, names: tuple[str, ...], speech_file: str | None, fusion_file: str | None
) -> None:
    for name in names:
        shutil.copyfile(speech.BUILT_IN.with_name(name), tmp_path / name)
    found = find_bundle(tmp_path)
    assert found.speech == (tmp_path / speech_file if speech_file else speech.BUILT_IN)
    assert found.fusion == (tmp_path / fusion_file if fusion_file else fusion.BUILT_IN)
    assert found.sha256 == Bundle().sha256


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_folders_without_weights_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        InputError,
        match=r"expected a folder with speech\.safetensors, fusion\.safetensors, emotion\.safetensors, acting.* or ",
    ):
        find_bundle(tmp_path / name)


def described(path: Path, changes: Mapping[str, str], out: Path) -> Path:
    """A copy of a safetensors file with other metadata."""
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    save_file(load_file(path), out, {"emosplat": json.dumps(json.loads(metadata["emosplat"]) | dict(changes))})
    return out


def test_own_blendshapes_must_belong_to_the_head(tmp_path: Path) -> None:
    described(fusion.BUILT_IN, {"head": "mine-7"}, tmp_path / FUSION)
    weights = find_bundle(tmp_path)
    with pytest.raises(InputError, match=r"fusion\.safetensors: made for head 'mine-7'.*has head 'open-1'"):
        weights.fusion_for(builtin_head())
    assert weights.fusion_for(replace(builtin_head(), version="mine-7")).head == "mine-7"


def test_the_built_in_blendshapes_do_no_harm_elsewhere() -> None:
    assert Bundle().fusion_for(replace(builtin_head(), version="other")).head == "open-1"


@pytest.mark.parametrize("content", [b"", b"\xff" * 64])
def test_what_are_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SPEECH).write_bytes(content)
    with pytest.raises(InputError, match=r"speech\.safetensors: expected speech weights"):
        find_bundle(tmp_path).encoder()


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    save_file({"x": np.zeros(1, np.float32)}, tmp_path / SPEECH, {"emosplat": json.dumps({"format": "other-1"})})
    with pytest.raises(InputError, match="expected weights of format emosplat-speech-1"):
        find_bundle(tmp_path).encoder()
