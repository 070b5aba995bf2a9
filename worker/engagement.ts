/**
 * What an agent has with a grid: its keys, the session, the work it does there, and what the grid says
 * of it. An address stays, the grid behind it may be another one some day; then the work begins anew. Of
 * several addresses, those of another grid than the first that answered are left alone: whoever mixed them up
 * is told, instead of having work thrown away whenever a connection is lost. When all this ends is decided elsewhere (lifecycle.ts).
 */
import { limits } from '../protocol/limits.ts';
import type { Hello } from '../protocol/messages.ts';
import { protocolVersion } from '../protocol/version.ts';
import { Addresses } from './addresses.ts';
import { Artifacts } from './artifacts.ts';
import { UnitTimes } from './asking.ts';
import { type Challenge, Connection, type RefusalReason, type Welcome } from './connection.ts';
import type { EmitEvent } from './events.ts';
import { GridWork } from './grid-work.ts';
import { Holdings } from './holdings.ts';
import { type Identity, openIdentity } from './identity.ts';
import type { Platform, Storage } from './platform/platform.ts';
import { release } from './release.ts';
import { sandboxFeatures } from './sandbox/features.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { type AgentStatus, type Facts, reasonOf } from './status.ts';

export interface EngagementOptions {
  platform: Platform;
  sandbox: Sandbox;
  /** Of the grid's coordinators, http or https. */
  urls: readonly string[];
  /** Where keys, leases, results and artifacts are kept: on Node a folder. */
  place: string;
  name: string;
  team: string | null;
  country: string | null;
  cores: number;
  /** Stop after this many units. */
  unitsMax: number;
  /** How often a unit that runs is saved, if its job allows it. */
  saveEveryMs: number;
  onEvent: EmitEvent;
}

export interface EngagementEvents {
  /** How the agent stands when work begins. */
  stance(): 'taking' | 'paused' | 'leaving';
  /** Something that may end the agent has changed. */
  changed(): void;
  /** The grid will not have this host. */
  refused(reason: RefusalReason, why: string): void;
  /** Our own mistake, or a folder that cannot be used. */
  failed(error: unknown): void;
}

export class Engagement {
  private readonly options: EngagementOptions;
  private readonly events: EngagementEvents;
  private readonly addresses: Addresses;
  private readonly times = new UnitTimes();
  private storage: Storage | null = null;
  private identity: Identity | null = null;
  private artifacts: Artifacts | null = null;
  private connection: Connection | null = null;
  private currentWork: GridWork | null = null;
  private lostBecause: string | null = null;
  private account: { hostId: string; accountId: string } | null = null;
  private standing: { creditMicro: string; units: number } | null = null;
  private opening: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(options: EngagementOptions, events: EngagementEvents) {
    this.options = options;
    this.events = events;
    this.addresses = new Addresses(options.urls);
  }

  /** Null before the first challenge. */
  get work(): GridWork | null {
    return this.currentWork;
  }

  get isConnected(): boolean {
    return this.connection?.isOpen ?? false;
  }

  /** Whether a coordinator has ever welcomed this agent. */
  get wasWelcomed(): boolean {
    return this.account !== null;
  }

  /** The account's, by the coordinator's last word. */
  get creditMicro(): string | null {
    return this.standing?.creditMicro ?? null;
  }

  /** Rejects when the folder cannot be used. */
  open(): Promise<void> {
    this.opening = this.openStorage();
    return this.opening;
  }

  private async openStorage(): Promise<void> {
    const { platform, place } = this.options;
    const { addresses } = this;
    this.storage = await platform.openStorage(place);
    this.identity = await openIdentity(this.storage, platform.keys);
    // Closed while the keys were read.
    if (this.isClosed) return;
    this.artifacts = new Artifacts(() => addresses.current, this.storage, platform.sha256);
    this.connection = new Connection(addresses, platform.openSocket, {
      challenged: (challenge) => this.hello(challenge),
      opened: (welcome) => this.opened(welcome),
      received: (message) => {
        if (message.type === 'credited') {
          this.standing = { creditMicro: message.creditMicro, units: message.units };
        }
        this.work?.received(message);
      },
      lost: ({ url, why, nextUrl, retryInMs }) => {
        this.lostBecause = why;
        this.work?.lost();
        this.options.onEvent({ type: 'disconnected', url, why, nextUrl, retryInMs });
      },
      refused: (reason, why) => this.events.refused(reason, why),
      failed: (error) => this.events.failed(error),
    });
  }

  bye(): void {
    this.connection?.send({ type: 'bye' });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.connection?.close();
    await this.work?.close();
    await this.options.sandbox.close();
    // Who is told that all is closed may remove the folder: nothing may be written there any more.
    await this.opening.catch(() => undefined);
    await this.storage?.close();
  }

  status(stance: Pick<Facts, 'over' | 'isPaused' | 'isFinishing'>): AgentStatus {
    const { work, connection } = this;
    return {
      reason: reasonOf({
        ...stance,
        running: work?.crew.busy ?? 0,
        lostBecause: this.lostBecause,
        connected: this.isConnected,
        retryInMs: connection?.retryInMs ?? null,
        diskError: work?.holdings.diskError ?? null,
        hostTrouble: work?.hostTrouble ?? null,
        isFetching: work?.isFetching ?? false,
        hasRoom: work?.hasRoom ?? true,
        noWork: work?.asker.noWork ?? null,
      }),
      connected: this.isConnected,
      cores: this.options.cores,
      running: work?.crew.running() ?? [],
      queued: work?.holdings.leases.unstarted ?? 0,
      unreported: work?.holdings.outbox.size ?? 0,
      finished: work?.crew.finished ?? 0,
      fuel: work?.crew.fuel ?? 0,
      hostId: this.account?.hostId ?? null,
      accountId: this.account?.accountId ?? null,
      creditMicro: this.creditMicro,
      units: this.standing?.units ?? null,
    };
  }

  /** Answers a challenge: who we are, what we have, and which leases we still hold. */
  private async hello({ gridId, nonce }: Challenge): Promise<Hello | null> {
    const { identity, options, addresses } = this;
    if (identity === null) throw new Error('a challenge before the keys');
    const known = this.work?.holdings.gridId ?? gridId;
    if (addresses.areSeveral && known !== gridId) return null;
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
      ...(options.country === null ? {} : { country: options.country }),
      cores: options.cores,
      memoryBytes: options.platform.memoryBytes,
      features: sandboxFeatures(),
      leases: work.presented(),
    };
  }

  private opened(welcome: Welcome): void {
    const { hostId, accountId, creditMicro, units } = welcome;
    const isNewAccount = this.account === null && (this.identity?.isNew ?? false);
    this.account = { hostId, accountId };
    this.standing = { creditMicro, units };
    this.lostBecause = null;
    const { onEvent } = this.options;
    const url = this.addresses.current;
    onEvent({ type: 'connected', url, hostId, accountId, isNewAccount, creditMicro, units });
    this.work?.opened(welcome);
  }

  /** Another grid behind the same address (a new data folder) is owed nothing of the old one's. */
  private async workFor(gridId: string): Promise<GridWork> {
    const { storage, artifacts, options, events } = this;
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
      changed: () => events.changed(),
      failed: (error) => events.failed(error),
    });
    this.currentWork = work;
    const stance = events.stance();
    if (stance === 'paused') work.pause();
    else if (stance === 'leaving') work.stopTaking();
    return work;
  }
}

/** A name as the contract takes it: short and without control characters. */
const displayName = (text: string): string =>
  text.replace(/\p{Cc}/gu, '').slice(0, limits.hostNameCharsMax);
