/* SPDX-License-Identifier: BSD-2-Clause
 * The reader of MNIST's IDX files on small sets written here, whole and broken in every way, and the data law made of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "diffusion/target_private.h"

enum { PIXELS = 784, COUNT = 37 };

static char directory[] = "/tmp/test_digits_XXXXXX";

static const char *path(const char *name)
{
  static char text[256];
  (void)snprintf(text, sizeof text, "%s/%s", directory, name);
  return text;
}

static void put_u32(FILE *f, uint32_t x)
{
  for (int shift = 24; shift >= 0; shift -= 8) (void)fputc((int)(x >> shift & 255), f);
}

static uint8_t image_byte(int i, int j) { return (uint8_t)((i * 131 + j * j * 7 + i * j) % 256); }

/* A set of n images and labels; sizes and numbers as told. */
static void write_images(const char *name, uint32_t magic, uint32_t n, uint32_t side, int bytes)
{
  FILE *f = fopen(path(name), "wb");
  put_u32(f, magic);
  put_u32(f, n);
  put_u32(f, side);
  put_u32(f, side);
  for (int i = 0; i < bytes; i++) (void)fputc(image_byte(i / PIXELS, i % PIXELS), f);
  assert_int_equal(fclose(f), 0);
}

static void write_labels(const char *name, uint32_t magic, uint32_t n, int bytes, int wrong)
{
  FILE *f = fopen(path(name), "wb");
  put_u32(f, magic);
  put_u32(f, n);
  for (int i = 0; i < bytes; i++) (void)fputc(i == wrong ? 10 : i * 3 % 10, f);
  assert_int_equal(fclose(f), 0);
}

static const char images[] = "train-images-idx3-ubyte", labels[] = "train-labels-idx1-ubyte";

static void write_whole(void)
{
  write_images(images, 0x803, COUNT, 28, COUNT * PIXELS);
  write_labels(labels, 0x801, COUNT, COUNT, -1);
}

static void test_whole(void **state)
{
  (void)state;
  int64_t  n;
  uint8_t *image, *label;
  char     error[256];
  write_whole();
  assert_int_equal(digits_read(directory, true, &n, &image, &label, error), 0);
  assert_string_equal(error, "");
  assert_int_equal(n, COUNT);
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal(label[i], i * 3 % 10);
    for (int j = 0; j < PIXELS; j++) assert_int_equal(image[i * PIXELS + j], image_byte(i, j));
  }
  (void)PetscFree(image);
  (void)PetscFree(label);
}

/* The message names the file, says what is wrong, and the cure. */
static void expect_refused(const char *name, const char *what)
{
  int64_t  n;
  uint8_t *image, *label;
  char     error[256];
  Target  *t;
  assert_int_equal(digits_read(directory, true, &n, &image, &label, error), 0);
  assert_null(image);
  assert_null(label);
  assert_int_equal(n, 0);
  if (!strstr(error, name) || !strstr(error, what) || !strstr(error, "jobs/fetch_mnist.sh"))
    fail_msg("expected '%s', '%s' and jobs/fetch_mnist.sh, got '%s'", name, what, error);
  assert_int_equal(target_manifold(&(ManifoldSpec){.kind = TARGET_DIGITS, .ambient = PIXELS, .directory = directory}, &t, error), 0);
  assert_null(t);
  assert_non_null(strstr(error, what));
  write_whole();
}

static void test_broken(void **state)
{
  (void)state;
  write_whole();
  assert_int_equal(unlink(path(images)), 0);
  expect_refused(images, "No such file");
  assert_int_equal(unlink(path(labels)), 0);
  expect_refused(labels, "No such file");
  write_images(images, 0x1f8b0803, COUNT, 28, COUNT * PIXELS);
  expect_refused(images, "magic number 0x1f8b0803");
  write_labels(labels, 0x803, COUNT, COUNT, -1);
  expect_refused(labels, "magic number");
  write_images(images, 0x803, COUNT, 27, COUNT * PIXELS);
  expect_refused(images, "27 x 27");
  write_images(images, 0x803, 0, 28, 0);
  expect_refused(images, "0 items");
  write_images(images, 0x803, 0xfffffff0, 28, COUNT * PIXELS);
  expect_refused(images, "items");
  write_images(images, 0x803, COUNT, 28, COUNT * PIXELS - 1);
  expect_refused(images, "29007 bytes after its header, not 29008");
  write_images(images, 0x803, COUNT, 28, COUNT * PIXELS + 1);
  expect_refused(images, "29009 bytes after its header, not 29008");
  write_labels(labels, 0x801, COUNT, COUNT - 1, -1);
  expect_refused(labels, "36 bytes after its header, not 37");
  write_labels(labels, 0x801, COUNT - 1, COUNT - 1, -1);
  expect_refused(labels, "36 labels of 37 images");
  write_labels(labels, 0x801, COUNT, COUNT, 5);
  expect_refused(labels, "label 5 is 10");
  assert_int_equal(truncate(path(labels), 7), 0);
  expect_refused(labels, "shorter than its header");
}

/* However long the directory's name is, the file's name and the cure are in the message. */
static void test_long_name(void **state)
{
  (void)state;
  char     far[5000], error[256];
  int64_t  n;
  uint8_t *image, *label;
  for (size_t length = 200; length < sizeof far; length += 4700) {
    memset(far, 'x', length);
    far[0]      = '/';
    far[length] = '\0';
    assert_int_equal(digits_read(far, false, &n, &image, &label, error), 0);
    assert_null(image);
    assert_non_null(strstr(error, "t10k-images-idx3-ubyte"));
    assert_non_null(strstr(error, "jobs/fetch_mnist.sh"));
  }
}

/* Which image a sample is, by its bytes. */
static int identify(const double *x, int n, int i)
{
  for (int k = 0; k < COUNT; k++) {
    int same = 0;
    while (same < PIXELS && fabs(x[same * n + i] - (image_byte(k, same) / 127.5 - 1)) < 1e-15) same++;
    if (same == PIXELS) return k;
  }
  fail_msg("sample %d is no image", i);
  return -1;
}

static void test_law(void **state)
{
  (void)state;
  enum { N = 3 * COUNT };
  static double x[N * PIXELS], few[5 * PIXELS];
  Target       *t;
  char          error[256];
  int           order[N], other[N], moved = 0;
  write_whole();
  assert_int_equal(target_manifold(&(ManifoldSpec){.kind = TARGET_DIGITS, .ambient = PIXELS, .directory = directory}, &t, error), 0);
  assert_false(target_has_posterior(t));
  assert_int_equal(target_dimension(t), PIXELS);
  for (uint32_t draw = 0; draw < 2; draw++) {
    int times[COUNT] = {0};
    target_sample(t, 77, draw, N, x);
    for (int i = 0; i < N; i++) {
      order[i] = identify(x, N, i);
      if (times[order[i]]++ != i / COUNT) fail_msg("image %d: expected once in pass %d, got it again at %d", order[i], i / COUNT, i);
      moved += draw > 0 && order[i] != other[i];
      other[i] = order[i];
    }
  }
  if (moved < N / 2) fail_msg("another draw: expected another order, only %d of %d differ", moved, N);
  target_sample(t, 77, 1, 5, few);
  for (int i = 0; i < 5; i++) assert_int_equal(identify(few, 5, i), order[i]);

  double point[PIXELS], nearest[PIXELS], coordinate;
  Rng    r = rng_start(1, 0, 99);
  for (int j = 0; j < PIXELS; j++) point[j] = image_byte(9, j) / 127.5 - 1 + 0.01 * (rng_uniform(&r) - 0.5);
  const double distance = target_nearest(t, point, nearest, &coordinate);
  double       square   = 0;
  for (int j = 0; j < PIXELS; j++) {
    square += pow(point[j] - (image_byte(9, j) / 127.5 - 1), 2);
    assert_true(fabs(nearest[j] - (image_byte(9, j) / 127.5 - 1)) < 1e-15);
  }
  if (fabs(distance - sqrt(square)) > 1e-14) fail_msg("distance: expected %.15g, got %.15g", sqrt(square), distance);
  assert_true(isnan(coordinate));
  for (int k = 0; k < 200; k++) { /* anywhere, by the slow search and on every level */
    for (int j = 0; j < PIXELS; j++) point[j] = 3 * rng_uniform(&r) - 1.5;
    const int64_t expected = digits_nearest(&t->digits, point);
    for (IsaLevel level = ISA_BASE; level <= isa_level(); level++)
      assert_int_equal(digits_nearest_fast(&t->digits, target_kernels(level)->image, point), expected);
  }
  target_posterior_mean(t, 0.5, 0.5, 1, point, nearest);
  assert_true(isnan(nearest[0]) && isnan(nearest[PIXELS - 1]));
  target_destroy(&t);
  assert_null(t);
  target_destroy(&t);
}

static int make_directory(void **state)
{
  (void)state;
  return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
  (void)state;
  (void)unlink(path(images));
  (void)unlink(path(labels));
  return rmdir(directory);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_broken), cmocka_unit_test(test_long_name),
                                     cmocka_unit_test(test_law)};
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
