/**
 * The current term of the Lucas-Lehmer sequence, a number modulo 2^p - 1, and what one may ask of
 * it. How it is squared is the business of the two classes that extend this one; both keep it as
 * digits of at most 28 bits, lowest first, whose widths add up to exactly p.
 *
 * Zero has two faces modulo 2^p - 1: all bits 0 and all bits 1. Neither method pays for telling
 * them apart on the way; `isZero` and `low64` do it once at the end.
 */
export abstract class Term {
  constructor(protected digitCount: i32) {}

  /** Replaces the term s by s² - 2. */
  abstract next(): void;
  protected abstract digit(index: i32): u32;
  protected abstract digitBits(index: i32): u32;

  isZero(): bool {
    return this.isAll(0) || this.isAll(-1);
  }

  /** The low 64 bits of the smallest residue that is not negative: the customary fingerprint. */
  low64(): u64 {
    if (this.isZero()) return 0;
    let word: u64 = 0;
    let bits: u32 = 0;
    for (let i = 0; i < this.digitCount && bits < 64; i++) {
      word |= (this.digit(i) as u64) << bits;
      bits += this.digitBits(i);
    }
    return word;
  }

  private isAll(bits: u32): bool {
    for (let i = 0; i < this.digitCount; i++) {
      if (this.digit(i) != (bits & ((1 << this.digitBits(i)) - 1))) return false;
    }
    return true;
  }
}
