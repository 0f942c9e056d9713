/* SPDX-License-Identifier: BSD-2-Clause
 * A term of the graph transformer's floor: exponentials of values in L1, one function per ISA level. */
#ifndef MYOPIA_TRANSFORMER_FLOOR_H
#define MYOPIA_TRANSFORMER_FLOOR_H

/* e^x of EXP_FLOOR_VALUES values into out. */
enum { EXP_FLOOR_VALUES = 1024 };
void transformer_exp_floor_base(const float *x, float *out);
void transformer_exp_floor_v3(const float *x, float *out);
void transformer_exp_floor_v4(const float *x, float *out);

#endif
