#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The one list of Debian packages, and their installation: what is missing, nothing else. A second call needs neither network nor rights.
#   jobs/packages.sh          what building, running and drawing need
#   jobs/packages.sh tests    and what tests/run.sh needs besides
#   jobs/packages.sh mnist    what jobs/fetch_mnist.sh needs, nothing else
# Works as root or with sudo; with neither it prints the command to run and exits 3.
set -euo pipefail

packages=(
  gcc libc6-dev cmake ninja-build pkg-config git
  openmpi-bin libopenmpi-dev
  libpetsc-real-dev libslepc-real-dev libopenblas-dev libsuitesparse-dev
  libhdf5-openmpi-dev hdf5-tools zlib1g-dev
  librandom123-dev libxxhash-dev libyaml-dev libgmp-dev libcmocka-dev
  python3 python3-h5py python3-numpy python3-scipy python3-matplotlib python3-networkx
)
if [ "${1:-}" = tests ]; then packages+=(clang-format procps python3-torch); fi
if [ "${1:-}" = mnist ]; then packages=(npm); fi

command -v dpkg-query >/dev/null || { echo "packages: no dpkg here; install the equivalents of: ${packages[*]}" >&2; exit 3; }

missing=()
for package in "${packages[@]}"; do
  # Several rows where a package is there for several architectures: one installed row is enough.
  status=$(dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null || true)
  grep -qx installed <<<"$status" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=(env)
elif command -v sudo >/dev/null; then
  as_root=(sudo env)
else
  echo "packages: missing, and neither root nor sudo here. As root, run:" >&2
  echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 3
fi

echo "packages: installing ${missing[*]}"
install=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}")
fail() {
  echo "packages: apt-get failed. Look above; is there a network, is this Debian 12 or newer? The command was:" >&2
  echo "  ${install[*]}" >&2
  exit 3
}
"${as_root[@]}" apt-get update -q || fail
"${install[@]}" || fail
