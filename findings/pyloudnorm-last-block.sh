#!/usr/bin/env bash
# Finding:  pyloudnorm counts a last block that reaches beyond the end of the recording, as if silence followed.
# Packages: pyloudnorm==0.2.0 numpy==2.4.6 scipy==1.17.1
# Expected: A steady tone has one loudness, however long it lasts: BS.1770 leaves an incomplete last block out.
# Found:    Lengths that end just after the middle of a step (0.55 s, 1.06 s) read up to 0.2 LU less than neighbours.
# Here:     pipeline/batch/loudness.py measures whole blocks only.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet pyloudnorm==0.2.0 numpy==2.4.6 scipy==1.17.1
venv/bin/python - <<'EOF'
import sys
from importlib.metadata import version

import numpy as np
import pyloudnorm

RATE = 48_000
print("pyloudnorm", version("pyloudnorm"), "- numpy", np.__version__)
tone = 0.1 * np.sin(2 * np.pi * 997 * np.arange(2 * RATE) / RATE)
meter = pyloudnorm.Meter(RATE)
lengths = (0.4, 0.5, 0.54, 0.56, 0.6, 1.0, 1.06, 2.0)  # seconds
loudness = {s: float(meter.integrated_loudness(tone[: round(s * RATE)])) for s in lengths}
for seconds, value in loudness.items():
    print(f"{seconds:4} s of a steady tone: {value:.3f} LUFS")
steady = [loudness[s] for s in (0.4, 0.5, 0.54, 0.6, 1.0, 2.0)]
low = {s: min(steady) - loudness[s] for s in (0.56, 1.06)}
sys.exit(not (max(steady) - min(steady) < 0.01 and low[0.56] > 0.1 and low[1.06] > 0.03))
EOF
