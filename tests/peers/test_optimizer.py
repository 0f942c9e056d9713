# SPDX-License-Identifier: BSD-2-Clause
"""PyTorch as the oracle of the optimizers: the same parameters and gradients go through torch.optim and through ours, step by step.
The gradients are given, so that nothing chaotic amplifies a rounding: what differs is rounding alone."""
import os
import subprocess
import unittest

import numpy as np

try:
    import torch
except ImportError:
    torch = None

N, STEPS = 83, 300
BASE = {"lr": 1e-2, "momentum": 0.0, "beta1": 0.9, "beta2": 0.999, "delta": 1e-8, "decay": 0.0, "factor": 1.0, "every": 0, "clip": 0.0,
        "average": 0.0}
# name: (kind, rate, what differs from BASE)
CASES = {
    "sgd": ("sgd", "constant", {}),
    "momentum": ("sgd", "constant", {"momentum": 0.9}),
    "momentum and decay": ("sgd", "constant", {"momentum": 0.9, "decay": 0.01}),
    "adam": ("adam", "constant", {}),
    "adam, other betas": ("adam", "constant", {"beta1": 0.5, "beta2": 0.9, "delta": 1e-3}),
    "adam and decay": ("adam", "constant", {"decay": 0.02}),
    "adamw": ("adamw", "constant", {"decay": 0.1}),
    "clipped": ("adam", "constant", {"clip": 2.0}),
    "clipped sgd": ("sgd", "constant", {"clip": 2.0, "lr": 0.1}),
    "cosine": ("adam", "cosine", {"factor": 0.05}),
    "step": ("sgd", "step", {"factor": 0.5, "every": 70}),
    "averaged": ("adam", "constant", {"average": 0.98}),
}


def ours(path, kind, rate, settings, theta, gradients):
    """(steps, 2, n): parameters and their average after every step."""
    names = ["lr", "momentum", "beta1", "beta2", "delta", "decay", "factor", "every", "clip", "average"]
    command = [os.environ["OPTIMIZER_DRIVER"], kind, rate, path, *(repr(settings[name]) for name in names), str(N), str(STEPS)]
    answer = subprocess.run(command, input=theta.tobytes() + gradients.tobytes(), stdout=subprocess.PIPE, check=True, timeout=120)
    return np.frombuffer(answer.stdout, dtype=np.float32).reshape(STEPS, 2, N)


def torch_optimizer(kind, s, parameter):
    if kind == "sgd":
        return torch.optim.SGD([parameter], lr=s["lr"], momentum=s["momentum"], weight_decay=s["decay"])
    maker = torch.optim.Adam if kind == "adam" else torch.optim.AdamW
    return maker([parameter], lr=s["lr"], betas=(s["beta1"], s["beta2"]), eps=s["delta"], weight_decay=s["decay"])


def torch_schedule(rate, s, optimizer):
    if rate == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, eta_min=s["lr"] * s["factor"])
    if rate == "step":
        return torch.optim.lr_scheduler.StepLR(optimizer, s["every"], gamma=s["factor"])
    return None


def theirs(kind, rate, s, theta, gradients):
    parameter = torch.nn.Parameter(torch.tensor(theta))
    average = torch.tensor(theta)
    optimizer = torch_optimizer(kind, s, parameter)
    schedule = torch_schedule(rate, s, optimizer)
    out = np.empty((STEPS, 2, N), dtype=np.float32)
    for step in range(STEPS):
        parameter.grad = torch.tensor(gradients[step])
        if s["clip"] > 0:
            torch.nn.utils.clip_grad_norm_([parameter], s["clip"])
        optimizer.step()
        if schedule:
            schedule.step()
        average = s["average"] * average + (1 - s["average"]) * parameter.detach()
        out[step] = parameter.detach().numpy(), average.numpy()
    return out


@unittest.skipUnless(torch, "torch cannot be imported")
class Optimizer(unittest.TestCase):
    def test_trajectories_agree_with_torch(self):
        rng = np.random.default_rng(7)
        theta = rng.normal(size=N).astype(np.float32)
        scale = 10.0 ** rng.integers(-3, 2, size=N)  # small and large gradients side by side
        gradients = (scale * (rng.normal(size=(STEPS, N)) + 0.3)).astype(np.float32)
        for name, (kind, rate, changes) in CASES.items():
            settings = {**BASE, **changes}
            expected = theirs(kind, rate, settings, theta, gradients).astype(np.float64)
            moved = np.abs(np.diff(expected[:, 0], axis=0)).cumsum(axis=0).max(axis=0) + np.abs(theta) + 0.1
            for path in ("kernel", "reference"):
                got = ours(path, kind, rate, settings, theta, gradients)
                with self.subTest(case=name, path=path):
                    columns = 1 if settings["average"] == 0 else 2
                    worst = (np.abs(got[:, :columns] - expected[:, :columns]) / moved).max()
                    self.assertLess(worst, 3e-6, "largest difference over the path length (expected 0, tolerance 3e-6)")


if __name__ == "__main__":
    unittest.main()
