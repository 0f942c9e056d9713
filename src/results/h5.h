/* SPDX-License-Identifier: BSD-2-Clause
 * HDF5 from the inside of results/: its errors as one sentence, its start, and small reads and writes. Two roads: CallH5 into the
 * PetscCall chain where a failure is a broken world, TryH5 where it is the user's disk or a damaged file and must become one sentence. */
#ifndef MYOPIA_H5_H
#define MYOPIA_H5_H

#include <hdf5.h>
#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

enum { H5_NAME_MAX = 64, H5_PATH_MAX = 160 };

typedef struct H5Error {
  int  code;      /* errno where HDF5 tells one, else EIO; 0: no error */
  char text[256]; /* what went wrong, without the file's name */
} H5Error;        /* start as {0} */

/* Fills error (unless an earlier one is there) from HDF5's stack and returns its code, never 0. */
int h5_error_take(H5Error *error);
/* The same with our own words. */
int h5_error_set(H5Error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "where: " before the text. */
void h5_error_prefix(H5Error *error, const char *where);

#define CallH5(call)                                                                                                                       \
  do {                                                                                                                                     \
    if ((call) < 0) {                                                                                                                      \
      H5Error h5_error_ = {0};                                                                                                             \
      h5_error_take(&h5_error_);                                                                                                           \
      SETERRQ(PETSC_COMM_SELF, PETSC_ERR_LIB, "HDF5: %s", h5_error_.text);                                                                 \
    }                                                                                                                                      \
  } while (0)

/* Returns h5_error_take(error) from the calling function when the call gave a negative value. */
#define TryH5(error, call)                                                                                                                 \
  do {                                                                                                                                     \
    if ((call) < 0) return h5_error_take(error);                                                                                           \
  } while (0)

/* Passes a nonzero code on. */
#define TryCode(call)                                                                                                                      \
  do {                                                                                                                                     \
    const int try_code_ = (call);                                                                                                          \
    if (try_code_) return try_code_;                                                                                                       \
  } while (0)

/* Before the first HDF5 call of every entry into results/; cheap to repeat. No file locks (a file is read while it is written; our own
 * lock is beside it), no error stack on stderr, and a file size limit is an error of write(2), not a signal. */
void h5_start(void);

/* File access for the serial driver: objects close with the file, so that an error path only has to close the file. Version 1.8 bounds:
 * every piece of metadata carries HDF5's own checksum, while the superblock (version 2) has no mark of an open writer that a kill would
 * leave behind. */
hid_t h5_access(void);

hid_t h5_text_type(size_t size);   /* in the file: NUL-padded UTF-8, size >= 1 */
hid_t h5_string_type(size_t size); /* in memory: NUL-terminated in size bytes */

int h5_put_text(hid_t object, const char *name, const char *text, H5Error *error); /* clipped at 32,000 bytes; NULL: "" */
int h5_put_int(hid_t object, const char *name, int64_t value, H5Error *error);
int h5_put_hash(hid_t object, const char *name, uint64_t value, H5Error *error);
int h5_put_names(hid_t object, const char *name, int n, const char *const *names, H5Error *error);

bool h5_has_attribute(hid_t object, const char *name);
int  h5_get_text(hid_t object, const char *name, char *out, size_t size, H5Error *error); /* clipped */
int  h5_get_int(hid_t object, const char *name, int64_t *value, H5Error *error);
int  h5_get_hash(hid_t object, const char *name, uint64_t *value, H5Error *error);
int  h5_get_names(hid_t object, const char *name, int *n, char (**names)[H5_NAME_MAX], H5Error *error); /* free() by the caller */

/* Opens a data set of extents (n, m), or (n) when m is 0. */
int h5_open_column(hid_t file, const char *path, int64_t n, int64_t m, hid_t *dataset, H5Error *error);
/* Reads all of it. */
int h5_read_column(hid_t file, const char *path, hid_t memory_type, int64_t n, int64_t m, void *out, H5Error *error);
/* Writes all of it (serial driver). */
int h5_write_column(hid_t file, const char *path, hid_t memory_type, int64_t n, int64_t m, const void *data, H5Error *error);
/* Writes entries [k, k + n) of the first dimension, the others whole. space: of the data set; its selection changes. */
int h5_write_block(hid_t dataset, hid_t space, hid_t memory_type, int64_t k, int64_t n, const void *data, H5Error *error);
/* A scalar text data set as a string; free() by the caller. *out NULL when there is none. */
int h5_read_text(hid_t file, const char *path, char **out, H5Error *error);

/* XXH64 over all bytes of a data set that never changes after creation, seeded with its path. Kept in its attribute "checksum". */
int h5_constant_hash(hid_t dataset, const char *path, uint64_t *hash, H5Error *error);

#endif
