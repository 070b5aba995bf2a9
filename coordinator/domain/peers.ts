/**
 * The other coordinators of the grid, as this one knows them: what each of them last said of itself, who of all is the
 * steward, and what is to be told. Pure memory; flow/meet.ts exchanges it with the store.
 *
 * The steward does what one alone has to do: it pays, draws and hears checks, moves what is done to files. Nothing
 * breaks when two believe that they are it (each of its steps is compared with what it was decided upon); it saves
 * them from doing all of it twice.
 */
import type { AccountId, Digest, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { Machine } from './machine.ts';
import type { News } from './news.ts';
import type { ShardId } from './shard.ts';
import type { Present } from './trust/closing.ts';
import type { HostRecord } from './trust/docket.ts';
import type { Reliability } from './trust/reliability.ts';

/** Of a job at one coordinator: units out, and how many are done in a second. */
export type WorkOn = { running: number; checking: number; unitsPerSecond: number };

/** What a coordinator says of itself. */
export type PeerFacts = {
  hosts: number;
  machines: Machine[];
  /** Some of those that are at work or ask for some, of each account and repute one. */
  present: Present[];
  jobs: [JobId, WorkOn][];
  /** Hosts ask here, and there is nothing to give them. */
  isHungry: boolean;
};

type Met = { isSteward: boolean; others: ReadonlyMap<string, PeerFacts>; last: string };

/** Accounts said at once, and shards and leases: what is left out is heard of when units are recorded or leases end. */
const itemsMax = 1024;
/** Beyond this nobody has listened for long. */
const untoldMax = 256;
/** Three meetings: when Redis stood still nobody has come, and whoever comes first finds nobody else. */
const missedMs = 1000;

export class Peers {
  /** Of a coordinator that is the only one its Redis allows. */
  static alone(): Peers {
    return new Peers(Number.POSITIVE_INFINITY);
  }

  /** Up to where it has heard what the others told; '' at first. */
  heardUpTo = '';
  /** How often it has become the steward. */
  stewardships = 0;
  private others: ReadonlyMap<string, PeerFacts> = new Map();
  /** Since when those are missed that were there. */
  private readonly missed = new Map<string, number>();
  private stewardUntil: number;
  private metAt: number | null = null;
  /** Whether the grid is shared with any. */
  readonly share: boolean;
  private untold: News[] = [];
  private readonly recorded = new Set<ShardId>();
  private readonly renewed = new Map<LeaseId, HostId>();
  private uploads: [AccountId, Digest][] = [];
  private readonly hosts = new Map<HostId, HostRecord>();
  private readonly accounts = new Map<AccountId, Reliability>();
  private readonly paid = new Set<string>();
  private isPayDue = false;

  constructor(stewardUntil = Number.NEGATIVE_INFINITY) {
    this.stewardUntil = stewardUntil;
    this.share = stewardUntil !== Number.POSITIVE_INFINITY;
  }

  isSteward(now: number): boolean {
    return now < this.stewardUntil;
  }

  /** Came together with the others; as a steward it is that until a time, by its own clock. */
  met({ isSteward, others, last }: Met, now: number, until: number): void {
    for (const id of this.others.keys()) if (!others.has(id)) this.missed.set(id, now);
    for (const id of others.keys()) this.missed.delete(id);
    this.others = others;
    this.metAt = now;
    if (isSteward && !this.isSteward(now)) this.stewardships++;
    this.heardUpTo = last;
    this.stewardUntil = isSteward ? until : Number.NEGATIVE_INFINITY;
  }

  /** How many coordinators run the grid, this one included. */
  get count(): number {
    return 1 + this.others.size;
  }

  /** How long it has heard nothing of the others; 0 where there are none. */
  unheardMs(now: number): number {
    return this.share ? Math.max(now - (this.metAt ?? now), 0) : 0;
  }

  /** Those that are dead for sure, each once: they came, and have not for long. */
  takeDead(now: number): string[] {
    const dead = [...this.missed].filter(([, since]) => Math.abs(now - since) >= missedMs);
    for (const [id] of dead) this.missed.delete(id);
    return dead.map(([id]) => id);
  }

  /** Whether there are others with hosts of theirs. */
  get haveHosts(): boolean {
    return this.hostsElsewhere > 0;
  }

  /** What could run where hosts ask and get nothing. */
  get hungryMachines(): Machine[] {
    return [...this.others.values()].flatMap(({ isHungry, machines }) =>
      isHungry ? machines : [],
    );
  }

  tell(news: News): void {
    if (!this.share) return;
    if (news.kind === 'paid') addSome(this.paid, news.accountIds);
    else if (news.kind === 'pay_due') this.isPayDue = true;
    else if (this.untold.length < untoldMax) this.untold.push(news);
  }

  tellRecorded(id: ShardId): void {
    if (this.share) addSome(this.recorded, [id]);
  }

  tellRenewed(leaseId: LeaseId, hostId: HostId): void {
    if (this.share && this.renewed.size < itemsMax) this.renewed.set(leaseId, hostId);
  }

  tellNamed(accountId: AccountId, digest: Digest): void {
    if (this.share && this.uploads.length < itemsMax) this.uploads.push([accountId, digest]);
  }

  tellKnown(
    hosts: Iterable<[HostId, HostRecord]>,
    accounts: Iterable<[AccountId, Reliability]>,
  ): void {
    if (!this.share) return;
    for (const [id, record] of hosts) this.hosts.set(id, record);
    for (const [id, record] of accounts) this.accounts.set(id, record);
  }

  /** All that is to be told; it is not told again. */
  take(): News[] {
    const { recorded, renewed, hosts, accounts, paid } = this;
    const news = this.untold;
    this.untold = [];
    if (hosts.size + accounts.size > 0)
      news.push({ kind: 'known', hosts: [...hosts], accounts: [...accounts] });
    if (recorded.size > 0) news.push({ kind: 'recorded', shards: [...recorded] });
    if (renewed.size > 0) news.push({ kind: 'renewed', leases: [...renewed] });
    if (this.uploads.length > 0) news.push({ kind: 'uploads_named', uploads: this.uploads });
    this.uploads = [];
    if (paid.size > 0) news.push({ kind: 'paid', accountIds: [...paid] });
    if (this.isPayDue) news.push({ kind: 'pay_due' });
    this.isPayDue = false;
    for (const kept of [recorded, renewed, hosts, accounts, paid]) kept.clear();
    return news;
  }

  /** Hosts that are connected to others. */
  get hostsElsewhere(): number {
    let hosts = 0;
    for (const facts of this.others.values()) hosts += facts.hosts;
    return hosts;
  }

  presentElsewhere(): Present[] {
    return [...this.others.values()].flatMap(({ present }) => present);
  }

  /** What the others do at a job, together. */
  workElsewhere(jobId: JobId): WorkOn {
    const sum = { running: 0, checking: 0, unitsPerSecond: 0 };
    for (const { jobs } of this.others.values()) {
      for (const [id, { running, checking, unitsPerSecond }] of jobs) {
        if (id !== jobId) continue;
        sum.running += running;
        sum.checking += checking;
        sum.unitsPerSecond += unitsPerSecond;
      }
    }
    return sum;
  }
}

function addSome<Item>(set: Set<Item>, items: Iterable<Item>): void {
  for (const item of items) if (set.size < itemsMax) set.add(item);
}
