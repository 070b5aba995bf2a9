/**
 * How fast a job's units get done, and when it may be ready. An exponentially weighted rate with a
 * time constant of 20 s: long enough that one slow unit does not shake it, short enough that hosts
 * who join are seen. Nothing is said before 20 units: an early guess is worse than none.
 */
import type { Eta } from '../../protocol/http.ts';

const timeConstantMs = 20_000;
const unitsMin = 20;

export class Pace {
  private units = 0;
  private weighted = 0;
  private since: number;
  private at: number;

  constructor(now: number) {
    this.since = now;
    this.at = now;
  }

  count(units: number, now: number): void {
    this.decay(now);
    this.weighted += units;
    this.units += units;
  }

  unitsPerSecond(now: number): number {
    this.decay(now);
    // The start of the window is corrected for, or every job would seem slow at first.
    const covered =
      timeConstantMs * (1 - Math.exp(-Math.max(now - this.since, 1) / timeConstantMs));
    return (this.weighted / covered) * 1000;
  }

  /** A range: a third faster and a half slower than the present rate, with what others do in a second. */
  eta(unitsLeft: number, now: number, elsewhere = 0): Eta {
    const rate = this.unitsPerSecond(now) + elsewhere;
    if ((this.units < unitsMin && elsewhere === 0) || rate <= 0) return null;
    return { secondsMin: unitsLeft / rate / 1.33, secondsMax: (unitsLeft / rate) * 1.5 };
  }

  private decay(now: number): void {
    this.weighted *= Math.exp(-Math.max(now - this.at, 0) / timeConstantMs);
    this.at = Math.max(now, this.at);
  }
}
