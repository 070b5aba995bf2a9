/* The best global alignment of two sequences of 700 bases: match 1, mismatch -1, gap -2. */
#include "kernel.h"

enum { LENGTH = 700, MATCH = 1, MISMATCH = -1, GAP = -2 };

static char first[LENGTH], second[LENGTH];
static int row[LENGTH + 1];

static void make_sequences(void) {
  uint32_t random = 12345;
  for (int i = 0; i < LENGTH; i++) {
    random = random * 1664525 + 1013904223;
    first[i] = "ACGT"[random >> 30];
    /* One base in eight differs. */
    second[i] = (random >> 20 & 7) == 0 ? "ACGT"[random >> 24 & 3] : first[i];
  }
}

static inline int max(int a, int b) { return a > b ? a : b; }

uint32_t run(void) {
  make_sequences();
  for (int j = 0; j <= LENGTH; j++) row[j] = j * GAP;
  for (int i = 0; i < LENGTH; i++) {
    int diagonal = row[0];
    row[0] = (i + 1) * GAP;
    for (int j = 0; j < LENGTH; j++) {
      int aligned = diagonal + (first[i] == second[j] ? MATCH : MISMATCH);
      diagonal = row[j + 1];
      row[j + 1] = max(aligned, max(row[j], diagonal) + GAP);
    }
  }
  return (uint32_t)row[LENGTH];
}
