/**
 * What has to be true once all is mended, by what anybody can ask a grid for: the jobs and their results over
 * HTTP, the ledger replayed by the command line and counted again here, receipts; and by the acknowledgements
 * that volunteers kept. Nothing here looks into Redis, a log or a data folder of the coordinator's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobView, ResultLine, Standing } from '../../protocol/http.ts';
import type { EntryLine, LedgerEnd } from '../../protocol/ledger.ts';
import type { Receipt } from '../../protocol/receipts.ts';
import type { ChaosGrid } from './chaos-grid.ts';
import type { Acknowledged } from './light-volunteer.ts';
import type { SubmittedJob } from './scientist.ts';
import type { Workload } from './workloads.ts';

export type Found = { acknowledged: number; lost: number; paidTwice: number; violations: string[] };

/** Its folder is for receipts, which are asked for by worker. */
type CheckedGrid = Pick<ChaosGrid, 'fetch' | 'run' | 'folder' | 'eventsOf' | 'workerFolder'>;

/** Enough to see what is wrong; a thousand more would say the same. */
const toldMax = 12;
/** The list has the newest. */
const jobsListedMax = 100;

export class Checker {
  private readonly grid: CheckedGrid;
  private readonly told = new Map<string, number>();
  private readonly found: Found = { acknowledged: 0, lost: 0, paidTwice: 0, violations: [] };
  /** By job, the result of each unit. */
  private readonly results = new Map<string, ResultLine[]>();
  /** By account, job and unit: what it was paid, in how many grants. */
  private readonly paid = new Map<string, { times: number; micro: bigint }>();

  constructor(grid: CheckedGrid) {
    this.grid = grid;
  }

  async check(
    jobs: readonly SubmittedJob[],
    acknowledged: readonly Acknowledged[],
    workers: readonly string[],
  ): Promise<Found> {
    const { jobs: listed } = await this.ask<{ jobs: JobView[] }>('/v1/jobs');
    const submitted = new Set(jobs.map(({ jobId }) => jobId));
    this.unless(
      listed.length === Math.min(submitted.size, jobsListedMax) &&
        listed.every(({ jobId }) => submitted.has(jobId)),
      'O4',
      () => `${jobs.length} jobs were submitted, and ${listed.length} are listed`,
    );
    for (const job of jobs) await this.checkJob(job);
    await this.checkLedger();
    for (const one of acknowledged) this.checkAcknowledged(one);
    for (const name of workers) await this.checkReceipts(name);
    for (const [rule, times] of this.told) {
      if (times > toldMax) this.found.violations.push(`[${rule}] … and ${times - toldMax} more`);
    }
    return { ...this.found, acknowledged: acknowledged.length };
  }

  /** [W1] Each unit has one result, in order, and it is the true one; the job's counts are their sums. */
  private async checkJob({ jobId, workload }: SubmittedJob): Promise<void> {
    const lines = await this.lines<ResultLine>(`/v1/jobs/${jobId}/results`);
    const units = lines.map(({ unit }) => unit);
    this.unless(
      units.length === workload.units && units.every((unit, i) => unit === i),
      'W1',
      () => `${workload.name} ${jobId} of ${workload.units} units has results of ${units.length}`,
    );
    let [canonical, failed, fuel, micro] = [0, 0, 0n, 0n];
    for (const line of lines) {
      this.checkResult(jobId, workload, line);
      if (line.verdict === 'invalid') {
        failed++;
        continue;
      }
      canonical++;
      fuel += BigInt(line.fuel);
      micro += microOf(line);
    }
    const job = await this.ask<JobView>(`/v1/jobs/${jobId}`);
    const told = [job.canonical, job.failed, job.fuel, job.creditMicro].join();
    const counted = [canonical, failed, fuel, micro].join();
    this.unless(told === counted, 'W1', () => `${jobId} tells ${told}, and has ${counted}`);
    this.results.set(jobId, lines);
  }

  private checkResult(jobId: string, workload: Workload, line: ResultLine): void {
    const truth = workload.truthOf(line.unit).result;
    const isTrue =
      line.outcome === truth.outcome &&
      Number(line.fuel) === truth.fuel &&
      line.digest === `sha256:${Buffer.from(truth.digest).toString('hex')}` &&
      (line.verdict === 'invalid') === (truth.outcome !== 'success');
    this.unless(isTrue, 'W1', () => `a wrong result in ${jobId}: ${JSON.stringify(line)}`);
  }

  /** [C1] [C2] The ledger is in order by its own replay; and counted here, nothing is paid twice. */
  private async checkLedger(): Promise<void> {
    const verified = await this.grid.run('ledger', 'verify', '--json');
    this.unless(verified.code === 0, 'C1', () => `ledger verify: ${verified.stderr}`);
    const balances = new Map<string, bigint>();
    const earned = new Map<string, bigint>();
    for (const line of await this.lines<EntryLine | LedgerEnd>('/v1/ledger')) {
      if ('end' in line) {
        this.checkBalances(balances, line);
        continue;
      }
      for (const [account, micro] of line.postings) {
        balances.set(account, (balances.get(account) ?? 0n) + BigInt(micro));
      }
      for (const grant of line.grants) {
        const sign = grant.kind === 'grant' ? 1n : -1n;
        const before = earned.get(grant.accountId) ?? 0n;
        earned.set(grant.accountId, before + sign * BigInt(grant.micro));
        this.takeGrant(grant);
      }
    }
    const { standings } = await this.ask<{ standings: Standing[] }>('/v1/leaderboard');
    for (const { accountId, creditMicro } of standings) {
      const counted = earned.get(accountId) ?? 0n;
      this.unless(
        BigInt(creditMicro) === counted,
        'C2',
        () => `${accountId} stands at ${creditMicro}, and was granted ${counted}`,
      );
    }
  }

  private takeGrant({ kind, accountId, jobId, units, micro }: EntryLine['grants'][number]): void {
    const sign = kind === 'grant' ? 1 : -1;
    let worth = 0n;
    for (const [from, count] of units) {
      for (let unit = from; unit < from + count; unit++) {
        const line = this.results.get(jobId)?.[unit];
        worth += line === undefined ? 0n : microOf(line);
        const key = `${accountId} ${jobId} ${unit}`;
        const before = this.paid.get(key)?.times ?? 0;
        this.paid.set(key, { times: before + sign, micro: 0n });
        if (before + sign <= 1) continue;
        this.found.paidTwice++;
        this.unless(false, 'C2', () => `unit ${unit} of ${jobId} is paid twice to ${accountId}`);
      }
    }
    this.unless(
      worth === BigInt(micro),
      'C2',
      () => `${accountId} got ${micro} for units of ${jobId} that are worth ${worth}`,
    );
  }

  private checkBalances(counted: ReadonlyMap<string, bigint>, { end }: LedgerEnd): void {
    let sum = 0n;
    for (const [account, micro] of Object.entries(end.balances)) {
      sum += BigInt(micro);
      const adds = counted.get(account) ?? 0n;
      this.unless(adds === BigInt(micro), 'C1', () => `${account}: ${micro}, counted ${adds}`);
    }
    this.unless(sum === 0n, 'C1', () => `the ledger sums to ${sum}`);
  }

  /** [W2] What was told to be accepted is there, as it was sent, and its account is paid for it. */
  private checkAcknowledged({ accountId, jobId, unit, verdict, digest }: Acknowledged): void {
    const line = this.results.get(jobId)?.[unit];
    const name = `unit ${unit} of ${jobId}, ${verdict} of ${accountId}`;
    const isThere = line !== undefined && line.unit === unit;
    if (!isThere) this.found.lost++;
    this.unless(isThere, 'W2', () => `${name}, is not among the results`);
    if (line === undefined || verdict !== 'accepted') return;
    const isSame = line.verdict !== 'invalid' && (digest === null || digest === line.digest);
    if (!isSame) this.found.lost++;
    this.unless(isSame, 'W2', () => `${name}, is now ${JSON.stringify(line)}`);
    const times = this.paid.get(`${accountId} ${jobId} ${unit}`)?.times ?? 0;
    if (times < 1) this.found.lost++;
    this.unless(times === 1, 'C5', () => `${name}, is paid ${times} times`);
  }

  /** [C4] A worker's receipts, as it downloads and verifies them, name all that the ledger says it earned. */
  private async checkReceipts(worker: string): Promise<void> {
    const connected = this.grid.eventsOf(worker).find((event) => event.type === 'connected');
    const accountId = connected?.type === 'connected' ? connected.accountId : '';
    const file = join(this.grid.folder, `${worker}.receipts`);
    const folder = this.grid.workerFolder(worker);
    const got = await this.grid.run('receipts', '--data', folder, '--out', file);
    this.unless(got.code === 0, 'C4', () => `receipts of ${worker}: ${got.stderr}`);
    if (got.code !== 0) return;
    const { code, stderr } = await this.grid.run('receipts', 'verify', file);
    this.unless(code === 0, 'C4', () => `receipts of ${worker}: ${stderr}`);
    if (code !== 0) return;
    const named = namedIn(readFileSync(file, 'utf8'));
    const prefix = `${accountId} `;
    for (const [key, { times }] of this.paid) {
      if (!key.startsWith(prefix)) continue;
      const unit = key.slice(prefix.length);
      const has = named.get(unit) ?? 0;
      named.delete(unit);
      this.unless(has === times, 'C4', () => `${worker}: ${unit} is paid ${times}, named ${has}`);
    }
    for (const [unit, has] of named) {
      this.unless(has === 0, 'C4', () => `${worker}: ${unit} is not paid, and named ${has} times`);
    }
  }

  private unless(holds: boolean, rule: string, what: () => string): void {
    if (holds) return;
    const times = (this.told.get(rule) ?? 0) + 1;
    this.told.set(rule, times);
    if (times <= toldMax) this.found.violations.push(`[${rule}] ${what()}`);
  }

  private async ask<T>(path: string): Promise<T> {
    return (await (await this.grid.fetch(path)).json()) as T;
  }

  private async lines<T>(path: string): Promise<T[]> {
    const text = await (await this.grid.fetch(path)).text();
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  }
}

/** Of each job and unit, how often a file of receipts names it. */
function namedIn(receipts: string): Map<string, number> {
  const named = new Map<string, number>();
  for (const line of receipts.split('\n')) {
    const { grants = [] } = line === '' ? {} : (JSON.parse(line) as Partial<Receipt>);
    for (const { kind, jobId, units } of grants) {
      for (const [from, count] of units) {
        for (let unit = from; unit < from + count; unit++) {
          const key = `${jobId} ${unit}`;
          named.set(key, (named.get(key) ?? 0) + (kind === 'grant' ? 1 : -1));
        }
      }
    }
  }
  return named;
}

/** A millionth of its fuel, rounded down; a failed unit earns nobody anything. */
const microOf = ({ verdict, fuel }: ResultLine): bigint =>
  verdict === 'invalid' ? 0n : BigInt(fuel) / 1_000_000n;
