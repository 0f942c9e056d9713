/* SPDX-License-Identifier: BSD-2-Clause
 * Moments by pairwise updates (T. F. Chan, G. H. Golub, R. J. LeVeque, 1979) and exact binomial, beta and t computations.
 *
 * Probabilities come from the saddle-point form of the binomial (C. Loader, Fast and accurate computation of binomial probabilities, 2000):
 *   log b(x; n, p) = s(n) - s(x) - s(n-x) - D(x, np) - D(n-x, nq) + log(n / (2 pi x (n-x))) / 2,
 * s(n) = log n! - Stirling's formula, D(x, m) = x log(x/m) + m - x: no cancelling of large lgamma values, so n = 200,000 is as
 * accurate as n = 20. The incomplete beta function is that density times a continued fraction (modified Lentz). Quantiles are by bisection
 * down to neighbouring doubles: slow beside Newton's method, and certain. */
#include "stats.h"

#include <math.h>
#include <stdbool.h>

void moments_add(Moments *m, double x)
{
  if (isnan(x)) return;
  moments_merge(m, &(Moments){.n = 1, .mean = x, .min = x, .max = x});
}

void moments_merge(Moments *m, const Moments *other)
{
  if (other->n == 0) return;
  if (m->n == 0) {
    *m = *other;
    return;
  }
  const double a = (double)m->n, b = (double)other->n, n = a + b, delta = other->mean - m->mean;
  m->n += other->n;
  m->mean += delta * (b / n);
  m->m2 += other->m2 + delta * delta * (a * (b / n));
  m->min = fmin(m->min, other->min);
  m->max = fmax(m->max, other->max);
}

double moments_variance(const Moments *m) { return m->n < 2 ? NAN : m->m2 / (double)(m->n - 1); }

double moments_stderr(const Moments *m) { return sqrt(moments_variance(m) / (double)m->n); }

/* s(n) = log Gamma(n + 1) - (n + 1/2) log n + n - log(2 pi) / 2, n > 0. */
static double stirling_error(double n)
{
  if (n < 16) return lgamma(n + 1) - (n + 0.5) * log(n) + n - 0.91893853320467274178;
  const double r = 1 / (n * n);
  return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - (1.0 / 1188 - 691.0 / 360360 * r) * r) * r) * r) * r) / n;
}

/* D(x, m) = x log(x/m) + m - x; near x = m by its series in v = (x - m)/(x + m). */
static double deviance(double x, double m)
{
  const double v = (x - m) / (x + m);
  if (fabs(x - m) >= 0.1 * (x + m)) return x * log(x / m) + m - x;
  double sum = (x - m) * v, term = 2 * x * v;
  for (int j = 1; j < 1000; j++) {
    term *= v * v;
    const double next = sum + term / (2 * j + 1);
    if (next == sum) break;
    sum = next;
  }
  return sum;
}

/* log of Gamma(n+1) / (Gamma(x+1) Gamma(n-x+1)) p^x q^(n-x) with q = 1 - p; real 0 <= x <= n, y = n - x, 0 < p < 1. */
static double log_density(double x, double y, double p, double q)
{
  const double n = x + y;
  if (x == 0) return p < 0.1 ? n * log1p(-p) : n * log(q);
  if (y == 0) return q < 0.1 ? n * log1p(-q) : n * log(p);
  return stirling_error(n) - stirling_error(x) - stirling_error(y) - deviance(x, n * p) - deviance(y, n * q) +
         0.5 * log(n / (6.2831853071795864769 * x * y));
}

/* The continued fraction of I_x(a, b) a B(a, b) / (x^a (1-x)^b), for x < (a + 1)/(a + b + 2) (Abramowitz and Stegun 26.5.8). */
static double beta_fraction(double a, double b, double x)
{
  const double tiny = 1e-300;
  double       c = 1, d = 1 - (a + b) * x / (a + 1);
  d               = 1 / (fabs(d) < tiny ? tiny : d);
  double fraction = d;
  for (int i = 1; i < 1000000; i++) {
    const double even = i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i));
    const double odd  = -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1));
    d                 = 1 + even * d;
    c                 = 1 + even / c;
    d                 = 1 / (fabs(d) < tiny ? tiny : d);
    c                 = fabs(c) < tiny ? tiny : c;
    fraction *= d * c;
    d                 = 1 + odd * d;
    c                 = 1 + odd / c;
    d                 = 1 / (fabs(d) < tiny ? tiny : d);
    c                 = fabs(c) < tiny ? tiny : c;
    const double step = d * c;
    fraction *= step;
    if (fabs(step - 1) < 3e-16) break;
  }
  return fraction;
}

/* I_x(a, b) with y = 1 - x given apart, so that neither end loses digits. */
static double beta_both(double a, double b, double x, double y)
{
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const double density = exp(log_density(a, b, x, y)); /* x^a y^b / (a B(a, b)) = density b / (a + b) */
  if (x < (a + 1) / (a + b + 2)) return density * b / (a + b) * beta_fraction(a, b, x);
  return 1 - density * a / (a + b) * beta_fraction(b, a, y);
}

double stats_beta(double a, double b, double x) { return beta_both(a, b, x, 1 - x); }

/* Sum of b(i) / b(from) over i = from, from +- 1, ... away from the mode, by the ratio of neighbours. */
static double relative_tail(int64_t from, int64_t n, double p, double q, bool up)
{
  double sum = 0, term = 1;
  for (int64_t i = from; i >= 0 && i <= n; i += up ? 1 : -1) {
    sum += term;
    term *= up ? (double)(n - i) / (double)(i + 1) * (p / q) : (double)i / (double)(n - i + 1) * (q / p);
    if (term < 1e-18 * sum) break;
  }
  return sum;
}

/* The outcome nearest to the mode, on the side of the mode where k is not, that is no likelier than exp(limit); -1 or n + 1 when there is
 * none. */
static int64_t opposite_outcome(int64_t mode, int64_t n, double p, double q, bool up, double limit)
{
  int64_t inside = mode, outside = up ? n + 1 : -1;
  while (inside - outside > 1 || outside - inside > 1) {
    const int64_t middle = inside + (outside - inside) / 2;
    if (log_density((double)middle, (double)(n - middle), p, q) > limit)
      inside = middle;
    else
      outside = middle;
  }
  return outside;
}

double stats_binomial_p(int64_t k, int64_t n, double p)
{
  if (p <= 0) return k == 0 ? 1 : 0;
  if (p >= 1) return k == n ? 1 : 0;
  const double  q = 1 - p, log_k = log_density((double)k, (double)(n - k), p, q);
  const double  limit = log_k + 1e-7; /* outcomes as likely as k but for rounding are ties, as in scipy */
  const int64_t mode  = (int64_t)fmin((double)n, floor((double)(n + 1) * p));
  if (log_density((double)mode, (double)(n - mode), p, q) <= limit) return 1;
  const bool    up    = k < mode;
  const int64_t other = opposite_outcome(mode, n, p, q, up, limit);
  double        value = exp(log_k) * relative_tail(k, n, p, q, !up);
  if (other >= 0 && other <= n) {
    const double log_other = log_density((double)other, (double)(n - other), p, q);
    value += exp(log_other) * relative_tail(other, n, p, q, up);
  }
  return fmin(1, value);
}

/* x with I_x(a, b) = target; from_above: x with I_{1-x}(b, a) = target, small x at full relative accuracy. */
static double beta_root(double a, double b, double target, bool from_above)
{
  double low = 0, high = 1;
  for (;;) {
    const double x = 0.5 * (low + high);
    if (x <= low || x >= high) return x;
    const bool right = from_above ? beta_both(b, a, 1 - x, x) < target : beta_both(a, b, x, 1 - x) > target;
    if (right)
      high = x;
    else
      low = x;
  }
}

void stats_binomial_interval(int64_t k, int64_t n, double alpha, double *low, double *high)
{
  const double hits = (double)k, misses = (double)(n - k);
  *low  = k == 0 ? 0 : beta_root(hits, misses + 1, alpha / 2, false);
  *high = k == n ? 1 : beta_root(hits + 1, misses, alpha / 2, true);
}

/* P(|T| > t), or P(|T| <= t) of Student's t. */
static double t_probability(double t, double dof, bool outer)
{
  const double x = dof / (dof + t * t), y = t * t / (dof + t * t);
  return outer ? beta_both(0.5 * dof, 0.5, x, y) : beta_both(0.5, 0.5 * dof, y, x);
}

double stats_t_p(double t, double dof) { return isinf(t) ? 0 : t_probability(t, dof, true); }

double stats_t_quantile(double p, double dof)
{
  if (p == 0.5) return 0;
  const double tail  = fmin(p, 1 - p);
  const bool   outer = tail < 0.25; /* solve for the smaller probability of the two */
  const double goal  = outer ? 2 * tail : fabs(p - 0.5) * 2;
  double       low = 0, high = 1;
  while (isfinite(high) && (t_probability(high, dof, outer) > goal) == outer) {
    low = high;
    high *= 2;
  }
  for (;;) {
    const double t = 0.5 * (low + high);
    if (t <= low || t >= high) return p < 0.5 ? -t : t;
    if ((t_probability(t, dof, outer) > goal) == outer)
      low = t;
    else
      high = t;
  }
}

/* P(a, x), the regularised lower incomplete gamma function, by its series (a sum of positive terms). */
static double gamma_lower(double a, double x)
{
  double term = 1 / a, sum = term;
  for (int k = 1; term > 1e-17 * sum; k++) {
    term *= x / (a + k);
    sum += term;
  }
  return sum * exp(a * log(x) - x - lgamma(a));
}

double stats_chi2_quantile(double p, double dof)
{
  double low = 0, high = dof + 10;
  while (gamma_lower(dof / 2, high / 2) < p) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
    const double middle = (low + high) / 2;
    if (gamma_lower(dof / 2, middle / 2) < p)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}
