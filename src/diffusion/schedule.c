/* SPDX-License-Identifier: BSD-2-Clause
 * Noise schedules (Ho et al. 2020; Nichol and Dhariwal 2021; Song et al. 2021) and time grids (Karras et al. 2022). */
#include "schedule.h"

#include <math.h>
#include <stddef.h>

const char *const schedule_names[]  = {"linear", "cosine", NULL};
const char *const time_grid_names[] = {"uniform", "exponential", "edm", NULL};

static const double beta_max = 0.999, cosine_offset = 0.008;

static double cosine_signal(int T, int t)
{
  const double c = cos(M_PI / 2 * ((double)t / T + cosine_offset) / (1 + cosine_offset));
  return c * c;
}

double schedule_beta(ScheduleKind kind, int T, int t)
{
  if (kind == SCHEDULE_COSINE) return fmin(beta_max, 1 - cosine_signal(T, t) / cosine_signal(T, t - 1));
  const double scale = 1000.0 / T, first = 1e-4 * scale, last = 0.02 * scale;
  return fmin(beta_max, T == 1 ? last : first + (last - first) * (t - 1) / (T - 1));
}

void schedule_fill(ScheduleKind kind, int T, double *beta, double *abar)
{
  abar[0] = 1;
  for (int t = 1; t <= T; t++) {
    const double b = schedule_beta(kind, T, t);
    abar[t]        = abar[t - 1] * (1 - b);
    if (beta) beta[t] = b;
  }
}

double vp_signal(double t) { return exp(-t / 2); }
double vp_noise(double t) { return sqrt(-expm1(-t)); }
double vp_time(double ratio) { return log1p(ratio * ratio); }

static double edm_time(int n, double low, double high, int i)
{
  const double rho = 7, from = pow(high, 1 / rho), to = pow(low, 1 / rho);
  return vp_time(pow(from + (to - from) * i / n, rho));
}

void time_grid_fill(TimeGrid kind, int n, double t_min, double t_max, double *t)
{
  const double low = sqrt(expm1(t_min)), high = sqrt(expm1(t_max));
  for (int i = 0; i <= n; i++) {
    const double u = (double)i / n;
    t[i]           = kind == GRID_UNIFORM       ? t_max + (t_min - t_max) * u
                     : kind == GRID_EXPONENTIAL ? t_max * pow(t_min / t_max, u)
                                                : edm_time(n, low, high, i);
  }
  t[0] = t_max;
  t[n] = t_min;
}
