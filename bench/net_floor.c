/* SPDX-License-Identifier: BSD-2-Clause
 * The nets' floor: as many independent multiply-adds as the registers hold, and tanh on values in L1. Compiled once per ISA level. */
#include "net_floor.h"

#include "kernel.h"
#include "net_activation.h"

enum { CHAINS = VF_LANES == 16 ? 16 : 12 };

float KERNEL(net_peak)(int64_t repeats)
{
  Vf sum[CHAINS];
  Vf a = vf_splat(0.999f), b = vf_splat(1e-3f);
  __asm__("" : "+m"(a), "+m"(b));
  const Vf factor = a, term = b;
  for (int i = 0; i < CHAINS; i++) sum[i] = (Vf){0};
  const int64_t steps = repeats * NET_FLOOR_CHAINS * VF_PARTS / CHAINS;
  for (int64_t r = 0; r < steps; r++) {
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++) sum[i] = vf_fma(sum[i], factor, term);
  }
  for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];
  return sum[0][0];
}

void KERNEL(net_tanh)(float *x) { net_tanh_row(NET_FLOOR_VALUES / VF_LANES, VF_LANES, x); }
