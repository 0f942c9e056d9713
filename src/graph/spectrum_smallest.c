/* SPDX-License-Identifier: BSD-2-Clause
 * The smallest Laplacian eigenpairs of a whole graph: each component contributes an exact zero with its indicator, and the smallest of its
 * nonzero values; the k smallest of all are kept, equal ones in the order of components. Large components are solved one after another by
 * all ranks together; small ones are dense work spread over ranks: first values alone, then vectors of the chosen ones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_share.h"
#include "spectrum_component.h"

const char *const eigen_method_names[] = {"auto", "dense", "shift_invert", "davidson", NULL};

/* One nonzero eigenvalue of a component, a candidate for the result. */
typedef struct Candidate {
  double  value;
  int64_t component, index;
} Candidate;

typedef struct Search {
  MPI_Comm            comm;
  int                 rank, ranks;
  const Graph        *g;
  Parts              *parts;
  int64_t             wanted; /* nonzero pairs */
  const EigenOptions *options;
  double              memory_limit;
  EigenStats         *stats;
  int64_t            *first;  /* (components + 1) first candidate of each */
  double             *value;  /* (candidates) */
  int                *owner;  /* (components) rank of a dense one; -1: all ranks */
  double            **vector; /* (components) (size, candidates) of those solved by all ranks */
} Search;

static int64_t candidates_of(const Search *s, int64_t c) { return s->first[c + 1] - s->first[c]; }

static int compare_candidates(const void *a, const void *b)
{
  const Candidate *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? -1 : 1;
  if (x->component != y->component) return x->component < y->component ? -1 : 1;
  return (x->index > y->index) - (x->index < y->index);
}

/* Dense components to the rank with least work so far; the same plan on all ranks. */
static PetscErrorCode plan(Search *s)
{
  double       *load;
  const int64_t count = s->parts->count;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)s->ranks, &load));
  PetscCall(PetscMalloc3((size_t)count + 1, &s->first, (size_t)count, &s->owner, (size_t)count, &s->vector));
  s->first[0] = 0;
  for (int64_t c = 0; c < count; c++) {
    const int64_t n = parts_size(s->parts, c), take = PetscMin(s->wanted, n - 1);
    s->first[c + 1] = s->first[c] + take;
    s->vector[c]    = NULL;
    s->owner[c]     = -1;
    if (!component_is_dense(n, take, s->options->method)) continue;
    s->owner[c] = 0;
    for (int r = 1; r < s->ranks; r++)
      if (load[r] < load[s->owner[c]]) s->owner[c] = r;
    load[s->owner[c]] += 1000 + (double)n * (double)n * (double)n;
  }
  PetscCall(PetscFree(load));
  PetscCall(PetscCalloc1((size_t)s->first[count], &s->value));
  PetscFunctionReturn(0);
}

/* Whether the largest dense component fits: its order, for LAPACK, and its bytes. */
static bool dense_fits(Search *s)
{
  int64_t largest = 0;
  for (int64_t c = 0; c < s->parts->count; c++)
    if (s->owner[c] >= 0) largest = PetscMax(largest, parts_size(s->parts, c));
  const double bytes        = component_dense_bytes(largest, true);
  s->stats->predicted_bytes = PetscMax(s->stats->predicted_bytes, bytes);
  s->stats->predicted_seconds += 9 * (double)largest * (double)largest * (double)largest / 1e10;
  if (bytes <= s->memory_limit && largest <= 32000) return true;
  snprintf(s->stats->refused, EIGEN_REASON_MAX, "memory: %.3g GB needed for %lld vertices dense, %.3g GB allowed", 1e-9 * bytes,
           (long long)largest, 1e-9 * s->memory_limit);
  return false;
}

static PetscErrorCode solve_large(Search *s)
{
  int64_t largest = 0;

  PetscFunctionBeginUser;
  for (int64_t c = 0; c < s->parts->count && !s->stats->refused[0]; c++) {
    if (s->owner[c] >= 0 || candidates_of(s, c) == 0) continue;
    Laplacian    *l;
    EigenStats    stats = {0};
    const int64_t n     = parts_size(s->parts, c);
    PetscCall(laplacian_create(s->g, s->parts, c, &l));
    PetscCall(PetscMalloc1((size_t)(n * candidates_of(s, c)), &s->vector[c]));
    PetscCall(
        component_iterate(s->comm, l, candidates_of(s, c), s->options, s->memory_limit, &stats, s->value + s->first[c], s->vector[c]));
    laplacian_destroy(&l);
    if (n > largest) s->stats->method = stats.method;
    largest              = PetscMax(largest, n);
    s->stats->iterations = PetscMax(s->stats->iterations, stats.iterations);
    s->stats->predicted_seconds += stats.predicted_seconds;
    s->stats->predicted_bytes = PetscMax(s->stats->predicted_bytes, stats.predicted_bytes);
    memcpy(s->stats->refused, stats.refused, sizeof stats.refused);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_dense(Search *s)
{
  double *value;

  PetscFunctionBeginUser;
  const int64_t total = s->first[s->parts->count];
  PetscCall(PetscCalloc1((size_t)total, &value));
  for (int64_t c = 0; c < s->parts->count; c++) {
    if (s->owner[c] != s->rank || candidates_of(s, c) == 0) continue;
    Laplacian *l;
    PetscCall(laplacian_create(s->g, s->parts, c, &l));
    PetscCall(component_dense(l, candidates_of(s, c), value + s->first[c], NULL));
    laplacian_destroy(&l);
  }
  /* A value has one rank that knows it and zeros elsewhere: the sum is exact. */
  for (int64_t at = 0; at < total; at += 1 << 20)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, value + at, (int)PetscMin(total - at, 1 << 20), MPI_DOUBLE, MPI_SUM, s->comm));
  for (int64_t c = 0; c < s->parts->count; c++)
    if (s->owner[c] >= 0) memcpy(s->value + s->first[c], value + s->first[c], (size_t)candidates_of(s, c) * sizeof *value);
  PetscCall(PetscFree(value));
  PetscFunctionReturn(0);
}

/* The wanted ones, sorted by component and index; their places in the ascending order of values are in `place`. */
static PetscErrorCode choose(const Search *s, Candidate **out)
{
  Candidate    *all;
  const int64_t total = s->first[s->parts->count];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)total, &all));
  for (int64_t c = 0; c < s->parts->count; c++)
    for (int64_t k = 0; k < candidates_of(s, c); k++) all[s->first[c] + k] = (Candidate){s->value[s->first[c] + k], c, k};
  qsort(all, (size_t)total, sizeof *all, compare_candidates);
  *out = all;
  PetscFunctionReturn(0);
}

/* Vectors (size, count) of the first `count` pairs of component c on all ranks: kept, or dense by the owner. */
static PetscErrorCode vectors_of(const Search *s, const Laplacian *l, int64_t c, int64_t count, double *value, double *vector)
{
  PetscFunctionBeginUser;
  if (s->vector[c]) {
    memcpy(vector, s->vector[c], (size_t)(l->n * count) * sizeof *vector);
    PetscFunctionReturn(0);
  }
  if (s->owner[c] == s->rank) PetscCall(component_dense(l, count, value, vector));
  for (int64_t k = 0; k < count; k++) PetscCallMPI(MPI_Bcast(vector + k * l->n, (int)l->n, MPI_DOUBLE, s->owner[c], s->comm));
  PetscFunctionReturn(0);
}

/* The pairs of component c among the chosen ones into rows of the result. */
static PetscErrorCode fill_component(const Search *s, int64_t c, int64_t count, const int64_t *row, double *eigenvalue, double *residual,
                                     double *vector)
{
  Laplacian    *l;
  double       *x, *value, *error;
  const int64_t n = parts_size(s->parts, c);

  PetscFunctionBeginUser;
  PetscCall(laplacian_create(s->g, s->parts, c, &l));
  PetscCall(PetscMalloc3((size_t)(n * count), &x, (size_t)count, &value, (size_t)count, &error));
  PetscCall(vectors_of(s, l, c, count, value, x));
  component_polish(l, count, value, error, x);
  for (int64_t k = 0; k < count; k++) {
    eigenvalue[row[k]] = value[k];
    residual[row[k]]   = error[k];
    for (int64_t i = 0; vector && i < n; i++) vector[row[k] * s->g->n + s->parts->vertex[s->parts->first_vertex[c] + i]] = x[k * n + i];
  }
  PetscCall(PetscFree3(x, value, error));
  laplacian_destroy(&l);
  PetscFunctionReturn(0);
}

static int compare_by_component(const void *a, const void *b)
{
  const Candidate *x = a, *y = b;
  if (x->component != y->component) return x->component < y->component ? -1 : 1;
  return (x->value > y->value) - (x->value < y->value);
}

/* all: ascending. A component's chosen pairs are its first ones. */
static PetscErrorCode fill(const Search *s, const Candidate *all, double *eigenvalue, double *residual, double *vector)
{
  Candidate *chosen;
  int64_t   *row;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)s->wanted, &chosen, (size_t)s->wanted, &row));
  for (int64_t k = 0; k < s->wanted; k++) chosen[k] = (Candidate){(double)k, all[k].component, all[k].index};
  qsort(chosen, (size_t)s->wanted, sizeof *chosen, compare_by_component);
  for (int64_t k = 0; k < s->wanted; k++) row[k] = (int64_t)chosen[k].value;
  for (int64_t k = 0; k < s->wanted;) {
    int64_t end = k;
    while (end < s->wanted && chosen[end].component == chosen[k].component) end++;
    PetscCall(fill_component(s, chosen[k].component, end - k, row + k, eigenvalue, residual, vector));
    k = end;
  }
  PetscCall(PetscFree2(chosen, row));
  PetscFunctionReturn(0);
}

/* Rayleigh quotients may leave copies of one value out of order by an ulp or two. */
static void restore_order(int64_t n, int64_t k, double *eigenvalue, double *residual, double *vector)
{
  for (int64_t i = 1; i < k; i++) {
    for (int64_t j = i; j > 0 && eigenvalue[j] < eigenvalue[j - 1]; j--) {
      const double value = eigenvalue[j], error = residual[j];
      eigenvalue[j] = eigenvalue[j - 1], residual[j] = residual[j - 1];
      eigenvalue[j - 1] = value, residual[j - 1] = error;
      for (int64_t x = 0; vector && x < n; x++) {
        const double entry      = vector[j * n + x];
        vector[j * n + x]       = vector[(j - 1) * n + x];
        vector[(j - 1) * n + x] = entry;
      }
    }
  }
}

static void fill_null_space(const Parts *p, int64_t n_zero, double *eigenvalue, double *residual, double *vector)
{
  for (int64_t c = 0; c < n_zero; c++) {
    eigenvalue[c] = residual[c] = 0;
    const double entry          = 1 / sqrt((double)parts_size(p, c));
    for (int64_t i = p->first_vertex[c]; vector && i < p->first_vertex[c + 1]; i++) vector[c * p->n + p->vertex[i]] = entry;
  }
}

static PetscErrorCode search_destroy(Search *s)
{
  PetscFunctionBeginUser;
  for (int64_t c = 0; c < s->parts->count; c++) PetscCall(PetscFree(s->vector[c]));
  PetscCall(PetscFree3(s->first, s->owner, s->vector));
  PetscCall(PetscFree(s->value));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(Search *s, int64_t k, double *eigenvalue, double *residual, double *vector)
{
  Candidate *all;

  PetscFunctionBeginUser;
  const int64_t n_zero = k - s->wanted;
  PetscCall(plan(s));
  s->stats->method = EIGEN_DENSE;
  if (dense_fits(s)) {
    PetscCall(solve_large(s));
    if (!s->stats->refused[0]) PetscCall(solve_dense(s));
  }
  if (!s->stats->refused[0]) {
    PetscCall(choose(s, &all));
    PetscCall(fill(s, all, eigenvalue + n_zero, residual + n_zero, vector ? vector + n_zero * s->g->n : NULL));
    PetscCall(PetscFree(all));
    restore_order(s->g->n, s->wanted, eigenvalue + n_zero, residual + n_zero, vector ? vector + n_zero * s->g->n : NULL);
  }
  PetscCall(search_destroy(s));
  PetscFunctionReturn(0);
}

PetscErrorCode spectrum_smallest(MPI_Comm comm, const Graph *g, int64_t k, const EigenOptions *options, EigenStats *stats,
                                 double *eigenvalue, double *residual, double *vector)
{
  Search s = {.comm = comm, .g = g, .options = options, .stats = stats};

  PetscFunctionBeginUser;
  PetscCheck(k >= 0 && k <= g->n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld eigenvalues of a graph of %lld vertices", (long long)k,
             (long long)g->n);
  memset(stats, 0, sizeof *stats);
  if (k == 0) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(comm, &s.rank));
  PetscCallMPI(MPI_Comm_size(comm, &s.ranks));
  PetscCall(memory_share(comm, options->memory_limit, &s.memory_limit));
  PetscCall(parts_create(g, &s.parts));
  if (vector) memset(vector, 0, (size_t)(k * g->n) * sizeof *vector);
  const int64_t n_zero = PetscMin(k, s.parts->count);
  s.wanted             = k - n_zero;
  fill_null_space(s.parts, n_zero, eigenvalue, residual, vector);
  stats->method = EIGEN_DENSE;
  if (s.wanted) PetscCall(solve(&s, k, eigenvalue, residual, vector));
  for (int64_t i = 0; i < k && !stats->refused[0]; i++) stats->residual = fmax(stats->residual, residual[i]);
  parts_destroy(&s.parts);
  PetscFunctionReturn(0);
}
