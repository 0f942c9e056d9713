# SPDX-License-Identifier: BSD-2-Clause
"""Trainings a second: W1 (an MLP 3-20-20-2, 50 epochs of 10,000 points, batch 64, Adam; 10,000 particles through 100 steps; energy
distance, modes and field errors) on 1 and 2 ranks, interleaved. Overhead: what a trial takes beside training and sampling (data, measures,
queue, file), as a share of those two. Every run must be VALID, and both sizes give the same metrics to the bit.
    throughput.py MYOPIA [TRIALS] [ROUNDS]      one line"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
import h5py
import numpy as np

INPUT = """schema: myopia/1
experiment: gaussian_mixture
replicates: {trials}
parameters: {{grid_side: 0}}
"""
STEPS = 50 * (10000 // 64)  # of a training: the figure of merit counts them
CLOCKS = ("train_time", "sample_time", "measure_time")


def measure(myopia, source, out, ranks):
    """([seconds of the process, trials a second of the run phase, train, sample, measure and wall seconds summed over trials], the other
    metrics)."""
    env = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OPENBLAS_NUM_THREADS="1")
    begin = time.perf_counter()
    done = subprocess.run(["mpirun", "-n", str(ranks), "--oversubscribe", myopia, "run", source, "--out", out, "--overwrite"],
                          env=env, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    merit = re.search(r"RESULT: VALID .* figure_of_merit=(\S+)", done.stdout)
    if done.returncode != 0 or not merit:
        sys.exit(f"no valid run: {done.stdout}{done.stderr}")
    with h5py.File(out) as file:
        sums = [float(file["metrics"][name][:].sum()) for name in CLOCKS] + [float(file["timing/wall"][:].sum())]
        values = {name: file["metrics"][name][:] for name in file["metrics"] if name not in CLOCKS}
    return [seconds, float(merit[1]) / STEPS] + sums, values


def main():
    myopia = sys.argv[1]
    trials, rounds = (int(word) for word in (sys.argv[2:] + ["1000", "3"][len(sys.argv) - 2:])[:2])
    times, values = {1: [], 2: []}, {}
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "w1.yaml")
        with open(source, "w", encoding="utf-8") as file:
            file.write(INPUT.format(trials=trials))
        for _ in range(rounds):
            for ranks in times:
                seconds, values[ranks] = measure(myopia, source, os.path.join(folder, f"w1_{ranks}.h5"), ranks)
                times[ranks].append(seconds)
    for name in values[1]:
        np.testing.assert_array_equal(values[1][name], values[2][name], err_msg=name)
    one, two = (np.median(times[ranks], axis=0) for ranks in (1, 2))
    train, sample, measured, wall = one[2:] / trials * 1e3
    print(json.dumps({"trials": trials, "trials_per_s_1": round(one[1], 1), "trials_per_s_2": round(two[1], 1),
                      "speedup_run": round(two[1] / one[1], 3), "speedup_process": round(one[0] / two[0], 3), "train_ms": round(train, 2),
                      "sample_ms": round(sample, 2), "measure_ms": round(measured, 2),
                      "overhead_beyond_measures": round((wall - train - sample - measured) / (train + sample), 4),
                      "overhead": round((wall - train - sample) / (train + sample), 4)}))


if __name__ == "__main__":
    main()
