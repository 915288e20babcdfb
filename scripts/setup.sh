#!/bin/sh
# Makes .venv and installs what the lock file named by $1 lists, each file checked against its hash, then radcommons itself, editable.
set -eu
lock=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Radcommons needs Python 3.11 or newer; $python is $("$python" --version). Say which: make setup PYTHON=python3.13" >&2
  exit 1
}
if [ ! -x .venv/bin/python ]; then
  if ! "$python" -m venv .venv; then
    rm -rf .venv
    # Debian keeps ensurepip in a package of its own; uv needs none
    command -v uv >/dev/null || { echo "python3 -m venv does not work here: install python3-venv, or uv" >&2; exit 1; }
    uv venv --quiet --python "$python" .venv
  fi
fi
# pip alone does it too, in about five times the time; so uv is fetched first where it is not at hand
uv=$(command -v uv || true)
if [ -z "$uv" ] && .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock; then
  uv=.venv/bin/uv
fi
if [ -n "$uv" ]; then
  "$uv" pip install --quiet --python .venv/bin/python --require-hashes -r "$lock"
  "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
else
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r "$lock"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
fi
