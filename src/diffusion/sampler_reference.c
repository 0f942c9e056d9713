/* SPDX-License-Identifier: BSD-2-Clause
 * The slow reference of sampler_run: one particle, double arithmetic, plain loops. */
#include "rng.h"
#include "sampler.h"

static double noise_of(NoiseKind kind, uint64_t key, int64_t particle, int k, int place, int j, int d, double start)
{
  if (kind == NOISE_DETERMINISTIC) return noise_digits_normal(start, place);
  return (double)noise_normal_reference(key, (uint64_t)particle, (uint32_t)k * (uint32_t)d + (uint32_t)j, RNG_SAMPLER);
}

void sampler_reference(const SamplerPlan *plan, void (*output)(void *ctx, const SamplerStep *, bool second, const double *x, double *out),
                       void *ctx, NoiseKind noise, uint64_t key, int64_t particle, int d, double *x)
{
  double buffer[4 * 1024], *start = buffer, *middle = buffer + 1024, *o = buffer + 2048, *p = buffer + 3072;
  for (int j = 0; j < d; j++) start[j] = x[j];
  for (int k = 0; k < plan->n_steps; k++) {
    const SamplerStep *s = &plan->step[k];
    const double       A = (double)s->A, B = (double)s->B, C = (double)s->C;
    output(ctx, s, false, x, o);
    for (int j = 0; j < d; j++) middle[j] = A * x[j] + B * o[j];
    if (!s->heun) {
      for (int j = 0; j < d; j++) x[j] = middle[j];
      if (C > 0)
        for (int j = 0; j < d; j++) x[j] += C * noise_of(noise, key, particle, k, s->place, j, d, start[j]);
      continue;
    }
    output(ctx, s, true, middle, p);
    for (int j = 0; j < d; j++) x[j] = (double)s->A2 * x[j] + (double)s->B2 * o[j] + (double)s->C2 * middle[j] + (double)s->D2 * p[j];
  }
}
