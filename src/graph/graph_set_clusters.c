/* SPDX-License-Identifier: BSD-2-Clause
 * What stands inside one cluster of a generated graph: independent edges, a uniform random labelled tree (Pruefer's code, 1918: k - 2
 * uniform numbers, decoded by joining the smallest leaf to the next of them), or the Delaunay triangulation of uniform points. */
#include "generate.h"
#include "graph_set_private.h"

static void join(Draft *d, int u, int v) { d->edge[pair_index(u, v)] = 1; }

void cluster_bernoulli(Draft *d, int first, int size, double frequency, Rng *r)
{
  for (int j = 1; j < size; j++)
    for (int i = 0; i < j; i++)
      if (frequency >= 1 || rng_uniform(r) < frequency) join(d, first + i, first + j);
}

void cluster_tree(Draft *d, int first, int size, Rng *r)
{
  int      code[SET_NODES_MAX], left[SET_NODES_MAX] = {0}; /* left[v]: how often v is still to come */
  uint64_t leaves = 0;
  if (size < 2) return;
  for (int k = 0; k < size - 2; k++) left[code[k] = (int)rng_below(r, (uint32_t)size)]++;
  for (int v = 0; v < size; v++) leaves |= (uint64_t)(left[v] == 0) << v;
  for (int k = 0; k < size - 2; k++) {
    const int leaf = __builtin_ctzll(leaves);
    leaves &= leaves - 1;
    join(d, first + leaf, first + code[k]);
    if (--left[code[k]] == 0) leaves |= UINT64_C(1) << code[k];
  }
  const int last = __builtin_ctzll(leaves);
  join(d, first + last, first + __builtin_ctzll(leaves & (leaves - 1)));
}

/* Up to three points are all joined: that they lie on one line has probability 0. */
PetscErrorCode cluster_delaunay(Draft *d, int first, int size, Rng *r)
{
  const GraphSpec spec = {.kind = GRAPH_DELAUNAY, .nodes = size, .seed = rng_u64(r)};
  EdgeList        list = {0};

  PetscFunctionBeginUser;
  if (size <= 3) {
    cluster_bernoulli(d, first, size, 1, r);
    PetscFunctionReturn(0);
  }
  PetscCall(generate_delaunay.emit(&spec, 0, 1, &list));
  for (int64_t e = 0; e < list.n; e++) join(d, first + (int)edge_u(list.key[e]), first + (int)edge_v(list.key[e]));
  edge_list_clear(&list);
  PetscFunctionReturn(0);
}
