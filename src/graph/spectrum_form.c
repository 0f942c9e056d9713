/* SPDX-License-Identifier: BSD-2-Clause
 * How far a subgraph's quadratic form is from the graph's: the extreme eigenvalues of L_H x = mu L_G x over x orthogonal to ones, component
 * by component of G. The largest is found by a block Lanczos method in the inner product of L_G, L_G^+ by sparse Cholesky. The smallest is
 * one over the largest of the reverse pencil, so that it, too, is accurate relative to itself; it is 0, exactly, where H leaves a component
 * of G unconnected, which is counted and not computed. Small components by LAPACK on the matrices without one vertex, whose pencil has the
 * same eigenvalues. Spielman and Srivastava, SIAM J. Comput. 40 (2011) 1913. Where the factors do not fit it refuses with the number. */
#include "memory_share.h"
#include "spectrum_sparse.h"

#include <math.h>
#include <petscblaslapack.h>
#include <stdio.h>
#include <string.h>

#include "lapack.h"
#include "spectrum_operator.h"
#include "spectrum_parts.h"

enum { DENSE_VERTICES = 200, DENSE_CHOSEN_MAX = 30000, BASIS = 40, ITERATIONS_MAX = 2000 };

typedef struct Comparison {
  MPI_Comm            comm;
  int                 rank, ranks;
  const EigenOptions *options;
  double              memory_limit;
  QuadraticForm      *form;
  bool                low_is_zero;
} Comparison;

/* All mu of (a, b) by LAPACK; *largest. Every rank does the same work. */
static PetscErrorCode largest_dense(Comparison *c, const Laplacian *a, const Laplacian *b, double *largest)
{
  const PetscBLASInt n = (PetscBLASInt)(a->n - 1), type = 1, n_work = 2 * n + 1, one = 1;
  PetscBLASInt       integer, info;
  double            *first, *second, *value, *work;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4((size_t)n * (size_t)n, &first, (size_t)n * (size_t)n, &second, (size_t)n, &value, (size_t)n_work, &work));
  laplacian_dense(a, b->hub, first);
  laplacian_dense(b, b->hub, second);
  dsygvd_(&type, "N", "L", &n, first, &n, second, &n, value, work, &n_work, &integer, &one, &info);
  *largest = value[n - 1];
  if (info) snprintf(c->form->refused, EIGEN_REASON_MAX, "dsygvd of order %d: info = %d (weights too far apart)", (int)n, (int)info);
  PetscCall(PetscFree4(first, second, value, work));
  PetscFunctionReturn(0);
}

/* On rank 0 the factor of b's Laplacian, if it fits. */
static PetscErrorCode factor(Comparison *c, const Laplacian *a, const Laplacian *b, Grounded **out)
{
  double  bytes  = 0;
  int64_t failed = 0;
  Watch   quiet  = c->options->watch ? *c->options->watch : (Watch){0};

  PetscFunctionBeginUser;
  if (c->ranks > 1) quiet.stop = NULL; /* collective, and rank 0 is alone here */
  if (c->rank == 0) {
    PetscCall(grounded_analyze(b, out));
    bytes = grounded_bytes(*out);
  }
  PetscCallMPI(MPI_Bcast(&bytes, 1, MPI_DOUBLE, 0, c->comm));
  bytes += davidson_bytes(a->n / c->ranks + 1, BASIS, true) + operator_bytes(a->n, c->ranks);
  if (bytes > c->memory_limit)
    memory_refusal(bytes, c->memory_limit, c->form->refused);
  else if (c->rank == 0)
    PetscCall(grounded_factor(*out, &quiet, &failed));
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT64_T, 0, c->comm));
  if (failed)
    snprintf(c->form->refused, EIGEN_REASON_MAX, "%s", failed < 0 ? "interrupted" : "the factorisation failed: weights too far apart");
  PetscFunctionReturn(0);
}

static PetscErrorCode iterate(Comparison *c, const Laplacian *a, const Laplacian *b, Grounded *grounded, double *largest)
{
  Operator       *op;
  DavidsonOutcome outcome;
  double          theta, *x, *whole;

  PetscFunctionBeginUser;
  PetscCall(operator_create(c->comm, a, b, PRECONDITION_INVERSE, grounded, &op));
  DavidsonProblem p = {.block          = 2,
                       .n_wanted       = 1,
                       .n_basis        = BASIS,
                       .iterations_max = ITERATIONS_MAX,
                       .tolerance      = c->options->tolerance > 0 ? c->options->tolerance : 1e-8,
                       .values_only    = true,
                       .key            = c->options->key,
                       .watch          = c->options->watch,
                       .phase          = "quadratic form"};
  operator_problem(op, &p);
  PetscCall(PetscMalloc2((size_t)p.n_local, &x, (size_t)a->n, &whole));
  PetscCall(davidson_solve(&p, &outcome, &theta, x));
  PetscCall(operator_gather(op, 1, x, whole));
  *largest          = laplacian_form(a, whole) / laplacian_form(b, whole);
  c->form->residual = fmax(c->form->residual, outcome.residual);
  if (outcome.interrupted)
    snprintf(c->form->refused, EIGEN_REASON_MAX, "interrupted");
  else if (!outcome.converged)
    snprintf(c->form->refused, EIGEN_REASON_MAX, "no convergence: relative residual %.2e after %lld iterations, value about %.6g",
             outcome.residual, (long long)outcome.iterations, *largest);
  PetscCall(PetscFree2(x, whole));
  operator_destroy(&op);
  PetscFunctionReturn(0);
}

/* Largest mu of L_a x = mu L_b x on one component, b connected. */
static PetscErrorCode largest_of(Comparison *c, const Laplacian *a, const Laplacian *b, double *largest)
{
  Grounded *grounded = NULL;

  PetscFunctionBeginUser;
  if (a->n <= DENSE_VERTICES || c->options->method == EIGEN_DENSE) {
    const double bytes = 16 * (double)a->n * (double)a->n;
    if (bytes > c->memory_limit || a->n > DENSE_CHOSEN_MAX)
      snprintf(c->form->refused, EIGEN_REASON_MAX, "memory: %.3g GB needed for %lld vertices dense, %.3g GB allowed", 1e-9 * bytes,
               (long long)a->n, 1e-9 * c->memory_limit);
    else
      PetscCall(largest_dense(c, a, b, largest));
    PetscFunctionReturn(0);
  }
  PetscCall(factor(c, a, b, &grounded));
  if (!c->form->refused[0]) PetscCall(iterate(c, a, b, grounded, largest));
  grounded_destroy(&grounded);
  PetscFunctionReturn(0);
}

static PetscErrorCode compare_component(Comparison *c, const Graph *g, const Graph *h, const Parts *pg, const Parts *ph, int64_t part)
{
  Laplacian *lg, *lh;
  double     high = 0, reverse = 0;

  PetscFunctionBeginUser;
  PetscCall(laplacian_create(g, pg, part, &lg));
  PetscCall(laplacian_create(h, ph, part, &lh));
  if (lh->entries > 0) PetscCall(largest_of(c, lh, lg, &high));
  c->form->high = fmax(c->form->high, high);
  if (!c->low_is_zero && !c->form->refused[0]) {
    PetscCall(largest_of(c, lg, lh, &reverse));
    c->form->low = fmin(c->form->low, 1 / reverse);
  }
  laplacian_destroy(&lg);
  laplacian_destroy(&lh);
  PetscFunctionReturn(0);
}

static PetscErrorCode compare(Comparison *c, const Graph *g, const Graph *h)
{
  Parts   *pg, *ph;
  int64_t *component;

  PetscFunctionBeginUser;
  PetscCall(parts_create(g, &pg));
  PetscCall(parts_create_as(h, pg->count, pg->component, &ph));
  PetscCall(PetscMalloc1((size_t)h->n, &component));
  c->low_is_zero = graph_components(h, NULL, component) > pg->count;
  PetscCall(PetscFree(component));
  c->form->high = 0;
  c->form->low  = c->low_is_zero ? 0 : INFINITY;
  if (ph->crossing)
    snprintf(c->form->refused, EIGEN_REASON_MAX, "%lld edges of the subgraph join components of the graph", (long long)ph->crossing);
  for (int64_t part = 0; part < pg->count && !c->form->refused[0]; part++)
    if (parts_size(pg, part) > 1) PetscCall(compare_component(c, g, h, pg, ph, part));
  if (g->m == 0) c->form->low = c->form->high = 1; /* no x to compare at */
  if (c->form->refused[0]) c->form->low = c->form->high = NAN;
  parts_destroy(&pg);
  parts_destroy(&ph);
  PetscFunctionReturn(0);
}

PetscErrorCode spectrum_quadratic_form(MPI_Comm comm, const Graph *g, const Graph *h, const EigenOptions *options, QuadraticForm *form)
{
  Comparison c = {.comm = comm, .options = options, .form = form};

  PetscFunctionBeginUser;
  PetscCheck(g->n == h->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "graphs of %lld and %lld vertices", (long long)g->n, (long long)h->n);
  memset(form, 0, sizeof *form);
  PetscCallMPI(MPI_Comm_rank(comm, &c.rank));
  PetscCallMPI(MPI_Comm_size(comm, &c.ranks));
  PetscCall(memory_share(comm, options->memory_limit, &c.memory_limit));
  PetscCall(compare(&c, g, h));
  PetscFunctionReturn(0);
}
