/* SPDX-License-Identifier: BSD-2-Clause
 * Smallest nonzero eigenpairs of one large connected graph by the block Davidson method with one of three preconditioners, tried in the
 * order that was fastest on graphs of the kind:
 *   the exact inverse (shift-invert) where the factor fits in memory and is not predicted to be much slower than iterating;
 *   the diagonal on power-law graphs (seconds where the factor takes minutes), with a limit on iterations, then the next;
 *   hypre's multigrid on meshes whose factor does not fit or takes long (3-D grids), the diagonal on expanders.
 * Whatever did the work, a result is accepted by |L x - lambda x|_2 as recomputed from the graph. */
#include "spectrum_component.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "spectrum_operator.h"

typedef struct Attempt {
  MPI_Comm            comm;
  int                 rank, ranks;
  const Laplacian    *l;
  int64_t             count, basis;
  const EigenOptions *options;
  double              memory_limit, tolerance;
  EigenStats         *stats;
  double             *value, *vector, *residual;
  bool                done, interrupted;
  bool                fills_in; /* the factor has a good part of all n^2 / 2 entries, as those of expanders */
} Attempt;

/* Heavy-tailed degrees: most edges hang at few vertices, and the graph is no tree-like one, which a factor likes. */
static bool is_power_law(const Laplacian *l)
{
  const double mean   = (double)l->entries / (double)l->n;
  double       square = 0;
  for (int64_t i = 0; i < l->n; i++) square += (double)(l->start[i + 1] - l->start[i]) * (double)(l->start[i + 1] - l->start[i]);
  return mean > 4 && square / (double)l->n > 2.5 * mean * mean;
}

/* About what multigrid took on grids and geometric graphs (0.7 to 1.5 microseconds an entry for two pairs); for the choice only. */
static double iteration_seconds(const Attempt *a) { return 7e-7 * (double)(a->l->n + a->l->entries) * (1 + (double)a->count / 3); }

/* Factor, and the solves of an ordinary run. */
static double inverse_seconds(const Attempt *a, const Grounded *g)
{
  return grounded_seconds(g, false) + 1.5e-9 * grounded_entries(g) * (8 + 1.5 * (double)a->count);
}

static double basis_bytes(const Attempt *a)
{
  return davidson_bytes(a->l->n / a->ranks + 1, a->basis, false) + operator_bytes(a->l->n, a->ranks) + 8.0 * (double)(a->l->n * a->count);
}

static bool fits(Attempt *a, double bytes, double seconds)
{
  a->stats->predicted_bytes   = PetscMax(a->stats->predicted_bytes, bytes);
  a->stats->predicted_seconds = PetscMax(a->stats->predicted_seconds, seconds);
  if (bytes <= a->memory_limit) return true;
  memory_refusal(bytes, a->memory_limit, a->stats->refused);
  return false;
}

/* Gathers the pairs and judges them. */
static PetscErrorCode accept(Attempt *a, const Operator *op, const DavidsonOutcome *outcome, const double *x)
{
  PetscFunctionBeginUser;
  a->stats->iterations += outcome->iterations;
  a->interrupted = outcome->interrupted;
  if (outcome->interrupted)
    snprintf(a->stats->refused, EIGEN_REASON_MAX, "interrupted");
  else if (!outcome->converged)
    snprintf(a->stats->refused, EIGEN_REASON_MAX, "no convergence: residual %.2e after %lld iterations, wanted %.2e", outcome->residual,
             (long long)outcome->iterations, a->tolerance);
  if (!outcome->converged) PetscFunctionReturn(0);
  PetscCall(operator_gather(op, a->count, x, a->vector));
  component_polish(a->l, a->count, a->value, a->residual, a->vector);
  double worst = 0;
  for (int64_t k = 0; k < a->count; k++) worst = fmax(worst, a->residual[k]);
  a->done = worst <= a->tolerance;
  if (a->done)
    a->stats->refused[0] = 0;
  else
    snprintf(a->stats->refused, EIGEN_REASON_MAX, "no convergence: residual %.2e, wanted %.2e", worst, a->tolerance);
  PetscFunctionReturn(0);
}

static PetscErrorCode iterate(Attempt *a, Precondition kind, Grounded *grounded, int64_t iterations_max)
{
  Operator       *op;
  DavidsonOutcome outcome;
  double         *x;

  PetscFunctionBeginUser;
  PetscCall(operator_create(a->comm, a->l, NULL, kind, grounded, &op));
  DavidsonProblem p = {.block          = a->count <= 2 ? 2 : 4,
                       .n_wanted       = a->count,
                       .n_basis        = a->basis,
                       .iterations_max = iterations_max,
                       .tolerance      = 0.5 * a->tolerance,
                       .relative       = 1e-4,
                       .floor          = 64 * DBL_EPSILON * a->l->degree_max,
                       .key            = a->options->key,
                       .watch          = a->options->watch,
                       .phase          = "eigenpairs"};
  operator_problem(op, &p);
  PetscCall(PetscMalloc1((size_t)(p.n_local * a->count), &x));
  PetscCall(davidson_solve(&p, &outcome, a->value, x));
  PetscCall(accept(a, op, &outcome, x));
  PetscCall(PetscFree(x));
  operator_destroy(&op);
  PetscFunctionReturn(0);
}

/* much_slower: refuse, too, when iterating promises to be quicker by far. */
static PetscErrorCode by_inverse(Attempt *a, bool much_slower)
{
  Grounded *grounded     = NULL;
  double    predicted[3] = {0};
  int64_t   failed       = 0;
  Watch     quiet        = a->options->watch ? *a->options->watch : (Watch){0};

  PetscFunctionBeginUser;
  if (a->ranks > 1) quiet.stop = NULL; /* the question is collective, and rank 0 is alone here */
  if (a->rank == 0) {
    PetscCall(grounded_analyze(a->l, &grounded));
    predicted[0] = grounded_bytes(grounded);
    predicted[1] = inverse_seconds(a, grounded);
    predicted[2] = grounded_entries(grounded);
  }
  PetscCallMPI(MPI_Bcast(predicted, 3, MPI_DOUBLE, 0, a->comm));
  a->fills_in     = predicted[2] > 0.03 * (double)a->l->n * (double)a->l->n;
  const bool slow = much_slower && predicted[1] > 0.5 + 2 * iteration_seconds(a);
  if (slow) snprintf(a->stats->refused, EIGEN_REASON_MAX, "slow: shift-invert would take %.3g s", predicted[1]);
  if (!slow && fits(a, predicted[0] + basis_bytes(a), predicted[1])) {
    watch_progress(a->options->watch, "factorisation", 0, 1);
    if (a->rank == 0) PetscCall(grounded_factor(grounded, &quiet, &failed));
    a->interrupted = failed && a->ranks == 1 && grounded_stopped(grounded);
    PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT64_T, 0, a->comm));
    a->stats->method = EIGEN_SHIFT_INVERT;
    if (a->interrupted)
      snprintf(a->stats->refused, EIGEN_REASON_MAX, "interrupted");
    else if (failed)
      snprintf(a->stats->refused, EIGEN_REASON_MAX, "the factorisation failed: weights too far apart");
    else
      PetscCall(iterate(a, PRECONDITION_INVERSE, grounded, 100 + 10 * a->count));
  }
  grounded_destroy(&grounded);
  PetscFunctionReturn(0);
}

static PetscErrorCode by_davidson(Attempt *a, Precondition kind, int64_t iterations_max)
{
  PetscFunctionBeginUser;
  if (a->done || a->interrupted) PetscFunctionReturn(0);
  /* hypre's hierarchy takes about 200 bytes a matrix entry on graphs (47 s and 3.6 GB on RMAT-16). */
  const double hierarchy = kind == PRECONDITION_MULTIGRID ? 200 * (double)(a->l->entries + a->l->n) / a->ranks : 0;
  if (!fits(a, basis_bytes(a) + hierarchy, iteration_seconds(a))) PetscFunctionReturn(0);
  a->stats->method = EIGEN_DAVIDSON;
  PetscCall(iterate(a, kind, NULL, iterations_max));
  PetscFunctionReturn(0);
}

/* The order of the file's opening. What fills in without heavy tails is an expander: no mesh for multigrid, but quick by its diagonal. */
static PetscErrorCode by_prediction(Attempt *a, bool power_law)
{
  PetscFunctionBeginUser;
  if (power_law) PetscCall(by_davidson(a, PRECONDITION_DIAGONAL, 200 + 20 * a->count));
  if (!a->done && !a->interrupted) PetscCall(by_inverse(a, true));
  const bool         diagonal = power_law || a->fills_in;
  const Precondition kind     = diagonal ? PRECONDITION_DIAGONAL : PRECONDITION_MULTIGRID;
  PetscCall(by_davidson(a, kind, diagonal ? 2000 + 50 * a->count : 300 + 30 * a->count));
  if (!a->done && !a->interrupted && a->stats->method == EIGEN_DAVIDSON) PetscCall(by_inverse(a, false));
  PetscFunctionReturn(0);
}

PetscErrorCode component_iterate(MPI_Comm comm, const Laplacian *l, int64_t count, const EigenOptions *options, double memory_limit,
                                 EigenStats *stats, double *value, double *vector)
{
  Attempt a = {.comm = comm, .l = l, .count = count, .basis = count + component_spare(count), .options = options, .stats = stats};

  PetscFunctionBeginUser;
  a.memory_limit = memory_limit;
  a.value        = value;
  a.vector       = vector;
  a.tolerance    = (options->tolerance > 0 ? options->tolerance : 1e-12) * l->degree_max;
  PetscCallMPI(MPI_Comm_rank(comm, &a.rank));
  PetscCallMPI(MPI_Comm_size(comm, &a.ranks));
  PetscCall(PetscMalloc1((size_t)count, &a.residual));
  const bool power_law = is_power_law(l);
  switch (options->method) {
  case EIGEN_SHIFT_INVERT: PetscCall(by_inverse(&a, false)); break;
  case EIGEN_DAVIDSON: PetscCall(by_davidson(&a, power_law ? PRECONDITION_DIAGONAL : PRECONDITION_MULTIGRID, 2000 + 50 * count)); break;
  default: PetscCall(by_prediction(&a, power_law));
  }
  for (int64_t k = 0; k < count; k++) stats->residual = fmax(stats->residual, a.done ? a.residual[k] : 0);
  PetscCall(PetscFree(a.residual));
  PetscFunctionReturn(0);
}
