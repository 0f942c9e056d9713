/* SPDX-License-Identifier: BSD-2-Clause
 * Specifications of all kinds of generated sets, for tests. Include after cmocka.h. */
#ifndef MYOPIA_TEST_SET_FIXTURE_H
#define MYOPIA_TEST_SET_FIXTURE_H

#include "small_graphs.h"

enum { SET_KEY = 77 };

static inline GraphSet *generate(GraphSetSpec spec, uint32_t draw, int64_t count)
{
  GraphSet   *set = NULL;
  const char *field;
  char        message[256];
  if (graph_set_check(&spec, &field, message)) fail_msg("%s: %s", field, message);
  assert_int_equal(graph_set_generate(&spec, SET_KEY, draw, count, &set), 0);
  return set;
}

static inline void same_graphs(const GraphSet *x, int64_t gx, const GraphSet *y, int64_t gy, bool expected)
{
  const bool same = x->size[gx] == y->size[gy] && memcmp(x->node + gx * x->n, y->node + gy * y->n, (size_t)x->n) == 0 &&
                    memcmp(x->edge + gx * x->pairs, y->edge + gy * y->pairs, (size_t)x->pairs) == 0 &&
                    memcmp(x->cluster + gx * x->n, y->cluster + gy * y->n, (size_t)x->n) == 0 &&
                    memcmp(x->bridge + gx * x->pairs, y->bridge + gy * y->pairs, (size_t)x->pairs) == 0 &&
                    (!x->site || memcmp(x->site + gx * x->joints, y->site + gy * y->joints, (size_t)x->joints * 2) == 0);
  if (same != expected) fail_msg("graphs %d and %d: expected %s", (int)gx, (int)gy, expected ? "the same" : "different ones");
}

static const GraphSetSpec kinds[] = {
    {.kind = SET_BARBELL, .clusters = 2, .size = {6, 6}, .bridge_frequency = 0.3, .intra_frequency = 0.9},
    {.kind = SET_CHAIN, .clusters = 4, .size = {3, 1, 5, 2}, .bridge_frequency = 0.5, .intra_frequency = 0.8, .node_blocks = true},
    {.kind = SET_BLOCKS, .clusters = 3, .size = {3, 4, 2}, .bridge_frequency = 0.4, .intra_frequency = 0.7},
    {.kind = SET_PLANAR, .clusters = 3, .size = {9, 3, 7}, .bridge_frequency = 0.2},
    {.kind = SET_TREES, .clusters = 5, .size = {1, 2, 3, 8, 4}, .bridge_frequency = 0.6, .node_blocks = true},
    {.kind = SET_ERDOS_RENYI, .clusters = 2, .size = {8, 5}, .bridge_frequency = 0.25, .intra_frequency = 0.3},
    {.kind = SET_TOY4, .bridge_frequency = 0.5},
    {.kind = SET_TREES, .clusters = 1, .size = {7}, .bridge_frequency = 0.5},
    {.kind = SET_CHAIN, .clusters = 2, .size = {40, 24}, .bridge_frequency = 1, .intra_frequency = 1},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

#endif
