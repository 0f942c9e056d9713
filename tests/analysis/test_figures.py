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
import style

from matplotlib import colors, image

MYOPIA = os.environ.get("MYOPIA")
# The methods of inputs/smoke/ that leave a bar or a marker of their colour.
FIGURES = {"barbell": ("random", "weighted", "oracle"), "chain": ("random", "weighted", "oracle"), "bridge": ("random", "weighted"),
           "opt_dynamics": ()}


def has_color(pixels, name):
    """How many pixels have exactly this colour."""
    wanted = np.round(255 * np.array(colors.to_rgb(name)))
    return int((np.abs(np.round(255 * pixels[:, :, :3]) - wanted) <= 1).all(axis=2).sum())


def draw(name, file, folder):
    command = [sys.executable, os.path.join(ROOT, "analysis", f"{name}.py"), file, "--out", folder]
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

    def test_wrong_file(self):
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


if __name__ == "__main__":
    unittest.main()
