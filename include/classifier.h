/* SPDX-License-Identifier: BSD-2-Clause
 * A small digit classifier, whose hidden layer gives the features of a Frechet distance: 784 - 128 - 10, ReLU, trained on the 60,000 images
 * by least squares on +-1 targets (Adam, batch 128). Its weights are a function of the images and the key alone. */
#ifndef MYOPIA_CLASSIFIER_H
#define MYOPIA_CLASSIFIER_H

#include <petscsys.h>
#include <stdint.h>

#include "watch.h"

enum { CLASSIFIER_FEATURES = 128, CLASSIFIER_EPOCHS = 10, CLASSIFIER_BATCH = 128, DIGIT_PIXELS = 784 };

typedef struct Classifier Classifier;

/* directory: of the IDX files. A fault of theirs comes back in error ("" when fine) with *out NULL. A watch that says stop: *out NULL,
 * error "". */
PetscErrorCode classifier_train(const char *directory, uint64_t key, const Watch *, Classifier **out, char error[256]);
void           classifier_destroy(void *);              /* a Classifier * */
double         classifier_accuracy(const Classifier *); /* on the 10,000 test images */
/* Test images, pixels scaled to [-1, 1]: (784, 10,000); and their features (CLASSIFIER_FEATURES, 10,000). */
int64_t classifier_test(const Classifier *, const float **images, const float **features);
/* Pre-activations of the hidden layer: x (784, n) in [-1, 1], features (CLASSIFIER_FEATURES, n). */
PetscErrorCode classifier_features(const Classifier *, int64_t n, const float *x, float *features);

#endif
