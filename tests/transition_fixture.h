/* SPDX-License-Identifier: BSD-2-Clause
 * What the tests of discrete diffusion share: comparison, laws that are not uniform, making of a Transition. After cmocka.h. */
#ifndef MYOPIA_TRANSITION_FIXTURE_H
#define MYOPIA_TRANSITION_FIXTURE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "transition.h"

static inline void expect_near(const char *what, double expected, double got, double tolerance)
{
  if (!(fabs(expected - got) <= tolerance)) fail_msg("%s: expected %.17g, got %.17g, tolerance %g", what, expected, got, tolerance);
}

/* Laws of three classes: none uniform; one never takes class 1. */
static const double laws[][3] = {{0.7, 0.1, 0.2}, {0.25, 0, 0.75}, {0.05, 0.9, 0.05}};
enum { LAWS = 3 };

/* m of edges and nodes as given (nodes NULL: uniform). */
static inline Transition *make(AbarKind kind, int T, TransitionKind law, const double *node, int a, const double *edge, int b)
{
  double       *abar = mem_calloc((size_t)T + 1, sizeof *abar), marginal_node[8], marginal_edge[8];
  char          message[256];
  Transition   *p;
  GraphSetStats stats = {.node_marginal = marginal_node, .edge_marginal = marginal_edge};
  for (int c = 0; c < a; c++) marginal_node[c] = node ? node[c] : 1.0 / a;
  for (int c = 0; c < b; c++) marginal_edge[c] = edge[c];
  const char *refused = transition_schedule(kind, T, 0, NULL, abar, message);
  if (refused) fail_msg("schedule: expected none, got: %s", refused);
  assert_int_equal(transition_create(T, abar, law, &stats, a, b, &p), 0);
  free(abar);
  return p;
}

/* Two classes of edges, `edge` the law of class 1. */
static inline Transition *make_two(AbarKind kind, int T, double edge)
{
  return make(kind, T, TRANSITION_MARGINAL, NULL, 1, (double[]){1 - edge, edge}, 2);
}

/* q(s | G) from Q^1 ... Q^t of one pair, multiplied up. */
static inline void forward_two(const Transition *p, int t, double q[2][2])
{
  double through[2][2] = {{1, 0}, {0, 1}};
  for (int s = 1; s <= t; s++) {
    const double alpha = p->abar[s] / p->abar[s - 1];
    double       next[2][2];
    for (int i = 0; i < 2; i++)
      for (int j = 0; j < 2; j++) {
        next[i][j] = 0;
        for (int k = 0; k < 2; k++) next[i][j] += through[i][k] * ((k == j ? alpha : 0) + (1 - alpha) * p->edge[j]);
      }
    memcpy(through, next, sizeof next);
  }
  memcpy(q, through, sizeof through);
}

#endif
