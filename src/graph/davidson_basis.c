/* SPDX-License-Identifier: BSD-2-Clause
 * The basis of the block Davidson method: B-orthonormal blocks distributed by rows, their Rayleigh quotient and restarts. Blocks are
 * orthonormalised by repeated projection and a symmetric factor of their Gram matrix (Stathopoulos and Wu, SIAM J. Sci. Comput. 23 (2002)
 * 2165), until a pass finds nothing left to do. Sums over ranks are made on rank 0 and sent back, so that all ranks take the same turns. */
#include "davidson_private.h"

#include <math.h>
#include <petscblaslapack.h>
#include <string.h>

#include "lapack.h"
#include "rng.h"
#include "spectrum_kernel.h"

enum { PASSES_MAX = 5 };

PetscErrorCode basis_create(const DavidsonProblem *p, Davidson *d)
{
  PetscFunctionBeginUser;
  *d               = (Davidson){.p = p, .rows = p->n_local, .m_max = (int)p->n_basis, .b = p->block, .level = isa_level()};
  const size_t all = (size_t)(d->rows * d->m_max), square = (size_t)(d->m_max * d->m_max), block = (size_t)(d->rows * BLOCK);
  PetscCall(PetscMalloc2(all, &d->v, all, &d->av));
  if (p->apply_b)
    PetscCall(PetscMalloc1(all, &d->bv));
  else
    d->bv = d->v;
  PetscCall(PetscMalloc3(block, &d->x, block, &d->y, block, &d->z));
  PetscCall(PetscMalloc4(square, &d->t, square, &d->s, square, &d->small, square, &d->turned));
  PetscCall(PetscMalloc2((size_t)d->m_max, &d->theta, (size_t)(d->m_max * BLOCK), &d->previous));
  PetscFunctionReturn(0);
}

void basis_destroy(Davidson *d)
{
  if (d->bv != d->v) (void)PetscFree(d->bv);
  (void)PetscFree2(d->v, d->av);
  (void)PetscFree3(d->x, d->y, d->z);
  (void)PetscFree4(d->t, d->s, d->small, d->turned);
  (void)PetscFree2(d->theta, d->previous);
}

static PetscErrorCode multiply(const char *trans, int64_t m, int64_t n, int64_t k, double alpha, const double *a, int64_t lda,
                               const double *b, int64_t ldb, double beta, double *c, int64_t ldc)
{
  PetscBLASInt bm, bn, bk, ba, bb, bc;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast((PetscInt)m, &bm));
  PetscCall(PetscBLASIntCast((PetscInt)n, &bn));
  PetscCall(PetscBLASIntCast((PetscInt)k, &bk));
  PetscCall(PetscBLASIntCast((PetscInt)PetscMax(lda, 1), &ba));
  PetscCall(PetscBLASIntCast((PetscInt)PetscMax(ldb, 1), &bb));
  PetscCall(PetscBLASIntCast((PetscInt)PetscMax(ldc, 1), &bc));
  if (bm > 0 && bn > 0) PetscCallBLAS("BLASgemm", BLASgemm_(trans, "N", &bm, &bn, &bk, &alpha, a, &ba, b, &bb, &beta, c, &bc));
  PetscFunctionReturn(0);
}

PetscErrorCode basis_gram(const Davidson *d, int na, const double *a, int nb, const double *b, double *out)
{
  int ranks;

  PetscFunctionBeginUser;
  block_dots(d->level, d->rows, na, a, nb, b, out);
  PetscCallMPI(MPI_Comm_size(d->p->comm, &ranks));
  if (ranks == 1) PetscFunctionReturn(0);
  int rank;
  PetscCallMPI(MPI_Comm_rank(d->p->comm, &rank));
  PetscCallMPI(MPI_Reduce(rank ? out : MPI_IN_PLACE, out, na * nb, MPI_DOUBLE, MPI_SUM, 0, d->p->comm));
  PetscCallMPI(MPI_Bcast(out, na * nb, MPI_DOUBLE, 0, d->p->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode basis_times(const Davidson *d, int na, const double *a, int nc, int ldc, const double *c, double *out)
{
  PetscFunctionBeginUser;
  memset(out, 0, (size_t)(d->rows * nc) * sizeof *out);
  for (int q = 0; q < nc; q += BLOCK)
    block_add(d->level, d->rows, na, a, PetscMin(BLOCK, nc - q), ldc, 1, c + (int64_t)q * ldc, out + q * d->rows);
  PetscFunctionReturn(0);
}

/* Eigenpairs of a symmetric n x n matrix (in: a, out: vectors), on rank 0, for all: one message of vectors, values and info. */
static PetscErrorCode eigen(const Davidson *d, int n, double *a, double *value)
{
  PetscBLASInt order = n, info = 0, n_work = 1 + 6 * n + 2 * n * n, n_integers = 3 + 5 * n, *integers;
  double      *work, *all;
  int          rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(d->p->comm, &rank));
  PetscCall(PetscCalloc3((size_t)n_work, &work, (size_t)n_integers, &integers, (size_t)(n * n + n + 1), &all));
  memcpy(all, a, (size_t)(n * n) * sizeof *a);
  if (rank == 0) dsyevd_("V", "L", &order, all, &order, all + n * n, work, &n_work, integers, &n_integers, &info);
  all[n * n + n] = info;
  PetscCallMPI(MPI_Bcast(all, n * n + n + 1, MPI_DOUBLE, 0, d->p->comm));
  info = (PetscBLASInt)all[n * n + n];
  memcpy(a, all, (size_t)(n * n) * sizeof *a);
  memcpy(value, all + n * n, (size_t)n * sizeof *value);
  PetscCall(PetscFree3(work, integers, all));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dsyevd of order %d: info = %d", n, (int)info);
  PetscFunctionReturn(0);
}

PetscErrorCode basis_random(Davidson *d, double *x)
{
  uint32_t word[4];

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < d->rows; i++) {
    rng_block(d->p->key, (uint64_t)(d->p->first + i), d->draws, RNG_EIGEN_START, word);
    for (int c = 0; c < d->b; c++) x[i + c * d->rows] = ((double)word[c] + 0.5) * 0x1p-31 - 1;
  }
  d->draws++;
  PetscCall(d->p->project(d->p->ctx, d->b, x));
  PetscCall(d->p->precondition(d->p->ctx, d->b, x));
  PetscFunctionReturn(0);
}

/* Turns the columns of x, whose B-Gram matrix is gram, into orthonormal ones: x <- x F, dropping directions below `least` of the largest
 * correlation. *columns: in and out. *left: largest deviation of gram from the identity. */
static PetscErrorCode normalise(Davidson *d, double *x, double *gram, const double *least, int *columns, double *left)
{
  double    factor[BLOCK * BLOCK], scale[BLOCK], value[BLOCK], corr[BLOCK * BLOCK];
  int       live[BLOCK], n = 0, kept = 0;
  const int nc = *columns;

  PetscFunctionBeginUser;
  *left = 0;
  for (int c = 0; c < nc; c++) {
    const double square = gram[c + c * nc];
    if (square > least[c] && isfinite(square)) live[n++] = c;
    for (int k = 0; k < nc; k++) *left = PetscMax(*left, fabs(gram[k + c * nc] - (k == c)));
  }
  for (int i = 0; i < n; i++) scale[i] = 1 / sqrt(gram[live[i] + live[i] * nc]);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) corr[i + j * n] = gram[live[i] + live[j] * nc] * scale[i] * scale[j];
  if (n) PetscCall(eigen(d, n, corr, value));
  memset(factor, 0, sizeof factor);
  for (int k = n - 1; k >= 0; k--) {
    if (value[k] < 1e-13) continue;
    for (int i = 0; i < n; i++) factor[live[i] + kept * nc] = scale[i] * corr[i + k * n] / sqrt(value[k]);
    kept++;
  }
  PetscCall(basis_times(d, nc, x, kept, nc, factor, d->z));
  memcpy(x, d->z, (size_t)(d->rows * kept) * sizeof *x);
  *columns = kept;
  PetscFunctionReturn(0);
}

/* x (rows, *columns) out of the basis and B-orthonormal; bx, where B is not the identity: B x at exit. */
static PetscErrorCode orthonormalise(Davidson *d, double *x, double *bx, int *columns)
{
  double gram[BLOCK * BLOCK], least[BLOCK] = {0}, left = 0, inside;

  PetscFunctionBeginUser;
  for (int pass = 0; pass<PASSES_MAX && * columns> 0; pass++) {
    const int nc = *columns;
    memset(x + d->rows * nc, 0, (size_t)(d->rows * (d->b - nc)) * sizeof *x);
    if (pass) PetscCall(d->p->project(d->p->ctx, d->b, x));
    if (d->p->apply_b) PetscCall(d->p->apply_b(d->p->ctx, d->b, x, bx));
    const double *dual = d->p->apply_b ? bx : x;
    if (pass == 0) PetscCall(basis_gram(d, nc, x, nc, dual, gram));
    for (int c = 0; c < nc; c++) least[c] = pass ? 1e-2 : 1e-24 * gram[c + c * nc]; /* squares: what cancelled is noise */
    inside = 0;
    if (d->m) {
      PetscCall(basis_gram(d, d->m, d->v, nc, dual, d->small));
      for (int k = 0; k < d->m * nc; k++) inside = PetscMax(inside, fabs(d->small[k]));
      block_add(d->level, d->rows, d->m, d->v, nc, d->m, -1, d->small, x);
      if (bx && d->p->apply_b) PetscCall(d->p->apply_b(d->p->ctx, d->b, x, bx));
    }
    PetscCall(basis_gram(d, nc, x, nc, dual, gram));
    PetscCall(normalise(d, x, gram, least, columns, &left));
    if (pass && *columns == nc && left < 1e-7 && inside < 1e-7) break;
  }
  memset(x + d->rows * *columns, 0, (size_t)(d->rows * (d->b - *columns)) * sizeof *x);
  if (d->p->apply_b) PetscCall(d->p->apply_b(d->p->ctx, d->b, x, bx));
  PetscFunctionReturn(0);
}

/* The next columns of V^T A V. */
static PetscErrorCode extend_quotient(Davidson *d, int columns)
{
  PetscFunctionBeginUser;
  const int m = d->m + columns;
  PetscCall(basis_gram(d, m, d->v, columns, d->av + d->rows * d->m, d->small));
  for (int c = 0; c < columns; c++) {
    for (int k = 0; k < m; k++) {
      const double value              = k < d->m ? d->small[k + c * m] : 0.5 * (d->small[k + c * m] + d->small[d->m + c + (k - d->m) * m]);
      d->t[k + (d->m + c) * d->m_max] = value;
      d->t[d->m + c + k * d->m_max]   = value;
    }
  }
  d->m = m;
  PetscFunctionReturn(0);
}

PetscErrorCode basis_expand(Davidson *d, double *x)
{
  int columns = d->b;

  PetscFunctionBeginUser;
  PetscCall(orthonormalise(d, x, d->y, &columns));
  if (columns < d->b) {
    double *fresh;
    PetscCall(PetscMalloc1((size_t)(d->rows * d->b), &fresh));
    PetscCall(basis_random(d, fresh));
    memcpy(x + d->rows * columns, fresh, (size_t)(d->rows * (d->b - columns)) * sizeof *x);
    PetscCall(PetscFree(fresh));
    columns = d->b;
    PetscCall(orthonormalise(d, x, d->y, &columns));
  }
  const size_t bytes = (size_t)(d->rows * columns) * sizeof *x;
  memcpy(d->v + d->rows * d->m, x, bytes);
  if (d->bv != d->v) memcpy(d->bv + d->rows * d->m, d->y, bytes);
  PetscCall(d->p->apply_a(d->p->ctx, columns, x, d->z));
  memcpy(d->av + d->rows * d->m, d->z, bytes);
  PetscCall(extend_quotient(d, columns));
  PetscFunctionReturn(0);
}

PetscErrorCode basis_ritz(Davidson *d)
{
  PetscFunctionBeginUser;
  for (int c = 0; c < d->m; c++)
    for (int k = 0; k < d->m; k++) d->s[k + c * d->m] = d->t[k + c * d->m_max];
  PetscCall(eigen(d, d->m, d->s, d->theta));
  PetscFunctionReturn(0);
}

/* Appends to c (m, keep), orthonormal, those directions of `previous` that it lacks (modified Gram-Schmidt, twice). */
static int add_previous(const Davidson *d, int keep, double *c)
{
  const int m = d->m;
  for (int q = 0; q < BLOCK && d->m_previous; q++) {
    double *column = c + (int64_t)m * keep, norm = 0;
    for (int k = 0; k < m; k++) column[k] = k < d->m_previous ? d->previous[k + q * d->m_max] : 0;
    for (int pass = 0; pass < 2; pass++) {
      for (int j = 0; j < keep; j++) {
        double dot = 0;
        for (int k = 0; k < m; k++) dot += column[k] * c[k + (int64_t)j * m];
        for (int k = 0; k < m; k++) column[k] -= dot * c[k + (int64_t)j * m];
      }
      norm = 0;
      for (int k = 0; k < m; k++) norm += column[k] * column[k];
      if (norm < 1e-16) break;
      for (int k = 0; k < m; k++) column[k] /= sqrt(norm);
    }
    if (norm >= 1e-16) keep++;
  }
  return keep;
}

/* a (rows, m) <- a c, by pieces of rows, so that no second basis is needed. */
static PetscErrorCode turn(Davidson *d, double *a, int keep, const double *c)
{
  enum { PIECE = 512 };
  double *piece;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)(PIECE * keep), &piece));
  for (int64_t i = 0; i < d->rows; i += PIECE) {
    const int64_t rows = PetscMin((int64_t)PIECE, d->rows - i);
    PetscCall(multiply("N", rows, keep, d->m, 1, a + i, d->rows, c, d->m, 0, piece, rows));
    for (int k = 0; k < keep; k++) memcpy(a + i + d->rows * k, piece + rows * k, (size_t)rows * sizeof *a);
  }
  PetscCall(PetscFree(piece));
  PetscFunctionReturn(0);
}

PetscErrorCode basis_restart(Davidson *d, int keep, bool with_previous)
{
  const int m = d->m;

  PetscFunctionBeginUser;
  double *c = d->turned;
  memcpy(c, d->s, (size_t)(m * keep) * sizeof *c);
  if (with_previous) keep = add_previous(d, keep, c);
  PetscCall(turn(d, d->v, keep, c));
  PetscCall(turn(d, d->av, keep, c));
  if (d->bv != d->v) PetscCall(turn(d, d->bv, keep, c));
  PetscCall(multiply("N", m, keep, m, 1, d->t, d->m_max, c, m, 0, d->small, m));
  PetscCall(multiply("T", keep, keep, m, 1, c, m, d->small, m, 0, d->s, keep));
  for (int j = 0; j < keep; j++)
    for (int k = 0; k < keep; k++) d->t[k + j * d->m_max] = 0.5 * (d->s[k + j * keep] + d->s[j + k * keep]);
  d->m          = keep;
  d->m_previous = 0;
  PetscFunctionReturn(0);
}
