/**
 * A job is a function from an index to a work unit. This file is that function: how many units a
 * rule has, and the parameters of any one of them, without ever making the others. A job of a
 * billion units therefore costs what its rule costs. Both sides evaluate it: the coordinator to
 * split and to label results, the worker to fill in a unit's arguments.
 */
import { z } from 'zod';
import { limits } from './limits.ts';

const scalarSchema = z.union([z.string().max(limits.argCharsMax), z.number(), z.boolean()], {
  error: 'expected a string, a number, true or false',
});
export type Scalar = z.infer<typeof scalarSchema>;
export type Params = Record<string, Scalar>;

const parameterName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'expected a parameter name like "seed"');
const integer = z.int('expected a whole number');
const progression = z
  .strictObject({
    from: integer.default(0),
    count: integer.min(1, 'expected at least 1').max(limits.unitsPerJobMax),
    step: integer.refine((step) => step !== 0, 'expected a step other than 0').default(1),
  })
  .refine(({ from, count, step }) => Number.isSafeInteger(from + (count - 1) * step), {
    error: 'expected values between -2^53 and 2^53: beyond, neighbours would become equal',
  });

const rangeSchema = z.strictObject({ range: progression });
const sweepSchema = z.strictObject({
  sweep: z
    .record(
      parameterName,
      z.union(
        [
          z.array(scalarSchema).min(1, 'expected at least one value').max(limits.sweepValuesMax),
          progression,
        ],
        { error: 'expected a list of values or {from, count, step}' },
      ),
    )
    .refine((sweep) => Object.keys(sweep).length > 0, 'expected at least one parameter')
    .refine(
      (sweep) => Object.keys(sweep).length <= limits.sweepDimensionsMax,
      `expected at most ${limits.sweepDimensionsMax} parameters`,
    ),
});
const listSchema = z.strictObject({
  list: z
    .array(
      z.union([scalarSchema, z.record(parameterName, scalarSchema)], {
        error: 'expected a value or an object of parameters',
      }),
    )
    .min(1, 'expected at least one unit')
    .max(limits.listUnitsMax, `expected at most ${limits.listUnitsMax} units in a list`),
});
const file = z.string().min(1, 'expected a digest or, for the command line, a path');
const linesSchema = z.strictObject({
  lines: z.strictObject({ file, perUnit: integer.min(1).default(1) }),
});
const slicesSchema = z.strictObject({
  slices: z.strictObject({ file, bytes: integer.min(1), overlapBytes: integer.min(0).default(0) }),
});

export const unitRuleSchema = z
  .union([rangeSchema, sweepSchema, listSchema, linesSchema, slicesSchema], {
    error: 'expected one of {range}, {sweep}, {list}, {lines} or {slices}',
  })
  .refine((rule) => unitCount(rule) <= limits.unitsPerJobMax, {
    error: `expected at most ${limits.unitsPerJobMax} units`,
  });
export type UnitRule =
  | z.infer<typeof rangeSchema>
  | z.infer<typeof sweepSchema>
  | z.infer<typeof listSchema>
  | z.infer<typeof linesSchema>
  | z.infer<typeof slicesSchema>;

type Dimension = z.infer<typeof sweepSchema>['sweep'][string];
const dimensionSize = (dimension: Dimension): number =>
  Array.isArray(dimension) ? dimension.length : dimension.count;

/** How many units the rule makes. Lines and slices depend on a file and count 0 until served. */
export function unitCount(rule: UnitRule): number {
  if ('range' in rule) return rule.range.count;
  if ('list' in rule) return rule.list.length;
  if ('sweep' in rule) {
    return Object.values(rule.sweep).reduce((product, d) => product * dimensionSize(d), 1);
  }
  return 0;
}

/**
 * The parameters of one unit. A range and a list of scalars give `value`; a sweep gives one
 * parameter per dimension, the last one turning fastest; objects in a list give their own fields.
 * Throws a RangeError for an index the rule does not have.
 */
export function unitParams(rule: UnitRule, index: number): Params {
  if (!Number.isInteger(index) || index < 0 || index >= unitCount(rule)) {
    throw new RangeError(`unit ${index} of ${unitCount(rule)}`);
  }
  if ('range' in rule) return { value: rule.range.from + index * rule.range.step };
  if ('list' in rule) {
    const item = rule.list[index];
    return typeof item === 'object' ? item : { value: item as Scalar };
  }
  if ('sweep' in rule) return sweepParams(rule.sweep, index);
  return {};
}

/** Mixed radix: the index written in a number system whose digits are the dimensions. */
function sweepParams(sweep: Record<string, Dimension>, index: number): Params {
  const params: Params = {};
  let rest = index;
  for (const [name, dimension] of Object.entries(sweep).reverse()) {
    const size = dimensionSize(dimension);
    const digit = rest % size;
    rest = (rest - digit) / size;
    params[name] = Array.isArray(dimension)
      ? (dimension[digit] as Scalar)
      : dimension.from + digit * dimension.step;
  }
  return Object.fromEntries(Object.entries(params).reverse());
}

/** The parameter names that every unit of the rule has, besides `index`. */
export function parameterNames(rule: UnitRule): string[] {
  if ('sweep' in rule) return Object.keys(rule.sweep);
  if ('lines' in rule) return ['line'];
  if ('slices' in rule) return ['offset', 'bytes'];
  if ('range' in rule) return ['value'];
  const [first, ...others] = rule.list.map((item) =>
    typeof item === 'object' ? Object.keys(item) : ['value'],
  );
  return (first ?? []).filter((name) => others.every((names) => names.includes(name)));
}

const placeholder = /\{([A-Za-z][A-Za-z0-9_]{0,63})\}/g;

/** The names a template asks for: `--seed {seed}` asks for `seed`. Other braces are plain text. */
export const templateNames = (template: string): string[] =>
  [...template.matchAll(placeholder)].map((match) => match[1] as string);

/** A template with the unit's parameters (and its `index`) filled in. */
export function fillTemplate(template: string, params: Params, index: number): string {
  return template.replace(placeholder, (whole, name: string) => {
    if (Object.hasOwn(params, name)) return String(params[name]);
    return name === 'index' ? String(index) : whole;
  });
}
