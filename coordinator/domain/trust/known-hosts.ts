/**
 * What is known of the hosts that are here, in memory: says who may have which check, and who gets no
 * work, without a question to the store for each grant. The store has the truth; whoever changes a
 * record there tells it here. Whoever has only said hello is known here alone.
 */
import type { AccountId, HostId } from '../../../protocol/ids.ts';
import { remember } from '../remember.ts';
import type { Checker } from './check.ts';
import type { HostRecord } from './docket.ts';
import { type Reliability, stranger } from './reliability.ts';
import { reputeOf } from './repute.ts';

export type Standing = Pick<Checker, 'network' | 'repute' | 'passed'>;

export class KnownHosts {
  private readonly hosts = new Map<HostId, HostRecord>();
  private readonly accounts = new Map<AccountId, Reliability>();

  tell(
    hosts: ReadonlyMap<HostId, HostRecord>,
    accounts: ReadonlyMap<AccountId, Reliability>,
  ): void {
    for (const [hostId, record] of hosts) remember(this.hosts, hostId, record);
    for (const [accountId, record] of accounts) remember(this.accounts, accountId, record);
  }

  /** Whether they are of more than one account: then somebody can check somebody. */
  get areSeveral(): boolean {
    const [first] = this.hosts.values();
    for (const { accountId } of this.hosts.values())
      if (accountId !== first?.accountId) return true;
    return false;
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

  standingOf(hostId: HostId, now: number): Standing {
    const known = this.hosts.get(hostId);
    if (known === undefined) return { network: hostId, repute: 'newcomer', passed: 0 };
    const { isAnchor, network, record: host, accountId } = known;
    const account = this.accounts.get(accountId) ?? stranger(now);
    return { network, repute: reputeOf({ isAnchor, host, account }, now), passed: host.passed };
  }
}
