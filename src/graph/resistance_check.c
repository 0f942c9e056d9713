/* SPDX-License-Identifier: BSD-2-Clause
 * Resistances of a few pairs to near the precision of float64, as a check of other methods. Conjugate gradients with Jacobi's
 * preconditioner on eight pairs at once, L x = d = e_u - e_v, in float64. What is read off is not d' x but the functional
 *   d' x + x' (d - L x) = R - (x - x*)' L (x - x*),
 * whose error is the square of x's (for x = 0 it is 0, then it rises to R), so a residual of 1e-7 does for twelve digits. Convergence is
 * judged by the increments alpha_j rho_j by which the functional rises (Hestenes and Stiefel 1952; Strakos and Tichy, ETNA 13 (2002) 56):
 * the sum of a window of them, extended as a geometric series with the ratio to the window before.
 * Where Jacobi's preconditioner stalls (meshes), a sparse factor takes over where it fits into memory; BoomerAMG of hypre, one pair at a
 * time, where it does not; and Jacobi without haste where that fails. However x was found, functional and residual are formed here, from
 * the graph alone: they are what is trusted. It is not meant for many pairs. */
#include "resistance_check.h"

#include <math.h>
#include <petscksp.h>
#include <string.h>

#include "check_kernel.h"
#include "isa.h"
#include "spectrum_parts.h"

enum { L = CHECK_LANES, WINDOW = 4, JACOBI_FIRST = 192, JACOBI_LOOK = 32, JACOBI_LAST = 30000 };
/* A factor that takes longer is not worth it for a few pairs, and cannot be interrupted. */
static const double FACTOR_SECONDS = 30;

typedef struct Check {
  const Graph *g;
  int64_t     *start;
  int32_t     *column;
  double      *weight;         /* NULL: all 1 */
  double      *degree, volume; /* sum of degrees */
  double      *x, *r, *p, *q;  /* (n, L) */
  double       tolerance, memory_limit;
  bool         hard, no_factor; /* Jacobi has stalled; a factor does not fit */
  Grounded    *factor;
  double      *columns; /* (n, L) column-major, for the factor */
  KSP          ksp;
  Mat          matrix;
  Vec          rhs, solution;
  PetscOptions options; /* of ksp, which does not hold a reference */
} Check;

static PetscErrorCode rows_create(const Graph *g, Check *c)
{
  int64_t *place;

  PetscFunctionBeginUser;
  PetscCheck(g->n < INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "checking takes 2^31 vertices at most, this graph has %lld",
             (long long)g->n);
  PetscCall(PetscCalloc2((size_t)g->n + 1, &c->start, (size_t)g->n, &c->degree));
  PetscCall(PetscCalloc1((size_t)g->n + 2, &place));
  PetscCall(PetscMalloc1((size_t)(2 * g->m), &c->column));
  if (g->weight) PetscCall(PetscMalloc1((size_t)(2 * g->m), &c->weight));
  for (int64_t e = 0; e < g->m; e++) {
    place[g->u[e] + 2]++;
    place[g->v[e] + 2]++;
  }
  for (int64_t i = 0; i <= g->n; i++) place[i + 1] += place[i];
  for (int64_t e = 0; e < g->m; e++) {
    const int64_t a = place[g->u[e] + 1]++, b = place[g->v[e] + 1]++;
    c->column[a] = (int32_t)g->v[e];
    c->column[b] = (int32_t)g->u[e];
    if (g->weight) c->weight[a] = c->weight[b] = g->weight[e];
    c->degree[g->u[e]] += graph_weight(g, e);
    c->degree[g->v[e]] += graph_weight(g, e);
    c->volume += 2 * graph_weight(g, e);
  }
  memcpy(c->start, place, (size_t)(g->n + 1) * sizeof *place);
  PetscCall(PetscFree(place));
  PetscFunctionReturn(0);
}

/* q = L p, dot[l] = p_l . q_l. */
static void multiply(const Check *c, const double *p, double *q, double dot[L])
{
  static CheckMultiply *const build[] = {[ISA_BASE] = check_multiply_base, [ISA_V3] = check_multiply_v3, [ISA_V4] = check_multiply_v4};
  build[isa_level()](c->g->n, c->start, c->column, c->weight, p, q, dot);
}

/* rho[l] = r_l . D^-1 r_l of the part of r that is orthogonal to the constants; shift[l] D 1 is the other part, which is round-off and
 * would come to dominate: the matrix does not see it. */
static void advance(Check *c, const double alpha[L], double rho[L], double shift[L])
{
  double sum[L] = {0};
  for (int l = 0; l < L; l++) rho[l] = 0;
  for (int64_t i = 0; i < c->g->n; i++) {
    const double inverse = 1 / c->degree[i];
    for (int l = 0; l < L; l++) {
      const int64_t at = i * L + l;
      c->x[at] += alpha[l] * c->p[at];
      c->r[at] -= alpha[l] * c->q[at];
      rho[l] += c->r[at] * c->r[at] * inverse;
      sum[l] += c->r[at];
    }
  }
  for (int l = 0; l < L; l++) {
    shift[l] = sum[l] / c->volume;
    rho[l]   = fmax(rho[l] - sum[l] * shift[l], 0);
  }
}

static void direction(Check *c, const double beta[L], const double shift[L])
{
  for (int64_t i = 0; i < c->g->n; i++) {
    const double inverse = 1 / c->degree[i];
    for (int l = 0; l < L; l++) c->p[i * L + l] = (c->r[i * L + l] * inverse - shift[l]) + beta[l] * c->p[i * L + l];
  }
}

/* The functional of the L vectors x, and the relative residual in the norm of D^-1. */
static void evaluate(const Check *c, int count, const int64_t *u, const int64_t *v, double value[L], double residual[L])
{
  double unused[L];
  multiply(c, c->x, c->q, unused);
  for (int l = 0; l < count; l++) {
    double work = 0, norm = 0;
    for (int64_t i = 0; i < c->g->n; i++) {
      const double r = (i == u[l]) - (double)(i == v[l]) - c->q[i * L + l];
      work += (c->x[i * L + l] - c->x[v[l] * L + l]) * r;
      norm += r * r / c->degree[i];
    }
    value[l]    = (c->x[u[l] * L + l] - c->x[v[l] * L + l]) + work;
    residual[l] = sqrt(norm / (1 / c->degree[u[l]] + 1 / c->degree[v[l]]));
  }
}

/* The part of the functional that is still to come: windows of increments as a geometric series. */
static double remainder_of(double window, double before)
{
  if (!(window < before)) return window > 0 ? INFINITY : 0;
  return window / (1 - window / before);
}

/* *converged: all lanes. patient: goes on however slow it is. */
static void jacobi(Check *c, int count, const int64_t *u, const int64_t *v, int64_t iterations_max, bool patient, bool *converged)
{
  double  rho[L], least[L], dot[L], alpha[L], beta[L] = {0}, shift[L] = {0}, total[L] = {0}, window[L] = {0}, before[L] = {0};
  int64_t size = c->g->n * L;
  memset(c->x, 0, (size_t)size * sizeof *c->x);
  memset(c->p, 0, (size_t)size * sizeof *c->p);
  memset(c->r, 0, (size_t)size * sizeof *c->r);
  for (int l = 0; l < L; l++) {
    c->r[u[PetscMin(l, count - 1)] * L + l] += 1;
    c->r[v[PetscMin(l, count - 1)] * L + l] -= 1;
    rho[l]   = 1 / c->degree[u[PetscMin(l, count - 1)]] + 1 / c->degree[v[PetscMin(l, count - 1)]];
    least[l] = 1e-29 * rho[l];
  }
  *converged = false;
  for (int64_t iteration = 1; iteration <= iterations_max && !*converged; iteration++) {
    double old[L];
    direction(c, beta, shift);
    multiply(c, c->p, c->q, dot);
    for (int l = 0; l < L; l++) alpha[l] = dot[l] > 0 && rho[l] > least[l] ? rho[l] / dot[l] : 0;
    memcpy(old, rho, sizeof old);
    for (int l = 0; l < L; l++) {
      total[l] += alpha[l] * rho[l];
      window[l] += alpha[l] * rho[l];
    }
    advance(c, alpha, rho, shift);
    for (int l = 0; l < L; l++) beta[l] = old[l] > 0 ? rho[l] / old[l] : 0;
    if (iteration % WINDOW) continue;
    double worst = 0;
    for (int l = 0; l < L; l++) {
      worst     = fmax(worst, remainder_of(window[l], before[l]) / total[l]);
      before[l] = window[l];
      window[l] = 0;
    }
    *converged = iteration > WINDOW && worst <= 0.1 * c->tolerance;
    /* Behind the pace that reaches the tolerance in time: a stall is seen early. */
    if (iteration % JACOBI_LOOK == 0 && worst > pow(c->tolerance, (double)iteration / (double)iterations_max) && !patient) break;
  }
}

/* --- hypre, for what Jacobi cannot do --- */

static PetscErrorCode matrix_create(Check *c)
{
  const PetscInt n = (PetscInt)c->g->n;
  PetscInt      *entries, *column;
  PetscScalar   *value;
  MatNullSpace   constants;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3((size_t)n, &entries, (size_t)n, &column, (size_t)n, &value));
  for (PetscInt i = 0; i < n; i++) entries[i] = (PetscInt)(c->start[i + 1] - c->start[i]) + 1;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 0, entries, &c->matrix));
  for (PetscInt i = 0; i < n; i++) {
    PetscInt count = 0;
    for (int64_t k = c->start[i]; k < c->start[i + 1]; k++) {
      column[count]  = c->column[k];
      value[count++] = c->weight ? -c->weight[k] : -1;
    }
    column[count]  = i;
    value[count++] = c->degree[i];
    PetscCall(MatSetValues(c->matrix, 1, &i, count, column, value, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(c->matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c->matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_SELF, PETSC_TRUE, 0, NULL, &constants));
  PetscCall(MatSetNullSpace(c->matrix, constants));
  PetscCall(MatNullSpaceDestroy(&constants));
  PetscCall(PetscFree3(entries, column, value));
  PetscFunctionReturn(0);
}

/* Options of its own, so that a user's -ksp options for other solvers do not reach the check. */
static PetscErrorCode hypre_create(Check *c)
{
  PC pc;

  PetscFunctionBeginUser;
  if (c->ksp) PetscFunctionReturn(0);
  PetscCall(matrix_create(c));
  PetscCall(MatCreateVecs(c->matrix, &c->solution, &c->rhs));
  PetscCall(PetscOptionsCreate(&c->options));
  /* The coarsest matrix is singular as well: no Gaussian elimination there. */
  PetscCall(PetscOptionsSetValue(c->options, "-pc_hypre_boomeramg_relax_type_coarse", "symmetric-SOR/Jacobi"));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &c->ksp));
  PetscCall(PetscObjectSetOptions((PetscObject)c->ksp, c->options));
  PetscCall(KSPGetPC(c->ksp, &pc));
  PetscCall(PetscObjectSetOptions((PetscObject)pc, c->options));
  PetscCall(KSPSetOperators(c->ksp, c->matrix, c->matrix));
  PetscCall(KSPSetType(c->ksp, KSPCG));
  PetscCall(KSPSetNormType(c->ksp, KSP_NORM_NATURAL));
  PetscCall(PCSetType(pc, PCHYPRE));
  PetscCall(PCHYPRESetType(pc, "boomeramg"));
  PetscCall(PCSetFromOptions(pc));
  /* Multigrid M is L^+ to within a small factor, so r' M r is the error of the functional itself. */
  PetscCall(KSPSetTolerances(c->ksp, 0.3 * sqrt(c->tolerance), PETSC_DEFAULT, PETSC_DEFAULT, 200));
  PetscCall(KSPSetUp(c->ksp));
  PetscFunctionReturn(0);
}

/* Debian's PetscInt has 32 bits. */
static bool hypre_fits(const Check *c) { return c->start[c->g->n] + c->g->n < PETSC_MAX_INT; }

static PetscErrorCode hypre_solve(Check *c, int count, const int64_t *u, const int64_t *v, bool *converged)
{
  PetscFunctionBeginUser;
  PetscCall(hypre_create(c));
  memset(c->x, 0, (size_t)(c->g->n * L) * sizeof *c->x);
  *converged = true;
  for (int l = 0; l < count; l++) {
    const PetscScalar *x;
    KSPConvergedReason reason;
    PetscCall(VecSet(c->rhs, 0));
    PetscCall(VecSetValue(c->rhs, (PetscInt)u[l], 1, INSERT_VALUES));
    PetscCall(VecSetValue(c->rhs, (PetscInt)v[l], -1, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(c->rhs));
    PetscCall(VecAssemblyEnd(c->rhs));
    PetscCall(KSPSolve(c->ksp, c->rhs, c->solution));
    PetscCall(KSPGetConvergedReason(c->ksp, &reason));
    *converged = *converged && reason > 0;
    PetscCall(VecGetArrayRead(c->solution, &x));
    for (int64_t i = 0; i < c->g->n; i++) c->x[i * L + l] = x[i];
    PetscCall(VecRestoreArrayRead(c->solution, &x));
  }
  PetscFunctionReturn(0);
}

/* --- a factor, where it fits --- */

/* NULL in c->factor where it does not fit, or is not definite in double precision. */
static PetscErrorCode factor_create(Check *c)
{
  const double own = laplacian_bytes(c->g->n, c->g->m, c->g->weight != NULL);
  Parts       *part;
  Laplacian   *l;
  int64_t      failed = 0;

  PetscFunctionBeginUser;
  if (c->factor || c->no_factor) PetscFunctionReturn(0);
  PetscCall(parts_create_as(c->g, 1, NULL, &part));
  PetscCall(laplacian_create(c->g, part, 0, &l));
  PetscCall(grounded_analyze(l, &c->factor));
  const double bytes = grounded_bytes(c->factor) + own;
  c->no_factor =
      !isfinite(bytes) || (c->memory_limit > 0 && bytes > c->memory_limit) || grounded_seconds(c->factor, false) > FACTOR_SECONDS;
  if (!c->no_factor) PetscCall(grounded_factor(c->factor, NULL, &failed));
  c->no_factor = c->no_factor || failed != 0;
  if (c->no_factor) grounded_destroy(&c->factor);
  laplacian_destroy(&l);
  parts_destroy(&part);
  if (!c->no_factor) PetscCall(PetscMalloc1((size_t)(c->g->n * L), &c->columns));
  PetscFunctionReturn(0);
}

static PetscErrorCode factor_solve(Check *c, int count, const int64_t *u, const int64_t *v, bool *converged)
{
  const int64_t n = c->g->n;

  PetscFunctionBeginUser;
  PetscCall(factor_create(c));
  *converged = c->factor != NULL;
  if (!c->factor) PetscFunctionReturn(0);
  memset(c->columns, 0, (size_t)(n * count) * sizeof *c->columns);
  for (int l = 0; l < count; l++) {
    c->columns[l * n + u[l]] = 1;
    c->columns[l * n + v[l]] = -1;
  }
  PetscCall(grounded_solve(c->factor, count, c->columns));
  memset(c->x, 0, (size_t)(n * L) * sizeof *c->x);
  for (int l = 0; l < count; l++)
    for (int64_t i = 0; i < n; i++) c->x[i * L + l] = c->columns[l * n + i];
  PetscFunctionReturn(0);
}

/* --- pairs --- */

static PetscErrorCode solve_block(Check *c, int count, const int64_t *u, const int64_t *v, double *resistance)
{
  double value[L], residual[L];
  bool   converged = false;

  PetscFunctionBeginUser;
  if (!c->hard) jacobi(c, count, u, v, JACOBI_FIRST, false, &converged);
  c->hard = c->hard || !converged;
  if (!converged) PetscCall(factor_solve(c, count, u, v, &converged));
  if (!converged && hypre_fits(c)) PetscCall(hypre_solve(c, count, u, v, &converged));
  if (!converged) jacobi(c, count, u, v, JACOBI_LAST, true, &converged);
  evaluate(c, count, u, v, value, residual);
  /* The bound on the residual is crude, but independent of the recurrence. */
  for (int l = 0; l < count; l++) resistance[l] = converged && residual[l] <= 20 * sqrt(c->tolerance) ? value[l] : NAN;
  PetscFunctionReturn(0);
}

static PetscErrorCode check_create(const Graph *g, double tolerance, double memory_limit, Check *c)
{
  const size_t size = (size_t)(g->n * L);

  PetscFunctionBeginUser;
  memset(c, 0, sizeof *c);
  c->g            = g;
  c->memory_limit = memory_limit;
  c->tolerance    = fmax(tolerance > 0 ? tolerance : 1e-12, 1e-15);
  PetscCall(rows_create(g, c));
  PetscCall(PetscMalloc4(size, &c->x, size, &c->r, size, &c->p, size, &c->q));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_destroy(Check *c)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(c->start, c->degree));
  PetscCall(PetscFree(c->column));
  PetscCall(PetscFree(c->weight));
  PetscCall(PetscFree4(c->x, c->r, c->p, c->q));
  grounded_destroy(&c->factor);
  PetscCall(PetscFree(c->columns));
  PetscCall(KSPDestroy(&c->ksp));
  PetscCall(MatDestroy(&c->matrix));
  PetscCall(VecDestroy(&c->rhs));
  PetscCall(VecDestroy(&c->solution));
  PetscCall(PetscOptionsDestroy(&c->options));
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_sample(MPI_Comm comm, const Graph *g, int64_t n_pairs, const int64_t *u, const int64_t *v, double tolerance,
                                 double memory_limit, const Watch *watch, double *resistance)
{
  Check       c;
  bool        stopped = false;
  PetscMPIInt rank, ranks;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  for (int64_t k = 0; k < n_pairs; k++) resistance[k] = 0;
  PetscCall(check_create(g, tolerance, memory_limit, &c));
  /* Rounds of L pairs a rank, as many on every rank, so that all can agree to stop. */
  for (int64_t first = 0; first < n_pairs; first += (int64_t)ranks * L) {
    const int64_t k     = first + (int64_t)rank * L;
    const int     count = (int)PetscMin(L, n_pairs - k);
    stopped             = stopped || watch_stop(watch);
    for (int l = 0; stopped && l < count; l++) resistance[k + l] = NAN;
    if (stopped || count <= 0) continue;
    PetscCall(solve_block(&c, count, u + k, v + k, resistance + k));
    watch_progress(watch, "verifying a sample", k + count, n_pairs);
  }
  PetscCall(check_destroy(&c));
  for (int64_t at = 0; at < n_pairs; at += 1 << 20)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, resistance + at, (int)PetscMin(1 << 20, n_pairs - at), MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(0);
}
