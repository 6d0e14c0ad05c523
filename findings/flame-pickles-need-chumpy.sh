#!/usr/bin/env bash
# Finding:  chumpy, whose objects lie in FLAME's and SMPL's pickles, cannot be imported by Python 3.11 or newer.
# Packages: chumpy==0.70 numpy==2.4.6 scipy==1.17.1 six==1.17.0 setuptools==80.9.0 wheel==0.45.1
# Expected: After `pip install chumpy`, as FLAME loaders tell people to do, `import chumpy` works.
# Found:    It fails at `inspect.getargspec`, which Python 3.11 removed. (Its setup.py imports pip, so that it has to be
#           built without isolation in the first place.)
# Here:     avatars/pickles.py reads such pickles without chumpy, and without executing anything in them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -c 'import sys; print("python", sys.version.split()[0])'
venv/bin/pip install --quiet numpy==2.4.6 scipy==1.17.1 six==1.17.0 setuptools==80.9.0 wheel==0.45.1
venv/bin/pip install --quiet --no-deps --no-build-isolation chumpy==0.70
venv/bin/python - <<'EOF'
import sys

try:
    import chumpy
except AttributeError as error:
    print("import chumpy:", error)
    sys.exit("getargspec" not in str(error))
print("import chumpy: works, version", chumpy.__version__)
sys.exit(1)
EOF
