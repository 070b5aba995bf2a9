/**
 * How many free units a coordinator should hold: enough that no host waits for the queue, and no
 * more than its hosts can use, so that other coordinators find work too. Two seconds of the present
 * rate cover the slowest refill seen (a busy disk's fsync); 64 units a host cover a first large want.
 */
const rateMs = 2000;
const unitsPerHost = 64;
const targetMin = 512;
/** About 128 shards: beyond it the window's own bookkeeping would show. */
const targetMax = 32_768;

export class Demand {
  private recent = 0;
  private at = 0;

  granted(units: number, now: number): void {
    this.decay(now);
    this.recent += units;
  }

  /** Free units to hold for this many connected hosts. */
  target(hosts: number, now: number): number {
    this.decay(now);
    const wanted = Math.max(targetMin, hosts * unitsPerHost, this.recent * 2);
    return Math.min(Math.ceil(wanted), targetMax);
  }

  private decay(now: number): void {
    if (now === this.at) return;
    this.recent *= Math.exp(-Math.max(now - this.at, 0) / rateMs);
    this.at = Math.max(now, this.at);
  }
}
