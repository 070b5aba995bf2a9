/**
 * Arithmetic modulo the prime M = 2^61 - 1, itself a Mersenne number, which is why it is cheap: 2^61
 * is 1, so what lies above bit 61 is added below, and a product with a power of two is a rotation.
 *
 * Complex numbers over this field exist as over the reals, since -1 has no square root modulo M;
 * they have roots of unity for every power of two up to 2^62. They appear here as pairs of words,
 * and a product of two of them is one `difference` and one `sum` of products.
 *
 * Values are kept *near*: below 2^61 + 8, one fold away from M, and not always the smallest
 * residue. A sum of four near values still fits in 64 bits.
 */
export const M: u64 = (1 << 61) - 1;
/** Multiples of M that keep a difference of (sums of) near values from going below zero. */
export const TWO_M: u64 = 2 * M;
export const THREE_M: u64 = 3 * M;
export const FOUR_M: u64 = 4 * M;

/**
 * Wasm keeps only the low 64 bits of a product, so values are multiplied in two parts, the low 31
 * bits and the rest. Of the results the low one counts once, the middle one 2^31 times (what is above
 * its bit 30 wraps around), and the high one 2^62 = 2 times.
 */
const LOW31: u64 = (1 << 31) - 1;
const LOW30: u64 = (1 << 30) - 1;

export class Field {
  /** Any 64-bit value as a near one. */
  @inline
  static fold(x: u64): u64 {
    return (x & M) + (x >> 61);
  }

  /** A near value as the smallest residue. The detour by one turns M into 0. */
  @inline
  static smallest(x: u64): u64 {
    return ((x + 1) & M) + ((x + 1) >> 61) - 1;
  }

  /** x · 2^shift of a smallest residue, for a shift from 0 to 61. */
  @inline
  static rotate(x: u64, shift: u64): u64 {
    return ((x << shift) & M) | (x >> (61 - shift));
  }

  /** x·c + y·d of near values. The three parts stay below 2^63, their sum below 2^64. */
  @inline
  static sum(x: u64, c: u64, y: u64, d: u64): u64 {
    const low = (x & LOW31) * (c & LOW31) + (y & LOW31) * (d & LOW31);
    const middle =
      (x & LOW31) * (c >> 31) +
      (x >> 31) * (c & LOW31) +
      (y & LOW31) * (d >> 31) +
      (y >> 31) * (d & LOW31);
    const high = (x >> 31) * (c >> 31) + (y >> 31) * (d >> 31);
    return Field.fold(low + (middle >> 30) + ((middle & LOW30) << 31) + (high << 1));
  }

  /** x·c - y·d of near values. The three parts may be negative, but not below -3M together. */
  @inline
  static difference(x: u64, c: u64, y: u64, d: u64): u64 {
    const low = (x & LOW31) * (c & LOW31) - (y & LOW31) * (d & LOW31);
    const middle =
      (x & LOW31) * (c >> 31) +
      (x >> 31) * (c & LOW31) -
      (y & LOW31) * (d >> 31) -
      (y >> 31) * (d & LOW31);
    const high = (x >> 31) * (c >> 31) - (y >> 31) * (d >> 31);
    return Field.fold(
      THREE_M + low + (((middle as i64) >> 30) as u64) + ((middle & LOW30) << 31) + (high << 1),
    );
  }
}
