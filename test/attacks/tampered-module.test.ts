/**
 * Bytes from strangers: whatever they are, the meter returns or refuses, soon; and what it returns is
 * exactly as valid as what it was given.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { decodeModule } from '../../kernel/meter/decode.ts';
import { KernelRefused, meterKernel } from '../../kernel/meter.ts';
import { floatPrograms } from '../kernel/support/float-programs.ts';
import { programs } from '../kernel/support/programs.ts';
import { run } from '../kernel/support/run.ts';
import { wat } from '../kernel/support/wat.ts';

/** `npm run soak` asks for more. */
const MUTANTS = Number(process.env['FUZZ_MUTANTS'] ?? 5_000);
const PAGES = 4;

const texts = [
  ...fc.sample(programs, { seed: 20, numRuns: 40 }),
  ...fc.sample(floatPrograms, { seed: 20, numRuns: 15 }).map(({ plain }) => plain),
];
const originals = texts.map((text) => {
  const bytes = wat(text);
  const bodies = decodeModule(bytes).bodies;
  return { bytes, codeStart: bodies[0]?.start ?? 0, codeEnd: bodies.at(-1)?.end ?? 0 };
});

/** A mutant takes a fifth of a millisecond here; a busy machine ten times that. */
const longEnough = 30_000 + 2 * MUTANTS;

const KINDS = ['set', 'set', 'flip', 'flip', 'flip', 'insert', 'remove', 'repeat', 'cut'] as const;

interface Edit {
  kind: (typeof KINDS)[number];
  isInCode: boolean;
  /** How far in; the modulus of the size. */
  at: number;
  byte: number;
}

/** Bytes that mean something somewhere: ends of LEB ranges, opcodes, types. */
const telling = fc.constantFrom(
  ...[
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x20, 0x21, 0x23,
  ],
  ...[0x24, 0x40, 0x41, 0x7e, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff],
);

const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    // Seven in eight go into the code, where a change has a chance to be accepted.
    isInCode: fc.nat(7).map(Boolean),
    at: fc.nat(),
    byte: fc.oneof(telling, fc.integer({ min: 0, max: 255 })),
  }),
  { minLength: 1, maxLength: 3 },
);

function mutate(original: (typeof originals)[number], changes: readonly Edit[]): Uint8Array {
  let bytes = [...original.bytes];
  for (const { kind, isInCode, at, byte } of changes) {
    const [from, to] = isInCode ? [original.codeStart, original.codeEnd] : [8, bytes.length];
    const index = from + (at % Math.max(1, to - from));
    if (kind === 'set') bytes[index] = byte;
    else if (kind === 'flip') bytes[index] = (bytes[index] ?? 0) ^ (1 << (byte % 8));
    else if (kind === 'insert') bytes.splice(index, 0, byte);
    else if (kind === 'remove') bytes.splice(index, 1 + (byte % 4));
    else if (kind === 'repeat') bytes.splice(index, 0, ...bytes.slice(index, index + (byte % 32)));
    else if (byte % 8 === 0) bytes = bytes.slice(0, index);
  }
  return new Uint8Array(bytes);
}

function meterOrRefuse(wasm: Uint8Array): Uint8Array | null {
  try {
    return meterKernel(wasm, { memoryPagesMax: PAGES }).wasm;
  } catch (error) {
    if (error instanceof KernelRefused) return null;
    throw error;
  }
}

const mutants = fc
  .tuple(fc.constantFrom(...originals), edits)
  .map(([original, changes]) => mutate(original, changes));

describe('[P1] a module that was tampered with', () => {
  it(
    'is refused, or stays exactly as valid as it was',
    () => {
      fc.assert(
        fc.property(mutants, (wasm) => {
          const metered = meterOrRefuse(wasm);
          if (metered !== null)
            expect(WebAssembly.validate(metered)).toBe(WebAssembly.validate(wasm));
        }),
        { numRuns: MUTANTS },
      );
    },
    longEnough,
  );

  it('[S2] ends when it runs at all, and within its fuel', () => {
    fc.assert(
      fc.property(mutants, (wasm) => {
        const metered = meterOrRefuse(wasm);
        if (metered === null || !WebAssembly.validate(metered)) return;
        const fuelMax = 100_000n;
        // Beyond it only what is charged before it is refused: filling all of the address space.
        expect(run(metered, { fuelMax }).fuel).toBeLessThan(fuelMax + 2n ** 31n);
      }),
      { numRuns: 500 },
    );
  });

  it('is inspected without throwing', () => {
    fc.assert(
      fc.property(mutants, (wasm) => {
        expect(inspectKernel(wasm).accepted).toBeTypeOf('boolean');
      }),
      { numRuns: 500 },
    );
  });
});

describe('[P1] random bytes', () => {
  it('behind the header of a module are refused', () => {
    const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        expect(meterOrRefuse(new Uint8Array([...header, ...bytes]))).toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });
});
