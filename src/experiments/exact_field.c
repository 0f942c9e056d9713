/* SPDX-License-Identifier: BSD-2-Clause
 * Exact posterior means at the points of comparison, and the errors of a denoiser there. */
#include "exact_field.h"

#include <math.h>

#include "rng.h"

enum { FIELD_DRAW = 1000 }; /* draws of the data law below this are training data and fresh data */

/* Points of time k, rounded to float before their posterior mean is taken. x0, eps: (d, n_samples) space; x: (d, n). */
static void fill_time(const Target *target, uint64_t key, ExactField *field, int k, const double *given, double *x0, float *eps, double *x)
{
  const Coefficients *c = &field->c[k];
  const int64_t       m = field->n_samples, base = (int64_t)k * field->d * field->stride;
  target_sample(target, key, FIELD_DRAW + (uint32_t)k, m, x0);
  noise_normals(isa_level(), key, 0, FIELD_DRAW + (uint32_t)k, RNG_METRIC, m * field->d, eps);
  for (int j = 0; j < field->d; j++) {
    float *row = field->x + base + (int64_t)j * field->stride;
    for (int64_t i = 0; i < m; i++) row[i] = (float)(c->a * x0[j * m + i] + c->s * (double)eps[j * m + i]);
    for (int64_t i = 0; i < field->n_given; i++) row[m + i] = (float)given[j * field->n_given + i];
    for (int64_t i = 0; i < field->n; i++) x[j * field->n + i] = (double)row[i];
  }
}

static PetscErrorCode fill(const Target *target, uint64_t key, const double *given, ExactField *field)
{
  const int64_t d = field->d, n = field->n;
  double       *x0, *x, *f;
  float        *eps;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(d * field->n_samples, &x0, d * n, &x, d * n, &f, d * field->n_samples, &eps));
  for (int k = 0; k < field->n_times; k++) {
    fill_time(target, key, field, k, given, x0, eps, x);
    target_posterior_mean(target, field->c[k].a, field->c[k].s, n, x, f);
    for (int64_t j = 0; j < d; j++)
      for (int64_t i = 0; i < n; i++) field->f[(k * d + j) * field->stride + i] = f[j * n + i];
  }
  PetscCall(PetscFree4(x0, x, f, eps));
  PetscFunctionReturn(0);
}

/* A discrete schedule is computed once, not at every time. */
static PetscErrorCode fill_coefficients(const ObjectiveSpec *objective, const double *t, ExactField *field)
{
  Coefficients *table;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(objective->T, &table));
  if (objective->T > 0) objective_coefficients_table(objective, table);
  for (int k = 0; k < field->n_times; k++) field->c[k] = objective->T > 0 ? table[(int)t[k] - 1] : objective_coefficients(objective, t[k]);
  PetscCall(PetscFree(table));
  PetscFunctionReturn(0);
}

PetscErrorCode exact_field_create(const Target *target, const ObjectiveSpec *objective, uint64_t key, int n_times, const double *t,
                                  int n_samples, int n_given, const double *given, ExactField **out)
{
  ExactField *field;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&field));
  *out              = field;
  field->n_times    = n_times;
  field->d          = target_dimension(target);
  field->n_samples  = n_samples;
  field->n_given    = n_given;
  field->n          = n_samples + n_given;
  field->stride     = (field->n + 15) / 16 * 16;
  const size_t size = (size_t)n_times * field->d * field->stride;
  PetscCall(PetscCalloc3(n_times, &field->c, size, &field->x, size, &field->f));
  PetscCall(fill_coefficients(objective, t, field));
  PetscCall(fill(target, key, given, field));
  PetscFunctionReturn(0);
}

void exact_field_destroy(void *p)
{
  ExactField *field = p;
  if (!field) return;
  (void)PetscFree3(field->c, field->x, field->f);
  (void)PetscFree(field);
}

static PetscErrorCode run_net(const ExactField *field, const Net *net, int k, float *out)
{
  const NetSpec *spec = net_spec(net);
  const float   *x    = field->x + (int64_t)k * field->d * field->stride;
  float         *bias;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(PetscMax(spec->width, spec->n_out), &bias));
  net_fold_time(net, (float)field->c[k].input, bias);
  for (int i = 0; i < field->n; i += NET_BLOCK)
    net_forward(net, bias, field->n - i < NET_BLOCK ? field->n - i : NET_BLOCK, field->stride, x + i, out + i);
  PetscCall(PetscFree(bias));
  PetscFunctionReturn(0);
}

PetscErrorCode exact_field_run(const ExactField *field, const Net *net, int k, float *out)
{
  PetscFunctionBeginUser;
  if (net) {
    PetscCall(run_net(field, net, k, out));
    PetscFunctionReturn(0);
  }
  const int64_t base = (int64_t)k * field->d * field->stride;
  for (int64_t i = 0; i < (int64_t)field->d * field->stride; i++)
    out[i] = (float)objective_exact(&field->c[k], (double)field->x[base + i], field->f[base + i]);
  PetscFunctionReturn(0);
}

/* Both values are linear in (x, f) and in (x, out): their coefficients, so that the loop below is arithmetic alone. */
FieldError exact_field_error(const ExactField *field, int k, const float *out, int j, int first, int last)
{
  const Coefficients *c       = &field->c[k];
  const double        exact_x = objective_exact(c, 1, 0), exact_f = objective_exact(c, 0, 1), data_x = objective_data(c, 1, 0),
               data_out = objective_data(c, 0, 1);
  const int64_t base    = ((int64_t)k * field->d + j) * field->stride;
  FieldError    sum     = {0};
  for (int i = first; i < last; i++) {
    const double x = (double)field->x[base + i], f = field->f[base + i], o = (double)out[(int64_t)j * field->stride + i];
    const double exact = exact_x * x + exact_f * f, data = data_x * x + data_out * o - f;
    sum.data += data * data;
    sum.output += (o - exact) * (o - exact);
    sum.exact += exact * exact;
  }
  const double n = last - first;
  return (FieldError){sum.data / n, sum.output / n, sum.exact / n};
}
