/* SPDX-License-Identifier: BSD-2-Clause
 * Scratch folders of the short forms of `run`: see scratch.h. */
#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "log.h"

void scratch_make(MPI_Comm world, char folder[SCRATCH_BYTES], char path[SCRATCH_BYTES])
{
  int         rank;
  const char *base = getenv("TMPDIR");
  MPI_Comm_rank(world, &rank);
  snprintf(folder, SCRATCH_BYTES - 16, "%s/myopia-XXXXXX", base && *base ? base : "/tmp");
  if (rank == 0 && !mkdtemp(folder)) {
    log_error("cannot make a scratch folder %s; give --out FILE.h5", folder);
    folder[0] = 0;
  }
  (void)MPI_Bcast(folder, SCRATCH_BYTES, MPI_CHAR, 0, world);
  snprintf(path, SCRATCH_BYTES, "%.*s/results.h5", SCRATCH_BYTES - 16, folder);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *level)
{
  (void)info, (void)type, (void)level;
  return remove(path);
}

void scratch_remove(const char *folder)
{
  if (folder[0]) nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
