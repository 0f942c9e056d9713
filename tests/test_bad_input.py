# SPDX-License-Identifier: BSD-2-Clause
"""Bad input ends in exit 2 with every error at its place, fast: tests/bad_inputs/ (each file says what it expects), settings, and
files that are none."""
import os
import re
import time
import unittest
from pathlib import Path

from harness import SystemTest, run

CORPUS = Path(__file__).resolve().parent / "bad_inputs"
LIMIT = 10  # seconds
EXPECT = re.compile(rb"# expect: (\d+):(\d+): (.*)")
GOOD = "schema: myopia/1\nexperiment: barbell\nreplicates: 2\nsweep: {method: [random, oracle]}\n"


class BadInput(SystemTest):
    def refused(self, *words):
        """Runs `check`, which must refuse in time with exit 2, say so on stderr alone, and show no trace of a crash."""
        begin = time.monotonic()
        done = run("check", *words, timeout=6 * LIMIT)
        seconds = time.monotonic() - begin
        self.assertEqual(done.returncode, 2, f"{words}: expected exit 2, got {done.returncode}\n{done.stdout}\n{done.stderr}")
        self.assertLess(seconds, LIMIT, f"{words}: expected an answer within {LIMIT} s, took {seconds:.1f} s")
        self.assertIn("error", done.stderr)
        for word in ("Sanitizer", "runtime error", "PETSC ERROR", "Segmentation"):
            self.assertNotIn(word, done.stderr)
        return done.stderr

    def has(self, stderr, place, fragment):
        found = [line for line in stderr.splitlines() if line.startswith(f"{place}: error: ") and fragment in line]
        self.assertTrue(found, f"expected '{place}: error: ...{fragment}...', got\n{stderr}")

    def test_corpus(self):
        files = sorted(CORPUS.glob("*.yaml"))
        self.assertGreaterEqual(len(files), 45)
        for path in files:
            with self.subTest(path.name):
                expected = EXPECT.findall(path.read_bytes())
                self.assertTrue(expected, f"{path.name}: no '# expect:' line")
                stderr = self.refused(path)
                for line, column, fragment in expected:
                    self.has(stderr, f"{path}:{line.decode()}:{column.decode()}", fragment.decode())

    def test_settings(self):
        path = self.input(GOOD)
        for sets, place, fragment in [
            (["lambda=x"], "command line:1:8", "'x' is not a number"),
            (["seed=3", "lamda=1"], "command line:2:1", "did you mean 'lambda'"),
            (["method=random,orcle"], "command line:1:15", "did you mean 'oracle'"),
            (["method=random,random"], "command line:1:15", "listed twice"),
            (["density=0"], "command line:1:9", "out of range"),
            (["density=nan"], "command line:1:9", "NaN"),
            (["clique_size=range(2,9,0)"], "command line:1:13", "the step is 0"),
            (["clique_size=linspace(2,9,3)"], "command line:1:13", "is not an integer"),
            (["replicates=0"], "command line:1:12", "out of range"),
            (["seed=-1"], "command line:1:6", "out of range"),
            (["lambda=1,2"], "command line:1:1", "when: {lambda: {method: weighted}}"),
            (["record.every=0"], "command line:1:14", "out of range"),
            (["timeout=soon"], "command line:1:9", "not a duration"),
            (["lambda=1", "lambda=2"], "command line:2:1", "set twice"),
            (["sweep=1"], "command line:1:1", "cannot be set on the command line"),
        ]:
            with self.subTest(sets):
                self.has(self.refused(path, *sets), place, fragment)

    def test_errors_of_file_and_settings_together(self):
        path = self.input(GOOD.replace("oracle", "orcle"))
        stderr = self.refused(path, "lambda=x", "density=7")
        self.has(stderr, f"{path}:4:26", "did you mean 'oracle'")
        self.has(stderr, "command line:1:8", "not a number")
        self.has(stderr, "command line:2:9", "out of range")

    def test_unknown_metric(self):
        path = self.input(GOOD + "expect: [{metric: conected, min: 0}]\n")
        self.has(self.refused(path), f"{path}:5:19", "conected")

    def test_empty(self):
        path = self.input("")
        self.has(self.refused(path), f"{path}:1:1", "the input is empty")

    def test_no_file(self):
        for path in (self.dir / "missing.yaml", self.dir):
            self.assertIn(str(path), self.refused(path))

    def test_unreadable(self):
        path = self.input(GOOD)
        path.chmod(0)
        if os.access(path, os.R_OK):  # root reads everything that can be read; this cannot
            path = Path("/proc/self/mem")
        self.assertIn(str(path), self.refused(path))

    def test_good(self):
        """The same text without its mistake passes: the refusals above are not for everything."""
        self.ok("check", self.input(GOOD))


if __name__ == "__main__":
    unittest.main()
