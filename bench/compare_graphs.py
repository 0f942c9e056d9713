# SPDX-License-Identifier: BSD-2-Clause
"""Effective resistances and Fiedler values against what a Python user would take, interleaved in one run, one line a comparison:
    compare_graphs.py build/release/myopia [ROUNDS]
NetworkX's resistance_distance edge by edge, NumPy's dense inverse (LAPACK), SciPy's sparse LU with one solve a vertex (a sample of
solves, scaled to all), SciPy's eigsh with shift-invert. Times of myopia are its own solve_time (graph in memory to answer);
those of the peers start with the graph in their format. The answers are compared before a time is printed."""
import os
import subprocess
import sys
import tempfile
import time

import h5py
import networkx as nx
import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg

ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OPENBLAS_NUM_THREADS="1",
                   OMP_NUM_THREADS="1")


def myopia(program, command, graph, *more):
    """(solve_time, arrays) of one run."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.h5")
        subprocess.run([program, command, graph, *more, "--out", out], check=True, capture_output=True, env=ENVIRONMENT)
        with h5py.File(out) as f:
            return f["metrics/solve_time"][0], {name: f["arrays"][name][0] for name in f["arrays"] if not name.endswith("_shape")}


def laplacian(edges):
    n = int(edges.max()) + 1
    ones = np.ones(len(edges))
    half = sparse.coo_matrix((ones, (edges[:, 0], edges[:, 1])), shape=(n, n))
    adjacency = (half + half.T).tocsc()
    return (sparse.diags(np.asarray(adjacency.sum(axis=0)).ravel()) - adjacency).tocsc()


def by_networkx(edges):
    """One call an edge, 5 edges timed; it inverts the whole matrix each time."""
    g = nx.Graph(edges.tolist())
    some = np.linspace(0, len(edges) - 1, 5).astype(int)
    begin = time.perf_counter()
    values = [nx.resistance_distance(g, *edges[e]) for e in some]
    return (time.perf_counter() - begin) / len(some) * len(edges), some, values


def by_dense_inverse(edges):
    begin = time.perf_counter()
    matrix = laplacian(edges).toarray()
    inverse = np.linalg.inv(matrix + 1 / len(matrix))
    u, v = edges[:, 0], edges[:, 1]
    values = inverse[u, u] + inverse[v, v] - 2 * inverse[u, v]
    return time.perf_counter() - begin, np.arange(len(edges)), values


def by_splu(edges, solves=64):
    """R of all edges at a vertex needs one solve: `solves` vertices timed, scaled to all."""
    begin = time.perf_counter()
    matrix = laplacian(edges)[1:, 1:]
    factor = linalg.splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0)
    setup = time.perf_counter() - begin
    some = np.linspace(0, len(edges) - 1, solves).astype(int)
    begin, values = time.perf_counter(), []
    for u, v in edges[some]:
        right = np.zeros(matrix.shape[0] + 1)
        right[u], right[v] = 1, -1
        x = np.concatenate([[0], factor.solve(right[1:])])
        values.append(x[u] - x[v])
    return setup + (time.perf_counter() - begin) / solves * matrix.shape[0], some, values


def by_eigsh(edges):
    matrix = laplacian(edges)
    begin = time.perf_counter()
    values = np.sort(linalg.eigsh(matrix, k=4, sigma=-1e-6, which="LM", return_eigenvectors=False, tol=1e-10))
    return time.perf_counter() - begin, np.array([1]), values[1:2]


COMPARISONS = [
    ("resistance", "NetworkX resistance_distance", by_networkx, "grid_2d", ["width=30", "height=30"]),
    ("resistance", "NumPy dense inverse", by_dense_inverse, "grid_2d", ["width=50", "height=50"]),
    ("resistance", "NumPy dense inverse", by_dense_inverse, "geometric", ["nodes=3000", "degree=10", "component=largest"]),
    ("resistance", "SciPy splu + solves", by_splu, "grid_2d", ["width=300", "height=300"]),
    ("resistance", "SciPy splu + solves", by_splu, "geometric", ["nodes=50000", "degree=8", "component=largest"]),
    ("resistance", "SciPy splu + solves", by_splu, "rmat", ["scale=12", "component=largest"]),
    ("spectrum", "SciPy eigsh shift-invert", by_eigsh, "grid_2d", ["width=300", "height=301"]),
    ("spectrum", "SciPy eigsh shift-invert", by_eigsh, "geometric", ["nodes=50000", "degree=10", "component=largest"]),
]


def compare(program, rounds, command, peer, function, graph, values):
    extra = ["--method", "exact", "samples=0"] if command == "resistance" else ["-k", "4", "trees=false", "moments=0"]
    own, other, worst = [], [], 0.0
    for _ in range(rounds):
        seconds, arrays = myopia(program, command, graph, *values, *extra)
        edges = arrays["edges"]
        place = {int(v): i for i, v in enumerate(np.unique(edges))}
        edges = np.vectorize(place.get)(edges)
        theirs, which, answer = function(edges)
        mine = arrays["resistance" if command == "resistance" else "eigenvalues"][which]
        worst = max(worst, float(np.max(np.abs(mine - answer) / np.abs(answer))))
        own.append(seconds)
        other.append(theirs)
    if worst > 1e-6:
        sys.exit(f"{command} {graph}: the answers differ by {worst:.2g}; no time is printed")
    mine, theirs = float(np.median(own)), float(np.median(other))
    print(f"{command:10} {graph + ' ' + ' '.join(values):48} m {len(edges):8}  myopia {mine:9.4f} s  {peer:30} {theirs:11.4f} s  "
          f"ratio {theirs / mine:9.0f}  largest relative difference {worst:.1e}", flush=True)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    for comparison in COMPARISONS:
        compare(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 3, *comparison)


if __name__ == "__main__":
    main()
