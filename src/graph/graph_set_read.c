/* SPDX-License-Identifier: BSD-2-Clause
 * Sets of graphs from files. A set file is read into one list of lines first, because only its end tells whether `graph` lines or blank
 * lines separate graphs; then graph by graph into classes of pairs. Faults are collected, a dozen at most. A folder's files are read one by
 * one by graph_source_build, and so is a Matrix Market file, which is one graph. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "graph_features.h"
#include "graph_set_private.h"
#include "memory.h"
#include "read.h"

typedef enum { LINE_GRAPH, LINE_BLANK, LINE_NODE, LINE_EDGE } LineKind;

typedef struct Record {
  LineKind kind;
  int64_t  line, u, v; /* graph: u vertices, -1 when it does not say; node: u */
  int class;
} Record;

/* A graph that was read: vertices by their final numbers. */
typedef struct Item {
  int     n;
  uint8_t node[SET_NODES_MAX];
  uint8_t edge[SET_NODES_MAX * (SET_NODES_MAX - 1) / 2];
} Item;

typedef struct SetReader {
  const char  *path;
  GraphErrors *errors;
  int          known; /* errors before */
  int64_t      n_records, record_room, n_items, item_room;
  Record      *record;
  uint8_t     *size; /* (n_items) vertices of each graph; its node and edge classes are in the pool, graph after graph */
  uint8_t     *pool;
  size_t       pooled, pool_room;
  bool         marked; /* there are `graph` lines */
} SetReader;

static bool full(const SetReader *r) { return r->errors->n >= (int)(sizeof r->errors->line / sizeof *r->errors->line); }
static bool sound(const SetReader *r) { return r->errors->n == r->known; }

static PetscErrorCode push_record(SetReader *r, Record record)
{
  PetscFunctionBeginUser;
  if (r->n_records == r->record_room) {
    r->record_room = 2 * r->record_room + 256;
    PetscCall(PetscRealloc((size_t)r->record_room * sizeof *r->record, &r->record));
  }
  r->record[r->n_records++] = record;
  PetscFunctionReturn(0);
}

/* Appends n node and pair_count(n) edge classes to the pool. */
static PetscErrorCode push_item(SetReader *r, const Item *item)
{
  const size_t bytes = (size_t)(item->n + pair_count(item->n));

  PetscFunctionBeginUser;
  if (r->n_items == r->item_room) {
    r->item_room = 2 * r->item_room + 64;
    PetscCall(PetscRealloc((size_t)r->item_room, &r->size));
  }
  if (r->pooled + bytes > r->pool_room) {
    r->pool_room = 2 * r->pool_room + sizeof *item;
    PetscCall(PetscRealloc(r->pool_room, &r->pool));
  }
  memcpy(r->pool + r->pooled, item->node, (size_t)item->n);
  memcpy(r->pool + r->pooled + item->n, item->edge, bytes - (size_t)item->n);
  r->pooled += bytes;
  r->size[r->n_items++] = (uint8_t)item->n;
  PetscFunctionReturn(0);
}

/* A whole number from `least` to `most`; false after a fault. */
static bool read_number(SetReader *r, int64_t line, char **at, const char *what, int64_t least, int64_t most, int64_t *out)
{
  char       word[32];
  const Scan scan = scan_int(at, out);
  if (scan == SCAN_OK && *out >= least && *out <= most) return true;
  scan_word(*at, word);
  if (scan == SCAN_END)
    source_error(r->errors, r->path, line, "the %s is missing", what);
  else if (scan == SCAN_BAD)
    source_error(r->errors, r->path, line, "the %s '%s' is no whole number", what, word);
  else if (scan == SCAN_OK && most < READ_LARGEST_ID)
    source_error(r->errors, r->path, line, "the %s is %lld: %lld to %lld are possible", what, (long long)*out, (long long)least,
                 (long long)most);
  else if (scan == SCAN_OK)
    source_error(r->errors, r->path, line, "the %s is %lld: it must not be negative", what, (long long)*out);
  else
    source_error(r->errors, r->path, line, "the %s %s is beyond 2^62", what, word);
  return false;
}

/* The last number of a line, which may be absent. */
static bool read_optional(SetReader *r, int64_t line, char *at, const char *what, int64_t least, int64_t most, int64_t *out)
{
  char word[32];
  if (scan_end(&at)) return true;
  if (!read_number(r, line, &at, what, least, most, out)) return false;
  if (scan_end(&at)) return true;
  scan_word(at, word);
  source_error(r->errors, r->path, line, "'%s' behind the %s", word, what);
  return false;
}

static bool takes_word(char **at, const char *word)
{
  const size_t length = strlen(word);
  if (strncmp(*at, word, length) != 0 || ((*at)[length] != 0 && !strchr(" \t,", (*at)[length]))) return false;
  *at += length;
  return true;
}

/* One line that is neither blank nor a comment; false after a fault. */
static bool read_record(SetReader *r, int64_t line, char *at, Record *out)
{
  int64_t class = 1;
  *out          = (Record){.kind = LINE_EDGE, .line = line, .u = -1};
  if (takes_word(&at, "graph")) {
    out->kind = LINE_GRAPH;
    r->marked = true;
    return read_optional(r, line, at, "number of vertices", 1, SET_NODES_MAX, &out->u);
  }
  if (takes_word(&at, "node")) {
    out->kind = LINE_NODE;
    class     = 0;
    if (!read_number(r, line, &at, "vertex", 0, READ_LARGEST_ID, &out->u)) return false;
    if (!read_optional(r, line, at, "class of the vertex", 0, SET_CLASSES_MAX - 1, &class)) return false;
  } else {
    if (!read_number(r, line, &at, "first vertex", 0, READ_LARGEST_ID, &out->u)) return false;
    if (!read_number(r, line, &at, "second vertex", 0, READ_LARGEST_ID, &out->v)) return false;
    if (!read_optional(r, line, at, "class of the edge", 1, SET_CLASSES_MAX - 1, &class)) return false;
  }
  out->class = (int)class;
  return true;
}

static PetscErrorCode read_records(SetReader *r, Lines *lines)
{
  char *line;

  PetscFunctionBeginUser;
  while (!full(r) && lines_next(lines, &line)) {
    char  *at     = line;
    Record record = {.kind = LINE_BLANK, .line = lines->number};
    if (scan_comment(&at, "#%") && *at) continue;
    if (*at && !read_record(r, lines->number, at, &record)) continue;
    PetscCall(push_record(r, record));
  }
  if (lines->failure) source_error(r->errors, r->path, lines->number, "%s", lines->failure);
  PetscFunctionReturn(0);
}

/* Vertices of a graph in the file's own numbers, ascending. */
typedef struct Ids {
  int     n;
  int64_t id[SET_NODES_MAX];
} Ids;

static int place_of(const Ids *ids, int64_t id)
{
  int low = 0, high = ids->n;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (ids->id[middle] < id)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* False: there is no more room. */
static bool add_id(Ids *ids, int64_t id)
{
  const int at = place_of(ids, id);
  if (at < ids->n && ids->id[at] == id) return true;
  if (ids->n == SET_NODES_MAX) return false;
  memmove(ids->id + at + 1, ids->id + at, (size_t)(ids->n - at) * sizeof *ids->id);
  ids->id[at] = id;
  ids->n++;
  return true;
}

/* Which vertices there are: those told, or those that occur in first .. last - 1. False after a fault. */
static bool collect_ids(SetReader *r, int64_t told, int64_t line, int64_t first, int64_t last, Ids *ids)
{
  ids->n = 0;
  for (int64_t v = 0; v < told; v++) ids->id[ids->n++] = v;
  for (int64_t k = first; k < last; k++) {
    const Record *const e = &r->record[k];
    if (e->kind == LINE_BLANK) continue;
    const int64_t largest = e->kind == LINE_EDGE ? PetscMax(e->u, e->v) : e->u;
    if (told >= 0 && largest >= told) {
      source_error(r->errors, r->path, e->line, "vertex %lld in a graph of %lld, which has 0 to %lld", (long long)largest, (long long)told,
                   (long long)told - 1);
      return false;
    }
    if (told < 0 && (!add_id(ids, e->u) || (e->kind == LINE_EDGE && !add_id(ids, e->v)))) {
      source_error(r->errors, r->path, e->line, "a graph of more than %d vertices", SET_NODES_MAX);
      return false;
    }
  }
  if (ids->n == 0) source_error(r->errors, r->path, line, "a graph without a vertex");
  return ids->n > 0;
}

/* class: where it goes; 0xff there: nothing was told yet. */
static void tell(SetReader *r, const Record *e, uint8_t *class, const char *what)
{
  if (*class != 0xff && *class != e->class)
    source_error(r->errors, r->path, e->line, "the %s has the class %d here and %d before", what, e->class, *class);
  *class = (uint8_t)e->class;
}

/* The graph of the records first .. last - 1 (without its `graph` line). */
static PetscErrorCode read_item(SetReader *r, int64_t told, int64_t line, int64_t first, int64_t last)
{
  Ids  ids;
  Item item;

  PetscFunctionBeginUser;
  if (!collect_ids(r, told, line, first, last, &ids)) PetscFunctionReturn(0);
  item.n = ids.n;
  memset(item.node, 0xff, sizeof item.node);
  memset(item.edge, 0xff, sizeof item.edge);
  for (int64_t k = first; k < last; k++) {
    const Record *const e = &r->record[k];
    if (e->kind == LINE_NODE) tell(r, e, &item.node[place_of(&ids, e->u)], "vertex");
    if (e->kind == LINE_EDGE && e->u != e->v) tell(r, e, &item.edge[pair_index(place_of(&ids, e->u), place_of(&ids, e->v))], "edge");
  }
  for (int i = 0; i < SET_NODES_MAX; i++) item.node[i] = item.node[i] == 0xff ? 0 : item.node[i];
  for (int i = 0; i < pair_count(SET_NODES_MAX); i++) item.edge[i] = item.edge[i] == 0xff ? 0 : item.edge[i];
  PetscCall(push_item(r, &item));
  PetscFunctionReturn(0);
}

static int64_t run_end(const SetReader *r, int64_t k, LineKind stop)
{
  while (k < r->n_records && r->record[k].kind != stop) k++;
  return k;
}

/* Graphs between `graph` lines. */
static PetscErrorCode read_marked(SetReader *r)
{
  PetscFunctionBeginUser;
  int64_t k = 0;
  while (r->record[k].kind == LINE_BLANK) k++;
  if (r->record[k].kind != LINE_GRAPH) {
    source_error(r->errors, r->path, r->record[k].line, "this belongs to no graph: the first `graph` line is below");
    k = run_end(r, k, LINE_GRAPH);
  }
  while (k < r->n_records && !full(r)) {
    const int64_t end = run_end(r, k + 1, LINE_GRAPH);
    PetscCall(read_item(r, r->record[k].u, r->record[k].line, k + 1, end));
    k = end;
  }
  PetscFunctionReturn(0);
}

/* Graphs between blank lines. */
static PetscErrorCode read_blocks(SetReader *r)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < r->n_records && !full(r);) {
    const int64_t end = run_end(r, k, LINE_BLANK);
    if (end > k) PetscCall(read_item(r, -1, r->record[k].line, k, end));
    k = end + 1;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_set_file(SetReader *r, Lines *lines)
{
  const int64_t binary = lines_binary(lines);

  PetscFunctionBeginUser;
  if (binary > 0) {
    source_error(r->errors, r->path, binary, "a zero byte: this is binary data, no text");
    PetscFunctionReturn(0);
  }
  PetscCall(read_records(r, lines));
  if (!sound(r)) PetscFunctionReturn(0); /* graphs that lack a line would be faulty in turn */
  if (r->marked)
    PetscCall(read_marked(r));
  else
    PetscCall(read_blocks(r));
  if (sound(r) && r->n_items == 0) source_error(r->errors, r->path, 0, "no graph in this file");
  PetscFunctionReturn(0);
}

/* One graph by the general readers; weights do not count. */
static PetscErrorCode read_one_graph(SetReader *r, const char *path)
{
  GraphSpec   spec = {.kind = GRAPH_FILE, .ignore_weights = true};
  GraphReport report;
  Graph      *graph = NULL;
  int64_t    *id    = NULL;
  Item        item  = {0};

  PetscFunctionBeginUser;
  if (strlen(path) >= sizeof spec.file) {
    source_error(r->errors, path, 0, "the path has more than %d letters", (int)sizeof spec.file - 1);
    PetscFunctionReturn(0);
  }
  memcpy(spec.file, path, strlen(path) + 1);
  PetscCall(graph_source_build(&spec, &graph, &id, &report, r->errors));
  if (graph && graph->n > SET_NODES_MAX)
    source_error(r->errors, path, 0, "%lld vertices: at most %d", (long long)graph->n, SET_NODES_MAX);
  else if (graph) {
    item.n = (int)graph->n;
    for (int64_t e = 0; e < graph->m; e++) item.edge[pair_index((int)graph->u[e], (int)graph->v[e])] = 1;
    PetscCall(push_item(r, &item));
  }
  graph_destroy(&graph);
  PetscCall(PetscFree(id));
  PetscFunctionReturn(0);
}

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }
static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static PetscErrorCode read_entries(SetReader *r, struct dirent **entry, int n)
{
  int files = 0;

  PetscFunctionBeginUser;
  for (int k = 0; k < n && !full(r); k++) {
    struct stat about;
    char *const path   = mem_format("%s/%s", r->path, entry[k]->d_name);
    const bool  folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    files += !folder;
    const PetscErrorCode code = folder ? 0 : read_one_graph(r, path);
    free(path);
    PetscCall(code);
  }
  if (files == 0) source_error(r->errors, r->path, 0, "no file in this folder");
  PetscFunctionReturn(0);
}

static PetscErrorCode read_folder(SetReader *r)
{
  struct dirent **entry;

  PetscFunctionBeginUser;
  const int n = scandir(r->path, &entry, visible, by_bytes);
  if (n < 0) {
    source_error(r->errors, r->path, 0, "%s", strerror(errno));
    PetscFunctionReturn(0);
  }
  const PetscErrorCode code = read_entries(r, entry, n);
  for (int k = 0; k < n; k++) free(entry[k]);
  free(entry);
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_path(SetReader *r)
{
  Lines       lines;
  struct stat about;
  const char *why;

  PetscFunctionBeginUser;
  if (stat(r->path, &about) == 0 && S_ISDIR(about.st_mode)) {
    PetscCall(read_folder(r));
    PetscFunctionReturn(0);
  }
  if (!lines_open(r->path, &lines, &why)) {
    source_error(r->errors, r->path, 0, "%s", why);
    PetscFunctionReturn(0);
  }
  lines_peek(&lines);
  const bool           matrix = lines.end - lines.begin >= 14 && strncasecmp(lines.buffer + lines.begin, "%%MatrixMarket", 14) == 0;
  const PetscErrorCode code   = matrix ? read_one_graph(r, r->path) : read_set_file(r, &lines);
  lines_close(&lines);
  PetscCall(code);
  PetscFunctionReturn(0);
}

/* Bridges in the sense of graph theory: no way around. */
static void mark_bridges(GraphSet *s)
{
  uint64_t adjacency[SET_NODES_MAX];
  uint8_t  detour[SET_NODES_MAX * (SET_NODES_MAX - 1) / 2];
  for (int64_t g = 0; g < s->count; g++) {
    const uint8_t *const edge = s->edge + g * s->pairs;
    masks_of_edges(s->size[g], edge, adjacency);
    masks_detours(s->size[g], adjacency, detour);
    for (int k = 0; k < pair_count(s->size[g]); k++) s->bridge[g * s->pairs + k] = edge[k] && detour[k] == 0;
  }
}

static int largest_size(const SetReader *r)
{
  int n = 0;
  for (int64_t g = 0; g < r->n_items; g++) n = PetscMax(n, r->size[g]);
  return n;
}

static PetscErrorCode make_set(const SetReader *r, GraphSet **out)
{
  const int      n = largest_size(r);
  int            a = 1, b = 2;
  const uint8_t *at = r->pool;

  PetscFunctionBeginUser;
  for (int64_t g = 0; g < r->n_items; g++) {
    for (int i = 0; i < r->size[g]; i++, at++) a = PetscMax(a, *at + 1);
    for (int k = 0; k < pair_count(r->size[g]); k++, at++) b = PetscMax(b, *at + 1);
  }
  PetscCall(graph_set_allocate(n, a, b, r->n_items, 0, out));
  at = r->pool;
  for (int64_t g = 0; g < r->n_items; g++) {
    const int k = r->size[g], pairs = pair_count(k);
    (*out)->size[g] = (uint8_t)k;
    memcpy((*out)->node + g * n, at, (size_t)k);
    if (pairs > 0) memcpy((*out)->edge + g * pair_count(n), at + k, (size_t)pairs);
    at += k + pairs;
  }
  mark_bridges(*out);
  PetscFunctionReturn(0);
}

PetscErrorCode graph_set_read(const char *path, GraphSet **out, GraphErrors *errors)
{
  SetReader r = {.path = path, .errors = errors, .known = errors->n};

  PetscFunctionBeginUser;
  *out                        = NULL;
  const PetscErrorCode failed = read_path(&r);
  if (!failed && sound(&r) && largest_size(&r) < 2) source_error(errors, path, 0, "no graph here has two vertices");
  if (!failed && sound(&r)) PetscCall(make_set(&r, out));
  PetscCall(PetscFree(r.record));
  PetscCall(PetscFree(r.size));
  PetscCall(PetscFree(r.pool));
  PetscCall(failed);
  PetscFunctionReturn(0);
}
