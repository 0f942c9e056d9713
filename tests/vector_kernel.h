/* SPDX-License-Identifier: BSD-2-Clause
 * The vector functions as calls on arrays, one per ISA level, for test_vector.c. */
#ifndef MYOPIA_VECTOR_KERNEL_H
#define MYOPIA_VECTOR_KERNEL_H

#include <stdint.h>

typedef enum {
  OP_EXP = 0,
  OP_EXPM1,
  OP_LOG,
  OP_SIN_PI,
  OP_COS_PI,
  OP_SIN_OCTANT,
  OP_COS_OCTANT,
  OP_VP_SIGNAL,
  OP_VP_NOISE_SQUARE,
  OP_FMA,
  OP_MAX,
  OP_MIN,
  OP_SQRT,
  OP_COUNT
} VectorOp;

/* out[i] = op(a[i], b[i], c[i]), n a multiple of 16. */
typedef void VectorApply(VectorOp, int n, const float *a, const float *b, const float *c, float *out);
/* Of 16 numbers. */
typedef float VectorSum(const float x[16]);
/* Words of the groups (first, draw, purpose), (first + 1, draw, ~purpose) and (~first, ~draw, purpose); of 16 blocks of one index with a
 * key each: word w of block l at out[16 w + l]. */
typedef void VectorBlocks(uint64_t key, uint64_t first, uint32_t draw, uint32_t purpose, uint32_t out[3][64]);
typedef void VectorKeys(const uint64_t key[16], uint64_t index, uint32_t draw, uint32_t purpose, uint32_t out[64]);

VectorApply  vector_apply_base, vector_apply_v3, vector_apply_v4;
VectorSum    vector_sum_base, vector_sum_v3, vector_sum_v4;
VectorBlocks vector_blocks_base, vector_blocks_v3, vector_blocks_v4;
VectorKeys   vector_keys_base, vector_keys_v3, vector_keys_v4;

#endif
