/**
 * What BullMQ keeps in Redis for the shard queue, in memory: entries that wait, entries that a
 * coordinator has under a lock which runs out, and the check that brings back those of the dead. The
 * rules are BullMQ's as coordinator/queue/shard-queue.ts meets them; what it promises there (one
 * owner at a time, as long as that one renews) and what not is what the simulation is about.
 */
import type { ShardId } from '../../coordinator/domain/shard.ts';

/** As in coordinator/queue/shard-queue.ts. */
const lockMs = 12_000;
const stalledCheckMs = 2000;

type Lock = { owner: string; until: number };
type Entries = {
  waiting: ShardId[];
  active: Map<ShardId, Lock>;
  /** Active when last looked at; whoever renews its lock takes its entry out. */
  suspects: Set<ShardId>;
  checkedAt: number;
};

export class ShardBroker {
  private readonly partitions: Entries[];

  constructor(partitions: number) {
    this.partitions = Array.from({ length: partitions }, () => ({
      waiting: [],
      active: new Map(),
      suspects: new Set(),
      checkedAt: 0,
    }));
  }

  /** Entries of all partitions, waiting and active. */
  get entries(): ShardId[] {
    return this.partitions.flatMap(({ waiting, active }) => [...waiting, ...active.keys()]);
  }

  /** An entry that is there already is not added again. */
  add(partition: number, id: ShardId): void {
    const { waiting, active } = this.at(partition);
    if (!waiting.includes(id) && !active.has(id)) waiting.push(id);
  }

  take(partition: number, owner: string, now: number): ShardId | null {
    const { waiting, active } = this.at(partition);
    const id = waiting.shift();
    if (id === undefined) return null;
    active.set(id, { owner, until: now + lockMs });
    return id;
  }

  active(partition: number): ShardId[] {
    return [...this.at(partition).active.keys()];
  }

  /** False when the lock ran out, or is another's. */
  renew(partition: number, id: ShardId, owner: string, now: number): boolean {
    const { active, suspects } = this.at(partition);
    if (!this.owns(partition, id, owner, now)) return false;
    active.set(id, { owner, until: now + lockMs });
    suspects.delete(id);
    return true;
  }

  complete(partition: number, id: ShardId, owner: string, now: number): void {
    if (this.owns(partition, id, owner, now)) this.at(partition).active.delete(id);
  }

  moveToWait(partition: number, id: ShardId, owner: string, now: number): void {
    const { active, waiting } = this.at(partition);
    if (!this.owns(partition, id, owner, now)) return;
    active.delete(id);
    waiting.unshift(id);
  }

  /** Every worker asks for it; it is done once an interval. Twice found without a lock is stalled. */
  checkStalled(partition: number, now: number): void {
    const entries = this.at(partition);
    if (now < entries.checkedAt + stalledCheckMs) return;
    entries.checkedAt = now;
    for (const id of entries.suspects) {
      const lock = entries.active.get(id);
      if (lock === undefined || lock.until > now) continue;
      entries.active.delete(id);
      entries.waiting.unshift(id);
    }
    entries.suspects = new Set(entries.active.keys());
  }

  private owns(partition: number, id: ShardId, owner: string, now: number): boolean {
    const lock = this.at(partition).active.get(id);
    return lock !== undefined && lock.owner === owner && lock.until > now;
  }

  private at(partition: number): Entries {
    const entries = this.partitions[partition];
    if (entries === undefined) throw new Error(`there is no partition ${partition}`);
    return entries;
  }
}
