/* SPDX-License-Identifier: BSD-2-Clause
 * What a plan does to Gaussian data N(m, v), one coordinate: the exact output is linear in x, so mean and variance of the state follow from
 * a scalar recurrence. An oracle for sampler_plan_create and for sampler_run. */
#ifndef MYOPIA_SAMPLER_LAW_H
#define MYOPIA_SAMPLER_LAW_H

#include <math.h>

#include "sampler.h"

typedef struct Law {
  double mean, variance;
} Law;

typedef struct Line {
  double slope, offset; /* slope x + offset */
} Line;

/* objective_coefficients, the table of the last discrete specification kept. */
static inline Coefficients law_coefficients(const ObjectiveSpec *spec, double t)
{
  static Coefficients  table[10000];
  static ObjectiveSpec known;
  if (spec->T == 0) return objective_coefficients(spec, t);
  if (known.T != spec->T || known.prediction != spec->prediction || known.schedule != spec->schedule)
    objective_coefficients_table(spec, table);
  known = *spec;
  return table[(int)t - 1];
}

/* E[x_0 | x_t = x] = m + a v / (a^2 v + s^2) (x - a m), turned into the network's output. */
static inline double gaussian_output(const ObjectiveSpec *spec, double t, Law data, double x)
{
  const Coefficients c = law_coefficients(spec, t);
  const double       f = data.mean + c.a * data.variance / (c.a * c.a * data.variance + c.s * c.s) * (x - c.a * data.mean);
  return c.target_x0 * f + c.target_eps * (x - c.a * f) / c.s;
}

static inline Line gaussian_line(const ObjectiveSpec *spec, double t, Law data)
{
  const double zero = gaussian_output(spec, t, data, 0);
  return (Line){gaussian_output(spec, t, data, 1) - zero, zero};
}

/* The step without its noise as a function of x. */
static inline Line step_line(const ObjectiveSpec *spec, const SamplerStep *s, Law data)
{
  const Line   o = gaussian_line(spec, s->t, data);
  const double A = (double)s->A, B = (double)s->B;
  const Line   one = {A + B * o.slope, B * o.offset};
  if (!s->heun) return one;
  const Line   p  = gaussian_line(spec, s->next, data);
  const double A2 = (double)s->A2, B2 = (double)s->B2, D2 = (double)s->D2, middle = (double)s->C2 + D2 * p.slope;
  return (Line){A2 + B2 * o.slope + middle * one.slope, B2 * o.offset + middle * one.offset + D2 * p.offset};
}

static inline Law law_after_step(const ObjectiveSpec *spec, const SamplerStep *s, Law data, Law x)
{
  const Line line = step_line(spec, s, data);
  return (Law){line.slope * x.mean + line.offset, line.slope * line.slope * x.variance + (double)s->C * (double)s->C};
}

static inline Law law_after(const ObjectiveSpec *spec, const SamplerPlan *plan, Law data, Law x)
{
  for (int k = 0; k < plan->n_steps; k++) x = law_after_step(spec, &plan->step[k], data, x);
  return x;
}

/* The true law of x_t. */
static inline Law law_at(double a, double s, Law data) { return (Law){a * data.mean, a * a * data.variance + s * s}; }

#endif
