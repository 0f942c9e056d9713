/* SPDX-License-Identifier: BSD-2-Clause
 * Picks the build of sketch_kernel.c for an ISA level. No arithmetic here. */
#include "sketch_kernel.h"

const SketchKernels *sketch_kernels(IsaLevel level)
{
  static const SketchKernels *const table[] = {
      [ISA_BASE] = &sketch_kernels_base, [ISA_V3] = &sketch_kernels_v3, [ISA_V4] = &sketch_kernels_v4};
  return table[level];
}
