/* SPDX-License-Identifier: BSD-2-Clause
 * The supernodal factorisation's analysis (supernodal_order.c, supernodal_blocks.c), its cost, and the reading of the inverse.
 * Of SuiteSparse only AMD and CAMD are used. CHOLMOD's numeric factorisation starts four threads whatever the environment says, cannot
 * be stopped, and its 64-bit analysis takes longer than the factorisation of a mesh; with own blocks the boundary, the inversion and the
 * solves also share one layout. */
#include "supernodal_private.h"

#include <sys/mman.h>

#include "isa.h"

static void count_work(Supernodal *s)
{
  for (int64_t k = 0; k < s->n_blocks; k++) {
    const Block *b  = &s->block[k];
    const double nc = b->nc, nr = b->nr;
    s->rows_max  = PetscMax(s->rows_max, b->nr);
    s->slice_max = PetscMax(s->slice_max, (int64_t)slice_width(b) * b->nr);
    s->panel_max = PetscMax(s->panel_max, (int64_t)b->nr * b->nc);
    s->entries += nc * (nc + 1) / 2 + nc * nr;
    s->work += block_work(b);
    s->flops += nc * nc * nc / 3 + nr * nc * nc + nr * (nr + 1) * nc;
  }
}

static PetscErrorCode analyze(Supernodal *s)
{
  Elimination t;

  PetscFunctionBeginUser;
  if (s->n == 0) PetscFunctionReturn(0);
  PetscCall(PetscMalloc2((size_t)s->n, &s->place, (size_t)s->n, &s->block_of));
  PetscErrorCode failed = elimination_create(s, &t);
  if (!failed) failed = blocks_create(s, &t);
  elimination_destroy(&t);
  if (!failed) count_work(s);
  PetscFunctionReturn(failed);
}

PetscErrorCode supernodal_analyze(int64_t n, const int64_t *start, const int64_t *row, int64_t n_last, Supernodal **out)
{
  Supernodal *s;

  PetscFunctionBeginUser;
  PetscCheck(n >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a matrix of order %lld", (long long)n);
  if (n >= INT32_MAX) PetscFunctionReturn(PETSC_ERR_SUP);
  PetscCheck(n_last >= 0 && n_last <= n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "boundary of %lld in a matrix of order %lld",
             (long long)n_last, (long long)n);
  *out = NULL;
  PetscCall(PetscNew(&s));
  s->n                        = n;
  s->n_last                   = n_last;
  s->start                    = start;
  s->matrix_row               = row;
  s->nonzeros                 = n > 0 ? start[n] : 0;
  const PetscErrorCode failed = analyze(s);
  if (failed) {
    supernodal_destroy(&s);
    PetscFunctionReturn(failed);
  }
  *out = s;
  PetscFunctionReturn(0);
}

void supernodal_destroy(Supernodal **s)
{
  if (!*s) return;
  (void)PetscFree2((*s)->place, (*s)->block_of);
  (void)PetscFree((*s)->block);
  (void)PetscFree((*s)->row);
  panels_free((*s)->n_values, (*s)->x);
  (void)PetscFree(*s);
}

double supernodal_entries(const Supernodal *s) { return s->entries; }
double supernodal_flops(const Supernodal *s) { return s->flops; }

/* What is alive at once: in the analysis the pattern twice and AMD's working copy, later panels, rows, the permuted matrix and scratch;
 * and what the BLAS keeps for itself. */
double supernodal_bytes(const Supernodal *s)
{
  const double n = (double)s->n, entries = (double)s->nonzeros, blas = 12e6;
  const double kept   = 8 * n + 4.0 * (double)s->n_rows + (double)sizeof(Block) * (double)s->n_blocks;
  const double before = 18 * entries + 52 * n;
  const double after  = 8.0 * (double)(s->n_values + s->slice_max + s->panel_max) + 12 * entries + 16 * n;
  return 1.1 * (kept + blas + PetscMax(before, after)); /* a tenth for what malloc keeps */
}

/* Three times the factorisation's flops in all, at the 60 GFLOP/s of one AVX-512 core of 2023, traffic of each entry, calls for each
 * block. Within a factor of two of what was measured on meshes, geometric and power-law graphs of 10^5 to 10^6 vertices. */
double supernodal_seconds(const Supernodal *s)
{
  return 3 * s->flops / 60e9 + 8e-9 * s->entries + 1.5e-6 * (double)s->n_blocks + 3e-7 * (double)s->n;
}

static const SmallKernels kernels[] = {
    [ISA_BASE] = {supernodal_factor_base, supernodal_solve_base, supernodal_inverse_base, supernodal_forward_base,
                  supernodal_backward_base},
    [ISA_V3]   = {supernodal_factor_v3, supernodal_solve_v3, supernodal_inverse_v3, supernodal_forward_v3, supernodal_backward_v3},
    [ISA_V4]   = {supernodal_factor_v4, supernodal_solve_v4, supernodal_inverse_v4, supernodal_forward_v4, supernodal_backward_v4},
};

const SmallKernels *supernodal_small(void) { return &kernels[isa_level()]; }

PetscErrorCode panels_allocate(int64_t n, double **x)
{
  const size_t size = (size_t)PetscMax(1, n) * sizeof(double);
  void        *p    = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *x                = NULL;
  if (p == MAP_FAILED) return PETSC_ERR_MEM;
  (void)madvise(p, size, MADV_HUGEPAGE);
  *x = p;
  return 0;
}

void panels_free(int64_t n, double *x)
{
  if (x) (void)munmap(x, (size_t)PetscMax(1, n) * sizeof(double));
}

Slice slice_next(const Supernodal *s, const Block *b, int32_t first, int32_t *at)
{
  const int32_t *rows = block_rows(s, b);
  const Block   *a    = &s->block[s->block_of[rows[first]]];
  const int32_t *own = block_rows(s, a), last = a->first + a->nc, limit = PetscMin(b->nr, first + slice_width(b));
  int32_t        end = first, k, l = 0;
  for (; end < limit && rows[end] < last; end++) {}
  for (k = first; k < b->nr && rows[k] < last; k++) at[k - first] = rows[k] - a->first;
  for (; k < b->nr; k++) {
    while (own[l] < rows[k]) l++;
    at[k - first] = a->nc + l;
  }
  return (Slice){.ancestor = a, .first = first, .end = end, .whole = at[b->nr - 1 - first] - at[0] == b->nr - 1 - first};
}

/* Position of row `row` of the matrix in block b's panel, -1: not there. */
static int64_t row_in_block(const Supernodal *s, const Block *b, int32_t row)
{
  if (row < b->first + b->nc) return row - b->first;
  const int32_t *rows = block_rows(s, b);
  int64_t        low = 0, high = b->nr;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (rows[middle] < row)
      low = middle + 1;
    else
      high = middle;
  }
  return low < b->nr && rows[low] == row ? b->nc + low : -1;
}

PetscErrorCode supernodal_entries_of(const Supernodal *s, int64_t n_pairs, const int64_t *i, const int64_t *j, double *out)
{
  PetscFunctionBeginUser;
  PetscCheck(s->state == STATE_INVERTED, PETSC_COMM_SELF, PETSC_ERR_ORDER, "entries of an inverse before supernodal_invert");
  for (int64_t k = 0; k < n_pairs; k++) {
    const int32_t p = s->place[i[k]], q = s->place[j[k]], column = PetscMin(p, q), row = PetscMax(p, q);
    const Block  *b  = &s->block[s->block_of[column]];
    const int64_t at = row_in_block(s, b, row);
    PetscCheck(at >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "entry (%lld, %lld) is not on the factor's pattern", (long long)i[k],
               (long long)j[k]);
    out[k] = block_panel(s, b)[at + (column - b->first) * block_lda(b)];
  }
  PetscFunctionReturn(0);
}

bool supernodal_stopped(const Supernodal *s) { return s->state == STATE_STOPPED; }

double supernodal_trace(const Supernodal *s)
{
  double sum = 0;
  for (int64_t k = 0; k < s->n_blocks; k++)
    for (int64_t j = 0; j < s->block[k].nc; j++) sum += block_panel(s, &s->block[k])[j * (block_lda(&s->block[k]) + 1)];
  return sum;
}
