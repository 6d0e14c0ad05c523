"""The PLY as other viewers read it, against the avatar as our own renderer draws it."""

from pathlib import Path

import numpy as np

from emosplat.avatars import Motion
from emosplat.avatars.library import open_avatar
from emosplat.avatars.ply import posed_gaussians, write_ply
from emosplat.avatars.pose import Poser
from emosplat.pipeline.camera.views import named_camera
from emosplat.renderer import Gaussians, open_rasterizer


def some_gaussians(count: int, bands: int) -> Gaussians:
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    opacities = rng.random(count).astype(np.float32)
    return Gaussians(normal(count, 3), normal(count, 4), np.exp(normal(count, 3)), opacities, normal(count, bands, 3))


def read(path: Path) -> dict[str, np.ndarray]:
    """Columns by name, read independently of the writer."""
    data = path.read_bytes()
    header, body = data.split(b"end_header\n", 1)
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    count = int(lines[2].removeprefix("element vertex "))
    names = [line.removeprefix("property float ") for line in lines[3:]]
    assert len(body) == 4 * count * len(names)
    return dict(zip(names, np.frombuffer(body, "<f4").reshape(count, -1).T, strict=True))


def test_layout_is_that_of_3dgs(tmp_path: Path) -> None:
    g = some_gaussians(5, 16)
    write_ply(tmp_path / "a.ply", g)
    columns = read(tmp_path / "a.ply")
    expected = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    expected += [f"f_rest_{i}" for i in range(45)]
    expected += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    assert list(columns) == expected
    np.testing.assert_array_equal(columns["f_rest_15"], g.sh[:, 1, 1])  # channel by channel: green begins at 15
    np.testing.assert_array_equal(columns["rot_0"], g.quats[:, 0])
    np.testing.assert_allclose(np.exp(columns["scale_2"]), g.scales[:, 2], rtol=1e-5)
    np.testing.assert_allclose(1 / (1 + np.exp(-columns["opacity"])), g.opacities, atol=1e-5)


def test_without_higher_bands_there_are_17_columns(tmp_path: Path) -> None:
    write_ply(tmp_path / "new" / "a.ply", some_gaussians(2, 1))
    assert len(read(tmp_path / "new" / "a.ply")) == 17
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.ply"]


def test_posed_gaussians_look_like_the_posed_avatar() -> None:
    avatar = open_avatar("person1")
    motion = Motion.rest(1, avatar.head.expressions, 25.0)
    motion.expr[0], motion.jaw[0, 0], motion.neck[0, 1] = 0.5 * avatar.head.emotions.expr[1], 0.2, 0.3
    transforms = Poser(avatar.head).transforms(motion)
    rasterizer, camera = open_rasterizer("cpu"), named_camera("front", avatar.head, width=128, height=128)
    bound = rasterizer.load(avatar.gaussians, avatar.binding).render(camera, transforms)[0].rgb
    world = posed_gaussians(avatar.gaussians, avatar.binding, transforms[0])
    free = rasterizer.load(world).render(camera)[0].rgb
    assert np.abs(bound.astype(int) - free).max() <= 2
