# SPDX-License-Identifier: BSD-2-Clause
"""NetworkX and SciPy as oracles of the scored sweeps: every recorded trial's connectivity, lambda2, RSE and bridges are recomputed from
its kept edges, and the effective resistances from its graph. The file is read here by its documented layout alone."""
import sys
import unittest
from pathlib import Path

import h5py
import networkx as nx
import numpy as np
import scipy.linalg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import SystemTest  # noqa: E402

DONE = 2
HEAD = "schema: myopia/1\nseed: 5\nrecord: {trajectories: all}\n"
BARBELL = HEAD + """experiment: barbell
replicates: 25
sweep: {method: [random, standard, weighted, oracle]}
"""
SMALL_BARBELL = HEAD + """experiment: barbell
replicates: 20
parameters: {clique_size: 5}
sweep: {method: [random, weighted], lambda: [1, 10]}
when: {lambda: {method: weighted}}
"""
CHAIN = HEAD + """experiment: chain
replicates: 6
sweep: {method: [random, standard, weighted], r_eff: [exact, nominal]}
when: {r_eff: {method: weighted}}
"""
SMALL_CHAIN = HEAD + """experiment: chain
replicates: 20
parameters: {sizes: [4, 5, 6]}
sweep: {method: [random, weighted], selection: [topk, sampled]}
when: {selection: {method: weighted}}
"""
BRIDGE = HEAD + """experiment: bridge
replicates: 15
parameters: {clique_size: 6}
sweep: {method: [random, oracle], k: [1, 2, 3]}
"""


class Arrays:
    """/arrays of a results file: dense (K, ...), or ragged: flat with <name>_offset (K + 1) and <name>_shape (K, rank)."""

    def __init__(self, file):
        self.group = file["arrays"]

    def get(self, name, record):
        data = self.group[name]
        layout = data.attrs["layout"]
        if (layout.decode() if isinstance(layout, bytes) else layout) == "dense":
            return data[record]
        start = self.group[name + "_offset"][record]
        shape = self.group[name + "_shape"][record]
        return data[start:start + int(np.prod(shape))].reshape(shape)


def graph_of(n, edges):
    g = nx.Graph()
    g.add_nodes_from(range(n))
    g.add_edges_from(map(tuple, edges))
    return g


def lambda2(g):
    """Second smallest eigenvalue of the Laplacian, by SciPy."""
    adjacency = nx.to_numpy_array(g)
    return scipy.linalg.eigh(np.diag(adjacency.sum(axis=1)) - adjacency, eigvals_only=True)[1]


class Networkx(SystemTest):
    def recorded(self, text):
        """Runs an input that records every trial; yields (row, graph arrays, metrics) of each."""
        out = self.dir / "out.h5"
        self.ok("run", self.input(text), "--out", out, "--overwrite")
        with h5py.File(out) as file:
            arrays = Arrays(file)
            metrics = {m: file["metrics"][m][:] for m in ("connected", "lambda2", "rse", "bridges_kept")}
            selection = file["trials/selection"][:] if "selection" in file["trials"] else None
            rows = np.flatnonzero(file["trials/record"][:] >= 0)
            self.assertTrue(np.all(file["trials/state"][:] == DONE))
            self.assertEqual(len(rows), len(file["trials/row"]), "trajectories: all records every trial")
            for row in rows:
                record = file["trials/record"][row]
                trial = {a: arrays.get(a, record) for a in ("edges", "resistance", "score", "kept")}
                trial["topk"] = selection is None or selection[row] != b"sampled"
                yield row, trial, {m: v[row] for m, v in metrics.items()}

    def check_trial(self, row, trial, metric, whole):
        edges, kept = trial["edges"], trial["kept"].astype(bool)
        n = int(edges.max()) + 1
        h = graph_of(n, edges[kept])
        connected = nx.is_connected(h)
        second = lambda2(h) if connected else 0.0
        where = f"row {row}"
        self.assertEqual(metric["connected"], float(connected), where)
        self.assertAlmostEqual(metric["lambda2"], second, delta=1e-11 * n, msg=where)
        self.assertAlmostEqual(metric["rse"], abs(second - whole) / whole, delta=1e-10 * n / whole, msg=where)
        if trial["topk"] and kept.any() and not kept.all():
            slack = 1e-9 * np.abs(trial["score"]).max() * len(kept)
            self.assertGreaterEqual(trial["score"][kept].min(), trial["score"][~kept].max() - slack, where)

    def check_sweep(self, text, density=0.5):
        wholes, connected = {}, []
        for row, trial, metric in self.recorded(text):
            edges = trial["edges"]
            key = edges.tobytes()
            if key not in wholes:
                g = graph_of(int(edges.max()) + 1, edges)
                wholes[key] = lambda2(g), len(edges)
                distance = [nx.resistance_distance(g, int(u), int(v)) for u, v in edges]
                np.testing.assert_allclose(trial["resistance"], distance, rtol=1e-9, err_msg=f"resistances of row {row}")
            self.assertEqual(trial["kept"].sum(), int(np.floor(density * len(edges) * (1 + 1e-12))), f"kept edges of row {row}")
            self.check_trial(row, trial, metric, wholes[key][0])
            connected.append(metric["connected"])
        self.assertTrue(0 < np.mean(connected) < 1, "connected and unconnected graphs must both occur")
        return wholes

    def test_barbell(self):
        self.assertEqual(len(self.check_sweep(BARBELL)), 1)
        self.check_sweep(SMALL_BARBELL)

    def test_chain_with_both_selections(self):
        self.check_sweep(CHAIN, density=0.6)
        self.check_sweep(SMALL_CHAIN, density=0.6)

    def test_bridge_with_graphs_of_different_size(self):
        self.assertEqual(len(self.check_sweep(BRIDGE)), 3)

    def test_bridges_kept_are_the_edges_between_cliques(self):
        for row, trial, metric in self.recorded(SMALL_BARBELL):
            between = (trial["edges"] // 5)[:, 0] != (trial["edges"] // 5)[:, 1]
            self.assertEqual(metric["bridges_kept"], (trial["kept"].astype(bool) & between).sum(), f"row {row}")


if __name__ == "__main__":
    unittest.main()
