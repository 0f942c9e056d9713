/* SPDX-License-Identifier: BSD-2-Clause
 * The resistance sketch of a graph whose rows are spread over ranks: the algorithm of resistance_sketch.c, all ranks on one block of
 * sixteen projections at a time, with an exchange of ghost vertices before every multiplication. The graph may be disconnected and may
 * have isolated vertices: a right-hand side B' W^1/2 y sums to 0 over each component, so CG stays orthogonal to every component's
 * constant and there is nothing to deflate; differences are only taken along edges.
 * Not done here: elimination of degree 2 (that of degree 1 is: R = 1/w), so errors on edges of such vertices are larger than those of
 * resistance_sketch, and the vertex order is the graph's. Signs are keyed by the edge's number in the whole graph; sums over vertices are
 * taken in an order that depends on the cut, so ranks agree to the solver's tolerance, not to bits. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sketch.h"
#include "sketch_halo.h"

enum { L = SKETCH_LANES, ITERATIONS_MAX = 5000, SPREAD_MAX = 90 };

typedef struct Distributed {
  const GraphRows         *g;
  const ResistanceOptions *options;
  SketchRows               rows;
  SketchHalo              *halo;
  SketchSolver             solver;
  int64_t                  q, n_ghosts;
  int                      exponent;
  double                   spread;
  float                   *z, *z_memory;
  double                  *projection; /* (q) */
  double                  *neighbours; /* (n_columns) number of each vertex */
} Distributed;

static PetscErrorCode scale_weights(Distributed *d)
{
  double range[2] = {0, -INFINITY}; /* largest weight, -smallest */

  PetscFunctionBeginUser;
  for (int64_t k = 0; k < d->g->start[d->g->n_local]; k++) {
    const double w = d->g->weight ? d->g->weight[k] : 1;
    range[0]       = fmax(range[0], w);
    range[1]       = fmax(range[1], -w);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_DOUBLE, MPI_MAX, d->g->comm));
  if (range[0] > 0) {
    (void)frexp(range[0], &d->exponent);
    d->exponent--;
    d->spread = log2(range[0]) - log2(-range[1]);
  }
  PetscFunctionReturn(0);
}

static int32_t local_number(const Distributed *d, int64_t first, const int64_t *ghost, int64_t column)
{
  if (column >= first && column < first + d->g->n_local) return (int32_t)(column - first);
  int64_t low = 0, high = d->n_ghosts;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (ghost[middle] < column)
      low = middle + 1;
    else
      high = middle;
  }
  return (int32_t)(d->g->n_local + low);
}

static void fill_rows(Distributed *d, int64_t first, const int64_t *ghost)
{
  const GraphRows *g = d->g;
  SketchRows      *r = &d->rows;
  for (int64_t i = 0; i < g->n_local; i++) {
    int64_t upper = 0;
    for (int64_t k = g->start[i]; k < g->start[i + 1]; k++) {
      const float w = g->weight ? (float)ldexp(g->weight[k], -d->exponent) : 1;
      r->column[k]  = local_number(d, first, ghost, g->column[k]);
      if (r->weight) r->weight[k] = w;
      r->degree[i] += (double)w;
      upper += g->column[k] > first + i;
    }
    r->start[i + 1]       = g->start[i + 1];
    r->upper_start[i + 1] = r->upper_start[i] + upper;
    r->inverse_degree[i]  = r->degree[i] > 0 ? (float)(1 / r->degree[i]) : 0;
    d->neighbours[i]      = (double)(g->start[i + 1] - g->start[i]);
  }
}

static PetscErrorCode rows_create(Distributed *d)
{
  const GraphRows *g = d->g;
  SketchRows      *r = &d->rows;
  const size_t     n = (size_t)g->n_local, entries = (size_t)g->start[g->n_local];
  int64_t         *ghost;
  int              me;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(g->comm, &me));
  PetscCall(sketch_halo_create(g, &d->halo, &d->n_ghosts, &ghost));
  r->n            = g->n_local;
  r->n_columns    = g->n_local + d->n_ghosts;
  r->first_number = g->first_edge;
  PetscCall(PetscCalloc5(n + 1, &r->start, n + 1, &r->upper_start, (size_t)r->n_columns + 1, &r->degree, n + 1, &r->inverse_degree,
                         (size_t)r->n_columns + 1, &d->neighbours));
  PetscCall(PetscMalloc1(entries + 1, &r->column));
  if (g->weight) PetscCall(PetscMalloc1(entries + 1, &r->weight));
  fill_rows(d, g->range[me], ghost);
  PetscCall(PetscFree(ghost));
  PetscCheck(r->upper_start[r->n] == g->n_edges, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "rank %d has %lld edges, its rows say %lld", me,
             (long long)g->n_edges, (long long)r->upper_start[r->n]);
  PetscCall(sketch_halo_update_numbers(d->halo, r->degree));
  PetscCall(sketch_halo_update_numbers(d->halo, d->neighbours));
  PetscFunctionReturn(0);
}

static PetscErrorCode setup(Distributed *d)
{
  PetscFunctionBeginUser;
  d->solver = (SketchSolver){.rows           = &d->rows,
                             .kernels        = sketch_kernels(isa_level()),
                             .halo           = d->halo,
                             .comm           = d->g->comm,
                             .watch          = d->options->watch,
                             .iterations_max = ITERATIONS_MAX,
                             .tolerance      = sketch_tolerance(d->options)};
  PetscCall(sketch_solver_setup(&d->solver));
  PetscCall(sketch_vectors(d->rows.n_columns * L, &d->z_memory, &d->z));
  PetscCall(PetscCalloc1((size_t)d->q, &d->projection));
  PetscFunctionReturn(0);
}

static PetscErrorCode clear(Distributed *d)
{
  SketchRows *r = &d->rows;

  PetscFunctionBeginUser;
  PetscCall(sketch_solver_clear(&d->solver));
  PetscCall(PetscFree(d->z_memory));
  PetscCall(PetscFree(d->projection));
  PetscCall(PetscFree5(r->start, r->upper_start, r->degree, r->inverse_degree, d->neighbours));
  PetscCall(PetscFree(r->column));
  PetscCall(PetscFree(r->weight));
  sketch_halo_destroy(&d->halo);
  PetscFunctionReturn(0);
}

/* One block of projections; *outcome is the same on all ranks. */
static PetscErrorCode project(Distributed *d, int64_t block, double *sum, double *square, SketchOutcome *outcome)
{
  const float *z = d->z;

  PetscFunctionBeginUser;
  memset(d->z, 0, (size_t)(d->rows.n_columns * L) * sizeof(float));
  d->solver.kernels->signs(&d->rows, d->options->key, block, 1, &d->z);
  PetscCall(sketch_halo_add(d->halo, d->z));
  PetscCall(sketch_solve(&d->solver, d->z, outcome));
  PetscCall(sketch_halo_update(d->halo, d->z));
  d->solver.kernels->edges(&d->rows, 0, d->rows.n, 1, &z, sum, square, d->projection + block * L);
  PetscFunctionReturn(0);
}

static void finish_edges(const Distributed *d, double *sum, double *square)
{
  const SketchRows *r     = &d->rows;
  const double      scale = ldexp(1, -d->exponent);
  for (int64_t i = 0; i < r->n; i++) {
    const int64_t upper = r->upper_start[i + 1] - r->upper_start[i];
    for (int64_t k = 0; k < upper; k++) {
      const int64_t entry = r->start[i + 1] - upper + k, edge = r->upper_start[i] + k, j = r->column[entry];
      const double  w = r->weight ? (double)r->weight[entry] : 1;
      if (d->neighbours[i] > 1 && d->neighbours[j] > 1) {
        sketch_finish_edge(w, r->degree[i], r->degree[j], d->q, scale, &sum[edge], &square[edge]);
      } else {
        sum[edge]    = d->g->weight ? 1 / d->g->weight[entry] : 1;
        square[edge] = 0;
      }
    }
  }
}

static PetscErrorCode run(Distributed *d, ResistanceStats *stats, double *sum, double *square)
{
  PetscFunctionBeginUser;
  for (int64_t block = 0; block < d->q / L; block++) {
    SketchOutcome outcome;
    if (watch_stop(d->options->watch)) {
      (void)snprintf(stats->refused, sizeof stats->refused, "interrupted");
      PetscFunctionReturn(0);
    }
    PetscCall(project(d, block, sum, square, &outcome));
    stats->iterations = PetscMax(stats->iterations, outcome.iterations);
    stats->residual   = fmax(stats->residual, outcome.residual);
    watch_progress(d->options->watch, "sketch: solving", (block + 1) * L, d->q);
    if (outcome.converged) continue;
    (void)snprintf(stats->refused, sizeof stats->refused, "no convergence: relative residual %.1e after %lld iterations", outcome.residual,
                   (long long)outcome.iterations);
    PetscFunctionReturn(0);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, d->projection, (int)d->q, MPI_DOUBLE, MPI_SUM, d->g->comm));
  stats->foster_stderr = sketch_standard_error(d->q, d->projection);
  finish_edges(d, sum, square);
  PetscFunctionReturn(0);
}

/* Largest over the ranks: what this one will hold beside the graph and the results. */
static PetscErrorCode predict(const Distributed *d, ResistanceStats *stats)
{
  const double n = (double)d->rows.n_columns, entries = (double)d->g->start[d->g->n_local];
  double largest[2] = {entries * (d->g->weight ? 24 : 12) + n * (5 * 64 + 44) + sketch_halo_bytes(d->halo) + 24.0 * (double)d->g->n_edges,
                       (double)d->q / L * 20 * (entries * 2.5e-9 + n * 1e-8)};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, largest, 2, MPI_DOUBLE, MPI_MAX, d->g->comm));
  stats->predicted_bytes   = largest[0];
  stats->predicted_seconds = largest[1];
  if (d->spread > SPREAD_MAX)
    (void)snprintf(stats->refused, sizeof stats->refused, "weights span 2^%.0f: the sketch takes 2^%d at most", d->spread, SPREAD_MAX);
  else if (d->options->memory_limit > 0 && largest[0] > d->options->memory_limit)
    (void)snprintf(stats->refused, sizeof stats->refused, "memory: %.3g bytes predicted, the limit is %.3g", largest[0],
                   d->options->memory_limit);
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_sketch_rows(const GraphRows *g, const ResistanceOptions *options, ResistanceStats *stats, double *resistance,
                                      double *standard_error)
{
  Distributed d = {.g = g, .options = options, .q = sketch_projections(options)};

  PetscFunctionBeginUser;
  memset(stats, 0, sizeof *stats);
  stats->method         = RESISTANCE_SKETCH;
  stats->projections    = d.q;
  stats->factor_entries = stats->factor_flops = NAN;
  PetscCall(scale_weights(&d));
  PetscCall(rows_create(&d));
  PetscCall(predict(&d, stats));
  if (!stats->refused[0]) {
    memset(resistance, 0, (size_t)g->n_edges * sizeof *resistance);
    memset(standard_error, 0, (size_t)g->n_edges * sizeof *standard_error);
    PetscCall(setup(&d));
    PetscCall(run(&d, stats, resistance, standard_error));
    for (int64_t e = 0; e < g->n_edges && stats->refused[0]; e++) resistance[e] = standard_error[e] = NAN; /* they held sums */
  }
  PetscCall(clear(&d));
  PetscFunctionReturn(0);
}
