/* SPDX-License-Identifier: BSD-2-Clause
 * Products of the graph transformer: rows of activations with weights, and outer products summed over rows. The doors of
 * transformer_product_kernel.c. A sum runs over its terms in order, one rounding each, whatever the tile. */
#ifndef MYOPIA_TRANSFORMER_PRODUCT_H
#define MYOPIA_TRANSFORMER_PRODUCT_H

#include <stdint.h>

typedef enum { PRODUCT_STORE = 0, PRODUCT_RELU, PRODUCT_ADD, PRODUCT_WHERE } ProductEnd;

/* c[r] = end(start[r] + sum_k a[r][k] b[k]); a rows of a_stride, b (terms, columns), c (rows, columns), columns a multiple of 16. start:
 * rows of start_stride (0: the same for all), NULL for 0. ADD: plus other[r]; WHERE: 0 unless other[r] > 0; other (rows, columns). */
typedef struct Product {
  int          rows, terms, columns;
  const float *a;
  int64_t      a_stride;
  const float *b, *start;
  int64_t      start_stride;
  ProductEnd   end;
  const float *other;
  float       *c;
} Product;

/* d[o] += sum_r a[r][o] x[r], o < outs: a rows of a_stride, x (rows, columns), d (outs, columns), columns a multiple of 16. */
typedef struct Outer {
  int          rows, outs, columns;
  const float *a;
  int64_t      a_stride;
  const float *x;
  float       *d;
} Outer;

#define PRODUCT_DOORS(level)                                                                                                               \
  void transformer_product_##level(const Product *);                                                                                       \
  void transformer_outer_##level(const Outer *);
PRODUCT_DOORS(base)
PRODUCT_DOORS(v3)
PRODUCT_DOORS(v4)

#endif
