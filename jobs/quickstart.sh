#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# From a fresh clone to a first result: installs what is missing, builds, measures experiment I (inputs/barbell.yaml) on all cores, prints
# the table and draws the figure. A second call finds all of it done and only shows it.
#   jobs/quickstart.sh [OUTPUT_DIRECTORY]      default: build/quickstart
set -euo pipefail
output=$(realpath -m "${1:-$(dirname "$0")/../build/quickstart}")
cd "$(dirname "$0")/.."
export PATH=/usr/bin:/bin:$PATH # Debian's cmake, mpirun and python3, whatever else comes first

bash jobs/packages.sh
ranks=$(env -u OMP_NUM_THREADS nproc) # nproc itself listens to OMP_NUM_THREADS
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
# As many ranks as CPUs, also where Open MPI counts cores and not threads; no cross-process copies, which containers forbid.
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_vader_single_copy_mechanism=none
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

[ -e build/release/build.ninja ] || cmake --preset release
cmake --build --preset release --parallel "$ranks"

mkdir -p "$output"
file=$output/barbell.h5
status=0
# Prints the table of `myopia show`, also when all trials are there already.
mpirun -n "$ranks" build/release/myopia run inputs/barbell.yaml --out "$file" --resume || status=$?
case $status in
0 | 1) ;; # 1: measured, and the table says what is invalid
85) echo "quickstart: interrupted; call it again to go on" >&2; exit 85 ;;
*) echo "quickstart: the run ended with exit code $status (see above; to start afresh: rm $file)" >&2; exit "$status" ;;
esac

[ "$output/barbell.png" -nt "$file" ] || python3 analysis/barbell.py "$file" --out "$output" >/dev/null

cat <<END

results   $file
figure    $output/barbell.png  (and .pdf)
program   build/release/myopia
next      build/release/myopia show $file
          build/release/myopia list
          mpirun -n $ranks build/release/myopia run inputs/chain.yaml --out chain.h5
END
exit "$status"
