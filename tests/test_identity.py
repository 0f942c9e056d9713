# SPDX-License-Identifier: BSD-2-Clause
"""Results are the same to the bit on any number of ranks, in any order, and whatever else is in the sweep."""
import unittest

import h5py
import numpy as np

from harness import COMPARED, SystemTest

BARBELL = """schema: myopia/1
experiment: barbell
seed: 7
replicates: 300
sweep: {method: [random, standard, weighted, oracle]}
"""
RAGGED = """schema: myopia/1
experiment: barbell
seed: 7
replicates: 40
sweep: {clique_size: [3, 8, 5], method: [random, oracle]}
record: {trajectories: every 7}
"""
DYNAMICS = """schema: myopia/1
experiment: opt_dynamics
seed: 3
replicates: 50
parameters: {steps: 300}
sweep: {omega: [1, 50]}
record: {trajectories: all, every: 20}
"""


def rows_by_id(path):
    """id -> (key, checksum, metrics) of every row."""
    with h5py.File(path) as f:
        names = sorted(f["metrics"])
        columns = [f["metrics"][n][:].view(np.uint64) for n in names]
        return {int(i): (int(k), int(c), tuple(int(col[r]) for col in columns))
                for r, (i, k, c) in enumerate(zip(f["trials/id"][:], f["trials/key"][:], f["trials/checksum"][:]))}


class Ranks(SystemTest):
    def compare(self, text, ranks, *options):
        source = self.input(text)
        first = self.dir / "r1.h5"
        self.ok("run", source, "--out", first)
        for n in ranks:
            other = self.dir / f"r{n}.h5"
            self.ok("run", source, "--out", other, *options, ranks=n)
            self.same(first, other)

    def test_barbell(self):
        self.compare(BARBELL, [2, 3, 4, 8])

    def test_ragged_arrays(self):
        self.compare(RAGGED, [2, 3, 4])

    def test_series(self):
        self.compare(DYNAMICS, [2, 3, 4])

    def test_ranks_per_trial(self):
        self.compare(BARBELL, [4, 5], "--ranks-per-trial", "2")

    def test_ranks_per_trial_auto(self):
        """Many or short trials: one rank each, and nothing else changes. One long one: all ranks that make a power of two."""
        self.compare(BARBELL, [3], "--ranks-per-trial", "auto")
        text = "schema: myopia/1\nexperiment: resistance\nparameters: {graph: grid_2d, width: 150, height: 150, method: exact}\n"
        source, out = self.input(text), self.dir / "auto.h5"
        self.assertRegex(self.ok("check", source, "--ranks-per-trial", "auto", ranks=3).stdout, r"up to 2 ranks each \(auto\)")
        self.ok("run", source, "--ranks-per-trial", "auto", "--out", out, ranks=3)
        with h5py.File(out) as f:
            self.assertEqual(f["trials/ranks"][:].tolist(), [2])
        self.assertIn("N|auto", self.ok("run", source, "--ranks-per-trial", "self", "--out", out, code=2).stderr)

    def test_ranks_axis(self):
        """A sweep over ranks gives every size the same rows; ranks that fit nowhere are reported."""
        source = self.input(BARBELL.replace("oracle]", "oracle], ranks: [1, 2, 3]"))
        out = self.dir / "axis.h5"
        done = self.ok("run", source, "--out", out, ranks=4)
        self.assertIn("1 of 4 ranks fit into no group of 3", done.stderr)
        with h5py.File(out) as f:
            ranks, method = f["trials/ranks"][:], f["trials/method"][:]
            self.assertEqual(sorted(set(ranks)), [1, 2, 3])
            for m in set(method):
                sums = [f["trials/checksum"][:][(method == m) & (ranks == n)] for n in (1, 2, 3)]
                self.assertEqual(len(sums[0]), 300)
                np.testing.assert_array_equal(sums[0], sums[1])
                np.testing.assert_array_equal(sums[0], sums[2])
        self.ok("check", source, ranks=2, code=2)


class Sweeps(SystemTest):
    def run_to(self, name, text, *words):
        out = self.dir / (name + ".h5")
        self.ok("run", self.input(text, name + ".yaml"), "--out", out, *words)
        return rows_by_id(out)

    def test_adding_a_value_keeps_old_rows(self):
        old = self.run_to("old", BARBELL, "method=random,oracle")
        new = self.run_to("new", BARBELL)
        self.assertEqual({i: new[i] for i in old}, old)
        self.assertEqual(len(new), 1200)

    def test_permuting_axes_keeps_rows(self):
        text = BARBELL.replace("sweep: {method: [random, standard, weighted, oracle]}", "sweep: {%s}")
        a = self.run_to("a", text % "clique_size: [5, 8], method: [random, oracle]")
        b = self.run_to("b", text % "method: [oracle, random], clique_size: [8, 5]")
        self.assertEqual(a, b)
        self.assertEqual(len(a), 1200)

    def test_three_parts_keep_rows(self):
        whole = self.run_to("whole", BARBELL)
        parts = {}
        for i in (1, 2, 3):
            part = self.run_to(f"part{i}", BARBELL, "--part", f"{i}/3")
            self.assertEqual(len(part), 400)
            parts.update(part)
        self.assertEqual(parts, whole)

    def test_parts_record_what_the_whole_records(self):
        whole = self.run_to("whole", DYNAMICS, "record.trajectories=first")
        parts = {}
        for i in (1, 2):
            parts.update(self.run_to(f"part{i}", DYNAMICS, "record.trajectories=first", "--part", f"{i}/2"))
        self.assertEqual(parts, whole)

    def test_extend_of_a_ranks_axis(self):
        """Points that differ in ranks alone have the same ids: their rows are told apart by the ranks."""
        source, out, fresh = self.input(BARBELL), self.dir / "x.h5", self.dir / "fresh.h5"
        self.ok("run", source, "method=random", "ranks=1,2", "replicates=50", "--out", out, ranks=2)
        self.ok("run", source, "method=random", "ranks=1,2", "--out", out, "--extend", ranks=2)
        self.ok("run", source, "method=random", "ranks=1,2", "--out", fresh, ranks=2)
        self.same(out, fresh, COMPARED + ["/trials/ranks"])
        self.assertIn("would be lost", self.ok("run", source, "method=random", "ranks=2", "--out", out, "--extend", ranks=2, code=2).stderr)

    def test_splitting_an_axis_keeps_rows(self):
        whole = self.run_to("whole", BARBELL)
        parts = {}
        for method in ("random", "standard,weighted", "oracle"):
            parts.update(self.run_to(method.replace(",", "_"), BARBELL, f"method={method}"))
        self.assertEqual(parts, whole)

    def test_more_replicates_keep_rows(self):
        old = self.run_to("old", BARBELL, "replicates=100")
        new = self.run_to("new", BARBELL)
        self.assertEqual({i: new[i] for i in old}, old)

    def test_pair_gives_common_random_numbers(self):
        rows = self.run_to("pair", BARBELL + "pair: [method]\n")
        self.assertEqual(len(rows), 1200)
        self.assertEqual(len({key for key, _, _ in rows.values()}), 300)

    def test_one_trial_alone(self):
        whole = self.run_to("whole", BARBELL)
        trial = sorted(whole)[17]
        self.assertEqual(self.run_to("one", BARBELL, "--trial", f"0x{trial:016x}"), {trial: whole[trial]})

    def test_extend_takes_over_rows(self):
        source = self.input(BARBELL)
        out, fresh = self.dir / "x.h5", self.dir / "fresh.h5"
        self.ok("run", source, "method=random,oracle", "replicates=100", "--out", out)
        done = self.ok("run", source, "--out", out, "--extend", ranks=2)
        self.assertIn("200 done trials taken over", done.stderr)
        self.ok("run", source, "--out", fresh)
        self.same(out, fresh)
        self.ok("run", source, "method=random", "--out", out, "--extend", code=2)
        self.same(out, fresh)


class Levels(SystemTest):
    def test_isa_levels_give_the_same_bits(self):
        from harness import environment
        source = self.input(BARBELL)
        dynamics = self.input(DYNAMICS, "d.yaml")
        for text, name in ((source, "b"), (dynamics, "d")):
            first = self.dir / f"{name}-best.h5"
            self.ok("run", text, "--out", first)
            for level in ("base", "v3"):
                other = self.dir / f"{name}-{level}.h5"
                self.ok("run", text, "--out", other, env=environment(MYOPIA_ISA=level))
                self.same(first, other)


if __name__ == "__main__":
    unittest.main()
