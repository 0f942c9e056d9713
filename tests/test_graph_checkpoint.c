/* SPDX-License-Identifier: BSD-2-Clause
 * Files of graph models: what is written comes back to the bit and trains on as if nothing had been; every byte of a file counts: cut short
 * anywhere, any bit turned, fields that lie, another version; what cannot be written leaves nothing behind. */
#include "graph_train_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diffusion/checkpoint_private.h"
#include "hash.h"

enum { T = 6 };
static char folder[64], path[96];

static int make_folder(void **state)
{
  (void)state;
  strcpy(folder, "/tmp/graph_checkpoint.XXXXXX");
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/model.graph", folder);
  return 0;
}

static int files_in_folder(void)
{
  DIR *dir = opendir(folder);
  int  n   = 0;
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir));) n += entry->d_name[0] != '.';
  closedir(dir);
  return n;
}

static int remove_folder(void **state)
{
  (void)state;
  unlink(path);
  return rmdir(folder);
}

/* A trained model. */
typedef struct Model {
  GraphSet       *set;
  Transition     *transition;
  GraphTrainSpec  spec;
  Room            room;
  GraphSetStats   stats;
  GraphCheckpoint checkpoint; /* borrows all it has */
} Model;

static Model open_model(DenoiserKind kind, bool blocks)
{
  static char origin[]           = "experiment: graph_diffusion data: {kind: barbell}";
  Model       m                  = {.set = make_set(30, 0.4, blocks, true)};
  m.transition                   = make_transition(m.set, T);
  m.spec                         = make_spec(kind, m.set, T, 12, 6);
  m.spec.optimizer.learning_rate = 0.01 / 3; /* as many digits as there are */
  m.room                         = make_room(&m.spec, m.set, m.transition, 0xfedcba9876543210u, 0);
  train_room(MPI_COMM_SELF, &m.spec, 0, &m.room);
  assert_int_equal(graph_set_stats(m.set, &m.stats), 0);
  m.checkpoint = (GraphCheckpoint){.key            = m.room.trial.key,
                                   .step           = 12,
                                   .training       = m.spec,
                                   .transition     = m.transition,
                                   .size_frequency = m.stats.size_frequency,
                                   .origin         = origin,
                                   .theta          = m.room.trial.theta,
                                   .average        = m.room.trial.average,
                                   .moments        = m.room.trial.moments};
  return m;
}

static void close_model(Model *m)
{
  graph_set_stats_clear(&m->stats);
  free_room(&m->room);
  transition_destroy(&m->transition);
  graph_set_destroy(&m->set);
}

static void write_model(const Model *m)
{
  char message[256];
  if (!graph_checkpoint_write(path, &m->checkpoint, message)) fail_msg("expected a file, got: %s", message);
  assert_int_equal(files_in_folder(), 1);
}

static void assert_same_checkpoint(const GraphCheckpoint *got, const GraphCheckpoint *expected)
{
  const int64_t n = denoiser_parameters(&expected->training.denoiser);
  assert_true(got->key == expected->key && got->step == expected->step);
  assert_string_equal(got->origin, expected->origin ? expected->origin : "");
  for (const CheckpointField *f = checkpoint_fields; f->name; f++) {
    const size_t size = f->type == FIELD_BOOL                             ? sizeof(bool)
                        : f->type == FIELD_INT || f->type == FIELD_CHOICE ? sizeof(int)
                                                                          : sizeof(double);
    assert_memory_equal((const char *)&got->training + f->offset, (const char *)&expected->training + f->offset, size);
  }
  assert_same_doubles("abar", expected->transition->T + 1, got->transition->abar, expected->transition->abar);
  assert_same_doubles("nodes", SET_CLASSES_MAX, got->transition->node, expected->transition->node);
  assert_same_doubles("edges", SET_CLASSES_MAX, got->transition->edge, expected->transition->edge);
  assert_same_doubles("sizes", expected->training.denoiser.n + 1, got->size_frequency, expected->size_frequency);
  assert_same_floats("parameters", n, got->theta, expected->theta);
  assert_int_equal(got->average != NULL, expected->average != NULL);
  assert_int_equal(got->moments != NULL, expected->moments != NULL);
  if (got->average) assert_same_floats("average", n, got->average, expected->average);
  if (got->moments) assert_same_floats("moments", n * optimizer_moments(&expected->training.optimizer), got->moments, expected->moments);
}

static void what_is_written_comes_back(void **state)
{
  (void)state;
  for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++) {
    Model            m = open_model((DenoiserKind)kind, kind > 0);
    GraphCheckpoint *got;
    char             message[256];
    for (int less = 0; less < 3; less++) {
      if (less > 0) m.checkpoint.moments = NULL;
      if (less > 1) m.checkpoint.average = NULL, m.checkpoint.origin = NULL;
      write_model(&m);
      if (!graph_checkpoint_read(path, &got, message)) fail_msg("expected a model, got: %s", message);
      assert_same_checkpoint(got, &m.checkpoint);
      graph_checkpoint_destroy(&got);
      assert_null(got);
    }
    close_model(&m);
  }
}

/* Half of the training, a file, the other half. */
static void training_goes_on_from_a_file(void **state)
{
  Model            m = open_model(DENOISER_EDGE_MLP, true);
  GraphCheckpoint *got;
  char             message[256];
  GraphTrainSpec   half = m.spec;
  Room             room = make_room(&m.spec, m.set, m.transition, m.room.trial.key, 0);
  (void)state;
  half.steps            = 5;
  half.optimizer.rate   = RATE_CONSTANT;
  m.spec.optimizer.rate = RATE_CONSTANT; /* so that the rate does not know how many steps there are */
  m.checkpoint.training = m.spec;
  m.room.trial.given    = false;
  train_room(MPI_COMM_SELF, &m.spec, 0, &m.room);
  train_room(MPI_COMM_SELF, &half, 0, &room);
  GraphCheckpoint five = m.checkpoint;
  five.step            = 5;
  five.theta           = room.trial.theta;
  five.average         = room.trial.average;
  five.moments         = room.trial.moments;
  assert_true(graph_checkpoint_write(path, &five, message));
  assert_true(graph_checkpoint_read(path, &got, message));
  GraphTrainTrial rest = {.key        = got->key,
                          .set        = m.set,
                          .transition = got->transition,
                          .theta      = got->theta,
                          .average    = got->average,
                          .moments    = got->moments,
                          .first_step = got->step,
                          .given      = true};
  bool            stopped;
  assert_int_equal(graph_train_run(MPI_COMM_SELF, &got->training, 0, &rest, NULL, &stopped), 0);
  assert_same_floats("parameters", m.room.parameters, rest.theta, m.room.trial.theta);
  assert_same_floats("average", m.room.parameters, rest.average, m.room.trial.average);
  graph_checkpoint_destroy(&got);
  free_room(&room);
  close_model(&m);
}

/* --- damage --- */

static char *read_file(size_t *size)
{
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  fseek(f, 0, SEEK_END);
  *size       = (size_t)ftell(f);
  char *bytes = malloc(*size + 256);
  assert_non_null(bytes);
  rewind(f);
  assert_int_equal(fread(bytes, 1, *size, f), *size);
  fclose(f);
  return bytes;
}

static void put_file(const char *bytes, size_t size)
{
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, size, f), size);
  fclose(f);
}

/* Refused, with these words. */
static void assert_refused(const char *what, const char *words)
{
  GraphCheckpoint *got          = (GraphCheckpoint *)folder;
  char             message[256] = "";
  if (graph_checkpoint_read(path, &got, message)) fail_msg("%s: expected a refusal, got a model", what);
  assert_null(got);
  if (!strstr(message, words)) fail_msg("%s: expected words `%s`, got `%s`", what, words, message);
}

static void a_file_that_ends_early_is_refused(void **state)
{
  Model  m = open_model(DENOISER_FACTORED, false);
  size_t size;
  (void)state;
  write_model(&m);
  char *bytes = read_file(&size);
  for (size_t cut = 0; cut < size; cut += cut < 2000 ? 7 : 1 + (size - cut) / 3) {
    put_file(bytes, cut);
    assert_refused("cut", cut < strlen("myopia graph model") ? "not a graph model" : "");
  }
  bytes[size] = 0;
  put_file(bytes, size + 1);
  assert_refused("longer", "damaged");
  free(bytes);
  close_model(&m);
}

static void a_turned_bit_is_seen(void **state)
{
  Model  m = open_model(DENOISER_FACTORED, false);
  size_t size;
  (void)state;
  write_model(&m);
  char *bytes = read_file(&size);
  for (size_t i = 0; i < size; i += 1 + size / 700) {
    bytes[i] = (char)(bytes[i] ^ 1 << i % 8);
    put_file(bytes, size);
    assert_refused("a bit", "");
    bytes[i] = (char)(bytes[i] ^ 1 << i % 8);
  }
  free(bytes);
  close_model(&m);
}

/* Puts another value into a line of the header and a checksum that fits. */
static void put_line(const char *bytes, size_t size, const char *name, const char *value)
{
  char  key[64];
  char *out = malloc(size + 4096);
  assert_non_null(out);
  snprintf(key, sizeof key, "\n%s ", name);
  const char *at = memmem(bytes, size, key, strlen(key));
  assert_non_null(at);
  at += strlen(key);
  const char  *end  = strchr(at, '\n');
  const size_t head = (size_t)(at - bytes), length = strlen(value), tail = size - 8 - (size_t)(end - bytes);
  memcpy(out, bytes, head);
  memcpy(out + head, value, length);
  memcpy(out + head + length, end, tail);
  const uint64_t sum = hash_bytes(0, out, head + length + tail);
  memcpy(out + head + length + tail, &sum, sizeof sum);
  put_file(out, head + length + tail + sizeof sum);
  free(out);
}

static void a_header_that_lies_is_refused(void **state)
{
  static const char *const lies[][3] = {
      {"T", "1000000000", "T is"},
      {"T", "0", "T is"},
      {"nodes", "64", "size_frequency"},
      {"nodes", "65", ""},
      {"nodes", "-3", "nodes is -3"},
      {"nodes", "1e3", "nodes is 1e3"},
      {"node_classes", "9", "node classes"},
      {"buckets", "7", "buckets"},
      {"denoiser", "oracle", "denoiser is oracle"},
      {"denoiser", "transformer", ""},
      {"abar", "0.9 0.8 nan 0.5 0.3 0.0001", "number 3 of abar"},
      {"abar", "0.9 0.8 0.7 0.5 0.3 0.01", "abar_6"},
      {"abar", "0.9 0.8 0.85 0.5 0.3 0.0001", "fall"},
      {"abar", "0.9 0.8 0.7 0.5 0.3", "number 6 of abar"},
      {"abar", "0.9 0.8 0.7 0.5 0.3 0.0001 0.00001", "more than 6"},
      {"edge_law", "0.5 0.6", "sums to"},
      {"edge_law", "-0.5 1.5", "probability of -0.5"},
      {"edge_law", "inf 0", "number 1 of edge_law"},
      {"size_frequency", "1", "size_frequency"},
      {"learning_rate", "nan", "learning_rate"},
      {"learning_rate", "1e999", "learning_rate"},
      {"parameters", "1000000000000", "parameters"},
      {"moments", "1", "moments"},
      {"moments", "3", "moments"},
      {"average", "2", "average"},
      {"step", "13", "step 13 of 12"},
      {"step", "99999999999999999999", "step is"},
      {"key", "-1", "key is"},
      {"batch", "3000000000", "batch is"},
      {"shards", "3", "power of two"},
  };
  Model  m = open_model(DENOISER_FACTORED_BIT, false);
  size_t size;
  (void)state;
  write_model(&m);
  char *bytes = read_file(&size);
  put_line(bytes, size, "origin", "another one");
  GraphCheckpoint *got;
  char             message[256];
  if (!graph_checkpoint_read(path, &got, message)) fail_msg("a file put together anew: %s", message);
  assert_string_equal(got->origin, "another one");
  graph_checkpoint_destroy(&got);
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    put_line(bytes, size, lies[i][0], lies[i][1]);
    assert_refused(lies[i][0], lies[i][2]);
  }
  free(bytes);
  close_model(&m);
}

/* Two gigabytes of parameters are not there, and are not asked for. */
static void a_header_of_gigabytes_is_refused(void **state)
{
  Model        m     = open_model(DENOISER_EDGE_MLP, false);
  DenoiserSpec large = m.spec.denoiser;
  char         parameters[32];
  size_t       size, second, third;
  (void)state;
  large.depth = NET_DEPTH_MAX;
  large.width = NET_WIDTH_MAX;
  snprintf(parameters, sizeof parameters, "%lld", (long long)denoiser_parameters(&large));
  write_model(&m);
  char *bytes = read_file(&size);
  put_line(bytes, size, "depth", "8");
  char *deeper = read_file(&second);
  put_line(deeper, second, "width", "4096");
  char *wider = read_file(&third);
  assert_refused("too few parameters", "parameters for a denoiser of");
  put_line(wider, third, "parameters", parameters);
  assert_refused("gigabytes", "cut short");
  free(bytes);
  free(deeper);
  free(wider);
  close_model(&m);
}

static void what_is_no_model_is_refused(void **state)
{
  (void)state;
  put_file("", 0);
  assert_refused("empty", "not a graph model");
  put_file("graph 4\n0 1\n\n", 13);
  assert_refused("a set of graphs", "not a graph model");
  put_file("myopia graph model 2\n\n", 22);
  assert_refused("another version", "version 2");
  put_file("myopia graph model 1\n\n", 22);
  assert_refused("an empty header", "no key");
  put_file("myopia graph model 1\nkey 3\0\n\n", 29);
  assert_refused("a zero byte", "damaged");
  unlink(path);
  assert_refused("none", strerror(ENOENT));
  assert_int_equal(mkdir(path, 0755), 0);
  assert_refused("a folder", "not a file");
  assert_int_equal(rmdir(path), 0);
  assert_int_equal(mkfifo(path, 0644), 0);
  assert_refused("a pipe", "not a file");
  unlink(path);
}

/* --- what cannot be written --- */

static void assert_not_written(const char *where, const GraphCheckpoint *c, const char *words)
{
  char message[256] = "";
  if (graph_checkpoint_write(where, c, message)) fail_msg("%s: expected a refusal, got a file", where);
  if (!strstr(message, words)) fail_msg("%s: expected words `%s`, got `%s`", where, words, message);
}

static void what_cannot_be_written_leaves_nothing(void **state)
{
  Model         m = open_model(DENOISER_FACTORED, false);
  char          nowhere[128];
  struct rlimit before, small;
  size_t        size, again;
  (void)state;
  write_model(&m);
  char *bytes = read_file(&size);
  snprintf(nowhere, sizeof nowhere, "%s/missing/model.graph", folder);
  assert_not_written(nowhere, &m.checkpoint, strerror(ENOENT));
  assert_not_written("/dev/full", &m.checkpoint, "no file");
  assert_not_written(folder, &m.checkpoint, "no file");
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &before);
  small          = before;
  small.rlim_cur = size / 2; /* as on a disk with so much room */
  setrlimit(RLIMIT_FSIZE, &small);
  assert_not_written(path, &m.checkpoint, strerror(EFBIG));
  setrlimit(RLIMIT_FSIZE, &before);
  assert_int_equal(files_in_folder(), 1);
  char *kept = read_file(&again);
  assert_int_equal(again, size);
  assert_memory_equal(kept, bytes, size);
  GraphCheckpoint two = m.checkpoint;
  two.origin          = (char[]){"two\nlines"};
  assert_not_written(path, &two, "one line");
  if (geteuid() != 0) {
    chmod(folder, 0555);
    assert_not_written(path, &m.checkpoint, strerror(EACCES));
    chmod(folder, 0755);
  }
  free(kept);
  free(bytes);
  close_model(&m);
}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_comes_back),        cmocka_unit_test(training_goes_on_from_a_file),
      cmocka_unit_test(a_file_that_ends_early_is_refused), cmocka_unit_test(a_turned_bit_is_seen),
      cmocka_unit_test(a_header_that_lies_is_refused),     cmocka_unit_test(what_is_no_model_is_refused),
      cmocka_unit_test(a_header_of_gigabytes_is_refused),  cmocka_unit_test(what_cannot_be_written_leaves_nothing),
  };
  const int failed = cmocka_run_group_tests(tests, make_folder, remove_folder);
  MPI_Finalize();
  return failed;
}
