#!/usr/bin/env bash
# Finding:  A function that numba finds compiled in its cache still costs the import of numba's compiler and of scipy.linalg.
# Packages: numba==0.68.1 numpy==2.4.6 scipy==1.17.1
# Expected: A process that calls one cached function of numbers loads its machine code, and little else.
# Found:    It is a cache hit, and the process has imported hundreds of modules, scipy.linalg among them (numba looks whether
#           there is a BLAS when it registers its functions), in half a second of processor time. The very code, an object
#           file, is loaded by llvmlite alone in 0.03 s.
# Here:     core/compiled.py keeps object files and calls them through ctypes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet numba==0.68.1 numpy==2.4.6 scipy==1.17.1
cat > twice.py <<'EOS'
from numba import njit


@njit(cache=True)
def twice(x):
    return 2 * x
EOS
cat > use.py <<'EOS'
import sys
import time

began = time.process_time()
from twice import twice

assert twice(1.5) == 3
hits = sum(twice.stats.cache_hits.values())
of_scipy = "scipy.linalg" in sys.modules
print(f"cache hits {hits}, {len(sys.modules)} modules, scipy.linalg {of_scipy}, {time.process_time() - began:.2f} s")
sys.exit(not (hits == 1 and of_scipy and len(sys.modules) > 500))
EOS
venv/bin/python -c "import numba, scipy; print('numba', numba.__version__, '- scipy', scipy.__version__)"
venv/bin/python -c "from twice import twice; twice(1.5)"
venv/bin/python use.py
