"""VRM 1.0: what its specification asks for, and that presets show what they are named after."""

import numpy as np
import pytest

from emosplat.avatars.library import open_avatar
from emosplat.pipeline.export.vrm import vrm

from .glbs import Reader

AVATAR = open_avatar("person1-light")
REQUIRED = {"hips", "spine", "head"} | {
    f"{side}{limb}"
    for side in ("left", "right")
    for limb in ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")
}
MOUTHS, BLINKS = ("aa", "ih", "ou", "ee", "oh"), ("blink", "blinkLeft", "blinkRight")
EMOTIONS = ("happy", "angry", "sad", "relaxed", "surprised")
PARENTS = {"spine": "hips", "chest": "spine", "head": "chest", "jaw": "head", "leftEye": "head", "rightEye": "head"}


@pytest.fixture(scope="module")
def glb() -> Reader:
    return Reader(vrm(AVATAR, free=True))


@pytest.fixture(scope="module")
def extension(glb: Reader) -> dict:
    assert glb.document["extensionsUsed"] == ["VRMC_vrm"]
    return glb.document["extensions"]["VRMC_vrm"]


def worlds(glb: Reader) -> tuple[list[int], np.ndarray]:
    """Parent and place of each node."""
    nodes = glb.document["nodes"]
    parents = [-1] * len(nodes)
    for number, node in enumerate(nodes):
        for child in node.get("children", []):
            assert parents[child] == -1
            parents[child] = number
    places = np.zeros((len(nodes), 3))
    for number in range(len(nodes)):
        up = number
        while up >= 0:
            places[number] += nodes[up].get("translation", [0, 0, 0])
            up = parents[up]
    return parents, places


def test_it_has_the_bones_of_a_standing_person(glb: Reader, extension: dict) -> None:
    bones = {name: bone["node"] for name, bone in extension["humanoid"]["humanBones"].items()}
    assert set(bones) >= REQUIRED
    assert len(set(bones.values())) == len(bones)
    parents, places = worlds(glb)
    names = {node: name for name, node in bones.items()}
    for child, parent in PARENTS.items():
        assert names[parents[bones[child]]] == parent
    for side, sign in (("left", 1), ("right", -1)):  # facing +Z, the person's left is +X
        assert sign * places[bones[f"{side}Hand"], 0] > 0.5
        assert -0.01 < places[bones[f"{side}Foot"], 1] < 0.12
        assert sign * places[bones[f"{side}Eye"], 0] > 0.01
    (mesh,) = (n for n, node in enumerate(glb.document["nodes"]) if "mesh" in node)
    roots = {n for n, parent in enumerate(parents) if parent < 0}
    assert set(glb.document["scenes"][0]["nodes"]) == roots
    assert mesh in roots


def shape(glb: Reader, bind: dict) -> np.ndarray:
    assert glb.document["nodes"][bind["node"]]["mesh"] == 0
    return bind["weight"] * glb.array(glb.document["meshes"][0]["primitives"][0]["targets"][bind["index"]]["POSITION"])


def moved(glb: Reader, extension: dict, preset: str) -> np.ndarray:
    """How the preset moves the vertices [V, 3]."""
    binds = extension["expressions"]["preset"][preset]["morphTargetBinds"]
    return sum((shape(glb, bind) for bind in binds), np.zeros_like(AVATAR.head.v_template))


def test_presets_do_what_they_are_named_after(glb: Reader, extension: dict) -> None:
    presets = extension["expressions"]["preset"]
    assert set(presets) == {"neutral", *MOUTHS, *BLINKS, *EMOTIONS}
    assert not moved(glb, extension, "neutral").any()
    blink = {side: moved(glb, extension, f"blink{side}") for side in ("Left", "Right")}
    across = AVATAR.head.v_template[:, 0]
    for side, sign in (("Left", 1), ("Right", -1)):
        size = np.linalg.norm(blink[side], axis=1)
        assert size[sign * across > 0].max() > 0.006
        assert size[sign * across > 0].sum() > 5 * size[sign * across < 0].sum()
    np.testing.assert_allclose(moved(glb, extension, "blink"), blink["Left"] + blink["Right"], atol=1e-7)
    corners = AVATAR.head.mouth_corners

    def corner_height(preset: str) -> float:
        return float(moved(glb, extension, preset)[corners, 1].mean())

    assert corner_height("happy") > 2 * corner_height("relaxed") > 0.002
    assert corner_height("sad") < -0.001

    def opening(preset: str) -> float:
        upper, lower = AVATAR.head.lip_pairs[len(AVATAR.head.lip_pairs) // 2]
        move = moved(glb, extension, preset)
        return float(move[upper, 1] - move[lower, 1])

    assert opening("aa") > opening("oh") > opening("ih") > 0
    wide = [float(np.subtract(*moved(glb, extension, preset)[corners, 0])) for preset in ("ee", "ou")]
    assert wide[0] > wide[1]  # the person's left minus their right


def test_eyes_look_by_bones(extension: dict) -> None:
    look = extension["lookAt"]
    assert look["type"] == "bone"
    head = AVATAR.head.joints
    np.testing.assert_allclose(head[1] + look["offsetFromHeadBone"], head[3:].mean(axis=0), atol=1e-6)
    for way in ("HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp"):
        span = look[f"rangeMap{way}"]
        assert span["inputMaxValue"] == span["outputScale"] > 0  # the eye turns by the angle asked for


def test_only_free_people_are_given_away() -> None:
    def meta(free: bool) -> dict:
        return Reader(vrm(AVATAR, free=free)).document["extensions"]["VRMC_vrm"]["meta"]

    assert meta(True)["avatarPermission"] == "everyone"
    own = meta(False)
    assert {"name", "authors", "licenseUrl"} <= set(own)
    assert not {"avatarPermission", "allowRedistribution", "modification", "commercialUsage"} & set(own)
