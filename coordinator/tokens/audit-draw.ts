/**
 * The draws that say which of a host's results are audited, as numbers from 0 up to 1: a keyed hash of
 * what names the results, drawn out by a generator. Nobody without the key can foresee them, and whoever
 * draws twice draws the same.
 *
 * The generator need not be a strong one. Its seed serves for the results that are named and for no
 * others, and those are recorded already: who guesses the rest of it learns what nobody can change.
 */
import { keyedDigest } from './seal.ts';

/** A source of draws for the results that `name` stands for. */
export function auditDraws(secret: Uint8Array, name: string): () => number {
  const seed = keyedDigest(secret, `audit\0${name}`);
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => seed.readInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ];
  // sfc32 (Doty-Humphrey, PractRand): 128 bits of state, a counter among them.
  return () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
}
