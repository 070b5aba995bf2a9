/**
 * Every field of the job document, wrong in turn: the scientist must be told where, and what was
 * expected there, in words that do not need our source.
 */
import { describe, expect, test } from 'vitest';
import { issuesOf } from '../../protocol/errors.ts';
import { documentExample, shortestDocumentExample } from '../../protocol/examples.ts';
import { type JobDocument, jobDocumentSchema, unservedParts } from '../../protocol/job.ts';
import { limits } from '../../protocol/limits.ts';

const digest = documentExample.kernel;
const long = (length: number) => 'x'.repeat(length);
const many = <T>(count: number, make: (i: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));

/** The example with the value at `path` replaced; `undefined` takes it away. */
function withField(path: string, value: unknown): unknown {
  const copy: Record<string, unknown> = structuredClone(documentExample);
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  let inner = copy;
  for (const step of steps) inner = inner[step] as Record<string, unknown>;
  if (value === undefined) delete inner[last];
  else inner[last] = value;
  return copy;
}

const issuesFor = (document: unknown) => {
  const parsed = jobDocumentSchema.safeParse(document);
  return parsed.success ? [] : issuesOf(parsed.error);
};

/** field, a value that is wrong there, the path that the issue names, words that it contains */
const wrong: [string, unknown, string, RegExp][] = [
  ['version', 2, 'version', /expected 1/],
  ['name', undefined, 'name', /expected a name/],
  ['name', '', 'name', /expected a name/],
  ['name', long(limits.nameCharsMax + 1), 'name', /at most 120 characters/],
  ['name', 'a\u001b[2Jb', 'name', /control characters/],
  ['kernel', undefined, 'kernel', /./],
  ['kernel', 'kernel.wasm', 'kernel', /"sha256:" and 64/],
  ['units', undefined, 'units', /expected one of \{range\}/],
  ['units', { dozens: 12 }, 'units', /expected one of \{range\}/],
  ['units', { range: { count: 0 } }, 'units.range.count', /at least 1/],
  ['units', { range: { count: 5, step: 0 } }, 'units.range.step', /other than 0/],
  ['units', { list: [] }, 'units.list', /at least one unit/],
  ['units', { sweep: {} }, 'units.sweep', /at least one parameter/],
  ['units', { sweep: { p: [] } }, 'units.sweep.p', /at least one value/],
  ['units', { sweep: { p: 5 } }, 'units.sweep.p', /a list of values or \{from, count, step\}/],
  ['units', { sweep: { p: [1, null] } }, 'units.sweep.p.1', /a string, a number, true or false/],
  ['units', { list: [null] }, 'units.list.0', /a value or an object of parameters/],
  ['units', { range: { count: 3 }, list: [1] }, 'units', /expected one of \{range\}/],
  ['units', { sweep: { 'a b': [1] } }, 'units.sweep.a b', /parameter name like "seed"/],
  [
    'units',
    { sweep: { a: { count: 1e9 }, b: { count: 1e9 } } },
    'units',
    /at most 1000000000000 units/,
  ],
  ['run.args', ['--p', '{q}'], 'run.args.1', /\{q\} is no parameter.*\{p\}, \{index\}/],
  ['run.args', [long(limits.argCharsMax + 1)], 'run.args.0', /at most 4096 characters/],
  ['run.args', many(limits.argsMax + 1, String), 'run.args', /256/],
  ['run.args', '--p 3', 'run.args', /array/],
  ['run.env', { A: '{q}' }, 'run.env.A', /\{q\} is no parameter/],
  ['run.env', { 'A=B': '1' }, 'run.env.A=B', /a variable name/],
  [
    'run.env',
    Object.fromEntries(many(limits.envMax + 1, (i) => [`A${i}`, ''])),
    'run.env',
    /at most 64 variables/,
  ],
  ['run.stdin', './input.txt', 'run.stdin', /"sha256:" and 64/],
  ['run.files', { '/data/a': './a' }, 'run.files./data/a', /"sha256:" and 64/],
  ['run.files', { 'data/a': digest }, 'run.files.data/a', /absolute guest path/],
  ['run.files', { '/data/../a': digest }, 'run.files./data/../a', /without "\.\."/],
  [
    'run.files',
    Object.fromEntries(many(limits.filesMax + 1, (i) => [`/${i}`, digest])),
    'run.files',
    /at most 64 files/,
  ],
  ['run.outputs', ['out/*'], 'run.outputs.0', /absolute guest path/],
  ['run.outputs', ['/a/../b'], 'run.outputs.0', /without "\.\."/],
  ['run.outputs', many(limits.outputsMax + 1, (i) => `/${i}`), 'run.outputs', /16/],
  ['limits.fuelMax', 1e12, 'limits.fuelMax', /./],
  ['limits.fuelMax', '1e12', 'limits.fuelMax', /decimal string/],
  ['limits.fuelMax', '-1', 'limits.fuelMax', /decimal string/],
  ['limits.fuelMax', '9007199254740992', 'limits.fuelMax', /at most "9007199254740991"/],
  ['limits.memoryBytesMax', 0, 'limits.memoryBytesMax', /at least 1/],
  ['limits.memoryBytesMax', 2 ** 32, 'limits.memoryBytesMax', /at most/],
  ['limits.outputBytesMax', 1.5, 'limits.outputBytesMax', /whole number/],
  ['limits.outputBytesMax', limits.outputBytesMax + 1, 'limits.outputBytesMax', /at most 67108864/],
  ['limits.wallMsMax', '3600000', 'limits.wallMsMax', /whole number/],
  ['limits.wallMsMax', limits.wallMsMax + 1, 'limits.wallMsMax', /at most 86400000/],
  ['trust', 'A4', 'trust', /"A0", "A1", "A2" or "A3"/],
  ['compare', { tolerance: 5 }, 'compare.tolerance', /./],
  ['compare', 'nearly', 'compare', /"exact", \{tolerance\} or \{verifier\}/],
  ['merge', { top: 'x', count: 0 }, 'merge.count', /at least 1/],
  ['merge', 'xml', 'merge', /"jsonl", "concat"/],
  ['view', 'tiles', 'view', /./],
  ['after', 7, 'after', /./],
  ['nans', 'different', 'nans', /"same" or "any"/],
  ['migratable', 'yes', 'migratable', /true or false/],
  ['priority', -1, 'priority', /at least 0/],
  ['priority', 101, 'priority', /at most 100/],
  ['priority', 0.5, 'priority', /whole number/],
  ['budget', 100, 'budget', /./],
  ['public', 1, 'public', /true or false/],
  ['deadline', 'tomorrow', 'deadline', /ISO 8601/],
  ['notify', ['me'], 'notify.0', /URL/],
];

const unknownFields: [string, string][] = [
  ['nmae', '(document)'],
  ['run.arguments', 'run'],
  ['limits.fuel', 'limits'],
];

describe('a job document', () => {
  test('that is the example is valid, and every field of it is served', () => {
    expect(jobDocumentSchema.parse(documentExample)).toEqual(documentExample);
    expect(unservedParts(documentExample)).toEqual([]);
  });

  test('needs a name, a kernel and units; the rest has defaults', () => {
    const document = jobDocumentSchema.parse(shortestDocumentExample);
    expect(document).toMatchObject({ version: 1, trust: 'A1', compare: 'exact', merge: 'jsonl' });
    expect(document.limits.fuelMax).toBe('1000000000000');
    expect(unservedParts(document)).toEqual([]);
  });

  test('is the same after it has been stored and read', () => {
    const stored = JSON.parse(JSON.stringify(jobDocumentSchema.parse(shortestDocumentExample)));
    expect(jobDocumentSchema.parse(stored)).toEqual(stored);
  });

  test.each(wrong)('is refused with %s: %j, and told so', (field, value, path, expected) => {
    const issues = issuesFor(withField(field, value));
    expect(issues.map((issue) => issue.path)).toContain(path);
    expect(issues.find((issue) => issue.path === path)?.expected).toMatch(expected);
  });

  test('has no field without a wrong value in this test', () => {
    const leaves = Object.entries(documentExample).flatMap(([name, value]) =>
      ['run', 'limits'].includes(name)
        ? Object.keys(value as object).map((inner) => `${name}.${inner}`)
        : [name],
    );
    const tried = new Set(wrong.map(([field]) => field));
    expect(leaves.filter((leaf) => !tried.has(leaf))).toEqual([]);
  });

  test.each(unknownFields)('is refused with the unknown field %s', (field, path) => {
    const issues = issuesFor(withField(field, 1));
    expect(issues.map((issue) => issue.path)).toContain(path);
    expect(issues[0]?.expected).toContain(field.split('.').at(-1));
  });

  test('names every mistake at once', () => {
    const document = { ...documentExample, name: '', trust: 'Z', priority: 500 };
    expect(issuesFor(document).map((issue) => issue.path)).toEqual(['name', 'trust', 'priority']);
  });

  test.each([null, [], 'a job', 5])('is an object, not %j', (document) => {
    expect(issuesFor(document).map((issue) => issue.path)).toEqual(['(document)']);
  });
});

describe('a tolerance', () => {
  const compareOf = (tolerance: unknown, parts: object = {}) =>
    issuesFor({ ...documentExample, compare: { tolerance }, ...parts });

  test('names fields or columns, and how far each may be off', () => {
    expect(compareOf({ energy: { relative: 1e-9 }, 'atoms.x': { absolute: 0.01 } })).toEqual([]);
    expect(compareOf({ $2: { absolute: 0, relative: 1 } })).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['compare.tolerance.energy', { energy: 1e-9 }],
    ['compare.tolerance.energy', { energy: {} }],
    ['compare.tolerance.energy.relative', { energy: { relative: -1 } }],
    ['compare.tolerance.energy', { energy: { relative: 1, percent: 2 } }],
    ['compare.tolerance', {}],
  ])('with something wrong in %s is not valid: %j', (path, tolerance) => {
    expect(compareOf(tolerance).map((issue) => issue.path)).toEqual([path]);
  });

  test('is for outputs that the coordinator can compare in a moment', () => {
    const limits = { outputBytesMax: 1024 * 1024 + 1 };
    const [issue] = compareOf({ energy: { relative: 1 } }, { limits });
    expect(issue).toEqual({
      path: 'limits.outputBytesMax',
      expected: 'expected at most 1048576 with a tolerance',
    });
  });
});

/** What the design has and this release does not serve: refused by name, never ignored. */
const later: [string, Partial<Record<keyof JobDocument, unknown>>][] = [
  ['units.lines', { units: { lines: { file: digest } }, run: {} }],
  ['units.slices', { units: { slices: { file: digest, bytes: 1024 } }, run: {} }],
  ['merge', { merge: 'concat' }],
  ['merge', { merge: { sum: 'count' } }],
  ['after', { after: 'jvmdtzx4zyb74bny9' }],
  ['budget', { budget: '1000' }],
  ['deadline', { deadline: '2027-01-01T00:00:00Z' }],
  ['notify', { notify: ['https://example.org/done'] }],
];

describe('a part of the document that is not served yet', () => {
  test.each(later)('%s is valid, and refused by name', (path, change) => {
    const document = jobDocumentSchema.parse({ ...documentExample, ...change });
    const parts = unservedParts(document);
    expect(parts.map((part) => part.path)).toEqual([path]);
    expect(parts[0]?.expected).toMatch(/not served yet; this release serves ./);
  });
});
