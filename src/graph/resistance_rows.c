/* SPDX-License-Identifier: BSD-2-Clause
 * A graph that no rank holds whole: built by rows, sketched by rows, checked by Foster's theorem and Rayleigh's bound, and summed up over
 * ranks. Bridges and blocks are not found here: they need the whole graph. */
#include <math.h>
#include <stdio.h>

#include "resistance_methods.h"

static const double BARS = 5, SKETCH_BIAS = 2e-3, ROUND_OFF = 1e-9;

/* Sums and extremes over the edges of all ranks. */
typedef struct Totals {
  double sum[3];     /* w R, R, standard error */
  double extreme[3]; /* -min R, max R, max of w R - 1 - BARS w standard error */
} Totals;

/* Edges with u local are the entries right of the diagonal, row by row. */
static void add_up(const GraphRows *g, int rank, const double *r, const double *error, Totals *t)
{
  int64_t k = 0;
  for (int64_t i = 0; i < g->n_local; i++)
    for (int64_t p = g->start[i]; p < g->start[i + 1]; p++) {
      if (g->column[p] < g->range[rank] + i) continue;
      const double w = g->weight ? g->weight[p] : 1;
      t->sum[0] += w * r[k];
      t->sum[1] += r[k];
      t->sum[2] += error[k];
      t->extreme[0] = fmax(t->extreme[0], -r[k]);
      t->extreme[1] = fmax(t->extreme[1], r[k]);
      t->extreme[2] = fmax(t->extreme[2], w * (r[k] - BARS * error[k]) - 1);
      k++;
    }
}

static void judge(ResistanceByRows *out)
{
  ResistanceCheck *c    = &out->check;
  const double     rank = fmax(1, (double)(out->n - out->n_components));
  c->foster_error       = fabs(out->weighted_sum - (double)(out->n - out->n_components)) / rank;
  c->foster_bound       = ROUND_OFF + BARS * out->stats.foster_stderr / rank + SKETCH_BIAS;
  c->bridge_error       = NAN;
  c->sample_error = c->sample_mean_error = NAN;
  if (!(c->foster_error <= c->foster_bound))
    snprintf(c->invalid, sizeof c->invalid, "Foster's theorem violated by %.3g (bound %.3g)", c->foster_error, c->foster_bound);
  else if (!(c->excess <= ROUND_OFF))
    snprintf(c->invalid, sizeof c->invalid, "an edge's w R exceeds 1 by %.3g beyond its error", c->excess);
}

/* The graph is there already. */
static PetscErrorCode solve_rows(const GraphRows *g, const ResistanceOptions *options, ResistanceByRows *out)
{
  double *r, *error;
  Totals  t = {{0}, {-INFINITY, -INFINITY, -INFINITY}};
  int     rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(g->comm, &rank));
  PetscCall(PetscMalloc2((size_t)g->n_edges, &r, (size_t)g->n_edges, &error));
  PetscCall(resistance_sketch_rows(g, options, &out->stats, r, error));
  if (!out->stats.refused[0]) add_up(g, rank, r, error, &t);
  PetscCall(PetscFree2(r, error));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, t.sum, 3, MPI_DOUBLE, MPI_SUM, g->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, t.extreme, 3, MPI_DOUBLE, MPI_MAX, g->comm));
  out->weighted_sum = t.sum[0];
  out->mean         = t.sum[1] / (double)g->m;
  out->error_mean   = t.sum[2] / (double)g->m;
  out->low          = -t.extreme[0];
  out->high         = t.extreme[1];
  out->check.excess = t.extreme[2];
  PetscFunctionReturn(0);
}

static PetscErrorCode count_parts(const GraphRows *g, ResistanceByRows *out)
{
  int64_t *component, isolated = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)g->n_local, &component));
  PetscCall(graph_rows_components(g, component, &out->n_components));
  PetscCall(PetscFree(component));
  for (int64_t i = 0; i < g->n_local; i++) isolated += g->start[i] == g->start[i + 1];
  PetscCallMPI(MPI_Allreduce(&isolated, &out->n_isolated, 1, MPI_INT64_T, MPI_SUM, g->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_by_rows(MPI_Comm comm, const GraphSpec *spec, const ResistanceOptions *options, ResistanceByRows *out)
{
  GraphErrors errors = {0};
  GraphRows  *g      = NULL;

  PetscFunctionBeginUser;
  *out = (ResistanceByRows){0};
  PetscCall(graph_rows_build(comm, spec, &g, &out->report, &errors));
  if (!g) {
    snprintf(out->stats.refused, sizeof out->stats.refused, "%s", errors.n > 0 ? errors.line[0] : "no graph");
    graph_errors_clear(&errors);
    PetscFunctionReturn(0);
  }
  out->n             = g->n;
  out->m             = g->m;
  const double begin = MPI_Wtime();
  PetscCall(count_parts(g, out));
  PetscCall(solve_rows(g, options, out));
  out->solve_seconds = MPI_Wtime() - begin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &out->solve_seconds, 1, MPI_DOUBLE, MPI_MAX, comm));
  judge(out);
  graph_rows_destroy(&g);
  PetscFunctionReturn(0);
}
