# SPDX-License-Identifier: BSD-2-Clause
"""NetworkX, SciPy and NumPy as oracles of small graphs: components, bridges, shortest ways around, cycles (powers of the adjacency
matrix), Laplacian spectra and projectors, effective resistances by pseudo-inverses; and what kind of graphs the generators make (trees,
planar graphs). $GRAPH_SET_DRIVER is the program that reads a set of graphs and prints what the library says
(tests/graph_set_driver.c)."""
import os
import subprocess
import tempfile
import unittest

import networkx as nx
import numpy as np


def pairs(n):
    return [(i, j) for j in range(n) for i in range(j)]


def driver(*words):
    return subprocess.run([os.environ["GRAPH_SET_DRIVER"], *words], stdout=subprocess.PIPE, check=True, text=True).stdout


def features(graphs):
    """One dictionary a graph: quantity -> numbers."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        for graph in graphs:
            file.write(f"graph {len(graph)}\n" + "".join(f"{u} {v}\n" for u, v in graph.edges))
        file.flush()
        out = driver("features", file.name)
    found = []
    for line in out.splitlines():
        name, *values = line.split()
        if name == "component":
            found.append({})
        found[-1][name] = np.array(values, dtype=float)
    assert len(found) == len(graphs)
    return found


def generated(kind, sizes, eps, intra, permute, count):
    graphs = []
    for line in driver("generate", kind, sizes, str(eps), str(intra), str(permute), str(count)).splitlines():
        words = line.split()
        if words[0] == "graph":
            graphs.append(nx.empty_graph(int(words[1])))
        else:
            graphs[-1].add_edge(int(words[0]), int(words[1]))
    return graphs


def cycles(adjacency):
    """Cycles of length 3, 4, 5 through every vertex, from closed walks less those that come back on themselves."""
    a, degree = adjacency, adjacency.sum(axis=1)
    a2, a3 = a @ a, a @ a @ a
    three = np.diag(a3) / 2
    four = (np.diag(a3 @ a) - degree * (degree - 1) - a @ degree) / 2
    five = (np.diag(a3 @ a2) - np.diag(a3) * (2 * degree - 1) - a @ np.diag(a3) - 2 * (a * a2) @ (degree - 2)) / 2
    return three, four, five


def around(graph, u, v):
    other = graph.copy()
    other.remove_edges_from([(u, v)])
    return nx.shortest_path_length(other, u, v) if nx.has_path(other, u, v) else 0


def some_graphs():
    rng = np.random.default_rng(3)
    graphs = [nx.gnp_random_graph(int(n), float(p), seed=int(s)) for n, p, s in
              zip(rng.integers(1, 30, 40), rng.uniform(0.03, 0.6, 40), rng.integers(0, 1 << 30, 40))]
    graphs += [nx.petersen_graph(), nx.cycle_graph(30), nx.complete_graph(12), nx.barbell_graph(9, 0), nx.hypercube_graph(4),
               nx.disjoint_union(nx.cycle_graph(5), nx.path_graph(6)), nx.empty_graph(5), nx.gnp_random_graph(64, 0.1, seed=1)]
    return [nx.convert_node_labels_to_integers(graph) for graph in graphs]


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.graphs = some_graphs()
        cls.found = features(cls.graphs)

    def near(self, expected, got, tolerance, name):
        expected, got = np.asarray(expected, dtype=float), np.asarray(got, dtype=float)
        self.assertEqual(expected.shape, got.shape, name)
        worst = np.max(np.abs(expected - got), initial=0)
        self.assertTrue(worst <= tolerance, f"{name}: expected {expected}, got {got}, differs by {worst:.3g}, tolerance {tolerance:.3g}")

    def each(self):
        for k, (graph, found) in enumerate(zip(self.graphs, self.found)):
            yield f"graph {k} of {len(graph)} vertices: ", graph, found

    def test_components_and_bridges(self):
        for name, graph, found in self.each():
            component = np.zeros(len(graph))
            for k, part in enumerate(sorted(nx.connected_components(graph), key=min)):
                component[list(part)] = k
            self.near(component, found["component"], 0, name + "components")
            bridges = {tuple(sorted(edge)) for edge in nx.bridges(graph)}
            self.near([pair in bridges for pair in pairs(len(graph))], found["bridges"], 0, name + "bridges")

    def test_ways_around(self):
        for name, graph, found in self.each():
            self.near([around(graph, u, v) for u, v in pairs(len(graph))], found["detours"], 0, name + "ways around")

    def test_cycles(self):
        for name, graph, found in self.each():
            self.near(list(nx.triangles(graph).values()), found["triangles"], 0, name + "triangles (NetworkX)")
            for expected, what in zip(cycles(nx.to_numpy_array(graph)), ["triangles", "squares", "pentagons"]):
                self.near(expected, found[what], 0, name + what)

    def test_spectra(self):
        for name, graph, found in self.each():
            self.near(nx.laplacian_spectrum(graph) if len(graph) else [], found["spectrum"], 1e-11, name + "spectrum")
            self.near(np.sort(nx.normalized_laplacian_spectrum(graph)), found["normalised"], 1e-11, name + "normalised spectrum")

    def test_spectral_features(self):
        for name, graph, found in self.each():
            n, value = len(graph), np.zeros(5)
            laplacian = nx.laplacian_matrix(graph).toarray().astype(float)
            values, vectors = np.linalg.eigh(laplacian)
            value[:min(n, 5)] = values[:5]
            self.near(value / n, found["graph"], 1e-6, name + "lowest eigenvalues")
            node, pair = found["node"].reshape(n, 2), found["pair"].reshape(-1, 3)
            levels = []
            for x in values[values > 1e-8]:
                if not levels or x - levels[-1][-1] > 1e-6:
                    levels.append([])
                levels[-1].append(x)
            for k in range(2):
                space = vectors[:, [np.any(np.abs(x - levels[k]) < 1e-12) for x in values]] if k < len(levels) else np.zeros((n, 1))
                projector = space @ space.T * n / (10 * space.shape[1])
                self.near(np.diag(projector), node[:, k], 2e-6, name + f"projector {k} of vertices")
                self.near([projector[u, v] for u, v in pairs(n)], pair[:, k], 2e-6, name + f"projector {k} of pairs")

    def test_resistances(self):
        for name, graph, found in self.each():
            inverse = np.linalg.pinv(nx.laplacian_matrix(graph).toarray().astype(float), hermitian=True)
            expected = [(inverse[u, u] + inverse[v, v] - 2 * inverse[u, v]) * graph.has_edge(u, v) for u, v in pairs(len(graph))]
            self.near(expected, found["resistance"], 1e-11, name + "resistances")

    def test_features_of_pairs(self):
        for name, graph, found in self.each():
            n, rows = len(graph), []
            for u, v in pairs(n):
                way = around(graph, u, v)
                bucket = 4 if way == 0 else 3 if way > 4 else way - 2
                common = len(list(nx.common_neighbors(graph, u, v)))
                rows.append([(graph.degree(u) + graph.degree(v)) / n, abs(graph.degree(u) - graph.degree(v)) / n, common / n,
                             *(float(k == bucket) for k in range(5))])
            self.near(np.array(rows).reshape(-1), found["pair_features"], 1e-6, name + "features of pairs")

    def test_generated_kinds(self):
        for graph in generated("trees", "9,14", 0.5, 0, 1, 50):
            self.assertTrue(nx.is_forest(graph) and nx.number_connected_components(graph) <= 2)
        for graph in generated("planar", "20,25", 0.5, 0, 1, 30):
            self.assertTrue(nx.check_planarity(graph)[0])
        sizes = [graph.number_of_edges() for graph in generated("barbell", "6,6", 0.3, 1, 1, 200)]
        self.assertEqual(set(sizes), {30, 31})
        joined = np.mean([nx.is_connected(graph) for graph in generated("stochastic_block", "5,5", 0.4, 1, 1, 2000)])
        self.assertTrue(abs(joined - 0.4) < 5 * np.sqrt(0.24 / 2000), f"blocks are joined in {joined}, expected 0.4")


if __name__ == "__main__":
    unittest.main()
