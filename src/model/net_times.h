/* SPDX-License-Identifier: BSD-2-Clause
 * Time features on vectors. Include in kernel sources alone. */
#ifndef MYOPIA_NET_TIMES_H
#define MYOPIA_NET_TIMES_H

#include "net_activation.h"
#include "net_plan.h"

/* Features of 16 groups times: row f at feature[f * stride]. */
static inline void time_rows(const NetSpec *s, int groups, const float *t, int64_t stride, float *feature)
{
  for (int at = 0; at < groups * 16; at += VF_LANES) {
    const Vf x = vf_load(t + at);
    if (s->time == TIME_PLAIN) vf_store(feature + at, x);
    if (s->time == TIME_LOG) vf_store(feature + at, net_log(x));
    float factor = 1;
    for (int k = 0; s->time == TIME_FOURIER && k < s->fourier; k++) {
      Vf sine, cosine;
      net_sine_cosine(x * factor, &sine, &cosine);
      vf_store(feature + k * stride + at, sine);
      vf_store(feature + (s->fourier + k) * stride + at, cosine);
      factor *= 2;
    }
  }
}

/* The same of n times, 1 (where every feature is finite) behind them up to the next 16. */
static inline void time_block(const NetSpec *s, int n, const float *t, float *feature)
{
  float     x[NET_BLOCK];
  const int groups = (n + 15) / 16;
  for (int i = 0; i < groups * 16; i++) x[i] = i < n ? t[i] : 1;
  time_rows(s, groups, x, NET_BLOCK, feature);
}

#endif
