/* SPDX-License-Identifier: BSD-2-Clause
 * Numbers from tables and labelled clouds: mutual information (plug-in estimate with the correction of G. A. Miller and W. G. Madow, 1955:
 * every entropy grows by (occupied cells - 1) / (2 N) nats), order statistics, moments by label. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cloud.h"
#include "memory.h"
#include "metrics.h"

/* n H in nats of counts with total n, plus the correction (occupied - 1) / 2. */
static double entropy_sum(int64_t n_cells, const int64_t *count, double total)
{
  double  sum      = 0;
  int64_t occupied = 0;
  for (int64_t i = 0; i < n_cells; i++) {
    if (count[i] == 0) continue;
    sum -= (double)count[i] * log((double)count[i] / total);
    occupied++;
  }
  return sum + 0.5 * (double)(occupied - 1);
}

double metric_mutual_information(int rows, int columns, const int64_t *count)
{
  int64_t *margin = mem_calloc((size_t)rows + (size_t)columns, sizeof *margin), total = 0;
  bool     valid = true;
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) {
      const int64_t here = count[(int64_t)i * columns + j];
      valid              = valid && here >= 0;
      margin[i] += here;
      margin[rows + j] += here;
      total += here;
    }
  const double n = (double)total, together = entropy_sum((int64_t)rows * columns, count, n);
  const double apart = entropy_sum(rows, margin, n) + entropy_sum(columns, margin + rows, n);
  free(margin);
  return valid && total > 0 ? fmax(0, (apart - together) / n / log(2)) : NAN;
}

void metric_mean_q99_max(int64_t n, double *value, double out[3])
{
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += value[i];
  out[0] = out[1] = out[2] = NAN;
  if (n < 1 || !isfinite(sum)) return;
  cloud_sort(n, value);
  const double  position = 0.99 * (double)(n - 1);
  const int64_t below = (int64_t)position, above = below + 1 < n ? below + 1 : below;
  out[0] = sum / (double)n;
  out[1] = value[below] + (position - (double)below) * (value[above] - value[below]);
  out[2] = value[n - 1];
}

/* The points of one label, centred: points (d, count), mean (d). Differences to the first point keep digits under an offset. */
static int64_t gather(int d, int64_t n, const float *x, int wanted, const int *label, double *points, double *mean)
{
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) count += label[i] == wanted;
  for (int j = 0; j < d; j++) {
    double *const here  = points + j * count;
    int64_t       k     = 0;
    double        total = 0, origin = 0;
    for (int64_t i = 0; i < n; i++) {
      if (label[i] != wanted) continue;
      if (k == 0) origin = (double)x[j * n + i];
      here[k] = (double)x[j * n + i] - origin;
      total += here[k++];
    }
    for (k = 0; k < count; k++) here[k] -= total / (double)count;
    mean[j] = isfinite(total) && count > 0 ? origin + total / (double)count : NAN;
  }
  return count;
}

void metric_labelled_moments(int d, int64_t n, const float *x, int k, const int *label, double *weight, double *mean, double *covariance)
{
  double *points = mem_calloc((size_t)n * (size_t)d, sizeof *points);
  for (int c = 0; c < k; c++) {
    const int64_t count = gather(d, n, x, c, label, points, mean + (size_t)c * d);
    weight[c]           = n > 0 ? (double)count / (double)n : NAN;
    for (int a = 0; a < d; a++)
      for (int b = 0; b <= a; b++) {
        double sum = 0;
        for (int64_t i = 0; i < count; i++) sum += points[a * count + i] * points[b * count + i];
        const double value                      = count < 2 ? NAN : sum / (double)(count - 1);
        covariance[((size_t)c * d + a) * d + b] = covariance[((size_t)c * d + b) * d + a] = value;
      }
  }
  free(points);
}
