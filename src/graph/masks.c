/* SPDX-License-Identifier: BSD-2-Clause
 * Small graphs as rows of bits: connectivity and shortest paths, breadth first, a whole level of a search in a few words. O(n m / 64) words
 * at most for every search; no tables, no allocation. */
#include "graph_features.h"

#include <string.h>

#include "graph_set.h"

static inline uint64_t bit(int i) { return UINT64_C(1) << i; }
static inline uint64_t first_bits(int n) { return n >= 64 ? ~UINT64_C(0) : bit(n) - 1; }

void masks_of_edges(int n, const uint8_t *edge, uint64_t *adjacency)
{
  for (int i = 0; i < n; i++) adjacency[i] = 0;
  for (int j = 1; j < n; j++) {
    uint64_t row = 0;
    for (int i = 0; i < j; i++) row |= (uint64_t)(edge[i] != 0) << i;
    adjacency[j] |= row;
    for (uint64_t rest = row; rest; rest &= rest - 1) adjacency[__builtin_ctzll(rest)] |= bit(j);
    edge += j;
  }
}

static uint64_t neighbours(const uint64_t *adjacency, uint64_t of)
{
  uint64_t all = 0;
  for (; of; of &= of - 1) all |= adjacency[__builtin_ctzll(of)];
  return all;
}

static uint64_t component_of(const uint64_t *adjacency, int start)
{
  uint64_t seen = bit(start);
  for (uint64_t level = seen; level;) {
    level = neighbours(adjacency, level) & ~seen;
    seen |= level;
  }
  return seen;
}

bool masks_connected(int n, const uint64_t *adjacency) { return n < 2 || component_of(adjacency, 0) == first_bits(n); }

int masks_components(int n, const uint64_t *adjacency, uint8_t *component)
{
  int count = 0;
  for (uint64_t left = first_bits(n); n > 0 && left; count++) {
    const uint64_t part = component_of(adjacency, __builtin_ctzll(left));
    left &= ~part;
    for (uint64_t rest = component ? part : 0; rest; rest &= rest - 1) component[__builtin_ctzll(rest)] = (uint8_t)count;
  }
  return count;
}

/* Edges of the shortest path from i to j other than the edge itself: only the first level can take it. 0: there is none. */
static uint8_t detour(const uint64_t *adjacency, int i, int j)
{
  uint64_t seen = bit(i), level = adjacency[i] & ~bit(j);
  for (uint8_t length = 1; level; length++) {
    if (level & bit(j)) return length;
    seen |= level;
    level = neighbours(adjacency, level) & ~seen;
  }
  return 0;
}

/* Distances from j to the vertices before it; those of its neighbours are without their own edge. */
static void detours_of(const uint64_t *adjacency, int j, uint8_t *out)
{
  uint64_t seen = bit(j), level = adjacency[j];
  memset(out, 0, (size_t)j);
  for (uint8_t length = 1; level & ~seen; length++) {
    level &= ~seen;
    seen |= level;
    for (uint64_t rest = level & first_bits(j); rest; rest &= rest - 1) out[__builtin_ctzll(rest)] = length;
    level = neighbours(adjacency, level);
  }
  for (uint64_t rest = adjacency[j] & first_bits(j); rest; rest &= rest - 1) {
    const int i = __builtin_ctzll(rest);
    out[i]      = adjacency[i] & adjacency[j] ? 2 : detour(adjacency, i, j);
  }
}

void masks_detours(int n, const uint64_t *adjacency, uint8_t *out)
{
  for (int j = 1; j < n; j++) detours_of(adjacency, j, out + pair_count(j));
}
