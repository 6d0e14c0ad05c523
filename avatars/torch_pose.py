"""Posing on a PyTorch device: the same equations as `pose.py`, whole chunks of frames at once, no wait for the host."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .head import JOINTS, PARENTS, HeadModel
from .motion import Motion
from .pose import local_rotations

F32 = NDArray[np.float32]
POSE = 3 * len(JOINTS) + 3  # joint rotations and translation of one frame
TINY = 1e-20  # square metres: below it an edge or an area counts as nothing


def parameters(motion: Motion) -> F32:
    """All that moves a head in one array, to be sent to a device at once: `[T, E + 18]`, expression first."""
    rotations = local_rotations(motion).reshape(len(motion), -1)
    return np.concatenate([motion.expr, rotations, motion.translation], axis=1, dtype=np.float32)


class TorchPoser:
    """Skins one head on `device` (equations of FLAME, Li et al. 2017, eq. 1-4; the oracle is `pose.Poser`)."""

    def __init__(self, head: HeadModel, device: torch.device) -> None:
        def load(array: NDArray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        directions = np.concatenate([head.exprdirs, head.posedirs], axis=2)
        self._basis = load(directions.reshape(-1, directions.shape[2]).T)  # [E + 36, 3 V]
        self._template = load(head.v_template.reshape(-1))
        self._weights = load(head.weights)
        self._joints = load(head.joints)
        self._corners = load(head.faces.T.astype(np.int64).reshape(-1))  # all first corners, then all second, ...
        self._identity = torch.eye(3, device=device)
        follow = head.joint_exprdirs
        self._joint_basis = None if follow is None else load(follow.reshape(-1, head.expressions).T)  # [E, 15]

    def vertices(self, parameters: Tensor) -> Tensor:
        """Posed vertices [T, V, 3], metres, world space, from `parameters` [T, E + 18]."""
        frames = len(parameters)
        expr, pose, translation = parameters.split([parameters.shape[1] - POSE, POSE - 3, 3], dim=1)
        rotations = rotation_matrices(pose.reshape(frames, -1, 3))
        features = (rotations[:, 1:] - self._identity).flatten(1)
        rest = torch.addmm(self._template, torch.cat([expr, features], 1), self._basis).view(frames, -1, 3)
        transforms = joint_transforms(rotations, self._rest_joints(expr), translation)
        carriers = (self._weights @ transforms.flatten(2)).view(frames, -1, 3, 4)
        return (carriers[..., :3] * rest[:, :, None]).sum(-1) + carriers[..., 3]

    def _rest_joints(self, expr: Tensor) -> Tensor:
        """Joints of the rest pose, [T or 1, 5, 3]."""
        if self._joint_basis is None:
            return self._joints[None]
        return torch.addmm(self._joints.view(-1), expr, self._joint_basis).view(len(expr), -1, 3)

    def transforms(self, parameters: Tensor) -> Tensor:
        """World-from-triangle similarity transforms [T, F, 3, 4] of the posed head (docs/conventions.md)."""
        vertices = self.vertices(parameters)
        p, q, r = vertices.index_select(1, self._corners).view(len(vertices), 3, -1, 3).unbind(1)
        edge, across = q - p, r - p
        length = _length(edge)
        edge = edge / length
        normal = torch.linalg.cross(edge, across)
        normal = normal / _length(normal)
        side = torch.linalg.cross(edge, normal)
        scale = 0.5 * (length + (side * across).sum(-1, keepdim=True).abs())
        axes = torch.stack([edge, normal, side], -1) * scale[..., None]
        return torch.cat([axes, ((p + q + r) / 3)[..., None]], -1)


def rotation_matrices(axis_angle: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] of axis-angle vectors [..., 3] in radians (Rodrigues' formula, in float64)."""
    r = axis_angle.double()
    angle = torch.linalg.vector_norm(r, dim=-1)[..., None, None]
    x, y, z = r.unbind(-1)
    zero = torch.zeros_like(x)
    K = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    sine = torch.sinc(angle / torch.pi)
    cosine = 0.5 * torch.sinc(angle / (2 * torch.pi)) ** 2
    return (torch.eye(3, dtype=r.dtype, device=r.device) + sine * K + cosine * (K @ K)).float()


def joint_transforms(rotations: Tensor, joints: Tensor, translation: Tensor) -> Tensor:
    """World transforms [T, 5, 3, 4] that carry rest-pose points, from local rotations [T, 5, 3, 3].

    `joints` [T or 1, 5, 3] are the joints of the rest pose.
    """
    R: list[Tensor] = []
    origin: list[Tensor] = []
    for j, parent in enumerate(PARENTS):
        if parent < 0:
            R.append(rotations[:, j])
            origin.append(joints[:, j] + translation)
        else:
            R.append(R[parent] @ rotations[:, j])
            bone = joints[:, j] - joints[:, parent]
            origin.append(origin[parent] + (R[parent] @ bone[..., None])[..., 0])
    world = torch.stack(R, 1)
    offset = torch.stack(origin, 1) - (world @ joints[..., None])[..., 0]
    return torch.cat([world, offset[..., None]], -1)


def _length(vectors: Tensor) -> Tensor:
    """Lengths [..., 1], never 0."""
    return (vectors * vectors).sum(-1, keepdim=True).clamp_min(TINY).sqrt()
