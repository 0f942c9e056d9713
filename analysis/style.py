# SPDX-License-Identifier: BSD-2-Clause
"""One look for all figures: sizes of a paper's column and page, fonts, one colour a method, and how measured, exact and published values
are drawn. It knows neither files nor experiments."""
import argparse
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import colors
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

COLUMN, PAGE = 3.4, 7.0  # widths of a figure in inches
# Okabe and Ito's palette: told apart with every kind of colour vision, and by lightness when printed grey.
COLORS = {"random": "#7F7F7F", "standard": "#D55E00", "weighted": "#009E73", "oracle": "#0072B2", "spielman_srivastava": "#CC79A7"}
SPARE_COLORS = ["#E69F00", "#56B4E9", "#CC79A7"]
MARKERS = {"random": "s", "standard": "v", "weighted": "o", "oracle": "D", "spielman_srivastava": "^"}
SERIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]  # of things that have no colour of their own
BRIDGE = "#D55E00"
PALE = "#E9E9E9"
# Of values, light to dark; the palest shades, which vanish on white paper, are left out.
BLUES = colors.LinearSegmentedColormap.from_list("blues", plt.cm.Blues([0.25 + 0.75 * i / 255 for i in range(256)]))
DEEP = colors.LinearSegmentedColormap.from_list("deep", plt.cm.viridis_r([0.12 + 0.88 * i / 255 for i in range(256)]))

plt.rcParams.update({
    "font.size": 8, "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "axes.titlesize": 8, "axes.labelsize": 8,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7, "legend.frameon": False, "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 0.7, "lines.linewidth": 1.2, "figure.constrained_layout.use": True,
    "pdf.fonttype": 42, "savefig.dpi": 200,
})  # fonttype 42: text in the PDF stays text


def color(method, index=0):
    return COLORS.get(method, SPARE_COLORS[index % len(SPARE_COLORS)])


def sequence(index, count):
    """One of many values of a number, dark to light."""
    return plt.cm.viridis(0.85 * index / max(1, count - 1))


def marker(method):
    return MARKERS.get(method, "o")


def title(axes, letter, text):
    axes.set_title(rf"$\bf{{{letter}}}$  {text}", loc="left")


def measured(axes, x, mean, low, high, shade, shape="o", label=None, size=4):
    """Means with the ends of their intervals (given as values, not lengths)."""
    below, above = [max(0.0, m - b) for m, b in zip(mean, low)], [max(0.0, a - m) for m, a in zip(mean, high)]
    return axes.errorbar(x, mean, yerr=[below, above], fmt=shape, color=shade, markersize=size, capsize=size * 0.6, elinewidth=1,
                         label=label, zorder=4)


def exact_ticks(axes, x, y, width, label="exact"):
    return axes.hlines(y, [v - width / 2 for v in x], [v + width / 2 for v in x], color="black", linewidth=1.6, label=label, zorder=5)


def published(axes, x, y, shade="black", shape="o", label="published"):
    return axes.plot(x, y, linestyle="none", marker=shape, markersize=5, markerfacecolor="white", markeredgecolor=shade,
                     markeredgewidth=1.0, label=label, zorder=6)


def log_axis(axis, low, high):
    """A logarithmic axis from low to high; less than two and a half decades are labelled at 1, 2, 5, less than a factor of three evenly."""
    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    (axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim)(low, high)
    if high / low < 300:
        few = high / low < 3
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]) if few else LogLocator(subs=(1, 2, 5)))
        if few:
            axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter(NullFormatter())


def small_colorbar(axes, shown, label):
    """Inside the axes, low at the left: what it colours fills the diagonal."""
    inside = axes.inset_axes([0.06, 0.12, 0.36, 0.035])
    bar = axes.figure.colorbar(shown, cax=inside, orientation="horizontal")
    bar.outline.set_linewidth(0.5)
    bar.ax.set_title(label, fontsize=7, pad=2)
    bar.ax.tick_params(labelsize=6, length=2, pad=1)


def percent_axis(axes, label, room=0):
    """0 to 100 %; room: space above for a legend."""
    axes.set_ylim(-3, 106 + room)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_ylabel(label)


def parse(name, text, trial=False):
    """The one command line of all figure scripts; trial: the figure shows one trial, which may be chosen."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("file", metavar="FILE.h5", help=f"results of `myopia run` of experiment {name}")
    parser.add_argument("--out", metavar="DIR", help="where the figures go (default: figures/ beside the file)")
    if trial:
        parser.add_argument("--trial", metavar="ROW", type=int, help="row of the trial to draw (default: the first that is recorded)")
    return parser.parse_args()


def place(parsed, name):
    """Prefix of the figures, in a folder that exists."""
    folder = parsed.out or os.path.join(os.path.dirname(os.path.abspath(parsed.file)), "figures")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, name)


def arguments(name, text):
    """(file, prefix of the figures)."""
    parsed = parse(name, text)
    return parsed.file, place(parsed, name)


def save(figure, prefix):
    """PREFIX.png (200 dpi) and PREFIX.pdf; names them on stdout."""
    for ending in ("png", "pdf"):
        figure.savefig(f"{prefix}.{ending}", metadata={"CreationDate": None} if ending == "pdf" else None)
        print(f"{prefix}.{ending}")
    plt.close(figure)
