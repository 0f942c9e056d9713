/* SPDX-License-Identifier: BSD-2-Clause
 * Progress of a run: done/total, failed, rate, time to go by predicted cost, and the time left in the job. Only rank 0 has one. */
#include "progress.h"

#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "memory.h"

struct Progress {
  Queue  *queue;
  int64_t total, phase_done, phase_total;
  double  total_cost, start, deadline, next;
  int     mark;     /* next entry of marks[] to be reached, in a file */
  int     terminal; /* a redrawn line */
  char    phase[32];
};

static const double marks[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 2};

static void format_duration(char *out, size_t size, double seconds)
{
  const long s = seconds < 1e8 ? (long)ceil(seconds) : 0;
  if (seconds >= 1e8) {
    snprintf(out, size, "?");
  } else if (s < 60) {
    snprintf(out, size, "%lds", s);
  } else if (s < 3600) {
    snprintf(out, size, "%ldm%02lds", s / 60, s % 60);
  } else {
    snprintf(out, size, "%ldh%02ldm", s / 3600, s / 60 % 60);
  }
}

static void line(const Progress *p, int64_t done, int64_t failed, double share)
{
  const double elapsed = MPI_Wtime() - p->start;
  char         eta[32], left[64] = "", phase[80] = "";
  format_duration(eta, sizeof eta, share > 0 ? elapsed * (1 - share) / share : INFINITY);
  if (isfinite(p->deadline)) {
    char text[32];
    format_duration(text, sizeof text, fmax(0, p->deadline - MPI_Wtime()));
    snprintf(left, sizeof left, ", job ends in %s", text);
  }
  if (p->phase_total > 0) snprintf(phase, sizeof phase, ", %s %lld/%lld", p->phase, (long long)p->phase_done, (long long)p->phase_total);
  fprintf(stderr, "%smyopia: %lld/%lld trials (%.0f%%), %lld failed, %.4g/s, %s to go%s%s%s", p->terminal ? "\r" : "", (long long)done,
          (long long)p->total, 100 * share, (long long)failed, elapsed > 0 ? (double)done / elapsed : 0, eta, phase, left,
          p->terminal ? "\033[K" : "\n");
  fflush(stderr);
}

Progress *progress_create(Queue *queue, int64_t total, double total_cost, double deadline)
{
  Progress *p = mem_calloc(1, sizeof *p);
  *p          = (Progress){
               .queue = queue, .total = total, .total_cost = total_cost, .start = MPI_Wtime(), .deadline = deadline, .terminal = isatty(2)};
  line(p, 0, 0, 0);
  return p;
}

void progress_destroy(Progress **p)
{
  free(*p);
  *p = NULL;
}

void progress_phase(Progress *p, const char *phase, int64_t done, int64_t total)
{
  if (!p) return;
  snprintf(p->phase, sizeof p->phase, "%s", phase);
  p->phase_done  = done;
  p->phase_total = total;
}

void progress_update(Progress *p)
{
  if (!p) return;
  const double now = MPI_Wtime();
  if (now < p->next) return;
  p->next      = now + 0.2;
  int64_t done = 0, failed = 0, cost = 0;
  if (queue_read(p->queue, COUNT_DONE, &done) || queue_read(p->queue, COUNT_FAILED, &failed) || queue_read(p->queue, COUNT_COST, &cost))
    return;
  const double share = p->total_cost > 0 ? fmin(1, 1e-6 * (double)cost / p->total_cost) : 0;
  if (!p->terminal && share < marks[p->mark]) return;
  while (share >= marks[p->mark]) p->mark++;
  line(p, done, failed, share);
}

void progress_end(Progress *p)
{
  if (!p) return;
  int64_t done = 0, failed = 0;
  if (queue_read(p->queue, COUNT_DONE, &done) || queue_read(p->queue, COUNT_FAILED, &failed)) return;
  p->phase_total = 0;
  line(p, done, failed, p->total > 0 ? (double)done / (double)p->total : 1);
  if (p->terminal) fputc('\n', stderr);
}
