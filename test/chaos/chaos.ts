/**
 * One run: a grid at work, faults from one seed for some minutes, then everything mended, and when the jobs
 * are complete the checker looks whether every promise held.
 *
 *     scientist ─ jobs ─►  proxy ─► coordinators ─► (proxy ─►) Redis        what is struck: all of these
 *     light volunteers, real workers ─► proxy ─┘
 */
import { setTimeout as wait } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { Random } from '../simulation/random.ts';
import { newKeys } from '../support/volunteer.ts';
import { ChaosGrid, type Topology } from './chaos-grid.ts';
import { Checker, type Found } from './checker.ts';
import { faultsOf, mendAll, pickFault } from './faults.ts';
import { type Acknowledged, LightVolunteer } from './light-volunteer.ts';
import { Scientist } from './scientist.ts';
import { makeWorkloads } from './workloads.ts';

export type ChaosReport = Found & {
  seed: string;
  topology: Topology;
  minutes: number;
  kills: number;
  /** How often each fault struck. */
  faults: Record<string, number>;
  /** Those that this machine cannot make. */
  left: string[];
  jobs: number;
};

const workers = ['amber', 'birch'];
const lightVolunteers = ['cedar', 'dogwood', 'elder', 'fir'];

/** Between two faults: two and a half seconds in the mean, so that many strike before the last is mended. */
const gapMsMin = 300;
const gapMsMax = 8000;
/**
 * From the last fault until all jobs are complete. Leases end after 30 s, a coordinator or volunteer that
 * was long away is back within a minute; the rest is for a machine that does much else.
 */
const completeMsMax = 240_000;
/** Credit follows a result within a second; a busy machine may take longer. */
const paidMsMax = 30_000;

export async function chaos(
  { seed, topology, minutes }: Pick<ChaosReport, 'topology' | 'minutes'> & { seed: bigint },
  say: (line: string) => void,
): Promise<ChaosReport> {
  const random = new Random(seed);
  const grid = await ChaosGrid.start(topology);
  // Also when the test runs out of time.
  onTestFinished(() => grid.dispose());
  for (const name of workers) grid.keepWorker(name);
  const workloads = makeWorkloads();
  const scientist = new Scientist(grid, workloads);
  // The last two hosts are of one account: it is paid once for a unit, whichever did it.
  const shared = newKeys();
  const light = lightVolunteers.map((name, i) => {
    const keys = i < 2 ? newKeys() : newKeys(shared.account);
    return new LightVolunteer({ name, url: grid.url, keys, workloads, random: random.fork(name) });
  });
  const submitting = new AbortController();
  const working = new AbortController();
  const work = [scientist.run(submitting.signal), ...light.map((one) => one.run(working.signal))];

  await scientist.atWork();
  const { faults, left } = await strikeFor(minutes, grid, random, say);
  mendAll(grid);
  submitting.abort();
  say(`${grid.kills} kills; all is mended, the jobs are awaited`);
  const late = await completion(scientist, say);
  working.abort();
  await Promise.all(work);

  const acknowledged = [
    ...light.flatMap((one) => one.acknowledged),
    ...workers.flatMap((name) => acknowledgedBy(grid, name)),
  ];
  say(`${scientist.jobs.length} jobs, ${acknowledged.length} acknowledgements; checking`);
  for (const line of late) say(line);
  const sayLastWords = () => {
    for (const { name } of grid.coordinators) say(grid.lastWordsOf(name));
  };
  if (late.length > 0) sayLastWords();
  const found = await checked(grid, scientist, acknowledged);
  if (found.violations.length > 0) sayLastWords();
  const stopped = await grid.stop();
  const violations = [
    ...late,
    ...found.violations,
    ...grid.crashes,
    ...light.flatMap(({ complaints }) => complaints),
    ...scientist.complaints,
    ...stopped.codes.filter((code) => code !== 0).map((code) => `a process ended with ${code}`),
    ...stopped.processes.map((args) => `left running: ${args}`),
  ];
  const jobs = scientist.jobs.length;
  const { kills } = grid;
  const run = { seed: `${seed}`, topology, minutes, kills, faults, left, jobs };
  return { ...found, ...run, violations };
}

/** Returns how often each fault struck, and which ones this machine cannot make; all have mended. */
async function strikeFor(
  minutes: number,
  grid: ChaosGrid,
  random: Random,
  say: (line: string) => void,
): Promise<Pick<ChaosReport, 'faults' | 'left'>> {
  const { faults, left } = faultsOf(grid, workers);
  const counts: Record<string, number> = {};
  const mending: Promise<void>[] = [];
  let ms = 0;
  for (let number = 0; ; number++) {
    const drawn = random.fork(`fault ${number}`);
    const gapMs = drawn.skewed(gapMsMin, gapMsMax);
    ms += gapMs;
    if (ms > minutes * 60_000) break;
    await wait(gapMs);
    const fault = pickFault(faults, drawn);
    counts[fault.name] = (counts[fault.name] ?? 0) + 1;
    say(`${(ms / 1000).toFixed(1).padStart(7)} s  ${fault.name}`);
    mending.push(fault.strike(drawn));
  }
  await Promise.all(mending);
  return { faults: counts, left };
}

/** Waits until all jobs are complete; tells of those that are not in time. */
async function completion(scientist: Scientist, say: (line: string) => void): Promise<string[]> {
  const since = performance.now();
  const late: string[] = [];
  for (const { jobId, workload } of scientist.jobs) {
    for (;;) {
      const job = await scientist.show(jobId);
      if (job?.state === 'complete') break;
      if (performance.now() - since > completeMsMax) {
        const why = await scientist.why(jobId);
        late.push(`[W8] ${workload.name} is not complete: ${JSON.stringify({ ...job, why })}`);
        break;
      }
      await wait(100);
    }
  }
  const waited = ((performance.now() - since) / 1000).toFixed(1);
  say(late.length === 0 ? `complete ${waited} s after that` : `not complete after ${waited} s`);
  return late;
}

/** Again while credit may still be on its way; what is wrong in a look that begins after that is wrong. */
async function checked(
  grid: ChaosGrid,
  { jobs }: Scientist,
  acknowledged: readonly Acknowledged[],
): Promise<Found> {
  const until = performance.now() + paidMsMax;
  for (;;) {
    // One look takes a while on a busy machine, and something may be paid between two of its questions.
    const isLast = performance.now() > until;
    const found = await new Checker(grid).check(jobs, acknowledged, workers);
    if (found.violations.length === 0 || isLast) return found;
    await wait(1000);
  }
}

/** What a real worker was told is recorded, in all of its lives. */
function acknowledgedBy(grid: ChaosGrid, worker: string): Acknowledged[] {
  const events = grid.eventsOf(worker);
  const accountId = events.flatMap((event) =>
    event.type === 'connected' ? [event.accountId] : [],
  )[0];
  return events
    .flatMap((event) => (event.type === 'recorded' ? event.verdicts : []))
    .map((one) => ({ ...one, accountId: accountId ?? '', digest: null }));
}
