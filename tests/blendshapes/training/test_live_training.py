"""What a network for live sound learns, and the command that teaches it; everything tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from safetensors.numpy import load_file

from emosplat.blendshapes.bundle import find_bundle
from emosplat.blendshapes.models import find_model
from emosplat.blendshapes.speech.closures import SEALED
from emosplat.blendshapes.speech.encoder import AXES, BUILT_IN, SpeechEncoder
from emosplat.blendshapes.speech.features import log_mel
from emosplat.core.errors import InputError

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (pip install emosplat[train])")

from emosplat.blendshapes.training.live import Overheard, shown  # noqa: E402
from emosplat.blendshapes.training.recipe import SpeechConfig, train_speech  # noqa: E402

from .test_recipe import recordings  # noqa: E402

DEMO = BUILT_IN.parents[1] / "demo" / "hello.flac"


def demo() -> np.ndarray:
    wave, rate = soundfile.read(DEMO, dtype="float32")
    return soxr.resample(wave, rate, 16_000)


def test_the_teacher_is_the_encoder_with_contacts_as_lips_make_them() -> None:
    encoder, mel = SpeechEncoder.load(), log_mel(demo())
    told = np.concatenate([piece.axes for piece in encoder.articulate(lambda: [demo()])])
    np.testing.assert_allclose(encoder.articulation_of(mel).axes, told, atol=1e-5)
    axes, close = shown(encoder, mel), AXES.index("close")
    np.testing.assert_allclose(axes[:, 0], told[:, 0], atol=1e-5)
    assert axes[:, close].max() == pytest.approx(1, abs=0.01)
    assert (axes[:, close] > 0.9).sum() < (told[:, close] > SEALED).sum()  # lips do not stay together as long


def test_what_is_heard_depends_on_the_past_alone_and_nobody_speaking_is_a_closed_mouth() -> None:
    encoder, mel = SpeechEncoder.load(), log_mel(demo())
    lesson = Overheard(encoder, np.zeros(80))
    frames = len(mel) // 2
    features, axes = lesson(mel[: 2 * frames], np.ones((frames, len(AXES)), np.float32))
    part, _ = lesson(mel[:200], np.ones((100, len(AXES)), np.float32))
    assert (len(features), len(axes)) == (2 * frames, frames)
    np.testing.assert_array_equal(features[:200], part)
    assert not lesson(mel[:200], np.zeros((100, len(AXES)), np.float32))[1].any()


@pytest.mark.slow
def test_the_command_cuts_the_built_in_weights_and_teaches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emosplat.blendshapes.training import train

    monkeypatch.setattr(train, "BATCH", 2)
    config = SpeechConfig(steps=2, lookahead=0.1)
    path, held_out = train_speech(config, data=[recordings(tmp_path / "v")], out=tmp_path / "out", say=lambda _: None)
    assert path.name == "speech-live.safetensors"
    assert held_out is not None
    encoder = find_bundle(tmp_path / "out").live_encoder()
    assert encoder.lookahead == pytest.approx(0.096)
    assert encoder.info["made_with"]["lookahead"] == pytest.approx(0.096)
    assert "makes of the whole clip" in encoder.info["trained_on"]
    assert "recordings, v, CC0 1.0" in encoder.info["trained_on"]
    assert find_model("live", find_bundle(tmp_path / "out")).lookahead == pytest.approx(0.116)
    before, after = load_file(BUILT_IN), load_file(path)
    assert np.corrcoef(before["axes.weight"].ravel(), after["axes.weight"].ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lookahead": 0.02}, r"--lookahead 0\.02: expected at least 0\.036 s"),
        ({"lookahead": 0.1, "backbone": "x"}, "--lookahead, --backbone: expected one of them, found both"),
    ],
)
def test_look_aheads_that_cannot_be_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SpeechConfig(**settings)
