import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meterKernel } from '../../kernel/meter.ts';
import { programs } from './support/programs.ts';
import { referenceMeter } from './support/reference-meter.ts';
import { run } from './support/run.ts';
import { wat } from './support/wat.ts';

const PAGES = 4;
const PLENTY = 10n ** 12n;
const meter = (wasm: Uint8Array) => meterKernel(wasm, { memoryPagesMax: PAGES }).wasm;

describe('fuel of random programs', () => {
  it('[S3] equals a counter before every instruction, at every host call and at the end', () => {
    fc.assert(
      fc.property(programs, (text) => {
        const wasm = wat(text);
        const reference = run(referenceMeter(wasm, PAGES));
        const metered = run(meter(wasm), { fuelMax: PLENTY });
        expect(metered.seen).toEqual(reference.seen);
        expect(metered.end).toBe(reference.end);
        expect(metered.fuel).toBe(reference.fuel);
        expect(metered.memory).toBe(reference.memory);
      }),
      { numRuns: 300 },
    );
  });

  it('[S2] ends negative exactly when a run uses more than it was given', () => {
    fc.assert(
      fc.property(programs, fc.double({ min: 0, max: 1.2, noNaN: true }), (text, share) => {
        const wasm = meter(wat(text));
        const whole = run(wasm, { fuelMax: PLENTY });
        const fuelMax = BigInt(Math.floor(Number(whole.fuel) * share));
        const short = run(wasm, { fuelMax });
        expect(short.fuel > fuelMax).toBe(whole.fuel > fuelMax);
        expect(whole.seen.slice(0, short.seen.length)).toEqual(short.seen);
        if (whole.fuel <= fuelMax) expect(short).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });
});
