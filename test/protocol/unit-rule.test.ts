import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import {
  fillTemplate,
  type Params,
  parameterNames,
  templateNames,
  type UnitRule,
  unitCount,
  unitParams,
  unitRuleSchema,
} from '../../protocol/unit-rule.ts';

const scalar = fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.boolean());
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,5}$/);
const progression = fc.record({
  from: fc.integer({ min: -1000, max: 1000 }),
  count: fc.integer({ min: 1, max: 12 }),
  step: fc.integer({ min: 1, max: 9 }),
});
const dimension = fc.oneof(fc.array(scalar, { minLength: 1, maxLength: 6 }), progression);
const sweep = fc
  .dictionary(name, dimension, { minKeys: 1, maxKeys: 4 })
  .map((dimensions) => unitRuleSchema.parse({ sweep: dimensions }));
const range = progression.map((range) => unitRuleSchema.parse({ range }));
const list = fc
  .array(fc.oneof(scalar, fc.dictionary(name, scalar, { maxKeys: 3 })), {
    minLength: 1,
    maxLength: 20,
  })
  .map((items) => unitRuleSchema.parse({ list: items }));
const anyRule = fc.oneof(sweep, range, list);

/** Every unit of a sweep by nested loops: slow, and obviously right. */
function* nested(rule: UnitRule): Generator<Params> {
  if (!('sweep' in rule)) return;
  const [first, ...rest] = Object.entries(rule.sweep);
  if (first === undefined) return yield {};
  const [name, dimension] = first;
  const values = Array.isArray(dimension)
    ? dimension
    : Array.from({ length: dimension.count }, (_, i) => dimension.from + i * dimension.step);
  const inner = rest.length === 0 ? null : { sweep: Object.fromEntries(rest) };
  for (const value of values) {
    if (inner === null) yield { [name]: value };
    else for (const params of nested(inner)) yield { [name]: value, ...params };
  }
}

describe('a unit rule', () => {
  test('counts a sweep and gives each unit as nested loops would, the last parameter fastest', () => {
    fc.assert(
      fc.property(sweep, (rule) => {
        const all = Array.from({ length: unitCount(rule) }, (_, i) => unitParams(rule, i));
        expect(all).toEqual([...nested(rule)]);
      }),
      { numRuns: 60 },
    );
  });

  test('gives the same parameters for an index whatever was asked before', () => {
    fc.assert(
      fc.property(anyRule, fc.nat(), fc.nat(), (rule, a, b) => {
        const index = a % unitCount(rule);
        const alone = unitParams(rule, index);
        unitParams(rule, b % unitCount(rule));
        expect(unitParams(rule, index)).toEqual(alone);
      }),
    );
  });

  test('promises only names that every unit has', () => {
    fc.assert(
      fc.property(anyRule, fc.nat(), (rule, n) => {
        const params = unitParams(rule, n % unitCount(rule));
        expect(Object.keys(params)).toEqual(expect.arrayContaining(parameterNames(rule)));
      }),
    );
  });

  test('refuses an index that it does not have', () => {
    fc.assert(
      fc.property(anyRule, fc.nat(), (rule, beyond) => {
        expect(() => unitParams(rule, unitCount(rule) + beyond)).toThrow(RangeError);
        expect(() => unitParams(rule, -1 - beyond)).toThrow(RangeError);
        expect(() => unitParams(rule, 0.5)).toThrow(RangeError);
      }),
    );
  });

  test('keeps the order in which a sweep names its parameters', () => {
    const rule = unitRuleSchema.parse({ sweep: { z: [1], a: [2], m: [3] } });
    expect(Object.keys(unitParams(rule, 0))).toEqual(['z', 'a', 'm']);
  });

  test('reaches any unit of a job of a trillion without making the others', () => {
    const rule = unitRuleSchema.parse({
      sweep: { a: { count: 1_000_000 }, b: { from: 5, count: 1_000_000, step: 2 } },
    });
    expect(unitCount(rule)).toBe(1_000_000_000_000);
    expect(unitParams(rule, 999_999_999_999)).toEqual({ a: 999_999, b: 2_000_003 });
    expect(unitParams(rule, 123_456_654_321)).toEqual({ a: 123_456, b: 5 + 2 * 654_321 });
  });

  test('may have as many units as the limit says, and not one more', () => {
    const max = limits.unitsPerJobMax;
    expect(unitRuleSchema.safeParse({ range: { count: max } }).success).toBe(true);
    expect(unitRuleSchema.safeParse({ range: { count: max + 1 } }).success).toBe(false);
    const sweep = { a: { count: max / 2 }, b: [1, 2] };
    expect(unitRuleSchema.safeParse({ sweep }).success).toBe(true);
    expect(unitRuleSchema.safeParse({ sweep: { ...sweep, b: [1, 2, 3] } }).success).toBe(false);
  });

  test('counts a range backwards with a negative step', () => {
    const rule = unitRuleSchema.parse({ range: { from: 10, count: 3, step: -4 } });
    expect([0, 1, 2].map((i) => unitParams(rule, i))).toEqual([
      { value: 10 },
      { value: 6 },
      { value: 2 },
    ]);
  });

  test('gives mixed list items their own fields and promises what they share', () => {
    const rule = unitRuleSchema.parse({ list: [{ a: 1, b: 2 }, { b: 3 }] });
    expect(unitParams(rule, 1)).toEqual({ b: 3 });
    expect(parameterNames(rule)).toEqual(['b']);
  });
});

describe('a template', () => {
  test('is filled with the unit’s parameters and its index', () => {
    expect(fillTemplate('--p={p} {index}/{p}', { p: 31 }, 7)).toBe('--p=31 7/31');
  });

  test('leaves every other brace as it is', () => {
    for (const text of ['{}', '{ p }', '{1}', '{a-b}', '${x', '{"p":1}', '{{']) {
      expect(templateNames(text)).toEqual([]);
      expect(fillTemplate(text, { p: 1 }, 0)).toBe(text);
    }
  });

  test('does not look into what it filled in', () => {
    expect(fillTemplate('{a}', { a: '{b}', b: 'no' }, 0)).toBe('{b}');
  });

  test('fills in nothing that an object has by nature', () => {
    expect(fillTemplate('{constructor}', {}, 0)).toBe('{constructor}');
  });
});
