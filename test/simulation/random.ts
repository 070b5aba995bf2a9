/**
 * All chance of a simulation, from one 64-bit seed. xoshiro128** (Blackman and Vigna, 2018) works in
 * 32-bit numbers, which JavaScript is quick at; its state is drawn from the seed with splitmix64.
 *
 * `fork` gives a stream of its own to each part of the simulated world: should one host come to draw
 * once more, all the others still meet the same fate, and a seed keeps its story over small changes.
 */
const mask64 = (1n << 64n) - 1n;

export class Random {
  private readonly seed: bigint;
  private readonly state: Uint32Array;

  constructor(seed: bigint) {
    this.seed = seed & mask64;
    const draw = splitmix64(this.seed);
    const [a, b] = [draw(), draw()];
    this.state = Uint32Array.of(Number(a >> 32n), Number(a), Number(b >> 32n), Number(b));
  }

  /** A stream of its own for a part with this name. */
  fork(name: string): Random {
    let seed = this.seed;
    for (const byte of Buffer.from(name)) seed = splitmix64(seed ^ BigInt(byte))();
    return new Random(seed);
  }

  /** A seed for a source of its own. */
  seed64(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** A whole number from `min` to `max`, both possible. */
  between(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  /** Small ones often, large ones now and then: each order of magnitude is as likely as the next. */
  skewed(min: number, max: number): number {
    return Math.round(min * (max / min) ** this.fraction());
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.between(0, list.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.next() & 0xff);
  }

  private next(): number {
    const s = this.state;
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = s;
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[2] = s2 ^ s0;
    s[3] = s3 ^ s1;
    s[1] = s1 ^ s2 ^ s0;
    s[0] = s0 ^ s3 ^ s1;
    s[2] ^= s1 << 9;
    s[3] = rotateLeft(s3 ^ s1, 11);
    return result;
  }
}

const rotateLeft = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

function splitmix64(seed: bigint): () => bigint {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & mask64;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask64;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask64;
    return z ^ (z >> 31n);
  };
}
