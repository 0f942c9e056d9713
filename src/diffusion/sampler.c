/* SPDX-License-Identifier: BSD-2-Clause
 * Running a plan: a block of 64 particles stays in the first cache through all steps; every time of the plan is folded into a row of biases
 * beforehand. The exact posterior mean f takes the network's place as target_x0 f + target_eps (x - a f) / s (objective.h), so the same
 * table runs. It builds no plan and prepares no parameters. */
#include "sampler.h"

#include <math.h>
#include <string.h>

#include "flush.h"
#include "sampler_kernel.h"

enum { BLOCK = NET_BLOCK, ALIGN = 16, DRAWN_ROWS = 16 };
_Static_assert((int)BLOCK == (int)SAMPLER_GROUP, "a block of particles is a group of normals");
static const double poll_seconds = 1e-3;

/* What a time of the plan needs: a row of folded biases, or the exact output in terms of f. */
typedef struct Exact {
  double a, s;
  float  minus_a, of_f, of_rest; /* out = of_f f + of_rest (x - a f) */
} Exact;

typedef struct Run {
  const SamplerPlan *plan;
  const Net         *net;
  const Target      *target;
  SamplerCombine    *combine;
  SamplerNormals    *normals;
  IsaLevel           isa;
  NoiseKind          noise;
  uint64_t           key;
  int                d, places; /* places: of the deterministic noise, 0 .. places */
  int64_t            first, n;
  int                row;                               /* floats of a row of bias */
  float             *bias;                              /* (2 n_steps, row): evaluation 2 k, and 2 k + 1 of Heun */
  Exact             *exact;                             /* (2 n_steps) */
  float             *x, *o, *middle, *second, *scratch; /* (d, BLOCK) each, aligned */
  float             *z;                                 /* (rows, BLOCK): noise of `ahead` steps from `drawn` on */
  int                ahead, rows, drawn;
  float             *digits;     /* (places + 1, d, BLOCK) */
  double            *coordinate; /* (d, BLOCK) */
  float             *memory;     /* owner of x .. z */
  const Watch       *watch;
  int64_t            poll_every, since_poll; /* in steps of a block */
} Run;

static SamplerCombine *combine_of(IsaLevel isa)
{
  if (isa == ISA_V4) return sampler_combine_v4;
  return isa == ISA_V3 ? sampler_combine_v3 : sampler_combine_base;
}

static SamplerNormals *normals_of(IsaLevel isa)
{
  if (isa == ISA_V4) return sampler_normals_v4;
  return isa == ISA_V3 ? sampler_normals_v3 : sampler_normals_base;
}

static int round_up(int n, int unit) { return (n + unit - 1) / unit * unit; }

double sampler_seconds(const SamplerPlan *plan, const NetSpec *net, int64_t n)
{
  const double flops_per_second = 1.5e11, exact = 1e-8, update = 4e-9;
  double       evaluations = 0;
  for (int k = 0; k < plan->n_steps; k++) evaluations += plan->step[k].heun ? 2 : 1;
  return (double)n * evaluations * (update + (net ? net_flops(net) / flops_per_second : exact));
}

static int largest_place(const SamplerPlan *plan)
{
  int place = 0;
  for (int k = 0; k < plan->n_steps; k++)
    if (plan->step[k].C > 0 && plan->step[k].place > place) place = plan->step[k].place;
  return place;
}

/* table: of the discrete times, or NULL. */
static Exact exact_of(const ObjectiveSpec *spec, const Coefficients *table, double t)
{
  const Coefficients c = table ? table[(int)t - 1] : objective_coefficients(spec, t);
  return (Exact){c.a, c.s, (float)-c.a, (float)c.target_x0, (float)(c.target_eps / c.s)};
}

static PetscErrorCode prepare_exact(Run *r, const ObjectiveSpec *spec)
{
  Coefficients *table = NULL;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(2 * (size_t)r->plan->n_steps, &r->exact));
  if (spec->T > 0) {
    PetscCall(PetscMalloc1((size_t)spec->T, &table));
    objective_coefficients_table(spec, table);
  }
  for (int k = 0; k < r->plan->n_steps; k++) {
    const SamplerStep *s = &r->plan->step[k];
    r->exact[2 * k]      = exact_of(spec, table, s->t);
    if (s->heun) r->exact[2 * k + 1] = exact_of(spec, table, s->next);
  }
  PetscCall(PetscFree(table));
  PetscFunctionReturn(0);
}

static PetscErrorCode prepare_biases(Run *r)
{
  const NetSpec *net = net_spec(r->net);
  PetscFunctionBeginUser;
  r->row = round_up(net->width > net->n_out ? net->width : net->n_out, ALIGN);
  PetscCall(PetscCalloc1(2 * (size_t)r->plan->n_steps * (size_t)r->row, &r->bias));
  for (int k = 0; k < r->plan->n_steps; k++) {
    const SamplerStep *s = &r->plan->step[k];
    net_fold_time(r->net, s->input, r->bias + (size_t)r->row * 2 * (size_t)k);
    if (s->heun) net_fold_time(r->net, s->next_input, r->bias + (size_t)r->row * (2 * (size_t)k + 1));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode prepare_blocks(Run *r)
{
  const size_t size = (size_t)r->d * BLOCK;
  PetscFunctionBeginUser;
  r->ahead = r->d < DRAWN_ROWS ? DRAWN_ROWS / r->d : 1;
  r->rows  = round_up(r->ahead * r->d, SAMPLER_ROWS);
  PetscCall(PetscCalloc1(5 * size + (size_t)r->rows * BLOCK + ALIGN, &r->memory));
  r->x       = r->memory + (ALIGN - ((uintptr_t)r->memory / sizeof(float)) % ALIGN) % ALIGN;
  r->o       = r->x + size;
  r->middle  = r->o + size;
  r->second  = r->middle + size;
  r->scratch = r->second + size;
  r->z       = r->scratch + size;
  if (r->noise == NOISE_DETERMINISTIC) {
    r->places = largest_place(r->plan);
    PetscCall(PetscCalloc1(size, &r->coordinate));
    PetscCall(PetscMalloc1(size * ((size_t)r->places + 1), &r->digits));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode release(Run *r)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(r->bias));
  PetscCall(PetscFree(r->exact));
  PetscCall(PetscFree(r->memory));
  PetscCall(PetscFree(r->coordinate));
  PetscCall(PetscFree(r->digits));
  PetscFunctionReturn(0);
}

static void combine(const Run *r, int terms, const float *c, const float *const *v, float *out)
{
  r->combine(terms, c, v, r->d * BLOCK, out);
}

/* The output of evaluation e at x; `rest` is scratch. */
static void evaluate(const Run *r, int e, int count, const float *x, float *rest, float *out)
{
  if (r->net) {
    net_forward(r->net, r->bias + (size_t)r->row * (size_t)e, count, BLOCK, x, out);
    return;
  }
  const Exact *exact = &r->exact[e];
  target_posterior_mean_fast(r->target, exact->a, exact->s, count, BLOCK, x, out);
  combine(r, 2, (float[]){1, exact->minus_a}, (const float *[]){x, out}, rest);
  combine(r, 2, (float[]){exact->of_f, exact->of_rest}, (const float *[]){out, rest}, out);
}

/* z of `ahead` steps from k on, of particles begin .. begin + count - 1, all in one group of 64. */
static void draw_noise(Run *r, int64_t begin, int count, int k)
{
  const int skip = (int)(begin % BLOCK);
  r->normals(r->key, (uint64_t)begin / BLOCK, (uint32_t)k * (uint32_t)r->d, r->rows, r->z);
  for (int row = 0; skip > 0 && row < r->rows; row++) memmove(r->z + row * BLOCK, r->z + row * BLOCK + skip, (size_t)count * sizeof(float));
  r->drawn = k;
}

static const float *noise_of(Run *r, int64_t begin, int count, int k)
{
  const size_t size = (size_t)r->d * BLOCK;
  if (r->noise == NOISE_DETERMINISTIC) return r->digits + (size_t)r->plan->step[k].place * size;
  if (r->drawn < 0 || k >= r->drawn + r->ahead) draw_noise(r, begin, count, k);
  return r->z + (size_t)(k - r->drawn) * size;
}

static void one_step(Run *r, int64_t begin, int count, int k)
{
  const SamplerStep *s = &r->plan->step[k];
  evaluate(r, 2 * k, count, r->x, r->second, r->o);
  if (s->heun) {
    combine(r, 2, (float[]){s->A, s->B}, (const float *[]){r->x, r->o}, r->middle);
    evaluate(r, 2 * k + 1, count, r->middle, r->scratch, r->second);
    combine(r, 4, (float[]){s->A2, s->B2, s->C2, s->D2}, (const float *[]){r->x, r->o, r->middle, r->second}, r->x);
  } else if (s->C > 0) {
    combine(r, 3, (float[]){s->A, s->B, s->C}, (const float *[]){r->x, r->o, noise_of(r, begin, count, k)}, r->x);
  } else {
    combine(r, 2, (float[]){s->A, s->B}, (const float *[]){r->x, r->o}, r->x);
  }
}

/* Particles done .. done + count - 1 of the run. */
static void load_block(Run *r, const double *start, int64_t done, int count)
{
  for (int j = 0; j < r->d; j++)
    for (int i = 0; i < BLOCK; i++) {
      const double x      = i < count ? start[j * r->n + done + i] : 0;
      r->x[j * BLOCK + i] = (float)x;
      if (r->coordinate) r->coordinate[j * BLOCK + i] = x;
    }
  r->drawn = -1;
  if (r->digits) noise_digits_table(r->isa, (int64_t)r->d * BLOCK, r->coordinate, r->places, r->digits);
}

static void store_block(const Run *r, int64_t done, int count, float *out)
{
  for (int j = 0; j < r->d; j++) memcpy(out + j * r->n + done, r->x + j * BLOCK, (size_t)count * sizeof *out);
}

static void record(const Run *r, const SamplerRecord *wanted, int step, int64_t done, int count)
{
  for (int k = 0; wanted && k < wanted->n; k++)
    if (wanted->step[k] == step) store_block(r, done, count, wanted->x + (int64_t)k * r->d * r->n);
}

static bool told_to_stop(Run *r, int64_t done)
{
  if (++r->since_poll < r->poll_every) return false;
  r->since_poll = 0;
  watch_progress(r->watch, "sampling", done, r->n);
  return watch_stop(r->watch);
}

/* False when it was told to stop. */
static bool run_block(Run *r, const double *start, const SamplerRecord *wanted, int64_t done, int count, float *x)
{
  load_block(r, start, done, count);
  record(r, wanted, 0, done, count);
  for (int k = 0; k < r->plan->n_steps; k++) {
    if (told_to_stop(r, done)) return false;
    one_step(r, r->first + done, count, k);
    if (wanted) record(r, wanted, k + 1, done, count);
  }
  store_block(r, done, count, x);
  return true;
}

/* Blocks end where the particle's number is a multiple of BLOCK. */
static bool run_blocks(Run *r, const double *start, const SamplerRecord *wanted, float *x)
{
  for (int64_t done = 0; done < r->n;) {
    const int64_t room = BLOCK - (r->first + done) % BLOCK, left = r->n - done;
    const int     count = (int)(left < room ? left : room);
    if (!run_block(r, start, wanted, done, count, x)) return false;
    done += count;
  }
  return true;
}

PetscErrorCode sampler_run(IsaLevel isa, const SamplerPlan *plan, const ObjectiveSpec *spec, const Net *net, const Target *exact,
                           NoiseKind noise, uint64_t key, int64_t first, int64_t n, int d, const double *start, const SamplerRecord *wanted,
                           float *x, const Watch *watch, bool *stopped)
{
  Run r = {.plan = plan, .net = net, .target = exact, .isa = isa, .noise = noise, .key = key, .d = d};
  PetscFunctionBeginUser;
  PetscCheck(net || exact, PETSC_COMM_SELF, PETSC_ERR_ARG_NULL, "neither a network nor an exact posterior");
  r.combine    = combine_of(isa);
  r.normals    = normals_of(isa);
  r.first      = first;
  r.n          = n;
  r.watch      = watch;
  r.poll_every = 1 + (int64_t)(poll_seconds * plan->n_steps / sampler_seconds(plan, net ? net_spec(net) : NULL, BLOCK));
  PetscCall(net ? prepare_biases(&r) : prepare_exact(&r, spec));
  PetscCall(prepare_blocks(&r));
  const unsigned before = flush_set();
  *stopped              = !run_blocks(&r, start, wanted, x);
  flush_restore(before);
  PetscCall(release(&r));
  PetscFunctionReturn(0);
}
