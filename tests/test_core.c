/* SPDX-License-Identifier: BSD-2-Clause
 * The foundation: Philox against Random123's known answers, XXH64 against its published vectors, own logarithm against libm's, number and
 * text conversion against strtod, diagnostics by their definition. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnostics.h"
#include "hash.h"
#include "isa.h"
#include "log.h"
#include "memo.h"
#include "memory.h"
#include "resource.h"
#include "rng.h"
#include "text.h"

/* Random123's kat_vectors, philox4x32 10: counter, key, result. */
static void test_philox_known_answers(void **state)
{
  (void)state;
  static const uint32_t vectors[3][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
  };
  for (int i = 0; i < 3; i++) {
    const uint32_t *v = vectors[i];
    uint32_t        out[4];
    rng_block((uint64_t)v[5] << 32 | v[4], (uint64_t)v[1] << 32 | v[0], v[2], v[3], out);
    for (int j = 0; j < 4; j++)
      if (out[j] != v[6 + j]) fail_msg("vector %d, word %d: expected %08x, got %08x", i, j, v[6 + j], out[j]);
  }
}

static void test_rng_reader(void **state)
{
  (void)state;
  Rng r = rng_start(77, 5, RNG_GRAPH), twin = r;
  for (uint64_t block = 0; block < 3; block++) {
    uint32_t words[4];
    rng_block(77, block, 5, RNG_GRAPH, words);
    for (int i = 0; i < 4; i++) assert_int_equal(rng_u32(&r), words[i]);
  }
  const uint64_t low = rng_u32(&twin), high = rng_u32(&twin);
  twin = rng_start(77, 5, RNG_GRAPH);
  assert_int_equal(rng_u64(&twin), low | high << 32);
}

/* Pearson's statistic of `counts` (n) equally likely cells. */
static double chi_square(const int *counts, int n, int total)
{
  double sum = 0;
  for (int i = 0; i < n; i++) sum += pow(counts[i] - (double)total / n, 2) * n / total;
  return sum;
}

/* Bounds are the 1 - 1e-6 quantiles of chi-square (scipy.stats.chi2.isf(1e-6, n - 1)); the keys are fixed. */
static void test_rng_below(void **state)
{
  (void)state;
  static const struct {
    uint32_t n;
    double   bound;
  } cases[] = {{10, 44.81093787068782}, {100, 180.79201532589974}, {256, 377.07811549898673}};
  for (int c = 0; c < 3; c++) {
    enum { DRAWS = 200000 };
    int counts[256] = {0};
    Rng r           = rng_start(1234 + (uint64_t)c, 0, 9);
    for (int i = 0; i < DRAWS; i++) {
      const uint32_t value = rng_below(&r, cases[c].n);
      if (value >= cases[c].n) fail_msg("rng_below(%u) gave %u", cases[c].n, value);
      counts[value]++;
    }
    const double statistic = chi_square(counts, (int)cases[c].n, DRAWS);
    if (!(statistic < cases[c].bound)) fail_msg("rng_below(%u): chi-square %g, bound %g", cases[c].n, statistic, cases[c].bound);
  }
  Rng r = rng_start(1, 0, 9);
  for (int i = 0; i < 100; i++) assert_int_equal(rng_below(&r, 1), 0);
}

/* n = 3 * 2^30 leaves a quarter of all words over: without rejection the residues mod 3 of the result had weights 1/2, 1/4, 1/4. */
static void test_rng_below_rejects(void **state)
{
  (void)state;
  enum { DRAWS = 100000 };
  int counts[3] = {0};
  Rng r         = rng_start(99, 0, 9);
  for (int i = 0; i < DRAWS; i++) counts[rng_below(&r, 3u << 30) % 3]++;
  const double statistic = chi_square(counts, 3, DRAWS);
  if (!(statistic < 27.63)) fail_msg("residues mod 3: %d %d %d, chi-square %g, bound 27.63", counts[0], counts[1], counts[2], statistic);
}

/* Against libm in 64-bit mantissas, in units of the last place of a double. */
static void check_log(double x, double *worst)
{
  const long double expected = logl((long double)x);
  const double      error =
      expected == 0 ? (rng_log(x) == 0 ? 0 : 1e9) : (double)(fabsl(rng_log(x) - expected) / ldexpl(1, ilogbl(expected) - 52));
  if (error > *worst) *worst = error;
  if (!(error <= 2)) fail_msg("rng_log(%a): expected %.17g, got %.17g, %.3g ulp", x, (double)expected, rng_log(x), error);
}

static void test_rng_log(void **state)
{
  (void)state;
  double worst = 0;
  Rng    r     = rng_start(5, 0, 9);
  check_log(1, &worst);
  check_log(DBL_MIN, &worst);
  check_log(DBL_MAX, &worst);
  check_log(0x1p-53, &worst);
  check_log(0x1.fffffffffffffp-1, &worst);
  check_log(0x1.0000000000001p0, &worst);
  for (int i = 0; i < 100000; i++) {
    const double u = rng_uniform(&r);
    check_log(u, &worst);
    check_log(1 + (u - 0.5) * 0x1p-10, &worst);
    check_log(ldexp(1 + u, (int)rng_below(&r, 2044) - 1021), &worst);
  }
  assert_true(worst > 0.5); /* the measure itself resolves rounding */
}

static void test_rng_uniform_and_exponential(void **state)
{
  (void)state;
  enum { DRAWS = 100000 };
  Rng    r = rng_start(6, 0, 9), twin = r;
  double sum = 0, squares = 0;
  for (int i = 0; i < DRAWS; i++) {
    const double u = rng_uniform(&twin), e = rng_exponential(&r);
    if (!(u > 0 && u < 1) || e != -rng_log(u) || !(e > 0)) fail_msg("uniform %g, exponential %g", u, e);
    sum += e;
    squares += e * e;
  }
  const double mean = sum / DRAWS, second = squares / DRAWS; /* 1 and 2, variances 1 and 20 */
  if (fabs(mean - 1) > 5 / sqrt(DRAWS)) fail_msg("mean of an exponential: expected 1, got %g", mean);
  if (fabs(second - 2) > 5 * sqrt(20.0 / DRAWS)) fail_msg("second moment of an exponential: expected 2, got %g", second);
}

/* Published: github.com/Cyan4973/xxHash and its ports. */
static void test_hash(void **state)
{
  (void)state;
  assert_true(hash_text(0, "") == 0xef46db3751d8e999u);
  assert_true(hash_text(0, "a") == 0xd24ec4f1a98c6e5bu);
  assert_true(hash_text(0, "abc") == 0x44bc2cf5ad770999u);
  assert_true(hash_text(0, "Nobody inspects the spammish repetition") == 0xfbcea83c8a378bf1u);
  const unsigned char little[8] = {8, 7, 6, 5, 4, 3, 2, 1};
  assert_true(hash_u64(3, 0x0102030405060708u) == hash_bytes(3, little, 8));
  assert_true(hash_u64(3, 1) != hash_u64(4, 1));
}

static void test_text_building(void **state)
{
  (void)state;
  Text t = {0};
  assert_string_equal(text_string(&t), "");
  for (int i = 0; i < 1000; i++) text_add(&t, "%d,", i % 10);
  assert_int_equal(t.length, 2000);
  assert_int_equal(strlen(t.s), 2000);
  text_clear(&t);
  assert_null(t.s);
  text_add_json(&t, "a\"b\\c\n\t\r\b\f\x01\x7f\xc3\xa9/");
  text_add_json(&t, NULL);
  assert_string_equal(text_string(&t), "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u007f\xc3\xa9/\"null");
  text_clear(&t);
  const char *cells[] = {"plain", "a,b", "say \"x\"", "two\nlines", ""};
  for (int i = 0; i < 5; i++) {
    text_add_csv(&t, cells[i]);
    text_append(&t, ";");
  }
  assert_string_equal(text_string(&t), "plain;\"a,b\";\"say \"\"x\"\"\";\"two\nlines\";;");
  text_clear(&t);
  text_add_number(&t, 0.1);
  text_append(&t, " ");
  text_add_number(&t, NAN);
  text_append(&t, " ");
  text_add_number(&t, -INFINITY);
  assert_string_equal(text_string(&t), "0.1 null null");
  text_clear(&t);
}

static void check_number(double x)
{
  char   text[32];
  double back;
  text_number(text, sizeof text, x);
  back = strtod(text, NULL);
  if (memcmp(&back, &x, sizeof x) != 0) fail_msg("%a written as %s reads back as %a", x, text, back);
  double parsed = NAN;
  if (!text_parse_real(text, &parsed) || memcmp(&parsed, &x, sizeof x) != 0) fail_msg("text_parse_real(%s) gave %a", text, parsed);
}

static void test_number_round_trip(void **state)
{
  (void)state;
  static const struct {
    double      x;
    const char *text;
  } known[] = {{0, "0"},
               {-0.0, "-0"},
               {8, "8"},
               {0.1, "0.1"},
               {1.0 / 3, "0.3333333333333333"},
               {0.3577, "0.3577"},
               {5e-324, "5e-324"},
               {1e22, "1e+22"},
               {1e5, "100000"},
               {NAN, "nan"},
               {INFINITY, "inf"},
               {-INFINITY, "-inf"},
               {-2.5, "-2.5"},
               {9007199254740993.0, "9007199254740992"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    char text[32];
    text_number(text, sizeof text, known[i].x);
    assert_string_equal(text, known[i].text);
  }
  Rng r = rng_start(8, 0, 9);
  check_number(DBL_MIN);
  check_number(DBL_MAX);
  check_number(-DBL_TRUE_MIN);
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = rng_u64(&r);
    double   x;
    if (i % 4 == 0) bits &= 0x800fffffffffffffu; /* subnormal */
    memcpy(&x, &bits, sizeof x);
    if (isfinite(x)) check_number(x);
    check_number(rng_below(&r, 100000) / 1000.0);
  }
}

static const char *candidate(const void *ctx, int i) { return ((const char *const *)ctx)[i]; }

static void test_suggestions(void **state)
{
  (void)state;
  static const char *const names[] = {"clique_size", "density", "lambda", "method", "eps", NULL};
  assert_string_equal(text_suggest("clique_sise", candidate, names), "clique_size");
  assert_string_equal(text_suggest("dnesity", candidate, names), "density"); /* one transposition */
  assert_string_equal(text_suggest("lamda", candidate, names), "lambda");
  assert_string_equal(text_suggest("ep", candidate, names), "eps");
  assert_string_equal(text_suggest("methdo", candidate, names), "method");
  assert_null(text_suggest("zzz", candidate, names));
  assert_null(text_suggest("eXX", candidate, names)); /* two edits of three letters */
  assert_null(text_suggest("", candidate, names));
}

static void test_parse_int(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    int64_t     value;
  } good[]                       = {{"0", 0},
                                    {"-7", -7},
                                    {"+7", 7},
                                    {"1e6", 1000000},
                                    {"1.5e3", 1500},
                                    {"250e-1", 25},
                                    {"9223372036854775807", INT64_MAX},
                                    {"-9223372036854775808", INT64_MIN},
                                    {"0e99999", 0},
                                    {"1E2", 100}};
  static const char *const bad[] = {"",
                                    " 1",
                                    "1 ",
                                    "1.0",
                                    "1.5",
                                    "0x10",
                                    "1e",
                                    "e5",
                                    "9223372036854775808",
                                    "-9223372036854775809",
                                    "1e19",
                                    "1e99999999999",
                                    "15e-1",
                                    "1e-5",
                                    "1,000",
                                    "nan",
                                    "--1",
                                    "+-1",
                                    ".",
                                    "1.e",
                                    "1_0"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    int64_t value = -1;
    if (!text_parse_int(good[i].text, &value) || value != good[i].value)
      fail_msg("text_parse_int(%s): expected %lld, got %lld", good[i].text, (long long)good[i].value, (long long)value);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t value = 42;
    if (text_parse_int(bad[i], &value) || value != 42) fail_msg("text_parse_int accepted \"%s\" as %lld", bad[i], (long long)value);
  }
}

static void test_parse_real(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    double      value;
  } good[] = {{"0", 0},          {"1e-3", 1e-3},      {"-.5", -0.5},      {"5.", 5},     {"1e308", 1e308}, {"4.9e-324", 4.9e-324},
              {"inf", INFINITY}, {"-inf", -INFINITY}, {".inf", INFINITY}, {"0e-9999", 0}};
  static const char *const bad[] = {"",  " 1", "1 ",    "1e400",    "-1e400", "1e-400", "0x1p3", "1e",
                                    ".", "e5", "1.2.3", "infinity", "nan(1)", "1f",     "1d5",   "--1"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    double value = -1;
    if (!text_parse_real(good[i].text, &value) || value != good[i].value)
      fail_msg("text_parse_real(%s): expected %g, got %g", good[i].text, good[i].value, value);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    double value = 42;
    if (text_parse_real(bad[i], &value) || value != 42) fail_msg("text_parse_real accepted \"%s\" as %g", bad[i], value);
  }
  double value = 0;
  assert_true(text_parse_real("nan", &value) && isnan(value));
}

static void test_parse_duration(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    double      seconds;
  } good[]                       = {{"90", 90},        {"90s", 90},     {"10m", 600},  {"2h", 7200},   {"1d", 86400},
                                    {"1:30:00", 5400}, {"55:30", 3330}, {"0.5s", 0.5}, {"1.5h", 5400}, {"100:00:01", 360001}};
  static const char *const bad[] = {"",     "0",   "0s", "-5",  "s",   "10x",  "10 m", "1:60", "1:2:3:4",
                                    "1::2", ":30", "1:", "inf", "nan", "0:00", "1:-1", "m10",  "1e400"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    double seconds = -1;
    if (!text_parse_duration(good[i].text, &seconds) || seconds != good[i].seconds)
      fail_msg("text_parse_duration(%s): expected %g, got %g", good[i].text, good[i].seconds, seconds);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    double seconds = 42;
    if (text_parse_duration(bad[i], &seconds) || seconds != 42) fail_msg("text_parse_duration accepted \"%s\" as %g", bad[i], seconds);
  }
}

static SourceMark locate(const void *ctx, const char *parameter)
{
  return strcmp(parameter, "batch") == 0 ? *(const SourceMark *)ctx : (SourceMark){0};
}

static void test_diagnostics(void **state)
{
  (void)state;
  Diagnostics     *d    = diagnostics_create();
  const SourceMark late = {"in.yaml", 14, 5}, early = {"in.yaml", 3, 7}, same_line = {"in.yaml", 14, 1}, batch = {"in.yaml", 9, 2};
  char            *out  = NULL;
  size_t           size = 0;
  FILE            *file = open_memstream(&out, &size);
  diagnostics_error(d, late, "unknown key %s", "x");
  diagnostics_warning(d, same_line, "old form");
  diagnostics_error(d, early, "too %s", "big");
  diagnostics_error(d, late, "unknown key %s", "x"); /* the same again */
  diagnostics_error(d, late, "a second one");
  diagnostics_error(d, (SourceMark){0}, "nowhere");
  diagnostics_error(d, (SourceMark){"in.yaml", 0, 0}, "whole file");
  diagnostics_set_locator(d, locate, &batch);
  diagnostics_parameter(d, "batch", "batch is odd");
  assert_int_equal(diagnostics_errors(d), 6);
  diagnostics_print(d, file);
  fclose(file);
  assert_string_equal(out, "error: nowhere\n"
                           "in.yaml: error: whole file\n"
                           "in.yaml:3:7: error: too big\n"
                           "in.yaml:9:2: error: batch is odd\n"
                           "in.yaml:14:1: warning: old form\n"
                           "in.yaml:14:5: error: unknown key x\n"
                           "in.yaml:14:5: error: a second one\n"
                           "6 errors\n");
  free(out);
  diagnostics_destroy(&d);
  assert_null(d);
  diagnostics_destroy(&d);
}

static void test_memory(void **state)
{
  (void)state;
  unsigned char *p = mem_calloc(7, 3);
  for (int i = 0; i < 21; i++) assert_int_equal(p[i], 0);
  p[0] = 9;
  p    = mem_realloc(p, 1000, 3);
  assert_int_equal(p[0], 9);
  free(p);
  char *s = mem_format("%s-%d", "a", 5), *copy = mem_strdup(s);
  assert_string_equal(copy, "a-5");
  assert_null(mem_strdup(NULL));
  free(s);
  free(copy);
}

static void test_isa(void **state)
{
  (void)state;
  const char *wish = getenv("MYOPIA_ISA");
  char       *kept = mem_strdup(wish);
  unsetenv("MYOPIA_ISA");
  const IsaLevel best = isa_level();
  setenv("MYOPIA_ISA", "base", 1);
  assert_int_equal(isa_level(), ISA_BASE);
  setenv("MYOPIA_ISA", "v4", 1); /* never above the machine */
  assert_int_equal(isa_level(), best);
  if (kept)
    setenv("MYOPIA_ISA", kept, 1);
  else
    unsetenv("MYOPIA_ISA");
  free(kept);
  assert_string_equal(isa_name(ISA_V3), "x86-64-v3");
}

static void count_destroyed(void *value) { ++*(int *)value; }

static void test_memo(void **state)
{
  (void)state;
  int a = 0, b = 0;
  assert_null(memo_find(1));
  memo_put(1, &a, count_destroyed);
  assert_ptr_equal(memo_find(1), &a);
  assert_null(memo_find(2));
  memo_put(2, &b, count_destroyed);
  assert_null(memo_find(1));
  assert_ptr_equal(memo_find(2), &b);
  memo_clear();
  memo_clear();
  assert_null(memo_find(2));
  if (a != 1 || b != 1) fail_msg("destroyed: expected once each, got %d and %d", a, b);
}

/* Memory of the host and of this process: plausible, and the peak follows what is touched. */
static void memory_is_told(void **state)
{
  (void)state;
  enum { BYTES = 96 << 20 };
  const double available = resource_memory_free();
  assert_true(available > 1e6 && available < 1e15);
  resource_memory_peak_reset();
  const double before = resource_memory_peak();
  char        *block  = malloc(BYTES);
  assert_non_null(block);
  for (size_t i = 0; i < BYTES; i += 4096) ((volatile char *)block)[i] = 1;
  const double after = resource_memory_peak();
  if (!(after - before > 0.8 * BYTES)) fail_msg("peak %g before, %g after touching %d bytes", before, after, BYTES);
  free(block);
  assert_true(resource_memory_peak() > 0.9 * after); /* the kernel counts pages in batches */
  assert_int_equal(setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "7", 1), 0);
  assert_int_equal(resource_processes(), 7);
  assert_int_equal(unsetenv("OMPI_COMM_WORLD_LOCAL_SIZE"), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_philox_known_answers),
      cmocka_unit_test(test_rng_reader),
      cmocka_unit_test(test_rng_below),
      cmocka_unit_test(test_rng_below_rejects),
      cmocka_unit_test(test_rng_log),
      cmocka_unit_test(test_rng_uniform_and_exponential),
      cmocka_unit_test(test_hash),
      cmocka_unit_test(test_text_building),
      cmocka_unit_test(test_number_round_trip),
      cmocka_unit_test(test_suggestions),
      cmocka_unit_test(test_parse_int),
      cmocka_unit_test(test_parse_real),
      cmocka_unit_test(test_parse_duration),
      cmocka_unit_test(test_diagnostics),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_memo),
      cmocka_unit_test(memory_is_told),
      cmocka_unit_test(test_isa),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
