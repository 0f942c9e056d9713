/* SPDX-License-Identifier: BSD-2-Clause
 * CG with BoomerAMG on the core of a sketch, for what Jacobi's preconditioner cannot do in reasonable time (meshes with weights many
 * powers of ten apart). hypre takes one vector at a time in float64, so this is slow beside the blocked solver; it is the exception. */
#include "sketch_hypre.h"

#include <math.h>
#include <petscksp.h>

enum { L = SKETCH_LANES };

struct SketchHypre {
  const SketchRows *rows;
  Mat               matrix;
  KSP               ksp;
  Vec               rhs, x;
  PetscOptions      options; /* of ksp, which holds no reference */
};

static PetscErrorCode matrix_create(const SketchRows *rows, Mat *matrix)
{
  const PetscInt n = (PetscInt)rows->n;
  PetscInt      *entries, *column;
  PetscScalar   *value;
  MatNullSpace   constants;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3((size_t)n + 1, &entries, (size_t)n + 1, &column, (size_t)n + 1, &value));
  for (PetscInt i = 0; i < n; i++) entries[i] = (PetscInt)(rows->start[i + 1] - rows->start[i]) + 1;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 0, entries, matrix));
  for (PetscInt i = 0; i < n; i++) {
    PetscInt count = 0;
    for (int64_t k = rows->start[i]; k < rows->start[i + 1]; k++) {
      column[count]  = rows->column[k];
      value[count++] = rows->weight ? -(double)rows->weight[k] : -1;
    }
    column[count]  = i;
    value[count++] = rows->degree[i];
    PetscCall(MatSetValues(*matrix, 1, &i, count, column, value, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_SELF, PETSC_TRUE, 0, NULL, &constants));
  PetscCall(MatSetNullSpace(*matrix, constants));
  PetscCall(MatNullSpaceDestroy(&constants));
  PetscCall(PetscFree3(entries, column, value));
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_hypre_create(const SketchRows *rows, SketchHypre **out)
{
  SketchHypre *h;
  PC           pc;

  PetscFunctionBeginUser;
  *out = NULL;
  if (sizeof(PetscInt) == 4 && rows->start[rows->n] + rows->n > INT32_MAX) PetscFunctionReturn(0);
  PetscCall(PetscNew(&h));
  h->rows = rows;
  PetscCall(matrix_create(rows, &h->matrix));
  PetscCall(MatCreateVecs(h->matrix, &h->x, &h->rhs));
  PetscCall(PetscOptionsCreate(&h->options));
  /* The coarsest matrix is singular as well: no Gaussian elimination there. */
  PetscCall(PetscOptionsSetValue(h->options, "-pc_hypre_boomeramg_relax_type_coarse", "symmetric-SOR/Jacobi"));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &h->ksp));
  PetscCall(PetscObjectSetOptions((PetscObject)h->ksp, h->options));
  PetscCall(KSPSetOperators(h->ksp, h->matrix, h->matrix));
  PetscCall(KSPSetType(h->ksp, KSPCG));
  PetscCall(KSPSetNormType(h->ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPGetPC(h->ksp, &pc));
  PetscCall(PetscObjectSetOptions((PetscObject)pc, h->options));
  PetscCall(PCSetType(pc, PCHYPRE));
  PetscCall(PCHYPRESetType(pc, "boomeramg"));
  PetscCall(PCSetFromOptions(pc));
  *out = h;
  PetscFunctionReturn(0);
}

void sketch_hypre_destroy(SketchHypre **h)
{
  if (!*h) return;
  (void)KSPDestroy(&(*h)->ksp);
  (void)MatDestroy(&(*h)->matrix);
  (void)VecDestroy(&(*h)->rhs);
  (void)VecDestroy(&(*h)->x);
  (void)PetscOptionsDestroy(&(*h)->options);
  (void)PetscFree(*h);
  *h = NULL;
}

/* Squared norm in D^-1 of rhs - L x. */
static PetscErrorCode residual(SketchHypre *h, Vec r, double *norm2)
{
  const PetscScalar *value;

  PetscFunctionBeginUser;
  PetscCall(MatMult(h->matrix, h->x, r));
  PetscCall(VecAYPX(r, -1, h->rhs));
  PetscCall(VecGetArrayRead(r, &value));
  *norm2 = 0;
  for (int64_t i = 0; i < h->rows->n; i++) *norm2 += value[i] * value[i] / h->rows->degree[i];
  PetscCall(VecRestoreArrayRead(r, &value));
  PetscFunctionReturn(0);
}

/* KSP tests another norm than ours: its tolerance is lowered until ours is met. */
static PetscErrorCode solve_one(SketchHypre *h, double tolerance, Vec r, int64_t *iterations)
{
  double size, norm2;

  PetscFunctionBeginUser;
  PetscCall(VecSet(h->x, 0));
  PetscCall(residual(h, r, &size));
  for (double relative = tolerance; relative > 1e-14; relative *= 0.01) {
    PetscInt count;
    PetscCall(KSPSetTolerances(h->ksp, relative, PETSC_DEFAULT, PETSC_DEFAULT, 500));
    PetscCall(KSPSolve(h->ksp, h->rhs, h->x));
    PetscCall(KSPGetIterationNumber(h->ksp, &count));
    *iterations += count;
    PetscCall(residual(h, r, &norm2));
    if (norm2 <= tolerance * tolerance * size) break;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_hypre_solve(SketchHypre *h, double tolerance, const float *b, float *x, int64_t *iterations)
{
  Vec r;

  PetscFunctionBeginUser;
  *iterations = 0;
  PetscCall(VecDuplicate(h->x, &r));
  for (int l = 0; l < L; l++) {
    PetscScalar       *to;
    const PetscScalar *from;
    int64_t            count = 0;
    PetscCall(VecGetArrayWrite(h->rhs, &to));
    for (int64_t i = 0; i < h->rows->n; i++) to[i] = (double)b[i * L + l];
    PetscCall(VecRestoreArrayWrite(h->rhs, &to));
    PetscCall(solve_one(h, tolerance, r, &count));
    PetscCall(VecGetArrayRead(h->x, &from));
    for (int64_t i = 0; i < h->rows->n; i++) x[i * L + l] = (float)from[i];
    PetscCall(VecRestoreArrayRead(h->x, &from));
    *iterations = PetscMax(*iterations, count);
  }
  PetscCall(VecDestroy(&r));
  PetscFunctionReturn(0);
}
