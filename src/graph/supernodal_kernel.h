/* SPDX-License-Identifier: BSD-2-Clause
 * The builds of supernodal_kernel.c, one an ISA level; supernodal_small() picks. factor, solve and inverse are for blocks of at most
 * SMALL_COLUMNS columns and SMALL_ROWS rows in all, where a BLAS call costs more than its flops; forward and backward for all. */
#ifndef MYOPIA_SUPERNODAL_KERNEL_H
#define MYOPIA_SUPERNODAL_KERNEL_H

#include <stdint.h>

enum { SMALL_COLUMNS = 16, SMALL_ROWS = 160 };

typedef struct SmallKernels {
  /* Cholesky factor in place of the (rows, nc) panel a, column-major: L11 in its lower triangle, L21 below; 0, or 1 + the column that is
   * not positive definite. */
  int (*factor)(int nc, int rows, double *a);
  /* y = L21 L11^-1 for the panel a; y (rows - nc, nc). */
  void (*solve)(int nc, int rows, const double *a, double *y);
  /* L11^-T L11^-1, both triangles, in place of L11. */
  void (*inverse)(int nc, int rows, double *a);
  /* t (rows): its first nc become L11^-1 times themselves, from the others L21 times these is subtracted. */
  void (*forward)(int nc, int64_t rows, const double *a, double *t);
  /* t (rows): its first nc become L11^-T (themselves - L21^T times the others). */
  void (*backward)(int nc, int64_t rows, const double *a, double *t);
} SmallKernels;

const SmallKernels *supernodal_small(void);

int  supernodal_factor_base(int nc, int rows, double *a);
int  supernodal_factor_v3(int nc, int rows, double *a);
int  supernodal_factor_v4(int nc, int rows, double *a);
void supernodal_solve_base(int nc, int rows, const double *a, double *y);
void supernodal_solve_v3(int nc, int rows, const double *a, double *y);
void supernodal_solve_v4(int nc, int rows, const double *a, double *y);
void supernodal_inverse_base(int nc, int rows, double *a);
void supernodal_inverse_v3(int nc, int rows, double *a);
void supernodal_inverse_v4(int nc, int rows, double *a);
void supernodal_forward_base(int nc, int64_t rows, const double *a, double *t);
void supernodal_forward_v3(int nc, int64_t rows, const double *a, double *t);
void supernodal_forward_v4(int nc, int64_t rows, const double *a, double *t);
void supernodal_backward_base(int nc, int64_t rows, const double *a, double *t);
void supernodal_backward_v3(int nc, int64_t rows, const double *a, double *t);
void supernodal_backward_v4(int nc, int64_t rows, const double *a, double *t);

#endif
