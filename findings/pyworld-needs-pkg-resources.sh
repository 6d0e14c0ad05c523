#!/usr/bin/env bash
# Finding:  pyworld, the Python binding of the vocoder WORLD, cannot be imported beside a setuptools of today.
# Packages: pyworld==0.3.5 setuptools==82.0.0 setuptools==81.0.0
# Expected: A package that installs without a complaint can be imported; it says what it needs.
# Found:    Its __init__ asks pkg_resources for its own version. Setuptools no longer brings that from 82.0 on, the
#           package does not name setuptools among what it needs, and Python 3.12 environments have none at all.
# Here:     pyproject.toml pins setuptools below 82 beside it in the extra `songs`; `render data sing` alone uses it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet pyworld==0.3.5 # needs a C++ compiler

imports() {
    venv/bin/pip install --quiet "$1"
    if venv/bin/python -W ignore -c 'import pyworld' 2> error.txt; then
        echo "yes"
    else
        tail -n 1 error.txt
    fi
}

venv/bin/pip show pyworld | grep -E '^(Version|Requires)'
new=$(imports setuptools==82.0.0)
old=$(imports setuptools==81.0.0)
echo "imported beside setuptools 82.0.0: $new"
echo "imported beside setuptools 81.0.0: $old"
[[ $old == yes && $new == *pkg_resources* ]]
