/**
 * Squares a polynomial with integer coefficients modulo x^n - 1, exactly, in n log n steps.
 *
 * It is the fast Fourier transform over complex numbers whose parts are integers modulo 2^61 - 1
 * instead of rounded reals. The coefficients are real, so two neighbours x(2j), x(2j+1) travel as
 * one complex number, and the transform has N = n/2 points.
 *
 * Seen as algebra: a block of L points is a polynomial modulo t^L - c. With r the fourth root of c
 * it splits into four blocks of L/4 points, modulo t^(L/4) - r, + r, - ir and + ir. What begins as
 * one block modulo t^N - 1 ends as N blocks of one point, the values at the roots of unity, in
 * bit-reversed order. `join` undoes what `split` did. The root of a block depends on its number
 * alone, so one table serves blocks of all sizes.
 */
import { Field, FOUR_M, M, THREE_M, TWO_M } from './field';
import { rootOfUnity } from './root-of-unity';

/** Bytes of a complex number, and of the three roots r, r² and r³ of one block. */
const POINT: usize = 16;
const ROOTS: usize = 3 * POINT;

export class Transform {
  private readonly points: usize;
  private readonly table: StaticArray<u64>;

  /** For n = `length` coefficients, a power of two from 16 on. */
  constructor(length: i32) {
    this.points = (length as usize) >> 1;
    this.table = rootsOfBlocks((length as usize) >> 3);
  }

  /** The square comes out multiplied by 2 to this power: 4 from `squareValues`, N from `join`. */
  get scaleLog2(): u32 {
    return ctz(this.points as u32) + 2;
  }

  /** Replaces the n near values at `data` by those of the square. */
  square(data: usize): void {
    const roots = changetype<usize>(this.table);
    const end = data + this.points * POINT;
    let block = this.points * POINT;
    // Where N is no power of 4, one split into two halves makes up for it.
    const isOdd = (this.scaleLog2 & 1) == 1;
    if (isOdd) {
      block >>= 1;
      halve(data, block);
    }
    const largest = block;
    for (; block > POINT; block >>= 2) {
      Block.split(data, block >> 2, roots, true);
      for (let at = data + block, r = roots + ROOTS; at < end; at += block, r += ROOTS) {
        Block.split(at, block >> 2, r, false);
      }
    }
    squareValues(data, this.points, roots);
    while (block < largest) {
      block <<= 2;
      Block.join(data, block >> 2, roots, true);
      for (let at = data + block, r = roots + ROOTS; at < end; at += block, r += ROOTS) {
        Block.join(at, block >> 2, r, false);
      }
    }
    if (isOdd) halve(data, largest);
  }
}

/** Between a polynomial modulo t^2L - 1 and the same modulo t^L - 1 and t^L + 1, either way. */
function halve(data: usize, half: usize): void {
  for (let p = data; p < data + half; p += 8) {
    const x = load<u64>(p);
    const y = load<u64>(p + half);
    store<u64>(p, Field.fold(x + y));
    store<u64>(p + half, Field.fold(x + TWO_M - y));
  }
}

/** Both ways work in place. The first block has r = 1 and is spared the multiplications. */
class Block {
  /** x0 + ρ x1 + ρ² x2 + ρ³ x3 for ρ = r, -r, ir and -ir, in this order. */
  @inline
  static split(block: usize, quarter: usize, roots: usize, isFirst: bool): void {
    const c1 = load<u64>(roots, 0);
    const d1 = load<u64>(roots, 8);
    const c2 = load<u64>(roots, 16);
    const d2 = load<u64>(roots, 24);
    const c3 = load<u64>(roots, 32);
    const d3 = load<u64>(roots, 40);
    for (let p0 = block; p0 < block + quarter; p0 += POINT) {
      const p1 = p0 + quarter;
      const p2 = p1 + quarter;
      const p3 = p2 + quarter;
      const u1 = load<u64>(p1, 0);
      const v1 = load<u64>(p1, 8);
      const u2 = load<u64>(p2, 0);
      const v2 = load<u64>(p2, 8);
      const u3 = load<u64>(p3, 0);
      const v3 = load<u64>(p3, 8);
      const x0 = load<u64>(p0, 0);
      const y0 = load<u64>(p0, 8);
      const x1 = isFirst ? u1 : Field.difference(u1, c1, v1, d1);
      const y1 = isFirst ? v1 : Field.sum(u1, d1, v1, c1);
      const x2 = isFirst ? u2 : Field.difference(u2, c2, v2, d2);
      const y2 = isFirst ? v2 : Field.sum(u2, d2, v2, c2);
      const x3 = isFirst ? u3 : Field.difference(u3, c3, v3, d3);
      const y3 = isFirst ? v3 : Field.sum(u3, d3, v3, c3);

      const ax = x0 + x2;
      const ay = y0 + y2;
      const bx = x0 + TWO_M - x2;
      const by = y0 + TWO_M - y2;
      const cx = x1 + x3;
      const cy = y1 + y3;
      const dx = x1 + TWO_M - x3;
      const dy = y1 + TWO_M - y3;
      store<u64>(p0, Field.fold(ax + cx), 0);
      store<u64>(p0, Field.fold(ay + cy), 8);
      store<u64>(p1, Field.fold(ax + THREE_M - cx), 0);
      store<u64>(p1, Field.fold(ay + THREE_M - cy), 8);
      store<u64>(p2, Field.fold(bx + FOUR_M - dy), 0);
      store<u64>(p2, Field.fold(by + dx), 8);
      store<u64>(p3, Field.fold(bx + dy), 0);
      store<u64>(p3, Field.fold(by + FOUR_M - dx), 8);
    }
  }

  /** The way back: four times x0, x1, x2 and x3. The inverse of a root is its conjugate. */
  @inline
  static join(block: usize, quarter: usize, roots: usize, isFirst: bool): void {
    const c1 = load<u64>(roots, 0);
    const d1 = load<u64>(roots, 8);
    const c2 = load<u64>(roots, 16);
    const d2 = load<u64>(roots, 24);
    const c3 = load<u64>(roots, 32);
    const d3 = load<u64>(roots, 40);
    for (let p0 = block; p0 < block + quarter; p0 += POINT) {
      const p1 = p0 + quarter;
      const p2 = p1 + quarter;
      const p3 = p2 + quarter;
      const ax = load<u64>(p0, 0) + load<u64>(p1, 0);
      const ay = load<u64>(p0, 8) + load<u64>(p1, 8);
      const cx = load<u64>(p0, 0) + TWO_M - load<u64>(p1, 0);
      const cy = load<u64>(p0, 8) + TWO_M - load<u64>(p1, 8);
      const bx = load<u64>(p2, 0) + load<u64>(p3, 0);
      const by = load<u64>(p2, 8) + load<u64>(p3, 8);
      const dx = load<u64>(p2, 0) + TWO_M - load<u64>(p3, 0);
      const dy = load<u64>(p2, 8) + TWO_M - load<u64>(p3, 8);
      const x1 = Field.fold(cx + dy);
      const y1 = Field.fold(cy + FOUR_M - dx);
      const x2 = Field.fold(ax + THREE_M - bx);
      const y2 = Field.fold(ay + THREE_M - by);
      const x3 = Field.fold(cx + FOUR_M - dy);
      const y3 = Field.fold(cy + dx);

      store<u64>(p0, Field.fold(ax + bx), 0);
      store<u64>(p0, Field.fold(ay + by), 8);
      store<u64>(p1, isFirst ? x1 : Field.sum(x1, c1, y1, d1), 0);
      store<u64>(p1, isFirst ? y1 : Field.difference(y1, c1, x1, d1), 8);
      store<u64>(p2, isFirst ? x2 : Field.sum(x2, c2, y2, d2), 0);
      store<u64>(p2, isFirst ? y2 : Field.difference(y2, c2, x2, d2), 8);
      store<u64>(p3, isFirst ? x3 : Field.sum(x3, c3, y3, d3), 0);
      store<u64>(p3, isFirst ? y3 : Field.difference(y3, c3, x3, d3), 8);
    }
  }
}

/**
 * Squares the values. Were the coefficients complex, that would be z². But a value z(k) is
 * e(k) + i o(k), of the coefficients in even and in odd places, and the square of e(t²) + t o(t²)
 * has e² + t² o² in even and 2 e o in odd places. In terms of z, with ρ the root of unity at k:
 *
 *     z(k)² - (1 + ρ)/4 · (z(k) - conj z(-k))²        and at -k the same with the conjugate of
 *                                                     what is subtracted
 *
 * all of it times 4, so that nothing is divided. In bit-reversed order -k is k with all bits
 * flipped below its highest. Even places hold one k of each pair: r at 4 · block, ir two further on.
 */
function squareValues(data: usize, points: usize, roots: usize): void {
  squarePair(data, data, 1, 0);
  squarePair(data + POINT, data + POINT, M - 1, 0);
  squarePair(data + 2 * POINT, data + 3 * POINT, 0, 1);
  for (let k: usize = 4; k < points; k += 4) {
    roots += ROOTS;
    const c = load<u64>(roots, 0);
    const d = load<u64>(roots, 8);
    const flip = ((1 as usize) << (31 - clz(k))) - 1;
    squarePair(data + k * POINT, data + (k ^ flip) * POINT, c, d);
    squarePair(data + (k + 2) * POINT, data + ((k + 2) ^ flip) * POINT, Field.fold(TWO_M - d), c);
  }
}

function squarePair(p: usize, q: usize, c: u64, d: u64): void {
  const x = load<u64>(p, 0);
  const y = load<u64>(p, 8);
  const u = load<u64>(q, 0);
  const v = load<u64>(q, 8);
  const ex = Field.fold(x + TWO_M - u);
  const ey = Field.fold(y + v);
  const fx = Field.difference(ex, ex, ey, ey);
  const fy = Field.sum(ex, ey, ex, ey);
  const gx = fx + Field.difference(fx, c, fy, d);
  const gy = fy + Field.sum(fx, d, fy, c);
  store<u64>(p, Field.fold((Field.difference(x, x, y, y) << 2) + THREE_M - gx), 0);
  store<u64>(p, Field.fold((Field.sum(x, y, x, y) << 2) + THREE_M - gy), 8);
  if (p == q) return;
  store<u64>(q, Field.fold((Field.difference(u, u, v, v) << 2) + THREE_M - gx), 0);
  store<u64>(q, Field.fold((Field.sum(u, v, u, v) << 2) + gy), 8);
}

/**
 * r, r² and r³ of each block. r is 1 for block 0; for block 2^s + b it is the r of block b times a
 * root of unity of order 2^(s+3).
 */
function rootsOfBlocks(count: usize): StaticArray<u64> {
  const table = new StaticArray<u64>(6 * (count as i32));
  const start = changetype<usize>(table);
  store<u64>(start, 1, 0);
  store<u64>(start, 1, 16);
  store<u64>(start, 1, 32);
  for (let known: usize = 1; known < count; known *= 2) {
    const root = changetype<usize>(rootOfUnity(ctz(known as u32) + 3));
    for (let b: usize = 0; b < known; b++) {
      const r = start + (known + b) * ROOTS;
      multiply(r, start + b * ROOTS, root);
      multiply(r + POINT, r, r);
      multiply(r + 2 * POINT, r + POINT, r);
    }
  }
  return table;
}

function multiply(product: usize, p: usize, q: usize): void {
  const x = load<u64>(p, 0);
  const y = load<u64>(p, 8);
  const c = load<u64>(q, 0);
  const d = load<u64>(q, 8);
  store<u64>(product, Field.difference(x, c, y, d), 0);
  store<u64>(product, Field.sum(x, d, y, c), 8);
}
