# SPDX-License-Identifier: BSD-2-Clause
"""The command line as a user meets it: help, plans, results, refusals, exit codes. Nothing is lost by a mistake."""
import csv
import hashlib
import io
import json
import os
import subprocess
import time
import unittest

from harness import MYOPIA, SystemTest, command, environment, in_namespace

BARBELL = """schema: myopia/1
experiment: barbell
title: a test
seed: 1
replicates: 200
sweep: {method: [random, standard, weighted, oracle]}
"""
DYNAMICS = """schema: myopia/1
experiment: opt_dynamics
seed: 1
replicates: 20
parameters: {steps: 200}
"""


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Information(SystemTest):
    def test_list(self):
        names = [e["name"] for e in json.loads(self.ok("list", "--json").stdout)["experiments"]]
        for name in ("barbell", "chain", "bridge", "opt_dynamics"):
            self.assertIn(name, names)
            self.assertIn(name, self.ok("list").stdout)

    def test_describe(self):
        for name in ("barbell", "chain", "bridge", "opt_dynamics"):
            described = json.loads(self.ok("describe", name, "--json").stdout)
            text = self.ok("describe", name).stdout
            for parameter in described["parameters"]:
                self.assertTrue(parameter["help"] and parameter["type"] and parameter["default"] is not None, parameter)
                self.assertIn(parameter["name"], text)
        self.assertIn("did you mean 'barbell'", self.ok("describe", "barbel", code=2).stderr)

    def test_version(self):
        text = self.ok("version").stdout
        for word in ("myopia", "MPI", "PETSc", "SLEPc", "HDF5", "BLAS", "kernels"):
            self.assertIn(word, text)

    def test_doctor(self):
        text = self.ok("doctor", self.dir).stdout
        self.assertRegex(text, r"PASS directory")
        self.assertIn("FAIL directory", self.ok("doctor", self.dir / "missing", code=3).stdout)

    def test_help(self):
        self.assertIn("usage: myopia COMMAND", self.ok("--help").stdout)
        self.assertIn("--resume", self.ok("run", "--help").stdout)
        self.assertNotIn("--resume", self.ok("show", "--help").stdout)
        self.assertIn("did you mean 'show'", self.ok("shwo", code=2).stderr)
        self.ok(code=2)
        self.assertIn("did you mean --resume", self.ok("run", "x", "--resum", code=2).stderr)
        self.ok("list", "surplus", code=2)
        self.ok("run", "x.yaml", "--resume", "--overwrite", "--out", "y.h5", code=2)

    def test_check_shows_where_values_come_from(self):
        source = self.input(BARBELL)
        text = self.ok("check", source, "density=0.6").stdout
        self.assertRegex(text, r"density +0\.6 +command line")
        self.assertRegex(text, r"clique_size +8 +built-in")
        self.assertRegex(text, r"seed +1 +.*input\.yaml:4")
        plan = json.loads(self.ok("check", source, "--json").stdout)
        self.assertEqual((plan["points"], plan["trials"]), (4, 800))
        self.assertGreater(plan["output_bytes"], 800 * 32)
        self.assertEqual(list(self.dir.glob("*.h5*")), [])


class Results(SystemTest):
    def setUp(self):
        super().setUp()
        self.source, self.out = self.input(BARBELL), self.dir / "b.h5"
        self.done = self.ok("run", self.source, "--out", self.out, ranks=2)

    def test_result_line(self):
        pattern = r"^RESULT: VALID trials=800/800 failed=0 figure_of_merit=[0-9.e+]+ unit=trials/s file=.*b\.h5$"
        self.assertRegex(self.result(self.done), pattern)

    def test_show_json(self):
        shown = self.show(self.out)
        self.assertEqual((shown["result"], shown["reasons"], shown["trials"]["done"], shown["trials"]["failed"]), ("VALID", [], 800, 0))
        exact = {"random": 0.4380, "standard": 0.0, "weighted": 0.8917, "oracle": 0.8917}
        published = {"random": 0.460, "standard": 0.0, "weighted": 0.896, "oracle": 0.882}
        self.assertEqual(len(shown["points"]), 4)
        for point in shown["points"]:
            cell, method = point["metrics"]["connected"], point["axes"]["method"]
            self.assertEqual(cell["n"], 200)
            self.assertAlmostEqual(cell["exact"], exact[method], places=4)
            self.assertAlmostEqual(cell["published"], published[method], places=9)
            self.assertLessEqual(cell["low"], cell["mean"])
            self.assertGreaterEqual(cell["high"], cell["mean"])
            self.assertEqual(cell["verdict"], "agrees")
            self.assertEqual(cell["unit"], "1")
            self.assertTrue(0 <= cell["p_value"] <= 1)
            self.assertEqual(set(point["metrics"]), {"connected", "rse", "lambda2", "bridges_kept"})

    def test_show_csv_and_export(self):
        rows = list(csv.DictReader(io.StringIO(self.ok("show", self.out, "--csv").stdout)))
        self.assertEqual(len(rows), 16)
        self.assertEqual({r["metric"] for r in rows}, {"connected", "rse", "lambda2", "bridges_kept"})
        trials = list(csv.DictReader(io.StringIO(self.ok("export", self.out, "--csv").stdout)))
        self.assertEqual(len(trials), 800)
        mean = sum(float(t["connected"]) for t in trials if t["method"] == "random") / 200
        shown = [p for p in self.show(self.out)["points"] if p["axes"]["method"] == "random"][0]
        self.assertAlmostEqual(mean, shown["metrics"]["connected"]["mean"], places=12)

    def test_show_text(self):
        text = self.ok("show", self.out).stdout
        self.assertIn("oracle", text)
        self.assertNotIn("\033", text)

    def test_verify_names_a_damaged_row(self):
        import h5py
        self.assertIn("intact", self.ok("verify", self.out).stdout)
        with h5py.File(self.out, "r+") as f:
            f["metrics/lambda2"][123] += 1e-9
        self.assertIn("123", self.ok("verify", self.out, code=4).stdout)
        self.ok("run", self.source, "--out", self.out, "--resume")
        self.assertIn("intact", self.ok("verify", self.out).stdout)

    def test_existing_file(self):
        before = digest(self.out)
        refused = self.ok("run", self.source, "--out", self.out, code=2)
        self.assertIn("--resume", refused.stderr)
        complete = self.ok("run", self.source, "--out", self.out, "--resume")
        self.assertIn("RESULT: VALID trials=800/800", self.result(complete))
        self.assertEqual(digest(self.out), before)
        self.ok("run", self.source, "seed=2", "--out", self.out, "--overwrite")
        self.assertNotEqual(digest(self.out), before)

    def test_changed_input_is_refused(self):
        before = digest(self.out)
        refused = self.ok("run", self.source, "density=0.6", "--out", self.out, "--resume", code=2)
        self.assertRegex(refused.stderr, r"- .*0\.5")
        self.assertRegex(refused.stderr, r"\+ .*0\.6")
        self.assertEqual(digest(self.out), before)
        self.ok("run", self.source, "timeout=5m", "--out", self.out, "--resume")

    def test_provenance(self):
        import h5py
        with h5py.File(self.out) as f:
            for name in ("schema", "schema_version", "software", "version", "git_commit", "date", "machine", "command_line", "ranks"):
                self.assertIn(name, f.attrs)
            self.assertEqual(f.attrs["ranks"], 2)
            for name in ("input", "libraries", "hosts", "slurm", "compiler", "isa_level", "blas_core"):
                self.assertIn(name, f["provenance"])
            self.assertEqual(f["provenance/input"][()].decode(), BARBELL)
            for name in ("wall", "compute", "reduction", "queue", "io", "idle"):
                self.assertEqual(f["timing"][name].shape, (800,))

    def test_resolved_input_makes_the_same_file(self):
        import h5py
        with h5py.File(self.out) as f:
            text = f["provenance/resolved_scientific"][()].decode() + f["provenance/resolved_execution"][()].decode()
        again = self.dir / "again.h5"
        self.ok("run", self.input(text, "resolved.yaml"), "--out", again)
        self.same(self.out, again)


class Refusals(SystemTest):
    def refused(self, code, fragment, *words, **kw):
        begin = time.time()
        done = self.ok(*words, code=code, **kw)
        self.assertIn(fragment, done.stderr)
        self.assertLess(time.time() - begin, 10)
        return done

    def test_missing_things(self):
        source = self.input(BARBELL)
        self.refused(2, "--out", "run", source)
        self.refused(2, "No such file", "run", self.dir / "none.yaml", "--out", self.dir / "x.h5")
        self.refused(2, "No such file", "run", self.dir / "none.yaml", "--out", self.dir / "x.h5", ranks=2)
        self.refused(4, "No such file", "show", self.dir / "none.h5")
        self.refused(4, "none.h5", "verify", self.dir / "none.h5")
        self.refused(4, "No such file", "run", source, "--out", self.dir / "no" / "such" / "x.h5")

    def test_unwritable_directory(self):
        source, wall = self.input(BARBELL), self.dir / "wall"
        wall.write_text("a file")
        self.refused(4, "Not a directory", "run", source, "--out", wall / "x.h5", ranks=2)
        self.refused(4, "", "run", source, "--out", "/proc/x.h5")
        if os.geteuid() != 0:
            locked = self.dir / "locked"
            locked.mkdir(mode=0o500)
            self.refused(4, "Permission denied", "run", source, "--out", locked / "x.h5")

    def test_read_only_file_system(self):
        if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no mount namespaces here (unshare -rm)")
        mount = self.dir / "ro"
        mount.mkdir()
        script = f"mount -t tmpfs -o size=1m,ro tmpfs {mount} && {MYOPIA} run {self.input(BARBELL)} --out {mount}/x.h5"
        done = in_namespace(script, self.dir)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("Read-only file system", done.stderr)

    def test_no_hdf5(self):
        other = self.dir / "text.h5"
        other.write_text("this is no HDF5 file\n" * 100)
        before = digest(other)
        for words in (("show", other), ("verify", other), ("export", other, "--csv")):
            self.refused(4, "text.h5", *words)
        self.refused(4, "text.h5", "run", self.input(BARBELL), "--out", other, "--resume")
        self.refused(4, "text.h5", "run", self.input(BARBELL), "--out", other, "--extend")
        self.assertEqual(digest(other), before)

    def test_another_programs_hdf5(self):
        import h5py
        other = self.dir / "other.h5"
        with h5py.File(other, "w") as f:
            f["x"] = [1, 2, 3]
        self.refused(4, "other.h5", "show", other)

    def test_truncated_file(self):
        source, out = self.input(BARBELL), self.dir / "b.h5"
        self.ok("run", source, "--out", out)
        whole = out.read_bytes()
        for share in (0.9, 0.5, 0.1, 0.001):
            out.write_bytes(whole[: int(share * len(whole))])
            self.refused(4, "b.h5", "show", out)
            self.refused(4, "b.h5", "run", source, "--out", out, "--resume")

    def test_no_replicates(self):
        done = self.refused(2, "replicates", "run", self.input(BARBELL), "replicates=0", "--out", self.dir / "x.h5", ranks=2)
        self.assertIn("command line:1", done.stderr)
        self.assertEqual(list(self.dir.glob("x.h5*")), [])

    def test_unknown_experiment_and_metric(self):
        self.refused(2, "did you mean 'barbell'", "check", self.input(BARBELL.replace("barbell", "barbel")))
        self.refused(2, "did you mean 'connected'", "check", self.input(BARBELL + "expect: [{metric: conected, reference: 1}]\n"))


class NothingIsLost(SystemTest):
    """What is there stays, whatever is asked for."""

    def setUp(self):
        super().setUp()
        self.out = self.dir / "d.h5"
        self.source = self.input(DYNAMICS + "record: {trajectories: first_per_point, every: 40}\n")
        self.ok("run", self.source, "--out", self.out)
        self.before = digest(self.out)

    def kept(self, code, fragment, *words):
        done = self.ok("run", *words, "--out", self.out, code=code)
        self.assertIn(fragment, done.stderr)
        self.assertEqual(digest(self.out), self.before)
        self.assertEqual(sorted(p.name for p in self.dir.glob("d.h5*")), ["d.h5"])

    def test_time_limit_too_short(self):
        for option in ("--overwrite", "--extend"):
            self.kept(2, "no trial fits", self.source, "replicates=30", option, "--time-limit", "1e-9")

    def test_resume_with_another_record(self):
        for change in ("record.every=20", "record.every=80", "record.trajectories=none", "record.trajectories=all"):
            self.kept(2, "made from another input", self.source, change, "--resume")

    def test_extend_that_drops_series(self):
        self.kept(2, "would be lost", self.source, "record.trajectories=none", "--extend")

    def test_resume_with_other_expectations(self):
        other = self.input(self.source.read_text() + "expect: [{metric: p_final, min: 0.9}]\n", "other.yaml")
        self.kept(2, "p_final", other, "--resume")

    def test_extend_with_another_stride_runs_recorded_trials_again(self):
        fresh = self.dir / "fresh.h5"
        done = self.ok("run", self.source, "record.every=20", "--out", self.out, "--extend")
        self.assertIn("19 done trials taken over", done.stderr)
        self.ok("run", self.source, "record.every=20", "--out", fresh)
        self.same(self.out, fresh)

    def test_overwrite_replaces_results_files_only(self):
        text = self.source.read_text()
        self.ok("run", self.source, "--out", self.source, "--overwrite", code=2)
        self.assertEqual(self.source.read_text(), text)
        pipe = self.dir / "pipe.h5"
        os.mkfifo(pipe)
        self.ok("run", self.source, "--out", pipe, "--overwrite", code=2)
        for words in (("show", pipe), ("verify", pipe), ("run", self.source, "--out", pipe, "--resume")):
            self.ok(*words, code=4, timeout=10)

    def test_links(self):
        link, dangling, precious = self.dir / "link.h5", self.dir / "dangling.h5", self.dir / "precious"
        link.symlink_to(self.out)
        self.kept(2, "exists", self.source)
        self.ok("run", self.source, "seed=2", "--out", link, "--overwrite")
        self.assertTrue(link.is_symlink())
        self.assertNotEqual(digest(self.out), self.before)
        dangling.symlink_to(self.dir / "nowhere.h5")
        self.ok("run", self.source, "--out", dangling, code=4)
        precious.write_text("precious")
        (self.dir / "new.h5.tmp").symlink_to(precious)
        self.ok("run", self.source, "--out", self.dir / "new.h5")
        self.assertEqual(precious.read_text(), "precious")

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(command("export", self.out, "--csv"), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                                  env=environment())
        self.assertEqual(done.returncode, 4, done.stderr)

    def test_a_reader_that_goes_away_ends_no_run(self):
        out = self.dir / "piped.h5"
        line = " ".join(command("run", self.source, "--out", out)) + " 2>&1 | true"
        subprocess.run(["sh", "-c", line], env=environment(), check=True, stdin=subprocess.DEVNULL)
        self.assertIn("20 done", self.ok("verify", out).stdout)
        self.assertFalse(out.with_name("piped.h5.lock").exists())


class Outcomes(SystemTest):
    def test_expectations_are_about_whole_points(self):
        text = BARBELL + "expect: [{metric: connected, where: {method: random}, min: 0.3, max: 0.6}]\n"
        self.ok("run", self.input(text), "--trial", "3", "--out", self.dir / "one.h5")

    def test_missed_expectation(self):
        out = self.dir / "e.h5"
        text = BARBELL + "expect: [{metric: connected, where: {method: oracle}, reference: 0.2, lower: -5%, upper: +5%}]\n"
        done = self.ok("run", self.input(text), "--out", out, code=1)
        self.assertIn("RESULT: INVALID", self.result(done))
        self.assertIn("figure_of_merit=void", self.result(done))
        shown = self.show(out)
        self.assertEqual(shown["result"], "INVALID")
        self.assertTrue(any("connected" in r for r in shown["reasons"]), shown["reasons"])

    def test_failed_trials_are_data(self):
        """A learning rate that overflows fails its trials; the rest of the sweep goes on; --only-failed repeats just them."""
        out = self.dir / "f.h5"
        source = self.input(DYNAMICS + "sweep: {learning_rate: [0.05, 1e300]}\n")
        done = self.ok("run", source, "--out", out, code=1)
        self.assertIn("failed=20", self.result(done))
        self.assertIn("trial 20", done.stderr)
        shown = self.show(out)
        self.assertEqual((shown["trials"]["done"], shown["trials"]["failed"]), (20, 20))
        self.ok("verify", out)
        again = self.ok("run", source, "--out", out, "--resume", "--only-failed", code=1)
        self.assertIn("20 to run", again.stderr)
        kept = self.ok("run", source, "--out", out, "--resume", code=1)
        self.assertIn("0 to run", kept.stderr)

    def test_timeout_is_a_state(self):
        out = self.dir / "t.h5"
        endless = DYNAMICS.replace("200", "2000000000").replace("replicates: 20", "replicates: 1")
        source = self.input(endless + "timeout: 1s\nrecord: {trajectories: none}\n")
        done = self.ok("run", source, "--out", out, code=1)
        self.assertEqual(self.show(out)["trials"]["timeout"], 1)
        self.assertIn("timeout", done.stderr)

    def test_timeout_is_each_trials_own(self):
        """Endless trials time out one by one; trials that are done in time are not drawn into it."""
        out = self.dir / "t.h5"
        text = DYNAMICS.replace("parameters: {steps: 200}", "sweep: {steps: [200, 2000000000]}").replace("replicates: 20", "replicates: 3")
        self.ok("run", self.input(text + "timeout: 0.3s\nrecord: {trajectories: none}\n"), "--out", out, code=1)
        trials = self.show(out)["trials"]
        self.assertEqual((trials["done"], trials["timeout"], trials["interrupted"]), (3, 3, 0))

    def test_resume_of_a_missing_file_starts(self):
        out = self.dir / "m.h5"
        self.assertIn("VALID trials=800/800", self.result(self.ok("run", self.input(BARBELL), "--out", out, "--resume")))

    def test_progress_in_a_file_is_plain(self):
        done = self.ok("run", self.input(BARBELL), "--out", self.dir / "p.h5", "replicates=20000")
        lines = [line for line in done.stderr.splitlines() if " trials (" in line]
        self.assertIn("0/80000", lines[0])
        self.assertIn("80000/80000", lines[-1])
        self.assertLess(len(lines), 20)
        self.assertNotIn("\r", done.stderr)
        self.assertNotIn("\033", done.stderr)

    def test_progress_on_a_terminal_redraws(self):
        import pty
        try:
            master, slave = pty.openpty()
        except OSError as reason:
            self.skipTest(f"no pseudo-terminals here: {reason}")
        process = subprocess.Popen(command("run", self.input(BARBELL), "--out", self.dir / "p.h5"),
                                   stdout=subprocess.DEVNULL, stderr=slave, env=environment(), stdin=subprocess.DEVNULL)
        os.close(slave)
        text = b""
        try:
            while chunk := os.read(master, 4096):
                text += chunk
        except OSError:
            pass
        os.close(master)
        self.assertEqual(process.wait(), 0)
        self.assertIn(b"\rmyopia: 800/800", text)


if __name__ == "__main__":
    unittest.main()
