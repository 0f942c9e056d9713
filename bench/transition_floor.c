/* SPDX-License-Identifier: BSD-2-Clause
 * One exponential and one division a number on lanes and nothing else, as the floor of bench_transition beside words_floor.c; compiled like
 * the kernels. */
#include "transition_floor.h"

#include "kernel.h"
#include "vector_math.h"

float KERNEL(logistic)(int n, const float *x)
{
  Vf total[4] = {{0}}, part[VF_PARTS] = {{0}};
  for (int i = 0; i < n; i += 4 * VF_LANES)
#pragma GCC unroll 4
    for (int u = 0; u < 4; u++) {
      const Vf e = vf_exp(vf_load(x + i + u * VF_LANES));
      total[u]   = total[u] + vf_splat(1.0f) / (vf_splat(1.0f) + e);
    }
  part[0] = (total[0] + total[1]) + (total[2] + total[3]);
  return vf_sum16(part);
}
