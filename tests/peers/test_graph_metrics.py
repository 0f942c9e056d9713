# SPDX-License-Identifier: BSD-2-Clause
"""NetworkX and NumPy as oracles of the statistics of sets of graphs. The discrepancies are written here once more, from the evaluation code
of GraphRNN and DiGress: NetworkX statistics, NumPy histograms, gaussian_tv over all pairs. $GRAPH_METRICS_DRIVER is the program that reads
sets from a file and prints what the library says (tests/graph_metrics_driver.c)."""
import itertools
import math
import os
import subprocess
import tempfile
import unittest

import networkx as nx
import numpy as np
from networkx.algorithms.isomorphism import categorical_edge_match, categorical_node_match


def packed(graphs, with_nodes=False):
    """A set as the driver reads it; vertices of a graph are 0 .. k - 1, classes are attributes `c`."""
    n = max([len(g) for g in graphs], default=1)
    size = np.array([len(g) for g in graphs], dtype=np.uint8)
    node, edge = np.zeros((len(graphs), n), dtype=np.uint8), np.zeros((len(graphs), n * (n - 1) // 2), dtype=np.uint8)
    for row, g in enumerate(graphs):
        for v, c in g.nodes(data="c", default=0):
            node[row, v] = c
        for u, v, c in g.edges(data="c", default=1):
            i, j = min(u, v), max(u, v)
            edge[row, j * (j - 1) // 2 + i] = c
    head = np.array([n, len(graphs), with_nodes], dtype=np.int64)
    return head.tobytes() + size.tobytes() + (node.tobytes() if with_nodes else b"") + edge.tobytes()


def call(*sets, most=10 ** 6, with_nodes=False, law=()):
    with tempfile.NamedTemporaryFile() as file:
        for graphs in sets:
            file.write(packed(graphs, with_nodes))
        file.flush()
        out = subprocess.run([os.environ["GRAPH_METRICS_DRIVER"], file.name, str(most), *map(str, law)], stdout=subprocess.PIPE, check=True,
                             text=True).stdout
    return {name: np.array(values, dtype=float) for name, *values in (line.split() for line in out.splitlines())}


def shuffled(rng, g):
    return nx.relabel_nodes(g, dict(zip(range(len(g)), map(int, rng.permutation(len(g))))))


def random_graph(rng, n, p):
    return nx.gnp_random_graph(n, p, seed=int(rng.integers(1 << 30)))


def barbell(rng, k, eps):
    g = nx.disjoint_union(random_graph(rng, k, 0.95), random_graph(rng, k, 0.95))
    if rng.random() < eps:
        g.add_edge(k - 1, k)
    return g


def mixed_set(rng, count, largest):
    return [random_graph(rng, int(rng.integers(1, largest + 1)), rng.random() ** 2) for _ in range(count)]


# The field's formulas.
def gaussian_tv(x, y, sigma):
    size = max(len(x), len(y))
    x, y = (np.hstack((z, np.zeros(size - len(z)))) for z in (x, y))
    distance = np.abs(x - y).sum() / 2
    return np.exp(-distance * distance / (2 * sigma * sigma))


def discrepancy(xs, ys, sigma):
    xs, ys = ([z / z.sum() for z in zs] for zs in (xs, ys))
    mean = [np.mean([gaussian_tv(a, b, sigma) for a in p for b in q]) for p, q in ((xs, xs), (ys, ys), (xs, ys))]
    return mean[0] + mean[1] - 2 * mean[2]


def degree_histogram(g):
    return np.array(nx.degree_histogram(g), dtype=float)


def clustering_histogram(g):
    return np.histogram(list(nx.clustering(g).values()), bins=100, range=(0.0, 1.0))[0].astype(float)


def spectrum_histogram(g):
    values = np.linalg.eigvalsh(nx.normalized_laplacian_matrix(g).toarray())
    return np.histogram(np.clip(values, 0, 2), bins=200, range=(-1e-5, 2))[0].astype(float)


def cycle_histogram(g):
    """4-cycles as quadruples of a walk, triangles by NetworkX."""
    a = nx.to_numpy_array(g, nodelist=range(len(g)), dtype=int)
    common = a @ a
    np.fill_diagonal(common, 0)
    squares = (common * (common - 1) // 2).sum(axis=1)
    triangles = [t for _, t in sorted(nx.triangles(g).items())]
    bins = np.zeros((2, 32))
    for row, counts in enumerate((triangles, squares)):
        for c in counts:
            bins[row, min(31, int(c) if c < 8 else 8 + math.floor(2 * math.log2(c / 8) + 1e-12))] += 1
    return bins.ravel()


LAWS = [(degree_histogram, 1), (clustering_histogram, 0.1), (cycle_histogram, 1), (spectrum_histogram, 1)]


class Peers(unittest.TestCase):
    def same(self, expected, got, name, tolerance=0.0):
        expected, got = np.asarray(expected, dtype=float), np.asarray(got, dtype=float)
        self.assertEqual(expected.shape, got.shape, name)
        off = np.abs(expected - got)
        worst = int(off.argmax()) if off.size else 0
        self.assertTrue(off.size == 0 or off.max() <= tolerance,
                        f"{name}: graph {worst}: expected {expected.ravel()[worst]}, got {got.ravel()[worst]}, tolerance {tolerance}")

    def test_counts(self):
        rng = np.random.default_rng(1)
        for name, graphs in [("mixed", mixed_set(rng, 150, 20)), ("large", mixed_set(rng, 60, 64)),
                             ("barbells", [shuffled(rng, barbell(rng, 8, 0.5)) for _ in range(40)])]:
            got = call(graphs)
            self.same([nx.is_connected(g) for g in graphs], got["connected"], "connected " + name)
            self.same([g.number_of_edges() for g in graphs], got["edges"], "edges " + name)
            spectra = [np.linalg.eigvalsh(nx.laplacian_matrix(g).toarray().astype(float)) for g in graphs]
            second = [s[1] if len(s) > 1 and nx.is_connected(g) else 0 for s, g in zip(spectra, graphs)]
            self.same(second, got["lambda2"], "lambda2 " + name, 1e-10)

    def test_bisection(self):
        """All halves, as products of the adjacency matrix with the sides."""
        rng = np.random.default_rng(2)
        graphs = mixed_set(rng, 40, 10) + [random_graph(rng, n, 0.4) for n in (11, 12, 13, 14, 15, 16)]
        graphs += [shuffled(rng, barbell(rng, 8, 0.5)) for _ in range(3)] + [nx.complete_graph(16), nx.empty_graph(16), nx.path_graph(17)]
        expected = []
        for g in graphs:
            n, a = len(g), nx.to_numpy_array(g, nodelist=range(len(g)))
            side = np.array([np.bincount(half, minlength=n) for half in itertools.combinations(range(n), n // 2)]) if n > 1 else None
            expected.append(-1 if n > 16 else 0 if n < 2 else ((side @ a) * (1 - side)).sum(axis=1).min())
        self.same(expected, call(graphs)["bisection"], "bisection")

    def test_distances(self):
        rng = np.random.default_rng(3)
        bipartite = [nx.complete_bipartite_graph(a, b) for a, b in ((1, 1), (3, 4), (5, 5), (1, 9))] + [nx.hypercube_graph(4)]
        bipartite = [nx.convert_node_labels_to_integers(g) for g in bipartite]
        cases = [("one size", [barbell(rng, 6, 0.3) for _ in range(25)], [barbell(rng, 6, 0.9) for _ in range(30)]),
                 ("sizes differ", mixed_set(rng, 30, 24), mixed_set(rng, 20, 40)),
                 ("large", [random_graph(rng, 64, 0.1) for _ in range(6)], [random_graph(rng, 60, 0.9) for _ in range(7)]),
                 ("bipartite", bipartite, mixed_set(rng, 10, 9)),
                 ("single graphs", [nx.empty_graph(1)], [nx.cycle_graph(5)])]
        for name, x, y in cases:
            got = call(x, y)["distances"]
            for k, (law, sigma) in enumerate(LAWS):
                expected = discrepancy(list(map(law, x)), list(map(law, y)), sigma)
                self.same([expected], [got[k]], f"{law.__name__} {name}", 1e-12)
        x, y = cases[1][1:]
        self.same(call(x[:11], y[:11])["distances"], call(x, y, most=11)["distances"], "the first 11")
        self.same(np.zeros(4), call(x, x)["distances"], "identical sets")

    def check_classes(self, graphs, name, with_nodes=False):
        node, edge = categorical_node_match("c", 0), categorical_edge_match("c", 1)
        first = []
        for i, g in enumerate(graphs):
            alike = (j for j in sorted(set(first)) if len(graphs[j]) == len(g) and graphs[j].size() == g.size() and
                     nx.is_isomorphic(graphs[j], g, node_match=node if with_nodes else None, edge_match=edge))
            first.append(next(alike, i))
        self.same(first, call(graphs, with_nodes=with_nodes)["class"], "classes of " + name)

    def test_small_classes(self):
        rng = np.random.default_rng(4)
        self.check_classes([random_graph(rng, int(rng.integers(1, 6)), 0.5) for _ in range(300)], "small graphs")
        atlas = [g for g in nx.graph_atlas_g() if 5 <= len(g) <= 6]
        self.check_classes(atlas + [shuffled(rng, g) for g in atlas], "all graphs with 5 and 6 vertices")
        self.assertEqual(len(set(call(atlas)["class"])), len(atlas))
        self.check_classes([shuffled(rng, barbell(rng, 5, 0.5)) for _ in range(120)], "barbells")
        regular = [nx.random_regular_graph(3, 10, seed=s) for s in range(150)]
        self.check_classes(regular, "cubic graphs")

    def test_classes_with_labels(self):
        rng = np.random.default_rng(5)
        graphs = []
        for _ in range(200):
            g = random_graph(rng, int(rng.integers(2, 5)), 0.6)
            nx.set_node_attributes(g, {v: int(rng.integers(3)) for v in g}, "c")
            nx.set_edge_attributes(g, {e: int(rng.integers(1, 4)) for e in g.edges}, "c")
            graphs.append(g)
        self.check_classes(graphs, "vertex and edge classes", with_nodes=True)
        self.check_classes(graphs, "edge classes")
        # The complete graph with one class on the edges of a hard graph and another elsewhere.
        coloured = []
        for g in (nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(4)), nx.cycle_graph(7), nx.cycle_graph(7)):
            k = nx.complete_graph(7)
            nx.set_edge_attributes(k, {e: 5 if g.has_edge(*e) else 2 for e in k.edges}, "c")
            coloured.append(shuffled(rng, k))
        self.same([0, 1, 1], call(coloured)["class"], "two classes everywhere")

    @staticmethod
    def composed(rng):
        """Pieces that look alike, beside each other or joined, by everything or a matching, in one class or another; or the complement."""
        pieces = [nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)), nx.complete_bipartite_graph(3, 3),
                  nx.circular_ladder_graph(3), nx.path_graph(3), nx.cycle_graph(3)]
        parts = [pieces[int(rng.choice(len(pieces)))] for _ in range(2)]
        g, n = nx.disjoint_union(*parts), len(parts[0])
        nx.set_edge_attributes(g, 1, "c")
        between, way = int(rng.integers(1, 3)), int(rng.integers(3))
        if way == 1:
            g.add_edges_from(((u, v) for u in range(n) for v in range(n, len(g))), c=between)
        if way == 2:
            g.add_edges_from(zip(range(n), range(n, len(g))), c=between)
        if rng.random() < 0.3:
            g = nx.complement(g)
            nx.set_edge_attributes(g, 1, "c")
        return shuffled(rng, g)

    def test_composed_classes(self):
        rng = np.random.default_rng(8)
        self.check_classes([self.composed(rng) for _ in range(300)], "composed graphs")
        doubled = [nx.disjoint_union(g, h) for g, h in zip(*([self.composed(rng) for _ in range(40)] for _ in range(2)))]
        self.check_classes([shuffled(rng, g) for g in doubled + doubled], "pairs of composed graphs")

    def test_found(self):
        rng = np.random.default_rng(6)
        x, y = ([random_graph(rng, int(rng.integers(1, 6)), 0.5) for _ in range(60)] for _ in range(2))
        y = y[:12]
        got = call(x, y)
        found = [any(nx.is_isomorphic(g, h) for h in y) for g in x]
        classes = [i for i, c in enumerate(got["class"]) if c == i]
        self.same(found, got["found"], "found")
        self.same([len(classes) / 60, np.mean([not found[i] for i in classes])], got["novelty"], "novelty", 1e-15)

    def test_planar(self):
        rng = np.random.default_rng(7)
        graphs = [random_graph(rng, n := int(rng.integers(4, 30)), min(1.0, rng.uniform(1, 5) / n)) for _ in range(400)]
        for seed in [nx.complete_graph(5), nx.complete_bipartite_graph(3, 3)] * 15:
            graphs += self.subdivided(rng, seed)
        graphs += [nx.petersen_graph(), nx.wheel_graph(40), nx.convert_node_labels_to_integers(nx.grid_2d_graph(8, 8)), nx.path_graph(1)]
        graphs += [self.triangulation(rng, n) for n in (5, 20, 64, 64)]
        graphs += [self.joined(rng) for _ in range(20)]
        graphs = [shuffled(rng, g) for g in graphs]
        expected = [nx.check_planarity(g)[0] for g in graphs]
        self.assertTrue(100 < sum(expected) < len(graphs) - 100)
        self.same(expected, call(graphs)["planar"], "planar")

    @staticmethod
    def subdivided(rng, g):
        """A subdivision with pendant paths, and the same without one of its edges (which is planar)."""
        g = g.copy()
        for _ in range(int(rng.integers(30))):
            u, v = list(g.edges)[int(rng.integers(g.size()))]
            w = len(g)
            g.remove_edge(u, v)
            g.add_edges_from([(u, w), (w, v)])
        less = g.copy()
        less.remove_edge(*list(g.edges)[int(rng.integers(g.size()))])
        return [g, less]

    @staticmethod
    def triangulation(rng, n):
        """Vertices put one by one into random faces: maximal planar."""
        g, faces = nx.complete_graph(3), [(0, 1, 2), (0, 1, 2)]
        for v in range(3, n):
            a, b, c = faces.pop(int(rng.integers(len(faces))))
            g.add_edges_from([(v, a), (v, b), (v, c)])
            faces += [(v, a, b), (v, b, c), (v, a, c)]
        return g

    def joined(self, rng):
        """Planar blocks that share cut vertices, and sometimes one that is not planar."""
        g = self.triangulation(rng, 12)
        for _ in range(3):
            part = nx.complete_graph(5) if rng.random() < 0.2 else self.triangulation(rng, int(rng.integers(4, 12)))
            v, shift = int(rng.integers(len(g))), len(g)
            g = nx.compose(g, nx.relabel_nodes(part, {w: v if w == 0 else w + shift - 1 for w in part}))
        return g


if __name__ == "__main__":
    unittest.main()
