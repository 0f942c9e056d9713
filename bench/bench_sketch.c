/* SPDX-License-Identifier: BSD-2-Clause
 * Speed and accuracy of the resistance sketch: CPU and wall seconds, peak memory, iterations, the triad rate of this machine beside, and
 * the relative error on evenly spaced edges against the dense method (n <= 6000) or solves to 1e-12 (resistance_check.h). Under mpirun
 * all ranks share the projections, and rank 0 prints.
 *   bench_sketch [-q N] [-sample N] [-tolerance T] [-plain] graph ...   graph: rmatSCALE, gridWIDTH, geometric; -plain: no elimination */
#include <math.h>
#include <petscsys.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "graph/resistance_check.h"
#include "graph/resistance_methods.h"
#include "graph/sketch.h"
#include "graph_source.h"
#include "isa.h"
#include "measure.h"
#include "memory.h"

static double peak_bytes(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * (double)usage.ru_maxrss;
}

/* GB/s of a = b + s c over 3 x 64 MB. */
static double triad(void)
{
  enum { N = 1 << 23 };
  double *a = malloc(3 * (size_t)N * sizeof *a), *b = a + N, *c = b + N, best = 1e30;
  for (int64_t i = 0; i < 3 * (int64_t)N; i++) a[i] = (double)i;
  for (int repeat = 0; repeat < 5; repeat++) {
    const double start = thread_ns();
    for (int64_t i = 0; i < N; i++) a[i] = b[i] + 3 * c[i];
    __asm__ volatile("" : : "r"(a) : "memory");
    best = fmin(best, thread_ns() - start);
  }
  free(a);
  return 24.0 * N / best;
}

static bool spec_of(const char *name, GraphSpec *spec)
{
  *spec = (GraphSpec){.keep = KEEP_LARGEST, .seed = 1};
  if (sscanf(name, "rmat%lld", (long long *)&spec->scale) == 1) {
    spec->kind        = GRAPH_RMAT;
    spec->edge_factor = 16;
    spec->rmat_a      = 0.57;
    spec->rmat_b = spec->rmat_c = 0.19;
    return true;
  }
  if (sscanf(name, "grid%lld", (long long *)&spec->width) == 1) {
    spec->kind   = GRAPH_GRID_2D;
    spec->height = spec->width;
    return true;
  }
  if (strcmp(name, "geometric") == 0) {
    spec->kind   = GRAPH_GEOMETRIC;
    spec->nodes  = 200000;
    spec->degree = 8;
    return true;
  }
  return false;
}

/* Relative errors of `sample` edges, evenly spaced, ascending; returns their number. */
static int64_t sample_errors(const Graph *g, const double *value, const double *error, int64_t sample, double *relative, double *z)
{
  const int64_t count = PetscMin(sample, g->m);
  int64_t      *u = malloc((size_t)count * sizeof *u), *v = malloc((size_t)count * sizeof *v);
  double       *exact = malloc((size_t)count * sizeof *exact), sum = 0;
  for (int64_t k = 0; k < count; k++) {
    u[k] = g->u[k * g->m / count];
    v[k] = g->v[k * g->m / count];
  }
  const double start = thread_ns();
  if (g->n <= 6000 ? resistance_dense(g, count, u, v, exact) : resistance_sample(PETSC_COMM_WORLD, g, count, u, v, 1e-12, 0, NULL, exact))
    return 0;
  printf("  reference of %lld edges in %.2f s\n", (long long)count, 1e-9 * (thread_ns() - start));
  for (int64_t k = 0; k < count; k++) {
    const int64_t e = k * g->m / count;
    relative[k]     = fabs(value[e] / exact[k] - 1);
    sum += error[e] > 0 ? (value[e] - exact[k]) * (value[e] - exact[k]) / (error[e] * error[e]) / (double)count : 0;
  }
  *z = sum;
  qsort(relative, (size_t)count, sizeof *relative, ascending);
  free(u), free(v), free(exact);
  return count;
}

static PetscErrorCode measure(const char *name, int64_t q, int64_t sample, bool eliminate, double tolerance)
{
  GraphSpec            spec;
  GraphReport          report;
  GraphErrors          errors = {0};
  Graph               *g;
  int64_t             *id;
  ResistanceStats      stats;
  ResistanceOptions    options  = {.projections = q, .tolerance = tolerance, .key = 42};
  const SketchSwitches switches = {.level = isa_level(), .eliminate = eliminate};

  PetscFunctionBeginUser;
  if (!spec_of(name, &spec)) {
    printf("%s: no such graph\n", name);
    PetscFunctionReturn(0);
  }
  double start = thread_ns();
  PetscCall(graph_source_build(&spec, &g, &id, &report, &errors));
  printf("%s: n %lld, m %lld, built in %.2f s, %.0f MB\n", name, (long long)g->n, (long long)g->m, 1e-9 * (thread_ns() - start),
         1e-6 * peak_bytes());
  double *value = malloc((size_t)g->m * sizeof *value), *error = malloc((size_t)g->m * sizeof *error);
  double *relative = malloc((size_t)(sample + 1) * sizeof *relative), z = 0;
  start                   = thread_ns();
  const double wall_start = MPI_Wtime();
  PetscCall(sketch_compute(PETSC_COMM_WORLD, g, &switches, g->m, NULL, NULL, &options, &stats, value, error));
  const double seconds = 1e-9 * (thread_ns() - start), wall = MPI_Wtime() - wall_start, peak = peak_bytes();
  printf(
      "  q %lld: %.2f s (wall %.2f, predicted %.2f), %lld iterations, residual %.1e, peak %.0f MB (predicted %.0f), triad %.1f GB/s %s\n",
      (long long)stats.projections, seconds, wall, stats.predicted_seconds, (long long)stats.iterations, stats.residual, 1e-6 * peak,
      1e-6 * stats.predicted_bytes, triad(), stats.refused);
  if (sample > 0 && !stats.refused[0]) {
    const int64_t count = sample_errors(g, value, error, sample, relative, &z);
    double        mean  = 0;
    for (int64_t k = 0; k < count; k++) mean += relative[k] / (double)count;
    printf("  relative error of %lld edges: mean %.3f %%, 99.9 %% %.3f %%, max %.3f %%, mean z^2 %.2f\n", (long long)count, 100 * mean,
           100 * relative[count - 1 - count / 1000], 100 * relative[count - 1], z);
  }
  free(value), free(error), free(relative);
  PetscCall(PetscFree(id));
  graph_destroy(&g);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  int64_t q = 64, sample = 256;
  double  tolerance = 0;
  bool    eliminate = true;
  int     first     = 1;
  mem_give_back();
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (rank > 0 && !freopen("/dev/null", "w", stdout)) return 1;
  for (; first < argc && argv[first][0] == '-'; first++) {
    if (strcmp(argv[first], "-plain") == 0) eliminate = false;
    if (strcmp(argv[first], "-q") == 0) q = atoll(argv[++first]);
    if (strcmp(argv[first], "-sample") == 0) sample = atoll(argv[++first]);
    if (strcmp(argv[first], "-tolerance") == 0) tolerance = atof(argv[++first]);
  }
  for (int i = first; i < argc; i++)
    if (measure(argv[i], q, sample, eliminate, tolerance)) return 1;
  return PetscFinalize();
}
