# SPDX-License-Identifier: BSD-2-Clause
"""Graph diffusion as a user meets it: bits on any number of ranks, exact chains against theory, models written, sampled from and damaged,
sets from files, and inputs that cannot be."""
import json
import os
import unittest

import h5py
import numpy as np

from harness import ROOT, SystemTest, run

COMMON = """schema: myopia/1
experiment: graph_diffusion
seed: 3
replicates: 2
"""
SMALL = ("parameters: {cluster_sizes: [4, 4], bridge_frequency: 0.25, graphs: 60, test_graphs: 40, samples: 70, diffusion_steps: 10, "
         "metric_graphs: 40, bound_graphs: 8, probe_graphs: 16, trace_graphs: 20, recorded_graphs: 10, strip_graphs: 2, steps: 12, "
         "batch: 16, shards: 4%s}\n")
CASES = """cases:
  - {denoiser: [factored, factored_bit], loss: [standard, edge_weighted]}
  - {denoiser: edge_mlp, permute: true, width: 16}
  - {denoiser: transformer, feature_cycles: true, feature_spectrum: true, layers: 1, dx: 32, de: 16, dy: 16, ff_x: 32, ff_e: 16, ff_y: 16,
     dropout: [0, 0.1], node_blocks: [false, true]}
record: {trajectories: first_per_point, every: 4}
"""
TINY_TRANSFORMER = "denoiser: transformer, node_id: true, layers: 1, dx: 32, de: 16, dy: 16, ff_x: 32, ff_e: 16, ff_y: 16"
CLOCKS = ("data_time", "resistance_time", "train_time", "step_time", "sample_time", "measure_time")


def compared(path):
    with h5py.File(path) as f:
        return ["/trials/state", "/trials/checksum", "/trials/id", "/series", "/arrays"] + [
            f"/metrics/{name}" for name in f["metrics"] if name not in CLOCKS]


class Bits(SystemTest):
    def test_ranks(self):
        """World ranks, ranks that share a trial, and another ISA level of the processor's own."""
        source, first = self.input(COMMON + SMALL % "" + CASES), self.dir / "first.h5"
        self.ok("run", source, "--out", first)
        for ranks, options in ((2, ()), (2, ("--ranks-per-trial", "2")), (3, ("--ranks-per-trial", "3")), (4, ("--ranks-per-trial", "4"))):
            other = self.dir / f"r{ranks}{len(options)}.h5"
            self.ok("run", source, "--out", other, *options, ranks=ranks)
            self.same(first, other, compared(first))

    def test_isa_levels(self):
        source, first = self.input(COMMON + SMALL % "" + CASES), self.dir / "first.h5"
        self.ok("run", source, "--out", first)
        for level in ("base", "v3"):
            other = self.dir / f"{level}.h5"
            done = run("run", source, "--out", other, env=dict(os.environ, MYOPIA_ISA=level, OPENBLAS_NUM_THREADS="1"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.same(first, other, compared(first))


class Exact(SystemTest):
    def test_smoke(self):
        """The smoke input meets its expectations: the exact posterior samples its exact law."""
        out = self.dir / "smoke.h5"
        done = self.ok("run", ROOT / "inputs" / "smoke" / "graph_diffusion.yaml", "--out", out, ranks=2)
        self.assertIn("VALID trials=18/18", done.stdout.splitlines()[-1])

    def values(self, text):
        path = self.dir / "exact.h5"
        self.ok("run", self.input(text), "--out", path, timeout=300)
        return [{name: cell["mean"] for name, cell in point["metrics"].items()} | point["axes"]
                for point in json.loads(self.ok("show", path, "--json").stdout)["points"]]

    def test_enumerated_chain(self):
        """toy4 with the exact posterior: what the chain generates is its enumerated law; published to three digits in the header."""
        text = COMMON + """parameters: {data: toy4, permute: true, posterior: exact, samples: 20000, graphs: 1000, lambda: 9}
sweep: {loss: [standard, edge_weighted, graph_weighted]}
"""
        for point in self.values(text):
            self.assertEqual(point["connected_within"], 1, point)
            self.assertAlmostEqual(point["connected"], point["connected_exact"], delta=0.012)

    def test_fixed_order(self):
        """Independent pairs in fixed order: the exact chain gives every pair its tilted frequency."""
        text = COMMON + """parameters: {posterior: exact, samples: 20000, lambda: 9, diffusion_steps: 100}
sweep: {loss: [standard, edge_weighted, graph_weighted, class_weighted]}
"""
        for point in self.values(text):
            self.assertEqual(point["connected_within"], 1, point)
            self.assertEqual(point["marginals_within"], 1, point)
            expected = 0.05 if point["loss"] == "standard" else 10 * 0.05 / (10 * 0.05 + 0.95)
            self.assertAlmostEqual(point["bridge_recall"], expected, delta=5 * np.sqrt(expected * (1 - expected) / 40000))


class Models(SystemTest):
    def train(self, extra="", ranks=None):
        folder = self.dir / "models"
        folder.mkdir(exist_ok=True)
        text = COMMON.replace("replicates: 2", "replicates: 1") + SMALL % f", {TINY_TRANSFORMER}, model_directory: {folder}{extra}"
        self.ok("run", self.input(text), "--out", self.dir / "train.h5", "--overwrite", ranks=ranks)
        return next(folder.iterdir())

    def test_sample(self):
        """Graphs from a model: as text on any number of ranks, read again as data, and with all measures as a results file."""
        model = self.train()
        self.ok("sample", model, "-n", 30, "--out", self.dir / "graphs.txt")
        text = (self.dir / "graphs.txt").read_text()
        self.assertEqual(text.count("graph 8"), 30, text[:200])
        self.ok("sample", model, "-n", 30, "--out", self.dir / "two.txt", ranks=2)
        self.assertEqual(text, (self.dir / "two.txt").read_text())
        self.ok("sample", model, "-n", 30, "--out", self.dir / "graphs.h5")
        with h5py.File(self.dir / "graphs.h5") as f:
            edges = sum(int(np.count_nonzero(row)) for row in f["arrays/samples"][:].reshape(30, 28))
        self.assertEqual(edges, sum(1 for line in text.splitlines() if line and line[0].isdigit()))
        again = COMMON + (f"parameters: {{data: file, path: {self.dir / 'graphs.txt'}, graphs: 20, test_graphs: 10, samples: 20, "
                          "steps: 5, diffusion_steps: 5, batch: 4}\n")
        self.ok("run", self.input(again, "again.yaml"), "--out", self.dir / "again.h5")

    def test_same_samples_as_its_training(self):
        """The model that was written is the model that was measured: probes of training and of the file agree to the bit."""
        model = self.train()
        self.ok("sample", model, "-n", 70, "--out", self.dir / "graphs.h5")
        with h5py.File(self.dir / "train.h5") as a, h5py.File(self.dir / "graphs.h5") as b:
            np.testing.assert_array_equal(a["arrays/pair_frequency_data"][:], b["arrays/pair_frequency_data"][:])
            self.assertAlmostEqual(a["metrics/probe_pair"][0], b["metrics/probe_pair"][0], delta=0.02)

    def test_damaged(self):
        model = self.train()
        good = model.read_bytes()
        middle = len(good) // 2
        for name, data in (("cut", good[:-100]), ("flipped", good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:]),
                           ("empty", b""), ("other", b"hello\n" * 1000), ("tail", good + b"x")):
            broken = self.dir / name
            broken.write_bytes(data)
            done = self.ok("sample", broken, "--out", self.dir / "never.txt", code=2)
            self.assertIn(name, done.stderr)
            self.assertFalse((self.dir / "never.txt").exists())
        self.assertIn("missing", self.ok("sample", self.dir / "missing", "--out", self.dir / "never.txt", code=2).stderr)
        self.ok("sample", model, code=2)
        self.ok("sample", model, "-n", 0, "--out", self.dir / "never.txt", code=2)

    def test_sample_refused(self):
        """What would be replaced by mistake, cannot be written or would draw from another model: told before anything is drawn."""
        model = self.train()
        pipe = self.dir / "pipe"
        os.mkfifo(pipe)
        for out, text in ((pipe, "no file"), (self.dir, "no file"), (self.dir / "nowhere" / "graphs.txt", "nowhere")):
            done = self.ok("sample", model, "--out", out, "--overwrite", code=2)
            self.assertIn(text, done.stderr)
            self.assertNotIn("trials", done.stderr)
        self.assertTrue(pipe.is_fifo())
        for word in ("posterior=network", "model_file=x", "samples=7"):
            self.assertIn(word.split("=")[0], self.ok("sample", model, word, "--out", self.dir / "never.txt", code=2).stderr)
        done = self.ok("sample", self.dir / "missing", "--out", self.dir / "never.txt", code=2, ranks=3)
        self.assertEqual(done.stderr.count("missing"), 1, done.stderr)

    def test_folder_that_is_not_there(self):
        """A model that cannot be written fails its trial, and says why."""
        text = COMMON + SMALL % f", model_directory: {self.dir / 'nowhere'}"
        done = self.ok("run", self.input(text), "--out", self.dir / "out.h5", code=1)
        self.assertIn("nowhere", done.stdout + done.stderr)


class Explosions(SystemTest):
    def test_last_step(self):
        """No later loss tells of a last step that blows the parameters up, or makes them so large that the network overflows."""
        folder = self.dir / "models"
        folder.mkdir()
        for denoiser, rate in (("factored_bit", 1e300), ("edge_mlp", 1e300), ("edge_mlp", 1e35)):
            text = COMMON + (SMALL % f", denoiser: {denoiser}, optimizer: sgd, learning_rate: {rate}").replace("steps: 12", "steps: 1")
            done = self.ok("run", self.input(text), "--out", self.dir / "out.h5", "--overwrite", code=1)
            self.assertIn("not finite", done.stdout)


class Input(SystemTest):
    def refused(self, parameters, *expected):
        done = self.ok("check", self.input(COMMON + f"parameters: {{{parameters}}}\n"), code=2)
        for text in expected:
            self.assertIn(text, done.stderr)

    def test_refused(self):
        self.refused("denoiser: transformer", "alike")  # blind
        self.refused("denoiser: transformer, node_id: true, dx: 40", "16")
        self.refused("cluster_sizes: [40, 40]", "64")
        self.refused("cluster_sizes: [3, 4]", "equal")
        self.refused("data: file", "path")
        self.refused(f"data: file, path: {self.dir / 'none.txt'}", "none.txt")
        self.refused("schedule: user, abar: [0.9, 0.5]", "abar")
        self.refused("schedule: user, abar: [0.5, 0.9, 1e-4]", "abar")
        self.refused("posterior: exact, permute: true", "toy4")
        self.refused("posterior: checkpoint", "model_file")
        self.refused("posterior: exact, data: chain, cluster_sizes: [4, 5, 4], loss: graph_weighted", "barbell")
        self.refused("posterior: checkpoint, model_file: nowhere", "nowhere")
        self.refused("shards: 3", "power of two")
        self.refused("bridge_frequency: 1.5", "bridge_frequency")
        self.refused("denoiser: factored_bit, time_buckets: 51", "51")

    def test_warning(self):
        """Coarse buckets are allowed, but not without a word."""
        done = self.ok("check", self.input(COMMON + "parameters: {denoiser: factored_bit, time_buckets: 1}\n"))
        self.assertIn("time_buckets", done.stderr)

    def test_sets(self):
        """A folder of single graphs; a set that is too small; garbage."""
        folder = self.dir / "folder"
        folder.mkdir()
        for i in range(6):
            (folder / f"{i}.txt").write_text("0 1\n1 2\n" + (f"2 {3 + i}\n"))
        base = f"data: file, path: {folder}, samples: 10, steps: 3, diffusion_steps: 5, batch: 2"
        self.ok("run", self.input(COMMON + f"parameters: {{{base}, graphs: 4, test_graphs: 2}}\n"), "--out", self.dir / "a.h5")
        self.refused(base + ", graphs: 5, test_graphs: 2", "6 graphs")
        (self.dir / "garbage.txt").write_bytes(bytes(range(256)))
        self.refused(f"data: file, path: {self.dir / 'garbage.txt'}", "garbage.txt:")
        (self.dir / "large.txt").write_text("graph 65\n0 1\n")
        self.refused(f"data: file, path: {self.dir / 'large.txt'}", "64")


if __name__ == "__main__":
    unittest.main()
