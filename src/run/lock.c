/* SPDX-License-Identifier: BSD-2-Clause
 * Lock files, made with O_EXCL (atomic on local and modern network file systems). A lock is stale when its process is gone from this host
 * (a reused number is told by the start time), or, from another host, when its SLURM job is no longer in the queue. It guards against
 * accidents, not against malice. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "memory.h"
#include "text.h"

typedef struct Holder {
  char               host[64], job[32];
  int                restart; /* of the SLURM job: how often it was requeued */
  long               pid;
  unsigned long long start; /* field 22 of /proc/PID/stat; 0: unknown */
} Holder;

/* Start time of a process in clock ticks since boot; 0 when it does not exist or is a zombie. */
static unsigned long long start_time(long pid)
{
  char path[64], buffer[1024];
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *f = fopen(path, "r");
  if (!f) return 0;
  const size_t n = fread(buffer, 1, sizeof buffer - 1, f);
  fclose(f);
  buffer[n]               = 0;
  const char        *rest = strrchr(buffer, ')');
  char               state;
  unsigned long long start = 0;
  if (!rest || sscanf(rest + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &state, &start) != 2)
    return 0;
  return state == 'Z' ? 0 : start;
}

static Holder self(void)
{
  Holder      h   = {.pid = (long)getpid()};
  const char *job = getenv("SLURM_JOB_ID");
  gethostname(h.host, sizeof h.host - 1);
  snprintf(h.job, sizeof h.job, "%s", job && *job ? job : "-");
  h.start = start_time(h.pid);
  int64_t restart;
  if (getenv("SLURM_RESTART_COUNT") && text_parse_int(getenv("SLURM_RESTART_COUNT"), &restart)) h.restart = (int)restart;
  return h;
}

static bool read_holder(const char *path, Holder *h)
{
  struct stat info;
  const int   fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO would wait for a writer */
  if (fd < 0) return false;
  FILE *f = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? fdopen(fd, "r") : NULL;
  if (!f) return close(fd), false;
  const int n = fscanf(f, "host %63s pid %ld start %llu job %31s restart %d", h->host, &h->pid, &h->start, h->job, &h->restart);
  fclose(f);
  return n >= 4;
}

/* squeue knows the job no more. Unknown (no squeue, an error) counts as alive. */
static bool job_gone(const char *job)
{
  char command[96], line[64] = "";
  if (strspn(job, "0123456789") != strlen(job)) return false;
  snprintf(command, sizeof command, "squeue -h -o %%i -j %s 2>&1", job);
  FILE *f = popen(command, "r");
  if (!f) return false;
  const bool any    = fgets(line, sizeof line, f) != NULL;
  const int  status = pclose(f);
  return (status == 0 && !any) || strstr(line, "Invalid job id") != NULL;
}

static bool stale(const Holder *h)
{
  const Holder me = self();
  if (strcmp(h->host, me.host) == 0) {
    const unsigned long long start = start_time(h->pid);
    return start == 0 || (h->start != 0 && start != h->start);
  }
  if (strcmp(h->job, "-") == 0) return false;
  return (strcmp(h->job, me.job) == 0 && h->restart < me.restart) || job_gone(h->job); /* before our own job was requeued */
}

static void describe(const Holder *h, char *who, size_t size)
{
  snprintf(who, size, "process %ld on %s%s%s", h->pid, h->host, strcmp(h->job, "-") ? ", SLURM job " : "",
           strcmp(h->job, "-") ? h->job : "");
}

bool lock_held(const char *file, char *who, size_t size)
{
  char      *path = mem_format("%s.lock", file);
  Holder     h    = {0};
  const bool held = read_holder(path, &h) && !stale(&h);
  if (held) describe(&h, who, size);
  free(path);
  return held;
}

/* 0, or errno. The name appears together with its content (link), so that a reader never sees half a lock. */
static int create(const char *path)
{
  const Holder me   = self();
  char        *own  = mem_format("%s.%s.%ld", path, me.host, me.pid);
  FILE        *f    = fopen(own, "w");
  int          code = f ? 0 : errno;
  if (f) {
    if (fprintf(f, "host %s pid %ld start %llu job %s restart %d\n", me.host, me.pid, me.start, me.job, me.restart) < 0) code = EIO;
    if (fclose(f) != 0) code = errno;
    if (!code && link(own, path) != 0) code = errno;
    unlink(own);
  }
  free(own);
  return code;
}

/* Two runs may find the same stale lock: it is moved aside first, and what was moved is looked at again, so that a live lock made in
 * between is put back. */
static void remove_stale(const char *path)
{
  char  *aside = mem_format("%s.stale.%ld", path, (long)getpid());
  Holder h     = {0};
  if (rename(path, aside) == 0) {
    if (read_holder(aside, &h) && !stale(&h)) {
      if (link(aside, path) != 0) log_warning("lost the lock %s to another writer", path);
    } else {
      char who[160];
      describe(&h, who, sizeof who);
      log_warning("removed the stale lock %s of %s", path, who);
    }
    unlink(aside);
  }
  free(aside);
}

int lock_take(const char *file, double patience, char *error, size_t size)
{
  char *path = mem_format("%s.lock", file);
  int   code;
  for (;; patience -= 0.05) {
    Holder h = {0};
    code     = create(path);
    if (code != EEXIST) break;
    const bool readable = read_holder(path, &h);
    if (readable && stale(&h)) {
      remove_stale(path);
      continue;
    }
    if (patience <= 0) {
      char who[160] = "an unknown writer (the lock cannot be read)";
      if (readable) describe(&h, who, sizeof who);
      snprintf(error, size, "%s is being written by %s; if that run is gone, remove %s", file, who, path);
      break;
    }
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  }
  if (code && code != EEXIST) snprintf(error, size, "cannot create the lock %s: %s", path, strerror(code));
  free(path);
  return code;
}

void lock_release(const char *file)
{
  char  *path = mem_format("%s.lock", file);
  Holder h    = {0};
  if (read_holder(path, &h) && h.pid == (long)getpid() && h.start == start_time(h.pid)) unlink(path);
  free(path);
}
