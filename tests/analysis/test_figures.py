# SPDX-License-Identifier: BSD-2-Clause
"""Every figure script on a smoke run of $MYOPIA: PNG and PDF are there, have their size, and show what they should; and the numbers that
the scripts compute themselves, against closed forms."""
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "analysis"))
import cliques
import opt_dynamics
import pictures
import points
import resistance
import sparsify
import spectrum
import style

from matplotlib import colors, image

MYOPIA = os.environ.get("MYOPIA")
# The methods of inputs/smoke/ that leave a bar or a marker of their colour.
FIGURES = {"barbell": ("random", "weighted", "oracle"), "chain": ("random", "weighted", "oracle"), "bridge": ("random", "weighted"),
           "opt_dynamics": (), "resistance": (), "spectrum": (),
           "sparsify": ("random", "standard", "weighted", "oracle", "spielman_srivastava")}


def has_color(pixels, name):
    """How many pixels have exactly this colour."""
    wanted = np.round(255 * np.array(colors.to_rgb(name)))
    return int((np.abs(np.round(255 * pixels[:, :, :3]) - wanted) <= 1).all(axis=2).sum())


def draw(name, file, folder, *words):
    command = [sys.executable, os.path.join(ROOT, "analysis", f"{name}.py"), file, "--out", folder, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@unittest.skipUnless(MYOPIA, "set MYOPIA to the executable")
class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        for name in FIGURES:
            smoke = os.path.join(ROOT, "inputs", "smoke", f"{name}.yaml")
            command = ["mpirun", "-n", "2", MYOPIA, "run", smoke, "--out", cls.path(f"{name}.h5")]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode not in (0, 1):  # 1: measured, but judged invalid: there is something to draw
                raise AssertionError(f"{' '.join(command)}: exit {run.returncode}\n{run.stdout}{run.stderr}")

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def test_figures(self):
        for name, methods in FIGURES.items():
            with self.subTest(figure=name):
                out = self.path(f"figures_{name}")
                run = draw(name, self.path(f"{name}.h5"), out)
                self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
                self.assertEqual(sorted(run.stdout.split()), [os.path.join(out, f"{name}.{ending}") for ending in ("pdf", "png")])
                pixels = image.imread(os.path.join(out, f"{name}.png"))
                self.assertGreaterEqual(pixels.shape[1], 200 * style.COLUMN * 0.95, "narrower than a column at 200 dpi")
                ink = (pixels[:, :, :3] < 0.95).any(axis=2).mean()
                self.assertTrue(0.01 < ink < 0.7, f"{100 * ink:.2f} % of the image is not white")
                for method in methods:
                    self.assertGreater(has_color(pixels, style.COLORS[method]), 20, f"{method} is not in the figure")
                with open(os.path.join(out, f"{name}.pdf"), "rb") as file:
                    content = file.read()
                self.assertTrue(content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF"), "no whole PDF")

    def read(self, name):
        all_points = points.read(self.path(f"{name}.h5"), name)
        self.addCleanup(all_points[0].run.close)
        return all_points

    def chosen(self, name, array, row=None):
        return points.chosen("a file", self.read(name), array, row)

    @staticmethod
    def titled(figure, text):
        """The panel whose title holds this text."""
        return next(axes for axes in figure.axes if text in axes.get_title(loc="left"))

    def test_resistances_drawn(self):
        """What panel A shows is in the file: R, and degrees summed from the weights; bridges apart; the sum of w R is Foster's."""
        point, row = self.chosen("resistance", "resistance")
        run = point.run
        ends, r, weight, bridge = (run.array(name, row) for name in ("edges", "resistance", "weight", "bridge"))
        degree = np.zeros(ends.max() + 1)
        np.add.at(degree, ends.ravel(), np.repeat(weight, 2))
        figure = resistance.figure(point, row, resistance.comparison(self.read("resistance"), row))
        panel = self.titled(figure, "degree")
        drawn = {line.get_color(): line.get_xydata() for line in panel.lines if len(line.get_xdata()) and line.get_marker() in ("o", "D")}
        for flag, shade in ((1, style.BRIDGE), (0, resistance.EDGE)):
            expected = np.column_stack([2 / (1 / degree[ends]).sum(axis=1), r])[bridge == flag]
            self.assertGreater(len(expected), 0)
            np.testing.assert_allclose(drawn[shade], expected, rtol=1e-12)
        self.assertAlmostEqual(resistance.edges_of(run, row).tree_share.sum(), run.metrics["weighted_sum"][row], places=9)
        bars = self.titled(figure, "bridge").patches
        self.assertEqual(sum(bar.get_height() for bar in bars if bar.get_facecolor()[:3] == colors.to_rgb(style.BRIDGE)), bridge.sum())
        self.assertEqual(sum(bar.get_height() for bar in bars), len(r))
        self.assertTrue(self.titled(figure, "compared").lines, "no method beside the exact one")
        style.plt.close(figure)

    def test_trial_option(self):
        """--trial draws another recorded trial, and names the recorded ones when there is none of that row."""
        run = self.read("resistance")[0].run
        rows = np.flatnonzero((run.trials["record"] >= 0) & (run.axes["graph"] == "complete"))
        self.assertGreater(len(rows), 0)
        first, other = (self.path(name) for name in ("first_trial", "other_trial"))
        for out, words in ((first, ()), (other, ("--trial", str(rows[0])))):
            self.assertEqual(draw("resistance", self.path("resistance.h5"), out, *words).returncode, 0)
        images = [image.imread(os.path.join(out, "resistance.png")) for out in (first, other)]
        self.assertFalse(images[0].shape == images[1].shape and (images[0] == images[1]).all())
        refused = draw("resistance", self.path("resistance.h5"), self.path("no_trial"), "--trial", "999")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("trial 999 is not recorded or not done; recorded are 0", refused.stderr)
        self.assertNotIn("Traceback", refused.stderr)

    def test_spectrum_drawn(self):
        """The ladder's levels and the residuals are those of the file; the exact lambda2 stands where the file has it."""
        point, row = self.chosen("spectrum", "eigenvalues")
        run = point.run
        eigenvalues, residuals = run.array("eigenvalues", row), run.array("residuals", row)
        figure = spectrum.figure(point, row)
        panel = self.titled(figure, "eigenvalues")
        heights = {shade: np.sort([segment[0, 1] for lines in panel.collections if tuple(lines.get_color()[0][:3]) == colors.to_rgb(shade)
                                   for segment in lines.get_segments()]) for shade in (spectrum.LEVEL, "black")}
        np.testing.assert_allclose(heights[spectrum.LEVEL], eigenvalues, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(heights["black"], [4 * np.sin(np.pi / 16) ** 2], rtol=1e-12)
        shown = figure.axes[1].lines[0].get_xydata()
        np.testing.assert_allclose(shown, np.column_stack([residuals, eigenvalues])[residuals > 0])
        curve = self.titled(figure, "density").lines[0].get_xydata()
        np.testing.assert_allclose(curve, np.column_stack([run.array("density_x", row), run.array("density", row)]))
        picture = self.titled(figure, "Fiedler").collections[-1]
        np.testing.assert_allclose(picture.get_array(), run.array("fiedler", row))
        style.plt.close(figure)

    def test_sparsified_drawn(self):
        """Means of the file stand at their method's colour, exact values as ticks, in every panel and row."""
        all_points = self.read("sparsify")
        run, figure = all_points[0].run, sparsify.figure(all_points)
        graphs = ("chain", "stochastic_block")
        titles = (("connected", 100), ("rse", 1), ("distortion", 1), ("components_left", 1))
        panels = {"connected": "still connected", "rse": "spectral error", "distortion": "distortion", "components_left": "pieces"}
        for metric, scale in titles:
            axes = [panel for panel in figure.axes if panels[metric] in panel.get_title(loc="left")]
            self.assertEqual(len(axes), len(graphs))
            for graph, panel in zip(graphs, axes):
                for method in style.COLORS:
                    drawn = [line.get_ydata() for line in panel.lines
                             if line.get_color() == style.COLORS[method] and line.get_marker() == style.MARKERS[method]]
                    mine = (run.axes["graph"] == graph) & (run.axes["method"] == method)
                    expected = [scale * run.metrics[metric][mine & (run.axes["density"] == rho)].mean() for rho in (0.5, 0.8)]
                    self.assertEqual(len(drawn), 1, (metric, graph, method))
                    np.testing.assert_allclose(drawn[0], expected, rtol=1e-12, err_msg=f"{metric} {graph} {method}")
        style.plt.close(figure)

    def test_wrong_file(self):
        for name in ("resistance", "spectrum", "sparsify"):
            with self.subTest(figure=name):
                run = draw(name, self.path("chain.h5"), self.path("none"))
                self.assertNotEqual(run.returncode, 0)
                self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
                self.assertIn(f"holds experiment chain, this figure draws {name}", run.stderr)
        cases = {"another experiment": self.path("chain.h5"), "missing": self.path("nothing.h5"), "no HDF5": os.path.join(ROOT, "LICENSE")}
        for what, file in cases.items():
            with self.subTest(what=what):
                run = draw("barbell", file, self.path("none"))
                self.assertNotEqual(run.returncode, 0)
                self.assertIn(os.path.basename(file), run.stderr)
                self.assertNotIn("Traceback", run.stderr)
                self.assertFalse(os.path.exists(self.path("none/barbell.png")))


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
