/* SPDX-License-Identifier: BSD-2-Clause
 * Block generalised Davidson method with thick restarts that keep the previous Ritz vectors (GD+k: Stathopoulos, SIAM J. Sci. Comput. 29
 * (2007) 481). One method for all our eigenproblems: with the exact inverse as preconditioner its basis is the block Krylov space of
 * shift-invert Lanczos, with multigrid or the diagonal it is a Davidson method; for a pencil it is Lanczos in B's inner product. A pair
 * counts as converged by its own absolute residual, never by that of a transformed problem.
 * Multiple eigenvalues: a random block of four finds four copies at once. Where as many equal values as that lie below the last wanted one,
 * the search is repeated from a new random block orthogonal to the pairs found, until it finds nothing new below the last.
 * It stops when the next pair, too, is known well enough not to lie below the wanted ones. */
#include "davidson_private.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { GUARD_ITERATIONS_MAX = 40, SEARCHES_MAX = 64, SEARCH_ITERATIONS_MIN = 3 };
static const double CLUSTER = 1e-7; /* relative distance of values that may be copies of one */

/* Where the search stands. */
typedef struct Progress {
  int     converged;        /* leading pairs whose residual was small */
  double *value;            /* (n_wanted) their values then */
  double  norm[BLOCK];      /* residuals of the window */
  int     window;           /* first pair of it */
  int     guard_iterations; /* since all wanted pairs have converged */
  int     searches, since;  /* repeated searches, iterations since the last began */
  double  worst;            /* largest residual of the wanted pairs at the last look at all of them */
  double *before;           /* (n_wanted) values before the last search */
} Progress;

double davidson_bytes(int64_t n_local, int64_t n_basis, bool with_b)
{
  return 8.0 * (double)n_local * ((with_b ? 3.0 : 2.0) * (double)n_basis + 6 * BLOCK);
}

static int window_columns(const Davidson *d, int first) { return PetscMin(d->b, d->m - first); }

/* Residuals of pairs first .. first + 3 into d->x, preconditioned when there is a B; their norms into norm. */
static PetscErrorCode residuals(Davidson *d, int first, double *norm)
{
  const int     nc = window_columns(d, first);
  const double *s  = d->s + (int64_t)first * d->m;
  double        gram[BLOCK * BLOCK];

  PetscFunctionBeginUser;
  PetscCall(basis_times(d, d->m, d->bv, nc, d->m, s, d->z));
  PetscCall(basis_times(d, d->m, d->av, nc, d->m, s, d->x));
  memset(d->x + d->rows * nc, 0, (size_t)(d->rows * (d->b - nc)) * sizeof *d->x);
  for (int c = 0; c < nc; c++)
    for (int64_t i = 0; i < d->rows; i++) d->x[i + c * d->rows] -= d->theta[first + c] * d->z[i + c * d->rows];
  if (d->p->apply_b) {
    memcpy(d->y, d->x, (size_t)(d->rows * d->b) * sizeof *d->x);
    PetscCall(d->p->precondition(d->p->ctx, d->b, d->x));
  }
  PetscCall(basis_gram(d, nc, d->x, nc, d->p->apply_b ? d->y : d->x, gram));
  for (int c = 0; c < d->b; c++) norm[c] = c < nc ? sqrt(fmax(gram[c + c * nc], 0)) : INFINITY;
  for (int c = 0; c < nc && d->p->apply_b; c++) norm[c] /= fmax(fabs(d->theta[first + c]), DBL_MIN);
  PetscFunctionReturn(0);
}

/* With B and values only: Kato and Temple, error <= residual^2 / gap, the gap to the first Ritz value outside the residual's reach. */
static bool value_settled(const Davidson *d, int pair, double norm)
{
  if (!d->p->values_only || norm > 1e-4) return false;
  const double theta = fabs(d->theta[pair]);
  for (int k = pair + 1; k < d->m; k++) {
    const double gap = (d->theta[k] - d->theta[pair]) / theta;
    if (gap > 16 * norm) return norm * norm / gap <= 0.01 * d->p->tolerance;
  }
  return false;
}

static double pair_tolerance(const Davidson *d, int pair)
{
  const DavidsonProblem *p = d->p;
  if (p->relative <= 0) return p->tolerance;
  return fmax(fmin(p->tolerance, p->relative * fabs(d->theta[pair])), fmin(p->floor, p->tolerance));
}

static bool pair_converged(const Davidson *d, int pair, double norm)
{
  return norm <= pair_tolerance(d, pair) || value_settled(d, pair, norm);
}

/* A value that slipped in below moves the converged ones up: start again from there. */
static void forget_moved(const Davidson *d, Progress *at)
{
  for (int k = 0; k < at->converged; k++)
    if (fabs(d->theta[k] - at->value[k]) > CLUSTER * fabs(d->theta[k]) + d->p->tolerance) at->converged = k;
}

/* Advances over converged pairs; afterwards d->x holds the residuals of the window that the next expansion takes. */
static PetscErrorCode look(Davidson *d, Progress *at)
{
  const int wanted = (int)d->p->n_wanted;

  PetscFunctionBeginUser;
  forget_moved(d, at);
  for (;;) {
    at->window = PetscMin(at->converged, PetscMax(0, d->m - d->b));
    PetscCall(residuals(d, at->window, at->norm));
    const int before = at->converged;
    while (at->converged < PetscMin(wanted, d->m) && at->converged < at->window + d->b &&
           pair_converged(d, at->converged, at->norm[at->converged - at->window])) {
      at->value[at->converged] = d->theta[at->converged];
      at->converged++;
    }
    if (at->converged == before) break;
  }
  PetscFunctionReturn(0);
}

/* All wanted residuals again, as some were measured iterations ago. */
static PetscErrorCode look_again(Davidson *d, Progress *at)
{
  double norm[BLOCK];

  PetscFunctionBeginUser;
  at->worst = 0;
  for (int k = 0; k < at->converged; k += d->b) {
    PetscCall(residuals(d, k, norm));
    for (int c = 0; c < d->b && k + c < at->converged; c++) {
      at->worst = fmax(at->worst, norm[c]);
      if (!pair_converged(d, k + c, norm[c] / 2)) at->converged = k + c;
    }
  }
  at->window = PetscMin(at->converged, PetscMax(0, d->m - d->b));
  PetscCall(residuals(d, at->window, at->norm));
  PetscFunctionReturn(0);
}

/* Whether the pair after the wanted ones may still come down among them. */
static bool guard_is_safe(const Davidson *d, Progress *at)
{
  const int wanted = (int)d->p->n_wanted;
  if (d->p->apply_b || at->guard_iterations++ >= GUARD_ITERATIONS_MAX) return true;
  if (d->m <= wanted || at->window > wanted) return false;
  const double norm = at->norm[wanted - at->window];
  return norm <= 10 * pair_tolerance(d, wanted) || d->theta[wanted] - 2 * norm > d->theta[wanted - 1];
}

/* As many copies of a value below the last as a block can find: there may be more. */
static bool may_miss_copies(const Davidson *d)
{
  const int wanted = (int)d->p->n_wanted;
  for (int k = 0; k + d->b < wanted + 1; k++)
    if (d->theta[k + d->b - 1] - d->theta[k] <= CLUSTER * fabs(d->theta[k]) &&
        d->theta[wanted - 1] - d->theta[k] > CLUSTER * fabs(d->theta[k]))
      return true;
  return false;
}

static bool search_found(const Davidson *d, const Progress *at)
{
  for (int k = 0; k < d->p->n_wanted; k++)
    if (fabs(d->theta[k] - at->before[k]) > CLUSTER * fabs(d->theta[k])) return true;
  return false;
}

static PetscErrorCode search_again(Davidson *d, Progress *at)
{
  PetscFunctionBeginUser;
  at->searches++;
  at->since            = 0;
  at->guard_iterations = 0;
  memcpy(at->before, d->theta, (size_t)d->p->n_wanted * sizeof *at->before);
  PetscCall(basis_restart(d, (int)d->p->n_wanted, false));
  PetscCall(basis_random(d, d->x));
  PetscCall(basis_expand(d, d->x));
  PetscFunctionReturn(0);
}

/* All wanted pairs have converged: whether that is all. Otherwise the basis stands ready for another expansion or was restarted. */
static PetscErrorCode finish(Davidson *d, Progress *at, bool *done, bool *restarted)
{
  PetscFunctionBeginUser;
  *done = *restarted = false;
  if (at->searches && at->since < SEARCH_ITERATIONS_MIN) PetscFunctionReturn(0);
  if (!guard_is_safe(d, at)) PetscFunctionReturn(0);
  PetscCall(look_again(d, at));
  if (at->converged < d->p->n_wanted) PetscFunctionReturn(0);
  const bool again = !d->p->apply_b && may_miss_copies(d) && at->searches < SEARCHES_MAX && (!at->searches || search_found(d, at));
  if (again) PetscCall(search_again(d, at));
  *restarted = again;
  *done      = !again;
  PetscFunctionReturn(0);
}

/* The window's Ritz vectors in the basis as it is, for the next restart. */
static void remember_window(Davidson *d, int window, bool restarted)
{
  memset(d->previous, 0, (size_t)(d->m_max * BLOCK) * sizeof *d->previous);
  for (int c = 0; c < window_columns(d, window); c++)
    for (int k = 0; k < d->m; k++)
      d->previous[k + c * d->m_max] = restarted ? (double)(k == window + c) : d->s[k + (int64_t)(window + c) * d->m];
  d->m_previous = d->m;
}

static PetscErrorCode expand(Davidson *d, const Progress *at)
{
  PetscFunctionBeginUser;
  const bool restart = d->m + d->b > d->m_max;
  if (!d->p->apply_b) PetscCall(d->p->precondition(d->p->ctx, d->b, d->x));
  if (restart) PetscCall(basis_restart(d, PetscMin((int)d->p->n_wanted + d->b, d->m - 2 * d->b), true));
  remember_window(d, at->window, restart);
  PetscCall(basis_expand(d, d->x));
  PetscFunctionReturn(0);
}

static PetscErrorCode iterate(Davidson *d, Progress *at, DavidsonOutcome *outcome)
{
  bool done = false, restarted;

  PetscFunctionBeginUser;
  PetscCall(basis_random(d, d->x));
  PetscCall(basis_expand(d, d->x));
  for (outcome->iterations = 1;; outcome->iterations++, at->since++) {
    watch_progress(d->p->watch, d->p->phase, at->converged, d->p->n_wanted);
    outcome->interrupted = watch_stop(d->p->watch);
    PetscCall(basis_ritz(d));
    PetscCall(look(d, at));
    if (at->converged < PetscMin(d->p->n_wanted, (int64_t)d->m)) outcome->residual = at->norm[at->converged - at->window];
    restarted = false;
    if (at->converged >= d->p->n_wanted) PetscCall(finish(d, at, &done, &restarted));
    if (done || outcome->interrupted || outcome->iterations >= d->p->iterations_max) break;
    if (!restarted) PetscCall(expand(d, at));
  }
  outcome->converged = done;
  if (done) outcome->residual = at->worst;
  PetscFunctionReturn(0);
}

PetscErrorCode davidson_solve(const DavidsonProblem *p, DavidsonOutcome *outcome, double *theta, double *x)
{
  Davidson d;
  Progress at = {0};

  PetscFunctionBeginUser;
  PetscCheck(p->n_basis >= p->n_wanted + 4 * BLOCK, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a basis of %lld for %lld pairs",
             (long long)p->n_basis, (long long)p->n_wanted);
  *outcome = (DavidsonOutcome){0};
  PetscCall(basis_create(p, &d));
  PetscCall(PetscCalloc2((size_t)p->n_wanted, &at.value, (size_t)p->n_wanted, &at.before));
  PetscCall(iterate(&d, &at, outcome));
  const int found = PetscMin((int)p->n_wanted, d.m);
  for (int k = 0; k < p->n_wanted; k++) theta[k] = k < found ? d.theta[k] : NAN;
  PetscCall(basis_times(&d, d.m, d.v, found, d.m, d.s, x));
  PetscCall(PetscFree2(at.value, at.before));
  basis_destroy(&d);
  PetscFunctionReturn(0);
}
