/**
 * What is known of the hosts that are here, in memory: says who may have which check, and who gets no
 * work, without a question to the store for each grant. The store has the truth; whoever changes a
 * record there tells it here. Whoever has only said hello is known here alone.
 *
 * It also knows who is at work here, so that no check waits for somebody better than there is.
 */
import type { AccountId, HostId } from '../../../protocol/ids.ts';
import type { JobDocument } from '../../../protocol/job.ts';
import { remember } from '../remember.ts';
import type { Checker, Heard, Others } from './check.ts';
import type { HostRecord } from './docket.ts';
import { type Lack, lackOf } from './lack.ts';
import { networkAtA3 } from './network.ts';
import { maturityResults, trustedResultsMin } from './policy.ts';
import { type Reliability, stranger } from './reliability.ts';
import { type Repute, reputeOf } from './repute.ts';

export type Standing = Pick<Checker, 'network' | 'repute' | 'passed' | 'othersThan'>;

type Hosts = ReadonlyMap<HostId, HostRecord>;
type Accounts = ReadonlyMap<AccountId, Reliability>;
type Here = { accountId: AccountId; network: string; repute: Repute; passed: number };

/** A newcomer that came this moment is asked in a second: sorting who is here costs a millisecond or two. */
const someMs = 1000;
/** Of these at most a handful have testified themselves; beyond that nobody is looked for. */
const someMax = 64;

export class KnownHosts {
  private readonly hosts = new Map<HostId, HostRecord>();
  private readonly accounts = new Map<AccountId, Reliability>();
  private here: () => Iterable<HostId> = () => [];
  private some: { best: Here[]; young: Here[] } = { best: [], young: [] };
  private someAt = Number.NEGATIVE_INFINITY;
  /** Of one millisecond. */
  private readonly standings = new Map<HostId, Standing>();
  private standingsAt = Number.NEGATIVE_INFINITY;
  private readonly changed: (hosts: Hosts, accounts: Accounts) => void;
  private elsewhere: () => Iterable<AccountId> = () => [];

  /** `changed` hears of those of whom something follows that did not before. */
  constructor(changed: (hosts: Hosts, accounts: Accounts) => void = () => undefined) {
    this.changed = changed;
  }

  /** Who is at work or asks for some: a worker that is paused is connected, and comes for no check. */
  watch(here: () => Iterable<HostId>): void {
    this.here = here;
  }

  /** Of whom somebody is at work that is connected to another coordinator. */
  watchElsewhere(elsewhere: () => Iterable<AccountId>): void {
    this.elsewhere = elsewhere;
  }

  tell(hosts: Hosts, accounts: Accounts): void {
    const others = [...hosts].filter(([id, host]) => !isSameHost(this.hosts.get(id), host));
    const more = [...accounts].filter(([id, known]) => !isSame(this.accounts.get(id), known));
    this.hear(hosts, accounts);
    if (others.length + more.length > 0) this.changed(new Map(others), new Map(more));
  }

  /** What another coordinator told. */
  hear(hosts: Hosts, accounts: Accounts): void {
    this.standings.clear();
    for (const [hostId, record] of hosts) remember(this.hosts, hostId, record);
    for (const [accountId, record] of accounts) remember(this.accounts, accountId, record);
  }

  /** Of how many accounts they are, up to a number: with two somebody can check somebody. */
  accountsUpTo(max: number): number {
    const accounts = new Set(this.elsewhere());
    for (const { accountId } of this.hosts.values()) {
      if (accounts.size >= max) break;
      accounts.add(accountId);
    }
    return Math.min(accounts.size, max);
  }

  /** What a level asks for, and nobody has who is at work or asks for some. */
  lackFor(trust: JobDocument['trust'], now: number): Lack | null {
    const here = [...this.here()].flatMap((hostId) => {
      const known = this.hosts.get(hostId);
      return known === undefined ? [] : [{ ...known, repute: this.reputeOf(known, now) }];
    });
    return lackOf(trust, here);
  }

  find(hostId: HostId): HostRecord | null {
    return this.hosts.get(hostId) ?? null;
  }

  /** As it said hello, for whoever has no record of it yet; one it was never told of is a newcomer. */
  newcomer(hostId: HostId, accountId: AccountId, now: number): HostRecord {
    const known = this.hosts.get(hostId);
    const record = stranger(now);
    const seen = known ?? { network: hostId, runtime: '' };
    return { accountId, network: seen.network, runtime: seen.runtime, isAnchor: false, record };
  }

  /** The asks of one frame come in one millisecond, and find it worked out. */
  standingOf(hostId: HostId, now: number): Standing {
    if (now !== this.standingsAt) this.standings.clear();
    this.standingsAt = now;
    const worked = this.standings.get(hostId);
    if (worked !== undefined) return worked;
    const standing = this.workOut(hostId, now);
    this.standings.set(hostId, standing);
    return standing;
  }

  private workOut(hostId: HostId, now: number): Standing {
    const othersThan = (heard: readonly Heard[], areElsewhere = false) =>
      this.othersThan(heard, now, areElsewhere);
    const known = this.hosts.get(hostId);
    if (known === undefined) return { network: hostId, repute: 'newcomer', passed: 0, othersThan };
    const { network, record } = known;
    return { network, repute: this.reputeOf(known, now), passed: record.passed, othersThan };
  }

  private reputeOf({ isAnchor, record: host, accountId }: HostRecord, now: number): Repute {
    const account = this.accounts.get(accountId) ?? stranger(now);
    return reputeOf({ isAnchor, host, account }, now);
  }

  /** What is here of other accounts; or of those, what is also on other networks as A3 tells them apart. */
  private othersThan(heard: readonly Heard[], now: number, areElsewhere: boolean): Others {
    const networks = new Set(areElsewhere ? heard.map((one) => networkAtA3(one.network)) : []);
    const isOther = ({ accountId, network }: Here) =>
      !heard.some((one) => one.accountId === accountId) &&
      !(areElsewhere && networks.has(networkAtA3(network)));
    const isElsewhere = ({ network }: Here) => !heard.some((one) => one.network === network);
    const { best, young } = this.someHere(now);
    return {
      best: () => best.find(isOther)?.repute ?? null,
      leastPassed: () => young.find(isOther)?.passed ?? Number.POSITIVE_INFINITY,
      areElsewhere: () => best.some((one) => isElsewhere(one) && isOther(one)),
    };
  }

  /** Of those that may check, one for each account and network: the best, and those least is known of. */
  private someHere(now: number): { best: Here[]; young: Here[] } {
    if (Math.abs(now - this.someAt) < someMs) return this.some;
    const found = new Map<string, Here>();
    for (const hostId of this.here()) {
      const known = this.hosts.get(hostId);
      if (known === undefined) continue;
      const { accountId, network, record } = known;
      const { passed } = record;
      const repute = this.reputeOf(known, now);
      if (repute === 'flaky' || repute === 'quarantined') continue;
      const name = `${accountId} ${network}`;
      const same = found.get(name);
      if (same === undefined || ranks[repute] > ranks[same.repute])
        found.set(name, { accountId, network, repute, passed });
    }
    const best = [...found.values()].sort((a, b) => ranks[b.repute] - ranks[a.repute]);
    const young = best.filter(({ repute }) => repute !== 'anchor');
    young.sort((a, b) => a.passed - b.passed);
    this.some = { best: best.slice(0, someMax), young: young.slice(0, someMax) };
    this.someAt = now;
    return this.some;
  }
}

/** Counts of results grow with each; nothing follows from one more but at some thresholds, and those are far apart. */
function isSame(before: Reliability | undefined, after: Reliability): boolean {
  if (before === undefined) return false;
  const plain = ({ passed, wrong, quarantinedUntil, boosted }: Reliability) =>
    `${passed} ${wrong} ${quarantinedUntil} ${boosted > 0}`;
  const isPast = (results: number) => countsThatMatter.filter((count) => results >= count).length;
  return plain(before) === plain(after) && isPast(before.results) === isPast(after.results);
}

const countsThatMatter = [maturityResults, trustedResultsMin];

const isSameHost = (before: HostRecord | undefined, after: HostRecord): boolean =>
  before?.network === after.network &&
  before.runtime === after.runtime &&
  before.isAnchor === after.isAnchor &&
  isSame(before.record, after.record);

const ranks: Record<Repute, number> = {
  anchor: 4,
  trusted: 3,
  proven: 2,
  newcomer: 1,
  flaky: 0,
  quarantined: 0,
};
