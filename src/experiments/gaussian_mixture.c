/* SPDX-License-Identifier: BSD-2-Clause
 * Diffusion of a Gaussian mixture: schedules x regression targets x noise (Klepper, "Towards understanding Diffusion Models (on Graphs)",
 * 2023), any number of modes and dimensions. A network is trained, samples are drawn with its own sampler, and everything that can go wrong
 * is measured against the closed form; `posterior: exact` runs the same sampler on the exact posterior mean, so that what the sampler loses
 * and what the network loses come apart. Start points: N(0, I), and in the plane a grid. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control_watch.h"
#include "gaussian_mixture.h"
#include "hash.h"
#include "memo.h"
#include "rng.h"
#include "stats.h"

static const char *const task_names[]      = {"noise", "single_step", "whole_step", "score", NULL};
static const char *const posterior_names[] = {"network", "exact", NULL};
static const char *const distance_names[]  = {"energy", "all", NULL};

#define FIELD(name) offsetof(MixtureParams, name)
static const ParamSpec params[] = {
    {"dimension", PARAM_INT, FIELD(dimension), "2", 1, PARAM_LIST_MAX, 0, "1", NULL, NULL, NULL, "of the space"},
    {"means", PARAM_REAL_LIST, FIELD(means), "[-4, -4, 4, 4]", -1e6, 1e6, 0, "1", NULL, NULL, NULL,
     "mode after mode, `dimension` numbers each"},
    {"variances", PARAM_REAL_LIST, FIELD(variances), "[0.3, 0.1, 0.2, 0.2]", 0, 1e12, PARAM_OPEN_MIN, "1", NULL, NULL, NULL,
     "diagonals of the modes' covariances, mode after mode"},
    {"weights", PARAM_REAL_LIST, FIELD(weights), "[]", 0, 1e12, PARAM_OPEN_MIN | PARAM_MAY_BE_EMPTY, "1", NULL, NULL, NULL,
     "of the modes, in any unit; none: all alike"},
    {"points", PARAM_INT, FIELD(points), "10000", 1, 1e8, 0, "points", NULL, "posterior", "network",
     "training data, drawn anew in every trial"},
    {"schedule", PARAM_CHOICE, FIELD(schedule), "cosine", 0, 0, 0, "1", schedule_names, NULL, NULL, "of the noise"},
    {"diffusion_steps", PARAM_INT, FIELD(T), "100", 2, SCHEDULE_STEPS_MAX, 0, "steps", NULL, NULL, NULL, "T"},
    {"task", PARAM_CHOICE, FIELD(task), "noise", 0, 0, 0, "1", task_names, NULL, NULL,
     "what is predicted, and with it the sampler: eps, the posterior mean of x_{t-1}, x_0, or -eps/s with weight s^2"},
    {"noise", PARAM_CHOICE, FIELD(noise), "random", 0, 0, 0, "1", noise_names, "posterior", "network",
     "in training: drawn, or from the decimal digits of the data"},
    {"sampler_noise", PARAM_CHOICE, FIELD(sampler_noise), "random", 0, 0, 0, "1", noise_names, NULL, NULL,
     "in sampling: drawn, or from the decimal digits of the start point"},
    {"posterior", PARAM_CHOICE, FIELD(posterior), "network", 0, 0, 0, "1", posterior_names, NULL, NULL,
     "what the sampler is fed with: a trained network, or the exact posterior mean"},
    {"epochs", PARAM_INT, FIELD(epochs), "50", 1, 1e9, 0, "1", NULL, "posterior", "network", "passes over the data"},
    TRAIN_PARAMS(MixtureParams, "posterior", "network", "2", "20", 1, "relu", "plain", "64", ""),
    {"samples", PARAM_INT, FIELD(samples), "10000", 1, 1e8, 0, "points", NULL, NULL, NULL, "drawn from N(0, I) in every trial"},
    {"grid_side", PARAM_INT, FIELD(grid_side), "100", 0, 10000, 0, "points", NULL, NULL, NULL,
     "side x side start points on [-grid_half, grid_half]^2 besides (dimension 2); 0: none"},
    {"grid_half", PARAM_REAL, FIELD(grid_half), "7", 0, 1e6, PARAM_OPEN_MIN, "1", NULL, NULL, NULL, "half the side of the grids"},
    {"field_samples", PARAM_INT, FIELD(field_samples), "200", 1, 1e6, 0, "points", NULL, "posterior", "network",
     "of p_t at every t, at which the network is compared with the exact posterior mean"},
    {"metric_samples", PARAM_INT, FIELD(metric_samples), "2000", 2, 1e6, 0, "points", NULL, NULL, NULL,
     "of the samples, and of fresh data, that distances between laws are computed from"},
    {"distances", PARAM_CHOICE, FIELD(distances), "energy", 0, 0, PARAM_EXECUTION, "1", distance_names, NULL, NULL,
     "between samples and fresh data: the energy distance alone, or the sliced and the exact Wasserstein distance and MMD as well"},
    {"snapshots", PARAM_INT_LIST, FIELD(snapshots), "[99, 54, 36, 18, 0]", 0, SCHEDULE_STEPS_MAX, PARAM_EXECUTION | PARAM_MAY_BE_EMPTY,
     "steps", NULL, NULL, NULL, "t at which a recorded trial keeps all particles and the field, falling"},
    {0},
};

static const double inside_probability = 0.9999;

static ObjectiveSpec objective_of(const MixtureParams *p)
{
  static const Prediction prediction[] = {PREDICT_NOISE, PREDICT_MEAN, PREDICT_DATA, PREDICT_SCORE};
  return (ObjectiveSpec){.prediction = prediction[p->task],
                         .weighting  = WEIGHTING_OWN,
                         .noise      = (NoiseKind)p->noise,
                         .T          = (int)p->T,
                         .schedule   = (ScheduleKind)p->schedule,
                         .batch      = (int)p->train.batch};
}

static int64_t steps_of(const MixtureParams *p) { return p->epochs * PetscMax(p->points / p->train.batch, 1); }

static TrainSpec training_of(const MixtureParams *p)
{
  return train_params_spec(&p->train, (int)p->dimension, (int)p->dimension, steps_of(p));
}

/* --- rules --- */

static void check(const void *params_, Diagnostics *d)
{
  const MixtureParams *p = params_;
  const int64_t        n = p->means.n;
  if (n == 0 || n % p->dimension)
    diagnostics_parameter(d, "means", "means holds %lld numbers, which is no multiple of dimension %lld", (long long)n,
                          (long long)p->dimension);
  if (p->variances.n != n)
    diagnostics_parameter(d, "variances", "variances holds %d numbers, means holds %lld", p->variances.n, (long long)n);
  if (p->weights.n && p->weights.n * p->dimension != n)
    diagnostics_parameter(d, "weights", "weights holds %d numbers for %lld modes", p->weights.n, (long long)(n / p->dimension));
  for (int i = 0; i < p->snapshots.n; i++) {
    if (p->snapshots.value[i] > p->T)
      diagnostics_parameter(d, "snapshots", "snapshots: t = %lld is beyond diffusion_steps %lld", (long long)p->snapshots.value[i],
                            (long long)p->T);
    if (i > 0 && p->snapshots.value[i] >= p->snapshots.value[i - 1])
      diagnostics_parameter(d, "snapshots", "snapshots must fall, from noise to data");
  }
  if (mixture_trains(p) && p->train.batch > p->points)
    diagnostics_parameter(d, "batch", "batch %lld is larger than the %lld points", (long long)p->train.batch, (long long)p->points);
  if (mixture_trains(p) && steps_of(p) > (int64_t)1e9)
    diagnostics_parameter(d, "epochs", "%lld training steps; at most 1e9 have random numbers of their own", (long long)steps_of(p));
  train_params_check(&p->train, d);
}

/* --- cost --- */

/* Seconds a pair of points, a comparison of the field, an exact posterior mean of a mode: rough. */
static double metric_seconds(const MixtureParams *p)
{
  const double m = (double)PetscMin(p->metric_samples, p->samples);
  return 3 * m * m * 0.4e-9 + (p->distances == DISTANCES_ALL ? 3 * m * m * 1e-9 + SLICES * m * 3e-7 + 0.04 : 0);
}

/* Points, over all t, at which the network is compared with the exact field. */
static double field_points(const MixtureParams *p)
{
  return (double)p->T * ((double)p->field_samples + (p->dimension == 2 ? FIELD_SIDE * FIELD_SIDE : 0));
}

static double cost(const void *params_)
{
  const MixtureParams *p         = params_;
  const TrainSpec      s         = training_of(p);
  const double         particles = (double)p->samples + (mixture_has_grid(p) ? (double)(p->grid_side * p->grid_side) : 0);
  double               seconds   = metric_seconds(p) + 4e-8 * (double)(p->points + p->samples) * (double)p->dimension;
  if (!mixture_trains(p)) return seconds + particles * (double)p->T * mixture_modes(p) * (double)p->dimension * 6e-9;
  seconds += field_points(p) * (net_flops(&s.net) * 1e-11 + 5e-9 * (double)p->dimension);
  if (p->noise == NOISE_DETERMINISTIC) seconds += 5e-9 * (double)p->points * (double)(p->T * p->dimension);
  seconds += (double)s.steps * train_step_seconds(&s, (int)p->dimension, (int)p->train.batch);
  return seconds + net_flops(&s.net) * 1e-11 * particles * (double)p->T + 3e-9 * particles * (double)(p->T * p->dimension);
}

/* Data (and the digits of all their noise) of the trials that are trained side by side, particles, and field. */
static double memory(const void *params_)
{
  const MixtureParams *p = params_;
  const TrainSpec      s = training_of(p);
  const double         d = (double)p->dimension, points = (double)p->points, shots = p->snapshots.n;
  const double         grid      = mixture_has_grid(p) ? (double)(p->grid_side * p->grid_side) : 0;
  const double         particles = d * ((double)p->samples + grid) * (12 + 4 * shots);
  if (!mixture_trains(p)) return particles;
  const double together = train_seeds_in_lanes(&s, (int)p->train.batch) ? NET_LANES : 1;
  const double digits   = p->noise == NOISE_DETERMINISTIC ? 4 * points * (double)p->T * (together * d + 1) : 0;
  return particles + d * points * (8 + 4 * together) + digits + 12 * d * field_points(p) + train_params_memory(&s);
}

static double record_cost(const void *params_, int64_t every)
{
  const MixtureParams *p = params_;
  const TrainSpec      s = training_of(p);
  return 0.01 + (mixture_trains(p) ? train_params_record_cost(&s, (int)p->dimension, (int)p->train.batch, every) : 0);
}

static double merit_work(const void *params_)
{
  const MixtureParams *p = params_;
  return mixture_trains(p) ? (double)steps_of(p) : 0;
}

static int max_ranks(const void *params_)
{
  const MixtureParams *p = params_;
  const TrainSpec      s = training_of(p);
  return train_params_max_ranks(&s, (int)p->train.batch);
}

/* --- declaration --- */

/* In that order. */
static const MetricSpec metrics[METRICS] = {
    {"energy_distance", "1", "energy distance", "2 E|X-Y| - E|X-X'| - E|Y-Y'| of samples X and fresh data Y",
     "U-statistics of metric_samples each", METRIC_REAL, 0},
    {"sliced_wasserstein", "1", "sliced Wasserstein distance", "mean W1 of samples and fresh data over random directions",
     "64 directions, metric_samples points each", METRIC_REAL, 0},
    {"wasserstein", "1", "Wasserstein distance", "W1 of samples and fresh data by optimal assignment",
     "the first 512 samples and 512 fresh points", METRIC_REAL, EXACT_MAX},
    {"mmd", "1", "maximum mean discrepancy", "squared, Gaussian kernels of width 1/4, 1 and 4", "U-statistics of metric_samples each",
     METRIC_REAL, 0},
    {"outside", "1", "samples between the modes", "fraction outside the 99.99 % ellipse of every mode", "all samples", METRIC_REAL, 0},
    {"variance_ratio", "1", "variance generated / true", "inside the ellipses, mean over modes and axes", "all samples inside", METRIC_REAL,
     0},
    {"weight_error", "1", "error of the modes' weights", "largest |share of samples - weight|, by the nearest mode", "all samples",
     METRIC_REAL, 0},
    {"information", "bit", "positional bias", "mutual information of the mode nearest to the start and the final one, start N(0, I)",
     "plug-in, Miller and Madow's correction, all samples", METRIC_REAL, 0},
    {"information_grid", "bit", "positional bias, grid", "the same for starts on the grid",
     "plug-in, Miller and Madow's correction, all grid points", METRIC_REAL, 0},
    {"steps_lost", "1", "steps without information", "fraction of the steps with signal-to-noise ratio abar/(1 - abar) < 0.01", "value",
     METRIC_REAL, 0},
    {"data_error", "1", "error of E[x_0|x_t]", "root mean square over t and p_t of the network's x0-hat against the exact one",
     "field_samples of p_t at every t", METRIC_REAL, 0},
    {"noise_error", "1", "error of eps", "the same of eps-hat", "field_samples of p_t at every t", METRIC_REAL, 0},
    {"score_error", "1", "error of the score", "the same of the score", "field_samples of p_t at every t", METRIC_REAL, 0},
    {"data_error_grid", "1", "error of E[x_0|x_t], grid", "root mean square over t and the 41 x 41 grid", "41 x 41 points at every t",
     METRIC_REAL, FIELD_SIDE *FIELD_SIDE},
    {"noise_error_grid", "1", "error of eps, grid", "the same of eps-hat", "41 x 41 points at every t", METRIC_REAL,
     FIELD_SIDE *FIELD_SIDE},
    {"score_error_grid", "1", "error of the score, grid", "the same of the score", "41 x 41 points at every t", METRIC_REAL,
     FIELD_SIDE *FIELD_SIDE},
    {"final_loss", "1", "training loss", "mean of the last 100 steps", "mean over steps", METRIC_REAL, 0},
    {"train_time", "s", "training time", "of this trial; trained side by side: its share", "wall clock", METRIC_CLOCK, 0},
    {"sample_time", "s", "sampling time", "all particles of this trial", "wall clock", METRIC_CLOCK, 0},
    {"measure_time", "s", "time of the measures", "distances, errors of the field", "wall clock", METRIC_CLOCK, 0},
};

static const ArraySpec array_specs[ARRAYS] = {
    {.name = "start", .unit = "1", .long_name = "start points", .description = "N(0, I); (dimension, samples)"},
    {.name        = "trajectory",
     .unit        = "1",
     .long_name   = "particles from N(0, I)",
     .description = "x_t at the snapshots' t; (snapshots, dimension, samples)"},
    {.name = "start_grid", .unit = "1", .long_name = "start points of the grid", .description = "(2, grid_side^2), y slowest"},
    {.name        = "trajectory_grid",
     .unit        = "1",
     .long_name   = "particles from the grid",
     .description = "x_t at the snapshots' t; (snapshots, 2, grid_side^2)"},
    {.name        = "field_data",
     .unit        = "1",
     .long_name   = "learned E[x_0|x_t]",
     .description = "x0-hat on the 41 x 41 grid at the snapshots' t, at least 1; (snapshots, 2, 1681)"},
    {.name = "field_exact", .unit = "1", .long_name = "exact E[x_0|x_t]", .description = "the same in closed form"},
    {.name = "signal", .unit = "1", .long_name = "signal", .description = "abar_t, t = 0..T"},
    {.name        = "field_error",
     .unit        = "1",
     .long_name   = "errors of the field in L2(p_t)",
     .description = "of x0-hat, eps-hat, score at t = 1..T; then the L2(p_t) norms of the exact ones; (T, 6)"},
    {.name        = "field_error_grid",
     .unit        = "1",
     .long_name   = "errors of the field on the grid",
     .description = "of x0-hat, eps-hat, score at t = 1..T; (T, 3)"},
    {.name        = "mode_weight",
     .unit        = "1",
     .long_name   = "weights of the modes",
     .description = "share of samples inside each mode's ellipse; (modes)"},
    {.name = "mode_mean", .unit = "1", .long_name = "means of the modes", .description = "of samples inside; (modes, dimension)"},
    {.name        = "mode_covariance",
     .unit        = "1",
     .long_name   = "covariances of the modes",
     .description = "of samples inside; (modes, dimension, dimension)"},
};

const char *mixture_array_name(int array) { return array_specs[array].name; }

/* Shape and rank of an array; rank 0: this point has none. */
static int array_shape(const MixtureParams *p, int array, int64_t shape[RESULT_RANK_MAX])
{
  const int64_t    d = p->dimension, shots = p->snapshots.n, n = p->samples, g = p->grid_side * p->grid_side, k = mixture_modes(p);
  const int64_t    shapes[ARRAYS][RESULT_RANK_MAX] = {{d, n},
                                                      {shots, d, n},
                                                      {2, g},
                                                      {shots, 2, g},
                                                      {shots, 2, FIELD_SIDE * FIELD_SIDE},
                                                      {shots, 2, FIELD_SIDE * FIELD_SIDE},
                                                      {p->T + 1},
                                                      {p->T, 6},
                                                      {p->T, 3},
                                                      {k},
                                                      {k, d},
                                                      {k, d, d}};
  static const int ranks[ARRAYS]                   = {2, 3, 2, 3, 3, 3, 1, 2, 2, 1, 2, 3};
  memcpy(shape, shapes[array], sizeof shapes[array]);
  const bool grid = array == START_GRID || array == TRAJECTORY_GRID, field = array == FIELD_DATA || array == FIELD_EXACT;
  if (grid && !mixture_has_grid(p)) return 0;
  if ((field || array == FIELD_ERROR_GRID) && d != 2) return 0;
  if ((array == FIELD_DATA || array == FIELD_ERROR || array == FIELD_ERROR_GRID || array == FIELD_EXACT) && !mixture_trains(p)) return 0;
  if ((array == TRAJECTORY || array == TRAJECTORY_GRID || field) && shots == 0) return 0;
  return ranks[array];
}

static PetscErrorCode declare(const void *params_, int64_t every, ResultSchema *schema)
{
  const MixtureParams *p = params_;
  const TrainSpec      s = training_of(p);

  PetscFunctionBeginUser;
  for (int i = 0; i < METRICS; i++) PetscCall(result_schema_metric(schema, &metrics[i]));
  if (mixture_trains(p)) PetscCall(train_params_declare(&s, every, schema));
  for (int i = 0; i < ARRAYS; i++) {
    ArraySpec spec = array_specs[i];
    spec.type      = ARRAY_F64;
    spec.rank      = array_shape(p, i, spec.shape);
    if (spec.rank) PetscCall(result_schema_array(schema, &spec));
  }
  PetscFunctionReturn(0);
}

/* --- run --- */

/* The comparison points depend on law, schedule and sizes alone: one set serves all trials of a point. */
static const uint64_t field_key = 0x6578616374666c64; /* the points are no trial's */

static PetscErrorCode make_field(MixtureJob *j, ExactField **out)
{
  const MixtureParams *p      = j->params;
  const int            n_grid = p->dimension == 2 ? FIELD_SIDE * FIELD_SIDE : 0;
  double              *t, *grid;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(p->T, &t, 2 * n_grid, &grid));
  for (int64_t k = 0; k < p->T; k++) t[k] = (double)(k + 1);
  if (n_grid) sampler_start_grid(FIELD_SIDE, p->grid_half, 0, n_grid, grid);
  PetscCall(exact_field_create(j->target, &j->objective, field_key, (int)p->T, t, (int)p->field_samples, n_grid, grid, out));
  PetscCall(PetscFree2(t, grid));
  PetscFunctionReturn(0);
}

static PetscErrorCode find_field(MixtureJob *j)
{
  const MixtureParams *p      = j->params;
  const int64_t        what[] = {p->dimension, p->means.n, p->T, p->field_samples, p->schedule, p->task};
  uint64_t             key    = hash_bytes(hash_text(0, "gaussian_mixture"), what, sizeof what);
  ExactField          *made;

  PetscFunctionBeginUser;
  key      = hash_bytes(key, p->means.value, (size_t)p->means.n * sizeof *p->means.value);
  key      = hash_bytes(key, p->variances.value, (size_t)p->variances.n * sizeof *p->variances.value);
  key      = hash_bytes(key, p->weights.value, (size_t)p->weights.n * sizeof *p->weights.value);
  key      = hash_bytes(key, &p->grid_half, sizeof p->grid_half);
  j->field = memo_find(key);
  if (j->field) PetscFunctionReturn(0);
  PetscCall(make_field(j, &made));
  memo_put(key, made, exact_field_destroy);
  j->field = made;
  PetscFunctionReturn(0);
}

static PetscErrorCode job_create(MixtureJob *j)
{
  const MixtureParams *p = j->params;
  const int64_t        d = p->dimension, g = mixture_has_grid(p) ? p->grid_side * p->grid_side : 0, most = PetscMax(p->samples, g);
  const MixtureSpec    spec = {.modes    = mixture_modes(p),
                               .d        = (int)d,
                               .mean     = p->means.value,
                               .variance = p->variances.value,
                               .weight   = p->weights.n ? p->weights.value : NULL};

  PetscFunctionBeginUser;
  PetscCall(target_mixture(&spec, &j->target));
  PetscCall(sampler_plan_create(&j->objective, SAMPLER_ANCESTRAL, GRID_UNIFORM, (int)p->T, false, &j->plan));
  PetscCall(PetscMalloc4(d * p->samples, &j->start, 2 * g, &j->start_grid, d * p->samples, &j->x, 2 * g, &j->x_grid));
  bool recorded = false;
  for (int64_t i = 0; i < j->batch->n; i++) recorded = recorded || j->batch->record[i];
  PetscCall(PetscMalloc3(d * p->metric_samples, &j->fresh, recorded ? p->snapshots.n * d * most : 0, &j->shots, most, &j->label));
  if (g) sampler_start_grid((int)p->grid_side, p->grid_half, 0, g, j->start_grid);
  j->ellipse = stats_chi2_quantile(inside_probability, (double)d);
  PetscCall(result_columns(j->result, METRICS, metrics, j->column));
  if (!mixture_trains(p)) PetscFunctionReturn(0);
  PetscCall(find_field(j));
  PetscCall(net_create(&j->training.net, isa_level(), &j->net));
  PetscFunctionReturn(0);
}

static PetscErrorCode job_destroy(MixtureJob *j)
{
  PetscFunctionBeginUser;
  net_destroy(&j->net);
  sampler_plan_destroy(&j->plan);
  target_destroy(&j->target);
  PetscCall(PetscFree4(j->start, j->start_grid, j->x, j->x_grid));
  PetscCall(PetscFree3(j->fresh, j->shots, j->label));
  PetscFunctionReturn(0);
}

/* --- sampling --- */

/* Draws n particles, recorded into array `start_array` + 1 when the row is. */
static PetscErrorCode draw(MixtureJob *j, int64_t row, uint64_t key, int start_array, int64_t n, const double *start, float *x,
                           bool *stopped)
{
  const MixtureParams *p     = j->params;
  const int64_t        d     = p->dimension;
  const Generator      g     = {j->plan, &j->objective, j->net, mixture_trains(p) ? NULL : j->target, (NoiseKind)p->sampler_noise};
  const bool           shoot = j->batch->record[row] && p->snapshots.n > 0;
  int                  step[SHOTS_MAX];

  PetscFunctionBeginUser;
  for (int k = 0; k < p->snapshots.n; k++) step[k] = (int)(p->T - p->snapshots.value[k]);
  const SamplerRecord record = {p->snapshots.n, step, j->shots};
  PetscCall(generator_run(j->comm, &g, key, (int)d, n, start, shoot ? &record : NULL, x, j->watch, stopped));
  if (*stopped || !j->batch->record[row]) PetscFunctionReturn(0);
  PetscCall(result_put(j->result, array_specs[start_array].name, row, d * n, start));
  if (shoot) PetscCall(result_put_floats(j->result, array_specs[start_array + 1].name, row, p->snapshots.n * d * n, j->shots));
  PetscFunctionReturn(0);
}

static PetscErrorCode sample(MixtureJob *j, int64_t row, bool *stopped)
{
  const MixtureParams *p   = j->params;
  const uint64_t       key = j->batch->key[row];

  PetscFunctionBeginUser;
  const double begin = MPI_Wtime();
  sampler_start_normal(key, 0, (int)p->dimension, p->samples, j->start);
  PetscCall(draw(j, row, key, START, p->samples, j->start, j->x, stopped));
  /* Particles of the grid have other noise than those from N(0, I). */
  if (mixture_has_grid(p) && !*stopped)
    PetscCall(draw(j, row, hash_u64(key, START_GRID), START_GRID, p->grid_side * p->grid_side, j->start_grid, j->x_grid, stopped));
  if (!*stopped) j->column[SAMPLE_TIME][row] = MPI_Wtime() - begin; /* a stopped row has no metric */
  PetscFunctionReturn(0);
}

/* --- a trial --- */

static PetscErrorCode finish_trial(void *ctx, int64_t row, bool *stopped)
{
  PetscFunctionBeginUser;
  PetscCall(sample(ctx, row, stopped));
  if (!*stopped) PetscCall(mixture_measure(ctx, row));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_trials(MixtureJob *j)
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

static PetscErrorCode run(MPI_Comm comm, const TrialBatch *batch, RunControl *control, Result *result)
{
  const MixtureParams *p     = batch->params;
  const Watch          watch = control_watch(control);
  MixtureJob           j     = {.comm      = comm,
                                .params    = p,
                                .batch     = batch,
                                .objective = objective_of(p),
                                .training  = training_of(p),
                                .watch     = &watch,
                                .result    = result};

  PetscFunctionBeginUser;
  PetscCall(job_create(&j));
  PetscCall(run_trials(&j));
  PetscCall(job_destroy(&j));
  PetscFunctionReturn(0);
}

/* --- exact values --- */

static PetscErrorCode reference(const void *params_, Reference *reference)
{
  const MixtureParams *p = params_;
  double              *abar;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p->T + 1, &abar));
  reference_sure(reference, "steps_lost", mixture_steps_lost(p, abar));
  PetscCall(PetscFree(abar));
  PetscFunctionReturn(0);
}

const Experiment experiment_gaussian_mixture = {
    .name        = "gaussian_mixture",
    .summary     = "schedules x regression targets x noise on a Gaussian mixture, against the closed form",
    .source      = "Klepper, Towards understanding Diffusion Models (on Graphs), 2023",
    .params      = params,
    .params_size = sizeof(MixtureParams),
    .parallel    = true,
    .max_ranks   = max_ranks,
    .merit_unit  = "training steps/s",
    .merit_work  = merit_work,
    .check       = check,
    .cost        = cost,
    .record_cost = record_cost,
    .memory      = memory,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
