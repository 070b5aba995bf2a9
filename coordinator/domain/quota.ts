/**
 * How many units may be out at once, to a host or to all hosts of an account. It starts small and grows
 * with every unit that gets done, as TCP's window does: whoever works well has all it asks for within
 * a few leases, and whoever only collects units keeps few of them from others. Runs that a host
 * spoiled, and leases that it let end, halve its quota.
 *
 * A host that spoils one run after the other gets nothing for a while, longer each time. So does one that gives back one
 * lease after the other: each is a line in a journal, and nothing else ever ends that.
 */
import { limits } from '../../protocol/limits.ts';

/** One runs and one waits for the core to be free. */
export const unitsPerThread = 2;
/** A stranger may say that it has thousands of threads; so many are believed before it has done anything. */
const threadsMax = 64;
/** Of a host: as many as the wants that it may have open ask for at most. */
const hostUnitsMax = limits.unitsPerWantMax * limits.wantsWaitingMax;
/** Of an account that has done nothing: sixteen such strangers. Keys of hosts are free. */
const accountUnits = 1024;
/** Three runs in a row that failed because of the machine are no accident (the worker thinks so too). */
const failuresMax = 3;
/** A worker that is paused gives back what it has, a few leases; a hundred pauses without a result are none. */
const returnsMax = 128;
/** A minute, then two, four … an hour: by then a disk was cleared, or a machine has cooled. */
const restMsFirst = 60_000;
const restMsMax = 3_600_000;

/** `results` are those on record: who is known does not begin anew. */
export const hostQuota = (threads: number, results: number): Quota =>
  new Quota(Math.min(threads, threadsMax) * unitsPerThread + results, hostUnitsMax);
export const accountQuota = (results: number): Quota => new Quota(accountUnits + results);

export class Quota {
  /** Units that may be out. */
  units: number;
  /** Until when there is nothing at all. */
  private restsUntil = 0;
  private readonly unitsMax: number;
  private failures = 0;
  private returns = 0;

  constructor(units: number, unitsMax = Number.MAX_SAFE_INTEGER) {
    this.unitsMax = unitsMax;
    this.units = Math.min(units, unitsMax);
  }

  done(units: number): void {
    if (units === 0) return;
    this.failures = 0;
    this.units = Math.min(this.units + units, this.unitsMax);
  }

  /** A run was spoiled. */
  failed(now: number): void {
    this.halve();
    this.rest(++this.failures - failuresMax, now);
  }

  /** A lease was given back. */
  returned(now: number): void {
    this.rest(++this.returns - returnsMax, now);
  }

  /** Results were recorded, whatever they were. */
  reported(): void {
    this.returns = 0;
  }

  private rest(excess: number, now: number): void {
    if (excess >= 0) this.restsUntil = now + Math.min(restMsFirst * 2 ** excess, restMsMax);
  }

  /** How long there will be nothing yet; 0 when it rests no more. */
  restMs(now: number): number {
    const left = Math.max(this.restsUntil - now, 0);
    // More than the longest rest is left only when the clock was set back: then it is over.
    return left > restMsMax ? 0 : left;
  }

  /** Leases were left to end. That alone is no fault: laptops are closed. */
  halve(): void {
    this.units = Math.max(Math.floor(this.units / 2), 1);
  }
}
