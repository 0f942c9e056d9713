/* SPDX-License-Identifier: BSD-2-Clause
 * The builds of normalised_kernel.c, one an ISA level. Contract: normalised_counts_lanes in spectrum.h, which picks one of them. */
#ifndef MYOPIA_NORMALISED_KERNEL_H
#define MYOPIA_NORMALISED_KERNEL_H

#include <stdint.h>

typedef void     NormalisedKernel(int n, const uint64_t *adjacency, int m, const double *shift, uint8_t *below);
NormalisedKernel normalised_kernel_base, normalised_kernel_v3, normalised_kernel_v4;

#endif
