/* SPDX-License-Identifier: BSD-2-Clause
 * Parts of the creation of a results file that live in files of their own. */
#ifndef MYOPIA_RESULTS_CREATE_H
#define MYOPIA_RESULTS_CREATE_H

#include "h5.h"
#include "layout.h"

/* Copies into the new, still closed-to-others file the done rows of an older one (path), matched by id and key, whose checksums hold and
 * which have everything the new plan wants of them. *taken counts them. A nonzero code has its sentence in error; it then tells which
 * file in its text. */
int takeover_rows(hid_t file, const ResultsPlan *, const Layout *, const char *path, int64_t *taken, H5Error *error);

/* Reserves the blocks of a closed file, makes it durable, and renames tmp to path. */
int settle_file(const char *tmp, const char *path, H5Error *error);
/* Asks the file system for `bytes` before HDF5 writes anything: a full disk is then a plain errno. Creates tmp, empty. */
int probe_space(const char *tmp, int64_t bytes, H5Error *error);

#endif
