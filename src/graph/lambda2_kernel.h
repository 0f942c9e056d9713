/* SPDX-License-Identifier: BSD-2-Clause
 * The builds of lambda2_kernel.c, one an ISA level. Contract: lambda2_lanes in spectrum.h, which picks one of them; nothing else calls
 * them. */
#ifndef MYOPIA_LAMBDA2_KERNEL_H
#define MYOPIA_LAMBDA2_KERNEL_H

#include <stdint.h>

void lambda2_kernel_base(int n, const uint64_t *adjacency, double *lambda2);
void lambda2_kernel_v3(int n, const uint64_t *adjacency, double *lambda2);
void lambda2_kernel_v4(int n, const uint64_t *adjacency, double *lambda2);

#endif
