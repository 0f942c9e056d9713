/* SPDX-License-Identifier: BSD-2-Clause
 * The table of resistance methods, and Foster's theorem as a check of their answer: sum_e w_e R_e = n - c (R. M. Foster, 1949).
 * A method is one file resistance_<name>.c and one line in the table. */
#include "resistance.h"

#include <math.h>
#include <string.h>

#include "resistance_methods.h"

static const ResistanceMethod methods[] = {
    {"dense", "pseudo-inverse of each component by LAPACK's Cholesky, O(n^3), exact, n <= 20,000", resistance_dense},
};

enum { METHODS = sizeof methods / sizeof methods[0] };

const ResistanceMethod *resistance_method_get(int i) { return i >= 0 && i < METHODS ? &methods[i] : NULL; }

const ResistanceMethod *resistance_method_find(const char *name)
{
  for (int i = 0; i < METHODS; i++)
    if (strcmp(methods[i].name, name) == 0) return &methods[i];
  return NULL;
}

PetscErrorCode resistance_edges(const Graph *g, const char *method, double *resistance)
{
  PetscFunctionBeginUser;
  const ResistanceMethod *chosen = resistance_method_find(method ? method : "dense");
  PetscCheck(chosen, PETSC_COMM_SELF, PETSC_ERR_ARG_UNKNOWN_TYPE, "no resistance method is called \"%s\"", method);
  PetscCall(chosen->edges(g, resistance));
  PetscFunctionReturn(0);
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
