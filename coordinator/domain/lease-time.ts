/**
 * How long a lease is likely to take on its host, and how long it may take. A host keeps a lease by
 * renewing it (lease.ts), and that alone would let one that hangs, or only collects, keep its units for
 * ever: so there is an end to renewals, unless results come. Each result under the lease moves it on.
 *
 * Three times what is likely, with a unit of the slow twentieth in it: one host in some thousands is cut off
 * at work, and what it finishes counts all the same as long as nobody was sooner.
 */
import type { Capacity } from './capacities.ts';
import type { Load } from './load.ts';
import { slowMs, type UnitCost, usualMs } from './speed.ts';

const allowance = 3;
/** Under a minute a hiccup of the network or of the machine would count. */
const mostMsMin = 60_000;
/** A day: beyond it a unit should be saved and go on elsewhere (limits.wallMsMax says the same). */
const mostMsMax = 86_400_000;

export type LeaseTime = {
  /** Null as long as nothing is known of the job or of the host. */
  usualMs: number | null;
  mostMs: number;
};

/** `load` is all that the host has to do, this lease included. */
export function leaseTime(
  capacity: Capacity | null,
  load: Load,
  cost: UnitCost | null,
  wallMsMax: number,
): LeaseTime {
  const { speed, threads } = capacity ?? { speed: null, threads: 1 };
  if (speed === null || cost === null) {
    const rounds = Math.ceil(load.units / threads);
    return { usualMs: null, mostMs: clamp(rounds * wallMsMax) };
  }
  const ahead = load.fuel / Math.exp(speed.mean) / threads;
  const usual = Math.max(ahead, usualMs(cost, speed));
  return { usualMs: usual, mostMs: clamp(allowance * (usual + slowMs(cost, speed))) };
}

const clamp = (ms: number): number => Math.min(Math.max(ms, mostMsMin), mostMsMax);
