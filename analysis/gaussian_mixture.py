# SPDX-License-Identifier: BSD-2-Clause
"""The figures of experiment `gaussian_mixture`, after Klepper, "Towards understanding Diffusion Models (on Graphs)", 2023.
gaussian_mixture: what the schedules leave of the signal; samples of every task inside and outside the modes' 99.99 % ellipses, with the
network and with the exact posterior mean; distances and biases with 95 % intervals over seeds, the exact posterior's as black ticks; errors
of the learned field against t. gaussian_mixture_trajectories: where particles from a grid go. gaussian_mixture_field: learned E[x_0|x_t]
beside the exact one. gaussian_mixture_sweep: the same numbers against whatever else is swept, such as width and depth. What a file does not
hold is left out."""
from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Ellipse
from scipy import stats

import points
import style

TASKS = ("noise", "single_step", "whole_step", "score")
SHADES = dict(zip(TASKS, style.SERIES))
SCHEDULES = ("cosine", "linear")
LINES = {"cosine": "-", "linear": "--"}
SHAPES = {"cosine": "o", "linear": "s"}
NOISES = ("random", "deterministic")
# Left half of a marker: noise in training, right half: in sampling; filled: random.
FILLINGS = {("random", "random"): "full", ("random", "deterministic"): "left", ("deterministic", "random"): "right",
            ("deterministic", "deterministic"): "none"}
KNOWN = ("posterior", "schedule", "task", "noise", "sampler_noise")
METRICS = (("energy_distance", "energy distance", 1), ("outside", "outside (%)", 100),
           ("variance_ratio", "variance ratio", 1), ("information_grid", "information (bit)", 1))
FIELDS = (r"error of $E[x_0|x_t]$", r"error of $\varepsilon$", "error of the score")
LOST = 0.01            # signal-to-noise ratio below which a step is lost
INSIDE = 0.9999
CLOUD_MAX = 4000       # particles of a cloud that are drawn
SIDES = style.colors.LinearSegmentedColormap.from_list("sides", ["#0072B2", "#9CC9E3", "#D9D9D9", "#F2B48A", "#D55E00"])


def words_of(task):
    return task.replace("_", " ")


# --- what a file holds ---

@dataclass
class Mixture:
    """The modes: means and standard deviations of the axes, (modes, d), and the fixed direction from the first to the last of them."""
    mean: np.ndarray
    deviation: np.ndarray

    @property
    def radius(self):
        """Of the 99.99 % ellipse, in standard deviations."""
        return float(np.sqrt(stats.chi2.ppf(INSIDE, self.mean.shape[1])))

    def along(self, x):
        """x (2, n) along the line through the first and the last mean: -1 at the first, 1 at the last."""
        half = (self.mean[-1] - self.mean[0])[:2] / 2
        middle = (self.mean[-1] + self.mean[0])[:2] / 2
        return (half @ (x - middle[:, None])) / max(half @ half, 1e-300)

    def inside(self, x):
        """Whether each of x (d, n) lies in some ellipse."""
        square = ((x.T[:, None] - self.mean) / self.deviation) ** 2
        return (square.sum(axis=2) <= self.radius**2).any(axis=1)


def mixture_of(point):
    d = int(point.values["dimension"])
    return Mixture(np.reshape(point.values["means"], (-1, d)), np.sqrt(np.reshape(point.values["variances"], (-1, d))))


def value(point, name):
    """A parameter, or None where the point ignores it."""
    return point.values.get(name)


def extras(all_points):
    """What is swept besides the experiment's own five axes."""
    return [name for name in all_points[0].run.axes if name not in KNOWN and len({value(point, name) for point in all_points} - {None}) > 1]


def middle(all_points):
    """The points at the middle value of every extra axis, and these values in words."""
    words = []
    for name in extras(all_points):
        values = sorted({value(point, name) for point in all_points} - {None})
        chosen = values[(len(values) - 1) // 2]
        all_points = [point for point in all_points if value(point, name) in (None, chosen)]
        words.append(f"{name.replace('_', ' ')} {chosen}")
    return all_points, words


def present(all_points, name, order):
    """The values of a parameter that occur, in this order."""
    found = {value(point, name) for point in all_points}
    return [one for one in order if one in found]


def key(point):
    """The nearer to the source's setting, the smaller."""
    return (SCHEDULES.index(point.values["schedule"]), value(point, "noise") == "deterministic",
            point.values["sampler_noise"] == "deterministic")


def trials(all_points, array):
    """{(task, posterior, schedule): (point, row)}: of recorded trials with this array the one nearest to the source's setting."""
    result = {}
    for point, row in points.recorded(all_points):
        if array not in point.run.array_names or point.run.array(array, row) is None:
            continue
        where = point.values["task"], point.values["posterior"], point.values["schedule"]
        if where not in result or key(point) < key(result[where][0]):
            result[where] = point, row
    return result


def of_task(found, task, posterior):
    """Of the cosine schedule where there is one."""
    return next((found[task, posterior, schedule] for schedule in SCHEDULES if (task, posterior, schedule) in found), None)


# --- schedules ---

def signal(schedule, steps):
    """abar_t, t = 0..T, in closed form: Ho et al. 2020, scaled to T steps; Nichol and Dhariwal 2021."""
    if schedule == "linear":
        beta = np.minimum(np.linspace(1e-4, 0.02, steps) * 1000 / steps, 0.999)
    else:
        f = np.cos(np.pi / 2 * (np.arange(steps + 1) / steps + 0.008) / 1.008) ** 2
        beta = np.minimum(1 - f[1:] / f[:-1], 0.999)
    return np.concatenate([[1.0], np.cumprod(1 - beta)])


def draw_schedules(panels, all_points):
    """abar_t and the signal-to-noise ratio: the file's in colour, the closed form in black."""
    left, right = panels
    found = trials(all_points, "signal")
    for i, schedule in enumerate(present(all_points, "schedule", SCHEDULES)):
        shade = style.SERIES[4 + i]
        point = next(point for point in all_points if point.values["schedule"] == schedule)
        exact = signal(schedule, int(point.values["diffusion_steps"]))
        t = np.arange(1, len(exact))
        recorded = next((found[at] for at in found if at[2] == schedule), None)
        abar = recorded[0].run.array("signal", recorded[1]) if recorded else exact
        ratio, lost = abar[1:] / (1 - abar[1:]), np.flatnonzero(abar[1:] < LOST * (1 - abar[1:]))
        left.plot(np.arange(len(abar)), abar, color=shade, linewidth=3, alpha=0.8, label=schedule)
        left.plot(np.arange(len(exact)), exact, color="black", linewidth=0.8, label="closed form" if i == 0 else None)
        right.plot(t, ratio, color=shade, linewidth=3, alpha=0.8)
        right.plot(t, exact[1:] / (1 - exact[1:]), color="black", linewidth=0.8)
        if len(lost):
            right.fill_between(t[lost], 1e-9, LOST, color=shade, alpha=0.3, linewidth=0, zorder=0)
            right.annotate(f"{schedule}: {len(lost) / len(t):.0%} of the steps lost", (0.03, 0.06 + 0.11 * i), xycoords="axes fraction",
                           color=style.plt.matplotlib.colors.to_rgba(shade), fontsize=7, fontweight="bold")
    right.axhline(LOST, color="black", linewidth=0.7, linestyle=":")
    right.set_yscale("log")
    right.set_ylim(1e-6, 3e4)
    left.set_ylabel(r"signal $\bar\alpha_t$")
    right.set_ylabel(r"$\bar\alpha_t / (1 - \bar\alpha_t)$")
    left.legend(loc="upper right", handlelength=1.6)
    for panel in panels:
        panel.set_xlabel("step $t$")
        panel.set_xlim(0, None)


# --- clouds ---

def ellipses(axes, mixture, **look):
    for mean, deviation in zip(mixture.mean, mixture.deviation):
        size = 2 * mixture.radius * deviation[:2]
        axes.add_patch(Ellipse(mean[:2], *size, fill=False, edgecolor="black", linewidth=0.8, zorder=4, **look))


def square(axes, mixture, half):
    center = (mixture.mean.max(axis=0) + mixture.mean.min(axis=0))[:2] / 2
    axes.set_xlim(center[0] - half, center[0] + half)
    axes.set_ylim(center[1] - half, center[1] + half)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])


def half_of(mixture):
    """Half the side of the square that shows all modes and what is about them."""
    reach = np.abs(mixture.mean - (mixture.mean.max(axis=0) + mixture.mean.min(axis=0)) / 2) + 1.6 * mixture.radius * mixture.deviation
    return 1.05 * float(reach[:, :2].max())


def percent(number):
    return f"{number:.0f} %" if number >= 10 else f"{number:.2g} %"


def draw_cloud(axes, found, shade):
    point, row = found
    mixture, x = mixture_of(point), point.run.array("trajectory", row)[-1]
    inside = mixture.inside(x)
    some = np.arange(min(CLOUD_MAX, x.shape[1]))
    axes.plot(*x[:2, some], ".", color=shade, markersize=1.6, markeredgewidth=0, alpha=0.6, rasterized=True)
    ellipses(axes, mixture)
    square(axes, mixture, half_of(mixture))
    axes.text(0.97, 0.03, percent(100 * (~inside).mean()) + " outside", transform=axes.transAxes, ha="right", fontsize=6)


def draw_clouds(grid, clouds, tasks, posteriors):
    """A row a posterior, a column a task."""
    for posterior, row in zip(posteriors, grid):
        row[0].set_ylabel({"network": "network", "exact": "exact posterior"}[posterior])
        for task, panel in zip(tasks, row):
            found = of_task(clouds, task, posterior)
            if found is not None:
                draw_cloud(panel, found, SHADES[task] if posterior == "network" else "#555555")
            else:
                panel.set_axis_off()


# --- distances and biases ---

def places(some_points):
    """{point number: x}: tasks 1 apart, what else is swept side by side."""
    tasks, kinds = present(some_points, "task", TASKS), sorted({key(point) for point in some_points})
    step = 0.8 / max(1, len(kinds))
    return {point.number: tasks.index(point.values["task"]) + step * (kinds.index(key(point)) - (len(kinds) - 1) / 2)
            for point in some_points}, step


def limit_y(axes, means):
    """By the means and 0: with few seeds an interval may be longer than all that is to be seen."""
    means = np.array([*means, 0.0])
    low, high = np.nanmin(means), np.nanmax(means)
    own, room = axes.get_ylim(), high - low
    if room > 0:
        axes.set_ylim(max(own[0], low - 0.15 * room), min(own[1], high + 0.6 * room))


def same(one, other, names):
    return all(one.values[name] == other.values[name] for name in names)


def draw_metric(axes, all_points, name, label, scale):
    """Networks in their task's colour, the exact posterior in black over all places of its schedule and sampler."""
    networks = [point for point in all_points if point.values["posterior"] == "network"] or all_points
    x, step = places(networks)
    values = []
    for point in networks:
        cell, shade = point.cell(name), SHADES[point.values["task"]]
        if not np.isfinite(cell.mean):
            continue
        low, high = (scale * end if np.isfinite(end) else scale * cell.mean for end in (cell.low, cell.high))
        bars = style.measured(axes, [x[point.number]], [scale * cell.mean], [low], [high], shade, SHAPES[point.values["schedule"]], size=4)
        bars[0].set(fillstyle=FILLINGS[value(point, "noise") or "random", point.values["sampler_noise"]], markerfacecoloralt="white",
                    markeredgewidth=0.8)
        values.append(scale * cell.mean)
    for point in all_points:
        if point.values["posterior"] == "exact" and point not in networks and np.isfinite(point.cell(name).mean):
            mine = [x[other.number] for other in networks if same(other, point, ("task", "schedule", "sampler_noise"))]
            style.exact_ticks(axes, mine, [scale * point.cell(name).mean] * len(mine), step, label=None)
            values.append(scale * point.cell(name).mean)
    axes.set_xticks(range(len(present(networks, "task", TASKS))), [words_of(task) for task in present(networks, "task", TASKS)])
    axes.set_xlim(-0.5, len(present(networks, "task", TASKS)) - 0.5)
    axes.tick_params(axis="x", length=0)
    limit_y(axes, values)
    for i in range(1, len(present(networks, "task", TASKS))):
        axes.axvline(i - 0.5, color=style.PALE, linewidth=0.8, zorder=0)
    axes.set_ylabel(label)
    axes.axhline(0, color="#BBBBBB", linewidth=0.6, zorder=0)
    if name == "variance_ratio":
        axes.axhline(1, color="black", linewidth=0.7, linestyle=":", zorder=1)


def measured(all_points):
    """The metrics that have a value: there is no grid but in the plane, and no variance where no sample is inside."""
    return [metric for metric in METRICS if any(np.isfinite(point.cell(metric[0]).mean) for point in all_points)]


def legend_metrics(axes, all_points):
    """Shape: schedule; halves: noise of training and of sampling."""
    axes.axis("off")
    grey = {"color": "#7F7F7F", "linestyle": "none", "markersize": 4.5, "markeredgewidth": 0.8, "markerfacecoloralt": "white"}
    for schedule in present(all_points, "schedule", SCHEDULES):
        axes.plot([], [], marker=SHAPES[schedule], label=schedule, **grey)
    kinds = sorted({(NOISES.index(value(point, "noise")), NOISES.index(point.values["sampler_noise"])) for point in all_points
                    if point.values["posterior"] == "network" and value(point, "noise")})
    for kind in kinds:
        both = tuple(NOISES[i] for i in kind)
        words = f"{both[0]} noise" if len(kinds) == 1 else " / ".join(both).replace("deterministic", "determ.")
        axes.plot([], [], marker="o", fillstyle=FILLINGS[both], label=words, **grey)
    if any(point.values["posterior"] == "exact" for point in all_points):
        axes.plot([], [], color="black", linewidth=1.6, label="exact posterior")
    axes.legend(loc="center", ncol=7, columnspacing=1.2, handlelength=1.2, handletextpad=0.3, borderaxespad=0,
                title="noise in training / in sampling" if len(kinds) > 1 else None, title_fontsize=7).set_in_layout(False)


# --- errors of the field ---

def draw_errors(axes, found, column):
    """Root mean squares over p_t of one recorded trial a task and schedule; the exact quantity's own norm in black."""
    normed = set()
    for (task, _, schedule), (point, row) in sorted(found.items(), key=lambda item: TASKS.index(item[0][0])):
        error = point.run.array("field_error", row)
        t = np.arange(1, len(error) + 1)
        axes.plot(t, error[:, column], LINES[schedule], color=SHADES[task], linewidth=1.2 if schedule == "cosine" else 0.9)
        if schedule not in normed:
            axes.plot(t, error[:, 3 + column], LINES[schedule], color="black", linewidth=0.8, zorder=1)
            normed.add(schedule)
    axes.set_yscale("log")
    axes.set_xlabel("step $t$")
    axes.set_xlim(0, None)
    axes.set_ylabel(FIELDS[column])


def legend_errors(axes, found):
    axes.axis("off")
    for task in TASKS:
        if any(at[0] == task for at in found):
            axes.plot([], [], color=SHADES[task], label=words_of(task))
    for schedule in SCHEDULES:
        if any(at[2] == schedule for at in found):
            axes.plot([], [], LINES[schedule], color="#7F7F7F", label=schedule)
    axes.plot([], [], color="black", linewidth=0.8, label="norm of the exact one")
    axes.legend(loc="center", ncol=7, columnspacing=1.2, handlelength=1.6, borderaxespad=0).set_in_layout(False)


# --- particles from the grid ---

def drawn_in_turn(n):
    """All n in an order in which neither side covers the other: steps of the golden section."""
    return np.argsort(np.modf(np.arange(n) * 0.6180339887498949)[0], kind="stable")


def draw_particles(axes, mixture, x, side, half):
    order = drawn_in_turn(x.shape[1])
    axes.scatter(*x[:, order], c=side[order], cmap=SIDES, vmin=-1.5, vmax=1.5, s=0.7, linewidths=0, rasterized=True)
    ellipses(axes, mixture, alpha=0.8)
    square(axes, mixture, half)


def trajectories(all_points):
    """A row a task: the particles at the snapshots, in the colour of where they started; right: where the exact posterior takes them."""
    shown, words = middle(all_points)
    found = trials(shown, "trajectory_grid")
    tasks = [task for task in TASKS if of_task(found, task, "network") or of_task(found, task, "exact")]
    if not tasks:
        return None
    times = [int(t) for t in all_points[0].run.execution["snapshots"]]
    both = all(any(at[1] == posterior for at in found) for posterior in ("network", "exact"))
    columns = len(times) + both
    side = style.PAGE / max(columns, 4)
    figure, grid = style.plt.subplots(len(tasks), columns, figsize=(side * columns, side * len(tasks) + 0.35), squeeze=False)
    figure.suptitle(", ".join(["colour: where a particle started, along the line through the modes"] + words), fontsize=8, color="#444444")
    for task, row in zip(tasks, grid):
        for posterior, panels in (("network", row[:len(times)]), ("exact", row[len(times) if both else 0:])):
            one = of_task(found, task, posterior)
            if one is None:
                continue
            point, place = one
            mixture, start, shots = mixture_of(point), point.run.array("start_grid", place), point.run.array("trajectory_grid", place)
            picked = shots[-len(panels):]
            for x, panel in zip(picked, panels):
                draw_particles(panel, mixture, x, mixture.along(start), max(half_of(mixture), point.values["grid_half"]))
            bits = f"{point.run.metrics['information_grid'][place]:.2g} bit"
            panels[-1].text(0.97, 0.03, bits, transform=panels[-1].transAxes, ha="right", fontsize=6)
        row[0].set_ylabel(words_of(task))
    for t, panel in zip(times, grid[0]):
        panel.set_title(f"$t$ = {t}")
    if both:
        grid[0][-1].set_title(f"exact, $t$ = {times[-1]}")
    return figure


# --- the field ---

def draw_field(axes, mixture, field, half, every=5):
    """x (2, n) -> E[x_0|x_t = x] (2, n) on a grid: in colour how far it lies towards which mode, arrows from x towards it."""
    side = int(round(np.sqrt(field.shape[1])))
    shown = axes.imshow(mixture.along(field).reshape(side, side), origin="lower", extent=(-half, half, -half, half), cmap=SIDES, vmin=-1.5,
                        vmax=1.5, interpolation="nearest")
    at = np.linspace(-half, half, side)
    x = np.stack(np.meshgrid(at, at)).reshape(2, -1)
    some = (np.arange(side)[:, None] % every == every // 2) & (np.arange(side) % every == every // 2)
    arrow = (field - x)[:, some.ravel()]
    axes.quiver(*x[:, some.ravel()], *(arrow / np.maximum(np.hypot(*arrow), 1e-12)), color="black", scale=14, width=0.008, headwidth=4)
    bare(axes)
    return shown


def draw_difference(axes, difference, half):
    side = int(round(np.sqrt(difference.shape[1])))
    shown = axes.imshow(np.hypot(*difference).reshape(side, side), origin="lower", extent=(-half, half, -half, half), cmap=style.DEEP,
                        norm=style.colors.LogNorm(1e-2, 1e2), interpolation="nearest")
    bare(axes)
    return shown


def bare(axes):
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def field(all_points):
    """Rows: the exact field, then of every task what its network learned and how far it is off."""
    shown, words = middle(all_points)
    found = trials(shown, "field_data")
    tasks = [task for task in TASKS if of_task(found, task, "network")]
    if not tasks:
        return None
    point, place = of_task(found, tasks[0], "network")
    times = [max(1, int(t)) for t in point.run.execution["snapshots"]]
    mixture, half, exact = mixture_of(point), point.values["grid_half"], point.run.array("field_exact", place)
    size = 0.93
    figure, grid = style.plt.subplots(1 + 2 * len(tasks), len(times), squeeze=False,
                                      figsize=(max(style.COLUMN, size * len(times) + 1.2), size * (1 + 2 * len(tasks)) + 0.3))
    if words:
        figure.suptitle(", ".join(words), fontsize=8, color="#444444")
    for i, t in enumerate(times):
        side = draw_field(grid[0][i], mixture, exact[i], half)
        grid[0][i].set_title(f"$t$ = {t}")
    grid[0][0].set_ylabel("exact")
    for k, task in enumerate(tasks):
        point, place = of_task(found, task, "network")
        learned = point.run.array("field_data", place)
        for i in range(len(times)):
            draw_field(grid[1 + 2 * k][i], mixture, learned[i], half)
            error = draw_difference(grid[2 + 2 * k][i], learned[i] - exact[i], half)
        grid[1 + 2 * k][0].set_ylabel(words_of(task))
        grid[2 + 2 * k][0].set_ylabel("error")
    split = len(grid) // 2
    figure.colorbar(side, ax=grid[:split, :], shrink=0.7, label=r"$E[x_0|x_t]$, modes at $\pm$1", extend="both")
    figure.colorbar(error, ax=grid[split:, :], shrink=0.7, label="distance in the plane", extend="both")
    return figure


# --- whatever else is swept ---

def sweep(all_points):
    """Rows: tasks; columns: numbers; x: the longest of the other axes, colours: the next."""
    names = [name for name in extras(all_points) if not any(isinstance(value(point, name), str) for point in all_points)]
    names.sort(key=lambda name: -len({value(point, name) for point in all_points}))
    if not names:
        return None
    shown = [point for point in all_points if value(point, names[0]) is not None]
    chosen = min(key(point) for point in shown)
    shown = [point for point in shown if key(point) == chosen]
    for name in names[2:]:
        values = sorted({value(point, name) for point in shown})
        shown = [point for point in shown if value(point, name) == values[(len(values) - 1) // 2]]
    tasks = present(shown, "task", TASKS)
    metrics = measured(shown)
    figure = style.plt.figure(figsize=(style.PAGE, 0.25 + 1.55 * len(tasks)))
    top, body = figure.subfigures(2, 1, height_ratios=[0.25, 1.55 * len(tasks)])
    grid = body.subplots(len(tasks), len(metrics), squeeze=False, sharex=True, sharey="col")
    second = sorted({value(point, names[1]) for point in shown}) if len(names) > 1 else [None]
    letters = Letters()
    for task, row in zip(tasks, grid):
        for (name, label, scale), panel in zip(metrics, row):
            for i, of_second in enumerate(second):
                draw_swept(panel, [point for point in shown if point.values["task"] == task and (
                    of_second is None or value(point, names[1]) == of_second)], names[0], name, scale, style.sequence(i, len(second)))
            panel.axhline(1 if name == "variance_ratio" else 0, color="#BBBBBB", linewidth=0.6, zorder=0)
            letters.title(panel, label if task == tasks[0] else "")
            finish_swept(panel, sorted({value(point, names[0]) for point in shown}))
            if task == tasks[-1]:
                panel.set_xlabel(names[0].replace("_", " "))
        row[0].set_ylabel(words_of(task), fontweight="bold")
    for (name, _, scale), panel in zip(metrics, grid[0]):
        finish_y(panel, [scale * point.cell(name).mean for point in shown])
    legend_swept(top.subplots(), names, second, {point.values["posterior"] for point in shown})
    return figure


def legend_swept(axes, names, second, posteriors):
    axes.axis("off")
    for i, one in enumerate(second if "network" in posteriors else []):
        words = "network" if one is None else f"{names[1].replace('_', ' ')} {one:g}"
        axes.plot([], [], "o-", color=style.sequence(i, len(second)), markersize=3.5, linewidth=0.8, label=words)
    if "exact" in posteriors:
        axes.plot([], [], color="black", linewidth=1.6, label="exact posterior")
    axes.legend(loc="center", ncol=8, borderaxespad=0).set_in_layout(False)


def draw_swept(axes, mine, name, metric, scale, shade):
    """Networks joined by lines; the exact posterior as black ticks."""
    for posterior in ("network", "exact"):
        some = sorted((point for point in mine if point.values["posterior"] == posterior), key=lambda point: value(point, name))
        some = [point for point in some if np.isfinite(point.cell(metric).mean)]
        cells = [point.cell(metric) for point in some]
        x = [value(point, name) for point in some]
        mean, low, high = (scale * np.array([getattr(cell, what) for cell in cells]) for what in ("mean", "low", "high"))
        if posterior == "exact":
            axes.plot(x, mean, "_", color="black", markersize=7, markeredgewidth=1.6, zorder=5)
        elif some:
            axes.plot(x, mean, color=shade, linewidth=0.8, zorder=2)
            style.measured(axes, x, mean, np.where(np.isnan(low), mean, low), np.where(np.isnan(high), mean, high), shade, size=3)


def finish_y(axes, means):
    """Logarithmic where the means are positive over more than two decades."""
    means = [one for one in means if np.isfinite(one)]
    if means and min(means) > 0 and max(means) > 100 * min(means):
        axes.set_yscale("log")
        axes.set_ylim(min(means) / 3, 3 * max(means))
        axes.yaxis.set_minor_locator(style.NullLocator())
    elif means:
        limit_y(axes, means)


def finish_swept(axes, values):
    if len(values) > 2 and values[0] > 0 and values[-1] / values[0] > 5:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(style.NullLocator())
    axes.set_xticks(values, [f"{one:g}" for one in values])


# --- the figures ---

class Letters:
    def __init__(self):
        self.left = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

    def title(self, axes, text):
        style.title(axes, next(self.left, ""), text)


def summary(all_points):
    shown, words = middle(all_points)
    clouds, fields = trials(shown, "trajectory"), trials(shown, "field_error")
    tasks = present(shown, "task", TASKS)
    posteriors = [posterior for posterior in ("network", "exact") if any(at[1] == posterior for at in clouds)]
    if int(shown[0].values["dimension"]) < 2:
        posteriors = []
    halves = [half for half in (measured(shown)[:2], measured(shown)[2:]) if half]
    heights = [1.55, *([1.62 * len(posteriors) + 0.15] if posteriors else []), 0.36, *[1.6] * len(halves), *([0.2, 1.75] if fields else [])]
    figure = style.plt.figure(figsize=(style.PAGE, sum(heights)))
    parts, letters = iter(figure.subfigures(len(heights), 1, height_ratios=heights)), Letters()
    top = next(parts)
    if words:
        top.suptitle(", ".join(words), fontsize=8, color="#444444")
    panels = top.subplots(1, 2)
    draw_schedules(panels, shown)
    letters.title(panels[0], "what is left of the signal")
    letters.title(panels[1], "signal-to-noise ratio")
    if posteriors:
        grid = next(parts).subplots(len(posteriors), len(tasks), squeeze=False)
        draw_clouds(grid, clouds, tasks, posteriors)
        for task, panel in zip(tasks, grid[0]):
            letters.title(panel, words_of(task))
    legend_metrics(next(parts).subplots(), shown)
    for half in halves:
        for (name, label, scale), panel in zip(half, next(parts).subplots(1, len(half), squeeze=False)[0]):
            draw_metric(panel, shown, name, label, scale)
            letters.title(panel, shown[0].run.long_name[name])
    if fields:
        legend_errors(next(parts).subplots(), fields)
        for column, panel in enumerate(next(parts).subplots(1, 3)):
            draw_errors(panel, fields, column)
            letters.title(panel, r"the field in $L^2(p_t)$" if column == 0 else "")
    return figure


FIGURES = (("", summary), ("_trajectories", trajectories), ("_field", field), ("_sweep", sweep))


def main():
    path, prefix = style.arguments("gaussian_mixture", __doc__)
    all_points = points.read(path, "gaussian_mixture")
    for suffix, make in FIGURES:
        figure = make(all_points)
        if figure is not None:
            style.save(figure, prefix + suffix)


if __name__ == "__main__":
    main()
