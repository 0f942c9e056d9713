# SPDX-License-Identifier: BSD-2-Clause
"""The statistics of sets of graphs against NetworkX and NumPy in one run, interleaved: medians of thread CPU time of one set (distances:
two) and their ratios, and the largest difference of the values.

    compare_graph_metrics.py BENCH_GRAPH_METRICS [ROUNDS] [GRAPHS]

BENCH_GRAPH_METRICS is the program bench_graph_metrics of a build. Sets are permuted barbells of two G(8, 0.95) with a bridge in every
fifth. Peers: is_connected; all 6,435 halves as one NumPy product; eigvalsh of the Laplacian; the discrepancies as GraphRNN and DiGress
compute them, pair by pair (NetworkX statistics, their gaussian_tv), and with all pairs at once in NumPy ("vectorised"); is_isomorphic with
one representative of every class (graphs of one degree sequence alone); check_planarity. NetworkX gets its graphs ready made."""
import itertools
import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import networkx as nx  # noqa: E402
import numpy as np  # noqa: E402

K = 8
SIDES = np.array([np.bincount((0,) + half, minlength=2 * K) for half in itertools.combinations(range(1, 2 * K), K - 1)], dtype=np.float32)


def barbell(rng):
    parts = [nx.gnp_random_graph(K, 0.95, seed=int(rng.integers(1 << 30))) for _ in range(2)]
    g = nx.disjoint_union(*parts)
    if rng.random() < 0.2:
        g.add_edge(K - 1, K)
    return nx.relabel_nodes(g, dict(zip(range(2 * K), map(int, rng.permutation(2 * K)))))


def packed(graphs):
    edge = np.zeros((len(graphs), K * (2 * K - 1)), dtype=np.uint8)
    for row, g in enumerate(graphs):
        for u, v in g.edges:
            i, j = min(u, v), max(u, v)
            edge[row, j * (j - 1) // 2 + i] = 1
    return np.array([2 * K, len(graphs), 0], dtype=np.int64).tobytes() + bytes([2 * K]) * len(graphs) + edge.tobytes()


def bisection(g):
    a = nx.to_numpy_array(g, dtype=np.float32)
    return ((SIDES @ a) * (1 - SIDES)).sum(axis=1).min()


def lambda2(g):
    return np.linalg.eigvalsh(nx.laplacian_matrix(g).toarray().astype(float))[1] if nx.is_connected(g) else 0


def degrees(g):
    return np.array(nx.degree_histogram(g), dtype=float)


def clustering(g):
    return np.histogram(list(nx.clustering(g).values()), bins=100, range=(0.0, 1.0))[0].astype(float)


def cycles(g):
    a = nx.to_numpy_array(g, nodelist=range(len(g)), dtype=int)
    common = a @ a
    np.fill_diagonal(common, 0)
    bins = np.zeros((2, 32))
    for row, counts in enumerate(((a * common).sum(axis=1) // 2, (common * (common - 1) // 2).sum(axis=1))):
        for c in counts:
            bins[row, min(31, c if c < 8 else 2 + (int(c) ** 2).bit_length() - 1)] += 1
    return bins.ravel()


def spectrum(g):
    values = np.linalg.eigvalsh(nx.normalized_laplacian_matrix(g).toarray())
    return np.histogram(np.clip(values, 0, 2), bins=200, range=(-1e-5, 2))[0].astype(float)


LAWS = [(degrees, 1), (clustering, 0.1), (cycles, 1), (spectrum, 1)]


def gaussian_tv(x, y, sigma):
    size = max(len(x), len(y))
    x, y = (np.hstack((z, [0.0] * (size - len(z)))) for z in (x, y))
    distance = np.abs(x - y).sum() / 2.0
    return np.exp(-distance * distance / (2 * sigma * sigma))


def mean_pairwise(xs, ys, sigma):
    return np.mean([gaussian_tv(x, y, sigma) for x in xs for y in ys])


def mean_vectorised(xs, ys, sigma):
    size = max(map(len, xs + ys))
    a, b = (np.array([np.hstack((z, np.zeros(size - len(z)))) for z in zs]) for zs in (xs, ys))
    distance = np.array([np.abs(row - b).sum(axis=1) / 2 for row in a])
    return np.exp(-distance ** 2 / (2 * sigma * sigma)).mean()


def distances(x, y, mean):
    out = []
    for law, sigma in LAWS:
        xs, ys = ([h / h.sum() for h in map(law, graphs)] for graphs in (x, y))
        out.append(mean(xs, xs, sigma) + mean(ys, ys, sigma) - 2 * mean(xs, ys, sigma))
    return out


def classes(graphs):
    first, out = {}, []
    for i, g in enumerate(graphs):
        alike = first.setdefault(tuple(sorted(d for _, d in g.degree)), [])
        match = next((j for j in alike if nx.is_isomorphic(graphs[j], g)), i)
        if match == i:
            alike.append(i)
        out.append(match)
    return out


PEERS = {
    "connected": lambda x, y: [nx.is_connected(g) for g in x],
    "bisection": lambda x, y: [bisection(g) for g in x],
    "lambda2": lambda x, y: [lambda2(g) for g in x],
    "distances": lambda x, y: distances(x, y, mean_pairwise),
    "distances, vectorised": lambda x, y: distances(x, y, mean_vectorised),
    "classes": lambda x, y: classes(x),
    "planar": lambda x, y: [nx.check_planarity(g)[0] for g in x],
}


def ours(program, path):
    """{term: (seconds, values)} of one run."""
    out = subprocess.run([program, "--sets", path, "5"], stdout=subprocess.PIPE, check=True, text=True).stdout
    lines = (line.split() for line in out.splitlines())
    return {term: (float(seconds), np.array(values, dtype=float)) for term, seconds, *values in lines}


def main():
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    rounds, count = (int(sys.argv[k]) if len(sys.argv) > k else default for k, default in ((2, 3), (3, 200)))
    rng = np.random.default_rng(1)
    x, y = ([barbell(rng) for _ in range(count)] for _ in range(2))
    times, off = {}, {}
    with tempfile.NamedTemporaryFile() as file:
        file.write(packed(x) + packed(y))
        file.flush()
        for _ in range(rounds):
            our = ours(sys.argv[1], file.name)
            for term, peer in PEERS.items():
                seconds, values = our[term.split(",")[0]]
                begin = time.thread_time()
                expected = np.array(peer(x, y), dtype=float)
                times.setdefault(term, []).append((seconds, time.thread_time() - begin))
                off[term] = np.abs(values - expected).max()
    for term, samples in times.items():
        mine, peer = np.median(np.array(samples), axis=0)
        print(f"{count} graphs, n={2 * K}, {term}: ours {1e3 * mine:.3f} ms, peer {1e3 * peer:.1f} ms, peer/ours {peer / mine:.0f}, "
              f"differs by {off[term]:.1e}")


if __name__ == "__main__":
    main()
