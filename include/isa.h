/* SPDX-License-Identifier: BSD-2-Clause
 * Which build of a vector kernel runs. Kernels are compiled once per level from one source with contraction off, so every level gives the
 * same bits. */
#ifndef MYOPIA_ISA_H
#define MYOPIA_ISA_H

typedef enum { ISA_BASE = 0, ISA_V3 = 1, ISA_V4 = 2 } IsaLevel; /* plain target, x86-64-v3 (AVX2), x86-64-v4 (AVX-512) */

IsaLevel    isa_level(void);    /* the best level this machine has; MYOPIA_ISA=base|v3|v4 in the environment lowers it */
const char *isa_name(IsaLevel); /* "base", "x86-64-v3", "x86-64-v4" */

#endif
