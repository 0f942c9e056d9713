/* SPDX-License-Identifier: BSD-2-Clause
 * Memory as Linux tells it: /proc/meminfo, /proc/self/status, and the limits of control groups, version 2 (memory.max, memory.current up
 * the tree) and 1. It keeps no state and does not count allocations. */
#include "resource.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 512, PATH_BYTES = 768 };

/* The number behind `name` at the beginning of a line. */
static double number_after(const char *path, const char *name)
{
  char         line[LINE_MAX_BYTES];
  double       found  = NAN;
  const size_t length = strlen(name);
  FILE        *f      = fopen(path, "r");
  if (!f) return NAN;
  while (isnan(found) && fgets(line, sizeof line, f))
    if (strncmp(line, name, length) == 0) found = strtod(line + length, NULL);
  fclose(f);
  return found;
}

/* The same of "Name:  123 kB" lines, in bytes. */
static double kilobytes_of(const char *path, const char *name) { return 1024 * number_after(path, name); }

/* The number a file holds; NaN when there is none ("max"), or when it means no limit. */
static double number_in(const char *folder, const char *name)
{
  char   path[PATH_BYTES + 64], line[LINE_MAX_BYTES] = "", *end = line;
  double x = NAN;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "r");
  if (!f) return NAN;
  if (fgets(line, sizeof line, f)) x = strtod(line, &end);
  fclose(f);
  return end == line || x > 1e18 ? (double)NAN : x;
}

/* What one control group leaves; infinity without a limit. Pages of files that it could drop count as free. */
static double group_free(const char *folder, const char *limit, const char *use)
{
  char         path[PATH_BYTES + 64];
  const double most = number_in(folder, limit), used = number_in(folder, use);
  if (isnan(most) || isnan(used)) return INFINITY;
  snprintf(path, sizeof path, "%s/memory.stat", folder);
  double idle = number_after(path, "inactive_file ");
  if (isnan(idle)) idle = number_after(path, "total_inactive_file ");
  return fmax(0, most - used + (isnan(idle) ? 0 : idle));
}

/* The smallest rest over the groups from `path` (as in /proc/self/cgroup) up to the root. */
static double groups_free(const char *mount, char *path, const char *limit, const char *use)
{
  char   folder[PATH_BYTES];
  double rest = INFINITY;
  for (;;) {
    snprintf(folder, sizeof folder, "%s%s", mount, path);
    rest        = fmin(rest, group_free(folder, limit, use));
    char *slash = strrchr(path, '/');
    if (!slash || !*path) return rest;
    *slash = 0;
  }
}

double resource_memory_free(void)
{
  char   line[LINE_MAX_BYTES];
  double rest = kilobytes_of("/proc/meminfo", "MemAvailable:");
  FILE  *f    = fopen("/proc/self/cgroup", "r");
  while (f && fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) continue;
    *path++ = 0;
    if (strcmp(controllers, ":") == 0) rest = fmin(rest, groups_free("/sys/fs/cgroup", path, "memory.max", "memory.current"));
    if (strcmp(controllers, ":memory") == 0)
      rest = fmin(rest, groups_free("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes"));
  }
  if (f) fclose(f);
  return rest;
}

double resource_memory_peak(void) { return kilobytes_of("/proc/self/status", "VmHWM:"); }

int resource_processes(void)
{
  static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_NTASKS_PER_NODE"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = getenv(names[i]);
    const long  n    = text ? strtol(text, NULL, 10) : 0;
    if (n >= 1 && n <= 1000000) return (int)n;
  }
  return 1;
}

void resource_memory_peak_reset(void)
{
  FILE *f = fopen("/proc/self/clear_refs", "w");
  if (!f) return;
  fputs("5", f);
  fclose(f);
}
