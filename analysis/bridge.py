# SPDX-License-Identifier: BSD-2-Clause
"""The figure of experiment III: connectivity after sparsification against the thickness k of the bridge, one panel a reading of the
effective resistances, with the exact values and the zone in which frequency alone loses the bridge. Reference: arXiv 2511.18593,
figure 4."""
import numpy as np

import points
import style

READINGS = {"exact": "exact resistances", "nominal": "nominal resistances (as published)"}
OFFSETS = {"random": -0.3, "standard": -0.1, "weighted": 0.1, "oracle": 0.3}  # side by side where they agree


def curves(all_points, reading):
    """{method: its points in order of k}; methods without resistances belong to every reading."""
    result = {}
    for point in all_points:
        if point.values.get("r_eff") in (reading, None):
            result.setdefault(point.values["method"], []).append(point)
    return {method: sorted(row, key=lambda point: point.values["k"]) for method, row in result.items()}


def zone_end(all_points):
    """Below this k a bridge edge is rarer than a clique edge, f k < P_clique, and frequency alone drops every bridge; None: not known."""
    for point in all_points:
        if "f" in point.values and "clique_frequency" in point.values:
            return point.values["clique_frequency"] / point.values["f"]
    return None


def draw(axes, all_points, reading):
    for i, (method, row) in enumerate(curves(all_points, reading).items()):
        k = np.array([point.values["k"] for point in row]) + OFFSETS.get(method, 0)
        cells = [point.cell("connected") for point in row]
        mean, low, high, exact = ([100 * getattr(cell, name) for cell in cells] for name in ("mean", "low", "high", "exact"))
        shade = style.color(method, i)
        axes.plot(k, mean, color=shade, linewidth=0.8, alpha=0.6, zorder=2)
        style.measured(axes, k, mean, low, high, shade, style.marker(method), label=method, size=3)
        style.exact_ticks(axes, k, exact, 0.17, label=None)
    style.percent_axis(axes, "still connected (%)")
    axes.set_xlabel("thickness k of the bridge (edges)")


def figure(all_points):
    readings = sorted({point.values.get("r_eff") for point in all_points} - {None}) or [None]
    result, panels = style.plt.subplots(1, len(readings), figsize=(style.PAGE if len(readings) > 1 else style.COLUMN * 1.3, 2.6),
                                        sharey=True, squeeze=False)
    largest = max(point.values["k"] for point in all_points)
    end = zone_end(all_points)
    for letter, axes, reading in zip("ABCD", panels[0], readings):
        axes.set_xlim(0.5, largest + 0.5)
        axes.set_xticks(range(1, largest + 1))
        draw(axes, all_points, reading)
        if end is not None:
            axes.axvspan(0.5, min(end, largest + 0.5), color=style.PALE, linewidth=0, zorder=0, label=f"Zone of Myopia:\nk < {end:.3g}")
        style.title(axes, letter, READINGS.get(reading, "connectivity"))
        axes.label_outer()
    panels[0][-1].plot([], [], color="black", linewidth=1.6, label="exact")
    panels[0][-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return result


def main():
    path, prefix = style.arguments("bridge", __doc__)
    style.save(figure(points.read(path, "bridge")), prefix)


if __name__ == "__main__":
    main()
