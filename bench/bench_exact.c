/* SPDX-License-Identifier: BSD-2-Clause
 * Exact effective resistances of every edge of large graphs on one core: seconds by phase, peak memory, and the error against solves
 * refined with a residual in long double; beside it this machine's dgemm and triad rates.
 *   bench_exact [NAME...] [-repeat N] [-checked N]
 * NAME: grid1000 geometric200k rmat16 grid2000 grid3d50 rmat12 ba path weighted; none: the first three. checked: edges solved, 32.
 * repeat: the first run also pays for pages that the machine has not touched before.
 * A row is printed only when its answer holds: Foster's sum to 1e-9, edges to 1e-9. Each graph runs in a process of its own, so that its
 * peak memory is its own. */
#include <cblas.h>
#include <malloc.h>
#include <math.h>
#include <petscsys.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph/resistance_methods.h"
#include "graph/supernodal.h"
#include "measure.h"
#include "rng.h"

enum { PHASES = 4, REFINEMENTS = 4 };
static const char *const phase_names[PHASES] = {"analyze", "factor", "invert", "read off"};

typedef struct Case {
  const char *name;
  GraphSpec   spec;
  double      ratio; /* of weights, log-uniform; 0: 1 */
} Case;

static const Case cases[] = {
    {"grid1000", {.kind = GRAPH_GRID_2D, .width = 1000, .height = 1000, .keep = KEEP_LARGEST}, 0},
    {"geometric200k", {.kind = GRAPH_GEOMETRIC, .nodes = 200000, .degree = 8, .seed = 1, .keep = KEEP_LARGEST}, 0},
    {"rmat16",
     {.kind = GRAPH_RMAT, .scale = 16, .edge_factor = 16, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, .seed = 1, .keep = KEEP_LARGEST},
     0},
    {"grid2000", {.kind = GRAPH_GRID_2D, .width = 2000, .height = 2000, .keep = KEEP_LARGEST}, 0},
    {"grid3d50", {.kind = GRAPH_GRID_3D, .width = 50, .height = 50, .depth = 50, .keep = KEEP_LARGEST}, 0},
    {"rmat12",
     {.kind = GRAPH_RMAT, .scale = 12, .edge_factor = 16, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, .seed = 1, .keep = KEEP_LARGEST},
     0},
    {"ba", {.kind = GRAPH_BARABASI_ALBERT, .nodes = 20000, .degree = 3, .seed = 1, .keep = KEEP_LARGEST}, 0},
    {"path", {.kind = GRAPH_PATH, .nodes = 1000000, .keep = KEEP_LARGEST}, 0},
    {"weighted", {.kind = GRAPH_GEOMETRIC, .nodes = 200000, .degree = 8, .seed = 1, .keep = KEEP_LARGEST}, 1e6},
};
enum { CASES = sizeof cases / sizeof cases[0], FIRST = 3 };

static double wall(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Field of the process's status in bytes, VmRSS or VmHWM. */
static double memory_of(const char *field)
{
  char   line[256];
  double kilobytes = 0;
  FILE  *f         = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, field, strlen(field)) == 0) kilobytes = strtod(line + strlen(field) + 1, NULL);
  if (f) fclose(f);
  return 1024 * kilobytes;
}

static void forget_peak(void)
{
  FILE *f = fopen("/proc/self/clear_refs", "w");
  if (f) {
    fputs("5", f);
    fclose(f);
  }
}

/* CPU and wall seconds in each phase, from the progress calls. */
typedef struct Clock {
  int    phase;
  double cpu_start, wall_start, cpu[PHASES], wall[PHASES];
} Clock;

static void enter(Clock *c, int phase)
{
  const double cpu = 1e-9 * thread_ns(), now = wall();
  c->cpu[c->phase] += cpu - c->cpu_start;
  c->wall[c->phase] += now - c->wall_start;
  c->cpu_start  = cpu;
  c->wall_start = now;
  c->phase      = phase;
}

static void progress(void *ctx, const char *phase, int64_t done, int64_t total)
{
  Clock *c = ctx;
  (void)done;
  (void)total;
  for (int p = 0; p < PHASES; p++)
    if (strcmp(phase, phase_names[p]) == 0 && p != c->phase) enter(c, p);
}

static PetscErrorCode weights(Graph *g, double ratio)
{
  PetscFunctionBeginUser;
  if (ratio == 0) PetscFunctionReturn(0);
  Rng r = rng_start(3, 0, 1);
  if (!g->weight) PetscCall(PetscMalloc1((size_t)g->m, &g->weight));
  for (int64_t e = 0; e < g->m; e++) g->weight[e] = pow(ratio, rng_uniform(&r) - 0.5);
  PetscFunctionReturn(0);
}

/* Last vertex grounded: the lower triangle, edges sorted. */
typedef struct Matrix {
  int64_t n, *start, *row;
  double *value;
} Matrix;

static PetscErrorCode matrix_create(const Graph *g, Matrix *a)
{
  int64_t at = 0, e = 0;

  PetscFunctionBeginUser;
  a->n = g->n - 1;
  PetscCall(PetscMalloc3((size_t)g->n, &a->start, (size_t)(g->n + g->m), &a->row, (size_t)(g->n + g->m), &a->value));
  for (int64_t i = 0; i < a->n; i++) {
    a->start[i]    = at;
    a->row[at]     = i;
    a->value[at++] = 0;
    for (; e < g->m && g->u[e] == i; e++) {
      if (g->v[e] == a->n) continue;
      a->row[at]     = g->v[e];
      a->value[at++] = -graph_weight(g, e);
    }
  }
  a->start[a->n] = at;
  for (e = 0; e < g->m; e++) {
    a->value[a->start[g->u[e]]] += graph_weight(g, e);
    if (g->v[e] < a->n) a->value[a->start[g->v[e]]] += graph_weight(g, e);
  }
  PetscFunctionReturn(0);
}

/* residual = b - L x over the edges, in long double: no diagonal, so nothing cancels in it. */
static void residual_of(const Graph *g, int64_t u, int64_t v, const long double *x, long double *r)
{
  for (int64_t i = 0; i < g->n; i++) r[i] = (i == u) - (i == v);
  for (int64_t e = 0; e < g->m; e++) {
    const long double flow = (long double)graph_weight(g, e) * (x[g->u[e]] - x[g->v[e]]);
    r[g->u[e]] -= flow;
    r[g->v[e]] += flow;
  }
}

/* Largest relative error of `checked` random edges. */
static PetscErrorCode refined_error(const char *name, const Graph *g, int checked, const double *resistance, double *error)
{
  Matrix       a;
  Supernodal  *s;
  int64_t      failed;
  long double *x, *r;
  double      *step;

  PetscFunctionBeginUser;
  *error = 0;
  if (checked == 0) PetscFunctionReturn(0);
  PetscCall(matrix_create(g, &a));
  PetscCall(supernodal_analyze(a.n, a.start, a.row, 0, &s));
  PetscCall(supernodal_factor(s, a.value, NULL, &failed));
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MAT_CH_ZRPVT, "column %lld", (long long)failed - 1);
  PetscCall(PetscMalloc3((size_t)g->n, &x, (size_t)g->n, &r, (size_t)g->n, &step));
  Rng    rng  = rng_start(9, 0, 1);
  double best = INFINITY;
  for (int k = 0; k < checked; k++) {
    const int64_t e = rng_below(&rng, (uint32_t)g->m), u = g->u[e], v = g->v[e];
    for (int64_t i = 0; i < g->n; i++) x[i] = 0;
    for (int l = 0; l < REFINEMENTS; l++) {
      residual_of(g, u, v, x, r);
      for (int64_t i = 0; i < a.n; i++) step[i] = (double)r[i];
      const double start = thread_ns();
      PetscCall(supernodal_solve(s, 1, step));
      best = fmin(best, thread_ns() - start);
      for (int64_t i = 0; i < a.n; i++) x[i] += (long double)step[i];
    }
    *error = fmax(*error, (double)fabsl((long double)resistance[e] / (x[u] - x[v]) - 1));
  }
  printf("%-14s one solve with the factor: %.4f s\n", name, 1e-9 * best);
  PetscCall(PetscFree3(x, r, step));
  PetscCall(PetscFree3(a.start, a.row, a.value));
  supernodal_destroy(&s);
  PetscFunctionReturn(0);
}

static PetscErrorCode measure(const Case *c, int repeat, int checked)
{
  Graph      *g;
  int64_t    *id;
  GraphReport report;
  GraphErrors errors = {0};
  double     *resistance, error;

  PetscFunctionBeginUser;
  PetscCall(graph_source_build(&c->spec, &g, &id, &report, &errors));
  PetscCheck(g, PETSC_COMM_SELF, PETSC_ERR_LIB, "%s: %s", c->name, errors.n ? errors.line[0] : "no graph");
  PetscCall(PetscFree(id));
  PetscCall(weights(g, c->ratio));
  PetscCall(PetscMalloc1((size_t)g->m, &resistance));
  for (int64_t e = 0; e < g->m; e++) resistance[e] = NAN;
  for (int run = 0; run < repeat; run++) {
    malloc_trim(0); /* what the generators freed must not hide in the base */
    forget_peak();
    const double            before  = memory_of("VmRSS");
    Clock                   clock   = {.cpu_start = 1e-9 * thread_ns(), .wall_start = wall()};
    const Watch             watch   = {.progress = progress, .ctx = &clock};
    const ResistanceOptions options = {.watch = &watch};
    ResistanceStats         stats   = {0};
    PetscCall(resistance_exact(PETSC_COMM_SELF, g, g->m, NULL, NULL, &options, &stats, resistance));
    enter(&clock, 0);
    PetscCheck(!stats.refused[0], PETSC_COMM_SELF, PETSC_ERR_LIB, "%s", stats.refused);
    const double peak = memory_of("VmHWM") - before, foster = resistance_foster_error(g, resistance);
    if (run == 0) PetscCall(refined_error(c->name, g, checked, resistance, &error));
    PetscCheck(foster < 1e-9 && error < 1e-9, PETSC_COMM_SELF, PETSC_ERR_LIB, "%s: INVALID, foster %g, refined %g", c->name, foster, error);
    double cpu = 0, total = 0;
    for (int p = 0; p < PHASES; p++) cpu += clock.cpu[p];
    for (int p = 0; p < PHASES; p++) total += clock.wall[p];
    printf("%-14s n %lld m %lld nnz(L) %.4g flops %.4g | cpu", c->name, (long long)g->n, (long long)g->m, stats.factor_entries,
           stats.factor_flops);
    for (int p = 0; p < PHASES; p++) printf(" %s %.3f", phase_names[p], clock.cpu[p]);
    printf(" total %.3f s, wall %.3f (predicted %.2f) | peak %.3f GB (predicted %.3f, %.1f B/nnz(L)) | error %.1e foster %.1e\n", cpu,
           total, stats.predicted_seconds, peak / 1e9, stats.predicted_bytes / 1e9, peak / stats.factor_entries, error, foster);
    fflush(stdout);
  }
  PetscCall(PetscFree(resistance));
  graph_destroy(&g);
  PetscFunctionReturn(0);
}

/* In a child, which is waited for. */
static bool run_case(const Case *c, int repeat, int checked)
{
  int         status = 0;
  const pid_t child  = fork();
  if (child == 0) _exit(measure(c, repeat, checked) ? 1 : 0);
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void rates(void)
{
  enum { N = 1500, LONG = 20000000 };
  double *a = malloc(sizeof(double[N]) * N), *b = malloc(sizeof(double[N]) * N), *c = malloc(sizeof(double[N]) * N), best = 1e9,
         triad = 1e9;
  double *x = malloc(sizeof(double) * LONG), *y = malloc(sizeof(double) * LONG), *z = malloc(sizeof(double) * LONG);
  if (!a || !b || !c || !x || !y || !z) return;
  for (int i = 0; i < N * N; i++) a[i] = b[i] = c[i] = 1e-3 * i;
  for (int i = 0; i < LONG; i++) x[i] = y[i] = z[i] = i;
  for (int k = 0; k < 4; k++) {
    double start = thread_ns();
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, c, N);
    best  = fmin(best, thread_ns() - start);
    start = thread_ns();
    for (int i = 0; i < LONG; i++) x[i] = y[i] + 3.0 * z[i];
    triad = fmin(triad, thread_ns() - start);
  }
  printf("OpenBLAS core %s: dgemm %.1f GFLOP/s; triad %.1f GB/s (%g)\n", openblas_get_corename(), 2.0 * N * N * N / best,
         24.0 * LONG / triad, x[7] + c[7]);
  fflush(stdout);
  free(a);
  free(b);
  free(c);
  free(x);
  free(y);
  free(z);
}

int main(int argc, char **argv)
{
  int  repeat = 1, checked = 32, failed = 0, named = 0;
  bool wanted[CASES] = {false};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-repeat") == 0 && i + 1 < argc) repeat = atoi(argv[++i]);
    if (strcmp(argv[i], "-checked") == 0 && i + 1 < argc) checked = atoi(argv[++i]);
    for (int c = 0; c < CASES; c++)
      if (strcmp(argv[i], cases[c].name) == 0) wanted[c] = (named = 1);
  }
  if (PetscInitialize(NULL, NULL, NULL, NULL)) return 1;
  openblas_set_num_threads(1);
  rates();
  for (int c = 0; c < CASES; c++)
    if (wanted[c] || (!named && c < FIRST)) failed += !run_case(&cases[c], repeat, checked);
  return PetscFinalize() || failed ? 1 : 0;
}
