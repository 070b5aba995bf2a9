/**
 * One life of a simulated process, a coordinator's or a host's. Whatever a process waits for (a timer,
 * a message, a reply) reaches it through here:
 *
 *   awake    at once
 *   stalled  when it goes on again: SIGSTOP, a sleeping laptop, a long garbage collection
 *   over     never: after kill -9 nothing that was set out to be done is done
 *
 * A process that starts again is a new life, and knows only what it finds on disk.
 */
import type { Clock } from '../../coordinator/flow/context.ts';
import type { SimClock } from './sim-clock.ts';

export class Life {
  /** Time as this process sees it. */
  readonly clock: Clock;
  private readonly simClock: SimClock;
  private state: 'awake' | 'stalled' | 'over' = 'awake';
  private missed: (() => void)[] = [];

  constructor(simClock: SimClock) {
    this.simClock = simClock;
    this.clock = {
      now: () => simClock.now,
      soon: (run) => void simClock.after(0, () => this.reach(run)),
      after: (ms, run) => {
        let isCancelled = false;
        const cancel = simClock.after(ms, () =>
          this.reach(() => {
            if (!isCancelled) run();
          }),
        );
        return () => {
          isCancelled = true;
          cancel();
        };
      },
    };
  }

  get isAwake(): boolean {
    return this.state === 'awake';
  }

  get isOver(): boolean {
    return this.state === 'over';
  }

  reach(run: () => void): void {
    if (this.state === 'awake') run();
    else if (this.state === 'stalled') this.missed.push(run);
  }

  stall(ms: number): void {
    if (this.state !== 'awake') return;
    this.state = 'stalled';
    this.simClock.after(ms, () => this.wake());
  }

  wake(): void {
    if (this.state !== 'stalled') return;
    this.state = 'awake';
    // One event each: what follows from the first has run before the second, as in an event loop.
    for (const run of this.missed.splice(0)) this.simClock.after(0, () => this.reach(run));
  }

  end(): void {
    this.state = 'over';
    this.missed = [];
  }
}
