/* SPDX-License-Identifier: BSD-2-Clause
 * Splits key=value arguments. A value is cut at commas outside brackets, parentheses and quotes; one piece is a scalar or a bracketed
 * list, several are a list. Recursive descent with a depth limit; no YAML features beyond that. What keys and values mean is judged
 * by the reader of each key. */
#include "overrides.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { LIST_DEPTH_MAX = 8, SETS_MAX = 1000, SET_BYTES_MAX = 65536 };

typedef struct Cursor {
  YamlTree    *tree;
  const char  *begin, *s;
  int          argument;
  Diagnostics *diag;
} Cursor;

static SourceMark mark_at(const Cursor *c, const char *s)
{
  int column = 1;

  for (const char *p = c->begin; p < s; p++) column += ((unsigned char)*p & 0xc0) != 0x80;
  return (SourceMark){c->tree->file, c->argument, column};
}

static void skip_blanks(Cursor *c) { c->s += strspn(c->s, " "); }

/* A quoted piece: '' and "" hold everything up to the same quote. */
static YamlNode *read_quoted(Cursor *c)
{
  const char *open = c->s, *close = strchr(open + 1, *open);

  if (!close) {
    diagnostics_error(c->diag, mark_at(c, open), "a quote that is never closed");
    return NULL;
  }
  c->s = close + 1;
  return yaml_node_scalar(c->tree, mark_at(c, open), open + 1, (size_t)(close - open - 1), true);
}

static YamlNode *read_plain(Cursor *c, bool inside)
{
  const char *open  = c->s, *end;
  int         depth = 0;

  for (; *c->s; c->s++) {
    if (*c->s == '(') depth++;
    if (*c->s == ')' && depth > 0)
      depth--;
    else if (depth == 0 && (*c->s == ',' || (inside && *c->s == ']')))
      break;
  }
  for (end = c->s; end > open && end[-1] == ' ';) end--;
  return yaml_node_scalar(c->tree, mark_at(c, open), open, (size_t)(end - open), false);
}

static YamlNode *read_piece(Cursor *c, int depth);

static YamlNode *read_list(Cursor *c, int depth)
{
  YamlNode *list = yaml_node_create(c->tree, NODE_LIST, mark_at(c, c->s));

  if (depth == LIST_DEPTH_MAX) {
    diagnostics_error(c->diag, list->mark, "nested deeper than %d levels", LIST_DEPTH_MAX);
    return NULL;
  }
  c->s++;
  skip_blanks(c);
  if (*c->s == ']') {
    c->s++;
    return list;
  }
  for (;;) {
    YamlNode *entry = read_piece(c, depth + 1);
    if (!entry) return NULL;
    yaml_node_push(list, NULL, entry);
    if (*c->s == ']') break;
    if (*c->s != ',') {
      diagnostics_error(c->diag, mark_at(c, c->s), "expected ',' or ']'");
      return NULL;
    }
    c->s++;
  }
  c->s++;
  return list;
}

/* One piece and the blanks around it; NULL when it was reported. */
static YamlNode *read_piece(Cursor *c, int depth)
{
  YamlNode *node;

  skip_blanks(c);
  if (*c->s == '[')
    node = read_list(c, depth);
  else if (*c->s == '"' || *c->s == '\'')
    node = read_quoted(c);
  else
    node = read_plain(c, depth > 0);
  skip_blanks(c);
  return node;
}

static YamlNode *read_value(Cursor *c)
{
  YamlNode *first = read_piece(c, 0), *list = NULL;

  while (first && *c->s == ',') {
    if (!list) {
      list = yaml_node_create(c->tree, NODE_LIST, first->mark);
      yaml_node_push(list, NULL, first);
    }
    c->s++;
    YamlNode *next = read_piece(c, 0);
    if (!next) return NULL;
    yaml_node_push(list, NULL, next);
  }
  if (first && *c->s) {
    diagnostics_error(c->diag, mark_at(c, c->s), "expected ',' or the end of the value");
    return NULL;
  }
  return list ? list : first;
}

static void read_set(Overrides *all, int argument, const char *text, Diagnostics *diag)
{
  const char *equals = strchr(text, '=');
  Cursor      c      = {all->tree, text, text, argument, diag};
  SourceMark  mark   = {all->tree->file, argument, 1};
  char        shown[SHOWN_MAX];
  Override   *set = &all->set[all->n];

  if (!equals || equals == text) {
    diagnostics_error(diag, mark, "expected KEY=VALUE, found '%s'", yaml_shown(text, shown));
    return;
  }
  if (strlen(text) > SET_BYTES_MAX) {
    diagnostics_error(diag, mark, "a setting of %zu bytes; at most %d are allowed", strlen(text), SET_BYTES_MAX);
    return;
  }
  if (!yaml_is_utf8(text, strlen(text))) {
    diagnostics_error(diag, mark, "this setting is not valid UTF-8");
    return;
  }
  set->key  = mem_format("%.*s", (int)(equals - text), text);
  set->mark = mark;
  c.s       = equals + 1;
  set->raw  = yaml_node_scalar(all->tree, mark_at(&c, c.s), c.s, strlen(c.s), false);
  if (overrides_find(all, set->key)) {
    diagnostics_error(diag, mark, "'%s' is set twice on the command line (first by argument %d)", yaml_shown(set->key, shown),
                      overrides_find(all, set->key)->mark.line);
    free(set->key);
    return;
  }
  set->value = strcmp(set->key, "title") ? read_value(&c) : set->raw; /* a title may hold commas and brackets */
  all->n++;
}

Overrides *overrides_create(int n_sets, const char *const *sets, Diagnostics *diag)
{
  Overrides *all = mem_calloc(1, sizeof *all);

  all->tree = yaml_tree_create_empty("command line");
  if (n_sets > SETS_MAX) {
    diagnostics_error(diag, (SourceMark){all->tree->file, SETS_MAX + 1, 1}, "more than %d settings", SETS_MAX);
    n_sets = SETS_MAX;
  }
  all->set = mem_calloc((size_t)n_sets + 1, sizeof *all->set);
  for (int i = 0; i < n_sets; i++) read_set(all, i + 1, sets[i], diag);
  return all;
}

void overrides_destroy(Overrides **all)
{
  if (!all || !*all) return;
  for (int i = 0; i < (*all)->n; i++) free((*all)->set[i].key);
  free((*all)->set);
  yaml_tree_destroy(&(*all)->tree);
  free(*all);
  *all = NULL;
}

const Override *overrides_find(const Overrides *all, const char *key)
{
  for (int i = 0; i < all->n; i++) {
    if (!strcmp(all->set[i].key, key)) return &all->set[i];
  }
  return NULL;
}
