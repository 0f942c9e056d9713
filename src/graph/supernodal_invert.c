/* SPDX-License-Identifier: BSD-2-Clause
 * Selected inversion in place of the factor (Takahashi, Fagan, Chin 1973; by supernodes Lin et al., ACM TOMS 37 (2011) 40). From the last
 * block to the first, with L11, L21 the panel of a block and R its rows below, Z = A^-1:
 *   Y = L21 L11^-1,  Z21 = -Z_RR Y,  Z11 = L11^-T L11^-1 - Y^T Z21.
 * Z_RR lies on the pattern of the ancestors, which are done by then. */
#include "supernodal_private.h"

#include <cblas.h>
#include <petscblaslapack.h>
#include <string.h>

typedef struct Scratch {
  double             *slice; /* (slice_max) columns of Z_RR */
  double             *y;     /* (panel_max) */
  int32_t            *at;    /* (rows_max) */
  const SmallKernels *small;
} Scratch;

static void mirror(int64_t n, int64_t lda, double *a)
{
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < j; i++) a[i + j * lda] = a[j + i * lda];
}

/* Columns of the slice from its first row down, into out with leading dimension ld, both triangles of its square. mirrored: the rows below
 * also go to the right of the square. */
static void gather(const Supernodal *s, const Block *b, const Slice *c, const int32_t *at, double *out, int64_t ld, bool mirrored)
{
  const int64_t height = b->nr - c->first, width = c->end - c->first, lda = block_lda(c->ancestor), across = mirrored ? height : width;
  for (int64_t j = 0; j < width; j++) {
    const double *restrict column = block_panel(s, c->ancestor) + at[j] * lda;
    for (int64_t k = j; k < across; k++) out[k + j * ld] = out[j + k * ld] = column[at[k]];
    for (int64_t k = across; k < height; k++) out[k + j * ld] = column[at[k]];
  }
}

/* z21 = -Z_RR y. */
static void multiply_small(const Supernodal *s, const Block *b, const Scratch *w, double *z21)
{
  const int nr = b->nr;
  for (int32_t i = 0; i < nr;) {
    const Slice c = slice_next(s, b, i, w->at);
    gather(s, b, &c, w->at, w->slice + i * (int64_t)(nr + 1), nr, true);
    i = c.end;
  }
  cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, nr, b->nc, nr, -1, w->slice, nr, w->y, nr, 0, z21, (int)block_lda(b));
}

/* The same slice by slice: a slice serves its own columns and, transposed, its rows. */
static void multiply_large(const Supernodal *s, const Block *b, const Scratch *w, double *z21)
{
  const int nc = b->nc, nr = b->nr, lda = (int)block_lda(b);
  for (int32_t i = 0; i < nr;) {
    const Slice   c      = slice_next(s, b, i, w->at);
    const int     height = nr - i, width = c.end - i, to = (int)block_lda(c.ancestor);
    const double *z   = c.whole ? block_panel(s, c.ancestor) + w->at[0] * (int64_t)(to + 1) : w->slice;
    const int     ldz = c.whole ? to : height;
    if (!c.whole) gather(s, b, &c, w->at, w->slice, height, false);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, height, nc, width, -1, z, ldz, w->y + i, nr, i > 0, z21 + i, lda);
    if (c.end < nr)
      cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, width, nc, nr - c.end, -1, z + width, ldz, w->y + c.end, nr, 1, z21 + i, lda);
    i = c.end;
  }
}

/* y = L21 L11^-1. */
static void solve_panel(int nc, int nr, int lda, const double *panel, double *y)
{
  for (int64_t j = 0; j < nc; j++) memcpy(y + j * nr, panel + nc + j * lda, (size_t)nr * sizeof(double));
  cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, nr, nc, 1, panel, lda, y, nr);
}

static PetscErrorCode invert_block(const Supernodal *s, const Block *b, const Scratch *w)
{
  double      *z11 = block_panel(s, b), *z21 = z11 + b->nc;
  PetscBLASInt nc = b->nc, lda = (PetscBLASInt)block_lda(b), nr = b->nr, info = 0;

  const bool small = block_is_small(b);
  if (nr > 0) {
    if (small)
      w->small->solve(nc, lda, z11, w->y);
    else
      solve_panel(nc, nr, lda, z11, w->y);
    if (nr <= SLICE_SMALL)
      multiply_small(s, b, w, z21);
    else
      multiply_large(s, b, w, z21);
  }
  if (small)
    w->small->inverse(nc, lda, z11);
  else
    LAPACKpotri_("L", &nc, z11, &lda, &info);
  if (info) return PETSC_ERR_LIB;
  if (nr > 0) cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, nc, nc, nr, -1, w->y, nr, z21, lda, 1, z11, lda);
  mirror(nc, lda, z11);
  return 0;
}

static PetscErrorCode invert_blocks(Supernodal *s, int64_t end, const Scratch *w, const Watch *watch)
{
  Look l = {.watch = watch, .phase = "invert", .total = s->work};
  for (int64_t k = end - 1; k >= 0; k--) {
    const Block *b = &s->block[k];
    if (look(&l, b)) {
      s->state = STATE_STOPPED;
      return 0;
    }
    const PetscErrorCode failed = invert_block(s, b, w);
    if (failed) return failed;
  }
  s->state = STATE_INVERTED;
  return 0;
}

PetscErrorCode supernodal_invert(Supernodal *s, const double *z, const Watch *watch)
{
  Scratch w      = {.small = supernodal_small()};
  int64_t failed = 0;

  PetscFunctionBeginUser;
  if (z && s->state == STATE_FACTORED) s->state = STATE_SCHUR; /* whatever the boundary's block holds is replaced */
  if (!z) PetscCall(supernodal_finish(s, &failed));
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MAT_CH_ZRPVT, "the boundary's Schur complement is not positive definite (column %lld)",
             (long long)failed - 1);
  PetscCheck(s->state == STATE_FACTORED || (z && s->state == STATE_SCHUR), PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "supernodal_invert comes once, after supernodal_factor");
  const bool given = z && s->n_last > 0;
  if (given) memcpy(block_panel(s, &s->block[s->n_blocks - 1]), z, (size_t)(s->n_last * s->n_last) * sizeof(double));
  PetscErrorCode broken = PetscMalloc1((size_t)PetscMax(1, s->slice_max), &w.slice);
  if (!broken) broken = PetscMalloc2((size_t)s->panel_max, &w.y, (size_t)s->rows_max, &w.at);
  if (!broken) broken = invert_blocks(s, s->n_blocks - given, &w, watch);
  PetscCall(PetscFree(w.slice));
  PetscCall(PetscFree2(w.y, w.at));
  PetscFunctionReturn(broken);
}
