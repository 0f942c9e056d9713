/* SPDX-License-Identifier: BSD-2-Clause
 * The vector functions as calls on arrays, compiled once per ISA level like the kernels. */
#include "vector_kernel.h"

#include "kernel.h"
#include "vector.h"
#include "vector_math.h"
#include "vector_rng.h"

static Vf apply(VectorOp op, Vf a, Vf b, Vf c)
{
  Vf first = a, second = a;
  switch (op) {
  case OP_EXP: return vf_exp(a);
  case OP_EXPM1: return vf_expm1(a);
  case OP_LOG: return vf_log(a);
  case OP_SIN_PI:
  case OP_COS_PI: vf_sincospi(a, &first, &second); return op == OP_SIN_PI ? first : second;
  case OP_SIN_OCTANT:
  case OP_COS_OCTANT: vf_sincos_octant(1, &a, &first, &second); return op == OP_SIN_OCTANT ? first : second;
  case OP_VP_SIGNAL:
  case OP_VP_NOISE_SQUARE: vf_vp(a, &first, &second); return op == OP_VP_SIGNAL ? first : second;
  case OP_FMA: return vf_fma(a, b, c);
  case OP_MAX: return vf_max(a, b);
  case OP_MIN: return vf_min(a, b);
  case OP_SQRT: return vf_sqrt(a);
  case OP_COUNT: break;
  }
  return a;
}

void KERNEL(vector_apply)(VectorOp op, int n, const float *a, const float *b, const float *c, float *out)
{
  for (int i = 0; i < n; i += VF_LANES) vf_store(out + i, apply(op, vf_load(a + i), vf_load(b + i), vf_load(c + i)));
}

float KERNEL(vector_sum)(const float x[16])
{
  Vf part[VF_PARTS];
  for (int p = 0; p < VF_PARTS; p++) part[p] = vf_load(x + p * VF_LANES);
  return vf_sum16(part);
}

static void store(int part, const Vu word[4], uint32_t out[64])
{
  for (int w = 0; w < 4; w++) memcpy(out + 16 * w + part * VF_LANES, &word[w], sizeof word[w]);
}

void KERNEL(vector_blocks)(uint64_t key, uint64_t first, uint32_t draw, uint32_t purpose, uint32_t out[3][64])
{
  VrKey   one;
  VrGroup group[3] = {{first, draw, purpose}, {first + 1, draw, ~purpose}, {~first, ~draw, purpose}};
  vr_key(key, &one);
  vr_words(&one, 3, group, out);
}

void KERNEL(vector_keys)(const uint64_t key[16], uint64_t index, uint32_t draw, uint32_t purpose, uint32_t out[64])
{
  for (int part = 0; part < VF_PARTS; part++) {
    VrKeys keys;
    Vu     word[4];
    vr_keys(key + part * VF_LANES, &keys);
    vr_keyed_block(&keys, index, draw, purpose, word);
    store(part, word, out);
  }
}
