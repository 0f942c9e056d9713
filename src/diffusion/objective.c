/* SPDX-License-Identifier: BSD-2-Clause
 * Objectives: their coefficients as functions of the time (Ho et al. 2020; arXiv 2301.07882; the posterior mean by Bayes' rule), and the
 * making of an Objective: float32 rows of data, the schedule's table, the shape of the permutation. Batches: objective_kernel.c. */
#include "objective.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "objective_private.h"
#include "rng.h"

const char *const weighting_names[]     = {"theirs", "none", NULL};
const char *const time_sampling_names[] = {"exponential", "uniform", NULL};

/* What predicts, with a, s, and the variance ratios r = beta_t / (1 - abar_t), 1 - abar_{t-1} over 1 - abar_t = keep. */
static void linear_target(const ObjectiveSpec *spec, double before, double beta, Coefficients *c)
{
  const double a = c->a, s = c->s, own = spec->T > 0 ? -1 : 1; /* the sign of a score */
  c->weight = 1;
  switch (spec->prediction) {
  case PREDICT_NOISE:
    c->target_eps = 1;
    c->data_x     = 1 / a;
    c->data_out   = -s / a;
    break;
  case PREDICT_MEAN: {
    const double on_x0 = sqrt(before) * beta / (s * s), on_x = sqrt(1 - beta) * (1 - before) / (s * s);
    c->target_x0  = on_x0 + on_x * a;
    c->target_eps = on_x * s;
    c->data_x     = -on_x / on_x0;
    c->data_out   = 1 / on_x0;
    break;
  }
  case PREDICT_DATA:
    c->target_x0 = c->data_out = 1;
    if (spec->T == 0) c->weight = a * a / (s * s);
    break;
  case PREDICT_SCORE:
    c->target_eps = own / s;
    c->data_x     = 1 / a;
    c->data_out   = -own * s * s / a;
    c->weight     = s * s;
    break;
  case PREDICT_VELOCITY:
    c->target_x0  = -a / 2;
    c->target_eps = a * a / (2 * s);
    c->data_x     = a;
    c->data_out   = -2 * s * s / a;
    break;
  }
  if (spec->weighting == WEIGHTING_NONE) c->weight = 1;
}

/* Discrete: abar (T + 1). */
static Coefficients discrete_coefficients(const ObjectiveSpec *spec, const double *abar, int t)
{
  Coefficients c = {.t = t, .a = sqrt(abar[t]), .s = sqrt(1 - abar[t]), .input = (double)t / spec->T};
  linear_target(spec, abar[t - 1], schedule_beta(spec->schedule, spec->T, t), &c);
  return c;
}

static double *schedule_table(const ObjectiveSpec *spec)
{
  double *abar = mem_calloc((size_t)spec->T + 1, sizeof *abar);
  schedule_fill(spec->schedule, spec->T, NULL, abar);
  return abar;
}

Coefficients objective_coefficients(const ObjectiveSpec *spec, double t)
{
  Coefficients c = {.t = t, .a = vp_signal(t), .s = vp_noise(t), .input = t * spec->time_scale};
  if (spec->T > 0) {
    double *abar = schedule_table(spec);
    c            = discrete_coefficients(spec, abar, (int)t);
    free(abar);
  } else {
    linear_target(spec, 0, 0, &c);
  }
  return c;
}

void objective_coefficients_table(const ObjectiveSpec *spec, Coefficients *out)
{
  double *abar = schedule_table(spec);
  for (int t = 1; t <= spec->T; t++) out[t - 1] = discrete_coefficients(spec, abar, t);
  free(abar);
}

double objective_exact(const Coefficients *c, double x, double f) { return c->target_x0 * f + c->target_eps * (x - c->a * f) / c->s; }

double objective_data(const Coefficients *c, double x, double out) { return c->data_x * x + c->data_out * out; }

int                  objective_dimension(const Objective *o) { return o->d; }
const ObjectiveSpec *objective_spec(const Objective *o) { return &o->spec; }
int64_t              objective_epoch_steps(const Objective *o) { return o->spec.batch > o->n ? 1 : o->n / o->spec.batch; }

void objective_round_keys(const Objective *o, uint64_t key, int64_t epoch, uint32_t out[OBJECTIVE_ROUNDS_MAX])
{
  for (int i = 0; i < o->rounds; i += 4) rng_block(key, (uint64_t)epoch, (uint32_t)i / 4, RNG_ORDER, out + i);
}

int64_t objective_permuted(const Objective *o, const uint32_t round_key[OBJECTIVE_ROUNDS_MAX], int64_t position)
{
  uint32_t l = (uint32_t)(position / o->columns), r = (uint32_t)(position % o->columns);
  do {
    for (int i = 0; i < o->rounds; i += 2) {
      l = (l + objective_hash(r, round_key[i], o->rows)) % o->rows;
      r = (r + objective_hash(l, round_key[i + 1], o->columns)) % o->columns;
    }
  } while ((int64_t)l * o->columns + r >= o->n);
  return (int64_t)l * o->columns + r;
}

/* rows near sqrt(n) that leave the smallest excess of rows columns over n. */
static void shape_permutation(Objective *o)
{
  const int64_t root = (int64_t)ceil(sqrt((double)o->n));
  int64_t       best = INT64_MAX;
  o->rounds          = o->n > OBJECTIVE_SMALL ? 6 : OBJECTIVE_ROUNDS_MAX;
  for (int64_t rows = root; rows <= root + root / 3 && best > o->n; rows++) {
    const int64_t columns = (o->n + rows - 1) / rows;
    if (rows * columns >= best) continue;
    best       = rows * columns;
    o->rows    = (uint32_t)rows;
    o->columns = (uint32_t)columns;
  }
  o->inverse_columns = 1.0f / (float)o->columns;
}

static void choose_fields(Objective *o)
{
  const bool own = o->spec.weighting == WEIGHTING_OWN;
  o->target_x0 = o->target_eps = FIELD_ZERO;
  o->weight                    = FIELD_ONE;
  switch (o->spec.prediction) {
  case PREDICT_NOISE: o->target_eps = FIELD_ONE; break;
  case PREDICT_DATA:
    o->target_x0 = FIELD_ONE;
    if (own && o->spec.T == 0) o->weight = FIELD_P;
    break;
  case PREDICT_SCORE:
    o->target_eps = FIELD_P;
    if (own) o->weight = FIELD_Q;
    break;
  case PREDICT_MEAN:
  case PREDICT_VELOCITY:
    o->target_x0  = FIELD_P;
    o->target_eps = FIELD_Q;
    break;
  }
}

static PetscErrorCode fill_schedule(Objective *o)
{
  const int     T = o->spec.T;
  Coefficients *c;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)T, &c));
  PetscCall(PetscMalloc1((size_t)T * OBJECTIVE_ROW, &o->row));
  objective_coefficients_table(&o->spec, c);
  for (int t = 0; t < T; t++) {
    const bool score = o->spec.prediction == PREDICT_SCORE;
    float     *row   = o->row + t * OBJECTIVE_ROW;
    row[0]           = (float)c[t].a;
    row[1]           = (float)c[t].s;
    row[2]           = (float)(score ? c[t].target_eps : c[t].target_x0);
    row[3]           = (float)(score ? c[t].weight : c[t].target_eps);
  }
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_digits(Objective *o, const double *data)
{
  const size_t n = (size_t)o->n, T = (size_t)o->spec.T, d = (size_t)o->d;
  float       *table;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n * T * d, &o->digits));
  PetscCall(PetscMalloc1((T + 1) * n, &table));
  for (size_t j = 0; j < d; j++) {
    noise_digits_table(o->isa, o->n, data + j * n, o->spec.T, table);
    for (size_t t = 0; t < T; t++)
      for (size_t i = 0; i < n; i++) o->digits[(i * T + t) * d + j] = table[(t + 1) * n + i];
  }
  PetscCall(PetscFree(table));
  PetscFunctionReturn(0);
}

static void continuous_range(Objective *o)
{
  const ObjectiveSpec *s           = &o->spec;
  const bool           exponential = s->sampling == SAMPLE_EXPONENTIAL;
  o->t_min                         = (float)s->t_min;
  o->t_max                         = (float)s->t_max;
  o->t_first                       = (float)(exponential ? log(s->t_min) : s->t_min);
  o->t_range                       = (float)(exponential ? log(s->t_max / s->t_min) : s->t_max - s->t_min);
  o->time_scale                    = (float)s->time_scale;
}

static PetscErrorCode check_spec(const ObjectiveSpec *s, int d, int64_t n)
{
  PetscFunctionBeginUser;
  PetscCheck(d >= 1 && n >= 1 && n <= INT32_MAX && s->batch >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "dimension %d, %lld points, batch %d", d, (long long)n, s->batch);
  PetscCheck(s->T >= 0 && s->T <= SCHEDULE_STEPS_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "T = %d", s->T);
  PetscCheck(s->T > 0 || (s->t_min > 0 && s->t_max >= s->t_min && s->t_max <= 170), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "times %g to %g", s->t_min, s->t_max);
  PetscCheck(s->prediction != (s->T > 0 ? PREDICT_VELOCITY : PREDICT_MEAN), PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "the posterior mean is of discrete schedules, the velocity of the continuous process");
  PetscCheck(s->T > 0 || s->noise == NOISE_RANDOM, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "deterministic noise has a place for every step of a discrete schedule");
  PetscFunctionReturn(0);
}

enum { CACHE_LINE = 16 }; /* floats */

PetscErrorCode objective_create(const ObjectiveSpec *spec, IsaLevel isa, int d, int64_t n, const double *data, Objective **out)
{
  Objective *o;
  PetscFunctionBeginUser;
  PetscCall(check_spec(spec, d, n));
  PetscCall(PetscNew(&o));
  o->spec  = *spec;
  o->isa   = isa;
  o->d     = d;
  o->d_row = d < 3 ? d : (d + 3) / 4 * 4;
  o->n     = n;
  PetscCall(PetscCalloc1((size_t)n * (size_t)o->d_row + CACHE_LINE, &o->data_block));
  o->data = o->data_block + (CACHE_LINE - (uintptr_t)o->data_block / sizeof(float) % CACHE_LINE) % CACHE_LINE;
  for (int j = 0; j < d; j++)
    for (int64_t i = 0; i < n; i++) o->data[i * o->d_row + j] = (float)data[j * n + i];
  shape_permutation(o);
  choose_fields(o);
  if (spec->T > 0) PetscCall(fill_schedule(o));
  if (spec->T == 0) continuous_range(o);
  if (spec->noise == NOISE_DETERMINISTIC) PetscCall(fill_digits(o, data));
  *out = o;
  PetscFunctionReturn(0);
}

void objective_destroy(Objective **o)
{
  if (!*o) return;
  PetscCallVoid(PetscFree((*o)->data_block));
  PetscCallVoid(PetscFree((*o)->digits));
  PetscCallVoid(PetscFree((*o)->row));
  PetscCallVoid(PetscFree(*o));
}

void objective_batch(const Objective *o, uint64_t key, int64_t step, int first, int n, int stride, float *x, float *t, float *target,
                     float *weight, float *level)
{
  switch (o->isa) {
  case ISA_V4: objective_batch_v4(o, key, step, first, n, stride, x, t, target, weight, level); break;
  case ISA_V3: objective_batch_v3(o, key, step, first, n, stride, x, t, target, weight, level); break;
  case ISA_BASE: objective_batch_base(o, key, step, first, n, stride, x, t, target, weight, level); break;
  }
}
