/**
 * When two results agree. Exactly, unless the job says otherwise: same output, same fuel; a kernel is
 * deterministic, so anything else means that one of the two did not run it. A job whose numbers may differ
 * in their last digits may declare tolerances for fields or columns of what it prints, or name a verifier:
 * a kernel that other hosts run on a result, which says yes (exit 0) or no.
 *
 * A failure of the kernel is an answer like any other: it is as deterministic as success.
 */
import { isHostOutcome, type Outcome } from '../../../protocol/outcome.ts';
import { encodeOutput, type UnitOutput } from '../../../protocol/output.ts';

export type Compared = {
  outcome: Outcome;
  exitCode: number | null;
  fuel: number;
  /** Of the whole output. */
  digest: string;
  /** What was printed, as values; where it is not there, the whole output counts. */
  body?: unknown;
  /** The output's files, which have to be equal, as one run of bytes. */
  files?: Uint8Array;
};

/** Per field or column: how far two numbers may lie apart, absolutely or as a share of the greater one. */
export type Tolerance = Record<
  string,
  { absolute?: number | undefined; relative?: number | undefined }
>;

/** Equal for results that agree exactly. */
export const exactAnswer = ({ outcome, exitCode, fuel, digest }: Compared): string =>
  `${outcome} ${exitCode} ${fuel} ${digest}`;

/**
 * Numbers that differ may cost a loop another turn: so much of the fuel may differ too. No more, or
 * whoever is first could name its own pay.
 */
const fuelTolerance = { relative: 0.01 };

/** Fields that are not declared have to be equal. */
export function agreeWithin(tolerance: Tolerance, a: Compared, b: Compared): boolean {
  if (a.outcome !== 'success' || b.outcome !== 'success') return exactAnswer(a) === exactAnswer(b);
  if (!areNear(a.fuel, b.fuel, fuelTolerance)) return false;
  if (a.body === undefined || b.body === undefined) return a.digest === b.digest;
  const filesAreEqual = Buffer.from(a.files ?? []).equals(b.files ?? new Uint8Array());
  return filesAreEqual && isNear(a.body, b.body, tolerance, '', 0);
}

/**
 * What was printed, as values: one JSON value; or a list of them, one a line; or else rows of columns that
 * blanks or commas part, the n-th of which is called `$n`, as awk calls it. There is no body where those are too many.
 *
 * A stranger printed it, and while it is read nothing else is done: all of this takes time by its length.
 */
export function readBody({ stdout, files }: UnitOutput): Pick<Compared, 'body' | 'files'> {
  const text = Buffer.from(stdout).toString('utf8');
  const body = jsonOf(text) ?? jsonLinesOf(text) ?? rowsOf(text);
  return { body, files: encodeOutput({ stdout: new Uint8Array(), files }) };
}

/** In all rows of an output: they take a tenth of a second. */
export const cellsMax = 32_768;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function jsonLinesOf(text: string): unknown[] | undefined {
  const values: unknown[] = [];
  for (const line of linesOf(text)) {
    const value = jsonOf(line);
    // To find a line to be no JSON takes microseconds: the first is enough.
    if (typeof value !== 'object') return undefined;
    values.push(value);
  }
  return values.length > 0 ? values : undefined;
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

function rowsOf(text: string): Record<string, string | number>[] | undefined {
  const rows: Record<string, string | number>[] = [];
  let left = cellsMax;
  for (const line of linesOf(text)) {
    const cells = line.trim().split(/\s*,\s*|\s+/, left + 1);
    left -= cells.length;
    if (left < 0) return undefined;
    rows.push(Object.fromEntries(cells.map((cell, i) => [`$${i + 1}`, cellOf(cell)])));
  }
  return rows;
}

/** No double is written with more; and to tell a number from a text the pattern takes the square of the length. */
const numberCharsMax = 64;

const cellOf = (cell: string): string | number =>
  cell.length <= numberCharsMax &&
  /^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/.test(cell)
    ? Number(cell)
    : cell;

/** What somebody says who finds a result wrong and has no better one. */
export const rejectionOf = (answer: string): string => `not ${answer}`;
export const isRejection = (answer: string): boolean => answer.startsWith('not ');

/** What a verifier's unit says of the result it was run on; null when it says nothing of it. */
export function verifierSays(outcome: Outcome, exitCode: number | null): boolean | null {
  if (isHostOutcome(outcome)) return null;
  return outcome === 'success' && (exitCode ?? 0) === 0;
}

/** A stranger may nest as deep as a megabyte of brackets. */
const depthMax = 64;

/** Paths are dotted; a list's items share the path of the list. */
function isNear(
  a: unknown,
  b: unknown,
  tolerance: Tolerance,
  path: string,
  depth: number,
): boolean {
  if (depth > depthMax) return false;
  if (typeof a === 'number' && typeof b === 'number') {
    return areNear(a, b, tolerance[path] ?? {});
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return (
      a.length === b.length && a.every((item, i) => isNear(item, b[i], tolerance, path, depth + 1))
    );
  }
  if (isRecord(a) && isRecord(b)) {
    const names = Object.keys(a);
    if (names.length !== Object.keys(b).length) return false;
    return names.every(
      (name) =>
        Object.hasOwn(b, name) &&
        isNear(a[name], b[name], tolerance, path === '' ? name : `${path}.${name}`, depth + 1),
    );
  }
  return a === b;
}

/** 1e999 is JSON, and reads as infinity: near to nothing, however great the tolerance. */
function areNear(a: number, b: number, { absolute = 0, relative = 0 }: Tolerance[string]): boolean {
  if (a === b) return true;
  const allowed = Math.max(absolute, relative * Math.max(Math.abs(a), Math.abs(b)));
  return Number.isFinite(a - b) && Math.abs(a - b) <= allowed;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
