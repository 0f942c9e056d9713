/* SPDX-License-Identifier: BSD-2-Clause
 * Rank groups by phase. A set is a list of ranks that become free together; each phase cuts every set into groups, joins what is left over
 * of all sets into further groups, and hands its groups (and the ranks that fit nowhere) on as the sets of the next phase. */
#include "groups.h"

#include "error.h"

#include <stdlib.h>

/* Ranks in order of their sets: rank[first[s] .. first[s + 1]) is set s. */
typedef struct Sets {
  int n, *first, *rank;
} Sets;

/* One phase: sets -> next (groups first, then the leftovers as one set); group (world) is filled. */
static void cut(const Sets *sets, int world, int size, Sets *next, int *group)
{
  int  n_groups = 0, filled = 0, n_rest = 0;
  int *rest = malloc((size_t)world * sizeof *rest);
  if (!rest) abort();
  for (int s = 0; s < sets->n; s++) {
    const int begin = sets->first[s], count = sets->first[s + 1] - begin, used = count / size * size;
    for (int i = 0; i < count; i++) {
      const int rank = sets->rank[begin + i];
      if (i >= used) {
        rest[n_rest++] = rank;
        continue;
      }
      group[rank] = n_groups + i / size;
      if (i % size == 0) next->first[n_groups + i / size] = filled;
      next->rank[filled++] = rank;
    }
    n_groups += count / size;
  }
  for (int i = 0; i < n_rest; i++) {
    const int g = n_groups + i / size, whole = i / size < n_rest / size;
    if (i % size == 0) next->first[g] = filled;
    group[rest[i]]       = whole ? g : -1;
    next->rank[filled++] = rest[i];
  }
  next->n              = n_groups + (n_rest + size - 1) / size;
  next->first[next->n] = world;
  free(rest);
}

static Sets sets_create(int world)
{
  Sets s = {.first = calloc((size_t)world + 2, sizeof(int)), .rank = calloc((size_t)world, sizeof(int))};
  if (!s.first || !s.rank) abort();
  return s;
}

static void sets_destroy(Sets *s)
{
  free(s->first);
  free(s->rank);
  *s = (Sets){0};
}

void groups_layout(int world, int n_phases, const int *size, int phase, int *group)
{
  Sets sets = sets_create(world), next = sets_create(world);
  sets.n        = 1;
  sets.first[1] = world;
  for (int r = 0; r < world; r++) sets.rank[r] = r;
  for (int p = 0; p <= phase && p < n_phases; p++) {
    cut(&sets, world, size[p], &next, group);
    const Sets swap = sets;
    sets            = next;
    next            = swap;
  }
  sets_destroy(&sets);
  sets_destroy(&next);
}

int groups_split(MPI_Comm comm, const int *group, MPI_Comm *out)
{
  int rank;
  MpiTry(MPI_Comm_rank(comm, &rank));
  MpiTry(MPI_Comm_split(comm, group[rank] < 0 ? MPI_UNDEFINED : group[rank], rank, out));
  return 0;
}

int groups_free(MPI_Comm *comm)
{
  if (*comm != MPI_COMM_NULL) MpiTry(MPI_Comm_free(comm));
  return 0;
}
