/* SPDX-License-Identifier: BSD-2-Clause
 * Laplacian products and preconditioners for the Davidson method. A product gathers the block's rows from all ranks, four interleaved
 * columns at a time, and multiplies the own rows. Preconditioners: the exact pseudo-inverse by a sparse factor that rank 0 holds; hypre's
 * BoomerAMG through PETSc, rows distributed (Henson and Yang, Appl. Numer. Math. 41 (2002) 155), for meshes; the diagonal for power-law
 * graphs. What ranks gain: products, the basis and multigrid are shared among them; the factor is not. */
#include "spectrum_operator.h"

#include <petscksp.h>
#include <string.h>

#include "spectrum_kernel.h"

enum { COLUMNS = DAVIDSON_BLOCK };
_Static_assert((int)DAVIDSON_BLOCK == (int)PRODUCT_LANES, "a block is what the kernel multiplies at once");

struct Operator {
  MPI_Comm         comm;
  int              rank, ranks;
  IsaLevel         level;
  const Laplacian *a, *b;
  Precondition     kind;
  Grounded        *grounded;
  int64_t          n, first, n_local;
  int             *count, *place; /* (ranks) rows of each rank */
  int             *count4, *place4;
  double          *whole;  /* (n, 4) interleaved */
  double          *part;   /* (n_local, 4) interleaved */
  double          *column; /* (n, 4) column-major: rank 0 of several, for the factor */
  Mat              matrix;
  PC               pc;
  Vec              in, out;
};

double operator_bytes(int64_t n, int ranks) { return 8.0 * COLUMNS * (double)n * (ranks > 1 ? 3 : 2); }

static PetscErrorCode cut_rows(Operator *o)
{
  PetscFunctionBeginUser;
  PetscCall(
      PetscMalloc4((size_t)o->ranks, &o->count, (size_t)o->ranks, &o->place, (size_t)o->ranks, &o->count4, (size_t)o->ranks, &o->place4));
  for (int r = 0; r < o->ranks; r++) {
    const int64_t first = o->n * r / o->ranks, last = o->n * (r + 1) / o->ranks;
    o->count[r]  = (int)(last - first);
    o->place[r]  = (int)first;
    o->count4[r] = COLUMNS * o->count[r];
    o->place4[r] = COLUMNS * o->place[r];
  }
  o->first   = o->place[o->rank];
  o->n_local = o->count[o->rank];
  PetscFunctionReturn(0);
}

/* The own rows as a PETSc matrix. */
static PetscErrorCode assemble(Operator *o)
{
  const Laplacian *l = o->a;
  PetscInt        *start, *column;
  PetscScalar     *value;
  int64_t          to = 0;

  PetscFunctionBeginUser;
  const int64_t entries = l->start[o->first + o->n_local] - l->start[o->first] + o->n_local;
  PetscCheck(entries < PETSC_MAX_INT, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld matrix entries: PETSc was built for %lld",
             (long long)entries, (long long)PETSC_MAX_INT);
  PetscCall(PetscMalloc3((size_t)o->n_local + 1, &start, (size_t)entries, &column, (size_t)entries, &value));
  for (int64_t i = o->first; i < o->first + o->n_local; i++) {
    start[i - o->first] = (PetscInt)to;
    int64_t k           = l->start[i];
    for (; k < l->start[i + 1] && l->column[k] < i; k++, to++) {
      column[to] = l->column[k];
      value[to]  = l->weight ? -l->weight[k] : -1;
    }
    column[to]  = (PetscInt)i;
    value[to++] = l->degree[i];
    for (; k < l->start[i + 1]; k++, to++) {
      column[to] = l->column[k];
      value[to]  = l->weight ? -l->weight[k] : -1;
    }
  }
  start[o->n_local] = (PetscInt)to;
  PetscCall(MatCreateMPIAIJWithArrays(o->comm, (PetscInt)o->n_local, (PetscInt)o->n_local, (PetscInt)o->n, (PetscInt)o->n, start, column,
                                      value, &o->matrix));
  PetscCall(PetscFree3(start, column, value));
  PetscFunctionReturn(0);
}

/* One V-cycle. The coarsest matrix is singular like ours: it is smoothed, not factored. A private options table, so that nothing a user
 * passes on the command line reaches it. */
static PetscErrorCode set_multigrid(Operator *o)
{
  PetscOptions options;

  PetscFunctionBeginUser;
  PetscCall(assemble(o));
  PetscCall(PCCreate(o->comm, &o->pc));
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsSetValue(options, "-pc_hypre_boomeramg_relax_type_coarse", "symmetric-SOR/Jacobi"));
  PetscCall(PetscOptionsSetValue(options, "-pc_hypre_boomeramg_relax_type_all", "symmetric-SOR/Jacobi"));
  PetscCall(PetscObjectSetOptions((PetscObject)o->pc, options));
  PetscCall(PCSetType(o->pc, PCHYPRE));
  PetscCall(PCHYPRESetType(o->pc, "boomeramg"));
  PetscCall(PCSetOperators(o->pc, o->matrix, o->matrix));
  PetscCall(PCSetFromOptions(o->pc));
  PetscCall(PCSetUp(o->pc));
  PetscCall(PetscObjectSetOptions((PetscObject)o->pc, NULL));
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(VecCreateMPIWithArray(o->comm, 1, (PetscInt)o->n_local, (PetscInt)o->n, NULL, &o->in));
  PetscCall(VecDuplicate(o->in, &o->out));
  PetscFunctionReturn(0);
}

PetscErrorCode operator_create(MPI_Comm comm, const Laplacian *a, const Laplacian *b, Precondition kind, Grounded *grounded, Operator **out)
{
  Operator *o;

  PetscFunctionBeginUser;
  PetscCheck(a->n < INT32_MAX / COLUMNS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a component of %lld vertices: at most %d",
             (long long)a->n, INT32_MAX / COLUMNS);
  PetscCall(PetscNew(&o));
  o->comm     = comm;
  o->level    = isa_level();
  o->a        = a;
  o->b        = b;
  o->kind     = kind;
  o->grounded = grounded;
  o->n        = a->n;
  PetscCallMPI(MPI_Comm_rank(comm, &o->rank));
  PetscCallMPI(MPI_Comm_size(comm, &o->ranks));
  PetscCall(cut_rows(o));
  PetscCall(PetscMalloc2((size_t)(COLUMNS * o->n), &o->whole, (size_t)(COLUMNS * o->n_local), &o->part));
  if (o->ranks > 1 && o->rank == 0 && kind == PRECONDITION_INVERSE) PetscCall(PetscMalloc1((size_t)(COLUMNS * o->n), &o->column));
  if (kind == PRECONDITION_MULTIGRID) PetscCall(set_multigrid(o));
  *out = o;
  PetscFunctionReturn(0);
}

void operator_destroy(Operator **op)
{
  if (!op || !*op) return;
  Operator *o = *op;
  (void)VecDestroy(&o->in);
  (void)VecDestroy(&o->out);
  (void)PCDestroy(&o->pc);
  (void)MatDestroy(&o->matrix);
  (void)PetscFree4(o->count, o->place, o->count4, o->place4);
  (void)PetscFree2(o->whole, o->part);
  (void)PetscFree(o->column);
  (void)PetscFree(o);
  *op = NULL;
}

static PetscErrorCode product(Operator *o, const Laplacian *l, double sign, int columns, const double *x, double *y)
{
  PetscFunctionBeginUser;
  double *own = o->whole + COLUMNS * o->first;
  for (int64_t i = 0; i < o->n_local; i++)
    for (int c = 0; c < COLUMNS; c++) own[COLUMNS * i + c] = c < columns ? x[i + c * o->n_local] : 0;
  if (o->ranks > 1) PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, o->whole, o->count4, o->place4, MPI_DOUBLE, o->comm));
  const RowRange rows = {o->first, o->first + o->n_local, l->start, l->column, l->weight};
  laplacian_product(o->level, &rows, o->whole, o->part);
  for (int c = 0; c < columns; c++)
    for (int64_t i = 0; i < o->n_local; i++) y[i + c * o->n_local] = sign * o->part[COLUMNS * i + c];
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_a(void *ctx, int columns, const double *x, double *y)
{
  Operator *o = ctx;
  PetscFunctionBeginUser;
  PetscCall(product(o, o->a, o->b ? -1 : 1, columns, x, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_b(void *ctx, int columns, const double *x, double *y)
{
  Operator *o = ctx;
  PetscFunctionBeginUser;
  PetscCall(product(o, o->b, 1, columns, x, y));
  PetscFunctionReturn(0);
}

/* Subtracts each column's mean. */
static PetscErrorCode project(void *ctx, int columns, double *x)
{
  Operator *o = ctx;
  double    sum[COLUMNS];

  PetscFunctionBeginUser;
  for (int c = 0; c < columns; c++) {
    sum[c] = 0;
    for (int64_t i = 0; i < o->n_local; i++) sum[c] += x[i + c * o->n_local];
  }
  if (o->ranks > 1) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, columns, MPI_DOUBLE, MPI_SUM, o->comm));
  for (int c = 0; c < columns; c++)
    for (int64_t i = 0; i < o->n_local; i++) x[i + c * o->n_local] -= sum[c] / (double)o->n;
  PetscFunctionReturn(0);
}

static PetscErrorCode invert(Operator *o, int columns, double *x)
{
  PetscFunctionBeginUser;
  if (o->ranks == 1) {
    PetscCall(grounded_solve(o->grounded, columns, x));
    PetscFunctionReturn(0);
  }
  for (int c = 0; c < columns; c++)
    PetscCallMPI(MPI_Gatherv(x + c * o->n_local, (int)o->n_local, MPI_DOUBLE, o->rank ? NULL : o->column + c * o->n, o->count, o->place,
                             MPI_DOUBLE, 0, o->comm));
  if (o->rank == 0) PetscCall(grounded_solve(o->grounded, columns, o->column));
  for (int c = 0; c < columns; c++)
    PetscCallMPI(MPI_Scatterv(o->rank ? NULL : o->column + c * o->n, o->count, o->place, MPI_DOUBLE, x + c * o->n_local, (int)o->n_local,
                              MPI_DOUBLE, 0, o->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode cycle(Operator *o, int columns, double *x)
{
  PetscFunctionBeginUser;
  for (int c = 0; c < columns; c++) {
    const double *z;
    PetscCall(VecPlaceArray(o->in, x + c * o->n_local));
    PetscCall(PCApply(o->pc, o->in, o->out));
    PetscCall(VecResetArray(o->in));
    PetscCall(VecGetArrayRead(o->out, &z));
    memcpy(x + c * o->n_local, z, (size_t)o->n_local * sizeof *x);
    PetscCall(VecRestoreArrayRead(o->out, &z));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode precondition(void *ctx, int columns, double *x)
{
  Operator *o = ctx;

  PetscFunctionBeginUser;
  if (o->kind == PRECONDITION_DIAGONAL)
    for (int c = 0; c < columns; c++)
      for (int64_t i = 0; i < o->n_local; i++) x[i + c * o->n_local] /= o->a->degree[o->first + i];
  if (o->kind == PRECONDITION_INVERSE) PetscCall(invert(o, columns, x));
  if (o->kind == PRECONDITION_MULTIGRID) PetscCall(cycle(o, columns, x));
  PetscCall(project(o, columns, x));
  PetscFunctionReturn(0);
}

void operator_problem(Operator *o, DavidsonProblem *p)
{
  p->comm         = o->comm;
  p->n            = o->n;
  p->first        = o->first;
  p->n_local      = o->n_local;
  p->ctx          = o;
  p->apply_a      = apply_a;
  p->apply_b      = o->b ? apply_b : NULL;
  p->precondition = precondition;
  p->project      = project;
}

PetscErrorCode operator_gather(const Operator *o, int64_t columns, const double *x, double *whole)
{
  PetscFunctionBeginUser;
  for (int64_t c = 0; c < columns; c++)
    PetscCallMPI(
        MPI_Allgatherv(x + c * o->n_local, (int)o->n_local, MPI_DOUBLE, whole + c * o->n, o->count, o->place, MPI_DOUBLE, o->comm));
  PetscFunctionReturn(0);
}
