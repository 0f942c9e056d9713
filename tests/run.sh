#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Every test of the project, from a fresh clone: installs what is missing, builds with sanitizers and warnings as errors (unit tests),
# builds what users run (system tests), checks format and layers. The last line is `N passed, N failed, N skipped`; exit 1 when anything
# failed. Long-running tests are in tests/soak.sh.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH=/usr/bin:/bin:$PATH # Debian's cmake, mpirun and python3, whatever else comes first
cores=$(env -u OMP_NUM_THREADS nproc) # nproc itself listens to OMP_NUM_THREADS
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
results=()

# check NAME COMMAND...: runs it, shows everything it says, remembers how it ended.
check() {
  local name=$1 status=0 start=$SECONDS
  shift
  "$@" || status=$?
  results+=(--check "$name" "$status")
  echo "== $name: exit $status, $((SECONDS - start)) s"
  return $status
}

build() { cmake --preset "$1" && cmake --build --preset "$1" --parallel "$cores"; }

# tests PRESET LABEL: CTest with the whole output of every test in its report; its own exit code says nothing that the report does not.
tests() {
  local report=build/$1/report.xml
  rm -f "$report"
  ctest --test-dir "build/$1" -L "^$2\$" --parallel "$cores" --output-on-failure --output-junit "$PWD/$report" --no-tests=error \
    --test-output-size-passed 10000000 --test-output-size-failed 10000000
  results+=(--junit "$report")
}

format() { find src include tests bench -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run --Werror; }

bash jobs/packages.sh tests || exit 3

check layers python3 tests/check_layers.py
if clang-format --version | grep -q 'version 14\.'; then
  check format format
else
  echo "== format: skipped, it is checked with clang-format 14 and this is $(clang-format --version)"
  results+=(--check format skipped)
fi
check "build debug" build debug && tests debug unit
check "build release" build release && tests release system

echo "== ${SECONDS} s in all"
python3 tests/count.py "${results[@]}"
