/* SPDX-License-Identifier: BSD-2-Clause
 * Exponentials as the softmax of the graph transformer takes them, four vectors side by side. Compiled once per ISA level. */
#include "transformer_floor.h"

#include "kernel.h"
#include "vector_math.h"

void KERNEL(transformer_exp)(const float *x, float *out)
{
  for (int k = 0; k < EXP_FLOOR_VALUES; k += 4 * VF_LANES)
    for (int i = 0; i < 4; i++) {
      const VfExp e     = vf_exp_parts(vf_max(vf_splat(-87.0f), vf_load(x + k + i * VF_LANES)));
      const Vf    scale = (Vf)((e.n + 127) << 23);
      vf_store(out + k + i * VF_LANES, vf_fma(e.p, scale, scale));
    }
}
