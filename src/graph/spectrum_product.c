/* SPDX-License-Identifier: BSD-2-Clause
 * Picks the build of spectrum_kernel.c for the ISA level. No arithmetic here. */
#include "spectrum_kernel.h"

void laplacian_product(IsaLevel level, const RowRange *rows, const double *x, double *y)
{
  static void (*const kernel[])(const RowRange *, const double *, double *) = {
      [ISA_BASE] = laplacian_product_base, [ISA_V3] = laplacian_product_v3, [ISA_V4] = laplacian_product_v4};
  kernel[level](rows, x, y);
}

void chebyshev_step(IsaLevel level, const RowRange *rows, double scale, double factor, const double *x, const double *previous,
                    double *next, double *square, double *cross)
{
  static void (*const kernel[])(const RowRange *, double, double, const double *, const double *, double *, double *,
                                double *) = {[ISA_BASE] = chebyshev_step_base, [ISA_V3] = chebyshev_step_v3, [ISA_V4] = chebyshev_step_v4};
  kernel[level](rows, scale, factor, x, previous, next, square, cross);
}

void block_dots(IsaLevel level, int64_t rows, int na, const double *a, int nb, const double *b, double *out)
{
  static void (*const kernel[])(int64_t, int, const double *, int, const double *,
                                double *) = {[ISA_BASE] = block_dots_base, [ISA_V3] = block_dots_v3, [ISA_V4] = block_dots_v4};
  kernel[level](rows, na, a, nb, b, out);
}

void block_add(IsaLevel level, int64_t rows, int na, const double *a, int nb, int ldc, double sign, const double *c, double *out)
{
  static void (*const kernel[])(int64_t, int, const double *, int, int, double, const double *,
                                double *) = {[ISA_BASE] = block_add_base, [ISA_V3] = block_add_v3, [ISA_V4] = block_add_v4};
  kernel[level](rows, na, a, nb, ldc, sign, c, out);
}
