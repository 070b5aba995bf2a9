/**
 * Whether a message is a want or a report like nearly all of them, told without its schema. A
 * schema makes a copy and some kilobytes of garbage for each message, which was a seventh of what
 * a coordinator spent on a lease of one unit. What this says yes to, the schema says yes to as well and
 * leaves as it is (the test holds them against each other); what it says no to is left to the
 * schema, which can also say what is wrong.
 */
import { limits } from './limits.ts';
import {
  type HostMessage,
  isFuels,
  type Report,
  type Successes,
  type UnitRuns,
} from './messages.ts';

export function isUsualMessage(value: unknown): value is HostMessage {
  if (!isObject(value)) return false;
  if (value['type'] === 'want') return isWant(value);
  return value['type'] === 'report' && isReport(value);
}

type Fields = Record<string, unknown>;

const isWant = (value: Fields): boolean =>
  isWhole(value['id'], 0, Number.MAX_SAFE_INTEGER) &&
  isWhole(value['units'], 1, limits.unitsPerWantMax) &&
  hasFields(value, 3);

/** With its results in columns, and nothing else. */
function isReport(value: Fields): boolean {
  const { id, token, successes, results } = value as Partial<Report>;
  return (
    isWhole(id, 0, Number.MAX_SAFE_INTEGER) &&
    typeof token === 'string' &&
    token.length >= 1 &&
    token.length <= limits.tokenCharsMax &&
    Array.isArray(results) &&
    results.length === 0 &&
    isObject(successes) &&
    isSuccesses(successes) &&
    hasFields(value, 5)
  );
}

function isSuccesses(value: Fields): boolean {
  const { units, fuel, outputs, wallMs } = value as Partial<Successes>;
  return (
    isUnitRuns(units) &&
    isFuels(fuel) &&
    outputs instanceof Uint8Array &&
    isWhole(wallMs, 0, Number.MAX_SAFE_INTEGER) &&
    hasFields(value, 4)
  );
}

function isUnitRuns(value: unknown): value is UnitRuns {
  if (!Array.isArray(value)) return false;
  if (value.length < 1 || value.length > limits.runsPerLeaseMax) return false;
  for (const run of value) {
    if (!Array.isArray(run) || run.length !== 2) return false;
    if (!isWhole(run[0], 0, limits.unitsPerJobMax)) return false;
    if (!isWhole(run[1], 1, limits.unitsPerWantMax)) return false;
  }
  return true;
}

const isWhole = (value: unknown, min: number, max: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** The fields that were asked for are there; so many in all means that there is no other. */
function hasFields(value: object, count: number): boolean {
  let fields = 0;
  for (const _ in value) fields++;
  return fields === count;
}
