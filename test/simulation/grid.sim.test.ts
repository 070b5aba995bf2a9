/**
 * Whole grids in bad weather, each from a seed of its own, and what became of every promise. A promise
 * that is broken names its seeds; one of them alone, with its story:
 *
 *   SIM_SEED=77 npx vitest run test/simulation
 *
 * SIM_SEEDS says how many seeds are run and SIM_FIRST where they start; `npm run soak` sets both.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Story, simulate } from './simulation.ts';

/** A minute or two on one core: a seed takes 0.1 to 0.3 s. */
const usualSeeds = 500;
/** Months take as long as all that was before them: of each eighth grid. */
const monthsEvery = 8n;
/** Ten times what a seed takes on a busy machine. */
const seedMsMax = 3000;
/** More of them would say no more. */
const brokenMax = 10;

const { SIM_SEED: alone, SIM_SEEDS: count, SIM_FIRST: firstSeed } = process.env;
const first = BigInt(alone ?? firstSeed ?? 1);
const seeds = Array.from(
  { length: alone === undefined ? Number(count ?? usualSeeds) : 1 },
  (_, i) => first + BigInt(i),
);

describe(`simulated grids, seeds ${first} to ${seeds.at(-1)}`, () => {
  const stories = new Map<bigint, Story>();

  beforeAll(async () => {
    let broken = 0;
    for (const seed of seeds) {
      const tell = alone === undefined ? null : (line: string) => process.stdout.write(`${line}\n`);
      const story = await simulate(seed, tell, seed % monthsEvery === 0n || alone !== undefined);
      stories.set(seed, story);
      if (story.violation !== null) broken++;
      if (broken >= brokenMax) break;
    }
  }, seeds.length * seedMsMax);

  const brokenIn = (...rules: string[]): string[] =>
    [...stories].flatMap(([seed, { violation }]) =>
      rules.some((rule) => violation?.startsWith(`[${rule}] `))
        ? [`${violation} (SIM_SEED=${seed} npx vitest run test/simulation)`]
        : [],
    );

  it('[W1] every unit ends once, complete jobs have all of theirs, and the results tell the truth', () => {
    expect(brokenIn('W1')).toEqual([]);
  });

  it('[W2] what was acknowledged as accepted is in the results, with the output that was sent', () => {
    expect(brokenIn('W2')).toEqual([]);
  });

  it('[W3] a repeated report gets the answer it got at first, whichever coordinator it goes to', () => {
    expect(brokenIn('W3')).toEqual([]);
  });

  it('[W4] no unit fails on the word of one account, however many of its hosts say so', () => {
    expect(brokenIn('W4')).toEqual([]);
  });

  it('[W5] no result is too late but for a job that was cancelled', () => {
    expect(brokenIn('W5')).toEqual([]);
  });

  it('[W6] no host waits while there is work for it, and all jobs end when the faults do', () => {
    expect(brokenIn('W6')).toEqual([]);
  });

  it('[W10] no artifact that anything names is ever gone, and none stays that nothing does', () => {
    expect(brokenIn('W10')).toEqual([]);
  });

  it('[C1] the ledger sums to zero, and only the mint is below it', () => {
    expect(brokenIn('C1')).toEqual([]);
  });

  it('[C2] each accepted unit is counted and paid once, as a recount of the journals says', () => {
    expect(brokenIn('C2')).toEqual([]);
  });

  it('[T5] [C3] in the months after, all results become final, all credit available, and the tables empty', () => {
    expect(brokenIn('T5', 'C3')).toEqual([]);
  });

  it('a coordinator grants nothing that it knows to be decided, or that the host cannot run', () => {
    expect(brokenIn('granted')).toEqual([]);
  });

  it('a scientist is never refused, and a cancelled job stays cancelled', () => {
    expect(brokenIn('scientist', 'cancel')).toEqual([]);
  });

  it('nothing but the faults is ever logged as a warning, and nothing of jobs that are over is kept', () => {
    expect(brokenIn('log', 'left over')).toEqual([]);
  });

  it('work was done: units were accepted, failed, and computed in vain', () => {
    const all = [...stories.values()];
    const sum = (of: (story: Story) => number) =>
      all.reduce((total, story) => total + of(story), 0);
    if (alone !== undefined) return;
    expect(sum(({ canonical }) => canonical)).toBeGreaterThan(20 * seeds.length);
    expect(sum(({ failed }) => failed)).toBeGreaterThan(seeds.length);
    expect(sum(({ notNeeded }) => notNeeded)).toBeGreaterThan(0);
    expect(sum(({ latePaid }) => latePaid)).toBeGreaterThan(0);
  });
});

it('a seed tells the same story every time', async () => {
  const hear = async (seed: bigint): Promise<string[]> => {
    const lines: string[] = [];
    await simulate(seed, (line) => lines.push(line));
    return lines;
  };
  for (const seed of [1n, 2n, 3n]) expect(await hear(seed)).toEqual(await hear(seed));
});
