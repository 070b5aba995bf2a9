import fc from 'fast-check';
import { Unpackr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { packUsualAnswers } from '../../../coordinator/api/usual-answers.ts';
import type { CoordinatorMessage } from '../../../protocol/messages.ts';
import { verdicts } from '../../../protocol/outcome.ts';

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/** Small ones and large ones alike, and those around each power of two. */
const whole = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc
    .tuple(fc.integer({ min: 0, max: 52 }), fc.constantFrom(-1, 0, 1))
    .map(([power, by]) => Math.max(2 ** power + by, 0)),
);
const ascii = (lengths: number[]) =>
  fc
    .constantFrom(...lengths)
    .chain((length) => fc.string({ unit: 'grapheme-ascii', minLength: length, maxLength: length }));
const aLease = fc.record({
  leaseId: ascii([17]),
  token: ascii([1, 31, 32, 130, 255, 256, 4000]),
  jobId: ascii([17]),
  units: fc.array(fc.tuple(whole, whole), { minLength: 1, maxLength: 40 }),
  params: fc.constant(null),
  expiresInMs: whole,
});
const leaseMessage = fc.record({
  type: fc.constant('lease' as const),
  want: whole,
  leases: fc.array(aLease, { minLength: 1, maxLength: 20 }),
  jobs: fc.constant<never[]>([]),
});
const recorded = fc.record({
  type: fc.constant('recorded' as const),
  report: whole,
  verdicts: fc.array(fc.tuple(fc.constantFrom(...verdicts), whole), { maxLength: 40 }),
});
const usual: fc.Arbitrary<CoordinatorMessage> = fc.oneof(leaseMessage, recorded);

describe('a frame of leases and verdicts', () => {
  it('is read as the messages it was made of, alone or with others', () => {
    fc.assert(
      fc.property(fc.array(usual, { minLength: 1, maxLength: 70 }), (messages) => {
        const frame = packUsualAnswers(messages);
        expect(unpackr.unpack(frame ?? Buffer.alloc(0))).toEqual(
          messages.length === 1 ? messages[0] : messages,
        );
      }),
      { numRuns: 300 },
    );
  });

  it('keeps its bytes while others are made after it', () => {
    const message: CoordinatorMessage = {
      type: 'recorded',
      report: 7,
      verdicts: [['accepted', 1]],
    };
    const first = packUsualAnswers([message]);
    const copy = Buffer.from(first ?? []);
    for (let i = 0; i < 10_000; i++) packUsualAnswers([{ ...message, report: i }]);
    expect(first?.equals(copy)).toBe(true);
  });

  it.each<[string, CoordinatorMessage]>([
    ['anything else', { type: 'noWork', want: 1, reason: 'no_jobs', retryAfterMs: null }],
    ['a job', { type: 'lease', want: 1, leases: [], jobs: [{} as never] }],
    ['parameters', { type: 'lease', want: 1, leases: [{ params: [{ n: 1 }] } as never], jobs: [] }],
  ])('is left to the packer when there is %s in it', (_, message) => {
    const recorded: CoordinatorMessage = { type: 'recorded', report: 7, verdicts: [] };
    expect(packUsualAnswers([recorded, message])).toBeNull();
  });
});
