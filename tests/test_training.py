# SPDX-License-Identifier: BSD-2-Clause
"""The experiments that train networks: bits on any number of ranks (world and per trial), failed trainings, exact samplers against what
theory says, digits when they are there, and inputs that cannot be."""
import json
import os
import unittest
from pathlib import Path

import h5py
import numpy as np

from harness import SystemTest, run

MIXTURE = """schema: myopia/1
experiment: gaussian_mixture
seed: 5
replicates: 3
parameters: {epochs: 2, points: 1024, samples: 500, grid_side: 20, field_samples: 20, metric_samples: 200, batch: 256}
sweep: {task: [noise, single_step]}
record: {trajectories: first_per_point, every: 2}
"""
LANES = MIXTURE.replace("batch: 256", "batch: 8, depth: 1, width: 8").replace("replicates: 3", "replicates: 20")
SINGULARITY = """schema: myopia/1
experiment: singularity
seed: 5
replicates: 2
parameters: {steps: 40, points: 1000, batch: 256, samples: 300, sampler_steps: 20, metric_samples: 200, field_samples: 32}
sweep: {data: [line, curve, torus], target: [cem, sgm]}
record: {trajectories: first_per_point, every: 10}
"""
METRICS_OF_CLOCKS = ("train_time", "sample_time", "measure_time")
MNIST = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "myopia" / "mnist"


def compared(path):
    with h5py.File(path) as f:
        return ["/trials/state", "/trials/checksum", "/trials/id", "/series", "/arrays"] + [
            f"/metrics/{name}" for name in f["metrics"] if name not in METRICS_OF_CLOCKS]


class Bits(SystemTest):
    def compare(self, text, *launches):
        source = self.input(text)
        first = self.dir / "first.h5"
        self.ok("run", source, "--out", first)
        for ranks, options in launches:
            other = self.dir / f"r{ranks}{'_'.join(options)}.h5"
            self.ok("run", source, "--out", other, *options, ranks=ranks)
            self.same(first, other, compared(first))

    def test_mixture(self):
        self.compare(MIXTURE, (2, ()), (2, ("--ranks-per-trial", "2")), (3, ("--ranks-per-trial", "3")), (4, ("--ranks-per-trial", "4")),
                     (4, ("--ranks-per-trial", "auto")))

    def test_seeds_in_lanes(self):
        """16 seeds are trained side by side: which ones share the lanes must not show."""
        self.compare(LANES, (2, ()), (3, ()))

    def test_slices_of_a_cloud(self):
        """Several ranks draw a large cloud slice by slice, recorded as by one."""
        text = MIXTURE.replace("samples: 500", "samples: 20001").replace("replicates: 3", "replicates: 1")
        self.compare(text.replace("[noise, single_step]", "[noise]"), (2, ("--ranks-per-trial", "2")), (3, ("--ranks-per-trial", "3")))

    def test_singularity(self):
        self.compare(SINGULARITY, (2, ()), (2, ("--ranks-per-trial", "2")), (3, ("--ranks-per-trial", "3")))

    def test_recording_changes_nothing(self):
        files = []
        for name, text in (("with", MIXTURE), ("without", MIXTURE.replace("trajectories: first_per_point", "trajectories: none"))):
            files.append(self.dir / f"{name}.h5")
            self.ok("run", self.input(text, f"{name}.yaml"), "--out", files[-1])
        with h5py.File(files[0]) as a, h5py.File(files[1]) as b:
            for name in a["metrics"]:
                if name not in METRICS_OF_CLOCKS:
                    np.testing.assert_array_equal(a["metrics"][name][:], b["metrics"][name][:], err_msg=name)

    def test_isa_levels(self):
        """Every ISA level gives the same metrics."""
        from harness import environment
        source = self.input(MIXTURE.replace("replicates: 3", "replicates: 1"))
        values = []
        for level in ("base", "v3", "v4"):
            out = self.dir / f"{level}.h5"
            self.ok("run", source, "--out", out, env=environment(MYOPIA_ISA=level), timeout=300)
            with h5py.File(out) as f:
                values.append({name: f["metrics"][name][:] for name in f["metrics"] if name not in METRICS_OF_CLOCKS})
        for other in values[1:]:
            for name, value in other.items():
                np.testing.assert_array_equal(values[0][name], value, err_msg=name)


class Outcomes(SystemTest):
    def test_failed_training_is_a_failed_trial(self):
        """A huge learning rate: that point's trials fail with their step, the others are done, exit 1."""
        source = self.input(MIXTURE)
        out = self.dir / "failed.h5"
        done = run("run", source, "learning_rate=1e-3,1e30", "--out", out)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("loss is not finite at training step", done.stderr)
        self.assertIn("failed=6", self.result(done))
        with h5py.File(out) as f:
            rate, state = f["trials/learning_rate"][:], f["trials/state"][:]
            np.testing.assert_array_equal(state, np.where(rate > 1, 3, 2))

    def test_failed_samples_are_a_failed_trial(self):
        """One step with a huge rate: the loss was finite, the samples are not; also with two ranks a trial."""
        text = MIXTURE.replace("epochs: 2, points: 1024", "epochs: 1, points: 256, learning_rate: 1e30")
        done = run("run", self.input(text), "--out", self.dir / "samples.h5", "--ranks-per-trial", "2", ranks=2)
        self.assertIn("a sample is not finite", done.stderr)
        self.assertIn("failed=6", self.result(done))

    def test_timeout_while_sampling(self):
        """A trial that is stopped while it draws samples is no finished one, on one rank or two."""
        for experiment, parameters, ranks in (("gaussian_mixture", "diffusion_steps: 1000, grid_side: 0, weights: []", None),
                                              ("singularity", "sampler_steps: 1000", None), ("singularity", "sampler_steps: 1000", 2)):
            out = self.dir / f"{experiment}{ranks}.h5"
            text = (f"schema: myopia/1\nexperiment: {experiment}\ntimeout: 0.5s\nrecord: {{trajectories: none}}\n"
                    f"parameters: {{posterior: exact, samples: 3000000, snapshots: [], {parameters}}}\n")
            self.ok("run", self.input(text), "--out", out, "--ranks-per-trial", str(ranks or 1), code=1, ranks=ranks)
            self.assertEqual(self.show(out)["trials"]["timeout"], 1)

    def test_limits_of_exponents(self):
        """The limit at X stands beside the measured exponent where it is reached, not for sphere and torus."""
        out = self.dir / "limits.h5"
        text = """schema: myopia/1
experiment: singularity
parameters: {posterior: exact, target: sgm, samples: 50, sampler_steps: 5, metric_samples: 50}
sweep: {data: [line, curve, five_points, sphere, torus]}
"""
        self.ok("run", self.input(text), "--out", out)
        for point in self.show(out)["points"]:
            cell = point["metrics"]["exponent"]
            if point["axes"]["data"] in ("sphere", "torus"):
                self.assertIsNone(cell.get("exact"))
            else:
                self.assertAlmostEqual(cell["mean"], cell["exact"], delta=0.02)

    def test_exact_samplers(self):
        """The exact posterior mean in every sampler brings samples onto the five points, with equal shares."""
        text = """schema: myopia/1
experiment: singularity
replicates: 2
parameters: {data: five_points, posterior: exact, samples: 2000, sampler_steps: 200, denoise: true, metric_samples: 500, field_samples: 32}
sweep: {sampler: [ancestral, euler_maruyama, ddim, heun, exponential]}
"""
        out = self.dir / "exact.h5"
        self.ok("run", self.input(text), "--out", out)
        for point in self.show(out)["points"]:
            cell = point["metrics"]
            self.assertLess(cell["distance_max"]["mean"], 0.02, point["axes"])
            self.assertLess(cell["along"]["mean"], 0.06, point["axes"])  # 2,000 samples: 0.018 expected of fair shares
            self.assertLess(abs(cell["exponent"]["mean"]), 0.02)

    def test_many_modes_and_dimensions(self):
        """Three modes in five dimensions, unequal weights: the exact sampler finds shares and variances."""
        means = [0.0] * 15
        means[0], means[6], means[12] = 6.0, 6.0, 6.0
        text = f"""schema: myopia/1
experiment: gaussian_mixture
replicates: 4
parameters:
  dimension: 5
  means: {means}
  variances: {[0.2, 0.3, 0.4, 0.5, 0.6] * 3}
  weights: [2, 3, 5]
  posterior: exact
  samples: 4000
  diffusion_steps: 400
  metric_samples: 1000
"""
        out = self.dir / "modes.h5"
        self.ok("run", self.input(text), "--out", out)
        cell = self.show(out)["points"][0]["metrics"]
        self.assertLess(cell["weight_error"]["mean"], 0.03)
        self.assertAlmostEqual(cell["variance_ratio"]["mean"], 1, delta=0.06)
        self.assertLess(cell["outside"]["mean"], 0.005)
        self.assertEqual(cell["information_grid"]["n"], 0)

    @unittest.skipUnless((MNIST / "train-images-idx3-ubyte").exists(), "no digits here: bash jobs/fetch_mnist.sh")
    def test_digits(self):
        text = """schema: myopia/1
experiment: singularity
parameters: {data: digits, target: cem, steps: 20, width: 64, points: 500, samples: 32, sampler_steps: 10, batch: 64}
record: {trajectories: all, every: 10}
"""
        out = self.dir / "digits.h5"
        self.ok("run", self.input(text), "--out", out, timeout=300)
        cell = self.show(out)["points"][0]["metrics"]
        self.assertGreater(cell["accuracy"]["mean"], 0.95)
        self.assertGreater(cell["frechet"]["mean"], cell["frechet_fresh"]["mean"])
        self.assertGreater(cell["novelty"]["mean"], 0)


    def test_no_snapshots(self):
        """An empty list, where one may be empty, in a file: no trajectories, and no other bits."""
        for text, name in ((MIXTURE, "mixture"), (SINGULARITY, "singularity")):
            some, none = self.dir / f"{name}_some.h5", self.dir / f"{name}_none.h5"
            text = text.replace("sweep: {data: [line, curve, torus], ", "sweep: {")
            self.ok("run", self.input(text), "--out", some)
            self.ok("run", self.input(text.replace("parameters: {", "parameters: {snapshots: [], ")), "--out", none)
            with h5py.File(some) as a, h5py.File(none) as b:
                self.assertIn("trajectory", a["arrays"])
                self.assertNotIn("trajectory", b["arrays"])
                self.assertTrue(np.isfinite(a["metrics/energy_distance"][:]).all())
                np.testing.assert_array_equal(a["metrics/energy_distance"][:], b["metrics/energy_distance"][:])

    def test_laws_that_read_alike(self):
        """On a line, 2 weighted modes and 3 unweighted ones can be the same six numbers: the field of one must not serve the other."""
        text = """schema: myopia/1
experiment: gaussian_mixture
parameters: {dimension: 1, epochs: 1, points: 640, samples: 100, field_samples: 50, metric_samples: 50}
cases:
  - {means: [[1, 2]], variances: [[3, 4]], weights: [[5, 6]]}
  - {means: [[1, 2, 3]], variances: [[4, 5, 6]], weights: [[]]}
"""
        both, alone = self.dir / "both.h5", self.dir / "alone.h5"
        self.ok("run", self.input(text), "--out", both)
        self.ok("run", self.input(text), "--trial", "1", "--out", alone)
        with h5py.File(both) as a, h5py.File(alone) as b:
            done = b["trials/state"][:] == 2
            self.assertEqual(done.sum(), 1)
            np.testing.assert_array_equal(a["metrics/data_error"][:][-1], b["metrics/data_error"][:][done][0])

    def test_memory_prediction(self):
        """The network, the field and the digits of the data's noise are in what `check` predicts."""
        for experiment, parameters, least in (
                ("gaussian_mixture", "noise: deterministic, points: 100000, diffusion_steps: 1000, batch: 1000", 1200),
                ("gaussian_mixture", "diffusion_steps: 10000", 450),
                ("gaussian_mixture", "depth: 4, width: 1024, batch: 512", 200),
                ("singularity", "ambient: 1000, field_samples: 1000", 900),
                ("singularity", "depth: 4, width: 2048", 700)):
            source = self.input(f"schema: myopia/1\nexperiment: {experiment}\nparameters: {{{parameters}}}\n")
            bytes_ = json.loads(self.ok("check", source, "--json").stdout)["memory_per_rank_bytes"]
            self.assertGreater(bytes_, least * 1e6, parameters)
            self.assertLess(bytes_, 2 * least * 1e6, parameters)


class Refused(SystemTest):
    def refused(self, text, *fragments):
        done = run("check", self.input(text))
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        for fragment in fragments:
            self.assertIn(fragment, done.stderr)

    def test_cross_field_rules(self):
        mixture = "schema: myopia/1\nexperiment: gaussian_mixture\nparameters: {%s}\n"
        self.refused(mixture % "means: [1, 2, 3]", "no multiple of dimension 2", "variances holds 4 numbers")
        self.refused(mixture % "weights: [1]", "weights holds 1 numbers for 2 modes")
        self.refused(mixture % "variances: [1, 1, 0, 1]", "out of range")
        self.refused(mixture % "batch: 64, points: 10", "batch 64 is larger than the 10 points")
        self.refused(mixture % "shards: 3", "no power of two")
        self.refused(mixture % "epochs: 1000000000", "training steps; at most 1e9")
        self.refused(mixture % "snapshots: [0, 5]", "snapshots must fall")
        self.refused(mixture % "time_feature: none", "a denoiser sees the time")
        self.refused(mixture % "means: [nan, 1, 1, 1]", "NaN")
        singular = "schema: myopia/1\nexperiment: singularity\nparameters: {%s}\n"
        self.refused(singular % "t_min: 1, t_max: 0.5", "t_min 1 is not below t_max 0.5")
        self.refused(singular % "t_max: 200", "out of range")
        self.refused(singular % "t_max: 171", "0 < x <= 170")
        self.refused(singular % "probe: []", "a list of 0 numbers; 1 to 64 are allowed")
        self.refused(singular % "data: torus, ambient: 2", "torus lies in 3 dimensions")
        self.refused(singular % "data: digits, posterior: exact", "digits have no exact posterior mean")
        self.refused(singular % "probe: [1, 2, 3]", "probe has 3 coordinates in 2 dimensions")

    def test_missing_digits(self):
        self.refused(f"schema: myopia/1\nexperiment: singularity\nparameters: {{data: digits, directory: {self.dir}}}\n", "fetch_mnist.sh",
                     "input.yaml:3:")

    def test_truncated_digits(self):
        for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
            (self.dir / name).write_bytes(b"\0\0\x08\x03\0\0")
        self.refused(f"schema: myopia/1\nexperiment: singularity\nparameters: {{data: digits, directory: {self.dir}}}\n", "idx3-ubyte")


if __name__ == "__main__":
    unittest.main()
