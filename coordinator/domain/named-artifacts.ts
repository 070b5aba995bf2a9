/**
 * Which artifacts are named by something that the grid keeps: a Bloom filter (Bloom, 1970), because there may be
 * many millions of them. It never says of one that is named that it is not. Of one that is not named it says once in some
 * thousand times that it is; with the seed of another round it most likely will not.
 *
 * A digest is spread over all its bits already, but whoever uploads chooses it: so it is mixed with a seed that nobody knows.
 */

/** 16 bits and 8 places for each: one in 1,700 stays for another round. */
const bitsEach = 16;
const places = 8;
/** 256 MiB, for 134 million of them. With more, more stay. */
const bitsMax = 2 ** 31;
const bitsMin = 1024;

/** Bytes of a seed. */
export const seedBytes = 16;

export class NamedArtifacts {
  private readonly words: Uint32Array;
  private readonly mask: number;
  private readonly seed: DataView;

  /** For about so many. */
  constructor(count: number, seed: Uint8Array) {
    let bits = bitsMin;
    while (bits < count * bitsEach && bits < bitsMax) bits *= 2;
    this.words = new Uint32Array(bits / 32);
    this.mask = bits - 1;
    this.seed = viewOf(seed);
  }

  /** A digest as its 32 bytes. */
  add(digest: Uint8Array): void {
    const { first, step } = this.start(digest);
    for (let i = 0, at = first; i < places; i++, at = (at + step) >>> 0) {
      const bit = (at & this.mask) >>> 0;
      this.words[bit >>> 5] = (this.words[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
  }

  has(digest: Uint8Array): boolean {
    const { first, step } = this.start(digest);
    for (let i = 0, at = first; i < places; i++, at = (at + step) >>> 0) {
      const bit = (at & this.mask) >>> 0;
      if (((this.words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }

  /** Its places are `first`, and as often as needed a step further (Kirsch and Mitzenmacher, 2006). */
  private start(digest: Uint8Array): { first: number; step: number } {
    const view = viewOf(digest);
    let [first, step] = [0, 0];
    for (let at = 0; at < seedBytes; at += 4) {
      const seed = this.seed.getUint32(at);
      first = mixed(first ^ step ^ view.getUint32(at) ^ seed);
      step = mixed((step ^ view.getUint32(at + 16)) + first);
    }
    first = mixed(first ^ step);
    // Odd: then it comes to all bits.
    return { first, step: step | 1 };
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** The last step of MurmurHash3: each bit of the number changes each bit of what comes out with a chance of one half. */
function mixed(number: number): number {
  let mixed = number;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
