/* SPDX-License-Identifier: BSD-2-Clause
 * Distances between laws from samples. Point clouds are (d, n) float32: component j of point i at x[j * n + i]. Results are doubles, summed
 * in an order that depends on the sizes alone. Subsamples are keyed: the first m points are used (samples are exchangeable), m in the name
 * of the estimator. NaN where a cloud is empty, or holds a number that is not finite. */
#ifndef MYOPIA_METRICS_H
#define MYOPIA_METRICS_H

#include <petscsys.h>
#include <stdint.h>

#include "isa.h"

/* Energy distance 2 E|X-Y| - E|X-X'| - E|Y-Y'| (Szekely and Rizzo), U-statistics, so unbiased and possibly negative near
 * 0; NaN for a cloud of one point. within_y: NULL, or in/out: E|Y-Y'| kept between calls with the same y (NaN: compute it). */
double metric_energy_distance(IsaLevel, int d, int64_t n, const float *x, int64_t m, const float *y, double *within_y);
/* Sum over pairs: mean |x_i - y_j| (m > 0), or mean over i < j of |x_i - x_j| (y NULL). The slow reference in double beside it. */
double metric_mean_distance(IsaLevel, int d, int64_t n, const float *x, int64_t m, const float *y);
double metric_mean_distance_reference(int d, int64_t n, const float *x, int64_t m, const float *y);

/* Maximum mean discrepancy squared, U-statistic, Gaussian kernels exp(-|x-y|^2 / (2 h^2)) averaged over n_h bandwidths
 * h > 0. */
double metric_mmd(IsaLevel, int d, int64_t n, const float *x, int64_t m, const float *y, int n_h, const double *h);

/* Wasserstein-1 in one dimension by sorting, any sizes. Values are sorted in place. */
double metric_wasserstein_1d(int64_t n, double *x, int64_t m, double *y);
/* ... on a circle of circumference 1 (coordinates are taken modulo 1): min over rotations of the cut = integral |F - G - median|. */
double metric_wasserstein_circle(int64_t n, double *x, int64_t m, double *y);
/* Mean W1 of projections on n_directions random directions of the stream (key, RNG_METRIC); d = 1: W1. */
double metric_sliced_wasserstein(int d, int64_t n, const float *x, int64_t m, const float *y, int n_directions, uint64_t key);
/* Exact Wasserstein-1 of two clouds of n points by assignment (shortest augmenting paths, Jonker and Volgenant): O(n^3), n <= 2048. */
double metric_wasserstein_exact(int d, int64_t n, const float *x, const float *y);

/* Frechet distance |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^{1/2}) of Gaussians fitted to two clouds (unbiased covariances; not a root: the
 * square of the Wasserstein-2 distance of the two). NaN for a cloud of one point. */
PetscErrorCode metric_frechet(int d, int64_t n, const float *x, int64_t m, const float *y, double *distance);

/* Mutual information in bits of a contingency table (rows, columns), counts; plug-in with Miller and Madow's correction, not below 0;
 * NaN for a table without counts. */
double metric_mutual_information(int rows, int columns, const int64_t *count);

/* Nearest neighbours: for every x the distance to the nearest (and second nearest, when second is not NULL; NaN when
 * m = 1) point of y. By differences of components, so right to some 1e-7 of itself whatever the offset; ties and duplicates count. */
void metric_nearest(IsaLevel, int d, int64_t n, const float *x, int64_t m, const float *y, float *first, float *second);

/* Mean, 99 % quantile (linear interpolation) and largest of n values, which are sorted in place. */
void metric_mean_q99_max(int64_t n, double *value, double out[3]);

/* Moments of a labelled cloud: weight (share of the n points), mean and covariance of the points of every label (labels 0..k-1, others:
 * none). weight (k), mean (k, d), covariance (k, d, d), unbiased; NaN with fewer than 2 points. */
void metric_labelled_moments(int d, int64_t n, const float *x, int k, const int *label, double *weight, double *mean, double *covariance);

#endif
