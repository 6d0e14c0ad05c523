"""How Gaussians are drawn: the parameters of gsplat's `rasterization` that change the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from ..core.errors import InputError


@dataclass(frozen=True)
class RasterSettings:
    """gsplat 1.5.3's parameters, under gsplat's names where it has one; the defaults are gsplat's too.

    Raises InputError when a value makes no picture.
    """

    near: float = 0.01  # metres along the view axis (`near_plane`): what lies closer is not drawn
    far: float = 1e10  # metres (`far_plane`): what lies farther is not drawn
    radius_clip: float = 0.0  # pixels: a splat whose half width and half height are no larger is not drawn
    antialiased: bool = False  # `rasterize_mode="antialiased"`: opacity lowered by what the low-pass filter adds
    alpha_cap: float = 0.999  # of one splat in one pixel; 0.99 in gsplat 1.6 and in the original 3DGS
    low_pass: float = 0.3  # square pixels added to the variance on screen (`eps2d`)

    def __post_init__(self) -> None:
        for field in fields(self):
            if not math.isfinite(getattr(self, field.name)):
                raise InputError(f"RasterSettings.{field.name}: expected a finite number")
        if not 0 < self.near < self.far:
            raise InputError(f"RasterSettings: expected 0 < near < far, found near {self.near:g}, far {self.far:g}")
        if not 0 < self.alpha_cap < 1:
            raise InputError(f"RasterSettings.alpha_cap: expected more than 0, less than 1, found {self.alpha_cap:g}")
        for name in ("radius_clip", "low_pass"):
            if getattr(self, name) < 0:
                raise InputError(f"RasterSettings.{name}: expected 0 or more, found {getattr(self, name):g}")
