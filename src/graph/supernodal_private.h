/* SPDX-License-Identifier: BSD-2-Clause
 * The inside of a Supernodal, shared by supernodal*.c and by nothing else. */
#ifndef MYOPIA_SUPERNODAL_PRIVATE_H
#define MYOPIA_SUPERNODAL_PRIVATE_H

#include <stdbool.h>

#include "supernodal.h"
#include "supernodal_kernel.h"

/* A supernode: columns first .. first + nc - 1 of L, all with the same nr rows below them. Its values are a column-major
 * (nc + nr, nc) panel: the lower triangle (the strict upper one is not used), then the rows below. */
typedef struct Block {
  int64_t x;                     /* offset of the panel in Supernodal.x */
  int64_t rows;                  /* offset of the rows below in Supernodal.row */
  int32_t first, nc, nr, parent; /* parent: the block that holds row[rows], -1: a root; always after its children */
} Block;

typedef enum { STATE_ANALYZED, STATE_SCHUR, STATE_FACTORED, STATE_INVERTED, STATE_STOPPED } SupernodalState;

struct Supernodal {
  int64_t        n, n_last, n_blocks, n_rows, n_values;
  int64_t        nonzeros;           /* of the matrix, lower triangle */
  const int64_t *start, *matrix_row; /* the caller's matrix until it is factored */
  int32_t       *place;              /* (n) given number -> position in L */
  int32_t       *block_of;           /* (n) position -> block */
  Block         *block;              /* (n_blocks) ascending; with a boundary the last one is the boundary, alone */
  int32_t       *row;                /* (n_rows) rows below, ascending in a block */
  double        *x;                  /* (n_values) panels: L, later its inverse on the pattern */
  int32_t        rows_max;           /* largest nr */
  int64_t        slice_max;          /* largest slice_width * nr */
  int64_t        panel_max;          /* largest nr * nc */
  double         entries, flops, work;
  /* STATE_SCHUR: all but the boundary is eliminated, the boundary's block holds its Schur complement's lower triangle. */
  SupernodalState state;
};

static inline double        *block_panel(const Supernodal *s, const Block *b) { return s->x + b->x; }
static inline const int32_t *block_rows(const Supernodal *s, const Block *b) { return s->row + b->rows; }
static inline int64_t        block_lda(const Block *b) { return (int64_t)b->nc + b->nr; }

/* Neighbours of every row, both triangles, without the diagonal: those of i are row[start[i]] .. row[start[i + 1] - 1], in any order. */
typedef struct Pattern {
  int32_t *start, *row;
} Pattern;

/* The matrix in the order of elimination; columns in postorder. */
typedef struct Elimination {
  Pattern  pattern;
  int32_t *parent; /* (n) in the elimination tree, -1: a root */
  int32_t *count;  /* (n) entries of L's column, diagonal included */
  double   flops;
} Elimination;

void pattern_destroy(Pattern *);
/* member (n): constraints of a nested dissection, rows of smaller numbers first. *promising = false: no use against an order of these
 * flops, member is not set. */
PetscErrorCode dissection_members(const Pattern *, int32_t n, double flops, int32_t *member, bool *promising);
/* Also sets place. PETSC_ERR_SUP: too large for 32-bit indices. Destroy also after a failure. */
PetscErrorCode elimination_create(Supernodal *, Elimination *);
void           elimination_destroy(Elimination *);
/* Sets block, row, block_of and their counts. */
PetscErrorCode blocks_create(Supernodal *, const Elimination *);

/* A block's product with its ancestors is worked on in slices of columns that lie in one ancestor: [first, end) of its rows below. A slice
 * is narrow enough for its rows to stay in cache, and in place where the ancestor's panel holds it without gaps. */
typedef struct Slice {
  const Block *ancestor;
  int32_t      first, end;
  bool         whole; /* rows first .. nr - 1 are consecutive in the ancestor's panel */
} Slice;

/* SLICE_WIDE columns where the block itself is wide enough for dgemm to run from memory. */
enum { SLICE_VALUES = 1 << 18, SLICE_MIN = 32, SLICE_SMALL = 512, SLICE_WIDE = 256 };

static inline int32_t slice_width(const Block *b)
{
  if (b->nr <= SLICE_SMALL) return b->nr;
  const int32_t narrow = PetscMax(SLICE_MIN, SLICE_VALUES / b->nr);
  return b->nc >= 64 ? PetscMax(SLICE_WIDE, narrow) : narrow;
}

/* The slice that begins at row `first` of b; at[k - first]: place of row k in the ancestor's panel. */
Slice slice_next(const Supernodal *, const Block *b, int32_t first, int32_t *at);

/* Values of zeros for panels, in huge pages where the system has them; PETSC_ERR_MEM. Freed by panels_free. */
PetscErrorCode panels_allocate(int64_t n, double **x);
void           panels_free(int64_t n, double *x);

/* Progress and the question whether to stop, asked every few milliseconds of work. */
typedef struct Look {
  const Watch *watch;
  const char  *phase;
  double       done, total, next;
} Look;

static inline double block_work(const Block *b)
{
  const double rows = (double)b->nc + b->nr;
  return 1e3 + b->nc * rows * rows;
}

/* Before a block is worked on; true: stop. */
static inline bool look(Look *l, const Block *b)
{
  const double scale = 1e-3; /* flops to counts that never overflow */
  bool         stop  = false;
  if (l->done >= l->next) {
    watch_progress(l->watch, l->phase, (int64_t)(scale * l->done), (int64_t)(scale * l->total) + 1);
    stop    = watch_stop(l->watch);
    l->next = l->done + 2e8;
  }
  l->done += block_work(b);
  return stop;
}

static inline bool block_is_small(const Block *b) { return b->nc <= SMALL_COLUMNS && b->nc + b->nr <= SMALL_ROWS; }

/* Cholesky factor of the boundary's Schur complement, which supernodal_factor leaves alone. *failed as there. */
PetscErrorCode supernodal_finish(Supernodal *, int64_t *failed);

#endif
