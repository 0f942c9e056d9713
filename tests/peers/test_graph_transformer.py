# SPDX-License-Identifier: BSD-2-Clause
"""The oracle itself: derivatives of the graph transformer in PyTorch by torch.autograd.gradcheck in float64, equivariance under
permutations of the vertices, and the number of its parameters from the list in src/model/transformer.h."""
import unittest

try:
    import torch
    import graph_transformer as peer
except ImportError:
    torch = None


def random_graphs(s, n, count, features=True):
    draw = torch.Generator().manual_seed(3)
    pairs = n * (n - 1) // 2

    def feature(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64) if features and shape[-1] else None

    return peer.Graphs(n, torch.randint(1, s.T + 1, (count,), generator=draw), torch.randint(0, s.a, (count, n), generator=draw),
                       torch.randint(0, s.b, (count, pairs), generator=draw), feature(count, n, s.node_features),
                       feature(count, pairs, s.pair_features), feature(count, s.graph_features))


def permuted(g, order):
    def nodes(x):
        return None if x is None else x[:, order]

    def pairs(x):
        return None if x is None else peer.of_pairs(peer.dense(g.n, x)[:, order][:, :, order])

    return peer.Graphs(g.n, g.t, nodes(g.node), pairs(g.edge), nodes(g.node_features), pairs(g.pair_features), g.graph_features)


def parameters_listed(s):
    """From the list of transformer.h."""
    def linear(n, m):
        return n * m + m

    def two(n, h, m):
        return linear(n, h) + linear(h, m)

    total = two(s.a + (s.n if s.node_id else 0) + s.node_features, s.ff_x, s.dx)
    total += two(s.b + s.pair_features, s.ff_e, s.de) + two(1 + s.graph_features, s.ff_y, s.dy)
    for k in range(s.layers):
        last = k == s.layers - 1
        total += 2 * linear(s.dx, s.dx) + 2 * linear(s.de, s.dx) + 2 * linear(s.dy, s.dx) + linear(s.dx, s.de)
        total += 4 * s.de + two(s.de, s.ff_e, s.de)
        if not last or s.a > 1:
            total += 2 * linear(s.dx, s.dx) + 2 * linear(s.dy, s.dx) + 4 * s.dx + two(s.dx, s.ff_x, s.dx)
        if not last:
            total += linear(s.dy, s.dy) + linear(2 * s.dx, s.dy) + linear(2 * s.de, s.dy) + two(s.dy, s.dy, s.dy)
            total += 4 * s.dy + two(s.dy, s.ff_y, s.dy)
    return total + two(s.de, s.ff_e, s.b) + (two(s.dx, s.ff_x, s.a) if s.a > 1 else 0)


@unittest.skipUnless(torch, "torch cannot be imported")
class GraphTransformer(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        self.sizes = {"layers": 2, "dx": 4, "de": 3, "dy": 2, "heads": 2, "ff_x": 5, "ff_e": 4, "ff_y": 3}

    def model(self, **more):
        s = peer.Spec("transformer", 5, T=10, **{**self.sizes, **more})
        model = peer.denoiser(s).double()
        model.load_flat(0.5 * torch.randn(parameters_listed(s), dtype=torch.float64))
        return s, model

    def test_gradients(self):
        for a, b in ((1, 2), (2, 3)):
            with self.subTest(a=a, b=b):
                s, model = self.model(a=a, b=b, node_features=2, pair_features=1, graph_features=1)
                g = random_graphs(s, 4, 2)
                weight = torch.rand(2, 6, dtype=torch.float64)
                clean = torch.randint(0, b, (2, 6))

                def loss(*parameters):
                    names = [name for name, _ in model.named_parameters()]
                    node, edge, X, E, y = model.inputs(g)
                    out = torch.nn.utils.stateless.functional_call(model, dict(zip(names, parameters)), (node, edge, X, E, y))
                    total = peer.weighted_loss(peer.of_pairs(out[1]), clean, weight)
                    return total if out[0] is None else total + peer.weighted_loss(out[0], g.node, torch.ones(2, 4))

                parameters = [p.detach().clone().requires_grad_() for p in model.parameters()]
                self.assertTrue(torch.autograd.gradcheck(loss, parameters, eps=1e-6, atol=1e-6, rtol=1e-5))

    def test_permutations(self):
        for a in (1, 2):
            s, model = self.model(a=a, b=3, node_id=False, node_features=3, pair_features=2, graph_features=2)
            g = random_graphs(s, 5, 3)
            order = torch.tensor([3, 0, 4, 1, 2])
            node, edge = model.logits(g)
            got_node, got_edge = model.logits(permuted(g, order))
            expected = peer.of_pairs(peer.dense(5, edge)[:, order][:, :, order])
            self.assertLess(float((got_edge - expected).abs().max()), 1e-12)
            self.assertGreater(float(edge.std()), 1e-3, "the logits are all alike")
            if a > 1:
                self.assertLess(float((got_node - node[:, order]).abs().max()), 1e-12)

    def test_flat_parameters(self):
        s, model = self.model(a=2, b=3)
        self.assertEqual(sum(p.numel() for p in model.parameters()), parameters_listed(s))
        theta = torch.arange(parameters_listed(s), dtype=torch.float64)
        model.load_flat(theta)
        self.assertTrue(torch.equal(model.flat(), theta))
        peer.loss_of(model.logits(random_graphs(s, 5, 2)), torch.zeros(2, 5).long(), torch.zeros(2, 10).long(), torch.ones(2, 5),
                     torch.ones(2, 10)).backward()
        self.assertEqual(len(model.flat_gradient()), len(theta))

    def test_smaller_graphs_use_the_front(self):
        """Pair numbers of n = 4 are the first of those of n = 5."""
        i, j = peer.pair_ends(5)
        self.assertEqual([int(v) for v in j * (j - 1) // 2 + i], list(range(10)))


if __name__ == "__main__":
    unittest.main()
