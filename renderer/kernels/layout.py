"""Where the kernels and those who call them find what in the arrays."""

from __future__ import annotations

LANES = 16  # Gaussians, or pixels, at a time
CUTOFF = -7.994353437  # log2(1/255): a fainter contribution is skipped
TILE_SHIFT = 5
TILE = 1 << TILE_SHIFT  # pixels a side
BATCH = 256  # splats of a tile whose blocks are found at a time
WORDS = BATCH // 64 + 8

DIGIT = 12  # bits per pass of the sort: its counters fit the first-level cache

# One splat is one cache line of sixteen float32 (`records`). X and Y are pixels from the camera's origin pixel:
# small numbers near the middle of the picture, where float32 is finest. The last four tell where alpha reaches 1/255
# (and REACH_MARGIN below it, for rounding): in the row dy below the middle, from SLANT dy - w to SLANT dy + w with
# w = WIDTH sqrt(HALF_HEIGHT^2 - dy^2). It goes farthest to the right in the row RIGHTMOST, to the left in -RIGHTMOST.
X, Y, XX, XY, YY, LOG_OPACITY, DEPTH, RED, GREEN, BLUE, HALF_HEIGHT, WIDTH, SLANT, RIGHTMOST = range(14)
RECORD = 16
REACH_MARGIN = 2e-3  # of log2(alpha)

# Rows of `geometry` [N / 16, GEOMETRY, 16]: mean, rotation times scales (row by row), log2 opacity.
MEAN, AXES, OPACITY, GEOMETRY = 0, 3, 12, 13

# Elements of `lens` (float64): focal lengths, principal point from the origin pixel.
FOCAL, PRINCIPAL, LENS = 0, 2, 4

# Elements of `camera`: focal lengths, limits of x/z and y/z for the Jacobian, image size, origin pixel, rotation world
# to camera, and of the settings: near, far, low-pass filter, antialiasing (0 or 1), least radius.
FOCALS, LIMITS, SIZE, ORIGIN, ROTATION, NEAR, FAR, LOW_PASS, ANTIALIASED, CLIP, CAMERA = 0, 2, 6, 8, 10, *range(19, 25)

# A pose: 3 rows of 4 numbers, and what rounding took from the translation.
POSE, ROUNDED = 16, 12

# A tile is 8 x 8 blocks of 4 x 4 pixels; the state of one: red, green, blue, transmittance.
ACROSS = 8
BLOCK = 4 * LANES
BLOCK_GRADIENT = 5 * LANES  # the same for gradients: gradient by red, green, blue; rest; transmittance

# Lanes of a splat's sums of moments; w = (gradient by alpha) alpha, (dx, dy) = mean - pixel centre.
W_DX, W_DY, W_DX_DX, W_DX_DY, W_DY_DY, W, COLOUR = range(7)
MOMENTS = 9
