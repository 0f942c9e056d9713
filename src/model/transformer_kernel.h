/* SPDX-License-Identifier: BSD-2-Clause
 * Doors between the kernel sources of the graph transformer, one set per ISA level. */
#ifndef MYOPIA_TRANSFORMER_KERNEL_H
#define MYOPIA_TRANSFORMER_KERNEL_H

#include "transformer_plan.h"

/* What an input row is made of: the columns `hot` (two a row, -1: none; -2: the row is all zeros) and `features` from column `at` on. */
typedef struct InputRows {
  int          rows;
  const int   *hot;
  const float *features;
  int          count, at;
} InputRows;

#define TRANSFORMER_DOORS(level)                                                                                                           \
  void   transformer_forward_##level(Transformer *, const DenoiserGraph *, bool keep);                                                     \
  double transformer_gradient_##level(Transformer *, const DenoiserGraph *, const DenoiserTarget *, float scale);                          \
  void   transformer_finish_##level(Transformer *);                                                                                        \
  void   transformer_inputs_##level(Transformer *, const DenoiserGraph *);                                                                 \
  void   transformer_inputs_back_##level(Transformer *, const DenoiserGraph *);                                                            \
  void   transformer_heads_##level(Transformer *, const DenoiserGraph *);                                                                  \
  double transformer_heads_back_##level(Transformer *, const DenoiserTarget *, float scale);
TRANSFORMER_DOORS(base)
TRANSFORMER_DOORS(v3)
TRANSFORMER_DOORS(v4)

#endif
