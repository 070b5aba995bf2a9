/** A coordinator in a process of its own, as the benches drive it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { JobDocumentInput } from '../protocol/job.ts';

export type ServerOrder =
  | { kind: 'start'; dataDir: string }
  | { kind: 'submit'; document: Omit<JobDocumentInput, 'kernel'> }
  | { kind: 'redisBytes' }
  | { kind: 'stop' };

export type BenchServer = {
  child: ChildProcess;
  url: string;
  pid: number;
  redisPid: number;
  /** Submits a job with an empty kernel; the document lacks only that. */
  submit(document: Omit<JobDocumentInput, 'kernel'>): Promise<void>;
  /** used_memory, as Redis counts it. */
  redisBytes(): Promise<number>;
};

export async function startServer(dataDir: string): Promise<BenchServer> {
  const child = fork(new URL('./server-process.js', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ask = async (order: ServerOrder): Promise<unknown> => {
    child.send(order);
    const [reply] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`the bench's coordinator ended with code ${code}`);
      }),
    ]);
    return reply;
  };
  const { url, redisPid } = (await ask({ kind: 'start', dataDir })) as {
    url: string;
    redisPid: number;
  };
  return {
    child,
    url,
    redisPid,
    pid: child.pid ?? 0,
    submit: async (document) => {
      await ask({ kind: 'submit', document });
    },
    redisBytes: async () => Number(await ask({ kind: 'redisBytes' })),
  };
}

export async function stopServer({ child }: BenchServer): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.send({ kind: 'stop' } satisfies ServerOrder);
  await ended;
}
