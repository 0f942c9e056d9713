/* SPDX-License-Identifier: BSD-2-Clause
 * one_logit in the mean: the recurrence without noise, its fixed point, and how far the means over seeds still are from it after a finite
 * number of steps. The latter by the expansion in small noise (van Kampen, Stochastic Processes in Physics and Chemistry, ch. X): mean m
 * without noise, variance v and shift u of the mean of theta,
 *   m' = m + lr F,   v' = (1 - rho)^2 v + s^2,   u' = (1 - rho) u + lr F'' v / 2,   rho = -lr F'(m),
 *   F = omega eps - b p,   b = omega eps + 1 - eps,   s^2 = lr^2 (omega (1 - p) + p)^2 eps (1 - eps) / batch,
 *   E p_t = p(m) + p'(m) u + p''(m) v / 2   up to higher powers of v.
 * Where little changes, many steps are taken at once by the linear map of the first, so that any number of steps costs milliseconds. */
#include <math.h>

#include "one_logit.h"

double one_logit_fixed_point(double eps, double omega) { return omega * eps / (omega * eps + 1 - eps); }

void one_logit_mean_run(const OneLogitProblem *problem, int64_t first, int64_t last, int64_t every, double *theta, double *p)
{
  const double up = problem->omega * problem->eps, down = 1 - problem->eps;
  for (int64_t t = first; t < last; t++) {
    const double p_now = 1 / (1 + exp(-*theta));
    const double next  = *theta + problem->learning_rate * (up * (1 - p_now) - down * p_now);
    if (t % every == 0) p[t / every] = p_now;
    if (next == *theta) { /* for good */
      for (int64_t r = t / every + 1; r * every < last; r++) p[r] = p_now;
      break;
    }
    *theta = next;
  }
  if (last == problem->steps && last % every == 0) p[last / every] = 1 / (1 + exp(-*theta));
}

typedef struct Moments {
  double m, v, u;
} Moments;

/* What the recurrences need of the logistic function at m. */
typedef struct Local {
  double p, slope, curvature; /* p, p', p'' */
  double move, rho, noise;    /* lr F, -lr F', s^2 */
} Local;

static Local local_at(const OneLogitProblem *problem, double m)
{
  const double lr = problem->learning_rate, eps = problem->eps, omega = problem->omega;
  const double p = 1 / (1 + exp(-m)), q = 1 / (1 + exp(m)), scale = lr * (omega * q + p);
  return (Local){.p         = p,
                 .slope     = p * q,
                 .curvature = p * q * (q - p),
                 .move      = lr * (omega * eps * q - (1 - eps) * p),
                 .rho       = lr * (omega * eps + 1 - eps) * p * q,
                 .noise     = scale * scale * eps * (1 - eps) / (double)problem->batch};
}

/* sum of (1 - x)^i over i < h. */
static double geometric(int64_t h, double x) { return h == 1 ? 1 : x > 0 ? -expm1((double)h * log1p(-x)) / x : (double)h; }

/* h steps of the linear maps at m, exactly; h = 1 is the recurrence itself. */
static void advance(const OneLogitProblem *problem, const Local *l, int64_t h, Moments *s)
{
  const double b = problem->omega * problem->eps + 1 - problem->eps, bend = -problem->learning_rate * b * l->curvature / 2;
  const double sum = geometric(h, l->rho), squares = geometric(h, l->rho * (2 - l->rho)), g = 1 - l->rho * sum;
  s->m += l->move * sum;
  s->u = s->u * g + bend * s->v * sum;
  s->v = s->v * g * g + l->noise * squares;
}

/* Steps over which neither m nor the rates change much. */
static int64_t stride(const Local *l, int64_t most)
{
  const double h = fmin(0.02 / l->rho, 0.02 / fabs(l->move));
  return h >= (double)most ? most : h > 1 ? (int64_t)h : 1;
}

/* E p_t - p*: of the path without noise, and what noise adds to it. */
typedef struct Excess {
  double path, noise;
} Excess;

static Excess excess_at(const Local *l, const Moments *s, double target)
{
  return (Excess){l->p - target, l->slope * s->u + l->curvature * s->v / 2};
}

enum { STRIDES_MAX = 1000000 };

/* Excess after the last step, and its mean over t >= from; false when that takes too many strides. */
static bool excess_of(const OneLogitProblem *problem, double target, double variance, int64_t from, Excess *final, Excess *mean)
{
  Moments s    = {.m = problem->theta0};
  Local   l    = local_at(problem, s.m);
  Excess  now  = excess_at(&l, &s, target);
  double  path = 0, noise = 0;
  int64_t t = 0;
  for (int n = 0; t < problem->steps && n < STRIDES_MAX; n++) {
    const int64_t h      = stride(&l, (t < from ? from : problem->steps) - t);
    const Excess  before = now;
    advance(problem, &l, h, &s);
    l   = local_at(problem, s.m);
    now = excess_at(&l, &s, target);
    if (t >= from) { /* trapezoids, with the ends as a sum over t .. t + h - 1 has them */
      path += (double)h * (before.path + now.path) / 2 + (before.path - now.path) / 2;
      noise += (double)h * (before.noise + now.noise) / 2 + (before.noise - now.noise) / 2;
    }
    t += h;
    if (fabs(now.path) + fabs(now.noise) < 1e-14 && fabs(s.v - variance) < 1e-6 * variance) t = problem->steps; /* nothing more comes */
  }
  *final = now;
  *mean  = (Excess){path / (double)(problem->steps - from), noise / (double)(problem->steps - from)};
  return t == problem->steps;
}

/* A start anywhere leaves p'' V (e^-rt - e^-2rt) while the variance builds up: u' = -r u - r q (1 - e^-2rt), q = p'' V / 2 p', has the
 * solution u = -q (1 - e^-rt)^2, and p' u + p'' v / 2 is what it says. p'' V e^-rt bounds it, also where the start happens to cancel it;
 * twice the computed excess covers the next order. What single precision adds: the sigmoid's error, and that of the labels' law. */
void one_logit_limit(const OneLogitProblem *problem, OneLogitLimit *out)
{
  const double  eps = problem->eps, p = one_logit_fixed_point(eps, problem->omega), theta = log(problem->omega * eps / (1 - eps));
  const int64_t tail = problem->steps / 2, from = problem->steps - tail;
  const Local   l = local_at(problem, theta);
  Excess        final, mean;
  *out = (OneLogitLimit){.p = p, .rate = l.rho, .variance = INFINITY, .final_error = INFINITY, .tail_error = INFINITY};
  if (!(l.rho > 0 && l.rho < 1)) return;
  out->variance = l.noise / (l.rho * (2 - l.rho));
  if (!excess_of(problem, p, out->variance, from, &final, &mean)) return;
  const double bend = fabs(l.curvature) * out->variance, r = l.rho;
  const double single = (3e-7 + 1e-7 * fabs(theta)) * p + l.slope * 0x1p-33 / (eps * (1 - eps));
  out->final_error    = 2 * (fabs(final.path) + fabs(final.noise)) + bend * exp(-r * (double)problem->steps) + single;
  if (tail == 0) return;
  const double decay = (exp(-r * (double)from) - exp(-r * (double)problem->steps)) / (r * (double)tail);
  out->tail_error    = 2 * (fabs(mean.path) + fabs(mean.noise)) + bend * decay + single;
}
