/* SPDX-License-Identifier: BSD-2-Clause
 * Effective resistance R(u,v) = (1_u - 1_v)^T L^+ (1_u - 1_v) of every edge, or of chosen pairs [ohm, weights in siemens]. */
#ifndef MYOPIA_RESISTANCE_H
#define MYOPIA_RESISTANCE_H

#include "graph_source.h"
#include "watch.h"

typedef enum { RESISTANCE_AUTO = 0, RESISTANCE_DENSE, RESISTANCE_EXACT, RESISTANCE_SKETCH, RESISTANCE_SOLVE } ResistanceMethodId;

typedef struct ResistanceOptions {
  ResistanceMethodId method;
  int64_t            projections;   /* sketch: q, a multiple of 16; 0: 64 */
  double             tolerance;     /* sketch, solve: relative residual; 0: the method's own (1e-3, 1e-12) */
  double             memory_limit;  /* bytes a rank may use; 0: no limit */
  double             seconds_limit; /* `auto`: exact only when predicted to take no longer; 0: no limit */
  uint64_t           key;           /* random key of the sketch's signs and of the verification's sample */
  const Watch       *watch;         /* may be NULL */
} ResistanceOptions;

enum { RESISTANCE_REASON_MAX = 96 };

/* What a method did. Numbers that do not apply are NaN or 0. The same on all ranks. */
typedef struct ResistanceStats {
  ResistanceMethodId method;          /* the one that did most edges */
  double             predicted_bytes; /* peak of one rank, before work */
  double             predicted_seconds;
  double             factor_entries; /* nnz(L) */
  double             factor_flops;
  double             residual;                       /* sketch, solve: largest relative residual reached */
  int64_t            iterations;                     /* sketch, solve: largest number of iterations */
  int64_t            projections;                    /* sketch */
  double             foster_stderr;                  /* sketch: standard error of sum_e w_e R_e from its per-projection sums */
  char               refused[RESISTANCE_REASON_MAX]; /* not empty: nothing was computed, and why (memory, no convergence, interrupted) */
} ResistanceStats;

typedef struct ResistanceMethod {
  const char        *name, *summary;
  ResistanceMethodId id;
} ResistanceMethod;

const ResistanceMethod  *resistance_method_get(int i); /* NULL after the last */
const ResistanceMethod  *resistance_method_find(const char *name);
extern const char *const resistance_method_names[]; /* "auto", "dense", "exact", "sketch", "solve", NULL: indices are ResistanceMethodId */

/* Component by component with the dense method (LAPACK's Cholesky, O(n^3), n <= 20,000): the reference, and what small graphs use. */
PetscErrorCode resistance_edges(const Graph *, double *resistance);
/* |sum_e w_e R_e - (n - c)| / max(1, n - c), Foster's theorem: 0 but for round-off; NaN when memory is exhausted. */
double resistance_foster_error(const Graph *, const double *resistance);

/* R of every edge of any graph, biconnected block by block, by the method asked for; `auto` takes dense for blocks of up to 64 vertices,
 * exact where options->memory_limit and seconds_limit allow, else sketch. Collective on comm; graph and blocks are the same on all its
 * ranks, and so are the outputs: resistance (m), standard_error (m), 0 where the value is exact. */
PetscErrorCode resistance_all(MPI_Comm, const Graph *, const GraphBlocks *, const ResistanceOptions *, ResistanceStats *,
                              double *resistance, double *standard_error);
/* R between any two vertices: 0 when they are the same, infinity when they lie in different components. u, v, outputs: (n_pairs). */
PetscErrorCode resistance_pairs(MPI_Comm, const Graph *, int64_t n_pairs, const int64_t *u, const int64_t *v, const ResistanceOptions *,
                                ResistanceStats *, double *resistance, double *standard_error);

/* What is known about every answer without trusting it. */
typedef struct ResistanceCheck {
  double  foster_error; /* as resistance_foster_error */
  double  foster_bound; /* what it may be: round-off, or 5 standard errors of the sketch */
  double  bridge_error; /* max |w R - 1| over bridges, 0 without; resistance_all makes it so, other sources may not */
  double  excess;       /* max over edges of (w R - 1 - 5 w standard error): at most round-off, by Rayleigh's monotonicity */
  double  sample_error, sample_mean_error; /* largest and mean relative deviation of the sampled edges from solves to 1e-12; NaN without */
  int64_t n_sample;
  char    invalid[RESISTANCE_REASON_MAX]; /* not empty: which check failed, with numbers */
} ResistanceCheck;

/* n_sample edges, drawn with options->key, are solved anew, each in its whole component. Collective; the same on all ranks. */
PetscErrorCode resistance_verify(MPI_Comm, const Graph *, const GraphBlocks *, const double *resistance, const double *standard_error,
                                 int64_t n_sample, const ResistanceOptions *, const ResistanceStats *, ResistanceCheck *);
/* The same for chosen pairs: every value is finite and positive exactly where its ends differ and share a component, w R <= 1 does not
 * apply, and n_sample pairs are solved anew. Fields that do not apply are NaN. */
PetscErrorCode resistance_verify_pairs(MPI_Comm, const Graph *, const GraphBlocks *, int64_t n_pairs, const int64_t *u, const int64_t *v,
                                       const double *resistance, const double *standard_error, int64_t n_sample, const ResistanceOptions *,
                                       ResistanceCheck *);

/* A graph that no rank holds whole: built by rows, sketched, checked, and summed up; the resistances themselves are not gathered. */
typedef struct ResistanceByRows {
  int64_t         n, m, n_components, n_isolated;
  GraphReport     report;
  ResistanceStats stats; /* also the faults of a file, in `refused` */
  ResistanceCheck check;
  double          weighted_sum, mean, low, high, error_mean; /* of w R; of R; of its standard error */
  double          solve_seconds;                             /* the largest over ranks */
} ResistanceByRows;
PetscErrorCode resistance_by_rows(MPI_Comm, const GraphSpec *, const ResistanceOptions *, ResistanceByRows *);

#endif
