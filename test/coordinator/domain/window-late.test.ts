/** What the window does about units that take long: leases that end at last, copies, and units that take hosts down. */
import { describe, expect, it } from 'vitest';
import type { KnownAsker } from '../../../coordinator/domain/asker.ts';
import type { Capacity } from '../../../coordinator/domain/capacities.ts';
import {
  type LeaseFacts,
  leaseDurationMs,
  renewEveryMs,
} from '../../../coordinator/domain/lease.ts';
import { recordResults } from '../../../coordinator/domain/record.ts';
import { fromRuns, shardId, splitShard } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { speedAfter } from '../../../coordinator/domain/speed.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import {
  aCapacity,
  accountId,
  aJob,
  append,
  aResult,
  aStanding,
  hostId,
  jobId,
  leaseId,
} from '../builders.ts';

const minuteMs = 60_000;
/** A unit costs so much; a host of slowness 1 takes a minute for it. */
const unitFuel = 6e7;
const capacity = (slowness: number): Capacity => ({
  ...aCapacity(),
  threads: 1,
  speed: speedAfter(null, { units: 1, fuel: unitFuel, wallMs: minuteMs * slowness }),
});
const asker = (number: number, slowness = 1, account = number): KnownAsker => ({
  hostId: hostId(number),
  accountId: accountId(account),
  memoryBytes: 2 ** 40,
  isAlone: false,
  standing: aStanding,
  hosts: 4,
  capacity: capacity(slowness),
});
const positions = (lease: LeaseFacts | undefined): number[] => [
  ...fromRuns(lease?.positions ?? []),
];

/** A job of so many units in one shard, of which the first was done by somebody: so its cost is known. */
class Scene {
  readonly window = new Window();
  readonly job;
  private leases = 0;

  constructor(units: number) {
    this.job = aJob({ units, unitsPerShard: units });
    this.window.hold(this.job, new ShardState(splitShard(this.job, 0)), 0);
    const first = this.take(asker(100), 1, 0);
    this.report(first, 0);
  }

  take(host: KnownAsker, units: number, now: number): LeaseFacts | undefined {
    return this.window.grant(host, units, leaseId(++this.leases), now)?.lease;
  }

  report(lease: LeaseFacts | undefined, now: number, at = positions(lease)): void {
    if (lease === undefined) throw new Error('nothing was granted');
    const state = this.window.state(shardId(lease.shard)) as ShardState;
    const results = at.map((position) => aResult(position, { fuel: unitFuel }));
    const { entries, fuel } = recordResults(state, lease, results);
    append(state, entries);
    this.window.settle(shardId(lease.shard), lease, at, fuel, now);
  }

  /** The host renews as it should for as long as it is let; returns for how long. */
  renewOn(lease: LeaseFacts | undefined, from: number, until: number): number {
    if (lease === undefined) throw new Error('nothing was granted');
    for (let now = from + renewEveryMs; now <= until; now += renewEveryMs) {
      this.window.expire(now);
      if (!this.window.renew(lease.leaseId, lease.hostId, now)) return now - from;
    }
    return until - from;
  }
}

describe('a lease that is renewed on and on', () => {
  it('[W5] ends after three times what it is likely to take, so that others get its units', () => {
    const scene = new Scene(8);
    const lease = scene.take(asker(1), 1, 0);
    const heldMs = scene.renewOn(lease, 0, 60 * minuteMs);
    expect(heldMs).toBeGreaterThanOrEqual(5 * minuteMs);
    expect(heldMs).toBeLessThanOrEqual(7 * minuteMs);
    expect(positions(scene.take(asker(2), 1, heldMs))).toEqual(positions(lease));
  });

  it('goes on as long as results come', () => {
    const scene = new Scene(40);
    const lease = scene.take({ ...asker(1, 0.01), hosts: 1 }, 4, 0);
    const [first = 0, second = 0] = positions(lease);
    expect(scene.renewOn(lease, 0, 50_000)).toBe(50_000);
    scene.report(lease, 50_000, [first]);
    expect(scene.renewOn(lease, 50_000, 100_000)).toBe(50_000);
    scene.report(lease, 100_000, [second]);
    expect(scene.renewOn(lease, 100_000, 10 * minuteMs)).toBeLessThan(2 * minuteMs);
  });

  it('is let for as long as a unit of the job may take, when nothing is known of the host', () => {
    const scene = new Scene(8);
    const lease = scene.take({ ...asker(1), capacity: { ...aCapacity(), threads: 1 } }, 1, 0);
    const { wallMsMax } = scene.job.document.limits;
    expect(scene.renewOn(lease, 0, wallMsMax - renewEveryMs)).toBe(wallMsMax - renewEveryMs);
    expect(scene.renewOn(lease, 0, 2 * wallMsMax)).toBeLessThan(wallMsMax + minuteMs);
  });
});

describe('the last units of a job', () => {
  /** A slow host has the last unit. */
  function aTail(slowness: number) {
    const scene = new Scene(2);
    const slow = asker(1, slowness);
    const lease = scene.take(slow, 1, 0);
    expect(positions(lease)).toEqual([1]);
    return { scene, slow, lease };
  }

  it('are replicated on an idle host of another account that is likely to be sooner', () => {
    const { scene } = aTail(10);
    expect(scene.take(asker(3, 9.5), 1, 0)).toBeUndefined();
    expect(positions(scene.take(asker(2, 1), 1, 0))).toEqual([1]);
    expect(scene.window.running(jobId(1))).toBe(1);
  });

  it('are not when their host is about to have them done, and are when it is long overdue', () => {
    const { scene } = aTail(1);
    expect(scene.take(asker(2), 1, 30_000)).toBeUndefined();
    expect(scene.take(asker(2), 1, minuteMs)).toBeUndefined();
    expect(positions(scene.take(asker(2), 1, 3 * minuteMs))).toEqual([1]);
  });

  it('go to nobody twice, to no other host of the same account, and to three hosts at most', () => {
    const { scene } = aTail(100);
    expect(scene.take(asker(2, 1, 1), 1, 0)).toBeUndefined();
    expect(scene.take(asker(2, 10), 1, 0)).toBeDefined();
    expect(scene.take(asker(2, 10), 1, 0)).toBeUndefined();
    expect(scene.take(asker(3, 1), 1, 0)).toBeDefined();
    expect(scene.take(asker(4, 0.1), 1, 0)).toBeUndefined();
  });

  it('are done with the first good result; the later one finds them decided', () => {
    const { scene, lease } = aTail(100);
    const copy = scene.take(asker(2), 1, 0);
    scene.report(copy, minuteMs);
    expect(scene.window.running(jobId(1))).toBe(0);
    expect(scene.window.free).toBe(0);
    scene.report(lease, 2 * minuteMs);
    expect(scene.window.state(shardId(copy?.shard ?? splitShard(scene.job, 0)))?.isClosed).toBe(
      true,
    );
  });

  it('stay out as long as one of their hosts has them, and are free when none has', () => {
    const { scene, lease } = aTail(100);
    const copy = scene.take(asker(2), 1, 0);
    expect(scene.window.release(lease?.leaseId ?? '', hostId(1), [1])).toBe(1);
    expect(scene.window.free).toBe(0);
    expect(scene.window.release(copy?.leaseId ?? '', hostId(2), [1])).toBe(1);
    expect(scene.window.free).toBe(1);
  });

  it('are not replicated as long as others wait, nor while they are many', () => {
    const waiting = new Scene(3);
    waiting.take(asker(1, 100), 1, 0);
    expect(positions(waiting.take(asker(2), 1, 0))).toEqual([2]);
    const many = new Scene(30);
    for (let host = 1; host < 30; host++) many.take(asker(host, 100), 1, 0);
    expect(many.window.free).toBe(0);
    expect(many.take(asker(40), 1, 0)).toBeUndefined();
  });
});

describe('a unit whose hosts are lost', () => {
  /** Host after host takes units and is not heard of again; returns what the last one got. */
  function lose(scene: Scene, times: number, from = 1, accounts = times): number[] {
    let got: number[] = [];
    for (let i = 0; i < times; i++) {
      const now = (from + i) * leaseDurationMs;
      const host = from + i;
      got = positions(scene.take({ ...asker(host, 1, host % accounts), hosts: 1 }, 4, now));
      scene.window.expire(now + leaseDurationMs);
    }
    return got;
  }

  it('goes out alone after two, when there is nothing else to hand out', () => {
    const scene = new Scene(2);
    lose(scene, 2);
    expect(scene.window.hopeless).toEqual([]);
    expect(lose(scene, 1, 3)).toEqual([1]);
  });

  it('[W1] is hopeless after eight, alone and with three accounts, and nobody gets it any more', () => {
    const scene = new Scene(2);
    expect(lose(scene, 7, 1, 3)).toEqual([1]);
    expect(scene.window.hopeless).toEqual([]);
    expect(lose(scene, 1, 8, 3)).toEqual([1]);
    expect(scene.window.hopeless).toMatchObject([{ positions: [1] }]);
    expect(scene.take(asker(50), 1, 400 * leaseDurationMs)).toBeUndefined();
  });

  it('[W1] is not given up upon the word of two accounts', () => {
    const scene = new Scene(2);
    expect(lose(scene, 20, 1, 2)).toEqual([1]);
    expect(scene.window.hopeless).toEqual([]);
  });
});
