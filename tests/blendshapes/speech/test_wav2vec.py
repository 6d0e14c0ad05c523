"""The wav2vec 2.0 and HuBERT encoder, with tiny random models: shapes, windows, files, the same trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

from emosplat.blendshapes.bundle import find_bundle  # noqa: E402
from emosplat.blendshapes.speech import wav2vec  # noqa: E402
from emosplat.blendshapes.speech.encoder import AXES  # noqa: E402
from emosplat.blendshapes.speech.phones import Segment  # noqa: E402
from emosplat.blendshapes.speech.wav2vec import FRAME, SpeechTransformer, Wav2VecEncoder  # noqa: E402
from emosplat.blendshapes.training import train  # noqa: E402
from emosplat.blendshapes.training.corpus import Utterance  # noqa: E402
from emosplat.blendshapes.training.examples import sounds  # noqa: E402
from emosplat.core.errors import InputError  # noqa: E402

torch.set_num_threads(1)  # threads only wait for each other at this size
F32 = NDArray[np.float32]
SIZES = {
    **{"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16},
    **{"conv_dim": (8,) * 7, "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2},
}


def model(kind: str = "Wav2Vec2"):
    torch.manual_seed(0)
    return getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**SIZES))


def tiny(kind: str = "Wav2Vec2") -> SpeechTransformer:
    return SpeechTransformer(model(kind), width=16, heads=2)


def noise(seconds: float) -> F32:
    return (0.1 * np.random.default_rng(0).standard_normal(int(seconds * 16_000))).astype(np.float32)


def axes_of(encoder: Wav2VecEncoder, wave: F32, *, block: int) -> F32:
    pieces = encoder.articulate(lambda: (wave[i : i + block] for i in range(0, len(wave), block)))
    return np.concatenate([piece.axes for piece in pieces])


@pytest.mark.parametrize("kind", ["Wav2Vec2", "Hubert"])
def test_one_output_per_fiftieth_of_a_second(kind: str) -> None:
    axes, phones = tiny(kind).eval()(torch.zeros(2, FRAME, 7))
    assert axes.shape == (2, len(AXES), 7)
    assert phones.shape[::2] == (2, 7)


def test_the_sound_of_a_frame_is_heard_at_that_frame() -> None:
    net = tiny().eval()
    encoder: Any = net.encoder
    encoder.encoder = torch.nn.Identity()  # no attention: only the convolutions see the sound
    encoder.feature_projection.forward = lambda x: (x[..., :1].expand(-1, -1, 16), x)
    encoder.encoder.forward = lambda hidden, **_: transformers.modeling_outputs.BaseModelOutput(hidden)
    click = torch.randn(1, FRAME, 30) * 1e-3
    click[0, 0, 12] = 1.0
    heard = net.hear(click)[0]
    quiet = heard.median(dim=0).values
    assert int((heard - quiet).norm(dim=1).argmax()) == 12


def test_decoding_goes_on_where_it_was() -> None:
    net = tiny().eval()
    heard = torch.randn(1, 60, 16)
    with torch.no_grad():
        whole, _ = net.decode(heard)
        past = wav2vec.bounded(whole[:, :40])
        rest, _ = net.decode(heard, past)
    np.testing.assert_allclose(rest, whole[:, 40:], atol=1e-6)


def test_frames_far_back_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    net = tiny().eval()
    heard = torch.randn(1, wav2vec.MEMORY + 20, 16)
    other = torch.cat([torch.randn(1, 5, 16), heard[:, 5:]], dim=1)
    given = torch.rand(1, wav2vec.MEMORY + 10, len(AXES))
    with torch.no_grad():
        a, b = (net.decode(h, given)[0] for h in (heard, other))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("samples", [0, 1, 320, 16_001])
def test_number_and_range_of_frames(samples: int) -> None:
    encoder = Wav2VecEncoder(tiny(), info={}, sha256="")
    (piece,) = encoder.articulate(lambda: [noise(1.1)[:samples]])
    assert len(piece) == len(piece.speech) == len(piece.level) == 1 + samples // FRAME
    assert piece.axes.min() >= 0
    assert piece.axes.max() <= 1


def test_the_size_of_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav2vec, "STEP", 41)
    encoder = Wav2VecEncoder(tiny(), info={}, sha256="")
    wave = noise(1.5)
    np.testing.assert_array_equal(axes_of(encoder, wave, block=997), axes_of(encoder, wave, block=len(wave)))


@pytest.mark.parametrize("kind", ["Wav2Vec2", "Hubert"])
def test_weights_come_back_from_their_file(kind: str, tmp_path: Path) -> None:
    net = tiny(kind).eval()
    wav2vec.save(net, tmp_path / "w.safetensors", {"version": "mine"})
    loaded = Wav2VecEncoder.load(tmp_path / "w.safetensors")
    assert loaded.version == "mine"
    wave = noise(0.5)
    same = Wav2VecEncoder(net, info={}, sha256="")
    np.testing.assert_array_equal(axes_of(loaded, wave, block=8000), axes_of(same, wave, block=8000))


def test_a_folder_of_weights_knows_which_encoder_it_holds(tmp_path: Path) -> None:
    wav2vec.save(tiny(), tmp_path / "speech.safetensors", {})
    assert isinstance(find_bundle(tmp_path).encoder(), Wav2VecEncoder)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": np.zeros(3, np.float32)}, path)
    with pytest.raises(InputError, match=r"other\.safetensors"):
        Wav2VecEncoder.load(path)
    with pytest.raises(InputError, match="nowhere"):
        wav2vec.pretrained(tmp_path / "nowhere")


def test_a_folder_of_the_users_is_read_without_a_network(tmp_path: Path) -> None:
    model().save_pretrained(tmp_path)
    config: Any = wav2vec.pretrained(tmp_path).config
    assert config.hidden_size == 16
    bert = transformers.BertModel(transformers.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1))
    bert.save_pretrained(tmp_path / "bert")
    with pytest.raises(InputError, match="wav2vec"):
        wav2vec.pretrained(tmp_path / "bert")


def test_the_same_trainer_trains_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Utterance(noise(0.4), [Segment(0, 0.2, "AA"), Segment(0.2, 0.4, "M")], "nobody", "am")
    monkeypatch.setattr(train, "WINDOW", 20)
    before = {name: p.clone() for name, p in tiny().named_parameters()}
    after = dict(train.train(tiny, [(1.0, list(sounds([said], seed=0)))], steps=1).named_parameters())
    assert not torch.equal(after["axes.weight"], before["axes.weight"])
    frozen = "encoder.feature_extractor.conv_layers.0.conv.weight"
    assert torch.equal(after[frozen], before[frozen])
