# SPDX-License-Identifier: BSD-2-Clause
"""Drawings of generated graphs: clusters side by side, each on a circle and in a colour of its own, edges between clusters in the colour of
bridges. A pair of vertices i < j has the number j (j - 1) / 2 + i, as in include/graph_set.h. Where clusters are not known (permuted
vertices) there are two of them, by the signs of the Laplacian's second eigenvector."""
import numpy as np
from matplotlib.collections import LineCollection
from scipy import sparse
from scipy.sparse import csgraph

import style

INSIDE, STRAY = "#8C8C8C", "#EDB48C"
BOLD_MAX = 6
SHADES = [style.SERIES[i] for i in (0, 2, 4, 3, 5)]  # of clusters; not the bridge's
NO_CLUSTER = 255


def ends(n):
    """(pairs, 2): i < j of every pair."""
    j, i = np.tril_indices(n, -1)
    return np.column_stack([i, j])


def vertices_of(pairs):
    """n of n (n - 1) / 2 pairs."""
    return int(round((1 + np.sqrt(1 + 8 * pairs)) / 2))


def edges_of(n, pairs):
    """(m, 2) of the pairs of one graph that have an edge; the front of a longer row."""
    both = ends(n)
    return both[np.asarray(pairs)[:len(both)] > 0]


def adjacency(n, edges):
    matrix = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n)).tocsr()
    return matrix + matrix.T


def parts_of(n, edges):
    """(number, part of every vertex)."""
    return csgraph.connected_components(adjacency(n, edges), directed=False)


def halves(n, edges):
    """0 or 1 for every vertex. Of a graph in pieces: the piece of the largest size, and the others."""
    count, part = parts_of(n, edges)
    if count > 1:
        return (part != np.bincount(part).argmax()).astype(int)
    a = adjacency(n, edges).toarray()
    vector = np.linalg.eigh(np.diag(a.sum(axis=1)) - a)[1][:, 1]
    return (vector < 0).astype(int)


def clusters_of(n, edges, known=None):
    """known (n), or what can be seen."""
    if known is not None and (np.asarray(known)[:n] != NO_CLUSTER).all():
        return np.asarray(known)[:n].astype(int)
    return halves(n, edges)


def cross(edges, cluster):
    return cluster[edges[:, 0]] != cluster[edges[:, 1]]


def turns(count):
    """Angles of the places on a circle, the first at the right, the last at the left, the others above and below in turn; the left one is
    off the axis, so that its edges to the right do not lie upon others."""
    step = 2 * np.pi / max(count, 3)
    angle = np.array([(-1) ** k * step * ((k + 1) // 2) for k in range(count)])
    if count == 2 or (count > 2 and count % 2 == 0):
        angle[-1] = np.pi - (0.8 if count == 2 else 0.35 * step)
    return angle


def circle(count, first, last):
    """(count, 2): vertices on a circle in their order, `last` at the right and `first` at the left where they are given."""
    order = [v for v in (last,) if v is not None] + [v for v in range(count) if v not in (first, last)]
    order += [first] if first is not None and first != last else []
    at, angle = np.empty((count, 2)), turns(count)
    if first is not None and count > 1:
        angle = angle if last is not None else np.pi - angle[::-1]
        angle[-1] = np.pi
    at[order] = np.column_stack([np.cos(angle), np.sin(angle)])
    return at


def layout(cluster, edges, bridge=None):
    """(n, 2): circles in a row; in each the vertex that leads most often to the next cluster faces it, or the end of `bridge` (2)."""
    cluster = np.asarray(cluster)
    at, x = np.zeros((len(cluster), 2)), 0.0
    across = edges[cross(edges, cluster)] if bridge is None else np.reshape(bridge, (1, 2))
    names = np.unique(cluster)
    for k, name in enumerate(names):
        mine = np.flatnonzero(cluster == name)
        lead = {side: lead_of(mine, across, cluster, names[k + side]) if 0 <= k + side < len(names) else None for side in (-1, 1)}
        radius = max(0.35, 0.16 * len(mine) ** 0.9)
        at[mine] = radius * circle(len(mine), lead[-1], lead[1]) + [x + radius, 0]
        x += 2 * radius + 0.9
    return at - at.mean(axis=0)


def lead_of(mine, across, cluster, other):
    """Place in `mine` of the vertex with most edges to the cluster `other`, or None."""
    towards = across[(cluster[across] == other).any(axis=1)].ravel()
    count = np.array([(towards == v).sum() for v in mine])
    return int(count.argmax()) if count.any() else None


def draw(axes, at, edges, cluster, width=0.7, site=None):
    """One graph. Where the place of the bridge is known, site (2), it alone is drawn boldly, dotted when it is not there; else all edges
    between clusters are, unless there are many."""
    red = cross(edges, cluster)
    bold = (edges == np.sort(site)).all(axis=1) if site is not None else red if red.sum() <= BOLD_MAX else np.zeros(len(edges), bool)
    axes.add_collection(LineCollection(at[edges[~red]], colors=INSIDE, linewidths=0.6 * width, zorder=1))
    axes.add_collection(LineCollection(at[edges[red & ~bold]], colors=STRAY, linewidths=0.9 * width, zorder=2))
    if site is not None and not bold.any():
        axes.plot(*at[list(site)].T, ":", color=style.BRIDGE, linewidth=1.1 * width, zorder=3)
    axes.add_collection(LineCollection(at[edges[bold]], colors=style.BRIDGE, linewidths=2.2 * width, zorder=3, capstyle="round"))
    shade = np.array([style.colors.to_rgb(SHADES[k % len(SHADES)]) for k in cluster])
    axes.scatter(*at.T, s=11 * width, c=shade, edgecolors="white", linewidths=0.3, zorder=4)
    frame(axes, at)


def frame(axes, at):
    low, high = at.min(axis=0), at.max(axis=0)
    axes.set_xlim(low[0] - 0.3, high[0] + 0.3)
    axes.set_ylim(low[1] - 0.3, high[1] + 0.3)
    axes.set_aspect("equal", adjustable="box")
    axes.axis("off")


def words_of(n, edges, cluster):
    """connected or the number of parts, and the number of edges between clusters."""
    count = parts_of(n, edges)[0]
    return ("1 part" if count == 1 else f"{count} parts") + f", {int(cross(edges, cluster).sum())} cross"


def draw_grid(panels, size, pairs, known=None):
    """As many graphs as there are panels: size (count), pairs (count, pairs of the largest), known clusters (n) or None."""
    for panel, k, row in zip(panels, size, pairs):
        edges = edges_of(int(k), row)
        cluster = clusters_of(int(k), edges, known)
        draw(panel, layout(cluster, edges), edges, cluster)
        panel.set_title(words_of(int(k), edges, cluster), fontsize=5.5, pad=1, color="#444444")
    for panel in panels[len(pairs):]:
        panel.axis("off")
