/** The process of a bench's coordinator: it does what it is told over IPC and answers each order. */
import { readFile } from 'node:fs/promises';
import { type Coordinator, startCoordinator } from '../coordinator/main.ts';
import { makeClient } from '../coordinator/store/redis-connection.ts';
import type { JobId } from '../protocol/ids.ts';
import { emptyKernel } from './empty-kernel.ts';
import type { ServerOrder, ServerStarted } from './server.ts';

let coordinator: Coordinator | null = null;

process.on('message', async (order: ServerOrder) => {
  process.send?.(await obey(order));
  if (order.kind === 'stop') process.disconnect();
});

async function obey(order: ServerOrder): Promise<unknown> {
  if (order.kind === 'start') {
    const { dataDir, shared } = order;
    const where = { host: '127.0.0.1', port: 0, dataDir, logLevel: 'warn' };
    coordinator = await startCoordinator({ ...where, ...shared });
    return {
      url: coordinator.url,
      redisPid: coordinator.redisPid() ?? 0,
      tokenFile: coordinator.operatorToken.path,
    } satisfies ServerStarted;
  }
  if (coordinator === null) throw new Error('the coordinator was not started');
  if (order.kind === 'submit') return await submit(coordinator, order.document);
  if (order.kind === 'redisBytes') return await redisBytes(coordinator);
  await coordinator.close();
  return true;
}

async function submit({ url, operatorToken }: Coordinator, document: object): Promise<JobId> {
  const token = (await readFile(operatorToken.path, 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}` };
  const { digest, wasm } = emptyKernel();
  await fetch(`${url}/v1/artifacts/${digest}`, { method: 'PUT', headers, body: wasm });
  const reply = await fetch(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ ...document, kernel: digest }),
  });
  if (!reply.ok) throw new Error(`the bench's job was refused: ${await reply.text()}`);
  return ((await reply.json()) as { jobId: JobId }).jobId;
}

async function redisBytes({ redisConnection }: Coordinator): Promise<number> {
  const redis = makeClient(redisConnection, { maxRetriesPerRequest: 0 });
  const info = await redis.info('memory');
  redis.disconnect();
  return Number(/used_memory:(\d+)/.exec(info)?.[1]);
}
