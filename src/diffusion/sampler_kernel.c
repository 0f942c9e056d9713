/* SPDX-License-Identifier: BSD-2-Clause
 * The state update of every sampler, a linear combination of state, output and noise, and the noise of a block of particles for several
 * components and steps side by side; lane = particle. It evaluates no network. */
#include "sampler_kernel.h"

#include "kernel.h"
#include "rng.h"
#include "vector.h"
#include "vector_rng.h"

_Static_assert((int)SAMPLER_GROUP == (int)VR_GROUP && (int)SAMPLER_ROWS == (int)VR_CHAINS, "rows are groups of normals");

VF_INLINE void combine(int terms, const float *c, const float *const *v, int count, float *out)
{
  Vf factor[SAMPLER_TERMS_MAX];
  for (int k = 0; k < terms; k++) factor[k] = vf_splat(c[k]);
  for (int i = 0; i < count; i += VF_LANES) {
    Vf sum = factor[0] * vf_load(v[0] + i);
    for (int k = 1; k < terms; k++) sum = vf_fma(factor[k], vf_load(v[k] + i), sum);
    vf_store(out + i, sum);
  }
}

void KERNEL(sampler_combine)(int terms, const float *c, const float *const *v, int count, float *out)
{
  switch (terms) {
  case 2: combine(2, c, v, count, out); break;
  case 3: combine(3, c, v, count, out); break;
  default: combine(4, c, v, count, out); break;
  }
}

void KERNEL(sampler_normals)(uint64_t key, uint64_t group, uint32_t draw, int rows, float *out)
{
  VrKey keys;
  vr_key(key, &keys);
  for (int r = 0; r < rows; r += VR_CHAINS) {
    VrGroup  groups[VR_CHAINS];
    uint32_t word[VR_CHAINS][VR_GROUP];
    for (int i = 0; i < VR_CHAINS; i++) groups[i] = (VrGroup){group, draw + (uint32_t)(r + i), RNG_SAMPLER};
    vr_many_words(&keys, VR_CHAINS, groups, word);
    vr_many_normals(VR_CHAINS, (const uint32_t(*)[VR_GROUP])word, (float(*)[VR_GROUP])(out + r * VR_GROUP));
  }
}
