/* SPDX-License-Identifier: BSD-2-Clause
 * Discrete diffusion (Klepper 2023, eqs. 10-15; Austin et al. 2021; Vignac et al. 2023): schedules, the formulas in double, and whole
 * graphs by the kernels of transition_kernel.c. No denoiser and no loss here. */
#include "transition.h"

#include <stdio.h>
#include <string.h>

#include "rng.h"
#include "schedule.h"
#include "transition_kernel.h"

const char *const transition_names[] = {"marginal", "uniform", NULL};
const char *const abar_names[]       = {"linear", "cosine", "user", NULL};
const char *const edge_noise_names[] = {"random", "deterministic", NULL};

static const double abar_end = 1e-3;

static const char *user_schedule(int T, int n_user, const double *user, double *abar, char message[256])
{
  if (n_user != T) {
    snprintf(message, 256, "a user schedule has one abar a step: expected %d values, got %d", T, n_user);
    return message;
  }
  abar[0] = 1;
  for (int t = 1; t <= T; t++) {
    abar[t] = user[t - 1];
    if (!(abar[t] > 0 && abar[t] < abar[t - 1])) {
      snprintf(message, 256, "abar must fall from 1 and stay above 0, but abar_%d = %g follows %g", t, abar[t], abar[t - 1]);
      return message;
    }
  }
  return NULL;
}

const char *transition_schedule(AbarKind kind, int T, int n_user, const double *user, double *abar, char message[256])
{
  if (T < 1 || T > TRANSITION_STEPS_MAX) {
    snprintf(message, 256, "the number of steps must lie between 1 and %d, got %d", TRANSITION_STEPS_MAX, T);
    return message;
  }
  if (kind == ABAR_USER) {
    if (user_schedule(T, n_user, user, abar, message)) return message;
  } else
    schedule_fill(kind == ABAR_COSINE ? SCHEDULE_COSINE : SCHEDULE_LINEAR, T, NULL, abar);
  if (abar[T] > abar_end * (1 + 1e-9)) { /* beta <= 0.999, so T = 1 ends at 1e-3 but for round-off */
    snprintf(message, 256, "abar_%d = %.4g is above %g: the chain would start from a law that is not the end of the noise", T, abar[T],
             abar_end);
    return message;
  }
  return NULL;
}

/* m of the data; everything in class 0 where no vertex, or no pair, exists. */
static void limit_law(TransitionKind kind, int k, const double *marginal, double *m)
{
  double sum = 0;
  for (int c = 0; c < k; c++) {
    m[c] = kind == TRANSITION_UNIFORM || k == 1 ? 1.0 : marginal[c];
    sum += m[c];
  }
  for (int c = 0; c < k; c++) m[c] = sum > 0 ? m[c] / sum : (double)(c == 0);
}

PetscErrorCode transition_create(int T, const double *abar, TransitionKind kind, const GraphSetStats *stats, int a, int b, Transition **out)
{
  Transition *p;
  PetscFunctionBeginUser;
  PetscCheck(a >= 1 && a <= SET_CLASSES_MAX && b >= 2 && b <= SET_CLASSES_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "classes %d, %d",
             a, b);
  PetscCheck(kind == TRANSITION_UNIFORM || stats, PETSC_COMM_SELF, PETSC_ERR_ARG_NULL, "a marginal law needs the set's statistics");
  PetscCall(PetscCalloc1(1, &p));
  PetscCall(PetscMalloc1(T + 1, &p->abar));
  memcpy(p->abar, abar, sizeof *abar * (size_t)(T + 1));
  p->T = T;
  p->a = a;
  p->b = b;
  limit_law(kind, a, stats ? stats->node_marginal : NULL, p->node);
  limit_law(kind, b, stats ? stats->edge_marginal : NULL, p->edge);
  *out = p;
  PetscFunctionReturn(0);
}

void transition_destroy(Transition **p)
{
  if (!p || !*p) return;
  (void)PetscFree((*p)->abar);
  (void)PetscFree(*p);
}

void transition_forward(int k, const double *m, double abar, int x0, double *out)
{
  for (int c = 0; c < k; c++) out[c] = (c == x0 ? abar : 0) + (1 - abar) * m[c];
}

bool transition_posterior(int k, const double *m, double abar_before, double abar, int xt, int x0, double *out)
{
  const double alpha = abar / abar_before, reach = (x0 == xt ? abar : 0) + (1 - abar) * m[xt];
  for (int c = 0; c < k; c++) {
    const double step = (c == xt ? alpha : 0) + (1 - alpha) * m[xt], before = (c == x0 ? abar_before : 0) + (1 - abar_before) * m[c];
    out[c] = reach > 0 ? step * before / reach : 0;
  }
  return reach > 0;
}

void transition_mixture(int k, const double *m, double abar_before, double abar, int xt, const double *phat, double *out)
{
  double kept = 0, posterior[SET_CLASSES_MAX];
  for (int c = 0; c < k; c++) out[c] = 0;
  for (int x = 0; x < k; x++) {
    if (!transition_posterior(k, m, abar_before, abar, xt, x, posterior)) continue;
    kept += phat[x];
    for (int c = 0; c < k; c++) out[c] += phat[x] * posterior[c];
  }
  for (int c = 0; c < k; c++) out[c] = kept > 0 ? out[c] / kept : (double)(c == xt);
}

void transition_noise_limits(int k, const double *m, double abar, NoiseLimits *out)
{
  double up = 0;
  out->k    = k;
  for (int c = 0; c < k; c++) {
    up += (1 - abar) * m[c];
    out->up[c] = (int64_t)(up * 0x1p31 + 0.5);
    if (out->up[c] > (int64_t)1 << 31) out->up[c] = (int64_t)1 << 31;
  }
}

void transition_step_coefficients(int k, const double *m, double abar_before, double abar, StepCoefficients *out)
{
  const double less = (abar_before - abar) / abar_before, gamma = less / (1 - abar); /* 1 - alpha */
  out->k = k;
  for (int c = 0; c < k; c++) {
    const bool   alive = m[c] > 0;
    const double own   = alive ? less * m[c] / (abar + (1 - abar) * m[c]) : 0;
    out->gamma[c]      = (float)(alive ? gamma : 0);
    out->both[c]       = (float)(alive ? gamma * abar_before : 0);
    out->own[c]        = (float)own;
    out->m_before[c]   = (float)((1 - abar_before) * m[c]);
    if (k == 2) {
      const double other = (1 - abar_before) * m[1 - c];
      out->change[c]     = (float)(alive ? gamma * (abar_before + other) : 0);
      out->keep[c]       = (float)(own * other);
    }
  }
}

static void noise_entries(IsaLevel isa, const EntryStream *s, const NoiseLimits *l, int n, const uint8_t *x, uint8_t *out)
{
  switch (isa) {
  case ISA_V4: transition_noise_v4(s, l, n, x, out); break;
  case ISA_V3: transition_noise_v3(s, l, n, x, out); break;
  case ISA_BASE: transition_noise_base(s, l, n, x, out); break;
  }
}

static void step_entries(IsaLevel isa, const EntryStream *s, const StepCoefficients *c, int n, const float *logit, uint8_t *x,
                         float *probability)
{
  switch (isa) {
  case ISA_V4: transition_step_v4(s, c, n, logit, x, probability); break;
  case ISA_V3: transition_step_v3(s, c, n, logit, x, probability); break;
  case ISA_BASE: transition_step_base(s, c, n, logit, x, probability); break;
  }
}

/* Nodes and edges of one graph with the noise of abar. */
static void noise_graph(const Transition *p, IsaLevel isa, EntryStream s, double abar, int n, const uint8_t *node, const uint8_t *edge,
                        uint8_t *noisy_node, uint8_t *noisy_edge)
{
  NoiseLimits limits;
  transition_noise_limits(p->b, p->edge, abar, &limits);
  noise_entries(isa, &s, &limits, pair_count(n), edge, noisy_edge);
  if (p->a == 1) {
    if (noisy_node) memset(noisy_node, 0, (size_t)n);
    return;
  }
  s.first = ENTRY_NODES;
  transition_noise_limits(p->a, p->node, abar, &limits);
  noise_entries(isa, &s, &limits, n, node, noisy_node);
}

void transition_noise(const Transition *p, IsaLevel isa, const NoiseDraw *draw, int t, int n, const uint8_t *node, const uint8_t *edge,
                      uint8_t *noisy_node, uint8_t *noisy_edge)
{
  const bool        fixed  = draw->kind == EDGE_NOISE_DETERMINISTIC;
  const EntryStream stream = {.key     = fixed ? draw->set_key : draw->key,
                              .index   = fixed ? draw->graph : draw->index,
                              .t       = (uint32_t)t,
                              .purpose = fixed ? RNG_GRAPH_FIXED_NOISE : RNG_GRAPH_NOISE};
  noise_graph(p, isa, stream, p->abar[t], n, node, edge, noisy_node, noisy_edge);
}

void transition_start(const Transition *p, IsaLevel isa, uint64_t key, uint64_t index, int n, uint8_t *node, uint8_t *edge)
{
  const EntryStream stream = {.key = key, .index = index, .purpose = RNG_GRAPH_START};
  memset(edge, 0, (size_t)pair_count(n));
  if (node) memset(node, 0, (size_t)n);
  noise_graph(p, isa, stream, 0, n, node, edge, node, edge);
}

void transition_step(const Transition *p, IsaLevel isa, uint64_t key, uint64_t index, int t, int n, const float *node_logit,
                     const float *edge_logit, uint8_t *node, uint8_t *edge, float *edge_probability)
{
  EntryStream      stream = {.key = key, .index = index, .t = (uint32_t)t, .purpose = RNG_GRAPH_STEP};
  StepCoefficients c;
  transition_step_coefficients(p->b, p->edge, p->abar[t - 1], p->abar[t], &c);
  step_entries(isa, &stream, &c, pair_count(n), edge_logit, edge, edge_probability);
  if (p->a == 1) return;
  stream.first = ENTRY_NODES;
  transition_step_coefficients(p->a, p->node, p->abar[t - 1], p->abar[t], &c);
  step_entries(isa, &stream, &c, n, node_logit, node, NULL);
}
