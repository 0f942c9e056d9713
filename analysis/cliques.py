# SPDX-License-Identifier: BSD-2-Clause
"""Cliques in a row, as experiments I-III have them: edges, effective resistances by a dense pseudoinverse (independent of the program),
a drawing, and the figure that experiments I and II share. Reference: arXiv 2511.18593, figures 2 and 3."""
import math

import numpy as np

import style


def edges(sizes, bridges):
    """Edge list (m, 2) and, for every edge, its clique's number or -1 for a bridge. Bridge j of joint i joins vertex size[i]-1-j of clique
    i to vertex j of clique i+1, counted inside their cliques."""
    first = np.concatenate([[0], np.cumsum(sizes)])
    pairs, label = [], []
    for i, size in enumerate(sizes):
        for u in range(size):
            for v in range(u + 1, size):
                pairs.append((first[i] + u, first[i] + v))
                label.append(i)
    for i, count in enumerate(bridges):
        for j in range(count):
            pairs.append((first[i] + sizes[i] - 1 - j, first[i + 1] + j))
            label.append(-1)
    return np.array(pairs), np.array(label)


def resistances(n, pairs):
    """Effective resistance of every edge of an unweighted graph, in ohm."""
    laplacian = np.zeros((n, n))
    for u, v in pairs:
        laplacian[[u, v], [u, v]] += 1
        laplacian[[u, v], [v, u]] -= 1
    inverse = np.linalg.pinv(laplacian, hermitian=True)
    u, v = pairs.T
    return inverse[u, u] + inverse[v, v] - 2 * inverse[u, v]


def positions(sizes, bridges):
    """Vertices of each clique on a circle; those that carry a bridge sit opposite each other."""
    points, left = [], 0.0
    radius = [0.32 * math.sqrt(size) for size in sizes]
    for i, size in enumerate(sizes):
        center = left + radius[i]
        # A vertex straight at the right (or, in the last clique, the left) end when an odd number of bridges starts there.
        odd = bridges[i] % 2 if i < len(bridges) else bridges[-1] % 2 + size % 2
        angles = [2 * math.pi * (k + (0.0 if odd % 2 else 0.5)) / size for k in range(size)]
        slots = sorted((center + radius[i] * math.cos(a), radius[i] * math.sin(a)) for a in angles)
        place = {}
        if i > 0:
            for vertex, slot in enumerate(sorted(slots[:bridges[i - 1]], key=lambda p: -p[1])):
                place[vertex] = slot
        if i < len(bridges):
            for j, slot in enumerate(sorted(slots[size - bridges[i]:], key=lambda p: -p[1])):
                place[size - 1 - j] = slot
        rest = iter([slot for slot in slots if slot not in place.values()])
        points += [place[v] if v in place else next(rest) for v in range(size)]
        left = center + radius[i] + 1.2
    return np.array(points)


def draw(axes, sizes, bridges):
    pairs, label = edges(sizes, bridges)
    at = positions(sizes, bridges)
    for (u, v), kind in zip(pairs, label):
        bridge = kind < 0
        axes.plot(*at[[u, v]].T, color=style.BRIDGE if bridge else "#9A9A9A", linewidth=2.4 if bridge else 0.35, zorder=2 if bridge else 1)
    axes.scatter(*at.T, s=max(5.0, 260.0 / len(at)), color="#333333", zorder=3, linewidths=0)
    first = np.concatenate([[0], np.cumsum(sizes)])
    for i, size in enumerate(sizes):
        low = at[first[i]:first[i + 1]]
        axes.text(low[:, 0].mean(), low[:, 1].min() - 0.25, f"$K_{{{size}}}$", ha="center", va="top")
    middle = at[np.unique(pairs[label < 0]), 0].mean()
    axes.text(middle, at[:, 1].max() + 0.25, "bridge" if sum(bridges) == 1 else "bridges", ha="center", va="bottom", color=style.BRIDGE)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.03)
    axes.axis("off")


def draw_gap(axes, sizes, bridges, frequency_clique, frequency_bridge):
    """How often the data shows an edge against how much the graph needs it."""
    pairs, label = edges(sizes, bridges)
    resistance = resistances(sum(sizes), pairs)
    for bridge in (False, True):
        values, counts = np.unique(np.round(resistance[(label < 0) == bridge], 9), return_counts=True)
        height = frequency_bridge if bridge else frequency_clique
        axes.scatter(values, [height] * len(values), s=18, color=style.BRIDGE if bridge else "#7F7F7F", zorder=3, linewidths=0)
        total = counts.sum()
        text = f"{total} bridge{'s' if total > 1 else ''}" if bridge else f"{total} clique edges"
        axes.annotate(text, (values.min(), height), xytext=(-6, 0) if bridge else (-2, -6), textcoords="offset points",
                      ha="right" if bridge else "left", va="center" if bridge else "top", color=style.BRIDGE if bridge else "#444444")
    axes.set_xlim(0, 1.08)
    axes.set_ylim(0, 1.08)
    axes.set_xlabel(r"effective resistance $R_\mathrm{eff}$")
    axes.set_ylabel(r"frequency in the data $P_\mathrm{freq}$")


def bar_labels(all_points):
    """The method, and below it whatever else differs among the points of that method: a choice by its word, a number by name and value."""
    labels = []
    for point in all_points:
        method = point.values["method"]
        peers = [other.values for other in all_points if other.values["method"] == method]
        varying = {name: point.values[name] for name in point.axes if len({str(peer.get(name)) for peer in peers}) > 1}
        words = [value if isinstance(value, str) else f"{name} {value:g}" for name, value in varying.items()]
        labels.append("\n".join([method] + words))
    return labels


def draw_connectivity(axes, all_points):
    x = list(range(len(all_points)))
    cells = [point.cell("connected") for point in all_points]
    mean, low, high, exact, published = ([100 * getattr(cell, name) for cell in cells] for name in
                                         ("mean", "low", "high", "exact", "published"))
    shades = [style.color(point.values["method"], i) for i, point in enumerate(all_points)]
    axes.bar(x, mean, width=0.66, color=shades, alpha=0.35, linewidth=0)
    for i, shade in enumerate(shades):
        style.measured(axes, [i - 0.15], [mean[i]], [low[i]], [high[i]], shade)
    style.exact_ticks(axes, x, exact, 0.66)
    if not all(math.isnan(value) for value in published):
        style.published(axes, [i + 0.17 for i in x], published)
    axes.errorbar([], [], yerr=[], fmt="o", color="#7F7F7F", markersize=4, capsize=2.5, elinewidth=1, label="measured, 95 %")
    style.percent_axis(axes, "still connected (%)", room=16)
    axes.set_xticks(x, bar_labels(all_points), fontsize=6.5, rotation=0 if len(x) <= 6 else 60)
    axes.set_xlim(-0.6, len(x) - 0.4)
    axes.legend(loc="upper center", ncol=3, handlelength=1.2, columnspacing=1.0, handletextpad=0.4, borderaxespad=0.0)


def figure(sizes, bridges, all_points):
    """The three panels of experiments I and II."""
    result, axes = style.plt.subplots(1, 3, figsize=(style.PAGE, 2.4), gridspec_kw={"width_ratios": [0.9, 0.9, 1 + 0.1 * len(all_points)]})
    seen = next((p.values for p in all_points if "bridge_frequency" in p.values and "clique_frequency" in p.values), None)
    draw(axes[0], sizes, bridges)
    draw_gap(axes[1], sizes, bridges, seen["clique_frequency"], seen["bridge_frequency"])
    draw_connectivity(axes[2], all_points)
    for letter, panel, text in zip("ABC", axes, ("the graph", "the generative gap", "what is left after sparsification")):
        style.title(panel, letter, text)
    return result
