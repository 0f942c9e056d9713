/* SPDX-License-Identifier: BSD-2-Clause
 * What all distances between clouds need first: numbers that are finite, and clouds packed for the pair kernels. */
#ifndef MYOPIA_METRICS_CLOUD_H
#define MYOPIA_METRICS_CLOUD_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOUD_LANES = 16 };

/* Component j of point i at [(i / 16) * d * 16 + j * 16 + i % 16]; lanes behind the last point, and
 * one more block, are 0. */
typedef struct PackedCloud {
  int     d;
  int64_t n;
  float  *x;
} PackedCloud;

/* Two clouds times one power of two that brings the widest component near [1, 2): squares neither overflow nor vanish, and nothing is
 * rounded, so distances are exactly `scale` times larger. Differences are never taken of centred numbers: x - y is right to half an ulp of
 * itself whatever the offset. */
typedef struct CloudPair {
  PackedCloud x, y;
  double      scale;
} CloudPair;

bool cloud_is_finite(int d, int64_t n, const float *x); /* and not empty */
/* y NULL: x alone. False (and nothing to free) where a cloud is empty or not finite. */
bool cloud_pair_create(int d, int64_t n, const float *x, int64_t m, const float *y, CloudPair *out);
void cloud_pair_destroy(CloudPair *);

/* Ascending; values are not NaN. */
void cloud_sort(int64_t n, double *x);

#endif
