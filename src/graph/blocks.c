/* SPDX-License-Identifier: BSD-2-Clause
 * Biconnected blocks and bridges by depth-first search with lowpoints (J. Hopcroft, R. Tarjan, Algorithm 447, CACM 16 (1973) 372), the
 * recursion unrolled onto an explicit stack: a path of millions of vertices is as deep as it is long. O(n + m) time and memory.
 * It does not list cut vertices: they are the vertices whose edges lie in several blocks. */
#include "graph.h"

typedef struct Search {
  const Adjacency *a;
  int64_t         *time; /* (n) order of discovery, -1: not yet */
  int64_t         *low;  /* (n) earliest vertex reached from the subtree by one edge back */
  int64_t         *next; /* (n) next entry of the adjacency list */
  int64_t         *by;   /* (n) edge it was discovered by, -1: a root */
  int64_t         *path; /* (n) vertices from the root down */
  int64_t         *pile; /* (m) edges seen and not yet given to a block */
  int64_t          clock, depth, piled, blocks;
} Search;

static void enter(Search *s, int64_t vertex, int64_t edge)
{
  s->time[vertex] = s->low[vertex] = s->clock++;
  s->next[vertex]                  = s->a->start[vertex];
  s->by[vertex]                    = edge;
  s->path[s->depth++]              = vertex;
}

/* The subtree of x reaches nothing above its parent: what lies on the pile down to the edge into x is one block. */
static void close_block(Search *s, int64_t x, int64_t *block)
{
  int64_t edge;
  do {
    edge        = s->pile[--s->piled];
    block[edge] = s->blocks;
  } while (edge != s->by[x]);
  s->blocks++;
}

static void leave(Search *s, int64_t x, int64_t *block)
{
  s->depth--;
  if (s->depth == 0) return;
  const int64_t parent = s->path[s->depth - 1];
  if (s->low[x] >= s->time[parent])
    close_block(s, x, block);
  else if (s->low[x] < s->low[parent])
    s->low[parent] = s->low[x];
}

static void search_from(Search *s, int64_t root, int64_t *block)
{
  enter(s, root, -1);
  while (s->depth > 0) {
    const int64_t x = s->path[s->depth - 1];
    if (s->next[x] == s->a->start[x + 1]) {
      leave(s, x, block);
      continue;
    }
    const int64_t k = s->next[x]++, y = s->a->vertex[k], edge = s->a->edge[k];
    if (s->time[y] < 0) {
      s->pile[s->piled++] = edge;
      enter(s, y, edge);
    } else if (s->time[y] < s->time[x] && edge != s->by[x]) {
      s->pile[s->piled++] = edge;
      if (s->time[y] < s->low[x]) s->low[x] = s->time[y];
    }
  }
}

/* From the order in which blocks were closed to that of their smallest edges; sizes and bridges on the way. */
static PetscErrorCode number_blocks(int64_t m, int64_t n_blocks, GraphBlocks *b)
{
  int64_t *number;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)n_blocks, &number));
  PetscCall(PetscCalloc1((size_t)n_blocks, &b->size));
  for (int64_t i = 0; i < n_blocks; i++) number[i] = -1;
  for (int64_t e = 0; e < m; e++) {
    int64_t *const to = &number[b->block[e]];
    if (*to < 0) *to = b->n_blocks++;
    b->block[e] = *to;
    b->size[*to]++;
  }
  for (int64_t i = 0; i < n_blocks; i++) b->n_bridges += b->size[i] == 1;
  PetscCall(PetscFree(number));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_blocks(const Graph *g, GraphBlocks **out)
{
  GraphBlocks *b;
  Adjacency   *a;
  Search       s = {0};

  PetscFunctionBeginUser;
  PetscCall(graph_adjacency(g, &a));
  PetscCall(PetscNew(&b));
  PetscCall(PetscMalloc2((size_t)g->n, &b->component, (size_t)g->m, &b->block));
  PetscCall(PetscMalloc6((size_t)g->n, &s.time, (size_t)g->n, &s.low, (size_t)g->n, &s.next, (size_t)g->n, &s.by, (size_t)g->n, &s.path,
                         (size_t)g->m, &s.pile));
  s.a = a;
  for (int64_t i = 0; i < g->n; i++) s.time[i] = -1;

  for (int64_t i = 0; i < g->n; i++) {
    b->n_isolated += a->start[i] == a->start[i + 1];
    if (s.time[i] < 0) search_from(&s, i, b->block);
  }
  b->n_components = graph_components(g, NULL, b->component);
  PetscCall(PetscFree6(s.time, s.low, s.next, s.by, s.path, s.pile));
  adjacency_destroy(&a);
  PetscCall(number_blocks(g->m, s.blocks, b));
  *out = b;
  PetscFunctionReturn(0);
}

void graph_blocks_destroy(GraphBlocks **blocks)
{
  if (!blocks || !*blocks) return;
  GraphBlocks *b = *blocks;
  (void)PetscFree2(b->component, b->block);
  (void)PetscFree(b->size);
  (void)PetscFree(b);
  *blocks = NULL;
}
