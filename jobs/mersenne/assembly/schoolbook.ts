/**
 * Squaring by the method learned at school, for exponents below some thousands.
 *
 * Digits have fewer than 32 bits, so that a whole column of products fits in 64 bits and carries
 * are taken once per column instead of once per product: with w-bit digits and n of them, a column
 * is below n · 2^(2w).
 *
 *        … a3 a2 a1 a0          column k of the square holds the products a_i · a_j with i + j = k.
 *      × … a3 a2 a1 a0          Each pair i < j occurs twice, so only half are computed: S_k, then
 *      ---------------          2 · S_k, plus a_(k/2)² in the even columns.
 *
 * Four columns are summed side by side. Their operands overlap, so four new products cost two
 * loads. Zeros around the number spare the loops any question about its ends.
 */
import { Term } from './term';

/** Zeros before and behind the digits: as far as the four-fold steps below look past the ends. */
const MARGIN: i32 = 8;
/** One more than the largest exponent. */
const EXPONENT_END: u32 = 1023 * 27;

export class SchoolbookTerm extends Term {
  private readonly width: u32;
  private readonly topWidth: u32;
  private readonly digits: StaticArray<u32>;
  private readonly square: StaticArray<u32>;

  constructor(exponent: u32) {
    // What a column can hold: 255 digits of 28 bits, or 1,023 of 27.
    const width: u32 = exponent < 255 * 28 ? 28 : 27;
    assert(exponent < EXPONENT_END, 'too large for the schoolbook');
    const count = (exponent / width + 1) as i32;
    super(count);
    this.width = width;
    this.topWidth = exponent % width;
    this.square = new StaticArray<u32>(2 * count + MARGIN);
    const digits = new StaticArray<u32>(count + 2 * MARGIN);
    digits[MARGIN] = exponent == 2 ? 1 : 4;
    this.digits = digits;
  }

  next(): void {
    this.multiply();
    this.fold();
  }

  protected digit(index: i32): u32 {
    return this.digits[MARGIN + index];
  }

  protected digitBits(index: i32): u32 {
    return index == this.digitCount - 1 ? this.topWidth : this.width;
  }

  /** square = digits², carried. */
  private multiply(): void {
    const width = this.width as u64;
    const mask: u64 = (1 << width) - 1;
    const count = this.digitCount;
    const zero = changetype<usize>(this.digits) + (MARGIN << 2);
    let square = changetype<usize>(this.square);
    let carry: u64 = 0;
    for (let half = 0; half < count; half += 2) {
      // Columns k to k + 3 for k = 2 · half. Step t multiplies a(half - t) with the four digits from
      // a(half + t) on; four steps to a turn, after which x0, x1 and x2 hold what the next turn needs.
      const middle = zero + (half << 2);
      let s0: u64 = 0;
      let s1: u64 = 0;
      let s2: u64 = 0;
      let s3: u64 = 0;
      let x0 = load<u32>(middle, 4) as u64;
      let x1 = load<u32>(middle, 8) as u64;
      let x2 = load<u32>(middle, 12) as u64;
      let down = middle;
      let up = middle;
      const end = middle + (min(half, count - 1 - half) << 2);
      while (up < end) {
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
        down -= 16;
        a = load<u32>(down) as u64;
        x2 = load<u32>(up, 28) as u64;
        s0 += a * x3;
        s1 += a * x0;
        s2 += a * x1;
        s3 += a * x2;
        up += 16;
      }
      // The pairs that meet in the middle.
      const m0 = load<u32>(middle) as u64;
      const m1 = load<u32>(middle, 4) as u64;
      const m2 = load<u32>(middle, 8) as u64;
      const m3 = load<u32>(middle, 12) as u64;
      s1 += m0 * m1;
      s2 += m0 * m2;
      s3 += m0 * m3 + m1 * m2;

      carry += 2 * s0 + m0 * m0;
      store<u32>(square, (carry & mask) as u32);
      carry = (carry >> width) + 2 * s1;
      store<u32>(square, (carry & mask) as u32, 4);
      carry = (carry >> width) + 2 * s2 + m1 * m1;
      store<u32>(square, (carry & mask) as u32, 8);
      carry = (carry >> width) + 2 * s3;
      store<u32>(square, (carry & mask) as u32, 12);
      carry >>= width;
      square += 16;
    }
  }

  /**
   * digits = square - 2 modulo 2^p - 1. Since 2^p is 1 there, the bits from p on are added to
   * those below, and so is what carries out at the top.
   */
  private fold(): void {
    const width = this.width;
    const mask: i32 = (1 << width) - 1;
    const top = this.digitCount - 1;
    const topMask: i32 = (1 << this.topWidth) - 1;
    const digits = changetype<usize>(this.digits) + (MARGIN << 2);
    const square = changetype<usize>(this.square);
    const above = square + (top << 2);
    const down = this.topWidth;
    const up = width - down;
    let carry: i32 = -2;
    for (let at: i32 = 0; at < top << 2; at += 4) {
      const high = (load<u32>(above + at) >> down) | (load<u32>(above + at, 4) << up);
      const sum = load<i32>(square + at) + ((high as i32) & mask) + carry;
      store<u32>(digits + at, sum & mask);
      carry = sum >> width;
    }
    const sum =
      (this.square[top] as i32 & topMask) +
      ((this.square[2 * top] >> down) as i32) +
      ((this.square[2 * top + 1] << up) as i32) +
      carry;
    this.digits[MARGIN + top] = sum & topMask;
    carry = sum >> down;

    // Rarely more than the lowest digit: the carry is -1, 0 or 1.
    for (let i = MARGIN; carry != 0; i++) {
      const sum = (this.digits[i] as i32) + carry;
      this.digits[i] = sum & mask;
      carry = sum >> width;
    }
  }
}
