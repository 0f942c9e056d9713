/* SPDX-License-Identifier: BSD-2-Clause
 * Where a denoiser is compared with the exact posterior mean f = E[x_0 | x_t]: at samples of p_t and at given points, for a list of times.
 * */
#ifndef MYOPIA_EXACT_FIELD_H
#define MYOPIA_EXACT_FIELD_H

#include "net.h"
#include "objective.h"
#include "target.h"

/* The points of a time: n_samples of p_t, then the n_given ones. */
typedef struct ExactField {
  int           n_times, d, n_samples, n_given, n, stride; /* n = n_samples + n_given <= stride */
  Coefficients *c;                                         /* (n_times) */
  float        *x;                                         /* (n_times, d, stride) */
  double       *f;                                         /* (n_times, d, stride): E[x_0 | x_t = x] */
} ExactField;

/* t: (n_times); given: (d, n_given). The samples of p_t are those of `key`. */
PetscErrorCode exact_field_create(const Target *, const ObjectiveSpec *, uint64_t key, int n_times, const double *t, int n_samples,
                                  int n_given, const double *given, ExactField **out);
void           exact_field_destroy(void *); /* an ExactField * */

/* Outputs at all points of time k: out (d, stride) of a loaded net, or of the exact posterior mean when net is NULL. */
PetscErrorCode exact_field_run(const ExactField *, const Net *, int k, float *out);
/* Mean square over points [first, last) of component j of x0-hat - f at time k (of eps-hat it is (a/s)^2 times that, of the score
 * (a/s^2)^2), of the output less its exact value, and of the exact value. */
typedef struct FieldError {
  double data, output, exact;
} FieldError;
FieldError exact_field_error(const ExactField *, int k, const float *out, int j, int first, int last);

#endif
