# SPDX-License-Identifier: BSD-2-Clause
"""The figure of experiment `spectrum`: the smallest Laplacian eigenvalues as a ladder, copies of one eigenvalue side by side, with the
closed form of lambda2 where there is one and the residual of every eigenpair; the spectral density with the 95 % band of its probes; and
the Fiedler vector, on the graph where it is small, sorted where it is not. Reference: Fiedler, Czechoslovak Math. J. 23 (1973) 298."""
import math

import numpy as np

import pictures
import points
import style

LEVEL, POSITIVE, NEGATIVE = "#0072B2", "#E66101", "#5E3C99"  # the ends of the colour map PuOr
TOLERANCE = 1e-8  # of copies of one eigenvalue, as the program's fiedler_multiplicity


def levels(eigenvalues, residuals, zeros):
    """[(first, end)] of equal eigenvalues: the zeros, one a component; then those as close as TOLERANCE and their residuals allow."""
    result, first = [], 0
    for i in range(1, len(eigenvalues) + 1):
        same = i < len(eigenvalues) and (i < zeros or (first >= zeros and eigenvalues[i] - eigenvalues[first] <=
                                                       TOLERANCE * eigenvalues[first] + residuals[i] + residuals[first]))
        if not same:
            result.append((first, i))
            first = i
    return result


def draw_ladder(axes, eigenvalues, groups, exact, n):
    most = max(end - first for first, end in groups)
    top = eigenvalues[-1] if eigenvalues[-1] > 0 else 1.0
    last = -math.inf
    for first, end in groups:
        slot = min(most / (end - first), max(1, most / 6))  # a single level is seen beside one of many copies
        x = slot * (np.arange(end - first) - (end - first - 1) / 2)
        axes.hlines(eigenvalues[first:end], x - 0.38 * slot, x + 0.38 * slot, color=LEVEL, linewidth=1.4 if len(groups) < 60 else 0.8,
                    zorder=3)
        y = eigenvalues[first:end].mean()
        if end - first > 1 and y - last > 0.045 * top:
            least = "≥ " if end == len(eigenvalues) < n else ""  # more copies may follow
            axes.annotate(f"{least}{end - first}×", (x[-1] + 0.38 * slot, y), xytext=(3, 0), textcoords="offset points", va="center",
                          fontsize=6.5)
            last = y
    half = max(most, 1.4) / 2 + 0.2 * max(most, 1.4)
    axes.plot([], [], color=LEVEL, label="computed")
    if not math.isnan(exact):
        axes.hlines([exact], -half, -half * 0.8, color="black", linewidth=1.6, zorder=4, label=r"exact $\lambda_2$")
    axes.set_xlim(-half, half * (1.3 if most > 1 else 1))
    axes.set_ylim(-0.04 * top, 1.04 * top)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_ylabel(r"eigenvalue $\lambda$ (S)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), handlelength=1.0, borderaxespad=0.2, labelspacing=0.3)


def draw_residuals(axes, eigenvalues, residuals):
    """Of exact zeros (their vectors are known) none is drawn."""
    some = residuals > 0
    if not some.any():
        axes.set_visible(False)
        return
    axes.plot(residuals[some], eigenvalues[some], "o", color="#7F7F7F", markersize=2.2, markeredgewidth=0)
    low, high = residuals[some].min(), residuals[some].max()
    axes.set_xscale("log")
    first, last = math.floor(math.log10(low) - 0.2), math.ceil(math.log10(high) + 0.2)
    axes.set_xlim(10.0**first, 10.0**last)
    axes.set_xticks([10.0**first, 10.0**last])
    axes.minorticks_off()
    axes.set_xlabel("residual\n" + r"$|Lx - \lambda x|$ (S)")
    axes.tick_params(labelleft=False)


def kernel_width(bound, moments):
    """Standard deviation of Jackson's kernel in the middle of the spectrum: what the density cannot resolve."""
    return math.pi / moments * bound / 2


def jackson_density(eigenvalues, bound, moments, x):
    """What the kernel polynomial method tends to with ever more probes, from all eigenvalues: Chebyshev moments damped by Jackson's
    kernel."""
    angle = np.arccos(np.clip(2 * eigenvalues / bound - 1, -1, 1))
    order = np.arange(moments)
    step = math.pi / (moments + 1)
    damping = ((moments - order + 1) * np.cos(step * order) + np.sin(step * order) / math.tan(step)) / (moments + 1)
    moment = np.array([np.cos(k * angle).mean() for k in order]) * damping * np.where(order == 0, 1, 2)
    place = 2 * x / bound - 1
    series = np.cos(np.outer(np.arccos(place), order)) @ moment
    return series / (math.pi * np.sqrt(1 - place**2)) * 2 / bound


def upper_end(x, density):
    """Where all but 1e-4 of the spectrum lies, with some room."""
    share = np.cumsum(density) / density.sum()
    return min(x[-1] + x[0], 1.15 * x[min(len(x) - 1, np.searchsorted(share, 1 - 1e-4))])


def draw_density(axes, x, density, error, bound, moments, n, eigenvalues):
    """eigenvalues: all n of them, or None. On logarithmic axes all that one eigenvalue can show is a peak of 1/n."""
    end = upper_end(x, density)
    wide = x[np.searchsorted(np.cumsum(density) / density.sum(), 0.9)] < 0.15 * end  # a long tail, as of power-law graphs
    low = np.maximum(density - 1.96 * error, 1e-300 if wide else 0)
    if len(error) and error.any():
        axes.fill_between(x, low, density + 1.96 * error, color=LEVEL, alpha=0.25, linewidth=0, zorder=2, label="95 %")
    axes.plot(x, density, color=LEVEL, zorder=3, label="density")
    if eigenvalues is not None:
        axes.plot(x, jackson_density(eigenvalues, bound, moments, x), "--", color="black", linewidth=0.8, zorder=4,
                  label="all eigenvalues,\nsame kernel")
    if wide:
        axes.set_yscale("log")
        axes.set_xscale("log")
        axes.set_xlim(x[0] / 1.3, end)
        axes.set_ylim(0.1 / (n * math.sqrt(2 * math.pi) * kernel_width(bound, moments)), density.max() * 3)
    else:
        axes.set_xlim(0, end)
        axes.set_ylim(0, 1.25 * (density + 1.96 * error)[x <= end].max())
        width = kernel_width(bound, moments)
        axes.errorbar([0.03 * end + width], [0.93 * axes.get_ylim()[1]], xerr=[width], fmt="none", ecolor="black", elinewidth=1.5)
        axes.annotate("kernel ±1 s.d.", (0.03 * end + 2 * width, 0.93 * axes.get_ylim()[1]), xytext=(4, 0), textcoords="offset points",
                      va="center", fontsize=6.5)
    axes.legend(loc="upper right", handlelength=1.3, borderaxespad=0.1, labelspacing=0.3)
    axes.set_xlabel(r"eigenvalue $\lambda$ (S)")
    axes.set_ylabel(r"spectral density (S$^{-1}$)")


def draw_picture(axes, vertices, ends, fiedler):
    """Edges between the two signs, the cut, stand out."""
    order = np.argsort(vertices)
    inner = order[np.searchsorted(vertices, ends, sorter=order)]
    at = pictures.layout(len(vertices), inner)
    pictures.frame(axes, at)
    cut = np.prod(np.sign(fiedler[inner]), axis=1) < 0
    width = pictures.edge_width(len(ends))
    pictures.draw_edges(axes, at, inner[~cut], width, color="#BBBBBB")
    pictures.draw_edges(axes, at, inner[cut], max(1.0, 1.5 * width), zorder=2, color="black")
    limit = np.abs(fiedler).max()
    shown = pictures.draw_vertices(axes, at, c=fiedler, cmap="PuOr_r", vmin=-limit, vmax=limit, edgecolors="#555555",
                                   linewidths=0.3)
    pictures.colorbar(axes, shown, f"entry (black: {pictures.count(cut.sum(), 'edge')} cut)")


def draw_sorted(axes, fiedler):
    """Every entry against its rank; logarithmic where a few vertices carry the vector. 1 / sum x^4: on how many it lives."""
    ordered, carriers = np.sort(fiedler), 1 / (fiedler**4).sum()
    n = len(ordered)
    localized = carriers < 0.05 * n
    signs = ((1, POSITIVE, "positive"), (-1, NEGATIVE, "negative"))
    place = np.unique((np.geomspace(1, n, 1500) if localized else np.linspace(1, n, 1500)).astype(int)) - 1
    for sign, shade, label in signs:
        value = (sign * ordered)[::-sign][place]  # falling; -sign: the largest first
        some = value > 0
        if localized:
            axes.plot(place[some] + 1, value[some], ".-", markersize=2.5, color=shade, label=label)
        else:
            share = (place[some] + 0.5) / n
            axes.fill_between(share if sign > 0 else 1 - share, sign * value[some], color=shade, alpha=0.8, linewidth=0, label=label)
    if localized:
        axes.set_xscale("log")
        axes.set_yscale("log")
        low, high = np.quantile(np.abs(ordered), 0.01), 2 * np.abs(ordered).max()
        axes.set_ylim(max(low, 1e-12 * high), high)
        axes.set_xlabel("rank of the vertex")
        axes.set_ylabel("entry, absolute")
    else:
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the vertices")
        axes.set_ylabel("entry")
    axes.legend(*(([], []) if not localized else axes.get_legend_handles_labels()), loc="upper right", handlelength=1.2, borderaxespad=0.1,
                title=f"lives on\n{carriers:,.0f} vertices", title_fontsize=7)


def array_of(run, name, row):
    return run.array(name, row) if name in run.array_names else None


def panels_of(point, row):
    """[(title, relative width, function that draws)]; None draws the ladder, which takes two axes."""
    run = point.run
    result = [("smallest eigenvalues", 1.05, None)]
    density = array_of(run, "density", row)
    if density is not None and density.any() and run.metrics["edges"][row] > 0:
        x, error = run.array("density_x", row), run.array("density_stderr", row)
        eigenvalues = run.array("eigenvalues", row)
        n, bound, moments = run.metrics["nodes"][row], run.metrics["density_bound"][row], int(point.values["moments"])
        everything = eigenvalues if len(eigenvalues) == n else None
        result.append(("spectral density", 1.2, lambda axes: draw_density(axes, x, density, error, bound, moments, n, everything)))
    fiedler = array_of(run, "fiedler", row)
    if fiedler is not None and np.isfinite(fiedler).all():
        vertices, ends = run.array("vertices", row), run.array("edges", row)
        copies = int(run.metrics["fiedler_multiplicity"][row])
        title = "the Fiedler vector" if copies == 1 else f"a Fiedler vector, 1 of {copies}"
        if pictures.fits(len(vertices), len(ends)):
            result.append((title, 1.1, lambda axes: draw_picture(axes, vertices, ends, fiedler)))
        else:
            result.append((title, 1.0, lambda axes: draw_sorted(axes, fiedler)))
    return result


def figure(point, row):
    """Of one recorded trial."""
    run, panels = point.run, panels_of(point, row)
    widths = [width for _, width, _ in panels]
    result = style.plt.figure(figsize=(style.COLUMN if len(panels) == 1 else style.PAGE * sum(widths) / 3.35, 2.7))
    grid = result.add_gridspec(1, len(panels) + 1, width_ratios=[0.65, 0.4] + widths[1:])
    ladder = result.add_subplot(grid[0])
    residual_axes = result.add_subplot(grid[1], sharey=ladder)
    eigenvalues, residuals = run.array("eigenvalues", row), run.array("residuals", row)
    groups = levels(eigenvalues, residuals, int(run.metrics["components"][row]))
    draw_ladder(ladder, eigenvalues, groups, point.cell("lambda2").exact, run.metrics["nodes"][row])
    draw_residuals(residual_axes, eigenvalues, residuals)
    style.title(ladder, "A", panels[0][0])
    for i, (letter, (text, _, draw)) in enumerate(zip("BC", panels[1:])):
        axes = result.add_subplot(grid[i + 2])
        draw(axes)
        style.title(axes, letter, text)
    method = ("", "dense", "shift-invert", "Davidson")[int(run.metrics["method_used"][row])]
    pictures.caption(result, point, row, f"{pictures.count(len(eigenvalues), 'eigenpair')}, method {method}")
    return result


def main():
    parsed = style.parse("spectrum", __doc__, trial=True)
    all_points = points.read(parsed.file, "spectrum")
    point, row = points.chosen(parsed.file, all_points, "eigenvalues", parsed.trial)
    style.save(figure(point, row), style.place(parsed, "spectrum"))


if __name__ == "__main__":
    main()
