#!/usr/bin/env bash
# Makes .venv with exactly what requirements/dev.lock pins, and Lakewright itself from src/.
# Needs Python 3.11 or newer with its venv module, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 1
}

# A name may be a shim that only complains, so each candidate has to prove itself by running.
is_new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if is_new_enough "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
}

python="$(find_python)"
if [[ -z "$python" ]]; then
  found="$(python3 --version 2>&1 || true)"
  fail "Python 3.11 or newer is needed; looked for ${PYTHON:-python3, python3.11 to python3.14} (${found:-no python3 at all})" \
    "install it with your system's packages, or name it: make setup PYTHON=/path/to/python3"
fi
if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
  fail "$python has no venv module" \
    "on Debian and Ubuntu: apt install python3-venv (or python3.X-venv for the version in use)"
fi

if ! is_new_enough .venv/bin/python; then
  "$python" -m venv --clear .venv
fi
printf 'installing into .venv with %s: one to two minutes, once and when requirements/dev.lock changes\n' \
  "$(.venv/bin/python --version)" >&2
export PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install --quiet --require-hashes -r requirements/dev.lock
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
# Also where Python is told to write no bytecode: every command starts a third faster with it.
PYTHONDONTWRITEBYTECODE= .venv/bin/python -m compileall -q src
touch .venv/.stamp
