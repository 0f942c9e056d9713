/* SPDX-License-Identifier: BSD-2-Clause
 * Isomorphism classes of sets of graphs, uniqueness and novelty. Graphs are sorted by the hash of their equitable partition
 * (graph_isomorphism.c); only those of one hash are compared, each with one representative of every class so far. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph_isomorphism.h"
#include "memory.h"

typedef struct Entry {
  uint64_t hash;
  int64_t  graph;
} Entry;

static int by_hash(const void *a, const void *b)
{
  const Entry *const x = a, *const y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return (x->graph > y->graph) - (x->graph < y->graph);
}

/* Graphs by (hash, number). */
static Entry *sorted_entries(const GraphSample *s, bool with_nodes)
{
  Entry *const  entry = mem_calloc((size_t)s->count + 1, sizeof *entry);
  ColouredGraph graph;
  for (int64_t g = 0; g < s->count; g++) {
    coloured_graph(s, g, with_nodes, &graph);
    entry[g] = (Entry){graph.hash, g};
  }
  qsort(entry, (size_t)s->count, sizeof *entry, by_hash);
  return entry;
}

/* The graphs as they are stored. */
static bool identical(const GraphSample *x, int64_t i, const GraphSample *y, int64_t j, bool with_nodes)
{
  const int n = x->size[i];
  if (n != y->size[j] || memcmp(sample_edges(x, i), sample_edges(y, j), (size_t)pair_count(n)) != 0) return false;
  return !with_nodes || memcmp(x->node + i * x->n, y->node + j * y->n, (size_t)n) == 0;
}

/* Graph i of x against the `count` graphs of y that entries name; the place of the first that is isomorphic, or count. */
static int64_t search(const GraphSample *x, int64_t i, const GraphSample *y, int64_t count, const Entry *among, bool with_nodes)
{
  ColouredGraph graph, other;
  for (int64_t k = 0; k < count; k++)
    if (identical(x, i, y, among[k].graph, with_nodes)) return k;
  if (count > 0) coloured_graph(x, i, with_nodes, &graph);
  for (int64_t k = 0; k < count; k++) {
    coloured_graph(y, among[k].graph, with_nodes, &other);
    if (coloured_isomorphic(&graph, &other)) return k;
  }
  return count;
}

/* Shrinks sorted entries to one per class; class as in graph_metrics.h, or NULL. Returns how many are left. */
static int64_t keep_first(const GraphSample *s, Entry *entry, bool with_nodes, int64_t *class)
{
  int64_t kept = 0, group = 0; /* entries [group, kept) have the hash at hand */
  for (int64_t e = 0; e < s->count; e++) {
    const Entry now = entry[e];
    if (group < kept && entry[group].hash != now.hash) group = kept;
    const int64_t at = group + search(s, now.graph, s, kept - group, entry + group, with_nodes);
    if (at == kept) entry[kept++] = now;
    if (class) class[now.graph] = entry[at].graph;
  }
  return kept;
}

int64_t graphs_classes(const GraphSample *s, int64_t *class)
{
  Entry *const  entry   = sorted_entries(s, s->node != NULL);
  const int64_t classes = keep_first(s, entry, s->node != NULL, class);
  free(entry);
  return classes;
}

/* The first of sorted entries whose hash is not below; `count` when all are. */
static int64_t lower_bound(int64_t count, const Entry *entry, uint64_t hash)
{
  int64_t low = 0;
  while (low < count) {
    const int64_t middle = low + (count - low) / 2;
    if (entry[middle].hash < hash)
      low = middle + 1;
    else
      count = middle;
  }
  return low;
}

void graphs_found(const GraphSample *x, const GraphSample *y, uint8_t *found)
{
  const bool   with_nodes = x->node && y->node;
  Entry *const mine = sorted_entries(x, with_nodes), *const theirs = sorted_entries(y, with_nodes);
  int64_t *const class = mem_calloc((size_t)x->count + 1, sizeof *class);
  const int64_t n_mine = keep_first(x, mine, with_nodes, class), n_theirs = keep_first(y, theirs, with_nodes, NULL);
  for (int64_t e = 0; e < n_mine; e++) {
    const int64_t begin = lower_bound(n_theirs, theirs, mine[e].hash);
    int64_t       end   = begin;
    while (end < n_theirs && theirs[end].hash == mine[e].hash) end++;
    found[mine[e].graph] = search(x, mine[e].graph, y, end - begin, theirs + begin, with_nodes) < end - begin;
  }
  for (int64_t g = 0; g < x->count; g++) found[g] = found[class[g]];
  free(class);
  free(theirs);
  free(mine);
}

PetscErrorCode graph_novelty(const GraphSample *s, const GraphSample *training, const uint8_t *valid, GraphNovelty *out)
{
  const double total = (double)s->count;
  int64_t *class, n_novel = 0, n_valid = 0;
  uint8_t *found, *good, undefined     = valid == NULL;
  PetscFunctionBeginUser;
  *out = (GraphNovelty){NAN, NAN, NAN};
  if (s->count < 1) PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(s->count, &class, s->count, &found));
  PetscCall(PetscCalloc1(s->count, &good));
  const int64_t classes = graphs_classes(s, class);
  graphs_found(s, training, found);
  for (int64_t g = 0; valid && g < s->count; g++) {
    good[class[g]] |= valid[g] == 1;
    undefined |= valid[g] == VALIDITY_UNDEFINED;
  }
  for (int64_t g = 0; g < s->count; g++) {
    const bool novel = class[g] == g && !found[g];
    n_novel += novel;
    n_valid += novel && good[g];
  }
  *out = (GraphNovelty){(double)classes / total, (double)n_novel / (double)classes, undefined ? NAN : (double)n_valid / total};
  PetscCall(PetscFree(good));
  PetscCall(PetscFree2(class, found));
  PetscFunctionReturn(0);
}
