# SPDX-License-Identifier: BSD-2-Clause
"""PyTorch as the oracle of the graph denoisers: from identical parameters and inputs, logits, loss, gradient and the sum of squared norms
of the graphs' gradients agree with torch.autograd in float64: the kernels to 1e-4 relative, the reference to rounding."""
import itertools
import os
import subprocess
import tempfile
import unittest

import numpy as np

try:
    import torch
    import graph_transformer as peer
except ImportError:
    torch = None

KINDS = ("factored", "factored_bit", "edge_mlp", "transformer")
ACTIVATIONS = ("relu", "tanh", "silu", "gelu")
SCALE = 1 / 3
TOLERANCE = {"kernel": 1e-4, "reference": 1e-11}


def features_of(s):
    return s.node_features, s.pair_features, s.graph_features


def random_graph(rng, s, n):
    """Noisy graph, clean graph and weights: t, arrays as the driver's file has them."""
    pairs = n * (n - 1) // 2
    node, edge = (rng.integers(0, k, (2, size)).astype(np.uint8) for k, size in ((s.a, n), (s.b, pairs)))
    weight = [rng.uniform(0, 3, size).astype(np.float32) for size in (n, pairs)]
    features = [rng.normal(size=(size, k)).astype(np.float32) for size, k in zip((n, pairs, 1), features_of(s))]
    return {"n": n, "t": int(rng.integers(1, s.T + 1)), "node": node, "edge": edge, "weight": weight, "features": features}


def problem(s, theta, graphs):
    """The file that denoiser_driver reads."""
    words = [KINDS.index(s.kind), s.n, s.a, s.b, s.T, s.buckets, *features_of(s), s.depth, s.width, ACTIVATIONS.index(s.activation),
             int(s.node_id), s.layers, s.dx, s.de, s.dy, s.heads, s.ff_x, s.ff_e, s.ff_y, len(graphs)]
    parts = [np.array(words, np.int64), np.array([0.0, SCALE]), theta]
    for g in graphs:
        parts += [np.array([g["n"], g["t"], 0], np.int64), g["node"][0], g["edge"][0], g["node"][1], g["edge"][1], *g["weight"],
                  *g["features"]]
    return b"".join(part.tobytes() for part in parts)


def ours(mode, s, theta, graphs):
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(problem(s, theta, graphs))
        file.flush()
        command = [os.environ["DENOISER_DRIVER"], mode, file.name]
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    lines = (line.split() for line in answer.stdout.splitlines())
    return {name: np.array(values, np.float64) for name, *values in lines}


def as_torch(s, g):
    """(noisy graph, what loss_of needs beside the logits): a batch of one."""
    node, edge, *features = (torch.tensor(x)[None] for x in (g["node"].astype(np.int64), g["edge"].astype(np.int64), *g["features"]))
    features = [x.double() if k else None for x, k in zip(features, features_of(s))]
    features[2] = features[2][:, 0] if features[2] is not None else None
    noisy = peer.Graphs(g["n"], torch.tensor([g["t"]]), node[:, 0], edge[:, 0], *features)
    return noisy, (node[:, 1], edge[:, 1], *(torch.tensor(w)[None].double() for w in g["weight"]))


def theirs(s, theta, graphs):
    model = peer.denoiser(s).double()
    model.load_flat(torch.tensor(theta).double())
    out = {"node": [], "edge": [], "loss": 0.0, "gradient": 0.0, "square": 0.0}
    for g in graphs:
        noisy, clean = as_torch(s, g)
        model.zero_grad()
        node, edge = model.logits(noisy)
        loss = peer.loss_of((node, edge), *clean)
        loss.backward()
        gradient = model.flat_gradient().numpy()
        out["node"].append(np.zeros(0) if node is None else node.detach().numpy().ravel())
        out["edge"].append(edge.detach().numpy().ravel())
        out["loss"] += SCALE * loss.item()
        out["gradient"] += SCALE * gradient
        out["square"] += gradient @ gradient
    out["node"], out["edge"] = np.concatenate(out["node"]), np.concatenate(out["edge"])
    return out, [(name, p.numel()) for name, p in model.named_parameters()]


def apart(expected, got):
    """Largest difference over the largest value."""
    return 0.0 if not np.size(expected) else float(np.abs(expected - got).max() / np.abs(expected).max())


@unittest.skipUnless(torch, "torch cannot be imported")
class Denoiser(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        self.rng = np.random.default_rng(17)

    def compare(self, s, sizes):
        graphs = [random_graph(self.rng, s, n) for n in sizes]
        parameters = sum(p.numel() for p in peer.denoiser(s).parameters())
        theta = self.rng.normal(scale=1.0 if s.kind.startswith("factored") else 0.2, size=parameters).astype(np.float32)
        expected, names = theirs(s, theta, graphs)
        for mode, tolerance in TOLERANCE.items():
            got = ours(mode, s, theta, graphs)
            where = f"{mode} of {s}, sizes {sizes}"
            self.assertEqual(int(got["parameters"][0]), parameters, where)
            for name in ("node", "edge", "loss") + (("square",) if mode == "kernel" else ()):
                self.assertEqual(np.size(got[name]), np.size(expected[name]), f"{where}: number of values of {name}")
                self.assertLess(apart(expected[name], got[name]), tolerance, f"{where}: {name}, expected {expected[name]}, got {got[name]}")
            self.compare_gradients(names, expected["gradient"], got["gradient"], tolerance, where)

    def compare_gradients(self, names, expected, got, tolerance, where):
        """Parameter by parameter; one whose gradient all but cancels is measured by a thousandth of the largest."""
        floor, at = 1e-3 * np.abs(expected).max(), 0
        for name, count in names:
            e, g = expected[at:at + count], got[at:at + count]
            worst = np.abs(e - g).max() / max(np.abs(e).max(), floor)
            k = int(np.abs(e - g).argmax())
            self.assertLess(worst, tolerance, f"{where}: gradient of {name}, largest difference at {k}: expected {e[k]:.9g}, "
                                              f"got {g[k]:.9g}, tolerance {tolerance:g} of the largest")
            at += count

    def test_factored(self):
        shapes = (1, 2, 4, 1), (1, 3, 9, 7), (2, 2, 9, 20), (2, 3, 4, 7)
        for kind, (a, b, n, buckets) in itertools.product(("factored", "factored_bit"), shapes):
            self.compare(peer.Spec(kind, n, a, b, T=20, buckets=buckets), (n, n, n - 1, 2, n))

    def test_edge_mlp(self):
        for (a, b), n, activation in zip(itertools.product((1, 2), (2, 3)), (4, 9, 16, 24), ACTIVATIONS):
            self.compare(peer.Spec("edge_mlp", n, a, b, T=20, pair_features=8, depth=2, width=32, activation=activation), (n, n - 1, n))
        self.compare(peer.Spec("edge_mlp", 6, 1, 2, T=20, pair_features=8, depth=1, width=48), (6, 3))
        self.compare(peer.Spec("edge_mlp", 6, 3, 2, T=20, pair_features=8, depth=3, width=16), (6, 6))

    def test_transformer_shapes(self):
        for (a, b), n in zip(itertools.product((1, 2), (2, 3)), (4, 9, 16, 24)):
            s = peer.Spec("transformer", n, a, b, T=20, layers=2, dx=32, de=16, dy=32, heads=2, ff_x=64, ff_e=32, ff_y=48)
            self.compare(s, (n, n - 1, n) if n < 20 else (n,))

    def test_transformer_inputs(self):
        """Node ids and features, alone and together; graphs smaller than the specification's."""
        widths = {"layers": 3, "dx": 32, "de": 16, "dy": 16, "heads": 4, "ff_x": 32, "ff_e": 16, "ff_y": 32}
        for node_id, features in ((True, (0, 0, 0)), (False, (4, 3, 7)), (True, (1, 0, 2)), (False, (0, 2, 0)), (False, (0, 1, 5))):
            node, pair, graph = features
            self.compare(peer.Spec("transformer", 9, 1, 2, T=20, node_features=node, pair_features=pair, graph_features=graph,
                                   node_id=node_id, **widths), (9, 5, 2))

    def test_transformer_depth(self):
        """One layer alone, where nodes are not predicted and where they are; five classes."""
        for a, layers in ((1, 1), (3, 1), (2, 4)):
            self.compare(peer.Spec("transformer", 7, a, 5, T=20, layers=layers, dx=16, de=32, dy=16, heads=1, ff_x=16, ff_e=64, ff_y=16),
                         (7, 6))

    def test_transformer_of_the_benchmark(self):
        self.compare(peer.Spec("transformer", 16, 1, 2, layers=3, dx=64, de=32, dy=64, heads=4, ff_x=128, ff_e=64, ff_y=128), (16, 16))


if __name__ == "__main__":
    unittest.main()
