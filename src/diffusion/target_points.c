/* SPDX-License-Identifier: BSD-2-Clause
 * Five points of the plane, equally likely; in more dimensions the points themselves are rotated. E[x_0 | x] is a softmax over them. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "target_private.h"

enum { COUNT = 5 };
static const double plane[COUNT][2] = {{-1.2, -0.8}, {-0.6, 1.1}, {0.3, -0.5}, {1.4, 0.7}, {0.9, -1.3}};

static PetscErrorCode create(Target *t)
{
  double *mean, *zero;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(COUNT * t->d, &mean, COUNT * t->d, &zero));
  PetscCall(PetscMalloc1(COUNT * t->d, &t->point));
  double *frame = mem_calloc(2 * (size_t)t->d, sizeof *frame);
  if (t->d > 2)
    target_rotation(t->d, 2, frame);
  else
    frame[0] = frame[3] = 1;
  for (int k = 0; k < COUNT; k++)
    for (int j = 0; j < t->d; j++)
      t->point[j * COUNT + k] = mean[k * t->d + j] = frame[2 * j] * plane[k][0] + frame[2 * j + 1] * plane[k][1];
  free(frame);
  PetscCall(atoms_create(&(MixtureSpec){.modes = COUNT, .d = t->d, .mean = mean, .variance = zero}, &t->atoms));
  PetscCall(PetscFree2(mean, zero));
  PetscFunctionReturn(0);
}

static void destroy(Target *t)
{
  atoms_destroy(&t->atoms);
  (void)PetscFree(t->point);
}

static void sample(const Target *t, Rng *r, double *y)
{
  const uint32_t k = rng_below(r, COUNT);
  memcpy(y, t->atoms.mean + k * (uint32_t)t->d, (size_t)t->d * sizeof *y);
}

static double nearest(const Target *t, const double *y, double *out)
{
  double best = INFINITY;
  int    at   = 0;
  for (int k = 0; k < COUNT; k++) {
    double square = 0;
    for (int j = 0; j < t->d; j++) square += pow(y[j] - t->atoms.mean[k * t->d + j], 2);
    if (square < best) {
      best = square;
      at   = k;
    }
  }
  memcpy(out, t->atoms.mean + at * t->d, (size_t)t->d * sizeof *out);
  return NAN;
}

static void   mean(const Target *t, double a, double s, const double *y, double *f) { atoms_mean(&t->atoms, a, s, y, f); }
static double log_density(const Target *t, double a, double s, const double *y) { return atoms_log_density(&t->atoms, a, s, y); }

const TargetOps target_points_ops = {.create      = create,
                                     .destroy     = destroy,
                                     .sample      = sample,
                                     .mean        = mean,
                                     .fast        = atoms_fast,
                                     .log_density = log_density,
                                     .nearest     = nearest};
