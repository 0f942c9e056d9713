# SPDX-License-Identifier: BSD-2-Clause
"""The figure of experiment I: a barbell, how rare and how needed its bridge is, and how often it is still connected after sparsification.
Reference: arXiv 2511.18593, figure 2."""
import cliques
import points
import style


def main():
    path, prefix = style.arguments("barbell", __doc__)
    all_points = points.read(path, "barbell")
    size = int(all_points[0].values["clique_size"])
    style.save(cliques.figure([size, size], [1], all_points), prefix)


if __name__ == "__main__":
    main()
