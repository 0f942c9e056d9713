# SPDX-License-Identifier: BSD-2-Clause
"""The numbers that the figure scripts compute themselves, against closed forms; no run is needed."""
import os
import sys
import unittest
from types import SimpleNamespace

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "analysis"))
import cliques
import gaussian_mixture
import manifolds
import opt_dynamics
import pictures
import points
import resistance
import singularity
import spectrum
import style


class Numbers(unittest.TestCase):
    def test_clique_resistances(self):
        """2/n inside a clique that hangs on bridges, 1 at a bridge; Foster: the sum is n - 1."""
        sizes, bridges = [10, 15, 20], [1, 1]
        pairs, label = cliques.edges(sizes, bridges)
        self.assertEqual(len(pairs), 342)
        self.assertEqual(len({tuple(sorted(pair)) for pair in pairs}), 342)
        resistance = cliques.resistances(45, pairs)
        expected = np.array([1.0 if kind < 0 else 2 / sizes[kind] for kind in label])
        np.testing.assert_allclose(resistance, expected, rtol=0, atol=1e-12)
        self.assertAlmostEqual(resistance.sum(), 44, places=10)

    def test_thick_bridge(self):
        """Two K_8 joined by two edges: 0.6 at a bridge edge, and three classes inside the cliques."""
        pairs, label = cliques.edges([8, 8], [2])
        resistance = cliques.resistances(16, pairs)
        np.testing.assert_allclose(resistance[label < 0], 0.6, rtol=0, atol=1e-12)
        np.testing.assert_allclose(np.unique(np.round(resistance[label >= 0], 9)), [0.225, 0.24375, 0.25], rtol=0, atol=1e-9)

    def test_layout(self):
        """No two vertices coincide, and the bridges of a joint do not cross."""
        for sizes, bridges in (([8, 8], [1]), ([10, 15, 20], [1, 1]), ([8, 8], [8]), ([8, 8], [3]), ([5, 6, 7], [2, 3])):
            with self.subTest(sizes=sizes, bridges=bridges):
                at = cliques.positions(sizes, bridges)
                distance = np.linalg.norm(at[:, None] - at[None], axis=2) + 10 * np.eye(len(at))
                self.assertGreater(distance.min(), 0.2)
                pairs, label = cliques.edges(sizes, bridges)
                left, right = at[pairs[label < 0][:, 0], 1], at[pairs[label < 0][:, 1], 1]
                joint = np.repeat(np.arange(len(bridges)), bridges)
                for i in range(len(bridges)):
                    self.assertTrue((np.diff(left[joint == i]) <= 1e-9).all() and (np.diff(right[joint == i]) <= 1e-9).all())

    def test_fixed_point(self):
        """Where the differential equation ends."""
        for omega, expected in ((1.0, 0.05), (50.0, 0.05 * 50 / 3.45)):
            self.assertAlmostEqual(opt_dynamics.fixed_point(0.05, omega), expected, places=12)
            self.assertAlmostEqual(opt_dynamics.ode_path(0.05, omega, 0.05, 0.0, np.array([0, 40000]))[1], expected, places=7)

    def test_ode_is_the_limit(self):
        """The recurrence comes to its differential equation as the learning rate falls, linearly."""
        errors = []
        for rate in (0.04, 0.02):
            theta, path = 0.0, []
            for _ in range(int(round(20 / rate)) + 1):
                path.append(1 / (1 + np.exp(-theta)))
                theta += rate * (2.5 * (1 - path[-1]) - 0.95 * path[-1])
            errors.append(abs(opt_dynamics.ode_path(0.05, 50.0, rate, 0.0, np.arange(len(path))) - path).max())
        self.assertAlmostEqual(errors[0] / errors[1], 2.0, delta=0.1)

    def test_binned(self):
        """Means inside the bins, missing values left out, bins in order."""
        steps = np.arange(0, 120, 2)
        values = np.vstack([np.ones(60), np.full(60, np.nan)])
        centers, means = opt_dynamics.binned(steps, values, False)
        self.assertEqual(set(means), {1.0})
        self.assertTrue((np.diff(centers) > 0).all() and centers[0] >= 0 and centers[-1] <= 118, centers)
        ramp = np.arange(0, 1001.0)
        for logarithmic in (False, True):
            centers, means = opt_dynamics.binned(np.arange(1001), ramp[None], logarithmic)
            np.testing.assert_allclose(means, centers)
            self.assertTrue(20 <= len(means) <= 61, len(means))

    def test_signal(self):
        """Both schedules against their definitions, step by step, and the shares of lost steps that the source's claim rests on."""
        for steps in (100, 1000):
            linear, cosine = (gaussian_mixture.signal(schedule, steps) for schedule in ("linear", "cosine"))
            product = 1.0
            for t in range(1, steps + 1):
                product *= 1 - min(0.999, (1e-4 + (0.02 - 1e-4) * (t - 1) / (steps - 1)) * 1000 / steps)
                self.assertAlmostEqual(linear[t] / product, 1, places=9)
            f = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * np.pi / 2) ** 2
            np.testing.assert_allclose(cosine[:-1], f[:-1] / f[0], rtol=1e-9)  # the last step alone is cut at beta = 0.999
            self.assertAlmostEqual(cosine[-1], 1e-3 * cosine[-2], places=15)
        lost = [np.mean(abar[1:] < 0.01 * (1 - abar[1:])) for abar in (gaussian_mixture.signal(name, 100) for name in ("linear", "cosine"))]
        np.testing.assert_allclose(lost, [0.34, 0.07])

    def test_inside_ellipses(self):
        """99.99 % of a Gaussian lies inside its ellipse, in one, two and three dimensions."""
        words = np.random.default_rng(3)
        for d in (1, 2, 3):
            deviation = np.linspace(0.2, 2, d)[None]
            mixture = gaussian_mixture.Mixture(np.full((1, d), 3.0), deviation)
            x = 3 + deviation.T * words.standard_normal((d, 400000))
            self.assertAlmostEqual((~mixture.inside(x)).mean(), 1e-4, delta=6e-5)
        both = gaussian_mixture.Mixture(np.array([[-4.0, -4], [4, 4]]), np.ones((2, 2)))
        np.testing.assert_allclose(both.along(np.array([[-4.0, 4, 0, 4], [-4, 4, 0, -4]])), [-1, 1, 0, 0])

    def test_law_levels(self):
        """The lines about five points hold 95 % and 50 % of their law."""
        words = np.random.default_rng(4)
        for t in (0.02, 0.75, 3.0):
            at, density, levels = manifolds.law_levels(t, 5.0, side=400)
            a, s = np.exp(-t / 2), np.sqrt(1 - np.exp(-t))
            x = a * manifolds.FIVE_POINTS[:, words.integers(0, 5, 40000)] + s * words.standard_normal((2, 40000))
            i, j = (np.clip(np.round((part + 5) / (at[1] - at[0])).astype(int), 0, 399) for part in x)
            for level, share in zip(levels, (0.95, 0.5)):
                self.assertAlmostEqual((density[j, i] >= level).mean(), share, delta=0.02)

    def test_distances_to_manifolds(self):
        """Points on the manifolds have none, points moved along the normal by 0.1 have that."""
        words = np.random.default_rng(5)
        phi, v = words.uniform(0, 2 * np.pi, (2, 200))
        unit = words.standard_normal((3, 200))
        unit /= np.linalg.norm(unit, axis=0)
        on = {"line": np.stack([phi, 0 * phi]), "curve": manifolds.curve(phi), "five_points": manifolds.FIVE_POINTS, "sphere": unit,
              "torus": np.stack([(1 + 0.4 * np.cos(v)) * np.cos(phi), (1 + 0.4 * np.cos(v)) * np.sin(phi), 0.4 * np.sin(v)])}
        for data, x in on.items():
            np.testing.assert_allclose(manifolds.distance(data, x), 0, atol=3e-3, err_msg=data)
        np.testing.assert_allclose(manifolds.distance("sphere", 1.1 * unit), 0.1, atol=1e-12)
        np.testing.assert_allclose(manifolds.distance("five_points", manifolds.FIVE_POINTS + 0.1), 0.1 * np.sqrt(2), atol=1e-12)

    def test_digit_sheet(self):
        """Images row by row, dark ink on white paper, a white line between them."""
        x = np.full((784, 5), -1.0)
        x[28 * 3 + 7, 3] = 1.0  # one dot in the fourth image
        sheet = manifolds.digit_sheet(x, 2)
        self.assertEqual(sheet.shape, (59, 59))
        self.assertEqual([tuple(at) for at in np.argwhere(sheet < 1)], [(30 + 3, 30 + 7)])
        self.assertEqual(sheet.min(), 0)

    @staticmethod
    def digits_file():
        """What singularity.py asks of a file of digits with two targets, two trials each."""
        rows = np.arange(4)
        trials = np.rec.fromarrays([rows // 2, np.where(rows % 2, -1, rows // 2), np.full(4, points.load.DONE)],
                                   names=["point", "record", "state"])
        metrics = {"novelty": np.array([5.0, 6, 50, 60]), "novelty_fresh": np.full(4, 8.0), "frechet": np.array([10.0, 12, 900, 990]),
                   "frechet_fresh": np.full(4, 3.0), "memorised": np.array([0, 0.1, 0, 0])}
        parameters = {"data": "digits", "posterior": "network", "weighting": "theirs", "time_sampling": "exponential"}
        run = SimpleNamespace(trials=trials, metrics=metrics, kind=dict.fromkeys(metrics, "real"), axes={"target": None}, points=[],
                              parameters=parameters, array_names=["samples"], array=lambda name, row: np.full((784, 64), row / 3.0))
        for number, target in enumerate(("cem", "sgm")):
            own = slice(2 * number, 2 * number + 2)
            cells = {name: {"n": 2, "mean": float(value[own].mean()), "exact": np.nan, "published": np.nan}
                     for name, value in metrics.items()}
            run.points.append({"axes": {"target": target}, "rows": own, "metrics": cells})
        return [points.Point(run, number) for number in range(2)]

    def test_digits_drawn(self):
        """Sheets of the recorded trials; numbers of the targets, those of unseen digits and training images as ticks."""
        all_points = self.digits_file()
        figure = singularity.digits(all_points)
        sheets = [axes.images[0].get_array() for axes in figure.axes if axes.images]
        self.assertEqual(len(sheets), 2)
        np.testing.assert_allclose([sheet[1, 1] for sheet in sheets], [0.5, 0.5 - 1 / 3])
        panel = next(axes for axes in figure.axes if "nearest" in axes.get_ylabel())
        drawn = [line.get_ydata()[0] for line in panel.lines if line.get_marker() in "os" and len(line.get_ydata()) == 1]
        np.testing.assert_allclose(drawn, [5.5, 55])
        ticks = [segment[0, 1] for lines in panel.collections for segment in lines.get_segments() if len(segment) == 2
                 and segment[0, 1] == segment[1, 1]]
        self.assertEqual(ticks.count(8.0), 2)
        for other in (singularity.summary, singularity.errors, singularity.components, singularity.samples, singularity.five_points):
            self.assertIsNone(other(all_points), other.__name__)
        style.plt.close(figure)

    def test_levels(self):
        """Copies of an eigenvalue are one level; zeros are one by their number, and what is close but apart is two."""
        values = np.array([0, 0, 1e-11, 2e-11, 0.5, 0.5 + 1e-10, 0.500001, 4, 4, 4])
        self.assertEqual(spectrum.levels(values, np.full(10, 1e-13), 2), [(0, 2), (2, 3), (3, 4), (4, 6), (6, 7), (7, 10)])

    def test_jackson_density(self):
        """A density: it integrates to 1, and of one eigenvalue in the middle its standard deviation is the kernel's."""
        x = (np.arange(4000) + 0.5) / 400
        for eigenvalues in (np.array([5.0]), np.array([1.0, 2.0, 7.5])):
            density = spectrum.jackson_density(eigenvalues, 10.0, 100, x)
            self.assertAlmostEqual(density.sum() / 400, 1.0, delta=1e-3)
            self.assertAlmostEqual((x * density).sum() / 400, eigenvalues.mean(), delta=0.02)
        one = spectrum.jackson_density(np.array([5.0]), 10.0, 100, x)
        self.assertAlmostEqual(np.sqrt(((x - 5) ** 2 * one).sum() / 400), spectrum.kernel_width(10.0, 100), delta=0.01)

    def test_stress_layout(self):
        """A path is laid out straight with unit steps; a cycle round; components do not overlap, and isolated vertices have a place."""
        path = np.column_stack([np.arange(9), np.arange(1, 10)])
        at = pictures.layout(10, path)
        np.testing.assert_allclose(np.linalg.norm(np.diff(at, axis=0), axis=1), 1.0, atol=0.05)
        np.testing.assert_allclose(np.ptp(at, axis=0), [9.0, 0.0], atol=0.3)
        cycle = np.column_stack([np.arange(12), np.roll(np.arange(12), -1)])
        at = pictures.layout(12, cycle)
        radius = np.linalg.norm(at - at.mean(axis=0), axis=1)
        self.assertLess(np.ptp(radius), 0.05 * radius.mean())
        both = pictures.layout(25, np.concatenate([cycle, cycle + 12]))
        self.assertTrue(np.isfinite(both).all())
        distance = np.linalg.norm(both[:, None] - both[None], axis=2)
        self.assertGreater(distance[:12, 12:].min(), 0.5)
        self.assertGreater((distance + 9 * np.eye(25)).min(), 0.3)

    def test_survival(self):
        values, share = resistance.survival(np.arange(1, 101.0))
        np.testing.assert_allclose(share, 1 - (values - 0.5) / 100)

    @staticmethod
    def edges(m, bridges=0):
        """m random edges of a graph that is none: what is drawn does not ask whether the values belong together."""
        words = np.random.default_rng(1)
        degree, share = words.integers(2, 1000, (m, 2)).astype(float), words.random(m)
        share[:bridges] = 1
        return resistance.Edges(np.arange(m), words.integers(0, m, (m, 2)), share, 0.01 * share, np.ones(m), np.arange(m) < bridges, degree)

    def test_many_edges(self):
        """A million edges are counted, none is lost, and the figure is not a million marks."""
        e = self.edges(1000000, bridges=5000)
        figure, (left, right) = style.plt.subplots(1, 2)
        resistance.draw_degrees(left, e)
        self.assertEqual(left.collections[0].get_array().sum(), 1000000)
        self.assertLess(sum(len(line.get_xdata()) for line in left.lines), 5000)
        resistance.draw_shares(right, e)
        self.assertEqual(sum(bar.get_height() for bar in right.patches), 1000000)
        self.assertEqual(right.patches[-1].get_height(), 5000)
        style.plt.close(figure)

    def test_standard_errors(self):
        """Of a few edges every sketched one carries its bar."""
        e = self.edges(50, bridges=3)
        figure, axes = style.plt.subplots()
        resistance.draw_degrees(axes, e)
        bars = np.array([bar for lines in axes.collections for bar in lines.get_segments()])
        np.testing.assert_allclose(bars[:, 1, 1] - bars[:, 0, 1], 2 * e.error[3:])
        style.plt.close(figure)

    def test_fiedler_sorted(self):
        """Vectors too long for a picture: spread out against the share of vertices, localized ones against the rank."""
        n = 4000
        spread = np.cos(np.pi * (np.arange(n) + 0.5) / n) * np.sqrt(2 / n)
        localized = np.full(n, -0.6 / np.sqrt(n))
        localized[7] = 0.8
        for vector, scale, carriers in ((spread, "linear", 2 * n / 3), (localized, "log", 1 / 0.8**4)):
            figure, axes = style.plt.subplots()
            spectrum.draw_sorted(axes, vector)
            self.assertEqual(axes.get_xscale(), scale)
            self.assertIn(f"{carriers:,.0f} vertices", axes.get_legend().get_title().get_text())
            style.plt.close(figure)

if __name__ == "__main__":
    unittest.main()
