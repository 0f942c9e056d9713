# SPDX-License-Identifier: BSD-2-Clause
"""The figures of experiment `singularity`, after Lu, Wang, Bal, arXiv 2301.07882. singularity: how far samples are from the manifold, by
target, with 95 % intervals over seeds and the exact posterior's samples as black ticks; blow-up exponents; what weighting and time sampling
do. singularity_errors: at X and in L2(p_t) against t, exact norms in black (the source's figure 2). singularity_components: L2(p_t)
error of every component (figure 3). singularity_samples: clouds with their manifold. singularity_five_points: the reverse process.
singularity_digits: samples, novelty, Frechet distance. What a file does not hold is left out."""
import math
import sys

import numpy as np

import manifolds
import points
import style

DATA = ("line", "curve", "five_points", "sphere", "torus", "digits")
TARGETS = ("cem", "sgm", "ddpm", "velocity")
NAMES = {"cem": "CEM", "sgm": "SGM", "ddpm": "DDPM", "velocity": "velocity"}
SYMBOLS = {"cem": "f", "sgm": "S", "ddpm": r"\varepsilon", "velocity": "v"}
SHADES = dict(zip(TARGETS, style.SERIES))
SHAPES = dict(zip(TARGETS, "osD^"))
OWN, DATA_ERROR, NOISE, SCORE, EXACT, LEARNED = range(6)  # columns of probe_error and law_error
ABLATION = (("theirs", "exponential", "o", "full"), ("theirs", "uniform", "o", "none"), ("none", "exponential", "s", "full"),
            ("none", "uniform", "s", "none"))  # weighting, time sampling, and how they are drawn
PREFERRED = {"weighting": "theirs", "time_sampling": "exponential", "sampler": "exponential", "time_grid": "exponential"}
WHICH = ("data", "target", "posterior")
DISTANCES = (("distance_mean", "mean distance"), ("distance_q99", "99 % distance"), ("distance_max", "largest distance"))
LIMITS = {"cem": 0.0, "sgm": -1.0, "ddpm": -0.5, "velocity": -1.0}  # exponents of |target| as t -> 0 at X off the manifold


# --- what a file holds ---

def value(point, name):
    """A parameter, or None where the point ignores it."""
    return point.values.get(name)


def rank(point, all_points):
    """The nearer to the source's setting, or to the middle of what is swept otherwise, the smaller."""
    result = []
    for name in point.run.axes:
        if name in WHICH or value(point, name) is None:
            continue
        values = sorted({value(other, name) for other in all_points} - {None})
        at = values.index(value(point, name))
        result.append(value(point, name) != PREFERRED[name] if name in PREFERRED else abs(at - (len(values) - 1) // 2))
    return result


def best(all_points):
    """{(data, target, posterior): its point nearest to the source's setting}; of the exact posterior one a data."""
    result = {}
    for point in sorted(all_points, key=lambda point: (rank(point, all_points), point.number)):
        result.setdefault((point.values["data"], value(point, "target"), point.values["posterior"]), point)
    return result


def kinds(found, posterior="network"):
    return [data for data in DATA if any(at[0] == data and at[2] == posterior for at in found)]


def targets(found, data=None):
    return [target for target in TARGETS if any(at[1] == target and at[2] == "network" and data in (None, at[0]) for at in found)]


def exact_of(found, data):
    return next((found[data, target, "exact"] for target in TARGETS if (data, target, "exact") in found), None)


def arrays(all_points, found, name):
    """{(data, target, posterior): [this array of all recorded trials of that point]}, only where there is one."""
    result = {}
    chosen = {point.number: at for at, point in found.items()}
    for point, row in points.recorded(all_points):
        values = point.run.array(name, row) if name in point.run.array_names else None
        if point.number in chosen and values is not None:
            result.setdefault(chosen[point.number], []).append(values)
    return result


# --- errors against t ---

def draw_curves(axes, t, runs, shade, line="-", width=1.2):
    """Mean of the recorded trials, and their range where there are several."""
    axes.plot(t, np.mean(runs, axis=0), line, color=shade, linewidth=width, zorder=3)
    if len(runs) > 1:
        axes.fill_between(t, np.min(runs, axis=0), np.max(runs, axis=0), color=shade, alpha=0.2, linewidth=0)


def time_axis(axes, t, t_min):
    style.log_axis(axes.xaxis, t[0], t[-1])
    axes.set_yscale("log")
    axes.set_xticks([1e-5, 1e-3, 1e-1, 10])
    axes.yaxis.set_minor_locator(style.NullLocator())
    axes.axvline(t_min, color="#AAAAAA", linewidth=0.7, linestyle=":", zorder=0)


PANELS = (("|target| at $X$", None, None), ("own error at $X$", "probe_error", OWN), ("score error at $X$", "probe_error", SCORE),
          (r"score error, $L^2(p_t)$", "law_error", SCORE))


def draw_sizes(axes, t, error):
    """|target| at X: the exact one in black, named at its left end, its limiting power of t dotted, the learned one in colour."""
    low, high = [], []
    for target, runs in error.items():
        exact = np.mean([run[:, EXACT] for run in runs], axis=0)
        axes.plot(t, exact, color="black", linewidth=0.9, zorder=4)
        axes.plot(t[t <= 0.1], exact[0] * (t[t <= 0.1] / t[0]) ** LIMITS[target], ":", color="black", linewidth=0.7, zorder=2)
        at = len(t) // 3 if target == "cem" else 4 if target == "ddpm" else 1
        below = target == "velocity"
        axes.annotate(f"${SYMBOLS[target]}$", (t[at], exact[at]), xytext=(0, -2 if below else 2), textcoords="offset points", fontsize=7,
                      va="top" if below else "bottom", ha="left", zorder=5)
        draw_curves(axes, t, [run[:, LEARNED] for run in runs], SHADES[target])
        low += [min(run[:, LEARNED].min() for run in runs), exact[t <= 0.1].min()]
        high.append(exact.max())
    axes.set_ylim(min(low) / 3, 6 * max(high))


def errors(all_points):
    found = best(all_points)
    times, probe, law = (arrays(all_points, found, name) for name in ("field_time", "probe_error", "law_error"))
    rows = [data for data in kinds(probe)]
    if not rows:
        return None
    figure = style.plt.figure(figsize=(style.PAGE, 0.3 + 1.75 * len(rows)))
    top, body = figure.subfigures(2, 1, height_ratios=[0.3, 1.75 * len(rows)])
    legend(top.subplots(), targets(probe), "exact norm (dotted: its limit)")
    grid = body.subplots(len(rows), 4, squeeze=False, sharex=True)
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for data, row in zip(rows, grid):
        mine = {target: probe[data, target, "network"] for target in targets(probe, data)}
        for (text, name, column), panel in zip(PANELS, row):
            first = next(iter(mine))
            t = times[data, first, "network"][0]
            if name is None:
                draw_sizes(panel, t, mine)
            else:
                source = probe if name == "probe_error" else law
                for target in mine:
                    draw_curves(panel, t, [run[:, column] for run in source[data, target, "network"]], SHADES[target])
            time_axis(panel, t, found[data, first, "network"].values["t_min"])
            style.title(panel, next(letters, ""), text if data == rows[0] else "")
            if data == rows[-1]:
                panel.set_xlabel("$t$")
        row[0].set_ylabel(data.replace("_", " "), fontweight="bold")
    return figure


def components(all_points):
    found = best(all_points)
    times, parts, law = (arrays(all_points, found, name) for name in ("field_time", "law_component", "law_error"))
    rows, columns = kinds(parts), targets(parts)
    if not rows:
        return None
    figure = style.plt.figure(figsize=(style.PAGE, 0.3 + 1.7 * len(rows)))
    top, body = figure.subfigures(2, 1, height_ratios=[0.3, 1.7 * len(rows)])
    most = max(runs[0].shape[1] for runs in parts.values())
    grid = body.subplots(len(rows), len(columns), squeeze=False, sharex=True, sharey="row")
    for data, row in zip(rows, grid):
        for target, panel in zip(columns, row):
            at = data, target, "network"
            if at not in parts:
                panel.set_axis_off()
                continue
            t = times[at][0]
            for i in range(parts[at][0].shape[1]):
                draw_curves(panel, t, [run[:, i] for run in parts[at]], component_shade(i, most), width=1.1 if i < 3 else 0.5)
            panel.plot(t, np.mean([run[:, EXACT] for run in law[at]], axis=0), color="black", linewidth=0.9)
            time_axis(panel, t, found[at].values["t_min"])
            if data == rows[0]:
                style.title(panel, "ABCDEFGH"[columns.index(target)], f"{NAMES[target]}, error of ${SYMBOLS[target]}$")
            if data == rows[-1]:
                panel.set_xlabel("$t$")
        row[0].set_ylabel(data.replace("_", " "), fontweight="bold")
        drawn = [run for at in parts if at[::2] == (data, "network") for run in parts[at]]
        row[0].set_ylim(min(run.min() for run in drawn) / 3, 3 * max(run.max() for run in drawn))
    legend_axes = top.subplots()
    legend_axes.axis("off")
    for i in range(min(most, 4)):
        legend_axes.plot([], [], color=component_shade(i, most), label=f"component {i + 1}" if i < 3 else "others")
    legend_axes.plot([], [], color="black", linewidth=0.9, label="norm of the exact target")
    legend_axes.legend(loc="center", ncol=6, borderaxespad=0).set_in_layout(False)
    return figure


def component_shade(i, count):
    return style.SERIES[i] if i < 3 or count <= 3 else "#AAAAAA"


def legend(axes, some, exact=None):
    axes.axis("off")
    for target in some:
        axes.plot([], [], marker=SHAPES[target], color=SHADES[target], markersize=4, label=f"{NAMES[target]} (${SYMBOLS[target]}$)")
    if exact:
        axes.plot([], [], color="black", linewidth=1.2, label=exact)
    axes.legend(loc="center", ncol=6, columnspacing=1.4, borderaxespad=0).set_in_layout(False)


# --- clouds ---

def samples(all_points):
    found = best(all_points)
    clouds = {at: runs[0] for at, runs in arrays(all_points, found, "samples").items() if at[0] != "digits"}
    rows = [data for data in DATA if data != "five_points" and any(at[0] == data for at in clouds)]
    if not rows:
        return None
    columns = [target for target in targets(clouds)] + (["exact"] if any(at[2] == "exact" for at in clouds) else [])
    size = min(max(1.4, style.COLUMN / len(columns)), 2.2)
    figure = style.plt.figure(figsize=(max(style.COLUMN, size * len(columns)), size * len(rows) + 0.2))
    for r, data in enumerate(rows):
        for c, target in enumerate(columns):
            panel = manifolds.panel_of(figure, len(rows), len(columns), r * len(columns) + c, data)
            x = clouds.get((data, target, "network"))
            if target == "exact":
                x = next((clouds[at] for at in clouds if at[0] == data and at[2] == "exact"), None)
            if x is None:
                panel.set_axis_off()
            else:
                manifolds.draw_cloud(panel, data, x, SHADES.get(target, "#555555"))
            if r == 0:
                panel.set_title(NAMES.get(target, "exact posterior"))
        figure.text(0.004, 1 - (0.2 + size * (r + 0.5)) / figure.get_figheight(), data.replace("_", " "), rotation=90, va="center",
                    fontweight="bold")
    figure.get_layout_engine().set(rect=(0.02, 0, 0.98, 1))
    return figure


def five_points(all_points):
    """Particles on their way from noise to data, and the exact law: its parts' means and their 95 % circles."""
    found = best(all_points)
    shots, times = arrays(all_points, found, "trajectory"), arrays(all_points, found, "trajectory_time")
    rows = [at for at in shots if at[0] == "five_points" and shots[at][0].shape[1] == 2]
    if not rows:
        return None
    count = len(times[rows[0]][0])
    figure, grid = style.plt.subplots(len(rows), count, figsize=(style.PAGE, 0.2 + (style.PAGE - 0.2) / count * len(rows)), squeeze=False)
    for at, row in zip(rows, grid):
        for x, t, panel in zip(shots[at][0], times[at][0], row):
            panel.plot(*x, ".", color="#0072B2" if at[2] == "exact" else SHADES[at[1]], **manifolds.CLOUD)
            manifolds.draw_law(panel, t)
            manifolds.frame(panel, "five_points")
            panel.set_title(f"$t$ = {t:.4g}" if at == rows[0] else "")
        row[0].set_ylabel("exact posterior" if at[2] == "exact" else NAMES[at[1]])
    return figure


# --- numbers ---

def bars(axes, some, x, metric, shade, shape, fill="full", scale=1.0):
    """One mean with its interval, of one point; returns the mean. On a logarithmic axis an interval that reaches 0 ends far below."""
    cell = some.cell(metric)
    if not math.isfinite(cell.mean):
        return None
    low, high = (end if math.isfinite(end) else cell.mean for end in (cell.low, cell.high))
    if axes.get_yscale() == "log":
        low = max(low, cell.mean * 1e-6)
    drawn = style.measured(axes, [x], [scale * cell.mean], [scale * low], [scale * high], shade, shape, size=4)
    drawn[0].set(fillstyle=fill, markerfacecoloralt="white", markeredgewidth=0.8)
    return cell.mean


def room_below(axes, drawn):
    """Logarithmic limits by what is drawn, not by intervals that reach 0."""
    drawn = [one for one in drawn if one is not None and math.isfinite(one) and one > 0]
    if drawn:
        axes.set_ylim(min(drawn) / 4, max(max(drawn) * 4, axes.get_ylim()[1]))
        axes.yaxis.set_minor_locator(style.NullLocator())


def draw_by_data(axes, found, metric):
    rows = [data for data in kinds(found) if data != "digits" and any(
        math.isfinite(found[at].cell(metric).mean) for at in found if at[0] == data)]
    axes.set_yscale("log")
    drawn = []
    for i, data in enumerate(rows):
        own = targets(found, data)
        for k, target in enumerate(own):
            drawn.append(bars(axes, found[data, target, "network"], i + 0.18 * (k - (len(own) - 1) / 2), metric, SHADES[target],
                              SHAPES[target]))
        exact = exact_of(found, data)
        if exact and math.isfinite(exact.cell(metric).mean):
            drawn.append(exact.cell(metric).mean)
            style.exact_ticks(axes, [i], drawn[-1:], 0.8, label=None)
    room_below(axes, drawn)
    axes.set_xticks(range(len(rows)), [data.replace("_", " ") for data in rows])
    axes.set_xlim(-0.55, max(len(rows), 1) - 0.45)
    axes.tick_params(axis="x", length=0)


def draw_exponents(axes, found, metric):
    """The network's against those of the exact target: the limit where the file knows it, else the slope over the same times."""
    rows = [data for data in kinds(found) if data != "digits"]
    for i, data in enumerate(rows):
        own = targets(found, data)
        for k, target in enumerate(own):
            x = i + 0.18 * (k - (len(own) - 1) / 2)
            point = found[data, target, "network"]
            bars(axes, point, x, metric + "_network", SHADES[target], SHAPES[target])
            cell = point.cell(metric)
            style.exact_ticks(axes, [x], [cell.mean if np.isnan(cell.exact) else cell.exact], 0.16, label=None)
    axes.set_xticks(range(len(rows)), [data.replace("_", " ") for data in rows])
    axes.set_xlim(-0.55, len(rows) - 0.45)
    axes.tick_params(axis="x", length=0)


def draw_ablation(axes, all_points, data, metric="noise_l2_all"):
    mine = [point for point in all_points if point.values["data"] == data and point.values["posterior"] == "network"]
    own = [target for target in TARGETS if any(value(point, "target") == target for point in mine)]
    axes.set_yscale("log")
    drawn = []
    for i, target in enumerate(own):
        for k, (weighting, sampling, shape, fill) in enumerate(ABLATION):
            some = [point for point in mine if value(point, "target") == target
                    and (value(point, "weighting"), value(point, "time_sampling")) == (weighting, sampling)]
            if some:
                point = min(some, key=lambda one: rank(one, all_points))
                drawn.append(bars(axes, point, i + 0.18 * (k - 1.5), metric, SHADES[target], shape, fill))
    room_below(axes, drawn)
    axes.set_xticks(range(len(own)), [NAMES[target] for target in own], fontsize=6 if len(own) > 3 else None)
    axes.set_xlim(-0.55, len(own) - 0.45)
    axes.tick_params(axis="x", length=0)


def legend_ablation(axes):
    axes.axis("off")
    for weighting, sampling, shape, fill in ABLATION:
        words = "no weighting" if weighting == "none" else "weighting", "log-uniform $t$" if sampling == "exponential" else "uniform $t$"
        axes.plot([], [], shape, fillstyle=fill, color="#7F7F7F", markersize=4.5, markeredgewidth=0.8, label=", ".join(words))
    axes.legend(loc="center", ncol=4, columnspacing=1.4, handletextpad=0.3, borderaxespad=0).set_in_layout(False)


def ablated(all_points):
    """Data of which more than one variant was trained."""
    result = []
    for data in DATA:
        variants = {(value(point, "weighting"), value(point, "time_sampling")) for point in all_points
                    if point.values["data"] == data and point.values["posterior"] == "network"}
        if len(variants) > 1 and data != "digits":
            result.append(data)
    return result


def summary(all_points):
    found = {at: point for at, point in best(all_points).items() if at[0] != "digits"}
    if not kinds(found):
        return None
    rows = ablated(all_points)
    heights = [0.3, 1.9, 1.9] + [0.25, 1.9] * bool(rows)
    figure = style.plt.figure(figsize=(style.PAGE, sum(heights)))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights)
    legend(parts[0].subplots(), targets(found), "exact; of samples: with the exact posterior")
    letters = iter("ABCDEFGHIJ")
    for (metric, text), panel in zip(DISTANCES, parts[1].subplots(1, 3)):
        draw_by_data(panel, found, metric)
        style.title(panel, next(letters), text)
        panel.set_ylabel("to the manifold" if metric == "distance_mean" else "")
    along, probe, law = parts[2].subplots(1, 3)
    draw_by_data(along, found, "along")
    style.title(along, next(letters), "$W_1$ along the manifold")
    for metric, panel, text in (("exponent", probe, "at $X$"), ("exponent_law", law, r"for $X \sim p_t$")):
        draw_exponents(panel, found, metric)
        style.title(panel, next(letters), f"blow-up exponent {text}")
    if rows:
        legend_ablation(parts[3].subplots())
        for data, panel in zip(rows, parts[4].subplots(1, len(rows), squeeze=False)[0]):
            draw_ablation(panel, all_points, data)
            style.title(panel, next(letters), rf"{data.replace('_', ' ')}: error of $\varepsilon$")
    return figure


# --- digits ---

DIGIT_PANELS = (("novelty", "novelty_fresh", "distance to the nearest\ntraining image", "unseen digits"),
                ("frechet", "frechet_fresh", "Frechet distance\nof features", "training images"),
                ("memorised", None, "memorised (%)", None))


def draw_digit_numbers(axes, found, own, metric, fresh, words):
    """Logarithmic where one target is off by more than a factor of 20."""
    cells = [found["digits", target, "network"].cell(metric) for target in own]
    beside = [found["digits", target, "network"].cell(fresh).mean for target in own] if fresh else []
    values = [value for value in [cell.mean for cell in cells] + beside if math.isfinite(value)]
    if fresh and min(values, default=0) > 0 and max(values) > 20 * min(values):
        axes.set_yscale("log")
    for i, target in enumerate(own):
        bars(axes, found["digits", target, "network"], i, metric, SHADES[target], SHAPES[target], scale=1 if fresh else 100)
    if fresh:
        style.exact_ticks(axes, range(len(own)), beside, 0.7, label=words)
        axes.legend(loc="upper left")
        if axes.get_yscale() == "log":
            axes.set_ylim(min(values) / 3, 30 * max(values))
            axes.yaxis.set_minor_locator(style.NullLocator())
        else:
            axes.set_ylim(0, 1.4 * max(values, default=1))
    else:
        style.percent_axis(axes, "memorised (%)")
    axes.set_xticks(range(len(own)), [NAMES[target] for target in own])
    axes.set_xlim(-0.6, len(own) - 0.4)
    axes.tick_params(axis="x", length=0)


def digits(all_points):
    found = {at: point for at, point in best(all_points).items() if at[0] == "digits"}
    sheets = arrays(all_points, found, "samples")
    own = targets(found)
    if not own:
        return None
    heights = ([style.PAGE / 4 + 0.15] if sheets else []) + [1.9]
    figure = style.plt.figure(figsize=(style.PAGE, sum(heights)))
    parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    letters = iter("ABCDEFGHIJ")
    if sheets:
        for target, panel in zip(own, parts.pop(0).subplots(1, len(own), squeeze=False)[0]):
            if ("digits", target, "network") in sheets:
                manifolds.draw_digits(panel, sheets["digits", target, "network"][0])
                style.title(panel, next(letters), NAMES[target])
            else:
                panel.set_axis_off()
    for (metric, fresh, label, words), panel in zip(DIGIT_PANELS, parts[0].subplots(1, 3)):
        draw_digit_numbers(panel, found, own, metric, fresh, words)
        if fresh:
            panel.set_ylabel(label)
        style.title(panel, next(letters), "")
    return figure


FIGURES = (("", summary), ("_errors", errors), ("_components", components), ("_samples", samples), ("_five_points", five_points),
           ("_digits", digits))


def main():
    path, prefix = style.arguments("singularity", __doc__)
    all_points = points.read(path, "singularity")
    drawn = 0
    for suffix, make in FIGURES:
        figure = make(all_points)
        if figure is not None:
            style.save(figure, prefix + suffix)
            drawn += 1
    if not drawn:
        sys.exit(f"{path}: no trial with a network is done and no trial is recorded; set `record: {{trajectories: first_per_point}}`")


if __name__ == "__main__":
    main()
