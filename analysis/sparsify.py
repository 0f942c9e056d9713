# SPDX-License-Identifier: BSD-2-Clause
"""The figure of experiment `sparsify`: what a share rho of the edges leaves of a graph, by method. Still connected, with exact values where
they are known; components left; relative error of lambda2; distortion of the quadratic form, 1 and more when the graph falls apart. One row
a graph; against rho where it is swept, by method where not. Reference: arXiv 2511.18593; Spielman and Srivastava, SIAM J. Comput. 40 (2011)
1913."""
import math

import numpy as np

import pictures
import points
import style

LABELS = {"spielman_srivastava": "Spielman-Srivastava"}
# Axes that say which graph it is; every other one but density makes a series.
GRAPH_AXES = ("graph", "file", "nodes", "width", "height", "depth", "dimension", "clique_size", "cliques", "bridges", "degree", "rewire",
              "blocks", "degree_in", "degree_out", "scale", "edge_factor", "rmat_a", "rmat_b", "rmat_c", "weights", "graph_seed",
              "component", "format", "duplicates", "ignore_weights")
LINES, FILLED = ("-", "--", ":", "-."), ("full", "none")
OTHER_MARKERS = (None, "P", "X", "p")  # of the third series of a method and on


def key_of(point, of_graph):
    return tuple((name, point.values[name]) for name in point.axes if name != "density" and (name in GRAPH_AXES) == of_graph)


def grouped(all_points):
    """[(points of one graph)], and of all of them [series], a series being what is swept besides graph and density."""
    graphs, series = {}, {}
    for point in all_points:
        graphs.setdefault(key_of(point, True), []).append(point)
        series.setdefault(key_of(point, False), point)
    return list(graphs.values()), list(series)


class Looks:
    """Colour by method; methods that appear more than once, with another lambda or selection, differ in line and filling."""

    def __init__(self, all_points, series):
        fixed = all_points[0].values.get("method")
        self.series, self.method = series, [dict(key).get("method", fixed) for key in series]
        self.turn = [self.method[:i].count(method) for i, method in enumerate(self.method)]

    def color(self, i):
        return style.color(self.method[i], i)

    def marker(self, i):
        return OTHER_MARKERS[self.turn[i] // 2 % len(OTHER_MARKERS)] or style.marker(self.method[i])

    def line(self, i):
        return LINES[self.turn[i] % len(LINES)]

    def filling(self, i):
        return FILLED[self.turn[i] % len(FILLED)]

    def label(self, i):
        method = self.method[i]
        words = [str(value) if isinstance(value, str) else f"{name} {value:g}" for name, value in self.series[i] if name != "method"]
        return ", ".join([LABELS.get(method, method)] + words)


def places(row, looks):
    """{series: (x, its points)}: densities side by side, or one place a series where density is not swept; and the width of a place."""
    densities = sorted({point.values["density"] for point in row})
    swept = "density" in row[0].axes
    step = min(np.diff(densities)) if len(densities) > 1 else 1.0
    width = 0.75 * step / len(looks.series) if swept else 0.7
    result = {}
    for i, key in enumerate(looks.series):
        mine = sorted((point for point in row if key_of(point, False) == key), key=lambda point: point.values["density"])
        if mine:
            x = [point.values["density"] + width * (i - (len(looks.series) - 1) / 2) for point in mine] if swept else [float(i)]
            result[i] = np.array(x), mine
    return result, width


def draw(axes, row, looks, metric, scale=1.0):
    """Means with 95 % intervals of one metric; returns all values drawn."""
    by_series, width = places(row, looks)
    drawn = []
    for i, (x, mine) in by_series.items():
        cells = [point.cell(metric) for point in mine]
        mean, low, high, exact = (scale * np.array([getattr(cell, name) for cell in cells]) for name in ("mean", "low", "high", "exact"))
        some = np.isfinite(mean)
        low, high = np.where(np.isnan(low), mean, low), np.where(np.isnan(high), mean, high)
        if some.any():
            if len(x) > 1:
                axes.plot(x[some], mean[some], looks.line(i), color=looks.color(i), linewidth=0.8, alpha=0.7, zorder=2)
            bars = style.measured(axes, x[some], mean[some], low[some], high[some], looks.color(i), looks.marker(i), size=3)
            bars[0].set_fillstyle(looks.filling(i))
            drawn += list(mean[some])
        known = np.isfinite(exact)
        if known.any():
            style.exact_ticks(axes, x[known], exact[known], width, label=None)
    return np.array(drawn)


def draw_components(axes, row, looks):
    drawn = draw(axes, row, looks, "components_left")
    whole = row[0].cell("components").mean
    axes.axhline(whole, color="black", linewidth=0.7, linestyle=":", zorder=1)
    if len(drawn) and drawn.max() > 12 * max(1, whole):
        style.log_axis(axes.yaxis, whole / 1.4, 1.6 * drawn.max())
    axes.set_ylabel("components left")


def draw_error(axes, row, looks):
    drawn = draw(axes, row, looks, "rse")
    axes.axhline(1, color="black", linewidth=0.7, linestyle=":", zorder=1)
    axes.set_ylim(-0.04, 1.12 * max(1, drawn.max(initial=1)))
    axes.set_ylabel(r"relative error of $\lambda_2$")


def draw_distortion(axes, row, looks):
    """0, at rho = 1, has no place on the axis."""
    drawn = draw(axes, row, looks, "distortion")
    drawn = drawn[drawn > 1e-9]
    axes.axhline(1, color="black", linewidth=0.7, linestyle=":", zorder=1)
    values = np.append(drawn, [1.0])
    style.log_axis(axes.yaxis, values.min() / 1.5, max(2.0, 1.5 * values.max()))
    axes.set_ylabel(r"$\max\,|x^T L_H x\,/\,x^T L_G x - 1|$", fontsize=7)


PANELS = (("still connected", None), ("pieces", draw_components), ("spectral error", draw_error), ("distortion", draw_distortion))


def draw_connected(axes, row, looks):
    if "density" not in row[0].axes:
        for i, (x, mine) in places(row, looks)[0].items():
            axes.bar(x, [100 * mine[0].cell("connected").mean], width=0.7, color=looks.color(i), alpha=0.35, linewidth=0, zorder=1)
    draw(axes, row, looks, "connected", 100.0)
    style.percent_axis(axes, "still connected (%)")


def finish_x(axes, row, looks, last):
    densities = sorted({point.values["density"] for point in row})
    if "density" in row[0].axes:
        room = 0.55 * (min(np.diff(densities)) if len(densities) > 1 else 0.1)
        axes.set_xlim(densities[0] - room, densities[-1] + room)
        axes.set_xticks(densities if len(densities) <= 6 else densities[::2])
        if last:
            axes.set_xlabel(r"share $\rho$ of the edges")
    else:
        axes.set_xlim(-0.6, len(looks.series) - 0.4)
        axes.set_xticks([])


def name_of_row(row):
    """The graph, and what of it is swept."""
    point = row[0]
    words = [f"{name} {point.values[name]}" for name, _ in key_of(point, True) if name not in ("graph", "file")]
    sizes = [pictures.count(point.cell("nodes").mean, "vertex", "vertices"), pictures.count(point.cell("edges").mean, "edge")]
    bridges = point.cell("bridges").mean
    words += sizes + ([] if math.isnan(bridges) else [pictures.count(bridges, "bridge")])
    words += [] if "density" in point.axes else [rf"share $\rho$ = {point.values['density']:g} of the edges"]
    return ", ".join([pictures.name_of(point)] + words)


def legend_rows(looks):
    """About 110 letters fit into a row, the key of an entry taking the room of 7."""
    return math.ceil(sum(len(looks.label(i)) + 7 for i in range(len(looks.series))) / 110)


def legend(axes, looks, exact):
    """In axes of its own above all panels."""
    axes.axis("off")
    for i in range(len(looks.series)):
        axes.plot([], [], looks.line(i), marker=looks.marker(i), fillstyle=looks.filling(i), color=looks.color(i), markersize=4,
                  label=looks.label(i))
    if exact:
        axes.plot([], [], color="black", linewidth=1.6, label="exact")
    columns = math.ceil((len(looks.series) + exact) / legend_rows(looks))
    axes.legend(loc="center", ncol=columns, columnspacing=1.4, handlelength=1.8, borderaxespad=0).set_in_layout(False)


def figure(all_points):
    graphs, series = grouped(all_points)
    looks = Looks(all_points, series)
    measured = any(point.cell("distortion").n > 0 for point in all_points)
    panels = PANELS if measured else PANELS[:3]
    heights = [0.2 * legend_rows(looks)] + [2.0] * len(graphs)
    result = style.plt.figure(figsize=(style.PAGE, sum(heights)))
    parts = result.subfigures(len(heights), 1, height_ratios=heights)
    exact = any(not math.isnan(point.cell("connected").exact) for point in all_points)
    legend(parts[0].subplots(), looks, exact)
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for part, row in zip(parts[1:], graphs):
        part.suptitle(name_of_row(row), fontsize=style.plt.rcParams["axes.titlesize"], color="#444444")
        for axes, (text, panel) in zip(part.subplots(1, len(panels)), panels):
            (panel or draw_connected)(axes, row, looks)
            finish_x(axes, row, looks, row is graphs[-1])
            style.title(axes, next(letters, ""), text)
    return result


def main():
    path, prefix = style.arguments("sparsify", __doc__)
    style.save(figure(points.read(path, "sparsify")), prefix)


if __name__ == "__main__":
    main()
