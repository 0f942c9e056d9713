/* SPDX-License-Identifier: BSD-2-Clause
 * The pseudo-inverse of a connected graph's Laplacian by sparse Cholesky: L without the row and column of one vertex, the ground, is
 * positive definite; its inverse Z, padded by zeros, is a generalised inverse of L, and L^+ b = (I - J/n) Z b for b orthogonal to ones. The
 * ground is the vertex with most neighbours, which fill in would otherwise spread. log det of the grounded matrix is the logarithm of the
 * (weighted) number of spanning trees (Kirchhoff), and L^+ = (I - J/n) Z (I - J/n) gives tr L^+ = tr Z - 1^T Z 1 / n. */
#include "spectrum_parts.h"

#include <math.h>
#include <string.h>

#include "supernodal.h"

struct Grounded {
  const Laplacian *laplacian; /* borrowed until the factorisation */
  int64_t          n, ground;
  int64_t         *start, *row; /* lower triangle by columns, until the factorisation */
  Supernodal      *factor;
  int64_t          columns; /* that `work` has room for */
  double          *work;    /* (n - 1, columns) */
};

/* New number of vertex i, which is not the ground. */
static inline int64_t without_ground(const Grounded *g, int64_t i) { return i > g->ground ? i - 1 : i; }

PetscErrorCode grounded_analyze(const Laplacian *l, Grounded **out)
{
  Grounded *g;

  PetscFunctionBeginUser;
  PetscCheck(l->n >= 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a graph of one vertex has no grounded Laplacian");
  PetscCall(PetscNew(&g));
  g->laplacian = l;
  g->n         = l->n;
  g->ground    = l->hub;
  PetscCall(PetscMalloc2((size_t)l->n, &g->start, (size_t)(l->n + l->entries / 2), &g->row));
  int64_t to = 0;
  for (int64_t j = 0; j < l->n; j++) {
    if (j == g->ground) continue;
    g->start[without_ground(g, j)] = to;
    g->row[to++]                   = without_ground(g, j);
    for (int64_t k = l->start[j]; k < l->start[j + 1]; k++)
      if (l->column[k] > j && l->column[k] != g->ground) g->row[to++] = without_ground(g, l->column[k]);
  }
  g->start[l->n - 1]          = to;
  const PetscErrorCode failed = supernodal_analyze(l->n - 1, g->start, g->row, 0, &g->factor);
  if (failed == PETSC_ERR_SUP || failed == PETSC_ERR_MEM)
    g->factor = NULL; /* too large to be counted: predicted infinite */
  else
    PetscCall(failed);
  *out = g;
  PetscFunctionReturn(0);
}

void grounded_destroy(Grounded **grounded)
{
  if (!grounded || !*grounded) return;
  Grounded *g = *grounded;
  supernodal_destroy(&g->factor);
  (void)PetscFree2(g->start, g->row);
  (void)PetscFree(g->work);
  (void)PetscFree(g);
  *grounded = NULL;
}

double grounded_entries(const Grounded *g) { return g->factor ? supernodal_entries(g->factor) : INFINITY; }

/* Inversion is in place. */
double grounded_bytes(const Grounded *g) { return g->factor ? supernodal_bytes(g->factor) + 32 * (double)g->n : INFINITY; }

/* Factor and inverse cost about 1 : 2. */
double grounded_seconds(const Grounded *g, bool invert) { return g->factor ? supernodal_seconds(g->factor) / (invert ? 1 : 3) : INFINITY; }

bool grounded_stopped(const Grounded *g) { return supernodal_stopped(g->factor); }

PetscErrorCode grounded_factor(Grounded *g, const Watch *watch, int64_t *failed)
{
  const Laplacian *l  = g->laplacian;
  int64_t          to = 0;
  double          *value, *joint; /* joint (n - 1): weights of the ground's edges */

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)g->start[g->n - 1], &value));
  PetscCall(PetscCalloc1((size_t)g->n, &joint));
  for (int64_t k = l->start[g->ground]; k < l->start[g->ground + 1]; k++)
    joint[without_ground(g, l->column[k])] = l->weight ? l->weight[k] : 1;
  for (int64_t j = 0; j < l->n; j++) {
    if (j == g->ground) continue;
    value[to++] = l->degree[j];
    for (int64_t k = l->start[j]; k < l->start[j + 1]; k++)
      if (l->column[k] > j && l->column[k] != g->ground) value[to++] = l->weight ? -l->weight[k] : -1;
  }
  PetscCall(supernodal_factor_laplacian(g->factor, value, joint, watch, failed));
  PetscCall(PetscFree(value));
  PetscCall(PetscFree(joint));
  PetscCall(PetscFree2(g->start, g->row));
  g->laplacian = NULL;
  PetscFunctionReturn(0);
}

static PetscErrorCode make_room(Grounded *g, int64_t columns)
{
  PetscFunctionBeginUser;
  if (columns > g->columns) {
    PetscCall(PetscFree(g->work));
    PetscCall(PetscMalloc1((size_t)((g->n - 1) * columns), &g->work));
    g->columns = columns;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode grounded_solve(Grounded *g, int64_t columns, double *x)
{
  const int64_t n = g->n, before = g->ground, after = n - 1 - g->ground;

  PetscFunctionBeginUser;
  PetscCall(make_room(g, columns));
  for (int64_t c = 0; c < columns; c++) {
    memcpy(g->work + c * (n - 1), x + c * n, (size_t)before * sizeof *x);
    memcpy(g->work + c * (n - 1) + before, x + c * n + before + 1, (size_t)after * sizeof *x);
  }
  PetscCall(supernodal_solve(g->factor, columns, g->work));
  for (int64_t c = 0; c < columns; c++) {
    const double *z    = g->work + c * (n - 1);
    double        mean = 0;
    for (int64_t i = 0; i < n - 1; i++) mean += z[i];
    mean /= (double)n;
    for (int64_t i = 0; i < n; i++) x[c * n + i] = (i == g->ground ? 0 : z[i < g->ground ? i : i - 1]) - mean;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode grounded_trees(Grounded *g, const Watch *watch, double *log_trees, double *kirchhoff)
{
  double sum = 0;

  PetscFunctionBeginUser;
  *log_trees = supernodal_log_determinant(g->factor);
  PetscCall(make_room(g, 1));
  for (int64_t i = 0; i < g->n - 1; i++) g->work[i] = 1;
  PetscCall(supernodal_solve(g->factor, 1, g->work));
  for (int64_t i = 0; i < g->n - 1; i++) sum += g->work[i];
  PetscCall(supernodal_invert(g->factor, NULL, watch));
  if (supernodal_stopped(g->factor)) PetscFunctionReturn(0);
  *kirchhoff = (double)g->n * supernodal_trace(g->factor) - sum;
  PetscFunctionReturn(0);
}
