/* SPDX-License-Identifier: BSD-2-Clause
 * What noise and a reverse step cannot do without, one door per ISA level. */
#ifndef MYOPIA_TRANSITION_FLOOR_H
#define MYOPIA_TRANSITION_FLOOR_H

#include <stdint.h>

/* Sum of exponentials and reciprocals 1 / (1 + e^x) of n numbers, a multiple of 64. */
float logistic_floor_base(int n, const float *x);
float logistic_floor_v3(int n, const float *x);
float logistic_floor_v4(int n, const float *x);

#endif
