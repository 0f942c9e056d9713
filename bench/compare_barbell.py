# SPDX-License-Identifier: BSD-2-Clause
"""bench_sparsify and peer_barbell.py in turn, several times; prints one line a method: both medians and their ratio.

    compare_barbell.py BENCH_SPARSIFY [ROUNDS]"""
import re
import statistics
import subprocess
import sys
from pathlib import Path

PEER = [sys.executable, str(Path(__file__).resolve().parent / "peer_barbell.py"), "300", "1"]


def times(command, unit):
    """Time of each method in the program's lines; its failure is ours."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return {name: float(t) for name, t in re.findall(rf"^(\w+) .*?([\d.]+) {unit}/trial", done.stdout, re.M)}


def main(bench, rounds):
    ours, peer = [], []
    for _ in range(rounds):
        ours.append(times([bench, "7"], "ns"))
        peer.append(times(PEER, "us"))
    for name in ours[0]:
        ns = statistics.median(o[name] for o in ours)
        us = statistics.median(p[name] for p in peer)
        print(f"{name:10s} myopia {ns:7.1f} ns/trial   NetworkX + NumPy {us:8.1f} us/trial   ratio {1000 * us / ns:7.0f}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: compare_barbell.py BENCH_SPARSIFY [ROUNDS]")
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 5)
