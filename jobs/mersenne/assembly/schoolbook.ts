/**
 * Squaring by the method learned at school, for exponents below some thousands.
 *
 *        … a3 a2 a1 a0          Column k of the square holds the products a(i) · a(j) with i + j = k.
 *      × … a3 a2 a1 a0          Each pair i < j occurs twice, so only half are computed: a sum s(k),
 *      ---------------          then 2 · s(k), plus a(k/2)² in the even columns.
 *
 * Digits of 28 bits leave room for 255 products in the 64 bits of a column, so carries are taken
 * once per column instead of once per product. Four columns are summed side by side: their operands
 * overlap, and four new products cost two loads. Zeros around the number spare the loops any
 * question about its ends.
 */
import { Term } from './term';

const WIDTH: u32 = 28;
const MASK: u32 = (1 << WIDTH) - 1;
/** Exponents below this have at most 255 digits. */
export const SCHOOLBOOK_END: u32 = 255 * WIDTH;
/** Zeros before and behind the digits: as far as a turn of four steps looks past the ends. */
const MARGIN: i32 = 8;

export class SchoolbookTerm extends Term {
  private readonly digits: StaticArray<u32>;
  private readonly product: StaticArray<u32>;
  /** The uppermost digit has only these bits, from 0 to 27. */
  private readonly topWidth: u32;

  constructor(exponent: u32) {
    assert(exponent < SCHOOLBOOK_END, 'too large for the schoolbook');
    const count = (exponent / WIDTH + 1) as i32;
    super(count);
    const digits = new StaticArray<u32>(count + 2 * MARGIN);
    digits[MARGIN] = exponent == 2 ? 1 : 4;
    this.digits = digits;
    this.product = new StaticArray<u32>(2 * count + MARGIN);
    this.topWidth = exponent % WIDTH;
  }

  next(): void {
    this.multiply();
    this.reduce();
  }

  protected digit(index: i32): u32 {
    return this.digits[MARGIN + index];
  }

  protected digitBits(index: i32): u32 {
    return index == this.digitCount - 1 ? this.topWidth : WIDTH;
  }

  /** product = digits². */
  private multiply(): void {
    const count = this.digitCount;
    const lowest = changetype<usize>(this.digits) + (MARGIN << 2);
    let product = changetype<usize>(this.product);
    let carry: u64 = 0;
    for (let half = 0; half < count; half += 2) {
      // Columns k to k + 3 for k = 2 · half. Step t multiplies a(half - t) with the four digits from
      // a(half + t) on. After a turn of four steps x0, x1 and x2 hold what the next turn begins with.
      const middle = lowest + (half << 2);
      const end = middle + (min(half, count - 1 - half) << 2);
      let s0: u64 = 0;
      let s1: u64 = 0;
      let s2: u64 = 0;
      let s3: u64 = 0;
      let x0 = load<u32>(middle, 4) as u64;
      let x1 = load<u32>(middle, 8) as u64;
      let x2 = load<u32>(middle, 12) as u64;
      let down = middle;
      for (let up = middle; up < end; up += 16) {
        let a = load<u32>(down - 4) as u64;
        const x3 = load<u32>(up, 16) as u64;
        s0 += a * x0;
        s1 += a * x1;
        s2 += a * x2;
        s3 += a * x3;
        a = load<u32>(down - 8) as u64;
        x0 = load<u32>(up, 20) as u64;
        s0 += a * x1;
        s1 += a * x2;
        s2 += a * x3;
        s3 += a * x0;
        a = load<u32>(down - 12) as u64;
        x1 = load<u32>(up, 24) as u64;
        s0 += a * x2;
        s1 += a * x3;
        s2 += a * x0;
        s3 += a * x1;
        a = load<u32>(down - 16) as u64;
        x2 = load<u32>(up, 28) as u64;
        s0 += a * x3;
        s1 += a * x0;
        s2 += a * x1;
        s3 += a * x2;
        down -= 16;
      }
      // What meets in the middle.
      const m0 = load<u32>(middle) as u64;
      const m1 = load<u32>(middle, 4) as u64;
      const m2 = load<u32>(middle, 8) as u64;
      const m3 = load<u32>(middle, 12) as u64;
      s1 += m0 * m1;
      s2 += m0 * m2;
      s3 += m0 * m3 + m1 * m2;

      carry += 2 * s0 + m0 * m0;
      store<u32>(product, (carry as u32) & MASK);
      carry = (carry >> WIDTH) + 2 * s1;
      store<u32>(product, (carry as u32) & MASK, 4);
      carry = (carry >> WIDTH) + 2 * s2 + m1 * m1;
      store<u32>(product, (carry as u32) & MASK, 8);
      carry = (carry >> WIDTH) + 2 * s3;
      store<u32>(product, (carry as u32) & MASK, 12);
      carry >>= WIDTH;
      product += 16;
    }
  }

  /**
   * digits = product - 2 modulo 2^p - 1. As 2^p is 1 there, the bits from p on are added to those
   * below, and so is what leaves at the top.
   */
  private reduce(): void {
    const top = this.digitCount - 1;
    const topMask = (1 << this.topWidth) - 1;
    let carry: i32 = -2;
    for (let i = 0; i <= top; i++) {
      const isTop = i == top;
      const low = unchecked(this.product[i]) & (isTop ? topMask : MASK);
      const high =
        (unchecked(this.product[top + i]) >> this.topWidth) |
        ((unchecked(this.product[top + i + 1]) << (WIDTH - this.topWidth)) & MASK);
      const sum = ((low + high) as i32) + carry;
      unchecked((this.digits[MARGIN + i] = sum & (isTop ? topMask : MASK)));
      carry = sum >> (isTop ? this.topWidth : WIDTH);
    }
    // -1, 0 or 1 by now; it seldom goes further than the lowest digit.
    for (let i = MARGIN; carry != 0; i++) {
      const sum = (this.digits[i] as i32) + carry;
      this.digits[i] = sum & MASK;
      carry = sum >> WIDTH;
    }
  }
}
