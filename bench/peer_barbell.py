# SPDX-License-Identifier: BSD-2-Clause
"""Experiment I as a researcher would write it with NumPy and NetworkX: score, keep the top 28 of 57 edges with random tie-breaking,
build the graph, test its connectivity, and take lambda2 of the connected ones. Prints microseconds a trial for each method (thread
CPU time, median over rounds in which the methods take turns), and checks the connectivity against its exact value.

    peer_barbell.py [TRIALS [ROUNDS]]"""
import sys
import time

import networkx as nx
import numpy as np

SIZE, KEEP = 8, 28
EXACT = {"random": 0.4380, "standard": 0.0, "weighted": 0.8917, "oracle": 0.8917}


def laplacian(g):
    """Dense, by way of nx.to_numpy_array: ten times as fast as nx.laplacian_matrix at this size."""
    adjacency = nx.to_numpy_array(g)
    return np.diag(adjacency.sum(axis=1)) - adjacency


def barbell():
    g = nx.disjoint_union(nx.complete_graph(SIZE), nx.complete_graph(SIZE))
    bridge = (SIZE - 1, SIZE)
    g.add_edge(*bridge)
    return g, bridge


def scores(g, bridge):
    """Score of each edge, by method; rounded, so that equivalent edges tie in spite of round-off."""
    edges = list(g.edges)
    inverse = np.linalg.pinv(laplacian(g))
    resistance = np.array([inverse[u, u] + inverse[v, v] - 2 * inverse[u, v] for u, v in edges])
    frequency = np.array([0.05 if e == bridge else 0.95 for e in edges])
    by_method = {"random": np.zeros(len(edges)), "standard": frequency, "weighted": frequency + 10 * resistance, "oracle": resistance}
    return np.array(edges), {name: np.round(score, 9) for name, score in by_method.items()}


def trial(edges, score, n, whole, rng):
    order = np.lexsort((rng.random(len(score)), -score))
    h = nx.Graph()
    h.add_nodes_from(range(n))
    h.add_edges_from(edges[order[:KEEP]].tolist())
    if not nx.is_connected(h):
        return 0, 0.0, 1.0
    second = np.linalg.eigvalsh(laplacian(h))[1]
    return 1, second, abs(second - whole) / whole


def main(trials, rounds):
    g, bridge = barbell()
    edges, by_method = scores(g, bridge)
    whole = np.linalg.eigvalsh(laplacian(g))[1]
    rng = np.random.default_rng(1)
    seconds = {name: [] for name in by_method}
    connected = {name: 0 for name in by_method}
    for _ in range(rounds):
        for name, score in by_method.items():
            start = time.thread_time()
            for _ in range(trials):
                connected[name] += trial(edges, score, len(g), whole, rng)[0]
            seconds[name].append((time.thread_time() - start) / trials)
    status = 0
    for name, times in seconds.items():
        p, n = EXACT[name], trials * rounds
        ok = abs(connected[name] / n - p) <= 4 * (p * (1 - p) / n) ** 0.5 + 1e-4
        status = status if ok else 1
        verdict = "ok" if ok else "INVALID"
        print(f"{name:10s} {1e6 * np.median(times):8.1f} us/trial   connected {connected[name] / n:.4f} exact {p:.4f} {verdict}")
    return status


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, int(sys.argv[2]) if len(sys.argv) > 2 else 3))
