/* SPDX-License-Identifier: BSD-2-Clause
 * What the kinds of data laws share inside: the table of operations of a kind, and a Target's parts. Operations see one point in the law's
 * own space (R^2 or R^3 of a manifold, R^d else); target.c turns it into the ambient space and walks over clouds. */
#ifndef MYOPIA_TARGET_PRIVATE_H
#define MYOPIA_TARGET_PRIVATE_H

#include "isa.h"
#include "rng.h"
#include "target.h"
#include "target_kernel.h"

enum { RNG_TARGET_ROTATION = RNG_DATA + 1, RNG_TARGET_ORDER = RNG_DATA + 2 };
enum { TARGET_BLOCK = 64, TARGET_GROUP = 16 }; /* points that a fast call sees at once, and what their number is a multiple of */
enum { TARGET_POINT_BLOCKS = 20 };             /* log2 of the Philox blocks of one sample */

/* Weighted Gaussians with diagonal covariances; variance 0: points. */
typedef struct Atoms {
  int     n, d;
  double *mean, *variance, *weight;   /* (n, d), (n, d), (n) normalised */
  double *log_weight, *cumulated;     /* (n): logarithms, and sums up to and with this one */
  double *centre, *precision, *level; /* room for AtomsAt */
  float  *offset, *gain;
} Atoms;

typedef struct TargetOps {
  int own, k; /* dimensions of the own space (0: the ambient one) and of the manifold */
  PetscErrorCode (*create)(Target *);
  void (*destroy)(Target *);
  void (*sample)(const Target *, Rng *, double *y);
  void (*mean)(const Target *, double a, double s, const double *y, double *f); /* NULL: unknown */
  /* The same for n points (a multiple of 16, at most TARGET_BLOCK) in float32. */
  void (*fast)(const Target *, double a, double s, int n, int stride, const float *y, float *f);
  double (*log_density)(const Target *, double a, double s, const double *y); /* in own space; NULL: unknown */
  double (*nearest)(const Target *, const double *y, double *nearest);        /* returns the coordinate; NULL: there is none */
} TargetOps;

typedef struct Digits {
  int64_t  n;
  uint8_t *image; /* (n, 784) */
} Digits;

/* The curve at the angles 2 pi i / CURVE_NODES, in double and in float32, whole and every second, third and sixth node. */
enum { CURVE_NODES = 576, CURVE_LEVELS = 4 };
typedef struct CurveTable {
  double x[CURVE_NODES], y[CURVE_NODES];
  int    n[CURVE_LEVELS];
  float  level[CURVE_LEVELS][5][CURVE_NODES]; /* x, y, logarithm of the density, cosine and sine of the angle */
} CurveTable;

struct Target {
  TargetKind           kind;
  int                  d, own;
  const TargetOps     *ops;
  const TargetKernels *kernels;
  double              *frame;       /* (d, own): orthonormal columns; NULL: the own space is the ambient one */
  float               *frame_float; /* (d, own) */
  float               *pad;         /* (2, d, 16): room for the last points of a block */
  Atoms                atoms;       /* MIXTURE, POINTS */
  MixtureSpec          spec;        /* MIXTURE: a view of atoms */
  double              *point;       /* POINTS: (d, count) */
  CurveTable          *curve;
  Digits               digits;
};

extern const TargetOps target_mixture_ops, target_line_ops, target_curve_ops, target_points_ops, target_sphere_ops, target_torus_ops;

/* Orthonormal columns of the ambient space (d, own), a constant of (d, own). */
void target_rotation(int d, int own, double *frame);

PetscErrorCode atoms_create(const MixtureSpec *, Atoms *); /* variances may be 0 */
void           atoms_destroy(Atoms *);
void           atoms_fast(const Target *, double a, double s, int n, int stride, const float *x, float *f);
void           atoms_mean(const Atoms *, double a, double s, const double *x, double *f);
double         atoms_log_density(const Atoms *, double a, double s, const double *x);

void digits_sample(const Digits *, uint64_t key, uint32_t draw, int64_t n, double *x);
/* Index of the nearest image; the fast one rounds sums of squares to float32. */
int64_t digits_nearest(const Digits *, const double *x);
int64_t digits_nearest_fast(const Digits *, ImageKernel *, const double *x);
void    digits_image(const Digits *, int64_t at, double *x);

/* Asks the exact quadrature about the points that a kernel was unsure of. */
void target_repair(const Target *, double a, double s, int n, int stride, const int32_t *unsure, const float *y, float *f);

/* e^{-x} I_0(x) and e^{-x} I_1(x), x >= 0, relative error below 1e-14. */
void bessel_scaled(double x, double *i0, double *i1);

#endif
