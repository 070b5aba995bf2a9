/**
 * The coordinator's own anchor: a worker in its data folder that the operator vouches for, so that a grid of one
 * household has somebody to check it, and a young one somebody to settle disputes. It is a worker like any
 * other, its kernels run in a sandbox process; if it fails, the coordinator goes on without it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostListSchema, vouchViewSchema } from '../protocol/hosts.ts';
import { openAgent } from '../worker/agent.ts';
import { openSandbox } from '../worker/sandbox/node/sandbox-process.ts';
import { openHttp } from './http.ts';
import { say } from './terminal.ts';

export type Anchor = {
  /** Gives back what runs; the coordinator is to be there until it has. */
  close(): Promise<void>;
};

export function startAnchor(
  url: string,
  { dataDir, tokenPath, cores }: { dataDir: string; tokenPath: string; cores: number },
): Anchor {
  const agent = openAgent({
    urls: [url],
    dataDir: join(dataDir, 'anchor'),
    name: 'anchor',
    team: null,
    cores,
    onEvent: (event) => {
      if (event.type !== 'connected') return;
      vouchFor(url, tokenPath, event.hostId).catch((error) => failed(error));
    },
    openSandbox,
  });
  const ended = agent.done.then(
    ({ why }) => {
      if (why !== '') failed(why);
    },
    (error) => failed(error),
  );
  return {
    async close() {
      agent.stop();
      await ended;
    },
  };
}

/** Once: each time would be a line in the audit log. */
async function vouchFor(url: string, tokenPath: string, hostId: string): Promise<void> {
  const { ask } = openHttp(url, readFileSync(tokenPath, 'utf8').trim());
  const { hosts } = await ask(hostListSchema, '/v1/hosts');
  if (hosts.some((host) => host.hostId === hostId && host.repute === 'anchor')) return;
  await ask(vouchViewSchema, `/v1/hosts/${hostId}/vouch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'coordinator --anchor' }),
  });
}

const failed = (error: unknown): void =>
  say(`The anchor has ended: ${error instanceof Error ? error.message : String(error)}`);
