/* SPDX-License-Identifier: BSD-2-Clause
 * Products of transformer_product.h in register tiles: rows x vectors of columns, a row's factor broadcast, a term's vectors loaded. Tiles
 * of four vectors where columns allow it, then two, then one; rows are cut into tiles of nearly the same height. */
#include "transformer_product.h"

#include "kernel.h"
#include "net_activation.h"

/* Height and width of tiles: what fits into 32 registers on v4, 16 below. base emulates its multiply-adds and gains nothing. */
enum {
  HEIGHT_WIDE   = VF_LANES == 16  ? 6
                  : VF_LANES == 8 ? 6
                                  : 2,
  HEIGHT_MIDDLE = VF_LANES == 16 ? 12 : 2,
  HEIGHT_NARROW = VF_LANES == 16 ? 12 : 2,
  WIDE          = VF_LANES == 16  ? 4
                  : VF_LANES == 8 ? 2
                                  : 4, /* vectors */
  MIDDLE        = VF_LANES == 16 ? 2 : 0,
  NARROW        = VF_LANES == 16 ? 1 : 0,
  HEIGHT_MAX    = 12
};

VF_INLINE Vf end_of(ProductEnd end, Vf sum, const float *other)
{
  switch (end) {
  case PRODUCT_STORE: return sum;
  case PRODUCT_RELU: return net_relu(sum);
  case PRODUCT_ADD: return vf_load(other) + sum;
  case PRODUCT_WHERE: return net_where_positive(vf_load(other), sum);
  }
  return sum;
}

VF_INLINE void product_tile(const Product *p, int first, int at, const int height, const int width)
{
  const float  *a = p->a + first * p->a_stride, *b = p->b + at;
  const int64_t a_stride = p->a_stride, columns = p->columns;
  const int     terms = p->terms;
  Vf            sum[HEIGHT_MAX][4];
  UNROLL for (int r = 0; r < height; r++) UNROLL for (int v = 0; v < width; v++) sum[r][v] =
      p->start ? vf_load(p->start + (first + r) * p->start_stride + at + v * VF_LANES) : (Vf){0};
  for (int k = 0; k < terms; k++) {
    Vf y[4];
    UNROLL for (int v = 0; v < width; v++) y[v] = vf_load(b + v * VF_LANES);
    UNROLL for (int r = 0; r < height; r++)
    {
      const Vf x                                       = vf_splat(a[r * a_stride + k]);
      UNROLL for (int v = 0; v < width; v++) sum[r][v] = vf_fma(x, y[v], sum[r][v]);
    }
    b += columns;
  }
  float       *c     = p->c + first * columns + at;
  const float *other = p->other ? p->other + first * columns + at : c; /* not read then */
  switch (p->end) {
#define CASE(kind)                                                                                                                         \
  case kind:                                                                                                                               \
    UNROLL for (int r = 0; r < height; r++) UNROLL for (int v = 0; v < width; v++)                                                         \
        vf_store(c + r * columns + v * VF_LANES, end_of(kind, sum[r][v], other + r * columns + v * VF_LANES));                             \
    break;
    CASE(PRODUCT_STORE) CASE(PRODUCT_RELU) CASE(PRODUCT_ADD) CASE(PRODUCT_WHERE)
#undef CASE
  }
}

VF_INLINE void outer_tile(const Outer *p, int first, int at, const int height, const int width)
{
  const float  *a = p->a + first, *x = p->x + at;
  const int64_t a_stride = p->a_stride, columns = p->columns;
  const int     rows = p->rows;
  float        *d    = p->d + first * columns + at;
  Vf            sum[HEIGHT_MAX][4];
  UNROLL for (int o = 0; o < height; o++) UNROLL for (int v = 0; v < width; v++) sum[o][v] = vf_load(d + o * columns + v * VF_LANES);
  for (int r = 0; r < rows; r++) {
    Vf y[4];
    UNROLL for (int v = 0; v < width; v++) y[v] = vf_load(x + v * VF_LANES);
    UNROLL for (int o = 0; o < height; o++)
    {
      const Vf f                                       = vf_splat(a[o]);
      UNROLL for (int v = 0; v < width; v++) sum[o][v] = vf_fma(f, y[v], sum[o][v]);
    }
    a += a_stride;
    x += columns;
  }
  UNROLL for (int o = 0; o < height; o++) UNROLL for (int v = 0; v < width; v++) vf_store(d + o * columns + v * VF_LANES, sum[o][v]);
}

/* A height is a constant of its tile. */
#define HEIGHTS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#define COLUMN(type, name, tile, limit, width)                                                                                             \
  static void name(const type *p, int all, int at)                                                                                         \
  {                                                                                                                                        \
    if ((int)(width) == 0) return;                                                                                                         \
    const int tiles = (all + limit - 1) / limit, size = all / tiles, larger = all % tiles;                                                 \
    for (int k = 0, first = 0; k < tiles; k++) {                                                                                           \
      const int height = size + (k < larger);                                                                                              \
      switch (height) {                                                                                                                    \
        HEIGHTS(tile)                                                                                                                      \
      }                                                                                                                                    \
      first += height;                                                                                                                     \
    }                                                                                                                                      \
  }
#define TILE(kind, limit, width, h)                                                                                                        \
  case h:                                                                                                                                  \
    if (h <= (int)(limit)) kind##_tile(p, first, at, h, width);                                                                            \
    break;
#define PRODUCT_WIDE(h) TILE(product, HEIGHT_WIDE, WIDE, h)
#define PRODUCT_MIDDLE(h) TILE(product, HEIGHT_MIDDLE, MIDDLE, h)
#define PRODUCT_NARROW(h) TILE(product, HEIGHT_NARROW, NARROW, h)
#define OUTER_WIDE(h) TILE(outer, HEIGHT_WIDE, WIDE, h)
#define OUTER_MIDDLE(h) TILE(outer, HEIGHT_MIDDLE, MIDDLE, h)
#define OUTER_NARROW(h) TILE(outer, HEIGHT_NARROW, NARROW, h)
COLUMN(Product, product_wide, PRODUCT_WIDE, HEIGHT_WIDE, WIDE)
COLUMN(Product, product_middle, PRODUCT_MIDDLE, HEIGHT_MIDDLE, MIDDLE)
COLUMN(Product, product_narrow, PRODUCT_NARROW, HEIGHT_NARROW, NARROW)
COLUMN(Outer, outer_wide, OUTER_WIDE, HEIGHT_WIDE, WIDE)
COLUMN(Outer, outer_middle, OUTER_MIDDLE, HEIGHT_MIDDLE, MIDDLE)
COLUMN(Outer, outer_narrow, OUTER_NARROW, HEIGHT_NARROW, NARROW)

void KERNEL(transformer_product)(const Product *p)
{
  int at = 0;
  if (p->rows <= 0) return;
  for (; at + WIDE * VF_LANES <= p->columns; at += WIDE * VF_LANES) product_wide(p, p->rows, at);
  for (; MIDDLE > 0 && at + MIDDLE * VF_LANES <= p->columns; at += MIDDLE * VF_LANES) product_middle(p, p->rows, at);
  for (; NARROW > 0 && at + NARROW * VF_LANES <= p->columns; at += NARROW * VF_LANES) product_narrow(p, p->rows, at);
}

void KERNEL(transformer_outer)(const Outer *p)
{
  int at = 0;
  if (p->rows <= 0) return;
  for (; at + WIDE * VF_LANES <= p->columns; at += WIDE * VF_LANES) outer_wide(p, p->outs, at);
  for (; MIDDLE > 0 && at + MIDDLE * VF_LANES <= p->columns; at += MIDDLE * VF_LANES) outer_middle(p, p->outs, at);
  for (; NARROW > 0 && at + NARROW * VF_LANES <= p->columns; at += NARROW * VF_LANES) outer_narrow(p, p->outs, at);
}
