"""What a camera sees: Gaussians and a camera become an image. Knows nothing of faces."""

from .camera import Camera
from .gaussians import Gaussians
from .rasterizer import Frame, Rasterizer, Scene, open_rasterizer

__all__ = ["Camera", "Frame", "Gaussians", "Rasterizer", "Scene", "open_rasterizer"]
