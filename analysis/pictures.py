# SPDX-License-Identifier: BSD-2-Clause
"""Pictures of small graphs: a layout by stress majorization, components side by side, and edges and vertices in the colour of a value.
Stress: sum over pairs of (distance on paper - edges between them)^2 / (edges between them)^2, brought down by SMACOF from classical
scaling; it is deterministic. References: Gansner, Koren, North, Graph Drawing 2004; Borg, Groenen, Modern Multidimensional Scaling. A dense
method: hundreds of vertices."""
import numpy as np
from matplotlib.collections import LineCollection
from scipy import sparse
from scipy.sparse import csgraph

import style

VERTICES_MAX, EDGES_MAX = 400, 4000  # larger graphs are no picture


def compact(edges):
    """Vertices that have an edge, ascending, and the edges by their places among them."""
    vertices, place = np.unique(edges, return_inverse=True)
    return vertices, place.reshape(-1, 2)


def fits(n, m):
    return 0 < n <= VERTICES_MAX and m <= EDGES_MAX


def adjacency(n, edges):
    u, v = edges.T
    one = sparse.coo_matrix((np.ones(len(u)), (u, v)), shape=(n, n)).tocsr()
    return one + one.T


def scaling(distance):
    """Classical scaling to the plane: where the majorization starts. A trace of a spiral parts vertices with equal distances."""
    n = len(distance)
    center = np.eye(n) - 1 / n
    value, vector = np.linalg.eigh(-0.5 * center @ distance**2 @ center)
    start = vector[:, -2:] * np.sqrt(np.maximum(value[-2:], 0))
    turn = 2.399963 * np.arange(n)
    return start[:, ::-1] + 0.05 * np.sqrt((np.arange(n) + 1) / n)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])


def stress(distance, rounds=300):
    """(n, 2) places of the vertices of a connected graph with these distances, its longest side along x."""
    n = len(distance)
    if n <= 2:
        return np.array([[0.0, 0.0], [1.0, 0.0]])[:n]
    weight = 1 / (distance + np.eye(n)) ** 2 - np.eye(n)
    inverse = np.linalg.pinv(np.diag(weight.sum(axis=1)) - weight, hermitian=True)
    at = scaling(distance)
    for _ in range(rounds):
        paper = np.linalg.norm(at[:, None] - at[None], axis=2)
        ratio = weight * distance / np.maximum(paper, 1e-9)
        before, at = at, inverse @ (ratio.sum(axis=1)[:, None] * at - ratio @ at)
        if np.abs(at - before).max() < 1e-3:
            break
    at -= at.mean(axis=0)
    return at @ np.linalg.svd(at, full_matrices=False)[2].T


def shelves(boxes, width):
    """Lower left corners of boxes (n, 2) put on shelves of this width, in their order, from the top down."""
    corners, x, top, height = [], 0.0, 0.0, 0.0
    for w, h in boxes:
        if x > 0 and x + w > width:
            x, top, height = 0.0, top - height, 0.0
        corners.append((x, top - h))
        x, height = x + w, max(height, h)
    return np.array(corners)


def layout(n, edges):
    """(n, 2): components by size on shelves, each by stress majorization."""
    graph = adjacency(n, edges)
    label = csgraph.connected_components(graph, directed=False)[1]
    parts = sorted((np.flatnonzero(label == i) for i in range(label.max() + 1)), key=lambda part: -len(part))
    places = [stress(csgraph.shortest_path(graph[part][:, part], unweighted=True, directed=False)) for part in parts]
    boxes = np.array([np.ptp(place, axis=0) + 1.0 for place in places])
    corners = shelves(boxes, max(boxes[0, 0], np.sqrt(1.6 * boxes.prod(axis=1).sum())))
    at = np.empty((n, 2))
    for part, place, corner in zip(parts, places, corners):
        at[part] = place - place.min(axis=0) + corner + 0.5
    return at


def draw_edges(axes, at, edges, width, zorder=1, **colors):
    """colors: as LineCollection takes them, `color` or `array` with `cmap` and `norm`."""
    lines = LineCollection(at[edges], linewidths=width, capstyle="round", zorder=zorder, **colors)
    axes.add_collection(lines)
    return lines


def draw_vertices(axes, at, **colors):
    """colors: as scatter takes them."""
    return axes.scatter(*at.T, s=vertex_size(len(at)), zorder=5, **colors)


def vertex_size(n):
    return float(np.clip(900.0 / max(1, n), 3.0, 30.0))


def edge_width(m):
    return float(np.clip(12.0 / np.sqrt(max(1, m)), 0.4, 1.4))


def frame(axes, at):
    """No axes; below the picture there is room for colorbar()."""
    low, high = at.min(axis=0), at.max(axis=0)
    room = 0.04 * max(high - low) + 0.05
    axes.set_xlim(low[0] - room, high[0] + room)
    axes.set_ylim(low[1] - room - 0.1 * (high[1] - low[1]), high[1] + room)
    axes.set_aspect("equal", adjustable="datalim")
    axes.axis("off")


def colorbar(axes, shown, label):
    bar = axes.figure.colorbar(shown, cax=axes.inset_axes([0.1, 0.0, 0.8, 0.03]), orientation="horizontal")
    bar.set_label(label)
    bar.outline.set_linewidth(0.5)
    return bar


def name_of(point):
    """The graph of a point in words: its kind or file."""
    if point.values.get("graph") == "file":
        return str(point.values.get("file", "file")).rsplit("/", 1)[-1]
    return str(point.values.get("graph", "graph")).replace("_", " ")


def count(number, singular, plural=None):
    """12,345 edges."""
    return f"{int(number):,} {singular if number == 1 else plural or singular + 's'}"


def caption(figure, point, row, *more):
    """Above the panels: which graph, how large, and what else."""
    metrics = point.run.metrics
    words = [name_of(point), count(metrics["nodes"][row], "vertex", "vertices"), count(metrics["edges"][row], "edge"), *more]
    figure.suptitle(", ".join(words), fontsize=style.plt.rcParams["axes.titlesize"], color="#444444")
