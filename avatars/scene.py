"""An avatar in a rasterizer, ready to be drawn in any pose."""

from __future__ import annotations

from ..renderer import Rasterizer, Scene
from .avatar import Avatar


def load_scene(avatar: Avatar, rasterizer: Rasterizer) -> Scene:
    """The avatar's Gaussians, bound to its triangles, with the colours that its face changes."""
    shading = avatar.shading.colours if avatar.shading else None
    return rasterizer.load(avatar.gaussians, avatar.binding, shading=shading)
