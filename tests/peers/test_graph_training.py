# SPDX-License-Identifier: BSD-2-Clause
"""PyTorch as the oracle of training graph denoisers, 200 steps of Adam with the same noisy graphs, weights and features. Step by step from
our parameters: losses agree to 2e-6 relative, updates to 3e-4 of their norm. From the same initial parameters on its own: losses agree to
1e-4 relative, those of the transformer for 50 steps and then to 2e-2: its ReLUs amplify rounding, and PyTorch's own float32 and float64
part by 2e-3."""
import os
import subprocess
import unittest

import numpy as np

try:
    import torch
    import graph_transformer as peer
except ImportError:
    torch = None

STEPS, CALM = 200, 50
RATE, T = 1e-3, 20  # as in the driver
SHAPE = {"buckets": T, "depth": 2, "width": 32, "activation": "silu", "layers": 2, "dx": 32, "de": 16, "dy": 16, "heads": 2, "ff_x": 32,
         "ff_e": 32, "ff_y": 32}


class Driven:
    """What graph_train_driver says: spec, theta (steps + 1, parameters), loss, and batches, a list of (noisy graphs, what loss_of
    needs)."""

    def __init__(self, kind, loss):
        command = [os.environ["GRAPH_TRAIN_DRIVER"], kind, loss, str(STEPS)]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300).stdout
        parameters, steps, self.batch, n, a, b, *features = (int(x) for x in np.frombuffer(answer, np.int32, 9))
        assert steps == STEPS
        self.spec = peer.Spec(kind, n, a, b, T=T, node_features=features[0], pair_features=features[1], graph_features=features[2],
                              **SHAPE)
        record, at = self.record(n, features), 36
        first = np.frombuffer(answer, np.float32, parameters, at)
        at += first.nbytes
        graphs = np.frombuffer(answer, record, steps * self.batch, at).reshape(steps, self.batch)
        at += graphs.nbytes
        later = np.frombuffer(answer, np.float32, steps * parameters, at).reshape(steps, parameters)
        self.theta = np.vstack([first, later])
        self.loss = np.frombuffer(answer, np.float64, steps, at + later.nbytes)
        self.batches = [self.as_torch(n, step, features) for step in graphs]

    @staticmethod
    def record(n, features):
        pairs = n * (n - 1) // 2
        return np.dtype([("t", np.int32), ("node", np.uint8, n), ("edge", np.uint8, pairs), ("clean_node", np.uint8, n),
                         ("clean_edge", np.uint8, pairs), ("node_weight", np.float32, n), ("edge_weight", np.float32, pairs),
                         ("node_features", np.float32, (n, features[0])), ("pair_features", np.float32, (pairs, features[1])),
                         ("graph_features", np.float32, (features[2],))])

    @staticmethod
    def as_torch(n, step, features):
        def whole(name):
            return torch.tensor(step[name].astype(np.int64))

        names = ("node_features", "pair_features", "graph_features")
        noisy = peer.Graphs(n, whole("t"), whole("node"), whole("edge"),
                            *(torch.tensor(step[name].copy()) if k else None for name, k in zip(names, features)))
        return noisy, (whole("clean_node"), whole("clean_edge"), torch.tensor(step["node_weight"].copy()),
                       torch.tensor(step["edge_weight"].copy()))


def theirs(driven, follow):
    """(losses, relative errors of our updates). follow: every step starts from our parameters."""
    model = peer.denoiser(driven.spec)
    model.load_flat(driven.theta[0])
    adam = torch.optim.Adam(model.parameters(), lr=RATE)
    losses, apart = [], []
    for k, (noisy, clean) in enumerate(driven.batches):
        adam.zero_grad(set_to_none=True)
        loss = peer.loss_of(model.logits(noisy), *clean) / driven.batch
        loss.backward()
        adam.step()
        losses.append(loss.item())
        if follow:
            expected, before, after = model.flat().numpy(), driven.theta[k], driven.theta[k + 1]
            apart.append(np.linalg.norm(after - expected) / np.linalg.norm(expected - before))
            model.load_flat(after)
    return np.array(losses), np.array(apart)


@unittest.skipUnless(torch, "torch cannot be imported")
class Training(unittest.TestCase):
    def check(self, what, expected, got, tolerance):
        relative = np.abs(got / expected - 1)
        step = int(relative.argmax())
        print(f"{what}: largest relative difference of a loss {relative.max():.2e} at step {step}, loss {expected[0]:.4g} to "
              f"{expected[-10:].mean():.4g}")
        self.assertTrue(np.isfinite(expected).all() and (relative < tolerance).all(),
                        f"{what}, step {step}: expected {expected[step]:.9g}, got {got[step]:.9g}, tolerance {tolerance}")

    def compare(self, kind, loss):
        torch.set_num_threads(1)
        driven = Driven(kind, loss)
        expected, apart = theirs(driven, True)
        print(f"{kind}, {loss}: updates apart by {apart.max():.2e} of their norm at step {int(apart.argmax())}")
        self.assertLess(expected[-20:].mean(), expected[:20].mean(), "the loss does not fall")
        self.check("from our parameters", expected, driven.loss, 2e-6)
        self.assertLess(apart.max(), 3e-4, f"update of step {int(apart.argmax())}: difference over its norm (expected 0, tolerance 3e-4)")
        expected, _ = theirs(driven, False)
        calm = CALM if kind == "transformer" else STEPS
        self.check("on its own", expected[:calm], driven.loss[:calm], 1e-4)
        self.check("on its own, all", expected, driven.loss, 2e-2)

    def test_transformer(self):
        self.compare("transformer", "edge_weighted")

    def test_edge_mlp(self):
        self.compare("edge_mlp", "standard")

    def test_factored_bit(self):
        self.compare("factored_bit", "graph_weighted")


if __name__ == "__main__":
    unittest.main()
