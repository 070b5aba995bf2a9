/* In how many ways ten queens stand on a board in peace. Nothing but calls: the worst for a meter. */
#include "kernel.h"

enum { N = 10, ALL = (1 << N) - 1 };

static uint32_t place(uint32_t columns, uint32_t left, uint32_t right) {
  if (columns == ALL) return 1;
  uint32_t ways = 0;
  for (uint32_t free = ALL & ~(columns | left | right); free != 0; free &= free - 1) {
    uint32_t bit = free & -free;
    ways += place(columns | bit, (left | bit) << 1, (right | bit) >> 1);
  }
  return ways;
}

uint32_t run(void) { return place(0, 0, 0); }
