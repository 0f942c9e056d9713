/* SPDX-License-Identifier: BSD-2-Clause
 * Normals of a stream: the choice of the kernel's level, and the plain reference, which is the arithmetic of vector_rng.h and
 * vector_math.h written again for one number (Philox4x32-10 of Random123; Box and Muller 1958). */
#include "noise.h"

#include <math.h>
#include <string.h>

#include "noise_kernel.h"
#include "rng.h"

const char *const noise_names[] = {"random", "deterministic", NULL};

void noise_normals(IsaLevel isa, uint64_t key, uint64_t first, uint32_t draw, uint32_t purpose, int64_t n, float *out)
{
  switch (isa) {
  case ISA_V4: noise_normals_v4(key, first, draw, purpose, n, out); break;
  case ISA_V3: noise_normals_v3(key, first, draw, purpose, n, out); break;
  case ISA_BASE: noise_normals_base(key, first, draw, purpose, n, out); break;
  }
}

static float horner(int n, const float *c, float x)
{
  float p = c[0];
  for (int i = 1; i < n; i++) p = fmaf(p, x, c[i]);
  return p;
}

/* sqrt(-2 log u), u = (w + 1/2) / 2^32 */
static float radius_of(uint32_t w)
{
  static const float tail[] = {-0x1.38f562p-4f, 0x1.0570ecp-3f, -0x1.0d82ep-3f,  0x1.22d6bp-3f,
                               -0x1.54722ap-3f, 0x1.99a032p-3f, -0x1.000228p-2f, 0x1.555554p-2f};
  const float        y = fmaf((float)(int32_t)w, 0x1p-32f, 0x1p-33f), u = y < 0 ? y + 1.0f : y;
  int32_t            bits, exponent;
  float              f;
  memcpy(&bits, &u, sizeof bits);
  exponent = (bits - 0x3f3504f3) >> 23;
  bits -= (int32_t)((uint32_t)exponent << 23);
  memcpy(&f, &bits, sizeof f);
  f             = exponent == 0 ? y : f - 1.0f;
  const float z = f * f, k = (float)exponent, rest = fmaf(horner(8, tail, f), f * z, z * -0.5f);
  return sqrtf(fmaf(k, 0.693359375f, f + fmaf(k, -2.12194440e-4f, rest)) * -2.0f);
}

/* The numbers r_0, r_1 of a direction on the unit circle: two bits turn and reflect an octant's offset. */
static void direction_of(uint32_t w, float out[2])
{
  static const float sine[]   = {-0x1.2d78e8p-15f, 0x1.465e16p-9f, -0x1.4abbb8p-4f, -0x1.a3648ep-26f};
  static const float cosine[] = {0x1.d470b4p-19f, -0x1.55b138p-12f, 0x1.03c1aep-6f, -0x1.3bd3ccp-2f};
  const float        y = (float)(int32_t)(w << 2 | 2) * 0x1p-31f, z = y * y;
  const float        s = fmaf(y, 0x1.921fb6p-1f, horner(4, sine, z) * y), c = fmaf(horner(4, cosine, z), z, 1.0f);
  const int          turned = w >> 31;
  out[turned]               = w >> 30 & 1 ? -c : c;
  out[1 - turned]           = s;
}

float noise_normal_reference(uint64_t key, uint64_t index, uint32_t draw, uint32_t purpose)
{
  const int pair = (int)(index / 32 % 2);
  uint32_t  word[4];
  float     unit[2];
  rng_block(key, index / 64 * 16 + index % 16, draw, purpose, word);
  direction_of(word[2 * pair + 1], unit);
  return radius_of(word[2 * pair]) * unit[index / 16 % 2];
}
