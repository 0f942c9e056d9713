/* SPDX-License-Identifier: BSD-2-Clause
 * Small helpers over HDF5's C interface. They know nothing of the layout of a results file. */
#include "h5.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "memory.h"

enum { ATTRIBUTE_TEXT_MAX = 32000 };

void h5_start(void)
{
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  signal(SIGXFSZ, SIG_IGN);
  H5open();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static herr_t innermost(unsigned n, const H5E_error2_t *entry, void *text)
{
  if (n == 0 && entry->desc) snprintf(text, 512, "%s", entry->desc);
  return 0;
}

int h5_error_take(H5Error *error)
{
  char        text[512] = "unknown HDF5 error";
  const char *number, *quote;
  long long   have, want;
  if (error->code) return error->code;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, text);
  error->code = EIO;
  if ((number = strstr(text, "errno = ")) && atoi(number + 8) > 0) error->code = atoi(number + 8);
  if ((quote = strstr(text, "error message = '"))) {
    snprintf(error->text, sizeof error->text, "%.*s", (int)strcspn(quote + 17, "'"), quote + 17);
  } else if (sscanf(text, "truncated file: eof = %lld, sblock->base_addr = %*d, stored_eof = %lld", &have, &want) == 2) {
    snprintf(error->text, sizeof error->text, "truncated, %lld of %lld bytes are left", have, want);
  } else {
    snprintf(error->text, sizeof error->text, "%.255s", text);
  }
  return error->code;
}

int h5_error_set(H5Error *error, int code, const char *format, ...)
{
  if (error->code) return error->code;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  return error->code = code ? code : EIO;
}

void h5_error_prefix(H5Error *error, const char *where)
{
  char text[sizeof error->text];
  snprintf(text, sizeof text, "%s", error->text);
  snprintf(error->text, sizeof error->text, "%.100s: %.150s", where, text);
}

hid_t h5_access(void)
{
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
  return access;
}

static hid_t text_type(size_t size, H5T_str_t padding)
{
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, size ? size : 1);
  H5Tset_strpad(type, padding);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

hid_t h5_text_type(size_t size) { return text_type(size, H5T_STR_NULLPAD); }
hid_t h5_string_type(size_t size) { return text_type(size, H5T_STR_NULLTERM); }

/* Consumes type and space. */
static int put_attribute(hid_t object, const char *name, hid_t type, hid_t memory_type, hid_t space, const void *data, H5Error *error)
{
  const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute < 0 || H5Awrite(attribute, memory_type, data) < 0) h5_error_take(error);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return error->code;
}

int h5_put_text(hid_t object, const char *name, const char *text, H5Error *error)
{
  size_t length = strlen(text ? text : "");
  if (length > ATTRIBUTE_TEXT_MAX) length = ATTRIBUTE_TEXT_MAX;
  const hid_t type = h5_text_type(length);
  const int   code = put_attribute(object, name, type, type, H5Screate(H5S_SCALAR), text ? text : "", error);
  H5Tclose(type);
  return code;
}

int h5_put_int(hid_t object, const char *name, int64_t value, H5Error *error)
{
  return put_attribute(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, H5Screate(H5S_SCALAR), &value, error);
}

int h5_put_hash(hid_t object, const char *name, uint64_t value, H5Error *error)
{
  return put_attribute(object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, H5Screate(H5S_SCALAR), &value, error);
}

int h5_put_names(hid_t object, const char *name, int n, const char *const *names, H5Error *error)
{
  const hsize_t extent     = (hsize_t)n;
  const hid_t   type       = h5_text_type(H5_NAME_MAX);
  char(*text)[H5_NAME_MAX] = mem_calloc((size_t)n, sizeof *text);
  for (int i = 0; i < n; i++) snprintf(text[i], sizeof text[i], "%s", names[i]);
  const int code = put_attribute(object, name, type, type, n ? H5Screate_simple(1, &extent, NULL) : H5Screate(H5S_NULL), text, error);
  H5Tclose(type);
  free(text);
  return code;
}

bool h5_has_attribute(hid_t object, const char *name) { return H5Aexists(object, name) > 0; }

static int attribute_error(const char *name, H5Error *error)
{
  h5_error_take(error);
  h5_error_prefix(error, name);
  return error->code;
}

static int get_scalar(hid_t object, const char *name, hid_t memory_type, void *out, H5Error *error)
{
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return attribute_error(name, error);
  const hid_t space = H5Aget_space(attribute);
  if (H5Sget_simple_extent_npoints(space) != 1)
    h5_error_set(error, EIO, "attribute %s is no scalar", name);
  else if (H5Aread(attribute, memory_type, out) < 0)
    attribute_error(name, error);
  H5Sclose(space);
  H5Aclose(attribute);
  return error->code;
}

int h5_get_text(hid_t object, const char *name, char *out, size_t size, H5Error *error)
{
  const hid_t type = h5_string_type(size);
  *out             = 0;
  const int code   = get_scalar(object, name, type, out, error);
  H5Tclose(type);
  return code;
}

int h5_get_int(hid_t object, const char *name, int64_t *value, H5Error *error)
{
  return get_scalar(object, name, H5T_NATIVE_INT64, value, error);
}

int h5_get_hash(hid_t object, const char *name, uint64_t *value, H5Error *error)
{
  return get_scalar(object, name, H5T_NATIVE_UINT64, value, error);
}

int h5_get_names(hid_t object, const char *name, int *n, char (**names)[H5_NAME_MAX], H5Error *error)
{
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  *n                    = 0;
  *names                = NULL;
  if (attribute < 0) return attribute_error(name, error);
  const hid_t    space = H5Aget_space(attribute), type = h5_string_type(H5_NAME_MAX);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  *names               = mem_calloc(count > 0 ? (size_t)count : 1, sizeof **names);
  if (count > 0 && H5Aread(attribute, type, *names) < 0)
    attribute_error(name, error);
  else
    *n = count > 0 ? (int)count : 0;
  H5Tclose(type);
  H5Sclose(space);
  H5Aclose(attribute);
  return error->code;
}

int h5_open_column(hid_t file, const char *path, int64_t n, int64_t m, hid_t *dataset, H5Error *error)
{
  hsize_t extent[H5S_MAX_RANK] = {0};
  *dataset                     = H5Dopen2(file, path, H5P_DEFAULT);
  if (*dataset < 0) {
    h5_error_take(error);
    h5_error_prefix(error, path);
    return error->code;
  }
  const hid_t space = H5Dget_space(*dataset);
  const int   rank  = H5Sget_simple_extent_ndims(space);
  if (rank > 0) H5Sget_simple_extent_dims(space, extent, NULL);
  H5Sclose(space);
  if (rank == (m ? 2 : 1) && (int64_t)extent[0] == n && (!m || (int64_t)extent[1] == m)) return 0;
  H5Dclose(*dataset);
  *dataset = -1;
  if (m) return h5_error_set(error, EIO, "%s does not have the extents (%lld, %lld)", path, (long long)n, (long long)m);
  return h5_error_set(error, EIO, "%s does not have the extent (%lld)", path, (long long)n);
}

static int end_column(const char *path, hid_t dataset, herr_t status, H5Error *error)
{
  if (status < 0) {
    h5_error_take(error);
    h5_error_prefix(error, path);
  }
  H5Dclose(dataset);
  return error->code;
}

int h5_read_column(hid_t file, const char *path, hid_t memory_type, int64_t n, int64_t m, void *out, H5Error *error)
{
  hid_t dataset;
  TryCode(h5_open_column(file, path, n, m, &dataset, error));
  return end_column(path, dataset, n ? H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) : 0, error);
}

int h5_write_column(hid_t file, const char *path, hid_t memory_type, int64_t n, int64_t m, const void *data, H5Error *error)
{
  hid_t dataset;
  TryCode(h5_open_column(file, path, n, m, &dataset, error));
  return end_column(path, dataset, n ? H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) : 0, error);
}

int h5_write_block(hid_t dataset, hid_t space, hid_t memory_type, int64_t k, int64_t n, const void *data, H5Error *error)
{
  hsize_t   start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK], elements = 1;
  const int rank = H5Sget_simple_extent_dims(space, count, NULL);
  start[0]       = (hsize_t)k;
  count[0]       = (hsize_t)n;
  for (int d = 0; d < rank; d++) elements *= count[d];
  if (elements == 0) return 0;
  TryH5(error, H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL));
  const hid_t memory = H5Screate_simple(1, &elements, NULL);
  if (H5Dwrite(dataset, memory_type, memory, space, H5P_DEFAULT, data) < 0) h5_error_take(error);
  H5Sclose(memory);
  return error->code;
}

int h5_read_text(hid_t file, const char *path, char **out, H5Error *error)
{
  *out                = NULL;
  const htri_t exists = H5Lexists(file, path, H5P_DEFAULT);
  if (exists == 0) return 0;
  if (exists < 0) {
    h5_error_take(error);
    h5_error_prefix(error, path);
    return error->code;
  }
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  if (dataset < 0) {
    h5_error_take(error);
    h5_error_prefix(error, path);
    return error->code;
  }
  const hid_t  stored = H5Dget_type(dataset), space = H5Dget_space(dataset);
  const size_t size   = H5Tget_size(stored) + 1;
  const bool   scalar = H5Sget_simple_extent_npoints(space) == 1;
  const hid_t  type   = h5_string_type(size);
  *out                = mem_calloc(size, 1);
  if (!scalar)
    h5_error_set(error, EIO, "%s is no text", path);
  else if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0) {
    h5_error_take(error);
    h5_error_prefix(error, path);
  }
  H5Tclose(type);
  H5Tclose(stored);
  H5Sclose(space);
  H5Dclose(dataset);
  return error->code;
}

int h5_constant_hash(hid_t dataset, const char *path, uint64_t *hash, H5Error *error)
{
  const hid_t    type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  const hssize_t n     = H5Sget_simple_extent_npoints(space);
  const size_t   bytes = (size_t)n * H5Tget_size(type);
  char          *data  = mem_calloc(bytes, 1);
  if (n > 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
    h5_error_take(error);
    h5_error_prefix(error, path);
  }
  *hash = hash_bytes(hash_text(0, path), data, bytes);
  free(data);
  H5Sclose(space);
  H5Tclose(type);
  return error->code;
}
