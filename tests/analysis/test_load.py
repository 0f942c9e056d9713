# SPDX-License-Identifier: BSD-2-Clause
"""load.py against files that $MYOPIA writes, compared with what the program itself says of them, and against files that are none."""
import csv
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "analysis"))
import load

MYOPIA = os.environ.get("MYOPIA")


def myopia(*words):
    """Standard output; exit 1 (a result judged invalid) is no error here."""
    done = subprocess.run([MYOPIA, *words], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise AssertionError(f"myopia {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@unittest.skipUnless(MYOPIA, "set MYOPIA to the executable")
class Written(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.path, cls.run_of = {}, {}
        inputs = {"bridge": ["record.trajectories=first_per_point"], "opt_dynamics": ["record.trajectories=all", "record.every=5"]}
        for name, sets in inputs.items():
            cls.path[name] = os.path.join(folder.name, f"{name}.h5")
            myopia("run", os.path.join(ROOT, "inputs", "smoke", f"{name}.yaml"), *sets, "--out", cls.path[name])
            cls.run_of[name] = load.load(cls.path[name])
            cls.addClassCleanup(cls.run_of[name].close)

    def same(self, expected, got, what):
        if expected is None or math.isnan(expected):
            self.assertTrue(math.isnan(got), f"{what}: expected none, got {got}")
        else:
            self.assertAlmostEqual(expected, got, delta=1e-12 * max(1, abs(expected)), msg=what)

    def test_points_as_show_has_them(self):
        for name, run in self.run_of.items():
            shown = json.loads(myopia("show", self.path[name], "--json"))
            self.assertEqual({k: v for k, v in shown["trials"].items() if k != "total"}, run.states)
            self.assertEqual(len(shown["points"]), len(run.points))
            for p, (want, have) in enumerate(zip(shown["points"], run.points)):
                self.assertEqual(want["axes"], have["axes"])
                self.assertEqual(list(want["metrics"]), list(have["metrics"]))
                for metric, cell in want["metrics"].items():
                    self.assertEqual(cell["unit"], run.unit[metric])
                    for key in ("n", "mean", "stderr", "exact", "published", "expect_low", "expect_high"):
                        self.same(cell[key], have["metrics"][metric][key], f"{name}, point {p}, {metric}, {key}")

    def test_trials_as_export_has_them(self):
        for name, run in self.run_of.items():
            rows = list(csv.DictReader(io.StringIO(myopia("export", self.path[name], "--csv"))))
            self.assertEqual(len(rows), len(run.trials))
            for row in rows:
                i = int(row["row"])
                self.assertEqual(row["state"], load.STATES[run.trials["state"][i]])
                self.assertEqual(int(row["key"], 16), run.trials["key"][i])
                self.assertEqual(int(row["replicate"]), run.trials["replicate"][i])
                for metric, values in run.metrics.items():
                    self.same(float(row[metric]) if row[metric] else None, values[i], f"{name}, row {i}, {metric}")

    def test_points_part_the_trials(self):
        for run in self.run_of.values():
            self.assertEqual(run.points["n_rows"].sum(), len(run.trials))
            for p, point in enumerate(run.points):
                self.assertTrue((run.trials["point"][point["rows"]] == p).all())
                for axis, value in point["axes"].items():
                    for stored in run.axes[axis][point["rows"]]:
                        self.assertTrue(load.ignored(stored) if value is None else stored == value)

    def test_parameters(self):
        self.assertEqual(self.run_of["bridge"].parameters["selection"], "topk")
        self.assertEqual(self.run_of["bridge"].parameters["density"], 0.5)
        for run in self.run_of.values():
            self.assertTrue(run.parameters)
            self.assertFalse(set(run.parameters) & set(run.axes), "a swept parameter has no one value")

    def test_ragged_arrays(self):
        """In `bridge` the number of edges grows with k: each trial's array has its own length, and only recorded trials have one."""
        run = self.run_of["bridge"]
        self.assertTrue(run.array_names)
        name = run.array_names[0]
        self.assertEqual(load.text(run.file["arrays"][name].attrs["layout"]), "ragged")
        rows, parts = run.array(name)
        self.assertEqual(list(rows), [point["first_row"] for point in run.points])
        self.assertGreater(len({part.shape for part in parts}), 1)
        for row, part in zip(rows, parts):
            np.testing.assert_array_equal(part, run.array(name, row))
        self.assertIsNone(run.array(name, 1))
        flat = run.file["arrays"][name][()]
        np.testing.assert_array_equal(np.concatenate([part.ravel() for part in parts]), flat[: sum(part.size for part in parts)])

    def test_series(self):
        run = self.run_of["opt_dynamics"]
        self.assertEqual(run.every("p"), 5)
        rows, p = run.series("p")
        self.assertEqual(list(rows), list(range(len(run.trials))))
        self.assertEqual(len(p), len(rows))
        for row in (0, len(rows) // 2, len(rows) - 1):
            one = run.series("p", row)
            np.testing.assert_array_equal(one, p[row])
            self.assertTrue(((one > 0) & (one < 1)).all())

    def test_unknown_name(self):
        with self.assertRaisesRegex(KeyError, "grad_positive"):
            self.run_of["opt_dynamics"].series("gradient", 0)


class Layout(unittest.TestCase):
    """Dense and ragged, written here with h5py: the same numbers must come out."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "x.h5")

    def write(self, change=lambda file: None):
        blocks = [np.arange(6.0).reshape(2, 3), np.arange(4.0).reshape(2, 2) + 10]
        with h5py.File(self.path, "w") as file:
            file.attrs.update({"schema": np.bytes_("myopia/results"), "schema_version": 1})
            file.attrs.update({"title": np.bytes_("T"), "experiment": np.bytes_("e")})
            resolved = "schema: myopia/1\nparameters:\n  a: 8\n  b: topk\n  c: [1, 2]\n  d: [-4, 0.5, 1e-300]\nsweep:\n  x: [1, 2]\n"
            file["provenance/resolved_scientific"] = np.bytes_(resolved)
            file["provenance/resolved_execution"] = np.bytes_("title: \"T\"\nexecution:\n  shots: [99, 0]\ntimeout: none\n")
            for name in load.COLUMNS:
                file["trials/" + name] = np.zeros(3, "S96" if name == "message" else "i8")
            file["trials/state"][...] = [2, 2, 0]
            file["trials/record"][...] = [0, 1, -1]
            file["trials/x"] = np.array([1, 1, -(2**63)])
            file["trials/word"] = np.array([b"\xc3\xa4", b"b", b""], "S64")
            file["trials"].attrs["axes"] = np.array([b"x", b"word"], "S64")
            file["metrics/m"] = np.array([1.0, 3.0, np.nan])
            file["metrics/m"].attrs.update({key: np.bytes_("1") for key in ("units", "long_name", "kind")})
            file["metrics"].attrs["names"] = np.array([b"m"], "S64")
            file.create_group("timing").attrs["names"] = h5py.Empty("S64")
            file["points/first_row"], file["points/n_rows"] = np.array([0, 2]), np.array([2, 1])
            for what in load.REFERENCES:
                file[f"points/{what}/m"] = np.array([2.0, np.nan])
            padded = [np.pad(block.ravel(), (0, 6 - block.size), constant_values=np.nan) for block in blocks]
            file["series/s"] = np.reshape(padded, (2, 2, 3))
            file["arrays/s"] = np.concatenate([block.ravel() for block in blocks])
            file["arrays/s_offset"] = np.array([0, 6, 10])
            for group, layout in (("series", "dense"), ("arrays", "ragged")):
                file[group].attrs["names"] = np.array([b"s"], "S64")
                file[group]["s"].attrs.update({"layout": np.bytes_(layout), "every": 2})
                file[group]["s_shape"] = np.array([[2, 3], [2, 2]])
            change(file)
        return blocks

    def test_dense_and_ragged_look_alike(self):
        blocks = self.write()
        with load.load(self.path) as run:
            for get in (run.series, run.array):
                for row, block in enumerate(blocks):
                    np.testing.assert_array_equal(get("s", row), block)
                self.assertIsNone(get("s", 2))
                rows, parts = get("s")
                self.assertEqual(list(rows), [0, 1])
                self.assertEqual([part.shape for part in parts], [(2, 3), (2, 2)])

    def test_columns(self):
        self.write()
        with load.load(self.path) as run:
            self.assertEqual(run.parameters, {"a": 8, "b": "topk", "c": [1, 2], "d": [-4, 0.5, 1e-300]})
            self.assertEqual(run.execution, {"shots": [99, 0]})
            self.assertEqual([point["axes"] for point in run.points], [{"x": 1, "word": "ä"}, {"x": None, "word": None}])
            cell = run.points[0]["metrics"]["m"]
            self.assertEqual((cell["n"], cell["mean"], cell["stderr"], cell["exact"]), (2, 2.0, 1.0, 2.0))
            self.assertEqual(run.points[1]["metrics"]["m"]["n"], 0)
            self.assertEqual(run.states, {**{name: 0 for name in load.STATES}, "done": 2, "pending": 1})
            self.assertEqual(run.timing, {})

    def assert_refused(self, kind, words):
        with self.assertRaises(kind) as caught:
            load.load(self.path)
        self.assertIn(words, str(caught.exception))
        self.assertIn(self.path, str(caught.exception))

    def test_files_that_are_none(self):
        self.assert_refused(FileNotFoundError, "no such file")
        with open(self.path, "wb") as file:
            file.write(b"row,method\n")
        self.assert_refused(ValueError, "not an HDF5 file")
        h5py.File(self.path, "w").close()
        self.assert_refused(ValueError, "not a results file of myopia")
        self.write(lambda file: file.attrs.update({"schema_version": 2}))
        self.assert_refused(ValueError, "newer myopia")

        def remove(file):
            del file["metrics/m"]

        self.write(remove)
        self.assert_refused(ValueError, "object 'm'")

    def test_truncated(self):
        self.write()
        os.truncate(self.path, os.path.getsize(self.path) // 2)
        self.assert_refused(OSError, "truncated")

    def test_damaged_shape(self):
        def enlarge(file):
            file["arrays/s_shape"][1] = [2, 9]

        self.write(enlarge)
        with load.load(self.path) as run, self.assertRaisesRegex(ValueError, "damaged"):
            run.array("s", 1)


if __name__ == "__main__":
    unittest.main()
