/* SPDX-License-Identifier: BSD-2-Clause
 * Sources named *_kernel.c are compiled once per ISA level (CMakeLists.txt: myopia_layer KERNELS); KERNEL(f) is f_base, f_v3 or f_v4. */
#ifndef MYOPIA_KERNEL_H
#define MYOPIA_KERNEL_H

#ifndef MYOPIA_ISA
#define MYOPIA_ISA base
#endif
#define KERNEL_JOIN2(name, level) name##_##level
#define KERNEL_JOIN(name, level) KERNEL_JOIN2(name, level)
#define KERNEL(name) KERNEL_JOIN(name, MYOPIA_ISA)

#endif
