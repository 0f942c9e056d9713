# SPDX-License-Identifier: BSD-2-Clause
"""PyTorch as the oracle of training: from the same initial parameters, with the same batches, the losses of the first 500 steps agree to
1e-5 relative. (Later ReLU nets amplify rounding: PyTorch's own float32 and float64 part at about step 960.)"""
import os
import subprocess
import unittest

import numpy as np

try:
    import torch
except ImportError:
    torch = None

STEPS, TOLERANCE = 500, 1e-5
NETS = {"W1": ((3, 20, 20, 2), "ReLU"), "W2": ((3, 16, 16, 2), "Tanh"), "W3": ((3, 64, 64, 64, 2), "Tanh")}


def ours(workload, steps):
    """Initial and final parameters, batches (steps, 2 d + 2, batch), losses; the layout is torch_parity.c's."""
    answer = subprocess.run([os.environ["TORCH_PARITY"], workload, str(steps)], stdout=subprocess.PIPE, check=True, timeout=300).stdout
    parameters, batch, d, n = np.frombuffer(answer, np.int32, 4)
    assert n == steps and d == 2
    floats = np.frombuffer(answer, np.float32, 2 * parameters + n * (2 * d + 2) * batch, 16)
    losses = np.frombuffer(answer, np.float64, n, 16 + 4 * len(floats))
    return floats[:parameters], floats[-parameters:], floats[parameters:-parameters].reshape(n, 2 * d + 2, batch), losses


def build(workload, theta, dtype):
    sizes, activation = NETS[workload]
    layers, at = [], 0
    for n, m in zip(sizes[:-1], sizes[1:]):
        linear = torch.nn.Linear(n, m).to(dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(theta[at:at + n * m].reshape(m, n)))
            linear.bias.copy_(torch.tensor(theta[at + n * m:at + n * m + m]))
        at += n * m + m
        layers += [linear, getattr(torch.nn, activation)()]
    assert at == len(theta)
    return torch.nn.Sequential(*layers[:-1])


def theirs(workload, theta, batches, dtype):
    net = build(workload, theta, dtype)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    losses = []
    for b in batches:
        b = torch.tensor(b).to(dtype)
        x, target, weight = b[:3].t(), b[3:5].t(), b[5]
        adam.zero_grad(set_to_none=True)
        loss = (((net(x) - target) ** 2).sum(1) * weight).mean() / 2
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return np.array(losses), np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])


@unittest.skipUnless(torch, "torch cannot be imported")
class Training(unittest.TestCase):
    def compare(self, workload):
        torch.set_num_threads(1)
        theta, final, batches, got = ours(workload, STEPS)
        expected, parameters = theirs(workload, theta, batches, torch.float32)
        relative = np.abs(got / expected - 1)
        moved = np.linalg.norm(parameters - theta)
        apart = np.linalg.norm(final - parameters) / moved
        step = int(relative.argmax())
        print(f"{workload}: largest relative difference of a loss {relative.max():.2e} at step {step}, parameters {apart:.2e} of their way")
        self.assertLess(expected[-20:].mean(), expected[:20].mean(), "the loss does not fall")
        self.assertLess(relative.max(), TOLERANCE, f"step {step}: expected {expected[step]:.9g}, got {got[step]:.9g}, "
                                                   f"tolerance {TOLERANCE}")
        self.assertLess(apart, 1e-3, "final parameters: difference over the way they went (expected 0, tolerance 1e-3)")

    def test_w1(self):
        self.compare("W1")

    def test_w2(self):
        self.compare("W2")

    def test_w3(self):
        self.compare("W3")


if __name__ == "__main__":
    unittest.main()
