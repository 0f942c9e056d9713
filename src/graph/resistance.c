/* SPDX-License-Identifier: BSD-2-Clause
 * The table of resistance methods, and Foster's theorem as a check of their answer: sum_e w_e R_e = n - c (R. M. Foster, 1949).
 * A method is one file resistance_<name>.c and one line in the table. */
#include "resistance.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "resistance_methods.h"

const char *const resistance_method_names[] = {"auto", "dense", "exact", "sketch", "solve", NULL};

static const ResistanceMethod methods[] = {
    {"auto", "dense for blocks of up to 64 vertices, exact where memory and seconds_limit allow, else sketch", RESISTANCE_AUTO},
    {"dense", "pseudo-inverse of each block by LAPACK's Cholesky, O(n^3), exact, n <= 20,000", RESISTANCE_DENSE},
    {"exact", "supernodal selected inversion: every edge without a solve; several ranks by nested dissection", RESISTANCE_EXACT},
    {"sketch", "Johnson-Lindenstrauss with a control variate: unbiased, standard errors, any size, also by rows", RESISTANCE_SKETCH},
    {"solve", "one PETSc solve a pair, rows distributed, your own -resistance_ options", RESISTANCE_SOLVE},
};

enum { METHODS = sizeof methods / sizeof methods[0] };

const ResistanceMethod *resistance_method_get(int i) { return i >= 0 && i < METHODS ? &methods[i] : NULL; }

const ResistanceMethod *resistance_method_find(const char *name)
{
  for (int i = 0; i < METHODS; i++)
    if (strcmp(methods[i].name, name) == 0) return &methods[i];
  return NULL;
}

PetscErrorCode resistance_edges(const Graph *g, double *resistance)
{
  PetscFunctionBeginUser;
  PetscCall(resistance_dense(g, g->m, NULL, NULL, resistance));
  PetscFunctionReturn(0);
}

bool resistance_too_slow(const ResistanceOptions *options, ResistanceStats *stats)
{
  if (!options || options->seconds_limit <= 0 || stats->predicted_seconds <= options->seconds_limit) return false;
  snprintf(stats->refused, sizeof stats->refused, "exact is predicted to take %.3g s of the %.3g s allowed", stats->predicted_seconds,
           options->seconds_limit);
  return true;
}

void resistance_announce(const ResistanceStats *stats, const Graph *g)
{
  if (stats->predicted_seconds < 2) return;
  log_info("%s: a block of %lld vertices and %lld edges, about %.0f s and %.2f GB a rank", resistance_method_names[stats->method],
           (long long)g->n, (long long)g->m, stats->predicted_seconds, 1e-9 * stats->predicted_bytes);
}

double resistance_foster_error(const Graph *g, const double *resistance)
{
  int64_t *component;
  double   sum = 0;
  if (PetscMalloc1((size_t)g->n, &component)) return NAN;
  const double rank = (double)(g->n - graph_components(g, NULL, component));
  (void)PetscFree(component);
  for (int64_t e = 0; e < g->m; e++) sum += graph_weight(g, e) * resistance[e];
  return fabs(sum - rank) / fmax(1.0, rank);
}
