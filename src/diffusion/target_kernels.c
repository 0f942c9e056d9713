/* SPDX-License-Identifier: BSD-2-Clause
 * The table of the data laws' vector kernels, one row an ISA level. */
#include "target_kernel.h"

const TargetKernels *target_kernels(IsaLevel level)
{
#define ROW(l)                                                                                                                             \
  {                                                                                                                                        \
    target_project_##l, target_embed_##l, target_atoms_##l, target_sphere_##l, target_circle_##l, target_foot_##l, target_torus_##l,       \
        target_image_##l                                                                                                                   \
  }
  static const TargetKernels table[] = {[ISA_BASE] = ROW(base), [ISA_V3] = ROW(v3), [ISA_V4] = ROW(v4)};
#undef ROW
  return &table[level];
}
