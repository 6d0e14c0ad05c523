"""What a camera sees: Gaussians and a camera become an image. Knows nothing of faces."""

from .camera import Camera
from .gaussians import Gaussians, Shading
from .rasterizer import Frame, Rasterizer, Scene, draw, open_rasterizer
from .settings import RasterSettings

__all__ = [
    "Camera",
    "Frame",
    "Gaussians",
    "RasterSettings",
    "Rasterizer",
    "Scene",
    "Shading",
    "draw",
    "open_rasterizer",
]
