/* SPDX-License-Identifier: BSD-2-Clause
 * A YAML document as a tree of nodes, each with the place it came from. Made by yaml_tree_create from text, or node by node (overrides).
 * Aliases share the anchor's node, so the tree may be a directed acyclic graph; the tree owns every node. */
#ifndef MYOPIA_CONFIG_YAML_TREE_H
#define MYOPIA_CONFIG_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "diagnostics.h"

typedef enum { NODE_SCALAR = 1, NODE_LIST, NODE_MAP } NodeKind;

typedef struct YamlNode YamlNode;
struct YamlNode {
  NodeKind   kind;
  bool       quoted; /* scalar written in quotes or as a block: text, whatever it looks like */
  bool       open;   /* while the node is being read: an alias to it would be a cycle */
  char      *text;   /* scalar; no NUL inside */
  SourceMark mark;
  int        n, capacity;
  YamlNode **key;  /* (n) of a map: scalars, all different */
  YamlNode **item; /* (n) entries of a list, values of a map */
};

typedef struct YamlTree {
  char      *file;
  YamlNode  *root; /* a map; NULL when the text was unusable (reported) */
  int        n, capacity;
  YamlNode **node; /* all nodes, for the destructor */
} YamlTree;

/* Parses n bytes of text; every problem goes to diag. Never NULL. */
YamlTree *yaml_tree_create(const char *file, const char *text, size_t n, Diagnostics *diag);
YamlTree *yaml_tree_create_empty(const char *file);
void      yaml_tree_destroy(YamlTree **);

YamlNode *yaml_node_create(YamlTree *, NodeKind, SourceMark);
YamlNode *yaml_node_scalar(YamlTree *, SourceMark, const char *text, size_t n, bool quoted);
void      yaml_node_push(YamlNode *, YamlNode *key, YamlNode *item); /* key: NULL for lists */

bool        yaml_is_null(const YamlNode *); /* nothing, ~ or null; also the NULL pointer */
bool        yaml_is_word(const YamlNode *, const char *word);
YamlNode   *yaml_map_find(const YamlNode *map, const char *key, SourceMark *key_mark); /* NULL when absent or not a map */
const char *yaml_kind(const YamlNode *);                                               /* "a list", "a mapping", "nothing", "text" */

/* Reports the keys of `map` that are not among the NULL-terminated `allowed`, with a "did you mean". where: "in 'record'". */
void yaml_check_keys(const YamlNode *map, const char *where, const char *const *allowed, Diagnostics *);
/* `node` as a map or list, NULL when it is absent, null, or something else (reported as `name`). */
const YamlNode *yaml_expect_kind(const YamlNode *node, NodeKind, const char *name, Diagnostics *);

/* Whether all n bytes are valid UTF-8. */
bool yaml_is_utf8(const char *text, size_t n);

/* text_suggest for words of sane length: its time grows with the word. */
const char *yaml_suggest(const char *word, const char *(*get)(const void *ctx, int i), const void *ctx);

enum { SHOWN_MAX = 80, ERRORS_MAX = 200 };
/* More messages help nobody, and each new one is compared with all before it: loops over the input stop here. */
bool yaml_enough_errors(const Diagnostics *);

/* Text as it can stand in a message: one line, at most about 60 bytes, cut at a character. Returns out. */
const char *yaml_shown(const char *text, char out[SHOWN_MAX]);

#endif
