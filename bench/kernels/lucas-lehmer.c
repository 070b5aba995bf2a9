/* Is 2^607 - 1 prime? Lucas and Lehmer's test, on limbs of 32 bits with products of 64. */
#include "kernel.h"

enum { P = 607, LIMBS = P / 32 + 1, TOP_BITS = P % 32 };

static uint32_t value[LIMBS], square[2 * LIMBS];

static void square_value(void) {
  for (int i = 0; i < 2 * LIMBS; i++) square[i] = 0;
  for (int i = 0; i < LIMBS; i++) {
    uint64_t carry = 0;
    for (int j = 0; j < LIMBS; j++) {
      carry += (uint64_t)value[i] * value[j] + square[i + j];
      square[i + j] = (uint32_t)carry;
      carry >>= 32;
    }
    square[i + LIMBS] = (uint32_t)carry;
  }
}

/* 2^P is 1 modulo 2^P - 1, so the upper half is added to the lower one. */
static void reduce(void) {
  uint64_t carry = 0;
  for (int i = 0; i < LIMBS; i++) {
    uint32_t low = i == LIMBS - 1 ? square[i] & ((1u << TOP_BITS) - 1) : square[i];
    uint64_t above = square[LIMBS - 1 + i] | (uint64_t)square[LIMBS + i] << 32;
    carry += (uint64_t)low + (uint32_t)(above >> TOP_BITS);
    value[i] = (uint32_t)carry;
    carry >>= 32;
  }
  uint32_t over = value[LIMBS - 1] >> TOP_BITS;
  value[LIMBS - 1] &= (1u << TOP_BITS) - 1;
  for (int i = 0; over != 0 && i < LIMBS; i++) {
    value[i] += over;
    over = value[i] < over;
  }
}

static void subtract_two(void) {
  uint32_t borrow = 2;
  for (int i = 0; i < LIMBS; i++) {
    uint32_t before = value[i];
    value[i] = before - borrow;
    borrow = before < borrow;
  }
  /* Below zero: the modulus is added, which is one less than the bit that was borrowed. */
  if (borrow) value[LIMBS - 1] &= (1u << TOP_BITS) - 1, value[0] -= 1;
}

uint32_t run(void) {
  for (int i = 0; i < LIMBS; i++) value[i] = i == 0 ? 4 : 0;
  for (int step = 2; step < P; step++) {
    square_value();
    reduce();
    subtract_two();
  }
  /* All ones is zero as well. */
  uint32_t any = 0, all = ~0u;
  for (int i = 0; i < LIMBS - 1; i++) any |= value[i], all &= value[i];
  any |= value[LIMBS - 1];
  return any == 0 || (all == ~0u && value[LIMBS - 1] == (1u << TOP_BITS) - 1);
}
