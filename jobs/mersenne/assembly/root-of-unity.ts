/**
 * Roots of unity in the field of (2^61 - 1)² elements.
 *
 * Its elements other than zero are a cycle of length M² - 1 = 2^62 · (2^60 - 1). Creutzburg and
 * Tasche (1989) give an element of order 2^62: 2^(2^59) - i 3^(2^59). Squaring it halves the order;
 * with this sign one arrives at i, not at -i. Roots of order up to 2^61 = M + 1 have norm 1: their
 * conjugate is their inverse.
 */
import { Field, TWO_M } from './field';

/** A root of order 2^`log2`, always a power of the same one, as its real and its imaginary part. */
export function rootOfUnity(log2: u32): StaticArray<u64> {
  let x: u64 = 2;
  let y: u64 = 3;
  for (let i = 0; i < 59; i++) {
    x = Field.sum(x, x, 0, 0);
    y = Field.sum(y, y, 0, 0);
  }
  y = Field.fold(TWO_M - y);
  for (let order: u32 = 62; order > log2; order--) {
    const real = Field.difference(x, x, y, y);
    y = Field.sum(x, y, x, y);
    x = real;
  }
  return [x, y];
}
