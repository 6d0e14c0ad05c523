"""The CPU rasterizer's inner loops: numba drives, explicit vector code does the work."""

from .blend import blend
from .project import project
from .sort import fill, sort
from .vector import Kernel

KERNELS: tuple[Kernel, ...] = (project, sort, fill, blend)

__all__ = ["KERNELS", "Kernel", "blend", "fill", "project", "sort"]
