"""GaussianAvatars' folders: read as its code poses them, written as its viewer reads them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from emosplat.avatars.avatar import Avatar, load_avatar, save_avatar
from emosplat.avatars.flame_head import bare_flame_head
from emosplat.avatars.gaussian_avatars import find_ply, read_gaussian_avatar, write_gaussian_avatar
from emosplat.avatars.head import PARENTS, HeadModel
from emosplat.avatars.kernels import triangle_transforms
from emosplat.avatars.motion_files import load_motion, save_motion
from emosplat.avatars.ply import posed_gaussians, read_ply, write_ply
from emosplat.avatars.pose import Poser
from emosplat.core.errors import InputError
from emosplat.renderer import Gaussians

from .flame_like import flame_like
from .trained_folder import parameters, write_folder

SEEDS = st.integers(0, 2**31)


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return bare_flame_head(flame_like().arrays, "flame-like")


@pytest.fixture(scope="module")
def folder(head: HeadModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained")
    write_folder(path, head, iteration=30, per_face=1)
    return path


def random_gaussians(rng: np.random.Generator, count: int, bands: int = 16) -> Gaussians:
    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    quats = normal(count, 4)
    return Gaussians(
        means=normal(count, 3),
        quats=quats / np.linalg.norm(quats, axis=1, keepdims=True),
        scales=np.exp(normal(count, 3)),
        opacities=rng.uniform(0.01, 0.99, count).astype(np.float32),
        sh=normal(count, bands, 3),
    )


# the frame, against the published definition


@settings(max_examples=40)
@given(SEEDS)
def test_gaussians_are_carried_as_published(seed: int) -> None:
    """mean = k R x + centroid, scale = k s, rotation = R q: in float64, triangle by triangle."""
    rng = np.random.default_rng(seed)
    triangles = rng.normal(size=(20, 3, 3)).astype(np.float32)
    faces = np.arange(60, dtype=np.int32).reshape(20, 3)
    local = random_gaussians(rng, 20)
    binding = rng.permutation(20).astype(np.int32)
    posed = posed_gaussians(local, binding, triangle_transforms(triangles.reshape(1, 60, 3), faces)[0])
    for i, face in enumerate(binding):
        v0, v1, v2 = triangles[face].astype(np.float64)
        e = (v1 - v0) / np.linalg.norm(v1 - v0)
        n = np.cross(e, v2 - v0)
        n /= np.linalg.norm(n)
        b = np.cross(e, n)
        R = np.stack([e, n, b], axis=1)
        k = (np.linalg.norm(v1 - v0) + abs(b @ (v2 - v0))) / 2
        assert np.linalg.det(R) > 0.999
        np.testing.assert_allclose(posed.means[i], k * R @ local.means[i] + (v0 + v1 + v2) / 3, atol=2e-5)
        np.testing.assert_allclose(posed.scales[i], k * local.scales[i], rtol=2e-5)
        own = Rotation.from_quat(local.quats[i, [1, 2, 3, 0]]).as_matrix()
        found = Rotation.from_quat(posed.quats[i, [1, 2, 3, 0]]).as_matrix()
        np.testing.assert_allclose(found, R @ own, atol=2e-5)
    np.testing.assert_array_equal(posed.sh, local.sh)


# PLY files


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SEEDS, st.sampled_from([1, 4, 9, 16]), st.booleans())
def test_a_ply_is_read_back(tmp_path: Path, seed: int, bands: int, bound: bool) -> None:
    rng = np.random.default_rng(seed)
    wanted = random_gaussians(rng, 7, bands)
    binding = rng.integers(0, 10_144, 7).astype(np.int32) if bound else None
    write_ply(tmp_path / "a.ply", wanted, binding=binding)
    found, triangles = read_ply(tmp_path / "a.ply")
    for name in ("means", "quats", "scales", "opacities", "sh"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-4, atol=1e-5, err_msg=name)
    assert (triangles is None) == (binding is None)
    if binding is not None:
        np.testing.assert_array_equal(triangles, binding)


@pytest.mark.parametrize("bands", [1, 16])
def test_a_ply_without_gaussians_is_read(tmp_path: Path, bands: int) -> None:
    write_ply(tmp_path / "a.ply", random_gaussians(np.random.default_rng(0), 0, bands))
    assert read_ply(tmp_path / "a.ply")[0].sh.shape == (0, bands, 3)


def test_a_bound_gaussian_takes_252_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_ply(tmp_path / "a.ply", random_gaussians(rng, 10), binding=np.zeros(10, np.int32))
    data = (tmp_path / "a.ply").read_bytes()
    header, body = data.split(b"end_header\n", 1)
    assert len(body) == 2520
    assert header.splitlines()[-1] == b"property float binding_0"


def test_properties_are_found_by_name_and_number(tmp_path: Path) -> None:
    """In any order, as gsplat or another trainer may write them; f_rest_10 comes after f_rest_9."""
    rng = np.random.default_rng(0)
    wanted = random_gaussians(rng, 5)
    write_ply(tmp_path / "a.ply", wanted)
    header, body = (tmp_path / "a.ply").read_bytes().split(b"end_header\n", 1)
    lines = header.decode().splitlines()
    names = lines[3:]
    order = rng.permutation(len(names))
    rows = np.frombuffer(body, "<f4").reshape(5, -1)[:, order]
    text = "\n".join([*lines[:3], *(names[i] for i in order), "end_header", ""]).encode()
    (tmp_path / "b.ply").write_bytes(text + rows.astype("<f4").tobytes())
    found, _ = read_ply(tmp_path / "b.ply")
    np.testing.assert_array_equal(found.sh, wanted.sh)


def test_what_gsplat_exports_is_read(tmp_path: Path) -> None:
    exporter = pytest.importorskip("gsplat.exporter")
    import torch

    rng = np.random.default_rng(0)
    g = random_gaussians(rng, 6)
    logits = np.log(g.opacities / (1 - g.opacities))
    means, scales, quats, opacities, sh = (
        torch.from_numpy(a) for a in (g.means, np.log(g.scales), g.quats, logits, g.sh)
    )
    exporter.export_splats(means, scales, quats, opacities, sh[:, :1], sh[:, 1:], save_to=str(tmp_path / "g.ply"))
    found, binding = read_ply(tmp_path / "g.ply")
    assert binding is None
    np.testing.assert_allclose(found.sh, g.sh, atol=1e-6)
    np.testing.assert_allclose(found.scales, g.scales, rtol=1e-5)
    write_ply(tmp_path / "ours.ply", g)
    theirs = (tmp_path / "g.ply").read_bytes().split(b"end_header\n", 1)[0].split(b"property float ")[1:]
    ours = (tmp_path / "ours.ply").read_bytes().split(b"end_header\n", 1)[0].split(b"property float ")[1:]
    assert [n.strip() for n in theirs] == [n.strip() for n in ours if n[:1] != b"n"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((b"f_rest_44", b"f_rust_44"), r"f_rest_\*: expected 0 or 9 or 24 or 45 properties, found 44"),
        ((b"property float opacity", b"property float opocity"), "opacity: expected this property"),
        ((b"element vertex 5", b"element vertex 6"), "expected a PLY of 3D Gaussians"),
        ((b"element vertex 5", b"element vertex 999999999999"), "expected a PLY of 3D Gaussians"),
    ],
)
def test_wrong_plys_are_refused(tmp_path: Path, change: tuple[bytes, bytes], message: str) -> None:
    write_ply(tmp_path / "a.ply", random_gaussians(np.random.default_rng(0), 5))
    (tmp_path / "a.ply").write_bytes((tmp_path / "a.ply").read_bytes().replace(*change))
    with pytest.raises(InputError, match=message):
        read_ply(tmp_path / "a.ply")


KINDS = ["ascii", "binary_little_endian", "binary_big_endian"]
BESIDE = st.lists(st.sampled_from(["camera", "chunk", "face", "nothing"]), max_size=3)


def write_odd_ply(
    path: Path, table: dict[str, np.ndarray], *, kind: str, before: list[str], comments: list[bytes]
) -> None:
    """The columns with other elements and comments around, as tools other than the original write them."""
    order = {"binary_little_endian": "<", "binary_big_endian": ">"}.get(kind, "<")
    parts: dict[str, tuple[list[str], list[list[np.ndarray]]]] = {
        "camera": (["property float fov", "property uchar kind"], [[np.array([50], "f4"), np.array([7], "u1")]]),
        "chunk": (["property double min_x"], [[np.array([-1], "f8")]] * 3),
        "face": (
            ["property list uchar int vertex_indices", "property float area"],
            [[np.array([n], "u1"), np.arange(n, dtype="i4"), np.array([1], "f4")] for n in (3, 0, 4)],
        ),
        "nothing": (["property list uchar int ids"], []),
    }
    rows = [[np.array([table[name][i]], "f4") for name in table] for i in range(len(table["x"]))]
    elements = [(name, *parts[name]) for name in before]
    elements.append(("vertex", [f"property float {name}" for name in table], rows))
    lines = [b"ply", f"format {kind} 1.0".encode(), *comments]
    body = b""
    for name, properties, content in elements:
        lines += [f"element {name} {len(content)}".encode(), *(p.encode() for p in properties), *comments]
        for row in content:
            if kind == "ascii":
                body += (" ".join(str(v) for cell in row for v in cell.tolist()) + "\n").encode()
            else:
                body += b"".join(cell.astype(np.dtype(order + cell.dtype.str[1:])).tobytes() for cell in row)
    path.write_bytes(b"\n".join([*lines, b"end_header", b""]) + body)


def columns_of(path: Path) -> dict[str, np.ndarray]:
    header, body = path.read_bytes().split(b"end_header\n", 1)
    names = [line.decode()[15:] for line in header.splitlines() if line.startswith(b"property")]
    return dict(zip(names, np.frombuffer(body, "<f4").reshape(-1, len(names)).T.copy(), strict=True))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    before=BESIDE,
    comments=st.lists(st.binary(max_size=20).map(lambda b: b"comment " + b.replace(b"\n", b"")), max_size=2),
)
def test_other_elements_and_any_comment_are_passed_over(
    tmp_path: Path, kind: str, before: list[str], comments: list[bytes]
) -> None:
    wanted = random_gaussians(np.random.default_rng(0), 4, 4)
    write_ply(tmp_path / "a.ply", wanted, binding=np.arange(4, dtype=np.int32))
    comments = [*comments, b"comment the words end_header and element vertex 9", b"obj_info end_header"]
    write_odd_ply(tmp_path / "b.ply", columns_of(tmp_path / "a.ply"), kind=kind, before=before, comments=comments)
    found, binding = read_ply(tmp_path / "b.ply")
    np.testing.assert_allclose(found.sh, wanted.sh, rtol=1e-6)
    np.testing.assert_array_equal(binding, np.arange(4))


COLUMNS = st.sampled_from(["x", "f_dc_1", "f_rest_3", "opacity", "scale_0", "scale_2", "rot_1", "binding_0"])


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damage=st.dictionaries(
        st.integers(0, 8),
        st.tuples(COLUMNS, st.sampled_from([np.nan, np.inf, -np.inf, -100.0, -1e30])),
        max_size=4,
    )
)
def test_one_bad_gaussian_costs_no_other(tmp_path: Path, damage: dict[int, tuple[str, float]]) -> None:
    """Limits with a meaning stay, what cannot be drawn goes and is told, and all others are as they were."""
    wanted = random_gaussians(np.random.default_rng(0), 9, 4)
    write_ply(tmp_path / "a.ply", wanted, binding=np.arange(9, dtype=np.int32))
    table = columns_of(tmp_path / "a.ply")
    damage = {row: d for row, d in damage.items() if not (d[0] == "binding_0" and np.isfinite(d[1]))}
    for row, (name, value) in damage.items():
        table[name][row] = value
    meant = {
        r
        for r, (n, v) in damage.items()
        if np.isfinite(v) or (n[:5] == "scale" and v < 0) or (n == "opacity" and not np.isnan(v))
    }
    lost = sorted(damage.keys() - meant)
    write_odd_ply(tmp_path / "b.ply", table, kind="binary_little_endian", before=[], comments=[])
    told: list[str] = []
    found, binding = read_ply(tmp_path / "b.ply", note=told.append)
    assert binding is not None
    assert sorted({*range(9)} - set(binding.tolist())) == lost
    for name in ("means", "quats", "scales", "opacities", "sh"):
        assert np.isfinite(getattr(found, name)).all()
    assert (found.scales > 0).all()
    untouched = [i for i, row in enumerate(binding) if row not in damage]
    np.testing.assert_allclose(found.scales[untouched], wanted.scales[binding[untouched]], rtol=1e-4)
    assert len(told) == bool(lost)
    if lost:
        assert f"{len(lost)} of 9 Gaussians" in told[0]
        assert f"row {lost[0]}" in told[0]


@pytest.mark.parametrize(
    "change", [{"scale_0": 100.0}, {"x": np.nan}, {"rot_0": 0.0, "rot_1": 0.0, "rot_2": 0.0, "rot_3": 0.0}]
)
def test_a_damaged_file_is_no_avatar(tmp_path: Path, change: dict[str, float]) -> None:
    write_ply(tmp_path / "a.ply", random_gaussians(np.random.default_rng(0), 9))
    table = columns_of(tmp_path / "a.ply")
    for name, value in change.items():
        table[name][:6] = value
    write_odd_ply(tmp_path / "b.ply", table, kind="ascii", before=[], comments=[])
    with pytest.raises(InputError, match=r"b\.ply: .* in 6 of 9"):
        read_ply(tmp_path / "b.ply")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_altered_plys_never_do_more_than_fail(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.ply"
    write_ply(path, random_gaussians(np.random.default_rng(0), 2, 1), binding=np.zeros(2, np.int32))
    altered = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(altered[: data.draw(st.integers(0, len(altered)))])
    with suppress(InputError):
        assert np.isfinite(read_ply(path)[0].scales).all()


# folders


def posed_as_published(head: HeadModel, arrays: dict[str, np.ndarray], frame: int) -> np.ndarray:
    """Vertices of one frame [V, 3] as GaussianAvatars evaluates FLAME, in float64: joints from the expressive shape."""
    f = {k: v.astype(np.float64) for k, v in arrays.items()}
    shaped = head.v_template + head.shapedirs @ f["shape"] + head.exprdirs @ f["expr"][frame] + f["static_offset"][0]
    joints = head.J_regressor @ shaped
    eyes = f["eyes_pose"][frame]
    pose = [f["rotation"][frame], f["neck_pose"][frame], f["jaw_pose"][frame], eyes[:3], eyes[3:]]
    R = Rotation.from_rotvec(pose).as_matrix()
    rest = shaped + head.posedirs @ (R[1:] - np.eye(3)).ravel()
    points = np.zeros_like(rest)
    world: list[tuple[np.ndarray, np.ndarray]] = []
    for j, parent in enumerate(PARENTS):
        if parent < 0:
            world.append((R[j], joints[j]))
        else:
            turn, origin = world[parent]
            world.append((turn @ R[j], origin + turn @ (joints[j] - joints[parent])))
        points += head.weights[:, j : j + 1] * ((rest - joints[j]) @ world[j][0].T + world[j][1])
    return points + f["translation"][frame]


def test_an_avatar_plays_its_own_training_as_published(head: HeadModel, folder: Path) -> None:
    avatar = read_gaussian_avatar(folder, head, name="me")
    path = find_ply(folder).with_name("flame_param.npz")
    motion = load_motion(path, expressions=head.expressions, fps=25.0, neutral=avatar.neutral)
    vertices = Poser(avatar.head).vertices(motion)
    arrays = parameters(head)
    for frame in range(len(motion)):
        np.testing.assert_allclose(vertices[frame], posed_as_published(head, arrays, frame), atol=2e-6)


def test_its_neutral_face_is_the_mean_of_its_training(head: HeadModel, folder: Path) -> None:
    avatar = read_gaussian_avatar(folder, head, name="me")
    arrays = parameters(head)
    still = {n: np.zeros_like(arrays[n]) for n in ("rotation", "neck_pose", "jaw_pose", "eyes_pose", "translation")}
    mean = np.broadcast_to(arrays["expr"].mean(axis=0), arrays["expr"].shape)
    expected = posed_as_published(head, arrays | still | {"expr": mean}, 0)
    np.testing.assert_allclose(avatar.head.v_template, expected, atol=2e-6)


def test_motion_for_the_viewer_counts_the_neutral_in(head: HeadModel, folder: Path, tmp_path: Path) -> None:
    avatar = read_gaussian_avatar(folder, head, name="me")
    assert avatar.neutral is not None
    ours = load_motion(find_ply(folder).with_name("flame_param.npz"), expressions=100, fps=25.0, neutral=avatar.neutral)
    save_motion(tmp_path / "m.npz", ours, vertices=5143, neutral=avatar.neutral)
    with np.load(tmp_path / "m.npz") as saved:
        np.testing.assert_allclose(saved["expr"], parameters(head)["expr"], atol=1e-6)
        assert saved["dynamic_offset"].shape == (4, 5143, 3)
        assert {k for k in saved.files if saved[k].dtype != np.float32} == {"fps"}  # which the viewer drops


def test_the_newest_iteration_is_taken(head: HeadModel, tmp_path: Path) -> None:
    for iteration in (30, 600000, 7000):
        write_folder(tmp_path, head, iteration=iteration, per_face=1)
    assert find_ply(tmp_path).parent.name == "iteration_600000"
    assert find_ply(tmp_path / "point_cloud" / "iteration_30").parent.name == "iteration_30"
    with pytest.raises(InputError, match="expected point_cloud/iteration_N"):
        find_ply(tmp_path / "nothing")


def test_it_survives_our_file_and_its_own(head: HeadModel, folder: Path, tmp_path: Path) -> None:
    avatar = read_gaussian_avatar(folder, head, name="me")
    save_avatar(tmp_path / "me.npz", avatar)
    ours = load_avatar(tmp_path / "me.npz", head)
    written = write_gaussian_avatar(tmp_path / "out", ours, head)
    assert written == tmp_path / "out" / "point_cloud" / "iteration_0" / "point_cloud.ply"
    back = read_gaussian_avatar(tmp_path / "out", head, name="me")
    assert_same_avatar(back, avatar)
    with np.load(written.with_name("flame_param.npz")) as saved:
        shapes = {k: saved[k].shape for k in saved.files}
        assert {saved[k].dtype for k in saved.files} == {np.dtype(np.float32)}
    assert shapes == {
        "shape": (300,), "expr": (1, 100), "rotation": (1, 3), "neck_pose": (1, 3), "jaw_pose": (1, 3),
        "eyes_pose": (1, 6), "translation": (1, 3), "static_offset": (1, 5143, 3), "dynamic_offset": (1, 5143, 3),
    }  # fmt: skip
    with pytest.raises(InputError, match="expected a new folder"):
        write_gaussian_avatar(tmp_path / "out", ours, head)


def assert_same_avatar(found: Avatar, wanted: Avatar) -> None:
    np.testing.assert_array_equal(found.binding, wanted.binding)
    np.testing.assert_allclose(found.head.v_template, wanted.head.v_template, atol=1e-6)
    np.testing.assert_allclose(found.head.joints, wanted.head.joints, atol=1e-6)
    assert found.neutral is not None
    assert wanted.neutral is not None
    np.testing.assert_allclose(found.neutral, wanted.neutral, atol=1e-6)
    for name in ("means", "quats", "scales", "opacities", "sh"):
        expected, actual = getattr(wanted.gaussians, name), getattr(found.gaussians, name)
        if name == "sh":
            actual, further = np.split(actual, [expected.shape[1]], axis=1)
            assert not further.any()
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("modes", [10, 50, 100, 150])
@pytest.mark.parametrize("shape", [(300,), (1, 300), (3, 300), (100,), (1, 100)])
def test_parameters_of_other_trackers_mean_the_same(
    head: HeadModel, tmp_path: Path, modes: int, shape: tuple[int, ...]
) -> None:
    """EMOCA's 50 modes, VHAP's shape as [1, 300] or once per frame: zeros for what is not there."""
    ply = write_folder(tmp_path, head, per_face=1)
    arrays = parameters(head)
    expr = np.zeros((3, 150), np.float32)
    expr[:, :10] = arrays["expr"][:1, :10]
    person = np.zeros(300, np.float32)
    person[:50] = 0.3
    width = shape[-1]
    other = arrays | {"expr": expr[:, :modes], "shape": np.broadcast_to(person[:width], shape)}
    np.savez(ply.with_name("flame_param.npz"), **other)  # pyright: ignore[reportArgumentType]
    avatar = read_gaussian_avatar(tmp_path, head, name="me")
    assert avatar.neutral is not None
    np.testing.assert_allclose(avatar.neutral, expr[0, :100], atol=1e-6)
    same = arrays | {"expr": expr[:, :100], "shape": person}
    np.savez(ply.with_name("flame_param.npz"), **same)  # pyright: ignore[reportArgumentType]
    wanted = read_gaussian_avatar(tmp_path, head, name="me")
    np.testing.assert_allclose(avatar.head.v_template, wanted.head.v_template, atol=1e-6)


def test_a_short_offset_is_that_of_flame_without_teeth(head: HeadModel, tmp_path: Path) -> None:
    ply = write_folder(tmp_path, head, per_face=1)
    arrays = parameters(head)
    short = arrays | {"static_offset": arrays["static_offset"][:, :5023]}
    np.savez(ply.with_name("flame_param.npz"), **short)  # pyright: ignore[reportArgumentType]
    avatar = read_gaussian_avatar(tmp_path, head, name="me")
    padded = arrays | {"static_offset": arrays["static_offset"] * (np.arange(5143) < 5023)[:, None]}
    mean = padded | {"expr": np.stack([arrays["expr"].mean(axis=0)] * 4)}
    still = {n: 0 * mean[n] for n in ("rotation", "neck_pose", "jaw_pose", "eyes_pose", "translation")}
    np.testing.assert_allclose(avatar.head.v_template, posed_as_published(head, mean | still, 0), atol=2e-6)


def test_wrong_folders_are_refused(head: HeadModel, tmp_path: Path) -> None:
    ply = write_folder(tmp_path, head, per_face=1)
    gaussians, binding = read_ply(ply)
    assert binding is not None
    write_ply(ply, gaussians)
    with pytest.raises(InputError, match="expected a property binding_0"):
        read_gaussian_avatar(tmp_path, head, name="me")
    write_ply(ply, gaussians, binding=binding + 1)
    with pytest.raises(InputError, match=r"binding_0: expected triangles below 10144"):
        read_gaussian_avatar(tmp_path, head, name="me")
    write_ply(ply, replace(gaussians, means=gaussians.means + 50), binding=binding)
    with pytest.raises(InputError, match="expected places in units of their triangle"):
        read_gaussian_avatar(tmp_path, head, name="me")
    write_ply(ply, gaussians, binding=binding)
    foreign = {"shape": np.zeros((1, 300), np.float32), "expr": np.ones((2, 150), np.float32)}
    np.savez(ply.with_name("flame_param.npz"), **foreign)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"flame_param\.npz: expr: expected at most 100"):
        read_gaussian_avatar(tmp_path, head, name="me")
    ply.with_name("flame_param.npz").unlink()
    with pytest.raises(InputError, match=r"flame_param\.npz: no such file"):
        read_gaussian_avatar(tmp_path, head, name="me")
