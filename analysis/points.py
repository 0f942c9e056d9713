# SPDX-License-Identifier: BSD-2-Clause
"""The sweep points of a results file as the figures want them: what a point's parameters are, and what was measured there beside the exact
and the published value. 95 % intervals: Clopper-Pearson for events (0 or 1), Student's t otherwise, as `myopia show` prints them."""
import math
import sys
from dataclasses import dataclass

import numpy as np
from scipy import stats

import load


@dataclass
class Cell:
    """One metric at one point, over the trials that are done."""
    n: int
    mean: float
    low: float
    high: float
    exact: float
    published: float


def interval(sample, event):
    """(low, high): 95 % interval of the mean."""
    n = len(sample)
    if event and n:
        hits = int(round(sample.sum()))
        low = stats.beta.ppf(0.025, hits, n - hits + 1) if hits > 0 else 0.0
        high = stats.beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
        return float(low), float(high)
    if n < 2:
        return math.nan, math.nan
    half = stats.t.ppf(0.975, n - 1) * np.std(sample, ddof=1) / math.sqrt(n)
    return float(np.mean(sample) - half), float(np.mean(sample) + half)


class Point:
    """values: every parameter that matters at this point, swept or not."""

    def __init__(self, run, number):
        self.run, self.number = run, number
        axes = run.points[number]["axes"]
        self.axes = [name for name, value in axes.items() if value is not None]
        self.values = {name: value for name, value in run.parameters.items() if name not in axes}
        self.values.update((name, axes[name]) for name in self.axes)

    def cell(self, metric):
        rows, known = self.run.points[self.number]["rows"], self.run.points[self.number]["metrics"][metric]
        sample = self.run.metrics[metric][rows][self.run.trials["state"][rows] == load.DONE]
        sample = sample[~np.isnan(sample)]
        return Cell(known["n"], known["mean"], *interval(sample, self.run.kind[metric] == "event"), known["exact"], known["published"])

    def series(self, name):
        """(recorded trials of this point that are done, steps)."""
        rows, values = self.run.series(name)
        mine = np.flatnonzero(self.run.trials["point"][rows] == self.number)
        return np.array([values[i] for i in mine])


def read(path, experiment):
    """All points of a file of this experiment; ends the program with one sentence when that cannot be had."""
    try:
        run = load.load(path)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    if run.experiment != experiment:
        sys.exit(f"{path}: holds experiment {run.experiment}, this figure draws {experiment}")
    return [Point(run, number) for number in range(len(run.points))]


def recorded(all_points):
    """[(point, row)] of the trials of these points that are done and recorded, in order of their rows."""
    trials = all_points[0].run.trials if all_points else []
    rows = np.flatnonzero((trials["record"] >= 0) & (trials["state"] == load.DONE)) if len(trials) else []
    by_number = {point.number: point for point in all_points}
    return [(by_number[trials["point"][row]], int(row)) for row in rows if trials["point"][row] in by_number]


def chosen(path, all_points, array, row=None):
    """(point, row) of the trial with this row, or of the first one, that has this array; ends the program with one sentence without."""
    trials = recorded(all_points)
    if not trials or array not in all_points[0].run.array_names:
        sys.exit(f"{path}: no recorded trial is done; set `record: {{trajectories: first_per_point}}` in the input")
    for point, own in trials:
        if row in (None, own) and point.run.array(array, own) is not None:
            return point, own
    if row is None:
        sys.exit(f"{path}: no recorded trial has {array}: its graph has no edges")
    sys.exit(f"{path}: trial {row} is not recorded or not done; recorded are {', '.join(str(own) for _, own in trials)}")
