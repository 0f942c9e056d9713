/* SPDX-License-Identifier: BSD-2-Clause
 * Time of the sparse spectra on the graphs of the method's specification: the k smallest eigenpairs, spanning trees and Kirchhoff index,
 * spectral density. CPU seconds of this rank's thread and wall seconds with the graph in memory, single runs; run it several times. Every
 * eigenvalue is checked: its residual as returned, and against the closed form where there is one; exits 1 when that fails. It does not
 * compare with other programs.
 *   [mpirun -n R] bench_spectrum [GRAPH|all [K [METHOD]]]     GRAPH: grid geometric rmat cube; METHOD: auto shift_invert davidson */
#include <math.h>
#include <slepcsys.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "graph_source.h"
#include "measure.h"
#include "spectrum_sparse.h"

typedef struct Case {
  const char *name;
  GraphSpec   spec;
} Case;

static const Case cases[] = {
    {"grid", {.kind = GRAPH_GRID_2D, .width = 1000, .height = 1000}},
    {"geometric", {.kind = GRAPH_GEOMETRIC, .nodes = 200000, .degree = 8, .seed = 1, .keep = KEEP_LARGEST}},
    {"rmat",
     {.kind = GRAPH_RMAT, .scale = 16, .edge_factor = 16, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, .seed = 1, .keep = KEEP_LARGEST}},
    {"cube", {.kind = GRAPH_GRID_3D, .width = 50, .height = 50, .depth = 50}},
};

typedef struct Clock {
  double cpu, wall;
} Clock;

static Clock now(void) { return (Clock){1e-9 * thread_ns(), MPI_Wtime()}; }

static double peak_gigabytes(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1e-6 * (double)usage.ru_maxrss;
}

static void print_line(int rank, const char *graph, const char *what, Clock start, const char *detail)
{
  const Clock end = now();
  if (rank == 0)
    printf("%-10s %-22s cpu %7.2f s  wall %7.2f s  peak %5.2f GB  %s\n", graph, what, end.cpu - start.cpu, end.wall - start.wall,
           peak_gigabytes(), detail);
}

static PetscErrorCode bench_smallest(const Case *c, const Graph *g, int64_t k, EigenMethodId method, int rank, bool *ok)
{
  const EigenOptions options = {.method = method, .key = 1};
  EigenStats         stats;
  double            *value, *residual, *vector;
  char               detail[256], what[64];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3((size_t)k, &value, (size_t)k, &residual, (size_t)(k * g->n), &vector));
  const Clock start = now();
  PetscCall(spectrum_smallest(MPI_COMM_WORLD, g, k, &options, &stats, value, residual, vector));
  const double exact = 4 * pow(sin(M_PI / 2 / (double)c->spec.width), 2);
  const double error = c->spec.width ? fabs(value[1] / exact - 1) : NAN;
  snprintf(what, sizeof what, "%lld by %s", (long long)k, eigen_method_names[stats.method]);
  snprintf(detail, sizeof detail, "lambda2 %.10e  relative error %.1e  residual %.1e  iterations %lld  %s", value[1], error, stats.residual,
           (long long)stats.iterations, stats.refused);
  print_line(rank, c->name, what, start, detail);
  *ok = *ok && !stats.refused[0] && !(error > 1e-9);
  PetscCall(PetscFree3(value, residual, vector));
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_sums(const Case *c, const Graph *g, int rank)
{
  enum { BINS = 200 };
  TreeStats trees;
  double    bound, x[BINS], y[BINS], error[BINS];
  char      detail[256];

  PetscFunctionBeginUser;
  Clock start = now();
  PetscCall(spectrum_trees(MPI_COMM_WORLD, g, 0, NULL, &trees));
  snprintf(detail, sizeof detail, "log trees %.12g  Kirchhoff %.12g  predicted %.2f GB %.1f s  %s", trees.log_spanning_trees,
           trees.kirchhoff_index, 1e-9 * trees.predicted_bytes, trees.predicted_seconds, trees.refused);
  print_line(rank, c->name, "trees", start, detail);
  start = now();
  PetscCall(spectrum_density(MPI_COMM_WORLD, g, 256, 16, BINS, 1, NULL, &bound, x, y, error));
  print_line(rank, c->name, "density 256 x 16", start, "");
  PetscFunctionReturn(0);
}

static PetscErrorCode bench_case(const Case *c, int64_t k, EigenMethodId method, int rank, bool *ok)
{
  Graph      *g      = NULL;
  int64_t    *id     = NULL;
  GraphErrors errors = {0};
  GraphReport report;

  PetscFunctionBeginUser;
  PetscCall(graph_source_build(&c->spec, &g, &id, &report, &errors));
  PetscCheck(g, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s", errors.n ? errors.line[0] : "no graph");
  if (rank == 0) printf("%-10s %lld vertices, %lld edges\n", c->name, (long long)g->n, (long long)g->m);
  PetscCall(bench_smallest(c, g, k, method, rank, ok));
  if (method == EIGEN_AUTO) PetscCall(bench_sums(c, g, rank));
  PetscCall(PetscFree(id));
  graph_destroy(&g);
  PetscFunctionReturn(0);
}

static PetscErrorCode run(int argc, char **argv, bool *ok)
{
  int           rank;
  const char   *wanted = argc > 1 ? argv[1] : "all";
  const int64_t k      = argc > 2 ? atoll(argv[2]) : 3;
  EigenMethodId method = EIGEN_AUTO;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
  for (int m = 0; argc > 3 && eigen_method_names[m]; m++)
    if (strcmp(argv[3], eigen_method_names[m]) == 0) method = (EigenMethodId)m;
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
    if (strcmp(wanted, "all") == 0 || strcmp(wanted, cases[c].name) == 0) PetscCall(bench_case(&cases[c], k, method, rank, ok));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  bool ok = true;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(run(argc, argv, &ok));
  PetscCall(SlepcFinalize());
  return ok ? 0 : 1;
}
