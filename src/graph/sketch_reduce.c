/* SPDX-License-Identifier: BSD-2-Clause
 * Elimination of degrees 1 and 2. Removing vertex x with neighbours i of conductance w_i, W = sum w_i, is a block elimination of the
 * Laplacian: the others keep their mutual resistances when edges w_i w_j / W are added between the neighbours, and
 *   R(a, x) = 1/W + c' L'^+ c,   c = e_a - sum_i (w_i / W) e_i     (Schur complement; star-mesh transformation)
 * so that R(a, x) = 1/w at degree 1, and at degree 2, c = (w_b / W) (e_a - e_b), R(a, x) = 1/W + (w_b / W)^2 R'(a, b). Weights are added
 * where the series edge meets an edge that exists. Trees, cycles, and all series-parallel graphs vanish entirely. Every vertex's list is
 * walked once, when it goes, so the work is O(n + m) look-ups by binary search (own edges) or hashing (series edges).
 * Degree 3 and more is not eliminated: the mesh then needs three edges for three, and errors of a value depend on three others. */
#include "sketch_reduce.h"

#include <math.h>
#include <string.h>

/* The graph while vertices go. Own edges of vertex i: neighbour[k], edge[k], start[i] <= k < start[i + 1], ascending neighbours. */
typedef struct Work {
  const Graph *g;
  int64_t     *start;
  int32_t     *neighbour, *edge;
  double      *fill_weight;  /* (n) of series edges */
  uint8_t     *changed;      /* (m / 8 + 1) bits: the weight of an own edge is not the graph's, but in the table */
  int32_t     *changed_edge; /* table, -1: free */
  double      *changed_weight;
  int64_t      n_changed;
  int32_t     *degree; /* (n) live edges; -1: eliminated */
  int64_t      n_fill;
  int32_t     *fill_end;  /* (n, 2) ends of series edges */
  int32_t     *fill_next; /* (n, 2) next series edge of that end, as 2 fill + side; -1: none */
  int32_t     *fill_head; /* (n) */
  int32_t     *table;     /* hash of end pairs to series edges, -1: free */
  uint64_t     mask;
} Work;

static bool edges_sorted(const Graph *g)
{
  for (int64_t e = 1; e < g->m; e++)
    if (g->u[e] < g->u[e - 1] || (g->u[e] == g->u[e - 1] && g->v[e] < g->v[e - 1])) return false;
  return true;
}

static void count_neighbours(const Graph *g, int64_t *start)
{
  memset(start, 0, (size_t)(g->n + 1) * sizeof *start);
  for (int64_t e = 0; e < g->m; e++) {
    start[g->u[e] + 1]++;
    start[g->v[e] + 1]++;
  }
  for (int64_t i = 0; i < g->n; i++) start[i + 1] += start[i];
}

/* Counting sort of the edges by their two ends; ascending within a row if the edges are sorted. */
static void place_neighbours(const Graph *g, int64_t *place, int32_t *neighbour, int32_t *edge)
{
  for (int64_t e = 0; e < g->m; e++) {
    const int64_t a = place[g->u[e]]++, b = place[g->v[e]]++;
    neighbour[a] = (int32_t)g->v[e];
    neighbour[b] = (int32_t)g->u[e];
    edge[a] = edge[b] = (int32_t)e;
  }
}

static PetscErrorCode adjacency_fill(const Graph *g, int64_t *start, int32_t *neighbour, int32_t *edge)
{
  int32_t *by_vertex, *by_edge;
  int64_t *place;

  PetscFunctionBeginUser;
  count_neighbours(g, start);
  PetscCall(PetscMalloc1((size_t)(g->n + 1), &place));
  memcpy(place, start, (size_t)(g->n + 1) * sizeof *place);
  if (edges_sorted(g)) {
    place_neighbours(g, place, neighbour, edge);
  } else { /* A second pass visits neighbours in ascending order, so that rows come out sorted. */
    PetscCall(PetscMalloc2((size_t)(2 * g->m), &by_vertex, (size_t)(2 * g->m), &by_edge));
    place_neighbours(g, place, by_vertex, by_edge);
    memcpy(place, start, (size_t)(g->n + 1) * sizeof *place);
    for (int64_t i = 0; i < g->n; i++) {
      for (int64_t k = start[i]; k < start[i + 1]; k++) {
        const int64_t slot = place[by_vertex[k]]++;
        neighbour[slot]    = (int32_t)i;
        edge[slot]         = by_edge[k];
      }
    }
    PetscCall(PetscFree2(by_vertex, by_edge));
  }
  PetscCall(PetscFree(place));
  PetscFunctionReturn(0);
}

static PetscErrorCode work_create(const Graph *g, Work *w)
{
  uint64_t size = 16;

  PetscFunctionBeginUser;
  memset(w, 0, sizeof *w);
  w->g = g;
  while (size < 2 * (uint64_t)g->n) size *= 2;
  w->mask = size - 1;
  PetscCall(PetscMalloc3((size_t)(g->n + 1), &w->start, (size_t)(2 * g->m), &w->neighbour, (size_t)(2 * g->m), &w->edge));
  PetscCall(PetscMalloc3((size_t)g->n, &w->fill_weight, (size_t)size, &w->changed_edge, (size_t)size, &w->changed_weight));
  PetscCall(PetscCalloc1((size_t)g->m / 8 + 1, &w->changed));
  PetscCall(PetscMalloc1((size_t)g->n, &w->degree));
  PetscCall(PetscMalloc4((size_t)(2 * g->n), &w->fill_end, (size_t)(2 * g->n), &w->fill_next, (size_t)g->n, &w->fill_head, (size_t)size,
                         &w->table));
  PetscCall(adjacency_fill(g, w->start, w->neighbour, w->edge));
  for (int64_t i = 0; i < g->n; i++) {
    w->degree[i]    = (int32_t)(w->start[i + 1] - w->start[i]);
    w->fill_head[i] = -1;
  }
  memset(w->table, 0xff, size * sizeof *w->table);
  memset(w->changed_edge, 0xff, size * sizeof *w->changed_edge);
  PetscFunctionReturn(0);
}

static PetscErrorCode work_destroy(Work *w)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(w->start, w->neighbour, w->edge));
  PetscCall(PetscFree3(w->fill_weight, w->changed_edge, w->changed_weight));
  PetscCall(PetscFree(w->changed));
  PetscCall(PetscFree(w->degree));
  PetscCall(PetscFree4(w->fill_end, w->fill_next, w->fill_head, w->table));
  PetscFunctionReturn(0);
}

/* Slot of the graph's own edge (a, b), or -1. */
static int32_t own_edge(const int64_t *start, const int32_t *neighbour, const int32_t *edge, int64_t a, int64_t b)
{
  if (start[b + 1] - start[b] < start[a + 1] - start[a]) {
    const int64_t t = a;
    a               = b;
    b               = t;
  }
  int64_t low = start[a], high = start[a + 1];
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (neighbour[middle] < b)
      low = middle + 1;
    else
      high = middle;
  }
  return low < start[a + 1] && neighbour[low] == b ? edge[low] : -1;
}

/* Weights that elimination changed are few: they live in a table of their own, and a bit of each edge says so. */
static uint64_t changed_place(const Work *w, int32_t edge)
{
  uint64_t h = (uint64_t)edge * 0x9e3779b97f4a7c15u;
  for (h = (h ^ h >> 29) & w->mask; w->changed_edge[h] >= 0 && w->changed_edge[h] != edge; h = (h + 1) & w->mask)
    ;
  return h;
}

static double slot_weight(const Work *w, int32_t slot)
{
  if (slot >= w->g->m) return w->fill_weight[slot - w->g->m];
  return w->changed[slot / 8] >> (slot % 8) & 1 ? w->changed_weight[changed_place(w, slot)] : graph_weight(w->g, slot);
}

static void add_to_edge(Work *w, int32_t edge, double conductance)
{
  const double   sum = slot_weight(w, edge) + conductance;
  const uint64_t at  = changed_place(w, edge);
  w->n_changed += w->changed_edge[at] < 0;
  w->changed_edge[at]   = edge;
  w->changed_weight[at] = sum;
  w->changed[edge / 8]  = (uint8_t)(w->changed[edge / 8] | 1 << edge % 8);
}

/* Place in the table of series edge {a, b}: its own, or the free one where it belongs. */
static uint64_t table_place(const Work *w, int32_t a, int32_t b)
{
  const uint64_t low = (uint64_t)PetscMin(a, b), high = (uint64_t)PetscMax(a, b);
  uint64_t       h = (low << 32 | high) * 0x9e3779b97f4a7c15u;
  for (h = (h ^ h >> 29) & w->mask; w->table[h] >= 0; h = (h + 1) & w->mask) {
    const int32_t *end = w->fill_end + 2 * (int64_t)w->table[h];
    if ((end[0] == a && end[1] == b) || (end[0] == b && end[1] == a)) break;
  }
  return h;
}

static void link_fill(Work *w, int32_t fill, int side, int32_t vertex)
{
  w->fill_end[2 * (int64_t)fill + side]  = vertex;
  w->fill_next[2 * (int64_t)fill + side] = w->fill_head[vertex];
  w->fill_head[vertex]                   = 2 * fill + side;
}

/* Adds conductance between a and b; the slot that now holds it. */
static int32_t join(Work *w, int32_t a, int32_t b, double conductance)
{
  const int32_t own = own_edge(w->start, w->neighbour, w->edge, a, b);
  if (own >= 0) {
    add_to_edge(w, own, conductance);
    return own;
  }
  const uint64_t place = table_place(w, a, b);
  int32_t        fill  = w->table[place];
  if (fill < 0) {
    w->table[place] = fill = (int32_t)w->n_fill++;
    link_fill(w, fill, 0, a);
    link_fill(w, fill, 1, b);
    w->degree[a]++;
    w->degree[b]++;
    w->fill_weight[fill] = 0;
  }
  w->fill_weight[fill] += conductance;
  return (int32_t)(w->g->m + fill);
}

/* Live neighbours of x and the slots of the edges to them, at most two. */
static int live_neighbours(const Work *w, int64_t x, int32_t neighbour[2], int32_t slot[2])
{
  int found = 0;
  for (int64_t k = w->start[x]; k < w->start[x + 1] && found < 2; k++) {
    if (w->degree[w->neighbour[k]] < 0) continue;
    neighbour[found] = w->neighbour[k];
    slot[found++]    = w->edge[k];
  }
  for (int32_t k = w->fill_head[x]; k >= 0 && found < 2; k = w->fill_next[k]) {
    const int32_t other = w->fill_end[k ^ 1];
    if (w->degree[other] < 0) continue;
    neighbour[found] = other;
    slot[found++]    = (int32_t)(w->g->m + k / 2);
  }
  return found;
}

static Elimination remove_vertex(Work *w, int64_t x, int32_t neighbour[2])
{
  Elimination done  = {.slot = {-1, -1}, .series = -1};
  const int   found = live_neighbours(w, x, neighbour, done.slot);
  w->degree[x]      = -1;
  for (int k = 0; k < found; k++) {
    w->degree[neighbour[k]]--;
    done.w[k] = slot_weight(w, done.slot[k]);
  }
  if (found == 1) neighbour[1] = -1;
  /* 1 / (1/w0 + 1/w1): the product might overflow. */
  if (found == 2) done.series = join(w, neighbour[0], neighbour[1], 1 / (1 / done.w[0] + 1 / done.w[1]));
  return done;
}

/* First in, first out from the lowest vertex on, so that the order is a function of the graph. */
static PetscErrorCode eliminate_all(Work *w, const uint8_t *keep, Reduction *out)
{
  const int64_t n     = w->g->n;
  int64_t       first = 0, last = 0;
  int32_t      *queue;
  uint8_t      *queued;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)n, &queue, (size_t)n, &queued));
  for (int64_t i = 0; i < n; i++) {
    queued[i] = (keep && keep[i]) || w->degree[i] > 2;
    if (!queued[i]) queue[last++] = (int32_t)i;
    queued[i] = keep && keep[i] ? 2 : !queued[i];
  }
  while (first < last) {
    const int64_t x = queue[first++];
    int32_t       neighbour[2];
    if (w->degree[x] < 1) continue;
    out->elimination[out->n_eliminations] = remove_vertex(w, x, neighbour);
    out->n_eliminations++;
    for (int k = 0; k < 2 && neighbour[k] >= 0; k++) {
      if (queued[neighbour[k]] || w->degree[neighbour[k]] > 2) continue;
      queued[neighbour[k]] = 1;
      queue[last++]        = neighbour[k];
    }
  }
  PetscCall(PetscFree2(queue, queued));
  PetscFunctionReturn(0);
}

/* order (returned count): vertices of the core by falling degree, ties by number (counting sort); place: their inverse. */
static PetscErrorCode order_core(const Work *w, int32_t *order, int32_t *place, int64_t *n_core)
{
  int64_t *count;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)w->g->n + 2, &count));
  *n_core = 0;
  for (int64_t i = 0; i < w->g->n; i++) {
    place[i] = -1;
    if (w->degree[i] < 1) continue;
    count[w->g->n - w->degree[i] + 1]++;
    ++*n_core;
  }
  for (int64_t d = 0; d <= w->g->n; d++) count[d + 1] += count[d];
  for (int64_t i = 0; i < w->g->n; i++) {
    if (w->degree[i] < 1) continue;
    place[i]        = (int32_t)count[w->g->n - w->degree[i]]++;
    order[place[i]] = (int32_t)i;
  }
  PetscCall(PetscFree(count));
  PetscFunctionReturn(0);
}

/* The power of two that takes the largest weight, live or not, to [1, 2): unit weights stay 1. */
static int core_exponent(const Work *w)
{
  double largest  = w->g->weight ? 0 : 1;
  int    exponent = 0;
  for (int64_t e = 0; e < w->g->m && w->g->weight; e++) largest = fmax(largest, w->g->weight[e]);
  for (int64_t k = 0; k < w->n_fill; k++) largest = fmax(largest, w->fill_weight[k]);
  for (uint64_t k = 0; k <= w->mask && w->n_changed > 0; k++)
    if (w->changed_edge[k] >= 0) largest = fmax(largest, w->changed_weight[k]);
  (void)frexp(largest, &exponent);
  return exponent - 1;
}

static void core_spread(Reduction *out)
{
  const SketchRows *core     = &out->core;
  float             smallest = INFINITY, largest = 0;
  for (int64_t k = 0; k < core->start[core->n] && core->weight; k++) {
    smallest = fminf(smallest, core->weight[k]);
    largest  = fmaxf(largest, core->weight[k]);
  }
  if (largest > 0) out->spread = log2((double)largest) - log2((double)smallest);
}

/* Entry of row i for the edge `slot` to row j, at the row's front, or among its own edges. */
static void core_entry(const Work *w, SketchRows *core, double scale, int64_t i, int64_t j, int32_t slot, int64_t *front, int64_t *back)
{
  const bool    upper = j > i;
  const int64_t at    = upper ? (*back)++ : (*front)++;
  const float   value = (float)(slot_weight(w, slot) * scale);
  core->column[at]    = (int32_t)j;
  core->degree[i] += (double)value;
  if (core->weight) core->weight[at] = value;
  if (upper) core->number[core->upper_start[i + 1] - (core->start[i + 1] - at)] = slot;
}

static void core_fill(const Work *w, const Reduction *out, const int32_t *order, SketchRows *core)
{
  const double scale = ldexp(1, -out->exponent);
  for (int64_t i = 0; i < core->n; i++) {
    const int64_t x     = order[i];
    int64_t       front = core->start[i], back = core->start[i + 1] - (core->upper_start[i + 1] - core->upper_start[i]);
    for (int64_t k = w->start[x]; k < w->start[x + 1]; k++) {
      const int64_t j = out->place[w->neighbour[k]];
      if (j >= 0) core_entry(w, core, scale, i, j, w->edge[k], &front, &back);
    }
    for (int32_t k = w->fill_head[x]; k >= 0; k = w->fill_next[k]) {
      const int64_t j = out->place[w->fill_end[k ^ 1]];
      if (j >= 0) core_entry(w, core, scale, i, j, (int32_t)(w->g->m + k / 2), &front, &back);
    }
    core->inverse_degree[i] = (float)(1 / core->degree[i]);
  }
}

static void core_count(const Work *w, const Reduction *out, const int32_t *order, SketchRows *core)
{
  for (int64_t i = 0; i < core->n; i++) {
    const int64_t x     = order[i];
    int64_t       upper = 0;
    for (int64_t k = w->start[x]; k < w->start[x + 1]; k++) upper += out->place[w->neighbour[k]] > i;
    for (int32_t k = w->fill_head[x]; k >= 0; k = w->fill_next[k]) upper += out->place[w->fill_end[k ^ 1]] > i;
    core->start[i + 1]       = core->start[i] + w->degree[x];
    core->upper_start[i + 1] = core->upper_start[i] + upper;
  }
}

static PetscErrorCode core_create(const Work *w, Reduction *out)
{
  SketchRows *core = &out->core;
  int32_t    *order;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)w->g->n, &order));
  PetscCall(order_core(w, order, out->place, &core->n));
  out->exponent   = core_exponent(w);
  core->n_columns = core->n;
  PetscCall(PetscCalloc2((size_t)core->n + 1, &core->start, (size_t)core->n + 1, &core->upper_start));
  core_count(w, out, order, core);
  PetscCall(PetscMalloc2((size_t)core->start[core->n] + 1, &core->column, (size_t)core->upper_start[core->n] + 1, &core->number));
  if (w->g->weight || w->n_changed + w->n_fill > 0) PetscCall(PetscMalloc1((size_t)core->start[core->n] + 1, &core->weight));
  PetscCall(PetscCalloc2((size_t)core->n, &core->degree, (size_t)core->n, &core->inverse_degree));
  core_fill(w, out, order, core);
  core_spread(out);
  PetscCall(PetscFree(order));
  PetscFunctionReturn(0);
}

PetscErrorCode reduction_create(const Graph *g, const uint8_t *keep, bool eliminate, Reduction **out)
{
  Reduction *r;
  Work       w;

  PetscFunctionBeginUser;
  PetscCheck(g->m + g->n < INT32_MAX && g->n < INT32_MAX / 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "the sketch on one rank takes 2^31 edges and vertices and 2^30 vertices at most, this graph has %lld vertices, %lld edges",
             (long long)g->n, (long long)g->m);
  PetscCall(PetscNew(&r));
  r->n = g->n;
  r->m = g->m;
  PetscCall(PetscMalloc2((size_t)g->n, &r->place, (size_t)g->n, &r->elimination));
  PetscCall(work_create(g, &w));
  if (eliminate) PetscCall(eliminate_all(&w, keep, r));
  r->n_slots = g->m + w.n_fill;
  PetscCall(core_create(&w, r));
  PetscCall(work_destroy(&w));
  *out = r;
  PetscFunctionReturn(0);
}

void reduction_destroy(Reduction **r)
{
  if (!*r) return;
  SketchRows *core = &(*r)->core;
  (void)PetscFree2((*r)->place, (*r)->elimination);
  (void)PetscFree2(core->start, core->upper_start);
  (void)PetscFree2(core->column, core->number);
  (void)PetscFree(core->weight);
  (void)PetscFree2(core->degree, core->inverse_degree);
  (void)PetscFree(*r);
  *r = NULL;
}

void reduction_recover(const Reduction *r, const SlotValues *value, const SlotValues *error)
{
  for (int64_t k = r->n_eliminations - 1; k >= 0; k--) {
    const Elimination *e = &r->elimination[k];
    if (e->series < 0) {
      *slot_value(value, e->slot[0]) = 1 / e->w[0];
      *slot_value(error, e->slot[0]) = 0;
      continue;
    }
    const double total = e->w[0] + e->w[1], base = 1 / total;
    for (int side = 0; side < 2; side++) {
      const double share = e->w[1 - side] / total;

      *slot_value(value, e->slot[side]) = base + share * share * *slot_value(value, e->series);
      *slot_value(error, e->slot[side]) = share * share * *slot_value(error, e->series);
    }
  }
}

PetscErrorCode graph_find_edges(const Graph *g, int64_t n_pairs, const int64_t *u, const int64_t *v, int64_t *edge)
{
  int64_t *start;
  int32_t *neighbour, *number;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3((size_t)(g->n + 1), &start, (size_t)(2 * g->m), &neighbour, (size_t)(2 * g->m), &number));
  PetscCall(adjacency_fill(g, start, neighbour, number));
  for (int64_t k = 0; k < n_pairs; k++) edge[k] = own_edge(start, neighbour, number, u[k], v[k]);
  PetscCall(PetscFree3(start, neighbour, number));
  PetscFunctionReturn(0);
}
