/* SPDX-License-Identifier: BSD-2-Clause
 * One training of W1, W2 or W3 for peers/test_torch.py: train_run records every step's loss, and everything that PyTorch needs to repeat
 * it goes to standard output, in this order and the machine's byte order:
 *   int32    parameters, batch, d, steps
 *   float32  initial parameters; of every step x (d, batch), time input (batch), target (d, batch), weight (batch); final parameters
 *   float64  loss of every step
 *   torch_parity W1|W2|W3 STEPS */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"
#include "train.h"

enum { D = 2, POINTS = 10000, KEY = 11 };

typedef struct Workload {
  const char   *name;
  int           depth, width;
  Activation    activation;
  TargetKind    data;
  ObjectiveSpec objective;
} Workload;

/* W1 as in the two-dimensional experiment, W2 and W3 as in those of the singularity (line, curve). */
static const Workload workloads[] = {
    {"W1", 2, 20, ACTIVATION_RELU, TARGET_MIXTURE, {.prediction = PREDICT_NOISE, .T = 100, .schedule = SCHEDULE_COSINE, .batch = 64}},
    {"W2", 2, 16, ACTIVATION_TANH, TARGET_LINE, {.prediction = PREDICT_DATA, .t_min = 1e-4, .t_max = 10, .time_scale = 1, .batch = 512}},
    {"W3", 3, 64, ACTIVATION_TANH, TARGET_CURVE, {.prediction = PREDICT_NOISE, .t_min = 1e-4, .t_max = 10, .time_scale = 1, .batch = 1024}},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

static void need(int ok, const char *what)
{
  if (ok) return;
  fprintf(stderr, "torch_parity: %s\n", what);
  exit(1);
}

static void put(const void *p, size_t size, size_t n) { need(fwrite(p, size, n, stdout) == n, "cannot write"); }

static Objective *objective_of(const Workload *w)
{
  static const double mean[] = {-4, -4, 4, 4}, variance[] = {0.3, 0.1, 0.2, 0.2};
  static double       data[D * POINTS];
  const MixtureSpec   mixture  = {.modes = 2, .d = D, .mean = mean, .variance = variance};
  const ManifoldSpec  manifold = {.kind = w->data, .ambient = D};
  Target             *target;
  Objective          *out;
  char                error[256];
  need((w->data == TARGET_MIXTURE ? target_mixture(&mixture, &target) : target_manifold(&manifold, &target, error)) == 0, "no data");
  target_sample(target, KEY, 0, POINTS, data);
  need(objective_create(&w->objective, isa_level(), D, POINTS, data, &out) == 0, "no objective");
  target_destroy(&target);
  return out;
}

static void put_batches(const Objective *objective, int batch, int64_t steps)
{
  float *x = calloc((size_t)batch * (2 * D + 2), sizeof *x);
  need(x != NULL, "no memory");
  for (int64_t step = 0; step < steps; step++) {
    float *t = x + D * batch, *target = t + batch, *weight = target + D * batch;
    objective_batch(objective, KEY, step, 0, batch, batch, x, t, target, weight, NULL);
    put(x, sizeof *x, (size_t)batch * (2 * D + 2));
  }
  free(x);
}

static void train(const Workload *w, int64_t steps)
{
  const TrainSpec spec = {
      .net       = {.n_x = D, .n_out = D, .depth = w->depth, .width = w->width, .activation = w->activation, .time = TIME_PLAIN},
      .optimizer = {.kind = OPTIMIZER_ADAM, .learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .delta = 1e-8},
      .steps     = steps};
  const int     batch     = w->objective.batch;
  const int32_t header[]  = {(int32_t)net_parameters(&spec.net), batch, D, (int32_t)steps};
  float        *theta     = calloc((size_t)header[0], sizeof *theta);
  double       *loss      = calloc((size_t)steps, sizeof *loss);
  Objective    *objective = objective_of(w);
  TrainSeries   series    = {.loss = loss};
  TrainTrial    trial     = {.key = KEY, .objective = objective, .theta = theta, .given = true, .series = &series};
  bool          stopped;
  need(theta && loss, "no memory");
  net_init(&spec.net, INIT_KAIMING, KEY, theta);
  put(header, sizeof *header, 4);
  put(theta, sizeof *theta, (size_t)header[0]);
  put_batches(objective, batch, steps);
  need(train_run(MPI_COMM_SELF, &spec, 1, 1, &trial, NULL, &stopped) == 0, "training failed");
  put(theta, sizeof *theta, (size_t)header[0]);
  put(loss, sizeof *loss, (size_t)steps);
  objective_destroy(&objective);
  free(theta);
  free(loss);
}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  need(argc == 3 && atol(argv[2]) > 0, "usage: torch_parity W1|W2|W3 STEPS");
  int found = 0;
  for (int i = 0; i < WORKLOADS; i++)
    if (strcmp(workloads[i].name, argv[1]) == 0) {
      found = 1;
      train(&workloads[i], atol(argv[2]));
    }
  need(found, "no such workload");
  MPI_Finalize();
  return 0;
}
