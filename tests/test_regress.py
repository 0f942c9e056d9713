# SPDX-License-Identifier: BSD-2-Clause
"""The smoke inputs against exact values at fixed seeds. The exact values are computed a second time here, by their definitions."""
import math
import unittest
from functools import lru_cache

from harness import ROOT, SystemTest


@lru_cache(None)
def connected(n, m):
    """Connected labelled graphs with n vertices and m edges: all graphs less those whose component of vertex 1 is smaller."""
    pairs = n * (n - 1) // 2
    if m < n - 1 or m > pairs:
        return 0
    total = math.comb(pairs, m)
    for k in range(1, n):
        rest = (n - k) * (n - k - 1) // 2
        inner = sum(connected(k, j) * math.comb(rest, m - j) for j in range(k - 1, min(m, k * (k - 1) // 2) + 1))
        total -= math.comb(n - 1, k - 1) * inner
    return total


def all_connected(sizes, edges):
    """Ways to choose `edges` edges inside the cliques so that every clique is connected."""
    ways = {0: 1}
    for n in sizes:
        new = {}
        for used, count in ways.items():
            for m in range(n - 1, n * (n - 1) // 2 + 1):
                if used + m <= edges:
                    new[used + m] = new.get(used + m, 0) + count * connected(n, m)
        ways = new
    return ways.get(edges, 0)


def clique_edges(sizes):
    return sum(n * (n - 1) // 2 for n in sizes)


BARBELL, CHAIN = (8, 8), (10, 15, 20)
EXACT = {
    ("barbell", "random"): all_connected(BARBELL, 27) / math.comb(57, 28),
    ("barbell", "standard"): 0.0,
    ("barbell", "weighted"): all_connected(BARBELL, 27) / math.comb(56, 27),
    ("barbell", "oracle"): all_connected(BARBELL, 27) / math.comb(56, 27),
    ("chain", "random"): all_connected(CHAIN, 203) / math.comb(342, 205),
    ("chain", "standard"): 0.0,
    ("chain", "weighted"): connected(20, 53) / math.comb(190, 53),
    ("chain", "oracle"): connected(20, 53) / math.comb(190, 53),
}


class Exact(SystemTest):
    def shown(self, name, *words):
        out = self.dir / f"{name}.h5"
        self.ok("run", ROOT / "inputs" / f"{name}.yaml", "--out", out, *words, ranks=2)
        return self.show(out)

    def test_smoke_inputs_agree_with_exact_values(self):
        for name in ("barbell", "chain", "bridge", "opt_dynamics", "resistance", "spectrum", "sparsify", "gaussian_mixture", "singularity"):
            with self.subTest(name):
                shown = self.smoke(name)
                self.assertEqual(shown["result"], "VALID", shown["reasons"])
                judged = [c for p in shown["points"] for c in p["metrics"].values() if c["p_value"] is not None]
                self.assertGreater(len(judged), 0)
                for cell in judged:
                    self.assertGreater(cell["p_value"], 1e-5, cell)

    def smoke(self, name):
        out = self.dir / f"smoke_{name}.h5"
        self.ok("run", ROOT / "inputs" / "smoke" / f"{name}.yaml", "--out", out, ranks=2)
        return self.show(out)

    def test_published_sizes(self):
        """Experiments I and II at the paper's size: exact values to 1e-12, measured ones within 4 standard errors."""
        for name in ("barbell", "chain"):
            shown = self.shown(name)
            self.assertEqual(shown["result"], "VALID", shown["reasons"])
            methods = set()
            for point in shown["points"]:
                if point["axes"].get("r_eff") == "nominal":
                    continue
                method, cell = point["axes"]["method"], point["metrics"]["connected"]
                exact = EXACT[name, method]
                methods.add(method)
                self.assertAlmostEqual(cell["exact"], exact, delta=1e-12)
                self.assertLessEqual(abs(cell["mean"] - exact), 4 * math.sqrt(exact * (1 - exact) / cell["n"]) + 1e-15, (name, method))
            self.assertEqual(methods, {"random", "standard", "weighted", "oracle"})

    def test_paper_outside_its_protocol(self):
        """Chain: 53 % (random) and 100 % (weighted, oracle) cannot come out of 500 trials of the stated protocol."""
        for point in self.shown("chain")["points"]:
            cell, method = point["metrics"]["connected"], point["axes"]["method"]
            if point["axes"].get("r_eff") == "nominal" or cell["published"] is None:
                continue
            expected = "agrees" if method == "standard" else "paper outside protocol"
            self.assertEqual(cell["verdict"], expected, point)
            if method == "random":
                self.assertLess(cell["published_p_value"], 1e-13)
            elif method != "standard":
                self.assertAlmostEqual(cell["published_p_value"] * 1e6, 1.6, delta=0.1)

    def test_one_logit_reaches_its_fixed_point(self):
        shown = self.smoke("opt_dynamics")
        for point in shown["points"]:
            omega = float(point["axes"]["omega"])
            target = omega * 0.05 / (omega * 0.05 + 0.95)
            martingale, tail = point["metrics"]["martingale"], point["metrics"]["p_tail"]
            self.assertLessEqual(abs(martingale["mean"]), 4 * martingale["stderr"])
            self.assertAlmostEqual(tail["mean"], target, delta=0.05)


if __name__ == "__main__":
    unittest.main()
