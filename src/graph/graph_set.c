/* SPDX-License-Identifier: BSD-2-Clause
 * Sets of small graphs in memory: allocation, and subsets in random order. */
#include "graph_set_private.h"

#include <string.h>

const char *const graph_set_names[] = {"barbell", "chain", "stochastic_block", "planar", "trees", "erdos_renyi", "toy4", "file", NULL};

PetscErrorCode graph_set_allocate(int n, int a, int b, int64_t count, int joints, GraphSet **out)
{
  GraphSet    *s;
  const size_t nodes = (size_t)count * (size_t)n, pairs = (size_t)count * (size_t)pair_count(n), sites = (size_t)count * (size_t)joints;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(1, &s));
  *out      = s;
  s->n      = n;
  s->pairs  = pair_count(n);
  s->a      = a;
  s->b      = b;
  s->count  = count;
  s->joints = joints;
  PetscCall(PetscCalloc1((size_t)count, &s->size));
  PetscCall(PetscCalloc1(nodes, &s->node));
  PetscCall(PetscCalloc1(pairs, &s->edge));
  PetscCall(PetscMalloc1(nodes, &s->cluster));
  PetscCall(PetscCalloc1(pairs, &s->bridge));
  if (nodes > 0) memset(s->cluster, SET_NO_CLUSTER, nodes);
  if (joints > 0) PetscCall(PetscCalloc1(sites, &s->site));
  PetscFunctionReturn(0);
}

void graph_set_destroy(GraphSet **set)
{
  if (!*set) return;
  (void)PetscFree((*set)->size);
  (void)PetscFree((*set)->node);
  (void)PetscFree((*set)->edge);
  (void)PetscFree((*set)->cluster);
  (void)PetscFree((*set)->bridge);
  (void)PetscFree((*set)->site);
  (void)PetscFree((*set)->resistance);
  (void)PetscFree(*set);
}

static void copy_row(void *to, const void *from, int64_t to_row, int64_t from_row, size_t bytes)
{
  if (from && bytes > 0) memcpy((char *)to + (size_t)to_row * bytes, (const char *)from + (size_t)from_row * bytes, bytes);
}

/* Graphs order[first .. first + count - 1] as a set of their own. */
static PetscErrorCode subset(const GraphSet *s, const uint32_t *order, int64_t first, int64_t count, GraphSet **out)
{
  PetscFunctionBeginUser;
  PetscCall(graph_set_allocate(s->n, s->a, s->b, count, s->joints, out));
  GraphSet *const t = *out;
  if (s->resistance) PetscCall(PetscMalloc1((size_t)(count * s->pairs), &t->resistance));
  for (int64_t k = 0; k < count; k++) {
    const int64_t g = order[first + k];
    t->size[k]      = s->size[g];
    copy_row(t->node, s->node, k, g, (size_t)s->n);
    copy_row(t->edge, s->edge, k, g, (size_t)s->pairs);
    copy_row(t->cluster, s->cluster, k, g, (size_t)s->n);
    copy_row(t->bridge, s->bridge, k, g, (size_t)s->pairs);
    copy_row(t->site, s->site, k, g, (size_t)s->joints * sizeof *s->site);
    copy_row(t->resistance, s->resistance, k, g, (size_t)s->pairs * sizeof *s->resistance);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode graph_set_split(const GraphSet *s, uint64_t key, int64_t train, int64_t test, GraphSet **train_out, GraphSet **test_out)
{
  uint32_t *order;
  Rng       r = rng_start(key, 0, RNG_SET_SPLIT);

  PetscFunctionBeginUser;
  PetscCheck(train >= 0 && test >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a split into %lld and %lld graphs", (long long)train,
             (long long)test);
  PetscCall(PetscMalloc1((size_t)s->count, &order));
  for (int64_t i = 0; i < s->count; i++) order[i] = (uint32_t)i;
  for (int64_t i = s->count - 1; i > 0; i--) {
    const uint32_t j = rng_below(&r, (uint32_t)i + 1), keep = order[i];
    order[i] = order[j];
    order[j] = keep;
  }
  train = PetscMin(train, s->count);
  test  = PetscMin(test, s->count - train);
  PetscCall(subset(s, order, 0, train, train_out));
  PetscCall(subset(s, order, train, test, test_out));
  PetscCall(PetscFree(order));
  PetscFunctionReturn(0);
}
