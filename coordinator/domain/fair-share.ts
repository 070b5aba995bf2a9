/**
 * Start-time fair queueing between jobs (Goyal, Vin and Cheng, SIGCOMM 1996). Each job has a pass:
 * the fuel it was served, divided by its weight. Whoever has the smallest pass is served next. A job
 * that appears, or comes back after a pause, starts at the smallest pass of those being served, so
 * it neither owes for the past nor may catch up on it.
 */
export class FairShare<Key> {
  private readonly passes = new Map<Key, number>();
  private virtualTime = 0;

  /** Everyone it remembers. */
  get known(): Key[] {
    return [...this.passes.keys()];
  }

  /** The candidate to serve next: the smallest pass, the earlier one when equal. */
  next(candidates: Iterable<Key>): Key | undefined {
    let best: Key | undefined;
    let bestPass = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
      const pass = this.passOf(candidate);
      if (pass < bestPass) {
        best = candidate;
        bestPass = pass;
      }
    }
    return best;
  }

  /** Books what the job was served. `cost` is in fuel, `weight` at least 1. */
  charge(key: Key, cost: number, weight: number): void {
    const start = this.passOf(key);
    this.virtualTime = Math.max(this.virtualTime, start);
    this.passes.set(key, start + cost / weight);
  }

  forget(key: Key): void {
    this.passes.delete(key);
  }

  private passOf(key: Key): number {
    return Math.max(this.passes.get(key) ?? 0, this.virtualTime);
  }
}
