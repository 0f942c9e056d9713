/* SPDX-License-Identifier: BSD-2-Clause
 * The doors of pair_kernel.c and nearest_kernel.c, one per ISA level. Clouds are packed (cloud.h). */
#ifndef MYOPIA_METRICS_PAIR_KERNEL_H
#define MYOPIA_METRICS_PAIR_KERNEL_H

#include "cloud.h"

/* Sum over all pairs (y NULL: over i < j of x) of |x_i - y_j|. */
typedef double PairDistances(const PackedCloud *x, const PackedCloud *y);
/* ... of sum over h of exp(rate[h] |x_i - y_j|^2). */
typedef double PairGaussians(const PackedCloud *x, const PackedCloud *y, int n_h, const float *rate);
/* Smallest and second smallest |x_i - y_j|^2 over j; infinity where there is none. State (n rounded up to 8, 2, 16) is scratch. */
typedef void PairNearest(const PackedCloud *x, const PackedCloud *y, float *state, float *first, float *second);

PairDistances pair_distances_base, pair_distances_v3, pair_distances_v4;
PairGaussians pair_gaussians_base, pair_gaussians_v3, pair_gaussians_v4;
PairNearest   pair_nearest_base, pair_nearest_v3, pair_nearest_v4;

#endif
