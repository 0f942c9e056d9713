/* SPDX-License-Identifier: BSD-2-Clause
 * Minimum balanced bisection of graphs with at most 16 vertices, exactly. The vertices are two groups of 8. Subsets of the low group that
 * hold vertex 0 are visited in Gray code; for each, the cuts with all 256 subsets of the high one are kept as one row of bytes: a vertex
 * i that joins the side l + h changes the cut by
 *   deg(i) - 2 |N(i) in l| - 2 |N(i) in h|,
 * a row of its own that is added or taken away. So 128 steps on rows of 256 bytes, which compilers turn into vector operations. No
 * cut of 16 vertices has more than 64 edges. */
#include <string.h>

#include "bisection_kernel.h"
#include "graph_sample.h"
#include "kernel.h"

enum { GROUP = BISECTION_VERTICES_MAX / 2, SUBSETS = 1 << GROUP };

typedef struct Cuts {
  uint8_t now[SUBSETS];              /* cut of l + h for every h */
  uint8_t change[GROUP][SUBSETS];    /* deg(i) - 2 |N(i) in h| of low vertices i, modulo 256 */
  uint8_t least[GROUP + 1][SUBSETS]; /* over the l of every size so far */
} Cuts;

/* Cuts of l = {}. */
static inline void start(Cuts *cuts, const uint64_t *adjacency)
{
  memset(cuts->least, 255, sizeof cuts->least);
  cuts->now[0] = 0;
  for (int j = 0; j < GROUP; j++) {
    const uint64_t neighbours = adjacency[GROUP + j];
    const int      degree     = set_size(neighbours);
    for (int h = 0; h < 1 << j; h++)
      cuts->now[h | 1 << j] = (uint8_t)(cuts->now[h] + degree - 2 * __builtin_popcount((unsigned)(neighbours >> GROUP) & (unsigned)h));
  }
  for (int i = 0; i < GROUP; i++) {
    cuts->change[i][0] = (uint8_t)set_size(adjacency[i]);
    for (int j = 0; j < GROUP; j++) {
      const uint8_t less = adjacency[i] >> (GROUP + j) & 1 ? 2 : 0;
      for (int h = 0; h < 1 << j; h++) cuts->change[i][h | 1 << j] = (uint8_t)(cuts->change[i][h] - less);
    }
  }
}

/* mask 0: now += change - inside; 255: now -= change - inside, as a - b = a + ~b + 1. All modulo 256. */
static inline void step_rows(uint8_t *restrict now, uint8_t *restrict least, const uint8_t *restrict change, uint8_t inside, uint8_t mask)
{
  for (int h = 0; h < SUBSETS; h++) {
    const uint8_t cut = (uint8_t)(now[h] + ((uint8_t)(change[h] - inside) ^ mask) - mask);
    now[h]            = cut;
    least[h]          = least[h] < cut ? least[h] : cut;
  }
}

/* Low vertex i joins l, or leaves it; returns the new l. */
static inline unsigned flip(Cuts *cuts, const uint64_t *adjacency, unsigned l, int i)
{
  const unsigned after  = l ^ 1U << i;
  const int      inside = 2 * __builtin_popcount((unsigned)adjacency[i] & l & ~(1U << i));
  step_rows(cuts->now, cuts->least[__builtin_popcount(after)], cuts->change[i], (uint8_t)inside, after > l ? 0 : 255);
  return after;
}

int KERNEL(bisection)(int n, const uint64_t *given)
{
  uint64_t  adjacency[BISECTION_VERTICES_MAX] = {0};
  const int low = n < GROUP ? n : GROUP, half = n / 2;
  unsigned  l;
  int       best = 255;
  Cuts      cuts;
  if (n < 2) return 0;
  memcpy(adjacency, given, (size_t)n * sizeof *adjacency);
  start(&cuts, adjacency);
  l = flip(&cuts, adjacency, 0, 0);
  for (unsigned step = 1; step < 1U << (low - 1); step++) l = flip(&cuts, adjacency, l, 1 + __builtin_ctz(step));
  for (int h = 0; h < 1 << (n - low); h++) {
    const int size = __builtin_popcount((unsigned)h);
    for (int k = 1; k <= low; k++)
      if ((k + size == half || k + size == n - half) && cuts.least[k][h] < best) best = cuts.least[k][h];
  }
  return best;
}
