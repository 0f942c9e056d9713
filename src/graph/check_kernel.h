/* SPDX-License-Identifier: BSD-2-Clause
 * The builds of check_kernel.c, one an ISA level; used by resistance_check.c alone. */
#ifndef MYOPIA_CHECK_KERNEL_H
#define MYOPIA_CHECK_KERNEL_H

#include <stdint.h>

enum { CHECK_LANES = 8 };

/* q = L p for eight vectors (n, 8), rows column[start[i] .. start[i + 1]), weight NULL: all 1; dot[l] = p_l . q_l. */
typedef void         CheckMultiply(int64_t n, const int64_t *start, const int32_t *column, const double *weight, const double *p, double *q,
                                   double dot[CHECK_LANES]);
extern CheckMultiply check_multiply_base, check_multiply_v3, check_multiply_v4;

#endif
