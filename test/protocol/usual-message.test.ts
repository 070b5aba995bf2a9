import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { hostMessageSchema } from '../../protocol/messages.ts';
import { isUsualMessage } from '../../protocol/usual-message.ts';

const whole = fc.nat(2 ** 31);
const runs = fc.array(fc.tuple(fc.nat(10 ** 9), fc.integer({ min: 1, max: 256 })), {
  minLength: 1,
  maxLength: 4,
});
const aWant = fc.record({
  type: fc.constant('want'),
  id: whole,
  units: fc.integer({ min: 1, max: 256 }),
});
const aReport = fc.record({
  type: fc.constant('report'),
  id: whole,
  token: fc.string({ minLength: 1, maxLength: 200 }),
  successes: fc.record({
    units: runs,
    fuel: fc.array(fc.maxSafeNat(), { maxLength: 8 }),
    outputs: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    wallMs: whole,
  }),
  results: fc.constant([]),
});

describe('a message that is taken without its schema', () => {
  it('is any want, and any report with nothing but columns', () => {
    fc.assert(
      fc.property(fc.oneof(aWant, aReport), (message) => {
        expect(isUsualMessage(message)).toBe(true);
      }),
    );
  });

  it('is one that the schema takes and leaves as it is, however it was bent', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(aWant, aReport), fc.infiniteStream(fc.nat()), odd, (message, at, by) => {
        const bent = bend(message, at, by);
        if (!isUsualMessage(bent)) return;
        taken++;
        const parsed = hostMessageSchema.safeParse(bent);
        expect(parsed.error).toBeUndefined();
        expect(parsed.data).toEqual(bent);
      }),
      { numRuns: 3000 },
    );
    // Else the property would have said nothing.
    expect(taken).toBeGreaterThan(100);
  });

  it.each([
    ['null', null],
    ['a number', 7],
    ['an array', [{ type: 'want', id: 1, units: 1 }]],
    ['a hello', { type: 'hello' }],
    ['a want with a field more', { type: 'want', id: 1, units: 1, more: 1 }],
    ['a want of too much', { type: 'want', id: 1, units: limits.unitsPerWantMax + 1 }],
    ['a want of half a unit', { type: 'want', id: 1, units: 0.5 }],
  ])('is not %s', (_, value) => expect(isUsualMessage(value)).toBe(false));
});

/** Values that somebody might put where another belongs. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, '', 'x', Number.NaN, -1, -0, 0, 1, 0.5, 2 ** 53, true),
  fc.constantFrom<unknown>(
    [],
    {},
    [[]],
    [[0, 1]],
    [[0, 1, 2]],
    [[0]],
    Buffer.alloc(0),
    'a'.repeat(9999),
  ),
  fc.constantFrom<unknown>(
    limits.unitsPerWantMax,
    limits.unitsPerJobMax,
    limits.unitsPerJobMax + 1,
  ),
  fc.constant<unknown>(Array.from({ length: limits.runsPerLeaseMax + 1 }, (_, i) => [2 * i, 1])),
);

/** A copy with one value in it, wherever it is, replaced, removed or added. */
function bend(message: object, at: Iterator<number>, by: unknown): unknown {
  const copy: unknown = structuredCloneOf(message);
  let place = copy as Record<string, unknown>;
  for (;;) {
    const names = Object.keys(place);
    const name = names[next(at) % Math.max(names.length, 1)];
    const how = next(at) % 4;
    if (name === undefined || how === 0) {
      if (Array.isArray(place)) place.push(by);
      else place['extra'] = by;
      return copy;
    }
    const inner = place[name];
    if (how === 3 && !Array.isArray(place)) {
      delete place[name];
      return copy;
    }
    if (typeof inner !== 'object' || inner === null || inner instanceof Uint8Array || how === 1) {
      place[name] = by;
      return copy;
    }
    place = inner as Record<string, unknown>;
  }
}

const next = (at: Iterator<number>): number => at.next().value as number;

/** structuredClone would make plain arrays of bytes of Buffers. */
function structuredCloneOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(structuredCloneOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, structuredCloneOf(inner)]),
  );
}
