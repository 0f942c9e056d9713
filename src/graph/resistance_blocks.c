/* SPDX-License-Identifier: BSD-2-Clause
 * Every edge's effective resistance, block by block: R of an edge depends on its biconnected block alone, and a bridge of weight w has
 * R = 1/w. Blocks that are a large share of the work take all ranks together, one after the other; the rest is dealt out, longest first to
 * the least loaded rank (Graham 1969), and put together by one sum over ranks in which every edge has one term other than 0.
 * Which method does a block is decided by its size and by what `exact` says before it factors; see choose(). Chosen pairs are done
 * component by component instead, since the ends of a pair need not share a block. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resistance_methods.h"

enum {
  DENSE_BLOCK_MAX  = 64,      /* below this a dense block is cheaper than any sparse analysis */
  DENSE_TOTAL_MAX  = 20000,   /* asked for by name */
  SKETCH_BLOCK_MIN = 256,     /* smaller blocks are never worth a sketch's noise */
  LARGE_SKEWED     = 4000000, /* edges from which on a skewed graph is not even analysed by `auto` */
};

/* Edges of every block, block by block. */
typedef struct Parts {
  int64_t *first, *edge; /* (n_blocks + 1), (m) */
} Parts;

static PetscErrorCode parts_create(const GraphBlocks *b, int64_t m, Parts *p)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)b->n_blocks + 2, &p->first, (size_t)m, &p->edge));
  for (int64_t i = 0; i <= b->n_blocks + 1; i++) p->first[i] = 0;
  for (int64_t e = 0; e < m; e++) p->first[b->block[e] + 2]++;
  for (int64_t i = 0; i < b->n_blocks; i++) p->first[i + 2] += p->first[i + 1];
  for (int64_t e = 0; e < m; e++) p->edge[p->first[b->block[e] + 1]++] = e;
  PetscFunctionReturn(0);
}

/* What one call works on. */
typedef struct Work {
  MPI_Comm                 comm;
  int                      rank, size;
  const Graph             *graph;
  const GraphBlocks       *blocks;
  Parts                    parts;
  const ResistanceOptions *options;
  ResistanceStats         *stats;
  double                  *resistance, *error; /* (m) */
  int64_t                  edges_done[RESISTANCE_SOLVE + 1];
} Work;

static bool is_skewed(const Graph *g)
{
  int64_t *degree, largest = 0;
  if (PetscCalloc1((size_t)g->n, &degree)) return false;
  for (int64_t e = 0; e < g->m; e++) {
    degree[g->u[e]]++;
    degree[g->v[e]]++;
  }
  for (int64_t i = 0; i < g->n; i++) largest = PetscMax(largest, degree[i]);
  (void)PetscFree(degree);
  return (double)largest > 50.0 * 2 * (double)g->m / (double)g->n;
}

/* The first method to try on a block of n vertices. `exact` is tried before `sketch`, and refuses before it factors when it does not fit.
 * */
static ResistanceMethodId choose(const ResistanceOptions *o, const Graph *block)
{
  if (o->method == RESISTANCE_EXACT || o->method == RESISTANCE_AUTO) {
    if (block->n <= DENSE_BLOCK_MAX) return RESISTANCE_DENSE;
    if (o->method == RESISTANCE_AUTO && block->m > LARGE_SKEWED && is_skewed(block)) return RESISTANCE_SKETCH;
    return RESISTANCE_EXACT;
  }
  if (o->method == RESISTANCE_SKETCH && block->n <= SKETCH_BLOCK_MIN) return RESISTANCE_DENSE;
  return o->method;
}

/* Pairs of vertices of a connected graph; u NULL: its edges. */
typedef struct Pairs {
  int64_t        n;
  const int64_t *u, *v;
  double        *resistance, *error; /* (n) */
} Pairs;

/* A matrix that is not definite in double precision is an outcome, not a broken world. */
static PetscErrorCode run_dense(const Graph *g, const Pairs *p, ResistanceStats *s)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  const PetscErrorCode code = resistance_dense(g, p->n, p->u, p->v, p->resistance);
  PetscCall(PetscPopErrorHandler());
  if (code == PETSC_ERR_LIB)
    snprintf(s->refused, sizeof s->refused, "dense: not positive definite in double precision (weights too far apart)");
  else
    PetscCall(code);
  PetscFunctionReturn(0);
}

/* One connected graph by one method, collectively on comm. */
static PetscErrorCode run_method(MPI_Comm comm, ResistanceMethodId method, const Graph *g, const Pairs *p, const ResistanceOptions *o,
                                 ResistanceStats *s)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < p->n; k++) p->error[k] = 0;
  *s = (ResistanceStats){.method = method};
  switch (method) {
  case RESISTANCE_DENSE:
    s->predicted_bytes   = 8 * (double)g->n * (double)g->n;
    s->predicted_seconds = 1e-10 * (double)g->n * (double)g->n * (double)g->n;
    if (o->memory_limit > 0 && s->predicted_bytes > o->memory_limit)
      snprintf(s->refused, sizeof s->refused, "dense needs %.3g GB of the %.3g GB allowed", 1e-9 * s->predicted_bytes,
               1e-9 * o->memory_limit);
    else if (g->n > DENSE_TOTAL_MAX)
      snprintf(s->refused, sizeof s->refused, "dense takes %d vertices at most, there are %lld", DENSE_TOTAL_MAX, (long long)g->n);
    else
      PetscCall(run_dense(g, p, s));
    break;
  case RESISTANCE_SKETCH: PetscCall(resistance_sketch(comm, g, p->n, p->u, p->v, o, s, p->resistance, p->error)); break;
  case RESISTANCE_SOLVE: PetscCall(resistance_solve(comm, g, p->n, p->u, p->v, o, s, p->resistance)); break;
  default: PetscCall(resistance_exact(comm, g, p->n, p->u, p->v, o, s, p->resistance)); break;
  }
  PetscFunctionReturn(0);
}

/* The same by the method that options ask for; under `auto` a refusal of `exact` leads to the next one. */
static PetscErrorCode run_connected(MPI_Comm comm, const Graph *g, const Pairs *p, const ResistanceOptions *o, ResistanceStats *s)
{
  const ResistanceMethodId method    = choose(o, g);
  const bool               automatic = o->method == RESISTANCE_AUTO && method == RESISTANCE_EXACT;
  ResistanceOptions        first     = *o;

  PetscFunctionBeginUser;
  if (!automatic) first.seconds_limit = 0;
  PetscCall(run_method(comm, method, g, p, &first, s));
  if (s->refused[0] && automatic && !watch_stop(o->watch))
    PetscCall(run_method(comm, p->u ? RESISTANCE_SOLVE : RESISTANCE_SKETCH, g, p, o, s));
  PetscFunctionReturn(0);
}

static void interrupted(ResistanceStats *s) { snprintf(s->refused, sizeof s->refused, "interrupted"); }

/* Largest of both: what a rank needs at one time, how hard it was; times and variances add. */
static void merge_stats(ResistanceStats *to, const ResistanceStats *from)
{
  to->predicted_bytes = fmax(to->predicted_bytes, from->predicted_bytes);
  to->predicted_seconds += from->predicted_seconds;
  to->factor_entries += from->factor_entries;
  to->factor_flops += from->factor_flops;
  to->residual      = fmax(to->residual, from->residual);
  to->iterations    = PetscMax(to->iterations, from->iterations);
  to->projections   = PetscMax(to->projections, from->projections);
  to->foster_stderr = hypot(to->foster_stderr, from->foster_stderr);
  if (from->refused[0] && !to->refused[0]) memcpy(to->refused, from->refused, sizeof to->refused);
}

static PetscErrorCode run_block(Work *w, MPI_Comm comm, int64_t number)
{
  const int64_t  first = w->parts.first[number], m = w->parts.first[number + 1] - first;
  const int64_t *edge = w->parts.edge + first;
  int64_t       *vertex;
  double        *r, *error;
  Graph         *block;

  PetscFunctionBeginUser;
  if (m == 1) {
    w->resistance[edge[0]] = 1 / graph_weight(w->graph, edge[0]);
    PetscFunctionReturn(0);
  }
  PetscCall(graph_subgraph(w->graph, m, edge, &vertex, &block));
  PetscCall(PetscFree(vertex));
  PetscCall(PetscMalloc2((size_t)m, &r, (size_t)m, &error));
  ResistanceStats stats;
  const Pairs     pairs = {.n = m, .resistance = r, .error = error};
  PetscCall(run_connected(comm, block, &pairs, w->options, &stats));
  if (!stats.refused[0]) w->edges_done[stats.method] += m;
  merge_stats(w->stats, &stats);
  for (int64_t k = 0; k < m && !stats.refused[0]; k++) {
    w->resistance[edge[k]] = r[k];
    w->error[edge[k]]      = error[k];
  }
  PetscCall(PetscFree2(r, error));
  graph_destroy(&block);
  PetscFunctionReturn(0);
}

/* Relative work of a block: edges, and more per edge in larger ones. */
static double work_of(int64_t edges) { return (double)edges * (1 + 0.1 * sqrt((double)edges)); }

typedef struct Share {
  double  work;
  int64_t block;
} Share;

static int by_work(const void *a, const void *b)
{
  const Share *x = a, *y = b;
  if (x->work != y->work) return x->work > y->work ? -1 : 1;
  return (x->block > y->block) - (x->block < y->block);
}

/* owner: (n_blocks) the rank that does a block, or -1: all together. */
static PetscErrorCode deal_out(const Work *w, int *owner)
{
  const int64_t n = w->blocks->n_blocks;
  Share        *share;
  double       *load, total = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)n, &share, (size_t)w->size, &load));
  for (int64_t i = 0; i < n; i++) {
    share[i] = (Share){work_of(w->blocks->size[i]), i};
    total += share[i].work;
  }
  for (int r = 0; r < w->size; r++) load[r] = 0;
  if (w->size > 1 && n > 0) qsort(share, (size_t)n, sizeof *share, by_work);
  for (int64_t i = 0; i < n; i++) {
    int least = 0;
    for (int r = 1; r < w->size; r++)
      if (load[r] < load[least]) least = r;
    /* A block heavier than a rank's half share would be waited for. */
    const bool together = w->size > 1 && share[i].work > total / (2.0 * w->size) && w->blocks->size[share[i].block] > 1000 &&
                          w->options->method != RESISTANCE_DENSE;
    owner[share[i].block] = together ? -1 : least;
    if (!together) load[least] += share[i].work;
  }
  PetscCall(PetscFree2(share, load));
  PetscFunctionReturn(0);
}

/* Everything that ranks did by themselves, on all of them. */
static PetscErrorCode put_together(Work *w)
{
  ResistanceStats *all, total = {0};
  const int64_t    step = 1 << 27;

  PetscFunctionBeginUser;
  if (w->size == 1) PetscFunctionReturn(0);
  for (int64_t e = 0; e < w->graph->m; e += step) {
    const int n = (int)PetscMin(step, w->graph->m - e);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, w->resistance + e, n, MPI_DOUBLE, MPI_SUM, w->comm));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, w->error + e, n, MPI_DOUBLE, MPI_SUM, w->comm));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, w->edges_done, RESISTANCE_SOLVE + 1, MPI_INT64_T, MPI_SUM, w->comm));
  PetscCall(PetscMalloc1((size_t)w->size, &all));
  PetscCallMPI(MPI_Allgather(w->stats, sizeof *all, MPI_BYTE, all, sizeof *all, MPI_BYTE, w->comm));
  for (int r = 0; r < w->size; r++) merge_stats(&total, &all[r]);
  *w->stats = total;
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_own_blocks(Work *w, const int *owner)
{
  ResistanceOptions quiet = *w->options; /* one rank's blocks may not ask all ranks whether to stop */
  Watch             watch = quiet.watch ? *quiet.watch : (Watch){0};
  Work              own   = *w;
  const int64_t     n     = w->blocks->n_blocks;

  PetscFunctionBeginUser;
  if (w->size > 1) watch.stop = NULL;
  quiet.watch = &watch;
  own.options = &quiet;
  for (int64_t i = 0, told = 0; i < n && !own.stats->refused[0]; i++) {
    if (owner[i] != w->rank) continue;
    if (w->blocks->size[i] > 1 && (told++ & 255) == 0) watch_progress(&watch, "blocks", i, n);
    if (w->size == 1 && (told & 4095) == 1 && watch_stop(&watch)) interrupted(own.stats);
    if (own.stats->refused[0]) break;
    PetscCall(run_block(&own, PETSC_COMM_SELF, i));
  }
  memcpy(w->edges_done, own.edges_done, sizeof own.edges_done);
  PetscFunctionReturn(0);
}

/* Every block that all ranks do together, after what each did alone is put together, so that no term is added twice. */
static PetscErrorCode run_all(Work *w, const int *owner)
{
  PetscFunctionBeginUser;
  PetscCall(run_own_blocks(w, owner));
  PetscCall(put_together(w));
  for (int64_t i = 0; i < w->blocks->n_blocks && !w->stats->refused[0]; i++) {
    if (owner[i] >= 0) continue;
    if (watch_stop(w->options->watch)) interrupted(w->stats);
    if (!w->stats->refused[0]) PetscCall(run_block(w, w->comm, i));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_all(MPI_Comm comm, const Graph *g, const GraphBlocks *blocks, const ResistanceOptions *options,
                              ResistanceStats *stats, double *resistance, double *standard_error)
{
  Work w = {
      .comm = comm, .graph = g, .blocks = blocks, .options = options, .stats = stats, .resistance = resistance, .error = standard_error};
  int *owner;

  PetscFunctionBeginUser;
  /* What stays in memory beside a method's own: the graph, its blocks, the answers, and one block's copy of all that. */
  const double      own  = 90 * (double)g->m + 40 * (double)g->n;
  ResistanceOptions rest = *options;
  if (rest.memory_limit > 0) rest.memory_limit = fmax(1, rest.memory_limit - own);
  w.options = &rest;
  *stats    = (ResistanceStats){0};
  PetscCallMPI(MPI_Comm_rank(comm, &w.rank));
  PetscCallMPI(MPI_Comm_size(comm, &w.size));
  for (int64_t e = 0; e < g->m; e++) resistance[e] = standard_error[e] = 0;
  PetscCall(parts_create(blocks, g->m, &w.parts));
  PetscCall(PetscMalloc1((size_t)blocks->n_blocks, &owner));
  PetscCall(deal_out(&w, owner));
  PetscCall(run_all(&w, owner));
  for (int i = RESISTANCE_DENSE; i <= RESISTANCE_SOLVE; i++)
    if (w.edges_done[i] > w.edges_done[stats->method] || stats->method == RESISTANCE_AUTO) stats->method = (ResistanceMethodId)i;
  stats->predicted_bytes += own;
  PetscCall(PetscFree(owner));
  PetscCall(PetscFree2(w.parts.first, w.parts.edge));
  PetscFunctionReturn(0);
}

/* --- pairs --- */

/* The pairs inside one component, solved on it. */
static PetscErrorCode run_component(MPI_Comm comm, const Graph *whole, const int64_t *component, int64_t number, const Pairs *all,
                                    const ResistanceOptions *o, ResistanceStats *stats)
{
  int64_t *edges, *vertex, *local, *which, *u, *v, m = 0, n = 0;
  double  *r, *error;
  Graph   *g;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)whole->m, &edges, (size_t)whole->n, &local));
  PetscCall(PetscMalloc5((size_t)all->n, &which, (size_t)all->n, &u, (size_t)all->n, &v, (size_t)all->n, &r, (size_t)all->n, &error));
  for (int64_t e = 0; e < whole->m; e++)
    if (component[whole->u[e]] == number) edges[m++] = e;
  PetscCall(graph_subgraph(whole, m, edges, &vertex, &g));
  for (int64_t i = 0; i < g->n; i++) local[vertex[i]] = i;
  for (int64_t k = 0; k < all->n; k++) {
    if (component[all->u[k]] != number || component[all->v[k]] != number || all->u[k] == all->v[k]) continue;
    u[n]       = local[all->u[k]];
    v[n]       = local[all->v[k]];
    which[n++] = k;
  }
  const Pairs     pairs = {n, u, v, r, error};
  ResistanceStats own;
  PetscCall(run_connected(comm, g, &pairs, o, &own));
  merge_stats(stats, &own);
  stats->method = own.method;
  for (int64_t k = 0; k < n && !own.refused[0]; k++) {
    all->resistance[which[k]] = r[k];
    all->error[which[k]]      = error[k];
  }
  graph_destroy(&g);
  PetscCall(PetscFree(vertex));
  PetscCall(PetscFree5(which, u, v, r, error));
  PetscCall(PetscFree2(edges, local));
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_pairs(MPI_Comm comm, const Graph *g, int64_t n_pairs, const int64_t *u, const int64_t *v,
                                const ResistanceOptions *options, ResistanceStats *stats, double *resistance, double *standard_error)
{
  const Pairs all = {n_pairs, u, v, resistance, standard_error};
  int64_t    *component;
  bool       *wanted;

  PetscFunctionBeginUser;
  *stats = (ResistanceStats){0};
  PetscCall(PetscMalloc2((size_t)g->n, &component, (size_t)g->n, &wanted));
  const int64_t n_components = graph_components(g, NULL, component);
  for (int64_t c = 0; c < n_components; c++) wanted[c] = false;
  for (int64_t k = 0; k < n_pairs; k++) {
    const bool together = component[u[k]] == component[v[k]];
    resistance[k]       = u[k] == v[k] ? 0 : INFINITY;
    standard_error[k]   = 0;
    if (together && u[k] != v[k]) wanted[component[u[k]]] = true;
  }
  for (int64_t c = 0; c < n_components && !stats->refused[0]; c++)
    if (wanted[c]) PetscCall(run_component(comm, g, component, c, &all, options, stats));
  PetscCall(PetscFree2(component, wanted));
  PetscFunctionReturn(0);
}
