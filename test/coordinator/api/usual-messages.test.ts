import fc from 'fast-check';
import { Packr, Unpackr } from 'msgpackr';
import { expect, it } from 'vitest';
import { unpackUsualMessages } from '../../../coordinator/api/usual-messages.ts';

const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'number' } as const;
const packr = new Packr(options);
const unpackr = new Unpackr(options);

const whole = fc.oneof(fc.nat(300), fc.nat(70_000), fc.maxSafeNat());
const aWant = fc.record({ id: whole, units: whole }).map((fields) => ({ type: 'want', ...fields }));
const aReport = fc
  .record({
    id: whole,
    token: fc.string({ unit: 'grapheme', maxLength: 300 }),
    successes: fc.record({
      units: fc.array(fc.tuple(whole, whole), { maxLength: 20 }),
      fuel: fc.array(whole, { maxLength: 40 }),
      outputs: fc.uint8Array({ maxLength: 70_000 }).map((bytes) => Buffer.from(bytes)),
      wallMs: fc.oneof(whole, fc.double({ noNaN: true })),
    }),
  })
  .map((fields) => ({ type: 'report', ...fields, results: [] }));
const aFrame = fc.oneof(aWant, aReport, fc.array(fc.oneof(aWant, aReport), { maxLength: 20 }));

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

it('wants and reports in columns are read as the unpacker reads them', () => {
  fc.assert(
    fc.property(aFrame, (frame) => {
      const bytes = packr.pack(frame);
      const read = unpackUsualMessages(bytes);
      expect(read).toEqual(asList(unpackr.unpack(bytes)));
    }),
  );
});

it('of a frame that was changed or cut off it reads nothing, or what the unpacker does', () => {
  let changed = 0;
  fc.assert(
    fc.property(aFrame, fc.nat(), fc.nat(255), fc.nat(3), (frame, place, byte, cut) => {
      const bytes = Buffer.from(packr.pack(frame));
      bytes[place % bytes.length] = byte;
      const bent = bytes.subarray(0, bytes.length - cut);
      const read = unpackUsualMessages(bent);
      if (read === null) return;
      changed++;
      expect(read).toEqual(asList(unpackr.unpack(bent)));
    }),
    { numRuns: 3000 },
  );
  expect(changed).toBeGreaterThan(100);
});

it('any other message is left to the unpacker', () => {
  const report = { type: 'report', id: 1, token: 't', successes: null, results: [] };
  for (const other of [report, [report], { type: 'bye' }, 7, null, [], { units: 1, type: 'want' }])
    expect(unpackUsualMessages(packr.pack(other))).toEqual(
      Array.isArray(other) && other.length === 0 ? [] : null,
    );
});
