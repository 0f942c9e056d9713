/* SPDX-License-Identifier: BSD-2-Clause
 * The smallest set of vertices whose removal parts a network's sources from its sinks. Not collective. */
#ifndef MYOPIA_VERTEX_CUT_H
#define MYOPIA_VERTEX_CUT_H

#include <petscsys.h>
#include <stdint.h>

enum { CUT_SOURCE = 1, CUT_SINK = 2 };

/* The neighbours of vertex i (of n) are neighbor[start[i]] .. neighbor[start[i + 1] - 1], symmetric. terminal (n): CUT_SOURCE for a vertex
 * that something outside on the source's side touches, CUT_SINK likewise, both or neither; such a vertex may itself be cut. side (n), out:
 * -1 on the source's side, 0 cut, +1 otherwise; of all smallest cuts the one nearest to the sources. No vertex of side -1 is a neighbour
 * of one of side +1. The same numbers give the same cut. */
PetscErrorCode vertex_cut(int32_t n, const int64_t *start, const int32_t *neighbor, const uint8_t *terminal, int8_t *side);

#endif
