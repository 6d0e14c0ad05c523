"""The learned blendshapes at run time: the shipped weights, what they take apart, and files that are wrong."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.emotion import EMOTIONS, FAINT
from emosplat.blendshapes.solve.composition import Fused, NeutralMouth, PoseSum, SpeakingFace, composer_for, dropped
from emosplat.blendshapes.solve.fusion import BUILT_IN, FORMAT, FusionModel, MapEncoder
from emosplat.blendshapes.speech.encoder import AXES
from emosplat.core.errors import InputError

RNG = np.random.default_rng(5)
FRAMES = 40
CLOSING, OPENING = AXES.index("close"), AXES.index("jaw")


@lru_cache
def head() -> HeadModel:
    return builtin_head()


@lru_cache
def fused() -> Fused:
    return Fused(head(), NeutralMouth(head()), FusionModel.load())


def cue(emotion: str = "neutral", *, seed: int = 0, quiet: bool = False, strength: float = 1.0) -> SpeakingFace:
    """An open mouth that closes in the middle, under an emotion at full strength."""
    times = (np.arange(FRAMES) + 0.5) / 25
    axes = np.zeros((FRAMES, len(AXES)))
    axes[:, OPENING] = 0.0 if quiet else 0.6
    axes[18:22, CLOSING] = 0.0 if quiet else 1.0
    weights = np.zeros((FRAMES, len(EMOTIONS)))
    weights[:, EMOTIONS.index(emotion)] = strength
    activity = np.full(FRAMES, 0.0 if quiet else 1.0)
    return SpeakingFace(times, axes, activity, activity, weights, seed)


def gap(composer: Fused | PoseSum, asked: SpeakingFace) -> np.ndarray:
    """Largest opening between the lips, [n] millimetres."""
    return 1e3 * composer._mouth.gap(*composer(asked)).max(axis=1)


@pytest.mark.parametrize("label", EMOTIONS[1:])
def test_changing_the_emotion_leaves_the_speech_weights_bit_for_bit(label: str) -> None:
    plain, felt = cue(), cue(label, seed=7)
    np.testing.assert_array_equal(fused().speech_weights(plain), fused().speech_weights(felt))
    assert np.abs(fused().emotion_weights(felt) - fused().emotion_weights(plain)).max() > 0.1


def test_changing_what_is_said_leaves_the_emotion_weights_bit_for_bit() -> None:
    speaking, silent = cue("happy"), cue("happy", quiet=True)
    np.testing.assert_array_equal(fused().emotion_weights(speaking), fused().emotion_weights(silent))
    assert np.abs(fused().speech_weights(speaking) - fused().speech_weights(silent)).max() > 0.1


@pytest.mark.parametrize("label", EMOTIONS)
def test_lips_meet_under_every_emotion(label: str) -> None:
    found = gap(fused(), cue(label))
    assert found[19:21].max() < 0.25
    assert np.median(found[:15]) > 5


@pytest.mark.parametrize("label", EMOTIONS[1:])
def test_blendshapes_alone_keep_closed_lips_better_than_a_sum_of_offsets(label: str) -> None:
    """Without any contact solver on the fused face: B_E w_E hardly moves the lips apart."""
    model, composer = FusionModel.load(), fused()
    upper, lower = (np.searchsorted(model.vertices, head().lip_pairs[:, k]) for k in (0, 1))
    basis = model.expression_basis[upper, 1] - model.expression_basis[lower, 1]
    learned = 1e3 * composer.emotion_weights(cue(label)) @ basis.T
    raw = 1e3 * (composer._mouth.gap(*PoseSum(head(), composer._mouth).emotions.at(
        cue(label).emotion, cue(label).times, seed=0)) - composer._mouth.gap.rest)  # fmt: skip
    assert np.abs(learned).mean() < 0.6
    assert np.abs(learned).mean() < 0.7 * np.abs(raw).mean() + 0.1


def test_half_an_emotion_is_the_same_and_shows_by_more_than_half() -> None:
    full, half = (fused().emotion_weights(cue("angry", strength=s)) for s in (1.0, 0.5))
    np.testing.assert_allclose(half, (1 + FAINT / 2) * full / 2, atol=1e-9)
    brows = head().exprdirs[head().regions["brows"]]
    moved = [np.linalg.norm(brows @ fused()(cue("angry", strength=s))[0][10]) for s in (0, 0.25, 0.5, 0.75, 1)]
    assert (np.diff(moved) > 0).all()
    own = np.linalg.norm(brows @ head().emotions.expr[head().emotions.rows("angry")].mean(axis=0))
    assert moved[-1] > 0.75 * own


def test_a_share_of_neutral_is_no_share_of_an_emotion() -> None:
    asked = cue("angry", strength=0.5)
    mixed = replace(asked, emotion=asked.emotion + 0.5 * (np.arange(len(EMOTIONS)) == EMOTIONS.index("neutral")))
    np.testing.assert_allclose(fused().emotion_weights(mixed), fused().emotion_weights(asked))


def test_an_emotion_drops_the_jaw_in_silence_and_vowels_and_not_where_lips_meet() -> None:
    wide = np.full(FRAMES, 0.1)
    np.testing.assert_allclose(dropped(cue(quiet=True), wide), wide)
    speaking = dropped(cue(), wide)
    assert not speaking[19:21].any()
    assert (speaking[:15] > 0).all()
    assert speaking.max() < wide[0]
    between = replace(cue(quiet=True), speaking=np.ones(FRAMES))  # a short pause within speech
    assert not dropped(between, wide).any()


def test_rest_is_rest() -> None:
    expr, jaw = fused()(cue(quiet=True))
    np.testing.assert_allclose(expr, 0, atol=2e-3)
    np.testing.assert_allclose(jaw, 0, atol=1e-6)


def test_frames_do_not_depend_on_their_company() -> None:
    whole = cue("fearful")
    part = SpeakingFace(
        *(getattr(whole, n)[10:20] for n in ("times", "axes", "activity", "speaking", "emotion")), seed=0
    )
    for a, b in zip(fused()(whole), fused()(part), strict=True):
        np.testing.assert_allclose(a[10:20], b, atol=1e-5)


def test_encoder_of_pictures_is_the_encoder_of_their_sums() -> None:
    encoder = FusionModel.load().speech_encoder
    pictures = RNG.standard_normal((5, 32, 32, 3)).astype(np.float32)
    features = RNG.standard_normal((7, 5)).astype(np.float32)
    maps = np.tensordot(features, pictures, 1)
    np.testing.assert_allclose(encoder.of(pictures)(features), encoder(maps), rtol=1e-3, atol=1e-2)


def test_encoder_is_homogeneous() -> None:
    weights = [RNG.standard_normal(s).astype(np.float32) for s in ((48, 8), (32, 6), (6, 4))]
    maps = RNG.standard_normal((3, 8, 8, 3)).astype(np.float32)
    encoder = MapEncoder(weights, 8)
    np.testing.assert_array_equal(encoder(2 * maps), 2 * encoder(maps))  # a power of two: exactly
    assert not encoder(0 * maps).any()


def test_weights_of_another_head_are_left_aside() -> None:
    assert isinstance(composer_for(head(), NeutralMouth(head()), FusionModel.load()), Fused)
    assert isinstance(composer_for(head(), NeutralMouth(head()), None), PoseSum)
    from dataclasses import replace

    assert isinstance(composer_for(replace(head(), version="other"), NeutralMouth(head()), FusionModel.load()), PoseSum)


def rewritten(tmp_path: Path, *, metadata: dict[str, str] | None = None, **tensors: np.ndarray) -> Path:
    """The shipped file with some tensors replaced."""
    model = FusionModel.load()
    known = {"format": FORMAT, "head": model.head, "labels": json.dumps(model.labels)}
    path = tmp_path / "weights.safetensors"
    save_file(load_file(BUILT_IN) | tensors, path, known | (metadata or {}))
    return path


def test_a_rewritten_file_is_read(tmp_path: Path) -> None:
    np.testing.assert_array_equal(FusionModel.load(rewritten(tmp_path)).codes, FusionModel.load().codes)


@pytest.mark.parametrize(
    ("metadata", "tensors", "message"),
    [
        ({"format": "something-9"}, {}, "format"),
        ({"labels": '["angry"]'}, {}, "codes"),
        ({"labels": "no json"}, {}, "expected"),
        ({}, {"codes": np.full((2, 3), np.nan, np.float32)}, "codes"),
        ({}, {"speech.0": np.zeros((7, 7), np.float32)}, "convolution"),
        ({}, {"speech.basis": np.zeros((4, 3, 2), np.float32)}, "speech.basis"),
        ({}, {"map.index": np.full((32, 32, 3), -1, np.int32)}, "indices"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, metadata: dict[str, str], tensors: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        FusionModel.load(rewritten(tmp_path, metadata=metadata, **tensors))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xff" * 64])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.safetensors"):
        FusionModel.load(path)
