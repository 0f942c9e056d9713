# SPDX-License-Identifier: BSD-2-Clause
"""The figure of experiment II: cliques of different sizes in a row, how rare and how needed their bridges are, and how often the chain is
still connected after sparsification. Reference: arXiv 2511.18593, figure 3."""
import cliques
import points
import style


def main():
    path, prefix = style.arguments("chain", __doc__)
    all_points = points.read(path, "chain")
    sizes, bridges = (all_points[0].values[name] for name in ("sizes", "bridges"))
    style.save(cliques.figure(sizes, bridges * (len(sizes) - 1) if len(bridges) == 1 else bridges, all_points), prefix)


if __name__ == "__main__":
    main()
