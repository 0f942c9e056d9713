# SPDX-License-Identifier: BSD-2-Clause
"""The figure of experiment `resistance`: R of every edge against the degrees of its ends, beside the mean field 1/d_u + 1/d_v that holds on
good expanders (von Luxburg, Radl, Hein, JMLR 15 (2014) 1751); how near every edge is to a bridge; the graph itself when it is small; and,
where a file holds several methods on one graph, how far they are from the exact one. d: weighted degree. Chosen pairs instead of edges:
their R alone."""
from dataclasses import dataclass

import numpy as np

import pictures
import points
import style

SCATTER_MAX = 20000   # more edges are counted in hexagons
BRIDGES_MAX = 3000    # bridges drawn on top of them
EDGE = "#0072B2"


@dataclass
class Edges:
    """Edges or pairs of one trial; weight, bridge and degree (of the two ends) are None for pairs, error where nothing is sketched."""
    vertices: np.ndarray
    ends: np.ndarray
    resistance: np.ndarray
    error: np.ndarray
    weight: np.ndarray
    bridge: np.ndarray
    degree: np.ndarray

    @property
    def tree_share(self):
        return self.weight * self.resistance

    @property
    def harmonic(self):
        """Harmonic mean of the ends' degrees: the mean field is 2 over it."""
        return 2 / (1 / self.degree).sum(axis=1)


def edges_of(run, row):
    array = {name: run.array(name, row) if name in run.array_names else None
             for name in ("edges", "resistance", "stderr", "weight", "bridge")}
    vertices, ends = pictures.compact(array["edges"])
    weight, degree, error = array["weight"], None, array["stderr"]
    if weight is not None:
        degree = np.bincount(ends.ravel(), weights=np.repeat(weight, 2), minlength=len(vertices))[ends]
    bridge = None if array["bridge"] is None else array["bridge"].astype(bool)
    return Edges(vertices, ends, array["resistance"], error if error is not None and error.any() else None, weight, bridge, degree)


def span(values, room=1.25):
    return values.min() / room, values.max() * room


def spread(places, most):
    """At most so many of the places, evenly."""
    return places[np.linspace(0, len(places) - 1, min(most, len(places))).astype(int)]


def draw_degrees(axes, e):
    x, y = e.harmonic, e.resistance
    many = len(y) > SCATTER_MAX
    if many:
        hexagons = axes.hexbin(x, y, xscale="log", yscale="log", bins="log", gridsize=45, mincnt=1, cmap=style.BLUES, linewidths=0.1)
        style.small_colorbar(axes, hexagons, "edges")
    else:
        some = ~e.bridge
        axes.plot(x[some], y[some], "o", color=EDGE, markersize=2.4, markeredgewidth=0, alpha=0.55, zorder=2, rasterized=len(y) > 5000)
        if some.any():
            axes.plot([], [], "o", color=EDGE, markersize=3, label="edge" if e.error is None else "edge, standard error")
        if e.error is not None:
            shown = spread(np.flatnonzero(some & (e.error > 0)), 2000)
            axes.errorbar(x[shown], y[shown], yerr=e.error[shown], fmt="none", ecolor=EDGE, elinewidth=0.5, alpha=0.5, zorder=2)
    if e.bridge.any():
        bridges = spread(np.flatnonzero(e.bridge), BRIDGES_MAX)
        axes.plot(x[bridges], y[bridges], "D", color=style.BRIDGE, markersize=3, markeredgewidth=0, zorder=4, label="bridge",
                  rasterized=len(bridges) > 1000)
    field = np.geomspace(*span(x, 1.1), 50)
    axes.plot(field, 2 / field, color="black", linewidth=1, zorder=3, label=r"$1/d_u + 1/d_v$")
    low, high = span(np.concatenate([y, 2 / x]), 1.15)
    style.log_axis(axes.xaxis, *span(x))
    style.log_axis(axes.yaxis, low, high * (high / low) ** (0.5 if many else 0.6))  # room for the legend
    axes.set_xlabel("harmonic mean of the ends' degrees" + (" (S)" if (e.weight != 1).any() else ""))
    axes.set_ylabel(r"effective resistance $R$ (ohm)")
    axes.legend(loc="upper right", handlelength=1.2, borderaxespad=0.1, labelspacing=0.3)


def draw_shares(axes, e):
    """w R is the share of spanning trees (by weight) that hold the edge; 1: all of them, a bridge. Its sum is n - c (Foster)."""
    share = e.tree_share
    bins = np.linspace(0, max(1.0, share[~e.bridge].max(initial=0)), 51)
    counts = np.histogram(share[~e.bridge], bins)[0]
    count, most = int(e.bridge.sum()), max(1, counts.max(), e.bridge.sum())
    axes.bar(bins[:-1][counts > 0], counts[counts > 0], width=bins[1], align="edge", color=EDGE, alpha=0.75, zorder=2)
    axes.set_yscale("log")
    axes.yaxis.set_minor_formatter(style.NullFormatter())
    axes.set_ylim(0.6, most * (most / 0.6) ** 0.3 * 2)
    axes.set_xlim(0, max(1.06, bins[-1] + 0.02))
    if count:
        axes.bar([1.0], [count], width=0.03, color=style.BRIDGE, zorder=3)
        axes.annotate(pictures.count(count, "bridge"), (1.0, count), xytext=(3, 3), textcoords="offset points", ha="right",
                      color=style.BRIDGE, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8}, zorder=5)
    mean = share.mean()
    axes.axvline(mean, color="black", linewidth=0.9, linestyle="--", zorder=4)
    left = mean > 0.55
    axes.annotate(f"mean = $(n-c)/m$\n= {mean:.3g}", (mean, 0.985), xycoords=("data", "axes fraction"), xytext=(-4 if left else 4, 0),
                  textcoords="offset points", ha="right" if left else "left", va="top")
    axes.set_xlabel(r"$wR$, share of spanning trees")
    axes.set_ylabel("edges")


def draw_picture(axes, e):
    at = pictures.layout(len(e.vertices), e.ends)
    pictures.frame(axes, at)
    thick = float(np.clip(12 / np.sqrt(max(1, e.bridge.sum())), 1.1, 2.4))
    pictures.draw_edges(axes, at, e.ends[e.bridge], thick, zorder=3, color=style.BRIDGE)
    pictures.draw_vertices(axes, at, color="#333333", linewidths=0)
    r, ends = e.resistance[~e.bridge], e.ends[~e.bridge]
    if not len(r):
        return
    wide = r.max() > 8 * r.min()
    same = r.max() < 1.000001 * r.min()  # no colours for rounding errors
    norm = (style.colors.LogNorm if wide else style.colors.Normalize)(r.min() * (0.9 if same else 1), r.max() * (1.1 if same else 1))
    order = np.argsort(r, kind="stable")
    shown = pictures.draw_edges(axes, at, ends[order], pictures.edge_width(len(e.ends)), array=r[order], cmap=style.DEEP, norm=norm)
    if same:
        which = "all other edges" if e.bridge.any() else "all edges"
        axes.text(0.5, 0.0, f"{which}: $R$ = {r.mean():.4g} ohm", ha="center", transform=axes.transAxes)
        return
    bar = pictures.colorbar(axes, shown, r"$R$ (ohm), bridges apart" if e.bridge.any() else r"$R$ (ohm)")
    if wide:
        style.log_axis(bar.ax.xaxis, norm.vmin, norm.vmax)


def draw_values(axes, e):
    """Of pairs, whose degrees are not in the file."""
    if e.resistance.max() > 20 * e.resistance.min():
        axes.hist(e.resistance, np.geomspace(*span(e.resistance, 1.02), 41), color=EDGE, alpha=0.75)
        style.log_axis(axes.xaxis, *span(e.resistance))
    else:
        axes.hist(e.resistance, 40, color=EDGE, alpha=0.75)
    axes.set_xlabel(r"effective resistance $R$ (ohm)")
    axes.set_ylabel("pairs")
    axes.yaxis.get_major_locator().set_params(integer=True)


def label_of(point, others):
    """The method, and what else differs among the points compared."""
    words = [str(point.values[name]) if isinstance(point.values[name], str) else f"{name} {point.values[name]:g}" for name in point.axes
             if len({str(other.values.get(name)) for other in others}) > 1 and name != "method"]
    return ", ".join([str(point.values.get("method"))] + words)


def comparison(all_points, row):
    """(label of an exact trial, [(label, relative deviations of R, relative standard errors or None)]): of recorded trials, the first of
    each point, whose edges are those of this trial; or None: no exact one, or nothing beside it."""
    run, first = all_points[0].run, {}
    edges, weight = (run.array(name, row) if name in run.array_names else None for name in ("edges", "weight"))
    for point, own in points.recorded(all_points):
        theirs = run.array("edges", own)
        if point.number not in first and theirs is not None and np.array_equal(theirs, edges) and weight is not None and np.array_equal(
                run.array("weight", own), weight):
            first[point.number] = point, own, edges_of(run, own)
    exact = sorted((int(run.metrics["method_used"][own]), number) for number, (_, own, e) in first.items() if e.error is None)
    if len(first) < 2 or not exact or exact[0][0] not in (1, 2):
        return None
    base, peers = exact[0][1], [point for point, _, _ in first.values()]
    reference = first[base][2].resistance
    result = [(label_of(point, peers), np.abs(e.resistance / reference - 1), None if e.error is None else e.error / reference)
              for number, (point, _, e) in first.items() if number != base]
    return label_of(first[base][0], peers), result


def survival(values, most=400):
    """(values, share of all values that are larger), thinned."""
    ordered = np.sort(values)
    place = np.unique(np.linspace(0, len(ordered) - 1, min(most, len(ordered))).astype(int))
    return ordered[place], 1 - (place + 0.5) / len(ordered)


def draw_comparison(axes, found):
    reference, rows = found
    low, high = 1.0, 0.0
    for i, (label, deviation, error) in enumerate(rows):
        shade = style.SERIES[i % len(style.SERIES)]
        if not (deviation > 0).any():
            axes.plot([], [], color=shade, label=f"{label}: none")
        for values, line, text in ((deviation, "-", label), (error, ":", None)):
            if values is not None and (values > 0).any():
                x, y = survival(np.maximum(values, 1e-17))
                axes.plot(x, y, line, color=shade, label=text)
                low, high = min(low, np.quantile(x[x > 1e-17], 0.02)), max(high, x.max())
    if any(error is not None for _, _, error in rows):
        axes.plot([], [], ":", color="#7F7F7F", label="its standard error")
    style.log_axis(axes.xaxis, max(low / 2, 1e-17), max(high * 2, low * 10))
    axes.set_ylim(0, 1.1 + 0.12 * len(axes.get_legend_handles_labels()[0]))  # room for the legend
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlabel(f"relative deviation of $R$ from {reference}")
    axes.set_ylabel("share of edges beyond")
    axes.legend(loc="upper left", handlelength=1.4, borderaxespad=0.2, labelspacing=0.3)


def panels_of(e, found):
    """[(title, function that draws)]"""
    if e.weight is None:
        return [(f"the {pictures.count(len(e.ends), 'pair')} asked for", lambda axes: draw_values(axes, e))]
    result = [("resistance and degree", lambda axes: draw_degrees(axes, e)), ("how near to a bridge", lambda axes: draw_shares(axes, e))]
    if pictures.fits(len(e.vertices), len(e.ends)):
        result.append(("the graph", lambda axes: draw_picture(axes, e)))
    if found:
        result.append(("methods compared", lambda axes: draw_comparison(axes, found)))
    return result


def figure(point, row, found=None):
    """Of one recorded trial; found: as comparison() returns."""
    e = edges_of(point.run, row)
    panels = panels_of(e, found)
    rows = 2 if len(panels) == 4 else 1
    columns = len(panels) // rows
    width = {1: style.COLUMN, 2: style.PAGE * 0.75, 3: style.PAGE}[columns]
    result, axes = style.plt.subplots(rows, columns, figsize=(width, 2.7 * rows), squeeze=False)
    for letter, panel, (text, draw) in zip("ABCD", axes.flat, panels):
        draw(panel)
        style.title(panel, letter, text)
    method = ("", "dense", "exact", "sketch", "solve")[int(point.run.metrics["method_used"][row])]
    error = f", standard error {np.mean(e.error / e.resistance):.1%} on average" if e.error is not None else ""
    pictures.caption(result, point, row, f"method {method}{error}")
    return result


def main():
    parsed = style.parse("resistance", __doc__, trial=True)
    all_points = points.read(parsed.file, "resistance")
    point, row = points.chosen(parsed.file, all_points, "resistance", parsed.trial)
    result = figure(point, row, comparison(all_points, row))
    style.save(result, style.place(parsed, "resistance"))


if __name__ == "__main__":
    main()
