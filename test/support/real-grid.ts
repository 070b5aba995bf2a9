// A real coordinator on a real Redis of its own, in this process, in a folder that goes away; and the
// scientist's side of it. What the doors tests knock at.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { emptyKernel } from '../../bench/empty-kernel.ts';
import { tokenHash } from '../../coordinator/flow/authorize.ts';
import {
  type Coordinator,
  type CoordinatorOptions,
  startCoordinator,
} from '../../coordinator/main.ts';
import { ArchiveFolder } from '../../coordinator/store/archive-folder.ts';
import { makeClient } from '../../coordinator/store/redis-connection.ts';
import { openRedisStore } from '../../coordinator/store/redis-store.ts';
import type { Store } from '../../coordinator/store/store.ts';
import type { ErrorBody } from '../../protocol/errors.ts';
import type { JobView, ResultLine, Standing, Submitted } from '../../protocol/http.ts';
import { idFromBytes } from '../../protocol/ids.ts';
import type { JobDocumentInput } from '../../protocol/job.ts';
import type { TokenScope } from '../../protocol/tokens.ts';
import { pastJobs } from './volunteer.ts';

/** A tenth of what the coordinator takes to look at a decided job again. */
const closingLookMs = 50;

export type RealGrid = {
  readonly url: string;
  readonly dataDir: string;
  /** The operator's token. */
  readonly token: string;
  /** The digest of a kernel that is stored here and does nothing. */
  readonly kernel: string;
  /** With the operator's token, unless the request brings its own headers. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Stores an input; returns its digest. */
  put(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
  /** A job of units 0, 1, 2… of the empty kernel. Throws when it is refused. */
  submit(units: number, parts?: Partial<JobDocumentInput>): Promise<string>;
  show(jobId: string): Promise<JobView>;
  /** As it is when nothing more is waited for: its last hosts are checked a moment after its last unit. */
  ended(jobId: string): Promise<JobView>;
  cancel(jobId: string): Promise<void>;
  /** So that the next test has the coordinator to itself, and its volunteers no part in these jobs. */
  cancelAll(): Promise<void>;
  results(jobId: string, from?: number): Promise<ResultLine[]>;
  standings(): Promise<Standing[]>;
  /** A token with these scopes only. */
  makeToken(...scopes: TokenScope[]): Promise<string>;
  /** A store of one's own over the grid's Redis, to be closed. */
  openStore(): Promise<Store>;
  /** Bytes of what the grid has stored in its Redis: neither scripts nor what is on its way to somebody. */
  redisBytes(): Promise<number>;
  /** Ends its Redis with SIGKILL; the coordinator starts it again. */
  killRedis(): Promise<void>;
  /** Its Redis stands still until the returned function is called. */
  stallRedis(): () => void;
  /** Drains the coordinator and starts it again on the same data, at another port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** In a new folder, or in one with a grid in it; which goes away with the grid. */
export async function startRealGrid(
  folder?: string,
  options: Partial<CoordinatorOptions> = {},
): Promise<RealGrid> {
  const dataDir = await realpath(folder ?? (await mkdtemp(join(tmpdir(), 'mh-grid-'))));
  const start = (): Promise<Coordinator> =>
    startCoordinator({ host: '127.0.0.1', port: 0, dataDir, logLevel: 'fatal', ...options });
  let coordinator = await start();
  const token = (await readFile(coordinator.operatorToken.path, 'utf8')).trim();
  const authorization = { authorization: `Bearer ${token}` };

  const request = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const reply = await grid.fetch(path, init);
    if (!reply.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${await reply.text()}`);
    return (await reply.json()) as T;
  };

  const grid: RealGrid = {
    get url() {
      return coordinator.url;
    },
    dataDir,
    token,
    kernel: emptyKernel().digest,
    fetch: (path, init = {}) =>
      fetch(`${coordinator.url}${path}`, {
        ...init,
        headers: { ...authorization, ...(init.headers as Record<string, string>) },
      }),
    async put(bytes) {
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      await request(`/v1/artifacts/${digest}`, { method: 'PUT', body: bytes });
      return digest;
    },
    async submit(units, parts = {}) {
      const document: JobDocumentInput = {
        name: 'a job',
        kernel: grid.kernel,
        units: { range: { count: units } },
        ...parts,
      };
      const { jobId } = await request<Submitted>('/v1/jobs', json(document));
      return jobId;
    },
    show: (jobId) => request(`/v1/jobs/${jobId}`),
    async ended(jobId) {
      for (;;) {
        const job = await grid.show(jobId);
        if (job.decidedAt === null || job.completedAt !== null) return job;
        await wait(closingLookMs);
      }
    },
    async cancel(jobId) {
      await request(`/v1/jobs/${jobId}/cancel`, { method: 'POST' });
    },
    async cancelAll() {
      const { jobs } = await request<{ jobs: JobView[] }>('/v1/jobs');
      for (const { jobId, state } of jobs) {
        pastJobs.add(jobId);
        // One that was waiting for its checks may be complete by now.
        if (state === 'open') await grid.fetch(`/v1/jobs/${jobId}/cancel`, { method: 'POST' });
      }
    },
    async results(jobId, from = 0) {
      const reply = await grid.fetch(`/v1/jobs/${jobId}/results?from=${from}`);
      if (!reply.ok) throw new Error(`results of ${jobId}: ${await reply.text()}`);
      const lines = (await reply.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as ResultLine);
    },
    async standings() {
      return (await request<{ standings: Standing[] }>('/v1/leaderboard')).standings;
    },
    async makeToken(...scopes) {
      const secret = `mh_${randomBytes(16).toString('hex')}`;
      const store = await openRedisStore(coordinator.redisConnection);
      await store.registry.saveToken(tokenHash(secret), {
        tokenId: idFromBytes('k', randomBytes(10)),
        name: 'a test',
        scopes,
        accountId: idFromBytes('a', randomBytes(10)),
        createdAt: Date.now(),
        expiresAt: null,
        revokedAt: null,
      });
      await store.close();
      return secret;
    },
    openStore: async () => {
      const files = await ArchiveFolder.open(join(dataDir, 'archive'));
      return openRedisStore(coordinator.redisConnection, undefined, files);
    },
    async redisBytes() {
      const redis = makeClient(coordinator.redisConnection, { maxRetriesPerRequest: 0 });
      const info = await redis.info('memory');
      redis.disconnect();
      return Number(/used_memory_dataset:(\d+)/.exec(info)?.[1]);
    },
    async killRedis() {
      const pid = coordinator.redisPid();
      if (pid === null) throw new Error('this grid has no Redis of its own');
      process.kill(pid, 'SIGKILL');
      while (isRunning(pid)) await wait(1);
    },
    stallRedis() {
      const pid = coordinator.redisPid();
      if (pid === null) throw new Error('this grid has no Redis of its own');
      process.kill(pid, 'SIGSTOP');
      return () => void process.kill(pid, 'SIGCONT');
    },
    async restart() {
      await coordinator.close();
      coordinator = await start();
    },
    async stop() {
      await coordinator.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  await grid.put(emptyKernel().wasm);
  return grid;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // No such process.
    return false;
  }
}

/** A POST of this as JSON. */
export const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** The error of a reply that was refused. */
export async function refusal(reply: Response): Promise<ErrorBody['error'] & { status: number }> {
  const { error } = (await reply.json()) as ErrorBody;
  return { ...error, status: reply.status };
}
