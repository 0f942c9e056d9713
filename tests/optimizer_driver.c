/* SPDX-License-Identifier: BSD-2-Clause
 * An optimizer's trajectory for peers/test_optimizer.py: reads float32 parameters (n) and gradients (steps, n) from standard input, writes
 * parameters and their average (2, n) after every step to standard output.
 *   optimizer_driver KIND RATE_KIND reference|kernel learning_rate momentum beta1 beta2 delta decay factor every clip average n steps */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optimizer.h"

enum { ARGUMENTS = 16 };

static int place(const char *const *names, const char *name)
{
  for (int i = 0; names[i]; i++)
    if (strcmp(names[i], name) == 0) return i;
  exit(2);
}

static float *vector(size_t n)
{
  float *x = calloc(n ? n : 1, sizeof *x);
  if (!x) exit(3);
  return x;
}

static void read_floats(size_t n, float *x)
{
  if (fread(x, sizeof *x, n, stdin) != n) exit(3);
}

static void step_once(const OptimizerSpec *s, int slow, int64_t step, int64_t steps, int64_t n, float *gradient, float *moments,
                      float *theta, float *average)
{
  const double rate = optimizer_rate(s, step, steps);
  float        scale;
  optimizer_clip(isa_level(), s, n, 1, gradient, &scale);
  if (!slow) {
    optimizer_step(isa_level(), s, step, rate, n, 1, &scale, gradient, moments, theta, average);
    return;
  }
  for (int64_t i = 0; i < n; i++) gradient[i] *= scale;
  optimizer_step_reference(s, step, rate, n, gradient, moments, theta, average);
}

int main(int argc, char **argv)
{
  if (argc != ARGUMENTS) return 2;
  const OptimizerSpec s    = {.kind          = (OptimizerKind)place(optimizer_names, argv[1]),
                              .rate          = (RateKind)place(rate_names, argv[2]),
                              .learning_rate = atof(argv[4]),
                              .momentum      = atof(argv[5]),
                              .beta1         = atof(argv[6]),
                              .beta2         = atof(argv[7]),
                              .delta         = atof(argv[8]),
                              .decay         = atof(argv[9]),
                              .rate_factor   = atof(argv[10]),
                              .rate_every    = atol(argv[11]),
                              .clip          = atof(argv[12]),
                              .average       = atof(argv[13])};
  const int           slow = strcmp(argv[3], "reference") == 0;
  const int64_t       n = atol(argv[14]), steps = atol(argv[15]);
  float              *theta = vector((size_t)n), *average = vector((size_t)n), *gradient = vector((size_t)n);
  float              *moments = vector((size_t)(n * optimizer_moments(&s)));
  read_floats((size_t)n, theta);
  memcpy(average, theta, (size_t)n * sizeof *theta);
  for (int64_t step = 0; step < steps; step++) {
    read_floats((size_t)n, gradient);
    step_once(&s, slow, step, steps, n, gradient, moments, theta, average);
    fwrite(theta, sizeof *theta, (size_t)n, stdout);
    fwrite(average, sizeof *average, (size_t)n, stdout);
  }
  free(moments);
  free(gradient);
  free(average);
  free(theta);
  return 0;
}
