/* The Sun and its four largest planets for 5,000 steps of symplectic Euler. */
#include <math.h>
#include "kernel.h"

enum { BODIES = 5, STEPS = 5000 };

typedef struct {
  double x[3], v[3], mass;
} Body;

static const Body begin[BODIES] = {
  {{0, 0, 0}, {0, 0, 0}, 39.47841760435743},
  {{4.84, -1.16, -0.103}, {0.606, 2.81, -0.0252}, 0.03769367487038949},
  {{8.34, 4.12, -0.403}, {-1.01, 1.82, 0.00841}, 0.011286326131968767},
  {{12.89, -15.11, -0.223}, {1.08, 0.868, -0.0108}, 0.0017237240570597112},
  {{15.37, -25.92, 0.179}, {0.979, 0.594, -0.0347}, 0.0020336868699246304},
};

static void advance(Body *body, double dt) {
  for (int i = 0; i < BODIES; i++) {
    for (int j = i + 1; j < BODIES; j++) {
      double d[3], distance2 = 0;
      for (int k = 0; k < 3; k++) {
        d[k] = body[i].x[k] - body[j].x[k];
        distance2 += d[k] * d[k];
      }
      double pull = dt / (distance2 * sqrt(distance2));
      for (int k = 0; k < 3; k++) {
        body[i].v[k] -= d[k] * body[j].mass * pull;
        body[j].v[k] += d[k] * body[i].mass * pull;
      }
    }
  }
  for (int i = 0; i < BODIES; i++)
    for (int k = 0; k < 3; k++) body[i].x[k] += dt * body[i].v[k];
}

uint32_t run(void) {
  Body body[BODIES];
  for (int i = 0; i < BODIES; i++) body[i] = begin[i];
  for (int step = 0; step < STEPS; step++) advance(body, 0.001);
  uint32_t sum = 0;
  for (int i = 0; i < BODIES; i++)
    for (int k = 0; k < 3; k++) sum = sum * 31 + (uint32_t)(int64_t)(body[i].x[k] * 1e9);
  return sum;
}
