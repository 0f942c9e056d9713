/* SPDX-License-Identifier: BSD-2-Clause
 * The supernodal factor and selected inverse against LAPACK's dense ones on small families of graphs, weighted and not, with and without a
 * boundary: every entry on the pattern, log det, trace, solves, Schur complement, and an inversion from a boundary block that is given. */
#include "graph/supernodal.h"

#include <math.h>
#include <petscblaslapack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph.h"
#include "graph/supernodal_private.h"
#include "isa.h"
#include "memory.h"
#include "rng.h"

enum { FAMILIES = 16 };

/* A symmetric matrix: dense, and the lower triangle of its columns. */
typedef struct Matrix {
  const char *name;
  int64_t     n, *start, *row;
  double     *value, *dense;
} Matrix;

static void near(const char *what, const char *name, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance))
    fail_msg("%s of %s: expected %.17g, got %.17g, tolerance %g", what, name, expected, got, tolerance);
}

static void join(Matrix *a, int64_t i, int64_t j, double w)
{
  if (i == j || a->dense[i + j * a->n] != 0) return;
  a->dense[i + j * a->n] = a->dense[j + i * a->n] = -w;
  a->dense[i + i * a->n] += w;
  a->dense[j + j * a->n] += w;
}

static int64_t order_of(int family)
{
  static const int64_t n[FAMILIES] = {1, 2, 7, 40, 33, 60, 25, 144, 64, 90, 120, 150, 80, 110, 160, 200};
  return n[family];
}

/* Whether i < j are joined in this family. */
static bool joined(int family, int64_t n, int64_t i, int64_t j, Rng *r)
{
  switch (family) {
  case 2: return j == i + 1;                                                             /* path */
  case 3: return j == i + 1 || (i == 0 && j == n - 1);                                   /* cycle */
  case 4: return i == 0;                                                                 /* star, hub first */
  case 5: return j == n - 1;                                                             /* star, hub last */
  case 6: return true;                                                                   /* complete */
  case 7: return j == i + 12 || (j == i + 1 && j % 12 != 0);                             /* grid */
  case 8: return __builtin_popcountll((unsigned long long)(i ^ j)) == 1;                 /* hypercube */
  case 9: return (i < 30 && j < 30) || (i >= 30 && j >= 30) || (i == 29 && j == 30);     /* barbell */
  case 10: return j == 2 * i + 1 || j == 2 * i + 2;                                      /* binary tree */
  case 11: return rng_uniform(r) < 0.03;                                                 /* sparse random */
  case 12: return rng_uniform(r) < 0.3;                                                  /* dense random */
  case 13: return j - i <= 3;                                                            /* band */
  case 14: return i < 12 && (j < 12 || rng_uniform(r) < 0.6);                            /* dense core with leaves */
  case 15: return (i / 20 == j / 20 && rng_uniform(r) < 0.2) || rng_uniform(r) < 0.0015; /* many parts, some apart */
  default: return false;                                                                 /* 0, 1: no edges: diagonal */
  }
}

static const char *name_of(int family)
{
  static const char *const names[FAMILIES] = {"one",       "two apart", "path", "cycle",  "star first", "star last", "complete", "grid",
                                              "hypercube", "barbell",   "tree", "sparse", "dense",      "band",      "core",     "parts"};
  return names[family];
}

/* Laplacian plus a diagonal that makes it definite: at one vertex a component, and a little elsewhere. */
static Matrix matrix_create(int family, double ratio)
{
  Matrix a = {.name = name_of(family), .n = order_of(family)};
  Rng    r = rng_start(77, (uint32_t)family, 1);
  a.dense  = mem_calloc((size_t)(a.n * a.n), sizeof(double));
  for (int64_t i = 0; i < a.n; i++)
    for (int64_t j = i + 1; j < a.n; j++)
      if (joined(family, a.n, i, j, &r)) join(&a, i, j, ratio > 1 ? pow(ratio, rng_uniform(&r)) : 1);
  for (int64_t i = 0; i < a.n; i++) a.dense[i * (a.n + 1)] += i % 9 == 0 ? 1 : 0.01;
  a.start = mem_calloc((size_t)a.n + 1, sizeof(int64_t));
  a.row   = mem_calloc((size_t)(a.n * a.n), sizeof(int64_t));
  a.value = mem_calloc((size_t)(a.n * a.n), sizeof(double));
  for (int64_t j = 0, e = 0; j < a.n; j++) {
    for (int64_t i = j; i < a.n; i++) {
      if (a.dense[i + j * a.n] == 0) continue;
      a.row[e]     = i;
      a.value[e++] = a.dense[i + j * a.n];
    }
    a.start[j + 1] = e;
  }
  return a;
}

static void matrix_destroy(Matrix *a)
{
  free(a->dense);
  free(a->start);
  free(a->row);
  free(a->value);
}

/* Inverse of the symmetric definite (n, n) a; its log det. */
static double *inverse_of(int64_t n, const double *a, double *log_det)
{
  double      *z     = mem_calloc((size_t)(n * n), sizeof(double));
  PetscBLASInt order = (PetscBLASInt)n, info = 0;
  memcpy(z, a, (size_t)(n * n) * sizeof(double));
  LAPACKpotrf_("L", &order, z, &order, &info);
  assert_int_equal(info, 0);
  *log_det = 0;
  for (int64_t i = 0; i < n; i++) *log_det += 2 * log(z[i * (n + 1)]);
  LAPACKpotri_("L", &order, z, &order, &info);
  assert_int_equal(info, 0);
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < j; i++) z[i + j * n] = z[j + i * n];
  return z;
}

static double largest(int64_t n, const double *z)
{
  double most = 0;
  for (int64_t i = 0; i < n * n; i++) most = fmax(most, fabs(z[i]));
  return most;
}

static Supernodal *factor_of(const Matrix *a, int64_t n_last)
{
  Supernodal *s = NULL;
  int64_t     failed;
  assert_int_equal(supernodal_analyze(a->n, a->start, a->row, n_last, &s), 0);
  assert_int_equal(supernodal_factor(s, a->value, NULL, &failed), 0);
  assert_int_equal(failed, 0);
  return s;
}

static void check_entries(const Matrix *a, const Supernodal *s, const double *z, double tolerance)
{
  const int64_t nonzeros = a->start[a->n];
  int64_t      *column   = mem_calloc((size_t)nonzeros, sizeof(int64_t));
  double       *got      = mem_calloc((size_t)nonzeros, sizeof(double));
  for (int64_t j = 0; j < a->n; j++)
    for (int64_t e = a->start[j]; e < a->start[j + 1]; e++) column[e] = j;
  assert_int_equal(supernodal_entries_of(s, nonzeros, a->row, column, got), 0);
  for (int64_t e = 0; e < nonzeros; e++) near("entry of the inverse", a->name, got[e], z[a->row[e] + column[e] * a->n], tolerance);
  free(column);
  free(got);
}

static void check_solve(const Matrix *a, Supernodal *s, int rhs, const double *z, double tolerance)
{
  double *x = mem_calloc((size_t)(rhs * a->n), sizeof(double)), *b = mem_calloc((size_t)(rhs * a->n), sizeof(double));
  Rng     r = rng_start(5, 6, 7);
  for (int64_t i = 0; i < rhs * a->n; i++) x[i] = b[i] = rng_uniform(&r) - 0.5;
  assert_int_equal(supernodal_solve(s, rhs, x), 0);
  for (int64_t c = 0; c < rhs; c += 17)
    for (int64_t i = 0; i < a->n; i++) {
      double sum = 0;
      for (int64_t j = 0; j < a->n; j++) sum += z[i + j * a->n] * b[j + c * a->n];
      near("solve", a->name, x[i + c * a->n], sum, tolerance * (double)a->n);
    }
  free(x);
  free(b);
}

static void check_schur(const Matrix *a, const Supernodal *s, int64_t n_last, const double *z)
{
  if (n_last == 0) return;
  double *block = mem_calloc((size_t)(n_last * n_last), sizeof(double)), *got = mem_calloc((size_t)(n_last * n_last), sizeof(double)),
         unused;
  for (int64_t j = 0; j < n_last; j++)
    for (int64_t i = 0; i < n_last; i++) block[i + j * n_last] = z[(a->n - n_last + i) + (a->n - n_last + j) * a->n];
  double *expected = inverse_of(n_last, block, &unused); /* the Schur complement is the inverse of the inverse's block */
  assert_int_equal(supernodal_schur(s, got), 0);
  const double most = largest(a->n, a->dense), tolerance = most * (1e-12 + 4e-15 * most * largest(a->n, z));
  for (int64_t i = 0; i < n_last * n_last; i++) near("Schur complement", a->name, got[i], expected[i], tolerance);
  free(block);
  free(got);
  free(expected);
}

/* The boundary's block is given and larger ones than the matrix's own are possible: Z + its change through the interior. */
static void check_given(const Matrix *a, int64_t n_last, const double *z, double tolerance)
{
  Supernodal *s     = factor_of(a, n_last);
  double     *given = mem_calloc((size_t)(n_last * n_last) + 1, sizeof(double));
  for (int64_t j = 0; j < n_last; j++)
    for (int64_t i = 0; i < n_last; i++) given[i + j * n_last] = z[(a->n - n_last + i) + (a->n - n_last + j) * a->n];
  assert_int_equal(supernodal_invert(s, given, NULL), 0);
  check_entries(a, s, z, tolerance);
  supernodal_destroy(&s);
  free(given);
}

static void check_matrix(const Matrix *a, int64_t n_last)
{
  double       log_det, trace = 0;
  double      *z     = inverse_of(a->n, a->dense, &log_det);
  const double scale = largest(a->n, z), condition = scale * largest(a->n, a->dense);
  const double tolerance = scale * (1e-12 + 4e-15 * condition);
  Supernodal  *s         = factor_of(a, n_last);
  check_schur(a, s, n_last, z);
  near("log det", a->name, supernodal_log_determinant(s), log_det, (1e-12 + 4e-15 * condition) * (double)a->n);
  check_schur(a, s, n_last, z);
  check_solve(a, s, 1, z, tolerance);
  check_solve(a, s, 35, z, tolerance);
  assert_int_equal(supernodal_invert(s, NULL, NULL), 0);
  check_entries(a, s, z, tolerance);
  for (int64_t i = 0; i < a->n; i++) trace += z[i * (a->n + 1)];
  near("trace", a->name, supernodal_trace(s), trace, tolerance * (double)a->n);
  supernodal_destroy(&s);
  assert_null(s);
  check_given(a, n_last, z, tolerance);
  free(z);
}

static void test_families(void **state)
{
  (void)state;
  static const double ratio[] = {1, 100, 1e6};
  for (int family = 0; family < FAMILIES; family++)
    for (int w = 0; w < 3; w++) {
      Matrix        a         = matrix_create(family, ratio[w]);
      const int64_t n_lasts[] = {0, 1, a.n / 7, a.n / 2, a.n};
      for (int k = 0; k < 5; k++) check_matrix(&a, n_lasts[k]);
      matrix_destroy(&a);
    }
}

static void test_empty(void **state)
{
  (void)state;
  const int64_t start[] = {0};
  int64_t       failed  = 7;
  Supernodal   *s       = NULL;
  assert_int_equal(supernodal_analyze(0, start, NULL, 0, &s), 0);
  assert_int_equal(supernodal_factor(s, NULL, NULL, &failed), 0);
  assert_int_equal(failed, 0);
  near("log det", "nothing", supernodal_log_determinant(s), 0, 0);
  assert_int_equal(supernodal_solve(s, 0, NULL), 0);
  assert_int_equal(supernodal_invert(s, NULL, NULL), 0);
  near("trace", "nothing", supernodal_trace(s), 0, 0);
  supernodal_destroy(&s);
}

/* A negative pivot deep inside is found and named. */
static void test_indefinite(void **state)
{
  (void)state;
  Matrix a = matrix_create(7, 1);
  for (int64_t column = 5; column < 140; column += 45) {
    Supernodal  *s           = NULL;
    int64_t      failed      = 0;
    const double kept        = a.value[a.start[column]];
    a.value[a.start[column]] = -1;
    assert_int_equal(supernodal_analyze(a.n, a.start, a.row, 0, &s), 0);
    assert_int_equal(supernodal_factor(s, a.value, NULL, &failed), 0);
    if (failed < 1 || failed > a.n)
      fail_msg("indefinite at column %lld: expected a failure in 1..n, got %lld", (long long)column, (long long)failed);
    supernodal_destroy(&s);
    a.value[a.start[column]] = kept;
  }
  matrix_destroy(&a);
}

/* The matrix of a part: singular with its boundary free, which only the Schur complement is asked of. */
static void test_singular_boundary(void **state)
{
  (void)state;
  Matrix a = matrix_create(7, 1);
  for (int64_t j = 0; j < a.n; j++) a.value[a.start[j]] -= j % 9 == 0 ? 1 : 0.01;
  Supernodal *s      = NULL;
  int64_t     failed = 7;
  double     *schur  = mem_calloc(144, sizeof(double));
  assert_int_equal(supernodal_analyze(a.n, a.start, a.row, 12, &s), 0);
  assert_int_equal(supernodal_factor(s, a.value, NULL, &failed), 0);
  assert_int_equal(failed, 0);
  assert_int_equal(supernodal_schur(s, schur), 0);
  for (int64_t i = 0; i < 12; i++) {
    double sum = 0;
    for (int64_t j = 0; j < 12; j++) sum += schur[i + j * 12];
    near("row sum of a Laplacian's Schur complement", a.name, sum, 0, 1e-12);
  }
  supernodal_destroy(&s);
  free(schur);
  matrix_destroy(&a);
}

static void test_off_pattern(void **state)
{
  (void)state;
  Matrix      a = matrix_create(10, 1);
  Supernodal *s = factor_of(&a, 0);
  double      out;
  assert_int_equal(supernodal_invert(s, NULL, NULL), 0);
  const int64_t leaf[] = {63}, other[] = {119};
  PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL);
  assert_int_equal(supernodal_entries_of(s, 1, leaf, other, &out), PETSC_ERR_ARG_OUTOFRANGE);
  PetscPopErrorHandler();
  supernodal_destroy(&s);
  matrix_destroy(&a);
}

static const SmallKernels levels[] = {
    {supernodal_factor_base, supernodal_solve_base, supernodal_inverse_base, supernodal_forward_base, supernodal_backward_base},
    {supernodal_factor_v3, supernodal_solve_v3, supernodal_inverse_v3, supernodal_forward_v3, supernodal_backward_v3},
    {supernodal_factor_v4, supernodal_solve_v4, supernodal_inverse_v4, supernodal_forward_v4, supernodal_backward_v4}};

/* Panel of a random definite matrix of order `rows`, its first nc columns; full: the matrix. */
static void random_panel(int nc, int rows, Rng *r, double *full, double *panel)
{
  for (int j = 0; j < rows; j++)
    for (int i = 0; i <= j; i++) full[i + j * rows] = full[j + i * rows] = i == j ? rows : rng_uniform(r) - 0.5;
  memcpy(panel, full, sizeof(double) * (size_t)(nc * rows));
}

/* Every level of this machine against the definitions: L L^T = A, Y L11 = L21, Z11 (L11 L11^T) = I, and the two halves of a solve. */
static void check_kernels(const SmallKernels *small, int nc, int rows, Rng *r)
{
  double   *full = mem_calloc((size_t)(rows * rows), sizeof(double)), *l = mem_calloc((size_t)(nc * rows), sizeof(double));
  double   *y = mem_calloc((size_t)(nc * rows) + 1, sizeof(double)), *z = mem_calloc((size_t)(nc * rows), sizeof(double));
  double   *t = mem_calloc((size_t)rows, sizeof(double)), *b = mem_calloc((size_t)rows, sizeof(double));
  const int nr = rows - nc;
  random_panel(nc, rows, r, full, l);
  assert_int_equal(small->factor(nc, rows, l), 0);
  small->solve(nc, rows, l, y);
  memcpy(z, l, sizeof(double) * (size_t)(nc * rows));
  small->inverse(nc, rows, z);
  for (int i = 0; i < rows; i++) t[i] = b[i] = rng_uniform(r);
  small->forward(nc, rows, l, t);
  for (int i = 0; i < rows; i++) {
    double forward = i < nc ? 0 : t[i];
    for (int k = 0; k <= PetscMin(i, nc - 1); k++) forward += l[i + k * rows] * t[k];
    near("forward", "a panel", forward, b[i], 1e-13 * rows);
    for (int j = 0; j <= PetscMin(i, nc - 1); j++) {
      double product = 0, solved = 0, one = 0;
      for (int k = 0; k <= j; k++) product += l[i + k * rows] * l[j + k * rows];
      near("L L^T", "a panel", product, full[i + j * rows], 1e-13 * rows);
      for (int k = j; k < nc && i >= nc; k++) solved += y[i - nc + k * nr] * l[k + j * rows];
      if (i >= nc) near("Y L11", "a panel", solved, l[i + j * rows], 1e-13);
      for (int k = 0; k < nc && i < nc; k++) one += z[i + k * rows] * full[k + j * rows];
      if (i < nc) near("Z11 A11", "a panel", one, i == j, 1e-13);
    }
  }
  memcpy(t, b, sizeof(double) * (size_t)rows);
  small->backward(nc, rows, l, t);
  for (int j = 0; j < nc; j++) {
    double backward = 0;
    for (int i = j; i < rows; i++) backward += l[i + j * rows] * t[i];
    near("backward", "a panel", backward, b[j], 1e-13 * rows);
  }
  l[0] = -1;
  assert_int_equal(small->factor(nc, rows, l), 1);
  free(full);
  free(l);
  free(y);
  free(z);
  free(t);
  free(b);
}

static void test_kernels(void **state)
{
  (void)state;
  Rng r = rng_start(31, 32, 33);
  for (int level = ISA_BASE; level <= (int)isa_level(); level++)
    for (int nc = 1; nc <= SMALL_COLUMNS; nc++)
      for (int nr = 0; nr <= SMALL_ROWS - nc; nr += nr < 20 ? 1 : 31) check_kernels(&levels[level], nc, nc + nr, &r);
}

/* A cube of side^3 as edges and as the pattern of both triangles. */
static Graph *cube(int64_t side, Pattern *a)
{
  Graph        *g = NULL;
  const int64_t n = side * side * side, step[3] = {1, side, side * side};
  int64_t      *u = mem_calloc((size_t)(3 * n), sizeof *u), *v = mem_calloc((size_t)(3 * n), sizeof *v), m = 0;
  *a = (Pattern){.start = mem_calloc((size_t)n + 1, sizeof(int32_t)), .row = mem_calloc((size_t)(6 * n), sizeof(int32_t))};
  for (int64_t i = 0; i < n; i++) {
    int32_t at = a->start[i];
    for (int d = 0; d < 3; d++) {
      const int64_t x = i / step[d] % side;
      if (x > 0) a->row[at++] = (int32_t)(i - step[d]);
      if (x == side - 1) continue;
      a->row[at++] = (int32_t)(i + step[d]);
      u[m]         = i;
      v[m++]       = i + step[d];
    }
    a->start[i + 1] = at;
  }
  assert_int_equal(graph_create(n, m, u, v, NULL, &g), 0);
  free(u);
  free(v);
  return g;
}

/* Without the separators the rest falls into parts of 1000 rows at most; where a separator is too large, nothing is done. */
static void test_dissection(void **state)
{
  (void)state;
  Pattern  a;
  bool     promising;
  Graph   *g         = cube(18, &a);
  int32_t *member    = mem_calloc((size_t)g->n, sizeof *member);
  int64_t *component = mem_calloc((size_t)g->n, sizeof *component), *size = mem_calloc((size_t)g->n, sizeof *size), free_rows = 0;
  uint8_t *keep = mem_calloc((size_t)g->m, 1);
  assert_int_equal(dissection_members(&a, (int32_t)g->n, 1e3, member, &promising), 0);
  assert_false(promising);
  assert_int_equal(dissection_members(&a, (int32_t)g->n, 1e12, member, &promising), 0);
  assert_true(promising);
  for (int64_t e = 0; e < g->m; e++) keep[e] = member[g->u[e]] == 0 && member[g->v[e]] == 0;
  (void)graph_components(g, keep, component);
  for (int64_t i = 0; i < g->n; i++) {
    free_rows += member[i] == 0;
    if (++size[component[i]] > 1000) fail_msg("dissection of a cube of 18^3: expected parts of at most 1000 rows, got more");
  }
  if (!(free_rows > g->n / 2))
    fail_msg("dissection of a cube of 18^3: expected separators of less than half, got %lld", (long long)(g->n - free_rows));
  graph_destroy(&g);
  free(a.start);
  free(a.row);
  free(member);
  free(component);
  free(size);
  free(keep);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_families),          cmocka_unit_test(test_empty),       cmocka_unit_test(test_indefinite),
      cmocka_unit_test(test_singular_boundary), cmocka_unit_test(test_off_pattern), cmocka_unit_test(test_kernels),
      cmocka_unit_test(test_dissection),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() ? 1 : failed;
}
