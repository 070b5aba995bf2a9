/**
 * The sandbox process: the outer of the two walls between a kernel and the volunteer's machine. It
 * runs kernels in a pool of threads (the inner wall), may read nothing but its own code, and does
 * as the agent says over IPC. It holds nothing that would be missed: the agent may kill it at any
 * moment, and it kills itself when the agent is gone.
 *
 * Its main thread only passes messages on and compiles in the background, so it always answers.
 */
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { aSaveWish, type SaveWish, wishSave } from '../checkpoint/save-wish.ts';
import { threadFailed } from '../no-end.ts';
import type { UnitEnd } from '../sandbox.ts';
import type { FromProcess, ProcessOptions, RunNumber, ToProcess } from './messages.ts';
import type { ThreadWork } from './thread.ts';

const { threads, memoryBytesMax }: ProcessOptions = JSON.parse(process.argv[2] ?? '{}');

const pool = new Piscina<ThreadWork | undefined, UnitEnd>({
  filename: new URL('./thread.js', import.meta.url).href,
  minThreads: threads,
  maxThreads: threads,
  // A kernel's memory and files are buffers outside of this; what is left is names and numbers.
  resourceLimits: { maxOldGenerationSizeMb: 128 },
});
const modules = new Map<string, Promise<WebAssembly.Module>>();
interface UnderWay {
  stopper: AbortController;
  wish: SaveWish | null;
  ended: Promise<void>;
}
const underWay = new Map<RunNumber, UnderWay>();

const say = (message: FromProcess): void => {
  // The channel can close at any time; then `disconnect` ends this process.
  process.send?.(message, undefined, undefined, () => {});
};
/** `exit` would wait for threads that may never end. */
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

// Ctrl-C reaches the whole foreground group, a service's stop the whole service: the agent decides.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.once('disconnect', die);
process.on('message', (message: ToProcess) => {
  if (message.kind === 'load') load(message.digest, message.wasm);
  else if (message.kind === 'unload') modules.delete(message.digest);
  else if (message.kind === 'run') begin(message);
  else if (message.kind === 'save') save(message.run);
  else void stop(message.run);
});
pool.on('message', (told: FromProcess) => say(told));
watchMemory();
// A thread takes some 50 ms to begin, more on a busy machine: no run's wall time should pay for it.
// One that cannot begin is an error that nobody handles: the process ends, and the agent sees it.
await Promise.all(Array.from({ length: threads }, () => pool.run(undefined, { name: 'warmUp' })));
say({ kind: 'ready' });

function load(digest: string, wasm: Uint8Array): void {
  const module = WebAssembly.compile(wasm);
  // Those who wait for it are told; nobody may be waiting yet.
  module.catch(() => {});
  modules.set(digest, module);
}

function begin(message: ToProcess & { kind: 'run' }): void {
  const stopper = new AbortController();
  const wish = aSaveWish();
  const ended = run(message, wish, stopper.signal).finally(() => underWay.delete(message.run));
  underWay.set(message.run, { stopper, wish, ended });
}

/** The run finds the wish whenever it comes to look. */
function save(run: RunNumber): void {
  const wish = underWay.get(run)?.wish ?? null;
  if (wish !== null) wishSave(wish);
}

async function run(
  message: ToProcess & { kind: 'run' },
  wish: SaveWish | null,
  stop: AbortSignal,
): Promise<void> {
  const { run, digest, unit, from } = message;
  try {
    const module = await modules.get(digest);
    if (module === undefined) throw new Error('the kernel was not loaded');
    const end = await pool.run({ run, module, unit, from, wish }, { signal: stop });
    say({ kind: 'ended', run, end });
  } catch (error) {
    // The thread itself failed, out of memory for instance.
    if (!stop.aborted) say({ kind: 'ended', run, end: threadFailed(error) });
  }
}

/**
 * Ends the run's thread and answers when it is really gone, or when the kernel is compiled that it
 * still waits for: neither can be forced from here. The agent counts the seconds.
 */
async function stop(run: RunNumber): Promise<void> {
  const before = pool.threads;
  const found = underWay.get(run);
  found?.stopper.abort();
  const threadsEnded = before.filter((thread) => !pool.threads.includes(thread)).map(hasExited);
  await Promise.all([found?.ended, ...threadsEnded]);
  say({ kind: 'stopped', run });
}

const hasExited = (thread: Worker): Promise<void> =>
  new Promise((resolve) => {
    thread.once('exit', () => resolve());
  });

function watchMemory(): void {
  if (memoryBytesMax === null) return;
  // Twice a second: a kernel touches fresh memory at some GiB/s at most, and its own is capped.
  setInterval(() => {
    if (process.memoryUsage.rss() <= memoryBytesMax) return;
    process.send?.({ kind: 'outOfMemory' } satisfies FromProcess, undefined, undefined, die);
  }, 500);
}
