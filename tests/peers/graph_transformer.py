# SPDX-License-Identifier: BSD-2-Clause
"""The denoisers of include/denoiser.h as a user of PyTorch writes them: oracle of tests/peers and plain form of bench/. The graph
transformer is DiGress's (Vignac et al., ICLR 2023) in its own layout: batches of dense tensors, no loop over graphs or pairs. Parameters of
a module, in the order in which they are registered, are the flat parameters of src/model/transformer.h. All graphs of a batch have the same
number of vertices; no dropout."""
import math
from dataclasses import dataclass
from typing import Optional

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Spec:
    """As DenoiserSpec."""
    kind: str
    n: int
    a: int = 1
    b: int = 2
    T: int = 50
    buckets: int = 50
    node_features: int = 0
    pair_features: int = 0
    graph_features: int = 0
    depth: int = 2
    width: int = 32
    activation: str = "relu"
    node_id: bool = True
    layers: int = 2
    dx: int = 32
    de: int = 16
    dy: int = 32
    heads: int = 2
    ff_x: int = 64
    ff_e: int = 32
    ff_y: int = 64


@dataclass
class Graphs:
    """A batch of noisy graphs of n vertices: t (B), classes node (B, n) and edge (B, pairs), features (B, n | pairs | nothing, .)."""
    n: int
    t: torch.Tensor
    node: torch.Tensor
    edge: torch.Tensor
    node_features: Optional[torch.Tensor] = None
    pair_features: Optional[torch.Tensor] = None
    graph_features: Optional[torch.Tensor] = None


def pair_ends(n):
    """(i, j) of pair j (j - 1) / 2 + i, i < j."""
    j, i = torch.tril_indices(n, n, -1)
    return i, j


def dense(n, pairs):
    """(B, pairs, ...) -> (B, n, n, ...), symmetric, zero on the diagonal."""
    i, j = pair_ends(n)
    out = pairs.new_zeros((pairs.shape[0], n, n) + pairs.shape[2:])
    out[:, i, j] = pairs
    out[:, j, i] = pairs
    return out


def of_pairs(square):
    i, j = pair_ends(square.shape[1])
    return square[:, i, j]


class Flat(nn.Module):
    """Parameters as one vector."""

    def load_flat(self, theta):
        theta = torch.as_tensor(theta)
        with torch.no_grad():
            at = 0
            for p in self.parameters():
                p.copy_(theta[at:at + p.numel()].view_as(p))
                at += p.numel()
        assert at == len(theta), f"{len(theta)} parameters given, {at} needed"

    def flat(self):
        return torch.cat([p.detach().reshape(-1) for p in self.parameters()])

    def flat_gradient(self):
        return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in self.parameters()])


class TwoLayers(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.one, self.two = nn.Linear(n_in, n_hidden), nn.Linear(n_hidden, n_out)

    def forward(self, x):
        return self.two(F.relu(self.one(x)))


class FeedForward(nn.Module):
    """norm, then norm(x + L(relu(L(x)))): what follows attention."""

    def __init__(self, width, hidden):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.layers = TwoLayers(width, hidden, width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x, dx):
        x = self.norm1(x + dx)
        return self.norm2(x + self.layers(x))


def mean_and_std(x, dims):
    variance, mean = torch.var_mean(x, dims, unbiased=False)
    return torch.cat([mean, torch.sqrt(variance + 1e-5)], -1)


class Layer(nn.Module):
    def __init__(self, s, last):
        super().__init__()
        self.updates_x, self.updates_y = s.a > 1 or not last, not last
        self.scale = 1 / math.sqrt(s.dx / s.heads)
        self.q, self.k = nn.Linear(s.dx, s.dx), nn.Linear(s.dx, s.dx)
        if self.updates_x:
            self.v = nn.Linear(s.dx, s.dx)
        self.e_mul, self.e_add = nn.Linear(s.de, s.dx), nn.Linear(s.de, s.dx)
        self.ye_add, self.ye_mul = nn.Linear(s.dy, s.dx), nn.Linear(s.dy, s.dx)
        self.e_out = nn.Linear(s.dx, s.de)
        if self.updates_x:
            self.yx_add, self.yx_mul = nn.Linear(s.dy, s.dx), nn.Linear(s.dy, s.dx)
            self.x_out = nn.Linear(s.dx, s.dx)
        if self.updates_y:
            self.y_y, self.x_y, self.e_y = nn.Linear(s.dy, s.dy), nn.Linear(2 * s.dx, s.dy), nn.Linear(2 * s.de, s.dy)
            self.y_out = TwoLayers(s.dy, s.dy, s.dy)
        if self.updates_x:
            self.after_x = FeedForward(s.dx, s.ff_x)
        self.after_e = FeedForward(s.de, s.ff_e)
        if self.updates_y:
            self.after_y = FeedForward(s.dy, s.ff_y)

    def forward(self, X, E, y):
        Q, K = self.q(X).unsqueeze(2), self.k(X).unsqueeze(1)
        S = Q * K * self.scale
        S = S * (1 + self.e_mul(E)) + self.e_add(E)
        newE = self.after_e(E, self.e_out(self.ye_add(y)[:, None, None] + (1 + self.ye_mul(y)[:, None, None]) * S))
        newX, newy = X, y
        if self.updates_x:
            W = (torch.softmax(S, 2) * self.v(X).unsqueeze(1)).sum(2)
            newX = self.after_x(X, self.x_out(self.yx_add(y)[:, None] + (1 + self.yx_mul(y)[:, None]) * W))
        if self.updates_y:
            dy = self.y_out(self.y_y(y) + self.x_y(mean_and_std(X, 1)) + self.e_y(mean_and_std(E, (1, 2))))
            newy = self.after_y(y, dy)
        return newX, newE, newy


class Transformer(Flat):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.in_x = TwoLayers(s.a + (s.n if s.node_id else 0) + s.node_features, s.ff_x, s.dx)
        self.in_e = TwoLayers(s.b + s.pair_features, s.ff_e, s.de)
        self.in_y = TwoLayers(1 + s.graph_features, s.ff_y, s.dy)
        self.layers = nn.ModuleList(Layer(s, k == s.layers - 1) for k in range(s.layers))
        if s.a > 1:
            self.out_x = TwoLayers(s.dx, s.ff_x, s.a)
        self.out_e = TwoLayers(s.de, s.ff_e, s.b)

    def inputs(self, g):
        s, kind = self.s, self.in_x.one.weight.dtype
        node, edge = F.one_hot(g.node, s.a).to(kind), dense(g.n, F.one_hot(g.edge, s.b).to(kind))
        X, E, y = [node], [edge], [(g.t.to(kind) / s.T)[:, None]]
        if s.node_id:
            X.append(torch.eye(s.n, dtype=kind)[:g.n].expand(len(g.t), g.n, s.n))
        if s.node_features:
            X.append(g.node_features)
        if s.pair_features:
            E.append(dense(g.n, g.pair_features))
        if s.graph_features:
            y.append(g.graph_features)
        return node, edge, torch.cat(X, -1), torch.cat(E, -1), torch.cat(y, -1)

    def forward(self, node, edge, X, E, y):
        """Dense inputs to node logits (B, n, a), or nothing of them where a = 1, and edge logits (B, n, n, b)."""
        X, E, y = F.relu(self.in_x(X)), F.relu(self.in_e(E)), F.relu(self.in_y(y))
        for layer in self.layers:
            X, E, y = layer(X, E, y)
        E = self.out_e(E)
        return node + self.out_x(X) if self.s.a > 1 else None, edge + (E + E.transpose(1, 2)) / 2

    def logits(self, g):
        node, edge = self(*self.inputs(g))
        return node, of_pairs(edge)


class Factored(Flat):
    """A logit vector a pair and bucket of t, and a noisy class where it sees its own bit."""

    def __init__(self, s):
        super().__init__()
        self.s, self.bit = s, s.kind == "factored_bit"
        pairs, own = s.n * (s.n - 1) // 2, (lambda k: k if self.bit else 1)
        self.edge = nn.Parameter(torch.zeros(s.buckets, pairs, own(s.b), s.b))
        if s.a > 1:
            self.node = nn.Parameter(torch.zeros(s.buckets, s.n, own(s.a), s.a))

    def pick(self, table, bucket, noisy):
        """table (buckets, places, own, k) to (B, places of the graph, k)."""
        places = torch.arange(noisy.shape[1])
        return table[bucket[:, None], places, noisy if self.bit else torch.zeros_like(noisy)]

    def logits(self, g):
        bucket = torch.div((g.t - 1) * self.s.buckets, self.s.T, rounding_mode="floor")
        return self.pick(self.node, bucket, g.node) if self.s.a > 1 else None, self.pick(self.edge, bucket, g.edge)


ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU, "gelu": nn.GELU}


def perceptron(n_in, s, n_out):
    layers = []
    for _ in range(s.depth):
        layers += [nn.Linear(n_in, s.width), ACTIVATIONS[s.activation]()]
        n_in = s.width
    return nn.Sequential(*layers, nn.Linear(n_in, n_out))


class EdgeMlp(Flat):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.edge = perceptron(s.b + s.pair_features + 1, s, s.b)
        if s.a > 1:
            self.node = perceptron(s.a + 2, s, s.a)

    def logits(self, g):
        s, kind = self.s, self.edge[0].weight.dtype
        t = (g.t.to(kind) / s.T)[:, None, None]
        edge = F.one_hot(g.edge, s.b).to(kind)
        features = [g.pair_features] if s.pair_features else []
        edge = self.edge(torch.cat([edge, *features, t.expand(*edge.shape[:2], 1)], -1))
        if s.a == 1:
            return None, edge
        degree = (dense(g.n, g.edge) > 0).sum(2, keepdim=True).to(kind) / g.n
        node = F.one_hot(g.node, s.a).to(kind)
        return self.node(torch.cat([node, degree, t.expand(*node.shape[:2], 1)], -1)), edge


KINDS = {"factored": Factored, "factored_bit": Factored, "edge_mlp": EdgeMlp, "transformer": Transformer}


def denoiser(spec):
    return KINDS[spec.kind](spec)


def weighted_loss(logits, clean, weight):
    """sum of weight times cross-entropy: logits (B, places, k), clean and weight (B, places)."""
    return (F.cross_entropy(logits.transpose(1, 2), clean, reduction="none") * weight).sum()


def loss_of(logits, clean_node, clean_edge, node_weight, edge_weight):
    node, edge = logits
    loss = weighted_loss(edge, clean_edge, edge_weight)
    return loss if node is None else loss + weighted_loss(node, clean_node, node_weight)
