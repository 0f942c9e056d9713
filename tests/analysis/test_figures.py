# SPDX-License-Identifier: BSD-2-Clause
"""Every figure script on a smoke run of $MYOPIA: PNG and PDF are there, have their size, and show what they should."""
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "analysis"))
import gaussian_mixture
import graph_diffusion
import graphs as small_graphs
import manifolds
import points
import resistance
import singularity
import sparsify
import spectrum
import style

from matplotlib import colors, image

MYOPIA = os.environ.get("MYOPIA")
# The methods of inputs/smoke/ that leave a bar or a marker of their colour.
FIGURES = {"barbell": ("random", "weighted", "oracle"), "chain": ("random", "weighted", "oracle"), "bridge": ("random", "weighted"),
           "opt_dynamics": (), "resistance": (), "spectrum": (),
           "sparsify": ("random", "standard", "weighted", "oracle", "spielman_srivastava"), "gaussian_mixture": (), "singularity": (),
           "graph_diffusion": ("standard", "weighted")}
# Scripts that draw more than one figure: what stands behind their names.
PARTS = {"gaussian_mixture": ("", "_trajectories", "_field"),
         "singularity": ("", "_errors", "_components", "_samples", "_five_points"),
         "graph_diffusion": ("", "_training", "_samples", "_reverse")}
TINY = {"gaussian_mixture": "epochs: 1, points: 200, samples: 100, metric_samples: 50, field_samples: 8",
        "singularity": "steps: 20, points: 200, samples: 100, sampler_steps: 10, metric_samples: 50, field_samples: 8"}


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
                expected = [os.path.join(out, f"{name}{part}.{ending}") for part in PARTS.get(name, ("",)) for ending in ("pdf", "png")]
                self.assertEqual(sorted(run.stdout.split()), sorted(expected))
                self.assertEqual(run.stderr, "")
                for part in PARTS.get(name, ())[1:]:
                    self.check_ink(os.path.join(out, f"{name}{part}.png"))
                pixels = self.check_ink(os.path.join(out, f"{name}.png"))
                for method in methods:
                    self.assertGreater(has_color(pixels, style.COLORS[method]), 20, f"{method} is not in the figure")
                with open(os.path.join(out, f"{name}.pdf"), "rb") as file:
                    content = file.read()
                self.assertTrue(content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF"), "no whole PDF")

    def check_ink(self, path, least=0.01):
        """The pixels of an image that is wide enough and neither empty nor full."""
        pixels = image.imread(path)
        self.assertGreaterEqual(pixels.shape[1], 200 * style.COLUMN * 0.95, "narrower than a column at 200 dpi")
        ink = (pixels[:, :, :3] < 0.95).any(axis=2).mean()
        self.assertTrue(least < ink < 0.85, f"{100 * ink:.2f} % of {os.path.basename(path)} is not white")
        return pixels

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

    @staticmethod
    def drawn_in(axes, shade):
        """Data of the lines of this colour, longest last."""
        wanted = colors.to_rgba(shade)
        return sorted((line.get_xydata() for line in axes.lines if np.allclose(colors.to_rgba(line.get_color()), wanted)), key=len)

    @staticmethod
    def row_of(run, **axes):
        """The first trial with these values of the axes; it is the recorded one of its point."""
        return int(np.flatnonzero(np.all([run.axes[name] == value for name, value in axes.items()], axis=0))[0])

    def test_graph_diffusion_drawn(self):
        """Means of the file stand in the panel of their denoiser, at the colour of their loss; the exact values beside them."""
        all_points = self.read("graph_diffusion")
        run, figure = all_points[0].run, graph_diffusion.summary(all_points)
        panel = next(axes for axes in figure.axes if axes.get_title() == "factored bit")
        for loss, shade in (("standard", style.COLORS["standard"]), ("edge_weighted", style.COLORS["weighted"])):
            mine = (run.axes["denoiser"] == "factored_bit") & (run.axes["loss"] == loss)
            drawn = [line.get_ydata() for line in panel.lines if line.get_color() == shade and line.get_marker() == "o"]
            self.assertEqual(len(drawn), 1, loss)
            np.testing.assert_allclose(drawn[0], [100 * run.metrics["connected"][mine].mean()], rtol=1e-12)
            exact = [line.get_ydata()[0] for line in panel.lines if line.get_marker() == "_" and line.get_color() == "black"]
            self.assertTrue(any(abs(y - 100 * run.metrics["connected_exact"][mine].mean()) < 1e-9 for y in exact), (loss, exact))
        style.plt.close(figure)

    def test_small_graphs_drawn(self):
        """Pairs by number, clusters by eye, and the edge between them in the bridge's colour."""
        ends = small_graphs.ends(6)
        self.assertEqual([tuple(pair) for pair in ends[:4]], [(0, 1), (0, 2), (1, 2), (0, 3)])
        inside = (ends < 3)[:, 0] == (ends < 3)[:, 1]
        bridge = (ends == (2, 3)).all(axis=1)
        edges = small_graphs.edges_of(6, inside | bridge)
        cluster = small_graphs.clusters_of(6, edges)
        self.assertEqual(len(set(cluster[:3])), 1)
        self.assertEqual(sorted(set(cluster)), [0, 1])
        figure, axes = style.plt.subplots()
        at = small_graphs.layout(cluster, edges)
        small_graphs.draw(axes, at, edges, cluster)
        red = [lines for lines in axes.collections
               if len(lines.get_edgecolor()) and tuple(lines.get_edgecolor()[0][:3]) == colors.to_rgb(style.BRIDGE)]
        self.assertEqual(len(red), 1)
        np.testing.assert_allclose(red[0].get_segments(), [at[[2, 3]]])
        self.assertEqual(small_graphs.words_of(6, edges, cluster), "1 part, 1 cross")
        style.plt.close(figure)

    def test_mixture_schedules_drawn(self):
        """abar of the file in colour, the closed form in black on top of it; the lost steps are the file's."""
        all_points = self.read("gaussian_mixture")
        run, figure = all_points[0].run, gaussian_mixture.summary(all_points)
        panel, ratio = self.titled(figure, "left of the signal"), self.titled(figure, "signal-to-noise")
        for i, schedule in enumerate(gaussian_mixture.SCHEDULES):
            row = self.row_of(run, schedule=schedule)
            abar = run.array("signal", row)
            np.testing.assert_allclose(self.drawn_in(panel, style.SERIES[4 + i])[-1][:, 1], abar, rtol=1e-12)
            np.testing.assert_allclose(self.drawn_in(panel, "black")[i][:, 1], abar, rtol=1e-9)
            np.testing.assert_allclose(self.drawn_in(ratio, style.SERIES[4 + i])[-1][:, 1], abar[1:] / (1 - abar[1:]), rtol=1e-12)
            self.assertIn(f"{schedule}: {run.metrics['steps_lost'][row]:.0%} of the steps lost", [text.get_text() for text in ratio.texts])
        style.plt.close(figure)

    def test_mixture_numbers_drawn(self):
        """Every mean of a network stands in its task's colour, every exact posterior's as a black tick."""
        all_points = self.read("gaussian_mixture")
        run, figure = all_points[0].run, gaussian_mixture.summary(all_points)
        for name, _, scale in gaussian_mixture.METRICS:
            panel = next(axes for axes in figure.axes if axes.get_title(loc="left").endswith("  " + run.long_name[name]))
            for task, shade in gaussian_mixture.SHADES.items():
                mine = [point for point in all_points if point.values["task"] == task]
                expected = [scale * point.cell(name).mean for point in mine if point.values["posterior"] == "network"]
                drawn = [y for line in self.drawn_in(panel, shade) for _, y in line[:1] if len(line) == 1]
                self.assertEqual(len(expected), 4)
                expected = [y for y in expected if np.isfinite(y)]  # no variance where no sample is inside
                self.assertTrue(all(np.isclose(drawn, y, rtol=1e-12, atol=1e-15).any() for y in expected), (name, task, expected, drawn))
            ticks = [segment[0, 1] for lines in panel.collections for segment in lines.get_segments()
                     if len(lines.get_color()) and np.allclose(lines.get_color()[0], (0, 0, 0, 1))]
            for point in all_points:
                if point.values["posterior"] == "exact":
                    self.assertTrue(np.isclose(ticks, scale * point.cell(name).mean, rtol=1e-12, atol=1e-15).any(), (name, point.values))
        style.plt.close(figure)

    def test_mixture_clouds_drawn(self):
        """Samples of the file, in the program's ellipses: the share outside them is its own."""
        all_points = self.read("gaussian_mixture")
        run, figure = all_points[0].run, gaussian_mixture.summary(all_points)
        for task, letter in zip(gaussian_mixture.TASKS, "CDEF"):
            row = self.row_of(run, task=task, posterior="network", schedule="cosine", noise="random")
            panel = next(axes for axes in figure.axes if rf"\bf{{{letter}}}" in axes.get_title(loc="left"))
            x = run.array("trajectory", row)[-1]
            np.testing.assert_allclose(self.drawn_in(panel, gaussian_mixture.SHADES[task])[-1], x.T[: gaussian_mixture.CLOUD_MAX])
            mixture = gaussian_mixture.mixture_of(all_points[run.trials["point"][row]])
            self.assertAlmostEqual(1 - mixture.inside(x).mean(), run.metrics["outside"][row], places=12)
            self.assertEqual(len(panel.patches), len(mixture.mean))
        style.plt.close(figure)

    def test_mixture_errors_drawn(self):
        """Columns of field_error in their task's colour, norms in black."""
        all_points = self.read("gaussian_mixture")
        run, figure = all_points[0].run, gaussian_mixture.summary(all_points)
        for column, label in enumerate(gaussian_mixture.FIELDS):
            panel = next(axes for axes in figure.axes if axes.get_ylabel() == label)
            for task, shade in gaussian_mixture.SHADES.items():
                lines = [line[:, 1] for line in self.drawn_in(panel, shade)]
                for schedule in gaussian_mixture.SCHEDULES:
                    error = run.array("field_error", self.row_of(run, task=task, posterior="network", schedule=schedule, noise="random"))
                    self.assertTrue(any(np.allclose(line, error[:, column], rtol=1e-12) for line in lines), (label, task, schedule))
                    self.assertTrue(any(np.allclose(line[:, 1], error[:, 3 + column]) for line in self.drawn_in(panel, "black")))
        style.plt.close(figure)

    def test_mixture_trajectories_drawn(self):
        """All particles of the grid at every snapshot, in the colour of their own start."""
        all_points = self.read("gaussian_mixture")
        run, figure = all_points[0].run, gaussian_mixture.trajectories(all_points)
        panels = np.reshape([axes for axes in figure.axes], (4, 6))
        for task, panel_row in zip(gaussian_mixture.TASKS, panels):
            row = self.row_of(run, task=task, posterior="network", schedule="cosine", noise="random")
            side = run.array("start_grid", row).sum(axis=0) / 8  # the modes are (-4, -4) and (4, 4)
            for x, panel in zip(run.array("trajectory_grid", row), panel_row):
                at, value = panel.collections[0].get_offsets(), panel.collections[0].get_array()
                order, expected = np.lexsort(at.T), np.lexsort(x)
                np.testing.assert_allclose(at[order], x.T[expected])
                np.testing.assert_allclose(value[order], side[expected], atol=1e-12)
            exact = self.row_of(run, task=task, posterior="exact", schedule="cosine")
            last = panel_row[-1].collections[0].get_offsets()
            np.testing.assert_allclose(np.sort(last, axis=0), np.sort(run.array("trajectory_grid", exact)[-1].T, axis=0))
        style.plt.close(figure)

    def test_mixture_field_drawn(self):
        """Exact field, learned fields and the distance between them, pixel by pixel."""
        all_points = self.read("gaussian_mixture")
        run, figure = all_points[0].run, gaussian_mixture.field(all_points)
        images = np.reshape([axes for axes in figure.axes if axes.images], (9, 5))
        exact = run.array("field_exact", self.row_of(run, task="noise", posterior="network", schedule="cosine", noise="random"))
        for k, task in enumerate(gaussian_mixture.TASKS):
            row = self.row_of(run, task=task, posterior="network", schedule="cosine", noise="random")
            learned = run.array("field_data", row)
            np.testing.assert_allclose(run.array("field_exact", row), exact, atol=1e-4)  # float32, by way of what the task predicts
            for i in range(5):
                for panel, value in ((images[0, i], exact[i].sum(axis=0) / 8), (images[1 + 2 * k, i], learned[i].sum(axis=0) / 8),
                                     (images[2 + 2 * k, i], np.sqrt(((learned[i] - exact[i]) ** 2).sum(axis=0)))):
                    np.testing.assert_allclose(panel.images[0].get_array().ravel(), value, rtol=1e-9, atol=1e-12)
        style.plt.close(figure)

    def test_singularity_errors_drawn(self):
        """Own error, score error at X and in L2(p_t) are the file's columns; |exact target| is black, the learned one coloured."""
        all_points = self.read("singularity")
        run, figure = all_points[0].run, singularity.errors(all_points)
        panels = np.reshape([axes for axes in figure.axes if axes.get_xscale() == "log"], (4, 4))
        for data, row in zip(("line", "curve", "sphere", "torus"), panels):
            for target, shade in singularity.SHADES.items():
                trial = self.row_of(run, data=data, target=target, posterior="network")
                probe, law = run.array("probe_error", trial), run.array("law_error", trial)
                for panel, color, value in ((row[0], "black", probe[:, 4]), (row[0], shade, probe[:, 5]), (row[1], shade, probe[:, 0]),
                                            (row[2], shade, probe[:, 3]), (row[3], shade, law[:, 3])):
                    expected = np.column_stack([run.array("field_time", trial), value])
                    self.assertTrue(any(line.shape == expected.shape and np.allclose(line, expected, rtol=1e-12)
                                        for line in self.drawn_in(panel, color)), (data, target, panel.get_title(loc="left"), color))
        style.plt.close(figure)

    def test_singularity_components_drawn(self):
        all_points = self.read("singularity")
        run, figure = all_points[0].run, singularity.components(all_points)
        panels = np.reshape([axes for axes in figure.axes if axes.get_xscale() == "log"], (4, 4))
        for data, row in zip(("line", "curve", "sphere", "torus"), panels):
            for target, panel in zip(singularity.TARGETS, row):
                trial = self.row_of(run, data=data, target=target, posterior="network")
                part = run.array("law_component", trial)
                for i in range(part.shape[1]):
                    np.testing.assert_allclose(self.drawn_in(panel, style.SERIES[i])[-1][:, 1], part[:, i], rtol=1e-12)
                np.testing.assert_allclose(np.sqrt((part**2).sum(axis=1)), run.array("law_error", trial)[:, 0], rtol=1e-9)
        style.plt.close(figure)

    def test_singularity_numbers_drawn(self):
        """Distances and exponents of every network, and the exact posterior's distance as a tick."""
        all_points = self.read("singularity")
        run, figure = all_points[0].run, singularity.summary(all_points)
        for metric, text in (("distance_mean", "mean distance"), ("distance_q99", "99 %"), ("distance_max", "largest"),
                             ("exponent_network", "exponent at"), ("exponent_law_network", "exponent for")):
            panel = self.titled(figure, text)
            for target, shade in singularity.SHADES.items():
                drawn = [line[0, 1] for line in self.drawn_in(panel, shade) if len(line) == 1]
                for data in ("line", "curve", "sphere", "torus"):
                    mine = np.all([run.axes["data"] == data, run.axes["target"] == target, run.axes["posterior"] == "network"], axis=0)
                    mean = run.metrics[metric][mine].mean()
                    self.assertTrue(np.isclose(drawn, mean, rtol=1e-12).any(), (metric, data, target, mean, drawn))
        exact = run.metrics["distance_mean"][(run.axes["posterior"] == "exact") & (run.axes["data"] == "line")
                                             & (run.axes["sampler"] == "exponential")].mean()
        ticks = [segment[0, 1] for lines in self.titled(figure, "mean distance").collections for segment in lines.get_segments()]
        self.assertTrue(np.isclose(ticks, exact, rtol=1e-12).any())
        style.plt.close(figure)

    def test_manifolds_are_the_programs(self):
        """The manifold that is drawn is the one that the samples were measured against."""
        for point, row in points.recorded(self.read("singularity")):
            x, data = point.run.array("samples", row), point.values["data"]
            self.assertEqual(x.shape[1], 500)
            self.assertAlmostEqual(manifolds.distance(data, x).mean() / point.run.metrics["distance_mean"][row], 1, delta=1e-4, msg=data)

    def test_five_points_drawn(self):
        all_points = self.read("singularity")
        run, figure = all_points[0].run, singularity.five_points(all_points)
        row = self.row_of(run, data="five_points", sampler="exponential")
        for x, t, panel in zip(run.array("trajectory", row), run.array("trajectory_time", row), figure.axes):
            np.testing.assert_allclose(self.drawn_in(panel, style.SERIES[0])[-1], x.T)
            self.assertEqual(panel.get_title(), f"$t$ = {t:.4g}")
        style.plt.close(figure)

    def small(self, name, experiment, words):
        """A file of a run in a blink of an eye."""
        given = self.path(f"{name}.yaml")
        with open(given, "w", encoding="utf-8") as file:
            file.write(f"schema: myopia/1\nexperiment: {experiment}\ntitle: {name}\nreplicates: 2\n{words}")
        run = subprocess.run([MYOPIA, "run", given, "--out", self.path(f"{name}.h5")], capture_output=True, text=True, check=False)
        self.assertIn(run.returncode, (0, 1), run.stdout + run.stderr)
        return self.path(f"{name}.h5")

    def test_parts_of_files(self):
        """Whatever subset a file holds is drawn, without a warning; a single kind of data, no recorded trial, other dimensions, sweeps."""
        singular, mixture = ("parameters: {" + TINY[name] for name in ("singularity", "gaussian_mixture"))
        cases = (("one_kind", "singularity", singular + ", data: line, target: ddpm}\nrecord: {trajectories: all}\n",
                  ("", "_errors", "_components", "_samples")),
                 ("exact_alone", "singularity", singular + ", posterior: exact}\nsweep: {data: [curve, torus]}\n"
                  "record: {trajectories: first_per_point}\n", ("_samples",)),
                 ("rotated", "singularity", singular + ", ambient: 5}\nsweep: {data: [sphere, five_points]}\n"
                  "record: {trajectories: first_per_point}\n", ("", "_errors", "_components", "_samples")),
                 ("unrecorded", "singularity", singular + "}\nsweep: {target: [cem, sgm], depth: [1, 2]}\n"
                  "record: {trajectories: none}\n", ("",)),
                 ("on_a_line", "gaussian_mixture", mixture + ", dimension: 1, means: [-3, 3], variances: [1, 1]}\n"
                  "record: {trajectories: all}\n", ("",)),
                 ("no_grid", "gaussian_mixture", mixture + ", grid_side: 0, snapshots: [50, 0]}\nrecord: {trajectories: all}\n",
                  ("", "_field")),
                 ("swept", "gaussian_mixture", mixture + ", grid_side: 5}\nsweep: {width: [5, 10], depth: [1, 2]}\n"
                  "record: {trajectories: none}\n", ("", "_sweep")),
                 ("exact_steps", "gaussian_mixture", mixture + ", grid_side: 5, posterior: exact, task: whole_step}\n"
                  "sweep: {diffusion_steps: [100, 200]}\nrecord: {trajectories: none}\n", ("", "_sweep")))
        for name, experiment, words, parts in cases:
            with self.subTest(file=name):
                run = draw(experiment, self.small(name, experiment, words), self.path(name))
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                drawn = sorted(os.path.basename(path) for path in run.stdout.split() if path.endswith("png"))
                self.assertEqual(drawn, sorted(f"{experiment}{part}.png" for part in parts))
                for path in drawn:
                    self.check_ink(self.path(os.path.join(name, path)), 0.002)  # few particles

    def test_nothing_to_draw(self):
        file = self.small("nothing_recorded", "singularity",
                          "parameters: {" + TINY["singularity"] + ", posterior: exact}\nrecord: {trajectories: none}\n")
        run = draw("singularity", file, self.path("none"))
        self.assertNotEqual(run.returncode, 0)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn("no trial with a network is done and no trial is recorded", run.stderr)

    def test_wrong_file(self):
        for name in ("resistance", "spectrum", "sparsify", "gaussian_mixture", "singularity"):
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

if __name__ == "__main__":
    unittest.main()
