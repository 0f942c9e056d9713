# SPDX-License-Identifier: BSD-2-Clause
"""Whole runs of inputs/barbell_precise.yaml (200,000 trials a method): microseconds a trial end to end, on 1 and 2 ranks
alternately, beside the same trial in NetworkX and NumPy.

usage: /usr/bin/python3 bench/end_to_end.py [--repeat 5] [--peer-trials 500]"""
import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MYOPIA = os.environ.get("MYOPIA", str(ROOT / "build" / "release" / "myopia"))


def whole_run(ranks, out):
    """(seconds of the process, trials a second by its own figure of merit, trials)"""
    env = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OPENBLAS_NUM_THREADS="1")
    begin = time.perf_counter()
    source = str(ROOT / "inputs" / "barbell_precise.yaml")
    done = subprocess.run(["mpirun", "-n", str(ranks), MYOPIA, "run", source, "--out", out, "--overwrite"],
                          capture_output=True, text=True, env=env, check=True)
    seconds = time.perf_counter() - begin
    match = re.search(r"RESULT: VALID trials=(\d+)/\1 failed=0 figure_of_merit=(\S+)", done.stdout)
    return seconds, float(match[2]), int(match[1])


def peer(trials):
    """Microseconds a trial of peer_barbell.py, mean over the four methods."""
    done = subprocess.run(["/usr/bin/python3", str(ROOT / "bench" / "peer_barbell.py"), str(trials), "1"], capture_output=True, text=True,
                          check=True)
    return statistics.mean(float(us) for us in re.findall(r"([0-9.]+) us/trial", done.stdout))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peer-trials", type=int, default=500)
    args = parser.parse_args()
    runs, peers = {1: [], 2: []}, []
    with tempfile.TemporaryDirectory() as directory:
        out = str(Path(directory) / "precise.h5")
        for _ in range(args.repeat):
            for ranks in (1, 2):
                runs[ranks].append(whole_run(ranks, out))
            peers.append(peer(args.peer_trials))
    trials = runs[1][0][2]
    nx = statistics.median(peers)
    work = {n: 1e6 / statistics.median(r[1] for r in runs[n]) for n in runs}
    whole = {n: 1e6 * statistics.median(r[0] for r in runs[n]) / trials for n in runs}
    print(f"end to end: {trials} trials; NetworkX + NumPy {nx:.0f} us/trial")
    for n in (1, 2):
        print(f"  {n} rank{'s' if n > 1 else ''}: run phase {work[n]:.3f} us/trial ({nx / work[n]:.0f}x NetworkX); "
              f"whole process with start, file creation and summary {whole[n]:.3f} us/trial ({nx / whole[n]:.0f}x)")
    print(f"  2 ranks against 1: run phase {work[1] / work[2]:.2f}x, whole process {whole[1] / whole[2]:.2f}x")


if __name__ == "__main__":
    main()
