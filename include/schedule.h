/* SPDX-License-Identifier: BSD-2-Clause
 * Noise schedules: the discrete ones of DDPM, and the continuous variance-preserving process dX = -X/2 dt + dW. Either way
 *   x_t = a x_0 + s eps,  a^2 + s^2 = 1,  eps ~ N(0, I). */
#ifndef MYOPIA_SCHEDULE_H
#define MYOPIA_SCHEDULE_H

typedef enum { SCHEDULE_LINEAR = 0, SCHEDULE_COSINE } ScheduleKind;
typedef enum { GRID_UNIFORM = 0, GRID_EXPONENTIAL, GRID_EDM } TimeGrid;
extern const char *const schedule_names[];  /* linear, cosine, NULL */
extern const char *const time_grid_names[]; /* uniform, exponential, edm, NULL */

enum { SCHEDULE_STEPS_MAX = 100000 };

/* t = 1..T. linear: beta_t from 1e-4 (1000/T) to 0.02 (1000/T), at most 0.999 (Ho et al. 2020, scaled); cosine: abar_t = f(t)/f(0),
 * f(t) = cos^2(pi/2 (t/T + 0.008)/1.008), beta_t <= 0.999, abar_t then the product (Nichol and Dhariwal 2021). */
double schedule_beta(ScheduleKind, int T, int t);
/* abar (T + 1): abar[0] = 1, abar[t] = prod (1 - beta). */
void schedule_fill(ScheduleKind, int T, double *beta, double *abar);

double vp_signal(double t);   /* a = e^{-t/2} */
double vp_noise(double t);    /* s = sqrt(1 - e^{-t}), accurate for small t */
double vp_time(double ratio); /* t of s/a = ratio */

/* t[0] = t_max > ... > t[n] = t_min. uniform in t, in log t, or Karras et al. 2022 in s/a with rho = 7. */
void time_grid_fill(TimeGrid, int n, double t_min, double t_max, double *t);

#endif
