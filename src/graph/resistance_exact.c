/* SPDX-License-Identifier: BSD-2-Clause
 * Effective resistances by supernodal selected inversion. The Laplacian without row and column of its vertex of largest degree (the ground)
 * is positive definite; with Z its inverse, R(u,v) = Z_uu + Z_vv - 2 Z_uv, and the ground's entries of Z are 0. Every edge lies on the
 * pattern of the factor, so the selected inverse gives all of them and no system is solved. A pair that is no edge takes the column
 * Z e_u from a solve, which serves all such pairs of u. One process works; several ranks share the edges' work in resistance_nested.c. */
#include <math.h>
#include <petscsys.h>
#include <stdio.h>
#include <string.h>

#include "resistance_methods.h"
#include "supernodal.h"

/* The grounded Laplacian, lower triangle by columns. Vertex i is row i, or i - 1 after the ground. */
typedef struct Grounded {
  int64_t  n, ground;
  int64_t *start, *row;
  double  *value;
  double  *joint; /* (n) weight of the edge to the ground, 0: none */
} Grounded;

static int64_t row_of(const Grounded *a, int64_t vertex) { return vertex - (vertex > a->ground); }

static int64_t largest_degree(const Graph *g, int64_t *degree)
{
  int64_t best = 0;
  for (int64_t i = 0; i < g->n; i++) degree[i] = 0;
  for (int64_t e = 0; e < g->m; e++) {
    degree[g->u[e]]++;
    degree[g->v[e]]++;
  }
  for (int64_t i = 1; i < g->n; i++)
    if (degree[i] > degree[best]) best = i;
  return best;
}

/* Edges in ascending order of (u, v): order (m). Two counting sorts; count (n + 1). */
static void sort_edges(const Graph *g, int64_t *count, int64_t *spare, int64_t *order)
{
  for (int pass = 0; pass < 2; pass++) {
    const int64_t *key = pass == 0 ? g->v : g->u, *from = pass == 0 ? NULL : spare;
    int64_t       *to = pass == 0 ? spare : order;
    for (int64_t i = 0; i <= g->n; i++) count[i] = 0;
    for (int64_t e = 0; e < g->m; e++) count[key[e] + 1]++;
    for (int64_t i = 0; i < g->n; i++) count[i + 1] += count[i];
    for (int64_t k = 0; k < g->m; k++) {
      const int64_t e     = from ? from[k] : k;
      to[count[key[e]]++] = e;
    }
  }
}

static bool edges_sorted(const Graph *g)
{
  for (int64_t e = 1; e < g->m; e++)
    if (g->u[e] < g->u[e - 1] || (g->u[e] == g->u[e - 1] && g->v[e] <= g->v[e - 1])) return false;
  return true;
}

/* order: edges by (u, v), NULL: as they are. */
static void fill(const Graph *g, const int64_t *order, Grounded *a)
{
  int64_t at = 0, k = 0;
  for (int64_t u = 0; u < g->n; u++) {
    if (u != a->ground) {
      a->start[row_of(a, u)] = at;
      a->row[at]             = row_of(a, u);
      a->value[at++]         = 0;
    }
    for (; k < g->m; k++) {
      const int64_t e = order ? order[k] : k, v = g->v[e];
      if (g->u[e] != u) break;
      if (u == a->ground || v == a->ground) continue;
      a->row[at]     = row_of(a, v);
      a->value[at++] = -graph_weight(g, e);
    }
  }
  a->start[a->n] = at;
  for (int64_t e = 0; e < g->m; e++) {
    const double w = graph_weight(g, e);
    if (g->u[e] == a->ground) a->joint[row_of(a, g->v[e])] = w;
    if (g->v[e] == a->ground) a->joint[row_of(a, g->u[e])] = w;
    if (g->u[e] != a->ground) a->value[a->start[row_of(a, g->u[e])]] += w;
    if (g->v[e] != a->ground) a->value[a->start[row_of(a, g->v[e])]] += w;
  }
}

static void grounded_destroy(Grounded *a)
{
  (void)PetscFree(a->start);
  (void)PetscFree2(a->row, a->value);
  (void)PetscFree(a->joint);
}

static PetscErrorCode grounded_create(const Graph *g, Grounded *a)
{
  int64_t *order = NULL, *count = NULL;

  PetscFunctionBeginUser;
  *a = (Grounded){.n = g->n - 1};
  PetscCall(PetscMalloc1((size_t)g->n, &a->start));
  a->ground = largest_degree(g, a->start);
  PetscCall(PetscCalloc1((size_t)g->n, &a->joint));
  PetscCall(PetscMalloc2((size_t)(g->n + g->m), &a->row, (size_t)(g->n + g->m), &a->value));
  if (!edges_sorted(g)) {
    PetscCall(PetscMalloc2((size_t)g->m, &order, (size_t)g->n + 1, &count));
    sort_edges(g, count, a->row, order);
  }
  fill(g, order, a);
  PetscCall(PetscFree2(order, count));
  PetscFunctionReturn(0);
}

/* Bytes besides the factor: the grounded matrix, the diagonal of its inverse. */
static double bytes_of(const Graph *g, const Supernodal *s)
{
  return supernodal_bytes(s) + 16.0 * (double)(g->n + g->m) + 40.0 * (double)g->n;
}

PetscErrorCode resistance_exact_predict(const Graph *g, double *bytes, double *seconds)
{
  Grounded    a;
  Supernodal *s = NULL;

  PetscFunctionBeginUser;
  *bytes = *seconds = 0;
  if (g->n < 2) PetscFunctionReturn(0);
  PetscErrorCode failed = grounded_create(g, &a);
  if (!failed) failed = supernodal_analyze(a.n, a.start, a.row, 0, &s);
  if (!failed) {
    *bytes   = bytes_of(g, s);
    *seconds = supernodal_seconds(s);
  }
  supernodal_destroy(&s);
  grounded_destroy(&a);
  PetscCall(failed);
  PetscFunctionReturn(0);
}

/* The pairs of one call: which are on the pattern, and by which column the others are solved. */
typedef struct Pairs {
  int64_t        n;
  const int64_t *u, *v;
  bool           all_edges;
} Pairs;

static bool is_edge(const Grounded *a, int64_t u, int64_t v)
{
  if (u == a->ground || v == a->ground) return true; /* the ground's row of Z is 0 */
  const int64_t i = row_of(a, PetscMin(u, v)), j = row_of(a, PetscMax(u, v));
  int64_t       low = a->start[i], high = a->start[i + 1];
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (a->row[middle] < j)
      low = middle + 1;
    else
      high = middle;
  }
  return low < a->start[i + 1] && a->row[low] == j;
}

enum { SOLVE_WIDTH = 32, READ_WIDTH = 4096 };

/* column[k] = vertex whose column of Z pair k takes, -1: on the pattern. The more frequent end is taken, so that a star needs one solve. */
static PetscErrorCode choose_columns(const Graph *g, const Grounded *a, const Pairs *pairs, int64_t *column, int64_t *missing)
{
  int64_t *count;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)g->n, &count));
  *missing = 0;
  for (int64_t k = 0; k < pairs->n; k++) {
    column[k] = is_edge(a, pairs->u[k], pairs->v[k]) ? -1 : 0;
    if (column[k] < 0) continue;
    count[pairs->u[k]]++;
    count[pairs->v[k]]++;
    ++*missing;
  }
  for (int64_t k = 0; k < pairs->n; k++)
    if (column[k] >= 0) column[k] = count[pairs->v[k]] > count[pairs->u[k]] ? pairs->v[k] : pairs->u[k];
  PetscCall(PetscFree(count));
  PetscFunctionReturn(0);
}

/* Pairs that are no edges: resistance[k] = -2 Z_uv, to which the diagonal is added after the inversion. x (n, SOLVE_WIDTH); by_column: the
 * pairs sorted by their column; n of them. */
static PetscErrorCode solve_columns(const Grounded *a, Supernodal *s, const Pairs *pairs, int64_t n, const int64_t *by_column,
                                    const int64_t *column, double *x, double *resistance)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < n;) {
    int64_t width = 0, end = k;
    for (; end < n; end++) {
      const bool fresh = end == k || column[by_column[end]] != column[by_column[end - 1]];
      if (fresh && width == SOLVE_WIDTH) break;
      if (!fresh) continue;
      memset(x + width * a->n, 0, (size_t)a->n * sizeof *x);
      x[row_of(a, column[by_column[end]]) + width++ * a->n] = 1;
    }
    PetscCall(supernodal_solve(s, width, x));
    for (int64_t l = -1; k < end; k++) {
      const int64_t pair = by_column[k], from = column[pair], to = pairs->u[pair] == from ? pairs->v[pair] : pairs->u[pair];
      if (l < 0 || column[by_column[k - 1]] != from) l++;
      resistance[pair] = -2 * x[row_of(a, to) + l * a->n];
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_missing(const Graph *g, const Grounded *a, Supernodal *s, const Pairs *pairs, const int64_t *column,
                                    int64_t missing, double *resistance)
{
  int64_t *start, *by_column;
  double  *x;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)g->n + 1, &start));
  PetscCall(PetscMalloc2((size_t)missing, &by_column, (size_t)(a->n * SOLVE_WIDTH), &x));
  for (int64_t k = 0; k < pairs->n; k++)
    if (column[k] >= 0) start[column[k] + 1]++;
  for (int64_t i = 0; i < g->n; i++) start[i + 1] += start[i];
  for (int64_t k = 0; k < pairs->n; k++)
    if (column[k] >= 0) by_column[start[column[k]]++] = k;
  PetscCall(solve_columns(a, s, pairs, missing, by_column, column, x, resistance));
  PetscCall(PetscFree(start));
  PetscCall(PetscFree2(by_column, x));
  PetscFunctionReturn(0);
}

/* resistance[k] = Z_uu + Z_vv - 2 Z_uv. column NULL: all pairs are on the pattern. */
static PetscErrorCode read_off(const Graph *g, const Grounded *a, const Supernodal *s, const Pairs *pairs, const int64_t *column,
                               double *resistance)
{
  int64_t i[READ_WIDTH], j[READ_WIDTH], which[READ_WIDTH];
  double  z[READ_WIDTH], *diagonal;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)g->n, &diagonal));
  diagonal[a->ground] = 0;
  for (int64_t u = 0; u < g->n; u++) {
    const int64_t row = row_of(a, u);
    if (u != a->ground) PetscCall(supernodal_entries_of(s, 1, &row, &row, diagonal + u));
  }
  for (int64_t k = 0; k < pairs->n;) {
    int64_t n = 0;
    for (; k < pairs->n && n < READ_WIDTH; k++) {
      const int64_t u = pairs->u[k], v = pairs->v[k];
      const bool    solved = column && column[k] >= 0;
      resistance[k]        = diagonal[u] + diagonal[v] + (solved ? resistance[k] : 0);
      if (solved || u == a->ground || v == a->ground) continue;
      i[n]       = row_of(a, u);
      j[n]       = row_of(a, v);
      which[n++] = k;
    }
    PetscCall(supernodal_entries_of(s, n, i, j, z));
    for (int64_t l = 0; l < n; l++) resistance[which[l]] -= 2 * z[l];
  }
  PetscCall(PetscFree(diagonal));
  PetscFunctionReturn(0);
}

static void refuse_memory(ResistanceStats *stats, double needed, double allowed)
{
  snprintf(stats->refused, sizeof stats->refused, "exact needs %.3g GB of the %.3g GB allowed", needed / 1e9, allowed / 1e9);
}

/* After the factorisation. column (n_pairs): scratch, NULL: all pairs are edges. */
static PetscErrorCode answer(const Graph *g, const Grounded *a, Supernodal *s, const Pairs *pairs, const ResistanceOptions *options,
                             int64_t *column, double *resistance)
{
  int64_t missing = 0;

  PetscFunctionBeginUser;
  if (column) PetscCall(choose_columns(g, a, pairs, column, &missing));
  if (missing) PetscCall(solve_missing(g, a, s, pairs, column, missing, resistance));
  PetscCall(supernodal_invert(s, NULL, options->watch));
  if (supernodal_stopped(s)) PetscFunctionReturn(0);
  watch_progress(options->watch, "read off", 0, 1);
  PetscCall(read_off(g, a, s, pairs, column, resistance));
  PetscFunctionReturn(0);
}

/* After the analysis. Outputs are touched last, so that a refusal leaves them alone but for memory that runs out in the middle. */
static PetscErrorCode work(const Graph *g, const Grounded *a, Supernodal *s, const Pairs *pairs, const ResistanceOptions *options,
                           ResistanceStats *stats, double *resistance)
{
  int64_t failed, *column = NULL;

  PetscFunctionBeginUser;
  stats->predicted_bytes   = bytes_of(g, s);
  stats->predicted_seconds = supernodal_seconds(s);
  stats->factor_entries    = supernodal_entries(s);
  stats->factor_flops      = supernodal_flops(s);
  if (options->memory_limit > 0 && stats->predicted_bytes > options->memory_limit) {
    refuse_memory(stats, stats->predicted_bytes, options->memory_limit);
    PetscFunctionReturn(0);
  }
  if (resistance_too_slow(options, stats)) PetscFunctionReturn(0);
  resistance_announce(stats, g);
  PetscCall(supernodal_factor_laplacian(s, a->value, a->joint, options->watch, &failed));
  if (failed > 0)
    snprintf(stats->refused, sizeof stats->refused, "exact: not positive definite in double precision (weights too far apart)");
  if (failed) PetscFunctionReturn(0);
  if (!pairs->all_edges) PetscCall(PetscMalloc1((size_t)pairs->n, &column));
  const PetscErrorCode broken = answer(g, a, s, pairs, options, column, resistance);
  PetscCall(PetscFree(column));
  PetscFunctionReturn(broken);
}

static PetscErrorCode serial(const Graph *g, const Pairs *pairs, const ResistanceOptions *options, ResistanceStats *stats,
                             double *resistance)
{
  Grounded    a = {0};
  Supernodal *s = NULL;

  PetscFunctionBeginUser;
  if (g->n < 2 || pairs->n == 0) PetscFunctionReturn(0);
  watch_progress(options->watch, "analyze", 0, 1);
  /* Exhausted memory is an answer here, not a broken world: no message on the way. */
  PetscCall(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  PetscErrorCode failed = grounded_create(g, &a);
  if (!failed) failed = supernodal_analyze(a.n, a.start, a.row, 0, &s);
  watch_progress(options->watch, "analyze", 1, 1);
  if (!failed) failed = work(g, &a, s, pairs, options, stats, resistance);
  PetscCall(PetscPopErrorHandler());
  if (!failed && s && supernodal_stopped(s)) snprintf(stats->refused, sizeof stats->refused, "interrupted");
  supernodal_destroy(&s);
  grounded_destroy(&a);
  if (failed == PETSC_ERR_MEM)
    snprintf(stats->refused, sizeof stats->refused, "exact: memory is exhausted (%.1f GB predicted)", stats->predicted_bytes / 1e9);
  if (failed == PETSC_ERR_SUP) snprintf(stats->refused, sizeof stats->refused, "exact: more entries than 32-bit indices can number");
  if (failed == PETSC_ERR_MEM || failed == PETSC_ERR_SUP) failed = 0;
  PetscCall(failed);
  PetscFunctionReturn(0);
}

/* MPI counts are ints: long arrays go in pieces. */
static PetscErrorCode broadcast(MPI_Comm comm, int64_t n, double *x)
{
  PetscFunctionBeginUser;
  for (int64_t at = 0; at < n; at += 1 << 28) PetscCallMPI(MPI_Bcast(x + at, (int)PetscMin(n - at, 1 << 28), MPI_DOUBLE, 0, comm));
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_exact(MPI_Comm comm, const Graph *g, int64_t n_pairs, const int64_t *u, const int64_t *v,
                                const ResistanceOptions *options, ResistanceStats *stats, double *resistance)
{
  int rank, ranks;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  stats->method     = RESISTANCE_EXACT;
  stats->refused[0] = 0;
  const Pairs pairs = {.n = n_pairs, .u = u ? u : g->u, .v = v ? v : g->v, .all_edges = !u && !v};
  if (ranks == 1) {
    PetscCall(serial(g, &pairs, options, stats, resistance));
    PetscFunctionReturn(0);
  }
  if (pairs.all_edges) {
    PetscCall(resistance_nested(comm, g, options, stats, resistance));
    PetscFunctionReturn(0);
  }
  Watch             quiet = options->watch ? *options->watch : (Watch){0};
  ResistanceOptions alone = *options;
  quiet.stop              = NULL; /* collective on comm, and only one rank works */
  alone.watch             = &quiet;
  PetscErrorCode failed   = rank == 0 ? serial(g, &pairs, &alone, stats, resistance) : 0;
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, comm));
  PetscCall(failed);
  PetscCallMPI(MPI_Bcast(stats, sizeof *stats, MPI_BYTE, 0, comm));
  if (!stats->refused[0]) PetscCall(broadcast(comm, n_pairs, resistance));
  PetscFunctionReturn(0);
}
