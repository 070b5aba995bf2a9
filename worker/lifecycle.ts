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
import { limits } from '../protocol/limits.ts';
import type { Hello } from '../protocol/messages.ts';
import { protocolVersion } from '../protocol/version.ts';
import { Artifacts } from './artifacts.ts';
import { UnitTimes } from './asking.ts';
import { type Challenge, Connection } from './connection.ts';
import type { EmitEvent } from './events.ts';
import { GridWork } from './grid-work.ts';
import { Holdings } from './holdings.ts';
import { type Identity, openIdentity } from './identity.ts';
import type { Platform, Storage } from './platform/platform.ts';
import { release } from './release.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { type AgentStatus, type Reason, reasonOf } from './status.ts';

export interface LifecycleOptions {
  platform: Platform;
  sandbox: Sandbox;
  /** The coordinator's address, http or https. */
  url: string;
  /** Where keys, leases, results and artifacts are kept: on Node a folder. */
  place: string;
  name: string;
  team: string | null;
  cores: number;
  /** Stop when there has been no work for 5 s. */
  once: boolean;
  /** Stop after this many units. */
  unitsMax: number;
  /** How often a unit that runs is saved, if its job allows it. */
  saveEveryMs: number;
  onEvent: EmitEvent;
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
  private readonly times = new UnitTimes();
  private readonly startedAt = performance.now();
  private resolve: (end: AgentEnd) => void = () => {};
  private reject: (error: unknown) => void = () => {};
  private phase: 'starting' | 'running' | 'finishing' | 'stopping' | 'over' = 'starting';
  private isPaused = false;
  private endReason: AgentEndReason = 'finished';
  private over: Reason | null = null;
  private storage: Storage | null = null;
  private identity: Identity | null = null;
  private artifacts: Artifacts | null = null;
  private connection: Connection | null = null;
  private work: GridWork | null = null;
  private lostBecause: string | null = null;
  private account: { hostId: string; accountId: string } | null = null;
  private standing: { creditMicro: string; units: number } | null = null;
  private idleSince: number | null = null;
  private flushing: ReturnType<typeof setTimeout> | undefined;
  private ticking: ReturnType<typeof setInterval> | undefined;

  constructor(options: LifecycleOptions) {
    this.options = options;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.start().catch((error) => this.fail(error));
  }

  get status(): AgentStatus {
    const { work, connection } = this;
    return {
      reason: reasonOf({
        over: this.over,
        isPaused: this.isPaused,
        isFinishing: this.phase === 'finishing' || this.phase === 'stopping',
        running: work?.crew.busy ?? 0,
        lostBecause: this.lostBecause,
        connected: connection?.isOpen ?? false,
        retryInMs: connection?.retryInMs ?? null,
        diskError: work?.holdings.diskError ?? null,
        hostTrouble: work?.hostTrouble ?? null,
        isFetching: work?.isFetching ?? false,
        hasRoom: work?.hasRoom ?? true,
        noWork: work?.asker.noWork ?? null,
      }),
      connected: connection?.isOpen ?? false,
      cores: this.options.cores,
      running: work?.crew.running() ?? [],
      queued: work?.holdings.leases.unstarted ?? 0,
      unreported: work?.holdings.outbox.size ?? 0,
      finished: work?.crew.finished ?? 0,
      fuel: work?.crew.fuel ?? 0,
      hostId: this.account?.hostId ?? null,
      accountId: this.account?.accountId ?? null,
      creditMicro: this.standing?.creditMicro ?? null,
      units: this.standing?.units ?? null,
    };
  }

  finish(reason: AgentEndReason = 'finished'): void {
    if (this.phase !== 'running' && this.phase !== 'starting') return;
    this.phase = 'finishing';
    this.endReason = reason;
    // What is frozen could never be finished.
    if (this.isPaused) this.options.sandbox.resume();
    this.isPaused = false;
    this.work?.finish();
    this.check();
  }

  stop(): void {
    if (this.phase === 'stopping' || this.phase === 'over') return;
    this.phase = 'stopping';
    this.endReason = 'stopped';
    if (this.isPaused) this.options.sandbox.resume();
    this.isPaused = false;
    this.work?.abandon();
    this.check();
  }

  pause(): void {
    if (this.isPaused || (this.phase !== 'running' && this.phase !== 'starting')) return;
    this.isPaused = true;
    this.options.sandbox.pause();
    this.work?.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.options.sandbox.resume();
    this.work?.resume();
  }

  private async start(): Promise<void> {
    const { platform, url, place } = this.options;
    this.storage = await platform.openStorage(place);
    this.identity = await openIdentity(this.storage, platform.keys);
    // Stopped while the keys were read.
    if (this.phase === 'over') return this.storage.close();
    if (this.phase === 'starting') this.phase = 'running';
    this.artifacts = new Artifacts(url, this.storage, platform.sha256);
    this.ticking = setInterval(() => this.tick(), tickMs);
    this.connection = new Connection(url, platform.openSocket, {
      challenged: (challenge) => this.hello(challenge),
      opened: (welcome) => {
        const { hostId, accountId, creditMicro, units } = welcome;
        const isNewAccount = this.account === null && (this.identity?.isNew ?? false);
        this.account = { hostId, accountId };
        this.standing = { creditMicro, units };
        this.lostBecause = null;
        const { onEvent } = this.options;
        onEvent({ type: 'connected', hostId, accountId, isNewAccount, creditMicro, units });
        this.work?.opened(welcome);
      },
      received: (message) => {
        if (message.type === 'credited') {
          this.standing = { creditMicro: message.creditMicro, units: message.units };
        }
        this.work?.received(message);
      },
      lost: (why, retryInMs) => {
        this.lostBecause = why;
        this.work?.lost();
        this.options.onEvent({ type: 'disconnected', why, retryInMs });
      },
      refused: (reason, why) => {
        this.over = { kind: reason, why };
        this.endReason = reason;
        this.end(why);
      },
      failed: (error) => this.fail(error),
    });
  }

  /** Answers a challenge: who we are, what we have, and which leases we still hold. */
  private async hello({ gridId, nonce }: Challenge): Promise<Hello> {
    const { identity, options } = this;
    if (identity === null) throw new Error('a challenge before the keys');
    const work = await this.workFor(gridId);
    return {
      type: 'hello',
      protocol: protocolVersion,
      version: release,
      platform: options.platform.kind,
      hostKey: identity.hostKey,
      accountKey: identity.accountKey,
      certificate: identity.certificate,
      signature: await identity.signSession(gridId, nonce),
      name: displayName(options.name),
      team: options.team === null ? null : displayName(options.team),
      cores: options.cores,
      memoryBytes: options.platform.memoryBytes,
      leases: work.presented(),
    };
  }

  /** Another grid behind the same address (a new data folder) is owed nothing of the old one's. */
  private async workFor(gridId: string): Promise<GridWork> {
    const { storage, artifacts, options } = this;
    if (this.work?.holdings.gridId === gridId) return this.work;
    if (storage === null || artifacts === null) throw new Error('a challenge before the storage');
    await this.work?.close();
    const { platform, sandbox, cores, unitsMax, saveEveryMs } = options;
    const work = new GridWork({
      holdings: await Holdings.open(platform, storage, gridId),
      artifacts,
      sandbox,
      sha256: platform.sha256,
      times: this.times,
      cores,
      unitsMax,
      saveEveryMs,
      send: (message) => this.connection?.send(message) ?? false,
      emit: options.onEvent,
      changed: () => this.check(),
      failed: (error) => this.fail(error),
    });
    this.work = work;
    if (this.isPaused) work.pause();
    else if (this.phase !== 'running') work.stopTaking();
    return work;
  }

  private tick(): void {
    this.work?.tick();
    this.check();
    if (!this.options.once || this.phase !== 'running') return;
    const now = performance.now();
    if (this.account === null && now - this.startedAt > onceContactMs) this.finish('unreachable');
    if (this.idleSince !== null && now - this.idleSince >= onceIdleMs) this.finish('no_work');
  }

  /** Is it time to end? Asked whenever something changed. */
  private check(): void {
    const { work } = this;
    if (this.phase === 'running') {
      const isIdle =
        (this.connection?.isOpen ?? false) &&
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
    this.connection?.send({ type: 'bye' });
    this.close().then(() => {
      this.resolve({
        reason: this.endReason,
        why,
        finished: this.work?.crew.finished ?? 0,
        fuel: this.work?.crew.fuel ?? 0,
        unreported: this.work?.holdings.outbox.size ?? 0,
        saved: this.work?.holdings.savedUnits ?? 0,
        creditMicro: this.standing?.creditMicro ?? null,
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
    this.connection?.close();
    await this.work?.close();
    await this.options.sandbox.close();
    await this.storage?.close();
  }
}

/** A name as the contract takes it: short and without control characters. */
const displayName = (text: string): string =>
  text.replace(/\p{Cc}/gu, '').slice(0, limits.hostNameCharsMax);
