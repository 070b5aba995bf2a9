/**
 * Shards that check, by whom they need, the one that was looked at least lately first. They are apart
 * from the others: not every host may have them, so they are neither counted as free nor is a turn
 * spent on them.
 */
import type { HostId, JobId } from '../../protocol/ids.ts';
import type { KnownAsker } from './asker.ts';
import type { HeldShard } from './held-shard.ts';
import { positionOf, type Shard } from './shard.ts';
import type { CheckNeeds } from './trust/check.ts';

/** A grant costs some microseconds; looking at more checks than this would show in it. */
const lookedAtMax = 8;
/**
 * A host for which there was no check is not looked after again for so long, as long as it has other units
 * to get: to ask who else could have each of them takes longer than all the rest of a grant.
 */
const inVainMs = 50;

export class HeldChecks {
  private readonly byNeeds = new Map<CheckNeeds, Set<HeldShard>>();
  private readonly byJob = new Map<JobId, Set<HeldShard>>();
  /** When hosts were last looked after in vain, since the last check came. */
  private readonly inVain = new Map<HostId, number>();

  /** One that no host here may have now, some host may have a while later. */
  get isEmpty(): boolean {
    for (const checks of this.byNeeds.values()) if (checks.size > 0) return false;
    return true;
  }

  add(held: HeldShard): void {
    const needs = held.shard.check?.needs ?? 'anyone';
    const checks = this.byNeeds.get(needs) ?? new Set();
    this.byNeeds.set(needs, checks.add(held));
    const { jobId } = held.job;
    this.byJob.set(jobId, (this.byJob.get(jobId) ?? new Set()).add(held));
    this.inVain.clear();
  }

  delete(held: HeldShard): void {
    for (const checks of this.byNeeds.values()) checks.delete(held);
    const { jobId } = held.job;
    const siblings = this.byJob.get(jobId);
    siblings?.delete(held);
    if (siblings?.size === 0) this.byJob.delete(jobId);
  }

  /** Orders of which nothing is out, and something is left. */
  get idle(): Shard[] {
    const all = [...this.byNeeds.values()].flatMap((checks) => [...checks]);
    return all
      .filter((held) => held.freeUnits > 0 && held.heldLeases.length === 0)
      .map(({ shard }) => shard);
  }

  /** Of orders that are begun, and of which nothing is out: what is left. */
  get leftBehind(): { shard: Shard; positions: readonly number[] }[] {
    const all = [...this.byNeeds.values()].flatMap((checks) => [...checks]);
    return all
      .map(({ shard, leftBehind }) => ({ shard, positions: leftBehind }))
      .filter(({ positions }) => positions.length > 0);
  }

  get jobIds(): JobId[] {
    return [...this.byJob.keys()];
  }

  /** How many units of the job are out to be checked. */
  running(jobId: JobId): number {
    let running = 0;
    for (const held of this.byJob.get(jobId) ?? []) running += held.running;
    return running;
  }

  /** Whether the unit is out to be checked. */
  isOut(jobId: JobId, unit: number): boolean {
    for (const held of this.byJob.get(jobId) ?? [])
      if (held.isOut(positionOf(held.shard.units, unit))) return true;
    return false;
  }

  /** Whether the host was looked after just now, and there was none for it. */
  wasInVain({ hostId }: KnownAsker, now: number): boolean {
    const at = this.inVain.get(hostId);
    return at !== undefined && Math.abs(now - at) < inVainMs;
  }

  /** Those of which the host cannot have a unit are looked at last the next time. */
  nextFor(
    asker: KnownAsker,
    now: number,
    isPaused: (jobId: JobId) => boolean,
  ): HeldShard | undefined {
    for (const checks of this.byNeeds.values()) {
      const [oldest] = checks;
      if (oldest === undefined || oldest.isKeptFrom(asker, now)) continue;
      for (const held of [...firstFew(checks, lookedAtMax)]) {
        if (!isPaused(held.job.jobId) && held.canServe(asker, now)) return held;
        checks.delete(held);
        checks.add(held);
      }
    }
    if (!this.isEmpty) this.inVain.set(asker.hostId, now);
    return undefined;
  }
}

function* firstFew<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- === 0) return;
    yield item;
  }
}
