/* SPDX-License-Identifier: BSD-2-Clause
 * The doors of target_kernel.c, target_curve_kernel.c, target_torus_kernel.c and target_digits_kernel.c: posterior means in float32, once
 * per ISA level. Points are feature-major with a stride, n a multiple of 16; a point's bits depend on that point alone. */
#ifndef MYOPIA_TARGET_KERNEL_H
#define MYOPIA_TARGET_KERNEL_H

#include <stdint.h>

#include "isa.h"

/* Atoms at one (a, s), of a mode k and dimension j at [k * d + j]: exponent = level_k - sum_j precision (x_j - centre)^2 in double, mean
 * offset + gain x. */
typedef struct AtomsAt {
  int           n, d;
  const double *centre, *precision, *level;
  const float  *offset, *gain;
} AtomsAt;

/* The curve at one sigma. Around the whole circle (sigma large): nodes and logarithms of weights. Else about the foot point: the grid to
 * start from, with e(phi) at its nodes. */
typedef struct CurveAt {
  float        a_inverse, sigma, precision; /* precision: 1 / (2 sigma^2) */
  float        reach;                       /* of |z|: beyond, the nodes do not suffice */
  int          n;
  const float *x, *y, *log_weight, *cosine, *sine; /* (n) */
} CurveAt;

/* own space <-> ambient one: y (own, 64) = Q^T x (d, stride), x = Q y; frame (d, own). */
typedef void ProjectKernel(int d, int own, const float *frame, int n, int stride, const float *x, float *y);
typedef void EmbedKernel(int d, int own, const float *frame, int n, int stride, const float *y, float *x);
typedef void AtomsKernel(const AtomsAt *, int n, int stride, const float *x, float *f);
typedef void SphereKernel(float scale, int n, int stride, const float *x, float *f); /* scale: a / s^2 */
/* unsure (n): not 0 where the caller must ask the exact one: several feet, flat valleys, what is not finite. */
typedef void CurveKernel(const CurveAt *, int n, int stride, const float *x, float *f, int32_t *unsure);
typedef void TorusKernel(float a_inverse, float precision, int n, int stride, const float *x, float *f, int32_t *unsure); /* 1 / sigma^2 */

/* Index of the image (n, 784) nearest to x, in pixels 0 to 255: the first of the least sums of squares in float32. */
typedef int64_t ImageKernel(int64_t n, const uint8_t *image, const float *x);

ProjectKernel target_project_base, target_project_v3, target_project_v4;
EmbedKernel   target_embed_base, target_embed_v3, target_embed_v4;
AtomsKernel   target_atoms_base, target_atoms_v3, target_atoms_v4;
SphereKernel  target_sphere_base, target_sphere_v3, target_sphere_v4;
CurveKernel   target_circle_base, target_circle_v3, target_circle_v4; /* around the whole curve */
CurveKernel   target_foot_base, target_foot_v3, target_foot_v4;       /* about the foot point */
TorusKernel   target_torus_base, target_torus_v3, target_torus_v4;
ImageKernel   target_image_base, target_image_v3, target_image_v4;

typedef struct TargetKernels {
  ProjectKernel *project;
  EmbedKernel   *embed;
  AtomsKernel   *atoms;
  SphereKernel  *sphere;
  CurveKernel   *circle, *foot;
  TorusKernel   *torus;
  ImageKernel   *image;
} TargetKernels;

const TargetKernels *target_kernels(IsaLevel);

#endif
