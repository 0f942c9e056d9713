/* SPDX-License-Identifier: BSD-2-Clause
 * Exact resistances of every edge: one rank alone (resistance_exact) against all ranks (resistance_nested), interleaved in one run. Wall
 * time and thread CPU time by phase, each the largest of the ranks, of the best of the repeats; CPU time outside "wait" and "gather" is
 * what cores of their own would take. Exits 1 when the two differ by more than 1e-10.
 *   mpirun -n RANKS bench_nested [REPEATS [grid WIDTH HEIGHT | cube SIDE | geometric NODES DEGREE | rmat SCALE FACTOR]] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "graph/resistance_methods.h"
#include "measure.h"

enum { PHASES_MAX = 24 };

/* Times of the phases of one run on this rank. */
typedef struct Clock {
  int         n, at;
  const char *name[PHASES_MAX];
  double      wall[PHASES_MAX], cpu[PHASES_MAX], wall_start, cpu_start;
} Clock;

static void leave(Clock *c)
{
  const double wall = MPI_Wtime(), cpu = thread_ns() / 1e9;
  c->wall[c->at] += wall - c->wall_start;
  c->cpu[c->at] += cpu - c->cpu_start;
  c->wall_start = wall;
  c->cpu_start  = cpu;
}

static void enter(void *ctx, const char *phase, int64_t done, int64_t total)
{
  Clock *c = ctx;
  (void)done;
  (void)total;
  if (strcmp(c->name[c->at], phase) == 0) return;
  leave(c);
  for (c->at = 0; c->at < c->n && strcmp(c->name[c->at], phase) != 0;) c->at++;
  if (c->at == c->n && c->n < PHASES_MAX) c->name[c->n++] = phase;
}

static void begin(Clock *c)
{
  memset(c, 0, sizeof *c);
  c->name[c->n++] = "start";
  c->wall_start   = MPI_Wtime();
  c->cpu_start    = thread_ns() / 1e9;
}

/* A barrier that leaves the cores to those who work. */
static void meet(void)
{
  MPI_Request request;
  int         done = 0;
  MPI_Ibarrier(PETSC_COMM_WORLD, &request);
  for (; !done; usleep(1000)) MPI_Test(&request, &done, MPI_STATUS_IGNORE);
}

static double sum_of(const Clock *c, const double *time, bool work)
{
  double sum = 0;
  for (int p = 0; p < c->n; p++)
    if (!work || (strcmp(c->name[p], "wait") != 0 && strcmp(c->name[p], "gather") != 0)) sum += time[p];
  return sum;
}

/* By CPU time outside waits, which other users of the machine disturb least. */
static void keep_best(Clock *best, const Clock *c)
{
  if (best->n == 0 || sum_of(c, c->cpu, true) < sum_of(best, best->cpu, true)) *best = *c;
}

static void print(const char *what, const Clock *c)
{
  for (int p = 0; p < c->n; p++) printf("  %-8s %-10s wall %.3f cpu %.3f s\n", what, c->name[p], c->wall[p], c->cpu[p]);
  printf("%-8s wall %.3f cpu without waits %.3f s\n", what, sum_of(c, c->wall, false), sum_of(c, c->cpu, true));
}

/* Largest of the ranks, phase by phase: all ranks go through the same phases in the same order, but for an empty leaf. */
static void largest(Clock *c)
{
  MPI_Allreduce(MPI_IN_PLACE, c->wall, c->n, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, c->cpu, c->n, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
}

static GraphSpec spec_of(int argc, char **argv)
{
  GraphSpec    s    = {.kind = GRAPH_GRID_2D, .width = 1000, .height = 1000, .keep = KEEP_LARGEST, .seed = 1};
  const char  *kind = argc > 2 ? argv[2] : "grid";
  const double a = argc > 3 ? atof(argv[3]) : 1000, b = argc > 4 ? atof(argv[4]) : a;
  if (strcmp(kind, "grid") == 0) {
    s.width  = (int64_t)a;
    s.height = (int64_t)b;
  } else if (strcmp(kind, "cube") == 0) {
    s.kind  = GRAPH_GRID_3D;
    s.width = s.height = s.depth = (int64_t)a;
  } else if (strcmp(kind, "geometric") == 0) {
    s.kind   = GRAPH_GEOMETRIC;
    s.nodes  = (int64_t)a;
    s.degree = b;
  } else {
    s.kind        = GRAPH_RMAT;
    s.scale       = (int64_t)a;
    s.edge_factor = b;
    s.rmat_a      = 0.57;
    s.rmat_b = s.rmat_c = 0.19;
  }
  return s;
}

static PetscErrorCode run_alone(const Graph *g, double *r, ResistanceStats *stats, Clock *best)
{
  Clock             c;
  const Watch       watch   = {.progress = enter, .ctx = &c};
  ResistanceOptions options = {.watch = &watch};

  PetscFunctionBeginUser;
  begin(&c);
  PetscCall(resistance_exact(PETSC_COMM_SELF, g, g->m, NULL, NULL, &options, stats, r));
  PetscCheck(!stats->refused[0], PETSC_COMM_SELF, PETSC_ERR_LIB, "alone: %s", stats->refused);
  leave(&c);
  keep_best(best, &c);
  PetscFunctionReturn(0);
}

static PetscErrorCode run_nested(const Graph *g, double *r, ResistanceStats *stats, Clock *best)
{
  Clock             c;
  const Watch       watch   = {.progress = enter, .ctx = &c};
  ResistanceOptions options = {.watch = &watch};

  PetscFunctionBeginUser;
  meet();
  begin(&c);
  PetscCall(resistance_nested(PETSC_COMM_WORLD, g, &options, stats, r));
  leave(&c);
  PetscCheck(!stats->refused[0], PETSC_COMM_SELF, PETSC_ERR_LIB, "nested: %s", stats->refused);
  largest(&c);
  keep_best(best, &c);
  PetscFunctionReturn(0);
}

static PetscErrorCode bench(const Graph *g, int repeats, int rank, int ranks, bool *agree)
{
  Clock           serial = {0}, best = {0};
  ResistanceStats whole = {0}, stats;
  double         *alone, *nested, difference = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)g->m, &alone, (size_t)g->m, &nested));
  for (int k = 0; k < repeats; k++) {
    if (rank == 0) PetscCall(run_alone(g, alone, &whole, &serial));
    meet();
    PetscCall(run_nested(g, nested, &stats, &best));
  }
  if (rank == 0) {
    for (int64_t e = 0; e < g->m; e++) difference = fmax(difference, fabs(nested[e] - alone[e]) / alone[e]);
    printf("n %lld m %lld ranks %d: predicted %.2f s %.2f GB a rank, factor %.4g entries %.4g flops; alone %.2f s %.2f GB, %.4g, %.4g\n",
           (long long)g->n, (long long)g->m, ranks, stats.predicted_seconds, stats.predicted_bytes / 1e9, stats.factor_entries,
           stats.factor_flops, whole.predicted_seconds, whole.predicted_bytes / 1e9, whole.factor_entries, whole.factor_flops);
    print("alone", &serial);
    print("nested", &best);
    printf("ratio    wall %.2f cpu %.2f, largest relative difference %.2e\n",
           sum_of(&serial, serial.wall, false) / sum_of(&best, best.wall, false),
           sum_of(&serial, serial.cpu, true) / sum_of(&best, best.cpu, true), difference);
  }
  *agree = difference <= 1e-10;
  PetscCall(PetscFree2(alone, nested));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  int         rank, ranks;
  bool        agree  = false;
  Graph      *g      = NULL;
  int64_t    *id     = NULL;
  GraphReport report = {0};
  GraphErrors errors = {0};

  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 2;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &ranks);
  const GraphSpec spec = spec_of(argc, argv);
  PetscCall(graph_source_build(&spec, &g, &id, &report, &errors));
  PetscCall(bench(g, argc > 1 ? atoi(argv[1]) : 3, rank, ranks, &agree));
  PetscCall(PetscFree(id));
  graph_destroy(&g);
  PetscCall(PetscFinalize());
  return !agree;
}
