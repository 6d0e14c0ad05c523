#!/usr/bin/env bash
# Finding:  MediaPipe reads a picture whose rows are padded, or that is a part of a larger one, as if its rows were not.
# Packages: mediapipe==1.2.3 numpy==2.4.6
# Expected: An image made of a part of an array holds that part's pixels, or the array is refused.
# Found:    It holds the first bytes in the array's memory, in rows of the part's width: a sheared picture, without a word. Faces
#           are not found in films whose width is no multiple of 32, whose decoded rows are padded. A copy in a piece is right.
# Here:     pipeline/tracking/tracker.py and pipeline/media/film.py make pictures contiguous.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet mediapipe==1.2.3 numpy==2.4.6
venv/bin/python - <<'EOF'
import sys

import mediapipe
import numpy as np

whole = np.arange(4 * 20 * 3, dtype=np.uint8).reshape(4, 20, 3)
part = whole[:, :10]
rgb = mediapipe.ImageFormat.SRGB
held = mediapipe.Image(image_format=rgb, data=part).numpy_view()
copied = mediapipe.Image(image_format=rgb, data=np.ascontiguousarray(part)).numpy_view()
print("mediapipe", mediapipe.__version__)
print("second row begins with", part[1, 0], "- held", held[1, 0], "- held of a copy", copied[1, 0])
sys.exit(np.array_equal(held, part) or not np.array_equal(copied, part))
EOF
