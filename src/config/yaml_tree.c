/* SPDX-License-Identifier: BSD-2-Clause
 * YAML text to a tree with line and column of every node.
 * libyaml's event parser drives an explicit stack; aliases point to the anchor's node, so that a "billion laughs" file stays as small
 * as its text. Bytes are checked before libyaml sees them (UTF-8, control characters, NUL), because its reader reports those without
 * a position. In flow style YAML cuts range(1,8) at the comma: the pieces are joined again here. Tags, merge keys and complex keys
 * are errors; what keys and values mean is not judged here. */
#include "yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "memory.h"
#include "text.h"

enum { DEPTH_MAX = 32, NODES_MAX = 1000000, ANCHORS_MAX = 1000, SCALAR_MAX = 65536, BYTES_MAX = 8 << 20 };

typedef struct Anchor {
  char     *name;
  YamlNode *node;
} Anchor;

typedef struct Builder {
  YamlTree     *tree;
  Diagnostics  *diag;
  const char   *text;
  size_t        length;
  yaml_parser_t parser;
  int           depth, documents, n_anchors;
  YamlNode     *stack[DEPTH_MAX];
  YamlNode     *key[DEPTH_MAX]; /* key of the map at this depth that waits for its value */
  Anchor        anchor[ANCHORS_MAX];
} Builder;

YamlTree *yaml_tree_create_empty(const char *file)
{
  YamlTree *tree = mem_calloc(1, sizeof *tree);

  tree->file = mem_strdup(file);
  return tree;
}

void yaml_tree_destroy(YamlTree **tree)
{
  if (!tree || !*tree) return;
  for (int i = 0; i < (*tree)->n; i++) {
    YamlNode *node = (*tree)->node[i];
    free(node->text);
    free(node->key);
    free(node->item);
    free(node);
  }
  free((*tree)->node);
  free((*tree)->file);
  free(*tree);
  *tree = NULL;
}

YamlNode *yaml_node_create(YamlTree *tree, NodeKind kind, SourceMark mark)
{
  YamlNode *node = mem_calloc(1, sizeof *node);

  node->kind = kind;
  node->mark = mark;
  if (tree->n == tree->capacity) {
    tree->capacity = tree->capacity ? 2 * tree->capacity : 64;
    tree->node     = mem_realloc(tree->node, (size_t)tree->capacity, sizeof *tree->node);
  }
  tree->node[tree->n++] = node;
  return node;
}

YamlNode *yaml_node_scalar(YamlTree *tree, SourceMark mark, const char *text, size_t n, bool quoted)
{
  YamlNode *node = yaml_node_create(tree, NODE_SCALAR, mark);

  node->quoted = quoted;
  node->text   = mem_calloc(n + 1, 1);
  memcpy(node->text, text, n);
  return node;
}

void yaml_node_push(YamlNode *node, YamlNode *key, YamlNode *item)
{
  if (node->n == node->capacity) {
    node->capacity = node->capacity ? 2 * node->capacity : 8;
    node->item     = mem_realloc(node->item, (size_t)node->capacity, sizeof *node->item);
    if (node->kind == NODE_MAP) node->key = mem_realloc(node->key, (size_t)node->capacity, sizeof *node->key);
  }
  if (node->kind == NODE_MAP) node->key[node->n] = key;
  node->item[node->n++] = item;
}

/* --- reading nodes --- */

bool yaml_is_null(const YamlNode *node)
{
  if (!node) return true;
  if (node->kind != NODE_SCALAR || node->quoted) return false;
  return !node->text[0] || !strcmp(node->text, "~") || !strcmp(node->text, "null");
}

bool yaml_is_word(const YamlNode *node, const char *word) { return node && node->kind == NODE_SCALAR && !strcmp(node->text, word); }

YamlNode *yaml_map_find(const YamlNode *map, const char *key, SourceMark *key_mark)
{
  if (!map || map->kind != NODE_MAP) return NULL;
  for (int i = 0; i < map->n; i++) {
    if (strcmp(map->key[i]->text, key)) continue;
    if (key_mark) *key_mark = map->key[i]->mark;
    return map->item[i];
  }
  return NULL;
}

const char *yaml_kind(const YamlNode *node)
{
  if (yaml_is_null(node)) return "nothing";
  return node->kind == NODE_LIST ? "a list" : node->kind == NODE_MAP ? "a mapping" : "text";
}

bool yaml_enough_errors(const Diagnostics *diag) { return diagnostics_errors(diag) >= ERRORS_MAX; }

const char *yaml_suggest(const char *word, const char *(*get)(const void *ctx, int i), const void *ctx)
{
  return strlen(word) < 100 ? text_suggest(word, get, ctx) : NULL;
}

static const char *name_at(const void *names, int i) { return ((const char *const *)names)[i]; }

void yaml_check_keys(const YamlNode *map, const char *where, const char *const *allowed, Diagnostics *diag)
{
  for (int i = 0; map && map->kind == NODE_MAP && i < map->n && !yaml_enough_errors(diag); i++) {
    const YamlNode *key   = map->key[i];
    bool            known = false;
    char            shown[SHOWN_MAX];
    Text            list = {0};

    for (int j = 0; allowed[j] && !known; j++) known = !strcmp(key->text, allowed[j]);
    if (known) continue;
    const char *near = yaml_suggest(key->text, name_at, allowed);
    for (int j = 0; allowed[j]; j++) text_add(&list, "%s%s", j ? ", " : "", allowed[j]);
    if (near)
      diagnostics_error(diag, key->mark, "unknown key '%s' %s; did you mean '%s'?", yaml_shown(key->text, shown), where, near);
    else
      diagnostics_error(diag, key->mark, "unknown key '%s' %s; known are %s", yaml_shown(key->text, shown), where, text_string(&list));
    text_clear(&list);
  }
}

const YamlNode *yaml_expect_kind(const YamlNode *node, NodeKind kind, const char *name, Diagnostics *diag)
{
  if (yaml_is_null(node)) return NULL;
  if (node->kind == kind) return node;
  diagnostics_error(diag, node->mark, "'%s' must be %s, found %s", name, kind == NODE_MAP ? "a mapping (key: value)" : "a list ([a, b])",
                    yaml_kind(node));
  return NULL;
}

const char *yaml_shown(const char *text, char out[SHOWN_MAX])
{
  size_t n = 0;

  for (; text[n] && n < 60; n++) out[n] = (unsigned char)text[n] < 0x20 || text[n] == 0x7f ? '?' : text[n];
  if (text[n]) {
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--; /* not inside a UTF-8 sequence */
    memcpy(out + n, "...", 3);
    n += 3;
  }
  out[n] = '\0';
  return out;
}

/* --- bytes --- */

/* Length of the UTF-8 sequence at s (at most n bytes) and its code point, or 0. */
static size_t decode_utf8(const unsigned char *s, size_t n, unsigned *code)
{
  static const unsigned least[5] = {0, 0, 0x80, 0x800, 0x10000};
  size_t length = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

  if (length == 0 || length > n) return 0;
  *code = length == 1 ? s[0] : s[0] & (0x7fu >> length);
  for (size_t i = 1; i < length; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
    *code = *code << 6 | (s[i] & 0x3fu);
  }
  if (*code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000)) return 0;
  return length;
}

bool yaml_is_utf8(const char *text, size_t n)
{
  for (size_t i = 0, length; i < n; i += length) {
    unsigned code = 0;
    length        = decode_utf8((const unsigned char *)text + i, n - i, &code);
    if (length == 0) return false;
  }
  return true;
}

static bool printable(unsigned c)
{
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7e) || c == 0x85 || (c >= 0xa0 && c != 0xfffe && c != 0xffff);
}

static bool check_bytes(const char *file, const char *text, size_t n, Diagnostics *diag)
{
  const unsigned char *s    = (const unsigned char *)text;
  SourceMark           mark = {file, 1, 1};

  if (n > BYTES_MAX) {
    diagnostics_error(diag, (SourceMark){file, 1, 1}, "the input has %zu bytes; at most %d are read", n, BYTES_MAX);
    return false;
  }
  for (size_t i = 0, length; i < n; i += length) {
    unsigned code = 0;
    length        = decode_utf8(s + i, n - i, &code);
    if (length == 0) {
      const char *hint = i == 0 && (s[0] == 0xff || s[0] == 0xfe) ? " (UTF-16?)" : "";
      diagnostics_error(diag, mark, "byte 0x%02x is not valid UTF-8%s; save the file as UTF-8", s[i], hint);
      return false;
    }
    if (mark.column == 1 && n - i >= 4 && !memcmp(s + i, "%TAG", 4)) { /* libyaml's time grows with the square of their number */
      diagnostics_error(diag, mark, "%%TAG directives are not supported; remove the line");
      return false;
    }
    if (!printable(code)) {
      if (code == 0)
        diagnostics_error(diag, mark, "NUL byte: this is not a text file");
      else
        diagnostics_error(diag, mark, "control character U+%04X; remove it", code);
      return false;
    }
    if (code == '\n' || (code == '\r' && !(i + 1 < n && s[i + 1] == '\n')))
      mark.line++, mark.column = 1;
    else if (code != '\r')
      mark.column++;
  }
  return true;
}

/* --- building --- */

static SourceMark mark_of(const Builder *b, yaml_mark_t mark)
{
  return (SourceMark){b->tree->file, (int)mark.line + 1, (int)mark.column + 1};
}

/* Where the text of line `line` (1-based) begins and whether a tab stands in its indentation. */
static bool indented_by_tab(const Builder *b, int line)
{
  const char *s = b->text, *end = b->text + b->length;

  for (int i = 1; i < line && s; i++) {
    s = memchr(s, '\n', (size_t)(end - s));
    if (s) s++;
  }
  while (s && s < end && *s == ' ') s++;
  return s && s < end && *s == '\t';
}

static bool report_syntax(Builder *b)
{
  const yaml_parser_t *p       = &b->parser;
  SourceMark           mark    = mark_of(b, p->problem_mark);
  const char          *problem = p->problem ? p->problem : "unreadable";
  const char          *hint    = "";

  if (indented_by_tab(b, mark.line)) {
    diagnostics_error(b->diag, mark, "YAML: a tab in the indentation; use spaces");
    return false;
  }
  if (strstr(problem, "mapping values are not allowed")) hint = " (a ':' too many on this line, or the wrong indentation?)";
  if (strstr(problem, "could not find expected ':'")) hint = " (a key without ': value'?)";
  if (strstr(problem, "unexpected end of stream")) hint = " (a quote that is never closed?)";
  if (p->context) {
    diagnostics_error(b->diag, mark, "YAML: %s, %s that began at line %d, column %d%s", problem, p->context, (int)p->context_mark.line + 1,
                      (int)p->context_mark.column + 1, hint);
  } else {
    diagnostics_error(b->diag, mark, "YAML: %s%s", problem, hint);
  }
  return false;
}

static bool attach(Builder *b, YamlNode *node)
{
  if (b->depth == 0) {
    b->tree->root = node;
    return true;
  }
  YamlNode *parent = b->stack[b->depth - 1], **key = &b->key[b->depth - 1];
  if (parent->kind == NODE_LIST) {
    yaml_node_push(parent, NULL, node);
    return true;
  }
  if (*key) {
    yaml_node_push(parent, *key, node);
    *key = NULL;
    return true;
  }
  if (node->kind != NODE_SCALAR) {
    diagnostics_error(b->diag, node->mark, "a key must be plain text, found %s", yaml_kind(node));
    return false;
  }
  if (!node->quoted && !strcmp(node->text, "<<")) {
    diagnostics_error(b->diag, node->mark, "merge keys (<<) are not supported; write the entries out");
    return false;
  }
  *key = node;
  return true;
}

static bool remember(Builder *b, const yaml_char_t *anchor, YamlNode *node)
{
  if (!anchor) return true;
  if (b->n_anchors == ANCHORS_MAX) {
    diagnostics_error(b->diag, node->mark, "more than %d anchors", ANCHORS_MAX);
    return false;
  }
  b->anchor[b->n_anchors++] = (Anchor){mem_strdup((const char *)anchor), node};
  return true;
}

static bool resolve_alias(Builder *b, const yaml_event_t *event)
{
  const char *name = (const char *)event->data.alias.anchor;
  SourceMark  mark = mark_of(b, event->start_mark);

  for (int i = b->n_anchors - 1; i >= 0; i--) {
    if (strcmp(b->anchor[i].name, name)) continue;
    if (!b->anchor[i].node->open) return attach(b, b->anchor[i].node);
    diagnostics_error(b->diag, mark, "alias *%.60s refers to the node it stands in", name);
    return false;
  }
  diagnostics_error(b->diag, mark, "alias *%.60s has no anchor &%.60s before it", name, name);
  return false;
}

static bool check_tag(Builder *b, const yaml_char_t *tag, SourceMark mark)
{
  if (!tag) return true;
  diagnostics_error(b->diag, mark, "tags (%.60s) are not supported; write the bare value", (const char *)tag);
  return false;
}

static bool read_scalar(Builder *b, const yaml_event_t *event)
{
  const char *text   = (const char *)event->data.scalar.value;
  size_t      length = event->data.scalar.length;
  SourceMark  mark   = mark_of(b, event->start_mark);

  if (!check_tag(b, event->data.scalar.tag, mark)) return false;
  if (length > SCALAR_MAX) {
    diagnostics_error(b->diag, mark, "a text of %zu bytes; at most %d are allowed", length, SCALAR_MAX);
    return false;
  }
  if (memchr(text, '\0', length)) {
    diagnostics_error(b->diag, mark, "text with an escaped NUL character");
    return false;
  }
  YamlNode *node = yaml_node_scalar(b->tree, mark, text, length, event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE);
  return remember(b, event->data.scalar.anchor, node) && attach(b, node);
}

static bool open_collection(Builder *b, NodeKind kind, const yaml_char_t *anchor, const yaml_char_t *tag, SourceMark mark)
{
  if (!check_tag(b, tag, mark)) return false;
  if (b->depth == DEPTH_MAX) {
    diagnostics_error(b->diag, mark, "nested deeper than %d levels", DEPTH_MAX);
    return false;
  }
  YamlNode *node = yaml_node_create(b->tree, kind, mark);
  node->open     = true;
  if (!remember(b, anchor, node) || !attach(b, node)) return false;
  b->key[b->depth]     = NULL;
  b->stack[b->depth++] = node;
  return true;
}

/* A plain scalar that begins a range form and was cut at its commas. */
static bool is_cut(const YamlNode *node)
{
  if (node->kind != NODE_SCALAR || node->quoted || strchr(node->text, ')')) return false;
  return !strncmp(node->text, "range(", 6) || !strncmp(node->text, "linspace(", 9) || !strncmp(node->text, "logspace(", 9);
}

static void join(YamlNode *node, const YamlNode *piece)
{
  char *joined = mem_format("%s,%s", node->text, piece->text);

  free(node->text);
  node->text = joined;
}

/* range(1,8) inside {} or [] arrives as "range(1" and "8)": in a list two entries, in a map a value and a key without value. */
static void join_ranges(YamlNode *node)
{
  int out = 0;

  for (int i = 0; i < node->n; i++) {
    YamlNode *head  = node->item[i];
    int       begin = i;
    while (is_cut(head) && i + 1 < node->n) {
      const YamlNode *piece = node->kind == NODE_LIST ? node->item[i + 1] : node->key[i + 1];
      if (piece->kind != NODE_SCALAR || piece->quoted || (node->kind == NODE_MAP && !yaml_is_null(node->item[i + 1]))) break;
      join(head, piece);
      i++;
    }
    if (node->kind == NODE_MAP) node->key[out] = node->key[begin];
    node->item[out++] = head;
  }
  node->n = out;
}

typedef struct KeyRef {
  const YamlNode *key;
  int             index;
} KeyRef;

static int compare_keys(const void *a, const void *b)
{
  const KeyRef *x = a, *y = b;
  int           order = strcmp(x->key->text, y->key->text);

  return order ? order : x->index - y->index;
}

/* Reports keys that occur again and drops them. */
static void drop_duplicates(Builder *b, YamlNode *map)
{
  if (map->n < 2) return;
  KeyRef *ref = mem_calloc((size_t)map->n, sizeof *ref);
  int     out = 0;

  for (int i = 0; i < map->n; i++) ref[i] = (KeyRef){map->key[i], i};
  qsort(ref, (size_t)map->n, sizeof *ref, compare_keys);
  for (int i = 1, first = 0; i < map->n; i++) {
    char shown[SHOWN_MAX];
    if (strcmp(ref[i].key->text, ref[first].key->text)) {
      first = i;
      continue;
    }
    map->key[ref[i].index] = NULL;
    if (yaml_enough_errors(b->diag)) continue;
    diagnostics_error(b->diag, ref[i].key->mark, "duplicate key '%s': it stands already at line %d, column %d",
                      yaml_shown(ref[i].key->text, shown), ref[first].key->mark.line, ref[first].key->mark.column);
  }
  for (int i = 0; i < map->n; i++) {
    if (!map->key[i]) continue;
    map->key[out]    = map->key[i];
    map->item[out++] = map->item[i];
  }
  map->n = out;
  free(ref);
}

static void close_collection(Builder *b)
{
  YamlNode *node = b->stack[--b->depth];

  join_ranges(node);
  if (node->kind == NODE_MAP) drop_duplicates(b, node);
  node->open = false;
}

static bool start_document(Builder *b, const yaml_event_t *event)
{
  if (b->documents++ == 0) return true;
  diagnostics_error(b->diag, mark_of(b, event->start_mark), "a second YAML document; one file holds one study");
  return false;
}

static bool handle(Builder *b, const yaml_event_t *event)
{
  SourceMark mark = mark_of(b, event->start_mark);

  if (b->tree->n >= NODES_MAX) {
    diagnostics_error(b->diag, mark, "more than %d values in the input", NODES_MAX);
    return false;
  }
  switch (event->type) {
  case YAML_DOCUMENT_START_EVENT: return start_document(b, event);
  case YAML_ALIAS_EVENT: return resolve_alias(b, event);
  case YAML_SCALAR_EVENT: return read_scalar(b, event);
  case YAML_SEQUENCE_START_EVENT:
    return open_collection(b, NODE_LIST, event->data.sequence_start.anchor, event->data.sequence_start.tag, mark);
  case YAML_MAPPING_START_EVENT: return open_collection(b, NODE_MAP, event->data.mapping_start.anchor, event->data.mapping_start.tag, mark);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT: close_collection(b); return true;
  default: return true;
  }
}

/* False once an error has made the rest of the text meaningless. */
static bool read_events(Builder *b)
{
  for (bool done = false; !done;) {
    yaml_event_t event;
    if (!yaml_parser_parse(&b->parser, &event)) return report_syntax(b);
    done    = event.type == YAML_STREAM_END_EVENT;
    bool ok = handle(b, &event);
    yaml_event_delete(&event);
    if (!ok) return false;
  }
  return true;
}

static bool check_root(Builder *b)
{
  const YamlNode *root = b->tree->root;
  SourceMark      top  = {b->tree->file, 1, 1};

  if (yaml_is_null(root))
    diagnostics_error(b->diag, top, "the input is empty; it needs at least 'experiment: NAME' (see `myopia list`)");
  else if (root->kind != NODE_MAP)
    diagnostics_error(b->diag, root->mark, "the input must be a mapping (key: value), found %s", yaml_kind(root));
  else
    return true;
  return false;
}

YamlTree *yaml_tree_create(const char *file, const char *text, size_t n, Diagnostics *diag)
{
  YamlTree *tree = yaml_tree_create_empty(file);
  Builder  *b;

  if (!check_bytes(tree->file, text, n, diag)) return tree;
  b         = mem_calloc(1, sizeof *b);
  b->tree   = tree;
  b->diag   = diag;
  b->text   = text;
  b->length = n;
  if (yaml_parser_initialize(&b->parser)) {
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)text, n);
    if (!read_events(b) || !check_root(b)) tree->root = NULL;
    yaml_parser_delete(&b->parser);
  } else {
    diagnostics_error(diag, (SourceMark){tree->file, 1, 1}, "no memory for the YAML parser");
  }
  for (int i = 0; i < b->n_anchors; i++) free(b->anchor[i].name);
  free(b);
  return tree;
}
