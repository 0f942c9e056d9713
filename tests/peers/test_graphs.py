# SPDX-License-Identifier: BSD-2-Clause
"""Graphs as NetworkX, NumPy and SciPy see them, against the results files of `resistance`, `spectrum` and `sparsify`: resistances, bridges,
blocks, spectra, spanning trees, quadratic forms; files of every format; one and two ranks."""
import gzip
import sys
import unittest
from pathlib import Path

import h5py
import networkx as nx
import numpy as np
import scipy.io
import scipy.linalg
import scipy.sparse

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import ROOT, SystemTest

GENERATORS = {
    "grid_2d": {"width": 9, "height": 7}, "barbell": {"clique_size": 6, "bridges": 2}, "chain": {"clique_size": 5, "cliques": 4},
    "erdos_renyi": {"nodes": 120, "degree": 2.5}, "watts_strogatz": {"nodes": 90, "degree": 6},
    "barabasi_albert": {"nodes": 100, "degree": 3}, "stochastic_block": {"nodes": 100, "blocks": 3},
    "geometric": {"nodes": 150, "degree": 7}, "rmat": {"scale": 7, "edge_factor": 6}, "hypercube": {"dimension": 5},
    "torus": {"width": 5, "height": 8}, "delaunay": {"nodes": 80}, "grid_3d": {"width": 4, "height": 3, "depth": 5},
}


def sets(values):
    return [f"{name}={value}" for name, value in values.items()]


def array(file, name):
    with h5py.File(file, "r") as f:
        return f["arrays"][name][0]


def metric(file, name):
    with h5py.File(file, "r") as f:
        return f["metrics"][name][0]


def networkx_graph(edges, weights=None):
    g = nx.Graph()
    g.add_weighted_edges_from([(int(u), int(v), 1.0 if weights is None else float(w)) for (u, v), w in
                               zip(edges, edges[:, 0] if weights is None else weights)])
    return g


def laplacian(n, edges, weights):
    matrix = np.zeros((n, n))
    for (u, v), w in zip(edges, weights):
        matrix[u, u] += w
        matrix[v, v] += w
        matrix[u, v] -= w
        matrix[v, u] -= w
    return matrix


def resistances(g, edges):
    """By NumPy's pseudo-inverse, component by component."""
    result = {}
    for component in nx.connected_components(g):
        nodes = sorted(component)
        place = {node: i for i, node in enumerate(nodes)}
        inverse = np.linalg.pinv(nx.laplacian_matrix(g, nodelist=nodes, weight="weight").toarray().astype(float), hermitian=True)
        for u, v in g.subgraph(component).edges:
            i, j = place[u], place[v]
            result[frozenset((u, v))] = inverse[i, i] + inverse[j, j] - 2 * inverse[i, j]
    return np.array([result[frozenset((int(u), int(v)))] for u, v in edges])


class GraphTest(SystemTest):
    def resistance(self, graph, *more, ranks=None, code=0):
        out = self.dir / f"r{len(list(self.dir.iterdir()))}.h5"
        done = self.ok("resistance", graph, *more, "--out", out, ranks=ranks, code=code)
        self.assertIn("VALID", self.result(done))
        return out

    def compare(self, file, tolerance=1e-10):
        """Everything of a resistance file that NetworkX and NumPy also know."""
        edges, weights = array(file, "edges"), array(file, "weight")
        g = networkx_graph(edges, weights)
        self.assertEqual(g.number_of_edges(), len(edges), "edges repeat")
        np.testing.assert_allclose(array(file, "resistance"), resistances(g, edges), rtol=tolerance)
        bridges = {frozenset(e) for e in nx.bridges(g)}
        self.assertEqual([bool(b) for b in array(file, "bridge")], [frozenset((int(u), int(v))) in bridges for u, v in edges])
        self.assertEqual(metric(file, "bridges"), len(bridges))
        self.assertEqual(metric(file, "blocks"), len(list(nx.biconnected_component_edges(g))))
        self.assertEqual(metric(file, "components") - metric(file, "isolated"), nx.number_connected_components(g))
        return g


class Graphs(GraphTest):
    def test_generated_graphs(self):
        for name, values in GENERATORS.items():
            for weights in ("unit", "exponential"):
                with self.subTest(graph=name, weights=weights):
                    self.compare(self.resistance(name, *sets(values), f"weights={weights}", "--method", "exact"))

    def test_two_ranks_agree(self):
        for name in ("grid_2d", "erdos_renyi", "geometric"):
            one, two = (self.resistance(name, *sets(GENERATORS[name]), "--method", "exact", ranks=n) for n in (1, 2))
            np.testing.assert_array_equal(array(one, "edges"), array(two, "edges"))
            np.testing.assert_allclose(array(one, "resistance"), array(two, "resistance"), rtol=1e-10)

    def test_lattices_are_those_of_networkx(self):
        pairs = {"grid_2d": nx.grid_2d_graph(9, 7), "hypercube": nx.hypercube_graph(5), "torus": nx.grid_2d_graph(5, 8, periodic=True),
                 "grid_3d": nx.grid_graph([4, 3, 5])}
        for name, expected in pairs.items():
            g = networkx_graph(array(self.resistance(name, *sets(GENERATORS[name])), "edges"))
            self.assertTrue(nx.faster_could_be_isomorphic(g, expected), name)
            np.testing.assert_allclose(sorted(nx.laplacian_spectrum(g)), sorted(nx.laplacian_spectrum(expected)), atol=1e-9)

    def test_pairs(self):
        whole = self.resistance("grid_2d", "width=6", "height=5")
        pairs = self.dir / "pairs.txt"
        pairs.write_text("# far apart\n0 29\n3\t17\n8,8\n")
        file = self.resistance("grid_2d", "width=6", "height=5", "--pairs", pairs)
        g = networkx_graph(array(whole, "edges"))
        expected = [nx.resistance_distance(g, u, v) if u != v else 0 for u, v in ((0, 29), (3, 17), (8, 8))]
        np.testing.assert_allclose(array(file, "resistance"), expected, rtol=1e-9)
        pairs.write_text("0 1\n0 30\nx 1\n")
        told = self.ok("resistance", "grid_2d", "width=6", "height=5", "--pairs", pairs, "--out", self.dir / "no.h5", code=2).stderr
        self.assertIn("pairs.txt:2: the graph has no vertex 30", told)
        self.assertIn("pairs.txt:3: a line holds two vertex numbers", told)


class Files(GraphTest):
    def test_shipped_graphs(self):
        for name, nodes, edges in (("karate.txt", 34, 78), ("les_miserables.mtx", 77, 254), ("florentine_families.graph", 15, 20)):
            path = ROOT / "inputs" / "graphs" / name
            with self.subTest(file=name):
                file = self.resistance(path)
                self.compare(file)
                self.assertEqual((metric(file, "nodes"), metric(file, "edges")), (nodes, edges))
        karate = networkx_graph(array(self.resistance(ROOT / "inputs" / "graphs" / "karate.txt"), "edges"))
        self.assertTrue(nx.is_isomorphic(karate, nx.karate_club_graph()))

    def test_formats_agree(self):
        g = nx.gnm_random_graph(60, 150, seed=3)
        for i, (u, v) in enumerate(g.edges):
            g[u][v]["weight"] = 0.5 + i % 7
        nx.write_weighted_edgelist(g, self.dir / "g.txt")
        with gzip.open(self.dir / "g.txt.gz", "wb") as f:
            f.write((self.dir / "g.txt").read_bytes())
        matrix = nx.adjacency_matrix(g, nodelist=range(60)).astype(float)
        scipy.io.mmwrite(self.dir / "symmetric.mtx", scipy.sparse.coo_matrix(matrix), symmetry="symmetric")
        scipy.io.mmwrite(self.dir / "general.mtx", scipy.sparse.coo_matrix(matrix), symmetry="general")
        rows = [" ".join(f"{j + 1} {int(2 * g[i][j]['weight'])}" for j in sorted(g[i])) for i in range(60)]
        lines = ["60 150 1"] + rows
        (self.dir / "g.graph").write_text("\n".join(lines) + "\n")
        expected = None
        for name, scale in (("g.txt", 1), ("g.txt.gz", 1), ("symmetric.mtx", 1), ("general.mtx", 1), ("g.graph", 2)):
            file = self.resistance(self.dir / name)
            edges, r = array(file, "edges"), array(file, "resistance") * scale
            offset = 1 if name.endswith((".mtx", ".graph")) else 0 # both count from 1
            found = dict(zip(map(frozenset, (edges - offset).tolist()), r))
            expected = expected or found
            self.assertEqual(found.keys(), expected.keys(), name)
            for edge, value in found.items():
                self.assertAlmostEqual(value, expected[edge], delta=1e-10 * value, msg=name)

    def test_what_is_dropped_is_told(self):
        path = self.dir / "g.txt"
        path.write_text("# a comment\n5 9\n9 5\n5 5\n9 100\n100 5\n7 8\n")
        file = self.resistance(path)
        names = ("nodes", "edges", "components", "dropped_loops", "dropped_duplicates")
        self.assertEqual([metric(file, n) for n in names], [5, 4, 2, 1, 1])
        self.assertEqual(array(file, "edges").tolist(), [[5, 9], [5, 100], [7, 8], [9, 100]])
        largest = self.resistance(path, "component=largest")
        self.assertEqual([metric(largest, n) for n in ("nodes", "edges", "components")], [3, 3, 1])

    def test_faults_are_told_before_anything_is_written(self):
        path, out = self.dir / "bad.txt", self.dir / "no.h5"
        path.write_text("1 2\n2 3 nan\n3 4 -1\n4\n")
        told = self.ok("resistance", path, "--out", out, code=2).stderr
        for line in (2, 3, 4):
            self.assertIn(f"bad.txt:{line}:", told)
        self.assertFalse(out.exists())
        self.assertIn("no such file", self.ok("resistance", self.dir / "missing.txt", code=2).stderr.lower())
        path.write_text("")
        self.ok("resistance", path, code=2)
        self.ok("spectrum", path, code=2)


class Spectra(GraphTest):
    def spectrum(self, graph, *more, ranks=None):
        out = self.dir / f"s{len(list(self.dir.iterdir()))}.h5"
        self.assertIn("RESULT: VALID", self.result(self.ok("spectrum", graph, *more, "--out", out, ranks=ranks)))
        return out

    def test_spectra(self):
        for name, values in GENERATORS.items():
            for weights in ("unit", "uniform"):
                with self.subTest(graph=name, weights=weights):
                    more = [*sets(values), f"weights={weights}"]
                    file, whole = self.spectrum(name, "-k", 12, *more), self.resistance(name, *more)
                    n, edges, w = int(metric(file, "nodes")), array(whole, "edges"), array(whole, "weight")
                    values_, vectors = np.linalg.eigh(laplacian(n, edges, w))
                    scale = values_[-1]
                    np.testing.assert_allclose(array(file, "eigenvalues"), values_[:12], atol=1e-9 * scale)
                    components = int(metric(file, "components"))
                    positive = values_[components:]
                    if components < 12:
                        self.compare_fiedler(file, positive[0], laplacian(n, edges, w))
                    sizes = np.array([len(c) for c in nx.connected_components(networkx_graph(edges, w))])
                    trees = np.log(positive).sum() - np.log(sizes).sum()
                    self.assertAlmostEqual(metric(file, "log_spanning_trees"), trees, delta=1e-8 * max(1, abs(trees)))

    def compare_fiedler(self, file, value, matrix):
        scale, fiedler = np.abs(matrix).max(), array(file, "fiedler")
        self.assertAlmostEqual(metric(file, "fiedler_value"), value, delta=1e-9 * scale)
        self.assertLess(np.linalg.norm(matrix @ fiedler - value * fiedler), 1e-8 * scale)
        self.assertAlmostEqual(np.linalg.norm(fiedler), 1, delta=1e-12)

    def test_kirchhoff_index(self):
        graph = ("geometric", "nodes=120", "component=largest")
        file, whole = self.spectrum(*graph), self.resistance(*graph)
        n = int(metric(file, "nodes"))
        positive = np.linalg.eigvalsh(laplacian(n, array(whole, "edges"), array(whole, "weight")))[1:]
        self.assertAlmostEqual(metric(file, "kirchhoff_index") / (n * (1 / positive).sum()), 1, delta=1e-9)

    def test_density(self):
        file = self.spectrum("erdos_renyi", "nodes=400", "moments=64", "probes=64", "bins=50")
        whole = self.resistance("erdos_renyi", "nodes=400")
        x, density, error = (array(file, name) for name in ("density_x", "density", "density_stderr"))
        width = x[1] - x[0]
        self.assertAlmostEqual(density.sum() * width, 1, delta=1e-2)
        values = np.linalg.eigvalsh(laplacian(400, array(whole, "edges"), array(whole, "weight")))
        mean = (x * density).sum() * width
        self.assertAlmostEqual(mean, values.mean(), delta=0.05 * values.mean())
        self.assertTrue((error >= 0).all())

    def test_two_ranks_agree(self):
        one, two = (self.spectrum("grid_2d", "width=40", "height=40", "--method", "shift_invert", ranks=n) for n in (1, 2))
        np.testing.assert_allclose(array(one, "eigenvalues"), array(two, "eigenvalues"), rtol=1e-9, atol=1e-13)


class Sparsification(GraphTest):
    def test_quadratic_forms(self):
        for method in ("random", "weighted", "oracle", "spielman_srivastava"):
            with self.subTest(method=method):
                out = self.dir / f"{method}.h5"
                text = ("schema: myopia/1\nexperiment: sparsify\nreplicates: 3\nrecord: {trajectories: all}\n"
                        "parameters: {graph: stochastic_block, nodes: 90, blocks: 3, degree_in: 14, degree_out: 2, weights: uniform, "
                        f"density: 0.7, method: {method}}}\n")
                self.ok("run", self.input(text), "--out", out)
                with h5py.File(out, "r") as f:
                    for row in range(3):
                        edges, kept, r = (f["arrays"][name][row] for name in ("edges", "kept_weight", "resistance"))
                        self.compare_row(method, f, row, edges, kept, r)

    def compare_row(self, method, f, row, edges, kept, r):
        whole = self.resistance("stochastic_block", "nodes=90", "blocks=3", "degree_in=14", "degree_out=2", "weights=uniform")
        weights = array(whole, "weight")
        if method not in ("random",):
            np.testing.assert_allclose(r, array(whole, "resistance"), rtol=1e-9)
        if method != "spielman_srivastava":
            self.assertEqual(int((kept > 0).sum()), int(0.7 * len(edges)))
            np.testing.assert_array_equal(kept[kept > 0], weights[kept > 0])
        g = laplacian(90, edges, weights)
        h = laplacian(90, edges, kept)
        self.assertEqual(metric(whole, "components"), 1)
        basis = np.linalg.eigh(g)[1][:, 1:]
        ratios = scipy.linalg.eigh(basis.T @ h @ basis, basis.T @ g @ basis, eigvals_only=True)
        for name, value in (("form_low", max(ratios[0], 0)), ("form_high", ratios[-1]),
                            ("distortion", max(ratios[-1] - 1, 1 - max(ratios[0], 0)))):
            self.assertAlmostEqual(f["metrics"][name][row], value, delta=1e-7, msg=f"{method} {name}")
        spectrum = np.linalg.eigvalsh(h)
        self.assertAlmostEqual(f["metrics"]["lambda2"][row], max(spectrum[1], 0), delta=1e-9 * spectrum[-1])
        parts = nx.Graph()
        parts.add_nodes_from(range(90))
        parts.add_edges_from(edges[kept > 0].tolist())
        self.assertEqual(f["metrics"]["components_left"][row], nx.number_connected_components(parts))


if __name__ == "__main__":
    unittest.main()
