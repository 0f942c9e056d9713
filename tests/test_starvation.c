/* SPDX-License-Identifier: BSD-2-Clause
 * The starvation statistics against their definitions: sums over the single samples of a batch, and closed forms of one parameter. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rng.h"
#include "starvation.h"

static void expect_near(const char *what, double expected, double got)
{
  if (isnan(expected) ? isnan(got) : fabs(got - expected) <= 1e-10 * (1 + fabs(expected))) return;
  fail_msg("%s: expected %.15g, got %.15g", what, expected, got);
}

/* A batch of random per-sample gradients (d parameters, classes 0 .. 2), all statistics by their definitions. */
static void test_starvation_brute_force(void **state)
{
  (void)state;
  enum { B = 50, D = 4, C = 3 };
  Rng             r               = rng_start(3, 0, 9);
  double          sample[B][C][D] = {{{0}}}, gradient[C * D] = {0}, square[C] = {0}, total[D] = {0}, shares = 0;
  StarvationStats stats[C];
  for (int i = 0; i < B; i++)
    for (int j = 0, c = i % 7 < 4 ? 0 : i % 7 - 4; j < D; j++) sample[i][c][j] = rng_uniform(&r) - 0.3 * c;
  for (int i = 0; i < B; i++)
    for (int c = 0; c < C; c++)
      for (int j = 0; j < D; j++) {
        gradient[c * D + j] += sample[i][c][j] / B;
        square[c] += sample[i][c][j] * sample[i][c][j] / B;
        total[j] += sample[i][c][j] / B;
      }
  starvation_stats(C, D, gradient, square, B, stats);
  for (int c = 0; c < C; c++) {
    double norm2 = 0, all2 = 0, variance = 0, dot = 0, total2 = 0, mean = 0;
    for (int j = 0; j < D; j++) {
      const double g = gradient[c * D + j];
      norm2 += g * g;
      dot += g * total[j];
      total2 += total[j] * total[j];
      mean += g / D;
      for (int k = 0; k < C; k++) all2 += gradient[k * D + j] * gradient[k * D + j];
      for (int i = 0; i < B; i++) variance += pow(sample[i][c][j] - g, 2) / (B - 1);
    }
    expect_near("mean", mean, stats[c].mean);
    expect_near("norm", sqrt(norm2), stats[c].norm);
    expect_near("share", norm2 / all2, stats[c].share);
    expect_near("signal to noise", sqrt(norm2 / variance), stats[c].snr);
    expect_near("cosine", dot / sqrt(norm2 * total2), stats[c].cosine);
    shares += stats[c].share;
  }
  expect_near("sum of shares", 1, shares);
}

static void test_starvation_one_parameter(void **state)
{
  (void)state;
  StarvationStats stats[2];
  starvation_stats(2, 1, (double[]){-0.4, 0.1}, (double[]){0.5, 0.02}, 64, stats);
  expect_near("cosine of the stronger", 1, stats[0].cosine);
  expect_near("cosine of the weaker", -1, stats[1].cosine);
  expect_near("signed mean", -0.4, stats[0].mean);
  starvation_stats(2, 1, (double[]){0, 0.1}, (double[]){0, 0.01}, 64, stats); /* no positive; all negatives alike */
  expect_near("share of nothing", 0, stats[0].share);
  expect_near("its cosine", NAN, stats[0].cosine);
  expect_near("its signal to noise", NAN, stats[0].snr);
  expect_near("no spread", NAN, stats[1].snr);
  starvation_stats(2, 1, (double[]){0, 0}, (double[]){0, 0}, 64, stats);
  expect_near("share of two nothings", NAN, stats[1].share);
  expect_near("index", 0.5, starvation_index(0.1, 0.2));
  expect_near("index without importance", NAN, starvation_index(0.1, 0));
  expect_near("index without a graph", NAN, starvation_index(0.1, NAN));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_starvation_brute_force),
      cmocka_unit_test(test_starvation_one_parameter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
