/**
 * What becomes of a simulated grid in the months after its jobs: time leaps, hosts that are still here are asked to
 * check what others left behind, and in the end all results are final, all credit is available, and the tables of
 * trust are empty but for who did it.
 */
import { dayMs } from '../../coordinator/domain/day.ts';
import { archiveJobs } from '../../coordinator/flow/archive-jobs.ts';
import { removeJob } from '../../coordinator/flow/remove-job.ts';
import { openResults, openRevocations } from '../../coordinator/flow/results.ts';
import { showJob } from '../../coordinator/flow/show.ts';
import type { JobId } from '../../protocol/ids.ts';
import { checkArtifacts } from './checks.ts';
import { scientist } from './scientist.ts';
import type { SimGrid } from './sim-grid.ts';
import { clearing, type World } from './world.ts';

/**
 * The first looks come when days end; then a week, a month, two months, and whatever those have left. Late results
 * are paid when all else is final, and held in their turn. What is final then is forgotten in the rounds after.
 */
const leapsDays = [1, 8, 1, 22, 1, 29, 2, 62, 1];
/** Rounds of trust, and the checks of a newcomer that has left. */
const settleMs = 15_000;

export async function playToFinality(grid: SimGrid): Promise<void> {
  const { world } = grid;
  for (const days of leapsDays) {
    world.trace('time', `leaps ${days} days`);
    world.clock.leap(days * dayMs);
    await grid.playFor(settleMs);
  }
  if (world.violations.first !== null) return;
  let isChecked = false;
  void check(grid).then(() => {
    isChecked = true;
  });
  await grid.play(() => isChecked);
}

async function check(grid: SimGrid): Promise<void> {
  const { world, coordinators } = grid;
  const { store, violations } = world;
  for (const { jobId, name } of world.jobs) {
    const context = coordinators.map((one) => one.context).find((one) => one !== null);
    if (jobId === null || context === undefined) continue;
    const job = await store.jobs.read(jobId);
    violations.unless(job?.finalAt !== null, 'T5', () => `${name} is held for ever`);
    const { canonical, final } = await showJob(context, jobId);
    violations.unless(
      final === canonical,
      'T5',
      () => `${final} of ${canonical} of ${name} are final`,
    );
    const kept = await store.archive.lengths(jobId, [...Array(job?.counts.shards).keys()]);
    violations.unless(
      kept.every((length) => length === 0),
      'W7',
      () => `${name} is final, and its journals are still in Redis`,
    );
    for await (const lines of await openResults(context, jobId, 0)) {
      for (const { unit, verdict } of lines) {
        const isEnded = verdict === 'final' || verdict === 'invalid';
        violations.unless(isEnded, 'T5', () => `unit ${unit} of ${name} is ${verdict} for ever`);
      }
    }
  }
  await checkLedger(world);
  await checkTables(world);
  await checkArchived(world);
  await checkCleared(grid);
}

/** When all of it is in files it reads as it did before. */
async function checkArchived({ store, grid, jobs, artifacts, violations }: World): Promise<void> {
  const told = async () => {
    const lines: string[] = [];
    for (const { jobId } of jobs) {
      if (jobId === null) continue;
      const job = await store.jobs.read(jobId);
      lines.push(JSON.stringify({ ...job, counts: String(Object.values(job?.counts ?? {})) }));
      for await (const some of await openResults({ store, artifacts }, jobId, 0))
        lines.push(...some.map((line) => JSON.stringify(line)));
      for await (const some of await openRevocations({ store, artifacts }, jobId, 0))
        lines.push(...some.map((line) => JSON.stringify(line)));
    }
    return lines.join('\n');
  };
  const before = await told();
  for (let partition = 0; partition < grid.partitions; partition++) {
    await archiveJobs({ store }, partition, 0);
    const kept = (await store.archive.listKept(partition)).map(({ jobId }) => jobId);
    violations.unless(kept.length === 0, 'W7', () => `still in Redis: ${kept.join()}`);
  }
  const isSame = (await told()) === before;
  violations.unless(isSame, 'W7', () => 'jobs or results are others when they are in files');
}

/** Until whoever has asked has an answer, or gives up. */
const lastLookMs = 20_000;

/** [W10] What is named is there after all the rounds; and when the jobs are removed none of it is. */
async function checkCleared(grid: SimGrid): Promise<void> {
  const { world, coordinators } = grid;
  const { artifacts, clock, jobs, violations } = world;
  const context = coordinators.map((one) => one.context).find((one) => one !== null);
  if (context === undefined) throw new Error('no coordinator is there in the end');
  /** What nothing names is set aside in the first of the rounds, and goes in the second. */
  const daysPass = async () => {
    for (let round = 0; round < 3; round++) {
      await clock.pause(clearing.everyMs * 3);
      clock.leap(dayMs);
    }
    await clock.pause(clearing.everyMs * 3);
  };
  await daysPass();
  await checkArtifacts(world);
  for (const one of [grid.scientist, grid.curious]) one.stop();
  // They would repeat reports to jobs that there are not any more.
  for (const host of grid.hosts) host.crash(true);
  await clock.pause(lastLookMs);
  for (const { jobId } of jobs)
    if (jobId !== null) await removeJob(context, jobId, scientist, 'done');
  await daysPass();
  const left: string[] = [];
  for await (const { digest } of artifacts.list()) left.push(digest);
  violations.unless(left.length === 0, 'W10', () => `named by nothing: ${left.join()}`);
}

async function checkLedger({ store, violations }: World): Promise<void> {
  const { balances } = await store.ledger.allBalances();
  const pending = [...balances.keys()].filter((account) => account.endsWith(':pending'));
  violations.unless(pending.length === 0, 'C3', () => `pending for ever: ${pending.join(' ')}`);
}

async function checkTables({ store, jobs, violations }: World): Promise<void> {
  const { trust } = store;
  const jobIds = jobs.flatMap(({ jobId }): JobId[] => (jobId === null ? [] : [jobId]));
  const tallies = jobIds.map((jobId) => `tallies ${jobId}` as const);
  const tables = [
    'cases',
    'work',
    'numbers',
    'orders',
    'sweeps',
    'amendments',
    ...tallies,
  ] as const;
  for (const table of tables) {
    const rows = await trust.fields(table);
    violations.unless(
      rows.length === 0,
      'T5',
      () => `left in ${table}: ${rows.slice(0, 9).join()}`,
    );
  }
}
