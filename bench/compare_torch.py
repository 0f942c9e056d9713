# SPDX-License-Identifier: BSD-2-Clause
"""Training steps, sampling and one-logit SGD against PyTorch, interleaved in one run, one line a workload; W5_N and S5_N are a training
step and a sampled graph of the graph transformer on N vertices:
    compare_torch.py build/release/bench [ROUNDS [WORKLOAD...]]
Ours: bench_train, bench_sampler, bench_one_logit, bench_net, bench_graph_diffusion of that folder, run again in every round. Torch:
torch_peers.py, one worker a setting of OPENBLAS_CORETYPE and ATEN_CPU_CAPABILITY, since the best one depends on the machine; one thread. A
first pass over all variants keeps the best KEPT of what users write and of what is written out by hand, the rounds measure those and the
plain form. Thread CPU time everywhere; medians of the rounds; the best of torch is the least median; ratios are medians of the rounds'
ratios.
The floor: multiply-adds at the measured peak, tanh, random numbers (0.58 ns a normal, 0.27 ns a word), Adam (0.12 ns a parameter); of W4,
W5 (bench_transformer) and W6 as their programs say."""
import json
import os
import re
import statistics
import subprocess
import sys

SETTINGS = [("Haswell", "avx2"), ("SKYLAKEX", "avx512"), ("ZEN", "avx512")]
KEPT, ROUNDS = 4, 7
TRAINING = {"W1": (542, 64), "W2": (370, 512), "W3": (8706, 1024)}  # parameters, batch
NORMAL, WORD, ADAM = 0.58e-9, 0.27e-9, 0.12e-9
# unit, seconds of it, target: best torch / ours at least, ours / floor at most
TARGETS = {"W1": ("us", 1e-6, 10, 2), "W2": ("us", 1e-6, 5, 2), "W3": ("us", 1e-6, 2.3, 1.4), "W4": ("ms", 1e-3, 4.5, 1.5),
           "W6": ("ns", 1e-9, 60, 2.5)}
GRAPHS = (16, 24, 32, 45)  # vertices
TARGETS.update({f"{letter}5_{n}": ("ms", 1e-3, 4, 2) for n in GRAPHS for letter in "WS"})
REVERSE_STEPS = 50
NAMES = {"W1": "training step 3-20-20-2 relu batch 64", "W2": "training step 3-16-16-2 tanh batch 512",
         "W3": "training step 3-64-64-64-2 tanh batch 1024", "W4": "sampling 10,000 x 100", "W6": "one-logit SGD, a seed-step",
         **{f"W5_{n}": f"training step of the graph transformer, {n} vertices, batch 32" for n in GRAPHS},
         **{f"S5_{n}": f"a graph of {n} vertices from the graph transformer, {REVERSE_STEPS} reverse steps" for n in GRAPHS}}


class Worker:
    """A process of torch_peers.py under one setting."""

    def __init__(self, core, capability):
        self.setting = f"{core}/{capability}"
        environment = dict(os.environ, OPENBLAS_CORETYPE=core, ATEN_CPU_CAPABILITY=capability, OPENBLAS_NUM_THREADS="1",
                           OMP_NUM_THREADS="1")
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_peers.py")
        self.process = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"compare_torch: the worker {self.setting} ended at `{line}`")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def run(folder, program, *arguments):
    result = subprocess.run([os.path.join(folder, program), *arguments], capture_output=True, text=True, check=True)
    return result.stdout


def number(pattern, text):
    match = re.search(pattern, text)
    if not match:
        sys.exit(f"compare_torch: `{pattern}` is not in: {text}")
    return float(match.group(1))


def of_training(folder, wanted):
    """{workload: {ours, reference, floor}} in seconds, of the training steps."""
    steps, nets, out = run(folder, "bench_train", "1"), run(folder, "bench_net", "1"), {}
    for name in wanted:
        parameters, batch = TRAINING[name]
        step = next(line for line in steps.splitlines() if line.startswith(name))
        net = next(line for line in nets.splitlines() if line.startswith(name))
        gradient = number(r"floor ([\d.]+) ", net) * 1e-6
        out[name] = {"ours": number(r"([\d.]+) us/step", step) * 1e-6, "reference": number(r"reference ([\d.]+) us", step) * 1e-6,
                     "floor": gradient + batch * (2 * NORMAL + 2 * WORD) + parameters * ADAM}
    return out


def of_graphs(folder, sizes):
    """The same of the graph transformer, of training and of sampling."""
    floors, lines, out = run(folder, "bench_transformer", "1"), run(folder, "bench_graph_diffusion", "1", *(str(n) for n in sizes)), {}
    for n in sizes:
        floor, line = (next(one for one in text.splitlines() if one.startswith(f"n {n} ")) for text in (floors, lines))
        reference = number(r"step ms ([\d.]+)", floor) * number(r"reference/ours ([\d.]+)", floor)
        out[f"W5_{n}"] = {"ours": number(r"step ms ([\d.]+)", line) * 1e-3, "floor": number(r"floor ([\d.]+) \(", floor) * 1e-3,
                          "reference": reference * 1e-3}
        out[f"S5_{n}"] = {"ours": number(r"ms/graph ([\d.]+)", line) * 1e-3,
                          "floor": number(r"ms/graph [\d.]+ floor ([\d.]+)", floor) * REVERSE_STEPS * 1e-3}
    return out


def of_ours(folder, wanted):
    training = [name for name in wanted if name in TRAINING]
    out = of_training(folder, training) if training else {}
    sizes = sorted({int(name[3:]) for name in wanted if name[1:3] == "5_"})
    if sizes:
        out.update(of_graphs(folder, sizes))
    if "W4" in wanted:
        line = run(folder, "bench_sampler", "3")
        out["W4"] = {key: number(key + r" ([\d.]+)", line) * 1e-3 for key in ("ours", "reference", "floor")}
    if "W6" in wanted:
        line = run(folder, "bench_one_logit", "60")
        ours = max(number(r"omega=1 ([\d.]+)", line), number(r"omega=50 ([\d.]+)", line))
        out["W6"] = {"ours": ours * 1e-9, **{key: number(key + r" ([\d.]+)", line) * 1e-9 for key in ("reference", "floor")}}
    return out


def choose(workers, variants, wanted):
    """{workload: {"eager" | "user" | "hand": [(worker, variant)]}}: the plain form of every worker, and the best KEPT of either kind."""
    out = {}
    for name in wanted:
        out[name] = {"eager": [(w, "eager") for w in workers]}
        for kind in ("user", "hand"):
            pairs = [(w, v) for w in workers for v in variants[name][kind] if v != "eager"]
            first = {pair: min(pair[0].ask(f"{name} {pair[1]}") for _ in range(2)) for pair in pairs}
            out[name][kind] = sorted(pairs, key=first.get)[:KEPT]
    return out


def best(samples, pairs):
    """The pair of the least median."""
    return min(pairs, key=lambda pair: statistics.median(samples[pair]))


def verdict(met):
    return "met" if met else "MISSED"


def report(name, ours, chosen, samples):
    unit, scale, faster, near = TARGETS[name]
    mine = {key: statistics.median(r[key] for r in ours) for key in ours[0]}
    to_floor = statistics.median(r["ours"] / r["floor"] for r in ours)
    parts = [f"{name} {NAMES[name]} ({unit}): ours {mine['ours'] / scale:.4g}"
             + (f", scalar reference {mine['reference'] / scale:.4g}" if "reference" in mine else "")]
    groups = {"torch eager": chosen["eager"], "best torch": chosen["eager"] + chosen["user"], "torch written out": chosen["hand"]}
    for what, pairs in groups.items():
        if not pairs:
            continue
        worker, variant = pair = best(samples, pairs)
        ratio = statistics.median(times / r["ours"] for times, r in zip(samples[pair], ours))
        parts.append(f"{what} {statistics.median(samples[pair]) / scale:.4g} ({variant}, {worker.setting}), {ratio:.2f}x"
                     + (f" (target >= {faster}: {verdict(ratio >= faster)})" if what != "torch eager" else ""))
    parts.append(f"floor {mine['floor'] / scale:.4g}, ours / floor {to_floor:.2f} (target <= {near}: {verdict(to_floor <= near)})")
    print("; ".join(parts), flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    wanted = sys.argv[3:] or list(TARGETS)
    workers = [Worker(*setting) for setting in SETTINGS]
    variants = [worker.ask("list") for worker in workers][0]
    chosen = choose(workers, variants, wanted)
    ours = []
    samples = {name: {pair: [] for pairs in kinds.values() for pair in pairs} for name, kinds in chosen.items()}
    for _ in range(rounds):
        ours.append(of_ours(folder, wanted))
        for name, pairs in samples.items():
            for (worker, variant), times in pairs.items():
                times.append(worker.ask(f"{name} {variant}"))
    for name in wanted:
        report(name, [r[name] for r in ours], chosen[name], samples[name])
    for worker in workers:
        worker.close()


if __name__ == "__main__":
    main()
