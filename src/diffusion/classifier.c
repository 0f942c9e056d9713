/* SPDX-License-Identifier: BSD-2-Clause
 * The digit classifier: see classifier.h. Plain mini-batches in a fresh permutation an epoch (Fisher and Yates), no data augmentation. */
#include "classifier.h"

#include <stdlib.h>

#include "flush.h"
#include "net.h"
#include "optimizer.h"
#include "rng.h"
#include "target.h"

enum { CLASSES = 10, BATCH = CLASSIFIER_BATCH };

struct Classifier {
  Net    *net;
  float  *theta;
  int64_t n_test;
  float  *images, *features; /* (784, n_test), (CLASSIFIER_FEATURES, n_test) */
  double  accuracy;
};

static const NetSpec shape = {
    .n_x = DIGIT_PIXELS, .n_out = CLASSES, .depth = 1, .width = CLASSIFIER_FEATURES, .activation = ACTIVATION_RELU, .time = TIME_NONE};
static const OptimizerSpec adam = {
    .kind = OPTIMIZER_ADAM, .learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .delta = 1e-8, .rate = RATE_COSINE, .rate_factor = 0.05};

static float pixel(uint8_t byte) { return (float)byte / 127.5f - 1; }
/* Pixels in [-1, 1] to mean 0 and variance 1 over the training images (mean 0.1307, standard deviation 0.3081 of [0, 1]). */
static float standard(float x) { return ((x + 1) / 2 - 0.1307f) / 0.3081f; }

static void shuffle(uint64_t key, uint32_t epoch, int64_t n, int32_t *order)
{
  Rng rng = rng_start(key, epoch, RNG_ORDER);
  for (int64_t i = 0; i < n; i++) order[i] = (int32_t)i;
  for (int64_t i = n - 1; i > 0; i--) {
    const uint32_t k = rng_below(&rng, (uint32_t)i + 1);
    const int32_t  o = order[i];
    order[i]         = order[k];
    order[k]         = o;
  }
}

/* x (784, BATCH), target (10, BATCH) of the images in `order`. */
static void fill_batch(const uint8_t *images, const uint8_t *labels, const int32_t *order, float *x, float *target)
{
  for (int i = 0; i < BATCH; i++) {
    const uint8_t *image = images + (int64_t)order[i] * DIGIT_PIXELS;
    for (int f = 0; f < DIGIT_PIXELS; f++) x[f * BATCH + i] = standard(pixel(image[f]));
    for (int c = 0; c < CLASSES; c++) target[c * BATCH + i] = labels[order[i]] == c ? 1.0f : -1.0f;
  }
}

static PetscErrorCode fit(Classifier *c, uint64_t key, int64_t n, const uint8_t *images, const uint8_t *labels, const Watch *watch,
                          bool *stopped)
{
  const int64_t P = net_parameters(&shape), epoch_steps = n / BATCH, steps = epoch_steps * CLASSIFIER_EPOCHS;
  const float   one = 1;
  float        *gradient, *moments, *x, *target, *weight;
  int32_t      *order;
  double        loss;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc5(P, &gradient, DIGIT_PIXELS * BATCH, &x, CLASSES * BATCH, &target, BATCH, &weight, n, &order));
  PetscCall(PetscCalloc1(2 * P, &moments));
  for (int i = 0; i < BATCH; i++) weight[i] = 1;
  net_init(&shape, INIT_KAIMING, key, c->theta);
  for (int64_t step = 0; step < steps && !*stopped; step++) {
    const NetBatch batch = {.n = BATCH, .stride = BATCH, .x = x, .target = target, .weight = weight};
    if (step % epoch_steps == 0) shuffle(key, (uint32_t)(step / epoch_steps), n, order);
    fill_batch(images, labels, order + step % epoch_steps * BATCH, x, target);
    net_gradient(c->net, c->theta, &batch, 1.0 / (BATCH * CLASSES), -1, gradient, &loss, NULL);
    optimizer_step(isa_level(), &adam, step, optimizer_rate(&adam, step, steps), P, 1, &one, gradient, moments, c->theta, NULL);
    if (step % 16 == 0) {
      watch_progress(watch, "classifier", step, steps);
      *stopped = watch_stop(watch);
    }
  }
  PetscCall(PetscFree5(gradient, x, target, weight, order));
  PetscCall(PetscFree(moments));
  PetscFunctionReturn(0);
}

/* Samples [first, first + NET_BLOCK) of a cloud (rows, n) as a block of inputs, zeros beyond n. */
static void take_block(int rows, int64_t n, int64_t first, const float *x, float *block)
{
  for (int f = 0; f < rows; f++)
    for (int i = 0; i < NET_BLOCK; i++) block[f * NET_BLOCK + i] = first + i < n ? standard(x[f * n + first + i]) : 0;
}

static PetscErrorCode judge(Classifier *c, const uint8_t *images, const uint8_t *labels)
{
  const int64_t n     = c->n_test;
  int64_t       right = 0;
  float        *block, out[CLASSES * NET_BLOCK], bias[CLASSIFIER_FEATURES];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(DIGIT_PIXELS * n, &c->images, CLASSIFIER_FEATURES * n, &c->features));
  PetscCall(PetscMalloc1(DIGIT_PIXELS * NET_BLOCK, &block));
  for (int64_t i = 0; i < n; i++)
    for (int f = 0; f < DIGIT_PIXELS; f++) c->images[f * n + i] = pixel(images[i * DIGIT_PIXELS + f]);
  PetscCall(classifier_features(c, n, c->images, c->features));
  net_fold_time(c->net, 0, bias);
  for (int64_t first = 0; first < n; first += NET_BLOCK) {
    const int k = (int)PetscMin(NET_BLOCK, n - first);
    take_block(DIGIT_PIXELS, n, first, c->images, block);
    net_forward(c->net, bias, k, NET_BLOCK, block, out);
    for (int i = 0; i < k; i++) {
      int best = 0;
      for (int o = 1; o < CLASSES; o++)
        if (out[o * NET_BLOCK + i] > out[best * NET_BLOCK + i]) best = o;
      right += best == labels[first + i];
    }
  }
  c->accuracy = (double)right / (double)n;
  PetscCall(PetscFree(block));
  PetscFunctionReturn(0);
}

PetscErrorCode classifier_train(const char *directory, uint64_t key, const Watch *watch, Classifier **out, char error[256])
{
  int64_t     n;
  uint8_t    *images, *labels, *test_images, *test_labels;
  bool        stopped = false;
  Classifier *c;

  PetscFunctionBeginUser;
  *out = NULL;
  PetscCall(digits_read(directory, true, &n, &images, &labels, error));
  if (error[0]) PetscFunctionReturn(0);
  PetscCall(PetscNew(&c));
  PetscCall(digits_read(directory, false, &c->n_test, &test_images, &test_labels, error));
  if (!error[0]) {
    const unsigned mode = flush_set();
    PetscCall(net_create(&shape, isa_level(), &c->net));
    PetscCall(PetscMalloc1(net_parameters(&shape), &c->theta));
    PetscCall(fit(c, key, n, images, labels, watch, &stopped));
    net_load(c->net, c->theta);
    if (!stopped) PetscCall(judge(c, test_images, test_labels));
    flush_restore(mode);
    PetscCall(PetscFree(test_images));
    PetscCall(PetscFree(test_labels));
  }
  PetscCall(PetscFree(images));
  PetscCall(PetscFree(labels));
  if (error[0] || stopped)
    classifier_destroy(c);
  else
    *out = c;
  PetscFunctionReturn(0);
}

void classifier_destroy(void *p)
{
  Classifier *c = p;
  if (!c) return;
  net_destroy(&c->net);
  (void)PetscFree(c->theta);
  (void)PetscFree2(c->images, c->features);
  (void)PetscFree(c);
}

double classifier_accuracy(const Classifier *c) { return c->accuracy; }

int64_t classifier_test(const Classifier *c, const float **images, const float **features)
{
  *images   = c->images;
  *features = c->features;
  return c->n_test;
}

PetscErrorCode classifier_features(const Classifier *c, int64_t n, const float *x, float *features)
{
  float *block, *hidden;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(DIGIT_PIXELS * NET_BLOCK, &block, CLASSIFIER_FEATURES * NET_BLOCK, &hidden));
  for (int64_t first = 0; first < n; first += NET_BLOCK) {
    const int k = (int)PetscMin(NET_BLOCK, n - first);
    take_block(DIGIT_PIXELS, n, first, x, block);
    net_hidden(c->net, k, NET_BLOCK, block, hidden);
    for (int f = 0; f < CLASSIFIER_FEATURES; f++)
      for (int i = 0; i < k; i++) features[f * n + first + i] = hidden[f * NET_BLOCK + i];
  }
  PetscCall(PetscFree2(block, hidden));
  PetscFunctionReturn(0);
}
