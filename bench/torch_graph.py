# SPDX-License-Identifier: BSD-2-Clause
"""What a PyTorch user would write for W5, the graph transformer of discrete graph diffusion: a training step (batch of 32 graphs: noise,
forward, backward, Adam) and sampling (reverse steps of 32 graphs, 5 of 50 are timed: all cost the same). Part of torch_peers.py. `eager` is
the model of tests/peers as it stands; `script`, TorchScript of it. `tuned`: the same function with projections of one input in one matrix
product, constants folded into biases, the modulation of S by y folded into the product that follows, inputs by table, in `tuned_K` K graphs
at a time with accumulated gradients, so that the tensors of n^2 channels stay in the caches; `_script`: TorchScript of it. Written out:
`written_K`, all that has n^2 rows, forward and backward, as one autograd.Function a layer, in place where it can be."""
import math
import os
import sys
from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "peers"))
import graph_transformer as peer

SIZES = (16, 24, 32, 45)
BATCH, SAMPLED, T, TIMED, GRAPHS, RATE = 32, 32, 50, 5, 1000, 2e-4
CHUNKS = {16: (4, 8, 16, 32), 24: (2, 4, 8, 16, 32), 32: (2, 4, 8, 16), 45: (1, 2, 4, 8)}  # graphs at a time
WIDTHS = {"layers": 3, "dx": 64, "de": 32, "dy": 64, "heads": 4, "ff_x": 128, "ff_e": 64, "ff_y": 128}


def spec_of(n):
    return peer.Spec("transformer", n, T=T, **WIDTHS)


def barbells(n):
    """(GRAPHS, pairs): two cliques with 95 % of their edges, a bridge in every twentieth graph."""
    i, j = peer.pair_ends(n)
    inside = (i < n // 2) == (j < n // 2)
    edge = (torch.rand(GRAPHS, len(i)) < 0.95) & inside
    edge[:, (i == n // 2 - 1) & (j == n // 2)] = (torch.arange(GRAPHS) % 20 == 0)[:, None]
    return edge.long()


class Process:
    """Marginal transitions, cosine schedule; b = 2."""

    def __init__(self, n):
        self.n, self.clean = n, barbells(n)
        self.m = self.clean.float().mean().item()
        f = torch.cos(math.pi / 2 * (torch.arange(T + 1, dtype=torch.float64) / T + 0.008) / 1.008) ** 2
        self.abar = f / f[0]
        self.abar[T] = 1e-6
        self.node = torch.zeros(SAMPLED, n, dtype=torch.int64)
        self.posterior = torch.stack([self.posterior_of(t) for t in range(1, T + 1)])

    def posterior_of(self, t):
        """(x_t, x_0): probability of an edge in x_{t-1}, (11)."""
        m = torch.tensor([1 - self.m, self.m], dtype=torch.float64)
        alpha, before, now = self.abar[t] / self.abar[t - 1], self.abar[t - 1], self.abar[t]
        step = alpha * torch.eye(2) + (1 - alpha) * m          # rows: from
        to_before, to_now = (a * torch.eye(2) + (1 - a) * m for a in (before, now))
        joint = step.t()[:, None, :] * to_before[None]         # x_t, x_0, x_{t-1}
        return (joint[:, :, 1] / to_now.t()).float()

    def draw(self, count):
        """(noisy graphs, clean edges)."""
        clean = self.clean[torch.randint(0, GRAPHS, (count,))]
        t = torch.randint(1, T + 1, (count,))
        keep = torch.rand(clean.shape) < self.abar.float()[t][:, None]
        noisy = torch.where(keep, clean, (torch.rand(clean.shape) < self.m).long())
        return peer.Graphs(self.n, t, self.node[:count], noisy), clean

    def step(self, t, edge, logits):
        """Reverse step from edge logits (B, pairs, 2)."""
        phat = torch.sigmoid(logits[:, :, 1] - logits[:, :, 0])
        table = self.posterior[t - 1]
        p0, p1 = table[:, 0][edge], table[:, 1][edge]
        return (torch.rand(phat.shape) < torch.lerp(p0, p1, phat)).long()


def norm(x, one):
    # type: (Tensor, List[Tensor]) -> Tensor
    return F.layer_norm(x, [x.shape[-1]], one[0], one[1])


def two(x, p):
    # type: (Tensor, List[Tensor]) -> Tensor
    return F.linear(F.relu(F.linear(x, p[0], p[1])), p[2], p[3])


def feed_forward(x, p):
    # type: (Tensor, List[Tensor]) -> Tensor
    """p: norm, two layers, norm."""
    x = norm(x, p[0:2])
    return norm(x + two(x, p[2:6]), p[6:8])


def pooled(x):
    # type: (Tensor) -> Tensor
    mean = x.mean(1)
    return torch.cat([mean, torch.sqrt((x * x).mean(1) - mean * mean + 1e-5)], -1)


def tuned_layer(X, E, y, p, scale):
    # type: (Tensor, Tensor, Tensor, Dict[str, List[Tensor]], float) -> List[Tensor]
    """X (B, n, dx), E (B, n n, de), y (B, dy)."""
    B, n, dx = X.shape
    last = "after_y" not in p
    node, side = F.linear(X, p["x"][0], p["x"][1]).chunk(2 if last else 3, 2), F.linear(y, p["y"][0], p["y"][1]).chunk(2 if last else 5, 1)
    product = ((node[0] * scale)[:, :, None] * node[1][:, None]).view(B, n * n, dx)
    S = torch.addcmul(F.linear(E, p["e_add"][0], p["e_add"][1]), product, F.linear(E, p["e_mul"][0], p["e_mul"][1]))
    # L(ye1 + (1 + ye2) S) = S ((1 + ye2) W)^T + L(ye1)
    weight = p["e_out"][0] * side[1][:, None]
    dE = torch.baddbmm(F.linear(side[0], p["e_out"][0], p["e_out"][1])[:, None], S, weight.transpose(1, 2))
    newE = feed_forward(E + dE, p["after_e"])
    if last:
        return [X, newE, y]
    W = (torch.softmax(S.view(B, n, n, dx), 2) * node[2][:, None]).sum(2)
    dX = F.linear(torch.addcmul(side[2][:, None], W, side[3][:, None]), p["x_out"][0], p["x_out"][1])
    dy = side[4] + F.linear(torch.cat([pooled(X), pooled(E)], 1), p["pool"][0])
    return [feed_forward(X + dX, p["after_x"]), newE, feed_forward(y + two(dy, p["y_out"]), p["after_y"])]


class Edges(torch.autograd.Function):
    """All of a layer that has n^2 rows, by hand: (q, k, v (B, n, dx), E (B n n, de), ye1, 1 + ye2 (B, dx)) to newE and W (B, n, dx), W
    without v empty. p: e_mul, e_add, e_out and after_e as in tuned_layer."""

    @staticmethod
    def forward(ctx, q, k, v, E, add, mul, *p):
        (B, n, dx), de = q.shape, E.shape[1]
        product = (q[:, :, None] * k[:, None]).view(-1, dx)
        factor = torch.addmm(p[1], E, p[0].t())
        S = torch.addmm(p[3], E, p[2].t()).addcmul_(product, factor)
        weight = p[4] * mul[:, None]
        r = E.view(B, n * n, de) + torch.addmm(p[5], add, p[4].t())[:, None]
        r = r.baddbmm_(S.view(B, n * n, dx), weight.transpose(1, 2)).view(-1, de)
        one, mean1, rstd1 = torch.native_layer_norm(r, [de], p[6], p[7], 1e-5)
        hidden = torch.addmm(p[9], one, p[8].t()).relu_()
        s = torch.addmm(one, hidden, p[10].t()).add_(p[11])
        out, mean2, rstd2 = torch.native_layer_norm(s, [de], p[12], p[13], 1e-5)
        A = torch.softmax(S.view(B, n, n, dx), 2) if v is not None else None
        W = (A * v[:, None]).sum(2) if v is not None else q.new_empty(0)
        ctx.save_for_backward(q, k, v, E, add, mul, product, factor, S, weight, r, one, mean1, rstd1, hidden, s, mean2, rstd2, A, *p)
        return out, W

    @staticmethod
    def backward(ctx, d_out, d_W):
        q, k, v, E, add, mul, product, factor, S, weight, r, one, mean1, rstd1, hidden, s, mean2, rstd2, A, *p = ctx.saved_tensors
        (B, n, dx), de, g = q.shape, E.shape[1], [None] * 14
        d, g[12], g[13] = norm_backward(d_out, s, [de], mean2, rstd2, p[12], p[13], [True] * 3)
        g[10], g[11], dh = d.t() @ hidden, d.sum(0), d @ p[10]
        torch.ops.aten.threshold_backward.grad_input(dh, hidden, 0, grad_input=dh)
        g[8], g[9] = dh.t() @ one, dh.sum(0)
        dE, g[6], g[7] = norm_backward(d.addmm_(dh, p[8]), r, [de], mean1, rstd1, p[6], p[7], [True] * 3)
        dr = dE.view(B, n * n, de)
        d_weight, d_bias = torch.bmm(dr.transpose(1, 2), S.view(B, n * n, dx)), dr.sum(1)
        g[4] = (d_weight * mul[:, None]).sum(0).addmm_(d_bias.t(), add)
        g[5], d_add, d_mul = d_bias.sum(0), d_bias @ p[4], (d_weight * p[4]).sum(1)
        dS, dv = torch.bmm(dr, weight), None
        if v is not None:
            dv = (A * d_W[:, :, None]).sum(1)
            dS.view(B, n, n, dx).add_(softmax_backward(d_W[:, :, None] * v[:, None], A, 2, A.dtype))
        dS = dS.view(-1, dx)
        g[2], g[3] = dS.t() @ E, dS.sum(0)
        dE = dE.addmm(dS, p[2])
        product.mul_(dS)  # now that of the factor
        g[0], g[1] = product.t() @ E, product.sum(0)
        dE.addmm_(product, p[0])
        dS.mul_(factor)  # now that of the product
        dS = dS.view(B, n, n, dx)
        return ((dS * k[:, None]).sum(2), (dS * q[:, :, None]).sum(1), dv, dE, d_add, d_mul, *g)


norm_backward, softmax_backward = torch.ops.aten.native_layer_norm_backward, torch.ops.aten._softmax_backward_data


def written_layer(X, E, y, p, scale):
    """As tuned_layer."""
    B, n, dx = X.shape
    last = "after_y" not in p
    node, side = F.linear(X, p["x"][0], p["x"][1]).chunk(2 if last else 3, 2), F.linear(y, p["y"][0], p["y"][1]).chunk(2 if last else 5, 1)
    newE, W = Edges.apply(node[0] * scale, node[1], None if last else node[2], E.reshape(-1, E.shape[2]), side[0], side[1], *p["e_mul"],
                          *p["e_add"], *p["e_out"], *p["after_e"])
    newE = newE.view(B, n * n, -1)
    if last:
        return [X, newE, y]
    dX = F.linear(torch.addcmul(side[2][:, None], W, side[3][:, None]), p["x_out"][0], p["x_out"][1])
    dy = side[4] + F.linear(torch.cat([pooled(X), pooled(E)], 1), p["pool"][0])
    return [feed_forward(X + dX, p["after_x"]), newE, feed_forward(y + two(dy, p["y_out"]), p["after_y"])]


def ends_of_network(noisy, t, inputs, n):
    # type: (Tensor, Tensor, Dict[str, List[Tensor]], int) -> Tuple[Tensor, Tensor, Tensor]
    """noisy (B, n n): 0, 1, and 2 on the diagonal; t (B, 1)."""
    table = F.relu(two(torch.eye(3)[:, :2], inputs["e"]))
    E = F.linear(F.one_hot(noisy, 3).to(table.dtype), table.t())
    return F.relu(two(inputs["id"][0], inputs["x"])).expand(noisy.shape[0], n, -1), E, F.relu(two(t, inputs["y"]))


def edge_logits(E, ends, out):
    # type: (Tensor, Tensor, List[Tensor]) -> Tensor
    """(B, pairs, 2), without those of the noisy class."""
    h = F.relu(F.linear(E, out[0], out[1]))
    both = h[:, ends[0]] + h[:, ends[1]]  # the mean of both directions commutes with the last map
    return F.linear(both, 0.5 * out[2], out[3])


def tuned_network(noisy, t, ends, inputs, layers, out, scale, n):
    # type: (Tensor, Tensor, Tensor, Dict[str, List[Tensor]], List[Dict[str, List[Tensor]]], List[Tensor], float, int) -> Tensor
    X, E, y = ends_of_network(noisy, t, inputs, n)
    for p in layers:
        X, E, y = tuned_layer(X, E, y, p, scale)
    return edge_logits(E, ends, out)


def written_network(noisy, t, ends, inputs, layers, out, scale, n):
    X, E, y = ends_of_network(noisy, t, inputs, n)
    for p in layers:
        X, E, y = written_layer(X, E, y, p, scale)
    return edge_logits(E, ends, out)


class Tuned(nn.Module):
    """Parameters as a user would store them: one matrix for all that is made of one input."""

    def __init__(self, model, kind):
        super().__init__()
        s = self.s = model.s
        self.scale, self.kept = 1 / math.sqrt(s.dx / s.heads), nn.ParameterList()
        i, j = peer.pair_ends(s.n)
        self.ends = torch.stack([i * s.n + j, j * s.n + i])
        diagonal = torch.arange(s.n) * (s.n + 1)
        self.scatter = torch.full((s.n * s.n,), -1)
        self.scatter[self.ends[0]] = self.scatter[self.ends[1]] = torch.arange(len(i))
        self.scatter[diagonal] = len(i)
        first = torch.cat([torch.ones(s.n, 1), torch.eye(s.n)], 1)
        self.inputs = {"e": self.two_of(model.in_e), "x": self.two_of(model.in_x), "y": self.two_of(model.in_y), "id": [first]}
        self.layers = [self.layer_of(layer) for layer in model.layers]
        self.out = self.two_of(model.out_e)
        self.network = {"tuned": tuned_network, "tuned_script": None, "written": written_network}[kind] or torch.jit.script(tuned_network)

    def keep(self, *tensors):
        made = [nn.Parameter(t.detach().clone()) for t in tensors]
        self.kept.extend(made)
        return made

    def two_of(self, m):
        return self.keep(m.one.weight, m.one.bias, m.two.weight, m.two.bias)

    def joined(self, maps, ones=()):
        """One matrix of many; 1 added to the biases of those in `ones`."""
        return self.keep(torch.cat([m.weight for m in maps]), torch.cat([m.bias + (m in ones) for m in maps]))

    def after(self, m):
        return self.keep(m.norm1.weight, m.norm1.bias) + self.two_of(m.layers) + self.keep(m.norm2.weight, m.norm2.bias)

    def layer_of(self, m):
        last = not m.updates_y
        p = {"x": self.joined([m.q, m.k] + ([] if last else [m.v])), "e_mul": self.joined([m.e_mul], [m.e_mul]),
             "e_add": self.joined([m.e_add]), "e_out": self.keep(m.e_out.weight, m.e_out.bias), "after_e": self.after(m.after_e)}
        if last:
            p["y"] = self.joined([m.ye_add, m.ye_mul], [m.ye_mul])
            return p
        p["y"] = self.joined([m.ye_add, m.ye_mul, m.yx_add, m.yx_mul, m.y_y], [m.ye_mul, m.yx_mul])
        with torch.no_grad():
            p["y"][1][-self.s.dy:] += m.x_y.bias + m.e_y.bias
        p["pool"] = self.keep(torch.cat([m.x_y.weight, m.e_y.weight], 1))
        p.update(x_out=self.keep(m.x_out.weight, m.x_out.bias), y_out=self.two_of(m.y_out), after_x=self.after(m.after_x),
                 after_y=self.after(m.after_y))
        return p

    def logits(self, g):
        noisy = torch.cat([g.edge, torch.full((len(g.edge), 1), 2)], 1)[:, self.scatter]
        out = self.network(noisy, (g.t / T)[:, None], self.ends, self.inputs, self.layers, self.out, self.scale, g.n)
        return None, out + F.one_hot(g.edge, 2)


class EdgesOnly(nn.Module):
    """A traced module answers with tensors alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, node, edge, X, E, y):
        return self.model(node, edge, X, E, y)[1]


class Scripted:
    """The plain model, its network in TorchScript."""

    def __init__(self, model):
        self.model = model
        self.network = torch.jit.trace(EdgesOnly(model), model.inputs(Process(model.s.n).draw(2)[0]))

    def parameters(self):
        return self.model.parameters()

    def logits(self, g):
        return None, peer.of_pairs(self.network(*self.model.inputs(g)))


def network_of(n, kind):
    model = peer.denoiser(spec_of(n))
    if kind == "eager":
        return model
    return Scripted(model) if kind == "script" else Tuned(model, kind)


def part(g, clean, at, size):
    return peer.Graphs(g.n, g.t[at:at + size], g.node[at:at + size], g.edge[at:at + size]), clean[at:at + size]


class Step:
    """One training step of BATCH graphs, `chunk` at a time."""

    def __init__(self, n, kind, chunk):
        self.process, self.network, self.chunk = Process(n), network_of(n, kind), chunk
        self.adam = torch.optim.Adam(self.network.parameters(), lr=RATE, foreach=kind not in ("eager", "script"))

    def loss(self, g, clean):
        logits = self.network.logits(g)[1]
        return F.cross_entropy(logits.reshape(-1, 2), clean.reshape(-1), reduction="sum") / BATCH

    def gradients(self, g, clean):
        self.adam.zero_grad(set_to_none=True)
        for at in range(0, BATCH, self.chunk):
            self.loss(*part(g, clean, at, self.chunk)).backward()

    def step(self):
        self.gradients(*self.process.draw(BATCH))
        self.adam.step()


class Sampler:
    """SAMPLED graphs through TIMED of T reverse steps, `chunk` at a time."""

    def __init__(self, n, kind, chunk):
        self.process, self.network, self.chunk = Process(n), network_of(n, kind), chunk
        for p in self.network.parameters():
            p.requires_grad_(False)

    @torch.inference_mode()
    def sample(self):
        return torch.cat([self.some(self.chunk) for _ in range(SAMPLED // self.chunk)])

    def some(self, count):
        p = self.process
        edge = (torch.rand(count, p.clean.shape[1]) < p.m).long()
        for t in range(TIMED, 0, -1):
            g = peer.Graphs(p.n, torch.full((count,), t), p.node[:count], edge)
            edge = p.step(t, edge, self.network.logits(g)[1])
        return edge


# Gradients that all of the backward pass goes into: of the plain model and of the tuned one.
COMPARED = {"output": (lambda m: m.out_e.two.weight.grad, lambda o: o.out[2].grad),
            "input of edges": (lambda m: m.in_e.one.weight.grad, lambda o: o.inputs["e"][0].grad),
            "input of y": (lambda m: m.in_y.one.weight.grad, lambda o: o.inputs["y"][0].grad),
            "q and k": (lambda m: torch.cat([m.layers[0].q.weight.grad, m.layers[0].k.weight.grad, m.layers[0].v.weight.grad]),
                        lambda o: o.layers[0]["x"][0].grad),
            "e_mul": (lambda m: m.layers[1].e_mul.weight.grad, lambda o: o.layers[1]["e_mul"][0].grad),
            "e_out": (lambda m: m.layers[2].e_out.weight.grad, lambda o: o.layers[2]["e_out"][0].grad)}


def check():
    """Logits and loss of every kind, and every chunk's gradients, against the plain form's with the same parameters."""
    n = 8
    torch.manual_seed(5)
    model = peer.denoiser(spec_of(n))
    g, clean = Process(n).draw(BATCH)
    expected = model.logits(g)[1]
    F.cross_entropy(expected.reshape(-1, 2), clean.reshape(-1), reduction="sum").div(BATCH).backward()
    for kind in ("script", "tuned", "tuned_script", "written"):
        other = Scripted(model) if kind == "script" else Tuned(model, kind)
        got = other.logits(g)[1]
        assert torch.allclose(expected, got, rtol=1e-4, atol=1e-4), f"{kind}: logits differ by {float((expected - got).abs().max())}"
        if kind == "script":
            continue
        step = Step(n, "eager", 8)
        step.network = other
        step.gradients(g, clean)
        for name, (of_plain, of_tuned) in COMPARED.items():
            wanted, got = of_plain(model), of_tuned(other)
            assert torch.allclose(wanted, got, rtol=1e-3, atol=1e-4 * float(wanted.abs().max())), f"{kind}: gradients of {name} differ"


def makers():
    """{workload: {variant: (maker, units a call, calls a measurement)}} as torch_peers.makers: a unit of W5_N is a step, one of S5_N a
    whole graph."""
    out, share = {}, SAMPLED * TIMED / T
    for n in SIZES:
        steps, samples = ({} for _ in range(2))
        for kind in ("eager", "script"):
            steps[kind] = (lambda n=n, k=kind: Step(n, k, BATCH).step, 1, 1)
            samples[kind] = (lambda n=n, k=kind: Sampler(n, k, SAMPLED).sample, share, 1)
        for kind in ("tuned", "tuned_script", "written"):
            for chunk in CHUNKS[n]:
                steps[f"{kind}_{chunk}"] = (lambda n=n, k=kind, c=chunk: Step(n, k, c).step, 1, 1)
                if kind == "written":
                    continue
                samples[f"{kind}_{chunk}"] = (lambda n=n, k=kind, c=chunk: Sampler(n, k, c).sample, share, 1)
        out[f"W5_{n}"], out[f"S5_{n}"] = steps, samples
    return out
