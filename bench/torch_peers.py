# SPDX-License-Identifier: BSD-2-Clause
"""What a PyTorch user would write for the workloads W1, W2, W3 (a training step), W4 (sampling), W6 (SGD on one logit) and, in
torch_graph.py, W5 (the graph transformer), from the plain form to the fastest that we found. A worker of compare_torch.py: it reads lines
`WORKLOAD VARIANT` and answers each with a JSON number, the thread CPU seconds of one unit (a step of one seed; all of W4; a seed-step; a
generated graph). `list` answers with the variants, after every variant's arithmetic was compared with the plain form: those that a user of
PyTorch writes, and those in which all is written out by hand.

Training, by users: `eager` (nn.Sequential, autograd, torch.optim.Adam), `script` (TorchScript), and S seeds at once: `autograd_S`
(baddbmm, autograd, Adam with foreach), `vmap_S` (functorch). Written out: `rows_S` and `columns_S`, bmm with its derivatives by hand into
preallocated tensors, samples in rows or in columns, Adam in place on one flat vector. Sampling, by users: `eager`, `script`, `chunk_N` (N
particles at a time); written out: t folded into the first bias, all in place, particles in rows or columns. One logit, by users: `eager`,
`autograd_S`, `binomial_S` (torch.binomial, the update in place); written out: `inversion_S`."""
import json
import math
import sys
import time

import torch

import torch_graph

torch.set_num_threads(1)
STEPS = 100
SEEDS = (8, 16, 32, 64)
RATE, BETA1, BETA2, DELTA = 1e-3, 0.9, 0.999, 1e-8

TRAINING = {  # sizes of the layers, activation, batch
    "W1": ((3, 20, 20, 2), "relu", 64),
    "W2": ((3, 16, 16, 2), "tanh", 512),
    "W3": ((3, 64, 64, 64, 2), "tanh", 1024),
}
aten = torch.ops.aten


def cosine_schedule(steps):
    """beta and abar, index t = 0..steps."""
    t = torch.arange(steps + 1, dtype=torch.float64)
    f = torch.cos(torch.pi / 2 * (t / steps + 0.008) / 1.008) ** 2
    beta = torch.cat([torch.zeros(1, dtype=torch.float64), (1 - f[1:] / f[:-1]).clamp(max=0.999)])
    return beta, torch.cumprod(1 - beta, 0)


class Batches:
    """Batches of S seeds, in the same tensors again and again: x_t and the time in (S, batch, 3), the noise as target (S, batch, 2), no
    weight; discrete times, as in bench_train."""

    def __init__(self, name, seeds):
        batch = TRAINING[name][2]
        self.data = torch.randn(10000, 2)
        self.index = torch.empty(seeds * batch, dtype=torch.int64)
        self.time_index = torch.empty(seeds * batch, dtype=torch.int64)
        abar = cosine_schedule(STEPS)[1]
        self.signal, self.noise = abar.sqrt().float(), (1 - abar).sqrt().float()
        self.x0, self.eps = torch.empty(seeds * batch, 2), torch.empty(seeds, batch, 2)
        self.a, self.s, self.t = (torch.empty(seeds * batch) for _ in range(3))
        self.input, self.weight, self.target = torch.empty(seeds, batch, 3), None, self.eps
        self.shape = (seeds, batch, 1)

    def times(self):
        torch.randint(1, STEPS + 1, self.time_index.shape, out=self.time_index)
        torch.index_select(self.signal, 0, self.time_index, out=self.a)
        torch.index_select(self.noise, 0, self.time_index, out=self.s)
        torch.div(self.time_index, STEPS, out=self.t)

    def draw(self):
        torch.randint(0, 10000, self.index.shape, out=self.index)
        torch.index_select(self.data, 0, self.index, out=self.x0)
        self.times()
        self.eps.normal_()
        x = self.input[:, :, :2]
        torch.mul(self.x0.view(self.eps.shape), self.a.view(self.shape), out=x)
        x.addcmul_(self.eps, self.s.view(self.shape))
        self.input[:, :, 2] = self.t.view(self.shape[:2])


def sequential(sizes, activation):
    layers = []
    for i, (n, m) in enumerate(zip(sizes[:-1], sizes[1:])):
        layers.append(torch.nn.Linear(n, m))
        if i + 2 < len(sizes):
            layers.append(torch.nn.ReLU() if activation == "relu" else torch.nn.Tanh())
    return torch.nn.Sequential(*layers)


def plain_loss(out, target, weight):
    square = (out - target) ** 2
    return (square if weight is None else square * weight).sum(2).mean(1)


class Eager:
    """One seed, as in every tutorial."""

    def __init__(self, name, script=False):
        sizes, activation, _ = TRAINING[name]
        self.batches, self.net, self.seeds = Batches(name, 1), sequential(sizes, activation), 1
        if script:
            self.net = torch.jit.script(self.net)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=RATE)

    def step(self):
        b = self.batches
        b.draw()
        self.adam.zero_grad(set_to_none=True)
        plain_loss(self.net(b.input[0])[None], b.target, b.weight).sum().backward()
        self.adam.step()


def stacked_parameters(sizes, seeds):
    """[(W (S, in, out), b (S, 1, out))] with nn.Linear's initial law."""
    out = []
    for n, m in zip(sizes[:-1], sizes[1:]):
        bound = n**-0.5
        out += [torch.empty(seeds, n, m).uniform_(-bound, bound), torch.empty(seeds, 1, m).uniform_(-bound, bound)]
    return out


def stacked_forward(parameters, x, activation):
    act = torch.relu if activation == "relu" else torch.tanh
    for k in range(0, len(parameters), 2):
        x = torch.baddbmm(parameters[k + 1], x, parameters[k])
        if k + 2 < len(parameters):
            x = act(x)
    return x


class Autograd:
    def __init__(self, name, seeds):
        sizes, self.activation, _ = TRAINING[name]
        self.batches, self.seeds = Batches(name, seeds), seeds
        self.parameters = [p.requires_grad_() for p in stacked_parameters(sizes, seeds)]
        self.adam = torch.optim.Adam(self.parameters, lr=RATE, foreach=True)

    def step(self):
        b = self.batches
        b.draw()
        self.adam.zero_grad(set_to_none=True)
        plain_loss(stacked_forward(self.parameters, b.input, self.activation), b.target, b.weight).sum().backward()
        self.adam.step()


class FlatAdam:
    """Adam in place on one vector, with its temporaries at hand."""

    def __init__(self, theta, gradient):
        self.theta, self.gradient = theta, gradient
        self.m, self.v, self.root = (torch.zeros_like(theta) for _ in range(3))
        self.steps = 0

    def step(self):
        self.steps += 1
        self.m.lerp_(self.gradient, 1 - BETA1)
        self.v.mul_(BETA2).addcmul_(self.gradient, self.gradient, value=1 - BETA2)
        torch.sqrt(self.v, out=self.root)
        self.root.div_((1 - BETA2**self.steps) ** 0.5).add_(DELTA)
        self.theta.addcdiv_(self.m, self.root, value=-RATE / (1 - BETA1**self.steps))


class Vmap:
    def __init__(self, name, seeds):
        import functorch

        sizes, activation, _ = TRAINING[name]
        self.batches, self.seeds = Batches(name, seeds), seeds
        self.parameters = [p.squeeze(1) if k % 2 else p for k, p in enumerate(stacked_parameters(sizes, seeds))]
        act = torch.relu if activation == "relu" else torch.tanh

        def loss(parameters, x, target, weight):
            for k in range(0, len(parameters), 2):
                x = torch.addmm(parameters[k + 1], x, parameters[k])
                if k + 2 < len(parameters):
                    x = act(x)
            square = (x - target) ** 2
            return (square if weight is None else square * weight).sum(1).mean()

        self.gradient = functorch.vmap(functorch.grad(loss), in_dims=(0, 0, 0, None if self.batches.weight is None else 0))
        self.adam = torch.optim.Adam(self.parameters, lr=RATE, foreach=True)

    def step(self):
        b = self.batches
        b.draw()
        for p, g in zip(self.parameters, self.gradient(self.parameters, b.input, b.target, b.weight)):
            p.grad = g
        self.adam.step()


class Written:
    """S seeds, forward and backward written out, nothing allocated. columns: samples are the columns of all matrices."""

    def __init__(self, name, seeds, columns):
        sizes, self.activation, batch = TRAINING[name]
        self.batches, self.seeds, self.columns, self.batch = Batches(name, seeds), seeds, columns, batch
        pairs = list(zip(sizes[:-1], sizes[1:]))
        total = seeds * sum(n * m + m for n, m in pairs)
        self.theta, self.gradient = torch.empty(total), torch.empty(total)
        self.weights, self.d_weights = self.views(self.theta, pairs), self.views(self.gradient, pairs)
        for (w, b), (n, _) in zip(self.weights, pairs):
            w.uniform_(-(n**-0.5), n**-0.5), b.uniform_(-(n**-0.5), n**-0.5)
        self.a = [torch.empty((seeds, m, batch) if columns else (seeds, batch, m)) for _, m in pairs]
        self.d = [torch.empty_like(a) for a in self.a]
        self.square, self.loss = torch.empty_like(self.a[-1]), torch.empty(seeds)
        self.adam = FlatAdam(self.theta, self.gradient)

    def views(self, flat, pairs):
        """[(W, b)] of every layer: (S, in, out) and (S, 1, out), columns: (S, out, in) and (S, out, 1)."""
        out, at, s = [], 0, self.seeds
        for n, m in pairs:
            w = flat[at:at + s * n * m].view((s, m, n) if self.columns else (s, n, m))
            b = flat[at + s * n * m:at + s * (n + 1) * m].view((s, m, 1) if self.columns else (s, 1, m))
            out, at = out + [(w, b)], at + s * (n + 1) * m
        return out

    def forward(self, x):
        for k, (w, b) in enumerate(self.weights):
            torch.baddbmm(b, *((w, x) if self.columns else (x, w)), out=self.a[k])
            x = self.a[k]
            if k + 1 < len(self.weights):
                x.relu_() if self.activation == "relu" else x.tanh_()

    def backward(self, first):
        for k in range(len(self.weights) - 1, -1, -1):
            d, x, (dw, db) = self.d[k], self.a[k - 1] if k else first, self.d_weights[k]
            torch.sum(d, 2 if self.columns else 1, keepdim=True, out=db)
            torch.bmm(*((d, x.transpose(1, 2)) if self.columns else (x.transpose(1, 2), d)), out=dw)
            if k == 0:
                return
            w, e = self.weights[k][0].transpose(1, 2), self.d[k - 1]
            torch.bmm(*((w, d) if self.columns else (d, w)), out=e)
            if self.activation == "relu":
                aten.threshold_backward.grad_input(e, x, 0, grad_input=e)
            else:
                aten.tanh_backward.grad_input(e, x, grad_input=e)

    def gradients(self):
        b = self.batches
        x, target = (b.input.transpose(1, 2), b.target.transpose(1, 2)) if self.columns else (b.input, b.target)
        self.forward(x)
        d = self.d[-1]
        torch.sub(self.a[-1], target, out=d)
        torch.mul(d, d, out=self.square)
        if b.weight is not None:
            weight = b.weight.transpose(1, 2) if self.columns else b.weight
            self.square.mul_(weight)
            d.mul_(weight)
        torch.sum(self.square, (1, 2), out=self.loss)
        d.mul_(2 / self.batch)
        self.backward(x)

    @torch.no_grad()
    def step(self):
        self.batches.draw()
        self.gradients()
        self.adam.step()


def check_written(name, columns):
    """Gradients against autograd on the same batch."""
    one = Written(name, 3, columns)
    with torch.no_grad():
        one.batches.draw()
        one.gradients()
    parameters = [p.detach().clone().transpose(1, 2) if columns else p.detach().clone() for pair in one.weights for p in pair]
    parameters = [p.requires_grad_() for p in parameters]
    b = one.batches
    plain_loss(stacked_forward(parameters, b.input, one.activation), b.target, b.weight).sum().backward()
    for p, g in zip(parameters, (g for pair in one.d_weights for g in pair)):
        expected = p.grad.transpose(1, 2) if columns else p.grad
        assert torch.allclose(expected, g, rtol=1e-3, atol=1e-4 * float(expected.abs().max())), f"{name}: gradients differ"


PARTICLES = 10000


class Sampling:
    """DDPM's reverse steps. plain: the net on (x, t); else t folded into the first bias, `chunk` particles at a time through all steps, in
    place; columns: particles are the columns."""

    def __init__(self, chunk, columns, script, net=None):
        self.chunk, self.columns = chunk, columns
        self.net = net or sequential((3, 20, 20, 2), "relu")
        beta, abar = cosine_schedule(STEPS)
        self.table = [(float((1 - beta[t]) ** -0.5), float(-beta[t] * (1 - beta[t]) ** -0.5 * (1 - abar[t]) ** -0.5), float(beta[t] ** 0.5),
                       t / STEPS) for t in range(STEPS, 0, -1)]
        self.start, self.noisy = torch.randn(PARTICLES, 2), True
        self.x, self.z = (torch.empty((2, chunk) if columns else (chunk, 2)) for _ in range(2))
        self.h = [torch.empty((m, chunk) if columns else (chunk, m)) for m in (20, 20, 2)]
        self.run_chunk = torch.jit.script(chunk_columns if columns else chunk_rows) if script else chunk_columns if columns else chunk_rows

    @torch.no_grad()
    def plain(self):
        return torch.cat([self.plain_part(self.start[at:at + self.chunk]) for at in range(0, PARTICLES, self.chunk)])

    def plain_part(self, x):
        time_column = torch.empty(len(x), 1)
        for k, (a, b, c, t) in enumerate(self.table):
            out = self.net(torch.cat([x, time_column.fill_(t)], 1))
            x = a * x + b * out
            if self.noisy and k + 1 < STEPS:
                x = x + c * torch.randn_like(x)
        return x

    @torch.no_grad()
    def folded(self):
        linear = [m for m in self.net if isinstance(m, torch.nn.Linear)]
        w = [m.weight for m in linear]
        time_inputs = torch.tensor([row[3] for row in self.table])
        first = linear[0].bias + time_inputs[:, None] * w[0][:, 2]
        table = [list(row[:3]) for row in self.table]
        table[-1][2] = 0.0
        if not self.noisy:
            table = [[a, b, 0.0] for a, b, _ in table]
        end = torch.empty(PARTICLES, 2)
        for at in range(0, PARTICLES, self.chunk):
            part = self.start[at:at + self.chunk]
            self.x.copy_(part.t() if self.columns else part)
            self.run_chunk(self.x, self.z, self.h[0], self.h[1], self.h[2], w[0][:, :2].contiguous(), first, w[1], linear[1].bias, w[2],
                           linear[2].bias, table)
            end[at:at + self.chunk] = self.x.t() if self.columns else self.x
        return end


def chunk_rows(x, z, h, g, o, w0, first, w1, b1, w2, b2, table):
    # type: (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, List[List[float]]) -> None
    v0, v1, v2 = w0.t(), w1.t(), w2.t()
    for k in range(len(table)):
        torch.addmm(first[k], x, v0, out=h).relu_()
        torch.addmm(b1, h, v1, out=g).relu_()
        torch.addmm(b2, g, v2, out=o)
        x.mul_(table[k][0]).add_(o, alpha=table[k][1])
        if table[k][2] > 0.0:
            x.add_(z.normal_(), alpha=table[k][2])


def chunk_columns(x, z, h, g, o, w0, first, w1, b1, w2, b2, table):
    # type: (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, List[List[float]]) -> None
    c1, c2 = b1.unsqueeze(1), b2.unsqueeze(1)
    for k in range(len(table)):
        torch.addmm(first[k].unsqueeze(1), w0, x, out=h).relu_()
        torch.addmm(c1, w1, h, out=g).relu_()
        torch.addmm(c2, w2, g, out=o)
        x.mul_(table[k][0]).add_(o, alpha=table[k][1])
        if table[k][2] > 0.0:
            x.add_(z.normal_(), alpha=table[k][2])


def check_sampling(columns, script):
    one = Sampling(2500, columns, script)
    one.noisy = False
    expected, got = one.plain(), one.folded()
    assert torch.allclose(expected, got, rtol=1e-3, atol=1e-3), f"sampling differs by {float((expected - got).abs().max())}"


EPS, WEIGHT, LOGIT_RATE, LOGIT_BATCH = 0.05, 1.0, 0.05, 64


class LogitEager:
    """S seeds: weighted cross entropy of 64 labels each by autograd, SGD."""

    def __init__(self, seeds=1):
        self.theta, self.seeds = torch.zeros(seeds, 1, requires_grad=True), seeds
        self.sgd = torch.optim.SGD([self.theta], lr=LOGIT_RATE)
        self.weight = torch.tensor(WEIGHT)

    def step(self):
        y = (torch.rand(self.seeds, LOGIT_BATCH) < EPS).float()
        self.sgd.zero_grad(set_to_none=True)
        logits = self.theta.expand(self.seeds, LOGIT_BATCH)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y, pos_weight=self.weight, reduction="sum")
        (loss / LOGIT_BATCH).backward()
        self.sgd.step()


class LogitStacked:
    """S seeds: the number of positives by inversion of its distribution function or by torch.binomial, the update written out in place."""

    def __init__(self, seeds, inversion):
        self.seeds, self.inversion = seeds, inversion
        k = torch.arange(LOGIT_BATCH + 1, dtype=torch.float64)
        log_p = torch.lgamma(torch.tensor(LOGIT_BATCH + 1.0, dtype=torch.float64)) - torch.lgamma(k + 1) - torch.lgamma(LOGIT_BATCH - k + 1)
        log_p = log_p + k * math.log(EPS) + (LOGIT_BATCH - k) * math.log(1 - EPS)
        self.bounds = torch.cumsum(log_p.exp(), 0).float()
        self.bounds = self.bounds[self.bounds < 1]
        self.theta, self.u, self.p, self.k = (torch.zeros(seeds) for _ in range(4))
        self.index = torch.zeros(seeds, dtype=torch.int32)
        self.n, self.eps = torch.full((seeds,), float(LOGIT_BATCH)), torch.full((seeds,), EPS)

    @torch.no_grad()
    def step(self):
        if self.inversion:
            self.u.uniform_()
            torch.bucketize(self.u, self.bounds, out_int32=True, right=True, out=self.index)
            self.k.copy_(self.index)
        else:
            self.k = torch.binomial(self.n, self.eps)
        torch.sigmoid(self.theta, out=self.p)
        # theta += rate (w k/B (1 - p) - (1 - k/B) p) = rate (w k/B - p (1 + (w - 1) k/B))
        torch.mul(self.k, LOGIT_RATE * (WEIGHT - 1) / LOGIT_BATCH, out=self.u).add_(LOGIT_RATE)
        self.theta.add_(self.k, alpha=LOGIT_RATE * WEIGHT / LOGIT_BATCH).addcmul_(self.u, self.p, value=-1)


def check_logit(inversion):
    one = LogitStacked(4096, inversion)
    one.theta.fill_(-2.9)
    for _ in range(600):
        one.step()
    mean = float(torch.sigmoid(one.theta).mean())
    assert abs(mean - EPS) < 0.003, f"one logit settles at {mean}"


def makers():
    """{workload: {variant: (maker, units a call, calls a measurement)}}; a call is .step() or the function itself."""
    out = {}
    for name, (_, _, batch) in TRAINING.items():
        slow = 1 if batch < 1000 else 4
        out[name] = {"eager": (lambda name=name: Eager(name).step, 1, 40 // slow),
                     "script": (lambda name=name: Eager(name, True).step, 1, 40 // slow)}
        for s in SEEDS:
            calls = max(1, 160 // s // slow // (batch // 64 if batch < 1000 else 4))
            out[name][f"autograd_{s}"] = (lambda name=name, s=s: Autograd(name, s).step, s, calls)
            out[name][f"vmap_{s}"] = (lambda name=name, s=s: Vmap(name, s).step, s, calls)
            out[name][f"rows_{s}"] = (lambda name=name, s=s: Written(name, s, False).step, s, calls)
            out[name][f"columns_{s}"] = (lambda name=name, s=s: Written(name, s, True).step, s, calls)
    scripted = torch.jit.script(sequential((3, 20, 20, 2), "relu"))
    out["W4"] = {"eager": (lambda: Sampling(PARTICLES, False, False).plain, 1, 1),
                 "script": (lambda: Sampling(PARTICLES, False, False, scripted).plain, 1, 1)}
    for chunk in (2500, 1000):
        out["W4"][f"chunk_{chunk}"] = (lambda c=chunk: Sampling(c, False, False).plain, 1, 1)
    for chunk in (10000, 2500, 1000, 500):
        for columns in (False, True):
            for script in (False, True):
                variant = f"{'columns' if columns else 'rows'}_{chunk}" + ("_script" if script else "")
                out["W4"][variant] = (lambda c=chunk, k=columns, s=script: Sampling(c, k, s).folded, 1, 1)
    out["W6"] = {"eager": (lambda: LogitEager().step, 1, 100)}
    for s in (1024, 4096, 16384, 65536):
        out["W6"][f"autograd_{s}"] = (lambda s=s: LogitEager(s).step, s, max(2, 10000 // s))
        out["W6"][f"inversion_{s}"] = (lambda s=s: LogitStacked(s, True).step, s, max(2, 100000 // s))
        out["W6"][f"binomial_{s}"] = (lambda s=s: LogitStacked(s, False).step, s, max(2, 30000 // s))
    return {**out, **torch_graph.makers()}


def by_hand(variant):
    """Whether all of it is written out."""
    return variant.startswith(("rows", "columns", "inversion", "written"))


def check_all():
    for columns in (False, True):
        for name in TRAINING:
            check_written(name, columns)
        for script in (False, True):
            check_sampling(columns, script)
        check_logit(columns)
    torch_graph.check()


def main():
    torch.manual_seed(1)
    variants, made = makers(), {}
    for line in sys.stdin:
        words = line.split()
        if words == ["list"]:
            check_all()
            answer = {name: {"user": [v for v in all_of if not by_hand(v)], "hand": [v for v in all_of if by_hand(v)]}
                      for name, all_of in variants.items()}
        else:
            maker, units, calls = variants[words[0]][words[1]]
            if tuple(words) not in made:
                made[tuple(words)] = maker()
                made[tuple(words)]()  # warm
                made[tuple(words)]()
            call = made[tuple(words)]
            begin = time.thread_time()
            for _ in range(calls):
                call()
            answer = (time.thread_time() - begin) / calls / units
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
