/* SPDX-License-Identifier: BSD-2-Clause
 * Eight graphs at once: picks the builds of lambda2_kernel.c and normalised_kernel.c for the ISA level. No arithmetic here. */
#include "spectrum.h"

#include "lambda2_kernel.h"
#include "normalised_kernel.h"

void lambda2_lanes(IsaLevel level, int n, const uint64_t *adjacency, double lambda2[LAMBDA2_LANES])
{
  static void (*const kernel[])(int, const uint64_t *,
                                double *) = {[ISA_BASE] = lambda2_kernel_base, [ISA_V3] = lambda2_kernel_v3, [ISA_V4] = lambda2_kernel_v4};
  kernel[level](n, adjacency, lambda2);
}

void normalised_counts_lanes(IsaLevel level, int n, const uint64_t *adjacency, int m, const double *shift, uint8_t *below)
{
  static NormalisedKernel *const kernel[] = {
      [ISA_BASE] = normalised_kernel_base, [ISA_V3] = normalised_kernel_v3, [ISA_V4] = normalised_kernel_v4};
  kernel[level](n, adjacency, m, shift, below);
}
