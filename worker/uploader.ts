/**
 * Brings large outputs to the coordinator before their results are reported. What fails is tried
 * again for as long as it takes: the output is on the disk, and the unit is done.
 */
import { type Artifacts, UploadRefused } from './artifacts.ts';
import { backoffMs } from './backoff.ts';
import type { Holdings } from './holdings.ts';
import type { StoredResult } from './journal.ts';

/** One upload is often bound by latency, two seldom. */
const uploadsMax = 2;

/** Whatever a coordinator asks for: by then there may be another one, or room. */
const pauseMsMax = 600_000;

export interface UploadEvents {
  uploaded(stored: StoredResult): void;
  /** The output is no longer on the disk: this result can never be reported. */
  vanished(stored: StoredResult): void;
  failed(why: string): void;
}

export class Uploader {
  private readonly holdings: Holdings;
  private readonly artifacts: Artifacts;
  private readonly events: UploadEvents;
  private readonly queue: StoredResult[] = [];
  private token: string | null = null;
  private underWay = 0;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(holdings: Holdings, artifacts: Artifacts, events: UploadEvents) {
    this.holdings = holdings;
    this.artifacts = artifacts;
    this.events = events;
  }

  add(stored: StoredResult): void {
    this.queue.push(stored);
    this.start();
  }

  /** A new session, with its token; null when it is lost. */
  session(token: string | null): void {
    this.token = token;
    this.failures = 0;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.start();
  }

  private start(): void {
    while (this.token !== null && this.timer === undefined && this.underWay < uploadsMax) {
      const stored = this.queue.shift();
      if (stored === undefined) return;
      this.underWay++;
      void this.upload(stored, this.token).then(() => {
        this.underWay--;
        this.start();
      });
    }
  }

  private async upload(stored: StoredResult, token: string): Promise<void> {
    try {
      const bytes = await this.holdings.outputOf(stored);
      if (bytes === null) return this.events.vanished(stored);
      await this.artifacts.upload(stored.result.digest, bytes, token);
    } catch (error) {
      this.queue.push(stored);
      // A token that counts no longer belongs to a session that is over: the next brings another.
      if (token !== this.token) return;
      this.events.failed(error instanceof Error ? error.message : String(error));
      this.timer ??= setTimeout(
        () => {
          this.timer = undefined;
          this.start();
        },
        pauseMs(error, this.failures++),
      );
      return;
    }
    this.failures = 0;
    this.events.uploaded(stored);
  }
}

/** As long as is asked for at least, and a little longer, so that those who were refused together come one by one. */
function pauseMs(error: unknown, failures: number): number {
  const askedMs = error instanceof UploadRefused ? Math.min(error.retryAfterMs, pauseMsMax) : 0;
  return Math.max(backoffMs(failures, Math.random()), askedMs * (1 + Math.random() / 4));
}
