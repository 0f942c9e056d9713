# SPDX-License-Identifier: BSD-2-Clause
"""The distances between clouds against SciPy and NumPy in one run, interleaved: medians of thread CPU time and their ratios, and the
largest relative difference of the values.

    compare_metrics.py BENCH_METRICS [ROUNDS]

BENCH_METRICS is the program bench_metrics of a build. Peers: cdist(...).mean() (float64, as SciPy has it), the mean of exp on cdist
'sqeuclidean', cKDTree for the nearest neighbour in the plane and the least of cdist otherwise, linear_sum_assignment on cdist."""
import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np  # noqa: E402
from scipy.optimize import linear_sum_assignment  # noqa: E402
from scipy.spatial import cKDTree  # noqa: E402
from scipy.spatial.distance import cdist, pdist  # noqa: E402

DISTANCE, GAUSSIAN, NEAREST, TRANSPORT = 0, 1, 2, 5
NAMES = {DISTANCE: "mean distance", GAUSSIAN: "mmd", NEAREST: "nearest", TRANSPORT: "exact W"}


def gaussian(squares):
    return np.exp(squares * (-0.5 / 0.3 ** 2)).mean()


def transport(x, y):
    cost = cdist(x, y)
    return cost[linear_sum_assignment(cost)].mean()


def nearest(x, y):
    return cKDTree(y).query(x)[0][0] if x.shape[1] <= 3 else cdist(x, y).min(axis=1)[0]


def mmd(x, y):
    within = gaussian(pdist(x, "sqeuclidean")) + gaussian(pdist(y, "sqeuclidean"))
    return within - 2 * gaussian(cdist(x, y, "sqeuclidean"))


PEERS = {DISTANCE: lambda x, y: cdist(x, y).mean(), GAUSSIAN: mmd, NEAREST: nearest, TRANSPORT: transport}


def ours(program, path):
    """{term: (seconds a unit, value)} of one run."""
    out = subprocess.run([program, "--clouds", path, "3"], stdout=subprocess.PIPE, check=True, text=True).stdout
    return {int(term): (1e-9 * float(ns), float(value)) for term, ns, value in (line.split() for line in out.splitlines())}


def compare(program, d, n, m, rounds):
    rng = np.random.default_rng(1)
    x, y = (rng.random((size, d)).astype(np.float32) for size in (n, m))
    pairs = {DISTANCE: n * m, GAUSSIAN: n * m + n * (n - 1) / 2 + m * (m - 1) / 2, NEAREST: n * m, TRANSPORT: 1}
    times, off = {}, {}
    with tempfile.NamedTemporaryFile() as file:
        file.write(np.array([d, n, m], dtype=np.int64).tobytes() + x.T.copy().tobytes() + y.T.copy().tobytes())
        file.flush()
        for _ in range(rounds):
            for term, (seconds, value) in ours(program, file.name).items():
                begin = time.thread_time()
                expected = PEERS[term](x, y)
                peer = (time.thread_time() - begin) / pairs[term]
                times.setdefault(term, []).append((seconds, peer))
                # A discrepancy near 0 is a difference of numbers near 1.
                off[term] = abs(value - expected) / (1 if term == GAUSSIAN else abs(expected))
    for term, samples in times.items():
        our, peer = np.median(np.array(samples), axis=0)
        unit, factor = ("ms", 1e3) if term == TRANSPORT else ("ns/pair", 1e9)
        print(f"d={d} {n} x {m} {NAMES[term]}: ours {our * factor:.3f} {unit}, peer {peer * factor:.3f}, peer/ours {peer / our:.1f}, "
              f"differs by {off[term]:.1e}")


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    rounds = int(sys.argv[2]) if len(sys.argv) == 3 else 5
    for d, n, m in [(2, 2000, 2000), (2, 512, 512), (784, 250, 4000)]:
        compare(sys.argv[1], d, n, m, rounds)


if __name__ == "__main__":
    main()
