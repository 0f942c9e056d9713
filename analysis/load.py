# SPDX-License-Identifier: BSD-2-Clause
"""Reads a results file of myopia: the only Python that knows its layout (include/results.h describes it). Everything small is read at
once; series and arrays are read when asked for, and whether they are stored dense or ragged does not show. Checksums are the business of
`myopia verify`.

    run = load.load("barbell.h5")
    run.axes["method"], run.metrics["connected"], run.trials["state"]      one entry a trial
    run.points[0]["axes"], run.points[0]["metrics"]["connected"]["mean"]   one entry a sweep point
    run.array("kept", 0), run.series("p", 0)                               of one trial, or None
    rows, p = run.series("p")                                              of all recorded trials that are done
"""
import json
import os

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")  # a file may be read while it is written

import h5py
import numpy as np

SCHEMA, SCHEMA_VERSION = "myopia/results", 1
STATES = ("pending", "running", "done", "failed", "timeout", "interrupted", "invalid")
DONE = STATES.index("done")
COLUMNS = ("row", "state", "key", "id", "seed", "replicate", "point", "ranks", "attempt", "checksum", "message", "record")
REFERENCES = ("exact", "published", "published_n", "expect_low", "expect_high")


def text(value):
    """A fixed-length string of the file as str."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def names(group, attribute="names"):
    value = group.attrs[attribute]
    return [text(name) for name in value] if isinstance(value, np.ndarray) else []


def column(dataset):
    """A column as an array; texts as str."""
    values = dataset[()]
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values


def ignored(value):
    """How an axis value says that the point ignores the axis: "", NaN, or the smallest integer."""
    if isinstance(value, str):
        return value == ""
    return bool(np.isnan(value)) if isinstance(value, np.floating) else int(value) == -(2**63)


def scalar(word):
    """A value of the resolved input: JSON where it is, else a word or a list of words."""
    try:
        return json.loads(word)
    except ValueError:
        return [scalar(part.strip()) for part in word[1:-1].split(",")] if word.startswith("[") else word


def parameters_of(resolved, block="parameters"):
    """The parameters that are not swept, from the resolved input (canonical YAML: one `name: value` a line, indented by two)."""
    result, inside = {}, False
    for line in resolved.splitlines():
        if not line.startswith(" "):
            inside = line.rstrip() == block + ":"
        elif inside and not line.startswith("   ") and ": " in line:
            name, value = line.strip().split(": ", 1)
            result[name] = scalar(value)
    return result


def claims_of(group):
    """Claims in the words of the input."""
    words = {name: column(group[name]).tolist() for name in ("text", "metric", "against_metric", "compare", "bound")}
    sides = {name: [np.flatnonzero(row).tolist() for row in group[name][()]] for name in ("of", "against")}
    result = []
    for i, (low, high) in enumerate(zip(group["low"][()].tolist(), group["high"][()].tolist())):
        kind, compare = words["bound"][i], words["compare"][i]
        bound = {kind: [low, high] if kind == "within" else high if kind == "below" else low}
        result.append({"claim": words["text"][i], "metric": words["metric"][i], "of": sides["of"][i],
                       "against_metric": None if compare == "value" else words["against_metric"][i], "against": sides["against"][i],
                       "compare": compare, "bound": bound})
    return result


class Points(list):
    """The sweep points, dictionaries; points["n_rows"] is that entry of all of them as an array."""

    def __getitem__(self, key):
        return np.array([point[key] for point in self]) if isinstance(key, str) else super().__getitem__(key)


class Arrays:
    """One of the groups /series and /arrays."""

    def __init__(self, group, record):
        self.group, self.record = group, record
        self.names = names(group)

    def dataset(self, name):
        if name not in self.names:
            raise KeyError(f"{self.group.name[1:]} holds no {name}; it holds {', '.join(self.names) or 'nothing'}")
        return self.group[name]

    def get(self, name, row):
        """The used part of a trial's block in its own shape; None when the trial is not recorded, not finished, or does not define it."""
        dataset, k = self.dataset(name), int(self.record[row])
        if k < 0:
            return None
        shape = self.group[name + "_shape"][k]
        if text(dataset.attrs["layout"]) == "dense":
            block = dataset[k].ravel()
        else:
            begin, end = self.group[name + "_offset"][k : k + 2]
            block = dataset[begin:end]
        used = int(np.prod(shape))
        if used > block.size:
            raise ValueError(f"{dataset.name}: the shape of trial {row} is damaged; run `myopia verify`")
        return block[:used].reshape(shape) if shape.any() else None


class Run:
    """A results file. Arrays over trials: axes, metrics, timing (dictionaries), trials (a record array of everything in /trials, the axes
    included). Arrays over points: exact, published, published_n, expect_low, expect_high (dictionaries by metric). Dictionaries by metric:
    unit, kind ("real", "event" or "clock"), long_name. claims: a dictionary a claim of the input: claim, metric, against_metric, of and
    against (numbers of points), compare, bound; what becomes of them is told by `myopia show --json`. points: a dictionary a sweep point,
    with axes, rows (slice), first_row, n_rows,
    metrics."""

    def __init__(self, file):
        trials = file["trials"]
        self.file = file
        self.attributes = {name: text(value) if isinstance(value, bytes) else value for name, value in file.attrs.items()}
        self.title, self.experiment = self.attributes["title"], self.attributes["experiment"]
        self.provenance = {name: text(dataset[()]) for name, dataset in file["provenance"].items()}
        self.parameters = parameters_of(self.provenance.get("resolved_scientific", ""))
        self.execution = parameters_of(self.provenance.get("resolved_execution", ""), "execution")
        self.axes = {name: column(trials[name]) for name in names(trials, "axes")}
        fields = {name: column(trials[name]) for name in COLUMNS}
        fields.update(self.axes)
        self.trials = np.rec.fromarrays(list(fields.values()), names=list(fields))
        self.states = {name: int(np.count_nonzero(self.trials["state"] == i)) for i, name in enumerate(STATES)}
        self.metrics = {name: file["metrics"][name][()] for name in names(file["metrics"])}
        self.timing = {name: file["timing"][name][()] for name in names(file["timing"])}
        self.kind, self.unit, self.long_name = ({name: text(file["metrics"][name].attrs[key]) for name in self.metrics}
                                                for key in ("kind", "units", "long_name"))
        for what in REFERENCES:
            setattr(self, what, {name: file["points"][what][name][()] for name in self.metrics})
        self.claims = claims_of(file["claims"]) if "claims" in file else []
        self._series, self._arrays = (Arrays(file[group], self.trials["record"]) for group in ("series", "arrays"))
        self.points = Points(self._point(p) for p in range(len(file["points/first_row"])))

    def _point(self, p):
        first, n = (int(self.file["points"][name][p]) for name in ("first_row", "n_rows"))
        axes = {name: None if n == 0 or ignored(values[first]) else values[first].item() for name, values in self.axes.items()}
        rows = slice(first, first + n)
        metrics = {name: self._cell(name, p, rows) for name in self.metrics}
        return {"axes": axes, "rows": rows, "first_row": first, "n_rows": n, "metrics": metrics}

    def _cell(self, name, p, rows):
        """Of the trials that are done and have a value."""
        values = self.metrics[name][rows][self.trials["state"][rows] == DONE]
        values = values[~np.isnan(values)]
        n = len(values)
        stderr = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
        cell = {"n": n, "mean": float(values.mean()) if n else np.nan, "stderr": stderr}
        cell.update((what, float(getattr(self, what)[name][p])) for what in REFERENCES)
        return cell

    def _of(self, arrays, name, row):
        if row is not None:
            return arrays.get(name, row)
        rows = [int(r) for r in np.flatnonzero((self.trials["record"] >= 0) & (self.trials["state"] == DONE))]
        found = [(r, part) for r, part in ((r, arrays.get(name, r)) for r in rows) if part is not None]
        parts = [part for _, part in found]
        same = len({part.shape for part in parts}) <= 1
        return np.array([r for r, _ in found], dtype=np.int64), np.array(parts) if same else parts

    def series(self, name, row=None):
        """Of one trial: an array, axis 0 the recorded step, or None. Without row: (rows, values) of all recorded trials that are done;
        values stacked where all shapes are the same, else a list."""
        return self._of(self._series, name, row)

    def array(self, name, row=None):
        """As series, of /arrays."""
        return self._of(self._arrays, name, row)

    def every(self, name):
        """Steps between two entries of a series."""
        return int(self._series.dataset(name).attrs["every"])

    @property
    def series_names(self):
        return list(self._series.names)

    @property
    def array_names(self):
        return list(self._arrays.names)

    def close(self):
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def load(path):
    """Opens a results file. OSError: it cannot be opened; ValueError: it is no results file, a newer one, or damaged. One sentence each."""
    path = os.fspath(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: no such file")
    if not os.path.isfile(path) or not h5py.is_hdf5(path):
        raise ValueError(f"{path}: not an HDF5 file")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise OSError(f"{path}: cannot be opened: {error}") from None
    try:
        if text(file.attrs.get("schema", "")) != SCHEMA:
            raise ValueError("not a results file of myopia")
        if int(file.attrs["schema_version"]) > SCHEMA_VERSION:
            version = int(file.attrs["schema_version"])
            raise ValueError(f"a newer myopia wrote it: schema_version {version}, load.py reads up to {SCHEMA_VERSION}")
        return Run(file)
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        file.close()
        raise ValueError(f"{path}: {error.args[0] if error.args else error}") from None
