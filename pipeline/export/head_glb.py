"""A person's mesh as an animated glTF: five joints, named face shapes, colours of the Gaussians."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.head import JOINTS, PARENTS, HeadModel
from ...avatars.motion import Motion
from .gltf import INDEX_BUFFER, VERTEX_BUFFER, Glb, Json, triangle_indices
from .head_shapes import LEAST, Shapes, acted_shapes, named_shapes, skin_weights, vertex_colors, vertex_normals

F32 = NDArray[np.float32]

ROUGHNESS = 0.65
MESH_NODE, JOINT_NODES = 0, [1, 2, 3, 4, 5]


def head_glb(avatar: Avatar, motion: Motion | None = None) -> bytes:
    """The person as a GLB: ARKit shapes and visemes to animate by hand, and `motion`, if any, as an animation."""
    shapes = named_shapes(avatar.head)
    if motion is not None:
        shapes = acted_shapes(avatar.head, shapes, motion)
    glb = Glb()
    document = head_document(glb, avatar, shapes)
    if motion is not None:
        document["animations"] = [_animation(glb, avatar.head, motion, shapes)]
    return glb.document(document)


def head_document(glb: Glb, avatar: Avatar, shapes: Shapes) -> Json:
    """Mesh, skin and joints as the parts of a glTF document, whose arrays go into `glb`."""
    head = avatar.head
    mesh: Json = {
        "name": avatar.name,
        "primitives": [_primitive(glb, avatar, shapes)],
        "weights": [0.0] * len(shapes.names),
        "extras": {"targetNames": shapes.names},
    }
    skin: Json = {
        "inverseBindMatrices": glb.add(_inverse_bind(head)),
        "joints": JOINT_NODES,
        "skeleton": JOINT_NODES[0],
    }
    return {
        "scene": 0,
        "scenes": [{"nodes": [MESH_NODE, JOINT_NODES[0]]}],
        "nodes": [{"name": avatar.name, "mesh": 0, "skin": 0}, *_joint_nodes(head)],
        "meshes": [mesh],
        "skins": [skin],
        "materials": [
            {
                "name": "skin and hair",
                "doubleSided": True,
                "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": ROUGHNESS},
            }
        ],
    }


def _primitive(glb: Glb, avatar: Avatar, shapes: Shapes) -> Json:
    head = avatar.head
    joints, share = skin_weights(head)
    color = np.concatenate([vertex_colors(avatar), np.ones((len(head.v_template), 1))], axis=1)
    attributes = {
        "POSITION": glb.add(head.v_template, target=VERTEX_BUFFER, bounds=True),
        "NORMAL": glb.add(vertex_normals(head), target=VERTEX_BUFFER),
        "COLOR_0": glb.add(np.round(65535 * color).astype("<u2"), target=VERTEX_BUFFER, normalized=True),
        "JOINTS_0": glb.add(joints.astype(np.uint8), target=VERTEX_BUFFER),
        "WEIGHTS_0": glb.add(share, target=VERTEX_BUFFER),
    }
    indices = glb.add(triangle_indices(head.faces, len(head.v_template)), target=INDEX_BUFFER)
    targets = [{"POSITION": glb.add_sparse(move, least=LEAST)} for move in shapes.moves]
    return {"attributes": attributes, "indices": indices, "material": 0, "targets": targets}


def _animation(glb: Glb, head: HeadModel, motion: Motion, shapes: Shapes) -> Json:
    from scipy.spatial.transform import Rotation

    times = ((np.arange(len(motion)) + 0.5) / motion.fps).astype(np.float32)
    clock = glb.add(times, bounds=True)
    curves = [(MESH_NODE, "weights", shapes.weights.reshape(-1))]
    turns = [motion.rotation, motion.neck, motion.jaw, motion.eyes[:, :3], motion.eyes[:, 3:]]
    for node, turn in zip(JOINT_NODES, turns, strict=True):
        if turn.any():
            curves.append((node, "rotation", Rotation.from_rotvec(turn).as_quat().astype(np.float32)))  # xyzw
    if motion.translation.any():
        curves.append((JOINT_NODES[0], "translation", head.joints[0] + motion.translation))
    samplers = [{"input": clock, "output": glb.add(values), "interpolation": "LINEAR"} for _, _, values in curves]
    channels = [{"sampler": i, "target": {"node": node, "path": path}} for i, (node, path, _) in enumerate(curves)]
    return {"name": "motion", "samplers": samplers, "channels": channels}


def _joint_nodes(head: HeadModel) -> list[Json]:
    """The five joints, each placed from its parent."""
    nodes: list[Json] = []
    for joint, (name, parent) in enumerate(zip(JOINTS, PARENTS, strict=True)):
        place = head.joints[joint] - (head.joints[parent] if parent >= 0 else 0)
        nodes.append({"name": name, "translation": place.tolist()})
        if children := [JOINT_NODES[j] for j, other in enumerate(PARENTS) if other == joint]:
            nodes[-1]["children"] = children
    return nodes


def _inverse_bind(head: HeadModel) -> F32:
    """From the rest pose into each joint's frame, [5, 4, 4], column-major."""
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(JOINTS), 1, 1))
    matrices[:, 3, :3] = -head.joints
    return matrices
