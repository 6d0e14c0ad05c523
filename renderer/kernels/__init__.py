"""The CPU rasterizer's inner loops: numba drives, explicit vector code does the work.

The modules of this folder are imported, and numba with them, only where their code is not kept yet.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from ...core.compiled import Compiled

SOURCES = tuple(Path(__file__).parent.glob("*.py"))


def _kernel(module: str, name: str) -> Compiled:
    return Compiled(name, lambda: getattr(import_module(f"{__name__}.{module}"), name), made_of=SOURCES)


project_gaussians = _kernel("project", "project")
sort_keys = _kernel("sort", "sort")
fill_lists = _kernel("sort", "fill")
blend_tiles = _kernel("blend", "blend")
convert_to_yuv420 = _kernel("yuv", "to_yuv420")
KERNELS = project_gaussians, sort_keys, fill_lists, blend_tiles, convert_to_yuv420  # those of a clip

enter_splats = _kernel("backward", "enter")
blend_backward = _kernel("backward", "blend_backward")
GRADIENT_KERNELS = sort_keys, fill_lists, blend_tiles, enter_splats, blend_backward
