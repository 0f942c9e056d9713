/* SPDX-License-Identifier: BSD-2-Clause
 * Preconditioned conjugate gradients (Hestenes and Stiefel 1952) with Jacobi's preconditioner, sixteen independent recurrences in step, in
 * float32. When the recurrence says that all have converged, the residual is computed anew in float64; what misses the tolerance goes on
 * from there (iterative refinement), so the residual that is reported is the true one. The Laplacian is singular: nothing is grounded, b
 * is orthogonal to the constants and only differences of x are used. A recurrence that cannot go on (its residual vanished) is frozen. */
#include "sketch_cg.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "sketch_halo.h"

enum { L = SKETCH_LANES, ROUNDS_MAX = 6 };

PetscErrorCode sketch_vectors(int64_t n, float **memory, float **vectors)
{
  enum { HUGE_PAGE = 1 << 21 };
  const size_t bytes = (size_t)n * sizeof(float), page = bytes >= 4 * (size_t)HUGE_PAGE ? HUGE_PAGE : 64;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc(bytes + page, memory));
  *vectors = (float *)(((uintptr_t)*memory + page - 1) / page * page);
  if (page == HUGE_PAGE) (void)madvise(*vectors, bytes, MADV_HUGEPAGE);
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_solver_setup(SketchSolver *s)
{
  const int64_t size = s->rows->n_columns * L;

  PetscFunctionBeginUser;
  PetscCall(sketch_vectors(4 * size, &s->memory, &s->x));
  s->r = s->x + size;
  s->p = s->r + size;
  s->q = s->p + size;
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_solver_clear(SketchSolver *s)
{
  PetscFunctionBeginUser;
  sketch_hypre_destroy(&s->hypre);
  PetscCall(PetscFree(s->memory));
  PetscFunctionReturn(0);
}

static PetscErrorCode sum_over_ranks(const SketchSolver *s, int n, double *value)
{
  PetscFunctionBeginUser;
  if (s->halo) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, value, n, MPI_DOUBLE, MPI_SUM, s->comm));
  PetscFunctionReturn(0);
}

/* Largest rho / size of the lanes, NaN if there is one; lanes without a right-hand side are solved. */
static double largest_ratio(const double rho[L], const double size[L])
{
  double largest = 0;
  for (int l = 0; l < L; l++) {
    const double ratio = size[l] > 0 ? rho[l] / size[l] : rho[l];
    if (!(ratio <= largest)) largest = ratio;
    if (isnan(ratio)) return NAN;
  }
  return largest;
}

/* 0 in lanes that are far below the goal: what round-off leaves of them is a constant, of which the matrix makes 0. */
static void divide(const double a[L], const double b[L], const double size[L], const double rho[L], double goal, float out[L])
{
  for (int l = 0; l < L; l++) out[l] = b[l] > 0 && rho[l] > 1e-2 * goal * size[l] ? (float)(a[l] / b[l]) : 0;
}

/* One run of the recurrence from r: x += L^+ r. rho, size: as the residual gave them. */
static PetscErrorCode recur(SketchSolver *s, const double size[L], double rho[L], double goal, int64_t *iterations)
{
  const float none[L] = {0};
  float       factor[L];
  double      dot[L], before[L];

  PetscFunctionBeginUser;
  memset(s->p, 0, (size_t)(s->rows->n_columns * L) * sizeof(float));
  s->kernels->direction(s->rows, none, s->r, s->p);
  while (*iterations < s->iterations_max) {
    if (s->halo) PetscCall(sketch_halo_update(s->halo, s->p));
    s->kernels->multiply(s->rows, s->p, s->q, dot);
    PetscCall(sum_over_ranks(s, L, dot));
    divide(rho, dot, size, rho, goal, factor);
    memcpy(before, rho, sizeof before);
    s->kernels->advance(s->rows, factor, s->p, s->q, s->x, s->r, rho);
    PetscCall(sum_over_ranks(s, L, rho));
    ++*iterations;
    if (!(largest_ratio(rho, size) > goal)) break;
    divide(rho, before, size, rho, goal, factor);
    s->kernels->direction(s->rows, factor, s->r, s->p);
  }
  PetscFunctionReturn(0);
}

/* r = b - L x and its squared norms, true ones. */
static PetscErrorCode true_residual(SketchSolver *s, const float *b, double rho[L], double size[L])
{
  double both[2 * L];

  PetscFunctionBeginUser;
  if (s->halo) PetscCall(sketch_halo_update(s->halo, s->x));
  s->kernels->residual(s->rows, b, s->x, s->r, both, both + L);
  PetscCall(sum_over_ranks(s, 2 * L, both));
  memcpy(rho, both, L * sizeof *rho);
  memcpy(size, both + L, L * sizeof *size);
  PetscFunctionReturn(0);
}

/* x = 0, r = b: nothing to multiply. */
static PetscErrorCode begin(SketchSolver *s, const float *b, double rho[L], double size[L])
{
  const float  none[L] = {0};
  const size_t bytes   = (size_t)(s->rows->n_columns * L) * sizeof(float);

  PetscFunctionBeginUser;
  memset(s->x, 0, bytes);
  memset(s->p, 0, bytes);
  memset(s->q, 0, bytes);
  memcpy(s->r, b, bytes);
  s->kernels->advance(s->rows, none, s->p, s->q, s->x, s->r, rho);
  PetscCall(sum_over_ranks(s, L, rho));
  memcpy(size, rho, L * sizeof *size);
  PetscFunctionReturn(0);
}

static void subtract_first_term(const SketchSolver *s, float *b)
{
  for (int64_t i = 0; i < s->rows->n; i++)
    for (int l = 0; l < L; l++) b[i * L + l] = s->x[i * L + l] - s->rows->inverse_degree[i] * b[i * L + l];
}

static void judge(const SketchSolver *s, double ratio, SketchOutcome *out)
{
  out->residual  = sqrt(ratio);
  out->converged = ratio <= s->tolerance * s->tolerance;
}

static PetscErrorCode solve_by_jacobi(SketchSolver *s, const float *b, SketchOutcome *out)
{
  /* The recurrence drifts from the true residual by about float32's precision: aim a little lower. */
  const double goal = 0.9 * s->tolerance;
  double       rho[L], size[L], ratio = 0;

  PetscFunctionBeginUser;
  PetscCall(begin(s, b, rho, size));
  for (int round = 0; round < ROUNDS_MAX && out->iterations < s->iterations_max; round++) {
    PetscCall(recur(s, size, rho, goal * goal, &out->iterations));
    PetscCall(true_residual(s, b, rho, size));
    const double previous = ratio;
    ratio                 = largest_ratio(rho, size);
    if (!(ratio > s->tolerance * s->tolerance)) break;
    if (round > 1 && ratio > 0.5 * previous) break; /* float32 has no more to give */
  }
  judge(s, ratio, out);
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_by_hypre(SketchSolver *s, const float *b, SketchOutcome *out)
{
  double rho[L], size[L];

  PetscFunctionBeginUser;
  if (!s->hypre) PetscCall(sketch_hypre_create(s->rows, &s->hypre));
  if (!s->hypre) PetscFunctionReturn(0);
  PetscCall(sketch_hypre_solve(s->hypre, 0.5 * s->tolerance, b, s->x, &out->iterations));
  PetscCall(true_residual(s, b, rho, size));
  judge(s, largest_ratio(rho, size), out);
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_solve(SketchSolver *s, float *b, SketchOutcome *out)
{
  PetscFunctionBeginUser;
  *out = (SketchOutcome){0};
  PetscCall(solve_by_jacobi(s, b, out));
  if (!out->converged && !s->halo) PetscCall(solve_by_hypre(s, b, out));
  subtract_first_term(s, b);
  PetscFunctionReturn(0);
}
