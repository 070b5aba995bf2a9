import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEntries,
  encodeEntries,
  type JournalEntry,
  outputsNamed,
} from '../../../coordinator/domain/journal.ts';
import type { UnitRuns } from '../../../protocol/messages.ts';
import { outcomes } from '../../../protocol/outcome.ts';
import { accountId, aResult, hostId, leaseId } from '../builders.ts';
import { anyBytes, anyEntry } from './arbitrary.ts';

const encodeAll = (entries: readonly JournalEntry[]): Uint8Array => encodeEntries(entries);

/** Buffers as plain byte arrays: they are equal as bytes, not as classes. */
const plain = (entries: readonly JournalEntry[]): unknown =>
  entries.map((entry) => {
    if (entry.kind === 'succeeded') return { ...entry, outputs: [...entry.outputs] };
    return entry.kind === 'recorded'
      ? {
          ...entry,
          results: entry.results.map((result) => ({
            ...result,
            output: result.output && [...result.output],
            digest: result.digest && [...result.digest],
          })),
        }
      : entry;
  });

describe('a journal', () => {
  it('reads back as the entries that were appended, however many', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 12 }), (entries) => {
        expect(plain(decodeEntries(encodeAll(entries)))).toEqual(plain(entries));
      }),
    );
  });

  it('keeps every outcome, the greatest fuel, and an output of any bytes', () => {
    const results = outcomes.map((outcome, position) =>
      aResult(position, { outcome, fuel: Number.MAX_SAFE_INTEGER - position, exitCode: -1 }),
    );
    fc.assert(
      fc.property(anyBytes, (output) => {
        const entry: JournalEntry = {
          kind: 'recorded',
          leaseId: leaseId(1),
          results: results.map((result) => ({ ...result, output })),
        };
        expect(plain(decodeEntries(encodeEntries([entry])))).toEqual(plain([entry]));
      }),
      { numRuns: 20 },
    );
  });

  it('[W10] names every output that anybody reported, whatever became of it', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 12 }), (entries) => {
        const reported = entries.flatMap((entry) =>
          entry.kind === 'recorded' ? entry.results.map(({ digest }) => digest) : [],
        );
        const hex = (digest: Uint8Array | null) => digest && Buffer.from(digest).toString('hex');
        const named = [...outputsNamed(encodeAll(entries))].map(hex);
        expect(named).toEqual(reported.map(hex).filter((one) => one !== null));
      }),
    );
  });

  it('that is empty has no entries', () => {
    expect(decodeEntries(new Uint8Array(0))).toEqual([]);
  });

  it('that is cut off anywhere but between entries is refused', () => {
    const positions: UnitRuns = [[0, 4]];
    const entries: JournalEntry[] = [
      {
        kind: 'leased',
        leaseId: leaseId(1),
        hostId: hostId(1),
        accountId: accountId(1),
        positions,
      },
      { kind: 'recorded', leaseId: leaseId(1), results: [aResult(2)] },
    ];
    const bytes = encodeAll(entries);
    const between = encodeAll(entries.slice(0, 1)).length;
    for (let length = 1; length < bytes.length; length++) {
      if (length === between) continue;
      expect(() => decodeEntries(bytes.subarray(0, length)), `${length} bytes`).toThrow();
    }
  });

  it('of a kind this program does not know is refused', () => {
    expect(() => decodeEntries(Uint8Array.of(0x91, 99))).toThrow(/unknown kind/);
    expect(() => decodeEntries(Uint8Array.of(7))).toThrow(/unknown kind/);
    expect(() => [...outputsNamed(Uint8Array.of(0x91, 99))]).toThrow(/unknown kind/);
  });

  it('costs a small result few bytes: what is not said is not written', () => {
    const entry = (results: number): JournalEntry => ({
      kind: 'recorded',
      leaseId: leaseId(1),
      results: Array.from({ length: results }, (_, i) =>
        aResult(i, { exitCode: null, output: Buffer.from('result') }),
      ),
    });
    const each = (encodeEntries([entry(12)]).length - encodeEntries([entry(2)]).length) / 10;
    // Position, outcome, fuel in 5 bytes, 6 bytes of output with their length, and the array's head.
    expect(each).toBeLessThanOrEqual(16);
  });
});
