/* SPDX-License-Identifier: BSD-2-Clause
 * Parameters of graph_diffusion: their table, what a sweep point works with, and the rules across them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "graph_diffusion.h"
#include "hash.h"
#include "memo.h"
#include "text.h"

static const char *const posterior_names[] = {"network", "exact", "checkpoint", NULL};

#define FIELD(name) offsetof(GraphDiffusionParams, name)
#define GENERATED "barbell|chain|stochastic_block|planar|trees|erdos_renyi|toy4"
#define CLUSTERED "barbell|chain|stochastic_block|planar|trees|erdos_renyi"
#define NOT_READ "network|exact"
#define TRANSFORMER(name, field, fallback, low, high, unit, help)                                                                          \
  {                                                                                                                                        \
    name, PARAM_INT, FIELD(field), fallback, low, high, 0, unit, NULL, "denoiser", "transformer", help                                     \
  }
#define SWITCH(name, field, fallback, help)                                                                                                \
  {                                                                                                                                        \
    name, PARAM_BOOL, FIELD(field), fallback, 0, 0, 0, "1", NULL, "denoiser", "transformer", help                                          \
  }
/* clang-format off */
const ParamSpec graph_diffusion_params[] = {
    {"data", PARAM_CHOICE, FIELD(data), "barbell", 0, 0, 0, "1", graph_set_names, NULL, NULL, "the law of the training graphs"},
    {"path", PARAM_TEXT, FIELD(path), "", 0, 0, 0, "1", NULL, "data", "file", "a set file, or a folder with one graph a file"},
    {"cluster_sizes", PARAM_INT_LIST, FIELD(cluster_sizes), "[8, 8]", 1, SET_NODES_MAX, 0, "vertices", NULL, "data", CLUSTERED,
     "vertices of the clusters; neighbours in the list are joined by a bridge"},
    {"bridge_frequency", PARAM_REAL, FIELD(bridge_frequency), "0.05", 0, 1, 0, "1", NULL, "data", GENERATED,
     "eps: how often a bridge is there"},
    {"intra_frequency", PARAM_REAL, FIELD(intra_frequency), "0.95", 0, 1, 0, "1", NULL, "data",
     "barbell|chain|stochastic_block|erdos_renyi", "of every edge inside a cluster"},
    {"exact_frequency", PARAM_BOOL, FIELD(exact_frequency), "true", 0, 0, 0, "1", NULL, "data", GENERATED,
     "exactly eps of the training graphs have the bridge, else each by chance"},
    {"permute", PARAM_BOOL, FIELD(permute), "false", 0, 0, 0, "1", NULL, "data", GENERATED,
     "the vertices of every graph in random order"},
    {"node_blocks", PARAM_BOOL, FIELD(node_blocks), "false", 0, 0, 0, "1", NULL, "data", CLUSTERED,
     "node class = cluster, which the model must generate as well; else vertices are alike"},
    {"graphs", PARAM_INT, FIELD(graphs), "1000", 1, 1e7, 0, "graphs", NULL, NULL, NULL, "training set, drawn anew in every trial"},
    {"test_graphs", PARAM_INT, FIELD(test_graphs), "500", 1, 1e6, 0, "graphs", NULL, NULL, NULL, "test set, for the distances"},
    {"posterior", PARAM_CHOICE, FIELD(posterior), "network", 0, 0, 0, "1", posterior_names, NULL, NULL,
     "what the reverse chain is fed with: a network trained here, the exact posterior, or a network read from a checkpoint"},
    {"model_file", PARAM_TEXT, FIELD(checkpoint), "", 0, 0, 0, "1", NULL, "posterior", "checkpoint", "the file of the model"},
    {"model_directory", PARAM_TEXT, FIELD(checkpoint_directory), "", 0, 0, PARAM_EXECUTION, "1", NULL, "posterior", "network",
     "where every trial's model and optimizer are written as KEY.model; empty: nowhere"},
    {"diffusion_steps", PARAM_INT, FIELD(T), "50", 1, TRANSITION_STEPS_MAX, 0, "steps", NULL, "posterior", NOT_READ, "T"},
    {"schedule", PARAM_CHOICE, FIELD(schedule), "cosine", 0, 0, 0, "1", abar_names, "posterior", NOT_READ, "of abar"},
    {"abar", PARAM_REAL_LIST, FIELD(abar), "[]", 0, 1, PARAM_MAY_BE_EMPTY, "1", NULL, "schedule", "user",
     "abar_1 .. abar_T, falling; abar_0 is 1"},
    {"transition", PARAM_CHOICE, FIELD(transition), "marginal", 0, 0, 0, "1", transition_names, "posterior", NOT_READ,
     "the limit law of the noise: marginals of the data, or uniform over classes"},
    {"edge_noise", PARAM_CHOICE, FIELD(noise), "random", 0, 0, 0, "1", edge_noise_names, "posterior", "network",
     "of training: random, or one fixed noise for every graph and t"},
    {"denoiser", PARAM_CHOICE, FIELD(denoiser), "factored_bit", 0, 0, 0, "1", denoiser_names, "posterior", "network", "the network"},
    {"time_buckets", PARAM_INT, FIELD(buckets), "0", 0, TRANSITION_STEPS_MAX, 0, "1", NULL, "denoiser", "factored|factored_bit",
     "quantile buckets of t with parameters of their own; 0: one a step"},
    {"depth", PARAM_INT, FIELD(train.depth), "2", 0, NET_DEPTH_MAX, 0, "layers", NULL, "denoiser", "edge_mlp", "hidden layers"},
    {"width", PARAM_INT, FIELD(train.width), "64", 1, NET_WIDTH_MAX, 0, "units", NULL, "denoiser", "edge_mlp", "units of a hidden layer"},
    {"activation", PARAM_CHOICE, FIELD(train.activation), "relu", 0, 0, 0, "1", activation_names, "denoiser", "edge_mlp",
     "of the hidden layers"},
    TRANSFORMER("layers", layers, "3", 1, TRANSFORMER_LAYERS_MAX, "layers", "of the transformer"),
    TRANSFORMER("dx", dx, "64", 16, 1024, "channels", "of a vertex, a multiple of 16"),
    TRANSFORMER("de", de, "32", 16, 1024, "channels", "of a pair, a multiple of 16"),
    TRANSFORMER("dy", dy, "64", 16, 1024, "channels", "of the whole graph, a multiple of 16"),
    TRANSFORMER("heads", heads, "4", 1, 64, "1", "attention heads, a divisor of dx"),
    TRANSFORMER("ff_x", ff_x, "128", 16, 4096, "channels", "hidden width of a vertex, a multiple of 16"),
    TRANSFORMER("ff_e", ff_e, "64", 16, 4096, "channels", "hidden width of a pair, a multiple of 16"),
    TRANSFORMER("ff_y", ff_y, "128", 16, 4096, "channels", "hidden width of the whole graph, a multiple of 16"),
    SWITCH("node_id", node_id, "false", "vertices see their number: position can be learned"),
    SWITCH("feature_degree", degree, "false", "vertices see their degrees"),
    SWITCH("feature_cycles", cycles, "false", "vertices see the cycles of length 3 to 5 through them"),
    SWITCH("feature_spectrum", spectrum, "false", "pairs see projectors on the lowest Laplacian eigenspaces, and components"),
    {"dropout", PARAM_REAL, FIELD(dropout), "0", 0, 1, PARAM_OPEN_MAX, "1", NULL, "denoiser", "transformer", "of residual branches"},
    {"loss", PARAM_CHOICE, FIELD(loss), "standard", 0, 0, 0, "1", graph_loss_names, "posterior", NOT_READ,
     "weights of edges present: none; 1 + lambda R_eff of the edge; of the graph, with its largest bridge; omega"},
    {"lambda", PARAM_REAL, FIELD(lambda), "10", 0, 1e6, 0, "1", NULL, "loss", "edge_weighted|graph_weighted", "of the resistance weight"},
    {"omega", PARAM_REAL, FIELD(omega), "10", 0, 1e6, PARAM_OPEN_MIN, "1", NULL, "loss", "class_weighted", "weight of edges present"},
    {"lambda_e", PARAM_REAL, FIELD(lambda_e), "5", 0, 1e6, PARAM_OPEN_MIN, "1", NULL, "posterior", "network",
     "weight of the edges' cross-entropy against the nodes'"},
    {"steps", PARAM_INT, FIELD(steps), "2000", 1, 1e9, 0, "steps", NULL, "posterior", "network", "of training"},
    OPTIMIZER_PARAMS(GraphDiffusionParams, "posterior", "network", "1e-3", "cosine"),
    {"batch", PARAM_INT, FIELD(train.batch), "64", 0, 1 << 20, 0, "graphs", NULL, "posterior", "network",
     "graphs a step; 0: all training graphs in every step"},
    {"shards", PARAM_INT, FIELD(train.shards), "0", 0, 1024, 0, "1", NULL, "posterior", "network",
     "parts of a batch whose gradients are summed as a tree, a power of two: at most so many ranks share a trial; 0: 4, or for factored "
     "denoisers the power of two up to batch / 64"},
    {"samples", PARAM_INT, FIELD(samples), "1000", 1, 1e7, 0, "graphs", NULL, NULL, NULL, "generated in every trial"},
    {"metric_graphs", PARAM_INT, FIELD(metric_graphs), "512", 2, 1e5, 0, "graphs", NULL, NULL, NULL,
     "of a set, at most, that distances between laws and novelty are computed from"},
    {"probe_graphs", PARAM_INT, FIELD(probe_graphs), "256", 1, 1e6, 0, "graphs", NULL, NULL, NULL,
     "noisy graphs that a probe is averaged over"},
    {"bound_graphs", PARAM_INT, FIELD(bound_graphs), "64", 1, 1e6, 0, "graphs", NULL, NULL, NULL, "test graphs of the likelihood bound"},
    {"trace_graphs", PARAM_INT, FIELD(trace_graphs), "256", 1, 1e5, 0, "graphs", NULL, NULL, NULL,
     "samples whose way through the reverse chain is followed"},
    {"recorded_graphs", PARAM_INT, FIELD(recorded_graphs), "64", 1, 1e6, PARAM_EXECUTION, "graphs", NULL, NULL, NULL,
     "samples that a recorded trial keeps"},
    {"strip_graphs", PARAM_INT, FIELD(strip_graphs), "8", 1, 1e4, PARAM_EXECUTION, "graphs", NULL, NULL, NULL,
     "of them with their whole way, at most trace_graphs"},
    {0},
};
/* clang-format on */

/* --- the plan of a point --- */

static GraphSetSpec set_of(const GraphDiffusionParams *p)
{
  GraphSetSpec s = {.kind             = (GraphSetKind)p->data,
                    .clusters         = PetscMin(p->cluster_sizes.n, SET_CLUSTERS_MAX + 1),
                    .bridge_frequency = p->bridge_frequency,
                    .intra_frequency  = p->intra_frequency,
                    .exact_frequency  = p->exact_frequency,
                    .permute          = p->permute,
                    .node_blocks      = p->node_blocks};
  for (int i = 0; i < s.clusters && i < SET_CLUSTERS_MAX; i++) s.size[i] = (int)p->cluster_sizes.value[i];
  snprintf(s.path, sizeof s.path, "%s", p->path);
  return s;
}

static unsigned features_of(const GraphDiffusionParams *p)
{
  return (p->degree ? FEATURE_DEGREE : 0u) | (p->cycles ? FEATURE_CYCLES : 0u) | (p->spectrum ? FEATURE_SPECTRUM : 0u);
}

static DenoiserSpec denoiser_of(const GraphDiffusionParams *p, const GraphDiffusionPlan *plan)
{
  DenoiserSpec s = {.kind       = (DenoiserKind)p->denoiser,
                    .n          = plan->n,
                    .a          = plan->a,
                    .b          = plan->b,
                    .T          = plan->T,
                    .buckets    = (int)(p->buckets ? p->buckets : plan->T),
                    .depth      = (int)p->train.depth,
                    .width      = (int)p->train.width,
                    .activation = (Activation)p->train.activation,
                    .node_id    = p->node_id,
                    .layers     = (int)p->layers,
                    .dx         = (int)p->dx,
                    .de         = (int)p->de,
                    .dy         = (int)p->dy,
                    .heads      = (int)p->heads,
                    .ff_x       = (int)p->ff_x,
                    .ff_e       = (int)p->ff_e,
                    .ff_y       = (int)p->ff_y,
                    .dropout    = p->dropout};
  if (s.kind == DENOISER_EDGE_MLP) s.pair_features = PAIR_FEATURES;
  if (s.kind == DENOISER_TRANSFORMER) features_count(features_of(p), &s.node_features, &s.pair_features, &s.graph_features);
  return s;
}

static GraphTrainSpec training_of(const GraphDiffusionParams *p, const GraphDiffusionPlan *plan)
{
  return (GraphTrainSpec){.denoiser  = denoiser_of(p, plan),
                          .features  = p->denoiser == DENOISER_TRANSFORMER ? features_of(p) : 0,
                          .optimizer = train_params_optimizer(&p->train),
                          .loss      = {(GraphLoss)p->loss, p->lambda, p->omega, p->lambda_e},
                          .noise     = (EdgeNoise)p->noise,
                          .steps     = p->steps,
                          .batch     = (int)p->train.batch,
                          .shards    = (int)p->train.shards};
}

static void set_forget(void *set)
{
  GraphSet *s = set;
  graph_set_destroy(&s);
}

/* Read once for all trials; a file is another one when its size or time of change is. */
static PetscErrorCode find_file(const GraphDiffusionParams *p, GraphDiffusionPlan *plan, char error[256])
{
  struct stat info   = {0};
  GraphErrors errors = {0};
  GraphSet   *set;

  PetscFunctionBeginUser;
  (void)stat(p->path, &info);
  const uint64_t key = hash_u64(hash_u64(hash_text(hash_text(0, "graph set"), p->path), (uint64_t)info.st_size),
                                (uint64_t)info.st_mtim.tv_sec * 1000000000u + (uint64_t)info.st_mtim.tv_nsec);
  plan->file         = memo_find(key);
  if (plan->file) PetscFunctionReturn(0);
  PetscCall(graph_set_read(p->path, &set, &errors));
  if (errors.n) snprintf(error, 256, "%s%s", errors.line[0], errors.n > 1 ? " (and more)" : "");
  graph_errors_clear(&errors);
  if (error[0]) PetscFunctionReturn(0);
  memo_put(key, set, set_forget);
  plan->file = set;
  PetscFunctionReturn(0);
}

/* Everything of the model comes from its file; the data are told by the input, and must have its shape. */
static void find_checkpoint(const GraphDiffusionParams *p, GraphDiffusionPlan *plan, char error[256])
{
  if (!graph_checkpoint_read(p->checkpoint, &plan->checkpoint, error)) return;
  const DenoiserSpec *s = &plan->checkpoint->training.denoiser;
  if (s->n != plan->n || s->a != plan->a || s->b != plan->b)
    snprintf(error, 256, "%.100s is a model of %d vertices, %d node and %d edge classes; the data have %d, %d and %d", p->checkpoint, s->n,
             s->a, s->b, plan->n, plan->a, plan->b);
  plan->T        = s->T;
  plan->training = plan->checkpoint->training;
}

PetscErrorCode graph_diffusion_plan_create(const GraphDiffusionParams *p, GraphDiffusionPlan *plan, const char **parameter, char error[256])
{
  PetscFunctionBeginUser;
  *plan      = (GraphDiffusionPlan){.set = set_of(p), .a = 1, .b = 2, .T = (int)p->T};
  error[0]   = '\0';
  *parameter = "path";
  if (p->data == SET_FILE && !p->path[0])
    snprintf(error, 256, "data: file needs a path: a set file, or a folder with one graph a file");
  else if (p->data == SET_FILE)
    PetscCall(find_file(p, plan, error));
  if (error[0]) PetscFunctionReturn(0);
  plan->n = plan->file ? plan->file->n : graph_set_nodes(&plan->set);
  plan->a = plan->file ? plan->file->a : p->node_blocks && p->data != SET_TOY4 ? plan->set.clusters : 1;
  if (plan->file) plan->b = plan->file->b;
  if (p->posterior == CHAIN_CHECKPOINT) {
    *parameter = "model_file";
    if (p->checkpoint[0])
      find_checkpoint(p, plan, error);
    else
      snprintf(error, 256, "posterior: checkpoint needs a model_file, as model_directory has written it");
    PetscFunctionReturn(0);
  }
  if (p->schedule == ABAR_USER) plan->T = p->abar.n;
  *parameter = p->schedule == ABAR_USER ? "abar" : "diffusion_steps";
  PetscCall(PetscMalloc1(plan->T + 1, &plan->abar));
  (void)transition_schedule((AbarKind)p->schedule, plan->T, p->abar.n, p->abar.value, plan->abar, error);
  plan->training = training_of(p, plan);
  PetscFunctionReturn(0);
}

void graph_diffusion_plan_destroy(GraphDiffusionPlan *plan)
{
  (void)PetscFree(plan->abar);
  graph_checkpoint_destroy(&plan->checkpoint);
}

bool graph_diffusion_in_place(const GraphDiffusionParams *p, const GraphDiffusionPlan *plan)
{
  const DenoiserSpec *s    = &plan->training.denoiser;
  const bool          sees = p->posterior == CHAIN_EXACT || s->kind <= DENOISER_FACTORED_BIT || s->node_id;
  return !p->permute && p->data != SET_FILE && sees && !(s->kind == DENOISER_EDGE_MLP && p->posterior != CHAIN_EXACT);
}

bool graph_diffusion_has_sites(const GraphDiffusionParams *p)
{
  const bool row = (p->data == SET_BARBELL || p->data == SET_CHAIN) && p->cluster_sizes.n > 1;
  return !p->permute && (row || p->data == SET_TOY4);
}

/* --- rules --- */

static void check_plan(const GraphDiffusionParams *p, const GraphDiffusionPlan *plan, Diagnostics *d)
{
  char        message[256];
  const char *problem = graph_diffusion_trains(p) ? denoiser_check(&plan->training.denoiser, message) : NULL;
  if (problem) diagnostics_parameter(d, "denoiser", "%s", problem);
  if (plan->file && p->graphs + p->test_graphs > plan->file->count)
    diagnostics_parameter(d, "graphs", "graphs %lld and test_graphs %lld: %s has %lld graphs", (long long)p->graphs,
                          (long long)p->test_graphs, p->path, (long long)plan->file->count);
  if (graph_diffusion_trains(p) && p->denoiser == DENOISER_FACTORED_BIT && p->buckets && p->buckets < plan->T)
    diagnostics_parameter_warning(d, "time_buckets",
                                  "time_buckets %lld for %d steps: coarse buckets alone look like myopia (with one, a bridge of 5 %% comes "
                                  "out as 2.2 %% although nothing is starved); 0 takes one a step",
                                  (long long)p->buckets, plan->T);
  const int64_t batch = graph_train_batch(&plan->training, p->graphs);
  if (graph_diffusion_trains(p) && p->train.shards > batch)
    diagnostics_parameter(d, "shards", "a batch of %lld graphs has no %lld shards", (long long)batch, (long long)p->train.shards);
}

void graph_diffusion_check(const void *params_, Diagnostics *d)
{
  const GraphDiffusionParams *p   = params_;
  const GraphSetSpec          set = set_of(p);
  GraphDiffusionPlan          plan;
  char                        message[256];
  const char                 *field = NULL, *problem = p->data == SET_FILE ? NULL : graph_set_check(&set, &field, message);
  if (problem) {
    const bool sizes = strcmp(field, "size") == 0 || strcmp(field, "clusters") == 0;
    diagnostics_parameter(d, sizes ? "cluster_sizes" : field, "%s", problem);
    return;
  }
  if (p->train.shards & (p->train.shards - 1))
    diagnostics_parameter(d, "shards", "shards %lld is no power of two", (long long)p->train.shards);
  if (p->posterior == CHAIN_EXACT && !p->node_blocks && !graph_diffusion_has_posterior(p))
    diagnostics_parameter(
        d, "posterior",
        "the exact posterior is known for toy4, and in fixed order where pairs are independent: barbell, chain, "
        "stochastic_block, erdos_renyi of one cluster; with graph_weighted for barbell and toy4 alone; use posterior: network");
  if (p->posterior == CHAIN_EXACT && p->node_blocks)
    diagnostics_parameter(d, "posterior", "the exact posterior knows no node classes: node_blocks: false");
  if (graph_diffusion_plan_create(p, &plan, &field, message)) diagnostics_parameter(d, "data", "out of memory");
  if (message[0])
    diagnostics_parameter(d, field, "%s", message);
  else
    check_plan(p, &plan, d);
  graph_diffusion_plan_destroy(&plan);
}

/* --- as text --- */

char *graph_diffusion_origin(const GraphDiffusionParams *p)
{
  Text text = {0};
  char value[16 * PARAM_LIST_MAX * 2];
  text_append(&text, "{");
  for (const ParamSpec *s = graph_diffusion_params; strcmp(s->name, "posterior") != 0; s++) { /* the data come first in the table */
    if (!param_used(graph_diffusion_params, s, p) || (s->flags & PARAM_EXECUTION)) continue;
    param_format(s, p, value, sizeof value);
    text_add(&text, "%s%s: ", text.length > 1 ? ", " : "", s->name);
    if (s->type == PARAM_TEXT)
      text_add_json(&text, value);
    else
      text_append(&text, value);
  }
  text_append(&text, "}");
  return text.s;
}
