"""Data sets in VHAP's layout: what is written is read, and what is wrong is said in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emosplat.avatars.fitting.dataset import read_dataset, spread
from emosplat.avatars.head import HeadModel
from emosplat.core.errors import InputError

from .captured import CAMERAS, captured, motion

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, head: HeadModel) -> Path:
    return captured(tmp_path, head)


def edit(folder: Path, change: Callable[[dict[str, Any]], Any], name: str = "transforms_train.json") -> None:
    path = folder / name
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_what_is_written_is_read(folder: Path, head: HeadModel) -> None:
    data = read_dataset(folder, head)
    assert [len(part) for part in (data.train, data.val, data.test)] == [4, 2, 3]
    assert data.timesteps().tolist() == [0, 1]
    for name in ("expr", "jaw", "neck", "eyes", "rotation", "translation"):
        np.testing.assert_allclose(getattr(data.motion, name), getattr(motion(head), name))
    np.testing.assert_allclose(data.head.v_template, head.v_template, atol=1e-7)
    camera = data.val[0].camera
    np.testing.assert_allclose(camera.view, CAMERAS[-1].view, atol=1e-9)
    np.testing.assert_allclose(camera.K, CAMERAS[-1].K)
    assert data.val[0].pixels().shape == (32, 32, 3)


def test_shape_and_offset_make_the_person(folder: Path, head: HeadModel) -> None:
    path = folder.parent / "sequence" / "flame_param" / "00000.npz"
    arrays = dict(np.load(path))
    arrays["shape"] = np.r_[np.ones(head.shapedirs.shape[2]), np.zeros(7)].astype(np.float32)
    arrays["static_offset"] = np.full((1, 5, 3), 0.5, np.float32)
    np.savez(path, **arrays)
    template = head.v_template + head.shapedirs.sum(axis=2)
    template[:5] += 0.5
    found = read_dataset(folder, head).head
    np.testing.assert_allclose(found.v_template, template, atol=1e-6)
    np.testing.assert_allclose(found.joints, head.J_regressor @ template, atol=1e-6)


def test_the_focal_length_may_be_an_angle_and_shared(folder: Path, head: HeadModel) -> None:
    def change(record: dict[str, Any]) -> None:
        record |= {"w": 32, "h": 32, "camera_angle_x": record["frames"][0]["camera_angle_x"]}
        for frame in record["frames"]:
            for key in ("w", "h", "fl_x", "fl_y", "cx", "cy", "camera_angle_x"):
                del frame[key]

    edit(folder, change)
    np.testing.assert_allclose(read_dataset(folder, head).train[0].camera.K, CAMERAS[0].K)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_split_may_be_empty(folder: Path, head: HeadModel, split: str) -> None:
    """VHAP writes an empty validation set for one camera."""
    whole = read_dataset(folder, head)
    edit(folder, lambda record: record["frames"].clear(), f"transforms_{split}.json")
    data = read_dataset(folder, head)
    assert getattr(data, split) == []
    assert len(data.train) == len(whole.train)


@pytest.mark.parametrize("linked", ["images", "flame_param", "sequence", "folder"])
def test_parts_may_be_links_to_another_disk(folder: Path, head: HeadModel, tmp_path_factory, linked: str) -> None:
    whole = read_dataset(folder, head)
    inside = {"sequence": folder.parent / "sequence", "folder": folder}.get(linked, folder.parent / "sequence" / linked)
    disk = tmp_path_factory.mktemp("disk")
    if linked == "folder":
        link = disk / "link"
        link.symlink_to(folder)
        found = read_dataset(link, head)
    else:
        inside.rename(disk / "moved")
        inside.symlink_to(disk / "moved")
        found = read_dataset(folder, head)
    assert len(found.train) == len(whole.train)
    np.testing.assert_array_equal(found.train[0].pixels(), whole.train[0].pixels())
    np.testing.assert_array_equal(found.motion.expr, whole.motion.expr)


def test_paths_written_on_windows(folder: Path, head: HeadModel) -> None:
    def change(record: dict[str, Any]) -> None:
        for frame in record["frames"]:
            frame |= {key: frame[key].replace("/", "\\") for key in ("file_path", "flame_param_path")}

    edit(folder, change)
    assert len(read_dataset(folder, head).train) == 4


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    missing=st.sets(st.sampled_from(["neck_pose", "eyes_pose", "rotation", "translation", "static_offset"])),
    modes=st.integers(0, 9),
    shape=st.sampled_from([(3,), (1, 3), (1, 9), (4, 2), (300,)]),
)
def test_parameters_of_other_trackers(
    folder: Path, head: HeadModel, missing: set[str], modes: int, shape: tuple[int, ...]
) -> None:
    """Fewer or padded coefficients, the shape once per frame, joints that are left out: all mean the same person."""
    for path in (folder.parent / "sequence" / "flame_param").glob("*.npz"):
        arrays = {name: value for name, value in np.load(path).items() if name not in missing}
        arrays["expr"] = np.zeros((1, modes), np.float32)
        arrays["expr"][:, : head.expressions] = 0.5
        arrays["shape"] = np.zeros(shape, np.float32)
        arrays["shape"][..., 0] = 1
        np.savez(path, **arrays)
    data = read_dataset(folder, head)
    assert (data.motion.expr[:, :modes] == 0.5).all()
    assert (data.motion.expr[:, modes:] == 0).all()
    np.testing.assert_allclose(data.head.v_template, head.v_template + head.shapedirs[:, :, 0], atol=1e-6)
    assert all(not getattr(data.motion, name.partition("_")[0]).any() for name in missing - {"static_offset"})


def test_a_single_file_is_all_training(folder: Path, head: HeadModel) -> None:
    (folder / "transforms_train.json").rename(folder / "transforms.json")
    data = read_dataset(folder, head)
    assert (len(data.train), data.val, data.test) == (4, [], [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("frames"), "frames: Field required"),
        (lambda r: r["frames"].clear(), "frames: expected at least one"),
        (lambda r: r["frames"][1].pop("file_path"), "frames.1.file_path: Field required"),
        (lambda r: r["frames"][1].update(w=99), "expected 99x32 pixels (w, h), found 32x32"),
        (lambda r: r["frames"][0].update(w=10**9), "frames.0.w: Input should be less than or equal to 8192"),
        (lambda r: r["frames"][0].update(fl_x=None, camera_angle_x=None), "expected fl_x or camera_angle_x"),
        (lambda r: r["frames"][0]["transform_matrix"][0].__setitem__(0, 3.0), "expected a rotation and a place"),
        (lambda r: r["frames"][0].update(transform_matrix=[[1, 2], [3]]), "frames.0.transform_matrix"),
        (lambda r: r["frames"][0].update(file_path="/etc/hostname"), "expected a relative path"),
        (lambda r: r["frames"][0].update(file_path="../../../x.png"), "expected a relative path"),
        (lambda r: r["frames"][0].update(file_path="../sequence/none.png"), "expected a file, found nothing"),
        (lambda r: r["frames"][0].update(file_path="a\0.png"), "expected the path of a file"),
        (lambda r: r["frames"][0].update(file_path="\ud800.png"), "expected the path of a file"),
        (lambda r: r["frames"][0].update(file_path="x" * 5000), "expected the path of a file"),
        (lambda r: r["frames"][0].update(file_path="transforms_train.json"), "expected a picture"),
        (lambda r: r["frames"][0].update(flame_param_path="transforms_val.json"), "expected an npz file"),
    ],
)
def test_wrong_transforms(folder: Path, head: HeadModel, change: Callable, message: str) -> None:
    edit(folder, change)
    with pytest.raises(InputError) as caught:
        read_dataset(folder, head)
    assert message in str(caught.value)
    assert str(folder.parent) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("expr", np.ones((1, 99), np.float32), "as the head has"),
        ("expr", np.full((1, 5), np.nan, np.float32), "expected finite numbers"),
        ("jaw_pose", np.zeros((2, 3), np.float32), "jaw_pose: expected number [1, 3]"),
        ("shape", np.ones(9, np.float32), "at most 3 coefficients"),
        ("static_offset", np.zeros((1, 99, 3), np.float32), "static_offset: expected [1, 40, 3]"),
    ],
)
def test_wrong_parameters(folder: Path, head: HeadModel, name: str, value: np.ndarray, message: str) -> None:
    path = folder.parent / "sequence" / "flame_param" / "00000.npz"
    np.savez(path, **(dict(np.load(path)) | {name: value}))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"00000\.npz") as caught:
        read_dataset(folder, head)
    assert message in str(caught.value)


def test_a_picture_cannot_be_learned_from_and_judged_by(folder: Path, head: HeadModel) -> None:
    learned = json.loads((folder / "transforms_train.json").read_text())["frames"][2]
    edit(folder, lambda record: record["frames"].append(learned), "transforms_val.json")
    with pytest.raises(InputError, match=r"transforms_val\.json: expected pictures held out from training"):
        read_dataset(folder, head)


def test_spread(folder: Path, head: HeadModel) -> None:
    views = read_dataset(folder, head).train
    assert spread(views, 2) == [views[0], views[2]]
    assert spread(views, 3) == [views[0], views[2]]
    assert spread(views, 9) == views
    assert spread([], 4) == []


@pytest.mark.parametrize("length", [0, 20, 300])
def test_a_cut_picture(folder: Path, head: HeadModel, length: int) -> None:
    path = folder.parent / "sequence" / "images" / "00002_01.png"
    assert path.stat().st_size > length
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=r"00002_01\.png: expected a picture, found something else"):
        read_dataset(folder, head)


def test_no_data_set(tmp_path: Path, head: HeadModel) -> None:
    with pytest.raises(InputError, match=r"expected transforms_train\.json"):
        read_dataset(tmp_path, head)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["file_path", "flame_param_path", "transform_matrix", "w", "h", "fl_x", "cx", "camera_index"])


@settings(max_examples=100)
@given(patch=st.dictionaries(KEYS, values, max_size=3), top=values)
def test_any_json_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, head: HeadModel, patch: dict[str, Any], top: Any
) -> None:
    folder = tmp_path_factory.mktemp("any")
    frame = {"file_path": "a.png", "flame_param_path": "a.npz", "transform_matrix": np.eye(4).tolist(), "w": 8, "h": 8}
    record = top if not patch else {"frames": [frame | patch]}
    (folder / "transforms_train.json").write_text(json.dumps(record))
    with pytest.raises(InputError):  # there is no picture, so nothing of this can be a data set
        read_dataset(folder, head)


@settings(max_examples=50)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, head: HeadModel, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "transforms_train.json").write_bytes(content)
    with pytest.raises(InputError):
        read_dataset(folder, head)
