/* SPDX-License-Identifier: BSD-2-Clause
 * Input as text: YAML with positions, settings of the command line, options, expectations, the resolved text, and everything that can
 * be wrong. Oracles: positions counted by hand, reading back what was written, and the `# expect: LINE:COL: fragment` lines of
 * tests/bad_inputs/. */
#include "config_fixture.h"

#include <dirent.h>
#include <inttypes.h>

#define SETS(...)                                                                                                                          \
  (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)), (const char *const[]) { __VA_ARGS__ }

/* --- the corpus of bad inputs --- */

static char *read_file(const char *path, size_t *n)
{
  FILE *file = fopen(path, "rb");
  char *text;

  if (!file) fail_msg("cannot open %s", path);
  fseek(file, 0, SEEK_END);
  *n = (size_t)ftell(file);
  rewind(file);
  text = calloc(*n + 1, 1);
  if (fread(text, 1, *n, file) != *n) fail_msg("cannot read %s", path);
  fclose(file);
  return text;
}

/* Whether some line of `messages` is "x.yaml:POSITION error: ...fragment...". */
static bool has_error(const char *messages, const char *position, const char *fragment)
{
  char *copy = mem_strdup(messages), *save = NULL;
  char *head  = mem_format("x.yaml:%s error: ", position);
  bool  found = false;

  for (char *line = strtok_r(copy, "\n", &save); line && !found; line = strtok_r(NULL, "\n", &save))
    found = !strncmp(line, head, strlen(head)) && strstr(line + strlen(head), fragment);
  free(copy);
  free(head);
  return found;
}

/* Checks every expect line; returns how many there are, and counts those not met in *missed. */
static int check_expectations(const char *name, const char *text, size_t n, const char *messages, int *missed)
{
  static const char mark[] = "# expect: ";
  int               count  = 0;

  for (const char *s = text; (s = memmem(s, n - (size_t)(s - text), mark, strlen(mark))); count++) {
    char position[32], fragment[256];
    s += strlen(mark);
    if (sscanf(s, "%31s %255[^\n]", position, fragment) != 2) fail_msg("%s: bad expect line", name);
    if (has_error(messages, position, fragment)) continue;
    print_error("%s: expected x.yaml:%s error: ...%s...\ngot\n%s", name, position, fragment, messages);
    ++*missed;
  }
  return count;
}

static void check_bad_file(const char *directory, const char *name, int *missed)
{
  char  *path = mem_format("%s/%s", directory, name);
  size_t n;
  char  *text = read_file(path, &n);
  Read   r    = read_bytes("x.yaml", text, n, 0, NULL);

  if (r.errors == 0) fail_msg("%s: expected errors, got none", name);
  int expected = check_expectations(name, text, n, r.messages, missed);
  if (expected == 0) fail_msg("%s: no '# expect:' line", name);
  read_end(&r);
  free(text);
  free(path);
}

static void test_bad_inputs(void **state)
{
  char *directory = mem_strdup(__FILE__);
  int   files = 0, missed = 0;
  char *slash = strrchr(directory, '/');
  char *bad   = mem_format("%.*s/bad_inputs", slash ? (int)(slash - directory) : 1, slash ? directory : ".");
  DIR  *open  = opendir(bad);

  (void)state;
  if (!open) fail_msg("no directory %s", bad);
  for (struct dirent *entry; (entry = readdir(open));) {
    if (!strstr(entry->d_name, ".yaml") || !strcmp(entry->d_name, "unknown_experiment.yaml"))
      continue; /* that one is judged by the caller */
    check_bad_file(bad, entry->d_name, &missed);
    files++;
  }
  closedir(open);
  print_message("%d bad inputs\n", files);
  assert_true(files >= 45);
  if (missed) fail_msg("%d expected errors are missing", missed);
  free(directory);
  free(bad);
}

/* --- text that is cut or damaged: an error or a table, never a crash (the sanitizers watch) --- */

static const char sample[] =
    "schema: myopia/1\nexperiment: zoo\ntitle: \"a, b\"\nseed: &s 3\nreplicates: 2\nparameters: {f: 0.5, sizes: [5, 5], label: 'x y'}\n"
    "sweep:\n  method: [random, weighted]\n  lambda: range(1,3)\n  k: *s\nwhen: {lambda: {method: weighted}}\npair: [method]\n"
    "record: {trajectories: every 10, every: 5}\ntimeout: 10m\nexpect: [{metric: m, where: {k: 3}, reference: 1, lower: -5%, upper: 5%}]\n";
static const char sample_of_claims[] = "experiment: zoo\nsweep: {k: [1, 2]}\n"
                                       "claims: [{claim: \"a\", metric: m, of: {k: 1}, against: {k: 2}, compare: ratio, within: [0, 1]}]\n";

/* Returns how many of the damaged texts are inputs. */
static int damage(const char *text)
{
  static const char junk[] = "[]{}:,&*!|>'\"%@`#-?\t\n\r \x01\x80\xff()0";
  size_t            n      = strlen(text);
  char             *copy   = malloc(n + 1);
  int               good   = 0;

  for (size_t i = 0; i <= n; i++) {
    Read r = read_bytes("x.yaml", text, i, 0, NULL);
    good += r.errors == 0;
    read_end(&r);
  }
  for (size_t i = 0; i < n; i += 3) {
    for (size_t k = 0; k < sizeof junk - 1; k++) {
      memcpy(copy, text, n + 1);
      copy[i] = junk[k];
      Read r  = read_bytes("x.yaml", copy, n, 0, NULL);
      good += r.errors == 0;
      read_end(&r);
    }
  }
  free(copy);
  return good;
}

static void test_damaged(void **state)
{
  (void)state;
  assert_true(damage(sample) > 20); /* most of the sample's beginnings that end a line are inputs themselves */
  assert_true(damage(sample_of_claims) > 20);
}

/* --- YAML --- */

static void test_yaml_forms(void **state)
{
  const char *flow = "{schema: myopia/1, experiment: zoo, sweep: {k: range(1, 3), lambda: [1, 2]}, pair: [k]}";
  const char *block =
      "%YAML 1.1\n---\nschema: myopia/1\r\nexperiment: zoo\npair:\n- k\nsweep:\n  k: &r range(1,3)\n  lambda:\n    - 1\n    - 2.0\n...\n";
  Read a = read_good(flow), b = read_good(block),
       c = read_good("\xef\xbb\xbf# BOM\nexperiment: zoo\nsweep: {k: [1, 2, 3], lambda: &l [1, 2], f: 0.25}\npair: [k]\n");

  (void)state;
  assert_int_equal(a.table->n_points, 6);
  for (int64_t i = 0; i < 6; i++) {
    assert_string_equal(a.table->points[i].canonical, b.table->points[i].canonical);
    assert_string_equal(a.table->points[i].canonical, c.table->points[i].canonical);
    assert_true(a.table->points[i].stream == b.table->points[i].stream);
  }
  read_end(&a);
  read_end(&b);
  read_end(&c);
}

static void test_aliases(void **state)
{
  Read r = read_good("experiment: zoo\nsweep: {k: &v [1, 2], lambda: *v}\nzip: [k, lambda]\n");

  (void)state;
  assert_int_equal(r.table->n_points, 2);
  assert_true(((const Model *)r.table->points[1].params)->lambda == 2.0);
  read_end(&r);
}

static void test_schema_warning(void **state)
{
  Read r = read_good("experiment: zoo\n");

  (void)state;
  assert_non_null(strstr(r.messages, "warning: no 'schema'"));
  read_end(&r);
}

/* --- the command line --- */

/* `text` with `sets` must give the table of `other`. */
static void sets_give(const char *text, int n_sets, const char *const *sets, const char *other)
{
  Read  a = read_sets(text, n_sets, sets), b = read_good(other);
  char *x, *y;

  if (a.errors) fail_msg("expected no errors for\n%swith %s\ngot\n%s", text, sets[0], a.messages);
  x = points_text(a.table);
  y = points_text(b.table);
  if (strcmp(x, y)) fail_msg("for\n%swith %s\nexpected %s\ngot      %s", text, sets[0], y, x);
  assert_int_equal(a.table->n_points, b.table->n_points);
  for (int64_t i = 0; i < a.table->n_points; i++) assert_string_equal(a.table->points[i].canonical, b.table->points[i].canonical);
  free(x);
  free(y);
  read_end(&a);
  read_end(&b);
}

static void test_sets(void **state)
{
  const char *text = "experiment: zoo\nseed: 4\nparameters: {f: 0.5}\nsweep: {k: [1, 2], shuffle: [true, false]}\n";

  (void)state;
  sets_give(text, SETS("f=0.75"), "experiment: zoo\nseed: 4\nparameters: {f: 0.75}\nsweep: {k: [1, 2], shuffle: [true, false]}\n");
  sets_give(text, SETS("k=7"), "experiment: zoo\nseed: 4\nparameters: {f: 0.5}\nsweep: {k: 7, shuffle: [true, false]}\n");
  sets_give(text, SETS("k=range(1,8)", "shuffle=true"),
            "experiment: zoo\nseed: 4\nparameters: {f: 0.5}\nsweep: {k: [1,2,3,4,5,6,7,8], shuffle: true}\n");
  sets_give(text, SETS("method=random,oracle"),
            "experiment: zoo\nseed: 4\nparameters: {f: 0.5}\nsweep: {k: [1, 2], shuffle: [true, false], method: [random, oracle]}\n");
  sets_give(text, SETS("f=0.1,0.2"), "experiment: zoo\nseed: 4\nsweep: {k: [1, 2], shuffle: [true, false], f: [0.1, 0.2]}\n");
  sets_give(text, SETS("seed=9"), "experiment: zoo\nseed: 9\nparameters: {f: 0.5}\nsweep: {k: [1, 2], shuffle: [true, false]}\n");
  sets_give(text, SETS("seed=range(0,2)", "k=1"),
            "experiment: zoo\nparameters: {f: 0.5}\nsweep: {k: 1, shuffle: [true, false], seed: [0, 1, 2]}\n");
  sets_give(text, SETS("sizes=[5, 6]"),
            "experiment: zoo\nseed: 4\nparameters: {f: 0.5, sizes: [5, 6]}\nsweep: {k: [1, 2], shuffle: [true, false]}\n");
  sets_give("experiment: zoo\n", SETS("sizes=[5,6],[7,8]", "method=random"),
            "experiment: zoo\nparameters: {method: random}\nsweep: {sizes: [[5, 6], [7, 8]]}\n");
  sets_give("experiment: mixture\n", SETS("means=[0.5, -1e0]"), "experiment: mixture\nparameters: {means: [0.5, -1]}\n");
  sets_give("experiment: mixture\n", SETS("means=0.5,-1"), "experiment: mixture\nparameters: {means: [0.5, -1]}\n");
  sets_give("experiment: mixture\nparameters: {means: [1]}\n", SETS("means=[0.5,6],[7.25]"),
            "experiment: mixture\nsweep: {means: [[0.5, 6], [7.25]]}\n");
  sets_give("experiment: zoo\n", SETS("label='a,b'"), "experiment: zoo\nparameters: {label: 'a,b'}\n");
  sets_give("experiment: zoo\n", SETS("ranks=1,2"), "experiment: zoo\nsweep: {ranks: [1, 2]}\n");
  sets_give("experiment: barbell\n", SETS("experiment=zoo", "lambda=logspace(0,2,3)"), "experiment: zoo\nsweep: {lambda: [1, 10, 100]}\n");
  /* a faulty entry of the file that is replaced is not judged; zip holds when both sides change */
  sets_give("experiment: zoo\nparameters: {f: 99}\n", SETS("f=0.5"), "experiment: zoo\nparameters: {f: 0.5}\n");
  sets_give("experiment: zoo\nsweep: {k: [1, 2], f: [0.1, 0.2]}\nzip: [k, f]\n", SETS("k=5,6,7", "f=0.3,0.4,0.5"),
            "experiment: zoo\nsweep: {k: [5, 6, 7], f: [0.3, 0.4, 0.5]}\nzip: [k, f]\n");
}

static void test_set_options(void **state)
{
  Read r = read_sets("experiment: zoo\nrecord: {trajectories: none, every: 3}\n",
                     SETS("record.every=10", "record.trajectories=all", "title=a, b: [c", "timeout=90", "replicates=4", "sync=1:30"));

  (void)state;
  if (r.errors) fail_msg("expected no errors, got\n%s", r.messages);
  assert_int_equal(study_options(r.study)->record, RECORD_ALL);
  assert_int_equal(study_options(r.study)->every, 10);
  assert_string_equal(study_title(r.study), "a, b: [c");
  assert_true(study_options(r.study)->timeout == 90.0 && study_options(r.study)->sync == 90.0);
  assert_int_equal(r.table->n_rows, 4);
  read_end(&r);
}

static void test_bad_real_lists(void **state)
{
  (void)state;
  expect_bad("experiment: mixture\nparameters: {means: [1, x, 10, -.nan]}\n", 0, NULL, 3,
             "x.yaml:2:25: error: 'means': 'x' is not a number");
  expect_bad("experiment: mixture\nparameters: {means: [1, 10]}\n", 0, NULL, 1,
             "x.yaml:2:25: error: 'means': 10 is out of range: -10 <= x < 10");
  expect_bad("experiment: mixture\nparameters: {means: []}\n", 0, NULL, 1, "x.yaml:2:21: error: 'means': a list of 0 numbers; 1 to 64");
  expect_bad("experiment: mixture\nparameters: {means: 4.5}\n", 0, NULL, 1,
             "x.yaml:2:21: error: 'means': '4.5' is not a list of numbers: write [0.5, 1, 1.5]");
  expect_bad("experiment: mixture\nparameters: {means: [[1], [2]]}\n", 0, NULL, 1,
             "x.yaml:2:21: error: 'means': a list of values is a sweep");
  expect_bad("experiment: mixture\nparameters: {means: [1, {a: 2}]}\n", 0, NULL, 1, "x.yaml:2:25: error: 'means': expected a number");
  expect_bad("experiment: mixture\nparameters: {means: [1, '2']}\n", 0, NULL, 1,
             "x.yaml:2:25: error: 'means': \"2\" in quotes is text, expected a real");
  expect_bad("experiment: mixture\nparameters: {means: }\n", 0, NULL, 1, "'means' has no value; expected a real list");
  expect_bad("experiment: mixture\nsweep: {means: [[1, 2], 3]}\n", 0, NULL, 1, "x.yaml:2:25: error: 'means': '3' is not a list of numbers");
  expect_bad("experiment: mixture\nsweep: {means: [[1, 2.0], [1.0, 2]]}\n", 0, NULL, 1,
             "x.yaml:2:27: error: 'means': the value [1, 2] is listed twice");
  expect_bad("experiment: mixture\nsweep: {means: linspace(0,1,3)}\n", 0, NULL, 1,
             "x.yaml:2:16: error: 'means': linspace(0,1,3) needs a number, this is a real list");
  expect_bad("experiment: mixture\nsweep: {means: [[0.1234567890123, 0.1234567890123, 0.1234567890123, 0.1234567890123]]}\n", 0, NULL, 1,
             "x.yaml:2:17: error: 'means': a swept value of 68 characters; at most 63 fit into an axis");
}

static void test_bad_sets(void **state)
{
  const char *zip   = "experiment: zoo\nsweep: {k: [1, 2], f: [0.1, 0.2]}\nzip: [k, f]\n",
             *cases = "experiment: zoo\ncases: [{k: 1}, {k: 2}]\n";
  const char *plain = "experiment: zoo\n";

  (void)state;
  expect_bad(plain, SETS("k=1", "lamda=10"), 1, "command line:2:1: error: unknown parameter 'lamda'; did you mean 'lambda'?");
  expect_bad(plain, SETS("lambda=1,x"), 1, "command line:1:10: error: 'lambda': 'x' is not a number");
  expect_bad(plain, SETS("lambda"), 1, "command line:1:1: error: expected KEY=VALUE");
  expect_bad(plain, SETS("=3"), 1, "command line:1:1: error: expected KEY=VALUE");
  expect_bad(plain, SETS("lambda="), 1, "command line:1:8: error: 'lambda' has no value");
  expect_bad(plain, SETS("k=1", "k=2"), 1, "command line:2:1: error: 'k' is set twice");
  expect_bad(plain, SETS("label='abc"), 1, "command line:1:7: error: a quote that is never closed");
  expect_bad(plain, SETS("sizes=[1,2"), 1, "command line:1:11: error: expected ',' or ']'");
  expect_bad(plain, SETS("sizes=[[[[[[[[[[1]]]]]]]]]]"), 1, "nested deeper");
  expect_bad("experiment: mixture\n", SETS("means=[1, x]"), 1, "command line:1:11: error: 'means': 'x' is not a number");
  expect_bad("experiment: mixture\n", SETS("means=1,[2]"), 1, "command line:1:7: error: 'means': '1' is not a list of numbers");
  expect_bad(plain, SETS("k=1,1"), 1, "command line:1:5: error: 'k': the value 1 is listed twice");
  expect_bad(plain, SETS("replicates=0"), 1, "command line:1:12: error: 'replicates': 0 is out of range");
  expect_bad(plain, SETS("sweep=k"), 1, "cannot be set on the command line");
  expect_bad(plain, SETS("record=all"), 1, "write record.trajectories=");
  expect_bad(plain, SETS("seed=-4"), 1, "command line:1:6: error: 'seed': -4 is out of range");
  expect_bad(zip, SETS("k=5"), 1, "command line:1:1: error: zipped axes must be equally long: 'k' has 1 values, 'f' has 2");
  expect_bad(zip, SETS("f=0.1,0.2,0.3"), 1, "command line:1:1: error: zipped axes");
  expect_bad(cases, SETS("k=5"), 1, "command line:1:1: error: 'k' is set by the cases of the input (x.yaml:2)");
}

/* --- options --- */

static void test_options(void **state)
{
  Read r = read_good("experiment: zoo\ntitle: Études\ntimeout: 10m\nsync: 30\ncheckpoint: 1h\nrecord: {trajectories: every 10, every: "
                     "5}\nreplicates: 25\n");
  Read d = read_good("experiment: zoo\n");
  const StudyOptions *o = study_options(r.study), *built_in = study_options(d.study);
  SourceMark          mark;

  (void)state;
  assert_string_equal(study_title(r.study), "Études");
  assert_true(o->timeout == 600.0 && o->sync == 30.0 && o->checkpoint == 3600.0);
  assert_int_equal(o->record, RECORD_EVERY_N);
  assert_int_equal(o->every, 5);
  for (int64_t k = 0; k < 25; k++) assert_int_equal(study_records(o, 1, k), k % 10 == 0);
  assert_true(isinf(built_in->timeout) && built_in->sync == 60.0 && built_in->checkpoint == 300.0);
  assert_int_equal(built_in->record, RECORD_FIRST_PER_POINT);
  assert_true(study_records(built_in, 3, 0) && !study_records(built_in, 3, 1));
  assert_true(study_records(&(StudyOptions){.record = RECORD_FIRST}, 0, 0) &&
              !study_records(&(StudyOptions){.record = RECORD_FIRST}, 1, 0));
  assert_string_equal(study_experiment(r.study, &mark), "zoo");
  assert_int_equal(mark.line, 1);
  assert_int_equal(mark.column, 13);
  read_end(&r);
  read_end(&d);
}

/* --- expectations --- */

static void test_claims(void **state)
{
  const char       *text = "experiment: zoo\nsweep: {method: [random, weighted], k: [1, 2]}\nclaims:\n"
                           "  - {claim: \"1. one\", metric: m, of: {method: weighted, k: 2.0}, below: 0.5}\n"
                           "  - {claim: 2. two, metric: m, of: {k: 1}, against: {k: 2}, compare: difference, contains: 0}\n"
                           "  - {claim: three, metric: m, against_metric: other, of: {k: 1}, compare: ratio, within: [-1, 1e0]}\n"
                           "  - {claim: four, metric: m, above: 2, of: {k: 2}, against: {}, compare: ratio}\n";
  Read              r    = read_good(text);
  const StudyClaim *c;

  (void)state;
  assert_int_equal(study_claims(r.study, &c), 4);
  assert_string_equal(c[0].claim.text, "1. one");
  assert_string_equal(c[0].claim.where[0], "method=weighted, k=2");
  assert_true(c[0].claim.compare == CLAIM_VALUE && c[0].claim.bound == CLAIM_BELOW && isinf(c[0].claim.low) && c[0].claim.high == 0.5);
  assert_string_equal(c[1].claim.text, "2. two");
  assert_true(c[1].claim.compare == CLAIM_DIFFERENCE && c[1].claim.bound == CLAIM_CONTAINS && c[1].claim.low == 0 && c[1].claim.high == 0);
  assert_string_equal(c[1].claim.metric[1], "m");
  assert_string_equal(c[2].claim.metric[1], "other");
  assert_string_equal(c[2].claim.where[1], "k=1"); /* another metric of the same points */
  assert_true(c[2].claim.bound == CLAIM_WITHIN && c[2].claim.low == -1 && c[2].claim.high == 1);
  assert_true(c[3].claim.compare == CLAIM_RATIO && c[3].claim.low == 2 && isinf(c[3].claim.high));
  for (int64_t i = 0; i < 4; i++) {
    const Model *model = r.table->points[i].params;
    assert_int_equal(where_matches(&c[0].where[0], r.table, r.spec, i), model->method == 2 && model->k == 2);
    assert_int_equal(where_matches(&c[1].where[1], r.table, r.spec, i), model->k == 2);
    assert_true(where_matches(&c[3].where[1], r.table, r.spec, i));
  }
  assert_int_equal(c[2].metric_mark[1].column, 47);
  read_end(&r);
}

/* A setting that takes a side away takes the claim away, with a warning; otherwise it is an error of the input. */
static void test_narrowed_claims(void **state)
{
  const char       *text = "experiment: zoo\nsweep: {method: [random, weighted], k: [1, 2]}\nclaims:\n"
                           "  - {claim: a, metric: m, of: {k: 1}, against: {k: 2}, compare: ratio, above: 1}\n"
                           "  - {claim: b, metric: m, of: {k: 1}, above: 1}\n";
  Read              r    = read_sets(text, SETS("k=1"));
  const StudyClaim *c;

  (void)state;
  assert_int_equal(r.errors, 0);
  assert_int_equal(study_claims(r.study, &c), 1);
  assert_string_equal(c[0].claim.text, "b");
  if (!strstr(r.messages, "x.yaml:4:5: warning: the settings leave this claim no point; it is not judged (against {k: 2})"))
    fail_msg("expected a warning, got %s", r.messages);
  read_end(&r);
  expect_bad(text, SETS("shuffle=true", "claims=1"), 1, "cannot be set on the command line");
}

static void test_expectations(void **state)
{
  Read               r = read_good("experiment: zoo\nsweep: {method: [random, weighted], k: [1, 2]}\nexpect:\n"
                                                 "  - {metric: m, where: {method: weighted, k: 2.0}, "
                                                 "reference: -2, lower: -5%, upper: +10%}\n"
                                                 "  - {metric: m, reference: 0.5, lower: -0.1}\n"
                                                 "  - {metric: other, where: {lambda: 10, seed: 1}, max: 3}\n");
  const Expectation *e;

  (void)state;
  assert_int_equal(study_expectations(r.study, &e), 3);
  assert_true(fabs(e[0].low + 2.1) < 1e-15 && fabs(e[0].high + 1.8) < 1e-15);
  assert_true(fabs(e[1].low - 0.4) < 1e-15 && isinf(e[1].high));
  assert_true(isinf(e[2].low) && e[2].high == 3.0);
  assert_int_equal(e[2].metric_mark.line, 6);
  assert_int_equal(e[2].metric_mark.column, 14);
  for (int64_t i = 0; i < 4; i++) {
    const Model *model = r.table->points[i].params;
    assert_int_equal(where_matches(&e[0].where, r.table, r.spec, i), model->method == 2 && model->k == 2);
    assert_true(where_matches(&e[1].where, r.table, r.spec, i));
    assert_int_equal(where_matches(&e[2].where, r.table, r.spec, i), model->method == 2); /* random ignores lambda */
  }
  read_end(&r);
}

/* A setting that takes away the points of an expectation: a warning, and the rest goes on. A mistake in the file stays an error. */
static void test_narrowed(void **state)
{
  const char *text = "experiment: zoo\nsweep: {method: [random, weighted], k: [1, 2]}\n"
                     "expect: [{metric: m, where: {k: 2}, min: 0}, {metric: m, where: {lambda: 10}, min: 0}]\n";
  Read        r    = read_sets(text, SETS("k=1", "method=random"));

  (void)state;
  if (r.errors) fail_msg("expected no errors, got\n%s", r.messages);
  assert_non_null(strstr(r.messages, "x.yaml:3:10: warning: the settings leave this expectation no point"));
  assert_non_null(strstr(r.messages, "x.yaml:3:46: warning: the settings leave this expectation no point"));
  assert_int_equal(r.table->n_points, 1);
  read_end(&r);
  expect_bad("experiment: zoo\nsweep: {k: [1, 2]}\nexpect: [{metric: m, where: {k: 3}, min: 0}]\n", SETS("method=random"), 1,
             "matches no point");
}

/* --- what was resolved --- */

static void same_tables(const Read *a, const Read *b, const char *text)
{
  const Expectation *x, *y;
  char              *p = points_text(a->table), *q = points_text(b->table);

  if (strcmp(p, q)) fail_msg("expected %s\ngot %s\nfrom\n%s", p, q, text);
  assert_int_equal(a->table->n_rows, b->table->n_rows);
  for (int64_t i = 0; i < a->table->n_points; i++) {
    assert_string_equal(a->table->points[i].canonical, b->table->points[i].canonical);
    assert_true(a->table->points[i].stream == b->table->points[i].stream);
    assert_int_equal(a->table->points[i].ranks, b->table->points[i].ranks);
    assert_int_equal(((const Model *)a->table->points[i].params)->kernel, ((const Model *)b->table->points[i].params)->kernel);
  }
  assert_int_equal(study_expectations(a->study, &x), study_expectations(b->study, &y));
  for (int i = 0; i < study_expectations(a->study, &x); i++) {
    assert_string_equal(x[i].metric, y[i].metric);
    assert_true(x[i].low == y[i].low && x[i].high == y[i].high && x[i].where.n == y[i].where.n);
  }
  assert_memory_equal(&study_options(a->study)->timeout, &study_options(b->study)->timeout, 3 * sizeof(double));
  assert_int_equal(study_options(a->study)->record, study_options(b->study)->record);
  assert_int_equal(study_options(a->study)->every, study_options(b->study)->every);
  assert_string_equal(study_title(a->study), study_title(b->study));
  free(p);
  free(q);
}

/* Reads back to the same study, and a second time to the same text. */
static void reads_back(const char *text, int n_sets, const char *const *sets)
{
  Read a       = read_sets(text, n_sets, sets);
  Text science = {0}, execution = {0}, science2 = {0}, execution2 = {0}, both = {0};

  if (a.errors) fail_msg("expected no errors for\n%s\ngot\n%s", text, a.messages);
  study_resolved(a.study, &science, &execution);
  text_append(&both, text_string(&science));
  text_append(&both, text_string(&execution));
  Read b = read_good(text_string(&both));
  same_tables(&a, &b, text_string(&both));
  study_resolved(b.study, &science2, &execution2);
  assert_string_equal(text_string(&science), text_string(&science2));
  assert_string_equal(text_string(&execution), text_string(&execution2));
  Text *all[] = {&science, &execution, &science2, &execution2, &both};
  for (int i = 0; i < 5; i++) text_clear(all[i]);
  read_end(&a);
  read_end(&b);
}

static void test_resolved(void **state)
{
  (void)state;
  reads_back("experiment: zoo\n", 0, NULL);
  reads_back(sample, 0, NULL);
  reads_back(sample, SETS("lambda=5", "kernel=fast", "ranks=1,2"));
  reads_back(sample, SETS("k=4")); /* leaves the expectation no point */
  reads_back("experiment: zoo\nparameters: {label: \"a: [b], \\\"c\\\" é #\", kernel: fast, stride: 7, method: random}\n", 0, NULL);
  reads_back(
      "experiment: zoo\nseed: 9\nsweep: {k: [1, 2], f: [0.1, 0.2], shuffle: [true, false], label: ['', 'null', '1']}\nzip: [[k, f]]\n", 0,
      NULL);
  reads_back("experiment: zoo\nparameters: {lambda: 3, kernel: fast}\ncases:\n  - {method: weighted, k: [1, 2]}\n  - {method: random, "
             "seed: 5}\n  - {lambda: [1, 2]}\n",
             0, NULL);
  reads_back(
      "experiment: zoo\nsweep: {r_eff: [exact, nominal], selection: [topk, sampled], method: [random, oracle], kernel: [plain, fast]}\n"
      "when: {r_eff: {selection: sampled, method: oracle}, selection: {method: oracle}}\npair: [selection]\n",
      0, NULL);
  reads_back("experiment: mixture\nparameters: {means: [1e-300, 0.1, 3]}\nsweep: {sizes: [[1, 2], [3, 4]]}\n", 0, NULL);
  reads_back("experiment: mixture\nsweep: {means: [[0.1, 0.30000000000000004], [-3]]}\n"
             "expect: [{metric: m, where: {means: [-3.0]}, min: 0}]\n",
             0, NULL);
  reads_back("experiment: zoo\nsweep: {method: [random, weighted], k: [1, 2], label: ['a, b']}\nclaims:\n"
             "  - {claim: '1. \"one\"', metric: m, of: {method: weighted, label: 'a, b'}, below: 0.30000000000000004}\n"
             "  - {claim: 2. two, metric: m, against_metric: n, of: {k: 1}, against: {}, compare: difference, contains: 0}\n"
             "  - {claim: three, metric: m, against_metric: other, of: {k: 1}, compare: ratio, within: [-1, 1e-300]}\n"
             "  - {claim: four, metric: m, above: -2, of: {}}\n",
             0, NULL);
  reads_back("experiment: zoo\nsweep: {sizes: [[1, 2], [3, 4]], lambda: logspace(-4,-1,7)}\ntitle: \"tab\\u00e9 'x'\"\ntimeout: 1.5h\n", 0,
             NULL);
}

/* The scientific text must not depend on how a thing is run. */
static void test_resolved_parts(void **state)
{
  Read a = read_good("experiment: zoo\nparameters: {k: 2}\n");
  Read b = read_good("title: other\nparameters: {k: 2e0, stride: 9, lambda: 10}\ntimeout: 5\nexperiment: zoo\nrecord: {every: 3}\n");
  Text x = {0}, y = {0}, ex = {0}, ey = {0};

  (void)state;
  study_resolved(a.study, &x, &ex);
  study_resolved(b.study, &y, &ey);
  assert_string_equal(text_string(&x), text_string(&y));
  assert_string_not_equal(text_string(&ex), text_string(&ey));
  Text *all[] = {&x, &y, &ex, &ey};
  for (int i = 0; i < 4; i++) text_clear(all[i]);
  read_end(&a);
  read_end(&b);
}

static void has_origin(const Read *r, const char *name, const char *value, const char *origin)
{
  const ParamOrigin *list;
  int                n = study_origins(r->study, &list);

  for (int i = 0; i < n; i++) {
    if (strcmp(list[i].name, name)) continue;
    assert_string_equal(list[i].value, value);
    assert_string_equal(list[i].origin, origin);
    return;
  }
  fail_msg("no origin for %s", name);
}

static void test_origins(void **state)
{
  Read r = read_sets("experiment: zoo\nseed: 4\nparameters:\n  f: 0.5\n  label: x\nsweep:\n  k: range(1,1000)\n  shuffle: [true, false]\n",
                     SETS("f=0.75", "lambda=1,2"));

  (void)state;
  if (r.errors) fail_msg("expected no errors, got\n%s", r.messages);
  has_origin(&r, "seed", "4", "x.yaml:2");
  has_origin(&r, "replicates", "1", "built-in");
  has_origin(&r, "label", "x", "x.yaml:5");
  has_origin(&r, "f", "0.75", "command line 1");
  has_origin(&r, "lambda", "1, 2 (2 values)", "command line 2");
  has_origin(&r, "shuffle", "true, false (2 values)", "x.yaml:8");
  has_origin(&r, "method", "weighted", "built-in");
  const ParamOrigin *list;
  int                n = study_origins(r.study, &list), seen = 0;
  for (int i = 0; i < n; i++)
    seen += !strcmp(list[i].name, "k") && strstr(list[i].value, "..., 1000 (1000 values)") && !strncmp(list[i].value, "1, 2, 3", 7);
  assert_int_equal(seen, 1);
  read_end(&r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bad_inputs),      cmocka_unit_test(test_damaged),        cmocka_unit_test(test_yaml_forms),
      cmocka_unit_test(test_aliases),         cmocka_unit_test(test_schema_warning), cmocka_unit_test(test_sets),
      cmocka_unit_test(test_set_options),     cmocka_unit_test(test_bad_real_lists), cmocka_unit_test(test_bad_sets),
      cmocka_unit_test(test_options),         cmocka_unit_test(test_expectations),   cmocka_unit_test(test_claims),
      cmocka_unit_test(test_narrowed_claims), cmocka_unit_test(test_narrowed),       cmocka_unit_test(test_resolved),
      cmocka_unit_test(test_resolved_parts),  cmocka_unit_test(test_origins),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
