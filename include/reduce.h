/* SPDX-License-Identifier: BSD-2-Clause
 * Sums over shards that are the same to the bit on any number of ranks. S shards (a power of two) are the leaves of a binary tree; every
 * rank holds an aligned dyadic block of them, sums it as that subtree, and subtrees are joined across ranks by recursive doubling (small
 * vectors) or recursive halving and doubling (from some KB on), in the tree's order. MPI and error.h alone (also simulated with SMPI);
 * functions return an MPI error code. */
#ifndef MYOPIA_REDUCE_H
#define MYOPIA_REDUCE_H

#include <mpi.h>
#include <stdint.h>

typedef struct Reduce Reduce;

/* Shards [first, last) of `rank` among `ranks` <= shards: repeatedly the largest block (the first of them) is halved until there is one a
 * rank. shards: a power of two. Pure arithmetic. */
void reduce_block(int shards, int ranks, int rank, int *first, int *last);

/* For vectors of up to n_floats floats and n_doubles doubles. Collective on comm, which is not duplicated and must outlive it. */
int  reduce_create(MPI_Comm comm, int shards, int64_t n_floats, int64_t n_doubles, Reduce **out);
void reduce_destroy(Reduce **);
void reduce_shards(const Reduce *, int *first, int *last); /* of this rank */

/* Local part of the tree: joins rows[0 .. count) (count = shards of this rank, each of n values) pairwise into rows[0]. Not collective;
 * calling reduce_*_global on the result gives the sum of all shards on all ranks. */
void reduce_floats_local(const Reduce *, int64_t n, float *const *rows);
void reduce_doubles_local(const Reduce *, int64_t n, double *const *rows);
int  reduce_floats_global(Reduce *, int64_t n, float *x);
int  reduce_doubles_global(Reduce *, int64_t n, double *x);

/* The slow reference: all shards' rows in one place, (shards) pointers to n values, summed by the tree into rows[0]. */
void reduce_floats_serial(int shards, int64_t n, float *const *rows);
void reduce_doubles_serial(int shards, int64_t n, double *const *rows);

#endif
