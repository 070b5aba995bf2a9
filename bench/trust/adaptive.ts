/**
 * BOINC's adaptive replication, after sched/sched_send.cpp and sched/validator.cpp: a host with n
 * valid replicated results in a row is trusted alone with probability 1 - 1/n once n is ten; anyone
 * else's unit needs two. What was accepted is never looked at again.
 */
import type { Chance } from './chance.ts';
import type { Machine } from './population.ts';
import { Quorum } from './quorum.ts';

const consecutiveMin = 10;

export class AdaptiveReplication extends Quorum {
  private readonly consecutive = new Map<number, number>();
  private readonly chance: Chance;

  constructor(machines: readonly Machine[], units: number, chance: Chance) {
    super(machines, units);
    this.chance = chance;
  }

  protected override wantedOf(host: number): number {
    const valid = this.consecutive.get(host) ?? 0;
    return valid >= consecutiveMin && this.chance.share() > 1 / valid ? 1 : 2;
  }

  protected override compared(host: number, isRight: boolean): void {
    this.consecutive.set(host, isRight ? (this.consecutive.get(host) ?? 0) + 1 : 0);
  }
}
