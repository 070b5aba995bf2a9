/**
 * One process as a service manager keeps it: started again whenever it ends, a while later. It remembers
 * what it said in all of its lives.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Ended, Running } from '../cli/manyhands.ts';

/** Between an end that nobody brought about and the next start, as systemd's RestartSec. */
const restartMs = 300;

type Process = Pick<Running, 'pid' | 'output' | 'kill' | 'ended'>;

export class Kept {
  private readonly start: () => Process;
  private readonly crashed: (end: Ended) => void;
  private readonly past: Ended[] = [];
  private current: Process | null = null;
  private isStruck = false;
  private isStopping = false;
  private away = new AbortController();
  private awayMs = 0;
  private readonly kept: Promise<number | null>;

  /** `crashed` is told of each end that nobody brought about. */
  constructor(start: () => Process, crashed: (end: Ended) => void = () => undefined) {
    this.start = start;
    this.crashed = crashed;
    this.kept = this.keep();
  }

  /** The process, once there is one. */
  async running(): Promise<Process> {
    while (this.current === null) await wait(10);
    return this.current;
  }

  /** Sends it a signal that ends it; returns when it has ended. It is away for so long. */
  async strike(signal: NodeJS.Signals, awayMs: number): Promise<void> {
    const running = await this.running();
    this.isStruck = true;
    this.awayMs = awayMs;
    running.kill(signal);
    await running.ended;
  }

  /** While it is away: it comes back in so long, whatever was said before. */
  returnIn(awayMs: number): void {
    setTimeout(() => this.away.abort(), awayMs);
  }

  /** What it has said in each life, the present one included. */
  lives(): Ended[] {
    return this.current === null ? this.past : [...this.past, this.current.output()];
  }

  /** Ends it for good; returns the code it ended with. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.isStopping = true;
    this.away.abort();
    this.current?.kill(signal);
    return await this.kept;
  }

  private async keep(): Promise<number | null> {
    for (;;) {
      this.current = this.start();
      const ended = await this.current.ended;
      this.current = null;
      this.past.push(ended);
      if (this.isStopping) return ended.code;
      if (!this.isStruck) {
        this.crashed(ended);
        this.awayMs = restartMs;
      }
      this.isStruck = false;
      this.away = new AbortController();
      await wait(this.awayMs, undefined, { signal: this.away.signal }).catch(() => {
        // It is to come back, or to end, now.
      });
      if (this.isStopping) return ended.code;
    }
  }
}
