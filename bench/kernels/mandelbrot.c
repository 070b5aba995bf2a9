/* How long each of 64 x 64 points takes to leave the circle of radius 2, up to 250 steps. */
#include "kernel.h"

enum { SIDE = 64, STEPS = 250 };

uint32_t run(void) {
  uint32_t sum = 0;
  for (int row = 0; row < SIDE; row++) {
    for (int column = 0; column < SIDE; column++) {
      double cr = 3.0 * column / SIDE - 2, ci = 2.5 * row / SIDE - 1.25;
      double r = 0, i = 0;
      int step = 0;
      while (step < STEPS && r * r + i * i < 4) {
        double next = r * r - i * i + cr;
        i = 2 * r * i + ci;
        r = next;
        step++;
      }
      sum = sum * 31 + step;
    }
  }
  return sum;
}
