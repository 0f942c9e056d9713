/* SPDX-License-Identifier: BSD-2-Clause
 * The terms of the nets' floor, one set per ISA level: multiply-adds at the peak, and activations. */
#ifndef MYOPIA_NET_FLOOR_H
#define MYOPIA_NET_FLOOR_H

#include <stdint.h>

/* `repeats` times NET_FLOOR_CHAINS independent multiply-adds of 16 lanes; the value is of no use. */
enum { NET_FLOOR_CHAINS = 16, NET_FLOOR_VALUES = 1024 };
float net_peak_floor_base(int64_t repeats);
float net_peak_floor_v3(int64_t repeats);
float net_peak_floor_v4(int64_t repeats);
/* tanh of NET_FLOOR_VALUES values in place. */
void net_tanh_floor_base(float *x);
void net_tanh_floor_v3(float *x);
void net_tanh_floor_v4(float *x);

#endif
