"""Joints, skinning weights and pose correctives: MakeHuman's jawOpen and eyeLook* become FLAME rotations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import JAW, JOINTS
from ...avatars.pose import joint_transforms
from ...core.rotation import rotation_matrices
from .geometry import neighbour_average, rigid_rotation
from .lids import LidCollision
from .topology import Head, Topology

F64 = NDArray[np.float64]

GAZE_RANGE = np.radians(25.0)  # gaze angle of ARKit's eyeLook* at weight 1
NECK_POSITION = 0.65  # of the neck joint, from MakeHuman's neck to its head joint
SMOOTHING = {"neck": 12, "jaw": 3}  # diffusion steps of the skinning weights
EYE_JOINTS = {"left_eye": JOINTS.index("left_eye"), "right_eye": JOINTS.index("right_eye")}


@dataclass(frozen=True, eq=False)
class Rig:
    """Skinning of one head; float64 twin of what the head file stores."""

    joints: F64  # [5, 3]
    weights: F64  # [V, 5]
    posedirs: F64  # [V, 3, 36]
    jaw_open: float  # radians of jawOpen at weight 1

    def pose(self, rest: F64, rotations: F64) -> F64:
        """Vertices [V, 3] of `rest` (template and expression) under axis-angle rotations [5, 3]."""
        features = (_matrices(rotations[1:]) - np.eye(3)).ravel()
        return skin(rest + self.posedirs @ features, self.weights, self.joints, rotations)


def skin(rest: F64, weights: F64, joints: F64, rotations: F64) -> F64:
    """Linear blend skinning of [V, 3] under axis-angle rotations [5, 3]."""
    transforms = np.tensordot(weights, _transforms(joints, rotations), 1)
    return np.einsum("vab,vb->va", transforms[:, :, :3], rest) + transforms[:, :, 3]


def unskin(posed: F64, weights: F64, joints: F64, rotations: F64) -> F64:
    """The rest positions [V, 3] that skinning carries to `posed`."""
    transforms = np.tensordot(weights, _transforms(joints, rotations), 1)
    moved = np.linalg.solve(transforms[:, :, :3], (posed - transforms[:, :, 3])[..., None])
    return moved[..., 0].astype(np.float64)


def _transforms(joints: F64, rotations: F64) -> F64:
    local = rotation_matrices(rotations.astype(np.float32))[None]
    still = np.zeros((1, 3), np.float32)
    return joint_transforms(local, joints.astype(np.float32)[None], still)[0].astype(np.float64)


def _matrices(axis_angle: F64) -> F64:
    return rotation_matrices(axis_angle.astype(np.float32)).astype(np.float64)


def joint_rotation(joint: int, axis: int, angle: float) -> F64:
    """Axis-angle rotations [5, 3] in which one joint turns."""
    rotations = np.zeros((len(JOINTS), 3))
    rotations[joint, axis] = angle
    return rotations


def shape_offsets(topology: Topology, unit: F64, lids: LidCollision | None) -> F64:
    """A MakeHuman target as offsets [V, 3] of our vertices; the lower teeth follow as one piece."""
    parts, groups = topology.parts, topology.makehuman.groups
    offsets = np.zeros((topology.vertex_count, 3))
    offsets[parts["skin"]] = unit[topology.skin_ids]
    offsets[parts["tongue"]] = unit[topology.tongue_ids]
    offsets[parts["teeth_lower"]] = unit[groups["helper-lower-teeth"]].mean(0)
    return lids.correct(offsets) if lids else offsets


def joints_of(topology: Topology, head: Head) -> tuple[F64, float]:
    """Joint positions [5, 3] and the angle of jawOpen in radians."""
    groups = topology.makehuman.groups
    neck, skull = (head.source[groups[g]].mean(0) for g in ("joint-neck", "joint-head"))
    jaw, rotation = _jaw_hinge(topology, head)
    angle = float(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))
    return np.stack([neck, neck + NECK_POSITION * (skull - neck), jaw, *head.eyes]), angle


def _jaw_hinge(topology: Topology, head: Head) -> tuple[F64, F64]:
    """Centre and rotation of jawOpen, read off the lower teeth, which it moves rigidly."""
    teeth = topology.makehuman.groups["helper-lower-teeth"]
    before = head.source[teeth]
    after = before + topology.makehuman.face_units["jawOpen"][teeth]
    rotation = rigid_rotation(before, after)
    shift = after.mean(0) - rotation @ before.mean(0)
    hinge = np.zeros(3)
    hinge[1:] = np.linalg.solve((np.eye(3) - rotation)[1:, 1:], shift[1:])
    return hinge, rotation


def build_rig(topology: Topology, head: Head, lids: LidCollision, weights: F64 | None = None) -> Rig:
    """Rig of one head, around given skinning `weights` [V, 5] or its own."""
    joints, jaw_open = joints_of(topology, head)
    jaw_offsets = shape_offsets(topology, topology.makehuman.face_units["jawOpen"], lids)
    if weights is None:
        weights = _weights(topology, head, joints, jaw_offsets, jaw_open)
    posedirs = np.zeros((topology.vertex_count, 3, 4, 3, 3))
    residual = _jaw_residual(head.vertices, weights, joints, jaw_offsets, jaw_open)
    for part in ("teeth_lower", "left_eye", "right_eye"):
        residual[topology.parts[part]] = 0
    posedirs[:, :, JAW - 1, 2, 1] += residual
    posedirs[:, :, JAW - 1, 1, 2] -= residual
    for joint, side in (("left_eye", "Left"), ("right_eye", "Right")):
        _follow_gaze(posedirs[:, :, EYE_JOINTS[joint] - 1], topology, lids, side)
    return Rig(joints, weights, posedirs.reshape(topology.vertex_count, 3, 36), jaw_open)


def _weights(topology: Topology, head: Head, joints: F64, jaw_offsets: F64, jaw_open: float) -> F64:
    """Chest (root), neck and jaw by diffusion; teeth and eyes are rigid."""
    parts, average = topology.parts, neighbour_average(topology.faces, topology.vertex_count)
    skin_part = parts["skin"]

    def smooth(values: F64, steps: int) -> F64:
        for _ in range(steps):
            values[skin_part] = 0.5 * values[skin_part] + 0.5 * (average @ values)[skin_part]
        return values

    with_head = np.ones(topology.vertex_count)
    with_head[skin_part] = topology.makehuman.head_weights[topology.skin_ids]
    with_head = smooth(with_head, SMOOTHING["neck"])
    # the share of a rigid jaw rotation that jawOpen gives each vertex
    turned = _matrices(np.array([jaw_open, 0, 0]))
    rigid = (head.vertices - joints[JAW]) @ turned.T + joints[JAW] - head.vertices
    with_jaw = np.clip((jaw_offsets * rigid).sum(1) / np.maximum((rigid**2).sum(1), 1e-12), 0, 1)
    with_jaw[np.linalg.norm(jaw_offsets, axis=1) < 1e-7] = 0
    for part in ("teeth_upper", "left_eye", "right_eye"):
        with_jaw[parts[part]] = 0
    with_jaw[parts["teeth_lower"]] = 1
    with_jaw = smooth(with_jaw, SMOOTHING["jaw"])

    weights = np.zeros((topology.vertex_count, len(JOINTS)))
    weights[:, JAW] = with_jaw
    weights[:, 1] = np.maximum(with_head - with_jaw, 0)
    weights[:, 0] = 1 - weights[:, 1] - with_jaw
    for part, joint in EYE_JOINTS.items():
        weights[parts[part]] = np.eye(len(JOINTS))[joint]
    return weights


def _jaw_residual(rest: F64, weights: F64, joints: F64, jaw_offsets: F64, jaw_open: float) -> F64:
    """What jawOpen does beyond skinning [V, 3], per unit of the rotation matrix's two sines of the jaw angle.

    Exact at 0 and at +-jawOpen.
    """
    posed = unskin(rest + jaw_offsets, weights, joints, joint_rotation(JAW, 0, jaw_open))
    return (posed - rest) / (2 * np.sin(jaw_open))


def _follow_gaze(posedirs: F64, topology: Topology, lids: LidCollision, side: str) -> None:
    """Lids follow the eye: odd part on the sine, even part on the cosine of pitch and yaw; `posedirs` [V, 3, 3, 3]."""
    outward, inward = ("Out", "In") if side == "Left" else ("In", "Out")

    def offsets(direction: str) -> F64:
        return shape_offsets(topology, topology.makehuman.face_units[f"eyeLook{direction}{side}"], lids)

    # +pitch looks down, +yaw to the person's left; (i, j, cosine index) locate the angle in the rotation matrix
    for positive, negative, (i, j), even in (("Down", "Up", (2, 1), 1), (outward, inward, (0, 2), 0)):
        plus, minus = offsets(positive), offsets(negative)
        odd = (plus - minus) / (4 * np.sin(GAZE_RANGE))
        posedirs[:, :, i, j] += odd
        posedirs[:, :, j, i] -= odd
        posedirs[:, :, even, even] += (plus + minus) / (2 * (np.cos(GAZE_RANGE) - 1))
