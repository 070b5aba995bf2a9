import { describe, expect, it } from 'vitest';
import { fillRandom, seedRandom } from '../../../../worker/sandbox/wasi/random.ts';

const wordsOf = (bytes: Uint8Array) => [...new Uint32Array(bytes.buffer)];

describe('the stream of randomness', () => {
  it('is xoshiro128**, as its authors compute it', () => {
    const bytes = new Uint8Array(16);
    fillRandom({ words: [1, 2, 3, 4] }, bytes);
    expect(wordsOf(bytes)).toEqual([11_520, 0, 5_927_040, 70_819_200]);
  });

  it('is the same for ever: results that exist depend on it', () => {
    const bytes = new Uint8Array(12);
    fillRandom(seedRandom(1n), bytes);
    expect(Buffer.from(bytes).toString('hex')).toMatchInlineSnapshot(`"ba4109650103d35421f3d225"`);
  });

  it('goes on from call to call, each at a fresh word', () => {
    const [random, once] = [seedRandom(5n), new Uint8Array(8)];
    fillRandom(seedRandom(5n), once);
    const [first, second] = [new Uint8Array(3), new Uint8Array(4)];
    fillRandom(random, first);
    fillRandom(random, second);
    expect([...first, ...second]).toEqual([...once.subarray(0, 3), ...once.subarray(4)]);
  });

  it('differs for seeds that differ in any bit', () => {
    const streams = Array.from({ length: 64 }, (_, bit) => {
      const bytes = new Uint8Array(8);
      fillRandom(seedRandom(1n << BigInt(bit)), bytes);
      return String(bytes);
    });
    expect(new Set(streams).size).toBe(64);
  });
});
