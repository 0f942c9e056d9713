/* SPDX-License-Identifier: BSD-2-Clause
 * Minimum vertex cut by vertex-disjoint augmenting paths (Menger; Dinic's phases, which for unit vertex capacities are O(sqrt n): Even and
 * Tarjan, SIAM J. Comput. 4 (1975) 507; on a bipartite network with all vertices terminal this is Hopcroft and Karp's matching, and the cut
 * Koenig's vertex cover). Every vertex is split into an entry and an exit joined by an arc of capacity 1. Since at most one path passes
 * a vertex, the flow is two words a vertex: whether it is used, and from where. It knows no vertex weights. */
#include "vertex_cut.h"

#include <stdbool.h>

/* State 2 i is vertex i's entry, 2 i + 1 its exit. */
typedef struct Flow {
  int32_t        n;
  const int64_t *start;
  const int32_t *neighbor;
  const uint8_t *terminal;
  int32_t       *from;  /* (n) the vertex a used vertex's path comes from; -1: the source */
  bool          *used;  /* (n) */
  int32_t       *level; /* (2 n) distance from the source in the residual network, -1: not reached */
  int32_t       *queue; /* (2 n) states: breadth-first queue, then the stack of a search in depth */
  int64_t       *next;  /* (2 n) the next arc to try of a state on the stack */
  bool          *spent; /* (2 n) states a search of this phase has been at: each carries one path at most */
} Flow;

/* Arc k of a state, or -1 after the last. Entry: through the vertex, or, where a path uses it, back along that path. Exit: back through the
 * vertex (arc 0, used ones), then to the neighbours' entries. */
static int32_t arc(const Flow *f, int32_t state, int64_t k)
{
  const int32_t i = state / 2;
  if (state % 2 == 0) {
    if (k > 0) return -1;
    if (!f->used[i]) return state + 1;
    return f->from[i] < 0 ? -1 : 2 * f->from[i] + 1;
  }
  if (f->start[i] + k - 1 >= f->start[i + 1]) return -1;
  return k == 0 ? 2 * i : 2 * f->neighbor[f->start[i] + k - 1];
}

/* Arc 0 of an exit exists for used vertices only. */
static int64_t first_arc(const Flow *f, int32_t state) { return state % 2 == 1 && !f->used[state / 2] ? 1 : 0; }

static bool at_sink(const Flow *f, int32_t state) { return state % 2 == 1 && f->terminal[state / 2] & CUT_SINK; }

/* Levels from the source, to the whole of the layer in which the sink is first met; false: it is not met at all. */
static bool layers(Flow *f)
{
  int32_t head = 0, tail = 0, sink = -1;
  for (int32_t s = 0; s < 2 * f->n; s++) f->level[s] = -1;
  for (int32_t i = 0; i < f->n; i++) {
    if (!(f->terminal[i] & CUT_SOURCE)) continue;
    f->level[2 * i]  = 0;
    f->queue[tail++] = 2 * i;
  }
  while (head < tail) {
    const int32_t s = f->queue[head++];
    if (sink >= 0 && f->level[s] >= sink) break;
    if (at_sink(f, s)) {
      sink = f->level[s];
      continue;
    }
    for (int64_t k = first_arc(f, s);; k++) {
      const int32_t t = arc(f, s, k);
      if (t < 0) break;
      if (f->level[t] >= 0) continue;
      f->level[t]      = f->level[s] + 1;
      f->queue[tail++] = t;
    }
  }
  return sink >= 0;
}

/* Makes the states on the stack (a path from a source's entry to a sink's exit) part of the flow. */
static void augment(Flow *f, int32_t depth)
{
  f->from[f->queue[0] / 2] = -1;
  for (int32_t d = 0; d + 1 < depth; d++) {
    const int32_t s = f->queue[d], t = f->queue[d + 1];
    if (s / 2 == t / 2)
      f->used[s / 2] = s % 2 == 0;
    else if (s % 2 == 1)
      f->from[t / 2] = s / 2;
  }
}

/* Searches in depth along ascending levels from a source's entry; true when a sink was reached and the path taken. */
static bool search(Flow *f, int32_t root)
{
  int32_t depth  = 1;
  f->queue[0]    = root;
  f->next[root]  = first_arc(f, root);
  f->spent[root] = true;
  while (depth > 0) {
    const int32_t s = f->queue[depth - 1];
    if (at_sink(f, s)) {
      augment(f, depth);
      return true;
    }
    const int32_t t = arc(f, s, f->next[s]);
    if (t < 0) {
      depth--;
      continue;
    }
    f->next[s]++;
    if (f->spent[t] || f->level[t] != f->level[s] + 1) continue;
    f->spent[t]       = true;
    f->next[t]        = first_arc(f, t);
    f->queue[depth++] = t;
  }
  return false;
}

static void solve(Flow *f, int8_t *side)
{
  for (int32_t i = 0; i < f->n; i++) f->used[i] = false;
  while (layers(f)) {
    for (int32_t s = 0; s < 2 * f->n; s++) f->spent[s] = false;
    for (int32_t i = 0; i < f->n; i++)
      if (f->terminal[i] & CUT_SOURCE && !f->spent[2 * i]) (void)search(f, 2 * i);
  }
  /* The last layers reach all that the source still reaches: the cut is where an entry is reached and its exit is not. */
  for (int32_t i = 0; i < f->n; i++) side[i] = f->level[2 * i + 1] >= 0 ? -1 : f->level[2 * i] >= 0 ? 0 : 1;
}

PetscErrorCode vertex_cut(int32_t n, const int64_t *start, const int32_t *neighbor, const uint8_t *terminal, int8_t *side)
{
  Flow         f      = {.n = n, .start = start, .neighbor = neighbor, .terminal = terminal};
  const size_t states = 2 * (size_t)n;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc6((size_t)n, &f.from, (size_t)n, &f.used, states, &f.level, states, &f.queue, states, &f.next, states, &f.spent));
  solve(&f, side);
  PetscCall(PetscFree6(f.from, f.used, f.level, f.queue, f.next, f.spent));
  PetscFunctionReturn(0);
}
