/* SPDX-License-Identifier: BSD-2-Clause
 * What a trial of gaussian_mixture measures: distances to fresh data, where the samples lie, positional bias, errors of the learned field.
 * */
#include <math.h>
#include <string.h>

#include "gaussian_mixture.h"
#include "metrics.h"

static const double lost_snr = 0.01;

static PetscErrorCode put(const MixtureJob *j, int array, int64_t row, int64_t n, const double *value)
{
  PetscFunctionBeginUser;
  PetscCall(result_put(j->result, mixture_array_name(array), row, n, value));
  PetscFunctionReturn(0);
}

static void point_of(int d, int64_t n, const float *x, int64_t i, double *point)
{
  for (int k = 0; k < d; k++) point[k] = (double)x[k * n + i];
}

static int nearest_mean(const MixtureSpec *m, const double *x)
{
  int    best     = 0;
  double distance = INFINITY;
  for (int k = 0; k < m->modes; k++) {
    double sum = 0;
    for (int i = 0; i < m->d; i++) sum += (x[i] - m->mean[k * m->d + i]) * (x[i] - m->mean[k * m->d + i]);
    if (sum < distance) {
      distance = sum;
      best     = k;
    }
  }
  return best;
}

/* Mutual information of the mode nearest to the start and the final mode. */
static double positional_bias(const MixtureJob *j, int64_t n, const double *start, const float *x)
{
  const MixtureSpec *m = target_mixture_spec(j->target);
  double             point[PARAM_LIST_MAX], unused;
  int64_t            count[PARAM_LIST_MAX * PARAM_LIST_MAX] = {0};
  for (int64_t i = 0; i < n; i++) {
    for (int k = 0; k < m->d; k++) point[k] = start[k * n + i];
    const int from = nearest_mean(m, point);
    point_of(m->d, n, x, i, point);
    count[from * m->modes + target_mode(j->target, point, &unused)]++;
  }
  return metric_mutual_information(m->modes, m->modes, count);
}

static bool in_ellipse(const MixtureSpec *m, int mode, const double *x, double square)
{
  double sum = 0;
  for (int i = 0; i < m->d; i++) {
    const double u = x[i] - m->mean[mode * m->d + i];
    sum += u * u / m->variance[mode * m->d + i];
  }
  return sum <= square;
}

/* Where the samples lie: outside of all ellipses, shares and moments of those inside. */
static PetscErrorCode measure_modes(MixtureJob *j, int64_t row)
{
  const MixtureSpec *m = target_mixture_spec(j->target);
  const int64_t      n = j->params->samples;
  const int          d = m->d;
  double             point[PARAM_LIST_MAX], share[PARAM_LIST_MAX] = {0}, *weight, *mean, *covariance, ratio = 0, error = 0;
  int64_t            outside = 0;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < n; i++) {
    double radius;
    point_of(d, n, j->x, i, point);
    const int mode = target_mode(j->target, point, &radius);
    share[mode] += 1.0 / (double)n;
    j->label[i] = radius <= j->ellipse ? mode : -1;
    bool inside = j->label[i] >= 0; /* modes that overlap: in another one's ellipse than that of the likeliest */
    for (int k = 0; k < m->modes && !inside; k++) inside = in_ellipse(m, k, point, j->ellipse);
    outside += !inside;
  }
  PetscCall(PetscMalloc3(m->modes, &weight, m->modes * d, &mean, m->modes * d * d, &covariance));
  metric_labelled_moments(d, n, j->x, m->modes, j->label, weight, mean, covariance);
  int counted = 0;
  for (int k = 0; k < m->modes; k++) {
    error = fmax(error, fabs(share[k] - m->weight[k]));
    for (int i = 0; i < d; i++) {
      const double v = covariance[(k * d + i) * d + i] / m->variance[k * d + i];
      if (isnan(v)) continue;
      ratio += v;
      counted++;
    }
  }
  j->column[OUTSIDE][row]        = (double)outside / (double)n;
  j->column[VARIANCE_RATIO][row] = counted ? ratio / counted : NAN;
  j->column[WEIGHT_ERROR][row]   = error;
  if (j->batch->record[row]) {
    PetscCall(put(j, MODE_WEIGHT, row, m->modes, weight));
    PetscCall(put(j, MODE_MEAN, row, m->modes * d, mean));
    PetscCall(put(j, MODE_COVARIANCE, row, m->modes * d * d, covariance));
  }
  PetscCall(PetscFree3(weight, mean, covariance));
  PetscFunctionReturn(0);
}

/* The first m samples as a cloud of their own. */
static void first_of(int d, int64_t n, const float *x, int64_t m, float *out)
{
  for (int k = 0; k < d; k++) memcpy(out + k * m, x + k * n, (size_t)m * sizeof *out);
}

static PetscErrorCode measure_distances(MixtureJob *j, int64_t row)
{
  static const double  width[] = {0.25, 1, 4};
  const MixtureParams *p       = j->params;
  const int            d       = (int)p->dimension;
  const int64_t        m = p->metric_samples, k = PetscMin(p->samples, m), small = PetscMin(k, EXACT_MAX);
  double              *data;
  float               *few, *fewer;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(d * m, &data, d * k, &few, d * small, &fewer));
  target_sample(j->target, j->batch->key[row], 1, m, data);
  for (int64_t i = 0; i < d * m; i++) j->fresh[i] = (float)data[i];
  first_of(d, p->samples, j->x, k, few);
  j->column[ENERGY][row] = metric_energy_distance(isa_level(), d, k, few, m, j->fresh, NULL);
  if (p->distances == DISTANCES_ALL) {
    j->column[SLICED][row] = metric_sliced_wasserstein(d, k, few, m, j->fresh, SLICES, j->batch->key[row]);
    j->column[MMD][row]    = metric_mmd(isa_level(), d, k, few, m, j->fresh, 3, width);
    first_of(d, k, few, small, fewer);
    first_of(d, m, j->fresh, small, few);
    j->column[WASSERSTEIN][row] = metric_wasserstein_exact(d, small, fewer, few);
  }
  PetscCall(PetscFree3(data, few, fewer));
  PetscFunctionReturn(0);
}

/* Root mean squares over points [first, last) of the errors of x0-hat, eps-hat and score at time k. */
static void errors_of(const ExactField *f, int k, const float *out, int first, int last, double error[3])
{
  const Coefficients *c    = &f->c[k];
  double              data = 0;
  for (int j = 0; j < f->d; j++) data += exact_field_error(f, k, out, j, first, last).data;
  error[0] = sqrt(data);
  error[1] = error[0] * c->a / c->s;
  error[2] = error[1] / c->s;
}

/* L2(p_t) norms of E[x_0|x_t], of eps* = (x - a f)/s and of the score. */
static void norms_of(const ExactField *f, int k, double norm[3])
{
  const Coefficients *c    = &f->c[k];
  double              data = 0, noise = 0;
  for (int j = 0; j < f->d; j++)
    for (int i = 0; i < f->n_samples; i++) {
      const int64_t at  = ((int64_t)k * f->d + j) * f->stride + i;
      const double  eps = ((double)f->x[at] - c->a * f->f[at]) / c->s;
      data += f->f[at] * f->f[at];
      noise += eps * eps;
    }
  norm[0] = sqrt(data / f->n_samples);
  norm[1] = sqrt(noise / f->n_samples);
  norm[2] = norm[1] / c->s;
}

/* x0-hat on the grid at time k: (d, n_given). */
static void grid_data(const ExactField *f, int k, const float *out, double *data)
{
  for (int j = 0; j < f->d; j++)
    for (int i = 0; i < f->n_given; i++) {
      const int64_t at                  = (int64_t)j * f->stride + f->n_samples + i;
      data[(int64_t)j * f->n_given + i] = objective_data(&f->c[k], (double)f->x[(int64_t)k * f->d * f->stride + at], (double)out[at]);
    }
}

/* The learned field and the exact one on the grid at the snapshots' times. */
static PetscErrorCode put_fields(MixtureJob *j, int64_t row, float *out)
{
  const MixtureParams *p    = j->params;
  const int64_t        size = 2 * FIELD_SIDE * FIELD_SIDE, shots = p->snapshots.n;
  double              *data;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(shots * size, &data));
  for (int exact = 0; exact < 2; exact++) {
    for (int64_t i = 0; i < shots; i++) {
      const int k = (int)PetscMax(1, p->snapshots.value[i]) - 1;
      PetscCall(exact_field_run(j->field, exact ? NULL : j->net, k, out));
      grid_data(j->field, k, out, data + i * size);
    }
    PetscCall(put(j, exact ? FIELD_EXACT : FIELD_DATA, row, shots * size, data));
  }
  PetscCall(PetscFree(data));
  PetscFunctionReturn(0);
}

static PetscErrorCode measure_field(MixtureJob *j, int64_t row)
{
  const ExactField *f = j->field;
  const int         T = f->n_times;
  double           *errors, *grid, sum[6] = {0};
  float            *out;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(6 * T, &errors, 3 * T, &grid, f->d * f->stride, &out));
  for (int k = 0; k < T; k++) {
    PetscCall(exact_field_run(f, j->net, k, out));
    errors_of(f, k, out, 0, f->n_samples, errors + 6 * k);
    errors_of(f, k, out, f->n_samples, f->n, grid + 3 * k);
    norms_of(f, k, errors + 6 * k + 3);
    for (int i = 0; i < 3; i++) {
      sum[i] += errors[6 * k + i] * errors[6 * k + i];
      sum[3 + i] += grid[3 * k + i] * grid[3 * k + i];
    }
  }
  for (int i = 0; i < 6; i++) j->column[DATA_ERROR + i][row] = sqrt(sum[i] / T);
  if (j->batch->record[row]) {
    PetscCall(put(j, FIELD_ERROR, row, 6 * T, errors));
    if (f->n_given) PetscCall(put(j, FIELD_ERROR_GRID, row, 3 * T, grid));
    if (f->n_given && j->params->snapshots.n) PetscCall(put_fields(j, row, out));
  }
  PetscCall(PetscFree3(errors, grid, out));
  PetscFunctionReturn(0);
}

/* Fraction of the steps whose signal-to-noise ratio is below lost_snr. */
double mixture_steps_lost(const MixtureParams *p, double *abar)
{
  int64_t lost = 0;
  schedule_fill((ScheduleKind)p->schedule, (int)p->T, NULL, abar);
  for (int64_t t = 1; t <= p->T; t++) lost += abar[t] < lost_snr * (1 - abar[t]);
  return (double)lost / (double)p->T;
}

static PetscErrorCode measure_schedule(MixtureJob *j, int64_t row)
{
  double *abar;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(j->params->T + 1, &abar));
  j->column[STEPS_LOST][row] = mixture_steps_lost(j->params, abar);
  if (j->batch->record[row]) PetscCall(put(j, SIGNAL, row, j->params->T + 1, abar));
  PetscCall(PetscFree(abar));
  PetscFunctionReturn(0);
}

PetscErrorCode mixture_measure(MixtureJob *j, int64_t row)
{
  const MixtureParams *p = j->params;
  int                  rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(j->comm, &rank));
  const double  begin = MPI_Wtime();
  const int64_t g     = mixture_has_grid(p) ? p->grid_side * p->grid_side : 0;
  if (!floats_finite(p->dimension * p->samples, j->x) || !floats_finite(2 * g, j->x_grid)) { /* on all ranks alike: they agree on states */
    result_fail(j->result, row, "a sample is not finite");
    PetscFunctionReturn(0);
  }
  if (rank != 0) PetscFunctionReturn(0); /* rank 0 of the group stores the row */
  PetscCall(measure_schedule(j, row));
  PetscCall(measure_distances(j, row));
  PetscCall(measure_modes(j, row));
  j->column[INFORMATION][row] = positional_bias(j, p->samples, j->start, j->x);
  if (g) j->column[INFORMATION_GRID][row] = positional_bias(j, g, j->start_grid, j->x_grid);
  if (mixture_trains(p)) PetscCall(measure_field(j, row));
  j->column[MEASURE_TIME][row] = MPI_Wtime() - begin;
  PetscFunctionReturn(0);
}
