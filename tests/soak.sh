#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The long form of the tests that throw dice: many kills of a running sweep. Not part of tests/run.sh, which throws a few. The number can be
# set from outside: MYOPIA_SOAK_KILLS=500 tests/soak.sh; likewise MYOPIA, the executable.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=/usr/bin:/bin:$PATH
cores=$(env -u OMP_NUM_THREADS nproc) # nproc itself listens to OMP_NUM_THREADS
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
export MYOPIA_SOAK_KILLS=${MYOPIA_SOAK_KILLS:-50} MYOPIA=${MYOPIA:-$PWD/build/release/myopia}

bash jobs/packages.sh tests
cmake --preset release
cmake --build --preset release --parallel "$cores"
echo "soak: $MYOPIA_SOAK_KILLS kills of $MYOPIA"
exec python3 tests/test_crash.py -v
