/**
 * Follows a job until it ends and tells how: `watch` and `submit --wait`. Following changes nothing:
 * Ctrl-C only stops looking, and a coordinator that restarts is waited for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Option } from '@commander-js/extra-typings';
import type { JobView } from '../protocol/http.ts';
import { badUsage } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { formatCount, formatCredit, formatUnits, parseDurationMs } from './format.ts';
import type { Grid } from './grid.ts';
import { isUnreachable } from './http.ts';
import { openProgressBar } from './progress-bar.ts';
import { readResults } from './results.ts';
import { plainText, say } from './terminal.ts';

/** Four times a second looks alive and costs the coordinator next to nothing. */
const lookEveryMs = 250;
/** More kinds of failure than this fill a screen; `results` has them all. */
const failureKindsMax = 8;

export const timeoutOption = () =>
  new Option('--timeout <time>', 'give up waiting after this long, like 90s, 10m or 2h').argParser(
    (text): number => {
      const timeoutMs = parseDurationMs(text);
      if (timeoutMs !== null) return timeoutMs;
      throw badUsage(
        `"${text}" is no length of time.`,
        'a number with s, m, h or d is expected',
        'write it like --timeout 10m',
      );
    },
  );

/** The job as it ended, or null when the person stopped looking. Sets the exit code either way. */
export async function followJob(
  grid: Grid,
  jobId: string,
  options: { timeoutMs?: number | undefined } = {},
): Promise<JobView | null> {
  const stop = new AbortController();
  let left: number = exitCodes.interrupted;
  const detach = (signal: NodeJS.Signals) => {
    left = signal === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted;
    stop.abort();
  };
  process.once('SIGINT', detach).once('SIGTERM', detach);
  try {
    const ended = await untilEnded(grid, jobId, { ...options, signal: stop.signal });
    if (ended === null) {
      say(`Job ${jobId} continues.`);
      say(`Watch:  ${grid.hint(`watch ${jobId}`)}`);
      say(`Cancel: ${grid.hint(`cancel ${jobId}`)}`);
      process.exitCode = left;
    }
    return ended;
  } finally {
    process.off('SIGINT', detach).off('SIGTERM', detach);
  }
}

/** Draws the progress until the job has ended; null when the signal came first. */
export async function untilEnded(
  grid: Grid,
  jobId: string,
  options: { signal: AbortSignal; timeoutMs?: number | undefined },
): Promise<JobView | null> {
  const { signal, timeoutMs } = options;
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs;
  const bar = openProgressBar();
  let seen = false;
  try {
    while (!signal.aborted) {
      try {
        const job = await grid.job(jobId);
        seen = true;
        bar.show(job);
        if (job.state === 'complete' || job.state === 'cancelled') return job;
      } catch (error) {
        if (!seen || !isUnreachable(error)) throw error;
        bar.note('The coordinator does not answer; trying again. The job is kept.');
      }
      if (Date.now() > deadline) throw timedOut(grid, jobId);
      await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
    }
    return null;
  } finally {
    bar.close();
  }
}

/** The last lines about a job that ended, and the exit code it ended in. */
export async function tellEnd(grid: Grid, job: JobView): Promise<void> {
  const { jobId, units, canonical, failed, creditMicro } = job;
  if (job.state === 'cancelled') {
    say(`Job ${jobId} was cancelled with ${formatCount(canonical)} of ${formatCount(units)} done.`);
    process.exitCode = exitCodes.cancelled;
    return;
  }
  say(
    `${formatCount(canonical)} of ${formatUnits(units)} done, ${formatCredit(creditMicro)} credits.`,
  );
  if (failed > 0) {
    await tellFailedUnits(grid, job);
    process.exitCode = exitCodes.unitsFailed;
  }
  say(`Results: ${grid.hint(`results ${jobId}`)}`);
}

/** Failures grouped by how they ended and what was said, numbers aside, with one example of each. */
async function tellFailedUnits(grid: Grid, job: JobView): Promise<void> {
  const kinds = new Map<string, { count: number; told: string; example: string }>();
  let found = 0;
  for await (const line of readResults(grid, job.jobId)) {
    if (line.detail === undefined) continue;
    const told = plainText(line.detail);
    const kind = told.replace(/\d+/g, '#');
    const example = `unit ${line.unit} ${JSON.stringify(line.params)}`;
    const known = kinds.get(kind) ?? { count: 0, told, example };
    kinds.set(kind, { ...known, count: known.count + 1 });
    if (++found === job.failed) break;
  }
  say(
    `${formatCount(job.failed)} failed, ${kinds.size === 1 ? '1 cause' : `${kinds.size} causes`}:`,
  );
  const frequent = [...kinds.values()].sort((a, b) => b.count - a.count);
  for (const { count, told, example } of frequent.slice(0, failureKindsMax)) {
    say(`  ${formatCount(count)} × ${told}`);
    say(`    for example ${plainText(example)}`);
  }
}

const timedOut = (grid: Grid, jobId: string) =>
  new Failure('wait_timed_out', `Job ${jobId} has not ended in the time given.`, {
    why: 'it continues on the grid',
    remedy: `look again with \`${grid.hint(`watch ${jobId}`)}\``,
  });
