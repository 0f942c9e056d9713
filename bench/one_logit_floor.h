/* SPDX-License-Identifier: BSD-2-Clause
 * The doors of one_logit_floor.c, one set per ISA level. */
#ifndef MYOPIA_ONE_LOGIT_FLOOR_H
#define MYOPIA_ONE_LOGIT_FLOOR_H

#include <stdint.h>

#include "model/one_logit_law.h"

#define FLOOR_DOORS(level)                                                                                                                 \
  void     one_logit_steps_##level(const OneLogitLaw *, OneLogitLanes *, int n, int64_t first, int64_t last, bool tail);                   \
  uint32_t floor_philox_##level(int64_t blocks);                                                                                           \
  float    floor_sigmoid_##level(int64_t n);                                                                                               \
  int      floor_group_##level(void); /* seeds side by side */
FLOOR_DOORS(floor_base)
FLOOR_DOORS(floor_v3)
FLOOR_DOORS(floor_v4)

#endif
