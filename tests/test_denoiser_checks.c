/* SPDX-License-Identifier: BSD-2-Clause
 * Specifications of denoisers: what is refused and why, numbers of parameters and their parts, initial parameters, names. */
#include "denoiser_fixture.h"

static void test_parameters_and_parts(void **state)
{
  (void)state;
  const int64_t expected[] = {7 * 10 * 2,
                              3 * 15 * 3 + 3 * 6 * 3,
                              50 * 120 * 4,
                              4 * 10 * 9 + 4 * 5 * 4,
                              1 * 21 * 64 + 7 * 64,
                              32 * 12 + 32 * 33 + 2 * 33,
                              17 * 13 + 2 * 17 * 18 + 3 * 18 + 17 * 6 + 2 * 17 * 18 + 3 * 18,
                              5 * 7 + 2 * 5,
                              9 * 7 + 2 * 10 + 9 * 5 + 2 * 10,
                              20 * 12 + 20 * 21 + 2 * 21};
  for (int k = 0; k < SPECS; k++) {
    DenoiserPart part[DENOISER_PARTS_MAX];
    const int    parts = denoiser_parts(&specs[k], part);
    int64_t      at    = 0;
    if (k < PAIRWISE && denoiser_parameters(&specs[k]) != expected[k])
      fail_msg("%s: expected %lld parameters, got %lld", name_of(&specs[k]), (long long)expected[k],
               (long long)denoiser_parameters(&specs[k]));
    assert_in_range(parts, 1, DENOISER_PARTS_MAX);
    for (int i = 0; i < parts; i++) {
      assert_int_equal(part[i].first, at);
      assert_true(part[i].last > at && part[i].name[0] != 0);
      for (int j = 0; j < i; j++) assert_string_not_equal(part[i].name, part[j].name);
      at = part[i].last;
    }
    assert_int_equal(at, denoiser_parameters(&specs[k]));
    assert_true(denoiser_step_seconds(&specs[k], specs[k].n) > denoiser_step_seconds(&specs[k], 2));
  }
  /* of products: one-hot 2 + 8 features + t in, 32, 32, 2 out */
  expect_close("flops", &specs[5], 0, 120 * 2.0 * (11 * 32 + 32 * 32 + 32 * 2), denoiser_flops(&specs[5], 16), 0);
  DenoiserSpec deep = specs[6];
  deep.depth        = NET_DEPTH_MAX;
  DenoiserPart part[DENOISER_PARTS_MAX];
  assert_int_equal(denoiser_parts(&deep, part), NET_DEPTH_MAX + 2);
}

/* Tables start at zero; perceptrons as torch.nn.Linear, the two from different numbers. */
static void test_init(void **state)
{
  (void)state;
  for (int k = 0; k < SPECS; k++) {
    const int64_t n = denoiser_parameters(&specs[k]);
    float        *x = mem_calloc((size_t)n, 3 * sizeof *x);
    denoiser_init(&specs[k], 11, x);
    denoiser_init(&specs[k], 11, x + n);
    denoiser_init(&specs[k], 12, x + 2 * n);
    assert_memory_equal(x, x + n, (size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) {
      if (specs[k].kind < DENOISER_EDGE_MLP && x[i] != 0) fail_msg("%s: starts with %g", name_of(&specs[k]), (double)x[i]);
      if (specs[k].kind == DENOISER_EDGE_MLP && (x[i] == x[2 * n + i] || x[i] == 0))
        fail_msg("%s: %g from two keys", name_of(&specs[k]), (double)x[i]);
      assert_true(fabsf(x[i]) <= 1);
    }
    free(x);
  }
  float x[5 * 7 + 2 * 5]; /* b = 5: 6 inputs; a = 2: 4 inputs */
  denoiser_init(&specs[7], 11, x);
  for (int i = 0; i < 35; i++) assert_true(fabsf(x[i]) <= 0.40825f);
  assert_true(x[35] / x[0] < 0.99f * sqrtf(6) / 2 || x[35] / x[0] > 1.01f * sqrtf(6) / 2);
}

static void expect_refused(DenoiserSpec s, const char *word)
{
  char        message[256] = "";
  const char *got          = denoiser_check(&s, message);
  Denoiser   *d            = NULL;
  if (!got || !strstr(got, word)) fail_msg("expected a refusal with \"%s\", got \"%s\"", word, got ? got : "none");
  assert_true(got == message);
  PetscPushErrorHandler(PetscReturnErrorHandler, NULL);
  const PetscErrorCode error = denoiser_create(&s, isa_level(), &d);
  PetscPopErrorHandler();
  assert_true(error != 0 && !d);
}

static void test_checks(void **state)
{
  (void)state;
  char message[256];
  for (int k = 0; k < SPECS; k++)
    if (denoiser_check(&specs[k], message)) fail_msg("%s is refused: %s", name_of(&specs[k]), message);
#define REFUSED(base, field, value, word)                                                                                                  \
  do {                                                                                                                                     \
    DenoiserSpec s = specs[base];                                                                                                          \
    s.field        = value;                                                                                                                \
    expect_refused(s, word);                                                                                                               \
  } while (0)
  REFUSED(0, kind, (DenoiserKind)4, "kind");
  REFUSED(0, kind, (DenoiserKind)-1, "kind");
  REFUSED(0, n, 1, "vertices");
  REFUSED(0, n, DENOISER_NODES_MAX + 1, "vertices");
  REFUSED(0, a, 0, "node classes");
  REFUSED(0, a, DENOISER_CLASSES_MAX + 1, "node classes");
  REFUSED(2, b, 1, "edge classes");
  REFUSED(2, b, DENOISER_CLASSES_MAX + 1, "edge classes");
  REFUSED(2, T, 0, "steps");
  REFUSED(2, buckets, 0, "buckets");
  REFUSED(2, buckets, 51, "buckets");
  REFUSED(0, buckets, 8, "buckets");
  REFUSED(5, pair_features, -1, "features");
  REFUSED(5, node_features, -1, "features");
  REFUSED(5, graph_features, -1, "features");
  REFUSED(5, depth, -1, "depth");
  REFUSED(5, depth, NET_DEPTH_MAX + 1, "depth");
  REFUSED(5, width, 0, "width");
  REFUSED(5, width, NET_WIDTH_MAX + 1, "width");
  REFUSED(5, activation, (Activation)9, "activation");
#undef REFUSED
  expect_refused((DenoiserSpec){.kind = DENOISER_FACTORED_BIT, .n = 64, .a = 1, .b = 8, .T = 1000000, .buckets = 1000000}, "fewer buckets");
}

/* Refused with the reason; what breaks the symmetry of the vertices cures it, a feature of the whole graph does not. */
static void test_blind(void **state)
{
  (void)state;
  const DenoiserSpec s     = {.kind   = DENOISER_TRANSFORMER,
                              .n      = 16,
                              .a      = 1,
                              .b      = 2,
                              .T      = 50,
                              .layers = 2,
                              .dx     = 32,
                              .de     = 16,
                              .dy     = 16,
                              .heads  = 2,
                              .ff_x   = 32,
                              .ff_e   = 16,
                              .ff_y   = 32};
  DenoiserSpec       cured = s;
  assert_true(denoiser_blind(&s));
  expect_refused(s, "blind");
  cured.node_id = true;
  assert_false(denoiser_blind(&cured));
  cured               = s;
  cured.node_features = 1;
  assert_false(denoiser_blind(&cured));
  cured               = s;
  cured.pair_features = 1;
  assert_false(denoiser_blind(&cured));
  cured   = s;
  cured.a = 2;
  assert_false(denoiser_blind(&cured));
  cured                = s;
  cured.graph_features = 2;
  expect_refused(cured, "blind");
  for (int k = 0; k < SPECS; k++) assert_false(denoiser_blind(&specs[k]));
}

static void test_names(void **state)
{
  (void)state;
  assert_string_equal(denoiser_names[DENOISER_FACTORED], "factored");
  assert_string_equal(denoiser_names[DENOISER_FACTORED_BIT], "factored_bit");
  assert_string_equal(denoiser_names[DENOISER_EDGE_MLP], "edge_mlp");
  assert_string_equal(denoiser_names[DENOISER_TRANSFORMER], "transformer");
  assert_null(denoiser_names[4]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parameters_and_parts),
      cmocka_unit_test(test_init),
      cmocka_unit_test(test_checks),
      cmocka_unit_test(test_blind),
      cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
