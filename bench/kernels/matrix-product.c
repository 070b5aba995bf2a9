/* The product of two matrices of 128 x 128 doubles. */
#include "kernel.h"

enum { N = 128 };

static double a[N][N], b[N][N], c[N][N];

uint32_t run(void) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) a[i][j] = i - j, b[i][j] = i * j % 7, c[i][j] = 0;
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++)
      for (int j = 0; j < N; j++) c[i][j] += a[i][k] * b[k][j];
  uint32_t sum = 0;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) sum = sum * 31 + (uint32_t)(int32_t)c[i][j];
  return sum;
}
