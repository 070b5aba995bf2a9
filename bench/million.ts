/**
 * A job of a million tiny units, from its submission to its last result: what the coordinator and
 * Redis keep in memory meanwhile, what `show` takes when all is done, what Redis keeps when the journals are in
 * files, and whether results can be read from there in a stream that keeps nothing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { shardsPerGroup } from '../coordinator/domain/archive-group.ts';
import { Load } from './load.ts';
import { mebibytes, peakRssBytes, rssBytes } from './memory.ts';
import { type BenchServer, startServer, stopServer } from './server.ts';

const units = 1_000_000;
/** As coordinator/domain/job.ts has it for a job of so many. */
const unitsPerShard = 256;
const volunteers = 32;
const leaseUnits = 32;
const leasesInFlight = 16;
const lookEveryMs = 200;
/** Enough for a median that one slow answer does not move. */
const showings = 21;

type Peaks = { coordinatorRssBytesMax: number; redisBytesMax: number };
type Measured = Peaks & {
  units: number;
  seconds: number;
  showMs: number;
  /** What Redis has when all journals are in files, and how large those are. */
  redisBytesArchived: number;
  archiveBytes: number;
  resultsSeconds: number;
  resultsLines: number;
  /** Of the command that reads them. */
  streamRssBytesMax: number;
};

export async function million(say: (line: string) => void): Promise<Measured> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const server = await startServer(dataDir);
  const { url } = server;
  const load = new Load({ url, count: volunteers, leaseUnits, leasesInFlight, pauseMs: 0 });
  try {
    const startedAt = performance.now();
    const jobId = await server.submit({ name: 'a million', units: { range: { count: units } } });
    const peaks = await watch(server, jobId);
    const seconds = (performance.now() - startedAt) / 1000;
    await load.stop();
    say(
      `${units.toLocaleString('en')} units in ${seconds.toFixed(1)} s: coordinator at most ${mebibytes(peaks.coordinatorRssBytesMax)} of RSS, Redis ${mebibytes(peaks.redisBytesMax)}`,
    );
    const showMs = await medianShow(server, jobId);
    say(`show: ${showMs.toFixed(1)} ms, the median of ${showings}`);
    const archived = await untilArchived(server, join(dataDir, 'archive', 'jobs', jobId));
    say(
      `${archived.files} files of the archive have ${mebibytes(archived.archiveBytes)}; Redis then ${mebibytes(archived.redisBytesArchived)}`,
    );
    const results = await readResults(server, jobId);
    const { resultsLines, resultsSeconds, streamRssBytesMax } = results;
    say(
      `results: ${resultsLines.toLocaleString('en')} lines in ${resultsSeconds.toFixed(1)} s, at most ${mebibytes(streamRssBytesMax)} of RSS`,
    );
    const coordinatorRssBytesMax = await peakRssBytes(server.pid);
    say(`coordinator, with all that: at most ${mebibytes(coordinatorRssBytesMax)} of RSS`);
    const { redisBytesArchived, archiveBytes } = archived;
    const kept = { redisBytesArchived, archiveBytes };
    return { units, seconds, ...peaks, coordinatorRssBytesMax, showMs, ...kept, ...results };
  } finally {
    await load.stop();
    await stopServer(server);
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Until the job has ended; the most that was seen. */
async function watch(server: BenchServer, jobId: string): Promise<Peaks> {
  const peaks = { coordinatorRssBytesMax: 0, redisBytesMax: 0 };
  for (;;) {
    const [job, rss, redisBytes] = await Promise.all([
      show(server, jobId),
      rssBytes(server.pid),
      server.redisBytes(),
    ]);
    peaks.coordinatorRssBytesMax = Math.max(peaks.coordinatorRssBytesMax, rss);
    peaks.redisBytesMax = Math.max(peaks.redisBytesMax, redisBytes);
    if (job.state !== 'open') return peaks;
    await wait(lookEveryMs);
  }
}

async function show({ url }: BenchServer, jobId: string): Promise<{ state: string }> {
  const reply = await fetch(`${url}/v1/jobs/${jobId}`);
  if (!reply.ok) throw new Error(`the bench's job was not shown: ${await reply.text()}`);
  return (await reply.json()) as { state: string };
}

async function medianShow(server: BenchServer, jobId: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < showings; i++) {
    const at = performance.now();
    await show(server, jobId);
    times.push(performance.now() - at);
  }
  return times.sort((a, b) => a - b)[showings >> 1] ?? 0;
}

/** All of its split shards: the bench's volunteers are of many accounts, and of its checks some are never taken. */
async function untilArchived(server: BenchServer, folder: string) {
  const groups = Math.ceil(Math.ceil(units / unitsPerShard) / shardsPerGroup);
  for (;;) {
    const names = await readdir(folder).catch((): string[] => []);
    if (names.filter((name) => name.startsWith('splits-')).length === groups) {
      // The last file is there before Redis has let go.
      await wait(1000);
      const sizes = await Promise.all(names.map((name) => stat(join(folder, name))));
      const archiveBytes = sizes.reduce((sum, { size }) => sum + size, 0);
      return { files: names.length, archiveBytes, redisBytesArchived: await server.redisBytes() };
    }
    await wait(lookEveryMs);
  }
}

/** As a scientist reads them: the command, into a pipe. */
async function readResults({ url, tokenFile }: BenchServer, jobId: string) {
  const program = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const args = [program, 'results', jobId, '--url', url, '--token-file', tokenFile];
  const at = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let [resultsLines, streamRssBytesMax] = [0, 0];
  const look = setInterval(() => {
    // Once it has ended there is nothing to look at any more.
    rssBytes(child.pid ?? 0).then(
      (rss) => {
        streamRssBytesMax = Math.max(streamRssBytesMax, rss);
      },
      () => {},
    );
  }, lookEveryMs);
  const closed = once(child, 'close');
  for await (const part of child.stdout) {
    for (const byte of part as Buffer) if (byte === 10) resultsLines++;
  }
  const [code] = (await closed) as [number];
  clearInterval(look);
  if (code !== 0) throw new Error(`results ended with code ${code}`);
  return { resultsLines, resultsSeconds: (performance.now() - at) / 1000, streamRssBytesMax };
}
