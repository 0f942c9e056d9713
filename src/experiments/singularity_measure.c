/* SPDX-License-Identifier: BSD-2-Clause
 * What a trial of singularity measures: errors at a point and in L2(p_t), blow-up exponents, distance to the manifold and the law along it,
 * and of digits novelty and the Frechet distance. */
#include <math.h>
#include <string.h>

#include "metrics.h"
#include "singularity.h"

enum { OWN = 0, DATA, NOISE, SCORE, EXACT_NORM, LEARNED_NORM, ERRORS }; /* columns of probe_error and law_error */

static const double slope_last = 1e-3; /* exponents are slopes over times up to this */

/* --- the field --- */

/* Norms (one point) or root mean squares (several) over points [first, last) of time k. */
static void errors_of(const ExactField *f, int k, const float *out, int first, int last, double error[ERRORS])
{
  const Coefficients *c       = &f->c[k];
  FieldError          sum     = {0};
  double              learned = 0;
  for (int j = 0; j < f->d; j++) {
    const FieldError e = exact_field_error(f, k, out, j, first, last);
    sum.data += e.data;
    sum.output += e.output;
    sum.exact += e.exact;
    for (int i = first; i < last; i++) learned += (double)out[j * f->stride + i] * (double)out[j * f->stride + i] / (last - first);
  }
  error[OWN]          = sqrt(sum.output);
  error[DATA]         = sqrt(sum.data);
  error[NOISE]        = error[DATA] * c->a / c->s;
  error[SCORE]        = error[NOISE] / c->s;
  error[EXACT_NORM]   = sqrt(sum.exact);
  error[LEARNED_NORM] = sqrt(learned);
}

/* Slope of log y over log t by least squares, times from `first` to slope_last; y: column `column` of (n, ERRORS). */
static double slope_of(int n, const double *t, double first, const double *y, int column)
{
  double sx = 0, sy = 0, sxx = 0, sxy = 0, m = 0;
  for (int k = 0; k < n && t[k] <= slope_last * (1 + 1e-9); k++) {
    if (t[k] < first * (1 - 1e-9)) continue;
    const double u = log(t[k]), v = log(y[k * ERRORS + column]);
    sx += u;
    sy += v;
    sxx += u * u;
    sxy += u * v;
    m++;
  }
  return m > 1 ? (m * sxy - sx * sy) / (m * sxx - sx * sx) : NAN;
}

static int nearest_time(int n, const double *t, double at)
{
  int best = 0;
  for (int k = 1; k < n; k++)
    if (fabs(log(t[k] / at)) < fabs(log(t[best] / at))) best = k;
  return best;
}

static PetscErrorCode put(const SingularityJob *j, int array, int64_t row, int64_t n, const double *value)
{
  PetscFunctionBeginUser;
  PetscCall(result_put(j->result, singularity_array_name(array), row, n, value));
  PetscFunctionReturn(0);
}

static void set_field_metrics(SingularityJob *j, int64_t row, int n, const double *t, const double *probe, const double *law)
{
  const int at  = nearest_time(n, t, j->params->probe_t);
  double    sum = 0, m = 0;
  j->column[EXPONENT][row]     = slope_of(n, t, 0, probe, EXACT_NORM);
  j->column[EXPONENT_LAW][row] = slope_of(n, t, 0, law, EXACT_NORM);
  if (!j->net) return;
  j->column[EXPONENT_NETWORK][row]     = slope_of(n, t, j->params->t_min, probe, LEARNED_NORM);
  j->column[EXPONENT_LAW_NETWORK][row] = slope_of(n, t, j->params->t_min, law, LEARNED_NORM);
  for (int i = OWN; i <= SCORE; i++) {
    j->column[OWN_ERROR + i][row] = probe[at * ERRORS + i];
    j->column[OWN_L2 + i][row]    = law[at * ERRORS + i];
  }
  for (int k = 0; k < n; k++) {
    if (t[k] < j->params->t_min * (1 - 1e-9)) continue;
    sum += law[k * ERRORS + NOISE] * law[k * ERRORS + NOISE];
    m++;
  }
  j->column[NOISE_L2_ALL][row] = sqrt(sum / m);
}

static PetscErrorCode measure_field(SingularityJob *j, int64_t row)
{
  const SingularityParams *p = j->params;
  double                   t[TIMES_MAX], *given, *probe, *law, *component;
  float                   *out;
  ExactField              *f;
  const int                n = singularity_times(p, t);

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc4(j->d, &given, n * ERRORS, &probe, n * ERRORS, &law, n * j->d, &component));
  for (int i = 0; i < p->probe.n; i++) given[i] = p->probe.value[i];
  PetscCall(exact_field_create(j->target, &j->objective, j->batch->key[row], n, t, (int)p->field_samples, 1, given, &f));
  PetscCall(PetscMalloc1((size_t)f->d * f->stride, &out));
  for (int k = 0; k < n; k++) {
    PetscCall(exact_field_run(f, j->net, k, out));
    errors_of(f, k, out, 0, f->n_samples, law + k * ERRORS);
    errors_of(f, k, out, f->n_samples, f->n, probe + k * ERRORS);
    for (int i = 0; i < f->d; i++) component[k * f->d + i] = sqrt(exact_field_error(f, k, out, i, 0, f->n_samples).output);
  }
  set_field_metrics(j, row, n, t, probe, law);
  if (j->batch->record[row]) {
    PetscCall(put(j, FIELD_TIME, row, n, t));
    PetscCall(put(j, PROBE_ERROR, row, n * ERRORS, probe));
    PetscCall(put(j, LAW_ERROR, row, n * ERRORS, law));
    PetscCall(put(j, LAW_COMPONENT, row, n * f->d, component));
  }
  exact_field_destroy(f);
  PetscCall(PetscFree(out));
  PetscCall(PetscFree4(given, probe, law, component));
  PetscFunctionReturn(0);
}

/* --- the samples --- */

/* Total variation between the shares of the nearest points and equal shares. */
static double share_error(const SingularityJob *j, int64_t n, const double *nearest)
{
  const double *points;
  const int     count = target_points(j->target, &points);
  double        error = 0;
  for (int k = 0; k < count; k++) {
    int64_t hits = 0;
    for (int64_t i = 0; i < n; i++) {
      bool same = true;
      for (int c = 0; c < j->d; c++) same = same && nearest[i * j->d + c] == points[c * count + k];
      hits += same;
    }
    error += fabs((double)hits / (double)n - 1.0 / count) / 2;
  }
  return error;
}

/* W1 of places u in [0, 1) to the uniform law. */
static PetscErrorCode uniform_distance(const SingularityJob *j, int64_t n, double *u, double *out)
{
  double *even;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &even));
  for (int64_t i = 0; i < n; i++) even[i] = ((double)i + 0.5) / (double)n;
  *out = j->params->data == DATA_CURVE ? metric_wasserstein_circle(n, u, n, even) : metric_wasserstein_1d(n, u, n, even);
  PetscCall(PetscFree(even));
  PetscFunctionReturn(0);
}

static PetscErrorCode measure_manifold(SingularityJob *j, int64_t row)
{
  const int64_t n = j->params->samples;
  const int     d = j->d;
  double       *distance, *place, *nearest, *point, out[3];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(n, &distance, n, &place, n * d, &nearest, d, &point));
  for (int64_t i = 0; i < n; i++) {
    for (int c = 0; c < d; c++) point[c] = (double)j->x[c * n + i];
    distance[i] = target_nearest(j->target, point, nearest + i * d, &place[i]);
  }
  metric_mean_q99_max(n, distance, out);
  j->column[DISTANCE_MEAN][row] = out[0];
  j->column[DISTANCE_Q99][row]  = out[1];
  j->column[DISTANCE_MAX][row]  = out[2];
  if (j->params->data == DATA_FIVE_POINTS) j->column[ALONG][row] = share_error(j, n, nearest);
  if (j->params->data == DATA_LINE || j->params->data == DATA_CURVE) PetscCall(uniform_distance(j, n, place, &j->column[ALONG][row]));
  PetscCall(PetscFree4(distance, place, nearest, point));
  PetscFunctionReturn(0);
}

static PetscErrorCode measure_law(SingularityJob *j, int64_t row)
{
  const SingularityParams *p = j->params;
  const int64_t            m = p->metric_samples, k = PetscMin(p->samples, m), d = j->d;
  double                  *data;
  float                   *fresh, *few;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(d * m, &data, d * m, &fresh, d * k, &few));
  target_sample(j->target, j->batch->key[row], 1, m, data);
  for (int64_t i = 0; i < d * m; i++) fresh[i] = (float)data[i];
  for (int64_t c = 0; c < d; c++) memcpy(few + c * k, j->x + c * p->samples, (size_t)k * sizeof *few);
  j->column[ENERGY][row] = metric_energy_distance(isa_level(), (int)d, k, few, m, fresh, NULL);
  j->column[SLICED][row] = metric_sliced_wasserstein((int)d, k, few, m, fresh, SLICES, j->batch->key[row]);
  PetscCall(PetscFree3(data, fresh, few));
  PetscFunctionReturn(0);
}

/* --- digits --- */

static double mean_of(int64_t n, const float *x)
{
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i];
  return sum / (double)n;
}

/* Frechet distance of features of n images (784, n) to those of the test images. */
static PetscErrorCode frechet_of(const SingularityJob *j, int64_t n, const float *images, double *out)
{
  const float *test_images, *test_features;
  float       *features;

  PetscFunctionBeginUser;
  const int64_t n_test = classifier_test(j->classifier, &test_images, &test_features);
  PetscCall(PetscMalloc1(CLASSIFIER_FEATURES * n, &features));
  PetscCall(classifier_features(j->classifier, n, images, features));
  PetscCall(metric_frechet(CLASSIFIER_FEATURES, n, features, n_test, test_features, out));
  PetscCall(PetscFree(features));
  PetscFunctionReturn(0);
}

/* Against the training images of this trial, which are those of draw 0. */
static PetscErrorCode measure_novelty(SingularityJob *j, int64_t row, int64_t m, const float *training)
{
  const int64_t n = j->params->samples;
  const float  *test_images, *test_features;
  float        *few, *first, *second;
  int64_t       memorised = 0;

  PetscFunctionBeginUser;
  const int64_t n_test = classifier_test(j->classifier, &test_images, &test_features), k = PetscMin(n, n_test);
  PetscCall(PetscMalloc3(j->d * k, &few, PetscMax(n, k), &first, PetscMax(n, k), &second));
  metric_nearest(isa_level(), j->d, n, j->x, m, training, first, second);
  for (int64_t i = 0; i < n; i++) memorised += first[i] < second[i] / 3;
  j->column[NOVELTY][row]   = mean_of(n, first);
  j->column[MEMORISED][row] = (double)memorised / (double)n;
  for (int c = 0; c < j->d; c++) memcpy(few + c * k, test_images + c * n_test, (size_t)k * sizeof *few);
  metric_nearest(isa_level(), j->d, k, few, m, training, first, NULL);
  j->column[NOVELTY_FRESH][row] = mean_of(k, first);
  PetscCall(PetscFree3(few, first, second));
  PetscFunctionReturn(0);
}

static PetscErrorCode measure_digits(SingularityJob *j, int64_t row)
{
  const int64_t m = j->params->points, n = PetscMin(m, j->params->samples);
  double       *data;
  float        *training, *few;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(j->d * m, &data, j->d * m, &training, j->d * n, &few));
  target_sample(j->target, j->batch->key[row], 0, m, data);
  for (int64_t i = 0; i < j->d * m; i++) training[i] = (float)data[i];
  for (int c = 0; c < j->d; c++) memcpy(few + c * n, training + c * m, (size_t)n * sizeof *few);
  PetscCall(measure_novelty(j, row, m, training));
  PetscCall(frechet_of(j, j->params->samples, j->x, &j->column[FRECHET][row]));
  PetscCall(frechet_of(j, n, few, &j->column[FRECHET_FRESH][row]));
  j->column[ACCURACY][row] = classifier_accuracy(j->classifier);
  PetscCall(PetscFree3(data, training, few));
  PetscFunctionReturn(0);
}

PetscErrorCode singularity_measure(SingularityJob *j, int64_t row)
{
  int rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(j->comm, &rank));
  const double begin = MPI_Wtime();
  if (!floats_finite(j->d * j->params->samples, j->x)) { /* on all ranks alike: they agree on states */
    result_fail(j->result, row, "a sample is not finite");
    PetscFunctionReturn(0);
  }
  if (rank != 0) PetscFunctionReturn(0); /* rank 0 of the group stores the row */
  if (singularity_has_posterior(j->params)) {
    PetscCall(measure_field(j, row));
    PetscCall(measure_manifold(j, row));
    PetscCall(measure_law(j, row));
  } else {
    PetscCall(measure_digits(j, row));
  }
  j->column[MEASURE_TIME][row] = MPI_Wtime() - begin;
  PetscFunctionReturn(0);
}
