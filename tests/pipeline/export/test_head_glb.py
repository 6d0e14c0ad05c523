"""The glTF head, played by a small skinning after the glTF specification, and opened by pygltflib and trimesh."""

import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from emosplat.avatars.arkit import ARKIT_52
from emosplat.avatars.library import open_avatar
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.pipeline.avatar.poses import plausible_poses
from emosplat.pipeline.export.head_glb import head_glb

from .glbs import Reader

AVATAR = open_avatar("person1")


def played(glb: Reader) -> np.ndarray:
    """Vertices [T, V, 3] at the animation's key frames: morph targets, then linear blend skinning."""
    document = glb.document
    primitive = document["meshes"][0]["primitives"][0]
    attributes = {name: glb.array(index) for name, index in primitive["attributes"].items()}
    moves = np.stack([glb.array(target["POSITION"]) for target in primitive["targets"]])
    (animation,) = document["animations"]
    curves = {}
    for channel in animation["channels"]:
        values = glb.array(animation["samplers"][channel["sampler"]]["output"])
        curves[channel["target"]["node"], channel["target"]["path"]] = values
    frames = document["accessors"][animation["samplers"][0]["input"]]["count"]
    weights = curves[0, "weights"].reshape(frames, len(moves))
    assert weights.min() >= 0  # engines cut off what is outside
    assert weights.max() <= 1
    vertices = attributes["POSITION"] + np.einsum("tk,kva->tva", weights, moves)
    nodes = document["nodes"]
    parents = {child: n for n, node in enumerate(nodes) for child in node.get("children", [])}
    skin = document["skins"][0]
    inverse = glb.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    worlds: dict[int, np.ndarray] = {}
    for node in skin["joints"]:
        local = np.tile(np.eye(4), (frames, 1, 1))
        local[:, :3, 3] = curves.get((node, "translation"), np.array(nodes[node]["translation"]))
        if (node, "rotation") in curves:
            local[:, :3, :3] = Rotation.from_quat(curves[node, "rotation"]).as_matrix()
        worlds[node] = worlds[parents[node]] @ local if node in parents else local
    joints = np.stack([worlds[node] @ inverse[j] for j, node in enumerate(skin["joints"])], axis=1)
    blended = np.einsum("vk,tvkab->tvab", attributes["WEIGHTS_0"], joints[:, attributes["JOINTS_0"]])
    return np.einsum("tvab,tvb->tva", blended[..., :3, :3], vertices) + blended[..., :3, 3]


@pytest.fixture(scope="module")
def motion() -> Motion:
    rng = np.random.default_rng(0)
    poses = plausible_poses(AVATAR.head, 12).motion

    def some(width: int, size: float) -> np.ndarray:
        return (size * rng.standard_normal((len(poses), width))).astype(np.float32)

    return replace(poses, rotation=some(3, 0.2), translation=some(3, 0.02))


@pytest.fixture(scope="module")
def glb(motion: Motion) -> bytes:
    return head_glb(AVATAR, motion)


@pytest.mark.slow
def test_the_animation_shows_the_motion(glb: bytes, motion: Motion) -> None:
    reader = Reader(glb)
    error = 1000 * np.linalg.norm(played(reader) - Poser(AVATAR.head).vertices(motion), axis=2)
    lips = np.unique(AVATAR.head.lip_pairs)
    assert error.mean() < 0.05  # millimetres
    assert error[:, lips].mean() < 0.15
    assert error.max() < 1.5
    times = reader.array(reader.document["animations"][0]["samplers"][0]["input"])
    np.testing.assert_allclose(times[:, 0], (np.arange(len(motion)) + 0.5) / motion.fps, rtol=1e-6)


def test_shapes_bear_the_names_that_tools_look_for(glb: bytes) -> None:
    mesh = Reader(glb).document["meshes"][0]
    names = mesh["extras"]["targetNames"]
    assert names[:52] == [n for n in ARKIT_52 if n in AVATAR.head.arkit.names]
    assert {"viseme_PP", "viseme_aa", "viseme_I", "viseme_U"} <= set(names)
    assert len(names) == len(mesh["weights"]) == len(mesh["primitives"][0]["targets"])
    assert len(set(names)) == len(names)


def test_jaw_and_gaze_are_shapes_too() -> None:
    reader = Reader(head_glb(AVATAR))
    assert "animations" not in reader.document
    mesh = reader.document["meshes"][0]
    moves = dict(zip(mesh["extras"]["targetNames"], mesh["primitives"][0]["targets"], strict=True))
    opening = reader.array(moves["jawOpen"]["POSITION"])
    assert opening[AVATAR.head.lip_pairs[:, 1], 1].min() < -0.01
    outwards = reader.array(moves["eyeLookOutLeft"]["POSITION"])
    eye = AVATAR.head.regions["left_eye"]
    front = eye[AVATAR.head.v_template[eye, 2].argmax()]
    assert outwards[front, 0] > 0.002  # the pupil goes to the person's left
    assert np.abs(outwards[AVATAR.head.regions["right_eye"]]).max() < 1e-3


def test_it_is_small_and_coloured(glb: bytes) -> None:
    assert len(glb) < 3.5e6
    reader = Reader(glb)
    attributes = reader.document["meshes"][0]["primitives"][0]["attributes"]
    color = reader.array(attributes["COLOR_0"]) / 65535
    lips = np.unique(AVATAR.head.lip_pairs)
    red, green, blue = color[lips, :3].mean(axis=0)
    assert red > 1.3 * green
    assert red > 1.3 * blue
    assert (color[:, 3] == 1).all()
    np.testing.assert_allclose(np.linalg.norm(reader.array(attributes["NORMAL"]), axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(reader.array(attributes["WEIGHTS_0"]).sum(axis=1), 1, atol=1e-6)


def test_pygltflib_reads_it(glb: bytes) -> None:
    pygltflib = pytest.importorskip("pygltflib")
    document = pygltflib.GLTF2.load_from_bytes(glb)
    assert len(document.skins[0].joints) == 5
    assert document.animations[0].channels[0].target.path == "weights"
    assert [n.name for n in document.nodes[1:]] == ["root", "neck", "jaw", "left_eye", "right_eye"]


def test_trimesh_reads_it(glb: bytes) -> None:
    trimesh = pytest.importorskip("trimesh")
    mesh = trimesh.load(io.BytesIO(glb), file_type="glb", process=False).to_geometry()
    np.testing.assert_allclose(mesh.vertices, AVATAR.head.v_template, atol=1e-6)
    np.testing.assert_array_equal(mesh.faces, AVATAR.head.faces)
