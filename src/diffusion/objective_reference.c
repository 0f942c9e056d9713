/* SPDX-License-Identifier: BSD-2-Clause
 * One sample of a batch in plain C, the arithmetic of objective_kernel.c and vector_math.h written again for one number. Deterministic
 * noise is read from the objective's table. */
#include <math.h>
#include <string.h>

#include "objective_private.h"
#include "rng.h"

/* Word `number` of a stream laid out in groups of 64 (vector_rng.h). */
static uint32_t word_of(uint64_t key, uint64_t number, uint32_t draw, uint32_t purpose)
{
  uint32_t word[4];
  rng_block(key, number / 64 * 16 + number % 16, draw, purpose, word);
  return word[number / 16 % 4];
}

static uint32_t below(uint32_t word, uint32_t n) { return (uint32_t)((uint64_t)word * n >> 32); }

static int64_t index_of(const Objective *o, uint64_t key, int64_t step, int place, uint64_t number)
{
  const int64_t epoch_steps = objective_epoch_steps(o);
  uint32_t      round_key[OBJECTIVE_ROUNDS_MAX];
  if (o->spec.batch > o->n) return below(word_of(key, number, OBJECTIVE_ROUNDS_MAX / 4, RNG_ORDER), (uint32_t)o->n);
  objective_round_keys(o, key, step / epoch_steps, round_key);
  return objective_permuted(o, round_key, step % epoch_steps * o->spec.batch + place);
}

/* e^x = 2^n (1 + p) */
static float exp_parts(float x, int *n)
{
  static const float c[] = {0x1.6a4878p-10f, 0x1.1239bp-7f, 0x1.5558b6p-5f, 0x1.555492p-3f, 0x1.fffffcp-2f};
  const float        k = fmaf(x, 1.44269504f, 0x1.8p23f) - 0x1.8p23f, r = fmaf(k, -1.42860677e-6f, fmaf(k, -0.693145752f, x));
  float              q = c[0];
  for (int i = 1; i < 5; i++) q = fmaf(q, r, c[i]);
  *n = (int)k;
  return fmaf(q, r * r, r);
}

static float continuous_time(const Objective *o, float u)
{
  float t = fmaf(u, o->t_range, o->t_first);
  if (o->spec.sampling == SAMPLE_EXPONENTIAL) {
    int         n;
    const float p = exp_parts(t, &n);
    t             = ldexpf(1.0f + p, n);
  }
  return fminf(fmaxf(t, o->t_min), o->t_max);
}

typedef struct Factors {
  float a, s, p, q;
} Factors;

static Factors continuous_factors(const Objective *o, float t)
{
  int         n;
  const float p = exp_parts(fmaxf(t * -0.5f, -87.0f), &n), scale = ldexpf(1, n), a = fmaf(p, scale, scale);
  const float s2 = -fmaf(p, scale, scale - 1.0f) * (1.0f + a), s = sqrtf(s2);
  switch (o->spec.prediction) {
  case PREDICT_DATA: return (Factors){a, s, a * a / s2, 0};
  case PREDICT_SCORE: return (Factors){a, s, 1.0f / s, s2};
  case PREDICT_VELOCITY: return (Factors){a, s, a * -0.5f, a * a * 0.5f / s};
  case PREDICT_NOISE:
  case PREDICT_MEAN: break;
  }
  return (Factors){a, s, 0, 0};
}

static float field(Field f, const Factors *c)
{
  return f == FIELD_ZERO ? 0 : f == FIELD_ONE ? 1 : f == FIELD_MINUS_ONE ? -1 : f == FIELD_P ? c->p : c->q;
}

void objective_sample_reference(const Objective *o, uint64_t key, int64_t step, int place, int64_t *index, float *x, float *t,
                                float *target, float *weight)
{
  const uint64_t number = (uint64_t)step << OBJECTIVE_STEP_BITS | (uint64_t)place;
  const uint32_t word = word_of(key, number, 0, RNG_TIME), time = below(word, (uint32_t)o->spec.T);
  const int64_t  i = index_of(o, key, step, place, number);
  Factors        c;
  if (o->spec.T > 0) {
    memcpy(&c, o->row + (size_t)time * OBJECTIVE_ROW, sizeof c);
    *t = ((float)time + 1.0f) / (float)o->spec.T;
  } else {
    const float at = continuous_time(o, (float)(word >> 8) * 0x1p-24f);
    c              = continuous_factors(o, at);
    *t             = at * o->time_scale;
  }
  for (int j = 0; j < o->d; j++) {
    const float x0  = o->data[i * o->d_row + j];
    const float eps = o->digits ? o->digits[((size_t)i * (size_t)o->spec.T + time) * (size_t)o->d + (size_t)j]
                                : noise_normal_reference(key, number, (uint32_t)j, RNG_TRAIN_NOISE);
    x[j]            = fmaf(c.a, x0, c.s * eps);
    target[j]       = fmaf(field(o->target_x0, &c), x0, field(o->target_eps, &c) * eps);
  }
  *weight = field(o->weight, &c);
  *index  = i;
}
