/* SPDX-License-Identifier: BSD-2-Clause
 * Batches of an objective on lanes, a group of 64 samples at a time: indices, times, coefficients, then component by component data,
 * noise, x_t and target. Rows of data are gathered through a tile of 16 components. See objective_private.h for the streams; the
 * arithmetic is that of objective_reference.c bit by bit. */
#include <stdbool.h>
#include <string.h>

#include "kernel.h"
#include "objective_private.h"
#include "rng.h"
#include "vector_rng.h"

enum { TILE = 16, ORDER_DRAW = OBJECTIVE_ROUNDS_MAX / 4, VECTORS = VR_GROUP / VF_LANES };
#define EACH_VECTOR(v) _Pragma("GCC unroll 16") for (int v = 0; v < VECTORS; v++)

/* What a group's samples share between components. */
typedef struct Group {
  _Alignas(64) uint32_t index[VR_GROUP]; /* of the data point */
  uint32_t time[VR_GROUP];               /* discrete: t - 1 */
  uint32_t word[TILE + 1][VR_GROUP];     /* times, then a tile's components */
  float    a[VR_GROUP], s[VR_GROUP], p[VR_GROUP], q[VR_GROUP], input[VR_GROUP], level[VR_GROUP];
  int      low, high; /* places low .. high - 1 of the 64 are wanted */
  uint64_t number;    /* of the group in the streams of words */
} Group;

static const _Alignas(64) float zeros[VR_GROUP] = {0};
#define FOUR(x) x, x, x, x
#define SIXTEEN(x) FOUR(x), FOUR(x), FOUR(x), FOUR(x)
static const _Alignas(64) float ones[VR_GROUP]       = {FOUR(SIXTEEN(1.0f))};
static const _Alignas(64) float minus_ones[VR_GROUP] = {FOUR(SIXTEEN(-1.0f))};

static const float *field(const Group *g, Field f)
{
  switch (f) {
  case FIELD_ZERO: return zeros;
  case FIELD_ONE: return ones;
  case FIELD_MINUS_ONE: return minus_ones;
  case FIELD_P: return g->p;
  case FIELD_Q: return g->q;
  }
  return zeros;
}

VF_INLINE Vu load_words(const uint32_t *p)
{
  Vu v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* floor(a's upper half n / 2^16) for n < 2^16. */
VF_INLINE Vu scale_upper(Vu a, uint32_t n)
{
#if defined(__AVX512BW__)
  return (Vu)_mm512_mulhi_epu16((__m512i)a, _mm512_set1_epi32((int)(n << 16))) >> 16;
#elif defined(__AVX2__)
  return (Vu)_mm256_mulhi_epu16((__m256i)a, _mm256_set1_epi32((int)(n << 16))) >> 16;
#elif defined(__SSE2__)
  return (Vu)_mm_mulhi_epu16((__m128i)a, _mm_set1_epi32((int)(n << 16))) >> 16;
#else
  return (a >> 16) * n >> 16;
#endif
}

VF_INLINE Vu hash(Vu x, uint32_t key, uint32_t n)
{
  const Vu h = (x + key) * 0x9e3779b1u;
  return scale_upper((h ^ h >> 15) * 0x85ebca6bu, n);
}

/* x mod n of x < 2 n: the smaller of x and x - n modulo 2^32. */
VF_INLINE Vu reduce(Vu x, uint32_t n)
{
#if defined(__AVX512F__)
  return (Vu)_mm512_min_epu32((__m512i)x, (__m512i)(x - n));
#elif defined(__AVX2__)
  return (Vu)_mm256_min_epu32((__m256i)x, (__m256i)(x - n));
#else
  return x - ((Vu)(x >= n) & n);
#endif
}

VF_INLINE bool vu_any(Vu bits)
{
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)bits, (__m512i)bits) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256((__m256i)bits, (__m256i)bits);
#else
  uint32_t lane[VF_LANES], any = 0;
  memcpy(lane, &bits, sizeof lane);
  for (int i = 0; i < VF_LANES; i++) any |= lane[i];
  return any != 0;
#endif
}

/* position: of the group's place 0 in the epoch. Places that are not wanted may lie beyond it: they get point 0. */
static void permuted_indices(const Objective *o, const uint32_t *key, int64_t position, Group *g)
{
  static const uint32_t count[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const uint32_t        rows = o->rows, columns = o->columns, row = (uint32_t)position / columns, column = (uint32_t)position % columns;
  Vu                    l[VECTORS], r[VECTORS], outside = {0};
  EACH_VECTOR(v)
  {
    r[v]           = load_words(count + v * VF_LANES % 16) + (column + (uint32_t)(v * VF_LANES / 16 * 16));
    const Vu carry = (Vu) __builtin_convertvector((__builtin_convertvector((Vi)r[v], Vf) + 0.5f) * o->inverse_columns, Vi);
    l[v]           = row + carry;
    r[v] -= carry * columns;
  }
  for (int i = 0; i < o->rounds; i += 2) {
    EACH_VECTOR(v) l[v] = reduce(l[v] + hash(r[v], key[i], rows), rows);
    EACH_VECTOR(v) r[v] = reduce(r[v] + hash(l[v], key[i + 1], columns), columns);
  }
  EACH_VECTOR(v)
  {
    const Vu index = l[v] * columns + r[v];
    outside |= (Vu)(index >= (uint32_t)o->n);
    memcpy(g->index + v * VF_LANES, &index, sizeof index);
  }
  const bool some = g->low > 0 || g->high < VR_GROUP || vu_any(outside);
  for (int i = 0; some && i < VR_GROUP; i++) {
    if (i < g->low || i >= g->high)
      g->index[i] = 0;
    else if (g->index[i] >= (uint32_t)o->n)
      g->index[i] = (uint32_t)objective_permuted(o, key, position + i);
  }
}

static void drawn_indices(const Objective *o, const VrKey *key, Group *g)
{
  const VrGroup group = {g->number, ORDER_DRAW, RNG_ORDER};
  vr_many_words(key, 1, &group, g->word);
  for (int v = 0; v < VR_GROUP; v += VF_LANES) {
    const Vu index = vr_below(load_words(g->word[0] + v), (uint32_t)o->n);
    memcpy(g->index + v, &index, sizeof index);
  }
}

typedef float Quad __attribute__((vector_size(16), may_alias));

VF_INLINE Quad load_quad(const float *p)
{
  Quad v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* out[k][i] = rows[index[i] size + k], k < 4, four samples at a time. */
VF_INLINE void gather_quads(const float *rows, size_t size, const uint32_t index[VR_GROUP], float (*out)[VR_GROUP])
{
  for (int i = 0; i < VR_GROUP; i += 4) {
    const Quad a = load_quad(rows + index[i] * size), b = load_quad(rows + index[i + 1] * size);
    const Quad c = load_quad(rows + index[i + 2] * size), d = load_quad(rows + index[i + 3] * size);
    const Quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Quad ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const Quad column[4] = {__builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                            __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5), __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7)};
    for (int k = 0; k < 4; k++) memcpy(out[k] + i, &column[k], sizeof(Quad));
  }
}

/* p[0], p[1], q[0], q[1]; as halves of a register, without a detour through memory. */
VF_INLINE Quad join(const float *p, const float *q)
{
  typedef double Pair __attribute__((vector_size(16), may_alias));
  Pair           both;
  double         a, b;
  memcpy(&a, p, sizeof a);
  memcpy(&b, q, sizeof b);
  both = (Pair){a, b};
  return (Quad)both;
}

/* The same of two columns, rows of `size` numbers. */
VF_INLINE void gather_pairs(const float *rows, size_t size, const uint32_t index[VR_GROUP], float *first, float *second)
{
  for (int i = 0; i < VR_GROUP; i += 4) {
    const Quad ab = join(rows + index[i] * size, rows + index[i + 1] * size);
    const Quad cd = join(rows + index[i + 2] * size, rows + index[i + 3] * size);
    const Quad x = __builtin_shufflevector(ab, cd, 0, 2, 4, 6), y = __builtin_shufflevector(ab, cd, 1, 3, 5, 7);
    memcpy(first + i, &x, sizeof x);
    memcpy(second + i, &y, sizeof y);
  }
}

static void discrete_times(const Objective *o, Group *g)
{
  const Vf T = vf_splat((float)o->spec.T);
  for (int v = 0; v < VR_GROUP; v += VF_LANES) {
    const Vu time = vr_below(load_words(g->word[0] + v), (uint32_t)o->spec.T);
    const Vf t    = __builtin_convertvector((Vi)time, Vf);
    memcpy(g->time + v, &time, sizeof time);
    vf_store(g->input + v, (t + vf_splat(1.0f)) / T);
    vf_store(g->level + v, (t + vf_splat(0.5f)) / T);
  }
  gather_pairs(o->row, OBJECTIVE_ROW, g->time, g->a, g->s);
  if (o->target_eps == FIELD_P || o->target_x0 == FIELD_P) gather_pairs(o->row + 2, OBJECTIVE_ROW, g->time, g->p, g->q);
}

static void continuous_times(const Objective *o, Group *g)
{
  for (int v = 0; v < VR_GROUP; v += VF_LANES) {
    const Vf u = __builtin_convertvector((Vi)(load_words(g->word[0] + v) >> 8), Vf) * vf_splat(0x1p-24f);
    Vf       t = vf_fma(u, vf_splat(o->t_range), vf_splat(o->t_first)), a, s2, p = {0}, q = {0};
    if (o->spec.sampling == SAMPLE_EXPONENTIAL) t = vf_exp(t);
    t = vf_min(vf_max(t, vf_splat(o->t_min)), vf_splat(o->t_max));
    vf_vp(t, &a, &s2);
    const Vf s = vf_sqrt(s2);
    switch (o->spec.prediction) {
    case PREDICT_DATA: p = a * a / s2; break;
    case PREDICT_SCORE:
      p = vf_splat(1.0f) / s;
      q = s2;
      break;
    case PREDICT_VELOCITY:
      p = a * vf_splat(-0.5f);
      q = a * a * vf_splat(0.5f) / s;
      break;
    case PREDICT_NOISE:
    case PREDICT_MEAN: break;
    }
    vf_store(g->a + v, a);
    vf_store(g->s + v, s);
    vf_store(g->p + v, p);
    vf_store(g->q + v, q);
    vf_store(g->input + v, t * vf_splat(o->time_scale));
    vf_store(g->level + v, u);
  }
}

/* tile[j][i] = components from .. from + width - 1 of the rows of the samples; rows of more than two are padded to whole
 * quads. */
static void gather(const Objective *o, const Group *g, int from, int width, float (*tile)[VR_GROUP])
{
  const size_t size = (size_t)o->d_row;
  const float *rows = o->data + from;
  if (from + TILE < o->d)
    for (int i = 0; i < VR_GROUP; i++) __builtin_prefetch(rows + g->index[i] * size + TILE);
  if (size == 1)
    for (int i = 0; i < VR_GROUP; i++) tile[0][i] = rows[g->index[i]];
  else if (size == 2)
    gather_pairs(rows, 2, g->index, tile[0], tile[1]);
  else
    for (int j = 0; j < width; j += 4) gather_quads(rows + j, size, g->index, tile + j);
}

static void gather_digits(const Objective *o, const Group *g, int from, int width, float (*tile)[VR_GROUP])
{
  for (int i = 0; i < VR_GROUP; i++) {
    const float *row = o->digits + ((size_t)g->index[i] * (size_t)o->spec.T + g->time[i]) * (size_t)o->d + from;
    for (int j = 0; j < width; j++) tile[j][i] = row[j];
  }
}

/* Words of components from .. from + width - 1 to g->word[1 ...], before the first tile those of the times to g->word[0] as well. */
static void draw_words(const VrKey *key, Group *g, int from, int width)
{
  VrGroup group[TILE + 1];
  group[0] = (VrGroup){g->number, 0, RNG_TIME};
  for (int j = 0; j < width; j++) group[j + 1] = (VrGroup){g->number, (uint32_t)(from + j), RNG_TRAIN_NOISE};
  const int drawn = from > 0;
  vr_many_words(key, width + 1 - drawn, group + drawn, g->word + drawn);
}

/* The wanted part of 64 numbers to out, of which place low is number 0; padded to a multiple of 16. */
VF_INLINE void put(const Group *g, const float from[VR_GROUP], float *out)
{
  if (g->low % 16 == 0) {
    for (int v = g->low; v < g->high; v += 16)
      for (int part = 0; part < 16; part += VF_LANES) vf_store(out + v - g->low + part, vf_load(from + v + part));
    return;
  }
  const int count = g->high - g->low;
  memcpy(out, from + g->low, (size_t)count * sizeof *out);
  for (int i = count; i % 16; i++) out[i] = out[count - 1];
}

VF_INLINE void mix(const Group *g, const float *target_x0, const float *target_eps, const float *x0, const float *z, float *x,
                   float *target)
{
  _Alignas(64) float x_group[VR_GROUP], target_group[VR_GROUP];
  for (int v = 0; v < VR_GROUP; v += VF_LANES) {
    const Vf data = vf_load(x0 + v), eps = vf_load(z + v);
    vf_store(x_group + v, vf_fma(vf_load(g->a + v), data, vf_load(g->s + v) * eps));
    vf_store(target_group + v, vf_fma(vf_load(target_x0 + v), data, vf_load(target_eps + v) * eps));
  }
  put(g, x_group, x);
  put(g, target_group, target);
}

static void components(const Objective *o, const VrKey *key, Group *g, int stride, float *x, float *target)
{
  const float       *target_x0 = field(g, o->target_x0), *target_eps = field(g, o->target_eps);
  _Alignas(64) float tile[TILE][VR_GROUP], noise[TILE][VR_GROUP];
  for (int from = 0; from < o->d; from += TILE) {
    const int width = o->d - from < TILE ? o->d - from : TILE;
    gather(o, g, from, width, tile);
    if (o->digits)
      gather_digits(o, g, from, width, noise);
    else if (from > 0)
      draw_words(key, g, from, width);
    if (!o->digits) vr_many_normals(width, g->word + 1, noise);
    for (int j = 0; j < width; j++) {
      const size_t at = (size_t)(from + j) * (size_t)stride;
      mix(g, target_x0, target_eps, tile[j], noise[j], x + at, target + at);
    }
  }
}

void KERNEL(objective_batch)(const Objective *o, uint64_t key, int64_t step, int first, int n, int stride, float *x, float *t,
                             float *target, float *weight, float *level)
{
  const int64_t epoch_steps = objective_epoch_steps(o), start = step % epoch_steps * o->spec.batch;
  const bool    permuted = o->spec.batch <= o->n;
  uint32_t      round_key[OBJECTIVE_ROUNDS_MAX];
  VrKey         keys;
  vr_key(key, &keys);
  if (permuted) objective_round_keys(o, key, step / epoch_steps, round_key);
  for (int done = 0; done < n;) {
    const int place = first + done, origin = place / VR_GROUP * VR_GROUP;
    Group     g;
    g.low    = place - origin;
    g.high   = first + n - origin < VR_GROUP ? first + n - origin : VR_GROUP;
    g.number = ((uint64_t)step << OBJECTIVE_STEP_BITS | (uint64_t)origin) / VR_GROUP;
    if (permuted)
      permuted_indices(o, round_key, start + origin, &g);
    else
      drawn_indices(o, &keys, &g);
    draw_words(&keys, &g, 0, o->digits ? 0 : o->d < TILE ? o->d : TILE);
    if (o->spec.T > 0)
      discrete_times(o, &g);
    else
      continuous_times(o, &g);
    put(&g, g.input, t + done);
    put(&g, field(&g, o->weight), weight + done);
    if (level) put(&g, g.level, level + done);
    components(o, &keys, &g, stride, x + done, target + done);
    done += g.high - g.low;
  }
}
