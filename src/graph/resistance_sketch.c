/* SPDX-License-Identifier: BSD-2-Clause
 * Effective resistances by random projection with an exact control variate.
 *   L^+ = D^-1 + D^-1 A D^-1 + D^-1 A L^+ A D^-1 (on differences), so with c = A D^-1 (e_u - e_v)
 *   R_uv = 1/d_u + 1/d_v - 2 w_uv / (d_u d_v) + c' L^+ c,
 * and only the last term, small unless degrees are, is projected (Spielman and Srivastava, SIAM J. Comput. 40 (2011) 1913): with random
 * signs y, b = B' W^1/2 y and L x = b, E b b' = L gives c' L^+ c = E (c' L^+ b)^2 = E (z_u - z_v)^2, z = D^-1 A x = x - D^-1 b. The mean
 * over q projections is unbiased up to the solver's residual, and its spread gives every value a standard error.
 * Vertices of degree 1 and 2, whose third term is large, are eliminated exactly before (sketch_reduce.c).
 * Projections are solved in blocks of 16, which ranks share; then every rank has all vectors z of a group of blocks and works on its share
 * of the edges. A block's vectors do not depend on who computed them and sums are taken block by block, so the result has the same bits
 * on any number of ranks. Every rank holds the whole graph: larger ones go to resistance_sketch_rows.
 * It is not for meshes: they take a hundred iterations for values that are good to some percent, and their factor is cheap
 * (resistance_exact.c). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sketch.h"
#include "sketch_reduce.h"

enum {
  L              = SKETCH_LANES,
  SEGMENTS       = 64,      /* ranges of rows whose sums are added in order: bits do not depend on how many ranks share them */
  EDGES_AT_ONCE  = 1 << 16, /* edges in cache */
  ITERATIONS_MAX = 2000
};

/* A sketch under way. */
typedef struct Sketch {
  MPI_Comm                 comm;
  int                      rank, ranks;
  const Graph             *g;
  const ResistanceOptions *options;
  Reduction               *reduction;
  const SketchRows        *core;
  SketchSolver             solver;
  int64_t                  q;                        /* projections */
  int64_t                  cut[SEGMENTS + 1];        /* rows */
  SlotValues               sum, square;              /* by slot: sums over projections, in the end R and its standard error */
  double                  *projection;               /* (SEGMENTS, q): sums of w (z_u - z_v)^2 over the segment's edges */
  int64_t                  n_others;                 /* pairs that are no edges, */
  int64_t                 *other_u, *other_v;        /* rows of the core, */
  double                  *other_sum, *other_square; /* sums over projections */
  double                  *edge_sum, *edge_square;   /* (edges_at_once) */
  int64_t                  edges_at_once;
  float                   *z[SKETCH_BLOCKS_MAX], *z_memory;
  int                      blocks_at_once;
} Sketch;

int64_t sketch_projections(const ResistanceOptions *o)
{
  const int64_t q = o->projections > 0 ? o->projections : 64;
  return (q + L - 1) / L * L;
}

double sketch_tolerance(const ResistanceOptions *o) { return o->tolerance > 0 ? fmax(o->tolerance, 1e-5) : 1e-3; }

double sketch_standard_error(int64_t n, const double *value)
{
  double mean = 0, sum = 0;
  for (int64_t i = 0; i < n; i++) mean += value[i] / (double)n;
  for (int64_t i = 0; i < n; i++) sum += (value[i] - mean) * (value[i] - mean);
  return n > 1 ? sqrt(sum / (double)(n - 1) / (double)n) : NAN;
}

/* A Philox word holds eight blocks, and a group must not straddle two. More of them a group keep more ranks busy and take more memory. */
static int blocks_per_group(int64_t q, int ranks) { return ranks > 4 || q > 64 * (int64_t)ranks ? 8 : 4; }

/* Segments of about equally many edges, and the largest row. */
static void cut_rows(Sketch *s)
{
  const SketchRows *core  = s->core;
  const int64_t     total = core->n ? core->upper_start[core->n] : 0;
  int64_t           row   = 0;
  s->edges_at_once        = EDGES_AT_ONCE;
  for (int64_t i = 0; i < core->n; i++) s->edges_at_once = PetscMax(s->edges_at_once, core->upper_start[i + 1] - core->upper_start[i]);
  for (int segment = 0; segment < SEGMENTS; segment++) {
    s->cut[segment] = row;
    while (row < core->n && (double)core->upper_start[row + 1] <= (double)total * (segment + 1) / SEGMENTS) row++;
  }
  s->cut[SEGMENTS] = core->n;
}

static PetscErrorCode setup(Sketch *s, const SketchSwitches *switches)
{
  const int64_t size = s->core->n * L;

  PetscFunctionBeginUser;
  s->solver = (SketchSolver){.rows           = s->core,
                             .kernels        = sketch_kernels(switches->level),
                             .comm           = PETSC_COMM_SELF,
                             .watch          = s->options->watch,
                             .iterations_max = switches->iterations_max > 0 ? switches->iterations_max : ITERATIONS_MAX,
                             .tolerance      = sketch_tolerance(s->options)};
  PetscCall(sketch_solver_setup(&s->solver));
  s->blocks_at_once = blocks_per_group(s->q, s->ranks);
  PetscCall(sketch_vectors(size * s->blocks_at_once, &s->z_memory, &s->z[0]));
  for (int b = 1; b < s->blocks_at_once; b++) s->z[b] = s->z[0] + size * b;
  cut_rows(s);
  PetscCall(PetscMalloc2((size_t)s->edges_at_once, &s->edge_sum, (size_t)s->edges_at_once, &s->edge_square));
  PetscCall(PetscCalloc1((size_t)(SEGMENTS * s->q), &s->projection));
  PetscFunctionReturn(0);
}

static PetscErrorCode clear(Sketch *s)
{
  PetscFunctionBeginUser;
  PetscCall(sketch_solver_clear(&s->solver));
  PetscCall(PetscFree(s->z_memory));
  PetscCall(PetscFree2(s->edge_sum, s->edge_square));
  PetscCall(PetscFree(s->projection));
  PetscFunctionReturn(0);
}

/* --- solves --- */

/* This rank's blocks of the group: right-hand sides, then z in their place. */
static PetscErrorCode solve_group(Sketch *s, int64_t first, int n_blocks, ResistanceStats *stats, int *failed)
{
  float *mine[SKETCH_BLOCKS_MAX];

  PetscFunctionBeginUser;
  for (int b = 0; b < n_blocks; b++) {
    mine[b] = (first + b) % s->ranks == s->rank ? s->z[b] : NULL;
    if (mine[b]) memset(s->z[b], 0, (size_t)(s->core->n * L) * sizeof(float));
  }
  s->solver.kernels->signs(s->core, s->options->key, first, n_blocks, mine);
  for (int b = 0; b < n_blocks && !*failed; b++) {
    SketchOutcome outcome;
    if (!mine[b]) continue;
    PetscCall(sketch_solve(&s->solver, s->z[b], &outcome));
    stats->iterations = PetscMax(stats->iterations, outcome.iterations);
    stats->residual   = fmax(stats->residual, outcome.residual);
    *failed |= !outcome.converged;
    watch_progress(s->options->watch, "sketch: solving", (first + b + 1) * L, s->q);
  }
  PetscFunctionReturn(0);
}

/* All blocks of the group to all ranks. */
static PetscErrorCode share_group(const Sketch *s, int64_t first, int n_blocks)
{
  enum { PIECE = 1 << 28 };

  PetscFunctionBeginUser;
  if (s->ranks == 1) PetscFunctionReturn(0);
  for (int b = 0; b < n_blocks; b++) {
    for (int64_t at = 0; at < s->core->n * L; at += PIECE) {
      const int count = (int)PetscMin(PIECE, s->core->n * L - at);
      PetscCallMPI(MPI_Bcast(s->z[b] + at, count, MPI_FLOAT, (int)((first + b) % s->ranks), s->comm));
    }
  }
  PetscFunctionReturn(0);
}

/* --- edges --- */

/* Sums in the buffers to resistances and standard errors. */
static void finish_rows(const Sketch *s, int64_t first, int64_t last)
{
  const SketchRows *core  = s->core;
  const double      scale = ldexp(1, -s->reduction->exponent);
  for (int64_t i = first; i < last; i++) {
    const int64_t upper = core->upper_start[i + 1] - core->upper_start[i], at = core->upper_start[i] - core->upper_start[first];
    for (int64_t k = 0; k < upper; k++) {
      const int64_t entry = core->start[i + 1] - upper + k;
      sketch_finish_edge(core->weight ? (double)core->weight[entry] : 1, core->degree[i], core->degree[core->column[entry]], s->q, scale,
                         &s->edge_sum[at + k], &s->edge_square[at + k]);
    }
  }
}

/* Adds a group's squares for the own edges of rows [first, last), through buffers in the order of the core: slots are all over memory. */
static void add_rows(Sketch *s, int64_t first, int64_t last, int segment, int n_blocks, int64_t block)
{
  const int32_t *slot  = s->core->number + s->core->upper_start[first];
  const int64_t  count = s->core->upper_start[last] - s->core->upper_start[first];
  for (int64_t k = 0; k < count; k++) {
    s->edge_sum[k]    = block > 0 ? *slot_value(&s->sum, slot[k]) : 0;
    s->edge_square[k] = block > 0 ? *slot_value(&s->square, slot[k]) : 0;
  }
  s->solver.kernels->edges(s->core, first, last, n_blocks, (const float *const *)s->z, s->edge_sum, s->edge_square,
                           s->projection + segment * s->q + block * L);
  if ((block + n_blocks) * L == s->q) finish_rows(s, first, last);
  for (int64_t k = 0; k < count; k++) {
    *slot_value(&s->sum, slot[k])    = s->edge_sum[k];
    *slot_value(&s->square, slot[k]) = s->edge_square[k];
  }
}

/* The rows of this rank's segments, as many at a time as the buffers take. */
static void add_group(Sketch *s, int n_blocks, int64_t block)
{
  for (int segment = s->rank; segment < SEGMENTS; segment += s->ranks) {
    for (int64_t first = s->cut[segment], last; first < s->cut[segment + 1]; first = last) {
      last = first + 1;
      while (last < s->cut[segment + 1] && s->core->upper_start[last + 1] - s->core->upper_start[first] <= s->edges_at_once) last++;
      add_rows(s, first, last, segment, n_blocks, block);
    }
  }
}

static void add_others(Sketch *s, int n_blocks)
{
  for (int64_t k = 0; k < s->n_others; k++) {
    for (int b = 0; b < n_blocks; b++) {
      const float *zu = s->z[b] + s->other_u[k] * L, *zv = s->z[b] + s->other_v[k] * L;
      for (int l = 0; l < L; l++) {
        const double difference = (double)zu[l] - (double)zv[l], value = difference * difference;
        s->other_sum[k] += value;
        s->other_square[k] += value * value;
      }
    }
  }
}

/* Every slot was written by one rank and is 0 on the others: the sum is exact. */
static PetscErrorCode share_values(MPI_Comm comm, int64_t n, double *value)
{
  enum { PIECE = 1 << 26 };

  PetscFunctionBeginUser;
  for (int64_t at = 0; at < n; at += PIECE)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, value + at, (int)PetscMin(PIECE, n - at), MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode finish(Sketch *s, ResistanceStats *stats)
{
  const int64_t m = s->reduction->m, n_fill = s->reduction->n_slots - m;

  PetscFunctionBeginUser;
  if (s->ranks > 1) {
    PetscCall(share_values(s->comm, m, s->sum.own));
    PetscCall(share_values(s->comm, m, s->square.own));
    PetscCall(share_values(s->comm, n_fill, s->sum.fill));
    PetscCall(share_values(s->comm, n_fill, s->square.fill));
    PetscCall(share_values(s->comm, SEGMENTS * s->q, s->projection));
  }
  for (int segment = 1; segment < SEGMENTS; segment++)
    for (int64_t j = 0; j < s->q; j++) s->projection[j] += s->projection[segment * s->q + j];
  stats->foster_stderr = s->core->n ? sketch_standard_error(s->q, s->projection) : 0;
  for (int64_t k = 0; k < s->n_others; k++) {
    const double du = s->core->degree[s->other_u[k]], dv = s->core->degree[s->other_v[k]], scale = ldexp(1, -s->reduction->exponent);
    sketch_finish_edge(1, du, dv, s->q, scale, &s->other_sum[k], &s->other_square[k]);
    s->other_sum[k] += scale * 2 / (du * dv); /* there is no edge: sketch_finish_edge took one of weight 1 off */
  }
  reduction_recover(s->reduction, &s->sum, &s->square);
  PetscFunctionReturn(0);
}

static PetscErrorCode agree(const Sketch *s, int *failed, ResistanceStats *stats)
{
  double largest[3] = {*failed, (double)stats->iterations, isnan(stats->residual) ? INFINITY : stats->residual};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, largest, 3, MPI_DOUBLE, MPI_MAX, s->comm));
  *failed           = largest[0] > 0;
  stats->iterations = (int64_t)largest[1];
  stats->residual   = largest[2];
  if (*failed)
    (void)snprintf(stats->refused, sizeof stats->refused, "no convergence: relative residual %.1e after %lld iterations", stats->residual,
                   (long long)stats->iterations);
  PetscFunctionReturn(0);
}

/* stats->refused is set where there is no result. */
static PetscErrorCode project(Sketch *s, ResistanceStats *stats)
{
  const int64_t blocks = s->q / L;

  PetscFunctionBeginUser;
  for (int64_t first = 0; first < blocks; first += s->blocks_at_once) {
    const int n_blocks = (int)PetscMin(s->blocks_at_once, blocks - first);
    int       failed   = 0;
    if (watch_stop(s->options->watch)) {
      (void)snprintf(stats->refused, sizeof stats->refused, "interrupted");
      PetscFunctionReturn(0);
    }
    PetscCall(solve_group(s, first, n_blocks, stats, &failed));
    PetscCall(agree(s, &failed, stats));
    if (failed) PetscFunctionReturn(0);
    if (first + n_blocks == blocks) PetscCall(sketch_solver_clear(&s->solver)); /* the results are about to take as much memory */
    PetscCall(share_group(s, first, n_blocks));
    add_group(s, n_blocks, first);
    add_others(s, n_blocks);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode run(Sketch *s, const SketchSwitches *switches, ResistanceStats *stats)
{
  enum { SPREAD_MAX = 90 }; /* bits between the largest and the smallest weight: float32 has 250 bits of exponents for squares of them */
  const int64_t m = s->g->m, n_fill = s->reduction->n_slots - m;

  PetscFunctionBeginUser;
  if (s->reduction->spread > SPREAD_MAX) {
    (void)snprintf(stats->refused, sizeof stats->refused, "weights span 2^%.0f: the sketch takes 2^%d at most", s->reduction->spread,
                   SPREAD_MAX);
    PetscFunctionReturn(0);
  }
  s->core = &s->reduction->core;
  PetscCall(PetscCalloc2((size_t)n_fill + 1, &s->sum.fill, (size_t)n_fill + 1, &s->square.fill));
  if (s->ranks > 1) { /* what other ranks write is 0 here; one rank writes everything, and does not touch the memory before */
    memset(s->sum.own, 0, (size_t)m * sizeof(double));
    memset(s->square.own, 0, (size_t)m * sizeof(double));
  }
  s->sum.m = s->square.m = m;
  PetscCall(setup(s, switches));
  if (s->core->n > 0) PetscCall(project(s, stats));
  if (!stats->refused[0]) PetscCall(finish(s, stats));
  for (int64_t e = 0; e < m && stats->refused[0]; e++) s->sum.own[e] = s->square.own[e] = NAN; /* they held sums */
  PetscCall(clear(s));
  PetscCall(PetscFree2(s->sum.fill, s->square.fill));
  PetscFunctionReturn(0);
}

/* --- pairs --- */

/* Chosen pairs: the graph's edges are read off; ends of the others are kept in the core and their pairs sketched there. */
static PetscErrorCode run_pairs(Sketch *s, const SketchSwitches *switches, int64_t n_pairs, const int64_t *u, const int64_t *v,
                                ResistanceStats *stats, double *resistance, double *standard_error)
{
  int64_t *edge;
  uint8_t *keep;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2((size_t)n_pairs, &edge, (size_t)s->g->n, &keep));
  PetscCall(PetscCalloc4((size_t)n_pairs, &s->other_u, (size_t)n_pairs, &s->other_v, (size_t)n_pairs, &s->other_sum, (size_t)n_pairs,
                         &s->other_square));
  PetscCall(PetscMalloc2((size_t)s->g->m, &s->sum.own, (size_t)s->g->m, &s->square.own));
  PetscCall(graph_find_edges(s->g, n_pairs, u, v, edge));
  for (int64_t k = 0; k < n_pairs; k++)
    if (edge[k] < 0 && u[k] != v[k]) keep[u[k]] = keep[v[k]] = 1;
  PetscCall(reduction_create(s->g, keep, switches->eliminate, &s->reduction));
  for (int64_t k = 0; k < n_pairs; k++) {
    if (edge[k] >= 0 || u[k] == v[k]) continue;
    s->other_u[s->n_others]   = s->reduction->place[u[k]];
    s->other_v[s->n_others++] = s->reduction->place[v[k]];
  }
  PetscCall(run(s, switches, stats));
  for (int64_t k = 0, other = 0; k < n_pairs && !stats->refused[0]; k++) {
    if (u[k] == v[k]) {
      resistance[k] = standard_error[k] = 0;
      continue;
    }
    resistance[k]     = edge[k] >= 0 ? s->sum.own[edge[k]] : s->other_sum[other];
    standard_error[k] = edge[k] >= 0 ? s->square.own[edge[k]] : s->other_square[other];
    other += edge[k] < 0;
  }
  PetscCall(PetscFree2(s->sum.own, s->square.own));
  PetscCall(PetscFree4(s->other_u, s->other_v, s->other_sum, s->other_square));
  PetscCall(PetscFree2(edge, keep));
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_compute(MPI_Comm comm, const Graph *g, const SketchSwitches *switches, int64_t n_pairs, const int64_t *u,
                              const int64_t *v, const ResistanceOptions *options, ResistanceStats *stats, double *resistance,
                              double *standard_error)
{
  Sketch s = {.comm = comm, .g = g, .options = options, .q = sketch_projections(options)};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &s.rank));
  PetscCallMPI(MPI_Comm_size(comm, &s.ranks));
  memset(stats, 0, sizeof *stats);
  stats->method         = RESISTANCE_SKETCH;
  stats->projections    = s.q;
  stats->factor_entries = stats->factor_flops = NAN;
  resistance_sketch_predict(g->n, g->m, s.q, s.ranks, &stats->predicted_bytes, &stats->predicted_seconds);
  if (options->memory_limit > 0 && stats->predicted_bytes > options->memory_limit) {
    (void)snprintf(stats->refused, sizeof stats->refused, "memory: %.3g bytes predicted, the limit is %.3g", stats->predicted_bytes,
                   options->memory_limit);
    PetscFunctionReturn(0);
  }
  if (u) {
    PetscCall(run_pairs(&s, switches, n_pairs, u, v, stats, resistance, standard_error));
    stats->foster_stderr = NAN;
  } else {
    PetscCheck(n_pairs == g->m, comm, PETSC_ERR_ARG_SIZ, "%lld values for %lld edges", (long long)n_pairs, (long long)g->m);
    s.sum.own    = resistance;
    s.square.own = standard_error;
    PetscCall(reduction_create(g, NULL, switches->eliminate, &s.reduction));
    PetscCall(run(&s, switches, stats));
  }
  reduction_destroy(&s.reduction);
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_sketch(MPI_Comm comm, const Graph *g, int64_t n_pairs, const int64_t *u, const int64_t *v,
                                 const ResistanceOptions *options, ResistanceStats *stats, double *resistance, double *standard_error)
{
  const SketchSwitches switches = {.level = isa_level(), .eliminate = true};

  PetscFunctionBeginUser;
  PetscCall(sketch_compute(comm, g, &switches, n_pairs, u, v, options, stats, resistance, standard_error));
  PetscFunctionReturn(0);
}

/* Bytes: the graph, then the largest of three stages: elimination, solves, results. Seconds on a core like that of spec 06: a pass over
 * all edges to set up and to finish, and per iteration a cache line an entry, dearer where the vectors do not fit the cache, and the
 * vectors. Iterations are a guess: few on graphs of high mean degree (power laws), about a hundred on meshes. */
void resistance_sketch_predict(int64_t n, int64_t m, int64_t projections, int ranks, double *bytes, double *seconds)
{
  const double nd = (double)n, md = (double)m, graph = 16 * md + 6e7, core = 20 * md + 90 * nd, vector = 4 * L * nd;
  const double blocks = ceil((double)(projections > 0 ? projections : 64) / L), group = blocks_per_group((int64_t)blocks * L, ranks);
  const double work = 16 * md + 110 * nd, solve = (4 + fmin(group, blocks)) * vector, result = fmin(group, blocks) * vector + 16 * md;
  const double iterations = 2 * md >= 16 * nd ? 6 : 110, entry = vector > 3e7 ? 4.5e-9 : 2.5e-9;
  const double rounds = ceil(blocks / ranks);
  *bytes              = graph + core + fmax(work, fmax(solve, result));
  *seconds            = 1e-7 * md + rounds * (iterations + 2) * (2 * md * entry + 11e-9 * nd);
}
