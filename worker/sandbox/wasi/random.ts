/**
 * The kernel's randomness: one stream for each unit, the same on every host. xoshiro128** on 32-bit
 * integers, which JavaScript computes exactly and fast; its state is filled from the unit's 64-bit
 * seed by splitmix64, as its authors advise. It is for science, not for secrets: whoever knows the
 * job and the index knows the stream.
 */
export interface RandomState {
  words: [number, number, number, number];
}

export function seedRandom(seed: bigint): RandomState {
  let state = BigInt.asUintN(64, seed);
  const next = () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
  const [a, b] = [next(), next()];
  const low = (word: bigint) => Number(word & 0xffff_ffffn);
  return { words: [low(a), low(a >> 32n), low(b), low(b >> 32n)] };
}

/** Each fill starts at a fresh word, so what a kernel gets depends on its calls alone. */
export function fillRandom(random: RandomState, target: Uint8Array): void {
  let [a, b, c, d] = random.words;
  for (let at = 0; at < target.length; ) {
    const scrambled = Math.imul(b, 5);
    let word = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const carried = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= carried;
    d = (d << 11) | (d >>> 21);
    for (let i = 0; i < 4 && at < target.length; i++, at++) {
      target[at] = word & 0xff;
      word >>>= 8;
    }
  }
  random.words = [a, b, c, d];
}
