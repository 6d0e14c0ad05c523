"""Gaussians in glTF, read back after KHR_gaussian_splatting."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from emosplat.core.errors import InputError
from emosplat.pipeline.export.splat import turned_over
from emosplat.pipeline.export.splat_glb import splat_glb, splat_glb_size

from .clouds import BANDS, between, cloud
from .glbs import Reader

NAME = "KHR_gaussian_splatting"


@pytest.mark.parametrize("degree", BANDS)
def test_attributes_are_those_of_the_extension(degree: int) -> None:
    gaussians = cloud(50, degree)
    glb = Reader(splat_glb("anna", [gaussians]))
    assert glb.document["extensionsUsed"] == [NAME]
    (primitive,) = glb.document["meshes"][0]["primitives"]
    assert primitive["mode"] == 0
    assert primitive["extensions"][NAME] == {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}
    values = {name: glb.array(index) for name, index in primitive["attributes"].items()}
    np.testing.assert_array_equal(values["POSITION"], gaussians.means)
    np.testing.assert_array_equal(values[f"{NAME}:SCALE"], gaussians.scales)
    np.testing.assert_array_equal(values[f"{NAME}:OPACITY"][:, 0], gaussians.opacities)
    quats = values[f"{NAME}:ROTATION"] / 32767
    np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1, atol=1e-4)
    assert between(quats[:, [3, 0, 1, 2]], gaussians.quats).max() < 0.1
    bands = [(band_degree, k) for band_degree in range(degree + 1) for k in range(2 * band_degree + 1)]
    for band, (band_degree, k) in enumerate(bands):
        np.testing.assert_array_equal(values[f"{NAME}:SH_DEGREE_{band_degree}_COEF_{k}"], gaussians.sh[:, band])
    assert len(values) == 5 + len(bands)
    color = values["COLOR_0"] / 65535  # linear, for those that know points alone
    srgb = (0.5 + 0.28209479 * gaussians.sh[:, 0]).clip(0, 1)
    np.testing.assert_allclose(color[:, :3] ** (1 / 2.4), (srgb + 0.055) / 1.055, atol=0.08)
    np.testing.assert_allclose(color[:, 3], gaussians.opacities, atol=1e-5)


def shown(glb: Reader, time: float) -> list[int]:
    """Nodes that are not points at a time, as a player steps."""
    (animation,) = glb.document["animations"]
    visible = []
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        assert sampler["interpolation"] == "STEP"
        times = glb.array(sampler["input"])[:, 0]
        assert (np.diff(times) > 0).all()
        scale = glb.array(sampler["output"])[np.clip(np.searchsorted(times, time, "right") - 1, 0, len(times) - 1)]
        assert (scale > 0).all()  # the extension wants it
        if scale[0] == 1:
            visible.append(channel["target"]["node"])
    return visible


def test_each_frame_is_shown_in_its_time() -> None:
    frames = [cloud(20, 1), turned_over(cloud(20, 1)), cloud(20, 1)]
    data = splat_glb("anna", frames, fps=10)
    glb = Reader(data)
    assert [shown(glb, t) for t in (0, 0.05, 0.15, 0.25, 0.35)] == [[0], [0], [1], [2], [2]]
    still = glb.document["nodes"]
    assert [node["scale"][0] for node in still] == [1, 1e-6, 1e-6]  # who plays nothing sees the first frame
    meshes = [glb.document["meshes"][node["mesh"]]["primitives"][0]["attributes"] for node in still]
    assert meshes[0] == meshes[2]  # what is the same is stored once
    assert meshes[0]["POSITION"] != meshes[1]["POSITION"]
    assert meshes[0][f"{NAME}:OPACITY"] == meshes[1][f"{NAME}:OPACITY"]
    turned = glb.array(meshes[1]["POSITION"])
    np.testing.assert_array_equal(turned, frames[1].means)


def test_size_is_told_before() -> None:
    frames = [cloud(2000, 2)]
    for k in range(1, 6):
        moved = cloud(2000, 2)
        moved.means[:] += k
        moved.scales[:] *= 1 + k
        moved.sh[:, 0] += k
        moved.quats[:] = Rotation.random(2000, rng=np.random.default_rng(k)).as_quat()
        frames.append(moved)
    assert splat_glb_size(frames[0], 6) == pytest.approx(len(splat_glb("anna", frames, fps=25)), rel=0.05)


def test_what_no_reader_would_take_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emosplat.avatars.library import open_avatar
    from emosplat.avatars.motion_files import save_motion
    from emosplat.pipeline.avatar.poses import plausible_poses
    from emosplat.pipeline.export.formats import ExportRequest, export

    head = open_avatar("person1-light").head
    save_motion(tmp_path / "m.npz", plausible_poses(head, 9).motion, vertices=len(head.v_template))
    monkeypatch.setattr("emosplat.pipeline.export.formats.MOST_BYTES", 10_000_000)
    with pytest.raises(InputError, match=r"expected a motion of at most [1-4] frames, found 9"):
        export(ExportRequest("person1-light", tmp_path / "a.splat.glb", motion=tmp_path / "m.npz"))
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]
