"""A person's mesh as VRM 1.0: the glTF with the preset expressions, eyes that look, and the bones that VRM asks for.

Fields: github.com/vrm-c/vrm-specification, VRMC_vrm-1.0.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ...avatars.arkit import EYE_RANGE
from ...avatars.avatar import Avatar
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from .gltf import Glb, Json
from .head_glb import JOINT_NODES, MESH_NODE, head_document
from .head_shapes import Shapes, named_shapes
from .still import FPS, emotion_still

LICENCE = "https://vrm.dev/licenses/1.0/"  # the only one that the format allows; `meta` says what else holds
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
# presets: the shapes that show them
MOUTHS = {"aa": "viseme_aa", "ih": "viseme_I", "ou": "viseme_U", "ee": "viseme_E", "oh": "viseme_O"}
BLINKS = {"blink": ("eyeBlinkLeft", "eyeBlinkRight"), "blinkLeft": ("eyeBlinkLeft",), "blinkRight": ("eyeBlinkRight",)}
# presets: the emotions of ours that show them
EMOTIONS = {"happy": "happy", "angry": "angry", "sad": "sad", "relaxed": "happy:0.35", "surprised": "surprised"}
ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = JOINT_NODES
HEAD_BONES = {"chest": ROOT, "head": NECK, "jaw": JAW, "leftEye": LEFT_EYE, "rightEye": RIGHT_EYE}
FLOOR = 1.55  # metres below the origin of the head
# what VRM asks for below a head: chains from a bone on, each at its place in metres, of the left side or the middle
BODY: dict[str, tuple[float, float, float]] = {
    "hips": (0, -0.62, -0.06), "spine": (0, -0.5, -0.06), "leftUpperArm": (0.18, -0.19, -0.06),
    "leftLowerArm": (0.44, -0.19, -0.06), "leftHand": (0.68, -0.19, -0.06), "leftUpperLeg": (0.09, -0.68, -0.06),
    "leftLowerLeg": (0.09, -1.08, -0.06), "leftFoot": (0.09, -1.48, -0.08),
}  # fmt: skip
LIMBS = (("chest", "UpperArm", "LowerArm", "Hand"), ("hips", "UpperLeg", "LowerLeg", "Foot"))


def vrm(avatar: Avatar, *, free: bool = False) -> bytes:
    """The person as a .vrm, to be animated by applications; `free` says that everybody may do anything with it.

    A VRM is a whole person, so that the head stands on a body of bones without a surface.
    """
    shapes = _with_emotions(avatar, named_shapes(avatar.head))
    glb = Glb()
    document = head_document(glb, avatar, shapes)
    bones = _add_bones(document, avatar)
    index = {name: k for k, name in enumerate(shapes.names)}
    presets = {name: (shape,) for name, shape in MOUTHS.items()} | BLINKS
    presets |= {name: (f"emotion_{name}",) for name in EMOTIONS} | {"neutral": ()}
    expressions = {
        preset: {"morphTargetBinds": [{"node": MESH_NODE, "index": index[n], "weight": 1.0} for n in names]}
        for preset, names in presets.items()
        if all(n in index for n in names)
    }
    eyes = avatar.head.joints[[3, 4]].mean(axis=0) - avatar.head.joints[1]
    reach = {"inputMaxValue": float(np.degrees(EYE_RANGE)), "outputScale": float(np.degrees(EYE_RANGE))}
    ways = ("HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp")
    extension: Json = {
        "specVersion": "1.0",
        "meta": _meta(avatar.name, free),
        "humanoid": {"humanBones": {bone: {"node": node} for bone, node in bones.items()}},
        "firstPerson": {"meshAnnotations": [{"node": MESH_NODE, "type": "auto"}]},
        "lookAt": {
            "type": "bone",
            "offsetFromHeadBone": eyes.tolist(),
            **{f"rangeMap{way}": reach for way in ways},
        },
        "expressions": {"preset": expressions},
    }
    return glb.document({**document, "extensionsUsed": ["VRMC_vrm"], "extensions": {"VRMC_vrm": extension}})


def _with_emotions(avatar: Avatar, shapes: Shapes) -> Shapes:
    """And a shape for each preset that is an emotion: from the neutral face to the full one, jaw and all."""
    head = avatar.head
    has = {name: mix for name, mix in EMOTIONS.items() if head.emotions.rows(mix.split(":")[0])}
    if not has:
        return shapes
    stills = Motion.concatenate(
        [Motion.rest(1, head.expressions, FPS), *(emotion_still(head, m) for m in has.values())]
    )
    rest, *faces = Poser(head).vertices(stills)
    names = [*shapes.names, *(f"emotion_{name}" for name in has)]
    return replace(shapes, names=names, moves=[*shapes.moves, *(face - rest for face in faces)])


def _meta(name: str, free: bool) -> Json:
    meta: Json = {
        "name": name,
        "version": "1",
        "authors": ["emosplat" if free else "not stated"],
        "licenseUrl": LICENCE,
    }
    if not free:
        return meta  # what is left out is forbidden
    return meta | {
        "avatarPermission": "everyone",
        "commercialUsage": "corporation",
        "creditNotation": "unnecessary",
        "allowRedistribution": True,
        "modification": "allowModificationRedistribution",
        "otherLicenseUrl": CC0,
    }


def _add_bones(document: Json, avatar: Avatar) -> dict[str, int]:
    """Give the head a body of bones that stands on the floor; returns VRM's bones as nodes."""
    nodes, bones = document["nodes"], dict(HEAD_BONES)
    places = {"chest": avatar.head.joints[0]} | {bone: np.array(place) for bone, place in BODY.items()}
    for bone, (x, y, z) in BODY.items():
        if bone.startswith("left"):
            places[bone.replace("left", "right")] = np.array([-x, y, z])
    chains = [("hips", "spine", "chest")]
    chains += [(first, *(side + limb for limb in limbs)) for first, *limbs in LIMBS for side in ("left", "right")]
    for bone in ("hips", *(bone for chain in chains for bone in chain[1:] if bone != "chest")):
        bones[bone] = len(nodes)
        nodes.append({"name": bone})
    person = len(nodes)
    nodes.append({"name": "person", "translation": [0.0, FLOOR, 0.0], "children": [bones["hips"]]})
    nodes[bones["hips"]]["translation"] = places["hips"].tolist()
    for parent, child in (pair for chain in chains for pair in pairwise(chain)):
        nodes[bones[child]]["translation"] = (places[child] - places[parent]).tolist()
        nodes[bones[parent]].setdefault("children", []).append(bones[child])
    document["scenes"] = [{"nodes": [MESH_NODE, person]}]
    return bones
