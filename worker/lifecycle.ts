/**
 * The life of an agent, on any platform:
 *
 *   starting ─► running ─┬─ finish ─► finishing (what runs is finished)  ─┬─► over
 *                        └─ stop ───► stopping (what runs is given back) ─┘
 *
 * finish and stop release what they can, report what is done, wait a bounded time for the
 * coordinator's word and say bye. What is not acknowledged by then stays on the disk and is
 * reported by the next agent in the same folder. A refusal by the grid leads straight to the end.
 */
import { Engagement, type EngagementOptions } from './engagement.ts';
import type { AgentStatus, Reason } from './status.ts';

export interface LifecycleOptions extends EngagementOptions {
  /** Stop when there has been no work for 5 s. */
  once: boolean;
}

export type AgentEndReason =
  | 'finished'
  | 'stopped'
  | 'no_work'
  | 'max_units'
  | 'unreachable'
  | 'update_required'
  | 'refused'
  | 'team_unknown';

export interface AgentEnd {
  reason: AgentEndReason;
  /** A sentence when the grid, not a person, ended it; else empty. */
  why: string;
  finished: number;
  fuel: number;
  /** Results that are safe on the disk and will be reported by the next worker in this folder. */
  unreported: number;
  /** Units that are saved on the disk and go on with the next worker in this folder. */
  saved: number;
  creditMicro: string | null;
}

/** Long enough for a report and its group commit over a slow line; short enough for Ctrl-C. */
const flushMsMax = 5000;
/** `once`: the promise of `join --once`. */
const onceIdleMs = 5000;
/** `once`: a coordinator that starts at the same time as we do is there by then. */
const onceContactMs = 30_000;
const tickMs = 1000;

export class Lifecycle {
  readonly done: Promise<AgentEnd>;
  private readonly options: LifecycleOptions;
  private readonly engagement: Engagement;
  private readonly startedAt = performance.now();
  private resolve: (end: AgentEnd) => void = () => {};
  private reject: (error: unknown) => void = () => {};
  private phase: 'starting' | 'running' | 'finishing' | 'stopping' | 'over' = 'starting';
  private isPaused = false;
  private endReason: AgentEndReason = 'finished';
  private over: Reason | null = null;
  private idleSince: number | null = null;
  private flushing: ReturnType<typeof setTimeout> | undefined;
  private ticking: ReturnType<typeof setInterval> | undefined;

  constructor(options: LifecycleOptions) {
    this.options = options;
    this.engagement = new Engagement(options, {
      stance: () => {
        if (this.isPaused) return 'paused';
        return this.phase === 'running' ? 'taking' : 'leaving';
      },
      changed: () => this.check(),
      refused: (reason, why) => {
        this.over = { kind: reason, why };
        this.endReason = reason;
        this.end(why);
      },
      failed: (error) => this.fail(error),
    });
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.start().catch((error) => this.fail(error));
  }

  get status(): AgentStatus {
    const isFinishing = this.phase === 'finishing' || this.phase === 'stopping';
    return this.engagement.status({ over: this.over, isPaused: this.isPaused, isFinishing });
  }

  finish(reason: AgentEndReason = 'finished'): void {
    if (this.phase !== 'running' && this.phase !== 'starting') return;
    this.phase = 'finishing';
    this.endReason = reason;
    // What is frozen could never be finished.
    if (this.isPaused) this.options.sandbox.resume();
    this.isPaused = false;
    this.engagement.work?.finish();
    this.check();
  }

  stop(): void {
    if (this.phase === 'stopping' || this.phase === 'over') return;
    this.phase = 'stopping';
    this.endReason = 'stopped';
    if (this.isPaused) this.options.sandbox.resume();
    this.isPaused = false;
    this.engagement.work?.abandon();
    this.check();
  }

  pause(): void {
    if (this.isPaused || (this.phase !== 'running' && this.phase !== 'starting')) return;
    this.isPaused = true;
    this.options.sandbox.pause();
    this.engagement.work?.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.options.sandbox.resume();
    this.engagement.work?.resume();
  }

  private async start(): Promise<void> {
    await this.engagement.open();
    // Stopped while the keys were read.
    if (this.phase === 'over') return;
    if (this.phase === 'starting') this.phase = 'running';
    this.ticking = setInterval(() => this.tick(), tickMs);
  }

  private tick(): void {
    this.engagement.work?.tick();
    this.check();
    if (!this.options.once || this.phase !== 'running') return;
    const now = performance.now();
    const isStranger = !this.engagement.wasWelcomed;
    if (isStranger && now - this.startedAt > onceContactMs) this.finish('unreachable');
    if (this.idleSince !== null && now - this.idleSince >= onceIdleMs) this.finish('no_work');
  }

  /** Is it time to end? Asked whenever something changed. */
  private check(): void {
    const { work, isConnected } = this.engagement;
    if (this.phase === 'running') {
      const isIdle =
        isConnected &&
        !this.isPaused &&
        work?.isSettled === true &&
        work.holdings.leases.unstarted === 0;
      if (!isIdle) this.idleSince = null;
      else this.idleSince ??= performance.now();
      if (work?.crew.isIdle && work.crew.begun >= this.options.unitsMax) this.finish('max_units');
    } else if (this.phase === 'finishing' || this.phase === 'stopping') {
      if (work === null || work.isSettled) this.end();
      else if (work.crew.isIdle) this.flushing ??= setTimeout(() => this.end(), flushMsMax);
    }
  }

  private end(why = ''): void {
    if (this.phase === 'over') return;
    this.phase = 'over';
    this.over ??= { kind: 'stopped' };
    this.engagement.bye();
    this.close().then(() => {
      const { work, creditMicro } = this.engagement;
      this.resolve({
        reason: this.endReason,
        why,
        finished: work?.crew.finished ?? 0,
        fuel: work?.crew.fuel ?? 0,
        unreported: work?.holdings.outbox.size ?? 0,
        saved: work?.holdings.savedUnits ?? 0,
        creditMicro,
      });
    }, this.reject);
  }

  /** Our own mistake, or a folder that cannot be used: loud, and nothing is left running. */
  private fail(error: unknown): void {
    if (this.phase === 'over') return;
    this.phase = 'over';
    this.over ??= { kind: 'stopped' };
    // Whatever closing says, the first trouble is the one to tell.
    this.close().then(
      () => this.reject(error),
      () => this.reject(error),
    );
  }

  private async close(): Promise<void> {
    clearTimeout(this.flushing);
    clearInterval(this.ticking);
    await this.engagement.close();
  }
}
