/**
 * How many units of a job a host gets at once. A lease is sized to a time, not to a number: as many units
 * as keep the host busy until the next one comes.
 *
 *   nothing is known of the job, or of the host   two units a thread: the first of them tells
 *   else                                          a minute's work a thread, with what it has in hand
 *   and when the job is split to its end          a second's work of it a thread, and at most half of an
 *                                                 equal share of what is left
 *
 * The last rule is guided self-scheduling (Polychronopoulos and Kuck, 1987) with a bound in time, so
 * that nobody sits on the last units. The host may ask for less; its quota bounds it too (quota.ts).
 */
import type { Capacity } from './capacities.ts';
import type { Load } from './load.ts';
import { unitsPerThread } from './quota.ts';
import { type UnitCost, usualMs } from './speed.ts';

/** A worker asks for ten seconds' worth of what it saw lately, and hands back what is more than this. */
const inHandMs = 60_000;
/** Well above a round trip. A unit that takes longer goes out one for each thread. */
const inHandMsAtTheEnd = 1000;

export type JobAhead = {
  jobId: string;
  /** Null until the first results of it. */
  cost: UnitCost | null;
  /** Units of it that could be granted here. */
  free: number;
  /** Whether there is nothing of it left to split. */
  isSplit: boolean;
};

/** What a host may have of the job now; 0 when it has enough. `hosts` share what is left. */
export function leaseSize(
  { threads, speed }: Pick<Capacity, 'threads' | 'speed'>,
  load: Load,
  { jobId, cost, free, isSplit }: JobAhead,
  hosts: number,
): number {
  const few = unitsPerThread * threads;
  const share = isSplit ? Math.max(Math.ceil(free / (2 * hosts)), 1) : free;
  if (cost === null) return within(few - load.unitsOf(jobId), share);
  if (speed === null) return within(few - load.units, share);
  const unitMs = usualMs(cost, speed);
  const msLeft = threads * inHandMs - load.fuel / Math.exp(speed.mean);
  // A thread that is about to be free finds a unit, however long the units are.
  const size = Math.max(Math.round(msLeft / unitMs), threads + 1 - load.units);
  if (!isSplit) return within(size, share);
  const atTheEnd = Math.max(Math.ceil((threads * inHandMsAtTheEnd) / unitMs), threads);
  return within(Math.min(size, atTheEnd - load.unitsOf(jobId)), share);
}

const within = (size: number, share: number): number => Math.max(Math.min(size, share), 0);
