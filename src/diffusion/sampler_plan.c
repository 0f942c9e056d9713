/* SPDX-License-Identifier: BSD-2-Clause
 * Samplers as tables. Every one is x_r = c_x x + c_0 x0-hat + C z from time t to r < t, and x0-hat is linear in x and the network's output
 * (objective.h), so that A = c_x + c_0 data_x and B = c_0 data_out. Ho et al. 2020 (ancestral), Song et al. 2021 (DDIM; reverse SDE),
 * Karras et al. 2022 (Heun). Computed in double; nothing here runs a sampler. */
#include <math.h>

#include "sampler.h"

const char *const sampler_names[] = {"ancestral", "euler_maruyama", "ddim", "heun", "exponential", NULL};

/* The process at one time: tau = -log a^2. */
typedef struct Level {
  double a, s, tau;
} Level;

typedef struct Move {
  double x, x0, z; /* x_r = x x_t + x0 x0-hat + z z */
} Move;

static double span(Level t, Level r) { return t.tau - r.tau; }

/* q(x_r | x_t, x_0): Ho et al. 2020, (7). 1 - (a_t / a_r)^2 = 1 - e^{-span}. */
static Move posterior(Level t, Level r)
{
  const double part = -expm1(-span(t, r)) / (t.s * t.s);
  return (Move){t.a / r.a * (r.s * r.s) / (t.s * t.s), r.a * part, r.s * sqrt(part)};
}

/* a_r x0-hat + s_r eps-hat. */
static Move ddim(Level t, Level r) { return (Move){r.s / t.s, r.a - t.a * r.s / t.s, 0}; }

/* dX = (X/2 + score) dtau + dW backwards, score = -(x - a x0-hat) / s^2. */
static Move euler_maruyama(Level t, Level r)
{
  const double h = span(t, r), pull = h / (t.s * t.s);
  return (Move){1 + h / 2 - pull, pull * t.a, r.s > 0 ? sqrt(h) : 0};
}

/* (x - beta/s eps-hat) / sqrt(1 - beta) + sqrt(beta) z; beta = 1 - e^{-span}. */
static Move ddpm(Level t, Level r)
{
  const double beta = -expm1(-span(t, r)), grow = r.a / t.a, pull = beta / (t.s * t.s);
  return (Move){grow * (1 - pull), grow * pull * t.a, r.s > 0 ? sqrt(beta) : 0};
}

static void set_move(const Coefficients *c, Move move, SamplerStep *step)
{
  step->A = (float)(move.x + move.x0 * c->data_x);
  step->B = (float)(move.x0 * c->data_out);
  step->C = (float)move.z;
}

static void set_ancestral(const ObjectiveSpec *spec, const Coefficients *c, Level t, Level r, SamplerStep *step)
{
  if (spec->T == 0)
    set_move(c, posterior(t, r), step);
  else if (spec->prediction == PREDICT_DATA)
    set_move(c, (Move){0, r.a, r.s}, step);
  else
    set_move(c, ddpm(t, r), step);
  if (spec->prediction != PREDICT_MEAN) return;
  step->A = 0;
  step->B = 1;
}

/* y = x/a, sigma = s/a, dy/dsigma = eps-hat: y_r = y_t + (sigma_r - sigma_t) (eps-hat(x, t) + eps-hat(x', r)) / 2, x' by DDIM. */
static void set_heun(const Coefficients *c, const Coefficients *next, Level t, Level r, SamplerStep *step)
{
  set_move(c, ddim(t, r), step);
  if (!(r.s > 0)) return;
  const double slope = r.a * (r.s / r.a - t.s / t.a) / 2, here = slope / t.s, there = slope / r.s;
  step->heun       = true;
  step->next_input = (float)next->input;
  step->A2         = (float)(r.a / t.a + here * (1 - t.a * c->data_x));
  step->B2         = (float)(-here * t.a * c->data_out);
  step->C2         = (float)(there * (1 - r.a * next->data_x));
  step->D2         = (float)(-there * r.a * next->data_out);
}

/* next: coefficients at r, not read where r is 0. */
static void set_step(const ObjectiveSpec *spec, SamplerKind kind, const Coefficients *c, const Coefficients *next, Level t, Level r,
                     SamplerStep *step)
{
  step->input = (float)c->input;
  switch (kind) {
  case SAMPLER_ANCESTRAL: set_ancestral(spec, c, t, r, step); break;
  case SAMPLER_EULER_MARUYAMA: set_move(c, euler_maruyama(t, r), step); break;
  case SAMPLER_DDIM: set_move(c, ddim(t, r), step); break;
  case SAMPLER_HEUN: set_heun(c, next, t, r, step); break;
  case SAMPLER_EXPONENTIAL: set_move(c, posterior(t, r), step); break;
  }
}

static Level continuous_level(double t) { return (Level){vp_signal(t), vp_noise(t), t}; }

/* level[t], t = 0..T. s^2 = 1 - e^{-tau}, accurate where abar is almost 1. */
static void discrete_levels(const ObjectiveSpec *spec, Level *level)
{
  double tau = 0;
  level[0]   = continuous_level(0);
  for (int t = 1; t <= spec->T; t++) {
    tau -= log1p(-schedule_beta(spec->schedule, spec->T, t));
    level[t] = continuous_level(tau);
  }
}

static PetscErrorCode fill_discrete(const ObjectiveSpec *spec, SamplerKind kind, SamplerPlan *plan)
{
  Level        *level;
  Coefficients *c; /* of t = 1 .. T at c[t - 1] */
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)spec->T + 1, &level, (size_t)spec->T, &c));
  objective_coefficients_table(spec, c);
  discrete_levels(spec, level);
  for (int t = spec->T; t > 0; t--) {
    SamplerStep *step = &plan->step[spec->T - t];
    *step             = (SamplerStep){.t = t, .next = t - 1, .place = t};
    set_step(spec, kind, &c[t - 1], t > 1 ? &c[t - 2] : NULL, level[t], level[t - 1], step);
  }
  PetscCall(PetscFree2(level, c));
  PetscFunctionReturn(0);
}

static void set_finish(const ObjectiveSpec *spec, int n, SamplerStep *step)
{
  const Coefficients c = objective_coefficients(spec, spec->t_min);
  *step                = (SamplerStep){.t = spec->t_min, .next = 0, .place = n, .input = (float)c.input};
  set_move(&c, (Move){0, 1, 0}, step);
}

static PetscErrorCode fill_continuous(const ObjectiveSpec *spec, SamplerKind kind, TimeGrid grid, int n, bool finish, SamplerPlan *plan)
{
  double *time;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)n + 1, &time));
  time_grid_fill(grid, n, spec->t_min, spec->t_max, time);
  for (int k = 0; k < n; k++) {
    const Coefficients c = objective_coefficients(spec, time[k]), next = objective_coefficients(spec, time[k + 1]);
    plan->step[k] = (SamplerStep){.t = time[k], .next = time[k + 1], .place = k};
    set_step(spec, kind, &c, &next, continuous_level(time[k]), continuous_level(time[k + 1]), &plan->step[k]);
  }
  if (finish) set_finish(spec, n, &plan->step[n]);
  PetscCall(PetscFree(time));
  PetscFunctionReturn(0);
}

PetscErrorCode sampler_plan_create(const ObjectiveSpec *spec, SamplerKind kind, TimeGrid grid, int n_steps, bool finish, SamplerPlan **out)
{
  SamplerPlan *plan;
  PetscFunctionBeginUser;
  PetscCheck(spec->T > 0 || (n_steps > 0 && spec->t_min > 0 && spec->t_min < spec->t_max), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "%d steps from time %g to %g", n_steps, spec->t_max, spec->t_min);
  PetscCheck(spec->T > 0 || spec->prediction != PREDICT_MEAN, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "a posterior mean needs discrete steps");
  PetscCall(PetscNew(&plan));
  plan->n_steps = spec->T > 0 ? spec->T : n_steps + finish;
  PetscCall(PetscCalloc1((size_t)plan->n_steps, &plan->step));
  if (spec->T > 0)
    PetscCall(fill_discrete(spec, kind, plan));
  else
    PetscCall(fill_continuous(spec, kind, grid, n_steps, finish, plan));
  *out = plan;
  PetscFunctionReturn(0);
}

void sampler_plan_destroy(SamplerPlan **plan)
{
  if (!plan || !*plan) return;
  (void)PetscFree((*plan)->step);
  (void)PetscFree(*plan);
  *plan = NULL;
}
