/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia doctor [DIR]`: one PASS/WARN/FAIL line a check of this machine and of the directory results go to, with the cure. Needs no MPI
 * launch. */
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli.h"
#include "error.h"
#include "isa.h"
#include "libraries.h"
#include "log.h"
#include "memory.h"
#include "results.h"

typedef enum { PASS, WARN, FAIL } Grade;

static Grade report(Grade grade, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

static Grade report(Grade grade, const char *name, const char *format, ...)
{
  static const char *const label[]  = {"PASS", "WARN", "FAIL"};
  static const char *const colour[] = {"\033[32m", "\033[33m", "\033[31m"};
  char                     text[512];
  const bool               coloured = log_colour(STDOUT_FILENO);
  va_list                  args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  printf("%s%s%s %-12s %s\n", coloured ? colour[grade] : "", label[grade], coloured ? "\033[0m" : "", name, text);
  return grade;
}

/* First line of a command's output; false when it fails. */
static bool ask(const char *command, char *line, size_t size)
{
  FILE *f = popen(command, "r");
  if (!f) return false;
  line[0] = 0;
  if (!fgets(line, (int)size, f)) line[0] = 0;
  line[strcspn(line, "\n")] = 0;
  return pclose(f) == 0;
}

static Grade check_mpi(void)
{
  char version[MPI_MAX_LIBRARY_VERSION_STRING], expected[64], line[256];
  int  length;
  MPI_Get_library_version(version, &length);
  version[strcspn(version, ",\n")] = 0;
  snprintf(expected, sizeof expected, "v%d.%d.%d", OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION, OMPI_RELEASE_VERSION);
  if (!strstr(version, expected)) return report(FAIL, "mpi", "library is %s, headers are %s: rebuild", version, expected);
  if (!ask("mpirun --version 2>/dev/null", line, sizeof line))
    return report(FAIL, "mpi", "no mpirun on PATH: install openmpi-bin or load its module");
  if (!strstr(line, expected + 1))
    return report(WARN, "mpi", "library is %s, mpirun says '%s': put the matching mpirun first on PATH", version, line);
  if (geteuid() == 0 && !getenv("OMPI_ALLOW_RUN_AS_ROOT"))
    return report(WARN, "mpi", "%s; mpirun refuses root: set OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", version);
  return report(PASS, "mpi", "%s", version);
}

static Grade check_libraries(void)
{
  char  petsc[128], slepc[128], hdf5[128], blas[256], core[64];
  Grade worst = PASS;
  libraries_petsc(petsc, sizeof petsc);
  libraries_slepc(slepc, sizeof slepc);
  results_library_version(hdf5, sizeof hdf5);
  libraries_blas(blas, sizeof blas);
  libraries_blas_core(core, sizeof core);
  worst = report(libraries_agree() ? PASS : FAIL, "petsc", "PETSc %s, SLEPc %s%s", petsc, slepc,
                 libraries_agree() ? "" : ": headers differ, rebuild");
  if (!strstr(hdf5, "parallel"))
    worst = report(FAIL, "hdf5", "%s: install libhdf5-openmpi-dev and rebuild", hdf5);
  else
    report(PASS, "hdf5", "%s", hdf5);
  const char *threads = getenv("OPENBLAS_NUM_THREADS");
  report(PASS, "blas", "%s, core %s, OPENBLAS_NUM_THREADS=%s", blas, core, threads ? threads : "unset");
  const Grade kernels = report(isa_level() == ISA_BASE ? WARN : PASS, "kernels", "%s%s", isa_name(isa_level()),
                               isa_level() == ISA_BASE ? ": no AVX2 here, expect a fraction of the speed" : "");
  return kernels > worst ? kernels : worst;
}

static Grade check_python(void)
{
  char line[256];
  if (ask("/usr/bin/python3 -c 'import h5py, numpy, matplotlib; print(h5py.__version__, matplotlib.__version__)' 2>&1 | tail -n 1", line,
          sizeof line) &&
      line[0] >= '0' && line[0] <= '9')
    return report(PASS, "python", "h5py and matplotlib %s", line);
  return report(WARN, "python", "figures need python3-h5py python3-numpy python3-matplotlib: %s", line);
}

static Grade check_slurm(void)
{
  char line[256];
  if (!ask("sinfo --version 2>/dev/null", line, sizeof line)) return report(PASS, "slurm", "not here; mpirun alone will do");
  if (!ask("sinfo -h -o %P 2>/dev/null", line, sizeof line)) return report(WARN, "slurm", "installed, but the controller does not answer");
  return report(PASS, "slurm", "partition %s", line);
}

/* What a results file needs of its directory: create, reserve, sync, link (locks), rename. */
static Grade check_directory(const char *dir)
{
  char          *path = mem_format("%s/.myopia-doctor.%ld", dir, (long)getpid()), *other = mem_format("%s.link", path);
  const char    *failed = NULL;
  int            code   = 0;
  struct statvfs space;
  const int      fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (fd < 0) {
    failed = "create a file in it";
    code   = errno;
  } else {
    const int reserved = posix_fallocate(fd, 0, 1 << 20);
    if (reserved && reserved != EOPNOTSUPP && reserved != EINVAL) failed = "reserve space in it", code = reserved;
    if (!failed && fsync(fd)) failed = "sync a file in it", code = errno;
    if (!failed && link(path, other)) failed = "make a hard link in it (locks need one)", code = errno;
    if (!failed && rename(other, path)) failed = "rename in it", code = errno;
    close(fd);
    unlink(path);
    unlink(other);
  }
  free(path);
  free(other);
  if (failed) return report(FAIL, "directory", "%s: cannot %s: %s; choose another one for --out", dir, failed, strerror(code));
  if (statvfs(dir, &space)) return report(WARN, "directory", "%s: free space unknown: %s", dir, strerror(errno));
  const double free_mb = (double)space.f_bavail * (double)space.f_frsize / 1e6;
  return report(free_mb < 1000 ? WARN : PASS, "directory", "%s: %.4g GB free%s", dir, free_mb / 1000,
                free_mb < 1000 ? "; `myopia check` predicts what a run needs" : "");
}

static Grade check_machine(void)
{
  const long   cores  = sysconf(_SC_NPROCESSORS_ONLN);
  const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1e9;
  return report(PASS, "machine", "%ld cores, %.3g GB", cores, memory);
}

static int run(const Arguments *a)
{
  static Grade (*const checks[])(void) = {check_machine, check_mpi, check_libraries, check_python, check_slurm};
  Grade worst                          = PASS;
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    const Grade grade = checks[i]();
    worst             = grade > worst ? grade : worst;
  }
  const Grade grade = check_directory(a->n_words ? a->word[0] : ".");
  worst             = grade > worst ? grade : worst;
  return worst == FAIL ? EXIT_ENVIRONMENT : EXIT_VALID;
}

const Command command_doctor = {.name      = "doctor",
                                .arguments = "[DIR]",
                                .summary   = "checks this machine and a results directory, with the cure",
                                .options   = "",
                                .max_words = 1,
                                .run       = run};
