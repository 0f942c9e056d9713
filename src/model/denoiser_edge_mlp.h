/* SPDX-License-Identifier: BSD-2-Clause
 * The two perceptrons of edge_mlp: [0] of pairs, inputs (one-hot own noisy class, pair features, t / T); [1] of vertices when a > 1, inputs
 * (one-hot own noisy class, degree / n, t / T). Parameters: those of the pairs' net, then those of the vertices'. */
#ifndef MYOPIA_DENOISER_EDGE_MLP_H
#define MYOPIA_DENOISER_EDGE_MLP_H

#include "denoiser_private.h"

/* Their shapes; returns their number. */
int edge_mlp_nets(const DenoiserSpec *, NetSpec net[2]);

PetscErrorCode edge_mlp_reference(const DenoiserSpec *, const double *theta, int count, const DenoiserGraph *, const DenoiserTarget *,
                                  double scale, bool with_dropout, double *node, double *edge, double *gradient, double *loss);

#endif
