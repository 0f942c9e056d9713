/* SPDX-License-Identifier: BSD-2-Clause
 * Optimizers: what depends on the step alone (learning rate, bias correction), the cut into kernel calls, clipping, and the slow reference.
 * Adam: Kingma and Ba, ICLR 2015; AdamW: Loshchilov and Hutter, ICLR 2019; cosine: the same, ICLR 2017, without restarts. No Nesterov
 * momentum, no AMSGrad, no parameter groups. */
#include "optimizer.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "optimizer_kernel.h"

const char *const optimizer_names[] = {"sgd", "adam", "adamw", NULL};
const char *const rate_names[]      = {"constant", "cosine", "step", NULL};

static const double clip_margin = 1e-6; /* torch's, against a division by 0 */

int optimizer_moments(const OptimizerSpec *spec)
{
  if (spec->kind == OPTIMIZER_SGD) return spec->momentum != 0 ? 1 : 0;
  return 2;
}

/* By squaring: cheaper than pow, and its bits do not depend on libm. The bits of n are random numbers to a branch predictor, so that a
 * factor is chosen from memory. */
static double power(double x, int64_t n)
{
  double y = 1;
  for (; n > 0; n >>= 1, x *= x) {
    const double factor[2] = {1, x};
    y *= factor[n & 1];
  }
  return y;
}

double optimizer_rate(const OptimizerSpec *spec, int64_t step, int64_t steps)
{
  const double rate = spec->learning_rate, last = rate * spec->rate_factor;
  switch (spec->rate) {
  case RATE_CONSTANT: return rate;
  case RATE_COSINE: return last + (rate - last) * (1 + cos(M_PI * (double)step / (double)steps)) / 2;
  case RATE_STEP: return rate * power(spec->rate_factor, spec->rate_every > 0 ? step / spec->rate_every : 0);
  }
  return rate;
}

static OptimizerScalars scalars(const OptimizerSpec *spec, int64_t step, double rate)
{
  OptimizerScalars s = {.kind     = spec->kind,
                        .decay    = spec->kind == OPTIMIZER_ADAMW ? 0 : (float)spec->decay,
                        .shrink   = spec->kind == OPTIMIZER_ADAMW ? (float)(1 - rate * spec->decay) : 1,
                        .step     = (float)-rate,
                        .momentum = (float)spec->momentum,
                        .keep     = (float)spec->average,
                        .update   = (float)(1 - spec->average)};
  if (spec->kind == OPTIMIZER_SGD) return s;
  s.beta1   = (float)spec->beta1;
  s.beta2   = (float)spec->beta2;
  s.new1    = (float)(1 - spec->beta1);
  s.new2    = (float)(1 - spec->beta2);
  s.delta   = (float)spec->delta;
  s.step    = (float)(-rate / (1 - power(spec->beta1, step + 1)));
  s.inverse = (float)(1 / sqrt(1 - power(spec->beta2, step + 1)));
  return s;
}

void optimizer_step(IsaLevel isa, const OptimizerSpec *spec, int64_t step, double rate, int64_t n, int lanes, const float *scale,
                    const float *gradient, float *moments, float *theta, float *average)
{
  const OptimizerScalars s = scalars(spec, step, rate);
  float                  repeated[16];
  if (optimizer_moments(spec) == 0) moments = NULL; /* the kernel takes it as the sign of momentum */
  for (int i = 0; i < 16; i++) repeated[i] = scale[lanes == 1 ? 0 : i];
  switch (isa) {
  case ISA_V4: optimizer_update_v4(&s, n, repeated, gradient, moments, theta, average); break;
  case ISA_V3: optimizer_update_v3(&s, n, repeated, gradient, moments, theta, average); break;
  case ISA_BASE: optimizer_update_base(&s, n, repeated, gradient, moments, theta, average); break;
  }
}

static float clip_factor(double clip, double squares)
{
  const double norm = sqrt(squares) + clip_margin;
  return norm > clip ? (float)(clip / norm) : 1;
}

void optimizer_clip(IsaLevel isa, const OptimizerSpec *spec, int64_t n, int lanes, const float *gradient, float *scale)
{
  double sum[16];
  for (int i = 0; i < lanes; i++) scale[i] = 1;
  if (!(spec->clip > 0)) return;
  switch (isa) {
  case ISA_V4: optimizer_squares_v4(n, gradient, sum); break;
  case ISA_V3: optimizer_squares_v3(n, gradient, sum); break;
  case ISA_BASE: optimizer_squares_base(n, gradient, sum); break;
  }
  for (int half = 8; lanes == 1 && half > 0; half /= 2)
    for (int i = 0; i < half; i++) sum[i] += sum[i + half];
  for (int i = 0; i < lanes; i++) scale[i] = clip_factor(spec->clip, sum[i]);
}

static float round_sum(float a, float factor, float b) { return (float)((double)a + (double)factor * (double)b); }

static float reference_adam(const OptimizerSpec *spec, int64_t step, double rate, float gradient, float *m, float *v, float theta)
{
  const double bias1 = 1 - pow(spec->beta1, (double)step + 1), bias2 = 1 - pow(spec->beta2, (double)step + 1);
  if (spec->kind == OPTIMIZER_ADAMW) theta *= (float)(1 - rate * spec->decay);
  *m                = round_sum((float)spec->beta1 * *m, (float)(1 - spec->beta1), gradient);
  *v                = round_sum((float)spec->beta2 * *v, (float)(1 - spec->beta2) * gradient, gradient);
  const float denom = sqrtf(*v) / (float)sqrt(bias2) + (float)spec->delta;
  return round_sum(theta, (float)(-rate / bias1), *m / denom);
}

static float reference_sgd(const OptimizerSpec *spec, double rate, float gradient, float *buffer, float theta)
{
  if (buffer) gradient = *buffer = round_sum(gradient, (float)spec->momentum, *buffer);
  return round_sum(theta, (float)-rate, gradient);
}

void optimizer_step_reference(const OptimizerSpec *spec, int64_t step, double rate, int64_t n, const float *gradient, float *moments,
                              float *theta, float *average)
{
  const bool momentum = optimizer_moments(spec) > 0;
  for (int64_t i = 0; i < n; i++) {
    float g = gradient[i];
    if (spec->kind != OPTIMIZER_ADAMW && spec->decay != 0) g = round_sum(g, (float)spec->decay, theta[i]);
    if (spec->kind == OPTIMIZER_SGD)
      theta[i] = reference_sgd(spec, rate, g, momentum ? &moments[i] : NULL, theta[i]);
    else
      theta[i] = reference_adam(spec, step, rate, g, &moments[i], &moments[n + i], theta[i]);
    if (average) average[i] = round_sum((float)spec->average * average[i], (float)(1 - spec->average), theta[i]);
  }
}
