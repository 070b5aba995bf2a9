/**
 * Squaring by fast Fourier transform, for exponents from some thousands on: the irrational-base
 * discrete weighted transform of Crandall and Fagin (1994), in integers.
 *
 * The term is cut into n digits at the bits ceil(p j / n), n a power of two: so some digits have one
 * bit more than others, and all of them together exactly p. Squaring modulo 2^p - 1 is then a
 * product modulo x^n - 1, which is what the transform computes, if digit j is first multiplied by
 * its weight 2^(ceil(p j / n) - p j / n) and coefficient j of the square divided by it. In the field
 * of 2^61 - 1 elements 2 has the odd order 61, so its n-th root is a power of 2: weights, fractional
 * powers of 2 though they are, are rotations.
 */
import { Field } from './field';
import { Term } from './term';
import { Transform } from './transform';

export class WeightedTerm extends Term {
  private readonly digits: StaticArray<u32>;
  /** By digit: how many bits it has, and its weight as a power of 2 in the field. */
  private readonly bits: StaticArray<u8>;
  private readonly weights: StaticArray<u8>;
  private readonly values: StaticArray<u64>;
  private readonly transform: Transform;

  constructor(exponent: u32) {
    const length = lengthFor(exponent);
    super(length);
    this.digits = new StaticArray<u32>(length);
    this.bits = new StaticArray<u8>(length);
    this.weights = new StaticArray<u8>(length);
    this.values = new StaticArray<u64>(length);
    this.transform = new Transform(length);

    this.digits[0] = 4;
    const root = rootOfTwo(length);
    let mark: u64 = 0;
    for (let j = 0; j < length; j++) {
      const fraction = mark * length - (j as u64) * exponent;
      const next = (((j as u64) + 1) * exponent + length - 1) / length;
      this.weights[j] = ((fraction * root) % 61) as u8;
      this.bits[j] = (next - mark) as u8;
      mark = next;
    }
  }

  next(): void {
    this.weigh();
    this.transform.square(changetype<usize>(this.values));
    this.carry();
  }

  protected digit(index: i32): u32 {
    return this.digits[index];
  }

  protected digitBits(index: i32): u32 {
    return this.bits[index];
  }

  private weigh(): void {
    for (let j = 0; j < this.digitCount; j++) {
      const weighed = Field.rotate(unchecked(this.digits[j]), unchecked(this.weights[j]));
      unchecked((this.values[j] = weighed));
    }
  }

  /** Reads the coefficients of the square, less 2, and carries what is too much for a digit. */
  private carry(): void {
    const scale = this.transform.scaleLog2;
    let carry: i64 = -2;
    for (let j = 0; j < this.digitCount; j++) {
      const power = (unchecked(this.weights[j]) as u32) + scale;
      const back = power < 61 ? 61 - power : 122 - power;
      const coefficient = Field.rotate(Field.smallest(unchecked(this.values[j])), back);
      carry = this.put(j, (coefficient as i64) + carry);
    }
    // What leaves at the top is worth 2^p = 1.
    for (let j = 0; carry != 0; j = j + 1 < this.digitCount ? j + 1 : 0) {
      carry = this.put(j, (this.digits[j] as i64) + carry);
    }
  }

  /** Keeps what fits in digit j and returns the rest. */
  @inline
  private put(j: i32, sum: i64): i64 {
    const bits = unchecked(this.bits[j]) as u32;
    unchecked((this.digits[j] = (sum as u32) & ((1 << bits) - 1)));
    return sum >> bits;
  }
}

/**
 * The smallest power of two for which every coefficient of the square can be read off. Digits have
 * at most p/n + 1 bits and weights add less than a bit to a product, so that a coefficient is below
 * n · 2^(2p/n + 2); that must not exceed 2^61.
 */
function lengthFor(exponent: u32): i32 {
  let log2: u32 = 4;
  while (2 * exponent > (59 - log2) << log2) log2++;
  return 1 << log2;
}

/** The power of 2 whose n-th power is 2. */
function rootOfTwo(n: i32): u64 {
  let power: u64 = 1;
  while ((power * n) % 61 != 1) power++;
  return power;
}
