/* SPDX-License-Identifier: BSD-2-Clause
 * Numeric supernodal Cholesky factorisation, right-looking (Ng and Peyton, SIAM J. Sci. Comput. 14 (1993) 1034): a block is factored by
 * LAPACK, and its outer product L21 L21^T goes to the ancestors that hold its rows, ancestor by ancestor. Then what the factor is
 * good for: log det, solves, the boundary's Schur complement. */
#include "supernodal_private.h"

#include <cblas.h>
#include <math.h>
#include <petscblaslapack.h>
#include <string.h>

enum { SYRK_MIN = 64 }; /* below it one dgemm of the square is faster */

/* The matrix in L's order, by columns, lower triangle. */
typedef struct Permuted {
  int64_t *start;
  int32_t *row;
  double  *value;
} Permuted;

static PetscErrorCode permuted_create(const Supernodal *s, const double *value, Permuted *a)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)s->n + 2, &a->start));
  PetscCall(PetscMalloc2((size_t)s->nonzeros, &a->row, (size_t)s->nonzeros, &a->value));
  for (int64_t j = 0; j < s->n; j++)
    for (int64_t e = s->start[j]; e < s->start[j + 1]; e++) a->start[PetscMin(s->place[j], s->place[s->matrix_row[e]]) + 2]++;
  for (int64_t j = 0; j < s->n; j++) a->start[j + 2] += a->start[j + 1];
  for (int64_t j = 0; j < s->n; j++)
    for (int64_t e = s->start[j]; e < s->start[j + 1]; e++) {
      const int32_t p = s->place[j], q = s->place[s->matrix_row[e]];
      const int64_t at = a->start[PetscMin(p, q) + 1]++;
      a->row[at]       = PetscMax(p, q);
      a->value[at]     = value[e];
    }
  PetscFunctionReturn(0);
}

static void permuted_destroy(Permuted *a)
{
  (void)PetscFree(a->start);
  (void)PetscFree2(a->row, a->value);
}

/* Adds the matrix's entries to the panels. map (n): scratch. */
static void scatter_matrix(Supernodal *s, const Permuted *a, int32_t *map)
{
  for (int64_t k = 0; k < s->n_blocks; k++) {
    const Block   *b    = &s->block[k];
    const int32_t *rows = block_rows(s, b);
    for (int32_t i = 0; i < b->nc; i++) map[b->first + i] = i;
    for (int32_t i = 0; i < b->nr; i++) map[rows[i]] = b->nc + i;
    for (int64_t j = 0; j < b->nc; j++) {
      double *column = block_panel(s, b) + j * block_lda(b);
      for (int64_t e = a->start[b->first + j]; e < a->start[b->first + j + 1]; e++) column[map[a->row[e]]] += a->value[e];
    }
  }
}

/* Subtracts columns [c.first, c.end) of L21 L21^T, of which `update` holds rows c.first .. nr - 1 with leading dimension ld. */
static void scatter_slice(Supernodal *s, const Block *b, const Slice *c, const int32_t *at, const double *update, int64_t ld)
{
  const int64_t to = block_lda(c->ancestor);
  for (int32_t j = 0; j < c->end - c->first; j++) {
    double *restrict column       = block_panel(s, c->ancestor) + at[j] * to;
    const double *restrict source = update + j * ld;
    for (int32_t k = j; k < b->nr - c->first; k++) column[at[k]] -= source[k];
  }
}

/* Few rows: the whole product at once, lower triangle, then ancestor by ancestor. */
static void update_small(Supernodal *s, const Block *b, double *update, int32_t *at)
{
  const int     lda = (int)block_lda(b), nr = b->nr;
  const double *l21 = block_panel(s, b) + b->nc;
  if (nr <= SYRK_MIN)
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, nr, nr, b->nc, 1, l21, lda, l21, lda, 0, update, nr);
  else
    cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, nr, b->nc, 1, l21, lda, 0, update, nr);
  for (int32_t i = 0; i < nr;) {
    const Slice c = slice_next(s, b, i, at);
    scatter_slice(s, b, &c, at, update + i * (int64_t)(nr + 1), nr);
    i = c.end;
  }
}

/* Many rows: slice by slice, in place where possible. */
static void update_large(Supernodal *s, const Block *b, double *update, int32_t *at)
{
  const int     lda = (int)block_lda(b);
  const double *l21 = block_panel(s, b) + b->nc;
  for (int32_t i = 0; i < b->nr;) {
    const Slice   c     = slice_next(s, b, i, at);
    const int     width = c.end - i, height = b->nr - i;
    const int64_t to     = block_lda(c.ancestor);
    double       *target = c.whole ? block_panel(s, c.ancestor) + at[0] * (to + 1) : update;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, height, width, b->nc, c.whole ? -1 : 1, l21 + i, lda, l21 + i, lda, c.whole,
                target, c.whole ? (int)to : height);
    if (!c.whole) scatter_slice(s, b, &c, at, update, height);
    i = c.end;
  }
}

/* Factors the panel of block b; returns 0, or 1 + the column inside the block that failed. */
static int64_t factor_panel(const Supernodal *s, const Block *b, const SmallKernels *small)
{
  double      *panel = block_panel(s, b);
  PetscBLASInt nc = b->nc, lda = (PetscBLASInt)block_lda(b), info = 0;
  if (block_is_small(b)) return small->factor(b->nc, (int)block_lda(b), panel);
  LAPACKpotrf_("L", &nc, panel, &lda, &info);
  if (info) return info;
  if (b->nr > 0) cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, b->nr, nc, 1, panel, lda, panel + nc, lda);
  return 0;
}

/* Row sums of a Laplacian during the elimination. */
typedef struct Balance {
  double *ground;  /* (n) in L's order: minus the conductance to the ground; where eliminated, the ground's row of L */
  double *scratch; /* (n) */
} Balance;

/* Diagonals of a block that is about to be factored: what its columns' other entries, the ground's among them, add up to. No sum cancels.
 * */
static void balance_panel(const Supernodal *s, const Block *b, const double *ground)
{
  const int64_t lda   = block_lda(b);
  double       *panel = block_panel(s, b);
  for (int64_t j = 0; j < b->nc; j++) panel[j * (lda + 1)] = -ground[b->first + j];
  for (int64_t j = 0; j < b->nc; j++) {
    const double *column = panel + j * lda;
    double        sum    = 0;
    for (int64_t i = j + 1; i < b->nc; i++) panel[i * (lda + 1)] -= column[i];
    for (int64_t i = j + 1; i < lda; i++) sum += column[i];
    panel[j * (lda + 1)] -= sum;
  }
}

/* The ground's row of L for a factored block, and what it leaves for the rows below. */
static void advance_ground(const Supernodal *s, const Block *b, const SmallKernels *small, const Balance *balance)
{
  const int32_t *rows = block_rows(s, b);
  double        *t    = balance->scratch;
  for (int i = 0; i < b->nc; i++) t[i] = balance->ground[b->first + i];
  for (int i = 0; i < b->nr; i++) t[b->nc + i] = 0;
  small->forward(b->nc, block_lda(b), block_panel(s, b), t);
  for (int i = 0; i < b->nr; i++) balance->ground[rows[i]] += t[b->nc + i];
}

/* Given number of the column at a position. */
static int64_t given(const Supernodal *s, int64_t position)
{
  for (int64_t i = 0; i < s->n; i++)
    if (s->place[i] == position) return i;
  return -1;
}

/* balance NULL: the matrix is no Laplacian. */
static void eliminate(Supernodal *s, int64_t end, double *update, int32_t *at, const Balance *balance, const Watch *watch, int64_t *failed)
{
  const SmallKernels *small = supernodal_small();
  Look                l     = {.watch = watch, .phase = "factor", .total = s->work};
  for (int64_t k = 0; k < end && !*failed; k++) {
    const Block *b = &s->block[k];
    if (look(&l, b)) {
      *failed = -1;
      return;
    }
    if (balance) balance_panel(s, b, balance->ground);
    const int64_t bad = factor_panel(s, b, small);
    if (bad) *failed = 1 + given(s, b->first + bad - 1);
    if (bad || b->nr == 0) continue;
    if (balance) advance_ground(s, b, small, balance);
    if (b->nr <= SLICE_SMALL)
      update_small(s, b, update, at);
    else
      update_large(s, b, update, at);
  }
}

/* Everything that memory is needed for, before any work. */
static PetscErrorCode prepare(Supernodal *s, const double *value, Permuted *a, int32_t **map, double **update)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)s->n + 1, map));
  PetscCall(PetscMalloc1((size_t)PetscMax(1, s->slice_max), update));
  if (panels_allocate(s->n_values, &s->x)) PetscFunctionReturn(PETSC_ERR_MEM);
  PetscCall(permuted_create(s, value, a));
  PetscFunctionReturn(0);
}

static PetscErrorCode balance_create(const Supernodal *s, const double *ground, Balance *balance)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2((size_t)s->n, &balance->ground, (size_t)s->n, &balance->scratch));
  for (int64_t i = 0; ground && i < s->n; i++) balance->ground[s->place[i]] = -ground[i];
  PetscFunctionReturn(0);
}

static PetscErrorCode factor(Supernodal *s, const double *value, const Balance *balance, const Watch *watch, int64_t *failed)
{
  Permuted a      = {0};
  double  *update = NULL;
  int32_t *map    = NULL;

  PetscFunctionBeginUser;
  PetscCheck(s->state == STATE_ANALYZED, PETSC_COMM_SELF, PETSC_ERR_ORDER, "a factor is made once");
  *failed = 0;
  watch_progress(watch, "factor", 0, 1);
  const PetscErrorCode broken = prepare(s, value, &a, &map, &update);
  if (!broken) scatter_matrix(s, &a, map);
  permuted_destroy(&a);
  if (!broken) eliminate(s, s->n_blocks - (s->n_last > 0), update, map, balance, watch, failed);
  PetscCall(PetscFree(update));
  PetscCall(PetscFree(map));
  s->start = s->matrix_row = NULL;
  if (broken || *failed < 0)
    s->state = STATE_STOPPED;
  else if (!*failed)
    s->state = s->n_last > 0 ? STATE_SCHUR : STATE_FACTORED;
  PetscFunctionReturn(broken);
}

PetscErrorCode supernodal_factor(Supernodal *s, const double *value, const Watch *watch, int64_t *failed)
{
  PetscFunctionBeginUser;
  PetscCall(factor(s, value, NULL, watch, failed));
  PetscFunctionReturn(0);
}

PetscErrorCode supernodal_factor_laplacian(Supernodal *s, const double *value, const double *ground, const Watch *watch, int64_t *failed)
{
  Balance balance = {0};

  PetscFunctionBeginUser;
  PetscCall(balance_create(s, ground, &balance));
  const PetscErrorCode broken = factor(s, value, &balance, watch, failed);
  PetscCall(PetscFree2(balance.ground, balance.scratch));
  PetscFunctionReturn(broken);
}

PetscErrorCode supernodal_finish(Supernodal *s, int64_t *failed)
{
  PetscFunctionBeginUser;
  *failed = 0;
  if (s->state != STATE_SCHUR) PetscFunctionReturn(0);
  const Block *b = &s->block[s->n_blocks - 1];
  *failed        = factor_panel(s, b, supernodal_small());
  if (*failed) *failed += s->n - s->n_last;
  if (!*failed) s->state = STATE_FACTORED;
  PetscFunctionReturn(0);
}

double supernodal_log_determinant(const Supernodal *s)
{
  int64_t failed;
  double  sum = 0;
  /* The boundary is factored when somebody asks: this changes the representation, not the matrix. */
  if (supernodal_finish((Supernodal *)(uintptr_t)s, &failed) || failed || s->state != STATE_FACTORED) return NAN;
  for (int64_t k = 0; k < s->n_blocks; k++)
    for (int64_t j = 0; j < s->block[k].nc; j++) sum += log(block_panel(s, &s->block[k])[j * (block_lda(&s->block[k]) + 1)]);
  return 2 * sum;
}

PetscErrorCode supernodal_schur(const Supernodal *s, double *schur)
{
  PetscFunctionBeginUser;
  PetscCheck(s->n_last == 0 || s->state == STATE_SCHUR || s->state == STATE_FACTORED, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "a Schur complement is asked for between supernodal_factor and supernodal_invert");
  if (s->n_last == 0) PetscFunctionReturn(0);
  const int64_t n     = s->n_last;
  const double *panel = block_panel(s, &s->block[s->n_blocks - 1]);
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j; i < n; i++) schur[i + j * n] = schur[j + i * n] = panel[i + j * n];
  if (s->state == STATE_SCHUR) PetscFunctionReturn(0);
  /* L_BB L_BB^T by dlauum's mirror image: dtrmm with the zeroed upper triangle. */
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < j; i++) schur[i + j * n] = 0;
  cblas_dtrmm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)n, (int)n, 1, panel, (int)n, schur, (int)n);
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = j; i < n; i++) schur[j + i * n] = schur[i + j * n];
  PetscFunctionReturn(0);
}

/* y: (n, n_rhs) in L's order. gathered (rows_max, n_rhs): scratch. */
static void solve_permuted(const Supernodal *s, int n_rhs, double *y, double *gathered)
{
  const int n = (int)s->n;
  for (int64_t k = 0; k < s->n_blocks; k++) {
    const Block   *b     = &s->block[k];
    const double  *panel = block_panel(s, b);
    const int32_t *rows  = block_rows(s, b);
    const int      lda = (int)block_lda(b), nr = b->nr;
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, b->nc, n_rhs, 1, panel, lda, y + b->first, n);
    if (nr == 0) continue;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, nr, n_rhs, b->nc, 1, panel + b->nc, lda, y + b->first, n, 0, gathered, nr);
    for (int c = 0; c < n_rhs; c++)
      for (int i = 0; i < nr; i++) y[rows[i] + (int64_t)c * n] -= gathered[i + (int64_t)c * nr];
  }
  for (int64_t k = s->n_blocks - 1; k >= 0; k--) {
    const Block   *b     = &s->block[k];
    const double  *panel = block_panel(s, b);
    const int32_t *rows  = block_rows(s, b);
    const int      lda = (int)block_lda(b), nr = b->nr;
    for (int c = 0; c < n_rhs; c++)
      for (int i = 0; i < nr; i++) gathered[i + (int64_t)c * nr] = y[rows[i] + (int64_t)c * n];
    if (nr > 0)
      cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, b->nc, n_rhs, nr, -1, panel + b->nc, lda, gathered, nr, 1, y + b->first, n);
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, b->nc, n_rhs, 1, panel, lda, y + b->first, n);
  }
}

/* The same for one right-hand side, where traffic decides. t (n): scratch. */
static void solve_one(const Supernodal *s, double *y, double *t)
{
  const SmallKernels *small = supernodal_small();
  for (int64_t k = 0; k < s->n_blocks; k++) {
    const Block   *b    = &s->block[k];
    const int32_t *rows = block_rows(s, b);
    for (int i = 0; i < b->nc; i++) t[i] = y[b->first + i];
    for (int i = 0; i < b->nr; i++) t[b->nc + i] = 0;
    small->forward(b->nc, block_lda(b), block_panel(s, b), t);
    for (int i = 0; i < b->nc; i++) y[b->first + i] = t[i];
    for (int i = 0; i < b->nr; i++) y[rows[i]] += t[b->nc + i];
  }
  for (int64_t k = s->n_blocks - 1; k >= 0; k--) {
    const Block   *b    = &s->block[k];
    const int32_t *rows = block_rows(s, b);
    for (int i = 0; i < b->nc; i++) t[i] = y[b->first + i];
    for (int i = 0; i < b->nr; i++) t[b->nc + i] = y[rows[i]];
    small->backward(b->nc, block_lda(b), block_panel(s, b), t);
    for (int i = 0; i < b->nc; i++) y[b->first + i] = t[i];
  }
}

enum { SOLVE_WIDTH = 32, SOLVE_SINGLY = 3 };

PetscErrorCode supernodal_solve(Supernodal *s, int64_t n_rhs, double *x)
{
  double *y, *gathered;
  int64_t failed;

  PetscFunctionBeginUser;
  PetscCall(supernodal_finish(s, &failed));
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MAT_CH_ZRPVT, "the boundary's Schur complement is not positive definite (column %lld)",
             (long long)failed - 1);
  PetscCheck(s->state == STATE_FACTORED, PETSC_COMM_SELF, PETSC_ERR_ORDER, "a solve comes between supernodal_factor and supernodal_invert");
  const bool    singly = n_rhs <= SOLVE_SINGLY;
  const int64_t width  = singly ? 1 : PetscMin(n_rhs, (int64_t)SOLVE_WIDTH);
  PetscCall(PetscMalloc2((size_t)(s->n * width), &y, (size_t)(singly ? s->n : s->rows_max * width), &gathered));
  for (int64_t c = 0; c < n_rhs; c += width) {
    const int64_t columns = PetscMin(width, n_rhs - c);
    for (int64_t l = 0; l < columns; l++)
      for (int64_t i = 0; i < s->n; i++) y[s->place[i] + l * s->n] = x[i + (c + l) * s->n];
    if (singly)
      solve_one(s, y, gathered);
    else
      solve_permuted(s, (int)columns, y, gathered);
    for (int64_t l = 0; l < columns; l++)
      for (int64_t i = 0; i < s->n; i++) x[i + (c + l) * s->n] = y[s->place[i] + l * s->n];
  }
  PetscCall(PetscFree2(y, gathered));
  PetscFunctionReturn(0);
}
