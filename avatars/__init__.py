"""Who the face is: FLAME-layout heads, Gaussians bound to their triangles, and motion in their parameters."""

from .avatar import Avatar
from .head import HeadModel
from .motion import Motion

__all__ = ["Avatar", "HeadModel", "Motion"]
