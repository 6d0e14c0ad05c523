"""Gaussians as glTF's KHR_gaussian_splatting: one cloud for a pose, or one per frame, shown in turn.

The extension moves a cloud only as a whole, with its node: it says nothing of skins and morph targets of splats, and
three.js, Babylon.js and PlayCanvas pass over both. A motion is therefore a flip-book: each frame has a cloud, and its
node is grown from a point for as long as the frame lasts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import SH0
from ...renderer import Gaussians
from .gltf import VERTEX_BUFFER, Glb, Json, linear_colors

F32 = NDArray[np.float32]

EXTENSION = "KHR_gaussian_splatting"
HIDDEN = 1e-6  # scale of a node that is not to be seen; 0 is not allowed
MOST_BYTES = 1 << 30  # a GLB counts to four times as many, but few readers take one
FRAME_BYTES = 44  # of each Gaussian's place, rotation, scale and lowest band in each frame


def splat_glb(name: str, frames: Iterable[Gaussians], *, fps: float | None = None) -> bytes:
    """A GLB of one pose, or, with `fps`, of a motion whose frames follow one another.

    Frame k is seen from k / fps to (k + 1) / fps. What stays the same from frame to frame is stored once.
    """
    glb = Glb()
    shared = _Shared(glb)
    meshes: list[Json] = [{"name": name, "primitives": [shared.primitive(g, points=fps is None)]} for g in frames]
    nodes: list[Json] = [
        {"name": name if fps is None else f"{name}_{k:06d}", "mesh": k} | ({} if k == 0 else {"scale": [HIDDEN] * 3})
        for k in range(len(meshes))
    ]
    document: Json = {
        "extensionsUsed": [EXTENSION],
        "scene": 0,
        "scenes": [{"nodes": list(range(len(nodes)))}],
        "nodes": nodes,
        "meshes": meshes,
    }
    if fps is not None and len(nodes) > 1:
        nodes[0]["scale"] = [1.0] * 3
        document["animations"] = [_flip_book(glb, len(nodes), fps)]
    return glb.document(document)


def splat_glb_size(gaussians: Gaussians, frames: int) -> int:
    """About how many bytes a GLB of so many frames takes."""
    once = 4 * (1 + 3 * (gaussians.sh.shape[1] - 1))
    return len(gaussians) * (once + frames * FRAME_BYTES)


@dataclass
class _Shared:
    """Accessors by what they hold."""

    glb: Glb

    def __post_init__(self) -> None:
        self._known: dict[bytes, int] = {}

    def add(self, values: NDArray[np.generic], **how: bool) -> int:
        """The accessor of these numbers, which is a new one only if none holds them yet."""
        key = hashlib.sha256(np.ascontiguousarray(values).data).digest()
        if key not in self._known:
            self._known[key] = self.glb.add(values, target=VERTEX_BUFFER, **how)
        return self._known[key]

    def primitive(self, gaussians: Gaussians, *, points: bool) -> Json:
        """Points with the extension's attributes; with `points`, the colours by which other readers draw them too."""
        quats = gaussians.quats / np.linalg.norm(gaussians.quats, axis=1, keepdims=True)
        attributes = {
            "POSITION": self.add(gaussians.means, bounds=True),
            f"{EXTENSION}:ROTATION": self.add(np.round(32767 * quats[:, [1, 2, 3, 0]]).astype("<i2"), normalized=True),
            f"{EXTENSION}:SCALE": self.add(gaussians.scales),
            f"{EXTENSION}:OPACITY": self.add(gaussians.opacities),
        }
        for band in range(gaussians.sh.shape[1]):
            degree = int(np.sqrt(band))
            name = f"{EXTENSION}:SH_DEGREE_{degree}_COEF_{band - degree**2}"
            attributes[name] = self.add(np.ascontiguousarray(gaussians.sh[:, band]))
        if points:
            rgb = linear_colors(0.5 + SH0 * gaussians.sh[:, 0])
            rgba = np.round(65535 * np.concatenate([rgb, gaussians.opacities[:, None]], axis=1))
            attributes["COLOR_0"] = self.add(rgba.astype("<u2"), normalized=True)
        how = {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}
        return {"mode": 0, "attributes": attributes, "extensions": {EXTENSION: how}}


def _flip_book(glb: Glb, frames: int, fps: float) -> Json:
    """Each node is as large as it is while its frame lasts, and otherwise a point."""
    samplers, channels = [], []
    for frame in range(frames):
        keys = [(0.0, frame == 0), (frame / fps, True), ((frame + 1) / fps, frame == frames - 1)]
        keys = keys[1:] if frame == 0 else keys
        scales = np.array([[1.0 if shown else HIDDEN] * 3 for _, shown in keys], np.float32)
        clock = glb.add(np.array([time for time, _ in keys], np.float32), bounds=True)
        samplers.append({"input": clock, "output": glb.add(scales), "interpolation": "STEP"})
        channels.append({"sampler": frame, "target": {"node": frame, "path": "scale"}})
    return {"name": "motion", "samplers": samplers, "channels": channels}
