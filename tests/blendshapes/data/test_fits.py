"""FLAME parameters posed on a head of FLAME's topology."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.data import open_dataset
from emosplat.blendshapes.data.flame_fits import Fit, pose, with_identity
from emosplat.core.errors import InputError

from . import miniatures as mini

EXPRESSIONS = 3


@pytest.fixture(scope="module")
def head():
    return mini.flame_head(EXPRESSIONS)


def test_beat2(tmp_path, head):
    mini.write_beat2(tmp_path, EXPRESSIONS)
    data = open_dataset("beat2", tmp_path, head=head)
    assert data.topology == "synthetic-flame"
    assert [(s.subject, s.part) for s in data] == [("scott", "train"), ("scott", None), ("solomon", "test")]
    sequence = data.sequences[0]
    motion = Motion.rest(mini.FRAMES, EXPRESSIONS, 30.0)
    motion.expr[:] = 1
    motion.jaw[:, 0] = 0.2
    expected = Poser(head).vertices(motion) - head.v_template
    np.testing.assert_allclose(sequence.displacements(), expected, atol=1e-6)
    assert sequence.audio is not None
    assert len(sequence.audio()) == 1600


def test_voca_fits(tmp_path, head):
    mini.write_voca_fits(tmp_path, EXPRESSIONS)
    data = open_dataset("voca-fits", tmp_path, head=head)
    assert [s.part for s in data] == ["train", "test", "val"]
    sequence = data.sequences[0]
    neutral = head.v_template + head.shapedirs @ np.array([0.5, -0.5], np.float32)
    np.testing.assert_allclose(sequence.neutral(), neutral, atol=1e-6)
    displacements = sequence.displacements()
    assert displacements.shape == (mini.FRAMES, 5023, 3)
    np.testing.assert_allclose(displacements[0], head.exprdirs.sum(axis=2), atol=1e-5)  # the jaw is at rest
    assert np.abs(displacements[-1] - displacements[0]).max() > 1e-3
    assert sequence.audio is None


def test_identity_moves_the_joints_with_the_face(head):
    shaped = with_identity(head, np.array([1.0], np.float32))
    np.testing.assert_allclose(shaped.joints, shaped.J_regressor @ shaped.v_template, atol=1e-5)


def test_modes_the_head_lacks_are_refused_unless_zero(head):
    still = np.zeros((2, 3), np.float32)
    fit = Fit(expr=np.ones((2, 1), np.float32), jaw=still, shape=np.zeros(300, np.float32))
    assert pose(head, fit, 30.0).shape == (2, 5023, 3)
    with pytest.raises(InputError, match="at least the 5 expression modes that the fit uses, found 3"):
        pose(head, replace(fit, expr=np.ones((2, 5), np.float32)), 30.0)
    with pytest.raises(InputError, match="at least the 3 identity modes"):
        pose(head, replace(fit, shape=np.ones(3, np.float32)), 30.0)


def test_another_topology_and_no_head_are_refused(tmp_path, head):
    mini.write_beat2(tmp_path, EXPRESSIONS)
    with pytest.raises(InputError, match="expected a FLAME head"):
        open_dataset("beat2", tmp_path, head=replace(head, v_template=head.v_template[:10]))
    with pytest.raises(InputError, match="to pose them on, found none"):
        open_dataset("beat2", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"pose": np.zeros((2, 15)), "expression": np.zeros((2, 3))}, "shape: expected an array of floats"),
        ({"shape": np.zeros(3), "pose": np.zeros((2, 6)), "expression": np.zeros((2, 3))}, r"found \(3,\), \(2, 6\)"),
        ({"shape": np.zeros(3), "pose": print, "expression": np.zeros((2, 3))}, r"name 'builtins\.print'"),
        ("text", "expected a dict"),
    ],
)
def test_other_contents_of_voca_fits_are_refused(tmp_path, head, content, message):
    file = tmp_path / "FaceTalk_170728_03272_TA_sentence01.npy"
    np.save(file, np.array(content, object), allow_pickle=True)
    with pytest.raises(InputError, match=message):
        open_dataset("voca-fits", tmp_path, head=head).sequences[0].displacements()


def write_mead(folder, *, frames: int = 4, keys=("shape", "exp", "jaw", "global_pose", "cam")) -> None:
    h5py = pytest.importorskip("h5py", reason="MEAD's fits need h5py, which is optional")
    widths = {"shape": 2, "exp": EXPRESSIONS, "jaw": 3, "global_pose": 3, "cam": 3}
    for clip in ("M003/front/angry/level_2/001", "W021/1/front/neutral/level_1/002", "M003/left_30/sad/level_1/001"):
        path = folder / clip / "shape_pose_cam.hdf5"
        path.parent.mkdir(parents=True)
        with h5py.File(path, "w") as file:
            for key in keys:
                file[key] = np.full((1, frames, widths[key]), 0.1, np.float32)
    mini.write_wav(folder / "M003/audio/angry/level_2/001.m4a", 0.1)


def test_mead(tmp_path, head):
    write_mead(tmp_path)
    data = open_dataset("mead", tmp_path, head=head)
    found = {s.name: (s.part, s.label.emotion, round(s.label.level, 2)) for s in data if s.label}
    assert found == {
        "angry_level_2_001": ("train", "angry", 0.67),
        "neutral_level_1_002": ("train", "neutral", 1.0),
    }
    sequence = data.sequences[0]
    assert sequence.displacements().shape == (4, 5023, 3)
    np.testing.assert_allclose(sequence.neutral(), head.v_template + 0.1 * head.shapedirs.sum(axis=2), atol=1e-6)
    assert sequence.audio is not None
    assert len(sequence.audio()) == 1600


def test_mead_without_a_key_is_refused(tmp_path, head):
    write_mead(tmp_path, keys=("shape", "exp"))
    with pytest.raises(InputError, match="jaw: expected an array of floats"):
        open_dataset("mead", tmp_path, head=head).sequences[0].displacements()


def test_mead_links_to_other_files_are_not_followed(tmp_path, head):
    write_mead(tmp_path)
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "M003/front/angry/level_2/001/shape_pose_cam.hdf5"
    with h5py.File(path, "a") as file:
        del file["exp"]
        file["exp"] = h5py.ExternalLink(str(tmp_path / "W021/1/front/neutral/level_1/002/shape_pose_cam.hdf5"), "exp")
    with pytest.raises(InputError, match="exp: expected an array of floats"):
        open_dataset("mead", tmp_path, head=head).sequences[0].displacements()


def test_mead_without_h5py_says_what_to_install(tmp_path, head, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match="pip install h5py"):
        open_dataset("mead", tmp_path, head=head)
