/* SPDX-License-Identifier: BSD-2-Clause
 * The vector kernels of the sketch, compiled once per ISA level: sixteen right-hand sides at once, stored [vertex][16] in float32, which
 * is one cache line a vertex. Every build gives the same bits. Arrays of vectors are 64-byte aligned. */
#ifndef MYOPIA_SKETCH_KERNEL_H
#define MYOPIA_SKETCH_KERNEL_H

#include <stdint.h>

#include "isa.h"

/* Blocks of one Philox word: 8 * 16 = 128 projections. Blocks whose squares are added in float32 before they join a float64 sum: 4. */
enum { SKETCH_LANES = 16, SKETCH_BLOCKS_MAX = 8, SKETCH_QUAD = 4 };

/* Rows of a weighted Laplacian, both directions of every edge. Columns are local numbers; those of a row that make up the edges this row
 * answers for (each edge has one such end) stand last: upper_start[i + 1] - upper_start[i] of them. */
typedef struct SketchRows {
  int64_t  n;              /* rows */
  int64_t  n_columns;      /* >= n: rows and ghosts */
  int64_t *start;          /* (n + 1) */
  int64_t *upper_start;    /* (n + 1) */
  int32_t *column;         /* (start[n]) */
  float   *weight;         /* (start[n]); NULL: all 1 */
  double  *degree;         /* (n_columns) weighted */
  float   *inverse_degree; /* (n); 0 at an isolated vertex */
  int32_t *number;         /* (upper_start[n]) what an edge's signs are keyed by; NULL: first_number + position */
  int64_t  first_number;
} SketchRows;

/* q = L p on all rows; dot[l] = p_l . q_l. */
typedef void SketchMultiply(const SketchRows *, const float *p, float *q, double dot[SKETCH_LANES]);
/* x += alpha p, r -= alpha q; rho[l] = r_l . D^-1 r_l. */
typedef void SketchAdvance(const SketchRows *, const float alpha[SKETCH_LANES], const float *p, const float *q, float *x, float *r,
                           double rho[SKETCH_LANES]);
/* p = D^-1 r + beta p. */
typedef void SketchDirection(const SketchRows *, const float beta[SKETCH_LANES], const float *r, float *p);
/* r = b - L x, products and sums in float64; rho[l] = r_l . D^-1 r_l, size[l] = b_l . D^-1 b_l. */
typedef void SketchResidual(const SketchRows *, const float *b, const float *x, float *r, double rho[SKETCH_LANES],
                            double size[SKETCH_LANES]);
/* Adds B^T W^1/2 y of the rows' own edges to b[0 .. n_blocks), each (n_columns, 16). Sign of edge e in projection j: bit j % 128 of Philox
 * block (e, j / 128); block k holds projections 16 (first_block + k) + l; blocks of one call share j / 128; NULL: not this block. */
typedef void SketchSigns(const SketchRows *, uint64_t key, int64_t first_block, int n_blocks, float *const *b);
/* For the own edges of rows [first, last): sum (one an edge) += sum over projections of w (z_u - z_v)^2, square += of its square, four
 * blocks at a time, so groups of blocks must start at a multiple of four; projection[16 k + l] += sum over edges. */
typedef void SketchEdges(const SketchRows *, int64_t first, int64_t last, int n_blocks, const float *const *z, double *sum, double *square,
                         double *projection);

typedef struct SketchKernels {
  SketchMultiply  *multiply;
  SketchAdvance   *advance;
  SketchDirection *direction;
  SketchResidual  *residual;
  SketchSigns     *signs;
  SketchEdges     *edges;
} SketchKernels;

extern const SketchKernels sketch_kernels_base, sketch_kernels_v3, sketch_kernels_v4;
const SketchKernels       *sketch_kernels(IsaLevel);

#endif
