"""Data sets of meshes, on generated miniatures of their layouts."""

import pickle

import numpy as np
import pytest

from emosplat.blendshapes.data import KINDS, apex, open_dataset
from emosplat.blendshapes.data.files import open_vertices, read_audio, resampled
from emosplat.core.errors import InputError

from . import miniatures as mini

TRAIN, VAL, TEST = mini.VOCA_SPEAKERS


def names(data):
    return sorted(f"{s.subject}/{s.name}" for s in data)


def test_vocaset_as_distributed(tmp_path):
    frames = mini.write_vocaset(tmp_path)
    data = open_dataset("vocaset", tmp_path)
    assert data.topology == "flame-5023"
    assert len(data) == 6
    assert [line.split(":")[0] for line in data.skipped] == [f"{TRAIN}/sentence02", f"{TRAIN}/sentence03"]
    first = next(s for s in data if s.subject == TRAIN and s.name == "sentence21")
    assert first.fps == 60
    assert first.label is not None
    assert first.label.emotion == "neutral"
    displacements = first.displacements()
    assert displacements.dtype == np.float32
    np.testing.assert_allclose(displacements, frames[4:8] - mini.template(0).astype(np.float32), atol=1e-6)
    assert first.audio is not None
    sound = first.audio()
    assert sound.dtype == np.float32
    assert len(sound) == 1600  # a tenth of a second
    assert sound[800] == pytest.approx(1000 / 32768, rel=1e-3)


def test_vocaset_split(tmp_path):
    mini.write_vocaset(tmp_path)
    data = open_dataset("vocaset", tmp_path)
    assert names(data.split("train")) == [f"{TRAIN}/sentence01", f"{TRAIN}/sentence21"]
    assert names(data.split("val")) == [f"{VAL}/sentence21"]
    assert names(data.split("test")) == [f"{TEST}/sentence21"]


def test_sequences_can_be_sent_to_another_process(tmp_path):
    mini.write_prepared_vocaset(tmp_path)
    sequence = open_dataset("vocaset", tmp_path).sequences[0]
    sent = pickle.loads(pickle.dumps(sequence))
    np.testing.assert_array_equal(sent.displacements(), sequence.displacements())


def test_vocaset_as_faceformer_prepares_it(tmp_path):
    mini.write_prepared_vocaset(tmp_path)
    data = open_dataset("vocaset", tmp_path)
    assert len(data) == 3
    assert data.skipped[0].startswith("notes.npy")
    sequence = data.split("test").sequences[0]
    assert sequence.displacements().shape == (mini.FRAMES, 5023, 3)
    assert sequence.audio is not None
    assert len(sequence.audio()) == pytest.approx(mini.FRAMES / 60 * 16_000, abs=20)


def test_biwi(tmp_path):
    mini.write_biwi(tmp_path)
    data = open_dataset("biwi", tmp_path)
    assert data.topology == "biwi-23370"
    assert data.skipped[0].startswith("F2_01.npy")
    assert names(data.split("train")) == ["F2/e01"]
    assert names(data.split("val")) == ["F2/e33"]
    assert names(data.split("test")) == ["F1/e40", "F2/e37"]
    sequence = data.split("train").sequences[0]
    expected = 0.2 * (1 - mini.template(0, mini.BIWI_V).astype(np.float32))  # the files' unit is 0.2 m
    np.testing.assert_allclose(sequence.displacements()[1], expected, atol=1e-6)
    assert sequence.fps == 25


def test_florence4d(tmp_path):
    mini.write_florence4d(tmp_path)
    data = open_dataset("florence4d", tmp_path)
    emotions = {s.name: s.label.emotion for s in data if s.label}
    assert emotions == {"Happy": "happy", "Sad1": "sad", "Ill": None, "Irritated1": "angry", "Smile2": "happy"}
    assert [s.person for s in data if s.subject == "COMA_CH02"] == [TRAIN] * 3
    assert {s.part for s in data if s.subject == "COMA_CH04"} == {"test"}
    assert len(data.skipped) == 1
    sequence = next(s for s in data if s.name == "Happy")
    displacements = sequence.displacements()
    assert not displacements[0].any()
    assert apex(displacements) == 2
    assert sequence.label is not None
    np.testing.assert_allclose(sequence.label.strength(displacements), mini.FLORENCE_CURVE, atol=1e-4)
    assert sequence.audio is None


def test_florence4d_refuses_another_topology(tmp_path):
    for frame in range(2):
        mini.write_ply(tmp_path / "a" / "Happy" / f"Happy_{frame:02d}.ply", mini.template(0, 10))
    sequence = open_dataset("florence4d", tmp_path).sequences[0]
    with pytest.raises(InputError, match=r"Happy_00\.ply: expected 5023 vertices in FLAME's order, found 10"):
        sequence.displacements()


def test_emovoca(tmp_path):
    mini.write_emovoca(tmp_path)
    data = open_dataset("emovoca", tmp_path)
    labels = {s.name: (s.label.emotion, round(s.label.level, 2)) for s in data if s.label}
    assert labels == {
        "sentence21_Irritated1_1": ("angry", 0.33),
        "sentence21_Smile2_3": ("happy", 1.0),
        "sentence21_Ill_2": (None, 0.67),
    }
    sequence = data.split("train").sequences[0]
    assert sequence.person == TRAIN
    assert sequence.displacements().shape == (mini.FRAMES, 5023, 3)
    assert sequence.label is not None
    assert sequence.label.strength(sequence.displacements()).tolist() == pytest.approx([1 / 3] * mini.FRAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_folder_is_refused_in_one_line(tmp_path, kind):
    with pytest.raises(InputError) as refused:
        open_dataset(kind, tmp_path, head=mini.flame_head())
    message = str(refused.value)
    assert "expected" in message
    assert "found" in message
    assert "\n" not in message


def test_missing_files_are_named_with_their_source(tmp_path):
    (tmp_path / "templates.pkl").touch()
    with pytest.raises(InputError, match=r"found no data_verts\.npy, subj_seq_to_idx\.pkl.*voca\.is\.tue\.mpg\.de"):
        open_dataset("vocaset", tmp_path)


def test_unknown_kinds_and_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected one of vocaset"):
        open_dataset("vocasett", tmp_path)
    with pytest.raises(InputError, match="expected the folder"):
        open_dataset("biwi", tmp_path / "none")


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((2, 30), np.float32), "float32"),
        (np.zeros((2, 10, 3), np.int32), "int32"),
        (np.zeros((2, 3, 11, 3), np.float32), "float32"),
        (np.zeros(0, np.float32), "float32"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, array, found):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=rf"a\.npy: expected floats \[T, 11, 3\] or \[T, 33\], found {found}"):
        open_vertices(tmp_path / "a.npy", 11)


def test_arrays_that_are_none_are_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}], object), allow_pickle=True)
    with pytest.raises(InputError, match="something else"):
        open_vertices(path, 11)
    np.save(path, np.zeros((3, 33)))
    path.write_bytes(path.read_bytes()[:-8])  # promises more than it holds
    with pytest.raises(InputError, match="something else"):
        open_vertices(path, 11)


def test_wrong_templates_are_refused(tmp_path):
    mini.write_vocaset(tmp_path)
    mini.write_pickle(tmp_path / "templates.pkl", {TRAIN: np.zeros((10, 3))})
    with pytest.raises(
        InputError, match=r"templates\.pkl: FaceTalk_170728_03272_TA: expected a neutral face \(5023, 3\)"
    ):
        open_dataset("vocaset", tmp_path)
    mini.write_pickle(tmp_path / "templates.pkl", [1])
    with pytest.raises(InputError, match="expected a dict of neutral faces"):
        open_dataset("vocaset", tmp_path)


def test_rows_outside_the_array_are_skipped(tmp_path):
    mini.write_vocaset(tmp_path)
    mini.write_pickle(tmp_path / "subj_seq_to_idx.pkl", {TRAIN: {"sentence01": {0: 0, 1: 24}, 2: {}}, 7: {}})
    with pytest.raises(InputError, match="found none"):
        open_dataset("vocaset", tmp_path)


def test_nan_is_refused_by_name(tmp_path):
    mini.write_prepared_vocaset(tmp_path)
    file = tmp_path / "vertices_npy" / f"{TEST}_sentence21.npy"
    np.save(file, np.full((2, 3 * 5023), np.nan, np.float32))
    with pytest.raises(InputError, match=f"{TEST}/sentence21: expected finite numbers"):
        open_dataset("vocaset", tmp_path).split("test").sequences[0].displacements()


def test_audio_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"#EXTM3U\n/etc/passwd\n")
    with pytest.raises(InputError, match="expected a file with sound"):
        read_audio(tmp_path / "a.wav")
    with pytest.raises(InputError, match="expected a file with sound"):
        read_audio(tmp_path / "none.wav")
    with pytest.raises(InputError, match="expected sound"):
        resampled(np.zeros((2, 3)), 16_000, "here")


def test_floats_of_16_bits_are_scaled():
    np.testing.assert_allclose(resampled(np.full(160, 16384.0), 16_000, "here"), 0.5)
    np.testing.assert_allclose(resampled(np.full(160, 0.5), 16_000, "here"), 0.5)
