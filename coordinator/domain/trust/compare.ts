/**
 * When two results agree. Exactly, unless the job says otherwise: same output, same fuel; a kernel is
 * deterministic, so anything else means that one of the two did not run it. A job whose kernel
 * computes with other hardware may declare tolerances for number fields of its JSON output, or name
 * a verifier: a kernel that other hosts run on a result, which says yes (exit 0) or no.
 *
 * A failure of the kernel is an answer like any other: it is as deterministic as success.
 */
import { isHostOutcome, type Outcome } from '../../../protocol/outcome.ts';

export type Compared = {
  outcome: Outcome;
  exitCode: number | null;
  fuel: number;
  digest: string;
  /** stdout, parsed, where the job compares fields of it; undefined when it is not JSON. */
  json?: unknown;
};

/** Per field: how far two numbers may lie apart, absolutely or as a share of the greater one. */
export type Tolerance = Record<string, { absolute?: number; relative?: number }>;

export const agreeExactly = (a: Compared, b: Compared): boolean =>
  a.outcome === b.outcome &&
  a.exitCode === b.exitCode &&
  a.fuel === b.fuel &&
  a.digest === b.digest;

/**
 * Numbers that differ may cost a loop another turn: so much of the fuel may differ too. No more, or
 * whoever is first could name its own pay.
 */
const fuelTolerance = { relative: 0.01 };

/** Fields that are not declared have to be equal. */
export function agreeWithin(tolerance: Tolerance, a: Compared, b: Compared): boolean {
  if (a.outcome !== 'success' || b.outcome !== 'success') return agreeExactly(a, b);
  if (a.json === undefined || b.json === undefined) return a.digest === b.digest;
  return isNear(a.json, b.json, tolerance, '') && areNear(a.fuel, b.fuel, fuelTolerance);
}

/**
 * The name under which a result is counted: that of an earlier answer that it agrees with, or a new
 * one. Nearness is not transitive, so an answer is what was heard first of it, and is not widened.
 */
export function answerOf(
  result: Compared,
  answers: Map<string, Compared>,
  agree: (a: Compared, b: Compared) => boolean,
): string {
  for (const [answer, first] of answers) if (agree(first, result)) return answer;
  const answer = `answer-${answers.size + 1}`;
  answers.set(answer, result);
  return answer;
}

/** What a verifier's unit says of the result it was run on; null when it says nothing of it. */
export function verifierSays(outcome: Outcome, exitCode: number | null): boolean | null {
  if (isHostOutcome(outcome)) return null;
  return outcome === 'success' && (exitCode ?? 0) === 0;
}

/** Paths are dotted; a list's items share the path of the list. */
function isNear(a: unknown, b: unknown, tolerance: Tolerance, path: string): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    return areNear(a, b, tolerance[path] ?? {});
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => isNear(item, b[i], tolerance, path));
  }
  if (isRecord(a) && isRecord(b)) {
    const names = Object.keys(a);
    if (names.length !== Object.keys(b).length) return false;
    return names.every(
      (name) =>
        Object.hasOwn(b, name) &&
        isNear(a[name], b[name], tolerance, path === '' ? name : `${path}.${name}`),
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
