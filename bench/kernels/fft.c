/* A radix-2 fast Fourier transform of 4,096 complex doubles, there and back. */
#include <math.h>
#include "kernel.h"

enum { BITS = 12, N = 1 << BITS };

static double re[N], im[N];
static double cosine[N / 2], sine[N / 2];

/* Roots of unity by halving the angle: sqrt is exact everywhere, sin and cos are not. */
static void find_roots(void) {
  double c = -1, s = 0;
  cosine[0] = 1;
  for (int step = N / 2; step > 1; step /= 2) {
    double half = sqrt((1 + c) / 2);
    s = step == N / 2 ? 1 : s / (2 * half);
    c = half;
    for (int i = 0; i < N / 2; i += step) {
      cosine[i + step / 2] = cosine[i] * c - sine[i] * s;
      sine[i + step / 2] = sine[i] * c + cosine[i] * s;
    }
  }
}

static void transform(double direction) {
  for (unsigned i = 0, j = 0; i < N; i++) {
    if (i < j) {
      double r = re[i], m = im[i];
      re[i] = re[j], im[i] = im[j];
      re[j] = r, im[j] = m;
    }
    unsigned bit = N / 2;
    while (j & bit) j ^= bit, bit /= 2;
    j |= bit;
  }
  for (int size = 2; size <= N; size *= 2) {
    int half = size / 2, stride = N / size;
    for (int begin = 0; begin < N; begin += size) {
      for (int k = 0; k < half; k++) {
        double c = cosine[k * stride], s = direction * sine[k * stride];
        int a = begin + k, b = a + half;
        double r = re[b] * c - im[b] * s, m = re[b] * s + im[b] * c;
        re[b] = re[a] - r, im[b] = im[a] - m;
        re[a] += r, im[a] += m;
      }
    }
  }
}

uint32_t run(void) {
  if (cosine[0] == 0) find_roots();
  for (int i = 0; i < N; i++) re[i] = i % 97, im[i] = i % 13;
  transform(1);
  uint32_t sum = 0;
  for (int i = 0; i < N; i++) sum = sum * 31 + (uint32_t)(int64_t)(re[i] * 16);
  transform(-1);
  for (int i = 0; i < N; i++) sum = sum * 31 + (uint32_t)(int64_t)(re[i] / N + 0.5);
  return sum;
}
