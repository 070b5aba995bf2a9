/**
 * Volunteers who come back when they are cut off, to the same coordinator or another one, with a worker's delays; and
 * how fast they are, looked at some times a second. Full speed is nine tenths of the median of what it was before.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { UnitRuns } from '../protocol/messages.ts';
import { Addresses } from '../worker/addresses.ts';
import { newHoldings, openEchoVolunteer } from './echo-volunteer.ts';

const volunteers = 16;
/** Some ten thousand units a second: far from what a machine can do, so that its speed is the load's. */
const load = { leaseUnits: 8, leasesInFlight: 4, pauseMs: 40 };
const lookEveryMs = 250;
const looksInSecond = 4;
const beforeMs = 4000;
/** A coordinator that needs longer has not recovered. */
const recoveryMsMax = 60_000;
const fullShare = 0.9;
/** More than windows hold beyond what is granted: two seconds of work. */
const aheadUnits = 20_000;

export class Crowd {
  /** Units that were told to be accepted. */
  readonly acknowledged: UnitRuns = [];
  recorded = 0;
  /** Units of which somebody was told that they are decided. */
  private readonly decided = new Set<number>();
  private readonly left = new AbortController();
  private readonly all: Promise<void>[];

  /** Each of them knows all of these coordinators. */
  constructor(urls: readonly string[]) {
    setMaxListeners(2 * volunteers, this.left.signal);
    // The same number of them at each, where a worker draws.
    const addresses = (i: number) => new Addresses(urls, Math.random, i % urls.length);
    this.all = Array.from({ length: volunteers }, (_, i) => this.stay(addresses(i), `echo-${i}`));
  }

  async leave(): Promise<void> {
    this.left.abort();
    await Promise.all(this.all);
  }

  /** Units a second, of a quarter of a second. */
  async rate(): Promise<number> {
    const [before, at] = [this.recorded, performance.now()];
    await wait(lookEveryMs);
    return (1000 * (this.recorded - before)) / (performance.now() - at);
  }

  async fullRate(): Promise<number> {
    const rates: number[] = [];
    for (let ms = 0; ms < beforeMs; ms += lookEveryMs) rates.push(await this.rate());
    return fullShare * (rates.sort((a, b) => a - b)[rates.length >> 1] ?? 0);
  }

  /** Seconds from the kill to the beginning of the first second in which they are so fast again. */
  async secondsUntil(full: number, killedAt: number): Promise<number> {
    const looks: { seconds: number; rate: number }[] = [];
    while (performance.now() < killedAt + recoveryMsMax) {
      looks.push({ seconds: (performance.now() - killedAt) / 1000, rate: await this.rate() });
      const second = looks.slice(-looksInSecond);
      const rate = second.reduce((sum, look) => sum + look.rate, 0) / looksInSecond;
      if (rate >= full) return second[0]?.seconds ?? 0;
    }
    throw new Error(`the grid was not back at full speed in ${recoveryMsMax / 1000} s`);
  }

  /** Seconds from the kill until all is decided that was in a window when it came. */
  async secondsUntilWhole(killedAt: number): Promise<number> {
    const last = [...this.decided].reduce((max, unit) => Math.max(max, unit), 0) + aheadUnits;
    let next = 0;
    while (performance.now() < killedAt + recoveryMsMax) {
      while (next <= last && this.decided.has(next)) next++;
      if (next > last) return (performance.now() - killedAt) / 1000;
      await wait(lookEveryMs);
    }
    throw new Error(`unit ${next} was granted to nobody in ${recoveryMsMax / 1000} s`);
  }

  private async stay(addresses: Addresses, name: string): Promise<void> {
    const { signal } = this.left;
    const holdings = newHoldings();
    while (!signal.aborted) {
      const session = openEchoVolunteer(
        addresses.current,
        name,
        {
          ...load,
          onRecorded: ({ units }, verdicts) => {
            if (verdicts.some(([verdict]) => !['accepted', 'not_needed'].includes(verdict))) return;
            for (const [from, count] of units) {
              for (let unit = from; unit < from + count; unit++) this.decided.add(unit);
            }
            if (verdicts.some(([verdict]) => verdict !== 'accepted')) return;
            this.acknowledged.push(...units);
            for (const [, count] of units) this.recorded += count;
          },
        },
        holdings,
      );
      const leave = () => session.close();
      signal.addEventListener('abort', leave);
      await session.ended;
      signal.removeEventListener('abort', leave);
      if (session.isWelcome) addresses.held();
      await wait(addresses.next(), undefined, { signal }).catch(() => {
        // It leaves for good.
      });
    }
  }
}
