/* SPDX-License-Identifier: BSD-2-Clause
 * The graph transformer's layout, initial parameters and checks, and its reference in float64: gradients of every group of parameters
 * against central differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "transformer_fixture.h"

static const DenoiserSpec shapes[] = {
    {.kind    = DENOISER_TRANSFORMER,
     .n       = 5,
     .a       = 1,
     .b       = 2,
     .T       = 10,
     .node_id = true,
     .layers  = 1,
     .dx      = 16,
     .de      = 16,
     .dy      = 16,
     .heads   = 4,
     .ff_x    = 16,
     .ff_e    = 16,
     .ff_y    = 16},
    {.kind          = DENOISER_TRANSFORMER,
     .n             = 5,
     .a             = 1,
     .b             = 2,
     .T             = 10,
     .node_features = 2,
     .layers        = 2,
     .dx            = 16,
     .de            = 16,
     .dy            = 32,
     .heads         = 2,
     .ff_x          = 32,
     .ff_e          = 32,
     .ff_y          = 16},
    {.kind           = DENOISER_TRANSFORMER,
     .n              = 6,
     .a              = 2,
     .b              = 3,
     .T              = 50,
     .node_features  = 1,
     .pair_features  = 2,
     .graph_features = 3,
     .layers         = 2,
     .dx             = 32,
     .de             = 16,
     .dy             = 16,
     .heads          = 1,
     .ff_x           = 16,
     .ff_e           = 16,
     .ff_y           = 32,
     .dropout        = 0.3},
    {.kind    = DENOISER_TRANSFORMER,
     .n       = 4,
     .a       = 3,
     .b       = 2,
     .T       = 7,
     .node_id = true,
     .layers  = 3,
     .dx      = 16,
     .de      = 32,
     .dy      = 16,
     .heads   = 16,
     .ff_x    = 16,
     .ff_e    = 16,
     .ff_y    = 16,
     .dropout = 0.1},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double loss_of(const Fixture *f, const double *theta, double *gradient)
{
  double loss;
  assert_int_equal(transformer_reference(&f->spec, theta, f->count, f->graph, f->target, 0.7, true, NULL, NULL, gradient, &loss), 0);
  return loss;
}

static void check_parameter(const Fixture *f, double *theta, const double *gradient, int64_t p)
{
  const double step = 1e-6, at = theta[p];
  theta[p]              = at + step;
  const double up       = loss_of(f, theta, NULL);
  theta[p]              = at - step;
  const double expected = (up - loss_of(f, theta, NULL)) / (2 * step), tolerance = 1e-6 * (1 + fabs(expected));
  theta[p] = at;
  if (!(fabs(gradient[p] - expected) <= tolerance))
    fail_msg("layers %d a %d b %d parameter %lld: expected %.12g got %.12g tolerance %g", f->spec.layers, f->spec.a, f->spec.b,
             (long long)p, expected, gradient[p], tolerance);
}

/* Some of parameters first .. last - 1. */
static void check_group(const Fixture *f, Rng *r, double *theta, const double *gradient, int64_t first, int64_t last)
{
  if (first < 0) return;
  for (int k = 0; k < 4; k++) check_parameter(f, theta, gradient, first + rng_below(r, (uint32_t)(last - first)));
}

static void test_finite_differences(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    const int         sizes[] = {shapes[k].n, shapes[k].n - 2};
    Fixture           f       = fixture_create(&shapes[k], 2, sizes, 11 + (uint64_t)k);
    Rng               r       = rng_start(3, (uint32_t)k, RNG_VERIFY);
    double           *theta = fixture_widened(f.parameters, f.theta), *gradient = mem_calloc((size_t)f.parameters, sizeof *gradient);
    TransformerLayout t;
    LinearAt          map[TRANSFORMER_LINEARS_MAX];
    transformer_layout(&f.spec, &t);
    loss_of(&f, theta, gradient);
    const int maps = transformer_linears(&f.spec, &t, map);
    for (int m = 0; m < maps; m++) {
      check_group(&f, &r, theta, gradient, map[m].w, map[m].b);
      check_group(&f, &r, theta, gradient, map[m].b, map[m].b + map[m].out);
    }
    for (int l = 0; l < f.spec.layers; l++) {
      const NormAt norm[] = {t.layer[l].norm_x1, t.layer[l].norm_x2, t.layer[l].norm_e1,
                             t.layer[l].norm_e2, t.layer[l].norm_y1, t.layer[l].norm_y2};
      for (int m = 0; m < 6; m++) {
        check_group(&f, &r, theta, gradient, norm[m].w, norm[m].b);
        check_group(&f, &r, theta, gradient, norm[m].b, 2 * norm[m].b - norm[m].w);
      }
    }
    free(theta);
    free(gradient);
    fixture_destroy(&f);
  }
}

/* Every parameter belongs to one map or norm, and a part covers its layer. */
static void test_layout(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    TransformerLayout   t;
    LinearAt            map[TRANSFORMER_LINEARS_MAX];
    DenoiserPart        part[DENOISER_PARTS_MAX];
    const DenoiserSpec *s = &shapes[k];
    transformer_layout(s, &t);
    const int maps = transformer_linears(s, &t, map), parts = transformer_parts(s, part);
    int64_t   sum = 0, at = 0;
    for (int m = 0; m < maps; m++) sum += (int64_t)map[m].in * map[m].out + map[m].out;
    for (int l = 0; l < s->layers; l++) sum += 4 * (s->de + (t.layer[l].updates_x ? s->dx : 0) + (t.layer[l].updates_y ? s->dy : 0));
    assert_int_equal(sum, t.parameters);
    assert_int_equal(sum, transformer_parameters(s));
    for (int p = 0; p < parts; p++) {
      assert_int_equal(part[p].first, at);
      at = part[p].last;
    }
    assert_int_equal(at, sum);
    assert_string_equal(part[0].name, "input");
    assert_string_equal(part[1].name, "layer 1");
    assert_string_equal(part[parts - 1].name, "output");
  }
}

/* U(-1/sqrt(in), 1/sqrt(in)): bounds, mean and variance; norms 1 and 0. */
static void test_init(void **state)
{
  (void)state;
  DenoiserSpec s = shapes[3];
  s.dx = s.ff_x = 128;
  TransformerLayout t;
  transformer_layout(&s, &t);
  float *theta = mem_calloc((size_t)t.parameters, sizeof *theta);
  transformer_init(&s, 5, theta);
  const LinearAt l     = t.layer[1].ffx1;
  const double   bound = 1 / sqrt(128.0);
  double         sum = 0, square = 0, top = 0;
  const int64_t  n = l.b + l.out - l.w;
  for (int64_t p = l.w; p < l.w + n; p++) {
    sum += (double)theta[p];
    square += (double)theta[p] * (double)theta[p];
    top = fmax(top, fabs((double)theta[p]));
  }
  assert_true(top <= bound && top > 0.99 * bound);
  assert_true(fabs(sum / (double)n) < 4 * bound / sqrt(3.0 * (double)n));
  assert_true(fabs(square / (double)n / (bound * bound / 3) - 1) < 0.05);
  for (int c = 0; c < s.de; c++) {
    assert_true(theta[t.layer[2].norm_e2.w + c] == 1.0f);
    assert_true(theta[t.layer[2].norm_e2.b + c] == 0.0f);
  }
  free(theta);
}

typedef void (*Spoil)(DenoiserSpec *);
static void blind(DenoiserSpec *s) { s->a = 1, s->node_id = false; }
static void wide(DenoiserSpec *s) { s->ff_e = 24; }
static void heads(DenoiserSpec *s) { s->heads = 3; }
static void dropped(DenoiserSpec *s) { s->dropout = 1; }
static void not_a_number(DenoiserSpec *s) { s->dropout = (double)NAN; }
static void no_layers(DenoiserSpec *s) { s->layers = 0; }
static void one_class(DenoiserSpec *s) { s->b = 1; }
static void one_vertex(DenoiserSpec *s) { s->n = 1; }
static void too_many(DenoiserSpec *s) { s->n = 65; }
static void no_width(DenoiserSpec *s) { s->de = 0; }

static void test_check(void **state)
{
  (void)state;
  static const struct {
    Spoil       spoil;
    const char *says;
  } cases[] = {{blind, "Erdos-Renyi"},    {wide, "ff_e = 24"},   {heads, "3 heads"},          {dropped, "dropout"},
               {not_a_number, "dropout"}, {no_layers, "layers"}, {one_class, "edge classes"}, {one_vertex, "vertices"},
               {too_many, "vertices"},    {no_width, "de = 0"}};
  char message[256];
  for (int k = 0; k < SHAPES; k++) assert_null(transformer_check(&shapes[k], message));
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    DenoiserSpec s = shapes[3];
    cases[k].spoil(&s);
    const char *said = transformer_check(&s, message);
    assert_non_null(said);
    if (!strstr(said, cases[k].says)) fail_msg("case %zu: expected '%s' in '%s'", k, cases[k].says, said);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layout),
      cmocka_unit_test(test_init),
      cmocka_unit_test(test_check),
      cmocka_unit_test(test_finite_differences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
