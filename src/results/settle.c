/* SPDX-License-Identifier: BSD-2-Clause
 * What the file system has to promise before the first trial: room for the file, all its blocks, its name. Plain POSIX calls, no HDF5. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "create.h"
#include "memory.h"

static int fail(H5Error *error, int code, const char *what) { return h5_error_set(error, code, "%s%s", what, strerror(code)); }

/* Whether the file system refuses `bytes` more: by asking for them, or where that cannot be done by what it says is free. */
static int refusal(int fd, int64_t bytes)
{
  struct statvfs system;
  if (fallocate(fd, 0, 0, bytes) == 0) return 0;
  if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT) return errno;
  return fstatvfs(fd, &system) == 0 && (double)system.f_bavail * (double)system.f_frsize < (double)bytes ? ENOSPC : 0;
}

int probe_space(const char *tmp, int64_t bytes, H5Error *error)
{
  if (unlink(tmp) && errno != ENOENT) return fail(error, errno, "");
  const int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666); /* never through somebody's link */
  if (fd < 0) return fail(error, errno, "");
  int code = refusal(fd, bytes);
  if (ftruncate(fd, 0) && !code) code = errno;
  close(fd);
  if (!code) return 0;
  unlink(tmp);
  return h5_error_set(error, code, "%s (%.3g MB are needed)", strerror(code), 1e-6 * (double)bytes);
}

/* Blocks of the whole file, so that a disk that fills later cannot hurt; a file system that has no such thing is no error. */
static int reserve(int fd)
{
  struct stat info;
  int         code;
  if (fstat(fd, &info)) return errno;
  do code = posix_fallocate(fd, 0, info.st_size);
  while (code == EINTR);
  return code == EOPNOTSUPP || code == EINVAL || info.st_size == 0 ? 0 : code;
}

static int sync_directory(const char *path)
{
  char       *directory = mem_strdup(path), *slash = strrchr(directory, '/');
  const char *name = slash == directory ? "/" : slash ? directory : ".";
  if (slash) *slash = 0;
  const int fd   = open(slash == directory ? "/" : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int       code = fd < 0 ? errno : 0;
  if (fd >= 0) {
    if (fsync(fd) && errno != EINVAL && errno != ENOTSUP) code = errno;
    close(fd);
  }
  free(directory);
  return code == EACCES ? 0 : code; /* a directory that may be written but not read cannot be synced */
}

int settle_file(const char *tmp, const char *path, H5Error *error)
{
  const int fd = open(tmp, O_RDWR | O_CLOEXEC);
  if (fd < 0) return fail(error, errno, "");
  int code = reserve(fd);
  if (!code && fsync(fd)) code = errno;
  if (close(fd) && !code) code = errno;
  if (!code && rename(tmp, path)) code = errno;
  if (code) return fail(error, code, "");
  code = sync_directory(path);
  return code ? fail(error, code, "syncing its directory: ") : 0;
}
