/* SPDX-License-Identifier: BSD-2-Clause
 * Writes a set of graphs as the text that graph_set_read reads. */
#include <errno.h>

#include "graph_set.h"

static void write_graph(FILE *file, int size, const uint8_t *node, const uint8_t *edge, bool node_classes, bool edge_classes)
{
  fprintf(file, "graph %d\n", size);
  for (int i = 0; node_classes && i < size; i++) fprintf(file, "node %d %d\n", i, node[i]);
  for (int j = 1; j < size; j++)
    for (int i = 0; i < j; i++) {
      const int class = edge[pair_index(i, j)];
      if (class == 0) continue;
      if (edge_classes)
        fprintf(file, "%d %d %d\n", i, j, class);
      else
        fprintf(file, "%d %d\n", i, j);
    }
}

int graph_set_write(FILE *file, int n, int a, int b, int64_t count, const uint8_t *size, const uint8_t *node, const uint8_t *edge)
{
  errno = 0;
  for (int64_t g = 0; g < count && !ferror(file); g++)
    write_graph(file, size[g], a > 1 ? node + g * n : NULL, edge + g * pair_count(n), a > 1, b > 2);
  if (fflush(file) == 0 && !ferror(file)) return 0;
  return errno ? errno : EIO;
}
