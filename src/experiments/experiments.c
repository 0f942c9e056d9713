/* SPDX-License-Identifier: BSD-2-Clause
 * The one visible list of experiments, in the order of `myopia list`: a new one adds its line here. X(name) is experiment_name, defined in
 * name.c. */
#include "experiment.h"

#include <string.h>

/* clang-format off */
#define EXPERIMENTS(X) \
  X(barbell) \
  X(chain) \
  X(bridge) \
  X(opt_dynamics) \
  X(resistance) \
  X(spectrum) \
  X(sparsify) \
  X(gaussian_mixture) \
  X(singularity) \
  X(graph_diffusion)
/* clang-format on */

#define DECLARE(name) extern const Experiment experiment_##name;
#define ADDRESS(name) &experiment_##name,

EXPERIMENTS(DECLARE)

static const Experiment *const experiments[] = {EXPERIMENTS(ADDRESS) NULL};

const Experiment *experiment_get(int i)
{
  const int n = (int)(sizeof experiments / sizeof *experiments) - 1;
  return i >= 0 && i < n ? experiments[i] : NULL;
}

const Experiment *experiment_find(const char *name)
{
  for (int i = 0; experiments[i]; i++)
    if (strcmp(experiments[i]->name, name) == 0) return experiments[i];
  return NULL;
}
