/* SPDX-License-Identifier: BSD-2-Clause
 * The doors of one_logit_kernel.c, one per ISA level. */
#ifndef MYOPIA_ONE_LOGIT_KERNEL_H
#define MYOPIA_ONE_LOGIT_KERNEL_H

#include "one_logit_law.h"

/* Steps [first, last) of the first n lanes (rounded up to what runs at once; keys of empty lanes are 0). tail: add to p_tail_sum too. */
void one_logit_steps_base(const OneLogitLaw *, OneLogitLanes *, int n, int64_t first, int64_t last, bool tail);
void one_logit_steps_v3(const OneLogitLaw *, OneLogitLanes *, int n, int64_t first, int64_t last, bool tail);
void one_logit_steps_v4(const OneLogitLaw *, OneLogitLanes *, int n, int64_t first, int64_t last, bool tail);

#endif
