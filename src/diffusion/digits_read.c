/* SPDX-License-Identifier: BSD-2-Clause
 * Reader of MNIST's IDX files (LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist): a magic number, the sizes as big-endian 32-bit
 * integers, bytes. A file must be as long as it says, images and labels as many as each other, labels 0 to 9. It reads nothing that is
 * compressed and fetches nothing: jobs/fetch_mnist.sh does. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "target.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, IMAGES_MAGIC = 0x803, LABELS_MAGIC = 0x801, MESSAGE = 256 };

/* "what DIRECTORY/NAME: text; run jobs/fetch_mnist.sh": a long directory loses its head, not the cure. */
__attribute__((format(printf, 4, 5))) static void complain(char error[MESSAGE], const char *directory, const char *name, const char *format,
                                                           ...)
{
  enum { ROOM = 110 };
  char         text[100];
  const size_t length = strlen(directory);
  va_list      arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  (void)snprintf(error, MESSAGE, "%s%s/%s: %s; run jobs/fetch_mnist.sh", length > ROOM ? "..." : "",
                 length > ROOM ? directory + length - ROOM : directory, name, text);
}

static uint32_t big_endian(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

typedef struct Idx {
  uint32_t count;
  uint8_t *byte; /* (count, item) */
} Idx;

/* The header: magic, count, and the item's sizes; leaves *count, or a message. */
static void read_header(FILE *file, uint32_t magic, const char *directory, const char *name, uint32_t *count, char error[MESSAGE])
{
  const size_t length     = magic == IMAGES_MAGIC ? 16 : 8;
  uint8_t      header[16] = {0};
  if (fread(header, 1, length, file) != length)
    complain(error, directory, name, "shorter than its header of %zu bytes", length);
  else if (big_endian(header) != magic)
    complain(error, directory, name, "magic number 0x%08x, not 0x%08x (unpacked IDX)", big_endian(header), magic);
  else if (magic == IMAGES_MAGIC && (big_endian(header + 8) != SIDE || big_endian(header + 12) != SIDE))
    complain(error, directory, name, "images of %u x %u pixels, not 28 x 28", big_endian(header + 8), big_endian(header + 12));
  else if ((*count = big_endian(header + 4)) == 0 || *count > 10000000)
    complain(error, directory, name, "%u items", *count);
}

/* Exactly as many bytes as the header says: not allocated before the file is known to have them. */
static PetscErrorCode read_body(FILE *file, const char *directory, const char *name, size_t item, Idx *idx, char error[MESSAGE])
{
  const size_t size = idx->count * item;
  const long   here = ftell(file);
  PetscFunctionBeginUser;
  const bool known = here >= 0 && fseek(file, 0, SEEK_END) == 0;
  const long end   = known ? ftell(file) : -1;
  if (end < 0 || fseek(file, here, SEEK_SET) != 0) {
    complain(error, directory, name, "%s", strerror(errno));
    PetscFunctionReturn(0);
  }
  if ((size_t)(end - here) != size) {
    complain(error, directory, name, "%ld bytes after its header, not %zu (%u items)", end - here, size, idx->count);
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(size, &idx->byte));
  if (fread(idx->byte, 1, size, file) != size) {
    complain(error, directory, name, "cannot be read to its end");
    PetscCall(PetscFree(idx->byte));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_idx(const char *directory, const char *name, uint32_t magic, size_t item, Idx *idx, char error[MESSAGE])
{
  char path[PETSC_MAX_PATH_LEN];
  PetscFunctionBeginUser;
  *idx = (Idx){0, NULL};
  if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path) {
    complain(error, directory, name, "a path that is too long");
    PetscFunctionReturn(0);
  }
  FILE *file = fopen(path, "rb");
  if (!file) {
    complain(error, directory, name, "%s", strerror(errno));
    PetscFunctionReturn(0);
  }
  read_header(file, magic, directory, name, &idx->count, error);
  if (!*error) PetscCall(read_body(file, directory, name, item, idx, error));
  (void)fclose(file);
  PetscFunctionReturn(0);
}

PetscErrorCode digits_read(const char *directory, bool train, int64_t *n, uint8_t **images, uint8_t **labels, char error[256])
{
  const char *image_name = train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte";
  const char *label_name = train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte";
  Idx         image, label = {0, NULL};
  PetscFunctionBeginUser;
  error[0] = '\0';
  *n       = 0;
  PetscCall(read_idx(directory, image_name, IMAGES_MAGIC, PIXELS, &image, error));
  if (!*error) PetscCall(read_idx(directory, label_name, LABELS_MAGIC, 1, &label, error));
  if (!*error && image.count != label.count) complain(error, directory, label_name, "%u labels of %u images", label.count, image.count);
  for (uint32_t i = 0; !*error && i < label.count; i++)
    if (label.byte[i] > 9) complain(error, directory, label_name, "label %u is %d, not 0 to 9", i, label.byte[i]);
  if (*error) {
    PetscCall(PetscFree(image.byte));
    PetscCall(PetscFree(label.byte));
  } else {
    *n = image.count;
  }
  *images = image.byte;
  *labels = label.byte;
  PetscFunctionReturn(0);
}
