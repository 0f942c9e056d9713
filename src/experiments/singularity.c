/* SPDX-License-Identifier: BSD-2-Clause
 * Scores that blow up on submanifolds (Lu, Wang, Bal, "Mathematical analysis of singularities in the diffusion model under the submanifold
 * assumption", arXiv 2301.07882): dX = -X/2 dt + dW from data on a line, a curve, points, a sphere, a torus, or digits; a network learns
 *   CEM f = E[X_0 | X_t],  SGM S = -grad log p_t,  DDPM eps,  or flow matching's velocity,
 * and is compared with the exact one at a point off the manifold and in L2(p_t) at every t; samples are compared with the manifold.
 * `posterior: exact` samples with the exact f and no network. */
#include "singularity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control_watch.h"
#include "hash.h"
#include "memo.h"

static const char *const data_names[]      = {"line", "curve", "five_points", "sphere", "torus", "digits", NULL};
static const char *const learned_names[]   = {"cem", "sgm", "ddpm", "velocity", NULL};
static const char *const posterior_names[] = {"network", "exact", NULL};

#define FIELD(name) offsetof(SingularityParams, name)
#define SIZE_HELP "; 0: 2 x 16 for the line, 3 x 512 for digits, else 3 x 64"
static const ParamSpec params[] = {
    {"data", PARAM_CHOICE, FIELD(data), "line", 0, 0, 0, "1", data_names, NULL, NULL, "what the data lie on"},
    {"ambient", PARAM_INT, FIELD(ambient), "0", 0, 4096, 0, "1", NULL, "data", "line|curve|five_points|sphere|torus",
     "dimension of the space; 0: 2, or 3 for sphere and torus; beyond that a rotated copy"},
    {"directory", PARAM_TEXT, FIELD(directory), "", 0, 0, PARAM_EXECUTION, "1", NULL, "data", "digits",
     "of MNIST's IDX files, as jobs/fetch_mnist.sh puts them; empty: where it puts them"},
    {"points", PARAM_INT, FIELD(points), "10000", 1, 1e8, 0, "points", NULL, "posterior", "network",
     "training data, drawn anew in every trial"},
    {"target", PARAM_CHOICE, FIELD(target), "cem", 0, 0, 0, "1", learned_names, NULL, NULL, "what the network learns"},
    {"weighting", PARAM_CHOICE, FIELD(weighting), "theirs", 0, 0, 0, "1", weighting_names, "posterior", "network",
     "of the squared error: the source's, under which cem, sgm and ddpm are one functional, or none"},
    {"time_sampling", PARAM_CHOICE, FIELD(sampling), "exponential", 0, 0, 0, "1", time_sampling_names, "posterior", "network",
     "of training times: uniform in log t, or in t"},
    {"t_min", PARAM_REAL, FIELD(t_min), "1e-4", 0, 1, PARAM_OPEN_MIN, "1", NULL, NULL, NULL, "smallest time of training and sampling"},
    {"t_max", PARAM_REAL, FIELD(t_max), "10", 0, 170, PARAM_OPEN_MIN, "1", NULL, NULL, NULL, "largest time, T"},
    {"posterior", PARAM_CHOICE, FIELD(posterior), "network", 0, 0, 0, "1", posterior_names, NULL, NULL,
     "what the sampler is fed with: a trained network, or the exact posterior mean"},
    {"steps", PARAM_INT, FIELD(steps), "6000", 1, 1e9, 0, "steps", NULL, "posterior", "network", "of training"},
    TRAIN_PARAMS(SingularityParams, "posterior", "network", "0", "0", 0, "tanh", "log", "512", SIZE_HELP),
    {"sampler", PARAM_CHOICE, FIELD(sampler), "exponential", 0, 0, 0, "1", sampler_names, NULL, NULL, "of the reverse process"},
    {"time_grid", PARAM_CHOICE, FIELD(grid), "exponential", 0, 0, 0, "1", time_grid_names, NULL, NULL, "of the sampler's steps"},
    {"sampler_steps", PARAM_INT, FIELD(sampler_steps), "500", 1, 1e6, 0, "steps", NULL, NULL, NULL, "from t_max to t_min"},
    {"denoise", PARAM_BOOL, FIELD(denoise), "false", 0, 0, 0, "1", NULL, NULL, NULL,
     "a sample is x0-hat of the state at t_min, not the state"},
    {"samples", PARAM_INT, FIELD(samples), "10000", 1, 1e8, 0, "points", NULL, NULL, NULL, "drawn in every trial"},
    {"probe", PARAM_REAL_LIST, FIELD(probe), "[1, -0.1]", -1e6, 1e6, 0, "1", NULL, NULL, NULL,
     "first coordinates of the point X off the manifold; others 0"},
    {"probe_t", PARAM_REAL, FIELD(probe_t), "1e-3", 1e-5, 1, 0, "1", NULL, NULL, NULL,
     "the time of the error metrics (the nearest one of the comparison)"},
    {"field_samples", PARAM_INT, FIELD(field_samples), "256", 2, 1e6, 0, "points", NULL, NULL, NULL, "of p_t at every t of the comparison"},
    {"metric_samples", PARAM_INT, FIELD(metric_samples), "2000", 2, 1e6, 0, "points", NULL, NULL, NULL,
     "of the samples, and of fresh data, that distances between laws are computed from"},
    {"snapshots", PARAM_REAL_LIST, FIELD(snapshots), "[10, 5.8718, 3.2356, 0.7518, 0.0216, 0]", 0, 1000,
     PARAM_EXECUTION | PARAM_MAY_BE_EMPTY, "1", NULL, NULL, NULL,
     "times, falling, near which a recorded trial keeps its particles; 0: the sample"},
    {"recorded_particles", PARAM_INT, FIELD(recorded_particles), "2000", 1, 1e8, PARAM_EXECUTION, "points", NULL, NULL, NULL,
     "kept at the snapshots"},
    {0},
};

static const double first_time = 1e-5;

static int dimension_of(const SingularityParams *p)
{
  static const int own[] = {2, 2, 2, 3, 3, DIGIT_PIXELS};
  return p->data != DATA_DIGITS && p->ambient ? (int)p->ambient : own[p->data];
}

static ObjectiveSpec objective_of(const SingularityParams *p)
{
  static const Prediction prediction[] = {PREDICT_DATA, PREDICT_SCORE, PREDICT_NOISE, PREDICT_VELOCITY};
  return (ObjectiveSpec){.prediction = prediction[p->target],
                         .weighting  = (Weighting)p->weighting,
                         .sampling   = (TimeSampling)p->sampling,
                         .t_min      = p->t_min,
                         .t_max      = p->t_max,
                         .time_scale = p->train.time_feature == TIME_FOURIER ? 1 / p->t_max : 1,
                         .batch      = (int)p->train.batch};
}

static TrainSpec training_of(const SingularityParams *p)
{
  TrainParams train = p->train;
  if (!train.depth) train.depth = p->data == DATA_LINE ? 2 : 3;
  if (!train.width) train.width = p->data == DATA_LINE ? 16 : p->data == DATA_DIGITS ? 512 : 64;
  return train_params_spec(&train, dimension_of(p), dimension_of(p), p->steps);
}

int singularity_times(const SingularityParams *p, double t[TIMES_MAX])
{
  int n = 0;
  for (double at = first_time; at < p->t_max * (1 - 1e-9) && n < TIMES_MAX - 1; n++) {
    t[n] = at;
    at   = first_time * pow(10, (double)(n + 1) / TIMES_PER_DECADE);
  }
  t[n++] = p->t_max;
  return n;
}

/* Where fetch_mnist.sh puts the files, unless told otherwise. */
static void directory_of(const SingularityParams *p, char out[PARAM_TEXT_MAX])
{
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (p->directory[0])
    snprintf(out, PARAM_TEXT_MAX, "%s", p->directory);
  else if (cache && *cache)
    snprintf(out, PARAM_TEXT_MAX, "%s/myopia/mnist", cache);
  else
    snprintf(out, PARAM_TEXT_MAX, "%s/.cache/myopia/mnist", home ? home : "");
}

static PetscErrorCode make_target(const SingularityParams *p, Target **out, char error[256])
{
  static const TargetKind kind[] = {TARGET_LINE, TARGET_CURVE, TARGET_POINTS, TARGET_SPHERE, TARGET_TORUS, TARGET_DIGITS};
  char                    directory[PARAM_TEXT_MAX];
  const ManifoldSpec      spec = {.kind = kind[p->data], .ambient = dimension_of(p), .directory = directory};

  PetscFunctionBeginUser;
  directory_of(p, directory);
  PetscCall(target_manifold(&spec, out, error));
  PetscFunctionReturn(0);
}

/* --- rules --- */

static void check_digits(const SingularityParams *p, Diagnostics *d)
{
  char     error[256] = "", directory[PARAM_TEXT_MAX];
  int64_t  n;
  uint8_t *images, *labels;
  directory_of(p, directory);
  if (digits_read(directory, false, &n, &images, &labels, error) || error[0]) {
    diagnostics_parameter(d, p->directory[0] ? "directory" : "data", "%s", error);
    return;
  }
  (void)PetscFree(images);
  (void)PetscFree(labels);
}

static void check(const void *params_, Diagnostics *d)
{
  const SingularityParams *p   = params_;
  const int                own = p->data == DATA_SPHERE || p->data == DATA_TORUS ? 3 : 2;
  if (p->data != DATA_DIGITS && p->ambient && p->ambient < own)
    diagnostics_parameter(d, "ambient", "ambient %lld: %s lies in %d dimensions", (long long)p->ambient, data_names[p->data], own);
  if (p->data == DATA_DIGITS && p->posterior == SOURCE_EXACT)
    diagnostics_parameter(d, "posterior", "digits have no exact posterior mean; use posterior: network");
  if (p->data == DATA_DIGITS) check_digits(p, d);
  if (p->data == DATA_DIGITS && p->points > 60000)
    diagnostics_parameter(d, "points", "points %lld: there are 60,000 training images", (long long)p->points);
  if (p->t_min >= p->t_max) diagnostics_parameter(d, "t_min", "t_min %g is not below t_max %g", p->t_min, p->t_max);
  if (p->probe.n > dimension_of(p))
    diagnostics_parameter(d, "probe", "probe has %d coordinates in %d dimensions", p->probe.n, dimension_of(p));
  for (int i = 1; i < p->snapshots.n; i++)
    if (p->snapshots.value[i] >= p->snapshots.value[i - 1])
      diagnostics_parameter(d, "snapshots", "snapshots must fall, from noise to data");
  train_params_check(&p->train, d);
}

/* --- cost --- */

static double cost(const void *params_)
{
  const SingularityParams *p = params_;
  const TrainSpec          s = training_of(p);
  const double d = dimension_of(p), evaluations = (double)p->samples * (double)p->sampler_steps * (p->sampler == SAMPLER_HEUN ? 2 : 1);
  const double m       = (double)PetscMin(p->metric_samples, p->samples);
  const double exact   = p->data == DATA_CURVE || p->data == DATA_TORUS ? 3e-6 : 2e-8 * d;
  double       seconds = 3 * m * m * 1e-9 * d + 0.02 + 70 * (double)p->field_samples * exact;
  if (p->data == DATA_DIGITS) seconds += 2e-6 * 60000.0 * (double)p->samples / 60 + 1;
  /* The sampler has fast forms of the exact f, the comparison the accurate ones. */
  if (!singularity_trains(p)) return seconds + evaluations * (p->data == DATA_CURVE || p->data == DATA_TORUS ? 6e-8 + 2e-9 * d : 4e-9 * d);
  seconds += (double)s.steps * train_step_seconds(&s, (int)d, (int)p->train.batch);
  return seconds + evaluations * (net_flops(&s.net) * 1e-11 + 2e-9 * d);
}

static double record_cost(const void *params_, int64_t every)
{
  const SingularityParams *p = params_;
  const TrainSpec          s = training_of(p);
  return 0.02 + (singularity_trains(p) ? train_params_record_cost(&s, dimension_of(p), (int)p->train.batch, every) : 0);
}

static double merit_work(const void *params_)
{
  const SingularityParams *p = params_;
  return singularity_trains(p) ? (double)p->steps : 0;
}

static int max_ranks(const void *params_)
{
  const SingularityParams *p = params_;
  const TrainSpec          s = training_of(p);
  return train_params_max_ranks(&s, (int)p->train.batch);
}

/* Bytes: data and objectives of all trials that are trained side by side, particles and their snapshots, fresh data, the field. */
static double memory(const void *params_)
{
  const SingularityParams *p = params_;
  const TrainSpec          s = training_of(p);
  const double             d = dimension_of(p), together = train_seeds_in_lanes(&s, (int)p->train.batch) ? NET_LANES : 1;
  const double             particles = d * (20.0 + 4.0 * p->snapshots.n) * (double)p->samples, fresh = 16 * d * (double)p->metric_samples;
  const double             data = singularity_trains(p) ? d * (12 + 4 * together) * (double)p->points + train_params_memory(&s) : 0;
  double                   t[TIMES_MAX];
  if (p->data == DATA_DIGITS) return particles + data + 4e8;
  return particles + data + fresh + 12 * d * singularity_times(p, t) * (double)p->field_samples;
}

/* --- declaration --- */

static const MetricSpec metrics[METRICS] = {
    {"own_error", "1", "error of the own target at X", "Euclidean norm of network - exact target at X and probe_t", "one point",
     METRIC_REAL, 1},
    {"data_error", "1", "error of f at X", "the same of E[X_0|X_t]", "one point", METRIC_REAL, 1},
    {"noise_error", "1", "error of eps at X", "the same of eps", "one point", METRIC_REAL, 1},
    {"score_error", "1", "error of the score at X", "the same of the score, whatever was learned: comparable between targets", "one point",
     METRIC_REAL, 1},
    {"own_l2", "1", "L2(p_t) error of the own target", "at probe_t", "field_samples of p_t", METRIC_REAL, 0},
    {"data_l2", "1", "L2(p_t) error of f", "at probe_t", "field_samples of p_t", METRIC_REAL, 0},
    {"noise_l2", "1", "L2(p_t) error of eps", "at probe_t", "field_samples of p_t", METRIC_REAL, 0},
    {"score_l2", "1", "L2(p_t) error of the score", "at probe_t", "field_samples of p_t", METRIC_REAL, 0},
    {"noise_l2_all", "1", "error of eps over all t",
     "root mean square over log t in [t_min, t_max] of the L2(p_t) error of eps, which is s times that of the score",
     "field_samples of p_t at every t", METRIC_REAL, 0},
    {"exponent", "1", "blow-up exponent at X", "slope of log |exact target| over log t, t in [1e-5, 1e-3], at X", "least squares, 25 times",
     METRIC_REAL, 0},
    {"exponent_network", "1", "blow-up exponent of the network at X", "the same of the network, t in [t_min, 1e-3], where it was trained",
     "least squares, 12 times a decade", METRIC_REAL, 0},
    {"exponent_law", "1", "blow-up exponent for X ~ p_t", "slope of the log root mean square of the exact target for X ~ p_t",
     "least squares, 25 times, field_samples each", METRIC_REAL, 0},
    {"exponent_law_network", "1", "blow-up exponent of the network for X ~ p_t", "the same of the network, t in [t_min, 1e-3]",
     "least squares, 12 times a decade, field_samples each", METRIC_REAL, 0},
    {"distance_mean", "1", "distance to the manifold", "mean; digits: see novelty", "all samples", METRIC_REAL, 0},
    {"distance_q99", "1", "distance to the manifold, 99 %", "99 % quantile", "all samples", METRIC_REAL, 0},
    {"distance_max", "1", "distance to the manifold, largest", "largest of all samples", "all samples", METRIC_REAL, 0},
    {"along", "1", "Wasserstein distance along the manifold",
     "W1 of the nearest points' place, as the value of the distribution function (line, curve), to the uniform law; five points: total "
     "variation of the shares",
     "all samples", METRIC_REAL, 0},
    {"energy_distance", "1", "energy distance", "2 E|X-Y| - E|X-X'| - E|Y-Y'| of samples X and fresh data Y",
     "U-statistics of metric_samples each", METRIC_REAL, 0},
    {"sliced_wasserstein", "1", "sliced Wasserstein distance", "mean W1 of samples and fresh data over random directions",
     "64 directions, metric_samples points each", METRIC_REAL, 0},
    {"novelty", "1", "distance to the nearest training image", "mean over the samples", "all samples", METRIC_REAL, 0},
    {"novelty_fresh", "1", "the same of test images", "what unseen digits have: memorising samples lie below", "as many test images",
     METRIC_REAL, 0},
    {"memorised", "1", "memorised fraction", "samples whose nearest training image is nearer than a third of the second nearest",
     "all samples", METRIC_REAL, 0},
    {"frechet", "1", "Frechet distance of features", "between samples and test images, on 128 features of a small classifier",
     "Gaussian fit; all samples, 10,000 test images", METRIC_REAL, 0},
    {"frechet_fresh", "1", "the same of training images", "what as many training images have", "Gaussian fit", METRIC_REAL, 0},
    {"accuracy", "1", "accuracy of the classifier", "on the test images; the same classifier for every trial", "10,000 test images",
     METRIC_REAL, 10000},
    {"final_loss", "1", "training loss", "mean of the last 100 steps", "mean over steps", METRIC_REAL, 0},
    {"train_time", "s", "training time", "of this trial; trained side by side: its share", "wall clock", METRIC_CLOCK, 0},
    {"sample_time", "s", "sampling time", "all particles of this trial", "wall clock", METRIC_CLOCK, 0},
    {"measure_time", "s", "time of the measures", "field, distances", "wall clock", METRIC_CLOCK, 0},
};

static const ArraySpec array_specs[ARRAYS] = {
    {.name        = "trajectory",
     .unit        = "1",
     .long_name   = "particles",
     .description = "the first recorded_particles near the snapshots' times; (snapshots, dimension, particles)"},
    {.name = "trajectory_time", .unit = "1", .long_name = "times of the snapshots", .description = "of the sampler's grid; 0: the sample"},
    {.name = "field_time", .unit = "1", .long_name = "times of the comparison", .description = "t"},
    {.name        = "probe_error",
     .unit        = "1",
     .long_name   = "errors at X",
     .description = "norms of the errors of own target, f, eps, score, then of the exact and the learned target; (times, 6)"},
    {.name = "law_error", .unit = "1", .long_name = "errors in L2(p_t)", .description = "the same, root mean squares over p_t; (times, 6)"},
    {.name        = "law_component",
     .unit        = "1",
     .long_name   = "L2(p_t) error of the own target by component",
     .description = "(times, dimension)"},
    {.name = "samples", .unit = "1", .long_name = "samples", .description = "the first recorded_particles; (dimension, particles)"},
};

const char *singularity_array_name(int array) { return array_specs[array].name; }

static int64_t kept(const SingularityParams *p) { return PetscMin(p->samples, p->recorded_particles); }

static int array_shape(const SingularityParams *p, int array, int64_t shape[RESULT_RANK_MAX])
{
  double           t[TIMES_MAX];
  const int64_t    d = dimension_of(p), n = singularity_times(p, t), shots = p->snapshots.n;
  const int64_t    shapes[ARRAYS][RESULT_RANK_MAX] = {{shots, d, kept(p)}, {shots}, {n}, {n, 6}, {n, 6}, {n, d}, {d, kept(p)}};
  static const int ranks[ARRAYS]                   = {3, 1, 1, 2, 2, 2, 2};
  memcpy(shape, shapes[array], sizeof shapes[array]);
  const bool shot = array == TRAJECTORY || array == TRAJECTORY_TIME, field = array >= FIELD_TIME && array <= LAW_COMPONENT;
  if ((shot && !shots) || (field && !singularity_has_posterior(p))) return 0;
  return ranks[array];
}

static PetscErrorCode declare(const void *params_, int64_t every, ResultSchema *schema)
{
  const SingularityParams *p = params_;
  const TrainSpec          s = training_of(p);

  PetscFunctionBeginUser;
  for (int i = 0; i < METRICS; i++) PetscCall(result_schema_metric(schema, &metrics[i]));
  if (singularity_trains(p)) PetscCall(train_params_declare(&s, every, schema));
  for (int i = 0; i < ARRAYS; i++) {
    ArraySpec spec = array_specs[i];
    spec.type      = ARRAY_F64;
    spec.rank      = array_shape(p, i, spec.shape);
    if (spec.rank) PetscCall(result_schema_array(schema, &spec));
  }
  PetscFunctionReturn(0);
}

/* --- run --- */

/* Steps of the plan after which the state is nearest, in log t, to the snapshots' times. */
static void choose_shots(SingularityJob *j)
{
  const SingularityParams *p = j->params;
  const SamplerPlan       *s = j->plan;
  for (int i = 0; i < p->snapshots.n; i++) {
    const double t    = p->snapshots.value[i];
    int          best = t > 0 ? 0 : s->n_steps;
    for (int k = 1; t > 0 && k < s->n_steps; k++)
      if (fabs(log(s->step[k].t / t)) < fabs(log(s->step[best].t / t))) best = k;
    j->shot_step[i] = best;
  }
}

/* One classifier serves all trials. */
static PetscErrorCode find_classifier(SingularityJob *j, char error[256])
{
  char        directory[PARAM_TEXT_MAX];
  Classifier *made;

  PetscFunctionBeginUser;
  directory_of(j->params, directory);
  const uint64_t key = hash_text(hash_text(0, "classifier"), directory);
  j->classifier      = memo_find(key);
  if (j->classifier) PetscFunctionReturn(0);
  const Watch quiet = {.progress = j->watch->progress, .ctx = j->watch->ctx}; /* seconds; ranks need not agree */
  PetscCall(classifier_train(directory, 1, &quiet, &made, error));
  if (made) memo_put(key, made, classifier_destroy);
  j->classifier = made;
  PetscFunctionReturn(0);
}

static PetscErrorCode job_create(SingularityJob *j, char error[256])
{
  const SingularityParams *p = j->params;
  const int64_t            d = j->d;

  PetscFunctionBeginUser;
  PetscCall(make_target(p, &j->target, error));
  if (error[0]) PetscFunctionReturn(0);
  if (p->data == DATA_DIGITS) PetscCall(find_classifier(j, error));
  if (error[0]) PetscFunctionReturn(0);
  PetscCall(sampler_plan_create(&j->objective, (SamplerKind)p->sampler, (TimeGrid)p->grid, (int)p->sampler_steps, p->denoise, &j->plan));
  choose_shots(j);
  bool recorded = false;
  for (int64_t i = 0; i < j->batch->n; i++) recorded = recorded || j->batch->record[i];
  PetscCall(PetscMalloc3(d * p->samples, &j->start, d * p->samples, &j->x, recorded ? p->snapshots.n * d * p->samples : 0, &j->shots));
  PetscCall(result_columns(j->result, METRICS, metrics, j->column));
  if (singularity_trains(p)) PetscCall(net_create(&j->training.net, isa_level(), &j->net));
  PetscFunctionReturn(0);
}

static PetscErrorCode job_destroy(SingularityJob *j)
{
  PetscFunctionBeginUser;
  net_destroy(&j->net);
  sampler_plan_destroy(&j->plan);
  target_destroy(&j->target);
  PetscCall(PetscFree3(j->start, j->x, j->shots));
  PetscFunctionReturn(0);
}

/* The first kept particles of (rows, samples). */
static PetscErrorCode put_particles(SingularityJob *j, int array, int64_t row, int64_t rows, const float *x)
{
  const int64_t n = j->params->samples, m = kept(j->params);
  double       *out;

  PetscFunctionBeginUser;
  PetscCall(result_array(j->result, array_specs[array].name, row, (void **)&out));
  for (int64_t r = 0; out && r < rows; r++)
    for (int64_t i = 0; i < m; i++) out[r * m + i] = (double)x[r * n + i];
  PetscFunctionReturn(0);
}

static PetscErrorCode put_times(SingularityJob *j, int64_t row)
{
  double t[SHOTS_MAX];

  PetscFunctionBeginUser;
  for (int i = 0; i < j->params->snapshots.n; i++) t[i] = j->shot_step[i] < j->plan->n_steps ? j->plan->step[j->shot_step[i]].t : 0;
  PetscCall(result_put(j->result, array_specs[TRAJECTORY_TIME].name, row, j->params->snapshots.n, t));
  PetscFunctionReturn(0);
}

static PetscErrorCode sample(SingularityJob *j, int64_t row, bool *stopped)
{
  const SingularityParams *p      = j->params;
  const uint64_t           key    = j->batch->key[row];
  const Generator          g      = {j->plan, &j->objective, j->net, j->net ? NULL : j->target, NOISE_RANDOM};
  const SamplerRecord      record = {p->snapshots.n, j->shot_step, j->shots};
  const bool               shoot  = j->batch->record[row] && p->snapshots.n > 0;

  PetscFunctionBeginUser;
  const double begin = MPI_Wtime();
  sampler_start_normal(key, 0, j->d, p->samples, j->start);
  PetscCall(generator_run(j->comm, &g, key, j->d, p->samples, j->start, shoot ? &record : NULL, j->x, j->watch, stopped));
  if (*stopped) PetscFunctionReturn(0); /* a stopped row has no metric */
  j->column[SAMPLE_TIME][row] = MPI_Wtime() - begin;
  if (!j->batch->record[row]) PetscFunctionReturn(0);
  PetscCall(put_particles(j, SAMPLES, row, j->d, j->x));
  if (!shoot) PetscFunctionReturn(0);
  PetscCall(put_particles(j, TRAJECTORY, row, (int64_t)p->snapshots.n * j->d, j->shots));
  PetscCall(put_times(j, row));
  PetscFunctionReturn(0);
}

static PetscErrorCode finish_trial(void *ctx, int64_t row, bool *stopped)
{
  PetscFunctionBeginUser;
  PetscCall(sample(ctx, row, stopped));
  if (!*stopped) PetscCall(singularity_measure(ctx, row));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_trials(SingularityJob *j)
{
  const TrialsRun r       = {.comm       = j->comm,
                             .training   = &j->training,
                             .objective  = &j->objective,
                             .target     = j->target,
                             .points     = j->params->points,
                             .batch      = j->batch,
                             .watch      = j->watch,
                             .result     = j->result,
                             .net        = j->net,
                             .final_loss = j->column[FINAL_LOSS],
                             .train_time = j->column[TRAIN_TIME],
                             .finish     = finish_trial,
                             .ctx        = j};
  bool            stopped = false;

  PetscFunctionBeginUser;
  PetscCall(trials_run(&r, &stopped));
  PetscFunctionReturn(0);
}

/* A file that one rank cannot read fails the trial on all of them. */
static PetscErrorCode agree_on_error(MPI_Comm comm, char error[256])
{
  int failed = error[0] != '\0';

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, comm));
  if (failed && !error[0]) snprintf(error, 256, "another rank of the trial could not read the digits");
  PetscFunctionReturn(0);
}

static PetscErrorCode run(MPI_Comm comm, const TrialBatch *batch, RunControl *control, Result *result)
{
  const SingularityParams *p          = batch->params;
  const Watch              watch      = control_watch(control);
  char                     error[256] = "";
  SingularityJob           j          = {.comm      = comm,
                                         .params    = p,
                                         .batch     = batch,
                                         .d         = dimension_of(p),
                                         .objective = objective_of(p),
                                         .training  = training_of(p),
                                         .watch     = &watch,
                                         .result    = result};

  PetscFunctionBeginUser;
  PetscCall(job_create(&j, error));
  PetscCall(agree_on_error(comm, error));
  for (int64_t i = 0; i < batch->n && error[0]; i++) result_fail(result, i, "%s", error);
  if (!error[0]) PetscCall(run_trials(&j));
  PetscCall(job_destroy(&j));
  PetscFunctionReturn(0);
}

/* --- exact values --- */

/* Whether over [1e-5, 1e-3] the limit at X is reached: at the source's X in the plane. In space X lies 0.005 from the sphere, and from the
 * circle inside the torus to which all of the tube is equally near: there t must be much smaller. */
static bool reaches_limit(const SingularityParams *p)
{
  const bool plane = p->data == DATA_LINE || p->data == DATA_CURVE || p->data == DATA_FIVE_POINTS;
  return plane && dimension_of(p) == 2 && p->probe.n == 2 && p->probe.value[0] == 1 && p->probe.value[1] == -0.1;
}

/* Exponents of |target| as t -> 0, at fixed X off the manifold and for X ~ p_t; over [1e-5, 1e-3] they are reached to within 0.02. */
static PetscErrorCode reference(const void *params_, Reference *reference)
{
  static const double      fixed[] = {0, -1, -0.5, -1}, law[] = {0, -0.5, 0, -0.5};
  const SingularityParams *p = params_;

  PetscFunctionBeginUser;
  if (!singularity_has_posterior(p)) PetscFunctionReturn(0);
  if (reaches_limit(p)) reference_limit(reference, "exponent", fixed[p->target], 0.02);
  reference_limit(reference, "exponent_law", law[p->target], 0.02);
  PetscFunctionReturn(0);
}

const Experiment experiment_singularity = {
    .name        = "singularity",
    .summary     = "scores that blow up on submanifolds: CEM, SGM, DDPM, velocity",
    .source      = "Lu, Wang, Bal, arXiv 2301.07882; EAJAM 15 (2025) 669",
    .params      = params,
    .params_size = sizeof(SingularityParams),
    .parallel    = true,
    .max_ranks   = max_ranks,
    .merit_unit  = "training steps/s",
    .merit_work  = merit_work,
    .check       = check,
    .cost        = cost,
    .memory      = memory,
    .record_cost = record_cost,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
