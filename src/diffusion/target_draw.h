/* SPDX-License-Identifier: BSD-2-Clause
 * Variates of data laws by IEEE arithmetic alone, so that their bits do not depend on libm: standard normals by Marsaglia's polar method
 * (SIAM Review 6 (1964) 260), points of the circle by exact reduction to an eighth of a turn, and quantiles of the law 1 + e cos. */
#ifndef MYOPIA_TARGET_DRAW_H
#define MYOPIA_TARGET_DRAW_H

#include <math.h>

#include "rng.h"

/* Two independent standard normals. */
static inline void draw_normals(Rng *r, double z[2])
{
  double u, v, q;
  do {
    u = 2 * rng_uniform(r) - 1;
    v = 2 * rng_uniform(r) - 1;
    q = u * u + v * v;
  } while (q >= 1 || q < 0x1p-100);
  const double factor = sqrt(-2 * rng_log(q) / q);
  z[0]                = u * factor;
  z[1]                = v * factor;
}

/* Cosine and sine of u turns, |u| <= 1: Taylor series on an eighth of a turn to either side, error below 2 ulp of 1. */
static inline void draw_turn(double u, double *cosine, double *sine)
{
  const double quarter = rint(4 * u), angle = (u - quarter / 4) * (2 * M_PI), q = angle * angle;
  double       c = 1, s = 1;
  for (int k = 18; k >= 2; k -= 2) {
    c = 1 - c * q / ((double)k * (k - 1));
    s = 1 - s * q / ((double)k * (k + 1));
  }
  s *= angle;
  switch ((int)quarter & 3) {
  case 0: *cosine = c, *sine = s; break;
  case 1: *cosine = -s, *sine = c; break;
  case 2: *cosine = -c, *sine = -s; break;
  default: *cosine = s, *sine = -c; break;
  }
}

/* Turns w in (-1/2, 1/2] with w + e sin(2 pi w) / (2 pi) = u (or u - 1), 0 < u < 1, 0 <= e < 1: the quantile of the density 1 + e cos(2 pi
 * w). Newton, kept inside the bracket that the signs leave. */
static inline double draw_tilted(double u, double e)
{
  const double aim = u > 0.5 ? u - 1 : u;
  double       low = -0.5, high = 0.5, w = aim / (1 + e);
  for (int i = 0; i < 60; i++) {
    double c, s;
    draw_turn(w, &c, &s);
    const double g = w + e * s / (2 * M_PI) - aim;
    if (g > 0)
      high = w;
    else
      low = w;
    double next = w - g / (1 + e * c);
    if (!(next >= low && next <= high)) next = (low + high) / 2;
    if (fabs(next - w) <= 0x1p-52) return next;
    w = next;
  }
  return w;
}

/* The distribution function of the same law at an angle, in [0, 1). */
static inline double draw_tilted_level(double angle, double e)
{
  const double u = (angle + e * sin(angle)) / (2 * M_PI), wrapped = u - floor(u);
  return wrapped < 1 ? wrapped : 0;
}

#endif
