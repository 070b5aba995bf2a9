/**
 * The window under random work: hosts ask, report, release, lose leases and come back, another
 * coordinator appends, shards change hands. Whatever happens, each unit of a held shard is exactly one
 * of free, leased and decided; none that is decided or leased is granted; none is lost.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import type { JournalEntry } from '../../../coordinator/domain/journal.ts';
import { type LeaseFacts, leaseDurationMs } from '../../../coordinator/domain/lease.ts';
import { recordResults } from '../../../coordinator/domain/record.ts';
import {
  fromRuns,
  shardId,
  shardSize,
  splitShard,
  toRuns,
} from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import {
  aCapacity,
  accountId,
  aJob,
  aLease,
  append,
  aStanding,
  hostId,
  jobId,
  leaseId,
} from '../builders.ts';
import { anyEnd, type End, endWith } from './arbitrary.ts';

/** Two jobs, three shards. The second job fits only hosts 0 and 1. */
const jobs = [
  aJob({
    jobId: jobId(1),
    units: 9,
    unitsPerShard: 5,
    document: { limits: { memoryBytesMax: 10 } },
  }),
  aJob({ jobId: jobId(2), units: 4, document: { limits: { memoryBytesMax: 1000 } } }),
] as [JobFacts, JobFacts];
const shards = [splitShard(jobs[0], 0), splitShard(jobs[0], 1), splitShard(jobs[1], 0)];
const memoryOf = (host: number): number => (host < 2 ? 1000 : 10);
const jobOf = (id: string): JobFacts => (id === jobId(1) ? jobs[0] : jobs[1]);

type Step =
  | { do: 'ask'; host: number; units: number }
  | { do: 'report'; lease: number; picks: number[]; end: End }
  | { do: 'release'; lease: number; picks: number[] }
  | { do: 'pass'; ms: number }
  | { do: 'renew'; lease: number }
  | { do: 'present'; lease: number; picks: number[] }
  | { do: 'elsewhere'; shard: number; unit: number; end: End }
  | { do: 'takeover'; shard: number };

const pick = fc.nat(30);
const picks = fc.array(fc.nat(4), { minLength: 1, maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('ask' as const),
    host: fc.nat(2),
    units: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ do: fc.constant('report' as const), lease: pick, picks, end: anyEnd }),
  fc.record({ do: fc.constant('release' as const), lease: pick, picks }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.nat(leaseDurationMs) }),
  fc.record({ do: fc.constant('renew' as const), lease: pick }),
  fc.record({ do: fc.constant('present' as const), lease: pick, picks }),
  fc.record({
    do: fc.constant('elsewhere' as const),
    shard: fc.nat(2),
    unit: fc.nat(4),
    end: anyEnd,
  }),
  fc.record({ do: fc.constant('takeover' as const), shard: fc.nat(2) }),
);

/** A coordinator's window with the journals under it, and what the test itself knows is out. */
class Grid {
  readonly window = new Window();
  readonly journals = new Map<string, Uint8Array>();
  readonly granted: LeaseFacts[] = [];
  /** Per lease, the units it surely has: granted, not reported, not given back, not past its time. */
  readonly out = new Map<string, Set<number>>();
  readonly deadlines = new Map<string, number>();
  now = 0;
  private foreign = 1000;

  constructor() {
    for (const shard of shards) this.window.hold(jobOf(shard.jobId), new ShardState(shard), 0);
  }

  run(step: Step): void {
    const lease = 'lease' in step ? this.granted[step.lease % this.granted.length] : undefined;
    switch (step.do) {
      case 'ask':
        this.ask(step.host, step.units);
        break;
      case 'pass':
        this.pass(step.ms);
        break;
      case 'elsewhere':
        this.elsewhere(step.shard, step.unit, step.end);
        break;
      case 'takeover':
        this.takeover(step.shard);
        break;
      case 'report':
        if (lease !== undefined) this.report(lease, chosen(lease, step.picks), step.end);
        break;
      case 'release':
        if (lease !== undefined) this.release(lease, chosen(lease, step.picks));
        break;
      case 'renew':
        if (lease === undefined) break;
        if (this.window.renew(lease.leaseId, lease.hostId, this.now)) this.extend(lease);
        break;
      case 'present':
        if (lease !== undefined) this.present(lease, chosen(lease, step.picks));
    }
  }

  /** Each unit of each held shard is free, out or decided; the window's own counts say so. */
  check(): void {
    let undecided = 0;
    for (const id of this.window.shardIds) undecided += this.window.state(id)?.undecided ?? 0;
    const running = jobs.reduce((sum, job) => sum + this.window.running(job.jobId), 0);
    expect(this.window.free + running).toBe(undecided);
  }

  /** After every lease has run out, asking on and on yields exactly the undecided units. */
  drain(): void {
    this.pass(leaseDurationMs);
    const left = this.window.shardIds.flatMap((id) => {
      const state = this.window.state(id) as ShardState;
      return units(state)
        .filter((at) => state.unit(at).status === 'open')
        .map((at) => `${id}/${at}`);
    });
    const granted: string[] = [];
    for (let lease = this.ask(0, 3); lease !== null; lease = this.ask(0, 3)) {
      for (const at of fromRuns(lease.positions)) granted.push(`${shardId(lease.shard)}/${at}`);
    }
    expect(granted.sort()).toEqual(left.sort());
    expect(this.window.free).toBe(0);
  }

  private ask(host: number, count: number): LeaseFacts | null {
    const [before, id] = [this.window.free, leaseId(this.granted.length + 1)];
    const asker = {
      hostId: hostId(host),
      accountId: accountId(host),
      memoryBytes: memoryOf(host),
      isAlone: true,
      standing: aStanding,
      hosts: 1,
      capacity: aCapacity(),
    };
    const granted = this.window.grant(asker, count, id, this.now);
    if (granted === null) {
      // [W6]: a host that every job fits goes away empty only when nothing is free.
      if (memoryOf(host) === 1000) expect(before).toBe(0);
      return null;
    }
    const { lease, job } = granted;
    const positions = [...fromRuns(lease.positions)];
    expect(job.document.limits.memoryBytesMax).toBeLessThanOrEqual(memoryOf(host));
    expect(positions.length).toBeLessThanOrEqual(count);
    expect(this.window.free).toBe(before - positions.length);
    const state = this.window.state(shardId(lease.shard)) as ShardState;
    for (const at of positions) {
      expect(state.unit(at).status).toBe('open');
      for (const [other, left] of this.out) {
        if (this.shardOf(other) === shardId(lease.shard)) expect(left.has(at)).toBe(false);
      }
    }
    this.granted.push(lease);
    this.out.set(id, new Set(positions));
    this.extend(lease);
    this.append(state, [{ kind: 'leased', ...lease }]);
    return lease;
  }

  private report(lease: LeaseFacts, positions: number[], end: End): void {
    const id = shardId(lease.shard);
    const state = this.window.state(id);
    if (state === undefined) return;
    const results = positions.map((at) => endWith(end, at));
    const recording = recordResults(state, lease, results);
    this.append(state, recording.entries);
    this.window.settle(id, lease, positions, recording.fuel, this.now);
    for (const at of positions) this.out.get(lease.leaseId)?.delete(at);
    if (state.isClosed) this.drop(id);
  }

  private release(lease: LeaseFacts, positions: number[]): void {
    const state = this.window.state(shardId(lease.shard));
    if (state === undefined) return;
    this.window.release(lease.leaseId, lease.hostId, positions);
    this.append(state, [
      { kind: 'released', leaseId: lease.leaseId, positions: toRuns(positions) },
    ]);
    for (const at of positions) this.out.get(lease.leaseId)?.delete(at);
  }

  private pass(ms: number): void {
    this.now += ms;
    this.window.expire(this.now);
    for (const [id, deadline] of this.deadlines) if (deadline <= this.now) this.out.delete(id);
  }

  private present(lease: LeaseFacts, positions: number[]): void {
    const standing = this.window.present(lease, toRuns(positions), this.now);
    const left = this.out.get(lease.leaseId);
    for (const at of left ?? []) if (!positions.includes(at)) left?.delete(at);
    if (standing > 0) this.extend(lease);
  }

  /** Another coordinator records a result of a host of its own; this one finds its state stale. */
  private elsewhere(shard: number, unit: number, end: End): void {
    const { state, id } = this.held(shard);
    if (state === null || unit >= shardSize(state.shard.units)) return;
    const fresh = ShardState.replay(state.shard, this.journals.get(id) ?? new Uint8Array(0));
    const lease = aLease(++this.foreign, [[unit, 1]], this.foreign);
    this.append(fresh, recordResults(fresh, lease, [endWith(end, unit)]).entries);
    this.window.refresh(fresh, this.now);
    if (fresh.isClosed) this.drop(id);
  }

  /** The shard goes to another coordinator and comes back: only the journal tells who is at work. */
  private takeover(shard: number): void {
    const { state, id } = this.held(shard);
    if (state === null) return;
    this.window.drop(id);
    const fresh = ShardState.replay(state.shard, this.journals.get(id) ?? new Uint8Array(0));
    this.window.hold(jobOf(state.shard.jobId), fresh, this.now);
  }

  private held(shard: number): { state: ShardState | null; id: string } {
    const id = shardId(shards[shard % shards.length] as (typeof shards)[number]);
    return { state: this.window.state(id) ?? null, id };
  }

  private append(state: ShardState, entries: readonly JournalEntry[]): void {
    const id = shardId(state.shard);
    const journal = this.journals.get(id) ?? new Uint8Array(0);
    this.journals.set(id, Buffer.concat([journal, append(state, entries)]));
  }

  private extend(lease: LeaseFacts): void {
    this.deadlines.set(lease.leaseId, this.now + leaseDurationMs);
  }

  private drop(id: string): void {
    this.window.drop(id);
    for (const lease of this.out.keys()) if (this.shardOf(lease) === id) this.out.delete(lease);
  }

  private shardOf(lease: string): string | null {
    const facts = this.granted.find((granted) => granted.leaseId === lease);
    return facts === undefined ? null : shardId(facts.shard);
  }
}

const units = (state: ShardState): number[] =>
  Array.from({ length: shardSize(state.shard.units) }, (_, at) => at);

/** Some units of a lease, in order, by index into its units. */
function chosen(lease: LeaseFacts, picks: readonly number[]): number[] {
  const positions = [...fromRuns(lease.positions)];
  const some = picks.map((index) => positions[index % positions.length] ?? 0);
  return [...new Set(some)].sort((a, b) => a - b);
}

it('[W6] each unit is free, leased or decided, and an eligible host that asks gets what is free', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const grid = new Grid();
      for (const each of steps) {
        grid.run(each);
        grid.check();
      }
      grid.drain();
    }),
    { numRuns: 300 },
  );
});
