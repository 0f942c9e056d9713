/* SPDX-License-Identifier: BSD-2-Clause
 * Components of a row-distributed graph. Every rank first joins its own rows by union-find; the sets that are left are hooked to each
 * other along the cut edges and shortcut by pointer jumping (FastSV: Zhang, Azad, Hu, SIAM PP 2020), so that rounds grow with the logarithm
 * of the number of sets in a row, not with the diameter. Labels are vertices, never larger than what they label, and only decrease: at the
 * end the smallest vertex of the component. */
#include "rows.h"

typedef struct Cut {
  int64_t  n;           /* edges to other ranks' vertices */
  int64_t *set, *ghost; /* their local set, and position in the list of distinct vertices */
  int64_t  n_ghosts;
  int64_t *value; /* (n_ghosts) labels fetched */
  Fetch    fetch;
} Cut;

typedef struct Labels {
  const GraphRows *rows;
  int64_t          first;
  int64_t         *set;   /* (n_local) the set's smallest local number */
  int64_t         *label; /* (n_local) of a set, under its number; others: -1 */
  int64_t          n_active;
  int64_t         *active; /* sets with cut edges */
} Labels;

static int64_t find_set(int64_t *set, int64_t x)
{
  while (set[x] != x) {
    set[x] = set[set[x]];
    x      = set[x];
  }
  return x;
}

static void join_local(Labels *l)
{
  const GraphRows *rows = l->rows;
  for (int64_t i = 0; i < rows->n_local; i++) l->set[i] = i;
  for (int64_t i = 0; i < rows->n_local; i++) {
    for (int64_t k = rows->start[i]; k < rows->start[i + 1]; k++) {
      const int64_t j = rows->column[k] - l->first;
      if (j < 0 || j >= i) continue;
      const int64_t a = find_set(l->set, i), b = find_set(l->set, j);
      if (a < b) l->set[b] = a;
      if (b < a) l->set[a] = b;
    }
  }
  for (int64_t i = 0; i < rows->n_local; i++) {
    l->set[i]   = l->set[l->set[i]];
    l->label[i] = l->first + l->set[i];
  }
}

/* Edges to other ranks: their ends there, each vertex asked for once. */
static PetscErrorCode find_cut(const Labels *l, Cut *c)
{
  const GraphRows *rows = l->rows;
  uint64_t        *end, *place;
  int64_t         *distinct;

  PetscFunctionBeginUser;
  *c = (Cut){0};
  for (int64_t k = 0; k < rows->start[rows->n_local]; k++)
    c->n += rows->column[k] < l->first || rows->column[k] >= l->first + rows->n_local;
  PetscCall(PetscMalloc2((size_t)c->n, &c->set, (size_t)c->n, &c->ghost));
  PetscCall(PetscMalloc3((size_t)c->n, &end, (size_t)c->n, &place, (size_t)c->n, &distinct));
  int64_t e = 0;
  for (int64_t i = 0; i < rows->n_local; i++) {
    for (int64_t k = rows->start[i]; k < rows->start[i + 1]; k++) {
      if (rows->column[k] >= l->first && rows->column[k] < l->first + rows->n_local) continue;
      c->set[e] = l->set[i];
      end[e]    = (uint64_t)rows->column[k];
      place[e]  = (uint64_t)e;
      e++;
    }
  }
  PetscCall(keys_sort_word(c->n, end, place));
  for (int64_t k = 0; k < c->n; k++) {
    if (k == 0 || end[k] != end[k - 1]) distinct[c->n_ghosts++] = (int64_t)end[k];
    c->ghost[place[k]] = c->n_ghosts - 1;
  }
  PetscCall(fetch_create(rows, c->n_ghosts, distinct, &c->fetch));
  PetscCall(PetscMalloc1((size_t)c->n_ghosts + 1, &c->value));
  PetscCall(PetscFree3(end, place, distinct));
  PetscFunctionReturn(0);
}

static void cut_clear(Cut *c)
{
  (void)PetscFree2(c->set, c->ghost);
  (void)PetscFree(c->value);
  fetch_clear(&c->fetch);
}

static PetscErrorCode list_active(Labels *l, const Cut *c)
{
  uint8_t *seen;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)l->rows->n_local + 1, &seen));
  for (int64_t k = 0; k < c->n; k++) {
    l->n_active += !seen[c->set[k]];
    seen[c->set[k]] = 1;
  }
  PetscCall(PetscMalloc1((size_t)l->n_active + 1, &l->active));
  l->n_active = 0;
  for (int64_t i = 0; i < l->rows->n_local; i++)
    if (seen[i]) l->active[l->n_active++] = i;
  PetscCall(PetscFree(seen));
  PetscFunctionReturn(0);
}

/* A label per vertex, as others ask for it: that of its set. */
static void spread(const Labels *l)
{
  for (int64_t i = 0; i < l->rows->n_local; i++) l->label[i] = l->label[l->set[i]];
}

/* Proposes to the set that holds vertex `target[i]` the label value[i]; the smallest one wins. */
static PetscErrorCode propose(Labels *l, int64_t n, uint64_t *target, uint64_t *value, int64_t *changed)
{
  int64_t  *count, n_got, *got;
  uint64_t *pair;
  int       ranks, owner = 0;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(l->rows->comm, &ranks));
  PetscCall(keys_sort_word(n, target, value));
  PetscCall(PetscCalloc1((size_t)ranks, &count));
  PetscCall(PetscMalloc1((size_t)n * 2 + 1, &pair));
  for (int64_t i = 0; i < n; i++) {
    while ((int64_t)target[i] >= l->rows->range[owner + 1]) owner++;
    count[owner] += 2;
    pair[2 * i]     = target[i];
    pair[2 * i + 1] = value[i];
  }
  PetscCall(exchange_words(l->rows->comm, count, pair, &n_got, &got, NULL));
  for (int64_t i = 0; i < n_got; i += 2) {
    int64_t *const label = &l->label[l->set[got[i] - l->first]];
    if (got[i + 1] >= *label) continue;
    *label = got[i + 1];
    ++*changed;
  }
  PetscCall(PetscFree(count));
  PetscCall(PetscFree(pair));
  PetscCall(PetscFree(got));
  PetscFunctionReturn(0);
}

/* Smallest label across the cut edges of each set; the set takes it, and so does the set that its old label stands for. */
static PetscErrorCode hook(Labels *l, Cut *c, int64_t *best, int64_t *changed)
{
  uint64_t *target, *value;
  int64_t   n = 0;

  PetscFunctionBeginUser;
  spread(l);
  PetscCall(fetch_values(&c->fetch, l->label, c->value));
  for (int64_t i = 0; i < l->n_active; i++) best[l->active[i]] = l->label[l->active[i]];
  for (int64_t k = 0; k < c->n; k++)
    if (c->value[c->ghost[k]] < best[c->set[k]]) best[c->set[k]] = c->value[c->ghost[k]];
  PetscCall(PetscMalloc2((size_t)l->n_active, &target, (size_t)l->n_active, &value));
  for (int64_t i = 0; i < l->n_active; i++) {
    const int64_t s = l->active[i];
    if (best[s] >= l->label[s]) continue;
    target[n]   = (uint64_t)l->label[s];
    value[n++]  = (uint64_t)best[s];
    l->label[s] = best[s];
    ++*changed;
  }
  PetscCall(propose(l, n, target, value, changed));
  PetscCall(PetscFree2(target, value));
  PetscFunctionReturn(0);
}

/* label <- label of the label. */
static PetscErrorCode jump(Labels *l, int64_t *changed)
{
  int64_t *asked, *value;

  PetscFunctionBeginUser;
  spread(l);
  PetscCall(PetscMalloc2((size_t)l->n_active, &asked, (size_t)l->n_active, &value));
  for (int64_t i = 0; i < l->n_active; i++) asked[i] = l->label[l->active[i]];
  PetscCall(rows_lookup(l->rows, l->label, l->n_active, asked, value));
  for (int64_t i = 0; i < l->n_active; i++) {
    int64_t *const label = &l->label[l->active[i]];
    if (value[i] >= *label) continue;
    *label = value[i];
    ++*changed;
  }
  PetscCall(PetscFree2(asked, value));
  PetscFunctionReturn(0);
}

PetscErrorCode rows_roots(const GraphRows *rows, int64_t *root)
{
  Labels   l = {.rows = rows, .label = root};
  Cut      c;
  int64_t *best, changed = 1;
  int      rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &rank));
  l.first = rows->range[rank];
  PetscCall(PetscMalloc2((size_t)rows->n_local + 1, &l.set, (size_t)rows->n_local + 1, &best));
  join_local(&l);
  PetscCall(find_cut(&l, &c));
  PetscCall(list_active(&l, &c));
  while (changed > 0) {
    changed = 0;
    PetscCall(hook(&l, &c, best, &changed));
    PetscCall(jump(&l, &changed));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &changed, 1, MPI_INT64_T, MPI_SUM, rows->comm));
  }
  spread(&l);
  cut_clear(&c);
  PetscCall(PetscFree2(l.set, best));
  PetscCall(PetscFree(l.active));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_rows_components(const GraphRows *rows, int64_t *component, int64_t *count)
{
  int64_t *root, *number, n_roots = 0, before = 0;
  int      rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &rank));
  PetscCall(PetscMalloc2((size_t)rows->n_local + 1, &root, (size_t)rows->n_local + 1, &number));
  PetscCall(rows_roots(rows, root));
  for (int64_t i = 0; i < rows->n_local; i++) n_roots += root[i] == rows->range[rank] + i;
  PetscCallMPI(MPI_Exscan(&n_roots, &before, 1, MPI_INT64_T, MPI_SUM, rows->comm));
  if (rank == 0) before = 0;
  PetscCallMPI(MPI_Allreduce(&n_roots, count, 1, MPI_INT64_T, MPI_SUM, rows->comm));
  for (int64_t i = 0; i < rows->n_local; i++) number[i] = root[i] == rows->range[rank] + i ? before++ : -1;
  PetscCall(rows_lookup(rows, number, rows->n_local, root, component));
  PetscCall(PetscFree2(root, number));
  PetscFunctionReturn(0);
}
