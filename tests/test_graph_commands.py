# SPDX-License-Identifier: BSD-2-Clause
"""`myopia resistance` and `myopia spectrum` as a user types them: what is printed and kept, refusals with numbers, ranks, restarts."""
import csv
import io
import os
import signal
import subprocess
import time
import unittest

import h5py
import numpy as np

from harness import SystemTest, command, environment

EDGES = "# two triangles and a bridge\n1 2\n2 3\n1 3\n3 4\n4 5\n5 6\n4 6\n"


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


class Commands(SystemTest):
    def setUp(self):
        super().setUp()
        self.graph = self.dir / "g.txt"
        self.graph.write_text(EDGES)
        self.out = self.dir / "out.h5"

    def test_csv_is_all_of_stdout(self):
        for ranks in (None, 2):
            done = self.ok("resistance", self.graph, "--csv", ranks=ranks)
            rows = table(done.stdout)
            self.assertEqual([(int(r["u"]), int(r["v"])) for r in rows], [(1, 2), (1, 3), (2, 3), (3, 4), (4, 5), (4, 6), (5, 6)])
            self.assertEqual([r["edge"] for r in rows], [str(i) for i in range(7)])
            np.testing.assert_allclose([float(r["resistance"]) for r in rows], [2 / 3] * 3 + [1] + [2 / 3] * 3, rtol=1e-14)
            self.assertIn("RESULT: VALID", done.stderr)
        rows = table(self.ok("spectrum", self.graph, "-k", "3", "--csv").stdout)
        self.assertEqual(list(rows[0]), ["index", "eigenvalue", "residual"])
        expected = np.linalg.eigvalsh([[2, -1, -1, 0, 0, 0], [-1, 2, -1, 0, 0, 0], [-1, -1, 3, -1, 0, 0], [0, 0, -1, 3, -1, -1],
                                       [0, 0, 0, -1, 2, -1], [0, 0, 0, -1, -1, 2]])[:3]
        np.testing.assert_allclose([float(r["eigenvalue"]) for r in rows], expected, atol=1e-13)

    def test_without_out_nothing_is_kept(self):
        scratch = self.dir / "scratch"
        scratch.mkdir()
        done = self.ok("resistance", self.graph, env=environment(TMPDIR=str(scratch)), cwd=self.dir)
        self.assertIn("file=-", self.result(done))
        self.assertEqual(list(scratch.iterdir()), [])
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["g.txt", "scratch"])

    def test_the_file_has_what_is_documented(self):
        self.ok("resistance", self.graph, "--out", self.out)
        with h5py.File(self.out) as f:
            self.assertEqual(f["arrays/edges"].shape, (1, 7, 2))
            self.assertEqual(f["arrays/resistance"].shape, (1, 7))
            self.assertEqual(f["arrays/bridge"][0].tolist(), [0, 0, 0, 1, 0, 0, 0])
            for name in ("solve_time", "peak_memory", "foster_error", "sample_error"):
                self.assertTrue(np.isfinite(f["metrics"][name][0]), name)
        self.ok("verify", self.out)
        self.ok("resistance", self.graph, "--out", self.out, code=2)
        self.ok("resistance", self.graph, "--out", self.out, "--resume")
        self.ok("resistance", self.graph, "--out", self.out, "--overwrite", "--method", "dense")

    def test_clocks_are_outside_the_checksum(self):
        other = self.dir / "other.h5"
        for out in (self.out, other):
            self.ok("resistance", "geometric", "nodes=3000", "--out", out)
        with h5py.File(self.out) as a, h5py.File(other) as b:
            self.assertEqual(a["trials/checksum"][0], b["trials/checksum"][0])
            self.assertNotEqual(a["metrics/solve_time"][0], b["metrics/solve_time"][0])
            for name in a["metrics"]:
                kind = a["metrics"][name].attrs["kind"]
                if (kind.decode() if isinstance(kind, bytes) else kind) != "clock":
                    np.testing.assert_array_equal(a["metrics"][name][:], b["metrics"][name][:], err_msg=name)

    def test_methods_and_ranks_agree(self):
        answers = {}
        for method, ranks in (("dense", None), ("exact", None), ("exact", 2), ("exact", 3), ("exact", 8), ("solve", 2), ("auto", 2)):
            done = self.ok("resistance", "geometric", "nodes=400", "degree=9", "--method", method, "--csv", ranks=ranks)
            answers[method, ranks] = np.array([float(r["resistance"]) for r in table(done.stdout)])
        for key, answer in answers.items():
            tolerance = 1e-8 if key[0] == "solve" else 1e-10
            np.testing.assert_allclose(answer, answers["dense", None], rtol=tolerance, err_msg=str(key))

    def test_sketch_is_the_same_on_any_ranks(self):
        runs = [table(self.ok("resistance", "rmat", "scale=9", "--method", "sketch", "--csv", ranks=n).stdout) for n in (1, 2, 3)]
        for other in runs[1:]:
            self.assertEqual([(r["resistance"], r["stderr"]) for r in runs[0]], [(r["resistance"], r["stderr"]) for r in other])
        exact = table(self.ok("resistance", "rmat", "scale=9", "--method", "exact", "--csv").stdout)
        off = [abs(float(a["resistance"]) / float(b["resistance"]) - 1) for a, b in zip(runs[0], exact)]
        self.assertLess(np.mean(off), 0.01)

    def test_by_rows(self):
        for ranks in (1, 2, 3):
            out = self.dir / f"rows{ranks}.h5"
            done = self.ok("resistance", "rmat", "scale=9", "distribution=rows", "--method", "sketch", "--out", out, ranks=ranks)
            self.assertIn("RESULT: VALID", self.result(done))
        with h5py.File(self.dir / "rows1.h5") as one, h5py.File(self.dir / "rows3.h5") as three:
            for name in ("nodes", "edges", "components", "isolated"):
                self.assertEqual(one["metrics"][name][0], three["metrics"][name][0])
            self.assertAlmostEqual(one["metrics/r_mean"][0] / three["metrics/r_mean"][0], 1, delta=2e-3)
            self.assertAlmostEqual(one["metrics/weighted_sum"][0], one["metrics/nodes"][0] - one["metrics/components"][0],
                                   delta=2e-3 * one["metrics/nodes"][0])

    def test_too_little_memory_is_told_with_numbers(self):
        told = self.ok("resistance", "grid_2d", "width=200", "height=200", "--method", "exact", "memory_limit=0.01", code=1)
        self.assertRegex(told.stderr + told.stdout, r"exact needs .* of the .* allowed")
        self.assertIn("RESULT: INVALID trials=0/1 failed=1", self.result(told))

    def test_bad_usage(self):
        for words, word in (
                (("resistance",), "an argument is missing"), (("resistance", "g.txt", "--csv", "x"), "'x' is no override"),
                (("resistance", "g.txt", "--method", "exakt"), "exact"), (("spectrum", self.graph, "-k", "0"), "out of range: 1 <= x"),
                (("resistance", "grid_3d", "depth=0"), "depth"), (("resistance", "watts_strogatz", "degree=3"), "degree"),
                (("resistance", self.graph, "projections=17"), "multiple of 16"), (("resistance", "grid-2d"), "grid-2d")):
            done = self.ok(*words, code=2, cwd=self.dir)
            self.assertIn(word, done.stderr, words)

    def test_what_is_no_file_is_not_waited_for(self):
        fifo = self.dir / "fifo"
        os.mkfifo(fifo)
        self.assertIn("no regular file", self.ok("resistance", fifo, code=2, timeout=20).stderr)
        self.assertIn("no regular file", self.ok("resistance", self.graph, "--pairs", fifo, code=2, timeout=20).stderr)

    def test_hopeless_weights_fail_their_row_alone(self):
        (self.dir / "bad.txt").write_text("0 1 1e18\n1 2 1\n2 3 1e18\n3 0 1\n")
        (self.dir / "wild.txt").write_text("0 1 1e300\n")
        text = ("schema: myopia/1\nexperiment: resistance\nparameters: {graph: file}\n"
                f"sweep: {{file: [{self.dir}/bad.txt, {self.graph}]}}\n")
        done = self.ok("run", self.input(text), "--out", self.out, code=1)
        self.assertIn("trials=1/2 failed=1", self.result(done))
        self.assertIn("1e+300", self.ok("spectrum", self.dir / "wild.txt", code=2).stderr)

    def test_an_interrupted_run_resumes(self):
        words = ("resistance", "grid_2d", "width=700", "height=700", "--out", self.out)
        run = subprocess.Popen(command(*words), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not self.out.exists() and run.poll() is None:
            time.sleep(0.01)
        os.kill(run.pid, signal.SIGUSR1)
        out, err = run.communicate(timeout=120)
        self.assertIn(run.returncode, (0, 85), out + err)
        self.ok(*words, "--resume", "samples=32", timeout=300)
        self.ok("verify", self.out)


if __name__ == "__main__":
    unittest.main()
