/* SPDX-License-Identifier: BSD-2-Clause
 * lambda2 of eight graphs at once: picks the build of lambda2_kernel.c for the ISA level. No arithmetic here. */
#include "spectrum.h"

#include "lambda2_kernel.h"

void lambda2_lanes(IsaLevel level, int n, const uint64_t *adjacency, double lambda2[LAMBDA2_LANES])
{
  static void (*const kernel[])(int, const uint64_t *,
                                double *) = {[ISA_BASE] = lambda2_kernel_base, [ISA_V3] = lambda2_kernel_v3, [ISA_V4] = lambda2_kernel_v4};
  kernel[level](n, adjacency, lambda2);
}
