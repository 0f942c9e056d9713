/* SPDX-License-Identifier: BSD-2-Clause
 * A closed curve of the plane that is neither convex nor evenly covered: radius r = 1 + 0.3 cos 3 phi at the angle phi, of density
 * proportional to 1 + 0.5 cos phi in phi. As a sum of circles y = e(phi) + 0.15 (e(4 phi) + conj e(2 phi)), e(phi) = (cos phi, sin phi).
 *
 * E[x_0 | x] with z = x / a and sigma = s / a by the trapezoidal rule about every foot point phi_f (local minimum of |z - y|) that matters:
 * weights exp(-E), 2 sigma^2 E = |D|^2 - 2 (z - y_f) D + |z - y_f|^2 - (least square distance), D = y(phi_f + delta) - y_f by
 * cos(k delta) - 1 = -2 sin^2(k delta / 2), so that nothing cancels however small sigma is. The rule converges geometrically (Trefethen and
 * Weideman, SIAM Review 56 (2014) 385), its step is 0.7 deviations of the narrowest peak possible, and it walks outwards until e^-45: over
 * a low ridge into the next foot's valley, which is then not visited again, or around the whole curve. */
#include <math.h>
#include <stdbool.h>

#include "target_draw.h"
#include "target_private.h"

enum { GRID = CURVE_NODES, FEET = 16 };
static const double tilt = 0.5, farthest = 45;
/* Bounds of |y|, |y'| and |y''|. */
static const double reach = 1.3, speed = 1.4, bend = 4;

/* Cosines and sines of phi, 2 phi, 4 phi. */
typedef struct Powers {
  double c1, s1, c2, s2, c4, s4;
} Powers;

static Powers powers(double phi)
{
  const double c1 = cos(phi), s1 = sin(phi), c2 = 1 - 2 * s1 * s1, s2 = 2 * s1 * c1;
  return (Powers){.c1 = c1, .s1 = s1, .c2 = c2, .s2 = s2, .c4 = 1 - 2 * s2 * s2, .s4 = 2 * s2 * c2};
}

/* y and its first two derivatives. */
static void curve_point(double phi, double y[2], double y1[2], double y2[2])
{
  const Powers p = powers(phi);
  y[0]           = p.c1 + 0.15 * (p.c4 + p.c2);
  y[1]           = p.s1 + 0.15 * (p.s4 - p.s2);
  y1[0]          = -p.s1 - 0.6 * p.s4 - 0.3 * p.s2;
  y1[1]          = p.c1 + 0.6 * p.c4 - 0.3 * p.c2;
  y2[0]          = -p.c1 - 2.4 * p.c4 - 0.6 * p.c2;
  y2[1]          = -p.s1 - 2.4 * p.s4 + 0.6 * p.s2;
}

static PetscErrorCode create(Target *t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(1, &t->curve));
  static const int every[CURVE_LEVELS] = {2, 4, 8, 12};
  for (int i = 0; i < GRID; i++) {
    double y[2], y1[2], y2[2];
    curve_point(2 * M_PI * i / GRID, y, y1, y2);
    t->curve->x[i] = y[0];
    t->curve->y[i] = y[1];
  }
  for (int l = 0; l < CURVE_LEVELS; l++) {
    t->curve->n[l] = GRID / every[l];
    for (int i = 0; i < t->curve->n[l]; i++) {
      const int    at          = i * every[l];
      const double phi         = 2 * M_PI * at / GRID;
      t->curve->level[l][0][i] = (float)t->curve->x[at];
      t->curve->level[l][1][i] = (float)t->curve->y[at];
      t->curve->level[l][2][i] = (float)log1p(tilt * cos(phi));
      t->curve->level[l][3][i] = (float)cos(phi);
      t->curve->level[l][4][i] = (float)sin(phi);
    }
  }
  PetscFunctionReturn(0);
}

static void destroy(Target *t) { (void)PetscFree(t->curve); }

static void sample(const Target *t, Rng *r, double *y)
{
  (void)t;
  double       c, s;
  const double w = draw_tilted(rng_uniform(r), tilt);
  draw_turn(w, &c, &s);
  const double radius = 1 + 0.3 * c * (4 * c * c - 3); /* cos 3 phi */
  y[0]                = radius * c;
  y[1]                = radius * s;
}

typedef struct Foot {
  double phi, square;     /* angle, and squared distance less |z|^2 */
  double y[2], normal[2]; /* the point, and z minus it */
} Foot;

/* Newton on (y - z) y' = 0 between two angles where it goes from - to +. */
static Foot refine(const double z[2], double low, double high)
{
  double y[2], y1[2], y2[2], phi = (low + high) / 2;
  for (int i = 0; i < 60; i++) {
    curve_point(phi, y, y1, y2);
    const double u = y[0] - z[0], v = y[1] - z[1], g = u * y1[0] + v * y1[1];
    if (g > 0)
      high = phi;
    else
      low = phi;
    double next = phi - g / (y1[0] * y1[0] + y1[1] * y1[1] + u * y2[0] + v * y2[1]);
    if (!(next >= low && next <= high)) next = (low + high) / 2;
    const bool done = fabs(next - phi) <= 1e-15;
    phi             = next;
    if (done) break;
  }
  curve_point(phi, y, y1, y2);
  const double u = z[0] - y[0], v = z[1] - y[1];
  return (Foot){.phi = phi, .square = (y[0] - 2 * z[0]) * y[0] + (y[1] - 2 * z[1]) * y[1], .y = {y[0], y[1]}, .normal = {u, v}};
}

/* All feet that the grid sees, at most FEET; returns their number. */
static int find_feet(const CurveTable *table, const double z[2], Foot foot[FEET])
{
  double square[GRID];
  int    n = 0;
  /* Less |z|^2, however large that is. */
  for (int i = 0; i < GRID; i++) square[i] = (table->x[i] - 2 * z[0]) * table->x[i] + (table->y[i] - 2 * z[1]) * table->y[i];
  for (int i = 0; i < GRID && n < FEET; i++)
    if (square[i] <= square[(i + GRID - 1) % GRID] && square[i] < square[(i + 1) % GRID])
      foot[n++] = refine(z, 2 * M_PI * (i - 1) / GRID, 2 * M_PI * (i + 1) / GRID);
  return n;
}

static int best_foot(int n, const Foot *foot)
{
  int best = 0;
  for (int i = 1; i < n; i++)
    if (foot[i].square < foot[best].square) best = i;
  return best;
}

static double nearest(const Target *t, const double *y, double *out)
{
  Foot      foot[FEET];
  const int n = find_feet(t->curve, y, foot), best = best_foot(n, foot);
  if (n == 0) { /* not finite */
    out[0] = out[1] = NAN;
    return NAN;
  }
  out[0] = foot[best].y[0];
  out[1] = foot[best].y[1];
  return draw_tilted_level(foot[best].phi, tilt);
}

typedef struct Sums {
  double mass, x[2];
} Sums;

/* Adds the node at phi_f + delta and returns its E; base is that of the foot. The chord D from cosines less 1 and sines of delta, 2 delta
 * and 4 delta, by doubling. */
static double add_node(const Foot *foot, const Powers *p, double base, double sigma, double delta, Sums *sums)
{
  const double half = sin(delta / 2), less1 = -2 * half * half, odd1 = 2 * half * cos(delta / 2);
  const double less2 = -2 * odd1 * odd1, odd2 = 2 * odd1 * (1 + less1), less4 = -2 * odd2 * odd2, odd4 = 2 * odd2 * (1 + less2);
  const double d0     = p->c1 * less1 - p->s1 * odd1 + 0.15 * (p->c4 * less4 - p->s4 * odd4 + p->c2 * less2 - p->s2 * odd2);
  const double d1     = p->s1 * less1 + p->c1 * odd1 + 0.15 * (p->s4 * less4 + p->c4 * odd4 - p->s2 * less2 - p->c2 * odd2);
  const double E      = base + (d0 * d0 + d1 * d1 - 2 * (foot->normal[0] * d0 + foot->normal[1] * d1)) / (2 * sigma * sigma);
  const double weight = exp(-E) * (1 + tilt * (p->c1 * (1 + less1) - p->s1 * odd1));
  sums->mass += weight;
  sums->x[0] += weight * d0;
  sums->x[1] += weight * d1;
  return E;
}

/* Angles from foot - left to foot + right have been summed. */
typedef struct Valley {
  double phi, left, right;
} Valley;

static bool visited(int n, const Valley *valley, double phi)
{
  for (int i = 0; i < n; i++) {
    const double ahead = phi - valley[i].phi - 2 * M_PI * floor((phi - valley[i].phi) / (2 * M_PI));
    if (ahead <= valley[i].right || 2 * M_PI - ahead <= valley[i].left) return true;
  }
  return false;
}

/* The sums of one foot's valley, and how far it goes. */
static Valley walk(const Foot *foot, double base, double sigma, double nodes, Sums *sums)
{
  const Powers p     = powers(foot->phi);
  const double h     = 2 * M_PI / nodes;
  double       right = 0, left = 1;
  for (double E = base; right < nodes && E < farthest; right++) E = add_node(foot, &p, base, sigma, right * h, sums);
  for (double E = base; left + right <= nodes && E < farthest; left++) E = add_node(foot, &p, base, sigma, -left * h, sums);
  return (Valley){foot->phi, left * h, right * h};
}

static void mean(const Target *t, double a, double s, const double *x, double *f)
{
  const double sigma = s / a, z[2] = {x[0] / a, x[1] / a};
  Foot         foot[FEET];
  Valley       valley[FEET];
  const int    n = find_feet(t->curve, z, foot), best = best_foot(n, foot);
  if (n == 0) { /* not finite */
    f[0] = f[1] = NAN;
    return;
  }
  f[0] = foot[best].y[0];
  f[1] = foot[best].y[1];
  /* At least half the second derivative of |z - y|^2 wherever the weight counts. */
  const double farthest_off =
      sqrt(foot[best].normal[0] * foot[best].normal[0] + foot[best].normal[1] * foot[best].normal[1] + 2 * farthest * sigma * sigma);
  const double curvature = speed * speed + fmin(farthest_off, sqrt(z[0] * z[0] + z[1] * z[1]) + reach) * bend;
  const double nodes     = ceil(fmax(64, 2 * M_PI / 0.7 * sqrt(curvature) / sigma));
  if (!(nodes < 1e12)) return; /* narrower than an angle can be told: the foot point it is */
  double mass = 0, sum[2] = {0, 0};
  for (int i = 0, done = 0; i < n; i++) {
    const int    at   = i == 0 ? best : i == best ? 0 : i;
    const double base = (foot[at].square - foot[best].square) / (2 * sigma * sigma);
    if (base > farthest || visited(done, valley, foot[at].phi)) continue;
    Sums sums      = {0, {0, 0}};
    valley[done++] = walk(&foot[at], base, sigma, nodes, &sums);
    mass += sums.mass;
    for (int c = 0; c < 2; c++) sum[c] += sums.x[c] + sums.mass * (foot[at].y[c] - f[c]);
  }
  f[0] += sum[0] / mass;
  f[1] += sum[1] / mass;
}

/* Where the kernel goes around the whole curve: from `least` on, with the table's level, for |z| up to reach + 6 sigma. Below, about feet.
 * */
static const struct {
  double least;
  int    level;
} rounds[]                     = {{0.5, 3}, {0.25, 2}, {0.12, 1}, {0.05, 0}};
static const double reach_fast = 1.5;

static void fast(const Target *t, double a, double s, int n, int stride, const float *y, float *f)
{
  const double sigma = fmax(s / a, 1e-5);
  int          level = 2; /* 72 nodes: a grid to search */
  bool         round = false;
  int32_t      unsure[TARGET_BLOCK];
  for (size_t i = 0; i < sizeof rounds / sizeof rounds[0] && !round; i++) {
    round = sigma >= rounds[i].least;
    if (round) level = rounds[i].level;
  }
  const CurveTable *table = t->curve;
  const CurveAt     at    = {.a_inverse  = (float)(1 / a),
                             .sigma      = (float)sigma,
                             .precision  = (float)(0.5 / (sigma * sigma)),
                             .reach      = (float)(reach_fast + 6 * sigma),
                             .n          = table->n[level],
                             .x          = table->level[level][0],
                             .y          = table->level[level][1],
                             .log_weight = table->level[level][2],
                             .cosine     = table->level[level][3],
                             .sine       = table->level[level][4]};
  (round ? t->kernels->circle : t->kernels->foot)(&at, n, stride, y, f, unsure);
  target_repair(t, a, s, n, stride, unsure, y, f);
}

const TargetOps target_curve_ops = {
    .own = 2, .k = 1, .create = create, .destroy = destroy, .sample = sample, .mean = mean, .fast = fast, .nearest = nearest};
