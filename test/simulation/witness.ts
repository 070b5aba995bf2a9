/**
 * The store, with somebody who watches every append as it becomes true and keeps books of its own: who
 * recorded what, what was decided when, and what each account has earned. Its books are kept from the
 * journal's entries alone, by other code than ours, and compared with what each append claims.
 */
import type { Payment } from '../../coordinator/domain/award.ts';
import { decodeEntries, type RecordedResult, resultsOf } from '../../coordinator/domain/journal.ts';
import type { Shard, ShardId } from '../../coordinator/domain/shard.ts';
import { fromRuns, isCheck, shardId, shardSize, unitAt } from '../../coordinator/domain/shard.ts';
import type { Amendment } from '../../coordinator/domain/trust/docket.ts';
import { MemoryStore } from '../../coordinator/store/memory-store.ts';
import type { AppendReply, ShardAppend } from '../../coordinator/store/store.ts';
import type { AccountId, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import { type SimJob, truthOf } from './sim-job.ts';
import type { Violations } from './violations.ts';
import { WatchedJobs } from './watched-jobs.ts';

type Replica = { leaseId: LeaseId; accountId: AccountId; result: RecordedResult };
export type WatchedUnit = {
  replicas: Replica[];
  decision: null | { kind: 'accepted'; result: RecordedResult } | { kind: 'failed' };
};
type Holder = { hostId: HostId; accountId: AccountId };
/** What an append adds up to, or claims to. */
type Sums = { canonical: number; failed: number; fuel: number; micro: number };
export type Income = { micro: bigint; units: number };

export class Witness extends MemoryStore {
  override readonly jobs: WatchedJobs;
  /** Decided and undecided units that anything is recorded of, by job. */
  readonly units = new Map<JobId, Map<number, WatchedUnit>>();
  /** Units that were paid to whoever came late with them. */
  latePaid = 0;
  readonly incomes = new Map<AccountId, Income>();
  /** When anything was last recorded: as long as this moves, the grid is not stuck. */
  recordedAt = 0;
  /** By check shard: what was recorded of it, by lease and position. */
  private readonly checked = new Map<ShardId, Map<string, RecordedResult>>();
  private readonly leases = new Map<string, Map<LeaseId, Holder>>();
  private readonly submitted = new Map<JobId, SimJob>();
  /** How many units are decided, by job and by shard. */
  private readonly decided = new Map<JobId | ShardId, number>();
  private readonly failuresOf = new Map<AccountId, Set<WatchedUnit>>();
  private readonly checkTimes = new Map<JobId | ShardId, number>();
  private readonly cancelled = new Set<JobId>();
  private readonly paid = new Set<string>();
  private readonly completed = new Set<JobId>();
  private readonly violations: Violations;

  constructor(jobs: readonly SimJob[], violations: Violations, now: () => number) {
    super(now);
    this.violations = violations;
    this.jobs = new WatchedJobs(this.partitions, this.files, {
      submitted: ({ jobId, document }) => {
        const job = jobs.find(({ name }) => name === document.name);
        if (job === undefined) throw new Error(`nobody submitted ${document.name}`);
        this.submitted.set(jobId, job);
      },
      completed: (jobId) => void this.completed.add(jobId),
      cancelled: (jobId) => void this.cancelled.add(jobId),
      latePaid: (jobId, pay) => this.payLate(jobId, pay),
      holdMoved: (from, to) => {
        violations.unless(
          to.shardsFinal >= from.shardsFinal && to.final >= from.final,
          'T5',
          () => `of ${from.jobId} less is final than before: ${to.final} units`,
        );
      },
    });
  }

  /** What is final stays as it is, whoever has decided to amend it. */
  override async amend(name: string, amendment: Amendment, shard: number): Promise<void> {
    const { jobId, unit } = amendment;
    const before = (await this.readAmendments(jobId)).get(unit);
    await super.amend(name, amendment, shard);
    const after = (await this.readAmendments(jobId)).get(unit);
    const isFinal = shard < ((await this.jobs.read(jobId))?.counts.shardsFinal ?? 0);
    const isSame = JSON.stringify(after) === JSON.stringify(before);
    this.violations.unless(!isFinal || isSame, 'T5', () => `unit ${unit} of ${jobId} was final`);
  }

  override async append(
    partition: number,
    appends: readonly ShardAppend[],
    now: number,
  ): Promise<AppendReply[]> {
    const replies = await super.append(partition, appends, now);
    for (const [i, append] of appends.entries()) {
      if (replies[i]?.kind !== 'written') continue;
      this.recordedAt = now;
      this.payOnce(append.shard.jobId, append.pay);
      this.watch(append);
    }
    return replies;
  }

  jobOf(jobId: JobId): SimJob {
    const job = this.submitted.get(jobId);
    if (job === undefined) throw new Error(`there is no job ${jobId}`);
    return job;
  }

  isCancelled(jobId: JobId): boolean {
    return this.cancelled.has(jobId);
  }

  isOver({ jobId, units }: SimJob): boolean {
    if (jobId === null) return false;
    return this.cancelled.has(jobId) || this.decided.get(jobId) === units;
  }

  /** Complete or cancelled. */
  isClosed({ jobId }: SimJob): boolean {
    return jobId !== null && (this.cancelled.has(jobId) || this.completed.has(jobId));
  }

  undecided({ jobId, units }: SimJob): number[] {
    return Array.from({ length: units }, (_, unit) => unit).filter(
      (unit) => jobId === null || !this.isDecided(jobId, unit),
    );
  }

  isDecided(jobId: JobId, unit: number): boolean {
    return (this.units.get(jobId)?.get(unit)?.decision ?? null) !== null;
  }

  /** Whether the account has tried units without success: a coordinator may let these rest for it. */
  hasFailedAt(accountId: AccountId): boolean {
    return this.failuresOf.has(accountId);
  }

  /** The same, of units that are still undecided. */
  isRetrying(accountId: AccountId): boolean {
    const units = this.failuresOf.get(accountId) ?? [];
    return [...units].some(({ decision }) => decision === null);
  }

  /** A check is paid like any replica and decides nothing: its units were decided before. */
  private watchCheck({ shard, bytes, canonical, failed, creditMicro, pay }: ShardAppend): void {
    const { violations } = this;
    const leases = this.leasesOf(shard);
    const ends = this.checked.get(shardId(shard)) ?? new Map<string, RecordedResult>();
    this.checked.set(shardId(shard), ends);
    const paid = new Map<HostId, number>();
    for (const entry of decodeEntries(bytes)) {
      if (entry.kind === 'leased') leases.set(entry.leaseId, entry);
      else if (entry.kind === 'recorded' || entry.kind === 'succeeded') {
        for (const result of entry.kind === 'recorded' ? entry.results : resultsOf(entry)) {
          const key = `${entry.leaseId} ${result.position}`;
          const name = this.nameOf(shard, result.position);
          violations.unless(!ends.has(key), 'W3', () => `${name} was checked twice as ${key}`);
          ends.set(key, result);
        }
      } else if (entry.kind === 'accepted') {
        for (const position of fromRuns(entry.positions)) {
          const result = ends.get(`${entry.leaseId} ${position}`);
          const holder = leases.get(entry.leaseId);
          const micro = Math.floor((result?.fuel ?? 0) / 1e6);
          if (holder === undefined) continue;
          paid.set(holder.hostId, (paid.get(holder.hostId) ?? 0) + micro);
          this.earn(holder.accountId, micro);
        }
      }
    }
    const found = JSON.stringify([0, 0, 0, [...paid]]);
    const pays = pay.map(({ hostId, micro }) => [hostId, micro]);
    const claims = JSON.stringify([canonical, failed, creditMicro, pays]);
    const text = () => `${shardId(shard)}: the append claims ${claims}, its entries say ${found}`;
    violations.unless(found === claims, 'C2', text);
  }

  /** When something was last recorded of a check, or of the checks of a job; long ago when nothing was. */
  checkedAt(id: JobId | ShardId): number {
    return this.checkTimes.get(id) ?? Number.NEGATIVE_INFINITY;
  }

  /** Late results are paid when their unit is final, for what the canonical one burned. */
  private payLate(jobId: JobId, pay: readonly Payment[]): void {
    this.payOnce(jobId, pay);
    for (const { accountId, micro, units } of pay) {
      for (const unit of fromRuns(units)) {
        const { decision } = this.units.get(jobId)?.get(unit) ?? { decision: null };
        const fuel = decision?.kind === 'accepted' ? decision.result.fuel : 0;
        const isDue = Math.floor(fuel / 1e6) === micro;
        const text = () => `unit ${unit} of ${jobId} is worth another pay than ${micro}`;
        this.violations.unless(isDue, 'C2', text);
        this.earn(accountId, micro);
        this.latePaid++;
      }
    }
  }

  private payOnce(jobId: JobId, pay: readonly Payment[]): void {
    for (const { kind, accountId, units } of pay) {
      for (const unit of kind === 'grant' ? fromRuns(units) : []) {
        const name = `unit ${unit} of ${jobId} to ${accountId}`;
        this.violations.unless(!this.paid.has(name), 'C2', () => `${name} is paid twice`);
        this.paid.add(name);
      }
    }
  }

  private earn(accountId: AccountId, micro: number): void {
    const { micro: before, units } = this.incomes.get(accountId) ?? { micro: 0n, units: 0 };
    this.incomes.set(accountId, { micro: before + BigInt(micro), units: units + 1 });
  }

  private watch(append: ShardAppend): void {
    const { shard } = append;
    if (isCheck(shard)) {
      for (const id of [shard.jobId, shardId(shard)]) this.checkTimes.set(id, this.recordedAt);
      this.watchCheck(append);
      return;
    }
    const sums: Sums = { canonical: 0, failed: 0, fuel: 0, micro: 0 };
    const paid = new Map<HostId, number>();
    for (const entry of decodeEntries(append.bytes)) {
      if (entry.kind === 'leased') this.leasesOf(shard).set(entry.leaseId, entry);
      else if (entry.kind === 'recorded' || entry.kind === 'succeeded') {
        const results = entry.kind === 'recorded' ? entry.results : resultsOf(entry);
        for (const result of results) this.recorded(shard, entry.leaseId, result);
      } else if (entry.kind === 'accepted') {
        for (const position of fromRuns(entry.positions)) {
          this.accepted(shard, entry.leaseId, position, sums, paid);
        }
      } else if (entry.kind === 'failed') {
        for (const position of entry.positions) this.failed(shard, position, entry.reason);
        sums.failed += entry.positions.length;
      }
    }
    this.compare(append, sums, paid);
  }

  private recorded(shard: Shard, leaseId: LeaseId, result: RecordedResult): void {
    const holder = this.leasesOf(shard).get(leaseId);
    const unit = this.unit(shard, result.position);
    const name = this.nameOf(shard, result.position);
    const { violations } = this;
    violations.unless(
      unit.decision === null,
      'W1',
      () => `${name} was recorded after its decision`,
    );
    violations.unless(
      !unit.replicas.some((replica) => replica.leaseId === leaseId),
      'W3',
      () => `${name} was recorded twice under ${leaseId}`,
    );
    if (holder === undefined) violations.report('W3', `${name}: ${leaseId} was never written down`);
    else {
      unit.replicas.push({ leaseId, accountId: holder.accountId, result });
      if (result.outcome === 'success') return;
      const failures = this.failuresOf.get(holder.accountId) ?? new Set();
      this.failuresOf.set(holder.accountId, failures.add(unit));
    }
  }

  private accepted(
    shard: Shard,
    leaseId: LeaseId,
    position: number,
    sums: Sums,
    paid: Map<HostId, number>,
  ): void {
    const unit = this.unit(shard, position);
    const name = this.nameOf(shard, position);
    const { violations } = this;
    violations.unless(unit.decision === null, 'W1', () => `${name} was decided twice`);
    const replica = unit.replicas.find((candidate) => candidate.leaseId === leaseId);
    const holder = this.leasesOf(shard).get(leaseId);
    if (replica === undefined || holder === undefined) {
      violations.report('W1', `${name} was accepted under ${leaseId}, which recorded nothing`);
      return;
    }
    this.decide(unit, shard, { kind: 'accepted', result: replica.result });
    const truth = truthOf(this.jobOf(shard.jobId), unitAt(shard.units, position)).result;
    const { outcome, output, digest, fuel } = replica.result;
    const isTrue =
      outcome === truth.outcome &&
      fuel === truth.fuel &&
      (output === null ? isEqual(digest, truth.digest) : isEqual(output, truth.output));
    violations.unless(isTrue, 'W1', () => `${name} has a canonical result that nobody found`);

    const micro = Math.floor(fuel / 1e6);
    sums.canonical++;
    sums.fuel += fuel;
    sums.micro += micro;
    paid.set(holder.hostId, (paid.get(holder.hostId) ?? 0) + micro);
    this.earn(holder.accountId, micro);
  }

  private failed(shard: Shard, position: number, reason: string): void {
    const unit = this.unit(shard, position);
    const name = this.nameOf(shard, position);
    const { violations } = this;
    violations.unless(unit.decision === null, 'W1', () => `${name} was decided twice`);
    this.decide(unit, shard, { kind: 'failed' });
    const accounts = new Set(unit.replicas.map(({ accountId }) => accountId));
    violations.unless(
      accounts.size >= 2 || unit.replicas.length >= 8,
      'W4',
      () => `${name} failed (${reason}) on the word of one account`,
    );
  }

  private compare(append: ShardAppend, sums: Sums, paid: Map<HostId, number>): void {
    const { violations } = this;
    const { shard, canonical, failed, fuel, creditMicro: micro } = append;
    const found = JSON.stringify([sums, [...paid]]);
    const claims = JSON.stringify([
      { canonical, failed, fuel, micro },
      append.pay.map((pay) => [pay.hostId, pay.micro]),
    ]);
    violations.unless(
      found === claims,
      'C2',
      () => `${shardId(shard)}: the append claims ${claims}, its entries say ${found}`,
    );
    violations.unless(
      append.closes === (this.decided.get(shardId(shard)) === shardSize(shard.units)),
      'W1',
      () => `${shardId(shard)} closed with undecided units, or stayed open without`,
    );
  }

  private decide(unit: WatchedUnit, shard: Shard, decision: WatchedUnit['decision']): void {
    unit.decision = decision;
    for (const id of [shard.jobId, shardId(shard)]) {
      this.decided.set(id, (this.decided.get(id) ?? 0) + 1);
    }
  }

  private unit(shard: Shard, position: number): WatchedUnit {
    const units = this.units.get(shard.jobId) ?? new Map<number, WatchedUnit>();
    this.units.set(shard.jobId, units);
    const index = unitAt(shard.units, position);
    const unit = units.get(index) ?? { replicas: [], decision: null };
    units.set(index, unit);
    return unit;
  }

  private leasesOf(shard: Shard): Map<LeaseId, Holder> {
    const id = shardId(shard);
    const leases = this.leases.get(id) ?? new Map<LeaseId, Holder>();
    this.leases.set(id, leases);
    return leases;
  }

  private nameOf(shard: Shard, position: number): string {
    return `unit ${unitAt(shard.units, position)} of ${this.jobOf(shard.jobId).name}`;
  }
}

function isEqual(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a !== null && b !== null && Buffer.from(a).equals(b);
}
