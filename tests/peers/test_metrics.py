# SPDX-License-Identifier: BSD-2-Clause
"""SciPy and NumPy as oracles of the distances between clouds: energy distance and MMD by cdist, Wasserstein distances by
wasserstein_distance and linear_sum_assignment, the Frechet distance by sqrtm, mutual information and moments by NumPy. $METRICS_DRIVER is
the program that reads clouds from a file and prints what the library says (tests/metrics_driver.c)."""
import os
import subprocess
import tempfile
import unittest

import numpy as np
from scipy.linalg import sqrtm
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist, pdist
from scipy.stats import wasserstein_distance

BANDWIDTHS = [0.5, 1, 3]


def call(kind, *arrays):
    with tempfile.NamedTemporaryFile() as file:
        for array in arrays:
            file.write(np.ascontiguousarray(array).tobytes())
        file.flush()
        out = subprocess.run([os.environ["METRICS_DRIVER"], kind, file.name], stdout=subprocess.PIPE, check=True, text=True).stdout
    words = [line.split() for line in out.splitlines()]
    return {name: np.array(values, dtype=float) for name, *values in words}


def clouds(x, y):
    """Numbers of two clouds given as (points, d) float32."""
    assert x.dtype == y.dtype == np.float32
    return call("clouds", np.array([x.shape[1], len(x), len(y)], dtype=np.int64), x.T, y.T)


def gaussian_mean(squares):
    return np.mean([np.exp(-squares / (2 * h * h)).mean() for h in BANDWIDTHS])


def make_cloud(rng, n, d, shift=0.0, scale=1.0, offset=0.0):
    mix = np.eye(d) + 0.3 * rng.standard_normal((d, d)) / np.sqrt(d)
    return (offset + shift + scale * rng.standard_normal((n, d)) @ mix).astype(np.float32)


class Peers(unittest.TestCase):
    def near(self, expected, got, tolerance, name):
        """|expected - got| <= tolerance (absolute), for numbers and arrays."""
        worst = np.max(np.abs(np.asarray(expected) - np.asarray(got)))
        self.assertTrue(worst <= tolerance, f"{name}: expected {expected}, got {got}, differs by {worst:.3g}, tolerance {tolerance:.3g}")

    def each_cloud(self):
        rng = np.random.default_rng(20)
        for d, n, m, offset in [(1, 40, 70, 0), (2, 300, 300, 0), (2, 257, 129, 1e4), (3, 64, 64, -50), (20, 130, 130, 0), (90, 40, 50, 3)]:
            yield (f"d={d} n={n} m={m} offset={offset}", make_cloud(rng, n, d, offset=offset),
                   make_cloud(rng, m, d, shift=0.4, scale=1.3, offset=offset))
        # Digits: many points of a cloud have no spread in some directions.
        x = make_cloud(rng, 100, 12)
        x[:, 3:7] = 2
        yield "flat directions", x, make_cloud(rng, 100, 12)

    def test_energy_and_mmd(self):
        for name, x, y in self.each_cloud():
            got = clouds(x, y)
            across, a, b = (z.astype(float) for z in (cdist(x, y), pdist(x), pdist(y)))
            self.near(across.mean(), got["mean_distance"][0], 1e-7 * across.mean(), "mean distance " + name)
            self.near(2 * across.mean() - a.mean() - b.mean(), got["energy"][0], 2e-7 * across.mean(), "energy " + name)
            mmd = gaussian_mean(a ** 2) + gaussian_mean(b ** 2) - 2 * gaussian_mean(across ** 2)
            self.near(mmd, got["mmd"][0], 1e-6, "mmd " + name)

    def test_nearest(self):
        for name, x, y in self.each_cloud():
            got = clouds(x, y)
            two = np.sort(cdist(x, y), axis=1)[:, :2]
            self.near(1, got["first"] / two[:, 0], 1e-6, "nearest " + name)
            self.near(1, got["second"] / two[:, 1], 1e-6, "second nearest " + name)

    def test_wasserstein(self):
        for name, x, y in self.each_cloud():
            got = clouds(x, y)
            for j in range(min(x.shape[1], 5)):
                expected = wasserstein_distance(x[:, j].astype(float), y[:, j].astype(float))
                self.near(expected, got[f"wasserstein_{j}"][0], 1e-12 * (1 + np.abs(x).max()), f"component {j} " + name)
            if len(x) == len(y):
                cost = cdist(x, y)
                expected = cost[linear_sum_assignment(cost)].mean()
                self.near(expected, got["exact"][0], 1e-12 * expected, "exact " + name)

    def test_exact_with_ties(self):
        """Points of a lattice: costs are equal by the hundred, prices do not move."""
        rng = np.random.default_rng(3)
        for n, side in [(200, 4), (300, 30), (256, 1)]:
            x, y = (rng.integers(0, side, (n, 2)).astype(np.float32) for _ in range(2))
            cost = cdist(x, y)
            self.near(cost[linear_sum_assignment(cost)].mean(), clouds(x, y)["exact"][0], 1e-12 * side, f"n={n} side={side}")

    def test_frechet(self):
        for name, x, y in self.each_cloud():
            a, b = x.astype(float), y.astype(float)
            c1, c2 = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
            expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * np.real(sqrtm(c1 @ c2)))
            # sqrtm loses half of the digits where the product is singular.
            singular = len(x) <= x.shape[1] or len(y) <= x.shape[1] or name == "flat directions"
            self.near(expected, clouds(x, y)["frechet"][0], (1e-5 if singular else 1e-9) * np.trace(c1 + c2), "frechet " + name)

    def test_summaries_and_moments(self):
        for name, x, y in self.each_cloud():
            got, size = clouds(x, y), 1 + np.abs(x).max()
            for j in range(x.shape[1]):
                column = x[:, j].astype(float)
                expected = [column.mean(), np.quantile(column, 0.99), column.max()]
                self.near(expected, got[f"summary_{j}"], 1e-13 * size, f"summary {j} " + name)
            parts = [x[k::3].astype(float) for k in range(3)]
            self.near(np.concatenate([p.mean(0) for p in parts]), got["mean"], 1e-13 * size, "mean " + name)
            covariances = np.concatenate([np.atleast_2d(np.cov(p.T)).ravel() for p in parts])
            self.near(covariances, got["covariance"], 1e-12 * (1 + np.abs(covariances).max()), "covariance " + name)

    def test_mutual_information(self):
        rng = np.random.default_rng(8)
        for rows, columns, total in [(2, 2, 100), (3, 7, 50), (10, 10, 5000), (1, 4, 30), (6, 5, 3)]:
            weights = rng.random((rows, columns)) ** 4
            counts = rng.multinomial(total, (weights / weights.sum()).ravel()).reshape(rows, columns)
            p = counts / total
            product = np.outer(p.sum(1), p.sum(0))
            plug_in = (p[p > 0] * np.log2(p[p > 0] / product[p > 0])).sum()
            occupied = (counts.sum(1) > 0).sum() + (counts.sum(0) > 0).sum() - (counts > 0).sum()
            expected = max(0, plug_in + (occupied - 1) / (2 * total * np.log(2)))
            got = call("table", np.array([rows, columns], dtype=np.int64), counts.astype(np.int64))["information"][0]
            self.near(expected, got, 1e-12, f"{rows} x {columns}, {total} counts")


if __name__ == "__main__":
    unittest.main()
