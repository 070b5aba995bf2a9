/**
 * The job document: what a scientist submits, the same through CLI, SDK and HTTP. The schema
 * knows every field of the design; what this release does not serve yet is parsed and then refused
 * by `unservedParts`, so a document never means less than it says.
 */
import { z } from 'zod';
import type { DocumentIssue } from './errors.ts';
import { type Digest, digestSchema } from './ids.ts';
import { limits } from './limits.ts';
import { parameterNames, templateNames, unitRuleSchema } from './unit-rule.ts';

export const fuelSchema = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/, {
    error: 'expected fuel as a decimal string, like "1000000000000"',
    abort: true,
  })
  .refine((text) => Number(text) <= limits.fuelMax, `expected at most "${limits.fuelMax}"`);

const guestPath = z
  .string()
  .max(limits.guestPathCharsMax)
  .regex(/^\/[^\0]*$/, 'expected an absolute guest path like "/data/input.bin"')
  .refine((path) => !path.split('/').includes('..'), 'expected a path without ".."');
const template = z
  .string()
  .max(limits.argCharsMax, `expected at most ${limits.argCharsMax} characters`);

export const runSchema = z.strictObject({
  args: z.array(template).max(limits.argsMax).default([]),
  env: z
    .record(z.string().regex(/^[^=\0]{1,255}$/, 'expected a variable name'), template)
    .refine(
      (env) => Object.keys(env).length <= limits.envMax,
      `expected at most ${limits.envMax} variables`,
    )
    .default({}),
  stdin: digestSchema.nullable().default(null),
  files: z
    .record(guestPath, digestSchema)
    .refine(
      (files) => Object.keys(files).length <= limits.filesMax,
      `expected at most ${limits.filesMax} files`,
    )
    .default({}),
  outputs: z.array(guestPath).max(limits.outputsMax).default([]),
});

const whole = (max: number) =>
  z
    .int('expected a whole number')
    .min(1, 'expected at least 1')
    .max(max, `expected at most ${max}`);

export const runLimitsSchema = z.strictObject({
  /** 10^12 weighted instructions: one credit, some minutes of one core. */
  fuelMax: fuelSchema.default('1000000000000'),
  memoryBytesMax: whole(limits.memoryBytesMax).default(268_435_456),
  outputBytesMax: whole(limits.outputBytesMax).default(1_048_576),
  wallMsMax: whole(limits.wallMsMax).default(3_600_000),
});

const field = z.string().min(1).max(200);
const farthest = z
  .number('expected a number')
  .min(0, 'expected at least 0')
  .max(Number.MAX_VALUE)
  .optional();
/**
 * By field of what a unit prints: how far two numbers may lie apart. A field of JSON is named as `energy` or
 * `atoms.x` (lists are not named), a column of text as `$1`, `$2`…
 */
const toleranceSchema = z
  .record(
    z.string().min(1, 'expected a field').max(limits.guestPathCharsMax),
    z
      .strictObject({ absolute: farthest, relative: farthest })
      .refine(
        ({ absolute, relative }) => absolute !== undefined || relative !== undefined,
        'expected {absolute}, {relative} or both',
      ),
  )
  .refine((fields) => {
    const count = Object.keys(fields).length;
    return count > 0 && count <= limits.tolerancesMax;
  }, `expected 1 to ${limits.tolerancesMax} fields`);
const compareSchema = z.union(
  [
    z.literal('exact'),
    z.strictObject({ tolerance: toleranceSchema }),
    z.strictObject({ verifier: digestSchema }),
  ],
  { error: 'expected "exact", {tolerance} or {verifier}' },
);
const mergeSchema = z.union(
  [
    z.enum(['jsonl', 'concat']),
    z.strictObject({ sum: field }),
    z.strictObject({ min: field }),
    z.strictObject({ max: field }),
    z.strictObject({ top: field, count: whole(100_000).default(10) }),
    z.strictObject({ reduce: digestSchema }),
  ],
  { error: 'expected "jsonl", "concat", {sum}, {min}, {max}, {top} or {reduce}' },
);

export const jobDocumentSchema = z
  .strictObject({
    version: z.literal(1, 'expected 1').default(1),
    name: z
      .string('expected a name')
      .min(1, 'expected a name')
      .max(limits.nameCharsMax, `expected at most ${limits.nameCharsMax} characters`)
      .regex(/^[^\p{Cc}]*$/u, 'expected a name without control characters'),
    kernel: digestSchema,
    units: unitRuleSchema,
    run: runSchema.prefault({}),
    limits: runLimitsSchema.prefault({}),
    trust: z.enum(['A0', 'A1', 'A2', 'A3'], 'expected "A0", "A1", "A2" or "A3"').default('A1'),
    compare: compareSchema.default('exact'),
    merge: mergeSchema.default('jsonl'),
    /** `any`: the kernel lets no NaN out, and need not be slowed down to make them alike. */
    nans: z.enum(['same', 'any'], 'expected "same" or "any"').default('same'),
    view: z.record(z.string(), z.json()).nullable().default(null),
    after: z.string().nullable().default(null),
    migratable: z.boolean('expected true or false').default(false),
    /**
     * Weight in fair share is 1 + priority. Each step costs as much again as the work, and weighs against other
     * scientists too; of a curated job it costs nothing, and is at the cost of the scientist's own others.
     */
    priority: z
      .int('expected a whole number')
      .min(0, 'expected at least 0')
      .max(100, 'expected at most 100')
      .default(0),
    budget: fuelSchema.nullable().default(null),
    public: z.boolean('expected true or false').default(true),
    deadline: z.iso.datetime('expected an ISO 8601 time').nullable().default(null),
    notify: z.array(z.url('expected a URL')).max(8).default([]),
  })
  .superRefine((document, context) => {
    const known = new Set([...parameterNames(document.units), 'index']);
    const check = (text: string, path: (string | number)[]) => {
      for (const name of templateNames(text)) {
        if (known.has(name)) continue;
        context.addIssue({
          code: 'custom',
          path,
          message: `{${name}} is no parameter of these units; they have ${[...known].map((n) => `{${n}}`).join(', ')}`,
        });
      }
    };
    for (const [i, arg] of document.run.args.entries()) check(arg, ['run', 'args', i]);
    for (const [name, value] of Object.entries(document.run.env))
      check(value, ['run', 'env', name]);
    const hasTolerance = typeof document.compare === 'object' && 'tolerance' in document.compare;
    if (hasTolerance && document.limits.outputBytesMax > limits.comparedBytesMax)
      context.addIssue({
        code: 'custom',
        path: ['limits', 'outputBytesMax'],
        message: `expected at most ${limits.comparedBytesMax} with a tolerance`,
      });
  });

/** A document as it is stored: every default filled in. */
export type JobDocument = z.infer<typeof jobDocumentSchema>;
/** A document as a scientist may write it. */
export type JobDocumentInput = z.input<typeof jobDocumentSchema>;

/** The kernel that is run on results to check them; null when they are computed anew. */
export const verifierOf = ({ compare }: JobDocument): Digest | null =>
  typeof compare === 'object' && 'verifier' in compare ? compare.verifier : null;

/** Parts of a valid document that this release does not serve. Empty means: all of it is served. */
export function unservedParts(document: JobDocument): DocumentIssue[] {
  const later: [boolean, string, string][] = [
    ['lines' in document.units, 'units.lines', '{range}, {sweep} or {list}'],
    ['slices' in document.units, 'units.slices', '{range}, {sweep} or {list}'],
    [document.merge !== 'jsonl', 'merge', '"jsonl"'],
    [document.after !== null, 'after', 'null'],
    [document.budget !== null, 'budget', 'null'],
    [document.deadline !== null, 'deadline', 'null'],
    [document.notify.length > 0, 'notify', '[]'],
  ];
  return later
    .filter(([present]) => present)
    .map(([, path, served]) => ({
      path,
      expected: `not served yet; this release serves ${served}`,
    }));
}

/** How a job stands. `complete` means every unit is accepted or failed; `final` is counted apart. */
export const jobStates = ['open', 'paused', 'complete', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];

/** Who or what may pause a job. Each lifts its own pause; the first of several is the one that is told. */
export const pauseCauses = ['kernel_disabled', 'operator', 'owner', 'credit_spent'] as const;
export type PauseCause = (typeof pauseCauses)[number];
