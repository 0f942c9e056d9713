/* SPDX-License-Identifier: BSD-2-Clause
 * Products of a layer on a block of samples, lane = sample: tiles of units x vectors of samples stay in registers, weights are broadcast
 * from where they are, and bias, ReLU or the activation's derivative go along with the store. A sum runs over its terms in order, from the
 * bias, whatever the tile. Include in kernel sources alone. */
#ifndef MYOPIA_NET_TILE_H
#define MYOPIA_NET_TILE_H

#include "net_activation.h"
#include "net_plan.h"

/* What fits into 32, 16 and 16 registers beside the operands; base emulates its multiply-adds. */
enum {
  TILE_ROWS    = VF_LANES == 4 ? 2 : 6,
  TILE_VECTORS = VF_LANES == 16  ? 4
                 : VF_LANES == 8 ? 2
                                 : 1,
};

typedef enum { END_LINEAR = 0, END_RELU, END_CHAIN_RELU, END_CHAIN_TANH, END_CHAIN_SLOPE } ProductEnd;

/* z[r] = end(bias[r] + sum_k w[r * row + k * term] a[k]), a[k] and z[r] rows of samples, z's NET_BLOCK apart. END_CHAIN_x: no bias; the
 * sum times the derivative that follows from the value of z before, or from slope. */
typedef struct Product {
  int          rows, terms;
  const float *w;
  int64_t      row, term;
  const float *bias, *a;
  int64_t      a_stride;
  float       *z;
  const float *slope;
} Product;

VF_INLINE Vf product_end(const ProductEnd end, Vf sum, const float *z, const float *slope)
{
  switch (end) {
  case END_LINEAR: return sum;
  case END_RELU: return net_relu(sum);
  case END_CHAIN_RELU: return net_chain(ACTIVATION_RELU, vf_load(z), sum, sum);
  case END_CHAIN_TANH: return net_chain(ACTIVATION_TANH, vf_load(z), sum, sum);
  case END_CHAIN_SLOPE: return vf_load(slope) * sum;
  }
  return sum;
}

VF_INLINE void product_tile(const Product *p, int first, int at, const int rows, const int vectors, const ProductEnd end)
{
  const float  *w = p->w + first * p->row, *a = p->a + at;
  const int64_t row = p->row, term = p->term, a_stride = p->a_stride;
  Vf            sum[TILE_ROWS][TILE_VECTORS];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++) sum[r][v] =
      end <= END_RELU ? vf_splat(p->bias[first + r]) : vf_splat(0);
  for (int k = 0; k < p->terms; k++) {
    Vf x[TILE_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) x[v] = vf_load(a + v * VF_LANES);
    UNROLL for (int r = 0; r < rows; r++)
    {
      const Vf c                                         = vf_splat(w[r * row]);
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = vf_fma(c, x[v], sum[r][v]);
    }
    w += term;
    a += a_stride;
  }
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++)
  {
    const int64_t to = (int64_t)(first + r) * NET_BLOCK + at + v * VF_LANES;
    vf_store(p->z + to, product_end(end, sum[r][v], p->z + to, p->slope + to));
  }
}

VF_INLINE void product_rows(const Product *p, int first, int at, int rows, const int vectors, const ProductEnd end)
{
  switch (rows) {
#define CASE(n)                                                                                                                            \
  case n:                                                                                                                                  \
    if (n <= TILE_ROWS) product_tile(p, first, at, n, vectors, end);                                                                       \
    break;
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#undef CASE
  }
}

/* Rows in tiles of nearly the same size. */
VF_INLINE void product_column(const Product *p, int at, const int vectors, const ProductEnd end)
{
  const int tiles = (p->rows + TILE_ROWS - 1) / TILE_ROWS, size = p->rows / tiles, larger = p->rows % tiles;
  for (int k = 0, first = 0; k < tiles; k++) {
    const int rows = size + (k < larger);
    product_rows(p, first, at, rows, vectors, end);
    first += rows;
  }
}

VF_INLINE void product(const Product *p, int groups, const ProductEnd end)
{
  int at = 0;
  for (; at + TILE_VECTORS * VF_LANES <= groups * 16; at += TILE_VECTORS * VF_LANES) product_column(p, at, TILE_VECTORS, end);
  if ((int)TILE_VECTORS > (int)VF_PARTS)
    for (; at < groups * 16; at += VF_LANES) product_column(p, at, 1, end);
}

#endif
