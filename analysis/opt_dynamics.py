# SPDX-License-Identifier: BSD-2-Clause
"""The figure of experiment IV: the probability that one logit learns, step by step, and whose gradient moves it. Measured mean and band
over seeds, the mean recurrence theta += lr (omega eps (1 - p) - (1 - eps) p) as the run recorded it, its differential equation, and the
exact fixed point p* = omega eps / (omega eps + 1 - eps) beside the published claim p -> 1. Reference: arXiv 2511.18593, figure 5."""
import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import expit

import points
import style

CLAIM = 1.0


def fixed_point(eps, omega):
    return omega * eps / (omega * eps + 1 - eps)


def drift(theta, eps, omega):
    p = expit(theta)
    return omega * eps * (1 - p) - (1 - eps) * p


def ode_path(eps, omega, rate, theta, times):
    solution = solve_ivp(lambda _, y: rate * drift(y, eps, omega), (0, times[-1]), [theta], t_eval=times, rtol=1e-8, atol=1e-10)
    return expit(solution.y[0])


def ode_of(run, steps):
    return ode_path(run["eps"], run["omega"], run["learning_rate"], run["theta0"], steps)


def note(axes, y, text, shade):
    axes.annotate(text, (1, y), xytext=(5, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center", color=shade,
                  annotation_clip=False)


def legend(axes, y=0.5):
    """Right of the axes, keys in black: the colours are named by the fixed points."""
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, labels, loc="center left", bbox_to_anchor=(1.0, y), handlelength=1.6, borderaxespad=0.6)


def thinned(steps, logarithmic):
    """Indices of at most 50 recorded steps, evenly spread over the axis."""
    spread = np.geomspace(1, max(1, steps[-1]), 50) if logarithmic else np.linspace(0, steps[-1], 50)
    return np.unique(np.concatenate([[0], np.minimum(np.searchsorted(steps, spread), len(steps) - 1)]))


def draw_probability(axes, runs, logarithmic):
    for run in runs:
        some = thinned(run["steps"], logarithmic)
        axes.plot(run["steps"][some], run["p"].mean(axis=0)[some], "o", color=run["shade"], markersize=3.5, zorder=3)
        axes.fill_between(run["steps"], *np.quantile(run["p"], [0.05, 0.95], axis=0), color=run["shade"], alpha=0.25, linewidth=0, zorder=2)
        axes.plot(run["steps"], run["p_mean"], color="black", linewidth=0.8, zorder=4)
        axes.plot(run["steps"], ode_of(run, run["steps"]), "--", color="black", linewidth=0.8, zorder=4)
        axes.axhline(fixed_point(run["eps"], run["omega"]), color=run["shade"], linewidth=0.7, linestyle=":", zorder=1)
    # Fixed points closer than a line of text are named once.
    named = []
    for run in sorted(runs, key=lambda run: run["omega"]):
        star = fixed_point(run["eps"], run["omega"])
        if all(abs(star - other) > 0.07 for other in named + [CLAIM]):
            note(axes, star, rf"$p^*$ = {star:.4g}  ($\omega$ = {run['omega']:g})", run["shade"])
            named.append(star)
    axes.axhline(CLAIM, color="black", linewidth=0.7, linestyle=(0, (1, 3)), zorder=1)
    note(axes, CLAIM, r"published: $p \to 1$", "black")
    seeds = min(len(run["p"]) for run in runs)
    axes.plot([], [], "o", color="#7F7F7F", markersize=3.5, label=f"mean of {seeds} seeds" if seeds > 1 else "one seed")
    if seeds > 1:
        axes.fill_between([], [], [], color="#7F7F7F", alpha=0.25, linewidth=0, label="90 % of them")
    axes.plot([], [], color="black", linewidth=0.8, label="mean recurrence")
    axes.plot([], [], "--", color="black", linewidth=0.8, label="its ODE")
    legend(axes, 0.38)
    axes.set_ylim(-0.02, 1.04)
    axes.set_ylabel("probability $p$")


def draw_differences(axes, runs):
    for run in runs:
        difference = run["p"].mean(axis=0) - run["p_mean"]
        axes.plot(run["steps"], difference, color=run["shade"], zorder=3)
        if len(run["p"]) > 1:
            error = 1.96 * run["p"].std(axis=0, ddof=1) / np.sqrt(len(run["p"]))
            axes.fill_between(run["steps"], difference - error, difference + error, color=run["shade"], alpha=0.25, linewidth=0, zorder=2)
        axes.plot(run["steps"], ode_of(run, run["steps"]) - run["p_mean"], "--", color=run["shade"], linewidth=0.9, zorder=4)
    axes.axhline(0, color="black", linewidth=0.8, zorder=1)
    axes.plot([], [], color="#7F7F7F", label="measured, 95 %" if all(len(run["p"]) > 1 for run in runs) else "measured")
    axes.plot([], [], "--", color="#7F7F7F", linewidth=0.9, label="ODE")
    legend(axes)
    axes.set_ylabel("difference in $p$")


def binned(steps, values, logarithmic):
    """Means over seeds and over at most 60 bins of steps: (bin centres, means)."""
    last = max(1, int(steps[-1]))
    inner = np.geomspace(1, last + 1, 60) if logarithmic else np.linspace(0, last + 1, 60)
    bins = np.unique(np.concatenate([[0], inner, [last + 1]]))
    index = np.digitize(steps, bins)
    kept = [i for i in np.unique(index) if np.isfinite(values[:, index == i]).any()]
    return [steps[index == i].mean() for i in kept], [np.nanmean(values[:, index == i]) for i in kept]


def draw_shares(axes, runs, logarithmic):
    """Share of the squared gradient, g_c^2 / (g_positive^2 + g_negative^2); steps where both vanish are left out."""
    for run in runs:
        for name, line in (("share_positive", "-"), ("share_negative", "--")):
            axes.plot(*binned(run["steps"], run[name], logarithmic), line, color=run["shade"])
    axes.plot([], [], color="#7F7F7F", label="positive class")
    axes.plot([], [], "--", color="#7F7F7F", label="negative class")
    legend(axes)
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel("share of the gradient")
    axes.set_xlabel("step")


def figure(runs):
    """runs: dictionaries with steps, p_mean (n), p, share_positive, share_negative (seeds, n), eps, omega, learning_rate, theta0, shade."""
    result, axes = style.plt.subplots(3, 1, figsize=(style.PAGE * 0.75, 5.2), sharex=True, gridspec_kw={"height_ratios": [1.6, 0.8, 1]})
    last = max(int(run["steps"][-1]) for run in runs)
    logarithmic = last > 1000
    draw_probability(axes[0], runs, logarithmic)
    draw_differences(axes[1], runs)
    draw_shares(axes[2], runs, logarithmic)
    axes[2].set_xlim(0, last)
    if logarithmic:
        first = min(int(run["steps"][1]) for run in runs if len(run["steps"]) > 1)  # linear up to the first recorded step
        axes[2].set_xscale("symlog", linthresh=max(10, first), linscale=0.4)
        axes[2].set_xticks([0] + [10**n for n in range(1, 12) if max(10, first) <= 10**n <= last])
    for letter, panel, text in zip("ABC", axes, ("what the logit learns", "against the mean recurrence", "whose gradient it follows")):
        style.title(panel, letter, text)
    return result


def runs_of(all_points):
    """What figure() takes: one entry a sweep point, of those of its trials that are done and recorded."""
    result = []
    for point in all_points:
        series = {name: point.series(name) for name in ("p", "share_positive", "share_negative")}
        if len(series["p"]) > 0:
            values = {name: float(point.values[name]) for name in ("eps", "omega", "learning_rate", "theta0")}
            result.append({"steps": point.series("step")[0], "p_mean": point.series("p_mean")[0], **series, **values})
    plain_and_weighted = sorted(run["omega"] == 1 for run in result) == [False, True]
    for i, run in enumerate(result):
        method = "standard" if run["omega"] == 1 else "weighted"
        run["shade"] = style.color(method) if plain_and_weighted else style.sequence(i, len(result))
    return result


def main():
    path, prefix = style.arguments("opt_dynamics", __doc__)
    runs = runs_of(points.read(path, "opt_dynamics"))
    if not runs:
        raise SystemExit(f"{path}: no recorded trial is done; set `record: {{trajectories: all}}` in the input")
    style.save(figure(runs), prefix)


if __name__ == "__main__":
    main()
