/* SPDX-License-Identifier: BSD-2-Clause
 * Number of spanning trees and Kirchhoff index of each component by the Cholesky factor of its grounded Laplacian: det gives the trees
 * (Kirchhoff 1847); n tr(L^+) = sum over pairs of vertices of the effective resistance (Klein and Randic, J. Math. Chem. 12 (1993) 81)
 * comes from the inverse's trace and one more solve. Small components by LAPACK, large ones by the sparse factor and its selected inverse;
 * components are spread over ranks. It is no method for a graph whose factor does not fit: that is refused with the number. */
#include "memory_share.h"
#include "spectrum_sparse.h"

#include <math.h>
#include <petscblaslapack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spectrum_parts.h"

enum { DENSE_VERTICES = 200 };

typedef struct Forest {
  MPI_Comm     comm;
  int          rank, ranks;
  const Graph *g;
  Parts       *parts;
  double       memory_limit;
  const Watch *watch;
  Watch        quiet; /* watch for work of one rank alone: stop is collective and left out when there are others */
  Laplacian   *held;  /* this rank's largest component and its analysis, from the prediction */
  Grounded    *grounded;
  double       bytes, seconds; /* predicted, of this rank */
  double      *log_trees;      /* (components) zero where another rank works */
  double      *kirchhoff;
  bool         interrupted;
  int64_t      failed; /* vertices of a component whose factor broke down */
} Forest;

typedef struct Share {
  int64_t component, edges;
} Share;

/* det and the inverse of the grounded Laplacian, dense. */
static PetscErrorCode by_lapack(const Laplacian *l, double *log_trees, double *kirchhoff, int64_t *failed)
{
  const int64_t n = l->n - 1;
  double       *a, logs = 0, trace = 0, sum = 0;
  PetscBLASInt  order = (PetscBLASInt)n, info = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)(n * n), &a));
  laplacian_dense(l, l->hub, a);
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &order, a, &order, &info));
  if (info) *failed = l->n;
  for (int64_t i = 0; i < n; i++) logs += log(a[i + i * n]);
  if (!info) PetscCallBLAS("LAPACKpotri", LAPACKpotri_("L", &order, a, &order, &info));
  for (int64_t j = 0; j < n; j++) {
    double below = 0;
    for (int64_t i = j + 1; i < n; i++) below += a[i + j * n];
    trace += a[j + j * n];
    sum += a[j + j * n] + 2 * below;
  }
  *log_trees = 2 * logs;
  *kirchhoff = (double)l->n * trace - sum;
  PetscCall(PetscFree(a));
  PetscFunctionReturn(0);
}

/* l and grounded are spent. */
static PetscErrorCode by_factor(Forest *f, Laplacian *l, Grounded *grounded, double *log_trees, double *kirchhoff)
{
  int64_t failed = 0;

  PetscFunctionBeginUser;
  f->bytes = PetscMax(f->bytes, grounded_bytes(grounded));
  if (f->bytes <= f->memory_limit) {
    watch_progress(f->watch, "spanning trees", 0, 1);
    PetscCall(grounded_factor(grounded, &f->quiet, &failed));
    if (!failed) PetscCall(grounded_trees(grounded, &f->quiet, log_trees, kirchhoff));
    f->interrupted = f->interrupted || grounded_stopped(grounded);
    if (failed && !f->interrupted) f->failed = l->n;
  }
  grounded_destroy(&grounded);
  laplacian_destroy(&l);
  PetscFunctionReturn(0);
}

/* Trees with one edge or none need no matrix. */
static PetscErrorCode of_component(Forest *f, int64_t c)
{
  Laplacian    *l;
  Grounded     *grounded;
  const int64_t n = parts_size(f->parts, c);

  PetscFunctionBeginUser;
  if (n == 1 || f->interrupted) PetscFunctionReturn(0);
  if (n == 2) {
    const double w  = graph_weight(f->g, f->parts->edge[f->parts->first_edge[c]]);
    f->log_trees[c] = log(w);
    f->kirchhoff[c] = 1 / w;
    PetscFunctionReturn(0);
  }
  if (f->held) {
    l        = f->held;
    grounded = f->grounded;
    f->held  = NULL;
  } else {
    PetscCall(laplacian_create(f->g, f->parts, c, &l));
    if (n <= DENSE_VERTICES) {
      PetscCall(by_lapack(l, &f->log_trees[c], &f->kirchhoff[c], &f->failed));
      laplacian_destroy(&l);
      PetscFunctionReturn(0);
    }
    PetscCall(grounded_analyze(l, &grounded));
  }
  PetscCall(by_factor(f, l, grounded, &f->log_trees[c], &f->kirchhoff[c]));
  PetscFunctionReturn(0);
}

static int compare_shares(const void *a, const void *b)
{
  const Share *x = a, *y = b;
  if (x->edges != y->edges) return x->edges > y->edges ? -1 : 1;
  return (x->component > y->component) - (x->component < y->component);
}

/* Components from the largest on, dealt to ranks forth and back: 0 1 2 2 1 0 0 1 ... The same plan on all ranks. */
static PetscErrorCode share_out(const Forest *f, Share **out)
{
  Share *share;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)f->parts->count, &share));
  for (int64_t c = 0; c < f->parts->count; c++) share[c] = (Share){c, parts_edges(f->parts, c)};
  qsort(share, (size_t)f->parts->count, sizeof *share, compare_shares);
  *out = share;
  PetscFunctionReturn(0);
}

static bool is_mine(const Forest *f, int64_t place)
{
  const int64_t round = place / f->ranks, turn = place % f->ranks;
  return (round % 2 ? f->ranks - 1 - turn : turn) == f->rank;
}

/* The largest component of this rank, its first, decides whether its work fits. */
static PetscErrorCode predict(Forest *f, const Share *share)
{
  int64_t k = 0;

  PetscFunctionBeginUser;
  while (k < f->parts->count && !is_mine(f, k)) k++;
  if (k < f->parts->count && parts_size(f->parts, share[k].component) > DENSE_VERTICES) {
    PetscCall(laplacian_create(f->g, f->parts, share[k].component, &f->held));
    PetscCall(grounded_analyze(f->held, &f->grounded));
    f->bytes   = grounded_bytes(f->grounded);
    f->seconds = grounded_seconds(f->grounded, true);
  }
  double worst[2] = {f->bytes, f->seconds};
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, worst, 2, MPI_DOUBLE, MPI_MAX, f->comm));
  f->bytes   = worst[0];
  f->seconds = worst[1];
  PetscFunctionReturn(0);
}

/* A component has one rank that knows its numbers and zeros elsewhere: sums over ranks are exact, and all add in the same order. */
static PetscErrorCode add_up(Forest *f, TreeStats *stats)
{
  int64_t failed = f->failed;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT64_T, MPI_MAX, f->comm));
  f->failed           = failed;
  const int64_t total = f->parts->count;
  for (int64_t at = 0; at < total; at += 1 << 20) {
    const int n = (int)PetscMin(total - at, 1 << 20);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, f->log_trees + at, n, MPI_DOUBLE, MPI_SUM, f->comm));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, f->kirchhoff + at, n, MPI_DOUBLE, MPI_SUM, f->comm));
  }
  for (int64_t c = 0; c < total; c++) {
    stats->log_spanning_trees += f->log_trees[c];
    stats->kirchhoff_index += f->kirchhoff[c];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode work(Forest *f, TreeStats *stats)
{
  Share *share;

  PetscFunctionBeginUser;
  PetscCall(share_out(f, &share));
  PetscCall(predict(f, share));
  double worst             = f->bytes;
  stats->predicted_bytes   = f->bytes;
  stats->predicted_seconds = f->seconds;
  if (f->bytes <= f->memory_limit) {
    for (int64_t k = 0; k < f->parts->count; k++)
      if (is_mine(f, k)) PetscCall(of_component(f, share[k].component));
    worst = f->bytes;
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_DOUBLE, MPI_MAX, f->comm));
    stats->predicted_bytes = worst;
    PetscCall(add_up(f, stats));
  }
  PetscCall(PetscFree(share));
  if (f->held) grounded_destroy(&f->grounded);
  laplacian_destroy(&f->held);
  if (f->ranks > 1) f->interrupted = watch_stop(f->watch);
  if (worst > f->memory_limit)
    memory_refusal(worst, f->memory_limit, stats->refused);
  else if (f->failed)
    snprintf(stats->refused, EIGEN_REASON_MAX, "the factor of a component of %lld vertices failed: weights too far apart",
             (long long)f->failed);
  else if (f->interrupted)
    snprintf(stats->refused, EIGEN_REASON_MAX, "interrupted");
  if (stats->refused[0]) stats->log_spanning_trees = stats->kirchhoff_index = NAN;
  PetscFunctionReturn(0);
}

PetscErrorCode spectrum_trees(MPI_Comm comm, const Graph *g, double memory_limit, const Watch *watch, TreeStats *stats)
{
  Forest f = {.comm = comm, .g = g, .watch = watch, .quiet = watch ? *watch : (Watch){0}};

  PetscFunctionBeginUser;
  memset(stats, 0, sizeof *stats);
  PetscCallMPI(MPI_Comm_rank(comm, &f.rank));
  PetscCallMPI(MPI_Comm_size(comm, &f.ranks));
  if (f.ranks > 1) f.quiet.stop = NULL;
  PetscCall(memory_share(comm, memory_limit, &f.memory_limit));
  PetscCall(parts_create(g, &f.parts));
  PetscCall(PetscCalloc2((size_t)f.parts->count, &f.log_trees, (size_t)f.parts->count, &f.kirchhoff));
  PetscCall(work(&f, stats));
  PetscCall(PetscFree2(f.log_trees, f.kirchhoff));
  parts_destroy(&f.parts);
  PetscFunctionReturn(0);
}
