/* SPDX-License-Identifier: BSD-2-Clause
 * Data laws: the table of kinds, creation, and the walk over clouds of points. A manifold in more dimensions than its own is turned by a
 * frame Q with orthonormal columns: E[x_0 | x] = Q f(Q^T x), because noise across the own space says nothing of x_0. It does not know one
 * kind from another beyond the table; MNIST is the exception, it has no own space. */
#include "target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "target_draw.h"
#include "target_private.h"

static const TargetOps digits_ops = {.k = 0};

static const TargetOps *const kinds[] = {
    [TARGET_MIXTURE] = &target_mixture_ops, [TARGET_LINE] = &target_line_ops,     [TARGET_CURVE] = &target_curve_ops,
    [TARGET_POINTS] = &target_points_ops,   [TARGET_SPHERE] = &target_sphere_ops, [TARGET_TORUS] = &target_torus_ops,
    [TARGET_DIGITS] = &digits_ops};

enum { DIGITS_PIXELS = 784 };

/* Columns of a Gaussian matrix made orthonormal by Gram and Schmidt, twice: Q of its QR factors with a positive diagonal, so uniform
 * (Stewart, SIAM J. Numer. Anal. 17 (1980) 403). */
void target_rotation(int d, int own, double *frame)
{
  Rng r = rng_start(0, (uint32_t)d, RNG_TARGET_ROTATION);
  for (int i = 0; i < d * own; i += 2) {
    double z[2];
    draw_normals(&r, z);
    frame[i] = z[0];
    if (i + 1 < d * own) frame[i + 1] = z[1];
  }
  for (int c = 0; c < own; c++) {
    for (int pass = 0; pass < 2; pass++)
      for (int b = 0; b < c; b++) {
        double dot = 0;
        for (int j = 0; j < d; j++) dot += frame[j * own + b] * frame[j * own + c];
        for (int j = 0; j < d; j++) frame[j * own + c] -= dot * frame[j * own + b];
      }
    double square = 0;
    for (int j = 0; j < d; j++) square += frame[j * own + c] * frame[j * own + c];
    for (int j = 0; j < d; j++) frame[j * own + c] /= sqrt(square);
  }
}

/* What every kind has: kernels, the frame, room. */
static PetscErrorCode prepare(Target *t)
{
  PetscFunctionBeginUser;
  t->kernels = target_kernels(isa_level());
  PetscCall(PetscCalloc1(2 * t->d * TARGET_GROUP, &t->pad));
  if (t->d == t->own) PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(t->d * t->own, &t->frame, t->d * t->own, &t->frame_float));
  target_rotation(t->d, t->own, t->frame);
  for (int i = 0; i < t->d * t->own; i++) t->frame_float[i] = (float)t->frame[i];
  PetscFunctionReturn(0);
}

PetscErrorCode target_mixture(const MixtureSpec *spec, Target **out)
{
  PetscFunctionBeginUser;
  PetscCheck(spec->modes > 0 && spec->d > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a mixture of %d modes in %d dimensions",
             spec->modes, spec->d);
  for (int i = 0; i < spec->modes * spec->d; i++)
    PetscCheck(spec->variance[i] > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "variance %g of a mixture", spec->variance[i]);
  Target *t;
  PetscCall(PetscCalloc1(1, &t));
  *t = (Target){.kind = TARGET_MIXTURE, .d = spec->d, .own = spec->d, .ops = kinds[TARGET_MIXTURE]};
  PetscCall(prepare(t));
  PetscCall(atoms_create(spec, &t->atoms));
  t->spec = (MixtureSpec){spec->modes, spec->d, t->atoms.mean, t->atoms.variance, t->atoms.weight};
  *out    = t;
  PetscFunctionReturn(0);
}

PetscErrorCode target_manifold(const ManifoldSpec *spec, Target **out, char error[256])
{
  PetscFunctionBeginUser;
  *out     = NULL;
  error[0] = '\0';
  PetscCheck(spec->kind > TARGET_MIXTURE && spec->kind <= TARGET_DIGITS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "kind %d",
             (int)spec->kind);
  const TargetOps *ops   = kinds[spec->kind];
  const int        least = spec->kind == TARGET_DIGITS ? DIGITS_PIXELS : spec->kind == TARGET_POINTS ? 2 : ops->own;
  PetscCheck(spec->ambient >= least, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d dimensions, at least %d", spec->ambient, least);
  Digits digits = {0, NULL};
  if (spec->kind == TARGET_DIGITS) {
    uint8_t *label = NULL;
    PetscCall(digits_read(spec->directory, true, &digits.n, &digits.image, &label, error));
    PetscCall(PetscFree(label));
    if (!digits.image) PetscFunctionReturn(0);
  }
  Target *t;
  PetscCall(PetscCalloc1(1, &t));
  *t   = (Target){.kind = spec->kind, .d = spec->ambient, .own = ops->own ? ops->own : spec->ambient, .ops = ops, .digits = digits};
  *out = t;
  PetscCall(prepare(t));
  if (ops->create) PetscCall(ops->create(t));
  PetscFunctionReturn(0);
}

void target_destroy(Target **target)
{
  Target *t = *target;
  if (!t) return;
  if (t->ops->destroy) t->ops->destroy(t);
  (void)PetscFree2(t->frame, t->frame_float);
  (void)PetscFree(t->pad);
  (void)PetscFree(t->digits.image);
  (void)PetscFree(t);
  *target = NULL;
}

int  target_dimension(const Target *t) { return t->d; }
int  target_manifold_dimension(const Target *t) { return t->kind == TARGET_MIXTURE ? t->d : t->ops->k; }
bool target_has_posterior(const Target *t) { return t->ops->mean != NULL; }

/* y = Q^T x and x = Q y; without a frame copies. */
static void to_own(const Target *t, const double *x, double *y)
{
  if (!t->frame) {
    memcpy(y, x, (size_t)t->d * sizeof *y);
    return;
  }
  memset(y, 0, (size_t)t->own * sizeof *y);
  for (int j = 0; j < t->d; j++)
    for (int c = 0; c < t->own; c++) y[c] += t->frame[j * t->own + c] * x[j];
}

static void to_ambient(const Target *t, const double *y, double *x)
{
  if (!t->frame) {
    memcpy(x, y, (size_t)t->d * sizeof *x);
    return;
  }
  for (int j = 0; j < t->d; j++) {
    x[j] = 0;
    for (int c = 0; c < t->own; c++) x[j] += t->frame[j * t->own + c] * y[c];
  }
}

/* Room for a point in the ambient space and two in the own one. */
typedef struct Room {
  double *x, *y, *f;
} Room;

static Room room_make(const Target *t)
{
  double *all = mem_calloc((size_t)t->d + 2 * (size_t)t->own, sizeof *all);
  return (Room){all, all + t->d, all + t->d + t->own};
}

void target_sample(const Target *t, uint64_t key, uint32_t draw, int64_t n, double *x)
{
  if (t->kind == TARGET_DIGITS) {
    digits_sample(&t->digits, key, draw, n, x);
    return;
  }
  Room room = room_make(t);
  for (int64_t i = 0; i < n; i++) {
    Rng r   = rng_start(key, draw, RNG_DATA);
    r.index = (uint64_t)i << TARGET_POINT_BLOCKS;
    t->ops->sample(t, &r, room.y);
    to_ambient(t, room.y, room.x);
    for (int j = 0; j < t->d; j++) x[j * n + i] = room.x[j];
  }
  free(room.x);
}

void target_posterior_mean(const Target *t, double a, double s, int64_t n, const double *x, double *f)
{
  Room room = room_make(t);
  for (int64_t i = 0; i < n; i++) {
    for (int j = 0; j < t->d; j++) room.x[j] = t->ops->mean ? x[j * n + i] : NAN;
    if (t->ops->mean) {
      to_own(t, room.x, room.y);
      t->ops->mean(t, a, s, room.y, room.f);
      to_ambient(t, room.f, room.x);
    }
    for (int j = 0; j < t->d; j++) f[j * n + i] = room.x[j];
  }
  free(room.x);
}

/* n points, a multiple of 16. */
static void fast_groups(const Target *t, double a, double s, int n, int stride, const float *x, float *f)
{
  if (!t->frame) {
    t->ops->fast(t, a, s, n, stride, x, f);
    return;
  }
  float y[3 * TARGET_BLOCK], own[3 * TARGET_BLOCK];
  t->kernels->project(t->d, t->own, t->frame_float, n, stride, x, y);
  t->ops->fast(t, a, s, n, TARGET_BLOCK, y, own);
  t->kernels->embed(t->d, t->own, t->frame_float, n, stride, own, f);
}

void target_posterior_mean_fast(const Target *t, double a, double s, int n, int stride, const float *x, float *f)
{
  const int whole = n - n % TARGET_GROUP, rest = n - whole;
  for (int j = 0; !t->ops->fast && j < t->d; j++)
    for (int i = 0; i < n; i++) f[j * stride + i] = NAN;
  if (!t->ops->fast) return;
  for (int from = 0; from < whole; from += TARGET_BLOCK)
    fast_groups(t, a, s, whole - from < TARGET_BLOCK ? whole - from : TARGET_BLOCK, stride, x + from, f + from);
  if (rest == 0) return;
  float *in = t->pad, *out = t->pad + t->d * TARGET_GROUP;
  for (int j = 0; j < t->d; j++)
    for (int i = 0; i < TARGET_GROUP; i++) in[j * TARGET_GROUP + i] = x[j * stride + whole + (i < rest ? i : 0)];
  fast_groups(t, a, s, TARGET_GROUP, TARGET_GROUP, in, out);
  for (int j = 0; j < t->d; j++) memcpy(f + j * stride + whole, out + j * TARGET_GROUP, (size_t)rest * sizeof *f);
}

void target_repair(const Target *t, double a, double s, int n, int stride, const int32_t *unsure, const float *y, float *f)
{
  for (int i = 0; i < n; i++) {
    if (!unsure[i]) continue;
    double point[3], exact[3];
    for (int j = 0; j < t->own; j++) point[j] = (double)y[j * stride + i];
    t->ops->mean(t, a, s, point, exact);
    for (int j = 0; j < t->own; j++) f[j * stride + i] = (float)exact[j];
  }
}

/* Across the own space the density is that of the noise alone. */
double target_log_density(const Target *t, double a, double s, const double *x)
{
  if (!t->ops->log_density) return NAN;
  Room   room   = room_make(t);
  double across = 0;
  to_own(t, x, room.y);
  to_ambient(t, room.y, room.x);
  for (int j = 0; t->frame && j < t->d; j++) across += (x[j] - room.x[j]) * (x[j] - room.x[j]);
  const double own = t->ops->log_density(t, a, s, room.y);
  free(room.x);
  return t->frame ? own - across / (2 * s * s) - (t->d - t->own) * log(s * sqrt(2 * M_PI)) : own;
}

double target_nearest(const Target *t, const double *x, double *nearest, double *coordinate)
{
  double along = NAN, square = 0;
  if (t->kind == TARGET_DIGITS) {
    digits_image(&t->digits, digits_nearest_fast(&t->digits, t->kernels->image, x), nearest);
  } else if (!t->ops->nearest) {
    for (int j = 0; j < t->d; j++) nearest[j] = NAN;
  } else {
    Room room = room_make(t);
    to_own(t, x, room.y);
    along = t->ops->nearest(t, room.y, room.f);
    to_ambient(t, room.f, nearest);
    free(room.x);
  }
  if (coordinate) *coordinate = along;
  for (int j = 0; j < t->d; j++) square += (x[j] - nearest[j]) * (x[j] - nearest[j]);
  return sqrt(square);
}

int target_points(const Target *t, const double **x)
{
  *x = t->point;
  return t->kind == TARGET_POINTS ? t->atoms.n : 0;
}
