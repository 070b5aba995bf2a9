/**
 * Simulated time. Events happen in the order of their time, and in the order they were set where that
 * is equal; nothing else moves the clock, so a year passes as quickly as there is nothing to do.
 *
 * One step is one event and everything that follows from it without waiting: all promises that it
 * settles have run before the next event. That makes a run the same every time.
 */
type SimEvent = { at: number; order: number; run: (() => void) | null };

export class SimClock {
  private time: number;
  private order = 0;
  /** The next event last, where it is cheap to take. */
  private readonly events: SimEvent[] = [];

  constructor(startMs: number) {
    this.time = startMs;
  }

  get now(): number {
    return this.time;
  }

  /** Sets an event; the returned function takes it back. */
  at(atMs: number, run: () => void): () => void {
    const event: SimEvent = { at: Math.max(atMs, this.time), order: this.order++, run };
    this.events.splice(this.placeOf(event), 0, event);
    return () => {
      event.run = null;
    };
  }

  after(ms: number, run: () => void): () => void {
    return this.at(this.time + ms, run);
  }

  /** A promise for later, for stories told with await. */
  pause(ms: number): Promise<void> {
    return new Promise((done) => void this.after(ms, done));
  }

  /** Time passes in which nobody did anything: what was set for meanwhile is late, and comes at once. */
  leap(ms: number): void {
    this.time += ms;
  }

  /** Runs the next event. False when there is none left. */
  async step(): Promise<boolean> {
    const event = this.events.pop();
    if (event === undefined) return false;
    this.time = Math.max(this.time, event.at);
    if (event.run === null) return true;
    event.run();
    await new Promise((done) => void setImmediate(done));
    return true;
  }

  /** Binary search in the descending list: an event goes before those that come earlier. */
  private placeOf(event: SimEvent): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.events[middle] as SimEvent;
      const isLater = other.at > event.at || (other.at === event.at && other.order > event.order);
      if (isLater) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
