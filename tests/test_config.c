/* SPDX-License-Identifier: BSD-2-Clause
 * Parameters, sweeps and keys. Oracles: products enumerated by hand or by nested loops, invariance of keys under every rewriting that
 * means the same, and reading back what was written. Bad input and YAML itself: test_config_input.c. */
#include "config/values.h"
#include "config_fixture.h"

#include <float.h>
#include <inttypes.h>
#include <time.h>

/* --- param.h --- */

/* Of the zoo, or of the mixture. */
static const ParamSpec *spec_of(const char *name)
{
  const ParamSpec *spec = param_find(zoo_table, name);

  return spec ? spec : param_find(mixture_table, name);
}

static void refuses(const char *name, const char *text, const char *fragment)
{
  const ParamSpec *spec       = spec_of(name);
  Model            model      = {0}, before;
  char             error[512] = "";

  param_defaults(zoo_table, &model);
  memcpy(&before, &model, sizeof model);
  if (param_parse(spec, text, &model, error, sizeof error)) fail_msg("%s: expected '%s' to be refused", name, text);
  if (!strstr(error, fragment)) fail_msg("%s = '%s': expected '%s', got '%s'", name, text, fragment, error);
  assert_memory_equal(&before, &model, sizeof model);
}

static void formats(const char *name, const char *text, const char *canonical)
{
  const ParamSpec *spec  = spec_of(name);
  Model            model = {0}, again = {0};
  char             error[512] = "", out[2048];

  if (!param_parse(spec, text, &model, error, sizeof error)) fail_msg("%s: '%s' was refused: %s", name, text, error);
  param_format(spec, &model, out, sizeof out);
  assert_string_equal(out, canonical);
  assert_true(param_parse(spec, out, &again, error, sizeof error));
  assert_memory_equal(&model, &again, sizeof model);
}

static void test_param_values(void **state)
{
  (void)state;
  formats("k", "8", "8");
  formats("k", "1e3", "1000");
  formats("k", "8.0", "8");
  formats("k", "-9223372036854775808", "-9223372036854775808");
  formats("lambda", "10", "10");
  formats("lambda", "1e1", "10");
  formats("lambda", "10.0", "10");
  formats("lambda", "-0", "0");
  formats("f", "0.1", "0.1");
  formats("lambda", "0.30000000000000004", "0.30000000000000004");
  formats("lambda", "1.7976931348623157e308", "1.7976931348623157e+308");
  formats("shuffle", "true", "true");
  formats("method", "oracle", "oracle");
  formats("label", "a b: c", "a b: c");
  formats("sizes", "[10,15 , 2e1]", "[10, 15, 20]");
  formats("means", "[-4,-4 , 4.0, 4e0]", "[-4, -4, 4, 4]");
  formats("means", "[-0, 0.1, 0.30000000000000004, 1e-300, 4.9406564584124654e-324]", "[0, 0.1, 0.30000000000000004, 1e-300, 5e-324]");
  formats("means", "[9.999999999999998]", "[9.999999999999998]");
}

static void test_param_refusals(void **state)
{
  (void)state;
  refuses("k", "eight", "not an integer");
  refuses("k", "8.5", "fraction");
  refuses("k", "", "not an integer");
  refuses("k", "0x10", "not an integer");
  refuses("k", "1e30", "too large");
  refuses("lambda", ".nan", "NaN");
  refuses("lambda", "NaN", "NaN");
  refuses("lambda", "-.inf", "not allowed");
  refuses("lambda", "1e999", "not a number");
  refuses("lambda", "-1", "x >= 0");
  refuses("f", "0", "0 < x < 1");
  refuses("f", "1", "0 < x < 1");
  refuses("shuffle", "yes", "true or false");
  refuses("method", "wieghted", "did you mean 'weighted'");
  refuses("sizes", "10", "write [10, 15, 20]");
  refuses("sizes", "[]", "empty");
  refuses("sizes", "[1, 0]", "1 <= x");
  refuses("sizes", "[1,,2]", "not an integer");
  refuses("sizes", "[1, 2", "list");
  refuses("sizes", "[1]2]", "list");
  refuses("means", "0.5", "write [0.5, 1, 1.5]");
  refuses("means", "[]", "needs at least one number");
  refuses("means", "[1, 10]", "each -10 <= x < 10");
  refuses("means", "[1, -10.5]", "out of range");
  refuses("means", "[1, x]", "'x' is not a number");
  refuses("means", "[1, .nan]", "NaN");
  refuses("means", "[1, -.inf]", "finite");
  refuses("means", "[1,,2]", "not a number");
  refuses("means", "[1]2]", "list");
  refuses("label", "a\nb", "control character");
}

static void test_param_table(void **state)
{
  Model model = {0};
  char  text[128];

  (void)state;
  assert_int_equal(param_count(zoo_table), 11);
  assert_null(param_find(zoo_table, "lamda"));
  param_defaults(zoo_table, &model);
  assert_int_equal(model.k, 3);
  assert_int_equal(model.method, 2);
  assert_int_equal(model.sizes.n, 3);
  assert_true(param_number(param_find(zoo_table, "f"), &model) == 0.25);
  assert_true(param_number(param_find(zoo_table, "method"), &model) == 2.0);
  assert_true(isnan(param_number(param_find(zoo_table, "sizes"), &model)));
  param_range_text(param_find(zoo_table, "f"), text, sizeof text);
  assert_string_equal(text, "0 < x < 1");
  param_range_text(param_find(zoo_table, "k"), text, sizeof text);
  assert_string_equal(text, "");
  param_range_text(param_find(zoo_table, "method"), text, sizeof text);
  assert_string_equal(text, "one of random, standard, weighted, oracle");
  assert_string_equal(param_type_name(PARAM_INT_LIST), "integer list");
  assert_string_equal(param_type_name(PARAM_REAL_LIST), "real list");
  assert_string_equal(param_type_name(PARAM_REAL_LIST + 1), "unknown");
  param_range_text(param_find(mixture_table, "means"), text, sizeof text);
  assert_string_equal(text, "each -10 <= x < 10");
}

/* The longest list of the longest numbers reads back bit by bit: nothing between field and text is cut off. */
static void test_long_real_list(void **state)
{
  ParamSpec spec = mixture_table[0];
  RealList  list = {.n = PARAM_LIST_MAX}, again = {0};
  char      out[VALUE_TEXT_MAX], error[512]     = "";

  (void)state;
  spec.offset = 0;
  spec.min = spec.max = 0;
  for (int i = 0; i < PARAM_LIST_MAX; i++) list.value[i] = -1.2345678901234567e-308 * (1 + 1e-15 * i);
  param_format(&spec, &list, out, sizeof out);
  if (!param_parse(&spec, out, &again, error, sizeof error)) fail_msg("'%s' was refused: %s", out, error);
  assert_memory_equal(&list, &again, sizeof list);
  strcpy(out + strlen(out) - 1, ", 1]");
  assert_false(param_parse(&spec, out, &again, error, sizeof error));
  assert_non_null(strstr(error, "more than 64 entries"));
}

/* used: brute force over all gates, written out by hand. */
static void test_param_used(void **state)
{
  Model model = {0};

  (void)state;
  param_defaults(zoo_table, &model);
  for (model.method = 0; model.method < 4; model.method++) {
    for (model.selection = 0; model.selection < 2; model.selection++) {
      assert_int_equal(param_used(zoo_table, param_find(zoo_table, "lambda"), &model), model.method == 2);
      assert_int_equal(param_used(zoo_table, param_find(zoo_table, "selection"), &model), model.method > 0);
      assert_int_equal(param_used(zoo_table, param_find(zoo_table, "r_eff"), &model), model.method > 0 && model.selection == 1);
      assert_true(param_used(zoo_table, param_find(zoo_table, "k"), &model));
    }
  }
}

/* --- expansion --- */

static void expands(const char *text, const char *expected)
{
  Read  r   = read_good(text);
  char *got = points_text(r.table);

  if (strcmp(got, expected)) fail_msg("for\n%s\nexpected %s\ngot      %s", text, expected, got);
  free(got);
  read_end(&r);
}

static void test_product(void **state)
{
  (void)state;
  expands("experiment: zoo\n", "");
  expands("experiment: zoo\nsweep: {k: 7}\n", "k=7");
  expands("experiment: zoo\nsweep: {k: [2, 1], shuffle: [true, false]}\n",
          "k=2 shuffle=true | k=2 shuffle=false | k=1 shuffle=true | k=1 shuffle=false");
  expands("experiment: zoo\nsweep: {k: range(1,3), seed: [5, 6]}\n",
          "k=1 seed=5 | k=1 seed=6 | k=2 seed=5 | k=2 seed=6 | k=3 seed=5 | k=3 seed=6");
  expands("experiment: zoo\nsweep: {sizes: [[10, 15, 20], [5, 5]]}\n", "sizes=[10, 15, 20] | sizes=[5, 5]");
  expands("experiment: zoo\nsweep: {sizes: [10, 15, 20]}\n", "sizes=[10, 15, 20]");
  expands("experiment: mixture\nsweep: {means: [[-1.5, 2], [0.5]], sizes: [3, 4]}\n",
          "means=[-1.5, 2] sizes=[3, 4] | means=[0.5] sizes=[3, 4]");
  expands("experiment: mixture\nsweep: {means: [-4, 4.5]}\n", "means=[-4, 4.5]");
  expands("experiment: zoo\nsweep:\n  label: [a, \"range(1,2)\", 'true']\n", "label=a | label=range(1,2) | label=true");
  /* one value where it is ignored: no error, shown as unused */
  expands("experiment: zoo\nsweep: {method: [random, weighted], lambda: 10}\n", "method=random lambda=- | method=weighted lambda=10");
}

static void test_ranges(void **state)
{
  (void)state;
  expands("experiment: zoo\nsweep: {k: range(1, 8, 3)}\n", "k=1 | k=4 | k=7");
  expands("experiment: zoo\nsweep: {k: range(3, 1, -1)}\n", "k=3 | k=2 | k=1");
  expands("experiment: zoo\nsweep: {k: [range(1,3), 10]}\n", "k=1 | k=2 | k=3 | k=10");
  expands("experiment: zoo\nsweep:\n  lambda: range(0.1, 0.5, 0.1)\n", "lambda=0.1 | lambda=0.2 | lambda=0.3 | lambda=0.4 | lambda=0.5");
  expands("experiment: zoo\nsweep: {k: linspace(1,8,8)}\n", "k=1 | k=2 | k=3 | k=4 | k=5 | k=6 | k=7 | k=8");
  expands("experiment: zoo\nsweep: {lambda: linspace(0,1,4)}\n",
          "lambda=0 | lambda=0.3333333333333333 | lambda=0.6666666666666666 | lambda=1");
  expands("experiment: zoo\nsweep: {lambda: logspace(-4,-1,7)}\n",
          "lambda=0.0001 | lambda=0.00031622776601683794 | lambda=0.001 | lambda=0.0031622776601683794 | lambda=0.01 | "
          "lambda=0.03162277660168379 | "
          "lambda=0.1");
  expands("experiment: zoo\nsweep: {k: logspace(0,3,4)}\n", "k=1 | k=10 | k=100 | k=1000");
}

static void test_zip(void **state)
{
  (void)state;
  expands("experiment: zoo\nsweep: {k: [1, 2], shuffle: [true, false], f: [0.1, 0.2]}\nzip: [k, f]\n",
          "k=1 shuffle=true f=0.1 | k=1 shuffle=false f=0.1 | k=2 shuffle=true f=0.2 | k=2 shuffle=false f=0.2");
  expands("experiment: zoo\nsweep: {k: [1, 2], shuffle: [true, false], f: [0.1, 0.2], label: [x, y]}\nzip: [[k, f], [label, shuffle]]\n",
          "k=1 shuffle=true f=0.1 label=x | k=1 shuffle=false f=0.1 label=y | k=2 shuffle=true f=0.2 label=x | k=2 shuffle=false f=0.2 "
          "label=y");
}

static void test_cases(void **state)
{
  (void)state;
  expands("experiment: zoo\nsweep: {k: [1, 2]}\ncases:\n  - {method: random}\n  - {method: weighted, lambda: [1, 2]}\n",
          "k=1 method=random lambda=- | k=1 method=weighted lambda=1 | k=1 method=weighted lambda=2 | "
          "k=2 method=random lambda=- | k=2 method=weighted lambda=1 | k=2 method=weighted lambda=2");
  /* what a case does not mention has its fixed value */
  expands("experiment: zoo\nparameters: {f: 0.5}\ncases: [{k: [1, 2]}, {f: 0.75}]\n", "k=1 f=0.5 | k=2 f=0.5 | k=3 f=0.75");
  expands("experiment: zoo\ncases: [{seed: 4, ranks: 2}, {ranks: 1}]\n", "seed=4 ranks=2 | seed=1 ranks=1");
}

static void test_when(void **state)
{
  (void)state;
  expands("experiment: zoo\nsweep: {method: [random, weighted], lambda: [1, 2]}\nwhen: {lambda: {method: weighted}}\n",
          "method=random lambda=- | method=weighted lambda=1 | method=weighted lambda=2");
  /* decided by a later axis */
  expands("experiment: zoo\nsweep: {lambda: [1, 2], method: [random, weighted]}\nwhen: {lambda: {method: weighted}}\n",
          "lambda=- method=random | lambda=1 method=weighted | lambda=2 method=weighted");
  /* decided by a case */
  expands("experiment: zoo\nsweep: {lambda: [1, 2]}\ncases: [{method: weighted}, {method: random}]\nwhen: {lambda: {method: [weighted]}}\n",
          "lambda=1 method=weighted | lambda=- method=random | lambda=2 method=weighted");
  /* a chain, in an order in which the outer condition comes last */
  expands("experiment: zoo\nsweep: {r_eff: [exact, nominal], selection: [topk, sampled], method: [random, oracle]}\n"
          "when: {r_eff: {selection: sampled, method: oracle}, selection: {method: oracle}}\n",
          "r_eff=- selection=- method=random | r_eff=- selection=topk method=oracle | r_eff=exact selection=sampled method=oracle | "
          "r_eff=nominal selection=sampled method=oracle");
  /* a parameter that is used everywhere has its default where it is not crossed */
  expands("experiment: zoo\nsweep: {method: [random, oracle], k: [1, 2]}\nwhen: {k: {method: oracle}}\n",
          "method=random k=3 | method=oracle k=1 | method=oracle k=2");
  /* in a zip the partner goes on */
  expands(
      "experiment: zoo\nsweep: {method: [random, weighted], lambda: [1, 2]}\nzip: [method, lambda]\nwhen: {lambda: {method: weighted}}\n",
      "method=random lambda=- | method=weighted lambda=2");
}

/* Oracle: nested loops. Rows: replicates innermost. */
static void test_rows(void **state)
{
  Read    r   = read_good("experiment: zoo\nreplicates: 3\nsweep: {k: range(1,4), lambda: [1, 2, 3], shuffle: [false, true]}\n");
  int64_t row = 0, i = 0;

  (void)state;
  assert_int_equal(r.table->n_points, 4 * 3 * 2);
  assert_int_equal(r.table->n_rows, 72);
  for (int k = 1; k <= 4; k++) {
    for (int l = 1; l <= 3; l++) {
      for (int s = 0; s < 2; s++, i++) {
        const SweepPoint *point = &r.table->points[i];
        const Model      *model = point->params;
        assert_int_equal(model->k, k);
        assert_true(model->lambda == l && model->shuffle == (s == 1) && model->f == 0.25);
        assert_int_equal(point->first_row, row);
        assert_int_equal(point->n_rows, 3);
        assert_int_equal(point->first_replicate, 0);
        for (int n = 0; n < 3; n++, row++) assert_int_equal(trial_point_of_row(r.table, row), i);
      }
    }
  }
  read_end(&r);
}

/* --- keys --- */

static const SweepPoint *find_point(const TrialTable *table, uint64_t identity)
{
  for (int64_t i = 0; i < table->n_points; i++) {
    if (table->points[i].identity == identity) return &table->points[i];
  }
  return NULL;
}

/* Every point of `part` must be in `whole`, with the same keys and ids. */
static void contains(const char *whole_text, const char *part_text)
{
  Read whole = read_good(whole_text), part = read_good(part_text);

  for (int64_t i = 0; i < part.table->n_points; i++) {
    const SweepPoint *mine = &part.table->points[i], *theirs = find_point(whole.table, mine->identity);
    if (!theirs) fail_msg("expected the point\n%s\nof\n%s\nin\n%s", mine->canonical, part_text, whole_text);
    assert_string_equal(mine->canonical, theirs->canonical);
    for (int64_t k = 0; k < 3; k++) {
      assert_true(trial_key(mine, k) == trial_key(theirs, k));
      assert_true(trial_identity(mine, k) == trial_identity(theirs, k));
    }
  }
  read_end(&whole);
  read_end(&part);
}

static void same(const char *a, const char *b)
{
  contains(a, b);
  contains(b, a);
}

static void test_key_invariance(void **state)
{
  const char *base = "experiment: zoo\nseed: 3\nsweep: {method: [random, oracle], k: [1, 2]}\n";

  (void)state;
  contains("experiment: zoo\nseed: 3\nsweep: {method: [random, standard, oracle], k: [0, 1, 2, 5]}\n", base); /* values added */
  same(base, "sweep: {k: [2, 1], method: [oracle, random]}\nseed: 3\nexperiment: zoo\n");              /* axes, values, keys permuted */
  contains(base, "experiment: zoo\nseed: 3\nparameters: {k: 2}\nsweep: {method: [random, oracle]}\n"); /* split */
  contains(base, "experiment: zoo\nseed: 3\nparameters: {k: 2, method: oracle}\n");
  same("experiment: zoo\nparameters: {lambda: 10}\n", "experiment: zoo\nsweep: {lambda: 10.0}\n"); /* fixed, one-value sweep */
  same("experiment: zoo\nparameters: {lambda: 1e1}\n", "experiment: zoo\n");                       /* default */
  same("experiment: zoo\nseed: 1\n", "experiment: zoo\nsweep: {seed: 1e0}\n");
  same("experiment: zoo\nsweep: {k: range(1,3)}\n", "experiment: zoo\nsweep: {k: [1.0, 2e0, 3]}\n");
  same("experiment: zoo\nsweep: {f: range(0.1,0.3,0.1)}\n", "experiment: zoo\nsweep: {f: [0.1, 0.2, 0.3]}\n");
  same("experiment: zoo\nparameters: {method: random, lambda: 5}\n", "experiment: zoo\nparameters: {method: random}\n"); /* ignored */
  same("experiment: zoo\nparameters: {kernel: fast, stride: 7}\n", "experiment: zoo\n");                                 /* execution */
  same("experiment: zoo\nsweep: {ranks: 4}\n", "experiment: zoo\n");
  same("experiment: zoo\nsweep: {method: [random, oracle]}\n", "experiment: zoo\ncases: [{method: oracle}, {method: random}]\n");
  same("experiment: zoo\nreplicates: 3\n", "experiment: zoo\nreplicates: 1\n");
  same("experiment: zoo\nparameters: {sizes: [10,15,20]}\n", "experiment: zoo\n");
  same("experiment: mixture\nparameters: {means: [-4.0, -4, 4e0, 4]}\n", "experiment: mixture\n");
  same("experiment: mixture\nsweep: {means: [-0, 0.5]}\n", "experiment: mixture\nparameters: {means: [0, 5e-1]}\n");
}

/* One bit of one entry, its place and the length of a real list are part of the key. */
static void test_real_list_keys(void **state)
{
  Read r = read_good("experiment: mixture\nsweep: {means: [[1, 2], [2, 1], [1, 2.0000000000000004], [1], [1, 2, 2]]}\n");

  (void)state;
  assert_int_equal(r.table->n_points, 5);
  assert_string_equal(r.table->points[2].canonical, "seed=1\nmeans=[1, 2.0000000000000004]\nsizes=[1, 2]\n");
  for (int i = 0; i < 5; i++) {
    for (int j = 0; j < i; j++) assert_true(trial_key(&r.table->points[i], 0) != trial_key(&r.table->points[j], 0));
  }
  read_end(&r);
}

/* All trials of a sweep over everything have different keys and ids. */
static void test_key_differences(void **state)
{
  Read r = read_good(
      "experiment: zoo\nreplicates: 20\nsweep: {seed: range(0,4), k: range(-3,3), lambda: [0, 1, 1.0000000000000002], label: [a, b]}\n");
  int64_t   n    = r.table->n_points;
  uint64_t *seen = calloc((size_t)(n * 20), sizeof *seen);

  (void)state;
  assert_int_equal(n, 5 * 7 * 3 * 2);
  for (int64_t i = 0; i < n * 20; i++) seen[i] = trial_key(&r.table->points[i / 20], i % 20);
  for (int64_t i = 0; i < n * 20; i++) {
    assert_true(seen[i] != 0);
    for (int64_t j = 0; j < i; j++) {
      if (seen[i] == seen[j]) fail_msg("trials %" PRId64 " and %" PRId64 " share a key", i, j);
    }
  }
  free(seen);
  read_end(&r);
}

static void test_canonical(void **state)
{
  Read r = read_good("experiment: zoo\nseed: 7\nparameters: {method: oracle, kernel: fast}\nsweep: {ranks: [1, 2]}\n");

  (void)state;
  assert_string_equal(r.table->points[0].canonical,
                      "seed=7\nf=0.25\nk=3\nlabel=\nmethod=oracle\nselection=topk\nshuffle=false\nsizes=[10, 15, 20]\n");
  assert_true(r.table->points[0].identity == r.table->points[1].identity); /* ranks are how, not what */
  assert_int_equal(r.table->points[1].ranks, 2);
  assert_int_equal(r.table->points[0].seed, 7);
  read_end(&r);
}

static void test_pair(void **state)
{
  const char *text = "experiment: zoo\nsweep: {method: [random, standard, weighted, oracle], k: [1, 2]}\npair: [method]\n";
  Read        r = read_good(text), plain = read_good("experiment: zoo\nparameters: {k: 1, method: oracle, lambda: 3}\n");

  (void)state;
  for (int64_t i = 0; i < 8; i++) {
    for (int64_t j = 0; j < i; j++) {
      bool paired = i % 2 == j % 2; /* same k; method, and what matters only through it, left out */
      assert_int_equal(r.table->points[i].stream == r.table->points[j].stream, paired);
      assert_true(r.table->points[i].identity != r.table->points[j].identity);
      assert_int_equal(trial_key(&r.table->points[i], 4) == trial_key(&r.table->points[j], 4), paired);
    }
  }
  assert_true(r.table->points[6].identity == plain.table->points[0].identity); /* ids do not know about pair */
  read_end(&r);
  read_end(&plain);
  contains(text, "experiment: zoo\nparameters: {method: oracle, k: 2}\npair: [method]\n"); /* a part of a paired sweep */
}

/* --- parts --- */

static void test_parts(void **state)
{
  const char *text  = "experiment: zoo\nreplicates: 5\nsweep: {k: range(1,7)}\n";
  Read        whole = read_good(text);

  (void)state;
  for (int64_t n = 1; n <= 37; n++) {
    int64_t row = 0;
    for (int64_t i = 1; i <= n; i++) {
      Read part = read_good(text);
      trial_table_part(part.table, i, n);
      assert_true(part.table->n_rows == 35 / n || part.table->n_rows == 35 / n + 1);
      for (int64_t k = 0; k < part.table->n_rows; k++, row++) {
        const SweepPoint *mine = &part.table->points[trial_point_of_row(part.table, k)];
        const SweepPoint *full = &whole.table->points[row / 5];
        assert_in_range(k, mine->first_row, mine->first_row + mine->n_rows - 1);
        assert_true(trial_identity(mine, mine->first_replicate + k - mine->first_row) == trial_identity(full, row % 5));
      }
      read_end(&part);
    }
    assert_int_equal(row, 35);
  }
  read_end(&whole);
}

static void test_only(void **state)
{
  const char *text = "experiment: zoo\nreplicates: 5\nsweep: {k: range(1,7)}\n";
  Read        a = read_good(text), b = read_good(text), c = read_good(text);
  uint64_t    id = trial_identity(&a.table->points[3], 2);
  char        hex[32];

  (void)state;
  snprintf(hex, sizeof hex, "0x%016" PRIx64, id);
  assert_true(trial_table_only(b.table, hex));
  assert_true(trial_table_only(c.table, "17"));
  for (int i = 0; i < 2; i++) {
    const TrialTable *t = i ? c.table : b.table;
    assert_int_equal(t->n_points, 1);
    assert_int_equal(t->n_rows, 1);
    assert_int_equal(t->points[0].first_row, 0);
    assert_int_equal(t->points[0].first_replicate, 2);
    assert_true(trial_identity(&t->points[0], 2) == id);
  }
  assert_false(trial_table_only(a.table, "35"));
  assert_false(trial_table_only(a.table, "-1"));
  assert_false(trial_table_only(a.table, "0x1"));
  assert_false(trial_table_only(a.table, "0xzz"));
  assert_int_equal(a.table->n_rows, 35);
  read_end(&a);
  read_end(&b);
  read_end(&c);
}

/* --- size --- */

static void test_large(void **state)
{
  struct timespec begin, end;

  (void)state;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  Read r = read_good("experiment: zoo\nreplicates: 1000\nsweep: {lambda: linspace(0,1,100), k: range(1,1000)}\n");
  clock_gettime(CLOCK_MONOTONIC, &end);
  assert_int_equal(r.table->n_points, 100000);
  assert_int_equal(r.table->n_rows, 100000000);
  assert_int_equal(trial_point_of_row(r.table, 99999999), 99999);
  double seconds = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
  print_message("100,000 points in %.3f s\n", seconds);
  if (seconds > 20) fail_msg("expected 100,000 points in about a second, got %.1f s", seconds);
  read_end(&r);
}

static void test_limits(void **state)
{
  (void)state;
  expect_bad("experiment: zoo\nreplicates: 1001\nsweep: {k: range(1,100000)}\n", 0, NULL, 1,
             "x.yaml:2:13: error: 100000 points x 1001 replicates");
  expect_bad("experiment: zoo\nreplicates: 100000001\n", 0, NULL, 1, "out of range");
  expect_bad("experiment: zoo\nsweep: {k: range(1,1001), lambda: range(1,1000), seed: range(1,9)}\n", 0, NULL, 1,
             "more than 1000000 points");
  expect_bad("experiment: zoo\nsweep: {k: range(1,1e18)}\n", 0, NULL, 1, "at most 1000000");
  expect_bad("experiment: zoo\nsweep: {k: range(1,5000), lambda: range(1,5000), method: [random, oracle]}\n"
             "when: {k: {method: standard}, lambda: {method: weighted}}\n",
             0, NULL, 1, "put the axis that decides first");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_param_values),   cmocka_unit_test(test_param_refusals),
      cmocka_unit_test(test_param_table),    cmocka_unit_test(test_long_real_list),
      cmocka_unit_test(test_param_used),     cmocka_unit_test(test_product),
      cmocka_unit_test(test_ranges),         cmocka_unit_test(test_zip),
      cmocka_unit_test(test_cases),          cmocka_unit_test(test_when),
      cmocka_unit_test(test_rows),           cmocka_unit_test(test_key_invariance),
      cmocka_unit_test(test_real_list_keys), cmocka_unit_test(test_key_differences),
      cmocka_unit_test(test_canonical),      cmocka_unit_test(test_pair),
      cmocka_unit_test(test_parts),          cmocka_unit_test(test_only),
      cmocka_unit_test(test_large),          cmocka_unit_test(test_limits),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
