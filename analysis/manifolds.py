# SPDX-License-Identifier: BSD-2-Clause
"""The submanifolds of experiment `singularity` on paper, in their own space (the plane, or R^3): where they lie, how far a point is from
them, and clouds about them. What is embedded in more dimensions is shown on its principal axes, without the manifold."""
import numpy as np


FIVE_POINTS = np.array([[-1.2, -0.8], [-0.6, 1.1], [0.3, -0.5], [1.4, 0.7], [0.9, -1.3]]).T
RADIUS, TUBE = 1.0, 0.4          # of the torus
OWN = {"line": 2, "curve": 2, "five_points": 2, "sphere": 3, "torus": 3}
HALF = {"line": 3.6, "curve": 1.9, "five_points": 2.9, "sphere": 1.35, "torus": 1.6}  # half the side of what is shown
CLOUD = {"markersize": 1.7, "markeredgewidth": 0, "alpha": 0.6, "rasterized": True, "zorder": 4}
VIEW = {"elev": 28, "azim": -60}


def curve(phi):
    """The closed curve: radius 1 + 0.3 cos 3 phi."""
    return (1 + 0.3 * np.cos(3 * phi)) * np.array([np.cos(phi), np.sin(phi)])


def distance(data, x):
    """Of each of x (d, n), in the own space."""
    if data == "line":
        return np.abs(x[1])
    if data == "sphere":
        return np.abs(np.linalg.norm(x, axis=0) - 1)
    if data == "torus":
        return np.abs(np.hypot(np.hypot(x[0], x[1]) - RADIUS, x[2]) - TUBE)
    feet = FIVE_POINTS if data == "five_points" else curve(np.linspace(0, 2 * np.pi, 2001))
    return np.sqrt(((x[:, :, None] - feet[:, None]) ** 2).sum(axis=0)).min(axis=1)


def shown(data, x):
    """(coordinates to draw, whether they are those of the own space)."""
    own = OWN[data]
    if len(x) == own:
        return x, True
    middle = x.mean(axis=1, keepdims=True)
    return np.linalg.svd(x - middle, full_matrices=False)[0][:, :own].T @ (x - middle), False


def draw_manifold(axes, data):
    if data == "line":
        axes.axhline(0, color="black", linewidth=0.8, zorder=3)
    elif data == "curve":
        axes.plot(*curve(np.linspace(0, 2 * np.pi, 400)), color="black", linewidth=0.8, zorder=3)
    elif data == "five_points":
        axes.plot(*FIVE_POINTS, "+", color="black", markersize=5, markeredgewidth=0.9, zorder=4)
    else:
        u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 33), np.linspace(0, 2 * np.pi, 17))
        if data == "sphere":
            at = np.cos(u) * np.sin(v / 2), np.sin(u) * np.sin(v / 2), np.cos(v / 2)
        else:
            q = RADIUS + TUBE * np.cos(v)
            at = q * np.cos(u), q * np.sin(u), TUBE * np.sin(v)
        axes.plot_wireframe(*at, color="black", linewidth=0.3, alpha=0.35, rstride=2, cstride=2)


def frame(axes, data):
    half = HALF[data]
    axes.set_xlim(-half, half)
    axes.set_ylim(-half, half)
    axes.set_xticks([])
    axes.set_yticks([])
    if OWN[data] == 2:
        axes.set_aspect("equal")
        return
    flat = 0.6 if data == "torus" else 1.0
    axes.set_zlim(-flat * half, flat * half)
    axes.set_zticks([])
    axes.set_box_aspect((1, 1, flat), zoom=1.45)
    axes.view_init(**VIEW)
    axes.set_axis_off()


def draw_cloud(axes, data, x, shade):
    """Particles x (d, n) with their manifold: their mean distance to it, and how many are outside the frame."""
    at, own = shown(data, x)
    inside = (np.abs(at) <= HALF[data]).all(axis=0)
    axes.plot(*at[:, inside], ".", color=shade, **CLOUD)
    frame(axes, data)
    words = "" if inside.all() else f"{100 * (1 - inside.mean()):.2g} % beyond"
    if own:
        draw_manifold(axes, data)
        words = f"distance {distance(data, x).mean():.2g}" + ("\n" + words if words else "")
    write = axes.text2D if OWN[data] == 3 else axes.text
    write(0.99, 0.01, words, transform=axes.transAxes, ha="right", va="bottom", fontsize=6, zorder=9)


def law_levels(t, half, mass=(0.95, 0.5), side=160):
    """(grid, density of the five points' law at time t on the grid, levels above which these shares of it lie)."""
    a, s = np.exp(-t / 2), np.sqrt(-np.expm1(-t))
    at = np.linspace(-half, half, side)
    x = np.stack(np.meshgrid(at, at))
    density = np.exp(-((x[:, :, :, None] - a * FIVE_POINTS[:, None, None]) ** 2).sum(axis=0) / (2 * s * s)).sum(axis=2)
    ordered = np.sort(density.ravel())[::-1]
    share = np.cumsum(ordered) / ordered.sum()
    return at, density, [ordered[np.searchsorted(share, one)] for one in mass]


def draw_law(axes, t):
    """The exact law of five points at time t: where its parts' means are, and what holds 95 % and 50 % of it, while that can be seen."""
    axes.plot(*(np.exp(-t / 2) * FIVE_POINTS), "+", color="black", markersize=6, markeredgewidth=0.7, zorder=2)
    if t > 5e-3:
        at, density, levels = law_levels(t, 1.6 * HALF["five_points"])
        axes.contour(at, at, density, levels=levels, colors="black", linewidths=0.6, zorder=3)


def digit_sheet(x, side):
    """The first side^2 of images x (784, n) as one picture, values in [0, 1]; white between them."""
    sheet = np.ones((29 * side + 1, 29 * side + 1))
    for i in range(min(side * side, x.shape[1])):
        row, column = divmod(i, side)
        sheet[29 * row + 1 : 29 * row + 29, 29 * column + 1 : 29 * column + 29] = 1 - np.clip((x[:, i].reshape(28, 28) + 1) / 2, 0, 1)
    return sheet


def draw_digits(axes, x):
    side = int(np.clip(np.sqrt(x.shape[1]), 1, 8))
    axes.imshow(digit_sheet(x, side), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def panel_of(part, rows, columns, place, data):
    """An axes of a grid, of three dimensions where the manifold needs them."""
    return part.add_subplot(rows, columns, place + 1, projection="3d" if OWN[data] == 3 else None)


