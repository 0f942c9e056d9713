/* SPDX-License-Identifier: BSD-2-Clause
 * Gaussian mixtures with diagonal covariances, and points as their limit. With x = a x_0 + s eps a mode (m, v) has the marginal variance
 * V_j = a^2 v_j + s^2, and
 *   E[x_0 | x] = sum_k p_k(x) (m_k s^2 + a v_k x) / V_k,   p_k proportional to w_k prod_j V_kj^{-1/2} exp(-(x_j - a m_kj)^2 / (2 V_kj)),
 * a softmax relative to its largest term. */
#include <math.h>
#include <string.h>

#include "target_draw.h"
#include "target_private.h"

PetscErrorCode atoms_create(const MixtureSpec *spec, Atoms *atoms)
{
  const int n = spec->modes, d = spec->d;
  double    sum = 0;
  PetscFunctionBeginUser;
  *atoms = (Atoms){.n = n, .d = d};
  PetscCall(PetscMalloc5(n * d, &atoms->centre, n * d, &atoms->precision, n, &atoms->level, n * d, &atoms->offset, n * d, &atoms->gain));
  PetscCall(PetscMalloc5(n * d, &atoms->mean, n * d, &atoms->variance, n, &atoms->weight, n, &atoms->log_weight, n, &atoms->cumulated));
  memcpy(atoms->mean, spec->mean, (size_t)n * (size_t)d * sizeof *atoms->mean);
  memcpy(atoms->variance, spec->variance, (size_t)n * (size_t)d * sizeof *atoms->variance);
  for (int k = 0; k < n; k++) sum += atoms->weight[k] = spec->weight ? spec->weight[k] : 1;
  double total = 0;
  for (int k = 0; k < n; k++) {
    PetscCheck(atoms->weight[k] > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "weight %g of a mixture", atoms->weight[k]);
    atoms->cumulated[k]  = (total += atoms->weight[k]) / sum;
    atoms->weight[k]     = atoms->weight[k] / sum;
    atoms->log_weight[k] = log(atoms->weight[k]);
  }
  PetscFunctionReturn(0);
}

void atoms_destroy(Atoms *a)
{
  (void)PetscFree5(a->centre, a->precision, a->level, a->offset, a->gain);
  (void)PetscFree5(a->mean, a->variance, a->weight, a->log_weight, a->cumulated);
}

/* log w_k p_k(x) up to d log(2 pi) / 2. */
static double log_mode(const Atoms *atoms, int k, double a, double s, const double *x, double *mahalanobis)
{
  double square = 0, log_determinant = 0;
  for (int j = 0; j < atoms->d; j++) {
    const double v = a * a * atoms->variance[k * atoms->d + j] + s * s, u = x[j] - a * atoms->mean[k * atoms->d + j];
    square += u * u / v;
    log_determinant += log(v);
  }
  if (mahalanobis) *mahalanobis = square;
  return atoms->log_weight[k] - (square + log_determinant) / 2;
}

static int best_mode(const Atoms *atoms, double a, double s, const double *x, double *best, double *mahalanobis)
{
  int mode = 0;
  *best    = -INFINITY;
  for (int k = 0; k < atoms->n; k++) {
    double       square;
    const double value = log_mode(atoms, k, a, s, x, &square);
    if (k > 0 && !(value > *best)) continue;
    mode         = k;
    *best        = value;
    *mahalanobis = square;
  }
  return mode;
}

void atoms_mean(const Atoms *atoms, double a, double s, const double *x, double *f)
{
  const int d = atoms->d;
  double    best, unused, sum = 0;
  best_mode(atoms, a, s, x, &best, &unused);
  memset(f, 0, (size_t)d * sizeof *f);
  for (int k = 0; k < atoms->n; k++) {
    const double p = exp(log_mode(atoms, k, a, s, x, NULL) - best);
    sum += p;
    for (int j = 0; j < d; j++) {
      const double v = atoms->variance[k * d + j], m = atoms->mean[k * d + j];
      f[j] += p * (m * s * s + a * v * x[j]) / (a * a * v + s * s);
    }
  }
  for (int j = 0; j < d; j++) f[j] /= sum;
}

/* One logarithm a mode: determinants as products, rescaled before they leave a double's range. */
void atoms_fast(const Target *t, double a, double s, int n, int stride, const float *x, float *f)
{
  const Atoms *atoms = &t->atoms;
  const int    d     = atoms->d;
  for (int k = 0; k < atoms->n; k++) {
    double product = 1, logarithm = 0;
    for (int i = k * d; i < (k + 1) * d; i++) {
      const double v = a * a * atoms->variance[i] + s * s, inverse = 1 / v;
      atoms->centre[i]    = a * atoms->mean[i];
      atoms->precision[i] = inverse / 2;
      atoms->offset[i]    = (float)(atoms->mean[i] * s * s * inverse);
      atoms->gain[i]      = (float)(a * atoms->variance[i] * inverse);
      product *= v;
      if (product > 1e100 || product < 1e-100) {
        logarithm += log(product);
        product = 1;
      }
    }
    atoms->level[k] = atoms->log_weight[k] - (logarithm + log(product)) / 2;
  }
  const AtomsAt at = {atoms->n, d, atoms->centre, atoms->precision, atoms->level, atoms->offset, atoms->gain};
  t->kernels->atoms(&at, n, stride, x, f);
}

double atoms_log_density(const Atoms *atoms, double a, double s, const double *x)
{
  double best, unused, sum = 0;
  best_mode(atoms, a, s, x, &best, &unused);
  for (int k = 0; k < atoms->n; k++) sum += exp(log_mode(atoms, k, a, s, x, NULL) - best);
  return best + log(sum) - atoms->d * log(2 * M_PI) / 2;
}

static void sample(const Target *t, Rng *r, double *y)
{
  const Atoms *atoms = &t->atoms;
  const double u     = rng_uniform(r);
  int          k     = 0;
  while (k < atoms->n - 1 && u >= atoms->cumulated[k]) k++;
  for (int j = 0; j < atoms->d; j += 2) {
    double z[2];
    draw_normals(r, z);
    for (int i = 0; i < 2 && j + i < atoms->d; i++)
      y[j + i] = atoms->mean[k * atoms->d + j + i] + sqrt(atoms->variance[k * atoms->d + j + i]) * z[i];
  }
}

static void   mean(const Target *t, double a, double s, const double *y, double *f) { atoms_mean(&t->atoms, a, s, y, f); }
static double log_density(const Target *t, double a, double s, const double *y) { return atoms_log_density(&t->atoms, a, s, y); }
static void   destroy(Target *t) { atoms_destroy(&t->atoms); }

int target_mode(const Target *t, const double *x, double *mahalanobis)
{
  double best;
  return best_mode(&t->atoms, 1, 0, x, &best, mahalanobis);
}

const MixtureSpec *target_mixture_spec(const Target *t) { return t->kind == TARGET_MIXTURE ? &t->spec : NULL; }

const TargetOps target_mixture_ops = {.destroy = destroy, .sample = sample, .mean = mean, .fast = atoms_fast, .log_density = log_density};
