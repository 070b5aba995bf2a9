import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopServersOn } from '../../coordinator/redis/orphan.ts';
import { type Child, startChild } from '../child.ts';
import { command, jsonOption } from '../command.ts';
import { checkMersenne, computeMersenne, tellMersenne } from '../demo-run.ts';
import { exitCodes } from '../exit-codes.ts';
import { openGrid } from '../grid.ts';
import { awaitStop } from '../stop-signal.ts';
import { print, printJson, say } from '../terminal.ts';

const volunteers = ['amber-otter', 'quiet-heron'];

export const demo = () =>
  command('demo', 'See a whole grid at work: it starts, computes, checks and ends.', [
    'manyhands demo',
    'manyhands demo --keep             and look around in a browser',
    'manyhands demo --json | tail -1 | jq .canonical',
  ])
    .option('--keep', 'stay up afterwards, until Ctrl-C')
    .addOption(jsonOption())
    .action(async ({ keep, json }) => {
      const stop = awaitStop();
      const ending = new AbortController();
      const stopped = stop.first.then((signal) => {
        process.exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
        ending.abort();
      });
      const folder = await mkdtemp(join(tmpdir(), 'manyhands-demo-'));
      const children: Child[] = [];
      try {
        const done = runDemo(folder, children, { keep, json, signal: ending.signal });
        // Stopped, it fails of its ending children: then that is no news.
        await Promise.race([done, stopped]);
        if (ending.signal.aborted) {
          done.catch(() => {});
          say('Stopping.');
        } else if (keep) {
          say('It stays up until Ctrl-C.');
          await Promise.race([stopped, ...children.map((child) => child.died)]);
          process.exitCode = exitCodes.ok;
        }
      } finally {
        // Volunteers first: they hand back what they hold to a coordinator that still listens.
        const [coordinator, ...joined] = children;
        await Promise.all(joined.map((child) => child.stop()));
        await coordinator?.stop();
        // A coordinator that was killed leaves its Redis for the next one. Here there is none.
        await stopServersOn(join(folder, 'coordinator', 'redis'));
        await rm(folder, { recursive: true, force: true });
        stop.close();
      }
    });

async function runDemo(
  folder: string,
  children: Child[],
  options: { keep: boolean | undefined; json: boolean | undefined; signal: AbortSignal },
): Promise<void> {
  const start = (name: string, args: string[]) => {
    const child = startChild(name, args, folder);
    children.push(child);
    return child;
  };
  say('Starting a coordinator and two volunteers in a folder that goes away afterwards.');
  const data = join(folder, 'coordinator');
  const coordinator = start('coordinator', ['coordinator', '--port', '0', '--data', data]);
  const url = await coordinator.lineAfter('ready ');
  if (options.signal.aborted) return;
  print(`Page: ${url}/`);
  for (const name of volunteers) {
    start(name, ['join', url, '--name', name, '--data', join(folder, name)]);
  }

  const grid = openGrid({ url, tokenFile: join(data, 'operator.token') });
  const work = computeMersenne(grid, options.signal);
  const done = await Promise.race([work, ...children.map((child) => child.died)]);
  if (done === null) return;
  tellMersenne(done);
  checkMersenne(done);
  if (options.json) {
    const { job, results, wallMs } = done;
    printJson({
      job: job.jobId,
      units: job.units,
      canonical: job.canonical,
      failed: job.failed,
      fuel: job.fuel,
      creditMicro: job.creditMicro,
      wallMs,
      results,
    });
  }
  if (options.keep) {
    say(`Lend a hand too: manyhands join ${url}`);
    say(`Submit a job:    manyhands submit job.json --url ${url}`);
  }
}
