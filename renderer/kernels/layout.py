"""Where the kernels and those who call them find what in the arrays."""

from __future__ import annotations

LANES = 16  # Gaussians, or pixels, at a time
CUTOFF = -7.994353437  # log2(1/255): a fainter contribution is skipped
TILE_SHIFT = 4  # tiles are 16 x 16 pixels

# One splat is one cache line of sixteen float32 (`records`). X and Y are pixels from the camera's origin pixel:
# small numbers near the middle of the picture, where float32 is finest.
X, Y, XX, XY, YY, LOG_OPACITY, REACH, DEPTH, RED, GREEN, BLUE, SLOPE_X, SLOPE_Y = range(13)
RECORD = 16

# Rows of `geometry` [N / 16, GEOMETRY, 16]: mean, rotation times scales (row by row), log2 opacity.
MEAN, AXES, OPACITY, GEOMETRY = 0, 3, 12, 13

# Elements of `lens` (float64): focal lengths, principal point from the origin pixel.
FOCAL, PRINCIPAL, LENS = 0, 2, 4

# Elements of `camera`: focal lengths, limits of x/z and y/z for the Jacobian, image size, origin pixel, rotation world
# to camera, and of the settings: near, far, low-pass filter, antialiasing (0 or 1), least radius.
FOCALS, LIMITS, SIZE, ORIGIN, ROTATION, NEAR, FAR, LOW_PASS, ANTIALIASED, CLIP, CAMERA = 0, 2, 6, 8, 10, *range(19, 25)

# A pose: 3 rows of 4 numbers, and what rounding took from the translation.
POSE, ROUNDED = 16, 12

# A tile is sixteen blocks of 4 x 4 pixels; the state of one: red, green, blue, transmittance.
BLOCK = 4 * LANES
BLOCK_GRADIENT = 5 * LANES  # the same for gradients: gradient by red, green, blue; rest; transmittance

# Lanes of a splat's sums of moments; w = (gradient by alpha) alpha, (dx, dy) = mean - pixel centre.
W_DX, W_DY, W_DX_DX, W_DX_DY, W_DY_DY, W, COLOUR = range(7)
MOMENTS = 9
