"""Speech and an emotion in, video of a talking 3D Gaussian-splat head out."""

__version__ = "0.1.0"
