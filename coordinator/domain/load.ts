/**
 * What is out: of each host, and of each account, over all shards of the window. Kept by adding and
 * taking away as leases come and go, because every grant asks for it.
 */
import type { AccountId, HostId } from '../../protocol/ids.ts';
import type { LeaseFacts } from './lease.ts';

/** A lease as far as it is a load. `left`: how many of its units are still out. */
export type LeaseOut = LeaseFacts & { left: number };

export class Load {
  readonly leases = new Set<LeaseOut>();
  units = 0;
  /** As far as it is known what its units cost. */
  fuel = 0;

  unitsOf(jobId: string): number {
    let units = 0;
    for (const { shard, left } of this.leases) if (shard.jobId === jobId) units += left;
    return units;
  }
}

export class Loads {
  private readonly loads = new Map<HostId | AccountId, Load>();

  find(id: HostId | AccountId): Load | undefined {
    return this.loads.get(id);
  }

  of(id: HostId | AccountId): Load {
    const known = this.loads.get(id);
    if (known !== undefined) return known;
    const load = new Load();
    this.loads.set(id, load);
    return load;
  }

  held(lease: LeaseOut): void {
    this.of(lease.hostId).leases.add(lease);
    this.of(lease.accountId).leases.add(lease);
  }

  gone(lease: LeaseOut): void {
    this.leave(lease.hostId, lease);
    this.leave(lease.accountId, lease);
  }

  private leave(id: HostId | AccountId, lease: LeaseOut): void {
    const load = this.loads.get(id);
    if (load?.leases.delete(lease) && load.leases.size === 0) this.loads.delete(id);
  }
}
