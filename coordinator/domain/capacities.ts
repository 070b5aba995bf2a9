/**
 * What each host can take, in memory: its threads, its speed and its quota, by the host's key, however
 * many sessions it has. Speed and results are on record too, so that a restart of the host or of the
 * coordinator starts nobody anew.
 */
import type { AccountId, HostId } from '../../protocol/ids.ts';
import { accountQuota, hostQuota, type Quota } from './quota.ts';
import { remember } from './remember.ts';
import { type Ran, type Speed, speedAfter } from './speed.ts';

export type Capacity = {
  threads: number;
  /** Null until it has reported something. */
  speed: Speed | null;
  quota: Quota;
  /** All hosts of the account share it. */
  accountQuota: Quota;
};

/** What a host says of itself, and what is on record of it and of its account. */
export type HostSeen = {
  hostId: HostId;
  accountId: AccountId;
  threads: number;
  speed: Speed | null;
  results: number;
  accountResults: number;
};

export class Capacities {
  private readonly hosts = new Map<HostId, Capacity>();
  private readonly accounts = new Map<AccountId, Quota>();

  /** A host said hello. What was learned of it here is newer than what is on record. */
  welcome({ hostId, accountId, threads, speed, results, accountResults }: HostSeen): Capacity {
    const shared = this.accounts.get(accountId) ?? accountQuota(accountResults);
    remember(this.accounts, accountId, shared);
    const known = this.hosts.get(hostId) ?? { speed, quota: hostQuota(threads, results) };
    const capacity = Object.assign(known, { threads, accountQuota: shared });
    remember(this.hosts, hostId, capacity);
    return capacity;
  }

  find(hostId: HostId): Capacity | undefined {
    return this.hosts.get(hostId);
  }

  /** A report was recorded: of its units so many were accepted, and so many runs were spoiled. */
  reported(
    hostId: HostId,
    ran: Ran,
    { accepted, spoiled }: { accepted: number; spoiled: number },
    now: number,
  ): void {
    const capacity = this.hosts.get(hostId);
    if (capacity === undefined) return;
    capacity.speed = speedAfter(capacity.speed, ran);
    capacity.quota.reported();
    capacity.quota.done(accepted);
    capacity.accountQuota.done(accepted);
    for (let i = 0; i < spoiled; i++) capacity.quota.failed(now);
  }

  /** It gave a lease back, or a part of one. */
  returned(hostId: HostId, now: number): void {
    this.hosts.get(hostId)?.quota.returned(now);
  }

  /** It let leases end, one or many at a time. */
  lapsed(hostIds: Iterable<HostId>): void {
    for (const hostId of new Set(hostIds)) this.hosts.get(hostId)?.quota.halve();
  }
}
