/** The bench's coordinator in a process of its own, with one endless job. */

import { readFile } from 'node:fs/promises';
import { startCoordinator } from '../coordinator/main.ts';
import { emptyKernel } from './empty-kernel.ts';

process.once('message', async ({ dataDir }: { dataDir: string }) => {
  const coordinator = await startCoordinator({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    logLevel: 'warn',
  });
  const token = (await readFile(coordinator.operatorToken.path, 'utf8')).trim();
  const authorization = { authorization: `Bearer ${token}` };
  const { digest, wasm } = emptyKernel();
  await fetch(`${coordinator.url}/v1/artifacts/${digest}`, {
    method: 'PUT',
    headers: authorization,
    body: wasm,
  });
  const reply = await fetch(`${coordinator.url}/v1/jobs`, {
    method: 'POST',
    headers: { ...authorization, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'endless',
      kernel: digest,
      units: { range: { count: 1_000_000_000 } },
    }),
  });
  if (!reply.ok) throw new Error(`the bench's job was refused: ${await reply.text()}`);
  process.send?.({ url: coordinator.url, redisPid: coordinator.redisPid() });
  process.once('message', async () => {
    await coordinator.close();
    process.disconnect();
  });
});
