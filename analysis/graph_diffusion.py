# SPDX-License-Identifier: BSD-2-Clause
"""The figures of experiment `graph_diffusion`: discrete graph diffusion, trained (Klepper 2023; DiGress, ICLR 2023; arXiv 2511.18593).
graph_diffusion: how often generated graphs are connected, and how many edges they have between clusters, against how often the data have
the bridge; a column a denoiser, a colour a loss, black: exact. graph_diffusion_training: shares of the classes of edges in the gradient
along training, of the bridge by layer and by time, and what is learned of it. graph_diffusion_samples: generated graphs, edges between
clusters in the colour of bridges. graph_diffusion_reverse: one graph on its way from noise, and at which t the bridge is settled. What a
file does not hold is left out."""
from dataclasses import dataclass

import numpy as np

import graphs
import load
import points
import style

DENOISERS = ("factored", "factored_bit", "edge_mlp", "transformer")
LOSSES = ("standard", "edge_weighted", "graph_weighted", "class_weighted")
SHADES = {"standard": style.COLORS["standard"], "edge_weighted": style.COLORS["weighted"], "graph_weighted": "#CC79A7",
          "class_weighted": "#0072B2"}
MARKERS = ("o", "s", "^", "D", "v", "P")
STRENGTH = {"edge_weighted": ("lambda", r"$\lambda$"), "graph_weighted": ("lambda", r"$\lambda$"), "class_weighted": ("omega", r"$\omega$")}
CLASSES = (("bridge", style.BRIDGE), ("inside clusters", "#0072B2"), ("no edge", "#7F7F7F"))
BRIDGE_CLASS = 0
PATHS = ("connected", "cross_edges")
JOINED = ("barbell", "chain", "planar", "trees", "erdos_renyi", "toy4")  # data with one place a joint
COLUMNS_MAX, GRAPHS_PER_ROW, ROWS_MAX, SHOTS = 6, 8, 16, 8
FEW = 5  # cross edges: beyond, the axis is logarithmic above 1
USUAL = 0.05  # the bridge frequency of the source


def value(point, name):
    """A parameter, or None where the point ignores it."""
    return point.values.get(name)


def flag(point, name):
    """A switch; swept ones are texts in the file."""
    return str(value(point, name)).lower() in ("true", "1")


def words(name):
    return str(name).replace("_", " ")


# --- what is drawn where ---

@dataclass(frozen=True)
class Column:
    """One denoiser, as it sees graphs; what the chain is fed with."""
    posterior: str
    denoiser: str
    sees: tuple

    @property
    def title(self):
        if self.posterior != "network":
            return {"exact": "exact posterior", "checkpoint": "from a checkpoint"}[self.posterior]
        return words(self.denoiser) + ("\n" + ", ".join(self.sees) if self.sees else "")


def column_of(point):
    posterior = value(point, "posterior") or "network"
    if posterior != "network":
        return Column(posterior, "", ())
    sees = [("node id", "node_id")] + [(name, f"feature_{name}") for name in ("degree", "cycles", "spectrum")]
    seen = tuple(word for word, name in sees if flag(point, name)) if value(point, "denoiser") == "transformer" else ()
    return Column(posterior, value(point, "denoiser"), seen)


def column_order(column):
    place = DENOISERS.index(column.denoiser) if column.denoiser in DENOISERS else len(DENOISERS)
    return column.posterior != "network", place, len(column.sees), column.sees


def columns_of(all_points):
    return sorted({column_of(point) for point in all_points}, key=column_order)[:COLUMNS_MAX]


@dataclass(frozen=True)
class Loss:
    kind: str
    strength: float

    @property
    def label(self):
        if self.kind not in STRENGTH:
            return words(self.kind)
        return f"{words(self.kind)}, {STRENGTH[self.kind][1]} = {self.strength:g}"


def loss_of(point):
    kind = value(point, "loss") or "standard"
    return Loss(kind, float(value(point, STRENGTH[kind][0]) or 0) if kind in STRENGTH else 0.0)


def losses_of(all_points):
    return sorted({loss_of(point) for point in all_points}, key=lambda loss: (LOSSES.index(loss.kind), loss.strength))


class Looks:
    """Colour by kind of loss, marker by its strength."""

    def __init__(self, all_points):
        self.losses = losses_of(all_points)

    def color(self, loss):
        return SHADES[loss.kind]

    def marker(self, loss):
        return MARKERS[[other for other in self.losses if other.kind == loss.kind].index(loss) % len(MARKERS)]

    def aside(self, loss, mine):
        """Factor of eps that keeps losses apart where there is one eps only."""
        if len(frequencies(mine)) > 1:
            return 1.0
        return 1 + 0.6 * ((self.losses.index(loss) + 0.5) / len(self.losses) - 0.5)


def data_of(point):
    sizes = value(point, "cluster_sizes") or ()
    sizes = load.scalar(sizes) if isinstance(sizes, str) else sizes  # swept lists are texts in the file
    return value(point, "data") or "barbell", tuple(int(size) for size in sizes), flag(point, "permute")


def data_words(data):
    kind, sizes, permute = data
    shape = " (" + " + ".join(str(size) for size in sizes) + ")" if sizes and kind not in ("toy4", "file") else ""
    return words(kind) + shape + (", vertices permuted" if permute else ", fixed order" if kind != "file" else "")


def joints_of(data):
    """Places of bridges in a graph, 0 where the law has none."""
    kind, sizes, _ = data
    return 1 if kind == "toy4" else max(0, len(sizes) - 1) if kind in JOINED else 0


def frequency(point):
    found = value(point, "bridge_frequency")
    return float("nan") if found is None else float(found)


def main_points(all_points):
    """Of whatever else is swept, the commonest values: one point for each data, column, loss and frequency."""
    result = {}
    for point in all_points:
        result.setdefault((data_of(point), column_of(point), loss_of(point), frequency(point)), point)
    return list(result.values())


# --- against the bridge frequency ---

def draw_metric(axes, mine, looks, metric, scale):
    """Means with 95 % intervals against eps, a line a loss; the exact values in black."""
    top = 0.0
    for loss in looks.losses:
        some = sorted((point for point in mine if loss_of(point) == loss), key=frequency)
        cells = [point.cell(metric) for point in some]
        keep = [i for i, cell in enumerate(cells) if np.isfinite(cell.mean)]
        if not keep:
            continue
        x = np.array([frequency(some[i]) for i in keep]) * looks.aside(loss, mine)
        mean, low, high = (scale * np.array([getattr(cells[i], what) for i in keep]) for what in ("mean", "low", "high"))
        axes.plot(x, mean, color=looks.color(loss), linewidth=0.8, alpha=0.7, zorder=2)
        style.measured(axes, x, mean, np.where(np.isnan(low), mean, low), np.where(np.isnan(high), mean, high), looks.color(loss),
                       looks.marker(loss), size=3)
        top = max(top, mean.max())
    return top


def draw_exact(axes, mine, looks, metric, scale):
    if metric not in mine[0].run.metrics:
        return
    for loss in looks.losses:
        some = sorted((point for point in mine if loss_of(point) == loss), key=frequency)
        x, y = np.array([[frequency(point), scale * point.cell(metric).mean] for point in some]).reshape(-1, 2).T
        x, known = x * looks.aside(loss, mine), np.isfinite(y)
        if known.sum() > 1:
            axes.plot(x[known], y[known], color="black", linewidth=0.8, zorder=3)
        else:
            axes.plot(x[known], y[known], "_", color="black", markersize=9, markeredgewidth=1.4, zorder=5)


def draw_data(axes, data, x, metric):
    """What the data have, where the law says it: eps a joint."""
    joints = joints_of(data)
    if joints and len(x):
        y = 100 * x**joints if metric == "connected" else joints * x
        axes.plot(x, y, ":", color="#7F7F7F", linewidth=1.0, zorder=1, marker="x" if len(x) == 1 else None, markersize=5)


def frequencies(all_points):
    found = np.array(sorted({frequency(point) for point in all_points}))
    return found[np.isfinite(found)]


def apart(x, most=0.17):
    """Those of ascending values that are far enough from each other on an axis, by their share of it, for a label each."""
    kept = []
    for one in x:
        if not kept or one - kept[-1] > most * (x[-1] - x[0]):
            kept.append(one)
    return np.array(kept)


def finish_frequency(axes, x, labelled):
    logarithmic = len(x) > 1 and x[0] > 0 and x[-1] / x[0] > 5
    few = np.exp(apart(np.log(x), 0.3)) if logarithmic else apart(x, 0.3)
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(style.NullLocator())
        axes.set_xlim(x[0] / 1.6, x[-1] * 1.4)
    elif len(x):
        room = 0.08 * (x[-1] - x[0]) or 0.6 * max(x[0], 0.01)
        axes.set_xlim(x[0] - room, x[-1] + room)
    axes.set_xticks(few, [f"{one:g}" for one in np.round(few, 10)])
    axes.tick_params(labelbottom=labelled)


def legend(axes, looks, all_points, entries):
    axes.axis("off")
    for loss in looks.losses:
        axes.plot([], [], color=looks.color(loss), marker=looks.marker(loss), markersize=3.5, linewidth=0.8, label=loss.label)
    axes.plot([], [], color="black", linewidth=1.2, label="exact")
    if any(joints_of(data_of(point)) for point in all_points):
        axes.plot([], [], ":", color="#7F7F7F", label="data")
    axes.legend(loc="center", ncol=entries, columnspacing=1.2, handlelength=1.8, borderaxespad=0).set_in_layout(False)


def draw_row(row, group, columns, looks, metric, data):
    """One metric of one data law, a panel a denoiser."""
    top = 0.0
    for column, axes in zip(columns, row):
        mine = [point for point in group if column_of(point) == column]
        top = max(top, draw_metric(axes, mine, looks, metric, 100 if metric == "connected" else 1))
        if metric == "connected":
            draw_exact(axes, mine, looks, "connected_exact", 100)
        draw_data(axes, data, frequencies(mine), metric)
        axes.grid(axis="y", color=style.PALE, linewidth=0.6, zorder=0)
    for i, axes in enumerate(row):
        if metric == "connected":
            axes.set_ylim(-4, 104)
            axes.set_yticks([0, 25, 50, 75, 100])
        elif top > FEW:
            axes.set_yscale("symlog", linthresh=1, linscale=0.7)
            axes.set_ylim(-0.08, 1.6 * top)
            ticks = [tick for tick in (0, 0.5, 1, 3, 10, 30, 100, 300) if tick < 1.6 * top]
            axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.yaxis.set_minor_locator(style.NullLocator())
        else:
            axes.set_ylim(-0.04 * max(top, 0.1), 1.2 * max(top, 0.1))
        axes.tick_params(labelleft=i == 0)
    row[0].set_ylabel({"connected": "connected (%)", "cross_edges": "cross edges"}[metric])


def draw_law(part, data, group, columns, looks):
    """Connectivity above, cross edges below, a column a denoiser."""
    words_of_law = data_words(data)
    part.suptitle(words_of_law.replace(", ", "\n") if len(columns) == 1 else words_of_law, fontsize=8, x=0.01, ha="left",
                  fontweight="bold")
    grid = part.subplots(2, len(columns), squeeze=False)
    for metric, row in zip(PATHS, grid):
        draw_row(row, group, columns, looks, metric, data)
        for axes in row:
            finish_frequency(axes, frequencies(group), metric == PATHS[-1])
    part.supxlabel(r"bridge frequency $\epsilon$", fontsize=8)
    for column, axes in zip(columns, grid[0]):
        axes.set_title(column.title, fontsize=7)


def shelves(laws, width):
    """Lists of laws that stand side by side, at most `width` columns together; laws: {data: columns}."""
    result, left = [], 0
    for data, columns in laws.items():
        if not result or len(columns) > left:
            result.append([])
            left = width
        result[-1].append(data)
        left -= len(columns)
    return result


def summary(all_points):
    """Connectivity and cross edges of every data law, by denoiser."""
    shown = main_points(all_points)
    looks, groups = Looks(shown), {}
    for data in sorted({data_of(point) for point in shown}):
        groups[data] = [point for point in shown if data_of(point) == data]
    laws = {data: columns_of(group) for data, group in groups.items()}
    width = max(2, max(len(columns) for columns in laws.values()))
    rows = shelves(laws, width)
    across = max(style.COLUMN, min(style.PAGE, 0.9 + 1.9 * width))
    entries = 4 if across > 6 else 3  # of the legend in a line
    heights = [0.2 * ((len(looks.losses) + 1 + entries) // entries) + 0.05] + [2.7] * len(rows)
    figure = style.plt.figure(figsize=(across, sum(heights)))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights)
    legend(parts[0].subplots(), looks, shown, entries)
    for row, part in zip(rows, parts[1:]):
        shares = [len(laws[data]) for data in row]
        rest = [width - sum(shares)] if sum(shares) < width else []
        for data, one in zip(row, np.atleast_1d(part.subfigures(1, len(shares) + len(rest), width_ratios=shares + rest))):
            draw_law(one, data, groups[data], laws[data], looks)
    return figure


# --- along training ---

def recorded_of(all_points, name, series=False):
    """[(point, row)] of recorded trials with this array or series."""
    result = []
    for point, row in points.recorded(all_points):
        held = point.run.series_names if series else point.run.array_names
        read = point.run.series if series else point.run.array
        if name in held and read(name, row) is not None:
            result.append((point, row))
    return result


def usual(found):
    """The trials at the frequency nearest to the source's, one a (data, column, loss)."""
    result = {}
    for point, row in sorted(found, key=lambda one: abs(np.nan_to_num(frequency(one[0])) - USUAL)):
        result.setdefault((data_of(point), column_of(point), loss_of(point)), (point, row))
    return result


def pair_of_losses(by_loss):
    """The standard loss, or the weakest, and the strongest of the others, the resistance's before the classes'."""
    losses = sorted(by_loss, key=lambda loss: (loss.kind != "standard", loss.kind == "class_weighted", loss.kind == "graph_weighted",
                                               -loss.strength))
    return losses[:2]


LINES = ("-", "--")


def draw_shares(axes, trials):
    """Share of every class in the squared gradient; second loss dashed."""
    for line, (point, row) in zip(LINES, trials):
        step, share = point.run.series("step", row), point.run.series("grad_share", row)
        for k, (_, shade) in enumerate(CLASSES):
            axes.plot(step, positive(share[:, k]), line, color=shade, linewidth=1.0)
    axes.set_yscale("log")
    axes.set_ylim(1e-4, 1.6)


def positive(x):
    return np.where(np.asarray(x) > 0, x, np.nan)


def draw_by(axes, trials, name):
    """Share of the bridge in parts of the parameters, or in quarters of t: dark to light."""
    for line, (point, row) in zip(LINES, trials):
        step, share = point.run.series("step", row), point.run.series(name, row)[:, BRIDGE_CLASS]
        for k in range(share.shape[1]):
            axes.plot(step, positive(share[:, k]), line, color=style.sequence(k, share.shape[1]), linewidth=0.9)
    axes.set_yscale("log")
    axes.set_ylim(1e-4, 1.6)


def draw_learned(axes, trials):
    """phat of an edge at t = T for every class, and the exact value of the bridge's pair in fixed order."""
    for line, (point, row) in zip(LINES, trials):
        step, probe = point.run.series("step", row), point.run.series("probe", row)
        for k, (_, shade) in enumerate(CLASSES):
            axes.plot(step, probe[:, k, 0], line, color=shade, linewidth=1.0)
        exact = point.run.metrics["probe_bridge_exact"][row] if "probe_bridge_exact" in point.run.metrics else np.nan
        if np.isfinite(exact):
            axes.axhline(exact, color="black", linestyle=line, linewidth=0.8, zorder=1)
    axes.set_ylim(-0.04, 1.04)


TRAINING = (("share in the gradient", draw_shares),
            ("the bridge's by layer", lambda axes, trials: draw_by(axes, trials, "grad_share_layer")),
            ("the bridge's by time", lambda axes, trials: draw_by(axes, trials, "grad_share_time")),
            (r"$\hat{p}$ at $t = T$", draw_learned))


def legend_training(axes, losses):
    axes.axis("off")
    for name, shade in CLASSES:
        axes.plot([], [], color=shade, label=name)
    for line, loss in zip(LINES, losses):
        axes.plot([], [], line, color="black", linewidth=1.0, label=loss)
    axes.plot([], [], color=style.sequence(0, 2), label="first layer, small $t$")
    axes.plot([], [], color=style.sequence(1, 2), label="last layer, large $t$")
    axes.legend(loc="center", ncol=4, columnspacing=1.2, handlelength=1.8, borderaxespad=0).set_in_layout(False)


def training(all_points):
    """Rows: what is followed; columns: the denoisers of the data law with most of them."""
    found = usual(recorded_of(all_points, "grad_share", series=True))
    if not found:
        return None
    laws = sorted({key[0] for key in found}, key=lambda data: (-len({key[1] for key in found if key[0] == data}), data))
    data = laws[0]
    columns = sorted({key[1] for key in found if key[0] == data}, key=column_order)[:COLUMNS_MAX]
    chosen = {}
    for column in columns:
        by_loss = {key[2]: trial for key, trial in found.items() if key[:2] == (data, column)}
        chosen[column] = [(loss, by_loss[loss]) for loss in pair_of_losses(by_loss)]
    seconds = sorted({pair[1][0].label for pair in chosen.values() if len(pair) > 1})
    heights = [0.45] + [1.45] * len(TRAINING)
    figure = style.plt.figure(figsize=(max(4.6, min(style.PAGE, 0.9 + 1.6 * len(columns))), sum(heights) + 0.4))
    top, body = figure.subfigures(2, 1, height_ratios=[heights[0], sum(heights[1:]) + 0.4])
    firsts = sorted({pair[0][0].label for pair in chosen.values()})
    legend_training(top.subplots(), [" / ".join(firsts), " / ".join(seconds)] if seconds else [" / ".join(firsts)])
    grid = body.subplots(len(TRAINING), len(columns), squeeze=False, sharex="col", sharey="row")
    point = chosen[columns[0]][0][1][0]
    body.suptitle(data_words(data) + rf", $\epsilon$ = {frequency(point):g}", fontsize=8)
    for column, axes in zip(columns, grid[0]):
        axes.set_title(column.title, fontsize=7)
    for (label, draw), row in zip(TRAINING, grid):
        for column, axes in zip(columns, row):
            draw(axes, [trial for _, trial in chosen[column]])
            axes.grid(axis="y", color=style.PALE, linewidth=0.6, zorder=0)
        row[0].set_ylabel(label)
    for axes in grid[-1]:
        axes.set_xlabel("training step")
        axes.set_xlim(0, None)
        axes.xaxis.set_major_locator(style.MaxNLocator(3, integer=True))
    return figure


# --- generated graphs ---

def known_cluster(point, row):
    run = point.run
    return run.array("cluster", row) if "cluster" in run.array_names else None


def samples(all_points):
    """A row a trial: its first graphs."""
    found = usual(recorded_of(all_points, "samples"))
    rows = sorted(found, key=lambda key: (key[0], column_order(key[1]), LOSSES.index(key[2].kind), key[2].strength))
    if len(rows) > ROWS_MAX:
        rows = [key for key in rows if key[2] in pair_of_losses({other[2] for other in rows if other[:2] == key[:2]})][:ROWS_MAX]
    if not rows:
        return None
    figure = style.plt.figure(figsize=(style.PAGE, 0.58 * len(rows) + 0.1))
    grid = figure.subplots(len(rows), GRAPHS_PER_ROW + 1, squeeze=False, gridspec_kw={"width_ratios": [1.5] + [1.0] * GRAPHS_PER_ROW})
    for key, row_axes in zip(rows, grid):
        point, row = found[key]
        row_axes[0].axis("off")
        label = "\n".join([data_words(key[0]), key[1].title.replace("\n", ", "), key[2].label, rf"$\epsilon$ = {frequency(point):g}"])
        row_axes[0].text(0, 0.5, label, transform=row_axes[0].transAxes, va="center", fontsize=5.5, linespacing=1.35)
        pairs, size = point.run.array("samples", row), point.run.array("samples_size", row)
        graphs.draw_grid(row_axes[1:], size, pairs, known_cluster(point, row))
    return figure


# --- the reverse process ---

def with_and_without(strip, site):
    """Numbers of two graphs: one that ends with the bridge, or with most parts joined, and one that ends without."""
    last = strip[:, -1]
    if site is not None:
        has = last[:, site[0]] > 0
    else:
        n = graphs.vertices_of(strip.shape[2])
        has = np.array([graphs.parts_of(n, graphs.edges_of(n, pairs))[0] == 1 for pairs in last])
    return [int(np.flatnonzero(group)[0]) for group in (has, ~has) if group.any()]


def shots_of(T):
    """t of the pictures: T to 0, denser at the end."""
    return np.unique(np.round(T * np.linspace(1, 0, SHOTS) ** 1.4).astype(int))[::-1]


def draw_strip(row, strip, site, known):
    """One graph at some t; vertices stay where they are at the end."""
    T, n = len(strip) - 1, graphs.vertices_of(strip.shape[1])
    end = graphs.edges_of(n, strip[-1])
    cluster = graphs.clusters_of(n, end, known)
    pair = graphs.ends(n)[site[0]] if site is not None else None
    at = graphs.layout(cluster, end, pair)
    for t, axes in zip(shots_of(T), row):
        graphs.draw(axes, at, graphs.edges_of(n, strip[T - t]), cluster, width=0.75, site=pair)
    for axes in row[len(shots_of(T)):]:
        axes.axis("off")


def draw_trace(axes, point, row):
    """Of many samples: how many are connected at t, how many have the bridge, and where those without it had it last."""
    run = point.run
    trace = {name: run.array(name, row) for name in ("trace_connected", "trace_bridge", "lost_at") if name in run.array_names}
    T = len(trace["trace_connected"]) - 1
    t = np.arange(T, -1, -1)
    axes.plot(t, 100 * trace["trace_connected"], color="#0072B2", label="connected")
    if trace.get("trace_bridge") is not None:
        axes.plot(t, 100 * trace["trace_bridge"], color=style.BRIDGE, label="have the bridge")
    if trace.get("lost_at") is not None and trace["lost_at"].sum():
        lost = 100 * trace["lost_at"] / trace["lost_at"].sum()
        axes.bar(np.arange(1, T + 1), lost[1:], width=0.9, color=style.BRIDGE, alpha=0.3, linewidth=0, label="had it last at $t$")
    axes.set_ylabel("of the samples (%)")
    axes.set_ylim(-3, 104)


def draw_posterior(axes, point, row):
    """p(bridge | G_t) with the bridge present and absent in the clean graph; exact in black."""
    run = point.run
    for name, shade in (("posterior_bridge", None), ("posterior_bridge_exact", "black")):
        value_of = run.array(name, row) if name in run.array_names else None
        if value_of is None or not np.isfinite(value_of).any():
            continue
        t = np.arange(1, len(value_of) + 1)
        for k, (line, color) in enumerate((("-", style.BRIDGE), ("--", "#7F7F7F"))):
            axes.plot(t, value_of[:, k], line, color=shade or color, linewidth=0.8 if shade else 1.2, zorder=3 if shade else 2)
    axes.set_ylabel(r"$\hat{p}$(bridge | $G_t$)")
    axes.set_ylim(-0.04, 1.04)


def legend_reverse(left, right):
    right_lines = [("-", style.BRIDGE, "bridge in $G_0$"), ("--", "#7F7F7F", "none in $G_0$")]
    if any(line.get_color() == "black" for line in right.lines):
        right_lines.append(("-", "black", "exact"))
    for axes, lines in ((left, ()), (right, right_lines)):
        for line, shade, label in lines:
            axes.plot([], [], line, color=shade, label=label)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=3, handlelength=1.4, columnspacing=1.2, borderaxespad=0.1)


@dataclass
class Chain:
    """What one trial recorded of its reverse chains: strip (graphs, T + 1, pairs), sites of bridges, clusters, numbers of those shown."""
    point: points.Point
    row: int
    strip: np.ndarray
    site: np.ndarray
    known: np.ndarray
    shown: list


def trial_of(trial):
    point, row = trial
    strip = point.run.array("strip", row)
    site = point.run.array("site", row) if "site" in point.run.array_names else None
    return Chain(point, row, strip, site, known_cluster(point, row), with_and_without(strip, site))


def draw_reverse(part, height, chain):
    """Strips above, below them what many samples do."""
    above, below = part.subfigures(2, 1, height_ratios=[height - 2.0, 2.0])
    grid = above.subplots(len(chain.shown), SHOTS, squeeze=False)
    for number, axes in zip(chain.shown, grid):
        draw_strip(axes, chain.strip[number], chain.site, chain.known)
    T = chain.strip.shape[1] - 1
    for t, axes in zip(shots_of(T), grid[0]):
        axes.set_title(f"$t$ = {t}", fontsize=7, pad=2)
    left, right = below.subplots(1, 2)
    draw_trace(left, chain.point, chain.row)
    draw_posterior(right, chain.point, chain.row)
    legend_reverse(left, right)
    for axes in (left, right):
        axes.set_xlabel("step $t$ of the reverse process")
        axes.set_xlim(T + 0.5, -0.5)
        axes.xaxis.set_major_locator(style.MaxNLocator(6, integer=True))


def reverse(all_points):
    """Of the most complex network with two losses, the standard one's first: two strips, and below them what many samples do."""
    found = usual(recorded_of(all_points, "strip"))
    if not found:
        return None
    groups = {}
    for key in found:
        groups.setdefault(key[:2], {})[key[2]] = key
    place = max(groups, key=lambda one: (min(2, len(groups[one])), one[1].posterior == "network", column_order(one[1])[1], one[0]))
    chosen = [groups[place][loss] for loss in pair_of_losses(groups[place])]
    heights = [2.6 + 0.55 * len(trial_of(found[key]).shown) for key in chosen]
    figure = style.plt.figure(figsize=(style.PAGE, sum(heights)))
    for key, height, part in zip(chosen, heights, np.atleast_1d(figure.subfigures(len(chosen), 1, height_ratios=heights))):
        part.suptitle(", ".join([data_words(key[0]), key[1].title.replace("\n", ", "), key[2].label,
                                 rf"$\epsilon$ = {frequency(found[key][0]):g}"]), fontsize=8)
        draw_reverse(part, height, trial_of(found[key]))
    return figure


FIGURES = (("", summary), ("_training", training), ("_samples", samples), ("_reverse", reverse))


def main():
    path, prefix = style.arguments("graph_diffusion", __doc__)
    all_points = points.read(path, "graph_diffusion")
    for suffix, make in FIGURES:
        figure = make(all_points)
        if figure is not None:
            style.save(figure, prefix + suffix)


if __name__ == "__main__":
    main()
