"""Camera files: every kind, smooth paths, face lock, and refusals in one line."""

import contextlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from emosplat.avatars.library import open_avatar
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.core.errors import InputError
from emosplat.pipeline.camera.path import CameraPath, head_poses, locked_to_face, open_camera, save_camera
from emosplat.pipeline.camera.views import named_camera

HEAD = open_avatar("person1").head
SIZE = {"width": 320, "height": 240}


def opened(tmp_path: Path, values: Any) -> CameraPath:
    file = tmp_path / "camera.json"
    file.write_text(json.dumps(values))
    return open_camera(str(file), HEAD, **SIZE)


def test_a_file_of_the_default_values_is_the_front_camera(tmp_path: Path) -> None:
    front = named_camera("front", HEAD, **SIZE)
    for path in (
        opened(tmp_path, {}),
        opened(tmp_path, {"keyframes": [{"time_s": 1}]}),
        open_camera("front", HEAD, **SIZE),
    ):
        np.testing.assert_allclose(path.at(2.0).view, front.view, atol=1e-9)
        np.testing.assert_allclose(path.at(2.0).K, front.K, atol=1e-6)


def test_key_frames_are_passed_and_joined_without_overshoot(tmp_path: Path) -> None:
    keys = [{"time_s": 1, "yaw": -30}, {"time_s": 2, "yaw": 0, "distance": 2}, {"time_s": 4, "yaw": 60}]
    path = opened(tmp_path, {"keyframes": keys})

    def yaw(time: float) -> float:
        x, _, z = path.at(time).position
        return float(np.degrees(np.arctan2(x, z)))

    assert [round(yaw(t), 3) for t in (0, 1, 2, 4, 9)] == [-30, -30, 0, 60, 60]
    angles = [yaw(t) for t in np.linspace(1, 4, 60)]
    assert all(b >= a for a, b in pairwise(angles))
    middle = path.at(1.0).position + 1.05 * path.at(1.0).view[2, :3]
    assert np.linalg.norm(path.at(2.0).position - middle) == pytest.approx(2)


def test_a_saved_camera_comes_back_and_fits_another_size(tmp_path: Path) -> None:
    camera = named_camera("three-quarter", HEAD, **SIZE)
    save_camera(tmp_path / "c.json", camera)
    again = open_camera(str(tmp_path / "c.json"), HEAD, **SIZE).at(0)
    np.testing.assert_allclose(again.view, camera.view)
    np.testing.assert_allclose(again.K, camera.K)
    wide = open_camera(str(tmp_path / "c.json"), HEAD, width=960, height=480).at(0)
    np.testing.assert_allclose(wide.K, [[2 * camera.K[0, 0], 0, 480], [0, 2 * camera.K[1, 1], 240], [0, 0, 1]])


def test_a_trajectory_gives_one_camera_per_frame(tmp_path: Path) -> None:
    def pose(x: float) -> list[list[float]]:  # camera to world, OpenGL axes: looks along -Z
        return [[1, 0, 0, x], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]

    frames = [{"transform_matrix": pose(x), "fl_x": 1000, "w": 640, "h": 480} for x in (0, 0.1, 0.2)]
    path = opened(tmp_path, {"frames": frames, "fps": 10})
    assert [round(path.at(t).position[0], 6) for t in (0.05, 0.15, 0.25, 5)] == [0, 0.1, 0.2, 0.2]
    camera = path.at(0)
    np.testing.assert_allclose(camera.view[2, :3], [0, 0, -1], atol=1e-12)  # forward is towards -Z of the world
    assert camera.K[0, 0] == pytest.approx(500)
    for rows in (pose(0)[:3], [*pose(0)[:3], [0, 0, 0, 0]]):  # the last row tells nothing
        short = opened(tmp_path, {"frames": [{"transform_matrix": rows}], "camera_angle_x": 0.6}).at(0)
        np.testing.assert_allclose(short.view, camera.view, atol=1e-12)
    angle = opened(tmp_path, {"frames": [{"transform_matrix": pose(0)}], "camera_angle_x": 0.6}).at(0)
    assert angle.K[0, 0] == pytest.approx(320 / (2 * np.tan(0.3)))


def turned(yaw: float, pitch: float, place: tuple[float, float, float]) -> np.ndarray:
    """Camera to world with OpenCV's axes, [4, 4]."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("YX", [yaw, pitch]).as_matrix() @ np.diag([1, -1, -1])
    pose[:3, 3] = place
    return pose


ANGLES = st.tuples(st.floats(-3, 3), st.floats(-1.5, 1.5), st.tuples(*[st.floats(-5, 5)] * 3))


@given(poses=st.lists(ANGLES, min_size=1, max_size=4), fov=st.floats(5, 120), fps=st.integers(1, 60))
def test_files_of_other_tools_mean_the_same_cameras(
    tmp_path_factory: pytest.TempPathFactory, poses: list[Any], fov: float, fps: int
) -> None:
    """3DGS' cameras.json, nerfstudio's camera_path.json and a NeRF-style file of the same cameras."""
    folder = tmp_path_factory.mktemp("cameras")
    worlds = [turned(*pose) for pose in poses]
    flip = np.diag([1.0, -1, -1, 1])
    focal = 0.5 / np.tan(np.radians(fov) / 2)  # in heights
    nerf = {
        "frames": [{"transform_matrix": (p @ flip).tolist(), "fl_x": focal * 480, "w": 640, "h": 480} for p in worlds]
    }
    points = [{"camera_to_world": (p @ flip).ravel().tolist(), "fov": fov, "aspect": 4 / 3} for p in worlds]
    keys = [{"matrix": "[]", "fov": fov, "aspect": 1, "properties": "[]"}]
    studio = {"keyframes": keys, "camera_type": "perspective", "render_height": 480, "camera_path": points}
    splats = [
        {"id": i, "img_name": f"{i:05d}", "width": 640, "height": 480, "fx": focal * 480, "fy": focal * 480}
        | {"position": p[:3, 3].tolist(), "rotation": p[:3, :3].tolist()}
        for i, p in enumerate(worlds)
    ]
    first, second = opened(folder, nerf | {"fps": fps}), opened(folder, studio | {"fps": fps})
    third, fourth = opened(folder, splats), opened(folder, nerf)
    for one, other, rate in ((first, second, fps), (third, fourth, 25)):
        for i in range(len(poses) + 1):
            a, b = one.at((i + 0.5) / rate), other.at((i + 0.5) / rate)
            np.testing.assert_allclose(a.view, b.view, atol=1e-6)
            np.testing.assert_allclose(a.K, b.K, rtol=1e-6)


def test_a_locked_camera_sees_the_skull_at_rest() -> None:
    rng = np.random.default_rng(0)
    motion = Motion.rest(3, HEAD.expressions, 25)
    for name, size in (("neck", 0.3), ("rotation", 0.5), ("translation", 0.2)):
        getattr(motion, name)[:] = rng.normal(0, size, (3, 3))
    vertices = Poser(HEAD).vertices(motion)
    skull = np.flatnonzero(HEAD.weights[:, 1] > 0.999)
    camera = named_camera("front", HEAD, **SIZE)

    def seen(points: np.ndarray, view: np.ndarray) -> np.ndarray:
        return points @ view[:3, :3].T + view[:3, 3]

    rest = seen(Poser(HEAD).vertices(Motion.rest(1, HEAD.expressions, 25))[0, skull], camera.view)
    for posed, pose in zip(vertices, head_poses(HEAD, motion), strict=True):
        locked = locked_to_face(camera, pose)
        # pose correctives of the neck move these vertices a little, the camera does not
        assert np.abs(seen(posed[skull], locked.view) - rest).max() < 2e-3


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([], "expected a JSON object"),
        ([{"id": 0}], "cameras.0.position"),
        ([{"position": [0, 0, 0], "rotation": [[1, 0, 0]] * 3, "fy": 9, "height": 9}], "camera 0: expected a rotation"),
        ({"camera_path": [{"camera_to_world": [1] * 5}]}, "camera_path.0.camera_to_world"),
        ({"yow": 3}, "yow"),
        ({"distance": 0}, "distance"),
        ({"keyframes": []}, "keyframes"),
        ({"keyframes": [{"time_s": 1}, {"time_s": 1}]}, "times that grow"),
        ({"frames": [{"transform_matrix": [[1, 0, 0, 0]] * 4}]}, "camera_angle_x or fl_x"),
        ({"frames": [{"transform_matrix": [[1, 0, 0, 0]] * 4, "fl_x": 9}]}, "rotation"),
        ({"frames": [{"transform_matrix": [[2, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 1, 0]], "fl_x": 9}]}, "rotation"),
        (
            {"frames": [{"transform_matrix": [[1, 0, 0, 0]] * 4}], "camera_model": "OPENCV_FISHEYE"},
            "expected a pinhole",
        ),
        ({"camera_path": [{"camera_to_world": [1] * 12}], "camera_type": "equirectangular"}, "expected a pinhole"),
        ({"view": [[1]], "K": [[1]], "width": 1, "height": 1}, "view"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, values: Any, problem: str) -> None:
    with pytest.raises(InputError) as error:
        opened(tmp_path, values)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["keyframes", "frames", "view", "K", "time_s", "yaw", "fov", "camera_path", "camera_to_world"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, values: Any) -> None:
    with contextlib.suppress(InputError):
        opened(tmp_path_factory.mktemp("camera"), values).at(0.0)


def test_no_such_file() -> None:
    with pytest.raises(InputError, match="no such file"):
        open_camera("orbit.json", HEAD, **SIZE)
    with pytest.raises(InputError, match="--camera 'frnt'"):
        open_camera("frnt", HEAD, **SIZE)
