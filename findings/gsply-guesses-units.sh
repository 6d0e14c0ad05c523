#!/usr/bin/env bash
# Finding:  gsply guesses by the numbers whether scales are logarithms, and its PLY writer changes the caller's arrays.
# Packages: gsply==0.4.6 numpy==2.4.6
# Expected: Gaussians whose scales are logarithms and whose opacities are logits, as a PLY holds them, are written as
#           they are; arrays that are written to a file stay what they were.
# Found:    Scales of one metre and more (logarithms from 0 on) are taken for linear ones, and opacities are converted
#           with them: 0.5 becomes 0.0001. With format="linear", `plywrite` leaves logarithms in the arrays it was given.
# Here:     pipeline/export/spz.py writes the format itself; gsply is an oracle of the tests, which only read with it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet gsply==0.4.6 numpy==2.4.6
venv/bin/python - <<'EOF'
import sys

import gsply
import numpy as np

print("gsply", gsply.__version__, "- numpy", np.__version__)
count = 4
means, colours = np.zeros((2, count, 3), np.float32)
quats = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))


def written(scales, opacities, **how):
    """Log-scale and opacity, 0..1, of what a PLY holds after it was written."""
    cloud = gsply.GSData.from_arrays(means, scales, quats, opacities, colours, **how)
    gsply.plywrite("a.ply", cloud)
    read = gsply.plyread("a.ply")
    return float(read.scales[0, 0]), (1 / (1 + np.exp(-read.opacities.astype(float)))).round(4).tolist()


def metre():
    """Gaussians as wide as a metre, with opacities of 0.12 to 0.88."""
    return np.zeros((count, 3), np.float32), np.array([-2, 0, 1, 2], np.float32)


told, guessed = written(*metre(), format="ply"), written(*metre())
print("log-scale and opacities of Gaussians of one metre")
print("  with format='ply':", told)
print("  by default:       ", guessed)
scales, opacities = np.full((count, 3), 0.01, np.float32), np.full(count, 0.5, np.float32)
written(scales, opacities, format="linear")
print("scale 0.01 and opacity 0.5 in the caller's arrays after plywrite:", scales[0, 0], opacities[0])
sys.exit(not (told[0] == 0 and guessed[0] < -10 and guessed[1][1] < 0.01 < told[1][1] and scales[0, 0] < 0))
EOF
