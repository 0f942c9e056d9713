/* SPDX-License-Identifier: BSD-2-Clause
 * Cycles of length 3, 4 and 5 through every vertex, from numbers of walks (Harary and Manvel 1971; vertex by vertex). With C_ij the common
 * neighbours of i and j (C_ii := 0), N(i) the neighbours of i, d degrees and t triangles:
 *   3: t_i = sum over j in N(i) of C_ij / 2
 *   4: sum over k of C_ik (C_ik - 1) / 2, k opposite to i
 *   5: i - a - b - c - d - i, bc the edge opposite to i: sum over edges bc without i of (C_ib - A_ic) (C_ic - A_ib), less a = d:
 *      sum_b C_ib (A C)_bi / 2 - sum over b in N(i) of C_ib (d_b - 1) + t_i - (sum over a in N(i) of t_a - 2 t_i)
 * All in integers: C <= 62 and (A C) <= 62 63 fit 16 bits, so that a row is a few vectors. */
#include "graph_features.h"

#include <string.h>

enum { WIDE = 64 };
typedef struct Rows {
  int16_t at[WIDE][WIDE];
} Rows;

/* A x: every row is the sum of the rows of its neighbours. */
static void times_adjacency(int n, const uint64_t *adjacency, const Rows *x, Rows *out)
{
  for (int i = 0; i < n; i++) {
    int16_t sum[WIDE] = {0};
    for (uint64_t rest = adjacency[i]; rest; rest &= rest - 1) {
      const int16_t *const row = x->at[__builtin_ctzll(rest)];
      for (int j = 0; j < WIDE; j++) sum[j] = (int16_t)(sum[j] + row[j]);
    }
    memcpy(out->at[i], sum, sizeof sum);
  }
}

static void common_neighbours(int n, const uint64_t *adjacency, int *degree, Rows *common)
{
  Rows a = {0};
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < WIDE; j++) a.at[i][j] = (int16_t)(adjacency[i] >> j & 1);
  }
  times_adjacency(n, adjacency, &a, common);
  for (int i = 0; i < n; i++) {
    degree[i]        = common->at[i][i];
    common->at[i][i] = 0;
  }
}

static int triangles(const uint64_t *adjacency, const int16_t *common, int i)
{
  int twice = 0;
  for (uint64_t rest = adjacency[i]; rest; rest &= rest - 1) twice += common[__builtin_ctzll(rest)];
  return twice / 2;
}

static int squares(int n, const int16_t *common)
{
  int sum = 0;
  for (int k = 0; k < n; k++) sum += common[k] * (common[k] - 1) / 2;
  return sum;
}

/* walks: (A C). */
static int pentagons(int n, const uint64_t *adjacency, const Rows *common, const Rows *walks, const int *degree, const int *t, int i)
{
  int twice = 0, sum = 3 * t[i];
  for (int b = 0; b < n; b++) twice += common->at[i][b] * walks->at[b][i];
  for (uint64_t rest = adjacency[i]; rest; rest &= rest - 1) {
    const int b = __builtin_ctzll(rest);
    sum -= common->at[i][b] * (degree[b] - 1) + t[b];
  }
  return twice / 2 + sum;
}

void masks_cycles(int n, const uint64_t *adjacency, double *through3, double *through4, double *through5, double total[3])
{
  Rows   common, walks;
  int    degree[WIDE], t[WIDE];
  double sum[3] = {0};
  common_neighbours(n, adjacency, degree, &common);
  for (int i = 0; i < n; i++) t[i] = triangles(adjacency, common.at[i], i);
  if (through5 || total) times_adjacency(n, adjacency, &common, &walks);
  for (int i = 0; i < n; i++) {
    const int four = squares(n, common.at[i]), five = through5 || total ? pentagons(n, adjacency, &common, &walks, degree, t, i) : 0;
    if (through3) through3[i] = t[i];
    if (through4) through4[i] = four;
    if (through5) through5[i] = five;
    sum[0] += t[i];
    sum[1] += four;
    sum[2] += five;
  }
  for (int k = 0; total && k < 3; k++) total[k] = sum[k] / (k + 3);
}
