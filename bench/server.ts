/** A coordinator in a process of its own, as the benches drive it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { JobId } from '../protocol/ids.ts';
import type { JobDocumentInput } from '../protocol/job.ts';

export type ServerOrder =
  | { kind: 'start'; dataDir: string; shared: Shared | null }
  | { kind: 'submit'; document: Omit<JobDocumentInput, 'kernel'> }
  | { kind: 'redisBytes' }
  | { kind: 'stop' };

/** Where coordinators share a Redis and a folder. */
export type Shared = { redisUrl: string; sharedDir: string };
/** `redisPid` is 0 where it is somebody else's. */
export type ServerStarted = { url: string; redisPid: number; tokenFile: string };

export type BenchServer = ServerStarted & {
  child: ChildProcess;
  pid: number;
  /** Submits a job with an empty kernel; the document lacks only that. Returns its id. */
  submit(document: Omit<JobDocumentInput, 'kernel'>): Promise<JobId>;
  /** used_memory, as Redis counts it. */
  redisBytes(): Promise<number>;
};

export async function startServer(
  dataDir: string,
  shared: Shared | null = null,
): Promise<BenchServer> {
  const child = fork(new URL('./server-process.js', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new AbortController();
  child.once('exit', () => ended.abort(new Error("the bench's coordinator ended")));
  // One order at a time: the answers bear no name.
  let last: Promise<unknown> = Promise.resolve();
  const ask = (order: ServerOrder): Promise<unknown> => {
    const reply = last.then(async () => {
      child.send(order);
      return (await once(child, 'message', { signal: ended.signal }))[0];
    });
    last = reply.catch(() => {});
    return reply;
  };
  const started = (await ask({ kind: 'start', dataDir, shared })) as ServerStarted;
  return {
    child,
    ...started,
    pid: child.pid ?? 0,
    submit: async (document) => String(await ask({ kind: 'submit', document })),
    redisBytes: async () => Number(await ask({ kind: 'redisBytes' })),
  };
}

export async function stopServer({ child }: BenchServer): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.send({ kind: 'stop' } satisfies ServerOrder);
  await ended;
}
