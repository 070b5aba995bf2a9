/**
 * The leases that are out on one shard: who is at which unit and until when, and what that adds to the
 * loads of hosts and accounts. Whether a unit is decided is not known here.
 *
 * A lease ends when its host has not renewed it (lease.ts); and though it is renewed, when it takes much
 * longer than is likely and no results come (lease-time.ts).
 */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { Capacity } from './capacities.ts';
import { Holders } from './holders.ts';
import { type LeaseFacts, leaseDurationMs } from './lease.ts';
import { type LeaseTime, leaseTime } from './lease-time.ts';
import type { LeaseOut, Load } from './load.ts';
import { fromRuns } from './shard.ts';
import type { UnitCost } from './speed.ts';

/** `host` and `account` are the loads that it is part of. */
export type HeldLease = LeaseOut & {
  /** Unless it is renewed. */
  deadline: number;
  /** Whatever is renewed, unless results come. */
  workUntil: number;
  startedAt: number;
  time: LeaseTime;
  /** Of its host: so many of its units may run. */
  threads: number;
  host: Load;
  account: Load;
  unitFuel: number;
};

/** What is kept of leases over all shards. */
export type LeaseWatch = {
  loadOf(id: HostId | AccountId): Load;
  /** What a unit of the job is expected to cost; 0 when nothing is known of it. */
  unitFuel(): number;
  unitCost(): UnitCost | null;
  leaseHeld(lease: HeldLease): void;
  leaseGone(lease: HeldLease): void;
};

/** Each further one is worth less: three are late together only when it is the unit's own fault. */
const copiesMax = 3;
/** A fifth sooner, or it is not worth the work. */
const soonerShare = 0.8;

export class LeasesOut {
  private readonly byId = new Map<LeaseId, HeldLease>();
  private readonly holders: Holders<HeldLease>;
  private readonly wallMsMax: number;
  private readonly watch: LeaseWatch;

  /** `units` of a job whose units may run for `wallMsMax` each. */
  constructor(units: number, wallMsMax: number, watch: LeaseWatch) {
    this.holders = new Holders(units);
    this.wallMsMax = wallMsMax;
    this.watch = watch;
  }

  get all(): HeldLease[] {
    return [...this.byId.values()];
  }

  find(leaseId: LeaseId): HeldLease | undefined {
    return this.byId.get(leaseId);
  }

  isOut(position: number): boolean {
    return this.holders.isOut(position);
  }

  positionsLeft(lease: HeldLease): number[] {
    return [...fromRuns(lease.positions)].filter((position) => this.holders.has(position, lease));
  }

  /**
   * Of two leases on a unit the later one counts: the earlier has ended, or it would not exist. Unless
   * it is a copy.
   */
  add(
    facts: LeaseFacts,
    out: readonly number[],
    now: number,
    capacity: Capacity | null = null,
    isCopy = false,
  ): HeldLease {
    const { leaseId, hostId, accountId, shard, positions } = facts;
    const lease: HeldLease = {
      leaseId,
      hostId,
      accountId,
      shard,
      positions,
      left: out.length,
      deadline: now + leaseDurationMs,
      workUntil: 0,
      startedAt: now,
      time: unknownTime,
      threads: capacity?.threads ?? 1,
      host: this.watch.loadOf(hostId),
      account: this.watch.loadOf(accountId),
      unitFuel: this.watch.unitFuel(),
    };
    for (const position of out) {
      if (!isCopy && this.holders.isOut(position)) {
        for (const earlier of this.holders.of(position)) this.letGo(position, earlier);
      }
      this.holders.add(position, lease);
    }
    weigh(lease, lease.left);
    lease.time = leaseTime(capacity, lease.host, this.watch.unitCost(), this.wallMsMax);
    lease.workUntil = now + lease.time.mostMs;
    this.byId.set(leaseId, lease);
    this.watch.leaseHeld(lease);
    return lease;
  }

  /** The unit is out under this lease no more. False when it was not. */
  letGo(position: number, lease: HeldLease | undefined): boolean {
    if (lease === undefined || !this.holders.remove(position, lease)) return false;
    weigh(lease, -1);
    lease.left--;
    return true;
  }

  /**
   * Those past their deadline. None has one further off than a lease lasts, unless the machine's clock was
   * set back: then it lasts that long from now on, and is not kept until the clock has caught up.
   */
  expired(now: number): HeldLease[] {
    const expired: HeldLease[] = [];
    for (const lease of this.byId.values()) {
      lease.deadline = Math.min(lease.deadline, now + leaseDurationMs);
      lease.workUntil = Math.min(lease.workUntil, now + lease.time.mostMs);
      if (lease.deadline <= now) expired.push(lease);
    }
    return expired;
  }

  forget(lease: HeldLease): void {
    weigh(lease, -lease.left);
    this.byId.delete(lease.leaseId);
    this.watch.leaseGone(lease);
  }

  clockMoved(byMs: number): void {
    for (const lease of this.byId.values()) {
      lease.deadline += byMs;
      lease.workUntil += byMs;
      lease.startedAt += byMs;
    }
  }

  /** Whether a host that takes `unitMs` for it would likely be sooner than all who have the unit. */
  isLate(position: number, accountId: AccountId, unitMs: number, now: number): boolean {
    const leases = this.holders.of(position);
    if (leases.length >= copiesMax) return false;
    if (leases.some((lease) => lease.accountId === accountId)) return false;
    return leases.every((lease) => unitMs < soonerShare * remainingMs(lease, now));
  }
}

/** Its host is still there: that alone prolongs it as long as it may take. */
export function prolong(lease: HeldLease, now: number): void {
  lease.deadline = Math.min(now + leaseDurationMs, lease.workUntil);
}

/** Results came. */
export function moveOn(lease: HeldLease, now: number): void {
  lease.workUntil = now + lease.time.mostMs;
  prolong(lease, now);
}

/**
 * How long a lease will be at it yet. One that is overdue is likely to be as much again; of one of which
 * nothing is known that is all there is to say.
 */
const remainingMs = ({ startedAt, time }: HeldLease, now: number): number =>
  Math.abs(startedAt + (time.usualMs ?? 0) - now);

/** For the moment in which a lease is made. */
const unknownTime: LeaseTime = { usualMs: null, mostMs: 0 };

/** Units of a lease went out, or came back. */
function weigh({ host, account, unitFuel }: HeldLease, units: number): void {
  host.units += units;
  host.fuel += units * unitFuel;
  account.units += units;
}
