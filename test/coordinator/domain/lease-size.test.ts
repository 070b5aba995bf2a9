import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseSize } from '../../../coordinator/domain/lease-size.ts';
import { Load } from '../../../coordinator/domain/load.ts';
import { averaged } from '../../../coordinator/domain/log-average.ts';
import { speedAfter } from '../../../coordinator/domain/speed.ts';
import { aLease, aShard, jobId } from '../builders.ts';

/** Units of a thousand fuel a millisecond of work. */
const fuelPerMs = 1000;
const speed = speedAfter(null, { units: 1, fuel: fuelPerMs * 1000, wallMs: 1000 });
const costing = (unitMs: number) => averaged(null, unitMs * fuelPerMs);
const job = { jobId: jobId(1), cost: costing(100), free: 1_000_000, isSplit: false };
const host = { threads: 4, speed };

/** A host that has so many units of the job out, of so many milliseconds each. */
function aLoad(units: number, unitMs: number): Load {
  const load = new Load();
  load.leases.add({ ...aLease(1, [[0, units]]), shard: aShard(units), left: units });
  load.units = units;
  load.fuel = units * unitMs * fuelPerMs;
  return load;
}
const nothing = new Load();

describe('a lease', () => {
  it('is two units a thread as long as the job or the host is unknown', () => {
    expect(leaseSize(host, nothing, { ...job, cost: null }, 1)).toBe(8);
    expect(leaseSize({ threads: 4, speed: null }, nothing, job, 1)).toBe(8);
    expect(leaseSize(host, aLoad(8, 0), { ...job, cost: null }, 1)).toBe(0);
    expect(leaseSize({ threads: 4, speed: null }, aLoad(5, 0), job, 1)).toBe(3);
  });

  it('is a minute of work for each thread, with what is in hand', () => {
    expect(leaseSize(host, nothing, job, 1)).toBe(2400);
    expect(leaseSize(host, aLoad(2000, 100), job, 1)).toBe(400);
    expect(leaseSize(host, aLoad(3000, 100), job, 1)).toBe(0);
  });

  it('of long units is one for each thread, and one for the thread that is free first', () => {
    const long = { ...job, cost: costing(3_600_000) };
    expect(leaseSize(host, nothing, long, 1)).toBe(5);
    expect(leaseSize(host, aLoad(4, 3_600_000), long, 1)).toBe(1);
    expect(leaseSize(host, aLoad(5, 3_600_000), long, 1)).toBe(0);
  });
});

describe('of a job that is split to its end a lease', () => {
  const last = { ...job, isSplit: true };

  it('is a second of work for each thread, with what is in hand of the job', () => {
    expect(leaseSize(host, nothing, last, 1)).toBe(40);
    expect(leaseSize(host, aLoad(30, 100), last, 1)).toBe(10);
    expect(leaseSize(host, aLoad(40, 100), last, 1)).toBe(0);
  });

  it('is half of an equal share of what is left, and one unit at least', () => {
    expect(leaseSize(host, nothing, { ...last, free: 20 }, 2)).toBe(5);
    expect(leaseSize(host, nothing, { ...last, free: 3 }, 100)).toBe(1);
  });

  it('of units longer than a second is one for each thread', () => {
    const long = { ...last, cost: costing(3_600_000) };
    expect(leaseSize(host, nothing, long, 1)).toBe(4);
    expect(leaseSize(host, aLoad(4, 3_600_000), long, 1)).toBe(0);
  });
});

it('a host with an idle thread and nothing in hand always gets a unit that is there', () => {
  const cost = fc.option(fc.double({ min: 0.001, max: 1e9, noNaN: true }).map(costing));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4096 }),
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: 1, max: 1e4 }),
      cost,
      fc.boolean(),
      fc.constantFrom(speed, null),
      (threads, free, hosts, unitCost, isSplit, known) => {
        const ahead = { jobId: jobId(1), cost: unitCost, free, isSplit };
        const size = leaseSize({ threads, speed: known }, nothing, ahead, hosts);
        expect(size).toBeGreaterThanOrEqual(1);
        expect(size).toBeLessThanOrEqual(free);
      },
    ),
  );
});
