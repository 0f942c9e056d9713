/* SPDX-License-Identifier: BSD-2-Clause
 * Minimum balanced bisection of the graphs of a set: bisection_kernel.c on the machine's ISA level, and the slow reference beside it. */
#include "bisection_kernel.h"
#include "graph_sample.h"
#include "isa.h"

void graphs_bisection(const GraphSample *s, int32_t *width)
{
  static Bisection *const kernel[]  = {[ISA_BASE] = bisection_base, [ISA_V3] = bisection_v3, [ISA_V4] = bisection_v4};
  Bisection *const        bisection = kernel[isa_level()];
  uint64_t                adjacency[SET_NODES_MAX];
  for (int64_t g = 0; g < s->count; g++) {
    width[g] = -1;
    if (s->size[g] <= BISECTION_VERTICES_MAX) width[g] = bisection(sample_masks(s, g, adjacency), adjacency);
  }
}

static int cut_of(const uint64_t *adjacency, uint64_t side)
{
  int sum = 0, i;
  EACH_OF(i, left, side) sum += set_size(adjacency[i] & ~side);
  return sum;
}

void graphs_bisection_reference(const GraphSample *s, int32_t *width)
{
  uint64_t adjacency[SET_NODES_MAX];
  for (int64_t g = 0; g < s->count; g++) {
    const int n = s->size[g];
    width[g]    = n <= BISECTION_VERTICES_MAX ? (n < 2 ? 0 : INT32_MAX) : -1;
    if (n < 2 || n > BISECTION_VERTICES_MAX) continue;
    sample_masks(s, g, adjacency);
    for (uint64_t side = 0; side < set_one(n); side++)
      if (set_size(side) == n / 2) width[g] = PetscMin(width[g], cut_of(adjacency, side));
  }
}
