/** Chance from a seed: every run of a scenario draws the same. */

export type Chance = {
  /** From 0 up to 1. */
  share(): number;
  below(count: number): number;
  /** Normal, mean 0 and deviation 1. */
  normal(): number;
};

/** mulberry32: 32 bits of state are plenty for some ten million draws. */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  const share = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    share,
    below: (count) => Math.floor(share() * count),
    normal: () => Math.sqrt(-2 * Math.log(1 - share())) * Math.cos(2 * Math.PI * share()),
  };
}

/** A share that all who know the unit agree on: what colluders lie about without a word. */
export function shareOf(unit: number): number {
  let mixed = Math.imul(unit + 1, 0x9e3779b1);
  for (let i = 0; i < 2; i++) mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}
