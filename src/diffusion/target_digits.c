/* SPDX-License-Identifier: BSD-2-Clause
 * MNIST as a data law: the training images, pixels p as p / 127.5 - 1. Sample i is image permutation(i): a Feistel network on the smallest
 * even number of bits that holds their count, walked until it lands on one (Black and Rogaway, CT-RSA 2002), so that any i costs the same
 * and the first n <= count are distinct. No posterior mean: it would be a softmax over all images. */
#include <math.h>

#include "target_private.h"

enum { PIXELS = 784, ROUNDS = 6 };

static double pixel(uint8_t p) { return p / 127.5 - 1; }

/* The place of i in the order of (key, draw, pass), a bijection of 0 .. count - 1. */
static int64_t permuted(uint64_t key, uint32_t draw, uint32_t pass, int64_t count, int64_t i)
{
  int half = 1;
  while (((int64_t)1 << (2 * half)) < count) half++;
  const uint32_t mask = ((uint32_t)1 << half) - 1;
  uint64_t       at   = (uint64_t)i;
  do {
    uint32_t left = (uint32_t)(at >> half), right = (uint32_t)at & mask;
    for (uint32_t round = 0; round < ROUNDS; round++) {
      uint32_t word[4];
      rng_block(key, (uint64_t)pass << 40 | (uint64_t)round << 32 | right, draw, RNG_TARGET_ORDER, word);
      const uint32_t next = left ^ (word[0] & mask);
      left                = right;
      right               = next;
    }
    at = (uint64_t)left << half | right;
  } while (at >= (uint64_t)count);
  return (int64_t)at;
}

void digits_sample(const Digits *digits, uint64_t key, uint32_t draw, int64_t n, double *x)
{
  for (int64_t i = 0; i < n; i++) {
    const uint32_t pass  = (uint32_t)(i / digits->n);
    const uint8_t *image = digits->image + PIXELS * permuted(key, draw, pass, digits->n, i % digits->n);
    for (int j = 0; j < PIXELS; j++) x[j * n + i] = pixel(image[j]);
  }
}

int64_t digits_nearest(const Digits *digits, const double *x)
{
  double  best = INFINITY;
  int64_t at   = 0;
  for (int64_t k = 0; k < digits->n; k++) {
    const uint8_t *image  = digits->image + PIXELS * k;
    double         square = 0;
    for (int j = 0; j < PIXELS; j++) square += (x[j] - pixel(image[j])) * (x[j] - pixel(image[j]));
    if (square < best) {
      best = square;
      at   = k;
    }
  }
  return at;
}

int64_t digits_nearest_fast(const Digits *digits, ImageKernel *kernel, const double *x)
{
  float scaled[PIXELS];
  for (int j = 0; j < PIXELS; j++) scaled[j] = (float)((x[j] + 1) * 127.5);
  return kernel(digits->n, digits->image, scaled);
}

void digits_image(const Digits *digits, int64_t at, double *x)
{
  for (int j = 0; j < PIXELS; j++) x[j] = pixel(digits->image[PIXELS * at + j]);
}
