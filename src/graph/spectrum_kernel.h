/* SPDX-License-Identifier: BSD-2-Clause
 * Products of a Laplacian with interleaved vectors; the builds of spectrum_kernel.c, one an ISA level, all with the same bits. Rows
 * first..last-1 of a graph given by its neighbours (start, column, weight or NULL). Lanes do not mix. */
#ifndef MYOPIA_SPECTRUM_KERNEL_H
#define MYOPIA_SPECTRUM_KERNEL_H

#include <stdint.h>

#include "isa.h"

enum { PRODUCT_LANES = 4, DENSITY_LANES = 8 };

typedef struct RowRange {
  int64_t        first, last;
  const int64_t *start;
  const int32_t *column;
  const double  *weight;
} RowRange;

/* y = L x, x (n, 4) the whole vector, y (last - first, 4); y_i = sum_j w_ij (x_i - x_j), accurate for smooth x. */
void laplacian_product(IsaLevel, const RowRange *, const double *x, double *y);
/* One step of Chebyshev's recurrence for M = scale L - I: next = factor M x - previous, previous and next may be the same array (n, 8);
 * square (8): sum over rows of next^2, cross (8): of next x. factor is 1 (first step, with previous = 0) or 2. */
void chebyshev_step(IsaLevel, const RowRange *, double scale, double factor, const double *x, const double *previous, double *next,
                    double *square, double *cross);

/* Tall thin products, for which a BLAS packs what it reads once. a (rows, na), b and out blocks of nb = 1 to 4 columns, all column-major
 * with `rows` as leading dimension; c (na, nb) with ldc. */
void block_dots(IsaLevel, int64_t rows, int na, const double *a, int nb, const double *b, double *out); /* out (na, nb) = a^T b */
void block_add(IsaLevel, int64_t rows, int na, const double *a, int nb, int ldc, double sign, const double *c,
               double *out); /* += sign a c */

#define SPECTRUM_KERNELS(level)                                                                                                            \
  void laplacian_product_##level(const RowRange *, const double *, double *);                                                              \
  void chebyshev_step_##level(const RowRange *, double, double, const double *, const double *, double *, double *, double *);             \
  void block_dots_##level(int64_t, int, const double *, int, const double *, double *);                                                    \
  void block_add_##level(int64_t, int, const double *, int, int, double, const double *, double *);
SPECTRUM_KERNELS(base)
SPECTRUM_KERNELS(v3)
SPECTRUM_KERNELS(v4)

#endif
