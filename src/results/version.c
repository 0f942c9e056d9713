/* SPDX-License-Identifier: BSD-2-Clause
 * Which HDF5 this is: the headers it was built with and the library that is loaded. */
#include <hdf5.h>
#include <stdio.h>

#include "results.h"

void results_library_version(char *out, size_t size)
{
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
#ifdef H5_HAVE_PARALLEL
  const char *parallel = "parallel";
#else
  const char *parallel = "serial";
#endif
  snprintf(out, size, "%u.%u.%u (headers %d.%d.%d, %s)", major, minor, release, H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE, parallel);
}
