/* SPDX-License-Identifier: BSD-2-Clause
 * Effective resistances by one PETSc KSP solve a pair, rows of the Laplacian spread over the ranks. The user's own -resistance_ksp_type,
 * -resistance_pc_type, ... are honoured. Without them: CG, and Jacobi's preconditioner where it brings the first pair's residual to 1e-6
 * within TRIAL_ITERATIONS (power-law and other expanding graphs, on which BoomerAMG's set-up takes minutes and gigabytes), else BoomerAMG
 * of hypre (meshes). The constants are attached as null space: grounding a vertex makes CG slower. The residual is computed from x after
 * the solver stops, and a solve that missed the tolerance is refined by a solve with the residual. What is returned is d' x + x' (d - L
 * x), whose error is the square of x's. Debian's PetscInt has 32 bits; larger graphs are refused. It is for chosen pairs, or all edges of
 * a small graph. */
#include <math.h>
#include <petscksp.h>
#include <stdio.h>
#include <string.h>

#include "resistance_methods.h"

enum { TRIAL_ITERATIONS = 300, REFINEMENTS_MAX = 6 };
static const double seconds_max = 7 * 86400.0;

typedef struct Solve {
  MPI_Comm comm;
  Mat      matrix;
  KSP      ksp;
  Vec      rhs, x, r, correction;
  PetscInt first, last; /* local rows */
  double   tolerance;
} Solve;

/* Neighbours of the local rows: start (rows + 1), in the order of edges. */
static PetscErrorCode local_rows(const Graph *g, PetscInt first, PetscInt last, PetscInt **start, PetscInt **column, PetscScalar **value)
{
  const PetscInt rows = last - first;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)rows + 2, start));
  for (int64_t e = 0; e < g->m; e++) {
    if (g->u[e] >= first && g->u[e] < last) (*start)[g->u[e] - first + 2]++;
    if (g->v[e] >= first && g->v[e] < last) (*start)[g->v[e] - first + 2]++;
  }
  for (PetscInt i = 0; i < rows; i++) (*start)[i + 2] += (*start)[i + 1];
  PetscCall(PetscMalloc2((size_t)(*start)[rows + 1], column, (size_t)(*start)[rows + 1], value));
  for (int64_t e = 0; e < g->m; e++) {
    const int64_t end[2] = {g->u[e], g->v[e]};
    for (int side = 0; side < 2; side++) {
      if (end[side] < first || end[side] >= last) continue;
      const PetscInt at = (*start)[end[side] - first + 1]++;
      (*column)[at]     = (PetscInt)end[1 - side];
      (*value)[at]      = -graph_weight(g, e);
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode preallocate(Mat matrix, PetscInt first, PetscInt last, const PetscInt *start, const PetscInt *column)
{
  PetscInt *diagonal, *outside;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2((size_t)(last - first) + 1, &diagonal, (size_t)(last - first) + 1, &outside));
  for (PetscInt i = 0; i < last - first; i++) {
    diagonal[i] = 1;
    for (PetscInt k = start[i]; k < start[i + 1]; k++) {
      const bool inside = column[k] >= first && column[k] < last;
      diagonal[i] += inside;
      outside[i] += !inside;
    }
  }
  PetscCall(MatSeqAIJSetPreallocation(matrix, 0, diagonal));
  PetscCall(MatMPIAIJSetPreallocation(matrix, 0, diagonal, 0, outside));
  PetscCall(PetscFree2(diagonal, outside));
  PetscFunctionReturn(0);
}

static PetscErrorCode matrix_create(const Graph *g, Solve *s)
{
  PetscInt     rows = PETSC_DECIDE, n = (PetscInt)g->n, *start, *column;
  PetscScalar *value;
  MatNullSpace constants;

  PetscFunctionBeginUser;
  PetscCall(MatCreate(s->comm, &s->matrix));
  PetscCall(PetscSplitOwnership(s->comm, &rows, &n));
  PetscCall(MatSetSizes(s->matrix, rows, rows, n, n));
  PetscCall(MatSetType(s->matrix, MATAIJ));
  PetscCallMPI(MPI_Scan(&rows, &s->last, 1, MPIU_INT, MPI_SUM, s->comm));
  s->first = s->last - rows;
  PetscCall(local_rows(g, s->first, s->last, &start, &column, &value));
  PetscCall(preallocate(s->matrix, s->first, s->last, start, column));
  for (PetscInt i = s->first; i < s->last; i++) {
    const PetscInt at = start[i - s->first], count = start[i - s->first + 1] - at;
    PetscScalar    degree = 0;
    for (PetscInt k = at; k < at + count; k++) degree -= value[k];
    PetscCall(MatSetValues(s->matrix, 1, &i, count, column + at, value + at, INSERT_VALUES));
    PetscCall(MatSetValue(s->matrix, i, i, degree, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(s->matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(s->matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatNullSpaceCreate(s->comm, PETSC_TRUE, 0, NULL, &constants));
  PetscCall(MatSetNullSpace(s->matrix, constants));
  PetscCall(MatNullSpaceDestroy(&constants));
  PetscCall(PetscFree(start));
  PetscCall(PetscFree2(column, value));
  PetscFunctionReturn(0);
}

static PetscErrorCode load_pair(const Solve *s, int64_t u, int64_t v)
{
  PetscFunctionBeginUser;
  PetscCall(VecSet(s->rhs, 0));
  if (u >= s->first && u < s->last) PetscCall(VecSetValue(s->rhs, (PetscInt)u, 1, INSERT_VALUES));
  if (v >= s->first && v < s->last) PetscCall(VecSetValue(s->rhs, (PetscInt)v, -1, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(s->rhs));
  PetscCall(VecAssemblyEnd(s->rhs));
  PetscFunctionReturn(0);
}

/* r = rhs - L x; its norm relative to the right-hand side's. */
static PetscErrorCode true_residual(const Solve *s, double *residual)
{
  PetscFunctionBeginUser;
  PetscCall(MatMult(s->matrix, s->x, s->r));
  PetscCall(VecAYPX(s->r, -1, s->rhs));
  PetscCall(VecNorm(s->r, NORM_2, residual));
  *residual /= sqrt(2);
  PetscFunctionReturn(0);
}

/* x for the pair loaded; iterations are added up. */
static PetscErrorCode solve_refined(Solve *s, double *residual, int64_t *iterations, KSPConvergedReason *reason)
{
  double previous = INFINITY;

  PetscFunctionBeginUser;
  PetscCall(VecSet(s->x, 0));
  PetscCall(VecCopy(s->rhs, s->r));
  *residual = 1;
  for (int k = 0; k <= REFINEMENTS_MAX && *residual > s->tolerance && *residual < 0.5 * previous; k++) {
    PetscInt count;
    previous = *residual;
    PetscCall(KSPSolve(s->ksp, s->r, s->correction));
    PetscCall(KSPGetIterationNumber(s->ksp, &count));
    PetscCall(KSPGetConvergedReason(s->ksp, reason));
    *iterations += count;
    PetscCall(VecAXPY(s->x, 1, s->correction));
    PetscCall(true_residual(s, residual));
  }
  PetscFunctionReturn(0);
}

/* d' x + x' r from x and its residual r. */
static PetscErrorCode read_off(const Solve *s, double *resistance)
{
  PetscScalar direct, correction;

  PetscFunctionBeginUser;
  PetscCall(VecDot(s->rhs, s->x, &direct));
  PetscCall(VecDot(s->x, s->r, &correction));
  *resistance = direct + correction;
  PetscFunctionReturn(0);
}

/* The default preconditioner: see the top. *iterations: what Jacobi took to 1e-6, for the prediction; 0 where hypre was chosen. */
static PetscErrorCode choose(Solve *s, int64_t u, int64_t v, PetscInt *iterations)
{
  PC                 pc;
  KSPConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(KSPGetPC(s->ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(KSPSetTolerances(s->ksp, 1e-6, PETSC_DEFAULT, PETSC_DEFAULT, TRIAL_ITERATIONS));
  PetscCall(load_pair(s, u, v));
  PetscCall(KSPSolve(s->ksp, s->rhs, s->x));
  PetscCall(KSPGetConvergedReason(s->ksp, &reason));
  PetscCall(KSPGetIterationNumber(s->ksp, iterations));
  if (reason < 0) {
    *iterations = 0;
    PetscCall(PCSetType(pc, PCHYPRE));
    PetscCall(PCHYPRESetType(pc, "boomeramg"));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode setup(const Graph *g, Solve *s, int64_t u, int64_t v, PetscInt *iterations)
{
  PetscBool chosen;

  PetscFunctionBeginUser;
  PetscCall(matrix_create(g, s));
  PetscCall(MatCreateVecs(s->matrix, &s->x, &s->rhs));
  PetscCall(VecDuplicate(s->x, &s->r));
  PetscCall(VecDuplicate(s->x, &s->correction));
  PetscCall(KSPCreate(s->comm, &s->ksp));
  PetscCall(KSPSetOperators(s->ksp, s->matrix, s->matrix));
  PetscCall(KSPSetType(s->ksp, KSPCG));
  PetscCall(KSPSetNormType(s->ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(PetscOptionsHasName(NULL, "resistance_", "-pc_type", &chosen));
  if (!chosen) PetscCall(choose(s, u, v, iterations));
  PetscCall(KSPSetTolerances(s->ksp, PetscMax(s->tolerance, 1e-13), PETSC_DEFAULT, PETSC_DEFAULT, 10000));
  PetscCall(KSPSetOptionsPrefix(s->ksp, "resistance_"));
  PetscCall(KSPSetFromOptions(s->ksp));
  PetscFunctionReturn(0);
}

static PetscErrorCode clear(Solve *s)
{
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(MatDestroy(&s->matrix));
  PetscCall(VecDestroy(&s->x));
  PetscCall(VecDestroy(&s->rhs));
  PetscCall(VecDestroy(&s->r));
  PetscCall(VecDestroy(&s->correction));
  PetscFunctionReturn(0);
}

/* Fills result (n_pairs); stats->refused where a pair fails. */
static PetscErrorCode solve_pairs(Solve *s, int64_t n_pairs, const int64_t *u, const int64_t *v, const Watch *watch, ResistanceStats *stats,
                                  double *result)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < n_pairs; k++) {
    double             residual   = 0;
    int64_t            iterations = 0;
    KSPConvergedReason reason     = KSP_CONVERGED_ITERATING;
    if (watch_stop(watch)) {
      (void)snprintf(stats->refused, sizeof stats->refused, "interrupted");
      break;
    }
    PetscCall(load_pair(s, u[k], v[k]));
    PetscCall(solve_refined(s, &residual, &iterations, &reason));
    stats->iterations = PetscMax(stats->iterations, iterations);
    stats->residual   = residual > stats->residual || isnan(residual) ? residual : stats->residual;
    if (!(residual <= s->tolerance)) {
      (void)snprintf(stats->refused, sizeof stats->refused, "pair %lld: residual %.1e after %lld iterations (%s)", (long long)k, residual,
                     (long long)iterations, KSPConvergedReasons[reason]);
      break;
    }
    PetscCall(read_off(s, &result[k]));
    watch_progress(watch, "solve", k + 1, n_pairs);
  }
  PetscFunctionReturn(0);
}

/* A multiplication takes 2 ns an entry; a solve with hypre about a hundred of them, as its set-up. */
static double predict_seconds(const Graph *g, int64_t n_pairs, int ranks, PetscInt jacobi_iterations)
{
  const double entry = 2e-9 * (double)(2 * g->m + 8 * g->n) / ranks;
  return jacobi_iterations > 0 ? entry * 2.2 * (double)jacobi_iterations * (double)n_pairs : entry * (100 + 100 * (double)n_pairs);
}

/* Why there is nothing to try, or an empty string. */
static void refuse_sizes(const Graph *g, ResistanceStats *stats, const ResistanceOptions *options)
{
  const int64_t entries = 2 * g->m + g->n;
  if (sizeof(PetscInt) == 4 && entries > INT32_MAX)
    (void)snprintf(stats->refused, sizeof stats->refused, "%lld matrix entries: this PETSc counts up to 2147483647", (long long)entries);
  else if (options->memory_limit > 0 && stats->predicted_bytes > options->memory_limit)
    (void)snprintf(stats->refused, sizeof stats->refused, "memory: %.3g bytes predicted, the limit is %.3g", stats->predicted_bytes,
                   options->memory_limit);
}

PetscErrorCode resistance_solve(MPI_Comm comm, const Graph *g, int64_t n_pairs, const int64_t *u, const int64_t *v,
                                const ResistanceOptions *options, ResistanceStats *stats, double *resistance)
{
  Solve    s          = {.comm = comm, .tolerance = options->tolerance > 0 ? options->tolerance : 1e-12};
  PetscInt iterations = 0;
  double  *result;
  int      ranks;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  u = u ? u : g->u;
  v = v ? v : g->v;
  memset(stats, 0, sizeof *stats);
  stats->method         = RESISTANCE_SOLVE;
  stats->factor_entries = stats->factor_flops = stats->foster_stderr = NAN;
  stats->predicted_bytes = 24.0 * (double)g->m + (100.0 * (double)g->m + 200.0 * (double)g->n) / ranks;
  refuse_sizes(g, stats, options);
  if (stats->refused[0] || n_pairs == 0) PetscFunctionReturn(0);
  PetscCall(setup(g, &s, u[0], v[0], &iterations));
  stats->predicted_seconds = predict_seconds(g, n_pairs, ranks, iterations);
  PetscCall(PetscMalloc1((size_t)n_pairs, &result));
  if (stats->predicted_seconds > seconds_max)
    (void)snprintf(stats->refused, sizeof stats->refused, "%lld solves: %.3g s predicted", (long long)n_pairs, stats->predicted_seconds);
  else
    PetscCall(solve_pairs(&s, n_pairs, u, v, options->watch, stats, result));
  if (!stats->refused[0]) memcpy(resistance, result, (size_t)n_pairs * sizeof *resistance);
  PetscCall(PetscFree(result));
  PetscCall(clear(&s));
  PetscFunctionReturn(0);
}
