/**
 * What has to be true in the end, read where scientists and volunteers read it: the jobs' views, their
 * results, the ledger, and what the hosts were told.
 */
import { outputsNamed } from '../../coordinator/domain/journal.ts';
import { runsSize, splitCount } from '../../coordinator/domain/shard.ts';
import type { ResultLine } from '../../protocol/http.ts';
import type { Scientist } from './scientist.ts';
import { type SimJob, truthOf } from './sim-job.ts';
import type { Income } from './witness.ts';
import type { World } from './world.ts';

export async function checkAll(world: World, scientist: Scientist): Promise<void> {
  const results = new Map<string, Map<number, ResultLine>>();
  for (const job of world.jobs) {
    const lines = await scientist.download(job);
    if (job.jobId !== null) results.set(job.jobId, new Map(lines.map((line) => [line.unit, line])));
    checkResults(world, job, lines);
    await checkView(world, scientist, job);
  }
  checkVerdicts(world, results);
  await checkLedger(world);
  await checkArtifacts(world);
}

/** [W10] Whatever a journal names is there, whoever reported it and whatever became of that. */
export async function checkArtifacts({ store, jobs, artifacts, violations }: World): Promise<void> {
  for (const { jobId, name } of jobs) {
    const job = jobId === null ? null : await store.jobs.read(jobId);
    if (job === null) continue;
    const kept = await store.archive.readKept(job.jobId);
    const last = splitCount(job) + (kept?.checks ?? 0);
    for (let number = 0; number < last; number++) {
      const where = { jobId: job.jobId, number, units: { list: [] } };
      for (const digest of outputsNamed(await store.readJournal(where))) {
        const hex = Buffer.from(digest).toString('hex');
        const isThere = artifacts.has('output', `sha256:${hex}`);
        violations.unless(isThere, 'W10', () => `${name} names the output ${hex}, which is gone`);
      }
    }
  }
}

/** [W1] One line for each decided unit, in order, and what it says is the truth. */
function checkResults(world: World, job: SimJob, lines: readonly ResultLine[]): void {
  const { violations, store } = world;
  const decided = [...(store.units.get(job.jobId ?? '') ?? [])]
    .filter(([, { decision }]) => decision !== null)
    .map(([unit]) => unit)
    .sort((a, b) => a - b);
  const told = lines.map(({ unit }) => unit);
  violations.unless(
    told.join() === decided.join(),
    'W1',
    () => `${job.name} has results of ${told.length} units, and ${decided.length} are decided`,
  );
  for (const line of lines) {
    const truth = truthOf(job, line.unit).result;
    const name = `unit ${line.unit} of ${job.name}`;
    if (line.verdict === 'accepted') {
      const isTrue = Number(line.fuel) === truth.fuel && isOutputOf(job, line);
      violations.unless(isTrue, 'W1', () => `${name} has a wrong result: ${JSON.stringify(line)}`);
    } else {
      violations.unless(
        line.detail !== undefined && line.detail !== '',
        'W1',
        () => `${name} failed without a reason`,
      );
      // A good unit may fail only when host after host spoiled it.
      violations.unless(
        truth.outcome !== 'success' || line.detail?.startsWith('no success in') === true,
        'W4',
        () => `${name} failed, and is a good one: ${line.detail}`,
      );
    }
  }
}

function isOutputOf(job: SimJob, { unit, output }: ResultLine): boolean {
  const told = output as { of?: string; unit?: number } | null;
  return told?.of === job.name && told.unit === unit;
}

/** [W1] A complete job has all of its units; counts are the sums of its results. */
async function checkView(world: World, scientist: Scientist, job: SimJob): Promise<void> {
  const view = await scientist.look(job);
  if (view === null) return;
  const { violations, store } = world;
  let [canonical, failed, micro] = [0, 0, 0n];
  let fuel = 0n;
  for (const { decision } of store.units.get(view.jobId)?.values() ?? []) {
    if (decision?.kind === 'failed') failed++;
    if (decision?.kind !== 'accepted') continue;
    canonical++;
    fuel += BigInt(decision.result.fuel);
    micro += BigInt(Math.floor(decision.result.fuel / 1e6));
  }
  const counted = [canonical, failed, `${fuel}`, `${micro}`].join();
  const told = [view.canonical, view.failed, view.fuel, view.creditMicro].join();
  violations.unless(told === counted, 'C2', () => `${job.name} tells ${told}, counted ${counted}`);
  violations.unless(
    view.state !== 'complete' || canonical + failed === job.units,
    'W1',
    () => `${job.name} is complete with ${canonical} + ${failed} of ${job.units} units`,
  );
}

/**
 * [W2] What a host was told is accepted stays accepted, with the very output it sent; the other
 * verdicts meant what they say.
 */
function checkVerdicts(world: World, results: Map<string, Map<number, ResultLine>>): void {
  const { notebook, store, violations } = world;
  for (const { jobId, leaseId, result, verdict } of notebook.all) {
    const name = `unit ${result.unit}, ${verdict} under ${leaseId}`;
    if (verdict === 'accepted') {
      const line = results.get(jobId)?.get(result.unit);
      const digest = `sha256:${Buffer.from(result.digest).toString('hex')}`;
      const isThere = line?.verdict === 'accepted' && line.digest === digest;
      violations.unless(isThere, 'W2', () => `${name}, is not in the results of ${jobId}`);
    } else if (verdict === 'not_needed') {
      const isDecided = store.isDecided(jobId, result.unit);
      violations.unless(isDecided, 'W1', () => `${name}, is undecided`);
    } else if (verdict === 'too_late') {
      const isCancelled = store.isCancelled(jobId);
      violations.unless(isCancelled, 'W5', () => `${name}, of a job that was not cancelled`);
    } else if (verdict === 'pending') {
      const isFailure = result.outcome.startsWith('kernel_');
      violations.unless(isFailure, 'W1', () => `${name}, was a ${result.outcome}`);
    }
  }
}

/** [C1] The ledger sums to zero; [C2] each account has what its accepted units come to. */
async function checkLedger({ store, violations, grid }: World): Promise<void> {
  const due = await dueOf(store, grid.partitions);
  const { balances } = await store.ledger.allBalances();
  let sum = 0n;
  for (const [account, micro] of balances) {
    sum += micro;
    violations.unless(
      account === 'mint' || account === 'baddebt' || micro >= 0n,
      'C1',
      () => `${account} has ${micro}`,
    );
  }
  violations.unless(sum === 0n, 'C1', () => `the ledger sums to ${sum}`);
  for (const [accountId, { micro, units }] of store.incomes) {
    const totals = await store.ledger.standing('volunteer', accountId);
    const left = due.get(accountId) ?? { micro: 0n, units: 0 };
    const paid = {
      micro: (totals?.creditMicro ?? 0n) + left.micro,
      units: (totals?.units ?? 0) + left.units,
    };
    violations.unless(
      paid.micro === micro && paid.units === units,
      'C2',
      () =>
        `${accountId} was paid ${paid.micro} for ${paid.units} units, and earned ` +
        `${micro} with ${units}`,
    );
  }
}

/** Checks outlive their jobs: what one has earned this moment is in the outbox, and paid in the next round. */
async function dueOf(store: World['store'], partitions: number): Promise<Map<string, Income>> {
  const due = new Map<string, Income>();
  for (let partition = 0; partition < partitions; partition++) {
    const watermark = await store.ledger.watermark(partition);
    const records = await store.readOutbox(partition, watermark, Number.POSITIVE_INFINITY);
    for (const { accountId, micro, units } of records.flatMap(({ payments }) => payments)) {
      const before = due.get(accountId) ?? { micro: 0n, units: 0 };
      due.set(accountId, {
        micro: before.micro + BigInt(micro),
        units: before.units + runsSize(units),
      });
    }
  }
  return due;
}
