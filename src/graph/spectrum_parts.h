/* SPDX-License-Identifier: BSD-2-Clause
 * What the sparse spectra share: a graph cut into its components, a component's Laplacian by rows, and its pseudo-inverse by a sparse
 * factor. Not collective
 * unless a communicator is taken. */
#ifndef MYOPIA_SPECTRUM_PARTS_H
#define MYOPIA_SPECTRUM_PARTS_H

#include <mpi.h>

#include "graph.h"
#include "watch.h"

/* Vertices and edges sorted by component, inside a component in the graph's order. */
typedef struct Parts {
  int64_t  n, count;
  int64_t  crossing;                  /* edges whose ends lie in different ones; they are in none */
  int64_t *component;                 /* (n) */
  int64_t *local;                     /* (n) place inside its component */
  int64_t *first_vertex, *first_edge; /* (count + 1) */
  int64_t *vertex;                    /* (n) */
  int64_t *edge;                      /* (m) */
} Parts;

PetscErrorCode parts_create(const Graph *, Parts **out);
/* With components given, (n) numbers below count; NULL: one part, connected or not. */
PetscErrorCode        parts_create_as(const Graph *, int64_t count, const int64_t *component, Parts **out);
void                  parts_destroy(Parts **);
static inline int64_t parts_size(const Parts *p, int64_t c) { return p->first_vertex[c + 1] - p->first_vertex[c]; }
static inline int64_t parts_edges(const Parts *p, int64_t c) { return p->first_edge[c + 1] - p->first_edge[c]; }

/* Neighbours of each vertex, ascending. */
typedef struct Laplacian {
  int64_t  n, entries; /* vertices, neighbours (2 m) */
  int64_t *start;      /* (n + 1) */
  int32_t *column;     /* (entries) */
  double  *weight;     /* (entries); NULL: all 1 */
  double  *degree;     /* (n) weighted */
  int64_t  hub;        /* the vertex with most neighbours, the first of them */
  double   degree_max; /* weighted */
} Laplacian;

/* Of component c of g; n < 2^31. */
PetscErrorCode laplacian_create(const Graph *g, const Parts *, int64_t c, Laplacian **out);
void           laplacian_destroy(Laplacian **);
double         laplacian_bytes(int64_t n, int64_t m, bool weighted);
/* Dense, column-major, full: row and column `without` left out (-1: none), a of order n or n - 1. */
void laplacian_dense(const Laplacian *, int64_t without, double *a);
/* x^T L x as a sum of w (x_u - x_v)^2: accurate relative to itself however small. */
double laplacian_form(const Laplacian *, const double *x);
/* |L x - lambda x|_2. */
double laplacian_residual(const Laplacian *, double lambda, const double *x);
/* lambda_max <= max over edges of d_u + d_v (Anderson and Morley 1985), and <= max over u of d_u + sum_v w_uv d_v / d_u (Merris 1998). */
double laplacian_bound(const Laplacian *);

/* L^+ by Cholesky of L without the hub's row and column. */
typedef struct Grounded Grounded;
PetscErrorCode          grounded_analyze(const Laplacian *, Grounded **out); /* borrows the Laplacian until grounded_factor */
void                    grounded_destroy(Grounded **);
double                  grounded_entries(const Grounded *); /* nnz of the factor */
double                  grounded_bytes(const Grounded *);   /* predicted peak; infinite when the analysis itself was too large */
double                  grounded_seconds(const Grounded *, bool invert); /* predicted */
/* watch->stop is asked by this process alone. *failed: not 0 when stopped, or when rounding made the matrix indefinite (weights too far
 * apart). */
PetscErrorCode grounded_factor(Grounded *, const Watch *, int64_t *failed);
/* x (n, columns) column-major, each column orthogonal to ones: x <- L^+ x. */
PetscErrorCode grounded_solve(Grounded *, int64_t columns, double *x);
bool           grounded_stopped(const Grounded *);
/* After factor: log det of the grounded Laplacian, and n tr(L^+); destroys the factor. */
PetscErrorCode grounded_trees(Grounded *, const Watch *, double *log_trees, double *kirchhoff);

/* "memory: 12 GB needed, 8 GB allowed", 96 bytes at most. */
void memory_refusal(double needed, double allowed, char *reason);

#endif
